/** The product that carries the program: tangents innermost.
 *
 *  Arrays of tangents are (token, channel, tangent), so every product of a panel has
 * the shape  C[m][j] += sum_p A[m, p] B[p][j]  with A primal and broadcast, B and C
 * tangents and contiguous. General DGEMM is at half speed on shapes this thin; this
 * kernel packs nothing and keeps a tile of C in registers. docs/performance.md. */
#ifndef HESSE_OPS_GEMM_H
#define HESSE_OPS_GEMM_H

#include <stddef.h>

/** A matrix read element by element: entry (i, j) is at[i * row + j * col]. */
typedef struct hesse_strided {
    const double *at;
    size_t row, col;
} hesse_strided;

/** What becomes of C. */
typedef enum hesse_into { HESSE_ADD, HESSE_SET } hesse_into;

/** Local. C[i][j] += alpha sum_p A(i, p) B[p * ldb + j], or = that,  i < m, j < n,
 *  p < depth; C[i][j] is c[i * ldc + j]. Fast where n is a multiple of
 * hesse_gemm_lanes(). */
void hesse_gemm(hesse_into into, int m, size_t n, int depth, double alpha,
                hesse_strided a, const double *b, size_t ldb, double *c, size_t ldc);

/** Local. Numbers in a vector of the instructions in use. */
int hesse_gemm_lanes(void);

/** Local. The instructions in use: "avx512", "avx2" or "generic". */
const char *hesse_gemm_level(void);

#endif /* HESSE_OPS_GEMM_H */
