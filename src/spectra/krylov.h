/** Lanczos' recurrence for several starting vectors at once, on an operator that is only
 *  applied. */
#ifndef HESSE_SPECTRA_KRYLOV_H
#define HESSE_SPECTRA_KRYLOV_H

#include "hesse/lanczos.h"

/** Collective. av = A v, A symmetric of order n, for k vectors: element (i, j) is v[i * k + j];
 *  all equal on all ranks. */
typedef void (*hesse_operator)(void *context, const double *v, double *av);

/** Collective. Probes first ... first + k - 1 of a quadrature whose arrays are there.
 *
 *  forgetful  [in]  no reorthogonalisation; false: every vector is made orthogonal to all
 *                   before it, twice (Giraud & Langou, 2002: twice is enough), and the rows
 *                   of the basis are shared by the ranks.
 *  Errors: HESSE_E_NOMEM, HESSE_E_NUMERIC. */
hesse_status hesse_krylov(hesse_team *team, hesse_operator apply, void *context,
                          int first, int k, bool forgetful, uint64_t seed,
                          hesse_quadrature *q);

#endif /* HESSE_SPECTRA_KRYLOV_H */
