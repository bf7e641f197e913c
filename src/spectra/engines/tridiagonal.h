/** Eigenvalues of a symmetric tridiagonal matrix: all of them, or a range. Needs no
 * MPI. */
#ifndef HESSE_SPECTRA_ENGINES_TRIDIAGONAL_H
#define HESSE_SPECTRA_ENGINES_TRIDIAGONAL_H

#include "hesse/status.h"

/** Local. Compute eigenvalues from ... upto - 1, counted from 0 in ascending order.
 *
 *  An eigenvalue does not depend on the range, to the bit. Its error is a few units of
 *  rounding of the matrix' norm.
 *  d       [in]   n: the diagonal.
 *  e       [in]   n - 1: the numbers beside it. The largest entry of the matrix is 0 or
 *                 between 2^-1000 and 2^1000.
 *  lambda  [out]  upto - from, ascending.
 *  Work: about 12 counts of 5 n operations for each eigenvalue, fewer in clusters.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_tridiagonal_solve(int n, const double *d, const double *e, int from,
                                     int upto, double *lambda, hesse_why *why);

/** Local. Return the bytes that it needs for a number of eigenvalues: 2 n + 8 count
 * numbers and a little. */
double hesse_tridiagonal_bytes(int n, int count);

#endif /* HESSE_SPECTRA_ENGINES_TRIDIAGONAL_H */
