/* The exchange is one MPI_Ialltoallv. Between four nodes it was 1.5 times as fast as a
   message for each pair of ranks. MPI counts in int, so more numbers go in messages of
   their own, in slices. Every rank knows its sizes without asking. */
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
        e->limit = INT_MAX;
        e->slice = SLICE;
        e->to = hesse_calloc(2 * size, sizeof *e->to);
        e->counts = hesse_calloc(4 * size, sizeof *e->counts);
        if (e->to) e->from = e->to + size;
    }
    hesse_status s = HESSE_OK;
    if (!e || !e->to || !e->counts)
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
    free(x->counts);
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

/* Collective. Return true if the numbers out of a rank or into it are beyond int. */
static bool is_long(const hesse_exchange *x)
{
    int any = x->most_out > x->limit || x->most_in > x->limit;
    MPI_Allreduce(MPI_IN_PLACE, &any, 1, MPI_INT, MPI_MAX, x->team->comm);
    return any;
}

hesse_status hesse_exchange_open(hesse_exchange *x)
{
    const size_t out = x->most_out, in = x->most_in, size = (size_t)x->team->size;
    x->in_slices = is_long(x);
    /* A pair of ranks has full slices and one that is not. */
    const size_t slices = out / x->slice + in / x->slice + 2 * size;
    hesse_status s = HESSE_OK;
    x->out = hesse_alloc_real(out);
    x->in = hesse_alloc_real(in);
    x->requests = hesse_calloc(x->in_slices ? slices : 1, sizeof(MPI_Request));
    if (!x->out || !x->in || !x->requests)
        s = hesse_fail(&x->team->why, HESSE_E_NOMEM,
                       "exchange: no memory for %zu bytes on rank %d",
                       (out + in) * sizeof(real), x->team->rank);
    return hesse_agree(x->team, s);
}

/* Begin to send numbers to a rank, or to receive them. Return their end. */
static real *begin(hesse_exchange *x, bool send, real *numbers, size_t count, int rank)
{
    for (size_t i = 0; i < count; i += x->slice) {
        const int slice = (int)(count - i < x->slice ? count - i : x->slice);
        MPI_Request *request = &x->requests[x->n_requests++];
        if (send)
            MPI_Isend(numbers + i, slice, HESSE_MPI_REAL, rank, TAG, x->team->comm,
                      request);
        else
            MPI_Irecv(numbers + i, slice, HESSE_MPI_REAL, rank, TAG, x->team->comm,
                      request);
    }
    return numbers + count;
}

static void lay_out(int size, const size_t *sizes, int *counts, int *starts)
{
    for (int r = 0, at = 0; r < size; r++) {
        counts[r] = (int)sizes[r];
        starts[r] = at;
        at += counts[r];
    }
}

void hesse_exchange_post(hesse_exchange *x)
{
    const int size = x->team->size;
    int *const counts = x->counts;
    real *in = x->in, *out = x->out;
    assert(x->n_requests == 0 && x->slice <= INT_MAX && x->limit <= INT_MAX);
    for (int r = 0; x->in_slices && r < size; r++)
        in = begin(x, false, in, x->from[r], r);
    for (int r = 0; x->in_slices && r < size; r++)
        out = begin(x, true, out, x->to[r], r);
    if (x->in_slices) return;
    lay_out(size, x->to, counts, counts + size);
    lay_out(size, x->from, counts + 2 * size, counts + 3 * size);
    MPI_Ialltoallv(out, counts, counts + size, HESSE_MPI_REAL, in, counts + 2 * size,
                   counts + 3 * size, HESSE_MPI_REAL, x->team->comm,
                   &x->requests[x->n_requests++]);
}

void hesse_exchange_settle(hesse_exchange *x)
{
    MPI_Waitall(x->n_requests, x->requests, MPI_STATUSES_IGNORE);
    x->n_requests = 0;
}
