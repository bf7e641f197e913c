/* Sweep s makes column s tridiagonal and chases the bulge that this makes off the end,
   in steps of one band. GROUP sweeps travel together, each one band behind the one
   before, so that the data of a step are still in the cache when the next sweep needs
   them.

   Ranks are a pipeline: each does the steps of its stretch of columns, and hands a
   group to the next rank. Boundaries lean by one band from sweep to sweep of a group as
   the sweeps do: in sweep s of its group, the step at row r belongs to the rank whose
   stretch contains r + s HESSE_BAND. The columns around a boundary that both sides
   touch travel with the group, and back as soon as the next rank is past them.

   The columns that are still to be passed are shared out evenly: the boundaries move
   towards the end as the sweeps begin there, and the columns that come back with a
   group include those that change hands. In the end, boundaries stay where they are. */
#include "spectra/engines/band.h"

#include "base/memory.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    GROUP = HESSE_CHASE_GROUP,
    COLUMN = 2 * HESSE_BAND,
    LEAN = (GROUP - 1) * HESSE_BAND
};

/* In narrower stretches, ranks mostly wait. */
enum { NARROWEST = 2 * GROUP * HESSE_BAND };

enum { DOWN = 1, BACK = 2, STATE = 3 };

int hesse_band_ranks(int n, int ranks)
{
    return ranks < n / NARROWEST ? ranks : n < NARROWEST ? 1 : n / NARROWEST;
}

/* Return the column at which the stretch of rank q begins when the group of sweeps from
   `first` on passes. It grows with `first`, by less than GROUP from group to group. */
static int border(int n, int ranks, int q, int first)
{
    if (q == ranks) return INT_MAX - COLUMN;
    const int last = n - ranks * NARROWEST; /* then the boundaries stay */
    const int begun = first < last ? first : last > 0 ? last : 0;
    return begun + (int)((long long)(n - begun) * q / ranks);
}

/* Columns that both sides of a border touch. */
typedef struct zone {
    int from, upto;
} zone;

/* Return the zone of a border that is, or will next be, at two places. */
static zone zone_between(int place, int next)
{
    return (zone){place - LEAN - 1, next - LEAN - 1 + HESSE_CHASE_ZONE};
}

static zone zone_at(int place)
{
    return zone_between(place, place);
}

/* Return the first column that rank q touches in the group from `first` on. Boundaries
   only move towards the end, so it never needs earlier ones again. */
static int first_held(int n, int ranks, int q, int first)
{
    return q == 0 ? 0 : zone_at(border(n, ranks, q, first)).from;
}

double hesse_band_bytes(int n)
{
    return (n + COLUMN) * (double)COLUMN * sizeof(double);
}

hesse_status hesse_band_new(hesse_team *team, int n, hesse_band **band)
{
    hesse_band *b = hesse_calloc(1, sizeof *b);
    hesse_status s = HESSE_OK;
    if (b) {
        b->team = team, b->n = n, b->ranks = hesse_band_ranks(n, team->size);
        if (team->rank < b->ranks) {
            b->from = first_held(n, b->ranks, team->rank, 0);
            b->upto = n + COLUMN;
        }
        b->entries = hesse_alloc((size_t)(b->upto - b->from) * COLUMN);
    }
    if (!b || !b->entries)
        s = hesse_fail(&team->why, HESSE_E_NOMEM,
                       "no memory for the %.0f bytes of a band of order %d",
                       hesse_band_bytes(n), n);
    if ((s = hesse_agree(team, s))) {
        hesse_band_free(b);
        return s;
    }
    *band = b;
    return HESSE_OK;
}

void hesse_band_free(hesse_band *band)
{
    if (!band) return;
    free(band->entries);
    free(band);
}

static double *column_of(const hesse_band *b, int column)
{
    return b->entries + (size_t)(column - b->from) * COLUMN;
}

void hesse_band_set(hesse_band *band, int column, int count, const real *values)
{
    if (column < band->from || column >= band->upto) return;
    double *to = column_of(band, column);
    for (int i = 0; i < count; i++) to[i] = (double)values[i];
}

/* The state of a rank on its way through the groups. */
typedef struct chase {
    hesse_band *band;
    hesse_reflector moving[GROUP]; /* of the sweeps that pass together         */
    int begin, end;                /* of this rank's stretch                   */
    zone owed; /* columns that the next rank must still send back; upto 0: none */
    MPI_Request down[2], back;
} chase;

static void send_zone(chase *x, zone z, int to, int tag, MPI_Request *request)
{
    MPI_Isend(column_of(x->band, z.from), (z.upto - z.from) * COLUMN, MPI_DOUBLE, to,
              tag, x->band->team->comm, request);
}

static void receive_zone(chase *x, zone z, int from, int tag)
{
    MPI_Recv(column_of(x->band, z.from), (z.upto - z.from) * COLUMN, MPI_DOUBLE, from,
             tag, x->band->team->comm, MPI_STATUS_IGNORE);
}

