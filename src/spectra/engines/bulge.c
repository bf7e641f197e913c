/* Each block is passed over twice, the fewest possible: a product with the reflection
   must be complete before the block is changed. The block below the diagonal is changed
   by two reflections in one pass, because the second one needs only the first column of
   the block. */
#include "spectra/engines/bulge.h"

#include "base/simd.h"

#include <math.h>
#include <stdint.h>

enum { LANE = 4, LANES = HESSE_BAND / LANE, STRIDE = 2 * HESSE_BAND - 1 };

/* Squares below this are negligible beside entries of the order of 1. Reflections of
   such columns would lose digits to underflow. */
static const double NEGLIGIBLE = 1e-280;

typedef double lane __attribute__((vector_size(8 * LANE), aligned(8), may_alias));
typedef int64_t mask __attribute__((vector_size(8 * LANE)));

HESSE_INLINE lane *at(double *x, int i)
{
    return (lane *)(x + LANE * i);
}

HESSE_INLINE const lane *of(const double *x, int i)
{
    return (const lane *)(x + LANE * i);
}

HESSE_INLINE double sum(const lane *x)
{
    return ((*x)[0] + (*x)[1]) + ((*x)[2] + (*x)[3]);
}

HESSE_INLINE void reflect(double *x, hesse_reflector *h)
{
    lane tail = *of(x, 0);
    const double first = tail[0];
    tail[0] = 0;
    lane squares = tail * tail;
    for (int l = 1; l < LANES; l++) squares += *of(x, l) * *of(x, l);
    const double beyond = sum(&squares);
    double beta = first, scale = 0;
    h->tau = 0;
    if (!(beyond < NEGLIGIBLE)) {
        beta = -copysign(sqrt(first * first + beyond), first);
        scale = 1 / (first - beta);
        h->tau = (beta - first) / beta;
    }
    for (int l = 1; l < LANES; l++) {
        *at(h->v, l) = scale * *of(x, l);
        *at(x, l) = (lane){0};
    }
    tail *= scale;
    tail[0] = 1;
    *at(h->v, 0) = tail;
    *at(x, 0) = (lane){beta};
}

/* Rows q ... of the LANE that has the diagonal entry of its column q, and the rows
   below that entry. */
static const mask FROM[LANE] = {
    {~0, ~0, ~0, ~0}, {0, ~0, ~0, ~0}, {0, 0, ~0, ~0}, {0, 0, 0, ~0}};
static const mask BELOW[LANE] = {
    {0, ~0, ~0, ~0}, {0, 0, ~0, ~0}, {0, 0, 0, ~0}, {0, 0, 0, 0}};

/* y = D v, from the lower triangle. Each number serves for its row and for its column.
 */
HESSE_INLINE void product(const double *d, const double *v, lane y[LANES])
{
    for (int l = 0; l < LANES; l++) y[l] = (lane){0};
#pragma GCC unroll 8
    for (int g = 0; g < LANES; g++) {
        lane sums[LANE];
#pragma GCC unroll 4
        for (int q = 0; q < LANE; q++) {
            const int j = LANE * g + q;
            const double *c = d + j * STRIDE;
            const lane x = *of(c, g);
            sums[q] = (lane)((mask)x & BELOW[q]) * *of(v, g);
            y[g] += (lane)((mask)x & FROM[q]) * v[j];
#pragma GCC unroll 8
            for (int l = g + 1; l < LANES; l++) {
                sums[q] += *of(c, l) * *of(v, l);
                y[l] += *of(c, l) * v[j];
            }
        }
        y[g] += (lane){sum(&sums[0]), sum(&sums[1]), sum(&sums[2]), sum(&sums[3])};
    }
}

/* D <- H D H, in the lower triangle, from y = D v. The places above the
   diagonal hold other columns. */
HESSE_INLINE void diagonal(double *d, const hesse_reflector *h, lane y[LANES])
{
    const double *v = h->v;
    double z[HESSE_BAND];
    lane both = {0};
    for (int l = 0; l < LANES; l++) both += y[l] * *of(v, l);
    const double half = 0.5 * h->tau * h->tau * sum(&both);
    for (int l = 0; l < LANES; l++) {
        y[l] = h->tau * y[l] - half * *of(v, l);
        *at(z, l) = y[l];
    }
#pragma GCC unroll 8
    for (int g = 0; g < LANES; g++)
#pragma GCC unroll 4
        for (int q = 0; q < LANE; q++) {
            const int j = LANE * g + q;
            double *c = d + j * STRIDE;
            const lane change = y[g] * v[j] + *of(v, g) * z[j];
            *at(c, g) -= (lane)((mask)change & FROM[q]);
#pragma GCC unroll 8
            for (int l = g + 1; l < LANES; l++)
                *at(c, l) -= y[l] * v[j] + *of(v, l) * z[j];
        }
}

/* y = tau B v. */
HESSE_INLINE void image(const double *b, const hesse_reflector *h, double *y)
{
    lane sums[LANES] = {0};
    for (int j = 0; j < HESSE_BAND; j += 4) {
        const double *c = b + j * STRIDE, *v = h->v + j;
        for (int l = 0; l < LANES; l++)
            sums[l] += (*of(c, l) * v[0] + *of(c + STRIDE, l) * v[1]) +
                       (*of(c + 2 * STRIDE, l) * v[2] + *of(c + 3 * STRIDE, l) * v[3]);
    }
    for (int l = 0; l < LANES; l++) *at(y, l) = h->tau * sums[l];
}

/* Column j of B <- H' (B - y v'). */
HESSE_INLINE void column(double *b, const double *y, const double *v,
                         const hesse_reflector *next, int j)
{
    double *c = b + j * STRIDE;
    lane x[LANES], sums[2] = {{0}};
#pragma GCC unroll 8
    for (int l = 0; l < LANES; l++) {
        x[l] = *of(c, l) - *of(y, l) * v[j];
        sums[l % 2] += x[l] * *of(next->v, l);
    }
    sums[0] += sums[1];
    const double s = next->tau * sum(&sums[0]);
#pragma GCC unroll 8
    for (int l = 0; l < LANES; l++) *at(c, l) = x[l] - s * *of(next->v, l);
}

HESSE_SIMD void hesse_bulge_begin(double *column, hesse_reflector *h)
{
    reflect(column, h);
}

/* D <- H D H, and for the block B below it, B <- B H. The first column of B gives the
   next reflection, with which the others become H' B. The order lets one part wait for
   its divisions while the next one runs. */
HESSE_SIMD void hesse_bulge_step(double *corner, hesse_reflector *h)
{
    double *b = corner + HESSE_BAND, image_of_v[HESSE_BAND];
    lane y[LANES];
    hesse_reflector next;
    product(corner, h->v, y);
    image(b, h, image_of_v);
    for (int l = 0; l < LANES; l++) *at(b, l) -= *of(image_of_v, l) * h->v[0];
    reflect(b, &next);
    diagonal(corner, h, y);
    for (int j = 1; j < HESSE_BAND; j++) column(b, image_of_v, h->v, &next, j);
    *h = next;
}
