/** The inner loops of the operators, over the k tangents of one channel or over a run of
 *  channels; inlined into functions marked HESSE_SIMD. */
#ifndef HESSE_OPS_LOOPS_H
#define HESSE_OPS_LOOPS_H

#include "base/simd.h"

#include <stddef.h>
#include <string.h>

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

HESSE_INLINE void zero(size_t count, double *y)
{
    memset(y, 0, count * sizeof *y);
}

#endif /* HESSE_OPS_LOOPS_H */
