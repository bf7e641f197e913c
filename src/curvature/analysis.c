/* A question becomes a partition, a schedule and an options; the answer is kept for as
   long as the analysis. */
#include "curvature/analysis.h"

#include "base/memory.h"
#include "curvature/assemble.h"
#include "parallel/available.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>

enum { MOST_RANKS = 1 << 20, MOST_COLUMNS = 1 << 20 };

static hesse_status check(const hesse_analysis_options *q, hesse_why *why)
{
    const struct {
        const char *name;
        int value, least, most;
    } numbers[] = {{"partition", q->partition, HESSE_CUT_TENSOR, HESSE_CUT_FUSED},
                   {"preset", q->preset, 0, HESSE_PRESET_CONVOLUTIONS},
                   {"scope", q->scope, 0, HESSE_BOTH},
                   {"method", q->method, 0, HESSE_METHOD_AUTO},
                   {"engine", q->engine, HESSE_ENGINE_AUTO, HESSE_ENGINE_BAND},
                   {"panel", q->panel, 0, MOST_COLUMNS},
                   {"threads", q->threads, 0, HESSE_MOST_THREADS},
                   {"eigenvectors", q->eigenvectors, 0, INT_MAX / 2},
                   {"ranks", q->ranks, 0, MOST_RANKS},
                   {"n_only", q->n_only, 0, q->only ? INT_MAX : 0},
                   {"n_parts", q->n_parts, 0, q->parts ? INT_MAX : 0}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i].value < numbers[i].least || numbers[i].value > numbers[i].most)
            return hesse_fail(why, HESSE_E_JOB, "%s is %d, expected %d to %d",
                              numbers[i].name, numbers[i].value, numbers[i].least,
                              numbers[i].most);
    if (!(q->seconds >= 0))
        return hesse_fail(why, HESSE_E_JOB, "seconds is %g, expected 0 or more",
                          q->seconds);
    for (int i = 0; i < q->n_only; i++)
        if (!q->only[i])
            return hesse_fail(why, HESSE_E_JOB, "only: name %d is missing", i);
    for (int i = 0; i < q->n_parts; i++)
        if (!q->parts[i] || q->parts[i] & ~HESSE_ALL)
            return hesse_fail(why, HESSE_E_JOB,
                              "part %d is %#x, expected kinds of operators", i,
                              (unsigned)q->parts[i]);
    if (!hesse_engine_exists(q->engine))
        return hesse_fail(why, HESSE_E_JOB,
                          "spectrum.engine: this program was built without %s",
                          hesse_engine_name(q->engine));
    return HESSE_OK;
}

static bool is_one_of(int layer, int count, const int *layers)
{
    bool any = false;
    for (int i = 0; i < count; i++) any |= layer == layers[i];
    return any;
}

/* The matrices of a transformer's layer, without gates. */
static bool is_in_layer(hesse_role role)
{
    return role == HESSE_ROLE_QUERY || role == HESSE_ROLE_KEY ||
           role == HESSE_ROLE_VALUE || role == HESSE_ROLE_OUTPUT ||
           role == HESSE_ROLE_UP || role == HESSE_ROLE_DOWN;
}

/* Whether the preset has a parameter: one of the kinds and layers that it names. */
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

