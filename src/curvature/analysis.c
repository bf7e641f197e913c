/* An analysis is planned, run and asked for its results. The results exist as long as
   the analysis does. */
#include "curvature/analysis.h"

#include "base/clock.h"
#include "base/memory.h"
#include "curvature/assemble.h"
#include "curvature/disk.h"
#include "curvature/plan.h"
#include "curvature/scaling.h"
#include "curvature/single.h"
#include "parallel/available.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

struct hesse_analysis {
    hesse_plan plan;
    hesse_block_table table;
    const char **names;           /* [blocks] of the table */
    size_t *offset, *size;        /* [blocks] of the table */
    double *gradient;             /* in the order of the blocks            */
    int *estimated;               /* the blocks that are estimated         */
    hesse_share_results *results; /* [shares], after a run          */
    hesse_times times;            /* of this rank, after a run      */
    double distances;             /* seconds                        */
};

static hesse_status make_table(hesse_analysis *x, hesse_why *why)
{
    const hesse_partition *p = &x->plan.partition;
    const size_t count = (size_t)p->count;
    int estimated = 0;
    x->names = hesse_calloc(count, sizeof *x->names);
    x->offset = hesse_calloc(count, sizeof *x->offset);
    x->size = hesse_calloc(count, sizeof *x->size);
    x->gradient = hesse_alloc(p->size);
    x->estimated = hesse_calloc(count, sizeof *x->estimated);
    if (!x->names || !x->estimated || !x->offset || !x->size || !x->gradient)
        return hesse_fail(why, HESSE_E_NOMEM, "out of memory for a table of %d blocks",
                          p->count);
    for (int b = 0; b < p->count; b++) {
        x->names[b] = p->blocks[b].name;
        x->offset[b] = p->blocks[b].first, x->size[b] = p->blocks[b].size;
        if (x->plan.matrix_free.blocks[b]) x->estimated[estimated++] = b;
    }
    x->table = (hesse_block_table){p->count, x->names, x->offset, x->size};
    return HESSE_OK;
}

hesse_status hesse_analysis_new(hesse_objective *objective,
                                const hesse_analysis_options *options,
                                hesse_analysis **analysis)
{
    if (!objective) return HESSE_E_JOB;
    hesse_team *team = objective->team;
    hesse_status s = HESSE_OK;
    if (!options || !analysis || !objective->tape)
        s = hesse_fail(&team->why, HESSE_E_JOB,
                       "an analysis needs a batch, options and a place");
    if ((s = hesse_agree(team, s))) return s;
    hesse_analysis *x = hesse_calloc(1, sizeof *x);
    const double left = (double)hesse_team_available(team);
    if (!x) s = hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory for an analysis");
    if (!s)
        s = hesse_plan_make(objective, options, team->size, left, &x->plan, &team->why);
    if (!s) s = make_table(x, &team->why);
    s = hesse_agree(team, s);
    if (s)
        hesse_analysis_free(x);
    else
        *analysis = x;
    return s;
}

static int shares_of(const hesse_analysis *x)
{
    return x->plan.options.request.shares;
}

void hesse_analysis_free(hesse_analysis *x)
{
    if (!x) return;
    hesse_share_results_free(x->results, shares_of(x));
    free(x->names);
    free(x->offset);
    free(x->size);
    free(x->gradient);
    free(x->estimated);
    hesse_plan_free(&x->plan);
    free(x);
}

/* Compute the measures of all blocks of a share and, last, of the whole matrix. */
static void measure(const hesse_analysis *x, hesse_share_results *f)
{
    const int blocks = x->plan.partition.count;
    for (int b = 0; b <= blocks; b++) {
        const bool whole = b == blocks;
        const hesse_spectrum *spectrum = whole ? f->full : f->spectra[b];
        const hesse_sums *sums = whole ? &f->all : &f->sums[b];
        const double *gradient =
            x->gradient + (whole ? 0 : x->plan.partition.blocks[b].first);
        hesse_measures *m = &f->measures[b];
        if (spectrum) hesse_measure(spectrum, sums, gradient, m);
        if (f->quadratures[b]) hesse_measure_quadrature(f->quadratures[b], gradient, m);
        if (f->extremes[b]) {
            const hesse_extremes *e = f->extremes[b];
            m->min = e->eigenvalues[0];
            m->max = e->eigenvalues[e->count - 1];
        }
    }
}

