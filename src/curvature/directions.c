/* A direction d is a sum of its restrictions d_b to the blocks. The columns that are
   multiplied are d itself, and every d_b that is not zero; a share is symmetric, so S
   d_c gives d_b' S d_c for every b. d' S d is computed from S d, and not as the sum of
   these, in which large numbers may cancel. Columns of all directions share sweeps. */
#include "base/clock.h"
#include "base/memory.h"
#include "base/units.h"
#include "curvature/measures.h"
#include "parallel/team.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A column that is multiplied: a direction, restricted to a block or whole (block
   -1). */
typedef struct column {
    int direction, block;
} column;

typedef struct work {
    hesse_analysis *analysis;
    const hesse_plan *plan;
    const hesse_directions_options *options;
    hesse_direction_results *x;
    double *d; /* [count][n] in the order of the blocks */
    column *columns;
    int n_columns;
    int width;
    hesse_bundle bundle; /* of all blocks */
    double *v, *sv;      /* [n][width]    */
    hesse_product *product;
    double operations, of; /* done, of one product */
} work;

/* The columns are at most these, because d may be zero in a block. */
static double most_columns(const hesse_plan *plan, const hesse_directions_options *o)
{
    const int blocks = plan->partition.count;
    return (double)o->count * (blocks > 1 ? blocks + 1 : 1) *
           hesse_measure_shares(o->parts, o->n_parts);
}

/* Bytes of directions and results. */
static double held_of(const hesse_plan *plan, const hesse_directions_options *o)
{
    const double blocks = plan->partition.count,
                 shares = hesse_measure_shares(o->parts, o->n_parts);
    return 8.0 * o->count *
           ((double)plan->partition.size * (1 + (o->keep ? shares : 0)) + blocks +
            shares * (blocks + 1) * (blocks + 1));
}

/* Choose the number of vectors at once. */
static hesse_status find_width(const hesse_plan *plan,
                               const hesse_directions_options *o, int *width,
                               hesse_why *why)
{
    const hesse_partition *p = &plan->partition;
    const double held = held_of(plan, o);
    const double most = most_columns(plan, o);
    *width = hesse_measure_width(plan, p->pieces, p->n_pieces, p->size, held,
                                 most < HESSE_PANEL ? (int)most : HESSE_PANEL);
    if (*width) return HESSE_OK;
    const hesse_bundle one = {p->pieces, p->n_pieces, 1};
    const double need = plan->base + held + 16.0 * (double)p->size +
                        hesse_product_bytes(plan->objective, plan->ranks, &one, 1);
    return hesse_fail(why, HESSE_E_NOMEM,
                      "%d directions with %d blocks need %s per rank, more than the %s "
                      "that are allowed",
                      o->count, p->count, HESSE_BYTES(need), HESSE_BYTES(plan->memory));
}

hesse_status hesse_directions_cost(const hesse_analysis *analysis,
                                   const hesse_directions_options *o,
                                   const hesse_rates *rates, hesse_measure_cost *cost,
                                   hesse_why *why)
{
    const hesse_plan *plan = hesse_analysis_plan(analysis);
    *cost = (hesse_measure_cost){.products = most_columns(plan, o)};
    hesse_status s = hesse_measure_allow("the curvature along directions",
                                         cost->products, o->products, why);
    if (!s) s = find_width(plan, o, &cost->width, why);
    if (s) return s;
    const hesse_bundle bundle = {plan->partition.pieces, plan->partition.n_pieces,
                                 cost->width};
    hesse_work one;
    s = hesse_product_work(plan->objective, &bundle, 1, &one, why);
    if (s) return s;
    const hesse_work all =
        hesse_work_add((hesse_work){0}, ceil(cost->products / cost->width), one);
    cost->work = all.products;
    cost->seconds = hesse_measure_seconds(plan, rates, all, cost->width);
    return HESSE_OK;
}

