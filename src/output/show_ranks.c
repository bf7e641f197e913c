#include "output/show_ranks.h"

#include "base/units.h"

#include <math.h>
#include <stdlib.h>

/* Shorter waits are not told: as a share of the time of a rank, and in seconds. */
static const double SHARE = 0.05, SECONDS = 1;

/* Seconds of every rank: computing, the same as planned, and waiting at the end. */
typedef struct times {
    double *busy, *planned, *idle;
    size_t count;
} times;

static bool read_times(hesse_reader *r, times *t)
{
    size_t size;
    if (!hesse_reader_has(r, "ranks") || !hesse_reader_has(r, "ranks/idle"))
        return false;
    t->idle = hesse_reader_set(r, "ranks/idle", H5T_NATIVE_DOUBLE, &t->count, &size);
    t->busy = hesse_reader_column(r, "ranks/busy", H5T_NATIVE_DOUBLE, t->count);
    t->planned =
        hesse_reader_column(r, "ranks/busy_predicted", H5T_NATIVE_DOUBLE, t->count);
    return t->idle && t->busy && t->planned;
}

static double waited(const times *t, size_t rank)
{
    return t->idle[rank] / (t->busy[rank] + t->idle[rank]);
}

/* Return how much longer a rank took than planned, as a factor; 0: it had no work. */
static double slowness(const times *t, size_t rank)
{
    return t->planned[rank] > 0 ? t->busy[rank] / t->planned[rank] : 0;
}

/* Tell why ranks waited: the blocks could not be shared out better, or a rank was
   slower than planned. */
static void print_reason(FILE *out, const times *t, size_t idlest)
{
    double least = INFINITY, most = 0;
    size_t slowest = 0;
    for (size_t i = 0; i < t->count; i++) {
        least = fmin(least, t->planned[i]), most = fmax(most, t->planned[i]);
        if (slowness(t, i) > slowness(t, slowest)) slowest = i;
    }
    const double planned = most > 0 ? 1 - least / most : 0;
    if (planned >= 0.5 * waited(t, idlest))
        fprintf(out, "the schedule planned %.0f %%, because blocks are not cut finer\n",
                100 * planned);
    else
        fprintf(out,
                "rank %zu took %.2g times the planned time, and this one %.2g times\n",
                slowest, slowness(t, slowest), slowness(t, idlest));
}

void hesse_ranks_show(hesse_reader *r, FILE *out)
{
    times t = {NULL, NULL, NULL, 0};
    char a[HESSE_UNITS], b[HESSE_UNITS];
    size_t idlest = 0;
    const bool there = read_times(r, &t) && t.count > 1;
    for (size_t i = 0; there && i < t.count; i++)
        if (t.idle[i] > t.idle[idlest]) idlest = i;
    if (there && t.idle[idlest] >= SECONDS && waited(&t, idlest) > SHARE) {
        fprintf(out,
                "\nrank %zu of %zu waited %s of %s for the others (%.0f %%): ", idlest,
                t.count, hesse_units_time(t.idle[idlest], a),
                hesse_units_time(t.busy[idlest] + t.idle[idlest], b),
                100 * waited(&t, idlest));
        print_reason(out, &t, idlest);
    }
    free(t.busy);
    free(t.planned);
    free(t.idle);
}
