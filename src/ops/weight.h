/** Products of a weight's k tangents, or of what is wanted of its k cotangents, with
 * primal rows; and its bias. For linear maps and, with patches of an image as rows, for
 *  convolutions. All of them add. */
#ifndef HESSE_OPS_WEIGHT_H
#define HESSE_OPS_WEIGHT_H

#include "ops/op.h"

/** Local. y[i][.] += sum over j < p of a[i][j] D[j, .] for rows i < n: D the k tangents
 * of the weight, stored p x q or, when turned, q x p; a primal, n x p; y k tangents, n
 * x q. */
void hesse_weight_tangents(int n, int p, int q, const double *a, bool turned, int k,
                           const double *tangents, double *y);

/** Local. The same where tangent i is the unit direction of element unit[i]. */
void hesse_weight_units(int n, int p, int q, const double *a, bool turned, int k,
                        const int *unit, double *y);

/** Local. m[r, c] += sum over i < n of a[i][r] z[i][c] for a part of m: a primal, n x
 * p; z k tangents, n x q. m is p x q, or, when turned, q x p and r a row of z. */
void hesse_weight_correlate(int n, int p, int q, const double *a, const double *z,
                            int k, hesse_rect part, bool turned, double *m);

/** Local. y[i][.] += b for rows i < n of `count` numbers, `stride` apart. */
void hesse_bias_add(int n, size_t count, size_t stride, const double *b, double *y);

/** Local. b += sum over i < n of y[i][.]. */
void hesse_bias_sum(int n, size_t count, size_t stride, const double *y, double *b);

#endif /* HESSE_OPS_WEIGHT_H */