static double dot(size_t n, const double *a, const double *b)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/* Local. Check the options, and allocate the results. */
static hesse_status make(hesse_analysis *a, const hesse_directions_options *o,
                         hesse_direction_results *x, hesse_why *why)
{
    const hesse_plan *plan = hesse_analysis_plan(a);
    const size_t count = (size_t)o->count, blocks = (size_t)plan->partition.count;
    x->count = o->count, x->blocks = plan->partition.count;
    x->size = plan->partition.size;
    const int shares = hesse_measure_shares(o->parts, o->n_parts);
    x->names = hesse_calloc(count, sizeof *x->names);
    x->norm = hesse_alloc(count);
    x->block_norm = hesse_alloc(count * blocks);
    x->cosine = hesse_alloc(count);
    x->share = hesse_calloc((size_t)shares, sizeof *x->share);
    bool there = x->names && x->norm && x->block_norm && x->cosine && x->share;
    for (int i = 0; there && i < o->count; i++)
        there = (x->names[i] = hesse_copy(o->list[i].name ? o->list[i].name : ""));
    if (x->share) x->shares = shares;
    for (int i = 0; there && i < shares; i++) {
        hesse_direction_share *s = &x->share[i];
        s->kinds = hesse_measure_share(o->parts, o->n_parts, i);
        s->quadratic = hesse_alloc(count);
        s->rayleigh = hesse_alloc(count);
        s->between = hesse_alloc(count * blocks * blocks);
        s->in_top = hesse_alloc(count);
        s->block_in_top = hesse_alloc(count * blocks);
        if (o->keep)
            s->product = hesse_calloc(count * plan->partition.size, sizeof(double));
        there = s->quadratic && s->rayleigh && s->between && s->in_top &&
                s->block_in_top && (s->product || !o->keep);
    }
    return there ? HESSE_OK
                 : hesse_fail(why, HESSE_E_NOMEM,
                              "out of memory for %d directions with %zu blocks",
                              o->count, blocks);
}

static hesse_status check(const hesse_analysis *a, const hesse_directions_options *o,
                          hesse_direction_results **x, hesse_why *why)
{
    if (!o || !x || !o->list || o->count < 1)
        return hesse_fail(why, HESSE_E_JOB,
                          "curvature needs at least one direction, and a place");
    for (int i = 0; i < (o->parts ? o->n_parts : 0); i++)
        if (!o->parts[i] || (o->parts[i] & ~HESSE_ALL))
            return hesse_fail(why, HESSE_E_JOB,
                              "share %#x, expected kinds of operators",
                              (unsigned)o->parts[i]);
    if (!hesse_analysis_results(a, 0))
        return hesse_fail(why, HESSE_E_JOB, "directions need an analysis that was run");
    return HESSE_OK;
}

static double *direction_of(const work *w, int i)
{
    return w->d + (size_t)i * w->plan->partition.size;
}

/* Local. Put the directions into the order of the blocks, and measure their lengths. */
static void measure(work *w)
{
    const hesse_partition *p = &w->plan->partition;
    const double *g = hesse_analysis_gradient(w->analysis);
    hesse_direction_results *x = w->x;
    const double length = sqrt(dot(p->size, g, g));
    for (int i = 0; i < x->count; i++) {
        double *d = direction_of(w, i);
        if (w->options->list[i].values)
            hesse_analysis_order(w->analysis, w->options->list[i].values, d);
        else
            memcpy(d, g, p->size * sizeof *d);
        x->norm[i] = sqrt(dot(p->size, d, d));
        x->cosine[i] = x->norm[i] > 0 && length > 0
                           ? dot(p->size, d, g) / x->norm[i] / length
                           : NAN;
        for (int b = 0; b < p->count; b++) {
            const double *of = d + p->blocks[b].first;
            x->block_norm[i * p->count + b] = sqrt(dot(p->blocks[b].size, of, of));
        }
    }
}

