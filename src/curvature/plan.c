/* Options become a partition, and it is decided which matrices are formed and which are
   estimated. Matrices are left out, and estimated instead, until the others fit: each
   matrix that is left out makes room for the others. */
#include "curvature/plan.h"

#include "base/memory.h"
#include "base/units.h"
#include "curvature/threads.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const hesse_density default_density = {.points = 1000, .bandwidth = 0.01};

enum { MOST_RANKS = 1 << 20, MOST_COLUMNS = 1 << 20 };

/* Refuse what single precision cannot give: it has too few digits for it, or a library
   has only double. */
static hesse_status check_single(const hesse_analysis_options *q, hesse_why *why)
{
    const char *what = q->eigenvectors ? "eigenvectors"
                       : q->n_index    ? "counts of eigenvalues below given values"
                       : q->matrices   ? "matrices in the result file"
                       : q->kronecker  ? "Kronecker factors"
                       : hesse_engine_serves_single(q->engine) ? NULL
                                                               : "engines of libraries";
    return what ? hesse_fail(why, HESSE_E_JOB, "%s need double precision", what)
                : HESSE_OK;
}

static hesse_status check(const hesse_analysis_options *q, hesse_why *why)
{
    const struct {
        const char *name;
        int value, least, most;
    } numbers[] = {
        {"partition", q->partition, HESSE_CUT_TENSOR, HESSE_CUT_FUSED},
        {"scope", q->scope, 0, HESSE_BOTH},
        {"method", q->method, 0, HESSE_METHOD_AUTO},
        {"engine", q->engine, HESSE_ENGINE_AUTO, HESSE_ENGINES - 1},
        {"precision", q->precision, HESSE_PRECISION_DOUBLE, HESSE_PRECISION_SINGLE},
        {"panel", q->panel, 0, MOST_COLUMNS},
        {"threads", q->threads, 0, HESSE_MOST_THREADS},
        {"eigenvectors", q->eigenvectors, 0, INT_MAX / 2},
        {"ranks", q->ranks, 0, MOST_RANKS},
        {"n_only", q->n_only, 0, q->only ? INT_MAX : 0},
        {"n_parts", q->n_parts, 0, q->parts ? INT_MAX : 0},
        {"scaling", q->scaling.from, HESSE_SCALING_NONE, HESSE_SCALING_GRADIENT},
        {"n_index", q->n_index, 0, q->index ? INT_MAX : 0},
        {"n_distances", q->n_distances, 0, q->distances ? HESSE_DISTANCES : 0}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i].value < numbers[i].least || numbers[i].value > numbers[i].most)
            return hesse_fail(why, HESSE_E_JOB, "%s is %d, expected %d to %d",
                              numbers[i].name, numbers[i].value, numbers[i].least,
                              numbers[i].most);
    if (!(q->seconds >= 0))
        return hesse_fail(why, HESSE_E_JOB, "seconds is %g, expected 0 or more",
                          q->seconds);
    const hesse_scaling *d = &q->scaling;
    if (!(d->power >= 0 && isfinite(d->power) && d->epsilon >= 0 &&
          isfinite(d->epsilon)))
        return hesse_fail(why, HESSE_E_JOB,
                          "scaling: power is %g and epsilon %g, expected 0 or more",
                          d->power, d->epsilon);
    for (int i = 0; i < q->n_only; i++)
        if (!q->only[i])
            return hesse_fail(why, HESSE_E_JOB, "only: name %d is missing", i);
    for (int i = 0; i < q->n_distances; i++)
        if ((unsigned)q->distances[i] >= HESSE_DISTANCES)
            return hesse_fail(why, HESSE_E_JOB, "distance %d is no kind of distance",
                              i);
    for (int i = 0; i < q->n_parts; i++)
        if (!q->parts[i] || q->parts[i] & ~HESSE_ALL)
            return hesse_fail(why, HESSE_E_JOB,
                              "part %d is %#x, expected kinds of operators", i,
                              (unsigned)q->parts[i]);
    if (!hesse_engine_exists(q->engine))
        return hesse_fail(why, HESSE_E_JOB,
                          "eigensolver: this program was built without %s",
                          hesse_engine_name(q->engine));
    return q->precision == HESSE_PRECISION_SINGLE ? check_single(q, why) : HESSE_OK;
}

static bool is_one_of(int layer, int count, const int *layers)
{
    bool any = false;
    for (int i = 0; i < count; i++) any |= layer == layers[i];
    return any;
}

/* Return true for the matrices of a transformer's layer, without gates. */
static bool is_in_layer(hesse_role role)
{
    return role == HESSE_ROLE_QUERY || role == HESSE_ROLE_KEY ||
           role == HESSE_ROLE_VALUE || role == HESSE_ROLE_OUTPUT ||
           role == HESSE_ROLE_UP || role == HESSE_ROLE_DOWN;
}

