/** The parts of densities: grids, and masses on their points. Needs no MPI. */
#ifndef HESSE_SPECTRA_DENSITY_H
#define HESSE_SPECTRA_DENSITY_H

#include "hesse/density.h"

/** Local. Return the divisor of the eigenvalues. It is 1. With `tenth`, it is the
 * absolute value of the 10th largest eigenvalue, or of the smallest if there are fewer,
 * and 1 if that is 0. */
double hesse_density_scale(const hesse_density *settings,
                           const hesse_eigenvalues *spectrum);

/** Local. Check that settings and spectra are in range, and with `kernel` also the
 * settings of a density. Only the smallest and the largest eigenvalue are checked.
 * Errors: HESSE_E_JOB. */
hesse_status hesse_density_check(const hesse_density *settings, bool kernel, int count,
                                 const hesse_eigenvalues *spectra, hesse_why *why);

/** Local. Return the mass of atom i. */
static inline double hesse_mass(const hesse_eigenvalues *spectrum, int i)
{
    return spectrum->mass ? spectrum->mass[i] : 1.0 / spectrum->n;
}

/** Local. Return the grid for eigenvalues from low to high. */
hesse_distance_grid hesse_density_grid(const hesse_density *settings, double low,
                                       double high);

/** Local. Add the masses of eigenvalues / scale to the points of a grid.
 *
 *  A kernel is sampled at the points, cut below 2^-53 of its height, and scaled so that
 *  its sum is 1. If it is much narrower than the step, its mass goes to the nearest
 *  point.
 *  masses  [in,out]  grid->points. */
void hesse_density_add(const hesse_distance_grid *grid,
                       const hesse_eigenvalues *spectrum, double scale, double *masses);

#endif /* HESSE_SPECTRA_DENSITY_H */
