/* Eigenvalues of a tridiagonal matrix. The leading principal minors of T - x change
   their signs as often as T has eigenvalues below x. Intervals are halved until each
   holds one eigenvalue or is as narrow as rounding. A root finder for the last minor,
   which is the characteristic polynomial, does the rest. All steps are the same for
   every point, so they are done for many points at a time. An eigenvalue depends only
   on the halves that hold it, so the range and the company of other points change no
   bit of it. docs/engines.md. */
#include "spectra/engines/tridiagonal.h"

#include "base/memory.h"
#include "base/simd.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* The points that are evaluated in step. */
enum { POINTS = 16 };

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

typedef struct matrix {
    int n;
    double *d, *squares; /* squares[i] belongs to e[i - 1], and squares[0] to nothing */
} matrix;

/* Points, the polynomial there as a value times a power of 2, and the number of
   eigenvalues below. */
typedef struct points {
    double x[POINTS], value[POINTS];
    int64_t power[POINTS], below[POINTS];
} points;

/* Brackets of single eigenvalues: both ends, the polynomial there, and the index of the
   eigenvalue. */
typedef struct brackets {
    double end[2][POINTS], value[2][POINTS];
    int64_t power[2][POINTS];
    int index[POINTS];
} brackets;

#ifdef HESSE_X86
#define LANES   8
#define GROUPS  2
#define TARGET  __attribute__((target("avx512f")))
#define NAME(x) x##_avx512
#include "spectra/engines/tridiagonal_lanes.h"
#undef LANES
#undef GROUPS
#undef TARGET
#undef NAME

#define LANES   4
#define GROUPS  4
#define TARGET  __attribute__((target("avx2,fma")))
#define NAME(x) x##_avx2
#include "spectra/engines/tridiagonal_lanes.h"
#undef LANES
#undef GROUPS
#undef TARGET
#undef NAME
#endif

#define LANES  2
#define GROUPS 4
#define TARGET
#define NAME(x) x##_generic
#include "spectra/engines/tridiagonal_lanes.h"

static void evaluate(const matrix *t, points *p)
{
    switch (hesse_simd_lanes()) {
#ifdef HESSE_X86
    case 8:
        evaluate_avx512(t, p);
        break;
    case 4:
        evaluate_avx2(t, p);
        break;
#endif
    default:
        evaluate_generic(t, p);
    }
}

static void find_roots(const matrix *t, const brackets *in, double root[POINTS])
{
    switch (hesse_simd_lanes()) {
#ifdef HESSE_X86
    case 8:
        find_roots_avx512(t, in, root);
        break;
    case 4:
        find_roots_avx2(t, in, root);
        break;
#endif
    default:
        find_roots_generic(t, in, root);
    }
}

typedef struct point {
    double x, value;
    int64_t power;
    int below;
} point;

typedef struct interval {
    point low, high;
} interval;

typedef struct search {
    matrix t;
    int from, upto;
    double *lambda;
    points at;
    brackets singles;
    int found;            /* singles that wait for their roots */
    interval *now, *next; /* with several eigenvalues */
    int more;             /* intervals in `next` */
} search;

/* A root is kept in its bracket, so that the roots are in order. */
static void flush_singles(search *s)
{
    double root[POINTS];
    brackets *b = &s->singles;
    if (!s->found) return;
    for (int i = s->found; i < POINTS; i++)
        for (int k = 0; k < 2; k++) {
            b->end[k][i] = b->end[k][0];
            b->value[k][i] = b->value[k][0];
            b->power[k][i] = b->power[k][0];
        }
    find_roots(&s->t, b, root);
    for (int i = 0; i < s->found; i++)
        s->lambda[b->index[i] - s->from] =
            fmin(fmax(root[i], b->end[0][i]), b->end[1][i]);
    s->found = 0;
}

static void add_single(search *s, const point *low, const point *high)
{
    const point *ends[] = {low, high};
    for (int k = 0; k < 2; k++) {
        s->singles.end[k][s->found] = ends[k]->x;
        s->singles.value[k][s->found] = ends[k]->value;
        s->singles.power[k][s->found] = ends[k]->power;
    }
    s->singles.index[s->found++] = low->below;
    if (s->found == POINTS) flush_singles(s);
}

/* Rounding may give a count that does not lie between those of its neighbours. */
static point point_at(const points *p, int i, int least, int most)
{
    const int count = (int)p->below[i];
    return (point){p->x[i], p->value[i], p->power[i],
                   count < least  ? least
                   : count > most ? most
                                  : count};
}

/* Write the 2^levels - 1 inner points of an interval that is halved so often. */
static void place(double low, double high, int levels, double *x)
{
    if (!levels) return;
    const int half = 1 << (levels - 1);
    x[half - 1] = low + 0.5 * (high - low);
    place(low, x[half - 1], levels - 1, x);
    place(x[half - 1], high, levels - 1, x + half);
}