/* Return true if the preset has a parameter: one of the kinds and layers that it
   names. */
static bool is_in_preset(hesse_preset preset, const hesse_param *p, int layers)
{
    const int four[] = {0, layers / 4, 7 * layers / 12, layers - 1};
    const int three[] = {0, layers / 2, layers - 1};
    if (p->vector) return false;
    switch (preset) {
    case HESSE_PRESET_PAPER_GPT2:
        return p->role == HESSE_ROLE_EMBEDDING ||
               (is_in_layer(p->role) && is_one_of(p->layer, 4, four));
    case HESSE_PRESET_PAPER_VIT:
        return p->role == HESSE_ROLE_EMBEDDING || p->role == HESSE_ROLE_HEAD ||
               (is_in_layer(p->role) && is_one_of(p->layer, 3, three));
    default:
        return p->role == HESSE_ROLE_CONV;
    }
}

/* Patterns are names of blocks, which contain no special characters of globs. */
static hesse_status partition_by_preset(hesse_plan *x, const hesse_analysis_options *q,
                                        hesse_why *why)
{
    enum { ROOM = HESSE_NAME + 24 };
    const hesse_params *params = &x->objective->network->params;
    const hesse_cut cut =
        q->preset == HESSE_PRESET_PAPER_VIT ? HESSE_CUT_FUSED : HESSE_CUT_TENSOR;
    const size_t most = (size_t)params->count;
    int count = 0;
    if (q->n_only || q->partition != HESSE_CUT_TENSOR)
        return hesse_fail(
            why, HESSE_E_JOB,
            "a preset of blocks stands beside %s, expected tensors of its own",
            q->n_only ? "names of blocks" : "another partition");
    const char **names = hesse_calloc(most, sizeof *names);
    char(*texts)[ROOM] = hesse_calloc(most, ROOM);
    hesse_status s = HESSE_OK;
    for (int i = 0; names && texts && i < params->count; i++)
        if (is_in_preset(q->preset, &params->list[i],
                         x->objective->network->arch.layers)) {
            hesse_partition_name(&params->list[i], cut, texts[count], ROOM);
            names[count] = texts[count];
            count++;
        }
    if (!names || !texts)
        s = hesse_fail(why, HESSE_E_NOMEM, "out of memory");
    else if (!count)
        s = hesse_fail(why, HESSE_E_JOB,
                       "the model has none of the blocks that the preset names");
    else
        s = hesse_partition_new(params, cut, names, count, &x->partition, why);
    free(names);
    free(texts);
    return s;
}

/* List the shares that are asked for and, after them, their scaled copies. */
static hesse_status list_shares(hesse_plan *x, const hesse_analysis_options *q,
                                hesse_why *why)
{
    const bool halves = q->scaling.from == HESSE_SCALING_MOMENTS ||
                        q->scaling.from == HESSE_SCALING_GRADIENT;
    x->plain = q->n_parts ? q->n_parts : 1;
    const size_t shares = (q->scaling.from ? 2 : 1) * (size_t)x->plain;
    x->kinds = hesse_calloc(shares, sizeof *x->kinds);
    x->names = hesse_calloc(shares, sizeof *x->names);
    x->factors = hesse_calloc((size_t)x->plain, sizeof *x->factors);
    if (!x->kinds || !x->names || !x->factors)
        return hesse_fail(why, HESSE_E_NOMEM, "out of memory");
    for (size_t i = 0; i < shares; i++) {
        const bool scaled = i >= (size_t)x->plain;
        const size_t of = scaled ? i - (size_t)x->plain : i;
        x->kinds[i] = q->n_parts ? q->parts[of] : HESSE_ALL;
        snprintf(x->names[i], sizeof x->names[i], "%s%s", hesse_kinds_name(x->kinds[i]),
                 scaled ? "_scaled" : "");
    }
    x->scaling = q->scaling;
    if (!(x->scaling.power > 0)) x->scaling.power = halves ? 0.5 : 1;
    return HESSE_OK;
}

/* A diagonal is computed from the panels of matrices that are formed. */
static hesse_status diagonal_is_there(const hesse_plan *x, hesse_why *why)
{
    const bool diagonal = x->scaling.from == HESSE_SCALING_DIAGONAL ||
                          x->scaling.from == HESSE_SCALING_GAUSS_NEWTON;
    for (int b = 0; diagonal && b <= x->partition.count; b++) {
        const bool whole = b == x->partition.count;
        const hesse_estimated because = x->matrix_free.why[b];
        if (because)
            return hesse_fail(
                why, HESSE_E_JOB,
                "the scaling by a diagonal needs matrices that are formed, and %s%s is "
                "estimated (%s); expected a scaling by second moments or the gradient, "
                "or the exact method",
                whole ? "" : "block ",
                whole ? "the full matrix" : x->partition.blocks[b].name,
                hesse_estimated_text(because));
    }
    return HESSE_OK;
}