/* Patterns are names of blocks; of globs' characters they have none. */
static hesse_status partition_by_preset(hesse_analysis *x,
                                        const hesse_analysis_options *q, hesse_why *why)
{
    enum { ROOM = HESSE_NAME + 24 };
    const hesse_params *params = &x->model->params;
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
        if (is_in_preset(q->preset, &params->list[i], x->model->arch.layers)) {
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
        s = hesse_partition_new(&x->model->arch, params, cut, names, count,
                                &x->partition, why);
    free(names);
    free(texts);
    return s;
}

static hesse_status read_question(hesse_analysis *x, const hesse_analysis_options *q,
                                  hesse_why *why)
{
    const hesse_model *m = x->model;
    const int shares = q->n_parts ? q->n_parts : 1;
    const hesse_status s = check(q, why);
    if (s) return s;
    x->kinds = hesse_calloc((size_t)shares, sizeof *x->kinds);
    if (!x->kinds) return hesse_fail(why, HESSE_E_NOMEM, "out of memory");
    for (int i = 0; i < shares; i++) x->kinds[i] = q->n_parts ? q->parts[i] : HESSE_ALL;
    x->options = (hesse_dense_options){
        .request = {.panel = q->panel ? q->panel : HESSE_PANEL,
                    .shares = shares,
                    .kinds = x->kinds},
        .scope = q->scope ? q->scope : HESSE_BLOCKS,
        .engine = q->engine,
        .vectors = q->eigenvectors,
        /* Threads read one tape side by side. */
        .threads = q->threads && hesse_tape_is_whole(m->tape) ? q->threads : 1,
        .loss = m->loss};
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
    return hesse_partition_new(&m->arch, &m->params, q->partition, q->only, q->n_only,
                               &x->partition, why);
}

hesse_status hesse_analysis_new(hesse_model *model,
                                const hesse_analysis_options *question,
                                hesse_analysis **analysis)
{
    if (!model) return HESSE_E_JOB;
    hesse_team *team = model->team;
    hesse_status s = HESSE_OK;
    if (!question || !analysis)
        s = hesse_fail(&team->why, HESSE_E_JOB,
                       "an analysis needs a question and a place");
    if ((s = hesse_agree(team, s))) return s;
    hesse_analysis *x = hesse_calloc(1, sizeof *x);
    const double held = hesse_model_bytes(model);
    const double left = (double)hesse_team_available(team);
    if (!x) s = hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory for an analysis");
    if (!s) {
        *x = (hesse_analysis){.model = model,
                              .ranks = question->ranks ? question->ranks : team->size,
                              .worldwide = question->matrices,
                              .program = (double)question->program,
                              .memory = question->memory
                                            ? (double)question->memory
                                            : left + (double)question->program +
                                                  (model->theta ? held : 0)};
        s = read_question(x, question, &team->why);
    }
    if (!s) s = hesse_analysis_plan(x, &team->why);
    if (!s && !(x->gradient = hesse_alloc(x->partition.size)))
        s = hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory for a gradient");
    if (!s && model->gradient)
        hesse_partition_gather(&x->partition, &model->params, model->gradient,
                               x->gradient);
    s = hesse_agree(team, s);
    if (s)
        hesse_analysis_free(x);
    else
        *analysis = x;
    return s;
}

void hesse_analysis_free(hesse_analysis *x)
{
    if (!x) return;
    for (int s = 0; x->measures && s < x->options.request.shares; s++)
        free(x->measures[s]);
    free(x->measures);
    hesse_share_results_free(x->found, x->options.request.shares);
    free(x->matrix_free.blocks);
    free(x->matrix_free.each);
    free(x->gradient);
    free(x->kinds);
    hesse_schedule_free(&x->schedule);
    hesse_partition_free(&x->partition);
    free(x);
}

/* Measures of a share's blocks and, last, of the whole. */
static void measure(const hesse_analysis *x, int share, hesse_measures *m)
{
    const hesse_share_results *f = &x->found[share];
    const int blocks = x->partition.count;
    for (int b = 0; b <= blocks; b++) {
        const bool whole = b == blocks;
        const hesse_spectrum *spectrum = whole ? f->full : f->spectra[b];
        const hesse_sums *sums = whole ? &f->all : &f->sums[b];
        const double *gradient =
            x->gradient + (whole ? 0 : x->partition.blocks[b].first);
        if (spectrum) hesse_measure(spectrum, sums, gradient, &m[b]);
        if (f->quadratures[b])
            hesse_measure_quadrature(f->quadratures[b], gradient, &m[b]);
        if (f->extremes[b]) {
            const hesse_extremes *e = f->extremes[b];
            m[b].min = e->eigenvalues[0];
            m[b].max = e->eigenvalues[e->count - 1];
        }
    }
}

/* Local. Room for the results of a run that forms nothing. */
static hesse_status make_findings(hesse_analysis *x, hesse_why *why)
{
    const int shares = x->options.request.shares;
    bool there = (x->found = hesse_calloc((size_t)shares, sizeof *x->found));
    for (int s = 0; there && s < shares; s++)
        there = hesse_share_results_new(&x->found[s], x->partition.count, false);
    return there ? HESSE_OK : hesse_fail(why, HESSE_E_NOMEM, "out of memory");
}

/* The listener of a part of an analysis hears of a part of the whole time. */
typedef struct fraction {
    const hesse_listener *of;
    double first, length;
    double operations; /* done before */
} fraction;

static void pass_on(void *context, const char *phase, double part, double operations)
{
    const fraction *f = context;
    f->of->progress(f->of->context, phase, f->first + part * f->length,
                    f->operations + operations);
}

static hesse_status show_on(void *context, int share, int block, const hesse_dmat *a,
                            const double *local)
{
    const fraction *f = context;
    return f->of->matrix(f->of->context, share, block, a, local);
}

static hesse_listener listener_of(fraction *f)
{
    return (hesse_listener){.context = f,
                            .progress = f->of && f->of->progress ? pass_on : NULL,
                            .matrix = f->of && f->of->matrix ? show_on : NULL};
}

/* Collective. What is formed. */
static hesse_status run_formed(hesse_analysis *x)
{
    hesse_team *team = x->model->team;
    const double all = hesse_analysis_seconds(x);
    fraction f = {.of = x->options.listener, .length = 1};
    hesse_dense_options options = x->options;
    if (!options.scope) return hesse_agree(team, make_findings(x, &team->why));
    if (all > 0) f.length = (all - x->matrix_free.seconds) / all;
    const hesse_listener listener = listener_of(&f);
    if (options.listener) options.listener = &listener;
    return hesse_dense_run(team, x->model->tape, &x->model->params, &x->partition,
                           &x->schedule, &options, &x->found, &x->times);
}

/* Collective. What is not. */
static hesse_status run_unformed(hesse_analysis *x)
{
    hesse_team *team = x->model->team;
    hesse_submatrix *aims = NULL;
    int count = 0;
    const double start = MPI_Wtime(), all = hesse_analysis_seconds(x);
    fraction f = {.of = x->options.listener, .length = 1};
    if (x->options.scope && all > 0) f.first = 1 - x->matrix_free.seconds / all;
    f.length = 1 - f.first;
    f.operations = x->schedule.whole.work.products + x->schedule.whole.solution;
    for (int i = 0; i < x->schedule.count; i++)
        f.operations +=
            x->schedule.tasks[i].work.products + x->schedule.tasks[i].solution;
    const hesse_listener listener = listener_of(&f);
    const hesse_matrix_free_options probing = {.memory = x->matrix_free.limit,
                                               .listener = &listener,
                                               .checkpoint = x->options.checkpoint};
    hesse_status s = hesse_analysis_aims(x, &aims, &count, &team->why);
    s = hesse_agree(team, s);
    const double rest = f.length;
    if (x->matrix_free.work.products > 0)
        f.length -= rest * x->matrix_free.extra.products / x->matrix_free.work.products;
    if (!s && count)
        s = hesse_quadratures(x->model, &x->matrix_free.settings, count, aims,
                              &probing);
    f.first += f.length, f.length = rest - f.length;
    f.operations += x->matrix_free.work.products - x->matrix_free.extra.products;
    if (!s && count)
        s = hesse_estimates_run(x->model, &x->matrix_free.estimates, count, aims,
                                &probing);
    for (int i = 0; !s && i < count; i++) {
        hesse_submatrix *from = &aims[i];
        hesse_share_results *to = &x->found[from->share];
        const int at = from->block < 0 ? x->partition.count : from->block;
        to->quadratures[at] = from->q;
        to->extremes[at] = from->extremes;
        to->hutchinson[at] = from->hutchinson;
        *from = (hesse_submatrix){0};
    }
    hesse_submatrices_free(aims, count);
    x->times.lanczos = MPI_Wtime() - start;
    return s;
}

hesse_status hesse_analysis_run(hesse_analysis *x)
{
    if (!x) return HESSE_E_JOB;
    hesse_team *team = x->model->team;
    const int shares = x->options.request.shares;
    hesse_status s = HESSE_OK;
    /* All ranks are to see a matrix. */
    assert(x->worldwide || !x->options.listener || !x->options.listener->matrix);
    hesse_share_results_free(x->found, shares);
    x->found = NULL;
    if (!x->measures) x->measures = hesse_calloc((size_t)shares, sizeof *x->measures);
    for (int i = 0; x->measures && i < shares; i++) {
        const size_t count = (size_t)x->partition.count + 1;
        if (!x->measures[i]) x->measures[i] = hesse_calloc(count, sizeof **x->measures);
        if (!x->measures[i]) s = HESSE_E_NOMEM;
    }
    if (s || !x->measures) s = hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory");
    if (!s && !x->model->theta)
        s = hesse_fail(&team->why, HESSE_E_JOB, "an outline of a model cannot be run");
    if (!s && x->ranks != team->size)
        s = hesse_fail(&team->why, HESSE_E_JOB,
                       "an analysis planned for %d ranks cannot be run on %d", x->ranks,
                       team->size);
    s = hesse_agree(team, s);
    if (!s) s = run_formed(x);
    if (!s) s = run_unformed(x);
    for (int i = 0; !s && i < shares; i++) measure(x, i, x->measures[i]);
    if (s && x->found) {
        hesse_share_results_free(x->found, shares);
        x->found = NULL;
    }
    return s;
}

int hesse_analysis_blocks(const hesse_analysis *x)
{
    return x->partition.count;
}

static bool has_block(const hesse_analysis *x, int block)
{
    return block >= 0 && block < x->partition.count;
}

const char *hesse_analysis_block_name(const hesse_analysis *x, int block)
{
    return has_block(x, block) ? x->partition.blocks[block].name : NULL;
}

size_t hesse_analysis_block_size(const hesse_analysis *x, int block)
{
    return has_block(x, block) ? x->partition.blocks[block].size : 0;
}

const double *hesse_analysis_gradient(const hesse_analysis *x)
{
    return x->gradient;
}

size_t hesse_analysis_block_first(const hesse_analysis *x, int block)
{
    return has_block(x, block) ? x->partition.blocks[block].first : 0;
}

static bool has_share(const hesse_analysis *x, int part)
{
    return part >= 0 && part < x->options.request.shares;
}

/* The results of a share, if there are any of a block of it, or of its full matrix. */
static const hesse_share_results *found(const hesse_analysis *x, int part, int block)
{
    const bool known =
        has_share(x, part) && (has_block(x, block) || block == HESSE_FULL_MATRIX);
    return x->found && known ? &x->found[part] : NULL;
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
    return f->quadratures[block == HESSE_FULL_MATRIX ? x->partition.count : block];
}

const hesse_extremes *hesse_analysis_extremes(const hesse_analysis *x, int part,
                                              int block)
{
    const hesse_share_results *f = found(x, part, block);
    if (!f) return NULL;
    return f->extremes[block == HESSE_FULL_MATRIX ? x->partition.count : block];
}

const hesse_hutchinson *hesse_analysis_hutchinson(const hesse_analysis *x, int part,
                                                  int block)
{
    const hesse_share_results *f = found(x, part, block);
    if (!f) return NULL;
    return f->hutchinson[block == HESSE_FULL_MATRIX ? x->partition.count : block];
}

const hesse_measures *hesse_analysis_measures(const hesse_analysis *x, int part,
                                              int block)
{
    if (!hesse_analysis_spectrum(x, part, block) &&
        !hesse_analysis_quadrature(x, part, block))
        return NULL;
    return &x->measures[part][block == HESSE_FULL_MATRIX ? x->partition.count : block];
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
    const hesse_block *b = &x->partition.blocks[block];
    hesse_panel_options one = x->options.request;
    one.shares = 1, one.kinds = &x->kinds[part];
    one.left_out = NULL; /* nor is a block that the analysis does not form */
    hesse_sums *sums = hesse_calloc((size_t)x->partition.count, sizeof *sums);
    if (!sums) return hesse_fail(why, HESSE_E_NOMEM, "out of memory");
    hesse_panel_threads lanes;
    hesse_status s = hesse_panel_threads_new(x->model->tape, &x->model->params,
                                             &x->partition, &one, 1, &lanes, why);
    if (!s) {
        double defect;
        hesse_tally tally = {.blocks = sums};
        const int count =
            hesse_panel_threads_begin(&lanes, (hesse_part){block, 1}, false);
        s = hesse_assemble_local(&lanes, count, (int)b->size, &matrix, &tally, &defect,
                                 &(hesse_watch){0}, why);
        hesse_mirror((int)b->size, matrix);
        hesse_panel_threads_free(&lanes);
    }
    free(sums);
    return s;
}
