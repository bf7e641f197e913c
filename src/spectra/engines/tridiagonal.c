/* Eigenvalues of a tridiagonal matrix. The leading principal minors of T - x change
   their signs as often as T has eigenvalues below x. Intervals are cut until each holds
   one eigenvalue or is as narrow as rounding. A root finder for the last minor, which
   is the characteristic polynomial, does the rest. All steps are the same for every
   point, so they are done for many points at a time. docs/engines.md. */
#include "spectra/engines/tridiagonal.h"

#include "base/memory.h"
#include "base/simd.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* The minors are normalised after so many rows: by then they have grown by at most
   3^STRETCH, and shrunk by at most FLOOR^(STRETCH / 2). */
enum { STRETCH = 16 };

/* The matrix is scaled to a norm of about 1. A smaller square beside the diagonal would
   change no eigenvalue by a rounding. */
static const double FLOOR = 0x1p-110;

/* Eigenvalues are found to this error. */
static const double TOLERANCE = 0x1p-53;

/* The bits of 1.0 and of the exponent of a double, and the largest powers of 2 that are
   used as factors. */
#define ONE      INT64_C(0x3ff0000000000000)
#define EXPONENT INT64_C(0x7ff0000000000000)
#define POWER    900

/* The most points that are evaluated in step. */
enum { MOST_WIDE = 16 };

/* Brackets of single eigenvalues: both ends, the polynomial there as a value times a
   power of 2, and the index of the eigenvalue. */
typedef struct hesse_brackets {
    double *end[2], *value[2];
    int64_t *power[2], *index;
} hesse_brackets;

#ifdef HESSE_X86
#define LANES   8
#define GROUPS  2
#define TARGET  __attribute__((target("avx512f")))
#define NAME(x) x##_avx512
#include "spectra/engines/sturm_lanes.h"
#undef LANES
#undef GROUPS
#undef TARGET
#undef NAME

#define LANES   4
#define GROUPS  4
#define TARGET  __attribute__((target("avx2,fma")))
#define NAME(x) x##_avx2
#include "spectra/engines/sturm_lanes.h"
#undef LANES
#undef GROUPS
#undef TARGET
#undef NAME
#endif

#define LANES  2
#define GROUPS 4
#define TARGET
#define NAME(x) x##_generic
#include "spectra/engines/sturm_lanes.h"

static void evaluate(int n, const double *d, const double *squares, int points,
                     const double *x, double *value, int64_t *power, int64_t *count)
{
    switch (hesse_simd_lanes()) {
#ifdef HESSE_X86
    case 8:
        evaluate_avx512(n, d, squares, points, x, value, power, count);
        break;
    case 4:
        evaluate_avx2(n, d, squares, points, x, value, power, count);
        break;
#endif
    default:
        evaluate_generic(n, d, squares, points, x, value, power, count);
    }
}

static void refine(int n, const double *d, const double *squares,
                   const hesse_brackets *in, int count, double *root)
{
    switch (hesse_simd_lanes()) {
#ifdef HESSE_X86
    case 8:
        refine_avx512(n, d, squares, in, count, root);
        break;
    case 4:
        refine_avx2(n, d, squares, in, count, root);
        break;
#endif
    default:
        refine_generic(n, d, squares, in, count, root);
    }
}

/* A point, the polynomial there, and the number of eigenvalues below. */
typedef struct point {
    double x, value;
    int64_t power;
    int below;
} point;

typedef struct interval {
    point low, high;
} interval;

/* All memory of a solution. */
typedef struct search {
    int n;
    const double *d, *squares;
    double *x, *value;       /* [room] points that are evaluated together */
    int64_t *power, *count;  /* [room] */
    hesse_brackets brackets; /* [room] */
    double *root;            /* [room] */
    interval *now, *next;    /* [n] */
    int found;               /* brackets of single eigenvalues */
    double *lambda;
} search;

static int round_up(int n, int multiple)
{
    return (n + multiple - 1) / multiple * multiple;
}

static int room_of(int n)
{
    return round_up(n + 2, MOST_WIDE) + MOST_WIDE;
}

static int add_interval(search *s, point low, point high, interval *list, int count)
{
    const int inside = high.below - low.below;
    const bool narrow = high.x - low.x <= TOLERANCE;
    if (inside < 1) return count;
    if (narrow) {
        for (int i = low.below; i < high.below; i++)
            s->lambda[i] = (low.x + high.x) / 2;
    } else if (inside == 1) {
        const point ends[] = {low, high};
        for (int i = 0; i < 2; i++) {
            s->brackets.end[i][s->found] = ends[i].x;
            s->brackets.value[i][s->found] = ends[i].value;
            s->brackets.power[i][s->found] = ends[i].power;
        }
        s->brackets.index[s->found++] = low.below;
    } else {
        list[count++] = (interval){low, high};
    }
    return count;
}

/* Evaluate the first `points` of s->x. */
static void evaluate_all(search *s, int points)
{
    const int all = round_up(points, MOST_WIDE);
    for (int i = points; i < all; i++) s->x[i] = s->x[points - 1];
    evaluate(s->n, s->d, s->squares, all, s->x, s->value, s->power, s->count);
}

/* Rounding may give a count that does not lie between those of its neighbours. */
static point point_at(const search *s, int i, int least, int most)
{
    const int count = (int)s->count[i];
    return (point){s->x[i], s->value[i], s->power[i],
                   count < least  ? least
                   : count > most ? most
                                  : count};
}