/* Local. Allocate the results of a run that forms no matrix. */
static hesse_status make_results(hesse_analysis *x, hesse_why *why)
{
    const int shares = shares_of(x);
    bool there = (x->results = hesse_calloc((size_t)shares, sizeof *x->results));
    for (int s = 0; there && s < shares; s++)
        there =
            hesse_share_results_new(&x->results[s], x->plan.partition.count, false) &&
            hesse_share_results_index(&x->results[s], x->plan.options.n_index,
                                      x->plan.index);
    return there ? HESSE_OK : hesse_fail(why, HESSE_E_NOMEM, "out of memory");
}

/* Each half of an analysis takes a fraction of the whole time. The listener is told the
   progress of the whole. */
typedef struct fraction {
    const hesse_listener *of; /* NULL: none */
    double first, length;
    double operations; /* done before */
} fraction;

static void pass_progress(void *context, const char *phase, double part,
                          double operations)
{
    const fraction *f = context;
    f->of->progress(f->of->context, phase, f->first + part * f->length,
                    f->operations + operations);
}

static hesse_status pass_matrix(void *context, int share, int block,
                                const hesse_held *matrix)
{
    const fraction *f = context;
    return f->of->matrix(f->of->context, share, block, matrix);
}

static hesse_listener listener_of(fraction *f)
{
    return (hesse_listener){.context = f,
                            .progress = f->of && f->of->progress ? pass_progress : NULL,
                            .matrix = f->of && f->of->matrix ? pass_matrix : NULL};
}

/* Collective. Compute the matrices that are formed. */
static hesse_status run_dense(hesse_analysis *x, const hesse_run_options *run)
{
    const hesse_plan *p = &x->plan;
    const hesse_objective *o = p->objective;
    hesse_team *team = o->team;
    const double all = hesse_plan_seconds(p);
    fraction f = {.of = run->listener, .length = 1};
    hesse_dense_options options = p->options;
    if (!options.scope) return hesse_agree(team, make_results(x, &team->why));
    if (all > 0) f.length = (all - p->matrix_free.seconds) / all;
    const hesse_listener listener = listener_of(&f);
    if (run->listener) options.listener = &listener;
    options.checkpoint = run->checkpoint;
    options.loss = o->loss;
    hesse_objective_prepare(o, 0, o->tape->sequences);
    const hesse_params *params = &o->network->params;
    if (options.precision == HESSE_PRECISION_DOUBLE)
        return hesse_dense_run(team, o->tape, params, &p->partition, &p->schedule,
                               &options, &x->results, &x->times);
    const hesse_tape_source source = {.arch = &o->network->arch,
                                      .batch = &o->batch,
                                      .constants = o->network->constants,
                                      .weighting = hesse_objective_weighting(o),
                                      .theta = o->theta,
                                      .window = o->tape->window};
    return hesse_dense_run_single(team, &source, params, &p->partition, &p->schedule,
                                  &options, &x->results, &x->times);
}

/* Collective. Compute the matrices that are estimated. */
static hesse_status run_matrix_free(hesse_analysis *x, const hesse_run_options *run)
{
    const hesse_plan *p = &x->plan;
    const hesse_matrix_free *u = &p->matrix_free;
    hesse_team *team = p->objective->team;
    hesse_submatrix *list = NULL;
    int count = 0;
    const double start = hesse_seconds(), all = hesse_plan_seconds(p);
    fraction f = {.of = run->listener, .length = 1};
    if (p->options.scope && all > 0) f.first = 1 - u->seconds / all;
    f.length = 1 - f.first;
    f.operations = p->schedule.whole.work.products + p->schedule.whole.solution;
    for (int i = 0; i < p->schedule.count; i++)
        f.operations +=
            p->schedule.tasks[i].work.products + p->schedule.tasks[i].solution;
    const hesse_listener listener = listener_of(&f);
    const hesse_matrix_free_options options = {
        .memory = u->limit, .listener = &listener, .checkpoint = run->checkpoint};
    hesse_status s = hesse_plan_submatrices(p, &list, &count, &team->why);
    s = hesse_agree(team, s);
    const double rest = f.length;
    if (u->work.products > 0) f.length -= rest * u->extra.products / u->work.products;
    if (!s && count)
        s = hesse_quadratures(p->objective, &u->settings, count, list, &options);
    f.first += f.length, f.length = rest - f.length;
    f.operations += u->work.products - u->extra.products;
    if (!s && count)
        s = hesse_estimates_run(p->objective, &u->estimates, count, list, &options);
    for (int i = 0; !s && i < count; i++) {
        hesse_submatrix *from = &list[i];
        hesse_share_results *to = &x->results[from->share];
        const int at = from->block < 0 ? p->partition.count : from->block;
        to->quadratures[at] = from->q;
        to->extremes[at] = from->extremes;
        to->hutchinson[at] = from->hutchinson;
        *from = (hesse_submatrix){0};
    }
    hesse_submatrices_free(list, count);
    x->times.lanczos = hesse_seconds() - start;
    return s;
}

