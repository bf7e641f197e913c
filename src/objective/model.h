/** The inside of a model on data. */
#ifndef HESSE_OBJECTIVE_MODEL_H
#define HESSE_OBJECTIVE_MODEL_H

#include "hesse/model.h"
#include "network/batch.h"
#include "network/params.h"
#include "network/tape.h"
#include "parallel/team.h"

struct hesse_model {
    hesse_team *team; /* borrowed */
    hesse_arch arch;
    hesse_params params, buffers;
    hesse_batch batch;
    hesse_tape *tape;
    double *theta, *gradient; /* NULL in an outline */
    double *constants;        /* the buffers' numbers; NULL in an outline */
    double loss;
    hesse_why note;
    char checkpoint[HESSE_DIGEST_LENGTH]; /* digest; "" without a checkpoint */
};

#endif /* HESSE_OBJECTIVE_MODEL_H */