static const int NUMBERS = sizeof(hesse_reflector) / sizeof(double) * GROUP;

static void receive_group(chase *x)
{
    const int before = x->band->team->rank - 1;
    MPI_Wait(&x->back, MPI_STATUS_IGNORE);
    receive_zone(x, zone_at(x->begin), before, DOWN);
    MPI_Recv(x->moving, NUMBERS, MPI_DOUBLE, before, STATE, x->band->team->comm,
             MPI_STATUS_IGNORE);
}

static void receive_back(chase *x)
{
    if (!x->owed.upto) return;
    MPI_Waitall(2, x->down, MPI_STATUSES_IGNORE);
    receive_zone(x, x->owed, x->band->team->rank + 1, BACK);
    x->owed.upto = 0;
}

/* Do one step of every sweep of the group that has a step here. */
static void wave(chase *x, int first, int number)
{
    const int place = first + 1 + number * HESSE_BAND;
    for (int s = 0; s < GROUP && s <= number; s++) {
        const int row = place + s - s * HESSE_BAND;
        if (place + s < x->begin || place + s >= x->end || row >= x->band->n) continue;
        if (s == number)
            hesse_bulge_begin(column_of(x->band, row - 1) + 1, &x->moving[s]);
        hesse_bulge_step(column_of(x->band, row), &x->moving[s]);
    }
}

/* Do the steps in this rank's stretch, for the sweeps from `first` on. */
static void group(chase *x, int first)
{
    const hesse_team *team = x->band->team;
    const int n = x->band->n, ranks = x->band->ranks;
    x->begin = border(n, ranks, team->rank, first);
    x->end = border(n, ranks, team->rank + 1, first);
    const zone debt =
        zone_between(x->begin, border(n, ranks, team->rank, first + GROUP));
    const bool from_before = team->rank > 0 && first + 1 < x->begin;
    const bool again = first + GROUP + 1 < x->begin;
    const int end = x->end < n + LEAN ? x->end : n + LEAN;
    bool in_debt = from_before && again;
    int unused;
    if (from_before) receive_group(x);
    int number = 0;
    if (from_before) number = (x->begin - first - 1 - GROUP) / HESSE_BAND;
    if (number < 0) number = 0;
    for (int place; (place = first + 1 + number * HESSE_BAND) < end; number++) {
        if (in_debt && place - LEAN - 1 >= debt.upto) {
            send_zone(x, debt, team->rank - 1, BACK, &x->back);
            in_debt = false;
        }
        if (place + GROUP - 1 + HESSE_BAND > x->owed.from) receive_back(x);
        wave(x, first, number);
        MPI_Test(&x->back, &unused, MPI_STATUS_IGNORE);
        MPI_Testall(2, x->down, &unused, MPI_STATUSES_IGNORE);
    }
    if (in_debt) send_zone(x, debt, team->rank - 1, BACK, &x->back);
    if (team->rank + 1 == ranks) return;
    receive_back(x);
    MPI_Waitall(2, x->down, MPI_STATUSES_IGNORE);
    send_zone(x, zone_at(x->end), team->rank + 1, DOWN, &x->down[0]);
    MPI_Isend(x->moving, NUMBERS, MPI_DOUBLE, team->rank + 1, STATE, team->comm,
              &x->down[1]);
    if (first + GROUP + 1 < x->end)
        x->owed = zone_between(x->end, border(n, ranks, team->rank + 1, first + GROUP));
}

hesse_status hesse_band_chase(hesse_band *band, double *d, double *e)
{
    hesse_team *team = band->team;
    const size_t n = (size_t)band->n;
    chase *x = hesse_calloc(1, sizeof *x);
    hesse_status s = HESSE_OK;
    if (!x) s = hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory");
    if ((s = hesse_agree(team, s))) {
        free(x);
        return s;
    }
    x->band = band;
    x->down[0] = x->down[1] = x->back = MPI_REQUEST_NULL;
    memset(d, 0, n * sizeof *d);
    memset(e, 0, n * sizeof *e);
    if (team->rank < band->ranks) {
        for (int first = 0;
             first + 1 < band->n &&
             first + 1 < border(band->n, band->ranks, team->rank + 1, first);
             first += GROUP)
            group(x, first);
        MPI_Waitall(2, x->down, MPI_STATUSES_IGNORE);
        MPI_Wait(&x->back, MPI_STATUS_IGNORE);
        /* In the end a zone belongs to the later rank. */
        const int begin = first_held(band->n, band->ranks, team->rank, band->n);
        const int end = team->rank + 1 == band->ranks
                            ? band->n
                            : first_held(band->n, band->ranks, team->rank + 1, band->n);
        for (int j = begin; j < end; j++) {
            d[j] = column_of(band, j)[0];
            e[j] = column_of(band, j)[1];
        }
    }
    free(x);
    if (team->size > 1) {
        hesse_team_sum(team, d, n);
        hesse_team_sum(team, e, n);
    }
    return HESSE_OK;
}