/* Local. Fit a power law to every spectrum of a share. */
static hesse_status fit_tails(hesse_share_results *f, hesse_why *why)
{
    hesse_status s = HESSE_OK;
    free(f->tails);
    f->tails = hesse_calloc((size_t)f->blocks + 1, sizeof *f->tails);
    if (!f->tails) return hesse_fail(why, HESSE_E_NOMEM, "out of memory for tails");
    for (int b = 0; !s && b <= f->blocks; b++) {
        const hesse_spectrum *x = b == f->blocks ? f->full : f->spectra[b];
        f->tails[b] = (hesse_tail){NAN, NAN, NAN, NAN};
        if (x)
            s = hesse_tail_fit(x->n, x->eigenvalues, x->precision, &f->tails[b], why);
    }
    return s;
}

/* Local. Divide the condition numbers of a share by those of its scaled copy. */
static hesse_status compare_conditions(const hesse_share_results *base,
                                       hesse_share_results *f, const hesse_plan *p,
                                       hesse_why *why)
{
    free(f->condition_ratio);
    f->condition_ratio = hesse_alloc((size_t)p->partition.count + 1);
    if (!f->condition_ratio)
        return hesse_fail(why, HESSE_E_NOMEM, "out of memory for condition numbers");
    for (int b = 0; b <= p->partition.count; b++)
        f->condition_ratio[b] = base->measures[b].condition / f->measures[b].condition;
    return HESSE_OK;
}

/* Collective. Compute everything that follows from spectra and quadratures. Distances
   are computed on rank 0 alone. */
static hesse_status complete(hesse_analysis *x)
{
    const hesse_plan *p = &x->plan;
    hesse_team *team = p->objective->team;
    hesse_status s = HESSE_OK;
    const double start = hesse_seconds();
    for (int i = 0; i < shares_of(x); i++) {
        hesse_share_results *f = &x->results[i];
        f->kinds = p->kinds[i], f->name = p->names[i];
        f->scale = hesse_plan_factors(p, i, -1);
        f->estimated = p->matrix_free.why;
        f->orthogonality =
            hesse_orthogonality_text(p->matrix_free.settings.orthogonality);
        f->seed = p->matrix_free.settings.seed;
        f->noise =
            hesse_estimates_noise(p->objective->loss) * hesse_plan_largest_factor(p, i);
        measure(x, f);
        if (!s && p->tail) s = fit_tails(f, &team->why);
        if (!s && f->scale)
            s = compare_conditions(&x->results[i - p->plain], f, p, &team->why);
        if (!s && team->rank == 0)
            s = hesse_share_results_compare(f, p->n_distances, p->distances,
                                            &p->density, &team->why);
    }
    s = hesse_agree(team, s);
    x->distances = hesse_seconds() - start;
    return s;
}

/* Collective. Compute loss and gradient at the current parameters of the objective. */
static hesse_status evaluate(hesse_analysis *x)
{
    const hesse_plan *p = &x->plan;
    hesse_objective *o = p->objective;
    hesse_team *team = o->team;
    const hesse_params *params = &o->network->params;
    double *gradient = hesse_alloc(params->size);
    hesse_status s = HESSE_OK;
    if (!gradient)
        s = hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory for a gradient");
    s = hesse_agree(team, s);
    if (!s) s = hesse_objective_gradient(o, NULL, gradient);
    if (!s) hesse_partition_gather(&p->partition, params, gradient, x->gradient);
    free(gradient);
    return s;
}

