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

/** Collective. Fill a spectrum by its engine, ScaLAPACK or ELPA, with the residuals of
 * eigenvectors. If ELPA cannot solve the matrix, ScaLAPACK does, and the engine
 * changes. The eigenvalues are those of rank 0. Errors: as above. */
hesse_status hesse_library_solve(hesse_dmat *a, hesse_spectrum *spectrum);

/** Local. The same by LAPACK for a matrix that one rank holds. The bytes that it needs
 * beside the matrix are in hesse_lapack_bytes. */
hesse_status hesse_lapack_solve(int n, real *a, hesse_spectrum *spectrum,
                                hesse_why *why);
double hesse_lapack_bytes(int n, bool vectors);

/** Collective. Compute eigenvalues alone. All ranks have lambda. */
hesse_status hesse_band_solve(hesse_dmat *a, double *lambda);

/** Local. Return the largest number of bytes that it needs on any rank, beyond the
 * matrix. */
double hesse_band_solve_bytes(int n, int ranks);

/** Local. Return the largest size of some numbers: infinite or not a number if one of
 * them is. */
real hesse_largest(size_t count, const real *values);

/** Local. Return true if ELPA can solve a matrix: every rank must own some of it. */
bool hesse_elpa_serves(const hesse_dmat *a);

#endif /* HESSE_SPECTRA_ENGINES_ENGINES_H */
