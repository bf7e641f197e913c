/** The eigenvalues of a symmetric tridiagonal matrix. */
#ifndef HESSE_SPECTRA_ENGINES_TRIDIAGONAL_H
#define HESSE_SPECTRA_ENGINES_TRIDIAGONAL_H

#include "hesse/status.h"

/** Local. Compute all eigenvalues.
 *
 *  d       [in,out]  n, the diagonal; destroyed.
 *  e       [in]      n - 1, beside the diagonal. The largest entry of the matrix is 0
 *                    or between 2^-1000 and 2^1000.
 *  lambda  [out]     n, ascending; errors are a few roundings of the norm.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_tridiagonal_solve(int n, double *d, const double *e, double *lambda,
                                     hesse_why *why);

/** Local. Return the largest number of bytes that it needs. */
double hesse_tridiagonal_bytes(int n);

#endif /* HESSE_SPECTRA_ENGINES_TRIDIAGONAL_H */
