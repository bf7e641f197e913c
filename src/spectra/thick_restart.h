/** Eigenpairs at both ends of a spectrum: Lanczos' method with blocks and thick
 * restarts. */
#ifndef HESSE_SPECTRA_THICK_RESTART_H
#define HESSE_SPECTRA_THICK_RESTART_H

#include "hesse/extremes.h"
#include "hesse/team.h"
#include "spectra/operator.h"

#include <stdint.h>

/** Everything besides the matrix and the pairs that a search needs. */
typedef struct hesse_thick_restart {
    int block; /* vectors multiplied at once, at least 1 */
    int room;  /* vectors of the basis: at least `least` of hesse_thick_restart_room */
    int products; /* approximate limit of multiplied vectors */
    double noise; /* residuals below it are rounding of the products */
    uint64_t seed;
} hesse_thick_restart;

/** Local. Return the best and the least number of vectors in the basis, for a total
 * number of pairs. */
typedef struct hesse_thick_restart_rooms {
    int least, best;
} hesse_thick_restart_rooms;
hesse_thick_restart_rooms hesse_thick_restart_room(size_t n, int count, int block);

/** Local. Return the bytes on the rank that has most rows, beside the pairs. */
double hesse_thick_restart_bytes(size_t n, int ranks, int count, int block, int room);

/** Collective. Compute the pairs. They are the same on all ranks. If the products end
 * before the tolerance is reached, the best pairs so far are returned, marked as not
 * converged.
 *
 *  e  [in, out]  made for the matrix, with its tolerance.
 *  Errors: HESSE_E_NOMEM, HESSE_E_NUMERIC (a product is not finite), those of the
 *  operator.
 *  Source: Wu & Simon, Thick-restart Lanczos method for large symmetric eigenvalue
 *  problems, SIAM J. Matrix Anal. Appl. 22 (2000), 602-616. */
hesse_status hesse_thick_restart_run(hesse_team *team, const hesse_operator *a,
                                     const hesse_thick_restart *how, hesse_extremes *e);

#endif /* HESSE_SPECTRA_THICK_RESTART_H */
