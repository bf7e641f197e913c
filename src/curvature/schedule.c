/* The longest task goes first, to the group that is free first. Without groups, this
   takes at most 4/3 of the best possible time. Source: Graham, SIAM J. Appl. Math. 17
   (1969), 416-429. */
#include "curvature/schedule.h"

#include "base/memory.h"
#include "base/units.h"
#include "parallel/dmat.h"
#include "spectra/engines/bulge.h"
#include "spectra/engines/eigen.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A block of smaller order is done by one rank, even if it is a large part of the
   whole: there is not enough work in it to share. */
enum { SMALL = 256 };

hesse_group hesse_group_of(int ranks, int depth, int rank)
{
    hesse_group g = {0, ranks};
    for (; depth > 0 && g.count > 1; depth--) {
        const int half = g.count / 2;
        if (rank < g.first + half) {
            g.count = half;
        } else {
            g.first += half;
            g.count -= half;
        }
    }
    return g;
}

static int smallest_group(int ranks, int depth)
{
    return ranks >> depth ? ranks >> depth : 1;
}

/* How many times as fast loops are in single precision. docs/performance.md. */
static const double FASTER = 1.9;

static int last_depth(int ranks)
{
    int depth = 0;
    while (ranks > 1 << depth) depth++;
    return depth;
}

/* Return the engine for a matrix on a number of ranks. A rank alone has fewer engines,
   unless its matrix is distributed over a single rank, like the whole matrix. */
static hesse_engine engine_of(size_t n, int ranks, bool distributed,
                              const hesse_schedule_options *options)
{
    const int order = n > INT_MAX ? INT_MAX : (int)n;
    const bool vectors = options->vectors > 0;
    if (!distributed) return hesse_engine_local(options->engine, order, vectors);
    return hesse_engine_choose(options->engine, order, ranks, vectors);
}

/* Return true if only the lower triangle of a matrix is stored. */
static bool is_lower(hesse_engine engine, const hesse_schedule_options *options)
{
    return engine == HESSE_ENGINE_BAND && !options->both;
}

/* The bytes are infinite beyond the integers of the libraries. */
static double bytes_of(size_t n, int ranks, hesse_engine engine, bool lower,
                       const hesse_schedule_options *options)
{
    if (n > INT_MAX) return INFINITY;
    const int order = (int)n;
    const double vectors = fmin(2.0 * options->vectors, order);
    const double share = hesse_dmat_bytes(order, ranks, lower) /
                         (options->precision == HESSE_PRECISION_SINGLE ? 2 : 1);
    return share * (options->shares +
                    (options->cut ? 2 : 0)) + /* while it is sent and received */
           hesse_engine_bytes(engine, order, ranks, options->vectors > 0) +
           2 * vectors * order * (double)sizeof(double); /* collected, and residuals */
}

/* In single precision vectors have twice the lanes, and messages half the bytes. The
   band is chased in double precision, but is wider. */
static hesse_rates rates_of(const hesse_schedule_options *options)
{
    hesse_rates rates = *options->rates;
    if (options->precision == HESSE_PRECISION_SINGLE)
        rates.dgemm *= FASTER, rates.elements *= FASTER, rates.bandwidth *= 2,
            rates.chase *= (double)HESSE_BAND_DOUBLE / HESSE_BAND_SINGLE;
    return rates;
}

/* Panels take as long as the thread with most of them. */
static double panels_of(double n, int ranks, const hesse_rates *rates, hesse_work work,
                        const hesse_schedule_options *options)
{
    const double panels = ceil(n / options->panel), threads = ranks * options->threads;
    return hesse_cost_panels(rates, work) * ceil(panels / threads) / panels;
}

/* Predict the cost of a matrix on a number of ranks. */
static void price(hesse_task *t, size_t n, int ranks,
                  const hesse_schedule_options *options)
{
    const bool distributed = ranks > 1 || t->block < 0;
    const hesse_rates rates = rates_of(options);
    t->engine = engine_of(n, ranks, distributed, options);
    t->lower = is_lower(t->engine, options);
    t->exchange = options->shares * hesse_cost_exchange(&rates, (double)n, ranks,
                                                        options->panel, !t->lower);
    t->assembly = panels_of((double)n, ranks, &rates, t->work, options) + t->exchange;
    t->eigen = options->shares * hesse_cost_eigen(&rates, t->engine, (double)n, ranks,
                                                  options->vectors > 0);
    t->bytes = bytes_of(n, ranks, t->engine, t->lower, options);
}

hesse_task hesse_schedule_whole(size_t n, hesse_work work,
                                const hesse_schedule_options *options)
{
    hesse_task t = {.block = -1,
                    .group = {0, options->ranks},
                    .work = work,
                    .solution = 4.0 / 3 * options->shares * pow((double)n, 3)};
    price(&t, n, options->ranks, options);
    return t;
}

