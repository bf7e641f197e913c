/* This engine finds eigenvalues alone, of a matrix that fits the cache of a core.
   Reflections reduce the matrix to tridiagonal form. Each of them passes over the
   matrix once: an entry is updated by the last reflection and multiplied by the next
   one while it is in a register. docs/engines.md. */
#include "spectra/engines/small.h"

#include "base/real.h"
#include "spectra/engines/tridiagonal.h"

#include <stdlib.h>
#include <tgmath.h>

/* The lower triangle is stored by tiles of 64 bytes in 4 columns, four columns after
   each other. Tiles on the diagonal hold both triangles. */
enum { ROWS = HESSE_REALS_64, COLUMNS = 4, TILE = ROWS * COLUMNS };

/* Squares below this are negligible beside entries of the order of 1. Reflections of
   such columns would lose digits to underflow. */
static const real NEGLIGIBLE = HESSE_REAL_NEGLIGIBLE;

/* Return the numbers in the tiles of the first 4 c columns. */
static inline size_t tiles_before(int size, int c)
{
    enum { EACH = ROWS / COLUMNS };
    const size_t rows = (size_t)size / ROWS, columns = (size_t)c;
    const size_t full = columns / EACH, rest = columns % EACH;
    /* The sum of i / EACH, i < c. */
    const size_t above = EACH * (full * (full - 1) / 2) + rest * full;
    return TILE * (rows * columns - above);
}

#ifdef HESSE_X86
#define LANES   HESSE_REALS_64
#define TARGET  __attribute__((target("avx512f")))
#define NAME(x) x##_avx512
#include "spectra/engines/small_lanes.h"
#undef LANES
#undef TARGET
#undef NAME
#define LANES   HESSE_REALS_32
#define TARGET  __attribute__((target("avx2,fma")))
#define NAME(x) x##_avx2
#include "spectra/engines/small_lanes.h"
#undef LANES
#undef TARGET
#undef NAME
#endif

#define LANES (HESSE_REALS_32 / 2)
#define TARGET
#define NAME(x) x##_generic
#include "spectra/engines/small_lanes.h"

static void reduce(int n, int size, real *tiles, real *work, real *d, real *e)
{
    switch (hesse_simd_lanes()) {
#ifdef HESSE_X86
    case 8:
        reduce_avx512(n, size, tiles, work, d, e);
        break;
    case 4:
        reduce_avx2(n, size, tiles, work, d, e);
        break;
#endif
    default:
        reduce_generic(n, size, tiles, work, d, e);
    }
}

static int padded(int n)
{
    return (n + ROWS - 1) / ROWS * ROWS;
}

static size_t numbers_of(int n)
{
    const int size = padded(n);
    return tiles_before(size, size / COLUMNS) + 6 * (size_t)size;
}

double hesse_small_solve_bytes(int n)
{
    return (double)sizeof(real) * (double)numbers_of(n) + 64 + 16.0 * n +
           hesse_tridiagonal_bytes(n, n);
}

/* For smaller exponents, the factor 2^-exponent overflows. */
enum { SMALLEST = HESSE_REAL_SMALLEST };

/* Put the lower triangle into tiles, times a power of 2 that makes its largest entry of
   the order of 1. Returns the exponent. */
static int put_into_tiles(int n, const real *a, int size, real *tiles)
{
    real largest = 0;
    int exponent;
    for (int j = 0; j < n; j++)
        for (int i = j; i < n; i++) {
            const real entry = fabs(a[(size_t)j * (size_t)n + (size_t)i]);
            largest = entry > largest ? entry : largest;
        }
    frexp((double)largest, &exponent);
    if (exponent < SMALLEST) exponent = SMALLEST;
    const real factor = (real)ldexp(1, -exponent);
    for (int j = 0; j < n; j++) {
        const int top = j / ROWS * ROWS, below = top + ROWS < n ? top + ROWS : n;
        real *tile = tiles + tiles_before(size, j / COLUMNS) + j % COLUMNS * ROWS;
        const real *column = a + (size_t)j * (size_t)n;
        for (int i = top; i < j; i++)
            tile[i - top] = factor * a[(size_t)i * (size_t)n + (size_t)j];
        for (int i = j; i < below; i++) tile[i - top] = factor * column[i];
        for (int row = below; row < n; row += ROWS) {
            tile += TILE;
            for (int i = 0; i < ROWS && row + i < n; i++)
                tile[i] = factor * column[row + i];
        }
    }
    return exponent;
}

hesse_status hesse_small_solve(int n, const real *a, double *lambda, hesse_why *why)
{
    const int size = padded(n);
    const size_t both = 2 * (size_t)size;
    real *d = hesse_alloc_real(numbers_of(n));
    double *copy = HESSE_REALS_DIFFER ? hesse_alloc(both) : NULL;
    hesse_status s = HESSE_OK;
    if (d && (copy || !HESSE_REALS_DIFFER)) {
        real *e = d + size, *work = e + size, *tiles = work + 2 * both;
        const int exponent = put_into_tiles(n, a, size, tiles);
        reduce(n, size, tiles, work, d, e);
        const double *tridiagonal = hesse_doubles_of(both, d, copy);
        s = hesse_tridiagonal_solve(n, tridiagonal, tridiagonal + size, 0, n, lambda,
                                    why);
        for (int i = 0; !s && i < n; i++) lambda[i] = ldexp(lambda[i], exponent);
    } else {
        s = hesse_fail(why, HESSE_E_NOMEM, "%zu bytes of workspace are not there",
                       sizeof *d * numbers_of(n));
    }
    free(copy);
    free(d);
    return s;
}
