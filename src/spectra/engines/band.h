/** A symmetric matrix on its way to its eigenvalues: full, then a band, then
 * tridiagonal. */
#ifndef HESSE_SPECTRA_ENGINES_BAND_H
#define HESSE_SPECTRA_ENGINES_BAND_H

#include "parallel/dmat.h"
#include "spectra/engines/bulge.h"

/** A band whose columns are shared out among the ranks for the chase, as bulge.h stores
 *  them. Neighbours hold some columns both. */
typedef struct hesse_band {
    hesse_team *team; /* borrowed                                    */
    int n;
    int ranks;      /* how many of the team take part: the first   */
    int from, upto; /* columns held by this one; none elsewhere    */
    double *entries;
} hesse_band;

/** Collective. A zero band.
 *  Memory: 16 HESSE_BAND n / ranks bytes and more for the first ranks.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_band_new(hesse_team *team, int n, hesse_band **band);
void hesse_band_free(hesse_band *band);

/** Local. Bytes of the above on a rank at most. */
double hesse_band_bytes(int n, int ranks);

/** Local. Set the column from its diagonal entry on, where this rank holds it.
 *  values  [in]  `count` numbers, at most HESSE_BAND + 1. */
void hesse_band_set(hesse_band *band, int column, int count, const double *values);

/** Collective. A band with the eigenvalues of a matrix, by orthogonal similarities.
 *
 *  a     [in,out]  its lower triangle is read; destroyed.
 *  band  [out]     made for a->n; entries are set.
 *  Work: 4/3 n^3 operations, nearly all in products of matrices.
 *  Memory: about 6 HESSE_BAND n numbers on one rank, 3 on many.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_band_reduce(hesse_dmat *a, hesse_band *band);

/** Collective. The same down to a tridiagonal matrix.
 *
 *  band  [in,out]  entries of the order of 1 at most; destroyed.
 *  d     [out]     n: the diagonal, on every rank.
 *  e     [out]     n: the numbers beside it, and one of no meaning; on every rank.
 *  Work: 6 HESSE_BAND n^2 operations.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_band_chase(hesse_band *band, double *d, double *e);

#endif /* HESSE_SPECTRA_ENGINES_BAND_H */
