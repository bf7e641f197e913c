/* Longest first, to whoever is idle: within 4/3 of the best there is.
   Source: Graham, SIAM J. Appl. Math. 17 (1969), 416-429. */
#include "curvature/schedule.h"

#include "base/memory.h"
#include "parallel/dmat.h"
#include "spectra/eigen.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Below this order a block is done by one rank however much it is of the whole: there is
   not enough in it to share. */
enum { SMALL = 256 };

static double time_of(const hesse_task *t)
{
    return t->assembly + HESSE_SOLVER_WEIGHT * t->solution;
}

hesse_engine hesse_schedule_engine(size_t n, int ranks, const hesse_terms *terms)
{
    const int order = n > INT_MAX ? INT_MAX : (int)n;
    return hesse_engine_choose(terms->engine, order, ranks, terms->vectors > 0);
}

double hesse_schedule_bytes(size_t n, int ranks, const hesse_terms *terms)
{
    if (n > INT_MAX) return INFINITY;
    const int order = (int)n;
    const double vectors = fmin(2.0 * terms->vectors, order);
    const hesse_engine engine = hesse_schedule_engine(n, ranks, terms);
    const double share = hesse_dmat_bytes(order, ranks);
    return share * (terms->shares + (terms->cut ? 2 : 0)) + /* on its way, out and in */
           hesse_engine_bytes(engine, order, ranks, terms->vectors > 0) +
           2 * vectors * order * (double)sizeof(double); /* collected, and residuals */
}

static int longest_first(const void *a, const void *b)
{
    const hesse_task *x = a, *y = b;
    const bool x_all = x->owner == HESSE_ALL_RANKS, y_all = y->owner == HESSE_ALL_RANKS;
    if (x_all != y_all) return x_all ? -1 : 1;
    if (time_of(x) != time_of(y)) return time_of(x) > time_of(y) ? -1 : 1;
    return x->block - y->block;
}

/* Ranks enough for a block of order n; 0 when no number is. */
static int ranks_for(size_t n, const hesse_terms *terms)
{
    for (int ranks = 1; ranks <= 1 << 20; ranks *= 2)
        if (hesse_schedule_bytes(n, ranks, terms) <= terms->memory) return ranks;
    return 0;
}

static hesse_status too_large(const hesse_block *b, const hesse_terms *terms,
                              hesse_why *why)
{
    const double gib = 1.0 / (1 << 30);
    const double need = hesse_schedule_bytes(b->size, terms->ranks, terms);
    const int ranks = ranks_for(b->size, terms);
    char hint[96] = "cut it smaller with hessian.partition, or leave it out with "
                    "hessian.only";
    if (b->size > INT_MAX)
        return hesse_fail(why, HESSE_E_NOMEM,
                          "block '%s' is of order %zu, beyond the 2^31 - 1 of the "
                          "libraries for matrices; %s",
                          b->name, b->size, hint);
    if (ranks)
        snprintf(hint, sizeof hint, "%d ranks with as much memory would do", ranks);
    return hesse_fail(
        why, HESSE_E_NOMEM,
        "block '%s' of order %zu needs %.3g GiB on each of %d ranks, which may "
        "use %.3g GiB; %s",
        b->name, b->size, need * gib, terms->ranks, terms->memory * gib, hint);
}

/* The rank that has least to do. */
static int idlest(int ranks, const double *busy)
{
    int least = 0;
    for (int r = 1; r < ranks; r++)
        if (busy[r] < busy[least]) least = r;
    return least;
}

hesse_status hesse_schedule_new(const hesse_partition *partition,
                                const double *assembly, const hesse_terms *terms,
                                hesse_schedule *schedule, hesse_why *why)
{
    hesse_schedule x = {.count = partition->count};
    hesse_terms alone = *terms;
    x.tasks = hesse_calloc((size_t)x.count, sizeof *x.tasks);
    double *busy = hesse_alloc((size_t)terms->ranks), total = 0;
    hesse_status s = HESSE_OK;
    if (!x.tasks || !busy)
        s = hesse_fail(why, HESSE_E_NOMEM, "out of memory for a schedule of %d blocks",
                       x.count);
    for (int i = 0; !s && i < x.count; i++) {
        const double n = (double)partition->blocks[i].size;
        x.tasks[i] = (hesse_task){.block = i,
                                  .assembly = assembly[i],
                                  .solution = 4.0 / 3 * n * n * n * terms->shares};
        total += time_of(&x.tasks[i]);
    }
    for (int i = 0; !s && i < x.count; i++) {
        hesse_task *t = &x.tasks[i];
        const hesse_block *b = &partition->blocks[i];
        t->engine = alone.engine = hesse_engine_local(
            terms->engine, b->size > INT_MAX ? INT_MAX : (int)b->size,
            terms->vectors > 0);
        t->bytes = hesse_schedule_bytes(b->size, 1, &alone);
        const bool fits = terms->memory == 0 || t->bytes <= terms->memory;
        const bool fair = b->size < SMALL || time_of(t) <= total / terms->ranks;
        if ((fits && fair) || (fits && terms->ranks == 1)) continue;
        t->owner = HESSE_ALL_RANKS;
        t->engine = hesse_schedule_engine(b->size, terms->ranks, terms);
        t->bytes = hesse_schedule_bytes(b->size, terms->ranks, terms);
        x.together++;
        if (terms->memory > 0 && t->bytes > terms->memory) s = too_large(b, terms, why);
    }
    if (!s) qsort(x.tasks, (size_t)x.count, sizeof *x.tasks, longest_first);
    for (int i = x.together; !s && i < x.count; i++) {
        x.tasks[i].owner = idlest(terms->ranks, busy);
        busy[x.tasks[i].owner] += time_of(&x.tasks[i]);
    }
    free(busy);
    if (s)
        hesse_schedule_free(&x);
    else
        *schedule = x;
    return s;
}

void hesse_schedule_free(hesse_schedule *schedule)
{
    if (!schedule) return;
    free(schedule->tasks);
    *schedule = (hesse_schedule){0};
}
