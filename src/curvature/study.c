/* A question becomes a partition, a schedule and an inquiry; the answer is kept for as
   long as the study. */
#include "curvature/study.h"

#include "base/memory.h"
#include "curvature/assemble.h"
#include "parallel/available.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>

enum { MOST_RANKS = 1 << 20, MOST_COLUMNS = 1 << 20 };

static hesse_status check(const hesse_question *q, hesse_why *why)
{
    const struct {
        const char *name;
        int value, least, most;
    } numbers[] = {{"partition", q->partition, HESSE_CUT_TENSOR, HESSE_CUT_WHOLE},
                   {"scope", q->scope, 0, HESSE_BOTH},
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

static hesse_status read_question(hesse_study *x, const hesse_question *q,
                                  hesse_why *why)
{
    const hesse_model *m = x->model;
    const int shares = q->n_parts ? q->n_parts : 1;
    const hesse_status s = check(q, why);
    if (s) return s;
    x->kinds = hesse_calloc((size_t)shares, sizeof *x->kinds);
    if (!x->kinds) return hesse_fail(why, HESSE_E_NOMEM, "out of memory");
    for (int i = 0; i < shares; i++) x->kinds[i] = q->n_parts ? q->parts[i] : HESSE_ALL;
    x->inquiry = (hesse_inquiry){.request = {.panel = q->panel ? q->panel : HESSE_PANEL,
                                             .shares = shares,
                                             .kinds = x->kinds},
                                 .scope = q->scope ? q->scope : HESSE_BLOCKS,
                                 .engine = q->engine,
                                 .vectors = q->eigenvectors,
                                 .threads = q->threads ? q->threads : 1,
                                 .loss = m->loss};
    x->inquiry.request.whole = x->inquiry.scope & HESSE_FULL;
    return hesse_partition_new(&m->arch, &m->params, q->partition, q->only, q->n_only,
                               &x->partition, why);
}

/* Bytes of model and data, which are there before a study is. */
static double model_bytes(const hesse_model *m)
{
    return (double)hesse_tape_bytes(m->tape) +
           2.0 * (double)m->params.size * (double)sizeof(double);
}

/* Numbers that every rank keeps of the results of one share. */
static double result_numbers(const hesse_study *x)
{
    const double vectors = 2.0 * x->inquiry.vectors, blocks = x->partition.count;
    double numbers = 0;
    for (int b = 0; b <= x->partition.count; b++) {
        const bool full = b == x->partition.count;
        if (!(x->inquiry.scope & (full ? HESSE_FULL : HESSE_BLOCKS))) continue;
        const double n =
            full ? (double)x->partition.size : (double)x->partition.blocks[b].size;
        numbers += n + fmin(vectors, n) * (n + 1);
    }
    return numbers + (x->inquiry.scope & HESSE_FULL ? blocks * blocks : 0);
}

/* What the sizes alone tell: work of every block and, last, of the whole; bytes of a rank
   beside its matrices. */
static hesse_status survey(const hesse_study *x, hesse_work *work, double *bytes,
                           hesse_why *why)
{
    hesse_request outline = x->inquiry.request;
    outline.outline = true;
    hesse_panels *panels = NULL;
    const hesse_status s = hesse_panels_new(x->model->tape, &x->model->params,
                                            &x->partition, &outline, &panels, why);
    if (s) return s;
    for (int b = 0; b < x->partition.count; b++) {
        hesse_panels_begin(panels, (hesse_part){b, 1});
        work[b] = hesse_panels_work(panels);
    }
    if (x->inquiry.scope & HESSE_FULL) {
        hesse_panels_begin(panels, (hesse_part){0, x->partition.count});
        work[x->partition.count] = hesse_panels_work(panels);
    }
    /* Of every share, out of a rank go both mirror images of a panel, and as much comes in. */
    const int shares = x->inquiry.request.shares;
    const double exchange =
        x->ranks > 1 ? 4.0 * shares * (double)hesse_panels_numbers(panels) : 0;
    const double numbers =
        exchange + (double)x->partition.size + (shares + 1) * result_numbers(x);
    *bytes += x->inquiry.threads * (double)hesse_panels_bytes(panels) +
              numbers * (double)sizeof(double);
    hesse_panels_free(panels);
    return HESSE_OK;
}

static hesse_status fits(const hesse_study *x, double base, double full, hesse_why *why)
{
    const double gib = 1.0 / (1 << 30);
    const double model = model_bytes(x->model);
    if (model > x->memory)
        return hesse_fail(why, HESSE_E_NOMEM,
                          "the model and its data need %.4g GiB on every rank, however "
                          "many there are, and a rank may use %.4g GiB; fewer "
                          "data.sequences or a shorter data.context need less",
                          model * gib, x->memory * gib);
    if (base > x->memory)
        return hesse_fail(
            why, HESSE_E_NOMEM,
            "model, data, panels and results need %.4g GiB on every rank, "
            "%.4g GiB of them model and data, and a rank may use %.4g "
            "GiB; fewer data.sequences, a smaller hessian.panel or fewer "
            "blocks (hessian.only) need less",
            base * gib, model * gib, x->memory * gib);
    if (base + full <= x->memory) return HESSE_OK;
    if (x->partition.size > INT_MAX)
        return hesse_fail(
            why, HESSE_E_NOMEM,
            "the full Hessian is of order %zu, beyond the 2^31 - 1 of the "
            "libraries for matrices; use hessian.scope: blocks",
            x->partition.size);
    if (isinf(full))
        return hesse_fail(
            why, HESSE_E_NOMEM,
            "the full Hessian is of order %zu: its share on each of %d ranks "
            "has more entries than the 2^31 - 1 of the libraries for "
            "matrices; use more ranks, or hessian.scope: blocks",
            x->partition.size, x->ranks);
    return hesse_fail(
        why, HESSE_E_NOMEM,
        "the full Hessian of order %zu needs %.3g GiB on each of %d ranks, "
        "which may use %.3g GiB (model and panels take %.3g GiB of it); use "
        "more ranks, or hessian.scope: blocks",
        x->partition.size, (base + full) * gib, x->ranks, x->memory * gib, base * gib);
}

static hesse_terms terms_of(const hesse_study *x, const hesse_rates *rates)
{
    return (hesse_terms){.ranks = x->ranks,
                         .shares = x->inquiry.request.shares,
                         .panel = x->inquiry.request.panel,
                         .threads = x->inquiry.threads,
                         .engine = x->inquiry.engine,
                         .vectors = x->inquiry.vectors,
                         .rates = rates};
}

/* The matrices of blocks that are cut out, or shown, are the business of all ranks. */
static hesse_terms terms_of_blocks(const hesse_study *x, const hesse_rates *rates)
{
    hesse_terms terms = terms_of(x, rates);
    terms.cut = x->inquiry.scope & HESSE_FULL;
    terms.worldwide = terms.cut || x->worldwide;
    return terms;
}

static hesse_status make_schedule(hesse_study *x, double base, hesse_why *why)
{
    const hesse_rates *rates = &hesse_rates_nominal;
    const hesse_terms all = terms_of(x, rates);
    hesse_terms terms = terms_of_blocks(x, rates);
    hesse_task whole = {0};
    double most = 0;
    const double held = base;
    hesse_work *work = hesse_calloc((size_t)x->partition.count + 1, sizeof *work);
    hesse_status s = HESSE_OK;
    if (!work) s = hesse_fail(why, HESSE_E_NOMEM, "out of memory");
    if (!s)
        s = fits(x, base, 0, why); /* soon, for a survey of many blocks takes long */
    if (!s) s = survey(x, work, &base, why);
    if (!s && x->inquiry.scope & HESSE_FULL)
        whole = hesse_schedule_whole(x->partition.size, work[x->partition.count], &all);
    if (!s && base + whole.bytes > x->memory) { /* panels by tokens are larger */
        x->inquiry.request.way = HESSE_WAY_COLUMNS;
        base = held;
        s = survey(x, work, &base, why);
    }
    if (!s) s = fits(x, base, whole.bytes, why);
    terms.memory = fmax(1, x->memory - base - whole.bytes);
    if (!s)
        s = hesse_schedule_new(&x->partition, &whole,
                               x->inquiry.scope & HESSE_BLOCKS ? work : NULL, &terms,
                               &x->schedule, why);
    free(work);
    for (int i = 0; !s && i < x->schedule.count; i++)
        most = fmax(most, x->schedule.tasks[i].bytes);
    x->base = base;
    x->peak = base + whole.bytes + most;
    return s;
}

void hesse_study_rate(hesse_study *x, const hesse_rates *rates)
{
    const hesse_terms terms = terms_of_blocks(x, rates);
    hesse_schedule_price(&x->schedule, &x->partition, &terms);
}

hesse_status hesse_study_new(hesse_model *model, const hesse_question *question,
                             hesse_study **study)
{
    hesse_team *team = model->team;
    hesse_study *x = hesse_calloc(1, sizeof *x);
    const double held = model_bytes(model);
    const double left = (double)hesse_team_available(team);
    hesse_status s = HESSE_OK;
    if (!x) s = hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory for a study");
    if (!s) {
        *x = (hesse_study){.model = model,
                           .ranks = question->ranks ? question->ranks : team->size,
                           .worldwide = question->matrices,
                           .memory = question->memory
                                         ? (double)question->memory
                                         : left + (model->theta ? held : 0)};
        s = read_question(x, question, &team->why);
    }
    if (!s) s = make_schedule(x, held, &team->why);
    if (!s && !(x->gradient = hesse_alloc(x->partition.size)))
        s = hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory for a gradient");
    if (!s && model->gradient)
        hesse_partition_gather(&x->partition, &model->params, model->gradient,
                               x->gradient);
    s = hesse_agree(team, s);
    if (s)
        hesse_study_free(x);
    else
        *study = x;
    return s;
}

void hesse_study_free(hesse_study *x)
{
    if (!x) return;
    for (int s = 0; x->measures && s < x->inquiry.request.shares; s++)
        free(x->measures[s]);
    free(x->measures);
    hesse_findings_free(x->found, x->inquiry.request.shares);
    free(x->gradient);
    free(x->kinds);
    hesse_schedule_free(&x->schedule);
    hesse_partition_free(&x->partition);
    free(x);
}

/* Measures of a share's blocks and, last, of the whole. */
static void measure(const hesse_study *x, int share, hesse_measures *m)
{
    const hesse_findings *f = &x->found[share];
    for (int b = 0; b < x->partition.count; b++)
        if (f->spectra[b])
            hesse_measure(f->spectra[b], &f->sums[b],
                          x->gradient + x->partition.blocks[b].first, &m[b]);
    if (f->full) hesse_measure(f->full, &f->all, x->gradient, &m[x->partition.count]);
}

hesse_status hesse_study_run(hesse_study *x)
{
    hesse_team *team = x->model->team;
    const int shares = x->inquiry.request.shares;
    hesse_status s = HESSE_OK;
    /* All ranks are to see a matrix. */
    assert(x->worldwide || !x->inquiry.listener || !x->inquiry.listener->matrix);
    hesse_findings_free(x->found, shares);
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
                       "a study planned for %d ranks cannot be run on %d", x->ranks,
                       team->size);
    s = hesse_agree(team, s);
    if (!s)
        s = hesse_analyse(team, x->model->tape, &x->model->params, &x->partition,
                          &x->schedule, &x->inquiry, &x->found, &x->times);
    for (int i = 0; !s && i < shares; i++) measure(x, i, x->measures[i]);
    return s;
}

int hesse_study_blocks(const hesse_study *x)
{
    return x->partition.count;
}

const char *hesse_study_block_name(const hesse_study *x, int block)
{
    return x->partition.blocks[block].name;
}

size_t hesse_study_block_size(const hesse_study *x, int block)
{
    return x->partition.blocks[block].size;
}

const double *hesse_study_gradient(const hesse_study *x)
{
    return x->gradient;
}

size_t hesse_study_block_first(const hesse_study *x, int block)
{
    return x->partition.blocks[block].first;
}

const hesse_spectrum *hesse_study_spectrum(const hesse_study *x, int part, int block)
{
    if (!x->found) return NULL;
    const hesse_findings *f = &x->found[part];
    return block == HESSE_FULL_MATRIX ? f->full : f->spectra[block];
}

const hesse_measures *hesse_study_measures(const hesse_study *x, int part, int block)
{
    if (!hesse_study_spectrum(x, part, block)) return NULL;
    return &x->measures[part][block == HESSE_FULL_MATRIX ? x->partition.count : block];
}

const double *hesse_study_coupling(const hesse_study *x, int part)
{
    return x->found ? x->found[part].coupling : NULL;
}

hesse_status hesse_study_block_matrix(hesse_study *x, int part, int block,
                                      double *matrix, hesse_why *why)
{
    const hesse_block *b = &x->partition.blocks[block];
    hesse_request one = x->inquiry.request;
    one.shares = 1, one.kinds = &x->kinds[part];
    hesse_sums *sums = hesse_calloc((size_t)x->partition.count, sizeof *sums);
    if (!sums) return hesse_fail(why, HESSE_E_NOMEM, "out of memory");
    hesse_lanes lanes;
    hesse_status s = hesse_lanes_new(x->model->tape, &x->model->params, &x->partition,
                                     &one, 1, &lanes, why);
    if (!s) {
        double defect;
        hesse_tally tally = {.blocks = sums};
        const int count = hesse_lanes_begin(&lanes, (hesse_part){block, 1}, false);
        s = hesse_assemble_local(&lanes, count, (int)b->size, &matrix, &tally, &defect,
                                 &(hesse_watch){0}, why);
        hesse_mirror((int)b->size, matrix);
        hesse_lanes_free(&lanes);
    }
    free(sums);
    return s;
}
