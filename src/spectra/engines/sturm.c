/* The determinants p_i(x) of the leading i x i parts of T - x obey
     p_i = (d_i - x) p_{i-1} - e_{i-1}^2 p_{i-2},
   and their changes of sign are the eigenvalues below x. Two products and no division
   make a step, and many x share the loop. Intervals are halved until each has one
   eigenvalue. From there the values of p_n take over, inside the interval, with a
   method that never needs more than one step more than halving (ITP, Oliveira &
   Takahashi). Clusters are halved to the end, all of their eigenvalues together. */
#include "spectra/engines/sturm.h"

#include "base/memory.h"
#include "base/simd.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

/* The points of one loop, and the steps between two changes of scale. A step makes
   numbers at most 3 times larger, and two steps at most 1 / SMALLEST times smaller. */
enum { LANES = 8, VECTORS = 2, POINTS = LANES * VECTORS, STEPS = 8 };

typedef double lane __attribute__((vector_size(8 * LANES), aligned(8), may_alias));
typedef uint64_t word __attribute__((vector_size(8 * LANES), aligned(8), may_alias));

/* Relative to a bound of the norm: the least square of a number beside the diagonal,
   and the width at which an interval is done. */
static const double SMALLEST = 0x1p-110, DONE = 0x1p-52;

/* A value m 2^exponent of p_n. */
typedef struct value {
    double m;
    int64_t exponent;
} value;

typedef struct counts {
    int64_t below[POINTS]; /* eigenvalues below each point */
    value at[POINTS];
} counts;

/* The matrix, scaled by a power of 2 so that no eigenvalue exceeds 1. */
typedef struct matrix {
    int n;
    double *d, *squares; /* squares[i] is e_{i-1}^2, and squares[0] is 0 */
} matrix;

typedef struct interval {
    double low, high;
    int below_low, below_high;
    value at_low, at_high;
    double start; /* width at which it had one eigenvalue for the first time, or 0 */
    double most;  /* the width that it may have after the next step */
} interval;

static HESSE_SIMD void count(const matrix *t, const double points[POINTS], counts *c)
{
    const uint64_t exponents = UINT64_C(0x7ff) << 52, digits = ~(UINT64_C(1) << 63);
    lane x[VECTORS], p[VECTORS], before[VECTORS] = {{0}};
    word changes[VECTORS] = {{0}}, scales[VECTORS] = {{0}};
    int64_t chunks = 0;
    for (int v = 0; v < VECTORS; v++) {
        x[v] = *(const lane *)(points + LANES * v);
        p[v] = 1 + 0 * x[v];
    }
    for (int i = 0; i < t->n; chunks++) {
        const int end = i + STEPS < t->n ? i + STEPS : t->n;
        for (; i < end; i++)
            for (int v = 0; v < VECTORS; v++) {
                const lane next = (t->d[i] - x[v]) * p[v] - t->squares[i] * before[v];
                changes[v] += ((word)next ^ (word)p[v]) >> 63;
                before[v] = p[v], p[v] = next;
            }
        for (int v = 0; v < VECTORS; v++) {
            const lane size =
                (lane)((word)p[v] & digits) + (lane)((word)before[v] & digits);
            const word exponent = (word)size & exponents;
            const lane factor = (lane)((UINT64_C(2046) << 52) - exponent);
            p[v] *= factor, before[v] *= factor;
            scales[v] += exponent >> 52;
        }
    }
    for (int k = 0; k < POINTS; k++) {
        c->below[k] = (int64_t)changes[k / LANES][k % LANES];
        c->at[k].m = p[k / LANES][k % LANES];
        c->at[k].exponent = (int64_t)scales[k / LANES][k % LANES] - 1023 * chunks;
    }
}

/* Return |at_high / at_low|, within the bounds of a double. */
static double ratio(const interval *i)
{
    const int64_t power = i->at_high.exponent - i->at_low.exponent;
    const int limited = power > 1000 ? 1000 : power < -1000 ? -1000 : (int)power;
    return ldexp(fabs(i->at_high.m / i->at_low.m), limited);
}

/* Return the next point of an interval: the middle, or with one eigenvalue the point
   where the chord of p_n is 0, moved towards the middle so that the far end moves. */