const double *hesse_plan_factors(const hesse_plan *x, int share, int block)
{
    const double *all = share < x->plain ? NULL : x->factors[share - x->plain];
    const bool whole = block < 0 || block == x->partition.count;
    return all ? all + (whole ? 0 : x->partition.blocks[block].first) : NULL;
}

double hesse_plan_largest_factor(const hesse_plan *x, int share)
{
    const double *all = hesse_plan_factors(x, share, -1);
    double largest = all ? 0 : 1;
    for (size_t i = 0; all && i < x->partition.size; i++)
        largest = fmax(largest, all[i]);
    return largest * largest;
}

static hesse_status read_options(hesse_plan *x, const hesse_analysis_options *q,
                                 hesse_why *why)
{
    const hesse_objective *m = x->objective;
    const hesse_status s = check(q, why);
    if (s) return s;
    const hesse_status named = list_shares(x, q, why);
    if (named) return named;
    const int shares = q->scaling.from ? 2 * x->plain : x->plain;
    x->distances = hesse_calloc((size_t)q->n_distances, sizeof *x->distances);
    if (!x->distances) return hesse_fail(why, HESSE_E_NOMEM, "out of memory");
    for (int i = 0; i < q->n_distances; i++) x->distances[i] = q->distances[i];
    x->n_distances = q->n_distances;
    x->density = q->density;
    x->tail = q->tail;
    x->index = hesse_alloc((size_t)q->n_index);
    if (!x->index) return hesse_fail(why, HESSE_E_NOMEM, "out of memory");
    for (int i = 0; i < q->n_index; i++) {
        x->index[i] = q->index[i];
        if (!isfinite(q->index[i]))
            return hesse_fail(why, HESSE_E_JOB,
                              "value %d of the index is %g, expected a finite number",
                              i, q->index[i]);
    }
    x->options = (hesse_dense_options){
        .request = {.panel = (q->panel ? q->panel : HESSE_PANEL) *
                             (q->precision == HESSE_PRECISION_SINGLE ? 2 : 1),
                    .shares = shares,
                    .kinds = x->kinds,
                    .computed = x->plain,
                    .scale = x->factors},
        .scope = q->scope ? q->scope : HESSE_BLOCKS,
        .engine = q->engine,
        .precision = q->precision,
        .vectors = q->eigenvectors,
        .index = x->index,
        .n_index = q->n_index,
        /* Several threads read one tape at the same time. */
        .threads = q->threads && hesse_tape_is_whole(m->tape) ? q->threads : 1,
    };
    if (!q->density.points) x->density = default_density;
    x->stretch = q->stretch;
    x->scope = x->options.scope;
    x->method = q->method;
    x->seconds = q->seconds;
    x->matrix_free.settings = q->lanczos;
    const hesse_status valid = hesse_lanczos_defaults(&x->matrix_free.settings, why);
    if (valid) return valid;
    x->matrix_free.estimates = (hesse_estimates){.extreme = q->extreme,
                                                 .kept = q->eigenvectors,
                                                 .hutchinson = q->hutchinson,
                                                 .width = x->matrix_free.settings.width,
                                                 .seed = x->matrix_free.settings.seed};
    const hesse_status sound =
        hesse_estimates_defaults(m, &x->matrix_free.estimates, why);
    if (sound) return sound;
    if (q->preset) return partition_by_preset(x, q, why);
    return hesse_partition_new(&m->network->params, q->partition, q->only, q->n_only,
                               &x->partition, why);
}

static double model_bytes(const hesse_objective *m)
{
    return (double)hesse_tape_bytes(m->tape) +
           2.0 * (double)m->network->params.size * (double)sizeof(double);
}

static bool forms(const hesse_plan *x, hesse_scope scope)
{
    return x->options.scope & scope;
}

/* Return how many numbers every rank keeps of the results of one share. */
static double result_numbers(const hesse_plan *x)
{
    const double vectors = 2.0 * x->options.vectors, blocks = x->partition.count;
    const double rules =
        2.0 * x->matrix_free.settings.steps * x->matrix_free.settings.probes;
    double numbers = forms(x, HESSE_FULL) ? blocks * blocks : 0;
    for (int b = 0; b <= x->partition.count; b++) {
        const bool full = b == x->partition.count;
        if (!(x->scope & (full ? HESSE_FULL : HESSE_BLOCKS))) continue;
        const bool formed = full ? !x->matrix_free.whole : !x->matrix_free.blocks[b];
        const double n =
            full ? (double)x->partition.size : (double)x->partition.blocks[b].size;
        numbers += formed
                       ? n + fmin(vectors, n) * (n + 1)
                       : rules + hesse_estimates_numbers(&x->matrix_free.estimates, n);
    }
    return numbers;
}

