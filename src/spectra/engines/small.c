/* This engine finds eigenvalues alone, of a matrix that fits the cache of a core.
   Reflections reduce the matrix to tridiagonal form. Each of them passes over the
   matrix once: an entry is updated by the last reflection and multiplied by the next
   one while it is in a register. docs/engines.md. */
#include "spectra/engines/small.h"

#include "base/memory.h"
#include "base/simd.h"
#include "spectra/engines/tridiagonal.h"

#include <math.h>
#include <stdlib.h>

/* The lower triangle is stored by tiles of 8 rows and 4 columns, four columns after
   each other. Tiles on the diagonal hold both triangles. */
enum { ROWS = 8, COLUMNS = 4, TILE = ROWS * COLUMNS };

/* Squares below this are negligible beside entries of the order of 1. Reflections of
   such columns would lose digits to underflow. */
static const double NEGLIGIBLE = 1e-280;

/* Return the numbers in the tiles of the first 4 c columns. */
static inline size_t tiles_before(int size, int c)
{
    const size_t rows = (size_t)size / ROWS, columns = (size_t)c, half = columns / 2;
    const size_t above = half * (columns - half) - half; /* the sum of i / 2, i < c */
    return TILE * (rows * columns - above);
}

#ifdef HESSE_X86
#define LANES   8
#define TARGET  __attribute__((target("avx512f")))
#define NAME(x) x##_avx512
#include "spectra/engines/small_lanes.h"
#undef LANES
#undef TARGET
#undef NAME
#define LANES   4
#define TARGET  __attribute__((target("avx2,fma")))
#define NAME(x) x##_avx2
#include "spectra/engines/small_lanes.h"
#undef LANES
#undef TARGET
#undef NAME
#endif

#define LANES 2
#define TARGET
#define NAME(x) x##_generic
#include "spectra/engines/small_lanes.h"

static void reduce(int n, int size, double *tiles, double *work, double *d, double *e)
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
    return 8.0 * (double)numbers_of(n) + 64 + hesse_tridiagonal_bytes(n, n);
}

/* For smaller exponents, the factor 2^-exponent overflows. */
enum { SMALLEST = -1000 };

/* Put the lower triangle into tiles, times a power of 2 that makes its largest entry of
   the order of 1. Returns the exponent. */
static int put_into_tiles(int n, const double *a, int size, double *tiles)
{
    double largest = 0;
    int exponent;
    for (int j = 0; j < n; j++)
        for (int i = j; i < n; i++) {
            const double entry = fabs(a[(size_t)j * (size_t)n + (size_t)i]);
            largest = entry > largest ? entry : largest;
        }
    frexp(largest, &exponent);
    if (exponent < SMALLEST) exponent = SMALLEST;
    const double factor = ldexp(1, -exponent);
    for (int j = 0; j < n; j++) {
        const int top = j / ROWS * ROWS, below = top + ROWS < n ? top + ROWS : n;
        double *tile = tiles + tiles_before(size, j / COLUMNS) + j % COLUMNS * ROWS;
        const double *column = a + (size_t)j * (size_t)n;
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

hesse_status hesse_small_solve(int n, const double *a, double *lambda, hesse_why *why)
{
    const int size = padded(n);
    double *d = hesse_alloc(numbers_of(n));
    if (!d)
        return hesse_fail(why, HESSE_E_NOMEM, "%zu bytes of workspace are not there",
                          8 * numbers_of(n));
    double *e = d + size, *work = e + size, *tiles = work + 4 * (size_t)size;
    const int exponent = put_into_tiles(n, a, size, tiles);
    reduce(n, size, tiles, work, d, e);
    const hesse_status s = hesse_tridiagonal_solve(n, d, e, 0, n, lambda, why);
    for (int i = 0; !s && i < n; i++) lambda[i] = ldexp(lambda[i], exponent);
    free(d);
    return s;
}
