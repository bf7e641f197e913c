/** hesse: spectral densities, every eigenvalue spread over a grid by a Gaussian kernel.
 *  Needs no MPI. docs/math.md. */
#ifndef HESSE_DENSITY_H
#define HESSE_DENSITY_H

#include "hesse/status.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hesse_density {
    int points;       /* of the grid, equally spaced, at least 2                  */
    double bandwidth; /* deviation of the Gaussian kernel, above 0                */
    bool absolute;    /* bandwidth in units of eigenvalues; false: as a fraction of the
                         range of the eigenvalues on the grid                     */
    bool tenth;       /* eigenvalues divided by their 10th largest first          */
    double past;      /* how far the grid extends beyond both ends, in units of (scaled)
                         eigenvalues; 0: 4 deviations */
} hesse_density;

/** A spectrum as atoms: eigenvalues, or nodes of quadratures that stand for them. Start
 * it from {0}. */
typedef struct hesse_eigenvalues {
    int n;
    const double *lambda; /* [n] ascending, finite                               */
    const double *mass;   /* [n] mass of each, their sum is 1; NULL: 1 / n       */
    double tenth;         /* the 10th largest eigenvalue, if there are masses    */
} hesse_eigenvalues;

/** Equally spaced points, and the kernel that is used with them. */
typedef struct hesse_distance_grid {
    double first, last, step; /* 0 if no grid is used                             */
    double bandwidth;         /* deviation in units of the (scaled) eigenvalues   */
    int points;
} hesse_distance_grid;

/** Local. Compute the density of a spectrum on its own grid, which extends beyond both
 * ends; sum(values) * step = 1. A point spectrum has a range so small, relative to its
 * eigenvalues, that the grid could not resolve it. Its kernel is the bandwidth times
 * max(|eigenvalue|, tiny).
 *
 *  spectrum      [in]   n >= 1.
 *  grid, values  [out]  settings->points each; units of lambda, and 1 / that.
 *  Errors: HESSE_E_JOB. */
hesse_status hesse_density_of(const hesse_density *settings,
                              const hesse_eigenvalues *spectrum, double *grid,
                              double *values, hesse_why *why);

#ifdef __cplusplus
}
#endif

#endif /* HESSE_DENSITY_H */
