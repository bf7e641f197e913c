/* Each block is passed over twice, the fewest possible: a product with the reflection
   must be complete before the block is changed. The block below the diagonal is changed
   by two reflections in one pass, because the second one needs only the first column of
   the block. */
#include "spectra/engines/bulge.h"

#include "base/simd.h"

#include <math.h>

enum { LANE = 4, LANES = HESSE_BAND / LANE, STRIDE = 2 * HESSE_BAND - 1, GROUP = 4 };

/* Squares below this are negligible beside entries of the order of 1. Reflections of
   such columns would lose digits to underflow. */
static const double NEGLIGIBLE = 1e-280;

typedef double lane __attribute__((vector_size(8 * LANE), aligned(8), may_alias));

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
    lane squares = {0};
    const double first = x[0];
    x[0] = 0;
    for (int l = 0; l < LANES; l++) squares += *of(x, l) * *of(x, l);
    const double tail = sum(&squares);
    double beta = first, scale = 0;
    h->tau = 0;
    if (!(tail < NEGLIGIBLE)) {
        beta = -copysign(sqrt(first * first + tail), first);
        scale = 1 / (first - beta);
        h->tau = (beta - first) / beta;
    }
    for (int l = 0; l < LANES; l++) {
        *at(h->v, l) = scale * *of(x, l);
        *at(x, l) = (lane){0};
    }
    h->v[0] = 1;
    x[0] = beta;
}

/* y = D v for four columns of the lower triangle that begin at row and column j. */
HESSE_INLINE void product(const double *d, const double *v, double *y, int j)
{
    const double *c[LANE];
    lane sums[LANE] = {0};
    for (int q = 0; q < LANE; q++) c[q] = d + (j + q) * STRIDE;
    for (int q = 0; q < LANE; q++) {
        double mine = c[q][j + q] * v[j + q];
        for (int i = j + q + 1; i < j + LANE; i++) {
            mine += c[q][i] * v[i];
            y[i] += c[q][i] * v[j + q];
        }
        y[j + q] += mine;
    }
    for (int l = j / LANE + 1; l < LANES; l++) {
        lane more = *of(y, l);
        for (int q = 0; q < LANE; q++) {
            sums[q] += *of(c[q], l) * *of(v, l);
            more += *of(c[q], l) * v[j + q];
        }
        *at(y, l) = more;
    }
    for (int q = 0; q < LANE; q++) y[j + q] += sum(&sums[q]);
}

/* D <- H D H, in the lower triangle. */
HESSE_INLINE void diagonal(double *d, const hesse_reflector *h)
{
    const double *v = h->v;
    double y[HESSE_BAND] = {0};
    lane both = {0};
    for (int j = 0; j < HESSE_BAND; j += LANE) product(d, v, y, j);
    for (int l = 0; l < LANES; l++) both += *of(y, l) * *of(v, l);
    const double half = 0.5 * h->tau * h->tau * sum(&both);
    for (int l = 0; l < LANES; l++) *at(y, l) = h->tau * *of(y, l) - half * *of(v, l);
    for (int j = 0; j < HESSE_BAND; j++) {
        double *c = d + j * STRIDE;
        const int whole = j / LANE + 1;
        for (int i = j; i < whole * LANE; i++) c[i] -= y[i] * v[j] + v[i] * y[j];
        for (int l = whole; l < LANES; l++)
            *at(c, l) -= *of(y, l) * v[j] + *of(v, l) * y[j];
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

/* Columns j ... j + GROUP - 1 of B <- H' (B - y v'). */
HESSE_INLINE void columns(double *b, const double *y, const double *v,
                          const hesse_reflector *next, int j)
{
    double *c = b + j * STRIDE;
    lane x[GROUP][LANES], sums[GROUP] = {{0}};
    for (int q = 0; q < GROUP; q++)
        for (int l = 0; l < LANES; l++) {
            x[q][l] = *of(c + q * STRIDE, l) - *of(y, l) * v[j + q];
            sums[q] += x[q][l] * *of(next->v, l);
        }
    for (int q = 0; q < GROUP; q++) {
        const double s = next->tau * sum(&sums[q]);
        for (int l = 0; l < LANES; l++)
            *at(c + q * STRIDE, l) = x[q][l] - s * *of(next->v, l);
    }
}

/* B <- B H. Then find the next reflection from the first column, and change all
   columns: B <- H' B. Of the first column, the reflection leaves one number. */
HESSE_INLINE void below(double *b, const hesse_reflector *h, hesse_reflector *next)
{
    double y[HESSE_BAND], first[HESSE_BAND];
    image(b, h, y);
    for (int l = 0; l < LANES; l++) *at(first, l) = *of(b, l) - *of(y, l) * h->v[0];
    reflect(first, next);
    _Static_assert(HESSE_BAND % GROUP == 0, "no column is left over");
    for (int j = 0; j < HESSE_BAND; j += GROUP) columns(b, y, h->v, next, j);
    for (int l = 0; l < LANES; l++) *at(b, l) = *of(first, l);
}

HESSE_SIMD void hesse_bulge_begin(double *column, hesse_reflector *h)
{
    reflect(column, h);
}

HESSE_SIMD void hesse_bulge_step(double *corner, hesse_reflector *h)
{
    hesse_reflector next;
    diagonal(corner, h);
    below(corner + HESSE_BAND, h, &next);
    *h = next;
}
