/* One tile, and three instruction sets, chosen at run time. A tile that is fast with
   the 32 wide registers of AVX-512 does not fit into the 16 of AVX2, so the tiles
   differ in shape. AVX-512 has a second, wider shape for products that are not a
   multiple of the first one wide. */
#include "ops/gemm.h"

#include "base/simd.h"

#include <cblas.h>
#include <stdbool.h>
#include <string.h>

#ifdef HESSE_X86
#define LANES   HESSE_REALS_64
#define VECTORS 3
#define ROWS    8
#define AHEAD   true
#define WIDE    4
#define LOW     6
#define TARGET  __attribute__((target("avx512f")))
#define NAME(x) x##_avx512
#include "ops/gemm_tile.h"
#undef LANES
#undef VECTORS
#undef ROWS
#undef AHEAD
#undef WIDE
#undef LOW
#undef TARGET
#undef NAME

#define LANES   HESSE_REALS_32
#define VECTORS 2
#define ROWS    6
#define AHEAD   false
#define TARGET  __attribute__((target("avx2,fma")))
#define NAME(x) x##_avx2
#include "ops/gemm_tile.h"
#undef LANES
#undef VECTORS
#undef ROWS
#undef AHEAD
#undef TARGET
#undef NAME
#endif

#define LANES   (HESSE_REALS_32 / 2)
#define VECTORS 2
#define ROWS    4
#define AHEAD   false
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
    return hesse_real_lanes();
}

static size_t lanes_of(level l)
{
    return l == AVX512 ? HESSE_REALS_64
           : l == AVX2 ? HESSE_REALS_32
                       : HESSE_REALS_32 / 2;
}

static void whole_vectors(level l, const hesse_gemm_shape *s)
{
    switch (l) {
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

/* Compute the columns of a group one by one. */
static void single_columns(const hesse_gemm_shape *s, const real *b, real *c)
{
    for (int i = 0; i < s->m; i++)
        for (size_t j = 0; j < s->n; j++) {
            real sum = 0;
            for (int p = 0; p < s->depth; p++)
                sum += s->a.at[(size_t)i * s->a.row + (size_t)p * s->a.col] *
                       b[(size_t)p * s->ldb + j];
            real *at = &c[(size_t)i * s->ldc + j];
            *at = s->alpha * sum + (s->into == HESSE_SET ? 0 : *at);
        }
}

/* The columns that fill no vector fill narrower ones, which the processor has, too. */
void hesse_gemm_groups(const hesse_gemm_shape *s)
{
    hesse_gemm_shape left = *s;
    if (s->m < 1 || s->depth < 1) return;
    for (int l = (int)level_of_this_processor(); l >= GENERIC && left.n; l--) {
        const size_t done = left.n / lanes_of((level)l) * lanes_of((level)l);
        if (done) whole_vectors((level)l, &left);
        left.b += done, left.c += done, left.n -= done;
    }
    for (int g = 0; left.n && g < s->groups; g++)
        single_columns(&left, left.b + (size_t)g * s->next_b,
                       left.c + (size_t)g * s->next_c);
}

void hesse_gemm(hesse_into into, int m, size_t n, int depth, real alpha,
                hesse_strided a, const real *b, size_t ldb, real *c, size_t ldc)
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

/* A panel of B is PANEL_DEPTH x PANEL numbers, which fit the first-level cache. Rows of
   A and C that go together have as many numbers as fit the second-level cache. */
enum { PANEL = 3 * HESSE_REALS_64, PANEL_DEPTH = 128, PANEL_ROWS = 512, CORNER = 32 };

/* A matrix B with more numbers than this does not stay in the cache, so that BLAS,
   which copies more of it at once, is faster (docs/performance.md). */
enum { SMALL = (1 << 20) / sizeof(real) };

/* Copy some rows of B side by side. Columns from `cols` to `padded` - 1 are set to 0.
 */
static void pack(hesse_strided b, int depth, int cols, int padded, real *panel)
{
    for (int p = 0; p < depth; p++, panel += padded) {
        const real *from = b.at + (size_t)p * b.row;
        if (b.col == 1 && cols == PANEL)
            memcpy(panel, from, PANEL * sizeof *panel); /* the constant is faster */
        else
            for (int j = 0; j < cols; j++) panel[j] = from[(size_t)j * b.col];
        for (int j = cols; j < padded; j++) panel[j] = 0;
    }
}

/* Multiply A with a panel whose last columns are not of C. */
static void ragged(hesse_into into, int m, int cols, int padded, int depth, real alpha,
                   hesse_strided a, const real *panel, real *c, size_t ldc)
{
    real some[CORNER * PANEL];
    for (int i = 0; i < m; i += CORNER) {
        const int rows = m - i < CORNER ? m - i : CORNER;
        const hesse_strided from = {a.at + (size_t)i * a.row, a.row, a.col};
        hesse_gemm(HESSE_SET, rows, (size_t)padded, depth, alpha, from, panel,
                   (size_t)padded, some, (size_t)padded);
        for (int r = 0; r < rows; r++)
            for (int j = 0; j < cols; j++) {
                real *to = &c[(size_t)(i + r) * ldc + (size_t)j];
                *to = some[r * padded + j] + (into == HESSE_SET ? 0 : *to);
            }
    }
}

/* Return the columns of the next panel if `left` columns are left: a whole panel, or
   two panels of about half of it each, because a panel of one vector is slow. */
static int panel_of(int left, int lanes)
{
    const int half = PANEL / 2 / lanes * lanes + (PANEL / 2 % lanes ? lanes : 0);
    return left < PANEL ? left : left > PANEL && left < PANEL + half ? half : PANEL;
}

void hesse_gemm_plain(hesse_into into, int m, int n, int depth, real alpha,
                      hesse_strided a, hesse_strided b, real *c, size_t ldc)
{
    if (m < 1 || n < 1 || depth < 1) return;
    if ((size_t)n * (size_t)depth > SMALL) {
        HESSE_CBLAS(gemm)
        (CblasRowMajor, a.col == 1 ? CblasNoTrans : CblasTrans,
         b.col == 1 ? CblasNoTrans : CblasTrans, m, n, depth, alpha, a.at,
         (int)(a.col == 1 ? a.row : a.col), b.at, (int)(b.col == 1 ? b.row : b.col),
         into == HESSE_ADD, c, (int)ldc);
        return;
    }
    real panel[PANEL_DEPTH * PANEL];
    const int lanes = hesse_gemm_lanes();
    for (int i = 0; i < m; i += PANEL_ROWS)
        for (int p = 0; p < depth; p += PANEL_DEPTH)
            for (int j = 0, cols; j < n; j += cols) {
                const int rows = m - i < PANEL_ROWS ? m - i : PANEL_ROWS;
                const int some = depth - p < PANEL_DEPTH ? depth - p : PANEL_DEPTH;
                cols = panel_of(n - j, lanes);
                const int padded = (cols + lanes - 1) / lanes * lanes;
                const hesse_into how = p ? HESSE_ADD : into;
                const hesse_strided x = {a.at + (size_t)i * a.row + (size_t)p * a.col,
                                         a.row, a.col};
                const hesse_strided y = {b.at + (size_t)p * b.row + (size_t)j * b.col,
                                         b.row, b.col};
                real *to = c + (size_t)i * ldc + j;
                pack(y, some, cols, padded, panel);
                if (cols < padded)
                    ragged(how, rows, cols, padded, some, alpha, x, panel, to, ldc);
                else
                    hesse_gemm(how, rows, (size_t)cols, some, alpha, x, panel,
                               (size_t)cols, to, ldc);
            }
}
