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
    const int lanes = hesse_simd_lanes();
    return lanes == 8 ? AVX512 : lanes == 4 ? AVX2 : GENERIC;
}

const char *hesse_gemm_level(void)
{
    static const char *const names[] = {"generic", "avx2", "avx512"};
    return names[level_of_this_processor()];
}

int hesse_gemm_lanes(void)
{
    return hesse_simd_lanes();
}

static void whole_vectors(const hesse_gemm_shape *s)
{
    switch (level_of_this_processor()) {
#ifdef HESSE_X86
    case AVX512:
        columns_avx512(s);
        break;
    case AVX2:
        columns_avx2(s);
        break;
#endif
    default:
        columns_generic(s);
    }
}

/* Compute the columns that fill no vector. */
static void other_columns(const hesse_gemm_shape *s, const double *b, double *c)
{
    const size_t lanes = (size_t)hesse_gemm_lanes();
    for (int i = 0; i < s->m; i++)
        for (size_t j = s->n / lanes * lanes; j < s->n; j++) {
            double sum = 0;
            for (int p = 0; p < s->depth; p++)
                sum += s->a.at[(size_t)i * s->a.row + (size_t)p * s->a.col] *
                       b[(size_t)p * s->ldb + j];
            double *at = &c[(size_t)i * s->ldc + j];
            *at = s->alpha * sum + (s->into == HESSE_SET ? 0 : *at);
        }
}

void hesse_gemm_groups(const hesse_gemm_shape *s)
{
    if (s->m < 1 || s->depth < 1) return;
    whole_vectors(s);
    if (s->n % (size_t)hesse_gemm_lanes() == 0) return;
    for (int g = 0; g < s->groups; g++)
        other_columns(s, s->b + (size_t)g * s->next_b, s->c + (size_t)g * s->next_c);
}

void hesse_gemm(hesse_into into, int m, size_t n, int depth, double alpha,
                hesse_strided a, const double *b, size_t ldb, double *c, size_t ldc)
{
    hesse_gemm_groups(&(hesse_gemm_shape){.into = into,
                                          .m = m,
                                          .depth = depth,
                                          .n = n,
                                          .alpha = alpha,
                                          .a = a,
                                          .b = b,
                                          .ldb = ldb,
                                          .c = c,
                                          .ldc = ldc,
                                          .groups = 1});
}
