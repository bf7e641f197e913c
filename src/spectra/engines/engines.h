/** The engines behind hesse_eigen. */
#ifndef HESSE_SPECTRA_ENGINES_ENGINES_H
#define HESSE_SPECTRA_ENGINES_ENGINES_H

#include "spectra/engines/eigen.h"

/** Collective. Compute the eigenvalues of a distributed matrix, which is destroyed.
 * With `z`, all eigenvectors become its columns.
 *
 *  lambda  [out]  n, ascending; on rank 0 at least.
 *  Errors: HESSE_E_NOMEM, HESSE_E_NUMERIC, agreed. */
hesse_status hesse_scalapack_solve(hesse_dmat *a, double *lambda, hesse_dmat *z);
hesse_status hesse_elpa_solve(hesse_dmat *a, double *lambda, hesse_dmat *z);

/** Collective. The same for eigenvalues alone. All ranks have lambda. */
hesse_status hesse_band_solve(hesse_dmat *a, double *lambda);

/** Local. Return the largest number of bytes that it needs on any rank, beyond the
 * matrix. */
double hesse_band_solve_bytes(int n, int ranks);

/** Local. Return the largest size of some numbers: infinite or not a number if one of
 * them is. */
double hesse_largest(size_t count, const double *values);

/** Local. Return true if ELPA can solve a matrix: every rank must own some of it. */
bool hesse_elpa_serves(const hesse_dmat *a);

#endif /* HESSE_SPECTRA_ENGINES_ENGINES_H */
