/** Products of a principal part of the Hessian with vectors, without the matrix.
 * Sequences are shared among the ranks, and one reduction adds them up. If there are
 * more ranks than sequences, or if sequences interact in the model, vectors are shared,
 * too. */
#ifndef HESSE_OBJECTIVE_PRODUCT_H
#define HESSE_OBJECTIVE_PRODUCT_H

#include "network/partition.h"
#include "network/sweep.h"
#include "network/workload.h"
#include "objective/objective.h"

/** Vectors whose coordinates are those of some pieces, piece after piece. */
typedef struct hesse_bundle {
    const hesse_piece *pieces; /* [n_pieces] rectangles of parameters */
    int n_pieces, k;
} hesse_bundle;

typedef struct hesse_product hesse_product;

/** Collective. Make a product for the vectors of all bundles at once. In a list of
 * vectors, one bundle follows the other, and element (i, j) of a bundle is at i * k + j
 * in its part of the list.
 *
 *  bundles  [in]  borrowed, and so are their pieces.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_product_new(hesse_objective *objective, const hesse_bundle *bundles,
                               int count, hesse_product **product);
void hesse_product_free(hesse_product *p);

/** Local. Return the bytes of a product on each of `ranks` ranks, or the work of one
 * product, of all ranks together. Each parameter in which pieces lie takes 8 bytes for
 * each of its numbers and each vector of the rank, twice, unless the sweep can work on
 * the vectors of the caller. The tangents of some sequences are added. The bytes are
 * infinite when memory is exhausted. Errors: HESSE_E_NOMEM. */
double hesse_product_bytes(const hesse_objective *objective, int ranks,
                           const hesse_bundle *bundles, int count);
hesse_status hesse_product_work(const hesse_objective *objective,
                                const hesse_bundle *bundles, int count,
                                hesse_work *work, hesse_why *why);

/** Local. Return the best number of vectors to multiply at once, up to `most`. If the
 * model has wide matrices, several vectors at once are hardly faster per vector than
 * one, and need much more memory. Then it is one vector for every group of ranks that
 * share vectors. */
int hesse_product_width(const hesse_objective *objective, int ranks, int most);

/** Local. Return how many times faster `ranks` ranks are than one, for a product with
 * some vectors. It is measured by the work of the busiest rank. */
double hesse_product_sharing(const hesse_objective *objective, int ranks, int vectors);

/** Collective. Compute hv = S v. S is the share `part`, restricted to the pieces of
 * each bundle.
 *
 *  v   [in]   equal on all ranks; not in the same memory as hv.
 *  hv  [out]  the same bits on all ranks. */
void hesse_product_run(hesse_product *p, hesse_kinds part, const double *v, double *hv);

#endif /* HESSE_OBJECTIVE_PRODUCT_H */