hesse_status hesse_analysis_run_with(hesse_analysis *x, const hesse_run_options *run)
{
    if (!x) return HESSE_E_JOB;
    hesse_team *team = x->plan.objective->team;
    hesse_status s = HESSE_OK;
    /* A listener of matrices needs both triangles. */
    assert(x->plan.shown || !run->listener || !run->listener->matrix);
    hesse_share_results_free(x->results, shares_of(x));
    x->results = NULL;
    if (!x->plan.objective->theta)
        s = hesse_fail(&team->why, HESSE_E_JOB, "an outline of a model cannot be run");
    if (!s && x->plan.ranks != team->size)
        s = hesse_fail(&team->why, HESSE_E_JOB,
                       "an analysis planned for %d ranks cannot be run on %d",
                       x->plan.ranks, team->size);
    if (!s && x->plan.scaling.from == HESSE_SCALING_MOMENTS && !x->plan.scaling.values)
        s = hesse_fail(&team->why, HESSE_E_JOB,
                       "a scaling by given numbers has none, expected one for every "
                       "parameter");
    s = hesse_agree(team, s);
    if (!s) s = evaluate(x);
    if (!s && x->plan.scaling.from)
        s = hesse_scaling_find(&x->plan, x->gradient, run->checkpoint);
    if (!s) s = run_dense(x, run);
    if (!s) s = run_matrix_free(x, run);
    if (!s) s = complete(x);
    if (s && x->results) {
        hesse_share_results_free(x->results, shares_of(x));
        x->results = NULL;
    }
    return s;
}

hesse_status hesse_analysis_run(hesse_analysis *x)
{
    return hesse_analysis_run_with(x, &(hesse_run_options){0});
}

/* Return the entry of a block in arrays of the blocks and the whole matrix. */
static int entry_of(const hesse_analysis *x, int block)
{
    return block == HESSE_FULL_MATRIX ? x->plan.partition.count : block;
}

int hesse_analysis_blocks(const hesse_analysis *x)
{
    return x->plan.partition.count;
}

static bool has_block(const hesse_analysis *x, int block)
{
    return block >= 0 && block < x->plan.partition.count;
}

const char *hesse_analysis_block_name(const hesse_analysis *x, int block)
{
    return has_block(x, block) ? x->plan.partition.blocks[block].name : NULL;
}

size_t hesse_analysis_block_size(const hesse_analysis *x, int block)
{
    return has_block(x, block) ? x->plan.partition.blocks[block].size : 0;
}

const double *hesse_analysis_gradient(const hesse_analysis *x)
{
    return x->gradient;
}

size_t hesse_analysis_block_first(const hesse_analysis *x, int block)
{
    return has_block(x, block) ? x->plan.partition.blocks[block].first : 0;
}

static bool has_share(const hesse_analysis *x, int part)
{
    return part >= 0 && part < x->plan.options.request.shares;
}

/* Return the results of a share, or NULL if it has no such block or nothing was
   computed. */
static const hesse_share_results *found(const hesse_analysis *x, int part, int block)
{
    const bool known =
        has_share(x, part) && (has_block(x, block) || block == HESSE_FULL_MATRIX);
    return x->results && known ? &x->results[part] : NULL;
}

const hesse_spectrum *hesse_analysis_spectrum(const hesse_analysis *x, int part,
                                              int block)
{
    const hesse_share_results *f = found(x, part, block);
    if (!f) return NULL;
    return block == HESSE_FULL_MATRIX ? f->full : f->spectra[block];
}

const hesse_quadrature *hesse_analysis_quadrature(const hesse_analysis *x, int part,
                                                  int block)
{
    const hesse_share_results *f = found(x, part, block);
    if (!f) return NULL;
    return f->quadratures[entry_of(x, block)];
}

const hesse_extremes *hesse_analysis_extremes(const hesse_analysis *x, int part,
                                              int block)
{
    const hesse_share_results *f = found(x, part, block);
    if (!f) return NULL;
    return f->extremes[entry_of(x, block)];
}

const hesse_hutchinson *hesse_analysis_hutchinson(const hesse_analysis *x, int part,
                                                  int block)
{
    const hesse_share_results *f = found(x, part, block);
    if (!f) return NULL;
    return f->hutchinson[entry_of(x, block)];
}

const hesse_measures *hesse_analysis_measures(const hesse_analysis *x, int part,
                                              int block)
{
    if (!hesse_analysis_spectrum(x, part, block) &&
        !hesse_analysis_quadrature(x, part, block))
        return NULL;
    return &x->results[part].measures[entry_of(x, block)];
}