/* Return the bytes of the lists of blocks, and of their measures. */
static double list_bytes(const hesse_plan *x)
{
    const double shares = x->options.request.shares, blocks = x->partition.count;
    const double each = sizeof(hesse_block) + sizeof(hesse_task) +
                        shares * (sizeof(hesse_measures) + sizeof(hesse_quadrature));
    return blocks * each + (double)x->partition.n_pieces * (double)sizeof(hesse_piece);
}

/* Return the bytes of the program, the model, data and results. */
static double held_bytes(const hesse_plan *x)
{
    const double shares = x->options.request.shares;
    const int lists = !x->scaling.from                            ? 0
                      : x->scaling.from == HESSE_SCALING_DIAGONAL ? x->plain
                                                                  : 1;
    /* The tape of single precision is another one. */
    const double again = x->options.precision == HESSE_PRECISION_SINGLE
                             ? hesse_tape_bytes_single(x->objective->tape)
                             : 0;
    return x->program + model_bytes(x->objective) + again + list_bytes(x) +
           ((1.0 + lists) * (double)x->partition.size +
            (shares + 1) * result_numbers(x)) *
               (double)sizeof(double);
}

/* Find everything that follows from sizes alone: the work of every block and, last, of
   the whole. The bytes of a rank beside its matrices are added to `bytes`. */
static hesse_status survey(hesse_plan *x, hesse_work *work, double *bytes,
                           hesse_why *why)
{
    hesse_panel_options outline = x->options.request;
    outline.outline = true;
    hesse_panels *panels = NULL;
    const hesse_status s =
        hesse_panels_new(x->objective->tape, &x->objective->network->params,
                         &x->partition, &outline, &panels, why);
    if (s) return s;
    for (int b = 0; b < x->partition.count; b++) {
        if (x->matrix_free.blocks[b]) continue;
        hesse_panels_begin(panels, (hesse_part){b, 1});
        work[b] = hesse_panels_work(panels, &x->panel_numbers[b]);
    }
    if (x->options.scope & HESSE_FULL) {
        hesse_panels_begin(panels, (hesse_part){0, x->partition.count});
        work[x->partition.count] =
            hesse_panels_work(panels, &x->panel_numbers[x->partition.count]);
    }
    /* For every share, a rank sends both mirror images of a panel, and receives as
       much; only one of them to itself. In single precision a panel is saved as
       doubles. */
    const bool single = x->options.precision == HESSE_PRECISION_SINGLE;
    const double numbers = (double)hesse_panels_numbers(panels);
    const double exchange =
        (x->ranks > 1 ? 4 : 2) * x->options.request.shares * numbers;
    *bytes +=
        x->options.threads * hesse_panels_bytes(panels, single) +
        (exchange / (single ? 2 : 1) + (single ? numbers : 0)) * (double)sizeof(double);
    hesse_panels_free(panels);
    return HESSE_OK;
}

static hesse_status fits(const hesse_plan *x, double base, double full, hesse_why *why)
{
    const double least = x->program + model_bytes(x->objective);
    if (least > x->memory)
        return hesse_fail(why, HESSE_E_NOMEM,
                          "program, model and data need %s on every rank, however "
                          "many there are, and a rank may use %s; fewer "
                          "or shorter examples need less",
                          HESSE_BYTES(least), HESSE_BYTES(x->memory));
    if (base > x->memory)
        return hesse_fail(
            why, HESSE_E_NOMEM,
            "program, model, data, panels and results need %s on every rank, "
            "%s of them program, model and data, and a rank may use %s; "
            "fewer examples, a narrower panel or fewer blocks need less",
            HESSE_BYTES(base), HESSE_BYTES(least), HESSE_BYTES(x->memory));
    if (base + full <= x->memory) return HESSE_OK;
    if (x->partition.size > INT_MAX)
        return hesse_fail(
            why, HESSE_E_NOMEM,
            "the full Hessian is of order %zu, beyond the 2^31 - 1 of the "
            "libraries for matrices; ask for the blocks alone",
            x->partition.size);
    if (isinf(full))
        return hesse_fail(
            why, HESSE_E_NOMEM,
            "the full Hessian is of order %zu: its share on each of %d ranks "
            "has more entries than the 2^31 - 1 of the libraries for "
            "matrices; use more ranks, or ask for the blocks alone",
            x->partition.size, x->ranks);
    return hesse_fail(why, HESSE_E_NOMEM,
                      "the full Hessian of order %zu needs %s on each of %d ranks, "
                      "which may use %s (model and panels take %s of it); use "
                      "more ranks, or ask for the blocks alone",
                      x->partition.size, HESSE_BYTES(base + full), x->ranks,
                      HESSE_BYTES(x->memory), HESSE_BYTES(base));
}