static double next_point(interval *i)
{
    const double width = i->high - i->low, middle = i->low + 0.5 * width;
    if (i->below_high - i->below_low > 1) return middle;
    if (i->start == 0) i->start = width, i->most = 2 * width;
    i->most *= 0.5;
    const double chord = i->low + width / (1 + ratio(i));
    const double free = fmax(i->most - 0.5 * width, 0); /* of the middle */
    const double shift = fmax(0.2 * width * width / i->start, 0.4 * DONE);
    double x = middle;
    if (fabs(chord - middle) > shift) x = chord + copysign(shift, middle - chord);
    return fmin(fmax(x, middle - free), middle + free);
}

/* Write the parts of an interval that have wanted eigenvalues. Return their number. */
static int split(interval i, double x, int64_t below_x, value at_x, int from, int upto,
                 interval parts[2])
{
    int below = below_x < i.below_low ? i.below_low : (int)below_x, made = 0;
    if (below > i.below_high) below = i.below_high;
    interval left = i, right = i;
    left.high = right.low = x;
    left.at_high = right.at_low = at_x;
    left.below_high = right.below_low = below;
    if (left.below_low < below && below > from && left.below_low < upto)
        parts[made++] = left;
    if (below < right.below_high && right.below_high > from && below < upto)
        parts[made++] = right;
    return made;
}

/* Halve all intervals until none is wider than DONE. `list` and `next` have room for
   upto - from intervals. */
static void refine(const matrix *t, int from, int upto, interval *list, interval *next,
                   double *values)
{
    for (int length = 1, made; length; length = made) {
        made = 0;
        for (int k = 0; k < length; k += POINTS) {
            const int some = length - k < POINTS ? length - k : POINTS;
            double x[POINTS];
            counts c;
            for (int l = 0; l < POINTS; l++)
                x[l] = l < some ? next_point(&list[k + l]) : x[0];
            count(t, x, &c);
            for (int l = 0; l < some; l++) {
                interval parts[2];
                const int of =
                    split(list[k + l], x[l], c.below[l], c.at[l], from, upto, parts);
                for (int q = 0; q < of; q++) {
                    if (parts[q].high - parts[q].low > DONE) {
                        next[made++] = parts[q];
                        continue;
                    }
                    const double middle = 0.5 * (parts[q].low + parts[q].high);
                    for (int j = parts[q].below_low; j < parts[q].below_high; j++)
                        if (j >= from && j < upto) values[j - from] = middle;
                }
            }
        }
        interval *swap = list;
        list = next, next = swap;
    }
}

/* Return the largest sum of sizes in a row, which bounds the eigenvalues. */
static double bound(int n, const double *d, const double *e)
{
    double most = 0;
    for (int i = 0; i < n; i++)
        most = fmax(most, fabs(d[i]) + (i ? fabs(e[i - 1]) : 0) +
                              (i + 1 < n ? fabs(e[i]) : 0));
    return most;
}

hesse_status hesse_sturm_values(int n, const double *d, const double *e, int from,
                                int upto, double *values, hesse_why *why)
{
    int exponent;
    const double most = bound(n, d, e);
    const size_t room = upto > from ? (size_t)(upto - from) : 1;
    matrix t = {n, hesse_alloc((size_t)n), hesse_alloc((size_t)n)};
    interval *lists = hesse_calloc(2 * room, sizeof *lists);
    hesse_status s = HESSE_OK;
    frexp(most, &exponent);
    for (int i = from; i < upto; i++) values[i - from] = 0;
    if (!t.d || !t.squares || !lists) {
        s = hesse_fail(
            why, HESSE_E_NOMEM,
            "no memory for the eigenvalues of a tridiagonal matrix of order %d", n);
    } else if (most > 0 && upto > from) {
        for (int i = 0; i < n; i++) {
            const double beside = i ? ldexp(e[i - 1], -exponent) : 0;
            t.d[i] = ldexp(d[i], -exponent);
            t.squares[i] = i ? fmax(beside * beside, SMALLEST) : 0;
        }
        const double ends[POINTS] = {-1 - DONE, 1 + DONE};
        counts c;
        count(&t, ends, &c);
        lists[0] = (interval){.low = ends[0],
                              .high = ends[1],
                              .below_high = n,
                              .at_low = c.at[0],
                              .at_high = c.at[1]};
        refine(&t, from, upto, lists, lists + room, values);
        for (int i = from; i < upto; i++)
            values[i - from] = ldexp(values[i - from], exponent);
    }
    free(lists);
    free(t.squares);
    free(t.d);
    return s;
}
