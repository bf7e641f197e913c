/** The larger of two defects, where fmax would forget one that is not a number. */
#ifndef HESSE_BASE_WORST_H
#define HESSE_BASE_WORST_H

#include <math.h>

/** Local. NaN when either is, else the larger. */
static inline double hesse_worst(double a, double b)
{
    return isnan(a) || a >= b ? a : b;
}

#endif /* HESSE_BASE_WORST_H */
