/* The main job: open, plan, compute, compare, write, show. The result file is begun
   before the computation, so that an unwritable folder costs nothing. */
#include "base/memory.h"
#include "base/units.h"
#include "curvature/estimates.h"
#include "output/show.h"
#include "parallel/available.h"
#include "program/blas_core.h"
#include "program/commands.h"
#include "program/progress.h"
#include "program/provenance.h"
#include "program/resume.h"
#include "program/target.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What the analysis's listener knows. */
typedef struct run {
    hesse_team *team;
    const hesse_job *job;
    hesse_analysis *analysis;
    hesse_result *result;
    hesse_progress progress;
    hesse_phases phases;
    hesse_resume resume;
} run;

static void show_progress(void *context, const char *phase, double part,
                          double operations)
{
    run *r = context;
    if (r->team->rank == 0)
        hesse_progress_update(&r->progress, phase, part, operations);
}

/* The name of a share's matrix, of a block or (-1) of the whole. */
static void name_matrix(const run *r, int share, int block, char *name, size_t room)
{
    const hesse_kinds kinds = r->analysis->kinds[share];
    const bool itself = kinds == HESSE_ALL;
    const char *part = hesse_job_part(kinds);
    snprintf(name, room, "%s%s%shessian/%s%s", itself ? "" : "parts/",
             itself ? "" : part, itself ? "" : "/", block < 0 ? "full" : "blocks/",
             block < 0 ? "" : r->analysis->partition.blocks[block].name);
}

static hesse_status write_matrix(void *context, int share, int block,
                                 const hesse_dmat *a, const double *local)
{
    const run *r = context;
    char name[2 * HESSE_NAME];
    name_matrix(r, share, block, name, sizeof name);
    if (a) return hesse_result_matrix(r->result, "", name, a);
    return hesse_result_square(r->result, "", name,
                               (int)r->analysis->partition.blocks[block].size, local);
}

/* Distances between the computed blocks of a share; rank 0 alone. */
typedef struct comparison {
    int count, kinds;
    int *computed;
    hesse_eigenvalues *list;
    double **merged;  /* [count] of quadratures: nodes and their masses */
    double *matrices; /* kinds of them, count x count each */
    hesse_distance_result *results;
} comparison;

static void comparison_free(comparison *c)
{
    for (int i = 0; c->merged && i < c->count; i++) free(c->merged[i]);
    free(c->merged);
    free(c->list);
    free(c->computed);
    free(c->matrices);
    free(c->results);
}

/* The spectrum of a block as atoms, if there is one; false: out of memory. */
static bool list_block(const hesse_share_results *f, int b, comparison *c)
{
    const hesse_spectrum *s = f->spectra[b];
    const hesse_quadrature *q = f->quadratures[b];
    hesse_eigenvalues *to = &c->list[c->count];
    if (!s && !q) return true;
    if (s) *to = (hesse_eigenvalues){.n = s->n, .lambda = s->eigenvalues};
    if (q) {
        const size_t n = (size_t)q->probes * (size_t)q->steps;
        double *merged = hesse_alloc(2 * n);
        if (!merged) return false;
        hesse_quadrature_merge(q, merged, merged + n);
        *to = (hesse_eigenvalues){.n = (int)n,
                                  .lambda = merged,
                                  .mass = merged + n,
                                  .tenth = hesse_quadrature_tenth(q)};
        c->merged[c->count] = merged;
    }
    c->computed[c->count++] = b;
    return true;
}

static hesse_status compare(const run *r, int share, comparison *c, hesse_why *why)
{
    const hesse_share_results *f = &r->analysis->found[share];
    const hesse_density *density = &r->job->spectrum.density;
    const size_t blocks = (size_t)f->blocks;
    *c = (comparison){.kinds = r->job->metrics.n_distance};
    c->computed = hesse_calloc(blocks, sizeof *c->computed);
    c->list = hesse_calloc(blocks, sizeof *c->list);
    c->merged = hesse_calloc(blocks, sizeof(void *));
    bool there = c->computed && c->list && c->merged;
    for (int b = 0; there && b < f->blocks; b++) there = list_block(f, b, c);
    const size_t size = (size_t)c->count * (size_t)c->count;
    c->matrices = hesse_alloc(size * (size_t)c->kinds);
    c->results = hesse_calloc((size_t)c->kinds, sizeof *c->results);
    hesse_status s = HESSE_OK;
    if (!there || !c->matrices || !c->results)
        s = hesse_fail(why, HESSE_E_NOMEM,
                       "out of memory for the distances of %d blocks", f->blocks);
    if (!c->count) c->kinds = 0;
    for (int i = 0; !s && i < c->kinds; i++) {
        hesse_distance_result *d = &c->results[i];
        double *matrix = c->matrices + (size_t)i * size;
        d->kind = r->job->metrics.distance[i];
        d->settings = *density;
        d->matrix = matrix;
        s = hesse_distances(d->kind, density, c->count, c->list, matrix, &d->mean,
                            &d->grid, why);
    }
    return s;
}