static hesse_schedule_options schedule_options_of(const hesse_plan *x,
                                                  const hesse_rates *rates)
{
    return (hesse_schedule_options){.ranks = x->ranks,
                                    .shares = x->options.request.shares,
                                    .panel = x->options.request.panel,
                                    .threads = x->options.threads,
                                    .engine = x->options.engine,
                                    .vectors = x->options.vectors,
                                    .precision = x->options.precision,
                                    .both = x->options.vectors || x->shown ||
                                            x->options.engine == HESSE_ENGINE_ELPA,
                                    .rates = rates};
}

static hesse_schedule_options schedule_options_of_blocks(const hesse_plan *x,
                                                         const hesse_rates *rates)
{
    hesse_schedule_options options = schedule_options_of(x, rates);
    options.left_out = x->matrix_free.blocks;
    options.cut = x->options.scope & HESSE_FULL;
    return options;
}

/* The blocks that are left out decide which matrices the passes over formed matrices
   have. */
static void update_passes(hesse_plan *x)
{
    bool any = false;
    for (int b = 0; b < x->partition.count; b++) any |= !x->matrix_free.blocks[b];
    const hesse_scope whole = x->matrix_free.whole ? 0 : HESSE_FULL;
    x->options.scope = x->scope & (whole | (any ? HESSE_BLOCKS : 0));
    x->options.request.whole = forms(x, HESSE_FULL);
    x->options.request.left_out = forms(x, HESSE_FULL) ? NULL : x->matrix_free.blocks;
}

/* Leave a matrix out, to be estimated. Block `count` is the whole. */
static void estimate(hesse_plan *x, int block, hesse_estimated why)
{
    hesse_matrix_free *m = &x->matrix_free;
    *(block < x->partition.count ? &m->blocks[block] : &m->whole) = true;
    m->why[block] = why;
}

/* Infinite bytes mean that a size is beyond the libraries for matrices. */
static hesse_estimated too_large_because(double bytes)
{
    return isinf(bytes) ? HESSE_ESTIMATED_LIBRARY : HESSE_ESTIMATED_MEMORY;
}

static void leave_out_all(hesse_plan *x)
{
    if (x->scope & HESSE_FULL)
        estimate(x, x->partition.count, HESSE_ESTIMATED_AS_ASKED);
    for (int b = 0; x->scope & HESSE_BLOCKS && b < x->partition.count; b++)
        estimate(x, b, HESSE_ESTIMATED_AS_ASKED);
    update_passes(x);
}

/* Return the largest need of the blocks that are formed. */
static double largest_need(const hesse_plan *x, const hesse_schedule_options *options)
{
    double largest = 0;
    for (int b = 0; forms(x, HESSE_BLOCKS) && b < x->partition.count; b++)
        if (!x->matrix_free.blocks[b])
            largest = fmax(largest,
                           hesse_schedule_need(x->partition.blocks[b].size, options));
    return largest;
}

/* Leave out matrices that do not fit beside `base` bytes. If the whole is formed,
   blocks are cut out of it: the whole is left out if it does not fit beside the largest
   block. Otherwise the blocks that need more than half as much as the largest one are
   left out, because without it there may be room for the others. Returns true if more
   is left out now. Then it is not known yet if the remaining matrices fit. */
static bool leave_out_large(hesse_plan *x, double base)
{
    const hesse_schedule_options options =
        schedule_options_of_blocks(x, &hesse_rates_nominal);
    const double largest = largest_need(x, &options);
    bool more = false;
    if (forms(x, HESSE_FULL)) {
        const hesse_schedule_options all = schedule_options_of(x, &hesse_rates_nominal);
        const hesse_task whole =
            hesse_schedule_whole(x->partition.size, (hesse_work){0}, &all);
        more = base + whole.bytes + largest > x->memory;
        if (more)
            estimate(x, x->partition.count, too_large_because(whole.bytes + largest));
    } else if (base + largest > x->memory) {
        for (int b = 0; b < x->partition.count; b++) {
            const double need =
                hesse_schedule_need(x->partition.blocks[b].size, &options);
            /* The need is infinite beyond the libraries for matrices, and then it is
               not half of the infinite largest need. */
            if (x->matrix_free.blocks[b] || (need < largest && 2 * need <= largest))
                continue;
            estimate(x, b, too_large_because(need));
            more = true;
        }
    }
    update_passes(x);
    return more;
}

static int cheapest_first(const void *a, const void *b)
{
    const hesse_task *x = a, *y = b;
    const double one = x->group.count * (x->assembly + x->eigen);
    const double other = y->group.count * (y->assembly + y->eigen);
    if (one != other) return one < other ? -1 : 1;
    return x->block - y->block;
}

/* Leave out matrices that take longer than allowed: the whole, or the most expensive
   blocks. */
