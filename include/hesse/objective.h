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

/** The way in which the losses of targets are combined. */
typedef enum hesse_reduction {
    HESSE_MEAN,          /* over all targets                                      */
    HESSE_SUM_OF_TOKENS, /* over all targets                                      */
    HESSE_SUM_OF_BATCHES /* of the means over micro-batches, as in published scripts */
} hesse_reduction;

/** Settings of an objective. Start it from {0}. */
typedef struct hesse_objective_options {
    hesse_reduction reduction;
    int batch; /* examples of a micro-batch, a divisor of the batch; 0: 1          */
    /* Values and adjoints between the examples and the loss are not searched for
       numbers that are not finite as long as loss and gradient are finite. */
    bool trusting;
    /* Bytes that a rank may use; 0: the free memory. The activations of all examples
       are kept if they need at most half of it. Otherwise those of some examples are
       kept, and every sweep computes the others again. */
    size_t memory;
    /* The activations that a rank keeps are those of its share of the examples, if this
       number of ranks shares them; 0 or 1: of all examples. Panels of matrices need
       all; losses, gradients and products with vectors need the share alone. */
    int sharing;
} hesse_objective_options;

typedef struct hesse_objective hesse_objective;

/** Collective. Join a network and a batch, which is all examples of the dataset.
 * Nothing is computed. The parameters are those of the network. An outline has none,
 * and then only a plan can be made.
 *
 *  network, dataset  [in]  borrowed until the objective is freed. dataset NULL: there
 * is no batch until one is set. Memory: activations of the batch, or of a part of it.
 *  Errors: HESSE_E_JOB when they do not fit one another, HESSE_E_INPUT when every
 * target is ignored, HESSE_E_NOMEM. */
hesse_status hesse_objective_new(hesse_team *team, const hesse_network *network,
                                 const hesse_dataset *dataset,
                                 const hesse_objective_options *options,
                                 hesse_objective **objective);

/** Local. NULL is legal. */
void hesse_objective_free(hesse_objective *objective);

/** Collective. Take examples first ... first + count - 1 of a dataset as the batch from
 * now on; it is borrowed. Errors: as hesse_objective_new; after an error the objective
 * has no batch. */
hesse_status hesse_objective_set_batch(hesse_objective *objective,
                                       const hesse_dataset *dataset, int first,
                                       int count);

/** Collective. Take chosen examples of a dataset as the batch from now on, in the order
 * of their indices, which may repeat. They are copied. If the batch before was chosen
 * in this way, too, and has as many examples, its memory serves again, and the call is
 * cheap.
 *
 *  indices  [in]  count of them, equal on all ranks, each from 0 to the number of
 *           examples - 1.
 *  Errors: as hesse_objective_set_batch. */
hesse_status hesse_objective_set_examples(hesse_objective *objective,
                                          const hesse_dataset *dataset, int count,
                                          const int *indices);

/** Collective. Use other parameters from now on: n numbers, copied, equal on all ranks.
 *  Memory: 8 n bytes, once. Errors: HESSE_E_JOB for an outline, HESSE_E_NOMEM. */
hesse_status hesse_objective_set_parameters(hesse_objective *objective,
                                            const double *values);

/** Local. Use the parameters of the network again, which may have other values now
 * (hesse_network_reload). Every rank calls it. */
void hesse_objective_refresh(hesse_objective *objective);

/** Local. The present parameters, n numbers. */
const double *hesse_objective_parameters(const hesse_objective *objective);

/** Collective. Compute the loss, or the loss and the gradient (n numbers, NULL: not
 * needed). They are the same on every rank: each rank computes some of the examples,
 * and one reduction adds them up. (If batch normalisation couples the examples, every
 * rank computes all.)
 *  Errors: HESSE_E_NUMERIC naming the operator and the example that first give a number
 *  that is not finite. */
hesse_status hesse_objective_loss(hesse_objective *objective, double *loss);
hesse_status hesse_objective_gradient(hesse_objective *objective, double *loss,
                                      double *gradient);

/** Collective. Compute the loss, and the fraction of the targets whose class has the
 * largest output (of several equal ones the first). Ignored targets do not count.
 *
 *  accuracy  [out]  from 0 to 1; NaN for losses without classes.
 *  Errors: as hesse_objective_loss. */
hesse_status hesse_objective_accuracy(hesse_objective *objective, double *loss,
                                      double *accuracy);

/** Local. The number of the outputs of all examples, which the loss compares with the
 * targets: logits, or numbers in the order of the targets. 0: there is no batch. */
size_t hesse_objective_output_count(const hesse_objective *objective);

/** Collective. Compute the outputs of all examples.
 *
 *  outputs  [out]  hesse_objective_output_count numbers, equal on all ranks.
 *  Errors: as hesse_objective_loss. */
hesse_status hesse_objective_outputs(hesse_objective *objective, double *outputs);

/** Collective. Compute the contribution of each of the examples first ... first + count
 * - 1 to the gradient. The contributions of all examples of the batch add up to the
 * gradient.
 *
 *  gradients  [out]  count x n, equal on all ranks.
 *  Errors: HESSE_E_JOB if examples are out of range or batch normalisation couples
 *  them; HESSE_E_NUMERIC. */
hesse_status hesse_objective_example_gradients(hesse_objective *objective, int first,
                                               int count, double *gradients);

/** Collective. Compute hv = S v for k vectors at once. Every rank computes some of the
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

/** Local. The number of examples of the batch, the tokens of an example, and the kinds
 * of the operators that occur. */
int hesse_objective_examples(const hesse_objective *objective);
int hesse_objective_tokens(const hesse_objective *objective);
hesse_kinds hesse_objective_kinds(const hesse_objective *objective);

/** Local. The number of examples whose activations are held at once: all, or fewer if
 * memory is short. */
int hesse_objective_window(const hesse_objective *objective);

/** Local. The last loss that one of these functions or an analysis has evaluated. */
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

/** Collective. Add the outputs of a network to the targets of a dataset of the kind
 * "outputs", whose targets are only the noise until then. The network is that of the
 * source with its initial values, also where the source has a checkpoint. Another
 * dataset, and one that has its outputs, stays as it is.
 * hesse_problem_open does this for its own dataset.
 *  Errors: those of hesse_network_open and hesse_objective_new, HESSE_E_NUMERIC. */
hesse_status hesse_dataset_add_outputs(hesse_team *team,
                                       const hesse_network_source *source,
                                       hesse_dataset *dataset);

/** Local. Free all three; NULL is legal. */
void hesse_problem_free(hesse_problem *problem);

#ifdef __cplusplus
}
#endif

#endif /* HESSE_OBJECTIVE_H */
