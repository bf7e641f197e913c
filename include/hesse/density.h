/** hesse: spectral densities, every eigenvalue spread over a grid by a Gaussian kernel.
 *  Needs no MPI. docs/math.md. */
#ifndef HESSE_DENSITY_H
#define HESSE_DENSITY_H

#include <stdbool.h>

typedef struct hesse_density {
    int points;       /* of the grid, equally spaced, at least 2                  */
    double bandwidth; /* deviation of the Gaussian kernel, above 0                */
    bool absolute;    /* bandwidth in units of eigenvalues; false: as a fraction of the
                         range of the eigenvalues on the grid                     */
    bool tenth;       /* eigenvalues divided by their 10th largest first          */
} hesse_density;

/** Equally spaced points, and the kernel that goes with them. */
typedef struct hesse_distance_grid {
    double first, last, step; /* 0 where no grid is used                          */
    double bandwidth;         /* deviation in units of the (scaled) eigenvalues   */
    int points;
} hesse_distance_grid;

/** Local. Density of a spectrum on its own grid, which reaches 4 deviations past both
 *  ends; sum(values) * step = 1. A point spectrum (a range that the grid could not
 *  resolve beside the eigenvalues' size) gets a kernel of the bandwidth times
 *  max(|eigenvalue|, tiny).
 *
 *  lambda  [in]   n eigenvalues, ascending, finite, n >= 1.
 *  grid, values  [out]  settings->points each; units of lambda, and 1 / that. */
void hesse_density_of(const hesse_density *settings, int n, const double *lambda,
                      double *grid, double *values);

#endif /* HESSE_DENSITY_H */
