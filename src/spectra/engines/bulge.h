/** The kernel of bulge chasing: one reflection of a symmetric band matrix. Needs no
 * MPI.
 *
 *  A band is stored by columns, 2 * HESSE_BAND numbers each: entry (i, j), i >= j, is
 *  at (i - j) + j * 2 * HESSE_BAND. So any rectangle below the diagonal is an ordinary
 *  column-major matrix with stride 2 * HESSE_BAND - 1, and a bulge has room below the
 *  band. There are enough zeros behind the last row that no step is cut short. */
#ifndef HESSE_SPECTRA_ENGINES_BULGE_H
#define HESSE_SPECTRA_ENGINES_BULGE_H

/** The number of diagonals below the main one: whole vectors of the tile of
 * hesse_gemm. */
enum { HESSE_BAND_DOUBLE = 24, HESSE_BAND_SINGLE = 32 };
#ifdef HESSE_SINGLE
enum { HESSE_BAND = HESSE_BAND_SINGLE };
#else
enum { HESSE_BAND = HESSE_BAND_DOUBLE };
#endif

/** The reflection I - tau v v'. */
typedef struct hesse_reflector {
    double v[HESSE_BAND], tau;
} hesse_reflector;

/** Local. Make a reflection that leaves only the first number of a column. A sweep
 * begins with the column that it makes tridiagonal, from its first entry below the
 * diagonal on.
 *
 *  column  [in,out]  HESSE_BAND numbers. In the whole matrix, entries must be at most
 *                    of the order of 1, since those below 1e-140 are set to zero.
 *  h       [out]     the reflection of these rows. */
void hesse_bulge_begin(double *column, hesse_reflector *h);

/** Local. Apply a reflection to its rows and columns, and find the next one of the
 * sweep. The next one restores the band in the first column of the bulge that this one
 * makes.
 *
 *  corner  [in,out]  the diagonal entry of the first of its rows; the HESSE_BAND
 *                    columns from there on change.
 *  h       [in,out]  the reflection; then the next one, HESSE_BAND rows below.
 *  Work: 12 HESSE_BAND^2 operations.
 *  Source: Lang, SIAM J. Sci. Comput. 14 (1993), 1320-1338. */
void hesse_bulge_step(double *corner, hesse_reflector *h);

#endif /* HESSE_SPECTRA_ENGINES_BULGE_H */