const hesse_tail *hesse_analysis_tail(const hesse_analysis *x, int part, int block)
{
    if (!hesse_analysis_spectrum(x, part, block)) return NULL;
    const hesse_tail *all = x->results[part].tails;
    return all ? &all[entry_of(x, block)] : NULL;
}

int hesse_analysis_below(const hesse_analysis *x, int part, int block, int i)
{
    const hesse_share_results *f = found(x, part, block);
    if (!f || i < 0 || i >= f->n_index) return -1;
    return (int)f->below[(size_t)entry_of(x, block) * (size_t)f->n_index + (size_t)i];
}

const double *hesse_analysis_coupling(const hesse_analysis *x, int part)
{
    const hesse_share_results *f = found(x, part, HESSE_FULL_MATRIX);
    return f ? f->coupling : NULL;
}

hesse_status hesse_analysis_block_matrix(hesse_analysis *x, int part, int block,
                                         double *matrix, hesse_why *why)
{
    if (!x || !has_share(x, part) || !has_block(x, block) || !matrix)
        return hesse_fail(why, HESSE_E_JOB,
                          "part %d, block %d: the analysis has no such matrix", part,
                          block);
    const hesse_block *b = &x->plan.partition.blocks[block];
    hesse_panel_options one = x->plan.options.request;
    const double *factors = hesse_plan_factors(&x->plan, part, block);
    if (part >= x->plan.plain && !factors)
        return hesse_fail(why, HESSE_E_JOB,
                          "the factors of a scaled share are known after a run");
    one.shares = 1, one.kinds = &x->plan.kinds[part];
    one.computed = 0, one.scale = NULL;
    one.left_out = NULL; /* the block may be an estimated one */
    hesse_sums *sums = hesse_calloc((size_t)x->plan.partition.count, sizeof *sums);
    if (!sums) return hesse_fail(why, HESSE_E_NOMEM, "out of memory");
    hesse_panel_threads threads;
    hesse_status s = hesse_panel_threads_new(
        x->plan.objective->tape, &x->plan.objective->network->params,
        &x->plan.partition, &one, 1, &threads, why);
    if (!s) {
        double defect;
        hesse_tally tally = {.blocks = sums};
        const int count =
            hesse_panel_threads_begin(&threads, (hesse_part){block, 1}, false);
        s = hesse_assemble_local(&threads, count, (int)b->size, &matrix, &tally,
                                 &defect, &(hesse_watch){0}, why);
        hesse_mirror((int)b->size, matrix);
        for (size_t i = 0; factors && i < b->size; i++)
            for (size_t j = 0; j < b->size; j++)
                matrix[i * b->size + j] *= factors[i] * factors[j];
        hesse_panel_threads_free(&threads);
    }
    free(sums);
    return s;
}

const hesse_plan *hesse_analysis_plan(const hesse_analysis *x)
{
    return &x->plan;
}

int hesse_analysis_shares(const hesse_analysis *x)
{
    return shares_of(x);
}

const char *hesse_analysis_share_name(const hesse_analysis *x, int share)
{
    return x->plan.names[share];
}

hesse_kinds hesse_analysis_kinds(const hesse_analysis *x, int share)
{
    return x->plan.kinds[share];
}

const hesse_share_results *hesse_analysis_results(const hesse_analysis *x, int share)
{
    return x->results ? &x->results[share] : NULL;
}

const double *hesse_analysis_distances(const hesse_analysis *x, int part, int i, int *m,
                                       double *mean)
{
    const hesse_share_results *f = hesse_analysis_results(x, part);
    if (!f || i >= f->n_distances) return NULL;
    *m = f->n_computed, *mean = f->distances[i].mean;
    return f->distances[i].matrix;
}

hesse_estimated hesse_analysis_estimated(const hesse_analysis *x, int block)
{
    return x->plan.matrix_free.why[entry_of(x, block)];
}

const hesse_block_table *hesse_analysis_table(const hesse_analysis *x)
{
    return &x->table;
}

const hesse_density *hesse_analysis_density(const hesse_analysis *x)
{
    return &x->plan.density;
}

size_t hesse_analysis_block_parameter(const hesse_analysis *x, int block)
{
    const hesse_partition *p = &x->plan.partition;
    const hesse_piece *piece = &p->pieces[p->blocks[block].piece];
    const hesse_param *of = &x->plan.objective->network->params.list[piece->param];
    return of->offset + (size_t)piece->rect.row * (size_t)of->cols +
           (size_t)piece->rect.col;
}

