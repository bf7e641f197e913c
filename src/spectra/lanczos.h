/** Lanczos' recurrence for several starting vectors at once, on operators that are
 * known only by their products. */
#ifndef HESSE_SPECTRA_LANCZOS_H
#define HESSE_SPECTRA_LANCZOS_H

#include "hesse/lanczos.h"

/** Some probes of one matrix: first ... first + k - 1 of a quadrature, whose n and
 * steps are set and whose arrays are allocated. In a list of vectors, one cell follows
 * the other, and element (i, j) of a cell is at i * k + j in its part of the list. */
typedef struct hesse_cell {
    hesse_quadrature *q;
    int first, k;
} hesse_cell;

/** Everything besides the cells that the recurrence needs. */
typedef struct hesse_recurrence {
    void *context;
    /** Collective. av = A v: multiply the vectors of every cell by its symmetric matrix
     * A. All vectors are equal on all ranks. */
    void (*apply)(void *context, const double *v, double *av);
    /** Local. Called after every step; NULL: not called. An error ends the recurrence.
     */
    hesse_status (*step)(void *context, hesse_why *why);
    hesse_orthogonality orthogonality;
    uint64_t seed;
} hesse_recurrence;

/** Collective. Compute the nodes and weights of the probes of all cells. If the basis
 * is kept, the ranks share its rows. Errors: HESSE_E_NOMEM, HESSE_E_NUMERIC, those of
 * `step`. Source: Giraud & Langou (2002), on why it is enough to orthogonalise twice.
 */
hesse_status hesse_lanczos_run(hesse_team *team, const hesse_recurrence *recurrence,
                               const hesse_cell *cells, int count);

/** Local. Return true if all vectors are kept. */
bool hesse_lanczos_run_keeps(hesse_orthogonality orthogonality);

/** Local. Return the bytes that the recurrence takes on the rank that has most rows. */
double hesse_lanczos_run_bytes(int ranks, hesse_orthogonality orthogonality,
                               const hesse_cell *cells, int count);

#endif /* HESSE_SPECTRA_LANCZOS_H */
