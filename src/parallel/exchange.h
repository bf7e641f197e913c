/** One all-to-all of doubles between the ranks of a team, whose sizes both sides know. */
#ifndef HESSE_PARALLEL_EXCHANGE_H
#define HESSE_PARALLEL_EXCHANGE_H

#include "parallel/team.h"

#include <stddef.h>

typedef struct hesse_exchange {
    hesse_team *team;     /* borrowed                                                 */
    size_t *to, *from;    /* doubles for and from each rank; the caller sets them     */
    double *out, *in;     /* the doubles in the order of ranks, from _open to _free   */
    int *counts, *starts; /* of out and then of in, as MPI wants them                */
} hesse_exchange;

/** Collective. An exchange of nothing. Errors: HESSE_E_NOMEM. */
hesse_status hesse_exchange_new(hesse_team *team, hesse_exchange **x);
void hesse_exchange_free(hesse_exchange *x);

/** Collective. Room for what `to` and `from` say.
 *  Errors: HESSE_E_NOMEM, also above 2^31 - 1 doubles out of or into a rank. */
hesse_status hesse_exchange_open(hesse_exchange *x);

/** Collective. `in` of every rank from all `out`. */
void hesse_exchange_run(hesse_exchange *x);

#endif /* HESSE_PARALLEL_EXCHANGE_H */
