/** The inside of a model on data. */
#ifndef HESSE_CURVATURE_MODEL_H
#define HESSE_CURVATURE_MODEL_H

#include "hesse/model.h"
#include "input/tokens.h"
#include "model/params.h"
#include "model/tape.h"
#include "parallel/team.h"

struct hesse_model {
    hesse_team *team; /* borrowed */
    hesse_arch arch;
    hesse_params params;
    hesse_tokens tokens;
    hesse_tape *tape;
    double *theta, *gradient; /* NULL in an outline */
    double loss;
    hesse_why note;
    char checkpoint[HESSE_DIGEST_LENGTH]; /* digest; "" without a checkpoint */
};

#endif /* HESSE_CURVATURE_MODEL_H */
