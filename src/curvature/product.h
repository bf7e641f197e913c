/** Products of a principal part of the Hessian with vectors, without the matrix: sequences
 *  are shared among the ranks, and one reduction adds them up. */
#ifndef HESSE_CURVATURE_PRODUCT_H
#define HESSE_CURVATURE_PRODUCT_H

#include "curvature/model.h"
#include "model/partition.h"

typedef struct hesse_product hesse_product;

/** Collective. For k vectors at once, of the coordinates of some pieces, piece after piece.
 *
 *  pieces  [in]  n_pieces rectangles of parameters, borrowed.
 *  Memory: 8 k bytes for every coordinate of a touched parameter, twice, and the tangents
 *  of some sequences.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_product_new(hesse_model *model, const hesse_piece *pieces,
                               int n_pieces, int k, hesse_product **product);
void hesse_product_free(hesse_product *p);

/** Collective. hv = S v with S the share `part`, restricted to the pieces.
 *
 *  v   [in]   size x k, equal on all ranks: element (i, j) is v[i * k + j].
 *  hv  [out]  size x k, the same bits on all ranks. */
void hesse_product_run(hesse_product *p, hesse_kinds part, const double *v, double *hv);

#endif /* HESSE_CURVATURE_PRODUCT_H */
