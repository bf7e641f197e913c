/** Lanczos' recurrence for several starting vectors at once, on operators that are only
 *  applied. */
#ifndef HESSE_SPECTRA_LANCZOS_H
#define HESSE_SPECTRA_LANCZOS_H

#include "hesse/lanczos.h"

/** Some probes of one matrix: first ... first + k - 1 of a quadrature, whose n and
 * steps are set and whose arrays are there. Of several cells the vectors lie one cell
 * after the other; element (i, j) of a cell's is at i * k + j of it. */
typedef struct hesse_cell {
    hesse_quadrature *q;
    int first, k;
} hesse_cell;

/** What the recurrence needs besides the cells. */
typedef struct hesse_recurrence {
    void *context;
    /** Collective. av = A v, the symmetric A of every cell on its vectors; all equal on
     * all ranks. */
    void (*apply)(void *context, const double *v, double *av);
    /** Local. Asked after every step; NULL: nobody. Errors end it. */
    hesse_status (*step)(void *context, hesse_why *why);
    hesse_orthogonality orthogonality;
    uint64_t seed;
} hesse_recurrence;

/** Collective. The nodes and weights of the probes of all cells. The rows of the basis,
 * where it is kept, are shared by the ranks. Errors: HESSE_E_NOMEM, HESSE_E_NUMERIC,
 * those of `step`. Source: Giraud & Langou (2002), on why twice is enough. */
hesse_status hesse_lanczos_run(hesse_team *team, const hesse_recurrence *recurrence,
                               const hesse_cell *cells, int count);

/** Local. Whether all vectors are kept. */
bool hesse_lanczos_run_keeps(hesse_orthogonality orthogonality);

/** Local. Bytes that this takes on the rank that has most rows. */
double hesse_lanczos_run_bytes(int ranks, hesse_orthogonality orthogonality,
                               const hesse_cell *cells, int count);

#endif /* HESSE_SPECTRA_LANCZOS_H */
