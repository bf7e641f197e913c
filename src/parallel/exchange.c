/* Every rank sends a message to each other rank that gets numbers from it. MPI counts
   in int, so a long message goes in slices. Every rank knows its sizes without asking.
 */
#include "parallel/exchange.h"

#include "base/memory.h"

#include <assert.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { TAG = 1, SLICE = 1 << 27 };

hesse_status hesse_exchange_new(hesse_team *team, hesse_exchange **x)
{
    const size_t size = (size_t)team->size;
    hesse_exchange *e = hesse_calloc(1, sizeof *e);
    if (e) {
        e->team = team;
        e->slice = SLICE;
        e->to = hesse_calloc(4 * size, sizeof *e->to);
        if (e->to) {
            e->from = e->to + size;
            e->to_start = e->from + size;
            e->from_start = e->to_start + size;
        }
    }
    hesse_status s = HESSE_OK;
    if (!e || !e->to)
        s = hesse_fail(&team->why, HESSE_E_NOMEM,
                       "exchange between %zu ranks: no memory", size);
    if ((s = hesse_agree(team, s))) {
        hesse_exchange_free(e);
        return s;
    }
    *x = e;
    return HESSE_OK;
}

void hesse_exchange_free(hesse_exchange *x)
{
    if (!x) return;
    free(x->to);
    free(x->requests);
    free(x->out);
    free(x->in);
    free(x);
}

static size_t total(int size, const size_t *sizes)
{
    size_t sum = 0;
    for (int r = 0; r < size; r++) sum += sizes[r];
    return sum;
}

void hesse_exchange_reserve(hesse_exchange *x)
{
    const size_t out = total(x->team->size, x->to), in = total(x->team->size, x->from);
    if (out > x->most_out) x->most_out = out;
    if (in > x->most_in) x->most_in = in;
}

hesse_status hesse_exchange_open(hesse_exchange *x)
{
    const size_t out = x->most_out, in = x->most_in, size = (size_t)x->team->size;
    /* No list of messages has more slices than full ones and one for each rank. */
    const size_t messages = out / x->slice + in / x->slice + 2 * size;
    hesse_status s = HESSE_OK;
    x->out = hesse_alloc(out);
    x->in = hesse_alloc(in);
    if (messages <= INT_MAX) x->requests = hesse_calloc(messages, sizeof(MPI_Request));
    if (!x->out || !x->in || !x->requests)
        s = hesse_fail(&x->team->why, HESSE_E_NOMEM,
                       "exchange: no memory for %zu bytes on rank %d",
                       (out + in) * sizeof(double), x->team->rank);
    return hesse_agree(x->team, s);
}

/* Begin to send numbers to a rank, or to receive them. */
static void begin(hesse_exchange *x, bool send, double *numbers, size_t count, int rank)
{
    for (size_t i = 0; i < count; i += x->slice) {
        const int slice = (int)(count - i < x->slice ? count - i : x->slice);
        MPI_Request *request = &x->requests[x->n_requests++];
        if (send)
            MPI_Isend(numbers + i, slice, MPI_DOUBLE, rank, TAG, x->team->comm,
                      request);
        else
            MPI_Irecv(numbers + i, slice, MPI_DOUBLE, rank, TAG, x->team->comm,
                      request);
    }
}

static void place(int size, const size_t *sizes, size_t *starts)
{
    for (int r = 1; r < size; r++) starts[r] = starts[r - 1] + sizes[r - 1];
}

/* Each rank begins with the rank after it, so that not all send to the same one. */
void hesse_exchange_post(hesse_exchange *x)
{
    const int me = x->team->rank, size = x->team->size;
    assert(x->n_requests == 0 && x->slice <= INT_MAX);
    place(size, x->to, x->to_start);
    place(size, x->from, x->from_start);
    for (int i = 1; i < size; i++) {
        const int r = (me - i + size) % size;
        begin(x, false, x->in + x->from_start[r], x->from[r], r);
    }
    for (int i = 1; i < size; i++) {
        const int r = (me + i) % size;
        begin(x, true, x->out + x->to_start[r], x->to[r], r);
    }
    if (x->to[me])
        memcpy(x->in + x->from_start[me], x->out + x->to_start[me],
               x->to[me] * sizeof *x->out);
}

void hesse_exchange_settle(hesse_exchange *x)
{
    MPI_Waitall(x->n_requests, x->requests, MPI_STATUSES_IGNORE);
    x->n_requests = 0;
}
