/* Sweep s makes column s tridiagonal and chases the bulge that this makes off the end,
   in steps of one band. GROUP sweeps travel together, each one band behind the one
   before, so that the data of a step are still in the cache when the next sweep needs
   them.

   Ranks are a pipeline: each does the steps of its stretch of columns, and hands a
   group to the next rank. Boundaries lean by one band from sweep to sweep of a group as
   the sweeps do: in sweep s of its group, the step at row r belongs to the rank whose
   stretch contains r + s HESSE_BAND. The columns around a boundary that both sides
   touch travel with the group, and back as soon as the next rank is past them.

   Column c is passed by c sweeps. Stretches that begin at n sqrt(q / ranks) share that
   work evenly. */
#include "spectra/engines/band.h"

#include "base/memory.h"

#include <limits.h>
#include <math.h>
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

/* The last stretch is the narrowest. */
int hesse_band_ranks(int n, int ranks)
{
    while (ranks > 1 && n * (1 - sqrt(1 - 1.0 / ranks)) < NARROWEST) ranks--;
    return ranks;
}

/* Return the column at which the stretch of rank q begins. */
static int border(int n, int ranks, int q)
{
    if (q == ranks) return INT_MAX - COLUMN;
    return (int)(n * sqrt((double)q / ranks));
}

/* Columns that both sides of a border touch. */
typedef struct zone {
    int from, upto;
} zone;

static zone zone_at(int place)
{
    return (zone){place - LEAN - 1, place - LEAN - 1 + HESSE_CHASE_ZONE};
}

static int first_held(int n, int ranks, int q)
{
    return q == 0 ? 0 : zone_at(border(n, ranks, q)).from;
}

static int end_held(int n, int ranks, int q)
{
    return q + 1 == ranks ? n + COLUMN : zone_at(border(n, ranks, q + 1)).upto;
}

double hesse_band_bytes(int n, int ranks)
{
    const int active = hesse_band_ranks(n, ranks);
    double most = 0;
    for (int q = 0; q < active; q++)
        most = fmax(most, end_held(n, active, q) - first_held(n, active, q));
    return most * COLUMN * sizeof(double);
}

hesse_status hesse_band_new(hesse_team *team, int n, hesse_band **band)
{
    hesse_band *b = hesse_calloc(1, sizeof *b);
    hesse_status s = HESSE_OK;
    if (b) {
        b->team = team, b->n = n, b->ranks = hesse_band_ranks(n, team->size);
        if (team->rank < b->ranks) {
            b->from = first_held(n, b->ranks, team->rank);
            b->upto = end_held(n, b->ranks, team->rank);
        }
        b->entries = hesse_alloc((size_t)(b->upto - b->from) * COLUMN);
    }
    if (!b || !b->entries)
        s = hesse_fail(&team->why, HESSE_E_NOMEM,
                       "no memory for the %.0f bytes of a band of order %d",
                       hesse_band_bytes(n, team->size), n);
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

void hesse_band_set(hesse_band *band, int column, int count, const double *values)
{
    if (column < band->from || column >= band->upto) return;
    memcpy(column_of(band, column), values, (size_t)count * sizeof *values);
}

/* The state of a rank on its way through the groups. */
typedef struct chase {
    hesse_band *band;
    hesse_reflector moving[GROUP]; /* of the sweeps that pass together         */
    int begin, end;                /* of this rank's stretch                   */
    bool owed;                     /* the next rank must still send the zone back */
    MPI_Request down[2], back;
} chase;

static void send_zone(chase *x, int place, int to, int tag, MPI_Request *request)
{
    const zone z = zone_at(place);
    MPI_Isend(column_of(x->band, z.from), (z.upto - z.from) * COLUMN, MPI_DOUBLE, to,
              tag, x->band->team->comm, request);
}

static void receive_zone(chase *x, int place, int from, int tag)
{
    const zone z = zone_at(place);
    MPI_Recv(column_of(x->band, z.from), (z.upto - z.from) * COLUMN, MPI_DOUBLE, from,
             tag, x->band->team->comm, MPI_STATUS_IGNORE);
}

static const int NUMBERS = sizeof(hesse_reflector) / sizeof(double) * GROUP;

static void receive_group(chase *x)
{
    const int before = x->band->team->rank - 1;
    MPI_Wait(&x->back, MPI_STATUS_IGNORE);
    receive_zone(x, x->begin, before, DOWN);
    MPI_Recv(x->moving, NUMBERS, MPI_DOUBLE, before, STATE, x->band->team->comm,
             MPI_STATUS_IGNORE);
}

static void receive_back(chase *x)
{
    if (!x->owed) return;
    MPI_Waitall(2, x->down, MPI_STATUSES_IGNORE);
    receive_zone(x, x->end, x->band->team->rank + 1, BACK);
    x->owed = false;
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
    const bool from_before = team->rank > 0 && first + 1 < x->begin;
    const bool again = first + GROUP + 1 < x->begin;
    const int end = x->end < x->band->n + LEAN ? x->end : x->band->n + LEAN;
    bool in_debt = from_before && again;
    int unused;
    if (from_before) receive_group(x);
    int number = 0;
    if (from_before) number = (x->begin - first - 1 - GROUP) / HESSE_BAND;
    if (number < 0) number = 0;
    for (int place; (place = first + 1 + number * HESSE_BAND) < end; number++) {
        if (in_debt && place - LEAN - 1 >= zone_at(x->begin).upto) {
            send_zone(x, x->begin, team->rank - 1, BACK, &x->back);
            in_debt = false;
        }
        if (place + GROUP - 1 + HESSE_BAND > zone_at(x->end).from) receive_back(x);
        wave(x, first, number);
        MPI_Test(&x->back, &unused, MPI_STATUS_IGNORE);
        MPI_Testall(2, x->down, &unused, MPI_STATUSES_IGNORE);
    }
    if (in_debt) send_zone(x, x->begin, team->rank - 1, BACK, &x->back);
    if (team->rank + 1 == x->band->ranks) return;
    receive_back(x);
    MPI_Waitall(2, x->down, MPI_STATUSES_IGNORE);
    send_zone(x, x->end, team->rank + 1, DOWN, &x->down[0]);
    MPI_Isend(x->moving, NUMBERS, MPI_DOUBLE, team->rank + 1, STATE, team->comm,
              &x->down[1]);
    x->owed = first + GROUP + 1 < x->end;
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
        x->begin = border(band->n, band->ranks, team->rank);
        x->end = border(band->n, band->ranks, team->rank + 1);
        for (int first = 0; first + 1 < band->n && first + 1 < x->end; first += GROUP)
            group(x, first);
        MPI_Waitall(2, x->down, MPI_STATUSES_IGNORE);
        MPI_Wait(&x->back, MPI_STATUS_IGNORE);
        /* In the end a zone belongs to the later rank. */
        const int last = team->rank + 1 == band->ranks ? band->n : zone_at(x->end).from;
        for (int j = band->from; j < last; j++) {
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
