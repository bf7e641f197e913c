/** Extreme eigenpairs, traces, norms and diagonals of matrices that are not formed. */
#ifndef HESSE_CURVATURE_ESTIMATES_H
#define HESSE_CURVATURE_ESTIMATES_H

#include "curvature/quadratures.h"

/** Settings of everything that is estimated for each matrix besides its quadrature. */
typedef struct hesse_estimates {
    hesse_extreme_settings extreme;
    int kept; /* eigenvectors at each end */
    hesse_hutchinson_settings hutchinson;
    int width; /* vectors multiplied at once, if many are independent */
    uint64_t seed;
} hesse_estimates;

/** Local. Replace zeros in the settings by defaults. Errors: HESSE_E_JOB (out of
 * range).
 */
hesse_status hesse_estimates_defaults(const hesse_objective *objective,
                                      hesse_estimates *settings, hesse_why *why);

/** Local. Return the size of the rounding errors in products with vectors of length 1,
 * for a model of this loss. */
double hesse_estimates_noise(double loss);

/** Local. Return how many numbers the results of a matrix of order n have. */
double hesse_estimates_numbers(const hesse_estimates *settings, double n);

/** Local. Return the largest number of bytes that each of `ranks` ranks needs at once,
 * beside the results. The limit `memory` is kept if possible (0: no limit). too_large
 * is the first matrix that does not fit, or -1 if all fit. */
double hesse_estimates_bytes(const hesse_objective *objective,
                             const hesse_estimates *settings, int ranks, int count,
                             const hesse_submatrix *matrices, double memory,
                             int *too_large);

/** Local. Return the work of all ranks together. For eigenpairs it is the usual work.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_estimates_work(const hesse_objective *objective,
                                  const hesse_estimates *settings, int count,
                                  const hesse_submatrix *matrices, hesse_work *work,
                                  hesse_why *why);

/** Local. Return the approximate number of sweeps over the model. */
double hesse_estimates_sweeps(const hesse_objective *objective,
                              const hesse_estimates *settings, int ranks, int count,
                              const hesse_submatrix *matrices);

/** Local. Return the largest number of vectors that are multiplied at once on `ranks`
 * ranks. */
int hesse_estimates_together(const hesse_objective *objective,
                             const hesse_estimates *settings, int ranks);

/** Collective. Compute the estimates of every matrix. They are the same on all ranks.
 *  Errors: HESSE_E_NOMEM, HESSE_E_NUMERIC, and those of the checkpoint. */
hesse_status hesse_estimates_run(hesse_objective *objective,
                                 const hesse_estimates *settings, int count,
                                 hesse_submatrix *matrices,
                                 const hesse_matrix_free_options *how);

#endif /* HESSE_CURVATURE_ESTIMATES_H */