static int cut_all(search *s, double low, double high)
{
    const int points = round_up(s->n + 2, MOST_WIDE);
    int count = 0;
    for (int i = 0; i < points; i++) s->x[i] = low + (high - low) * i / (points - 1);
    s->x[points - 1] = high;
    evaluate_all(s, points);
    point last = point_at(s, 0, 0, 0);
    for (int i = 1; i < points; i++) {
        const point p = point_at(s, i, i < points - 1 ? last.below : s->n, s->n);
        count = add_interval(s, last, p, s->now, count);
        last = p;
    }
    return count;
}

/* Cut every interval. If there are few, they are cut into more pieces. */
static int cut_each(search *s, int count)
{
    const int cuts = count < MOST_WIDE ? MOST_WIDE / count : 1;
    int points = 0, more = 0;
    for (int i = 0; i < count; i++)
        for (int j = 1; j <= cuts; j++)
            s->x[points++] =
                s->now[i].low.x + (s->now[i].high.x - s->now[i].low.x) * j / (cuts + 1);
    evaluate_all(s, points);
    points = 0;
    for (int i = 0; i < count; i++) {
        const point end = s->now[i].high;
        point last = s->now[i].low;
        for (int j = 0; j < cuts; j++) {
            const point p = point_at(s, points++, last.below, end.below);
            more = add_interval(s, last, p, s->next, more);
            last = p;
        }
        more = add_interval(s, last, end, s->next, more);
    }
    interval *old = s->now;
    s->now = s->next, s->next = old;
    return more;
}

static void search_all(search *s, double low, double high)
{
    int count = cut_all(s, low, high);
    while (count) count = cut_each(s, count);
    const int all = s->found ? round_up(s->found, MOST_WIDE) : 0;
    for (int i = s->found; i < all; i++)
        for (int k = 0; k < 2; k++) {
            s->brackets.end[k][i] = s->brackets.end[k][i - 1];
            s->brackets.value[k][i] = s->brackets.value[k][i - 1];
            s->brackets.power[k][i] = s->brackets.power[k][i - 1];
        }
    refine(s->n, s->d, s->squares, &s->brackets, s->found, s->root);
    for (int i = 0; i < s->found; i++) s->lambda[s->brackets.index[i]] = s->root[i];
}

/* Only rounding can put neighbours into the wrong order. */
static void sort(int n, double *x)
{
    for (int i = 1; i < n; i++) {
        const double moved = x[i];
        int j = i;
        for (; j > 0 && x[j - 1] > moved; j--) x[j] = x[j - 1];
        x[j] = moved;
    }
}

static double *take(double **memory, int count)
{
    double *mine = *memory;
    *memory += count;
    return mine;
}

static size_t numbers_of(int n)
{
    const size_t intervals = (sizeof(interval) / sizeof(double)) * (size_t)(n + 1);
    return 13 * (size_t)room_of(n) + 2 * intervals;
}

double hesse_tridiagonal_bytes(int n)
{
    return (double)numbers_of(n) * (double)sizeof(double) + 64;
}

hesse_status hesse_tridiagonal_solve(int n, double *d, const double *e, double *lambda,
                                     hesse_why *why)
{
    const int room = room_of(n);
    double low = INFINITY, high = -INFINITY;
    int exponent;
    for (int i = 0; i < n; i++) {
        const double beside = (i ? fabs(e[i - 1]) : 0) + (i < n - 1 ? fabs(e[i]) : 0);
        low = d[i] - beside < low ? d[i] - beside : low;
        high = d[i] + beside > high ? d[i] + beside : high;
    }
    const double bound = fmax(fabs(low), fabs(high));
    if (bound == 0) {
        for (int i = 0; i < n; i++) lambda[i] = 0;
        return HESSE_OK;
    }
    double *memory = hesse_alloc(numbers_of(n)), *all = memory;
    if (!memory)
        return hesse_fail(why, HESSE_E_NOMEM,
                          "%.0f bytes for the eigenvalues of a tridiagonal matrix are "
                          "not there",
                          hesse_tridiagonal_bytes(n));
    double *squares = take(&memory, room);
    search s = {.n = n, .d = d, .squares = squares, .lambda = lambda};
    s.x = take(&memory, room), s.value = take(&memory, room);
    s.root = take(&memory, room);
    s.power = (int64_t *)take(&memory, room), s.count = (int64_t *)take(&memory, room);
    s.brackets.index = (int64_t *)take(&memory, room);
    for (int k = 0; k < 2; k++) {
        s.brackets.end[k] = take(&memory, room);
        s.brackets.value[k] = take(&memory, room);
        s.brackets.power[k] = (int64_t *)take(&memory, room);
    }
    s.now = (interval *)memory, s.next = s.now + n + 1;
    frexp(bound, &exponent);
    const double scale = ldexp(1, -exponent);
    for (int i = 0; i < n; i++) {
        d[i] *= scale;
        const double f = i ? e[i - 1] * scale : 0;
        squares[i] = f * f + FLOOR;
    }
    search_all(&s, low * scale - 0x1p-48, high * scale + 0x1p-48);
    sort(n, lambda);
    /* One factor could overflow. */
    const double half = ldexp(1, exponent / 2),
                 rest = ldexp(1, exponent - exponent / 2);
    for (int i = 0; i < n; i++) lambda[i] = lambda[i] * half * rest;
    free(all);
    return HESSE_OK;
}
