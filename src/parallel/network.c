/* The bandwidth is measured with the exchange that panels use, between all ranks. So it
   includes the limits of a network card that ranks share, and of a busy switch. A short
   message is a step of a small sum over all ranks. */
#include "parallel/network.h"

#include "base/clock.h"
#include "parallel/exchange.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Long messages are several times as long as the queues of network cards. */
enum { NUMBERS = 1 << 19, SUMS = 20, RUNS = 3 };

static void sums(hesse_team *team, hesse_exchange *x)
{
    (void)x;
    for (int i = 0; i < SUMS; i++) {
        double number = 1;
        MPI_Allreduce(MPI_IN_PLACE, &number, 1, MPI_DOUBLE, MPI_SUM, team->comm);
    }
}

static void send_all(hesse_team *team, hesse_exchange *x)
{
    (void)team;
    hesse_exchange_post(x);
    hesse_exchange_settle(x);
}

/* Return the least seconds of several runs; those of a run are those of the slowest
   rank. In a first run, connections are made and pages are mapped. */
static double best(hesse_team *team, void (*work)(hesse_team *, hesse_exchange *),
                   hesse_exchange *x)
{
    double least = INFINITY;
    for (int i = 0; i <= RUNS; i++) {
        MPI_Barrier(team->comm);
        const double start = hesse_seconds();
        work(team, x);
        double seconds = hesse_seconds() - start;
        MPI_Allreduce(MPI_IN_PLACE, &seconds, 1, MPI_DOUBLE, MPI_MAX, team->comm);
        if (i) least = fmin(least, seconds);
    }
    return least;
}

hesse_status hesse_network_measure(hesse_team *team, double *bandwidth, double *latency)
{
    const size_t others = (size_t)team->size - 1;
    hesse_exchange *x = NULL;
    assert(others);
    hesse_status s = hesse_exchange_new(team, &x);
    if (s) return s;
    const size_t each = (NUMBERS + others - 1) / others;
    for (int r = 0; r < team->size; r++)
        x->to[r] = x->from[r] = r == team->rank ? 0 : each;
    hesse_exchange_reserve(x);
    s = hesse_exchange_open(x);
    if (!s) {
        memset(x->out, 0, others * each * sizeof *x->out);
        *latency = best(team, sums, x) / SUMS / ceil(log2(team->size));
        const double seconds = best(team, send_all, x);
        *bandwidth = (double)(others * each * sizeof *x->out) / seconds;
    }
    hesse_exchange_free(x);
    return s;
}
