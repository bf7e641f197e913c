/** Eigenvalues of a symmetric matrix: several engines behind one interface. */
#ifndef HESSE_SPECTRA_ENGINES_EIGEN_H
#define HESSE_SPECTRA_ENGINES_EIGEN_H

#include "hesse/spectrum.h"
#include "hesse/status.h"
#include "parallel/dmat.h"

/** Local. Return true if the library was built with an engine. */
bool hesse_engine_exists(hesse_engine engine);

/** Local. Return the engine that solves a matrix of order n on one rank or several. It
 * is the engine asked for, except that BAND and SMALL cannot find eigenvectors. With
 * AUTO it is the fastest one. docs/engines.md has the measurements behind the rule. */
hesse_engine hesse_engine_choose(hesse_engine asked, int n, int ranks, bool vectors);

/** Local. The same for a matrix that one rank holds: return LAPACK, BAND or
 * SMALL. */
hesse_engine hesse_engine_local(hesse_engine asked, int n, bool vectors);

/** Local. Return the largest number of bytes that an engine needs on any rank, beyond
 * the matrix. */
double hesse_engine_bytes(hesse_engine engine, int n, int ranks, bool vectors);

/** Local. Compute eigenvalues on one rank, and eigenvectors if the spectrum has room
 * for them.
 *
 *  engine    [in]      asked for: see hesse_engine_local.
 *  a         [in,out]  n x n, its lower triangle in column-major order is read;
 *                      destroyed.
 *  spectrum  [in,out]  made by hesse_spectrum_new for n. The eigenvalues, ascending,
 *                      the eigenvectors and residuals for which it has room, and the
 *                      engine are filled.
 *  Errors: HESSE_E_NOMEM, HESSE_E_NUMERIC (a is not finite; no convergence). */
hesse_status hesse_eigen_local(int n, real *a, hesse_engine engine,
                               hesse_spectrum *spectrum, hesse_why *why);

/** Collective. The same for a distributed matrix, with both triangles filled, or for
 * a lower one, which BAND, SMALL and LAPACK solve, without eigenvectors.
 *
 *  engine    [in]      asked for: see hesse_engine_choose. If ELPA cannot solve the
 *                      matrix (a rank owns nothing), ScaLAPACK does, and
 *                      spectrum->engine says so.
 *  a         [in,out]  destroyed.
 *  spectrum  [in,out]  as above, the same on every rank.
 *  Errors: HESSE_E_NOMEM (also if 32-bit sizes would overflow), HESSE_E_NUMERIC. */
hesse_status hesse_eigen(hesse_dmat *a, hesse_engine engine, hesse_spectrum *spectrum);

#endif /* HESSE_SPECTRA_ENGINES_EIGEN_H */