/* Local. List the columns: no column is zero, and no two are the same. */
static void list_columns(work *w)
{
    const int blocks = w->x->blocks;
    w->n_columns = 0;
    for (int i = 0; i < w->x->count; i++) {
        int moving = 0;
        for (int b = 0; b < blocks; b++) {
            if (!(w->x->block_norm[i * blocks + b] > 0)) continue;
            w->columns[w->n_columns++] = (column){i, b};
            moving++;
        }
        if (moving > 1) w->columns[w->n_columns++] = (column){i, -1};
    }
}

static hesse_status prepare(work *w, hesse_why *why)
{
    const hesse_partition *p = &w->plan->partition;
    const size_t count = (size_t)w->x->count, size = p->size;
    hesse_measure_cost cost;
    hesse_status s = hesse_directions_cost(w->analysis, w->options, NULL, &cost, why);
    if (s) return s;
    w->width = cost.width;
    w->bundle = (hesse_bundle){p->pieces, p->n_pieces, w->width};
    w->of = cost.work / ceil(cost.products / cost.width);
    w->d = hesse_alloc(count * size);
    w->columns = hesse_calloc(count * ((size_t)p->count + 1), sizeof *w->columns);
    w->v = hesse_alloc(size * (size_t)w->width);
    w->sv = hesse_alloc(size * (size_t)w->width);
    if (!w->d || !w->columns || !w->v || !w->sv)
        return hesse_fail(why, HESSE_E_NOMEM, "out of memory for %zu directions",
                          count);
    measure(w);
    list_columns(w);
    return HESSE_OK;
}

/* Local. Write column j of the vectors that are multiplied; the others stay. */
static void put(const work *w, column c, size_t j)
{
    const hesse_partition *p = &w->plan->partition;
    const double *d = direction_of(w, c.direction);
    const size_t first = c.block < 0 ? 0 : p->blocks[c.block].first;
    const size_t size = c.block < 0 ? p->size : p->blocks[c.block].size;
    const size_t k = (size_t)w->width;
    for (size_t i = first; i < first + size; i++) w->v[i * k + j] = d[i];
}

/* Local. Take the numbers of a column from its product. */
static hesse_status take(work *w, hesse_direction_share *to, column c, size_t j,
                         hesse_why *why)
{
    const hesse_partition *p = &w->plan->partition;
    const double *d = direction_of(w, c.direction);
    const size_t k = (size_t)w->width, blocks = (size_t)p->count;
    double all = 0;
    for (size_t b = 0; b < blocks; b++) {
        const hesse_block *block = &p->blocks[b];
        double sum = 0;
        for (size_t i = block->first; i < block->first + block->size; i++)
            sum += d[i] * w->sv[i * k + j];
        all += sum;
        if (c.block >= 0)
            to->between[((size_t)c.direction * blocks + b) * blocks + (size_t)c.block] =
                sum;
    }
    if (!isfinite(all))
        return hesse_fail(why, HESSE_E_NUMERIC,
                          "%s: the curvature along this direction is %g, expected a "
                          "finite number",
                          w->x->names[c.direction], all);
    /* If d lies in one block, this column is d itself. */
    const double own =
        c.block < 0 ? -1 : w->x->block_norm[c.direction * p->count + c.block];
    if (c.block >= 0 && own < w->x->norm[c.direction]) return HESSE_OK;
    to->quadratic[c.direction] = all;
    double *kept = to->product ? to->product + (size_t)c.direction * p->size : NULL;
    for (size_t i = 0; kept && i < p->size; i++) kept[i] = w->sv[i * k + j];
    return HESSE_OK;
}

/* Collective. Multiply all columns with a share. */
static hesse_status multiply(work *w, hesse_direction_share *to,
                             const hesse_run_options *run)
{
    hesse_team *team = w->plan->objective->team;
    const size_t numbers = w->plan->partition.size * (size_t)w->width;
    hesse_status s = HESSE_OK;
    for (int first = 0; !s && first < w->n_columns; first += w->width) {
        const int left = w->n_columns - first,
                  count = left < w->width ? left : w->width;
        memset(w->v, 0, numbers * sizeof *w->v);
        for (int j = 0; j < count; j++) put(w, w->columns[first + j], (size_t)j);
        hesse_product_run(w->product, to->kinds, w->v, w->sv);
        for (int j = 0; !s && j < count; j++)
            s = take(w, to, w->columns[first + j], (size_t)j, &team->why);
        w->operations += w->of;
        w->x->products += count;
        if (!s) s = hesse_measure_report(run, "directions", w->operations, &team->why);
        s = hesse_agree(team, s);
    }
    return s;
}