static bool leave_out_slow(hesse_plan *x)
{
    const hesse_task *whole = &x->schedule.whole;
    double sum = 0;
    bool more = false;
    if (!(x->seconds > 0)) return false;
    if (forms(x, HESSE_FULL)) {
        more = whole->assembly + whole->eigen > x->seconds;
        if (more) estimate(x, x->partition.count, HESSE_ESTIMATED_TIME);
    } else {
        qsort(x->schedule.tasks, (size_t)x->schedule.count, sizeof *x->schedule.tasks,
              cheapest_first);
        for (int i = 0; i < x->schedule.count; i++) {
            const hesse_task *t = &x->schedule.tasks[i];
            sum += t->group.count * (t->assembly + t->eigen);
            if (sum <= x->seconds * x->ranks) continue;
            estimate(x, t->block, HESSE_ESTIMATED_TIME);
            more = true;
        }
    }
    update_passes(x);
    return more;
}

/* Make the schedule of the matrices that are formed, and predict their bytes. */
static hesse_status plan_dense(hesse_plan *x, hesse_why *why)
{
    const hesse_rates *rates = &hesse_rates_nominal;
    const bool automatic = x->method == HESSE_METHOD_AUTO;
    hesse_schedule_options options;
    hesse_task whole = {0};
    double base = 0, most = 0;
    hesse_work *work = hesse_calloc((size_t)x->partition.count + 1, sizeof *work);
    hesse_status s = HESSE_OK;
    if (!work) return hesse_fail(why, HESSE_E_NOMEM, "out of memory");
    /* This comes early, because a survey of many blocks takes long. */
    while (automatic && leave_out_large(x, held_bytes(x))) continue;
    s = fits(x, held_bytes(x), 0, why);
    do {
        const hesse_schedule_options all = schedule_options_of(x, rates);
        base = held_bytes(x), whole = (hesse_task){0};
        x->options.request.way = HESSE_WAY_AUTO;
        if (!s && x->options.scope) s = survey(x, work, &base, why);
        if (forms(x, HESSE_FULL))
            whole =
                hesse_schedule_whole(x->partition.size, work[x->partition.count], &all);
        if (!s && base + whole.bytes > x->memory) { /* panels by tokens are larger */
            x->options.request.way = HESSE_WAY_COLUMNS;
            base = held_bytes(x);
            if (x->options.scope) s = survey(x, work, &base, why);
        }
    } while (!s && automatic && leave_out_large(x, base));
    if (!s) s = fits(x, base, whole.bytes, why);
    options = schedule_options_of_blocks(x, rates);
    options.memory = fmax(1, x->memory - base - whole.bytes);
    hesse_schedule_free(&x->schedule);
    if (!s)
        s = hesse_schedule_new(&x->partition, &whole,
                               forms(x, HESSE_BLOCKS) ? work : NULL, &options,
                               &x->schedule, why);
    free(work);
    for (int i = 0; !s && i < x->schedule.count; i++)
        most = fmax(most, x->schedule.tasks[i].bytes);
    x->base = base;
    x->peak = base + whole.bytes + most;
    return s;
}

static hesse_status too_large(const hesse_plan *x, const hesse_submatrix *one,
                              double bytes, const char *for_what, const char *instead,
                              hesse_why *why)
{
    const bool full = one->block < 0;
    return hesse_fail(
        why, HESSE_E_NOMEM,
        "%s%s%s of order %zu is too large %s: that needs %s on each of %d ranks, "
        "which may use %s; %s, or more ranks, need less",
        full ? "the full Hessian" : "block '",
        full ? "" : x->partition.blocks[one->block].name, full ? "" : "'", one->q->n,
        for_what, HESSE_BYTES(bytes), x->ranks, HESSE_BYTES(x->memory), instead);
}

/* If a rank holds the values of fewer sequences than it works on, every sweep computes
   the values of all of them again: forward and backward once, which is half the work of
   a product with a vector of all parameters. */
static hesse_status add_values(hesse_plan *x, double sweeps, hesse_why *why)
{
    const hesse_tape *t = x->objective->tape;
    if (ceil((double)t->sequences / x->ranks) <= t->window) return HESSE_OK;
    hesse_piece *all = hesse_pieces_of_all(&x->objective->network->params);
    if (!all) return hesse_fail(why, HESSE_E_NOMEM, "out of memory");
    const hesse_bundle bundle = {all, x->objective->network->params.count, 1};
    hesse_work product;
    const hesse_status s = hesse_product_work(x->objective, &bundle, 1, &product, why);
    if (!s) x->matrix_free.again = hesse_work_add((hesse_work){0}, sweeps / 2, product);
    free(all);
    return s;
}

