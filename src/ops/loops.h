/** The inner loops of the operators, over the k tangents of one channel or over a run
 *  of channels. They are inlined into functions marked HESSE_SIMD. */
#ifndef HESSE_OPS_LOOPS_H
#define HESSE_OPS_LOOPS_H

#include "base/real.h"
#include "base/simd.h"

#include <stddef.h>
#include <string.h>

/** The numbers in 32 and in 64 bytes as one value, which may begin at any number of an
 *  array. A value that is wider than a vector of the processor is slow:
 *  hesse_simd_lanes(). */
typedef real bytes_32 __attribute__((vector_size(32), aligned(sizeof(real))));
typedef real bytes_64 __attribute__((vector_size(64), aligned(sizeof(real))));

/** y += a x. */
HESSE_INLINE void add(size_t count, real a, const real *restrict x, real *restrict y)
{
    for (size_t i = 0; i < count; i++) y[i] += a * x[i];
}

/** y = a x. */
HESSE_INLINE void scale(size_t count, real a, const real *restrict x, real *restrict y)
{
    for (size_t i = 0; i < count; i++) y[i] = a * x[i];
}

/** Number of partial sums that a sum over neighbours keeps apart until its end, so that
 *  it can use vectors. */
enum { LANES = 2 * HESSE_REALS_64 };

/** Return the sum of a b. */
HESSE_INLINE real dot(size_t count, const real *a, const real *b)
{
    real parts[LANES] = {0}, sum = 0;
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (size_t l = 0; l < LANES; l++) parts[l] += a[i + l] * b[i + l];
    for (; i < count; i++) sum += a[i] * b[i];
    for (size_t l = 0; l < LANES; l++) sum += parts[l];
    return sum;
}

HESSE_INLINE void zero(size_t count, real *y)
{
    memset(y, 0, count * sizeof *y);
}

#endif /* HESSE_OPS_LOOPS_H */