/* What distances take on rank 0 comes after the matrices, but it would be a pity to learn
   then that it is not there. */
static hesse_status distances_fit(const run *r)
{
    const hesse_analysis *x = r->analysis;
    const double blocks = x->partition.count, points = r->job->spectrum.density.points;
    const double numbers =
        blocks * blocks * (r->job->metrics.n_distance + 1) + blocks * points;
    const double need = x->base + numbers * (double)sizeof(double);
    const bool any = x->scope & HESSE_BLOCKS && r->job->metrics.n_distance;
    if (!any || need <= x->memory) return HESSE_OK;
    return hesse_fail(
        &r->team->why, HESSE_E_NOMEM,
        "distances between %d blocks need %s on rank 0, which may use %s; "
        "an empty metrics.distance needs none",
        x->partition.count, HESSE_BYTES(need), HESSE_BYTES(x->memory));
}

static hesse_status write_part(run *r, const hesse_block_table *table, int share)
{
    const hesse_share_results *f = &r->analysis->found[share];
    const hesse_lanczos_settings *lanczos = &r->analysis->matrix_free.settings;
    comparison c = {0};
    const double start = MPI_Wtime();
    hesse_status s = HESSE_OK;
    if (r->team->rank == 0) s = compare(r, share, &c, &r->team->why);
    s = hesse_agree(r->team, s);
    r->phases.distances += MPI_Wtime() - start;
    const hesse_share_output output = {
        .name = hesse_job_part(r->analysis->kinds[share]),
        .spectra = f->spectra,
        .quadratures = f->quadratures,
        .extremes = f->extremes,
        .hutchinson = f->hutchinson,
        .measures = r->analysis->measures[share],
        .orthogonality = hesse_orthogonality_text(lanczos->orthogonality),
        .seed = lanczos->seed,
        .noise = hesse_estimates_noise(r->analysis->model->loss),
        .full = f->full,
        .coupling = f->coupling,
        .n_distances = c.kinds,
        .distances = c.results,
        .computed = c.computed,
        .n_computed = c.count,
    };
    if (!s)
        s = hesse_result_share(r->result, "", table, &output,
                               &r->job->spectrum.density);
    comparison_free(&c);
    return s;
}

static hesse_status write_findings(run *r)
{
    const hesse_partition *p = &r->analysis->partition;
    const double start = MPI_Wtime();
    const char **names = hesse_calloc((size_t)p->count, sizeof *names);
    size_t *offset = hesse_calloc((size_t)p->count, sizeof *offset);
    size_t *size = hesse_calloc((size_t)p->count, sizeof *size);
    hesse_status s = HESSE_OK;
    if (!names || !offset || !size)
        s = hesse_fail(&r->team->why, HESSE_E_NOMEM,
                       "out of memory for a table of blocks");
    s = hesse_agree(r->team, s);
    for (int b = 0; !s && b < p->count; b++) {
        names[b] = p->blocks[b].name;
        offset[b] = p->blocks[b].first, size[b] = p->blocks[b].size;
    }
    const hesse_block_table table = {p->count, names, offset, size};
    if (!s)
        s = hesse_result_model(r->result, "", &r->analysis->model->params, &table,
                               r->analysis->gradient);
    for (int i = 0; !s && i < r->analysis->options.request.shares; i++)
        s = write_part(r, &table, i);
    r->phases.write += MPI_Wtime() - start - r->phases.distances;
    free(names);
    free(offset);
    free(size);
    return s;
}

/* What every rank did; on rank 0 all of it. */
static hesse_status write_ranks(run *r)
{
    const hesse_analysis *x = r->analysis;
    const hesse_times *t = &x->times;
    const hesse_rank_report mine = {
        .predicted = x->schedule.busy[r->team->rank] + x->matrix_free.seconds,
        .busy = t->assembly + t->exchange + t->eigenvalues + t->lanczos,
        .assembly = t->assembly,
        .exchange = t->exchange,
        .eigenvalues = t->eigenvalues,
        .lanczos = t->lanczos,
        .matrices = t->matrices,
        .idle = t->idle,
        .memory = hesse_memory_peak()};
    const int numbers = sizeof mine / sizeof(double);
    hesse_rank_report *all = hesse_calloc((size_t)r->team->size, sizeof *all);
    hesse_status s = HESSE_OK;
    if (!all) s = hesse_fail(&r->team->why, HESSE_E_NOMEM, "out of memory");
    s = hesse_agree(r->team, s);
    if (!s) {
        MPI_Gather(&mine, numbers, MPI_DOUBLE, all, numbers, MPI_DOUBLE, 0,
                   r->team->comm);
        s = hesse_result_ranks(r->result, all);
    }
    for (int i = 0; !s && r->team->rank == 0 && i < r->team->size; i++) {
        r->phases.assembly =
            fmax(r->phases.assembly, all[i].assembly + all[i].exchange);
        r->phases.eigenvalues = fmax(r->phases.eigenvalues, all[i].eigenvalues);
    }
    free(all);
    return s;
}

