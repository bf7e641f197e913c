/** Eigenpairs at both ends of a spectrum: Lanczos' method with blocks and thick
 * restarts. */
#ifndef HESSE_SPECTRA_THICK_RESTART_H
#define HESSE_SPECTRA_THICK_RESTART_H

#include "hesse/extremes.h"
#include "hesse/team.h"
#include "spectra/operator.h"

#include <stdint.h>

/** What a search needs besides the matrix and the room for the pairs. */
typedef struct hesse_thick_restart {
    int block;    /* vectors multiplied at once, from 1                 */
    int room;     /* of the basis: at least hesse_thick_restart_room's least  */
    int products; /* vectors multiplied, about so many at most          */
    double noise; /* residuals below it are rounding of the products    */
    uint64_t seed;
} hesse_thick_restart;

/** Local. Vectors that the basis has at best, and at least, for so many pairs in all.
 */
typedef struct hesse_thick_restart_rooms {
    int least, best;
} hesse_thick_restart_rooms;
hesse_thick_restart_rooms hesse_thick_restart_room(size_t n, int count, int block);

/** Local. Bytes on the rank that has most rows, beside those of the pairs. */
double hesse_thick_restart_bytes(size_t n, int ranks, int count, int block, int room);

/** Collective. Fill in the pairs; the same on all ranks. Where products end before the
 *  tolerance is reached they are what was found, and not converged.
 *
 *  e  [in, out]  made for the matrix, with its tolerance.
 *  Errors: HESSE_E_NOMEM, HESSE_E_NUMERIC (a product is not finite), those of the
 * operator. Source: Wu & Simon, Thick-restart Lanczos method for large symmetric
 * eigenvalue problems, SIAM J. Matrix Anal. Appl. 22 (2000), 602-616. */
hesse_status hesse_thick_restart_run(hesse_team *team, const hesse_operator *a,
                                     const hesse_thick_restart *how, hesse_extremes *e);

#endif /* HESSE_SPECTRA_THICK_RESTART_H */