/* Local. The share of a vector that lies in the span of orthonormal rows. */
static double in_span(size_t n, int count, const double *rows, const double *d)
{
    const double squares = dot(n, d, d);
    double sum = 0;
    for (int i = 0; i < count; i++) {
        const double part = dot(n, rows + (size_t)i * n, d);
        sum += part * part;
    }
    return count && squares > 0 ? sum / squares : NAN;
}

/* Local. Fill in what needs no product. */
static void complete(const work *w, hesse_direction_share *to)
{
    const hesse_partition *p = &w->plan->partition;
    for (int i = 0; i < w->x->count; i++) {
        const double *d = direction_of(w, i);
        int count;
        const double *rows =
            hesse_measure_top(w->analysis, to->kinds, HESSE_FULL_MATRIX, &count);
        to->rayleigh[i] =
            w->x->norm[i] > 0 ? to->quadratic[i] / w->x->norm[i] / w->x->norm[i] : NAN;
        to->in_top[i] = in_span(p->size, count, rows, d);
        for (int b = 0; b < p->count; b++) {
            rows = hesse_measure_top(w->analysis, to->kinds, b, &count);
            to->block_in_top[i * p->count + b] =
                in_span(p->blocks[b].size, count, rows, d + p->blocks[b].first);
        }
    }
}

hesse_status hesse_directions_run_with(hesse_analysis *analysis,
                                       const hesse_directions_options *options,
                                       const hesse_run_options *run,
                                       hesse_direction_results **directions)
{
    if (!analysis) return HESSE_E_JOB;
    const hesse_plan *plan = hesse_analysis_plan(analysis);
    hesse_team *team = plan->objective->team;
    const double start = hesse_seconds();
    work w = {.analysis = analysis, .plan = plan, .options = options};
    w.x = hesse_calloc(1, sizeof *w.x);
    hesse_status s = check(analysis, options, directions, &team->why);
    if (!s && !w.x) s = hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory");
    if (!s) s = make(analysis, options, w.x, &team->why);
    if (!s) s = prepare(&w, &team->why);
    s = hesse_agree(team, s);
    if (!s) s = hesse_product_new(plan->objective, &w.bundle, 1, &w.product);
    for (int i = 0; !s && i < w.x->shares; i++) s = multiply(&w, &w.x->share[i], run);
    for (int i = 0; !s && i < w.x->shares; i++) complete(&w, &w.x->share[i]);
    hesse_product_free(w.product);
    free(w.d);
    free(w.columns);
    free(w.v);
    free(w.sv);
    if (s) {
        hesse_directions_free(w.x);
    } else {
        w.x->seconds = hesse_seconds() - start;
        *directions = w.x;
    }
    return s;
}

hesse_status hesse_directions_run(hesse_analysis *analysis,
                                  const hesse_directions_options *options,
                                  hesse_direction_results **directions)
{
    return hesse_directions_run_with(analysis, options, &(hesse_run_options){0},
                                     directions);
}

void hesse_directions_free(hesse_direction_results *x)
{
    if (!x) return;
    for (int i = 0; i < x->shares; i++) {
        free(x->share[i].quadratic);
        free(x->share[i].rayleigh);
        free(x->share[i].between);
        free(x->share[i].in_top);
        free(x->share[i].block_in_top);
        free(x->share[i].product);
    }
    for (int i = 0; x->names && i < x->count; i++) free(x->names[i]);
    free(x->names);
    free(x->norm);
    free(x->block_norm);
    free(x->cosine);
    free(x->share);
    free(x);
}
