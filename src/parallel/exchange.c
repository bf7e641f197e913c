/* The exchange is one MPI_Ialltoallv. Every rank knows its sizes without asking. */
#include "parallel/exchange.h"

#include "base/memory.h"

#include <limits.h>
#include <stdlib.h>

hesse_status hesse_exchange_new(hesse_team *team, hesse_exchange **x)
{
    const size_t size = (size_t)team->size;
    hesse_exchange *e = hesse_calloc(1, sizeof *e);
    if (e) {
        e->team = team;
        e->request = MPI_REQUEST_NULL;
        e->to = hesse_calloc(2 * size, sizeof *e->to);
        e->counts = hesse_calloc(2 * size, sizeof *e->counts);
        e->starts = hesse_calloc(2 * size, sizeof *e->starts);
        if (e->to) e->from = e->to + size;
    }
    hesse_status s = HESSE_OK;
    if (!e || !e->to || !e->counts || !e->starts)
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
    free(x->starts);
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
    const size_t out = x->most_out, in = x->most_in;
    hesse_status s = HESSE_OK;
    if (out > INT_MAX || in > INT_MAX) {
        s = hesse_fail(
            &x->team->why, HESSE_E_NOMEM,
            "exchange: %zu numbers out of rank %d and %zu into it, at most %d"
            " fit; use more ranks or smaller panels",
            out, x->team->rank, in, INT_MAX);
    } else {
        x->out = hesse_alloc(out);
        x->in = hesse_alloc(in);
        if (!x->out || !x->in)
            s = hesse_fail(&x->team->why, HESSE_E_NOMEM,
                           "exchange: no memory for %zu bytes on rank %d",
                           (out + in) * sizeof(double), x->team->rank);
    }
    return hesse_agree(x->team, s);
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
    lay_out(size, x->to, x->counts, x->starts);
    lay_out(size, x->from, x->counts + size, x->starts + size);
    MPI_Ialltoallv(x->out, x->counts, x->starts, MPI_DOUBLE, x->in, x->counts + size,
                   x->starts + size, MPI_DOUBLE, x->team->comm, &x->request);
}

void hesse_exchange_settle(hesse_exchange *x)
{
    MPI_Wait(&x->request, MPI_STATUS_IGNORE);
}
