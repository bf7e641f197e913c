/** The product that takes most of the program's time; tangents are innermost.
 *
 *  Arrays of tangents are (token, channel, tangent), so every product of a panel has
 *  the shape  C[m][j] += sum_p A[m, p] B[p][j].  A is primal and broadcast; B and C are
 *  tangents and contiguous. A general DGEMM runs at half speed on such thin shapes;
 *  this kernel packs nothing and keeps a tile of C in registers.
 *  docs/performance.md. */
#ifndef HESSE_OPS_GEMM_H
#define HESSE_OPS_GEMM_H

#include "base/real.h"

#include <stddef.h>

/** A matrix that is read element by element: entry (i, j) is at[i * row + j * col]. */
typedef struct hesse_strided {
    const real *at;
    size_t row, col;
} hesse_strided;

/** Return the transpose of a matrix. */
static inline hesse_strided hesse_transposed(hesse_strided m)
{
    return (hesse_strided){m.at, m.col, m.row};
}

/** A product is added to C, or C is set to it. */
typedef enum hesse_into { HESSE_ADD, HESSE_SET } hesse_into;

/** A product of each of some groups with the same matrix A: for every group g,
 *
 *      C_g[i][j] += alpha sum_p A(i, p) B_g[p][j],  or = the same,
 *
 *  for i < m, j < n, p < depth. B_g[p][j] is b[g * next_b + p * ldb + j], and C_g[i][j]
 *  is c[g * next_c + i * ldc + j]. A group is a token, for example. */
typedef struct hesse_gemm_shape {
    hesse_into into;
    int m, depth;
    size_t n;
    real alpha;
    hesse_strided a;
    const real *b;
    size_t ldb;
    real *c;
    size_t ldc;
    int groups;
    size_t next_b, next_c;
} hesse_gemm_shape;

/** Local. Compute the products of a shape. It is fast if n is a multiple of
 *  hesse_gemm_lanes(). Groups with few columns are computed side by side. */
void hesse_gemm_groups(const hesse_gemm_shape *s);

/** Local. The same for one group. */
void hesse_gemm(hesse_into into, int m, size_t n, int depth, real alpha,
                hesse_strided a, const real *b, size_t ldb, real *c, size_t ldc);

/** Local. C += A B, or = the same, for matrices of numbers that are not tangents, or
 * are one tangent each: A is m x depth, B depth x n, and C m x n with rows `ldc` apart.
 * Of A and B, one of the two strides must be 1. Small matrices are multiplied by the
 * same tile, and large ones by BLAS. */
void hesse_gemm_plain(hesse_into into, int m, int n, int depth, real alpha,
                      hesse_strided a, hesse_strided b, real *c, size_t ldc);

/** Local. Return the numbers in a vector of the instructions in use. */
int hesse_gemm_lanes(void);

/** Local. Name the instructions in use: "avx512", "avx2" or "generic". */
const char *hesse_gemm_level(void);

#endif /* HESSE_OPS_GEMM_H */
