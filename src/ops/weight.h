/** Products of a weight's k tangents, or of the wanted part of its k cotangents, with
 *  primal rows; and the same for its bias. Linear maps use them, and convolutions,
 *  whose rows are patches of an image. All of them add to their result. */
#ifndef HESSE_OPS_WEIGHT_H
#define HESSE_OPS_WEIGHT_H

#include "ops/op.h"

/** Local. y[i][.] += sum over j < p of a[i][j] D[j, .] for rows i < n. D are the k
 *  tangents of the weight, stored p x q or, if turned, q x p; a is primal, n x p; y are
 *  k tangents, n x q. */
void hesse_weight_tangents(int n, int p, int q, const real *a, bool turned, int k,
                           const real *tangents, real *y);

/** Local. Add the same, where tangent i is the unit direction of element unit[i]. */
void hesse_weight_units(int n, int p, int q, const real *a, bool turned, int k,
                        const int *unit, real *y);

/** Local. m[r, c] += sum over i < n of a[i][r] z[i][c] for a part of m. a is primal, n
 *  x p; z are k tangents, n x q. m is p x q; if turned, it is q x p and its row r
 *  belongs to channel r of z. */
void hesse_weight_correlate(int n, int p, int q, const real *a, const real *z, int k,
                            hesse_rect part, bool turned, real *m);

/** Local. y[i][.] += b for rows i < n of `count` numbers, `stride` apart. */
void hesse_bias_add(int n, size_t count, size_t stride, const real *b, real *y);

/** Local. b += sum over i < n of y[i][.]. */
void hesse_bias_sum(int n, size_t count, size_t stride, const real *y, real *b);

#endif /* HESSE_OPS_WEIGHT_H */