/* Return the bytes for a block on each of `ranks` ranks. */
static double need_of(size_t n, int ranks, const hesse_schedule_options *options)
{
    const hesse_engine engine = engine_of(n, ranks, ranks > 1, options);
    return bytes_of(n, ranks, engine, is_lower(engine, options), options);
}

/* Return a number of ranks that is enough for a block of order n, or 0 if no number
   is. */
static int ranks_for(size_t n, const hesse_schedule_options *options)
{
    for (int ranks = 1; ranks <= 1 << 20; ranks *= 2)
        if (need_of(n, ranks, options) <= options->memory) return ranks;
    return 0;
}

static hesse_status too_large(const hesse_block *b,
                              const hesse_schedule_options *options, hesse_why *why)
{
    const double need = need_of(b->size, options->ranks, options);
    const int ranks = ranks_for(b->size, options);
    char hint[96] = "a finer partition cuts it smaller, or it can be left out";
    if (b->size > INT_MAX)
        return hesse_fail(why, HESSE_E_NOMEM,
                          "block '%s' is of order %zu, beyond the 2^31 - 1 of the "
                          "libraries for matrices; %s",
                          b->name, b->size, hint);
    if (ranks && isinf(need))
        return hesse_fail(
            why, HESSE_E_NOMEM,
            "block '%s' is of order %zu: its share on each of %d ranks has "
            "more entries than the 2^31 - 1 of the libraries for matrices; "
            "%d ranks would do",
            b->name, b->size, options->ranks, ranks);
    if (ranks)
        snprintf(hint, sizeof hint, "%d ranks with as much memory would do", ranks);
    return hesse_fail(why, HESSE_E_NOMEM,
                      "block '%s' of order %zu needs %s on each of %d ranks, which may "
                      "use %s; %s",
                      b->name, b->size, HESSE_BYTES(need), options->ranks,
                      HESSE_BYTES(options->memory), hint);
}

static double seconds_of(const hesse_task *t)
{
    return t->assembly + t->eigen;
}

static int longest_first(const void *a, const void *b)
{
    const hesse_task *x = a, *y = b;
    if (x->depth != y->depth) return x->depth - y->depth;
    if (seconds_of(x) != seconds_of(y)) return seconds_of(x) > seconds_of(y) ? -1 : 1;
    return x->block - y->block;
}

/* Choose the smallest groups that the block fits into and that finish it within the
   bound. If there are none, choose the largest groups that it fits into, which take
   longer. All groups of a depth are as large as the smallest, or larger by one. Then
   the block must fit both sizes, because two ranks may need more than one. */
static void choose_depth(hesse_task *t, const hesse_block *b,
                         const hesse_schedule_options *options, double bound)
{
    const int last = last_depth(options->ranks);
    int widest = 0;
    for (int depth = last; depth >= 0; depth--) {
        const int ranks = smallest_group(options->ranks, depth);
        const bool uneven = ranks << depth < options->ranks;
        t->depth = depth;
        price(t, b->size, ranks, options);
        if (options->memory > 0 && t->bytes > options->memory) continue;
        if (options->memory > 0 && uneven &&
            need_of(b->size, ranks + 1, options) > options->memory)
            continue;
        if (seconds_of(t) <= bound || (depth == last && b->size < SMALL)) return;
        widest = depth;
    }
    t->depth = widest;
    price(t, b->size, smallest_group(options->ranks, widest), options);
}

static double busiest(hesse_group g, const double *busy)
{
    double most = 0;
    for (int r = g.first; r < g.first + g.count; r++) most = fmax(most, busy[r]);
    return most;
}

/* All ranks of the group wait for the last of them. */
static void add_to_busy(const hesse_task *t, double *busy)
{
    const double end = busiest(t->group, busy) + seconds_of(t);
    for (int r = t->group.first; r < t->group.first + t->group.count; r++)
        busy[r] = end;
}

/* The groups of a depth are a heap. Its first entry is the group that is free first,
   and of equal ones the group with the lowest ranks. */
static bool comes_before(const hesse_turn *a, const hesse_turn *b)
{
    return a->free != b->free ? a->free < b->free : a->group.first < b->group.first;
}

static void sink(hesse_turn *heap, int count, int i)
{
    for (int child; (child = 2 * i + 1) < count; i = child) {
        if (child + 1 < count && comes_before(&heap[child + 1], &heap[child])) child++;
        if (!comes_before(&heap[child], &heap[i])) return;
        const hesse_turn moved = heap[i];
        heap[i] = heap[child], heap[child] = moved;
    }
}

static int line_up(const hesse_schedule *x, int ranks, int depth)
{
    int count = 0;
    for (int r = 0; r < ranks; r += x->turns[count++].group.count) {
        const hesse_group g = hesse_group_of(ranks, depth, r);
        x->turns[count] = (hesse_turn){busiest(g, x->busy), g};
    }
    for (int i = count / 2; i-- > 0;) sink(x->turns, count, i);
    return count;
}

