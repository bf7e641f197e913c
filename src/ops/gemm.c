/* One tile, and three instruction sets, chosen at run time. A tile that is fast with
   the 32 wide registers of AVX-512 does not fit into the 16 of AVX2, so the tiles
   differ in shape. AVX-512 has a second, wider shape for products that are not a
   multiple of the first one wide. */
#include "ops/gemm.h"

#include "base/simd.h"

#ifdef HESSE_X86
#define LANES   8
#define VECTORS 3
#define ROWS    8
#define WIDE    4
#define LOW     6
#define TARGET  __attribute__((target("avx512f")))
#define NAME(x) x##_avx512
#include "ops/gemm_tile.h"
#undef LANES
#undef VECTORS
#undef ROWS
#undef WIDE
#undef LOW
#undef TARGET
#undef NAME

#define LANES   4
#define VECTORS 2
#define ROWS    6
#define TARGET  __attribute__((target("avx2,fma")))
#define NAME(x) x##_avx2
#include "ops/gemm_tile.h"
#undef LANES
#undef VECTORS
#undef ROWS
#undef TARGET
#undef NAME
#endif

#define LANES   2
#define VECTORS 2
#define ROWS    4
#define TARGET
#define NAME(x) x##_generic
#include "ops/gemm_tile.h"

typedef enum level { GENERIC, AVX2, AVX512 } level;

static level level_of_this_processor(void)
{
#ifdef HESSE_X86
    if (__builtin_cpu_supports("avx512f")) return AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return AVX2;
#endif
    return GENERIC;
}

const char *hesse_gemm_level(void)
{
    static const char *const names[] = {"generic", "avx2", "avx512"};
    return names[level_of_this_processor()];
}

int hesse_gemm_lanes(void)
{
    static const int lanes[] = {2, 4, 8};
    return lanes[level_of_this_processor()];
}

static size_t whole_vectors(hesse_into into, int m, size_t n, int depth, double alpha,
                            hesse_strided a, const double *b, size_t ldb, double *c,
                            size_t ldc)
{
    switch (level_of_this_processor()) {
#ifdef HESSE_X86
    case AVX512:
        return columns_avx512(into, m, n, depth, alpha, a, b, ldb, c, ldc);
    case AVX2:
        return columns_avx2(into, m, n, depth, alpha, a, b, ldb, c, ldc);
#endif
    default:
        return columns_generic(into, m, n, depth, alpha, a, b, ldb, c, ldc);
    }
}

void hesse_gemm(hesse_into into, int m, size_t n, int depth, double alpha,
                hesse_strided a, const double *b, size_t ldb, double *c, size_t ldc)
{
    if (m < 1 || depth < 1) return;
    const size_t done = whole_vectors(into, m, n, depth, alpha, a, b, ldb, c, ldc);
    for (int i = 0; i < m; i++)
        for (size_t j = done; j < n; j++) {
            double sum = 0;
            for (int p = 0; p < depth; p++)
                sum += a.at[(size_t)i * a.row + (size_t)p * a.col] *
                       b[(size_t)p * ldb + j];
            double *at = &c[(size_t)i * ldc + j];
            *at = alpha * sum + (into == HESSE_SET ? 0 : *at);
        }
}
