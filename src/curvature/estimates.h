/** Extreme eigenpairs, traces, norms and diagonals of matrices that are not formed. */
#ifndef HESSE_CURVATURE_ESTIMATES_H
#define HESSE_CURVATURE_ESTIMATES_H

#include "curvature/quadratures.h"

/** What is wanted of every matrix besides its quadrature. */
typedef struct hesse_estimates {
    hesse_extreme_settings extreme;
    int kept; /* eigenvectors at each end */
    hesse_hutchinson_settings hutchinson;
    int width; /* vectors multiplied at once, where many are independent */
    uint64_t seed;
} hesse_estimates;

/** Local. Settings with defaults in place of 0. Errors: HESSE_E_JOB (out of range). */
hesse_status hesse_estimates_defaults(const hesse_objective *objective,
                                      hesse_estimates *settings, hesse_why *why);

/** Local. What is rounding in products with vectors of length 1, of a model of this
 * loss. */
double hesse_estimates_noise(double loss);

/** Local. Numbers of what is found of a matrix of order n. */
double hesse_estimates_numbers(const hesse_estimates *settings, double n);

/** Local. The most bytes that a rank of so many needs at once within a limit (0: none),
 * beside what is found; and the first matrix that does not fit, -1 where there is none.
 */
double hesse_estimates_bytes(const hesse_objective *objective,
                             const hesse_estimates *settings, int ranks, int count,
                             const hesse_submatrix *matrices, double memory,
                             int *too_large);

/** Local. The work of all ranks together; of eigenpairs what is usual.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_estimates_work(const hesse_objective *objective,
                                  const hesse_estimates *settings, int count,
                                  const hesse_submatrix *matrices, hesse_work *work,
                                  hesse_why *why);

/** Local. Sweeps over the model, about. */
double hesse_estimates_sweeps(const hesse_objective *objective,
                              const hesse_estimates *settings, int ranks, int count,
                              const hesse_submatrix *matrices);

/** Local. How many vectors are multiplied at once on so many ranks, at most. */
int hesse_estimates_together(const hesse_objective *objective,
                             const hesse_estimates *settings, int ranks);

/** Collective. Find what is wanted of every matrix; the same on all ranks.
 *  Errors: HESSE_E_NOMEM, HESSE_E_NUMERIC, and those of the checkpoint. */
hesse_status hesse_estimates_run(hesse_objective *objective,
                                 const hesse_estimates *settings, int count,
                                 hesse_submatrix *matrices,
                                 const hesse_matrix_free_options *how);

#endif /* HESSE_CURVATURE_ESTIMATES_H */
