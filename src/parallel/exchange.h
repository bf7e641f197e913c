/** One all-to-all of reals between the ranks of a team. Both sides know the sizes. */
#ifndef HESSE_PARALLEL_EXCHANGE_H
#define HESSE_PARALLEL_EXCHANGE_H

#include "base/real.h"
#include "parallel/team.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct hesse_exchange {
    hesse_team *team;  /* borrowed                                                 */
    size_t *to, *from; /* numbers for and from each rank; the caller sets them     */
    real *out, *in;    /* the numbers in the order of ranks, from _open to _free   */
    size_t most_out, most_in; /* numbers for which there must be room */
    int *counts; /* of `out` and `in` with their starts, as MPI needs them */
    size_t limit,
        slice;      /* most numbers of a rank in one collective call; in a message */
    bool in_slices; /* some rank has more than the limit */
    MPI_Request *requests;
    int n_requests; /* on their way */
} hesse_exchange;

/** Collective. Make an exchange of no numbers. Errors: HESSE_E_NOMEM. */
hesse_status hesse_exchange_new(hesse_team *team, hesse_exchange **x);
void hesse_exchange_free(hesse_exchange *x);

/** Local. Note that numbers will be sent as `to` and `from` say. */
void hesse_exchange_reserve(hesse_exchange *x);

/** Collective. Allocate memory for the largest exchange that was noted.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_exchange_open(hesse_exchange *x);

/** Collective, but waits for nobody. Send the `out` of all ranks to the `in` of every
 * rank. Do not change `out` until the exchange is settled. There must be room for `to`
 * and `from`. */
void hesse_exchange_post(hesse_exchange *x);

/** Collective. Wait until the numbers have arrived. */
void hesse_exchange_settle(hesse_exchange *x);

#endif /* HESSE_PARALLEL_EXCHANGE_H */