/* Add up the work of all matrices that are not formed. */
static hesse_status add_works(hesse_plan *x, const hesse_submatrix *list, int count,
                              hesse_why *why)
{
    hesse_matrix_free *u = &x->matrix_free;
    hesse_status s = HESSE_OK;
    for (int i = 0; !s && i < count; i++) {
        hesse_work rules, extra = {0};
        s = hesse_quadratures_work(x->objective, &u->settings, 1, &list[i], &rules,
                                   why);
        if (!s)
            s = hesse_estimates_work(x->objective, &u->estimates, 1, &list[i], &extra,
                                     why);
        if (s) break;
        u->extra = hesse_work_add(u->extra, 1, extra);
        u->work = hesse_work_add(hesse_work_add(u->work, 1, rules), 1, extra);
        if (list[i].block >= 0)
            u->each[list[i].block] += rules.products + extra.products;
    }
    return s;
}

/* Predict the bytes and the work of estimated matrices. */
static hesse_status plan_matrix_free(hesse_plan *x, hesse_why *why)
{
    const hesse_lanczos_settings *settings = &x->matrix_free.settings;
    const double held = held_bytes(x);
    hesse_submatrix *list = NULL;
    int count = 0, bad = -1;
    x->matrix_free.limit = fmax(1, x->memory - held);
    hesse_status s = hesse_plan_submatrices(x, &list, &count, why);
    hesse_batches batches = {.too_large = -1};
    if (!s && count)
        batches = hesse_quadratures_batches(x->objective, settings, x->ranks, count,
                                            list, x->matrix_free.limit);
    x->matrix_free.bytes = batches.bytes, x->matrix_free.together = batches.columns;
    if (!s && isinf(batches.bytes))
        s = hesse_fail(why, HESSE_E_NOMEM, "out of memory for probes");
    if (!s && batches.too_large >= 0)
        s = too_large(x, &list[batches.too_large], held + batches.bytes,
                      "even for one vector of Lanczos",
                      "fewer steps of Lanczos, or none that is "
                      "reorthogonalised",
                      why);
    if (!s && count) {
        const double more =
            hesse_estimates_bytes(x->objective, &x->matrix_free.estimates, x->ranks,
                                  count, list, x->matrix_free.limit, &bad);
        if (bad >= 0)
            s = too_large(x, &list[bad], held + more,
                          "for eigenpairs or a diagonal without the matrix",
                          "fewer extreme pairs or a smaller sketch", why);
        x->matrix_free.bytes = fmax(x->matrix_free.bytes, more);
    }
    if (!s) s = add_works(x, list, count, why);
    if (!s)
        s = add_values(x,
                       batches.sweeps + hesse_estimates_sweeps(
                                            x->objective, &x->matrix_free.estimates,
                                            x->ranks, count, list),
                       why);
    x->peak = fmax(x->peak, held + x->matrix_free.bytes);
    hesse_submatrices_free(list, count);
    return s;
}

/* Distances are computed after the matrices, but a user should learn before them that
   memory does not suffice. */
static hesse_status distances_fit(const hesse_plan *x, hesse_why *why)
{
    const double blocks = x->partition.count, points = x->density.points;
    const double matrices = (double)x->n_distances * x->options.request.shares + 1;
    const double numbers = blocks * blocks * matrices + blocks * points;
    const double need = x->base + numbers * (double)sizeof(double);
    const bool any = x->scope & HESSE_BLOCKS && x->n_distances;
    if (!any || need <= x->memory) return HESSE_OK;
    return hesse_fail(
        why, HESSE_E_NOMEM,
        "distances between %d blocks need %s on rank 0, which may use %s; "
        "without distances, less is needed",
        x->partition.count, HESSE_BYTES(need), HESSE_BYTES(x->memory));
}

/* Eigenvalues are counted where the rest of the memory has room for one more matrix.
   The largest such matrix adds to the peak. */
static void reserve_index(hesse_plan *x)
{
    const double room = x->memory - x->peak;
    double most = 0;
    for (int b = 0; x->options.n_index && b <= x->partition.count; b++) {
        const bool whole = b == x->partition.count;
        const double n =
            whole ? (double)x->partition.size : (double)x->partition.blocks[b].size;
        const bool formed = whole ? forms(x, HESSE_FULL)
                                  : forms(x, HESSE_BLOCKS) && !x->matrix_free.blocks[b];
        const double bytes =
            formed && n <= INT_MAX ? hesse_index_bytes((int)n, x->ranks) : 0;
        if (bytes <= room) most = fmax(most, bytes);
    }
    x->options.room = room;
    x->peak += most;
}

static hesse_status allocate(hesse_plan *x, hesse_why *why)
{
    const size_t blocks = (size_t)x->partition.count;
    hesse_matrix_free *u = &x->matrix_free;
    u->blocks = hesse_calloc(blocks, sizeof *u->blocks);
    u->why = hesse_calloc(blocks + 1, sizeof *u->why);
    u->each = hesse_calloc(blocks, sizeof *u->each);
    x->panel_numbers = hesse_calloc(blocks + 1, sizeof *x->panel_numbers);
    return u->blocks && u->why && u->each && x->panel_numbers
               ? HESSE_OK
               : hesse_fail(why, HESSE_E_NOMEM,
                            "out of memory for a plan of %zu blocks", blocks);
}

