/** The kernel of bulge chasing: one reflection of a symmetric band matrix. Needs no
 * MPI.
 *
 *  A band is stored by columns, 2 * HESSE_BAND numbers each: entry (i, j), i >= j, at
 *  (i - j) + j * 2 * HESSE_BAND. So any rectangle below the diagonal is an ordinary
 *  column-major matrix with stride 2 * HESSE_BAND - 1, and a bulge has room below the
 *  band. Behind the last row stand zeros enough that no step is cut short. */
#ifndef HESSE_SPECTRA_ENGINES_BULGE_H
#define HESSE_SPECTRA_ENGINES_BULGE_H

/** Diagonals below the main one. */
enum { HESSE_BAND = 64 };

/** I - tau v v'. */
typedef struct hesse_reflector {
    double v[HESSE_BAND], tau;
} hesse_reflector;

/** Local. A reflection that leaves of a column only its first number: a sweep begins
 * with the column that it makes tridiagonal, from its first entry below the diagonal
 * on.
 *
 *  column  [in,out]  HESSE_BAND numbers; of the order of 1 at most in the whole matrix,
 *                    since what is below 1e-140 is set to zero.
 *  h       [out]     the reflection of these rows. */
void hesse_bulge_begin(double *column, hesse_reflector *h);

/** Local. Apply a reflection to its rows and columns, and find the next of the sweep,
 *  which restores the band in the first column of the bulge that this makes.
 *
 *  corner  [in,out]  the diagonal entry of the first of its rows; the HESSE_BAND
 * columns from there on change. h       [in,out]  the reflection; the one HESSE_BAND
 * rows below. Work: 12 HESSE_BAND^2 operations. Source: Lang, SIAM J. Sci. Comput. 14
 * (1993), 1320-1338. */
void hesse_bulge_step(double *corner, hesse_reflector *h);

#endif /* HESSE_SPECTRA_ENGINES_BULGE_H */
