/** The number of eigenvalues below a value, without an eigensolver. Needs no MPI. */
#ifndef HESSE_SPECTRA_INERTIA_H
#define HESSE_SPECTRA_INERTIA_H

#include "base/real.h"
#include "hesse/status.h"

/** Local. Count the eigenvalues of A that are below t. They are the negative
 * eigenvalues of A - t I. By Sylvester's law of inertia, the block-diagonal factor D of
 * A - t I = L D L' has as many. The factors are exact for a matrix that differs from
 * A - t I by a small multiple of n eps |A|, so eigenvalues that near to t may be
 * counted on either side.
 *
 *  a      [in,out]  n x n, column-major, its lower triangle is read; destroyed.
 *  below  [out]     the number.
 *  Errors: HESSE_E_NOMEM.
 *  Source: Bunch & Kaufman, Some stable methods for calculating inertia and solving
 *  symmetric linear systems, Mathematics of Computation 31 (1977); LAPACK's dsytrf. */
hesse_status hesse_inertia(int n, real *a, double t, int *below, hesse_why *why);

/** Local. Return the bytes that it needs beside the matrix. */
double hesse_inertia_bytes(int n);

/** Local. Count the eigenvalues that are so near to t that rounding decides on which
 * side they are: nearer than n eps max |eigenvalue|.
 *
 *  eigenvalues  [in]  n numbers, ascending. */
int hesse_inertia_uncertain(int n, const double *eigenvalues, double t);

#endif /* HESSE_SPECTRA_INERTIA_H */