void hesse_analysis_order(const hesse_analysis *x, const double *all, double *ordered)
{
    hesse_partition_gather(&x->plan.partition, &x->plan.objective->network->params, all,
                           ordered);
}

void hesse_analysis_reports(const hesse_analysis *x, hesse_rank_report *reports)
{
    const hesse_team *team = x->plan.objective->team;
    const hesse_times *t = &x->times;
    const hesse_rank_report mine = {
        .predicted = x->plan.schedule.busy[team->rank] + x->plan.matrix_free.seconds,
        .busy = t->assembly + t->exchange + t->eigenvalues + t->lanczos,
        .assembly = t->assembly,
        .exchange = t->exchange,
        .eigenvalues = t->eigenvalues,
        .lanczos = t->lanczos,
        .matrices = t->matrices,
        .idle = t->idle,
        .memory = hesse_memory_peak()};
    const int numbers = sizeof mine / sizeof(double);
    MPI_Gather(&mine, numbers, MPI_DOUBLE, reports, numbers, MPI_DOUBLE, 0, team->comm);
}

double hesse_analysis_distance_seconds(const hesse_analysis *x)
{
    return x->distances;
}

void hesse_analysis_rate(hesse_analysis *x, const hesse_rates *rates)
{
    hesse_plan_rate(&x->plan, rates);
}

hesse_plan_summary hesse_analysis_summary(const hesse_analysis *x)
{
    const hesse_plan *p = &x->plan;
    const hesse_matrix_free *u = &p->matrix_free;
    const hesse_task *whole = &p->schedule.whole;
    double idlest = p->schedule.busy[0];
    int estimated = 0;
    for (int r = 1; r < p->ranks; r++) idlest = fmin(idlest, p->schedule.busy[r]);
    for (int b = 0; b < p->partition.count; b++) estimated += u->blocks[b];
    return (hesse_plan_summary){
        .blocks = p->partition.count,
        .order = p->partition.size,
        .ranks = p->ranks,
        .threads = p->options.threads,
        .panel = p->options.request.panel,
        .method = p->method,
        .memory = p->memory,
        .peak = p->peak,
        .program = p->program,
        .seconds = hesse_plan_seconds(p),
        .idlest = idlest + u->seconds,
        .disk = {.result = hesse_disk_of_result(p), .parts = hesse_disk_of_parts(p)},
        .whole = p->options.scope & HESSE_FULL,
        .whole_engine = whole->engine,
        .whole_products = whole->work.products,
        .whole_solution = whole->solution,
        .whole_assembly = whole->assembly,
        .whole_exchange = whole->exchange,
        .whole_eigen = whole->eigen,
        .whole_estimated = u->why[p->partition.count],
        .n_estimated = estimated,
        .lanczos = u->settings,
        .extreme = u->estimates.extreme,
        .hutchinson = u->estimates.hutchinson,
        .together = u->together,
        .products = u->work.products,
        .extra = u->extra.products,
        .estimate_seconds = u->seconds,
        .estimate_bytes = u->bytes,
    };
}

int hesse_analysis_planned(const hesse_analysis *x)
{
    return x->plan.scope & HESSE_BLOCKS ? x->plan.partition.count : 0;
}

hesse_planned_block hesse_analysis_planned_block(const hesse_analysis *x, int i)
{
    const hesse_plan *p = &x->plan;
    const hesse_matrix_free *u = &p->matrix_free;
    if (i < p->schedule.count) {
        const hesse_task *t = &p->schedule.tasks[i];
        return (hesse_planned_block){.name = p->partition.blocks[t->block].name,
                                     .size = p->partition.blocks[t->block].size,
                                     .engine = t->engine,
                                     .bytes = t->bytes,
                                     .solution = t->solution,
                                     .first = t->group.first,
                                     .ranks = t->group.count,
                                     .products = t->work.products,
                                     .seconds = t->assembly + t->eigen};
    }
    const int b = x->estimated[i - p->schedule.count];
    return (hesse_planned_block){.name = p->partition.blocks[b].name,
                                 .size = p->partition.blocks[b].size,
                                 .estimated = u->why[b],
                                 .ranks = p->ranks,
                                 .products = u->each[b],
                                 .seconds = u->seconds * u->each[b] /
                                            fmax(1, u->work.products)};
}
