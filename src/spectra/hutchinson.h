/** Hutchinson's and Hutch++'s estimators for operators, which are known only by their
 * products. */
#ifndef HESSE_SPECTRA_HUTCHINSON_H
#define HESSE_SPECTRA_HUTCHINSON_H

#include "hesse/hutchinson.h"
#include "hesse/team.h"
#include "spectra/operator.h"

#include <stdint.h>

/** Local. Return the bytes on the rank that has most rows, beside the result, if
 * `width` vectors are multiplied at once. */
double hesse_hutchinson_bytes(size_t n, int ranks, int sketch, int width);

/** Collective. Compute the estimates. They are the same on all ranks, and up to
 * rounding for any number of ranks.
 *
 *  width  [in]       vectors multiplied at once.
 *  h      [in, out]  made for the matrix.
 *  Errors: HESSE_E_NOMEM, HESSE_E_NUMERIC (a product is not finite), those of the
 *  operator.
 *  Source: Hutchinson, Commun. Stat. Simul. 18 (1989), 1059-1076; Meyer, Musco, Musco &
 *  Woodruff, Hutch++ (SOSA 2021); for the diagonal: Bekas, Kokiopoulou & Saad, Appl.
 *  Numer. Math. 57 (2007), 1214-1229, Baston & Nakatsukasa (arXiv:2201.10684). */
hesse_status hesse_hutchinson_run(hesse_team *team, const hesse_operator *a,
                                  uint64_t seed, int width, hesse_hutchinson *h);

#endif /* HESSE_SPECTRA_HUTCHINSON_H */