static hesse_status finish(run *r)
{
    hesse_provenance p;
    hesse_provenance_of(r->analysis, r->job, &r->phases, &r->resume, &p);
    const hesse_status s = hesse_result_finish(r->result, p.list, p.count);
    r->result = NULL;
    return s;
}

static hesse_status compute(run *r, const char *path)
{
    hesse_listener listener = {.context = r, .progress = show_progress};
    if (r->job->analysis.matrices) listener.matrix = write_matrix;
    hesse_status s = hesse_result_new(r->team, path, r->resume.folder, &r->result);
    const double start = MPI_Wtime();
    if (!s) {
        r->analysis->options.listener = &listener;
        r->analysis->options.checkpoint = r->resume.checkpoint;
        hesse_progress_start(&r->progress, stderr, hesse_analysis_seconds(r->analysis));
        if (r->team->rank == 0) hesse_progress_keep_alive(&r->progress);
        s = hesse_analysis_run(r->analysis);
        if (r->team->rank == 0) hesse_progress_finish(&r->progress);
        r->analysis->options.listener = NULL;
        r->analysis->options.checkpoint = NULL;
    }
    r->phases.compute = MPI_Wtime() - start;
    if (!s) s = write_findings(r);
    if (!s) s = write_ranks(r);
    if (!s) s = finish(r);
    hesse_result_drop(r->result);
    return s;
}

/* On rank 0: what was ignored, so that nobody wonders. */
static void tell_note(const hesse_model *model)
{
    if (model->team->rank == 0 && *hesse_model_note(model))
        fprintf(stderr, "note: %s\n", hesse_model_note(model));
}

/* On rank 0: pairs that were not found to the tolerance. */
static void tell_unconverged(const run *r)
{
    const hesse_partition *p = &r->analysis->partition;
    const hesse_extremes *first = NULL;
    const char *part = "", *block = "";
    int count = 0;
    for (int i = 0; r->team->rank == 0 && i < r->analysis->options.request.shares; i++)
        for (int b = 0; b <= p->count; b++) {
            const hesse_extremes *e = r->analysis->found[i].extremes[b];
            if (!e || e->converged || count++) continue;
            first = e;
            part = hesse_job_part(r->analysis->kinds[i]);
            block = b < p->count ? p->blocks[b].name : "the whole";
        }
    if (first)
        fprintf(stderr,
                "note: extreme eigenvalues of %d matri%s are not within the tolerance, "
                "the first of %s: %s after %d products (spectrum.extreme.products); "
                "the file has their residuals\n",
                count, count > 1 ? "ces" : "x", part, block, first->products);
}

static void tell_complete(const run *r, const char *path)
{
    if (r->team->rank == 0)
        fprintf(stderr, "note: %s is complete; nothing was computed\n", path);
}

hesse_status hesse_command_run(hesse_team *team, const hesse_options *options)
{
    hesse_job *job = NULL;
    hesse_model *model = NULL;
    run r = {.team = team};
    char *path = NULL;
    const double start = MPI_Wtime();
    hesse_status s = hesse_open_job(team, options, &job);
    if (!s) s = hesse_target(team, options, job, &path);
    if (!s) s = hesse_resume_check(team, options, path, &r.resume);
    if (!s) s = hesse_open_model(team, job, false, &model);
    r.job = job;
    r.phases.open = MPI_Wtime() - start;
    if (!s) s = hesse_resume_begin(team, options, job, model, &r.resume);
    if (!s) tell_note(model);
    if (!s && r.resume.complete) {
        tell_complete(&r, path);
    } else if (!s) {
        const hesse_analysis_options question = hesse_job_options(job);
        s = hesse_analysis_new(model, &question, &r.analysis);
        if (!s) s = hesse_rate_analysis(team, r.analysis);
        if (!s && team->rank == 0) hesse_blas_warn();
        r.phases.plan = MPI_Wtime() - start - r.phases.open;
        if (!s) s = hesse_agree(team, distances_fit(&r));
        if (!s) s = compute(&r, path);
        if (!s) tell_unconverged(&r);
    }
    if (!s && team->rank == 0) s = hesse_result_show(path, stdout, &team->why);
    s = hesse_resume_end(&r.resume, hesse_agree(team, s));
    hesse_analysis_free(r.analysis);
    hesse_model_free(model);
    hesse_job_free(job);
    free(path);
    return s;
}
