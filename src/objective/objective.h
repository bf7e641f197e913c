/** The inside of an objective, for the library's own files. */
#ifndef HESSE_OBJECTIVE_OBJECTIVE_H
#define HESSE_OBJECTIVE_OBJECTIVE_H

#include "hesse/objective.h"
#include "network/families/families.h"
#include "network/workload.h"
#include "objective/network.h"
#include "parallel/team.h"

struct hesse_objective {
    hesse_team *team;             /* borrowed                                   */
    const hesse_network *network; /* borrowed                                   */
    hesse_objective_options options;
    hesse_batch batch;        /* a view of a dataset's examples, or of `chosen` */
    hesse_batch chosen;       /* copies of chosen examples; empty: there are none */
    hesse_tape *tape;         /* of the network on the batch; NULL: no batch */
    hesse_workload *workload; /* of products on the tape                     */
    const double *theta;      /* the network's or `own`; NULL for an outline */
    double *own;              /* parameters that the caller has set; NULL: none */
    double loss;              /* from the last evaluation */
};

/** Local. Examples first ... end - 1 of the batch are this rank's share in sums over
 * all examples. If the network couples the examples, the share has all of them. */
typedef struct hesse_example_range {
    int first, end;
} hesse_example_range;

hesse_example_range hesse_objective_share(const hesse_objective *objective, int rank);

/** Local. Return the most examples of which a rank keeps the activations, if the memory
 * suffices: its share of them, or all. */
int hesse_objective_largest_share(const hesse_objective *objective);

/** Local. Return the weights of the terms of the loss. The objective has a tape. */
hesse_weighting hesse_objective_weighting(const hesse_objective *objective);

/** Local. Compute values and adjoints of some examples, before sweeps over them. If the
 * tape holds all examples, several threads may read them then. */
void hesse_objective_prepare(const hesse_objective *objective, int first, int count);

#endif /* HESSE_OBJECTIVE_OBJECTIVE_H */
