/** How fast this rank multiplies. */
#ifndef HESSE_PROGRAM_RATE_H
#define HESSE_PROGRAM_RATE_H

#include "hesse/status.h"

/** Floating-point operations a second. */
typedef struct hesse_rate {
    double dgemm;  /* BLAS, order 1000                                             */
    double panels; /* hesse_gemm on a panel of 32 tokens, by weights of 64 x 64    */
} hesse_rate;

/** Local. Measure both, the best of several runs; takes about a second.
 *  Memory: 24 MB. Errors: HESSE_E_NOMEM. */
hesse_status hesse_rate_measure(hesse_rate *rate, hesse_why *why);

#endif /* HESSE_PROGRAM_RATE_H */
