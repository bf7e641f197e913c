/** What densities are made of: grids, and masses on their points. Needs no MPI. */
#ifndef HESSE_SPECTRA_DENSITY_H
#define HESSE_SPECTRA_DENSITY_H

#include "hesse/density.h"

/** Local. What the eigenvalues are divided by: 1; with `tenth` the absolute value of
 * the 10th largest, of the smallest where there are fewer, and 1 where that is 0. */
double hesse_density_scale(const hesse_density *settings,
                           const hesse_eigenvalues *spectrum);

/** Local. Whether settings and spectra are in range; with `kernel` also what a density
 *  needs. Of the eigenvalues the ends are looked at. Errors: HESSE_E_JOB. */
hesse_status hesse_density_check(const hesse_density *settings, bool kernel, int count,
                                 const hesse_eigenvalues *spectra, hesse_why *why);

/** Local. The mass of atom i. */
static inline double hesse_mass(const hesse_eigenvalues *spectrum, int i)
{
    return spectrum->mass ? spectrum->mass[i] : 1.0 / spectrum->n;
}

/** Local. The grid for eigenvalues from low to high. */
hesse_distance_grid hesse_density_grid(const hesse_density *settings, double low,
                                       double high);

/** Local. Add the masses of eigenvalues / scale to the points of a grid.
 *
 *  A kernel is sampled at the points, cut where it falls below 2^-53 of its height, and
 *  made to sum to 1: also one much narrower than the step, which goes to the nearest
 *  point.
 *  masses  [in,out]  grid->points. */
void hesse_density_add(const hesse_distance_grid *grid,
                       const hesse_eigenvalues *spectrum, double scale, double *masses);

#endif /* HESSE_SPECTRA_DENSITY_H */
