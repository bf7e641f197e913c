/** A clock that only goes forward, for durations. Unlike MPI's it needs no MPI_Init. */
#ifndef HESSE_BASE_CLOCK_H
#define HESSE_BASE_CLOCK_H

#include <time.h>

/** Local. Return seconds since some moment in the past. */
static inline double hesse_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif /* HESSE_BASE_CLOCK_H */
