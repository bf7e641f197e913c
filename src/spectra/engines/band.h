/** A symmetric matrix is reduced from a full matrix to a band, and then to a
 * tridiagonal matrix, which has the same eigenvalues. */
#ifndef HESSE_SPECTRA_ENGINES_BAND_H
#define HESSE_SPECTRA_ENGINES_BAND_H

#include "parallel/dmat.h"
#include "spectra/engines/bulge.h"

/** Sweeps of the chase that travel together, and columns that travel with them between
 * ranks. */
enum { HESSE_CHASE_GROUP = 4, HESSE_CHASE_ZONE = HESSE_CHASE_GROUP * HESSE_BAND + 1 };

/** A band whose columns are shared out among the ranks for the chase, stored as in
 * bulge.h. Neighbouring ranks both hold some of the columns. */
typedef struct hesse_band {
    hesse_team *team; /* borrowed                                    */
    int n;
    int ranks;      /* number of ranks that take part: the first of the team */
    int from, upto; /* columns for which this rank has room; none if it takes no part */
    double *entries;
} hesse_band;

/** Collective. Make a zero band.
 *  Memory: at most 16 HESSE_BAND n bytes; the last ranks need less.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_band_new(hesse_team *team, int n, hesse_band **band);
void hesse_band_free(hesse_band *band);

/** Local. Return the number of ranks whose stretches of a band are wide enough. */
int hesse_band_ranks(int n, int ranks);

/** Local. Return the largest number of bytes of a band on any rank. */
double hesse_band_bytes(int n);

/** Local. Set a column of the band, from its diagonal entry on, if this rank holds it.
 *  values  [in]  `count` numbers, at most HESSE_BAND + 1. */
void hesse_band_set(hesse_band *band, int column, int count, const real *values);

/** Collective. Compute a band that has the eigenvalues of a matrix, by orthogonal
 * similarities.
 *
 *  a     [in,out]  its lower triangle is read; destroyed.
 *  band  [out]     made for a->n; its entries are set. They are double in both
 *                  precisions.
 *  Work: 4/3 n^3 operations, nearly all in products of matrices.
 *  Memory: about 8 HESSE_BAND n numbers on one rank, 4 on many.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_band_reduce(hesse_dmat *a, hesse_band *band);

/** Collective. Reduce a band to a tridiagonal matrix with the same eigenvalues.
 *
 *  band  [in,out]  its entries are at most of the order of 1; destroyed.
 *  d     [out]     n: the diagonal, on every rank.
 *  e     [out]     n: the numbers beside it, and one without meaning; on every rank.
 *  Work: 6 HESSE_BAND n^2 operations.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_band_chase(hesse_band *band, double *d, double *e);

#endif /* HESSE_SPECTRA_ENGINES_BAND_H */
