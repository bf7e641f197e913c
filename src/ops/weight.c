/* If the weight is stored in the order of the result, every product is one hesse_gemm.
   If it is turned, the tangents of a row of the result are not neighbours, so every row
   is a group. Products with several tangents of a wide weight go to BLAS, which packs
   it. */
#include "ops/weight.h"

#include "ops/gemm.h"
#include "ops/loops.h"

#include <cblas.h>

/* Numbers of a matrix that stay in the cache while rows are multiplied with it, and its
   columns. */
enum { NEAR = (1 << 19) / sizeof(real), DEPTH = 256 };

/* A weight with this many numbers or more goes to BLAS. */
enum { WIDE = 65536 };

void hesse_weight_tangents(int n, int p, int q, const real *a, bool turned, int k,
                           const real *tangents, real *y)
{
    const size_t stride = hesse_stride(q, k), one = (size_t)k;
    const hesse_strided rows = {a, (size_t)p, 1};
    if (k == 1) {
        const hesse_strided d = {tangents, turned ? 1 : (size_t)q,
                                 turned ? (size_t)p : 1};
        hesse_gemm_plain(HESSE_ADD, n, q, p, 1, rows, d, y, stride);
        return;
    }
    if (!turned && (size_t)p * (size_t)q >= WIDE) {
        HESSE_CBLAS(gemm)
        (CblasRowMajor, CblasNoTrans, CblasNoTrans, n, q * k, p, 1, a, p, tangents,
         q * k, 1, y, (int)stride);
        return;
    }
    if (!turned) {
        hesse_gemm(HESSE_ADD, n, (size_t)q * one, p, 1, rows, tangents, (size_t)q * one,
                   y, stride);
        return;
    }
    const int most = NEAR / DEPTH;
    for (int i = 0; i < n; i += most)
        for (int from = 0; from < p; from += DEPTH)
            hesse_gemm_groups(&(hesse_gemm_shape){
                .into = HESSE_ADD,
                .m = n - i < most ? n - i : most,
                .depth = p - from < DEPTH ? p - from : DEPTH,
                .n = one,
                .alpha = 1,
                .a = {a + (size_t)i * (size_t)p + from, (size_t)p, 1},
                .b = tangents + (size_t)from * one,
                .ldb = one,
                .c = y + (size_t)i * stride,
                .ldc = stride,
                .groups = q,
                .next_b = (size_t)p * one,
                .next_c = one,
            });
}

void hesse_weight_units(int n, int p, int q, const real *a, bool turned, int k,
                        const int *unit, real *y)
{
    const size_t stride = hesse_stride(q, k);
    for (int i = 0; i < k; i++) {
        const int from = turned ? unit[i] % p : unit[i] / q;
        const int to = turned ? unit[i] / p : unit[i] % q;
        for (int r = 0; r < n; r++)
            y[(size_t)r * stride + (size_t)to * (size_t)k + (size_t)i] +=
                a[(size_t)r * (size_t)p + (size_t)from];
    }
}

void hesse_weight_correlate(int n, int p, int q, const real *a, const real *z, int k,
                            hesse_rect part, bool turned, real *m)
{
    const size_t stride = hesse_stride(q, k), one = (size_t)k;
    const size_t row = (size_t)part.cols * one;
    const bool wide = (size_t)part.rows * (size_t)part.cols >= WIDE;
    const hesse_strided by_a = {a + (turned ? part.col : part.row), 1, (size_t)p};
    if (k == 1) {
        const real *zp = z + (turned ? part.row : part.col);
        if (turned)
            hesse_gemm_plain(HESSE_ADD, part.rows, part.cols, n, 1,
                             (hesse_strided){zp, 1, stride}, hesse_transposed(by_a), m,
                             row);
        else
            hesse_gemm_plain(HESSE_ADD, part.rows, part.cols, n, 1, by_a,
                             (hesse_strided){zp, stride, 1}, m, row);
    } else if (!turned && wide) {
        HESSE_CBLAS(gemm)
        (CblasRowMajor, CblasTrans, CblasNoTrans, part.rows, (int)row, n, 1,
         a + part.row, p, z + (size_t)part.col * one, (int)stride, 1, m, (int)row);
    } else if (!turned) {
        hesse_gemm(HESSE_ADD, part.rows, row, n, 1, by_a, z + (size_t)part.col * one,
                   stride, m, row);
    } else {
        const int most = NEAR / n < 8 ? 8 : NEAR / n / 8 * 8;
        for (int j = 0; j < part.cols; j += most)
            hesse_gemm_groups(&(hesse_gemm_shape){
                .into = HESSE_ADD,
                .m = part.cols - j < most ? part.cols - j : most,
                .depth = n,
                .n = one,
                .alpha = 1,
                .a = {by_a.at + j, 1, (size_t)p},
                .b = z + (size_t)part.row * one,
                .ldb = stride,
                .c = m + (size_t)j * one,
                .ldc = one,
                .groups = part.rows,
                .next_b = one,
                .next_c = row,
            });
    }
}

HESSE_SIMD void hesse_bias_add(int n, size_t count, size_t stride, const real *b,
                               real *y)
{
    for (int i = 0; i < n; i++) add(count, 1, b, y + (size_t)i * stride);
}

HESSE_SIMD void hesse_bias_sum(int n, size_t count, size_t stride, const real *y,
                               real *b)
{
    for (int i = 0; i < n; i++) add(count, 1, y + (size_t)i * stride, b);
}
