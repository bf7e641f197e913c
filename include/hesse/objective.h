/** hesse: the loss of a network on a batch of examples, and its derivatives. */
#ifndef HESSE_OBJECTIVE_H
#define HESSE_OBJECTIVE_H

#include "hesse/dataset.h"
#include "hesse/network.h"
#include "hesse/parts.h"
#include "hesse/team.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What the loss is. */
typedef enum hesse_reduction {
    HESSE_MEAN,          /* over all targets                                      */
    HESSE_SUM_OF_TOKENS, /* over all targets                                      */
    HESSE_SUM_OF_BATCHES /* of the means over micro-batches, as published scripts have
                            it */
} hesse_reduction;

/** How. Start it from {0}. */
typedef struct hesse_objective_options {
    hesse_reduction reduction;
    int batch; /* examples of a micro-batch, a divisor of the batch; 0: 1          */
    /* Bytes a rank may use; 0: what is free. Activations of all examples are kept where
       they need at most half of it; else those of some, and every sweep computes the
       others again. */
    size_t memory;
} hesse_objective_options;

typedef struct hesse_objective hesse_objective;

/** Collective. A network and a batch: all examples of the dataset. Nothing is computed.
 * The parameters are those of the network; of an outline there are none, and only a
 * plan can be made.
 *
 *  network, dataset  [in]  borrowed until the objective is freed.
 *  Memory: activations of the batch, or of a part of it.
 *  Errors: HESSE_E_JOB when they do not fit one another, HESSE_E_INPUT when every
 * target is ignored, HESSE_E_NOMEM. */
hesse_status hesse_objective_new(hesse_team *team, const hesse_network *network,
                                 const hesse_dataset *dataset,
                                 const hesse_objective_options *options,
                                 hesse_objective **objective);

/** Local. NULL is legal. */
void hesse_objective_free(hesse_objective *objective);

/** Collective. Take examples first ... first + count - 1 of a dataset as the batch from
 * now on; it is borrowed. Errors: as hesse_objective_new; after one the objective has
 * no batch. */
hesse_status hesse_objective_set_batch(hesse_objective *objective,
                                       const hesse_dataset *dataset, int first,
                                       int count);

/** Collective. Use other parameters from now on: n numbers, copied, equal on all ranks.
 *  Memory: 8 n bytes, once. Errors: HESSE_E_JOB of an outline, HESSE_E_NOMEM. */
hesse_status hesse_objective_set_parameters(hesse_objective *objective,
                                            const double *values);

/** Local. The present parameters, n numbers. */
const double *hesse_objective_parameters(const hesse_objective *objective);

/** Collective. The loss; loss and gradient (n numbers, NULL: not wanted), the same on
 * every rank: each rank takes its share of the examples, and one reduction adds them
 * up. (Where batch normalisation couples the examples, every rank computes all.)
 *  Errors: HESSE_E_NUMERIC naming the operator and the example that first give a number
 *  that is not finite. */
hesse_status hesse_objective_loss(hesse_objective *objective, double *loss);
hesse_status hesse_objective_gradient(hesse_objective *objective, double *loss,
                                      double *gradient);

/** Collective. The terms that each of examples first ... first + count - 1 has in the
 *  gradient: over the batch they add up to it.
 *
 *  gradients  [out]  count x n, equal on all ranks.
 *  Errors: HESSE_E_JOB out of range or where batch normalisation couples the examples;
 *  HESSE_E_NUMERIC. */
hesse_status hesse_objective_example_gradients(hesse_objective *objective, int first,
                                               int count, double *gradients);

/** Collective. hv = S v for k vectors at once; every rank takes its share of the
 * examples, and one reduction adds them up.
 *
 *  share  [in]   HESSE_ALL for the Hessian itself, or a share of it.
 *  v      [in]   n x k, equal on all ranks: element (i, j) is v[i * k + j].
 *  hv     [out]  n x k, equal on all ranks.
 *  Memory: 32 n k bytes and the tangents of some examples.
 *  Errors: HESSE_E_JOB (no share, no vector), HESSE_E_NOMEM, HESSE_E_NUMERIC.
 *  Source: Pearlmutter, Neural Computation 6 (1994), 147-160. */
hesse_status hesse_objective_product(hesse_objective *objective, hesse_kinds share,
                                     int k, const double *v, double *hv);

/** Local. Examples of the batch, tokens of an example, kinds of the operators that
 * occur. */
int hesse_objective_examples(const hesse_objective *objective);
int hesse_objective_tokens(const hesse_objective *objective);
hesse_kinds hesse_objective_kinds(const hesse_objective *objective);

/** Local. Examples whose activations are held at once: all, or fewer where memory is
 * short. */
int hesse_objective_window(const hesse_objective *objective);

/** Local. The loss as it was last evaluated by one of these functions or by an
 * analysis. */
double hesse_objective_last_loss(const hesse_objective *objective);

/** A network, a dataset and the objective of both. */
typedef struct hesse_problem {
    hesse_network *network;
    hesse_dataset *dataset;
    hesse_objective *objective;
} hesse_problem;

/** Collective. Open all three. After an error all are NULL.
 *  Errors: those of hesse_network_open, hesse_dataset_open and hesse_objective_new. */
hesse_status hesse_problem_open(hesse_team *team, const hesse_network_source *source,
                                const hesse_data_options *data,
                                const hesse_objective_options *options,
                                hesse_problem *problem);

/** Local. Free all three; NULL is legal. */
void hesse_problem_free(hesse_problem *problem);

#ifdef __cplusplus
}
#endif

#endif /* HESSE_OBJECTIVE_H */
