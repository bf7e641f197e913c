/** One all-to-all of doubles between the ranks of a team, whose sizes both sides know.
 */
#ifndef HESSE_PARALLEL_EXCHANGE_H
#define HESSE_PARALLEL_EXCHANGE_H

#include "parallel/team.h"

#include <stddef.h>

typedef struct hesse_exchange {
    hesse_team *team;  /* borrowed                                                 */
    size_t *to, *from; /* doubles for and from each rank; the caller sets them     */
    double *out, *in;  /* the doubles in the order of ranks, from _open to _free   */
    size_t most_out, most_in; /* doubles that there is to be room for                 */
    int *counts, *starts; /* of out and then of in, as MPI wants them                 */
    MPI_Request request;
} hesse_exchange;

/** Collective. An exchange of nothing. Errors: HESSE_E_NOMEM. */
hesse_status hesse_exchange_new(hesse_team *team, hesse_exchange **x);
void hesse_exchange_free(hesse_exchange *x);

/** Local. Reckon with what `to` and `from` say. */
void hesse_exchange_reserve(hesse_exchange *x);

/** Collective. Room for the most that was reckoned with.
 *  Errors: HESSE_E_NOMEM, also above 2^31 - 1 doubles out of or into a rank. */
hesse_status hesse_exchange_open(hesse_exchange *x);

/** Collective, but waits for nobody. `in` of every rank from all `out`, which are left
 *  alone until settled; room for `to` and `from` is there. */
void hesse_exchange_post(hesse_exchange *x);

/** Collective. Wait for the numbers. */
void hesse_exchange_settle(hesse_exchange *x);

#endif /* HESSE_PARALLEL_EXCHANGE_H */