/* Halve an interval at points that were evaluated, until it is done or there are no
   more points; `first` is its first one. */
static void halve(search *s, const point *low, const point *high, int levels, int first)
{
    const int inside = high->below - low->below;
    if (inside < 1 || high->below <= s->from || low->below >= s->upto) return;
    if (high->x - low->x <= 2 * TOLERANCE) {
        for (int i = low->below; i < high->below; i++)
            if (i >= s->from && i < s->upto)
                s->lambda[i - s->from] = low->x + 0.5 * (high->x - low->x);
    } else if (inside == 1) {
        add_single(s, low, high);
    } else if (!levels) {
        s->next[s->more++] = (interval){*low, *high};
    } else {
        const int half = 1 << (levels - 1);
        const point middle =
            point_at(&s->at, first + half - 1, low->below, high->below);
        halve(s, low, &middle, levels - 1, first);
        halve(s, &middle, high, levels - 1, first + half);
    }
}

/* Halve all intervals of `now`, several times at once if their points do not fill the
   vectors otherwise. */
static void halve_all(search *s, int intervals)
{
    int levels = 1;
    while (intervals * ((2 << levels) - 1) <= POINTS) levels++;
    const int each = (1 << levels) - 1, most = POINTS / each;
    for (int i = 0; i < intervals; i += most) {
        const int some = intervals - i < most ? intervals - i : most;
        for (int j = 0; j < some; j++)
            place(s->now[i + j].low.x, s->now[i + j].high.x, levels,
                  s->at.x + j * each);
        evaluate(&s->t, &s->at);
        for (int j = 0; j < some; j++)
            halve(s, &s->now[i + j].low, &s->now[i + j].high, levels, j * each);
    }
}

static void search_all(search *s, double low, double high)
{
    enum { LEVELS = 3, LAST = 1 << LEVELS }; /* both ends are evaluated, too */
    s->at.x[0] = low, s->at.x[LAST] = high;
    place(low, high, LEVELS, s->at.x + 1);
    evaluate(&s->t, &s->at);
    const point first = point_at(&s->at, 0, 0, 0);
    const point last = point_at(&s->at, LAST, s->t.n, s->t.n);
    halve(s, &first, &last, LEVELS, 1);
    while (s->more) {
        const int intervals = s->more;
        interval *old = s->now;
        s->now = s->next, s->next = old, s->more = 0;
        halve_all(s, intervals);
    }
    flush_singles(s);
}

/* Each interval of a list has two eigenvalues of the range, except one at each end. */
static size_t room_of(int count)
{
    return (size_t)count / 2 + 2;
}

static size_t numbers_of(int n, int count)
{
    return 2 * (size_t)n + 2 * room_of(count) * (sizeof(interval) / sizeof(double));
}

double hesse_tridiagonal_bytes(int n, int count)
{
    return (double)numbers_of(n, count) * (double)sizeof(double) + 64;
}

hesse_status hesse_tridiagonal_solve(int n, const double *d, const double *e, int from,
                                     int upto, double *lambda, hesse_why *why)
{
    const int count = upto - from;
    double low = INFINITY, high = -INFINITY;
    int exponent;
    for (int i = 0; i < n; i++) {
        const double beside = (i ? fabs(e[i - 1]) : 0) + (i < n - 1 ? fabs(e[i]) : 0);
        low = d[i] - beside < low ? d[i] - beside : low;
        high = d[i] + beside > high ? d[i] + beside : high;
    }
    const double bound = fmax(fabs(low), fabs(high));
    for (int i = 0; i < count; i++) lambda[i] = 0;
    if (bound == 0 || count < 1) return HESSE_OK;
    double *memory = hesse_alloc(numbers_of(n, count));
    if (!memory)
        return hesse_fail(why, HESSE_E_NOMEM,
                          "%.0f bytes for the eigenvalues of a tridiagonal matrix are "
                          "not there",
                          hesse_tridiagonal_bytes(n, count));
    search s = {.t = {n, memory, memory + n},
                .from = from,
                .upto = upto,
                .lambda = lambda,
                .now = (interval *)(memory + 2 * (size_t)n)};
    s.next = s.now + room_of(count);
    frexp(bound, &exponent);
    const double scale = ldexp(1, -exponent), back = ldexp(1, exponent);
    for (int i = 0; i < n; i++) {
        const double beside = i ? e[i - 1] * scale : 0;
        s.t.d[i] = d[i] * scale;
        s.t.squares[i] = beside * beside + FLOOR;
    }
    search_all(&s, low * scale - 0x1p-48, high * scale + 0x1p-48);
    for (int i = 0; i < count; i++) lambda[i] *= back;
    free(memory);
    return HESSE_OK;
}
