/** Eigenvalues of a symmetric tridiagonal matrix, any range of them by itself. Needs no
 * MPI. */
#ifndef HESSE_SPECTRA_ENGINES_STURM_H
#define HESSE_SPECTRA_ENGINES_STURM_H

#include "hesse/status.h"

/** Local. Compute eigenvalues from ... upto - 1, counted from 0 in ascending order.
 *
 *  An eigenvalue does not depend on the range, to the bit. Its error is a few units of
 *  rounding of the matrix' norm.
 *  d       [in]   n: the diagonal.
 *  e       [in]   n - 1: the numbers beside it.
 *  values  [out]  upto - from, ascending.
 *  Work: about 12 counts of 5 n operations for each eigenvalue, fewer in clusters.
 *  Memory: 2 n + 18 (upto - from) numbers.
 *  Errors: HESSE_E_NOMEM.
 *  Source: Barth, Martin & Wilkinson, Numer. Math. 9 (1967), 386-393; Oliveira &
 *  Takahashi, ACM Trans. Math. Softw. 47 (2020), 5. */
hesse_status hesse_sturm_values(int n, const double *d, const double *e, int from,
                                int upto, double *values, hesse_why *why);

#endif /* HESSE_SPECTRA_ENGINES_STURM_H */
