/** The larger of two defects. It keeps NaN, which fmax would drop. */
#ifndef HESSE_BASE_WORST_H
#define HESSE_BASE_WORST_H

#include <math.h>

/** Local. Returns NaN if one of them is NaN, else the larger. */
static inline double hesse_worst(double a, double b)
{
    return isnan(a) || a >= b ? a : b;
}

#endif /* HESSE_BASE_WORST_H */
