/** Products of a principal part of the Hessian with vectors, without the matrix:
 * sequences are shared among the ranks, and one reduction adds them up. Where there are
 * more ranks than sequences, or sequences meet in the model, vectors are shared, too.
 */
#ifndef HESSE_OBJECTIVE_PRODUCT_H
#define HESSE_OBJECTIVE_PRODUCT_H

#include "network/partition.h"
#include "network/sweep.h"
#include "network/workload.h"
#include "objective/objective.h"

/** Vectors of the coordinates of some pieces, piece after piece. */
typedef struct hesse_bundle {
    const hesse_piece *pieces; /* [n_pieces] rectangles of parameters */
    int n_pieces, k;
} hesse_bundle;

typedef struct hesse_product hesse_product;

/** Collective. For the vectors of all bundles at once, one bundle after the other:
 * element (i, j) of a bundle's is at i * k + j of it.
 *
 *  bundles  [in]  borrowed, and so are their pieces.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_product_new(hesse_objective *objective, const hesse_bundle *bundles,
                               int count, hesse_product **product);
void hesse_product_free(hesse_product *p);

/** Local. Bytes that it takes on each of so many ranks: of every parameter that pieces
 * lie in 8 for each vector of the rank, twice, and the tangents of some sequences
 * (infinite when memory is exhausted); and the work of one product, of all ranks
 * together. Errors: HESSE_E_NOMEM. */
double hesse_product_bytes(const hesse_objective *objective, int ranks,
                           const hesse_bundle *bundles, int count);
hesse_status hesse_product_work(const hesse_objective *objective,
                                const hesse_bundle *bundles, int count,
                                hesse_work *work, hesse_why *why);

/** Local. How many vectors, at most so many, are best multiplied at once: where
 * matrices of the model are so wide that BLAS is faster with one vector than the
 * program's own products with several, one for every group of ranks that share vectors.
 */
int hesse_product_width(const hesse_objective *objective, int ranks, int most);

/** Local. How many times faster so many ranks are than one, by what the busiest of them
 * does of a product with so many vectors. */
double hesse_product_sharing(const hesse_objective *objective, int ranks, int vectors);

/** Collective. hv = S v with S the share `part`, of every bundle restricted to its
 * pieces.
 *
 *  v   [in]   equal on all ranks.
 *  hv  [out]  the same bits on all ranks. */
void hesse_product_run(hesse_product *p, hesse_kinds part, const double *v, double *hv);

#endif /* HESSE_OBJECTIVE_PRODUCT_H */
