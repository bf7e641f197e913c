/** Eigenvalues of a matrix that fits the cache of one core. Needs no MPI. */
#ifndef HESSE_SPECTRA_ENGINES_SMALL_H
#define HESSE_SPECTRA_ENGINES_SMALL_H

#include "base/real.h"
#include "hesse/status.h"

/** Local. Compute the eigenvalues of a symmetric matrix.
 *
 *  a       [in]   n x n, finite; its lower triangle in column-major order is read.
 *  lambda  [out]  n, ascending. The errors are a few roundings of the largest one.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_small_solve(int n, const real *a, double *lambda, hesse_why *why);

/** Local. Return the largest number of bytes that it needs, beyond the matrix. */
double hesse_small_solve_bytes(int n);

#endif /* HESSE_SPECTRA_ENGINES_SMALL_H */
