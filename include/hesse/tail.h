/** hesse: a power law of the largest eigenvalues. Needs no MPI. */
#ifndef HESSE_TAIL_H
#define HESSE_TAIL_H

#include "hesse/spectrum.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The largest positive eigenvalues x, taken as a sample of the density proportional to
 * x^(-exponent) for x >= minimum. All members are NaN if there is no such fit. */
typedef struct hesse_tail {
    double exponent; /* above 1 */
    double minimum;  /* x_min, an eigenvalue; in the units of the eigenvalues */
    double count;    /* eigenvalues in the tail, those that are at least x_min */
    double distance; /* Kolmogorov-Smirnov distance of the tail and the power law */
} hesse_tail;

/** Local. Fit the tail of a spectrum. For each candidate x_min, which is a positive
 * eigenvalue, k eigenvalues are at least x_min, and the exponent of greatest likelihood
 * is 1 + k / sum ln(x_i / x_min). The fit is the candidate with the smallest
 * Kolmogorov-Smirnov distance, the largest difference of the two distribution
 * functions, on both sides of every jump.
 *
 *  n, eigenvalues, precision  [in]  ascending and finite. Eigenvalues up to
 *                                   hesse_noise_floor are left out.
 *  tail  [out]  NaN if fewer than two different eigenvalues are left.
 *  Work: at most of order n^2. Memory: n numbers.
 *  Errors: HESSE_E_NOMEM.
 *  Source: Clauset, Shalizi & Newman, Power-law distributions in empirical data, SIAM
 *  Review 51 (2009), equations 3.1 and 3.9. */
hesse_status hesse_tail_fit(int n, const double *eigenvalues, hesse_precision precision,
                            hesse_tail *tail, hesse_why *why);

#ifdef __cplusplus
}
#endif

#endif /* HESSE_TAIL_H */