double hesse_schedule_seconds(const hesse_schedule *schedule, int ranks)
{
    return busiest((hesse_group){0, ranks}, schedule->busy);
}

/* Give each task to the group of its depth that is free first. */
static void give_all(hesse_schedule *x, const hesse_partition *partition,
                     const hesse_schedule_options *options)
{
    int groups = 0;
    for (int r = 0; r < options->ranks; r++) x->busy[r] = seconds_of(&x->whole);
    for (int i = 0; i < x->count; i++) {
        hesse_task *t = &x->tasks[i];
        if (i == 0 || t->depth != t[-1].depth)
            groups = line_up(x, options->ranks, t->depth);
        t->group = x->turns[0].group;
        price(t, partition->blocks[t->block].size, t->group.count, options);
        add_to_busy(t, x->busy);
        x->turns[0].free += seconds_of(t);
        sink(x->turns, groups, 0);
    }
}

void hesse_schedule_price(hesse_schedule *schedule, const hesse_partition *partition,
                          const hesse_schedule_options *options)
{
    hesse_schedule_options of_whole = *options;
    of_whole.cut = false;
    if (schedule->whole.group.count)
        price(&schedule->whole, partition->size, options->ranks, &of_whole);
    for (int r = 0; r < options->ranks; r++)
        schedule->busy[r] = seconds_of(&schedule->whole);
    for (int i = 0; i < schedule->count; i++) {
        hesse_task *t = &schedule->tasks[i];
        price(t, partition->blocks[t->block].size, t->group.count, options);
        add_to_busy(t, schedule->busy);
    }
}

/* Make the schedule in which no group takes longer than the bound for a block, except
   the widest group. */
static void fill(hesse_schedule *x, const hesse_partition *partition,
                 const hesse_schedule_options *options, double bound)
{
    for (int i = 0; i < x->count; i++) {
        hesse_task *t = &x->tasks[i];
        choose_depth(t, &partition->blocks[t->block], options, bound);
    }
    qsort(x->tasks, (size_t)x->count, sizeof *x->tasks, longest_first);
    give_all(x, partition, options);
}

/* If sharing had no cost, a rank's fair share of the time would be the right bound, and
   no rank would be idle. Since sharing has a cost, a schedule with a larger bound can
   end sooner. */
static void fill_best(hesse_schedule *x, const hesse_partition *partition,
                      const hesse_schedule_options *options)
{
    double fair = 0, best = INFINITY, least = INFINITY;
    fill(x, partition, options, INFINITY);
    for (int i = 0; i < x->count; i++)
        fair += x->tasks[i].group.count * seconds_of(&x->tasks[i]) / options->ranks;
    double step = 1;
    while (step <= options->ranks) {
        fill(x, partition, options, step * fair);
        const double seconds = hesse_schedule_seconds(x, options->ranks);
        if (seconds < least) least = seconds, best = step * fair;
        step *= sqrt(2);
    }
    fill(x, partition, options, best);
}

double hesse_schedule_need(size_t n, const hesse_schedule_options *options)
{
    return fmin(need_of(n, 1, options), need_of(n, options->ranks, options));
}

/* List a task for every block that must be done. */
static hesse_status list_tasks(hesse_schedule *x, const hesse_partition *partition,
                               const hesse_work *work,
                               const hesse_schedule_options *options, hesse_why *why)
{
    hesse_status s = HESSE_OK;
    for (int i = 0; !s && i < partition->count; i++) {
        const hesse_block *b = &partition->blocks[i];
        if (options->left_out && options->left_out[i]) continue;
        x->tasks[x->count++] = (hesse_task){
            .block = i,
            .work = options->cut ? (hesse_work){0} : work[i],
            .solution = 4.0 / 3 * options->shares * pow((double)b->size, 3)};
        if (options->memory > 0 &&
            hesse_schedule_need(b->size, options) > options->memory)
            s = too_large(b, options, why);
    }
    return s;
}

hesse_status hesse_schedule_new(const hesse_partition *partition,
                                const hesse_task *whole, const hesse_work *work,
                                const hesse_schedule_options *options,
                                hesse_schedule *schedule, hesse_why *why)
{
    hesse_schedule x = {.whole = *whole, .depth = last_depth(options->ranks)};
    hesse_status s = HESSE_OK;
    x.tasks = hesse_calloc((size_t)partition->count, sizeof *x.tasks);
    x.busy = hesse_calloc((size_t)options->ranks, sizeof *x.busy);
    x.turns = hesse_calloc((size_t)options->ranks, sizeof *x.turns);
    if (!x.tasks || !x.busy || !x.turns)
        s = hesse_fail(why, HESSE_E_NOMEM, "out of memory for a schedule of %d blocks",
                       partition->count);
    if (!s && work) s = list_tasks(&x, partition, work, options, why);
    if (!s) fill_best(&x, partition, options);
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
    free(schedule->busy);
    free(schedule->turns);
    *schedule = (hesse_schedule){0};
}
