/** The inner loops of the operators, over the k tangents of one channel or over a run
 *  of channels. They are inlined into functions marked HESSE_SIMD. */
#ifndef HESSE_OPS_LOOPS_H
#define HESSE_OPS_LOOPS_H

#include "base/simd.h"

#include <stddef.h>
#include <string.h>

/** Four and eight numbers as one value, which may begin at any number of an array. A
 *  value that is wider than a vector of the processor is slow: hesse_simd_lanes(). */
typedef double four __attribute__((vector_size(32), aligned(8)));
typedef double eight __attribute__((vector_size(64), aligned(8)));

/** y += a x. */
HESSE_INLINE void add(size_t count, double a, const double *restrict x,
                      double *restrict y)
{
    for (size_t i = 0; i < count; i++) y[i] += a * x[i];
}

/** y = a x. */
HESSE_INLINE void scale(size_t count, double a, const double *restrict x,
                        double *restrict y)
{
    for (size_t i = 0; i < count; i++) y[i] = a * x[i];
}

/** Number of partial sums that a sum over neighbours keeps apart until its end, so that
 *  it can use vectors. */
enum { LANES = 16 };

/** Return the sum of a b. */
HESSE_INLINE double dot(size_t count, const double *a, const double *b)
{
    double parts[LANES] = {0}, sum = 0;
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (size_t l = 0; l < LANES; l++) parts[l] += a[i + l] * b[i + l];
    for (; i < count; i++) sum += a[i] * b[i];
    for (size_t l = 0; l < LANES; l++) sum += parts[l];
    return sum;
}

HESSE_INLINE void zero(size_t count, double *y)
{
    memset(y, 0, count * sizeof *y);
}

#endif /* HESSE_OPS_LOOPS_H */