hesse_status hesse_plan_make(hesse_objective *objective,
                             const hesse_analysis_options *q, int ranks, double left,
                             hesse_plan *x, hesse_why *why)
{
    const double program = (double)q->program;
    const double held = objective->theta ? model_bytes(objective) : 0;
    *x = (hesse_plan){.objective = objective,
                      .ranks = q->ranks ? q->ranks : ranks,
                      .stored = q->matrices,
                      .shown = q->matrices || q->kronecker,
                      .program = program,
                      .memory = q->memory ? (double)q->memory : left + program + held};
    hesse_status s = read_options(x, q, why);
    if (!s) s = allocate(x, why);
    if (!s) update_passes(x);
    if (!s && x->method == HESSE_METHOD_LANCZOS) leave_out_all(x);
    if (!s) s = plan_dense(x, why);
    while (!s && x->method == HESSE_METHOD_AUTO && leave_out_slow(x))
        s = plan_dense(x, why);
    if (!s) s = diagonal_is_there(x, why);
    if (!s) s = plan_matrix_free(x, why);
    if (!s) reserve_index(x);
    if (!s) s = distances_fit(x, why);
    if (!s) hesse_plan_rate(x, &hesse_rates_nominal);
    return s;
}

void hesse_plan_free(hesse_plan *x)
{
    free(x->panel_numbers);
    free(x->matrix_free.blocks);
    free(x->matrix_free.why);
    free(x->matrix_free.each);
    free(x->distances);
    free(x->kinds);
    free(x->names);
    free(x->factors);
    free(x->factor_values);
    free(x->index);
    hesse_schedule_free(&x->schedule);
    hesse_partition_free(&x->partition);
    *x = (hesse_plan){0};
}

void hesse_plan_rate(hesse_plan *x, const hesse_rates *rates)
{
    const hesse_schedule_options options = schedule_options_of_blocks(x, rates);
    hesse_schedule_price(&x->schedule, &x->partition, &options);
    const hesse_estimates *e = &x->matrix_free.estimates;
    const hesse_work extra = x->matrix_free.extra;
    const hesse_work rules = hesse_work_add(x->matrix_free.work, -1, extra);
    x->matrix_free.seconds =
        hesse_cost_products(rates, rules) /
            hesse_product_sharing(x->objective, x->ranks, x->matrix_free.together) +
        hesse_cost_products(rates, extra) /
            hesse_product_sharing(x->objective, x->ranks,
                                  hesse_estimates_together(x->objective, e, x->ranks)) +
        hesse_cost_products(rates, x->matrix_free.again) /
            hesse_product_sharing(x->objective, x->ranks, 1);
}

double hesse_plan_seconds(const hesse_plan *x)
{
    return hesse_schedule_seconds(&x->schedule, x->ranks) + x->matrix_free.seconds;
}

/* The list has the matrices share by share: first the blocks, then the whole. */
hesse_status hesse_plan_submatrices(const hesse_plan *x, hesse_submatrix **submatrices,
                                    int *count, hesse_why *why)
{
    const hesse_partition *p = &x->partition;
    const int shares = x->options.request.shares;
    hesse_submatrix *list =
        hesse_calloc((size_t)shares * ((size_t)p->count + 1), sizeof *list);
    hesse_status s = HESSE_OK;
    int n = 0;
    if (!list) return hesse_fail(why, HESSE_E_NOMEM, "out of memory");
    for (int i = 0; i < shares; i++) {
        const double largest = hesse_plan_largest_factor(x, i);
        for (int b = 0; !s && b <= p->count; b++) {
            const bool whole = b == p->count;
            if (whole ? !x->matrix_free.whole : !x->matrix_free.blocks[b]) continue;
            hesse_submatrix *t = &list[n++];
            *t = (hesse_submatrix){.part = x->kinds[i], .share = i};
            t->block = whole ? -1 : b;
            t->scaled = i >= x->plain;
            t->scale = hesse_plan_factors(x, i, b);
            t->largest = largest;
            t->pieces = p->pieces + (whole ? 0 : p->blocks[b].piece);
            t->n_pieces = whole ? p->n_pieces : p->blocks[b].pieces;
            s = hesse_submatrix_quadrature(whole ? p->size : p->blocks[b].size,
                                           &x->matrix_free.settings, &t->q, why);
        }
    }
    if (s) {
        hesse_submatrices_free(list, n);
        return s;
    }
    *submatrices = list, *count = n;
    return HESSE_OK;
}

void hesse_submatrices_free(hesse_submatrix *list, int count)
{
    for (int i = 0; list && i < count; i++) {
        hesse_quadrature_free(list[i].q);
        hesse_extremes_free(list[i].extremes);
        hesse_hutchinson_free(list[i].hutchinson);
    }
    free(list);
}
