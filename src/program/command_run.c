/* This is the main command: it opens, plans, runs, writes and shows. The result file is
   begun before the computation, so that an unwritable folder costs nothing. A series
   runs the same analysis at the parameters of one checkpoint after the other. A sweep
   is in program/sweep_run.c. */
#include "base/clock.h"
#include "base/memory.h"
#include "objective/network.h"
#include "output/series.h"
#include "output/show.h"
#include "parallel/team.h"
#include "program/blas_core.h"
#include "program/commands.h"
#include "program/measures.h"
#include "program/notes.h"
#include "program/progress.h"
#include "program/provenance.h"
#include "program/resume.h"
#include "program/series.h"
#include "program/sweep_run.h"
#include "program/target.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct run {
    hesse_team *team;
    const hesse_job *job;
    FILE *notes; /* NULL: quiet */
    hesse_problem problem;
    hesse_analysis *analysis;
    hesse_result *result;
    hesse_progress progress;
    hesse_measured measured;
    hesse_phases phases; /* of a step, or of the only analysis */
    hesse_resume resume;
    double *moments; /* for the scaling of shares; NULL: none */

    /* These belong to a series. */
    char prefix[HESSE_STEP_PREFIX]; /* of the step in the file; "": no series */
    int opened, step;               /* the step that the network was opened with, and
                                       the present one                               */
    double before, now;             /* operations of earlier steps, and of this one  */
    hesse_phases sums;
    hesse_series_numbers *numbers;
    char **early;        /* why the steps before `opened` failed */
    int failed;          /* steps */
    hesse_status status; /* of the first step that failed, and the reason */
    hesse_why why;
} run;

static void show_progress(void *context, const char *phase, double part,
                          double operations)
{
    run *r = context;
    char text[sizeof r->progress.phase];
    const int steps = r->job->series.count;
    if (hesse_team_rank(r->team)) return;
    snprintf(text, sizeof text, "step %d of %d: %s", r->step + 1, steps, phase);
    r->now = operations;
    if (steps)
        hesse_progress_update(&r->progress, text, (r->step + part) / steps,
                              r->before + operations);
    else
        hesse_progress_update(&r->progress, phase, part, operations);
}

/* Block -1 is the full matrix. */
static hesse_status write_matrix(void *context, int share, int block,
                                 const hesse_held *matrix)
{
    const run *r = context;
    const char *of = hesse_analysis_share_name(r->analysis, share);
    const bool itself = strcmp(of, "hessian") == 0;
    char name[2 * HESSE_NAME];
    snprintf(name, sizeof name, "%s%s%shessian/%s%s", itself ? "" : "parts/",
             itself ? "" : of, itself ? "" : "/", block < 0 ? "full" : "blocks/",
             block < 0 ? "" : hesse_analysis_block_name(r->analysis, block));
    return hesse_result_matrix(r->result, r->prefix, name, matrix);
}

/* Measure a matrix, and write it if the job asks for it. */
static hesse_status show_matrix(void *context, int share, int block,
                                const hesse_held *matrix)
{
    run *r = context;
    hesse_status s = hesse_measures_take(&r->measured, share, block, matrix);
    if (!s && r->job->analysis.matrices)
        s = write_matrix(context, share, block, matrix);
    return s;
}

static hesse_status write_shares(run *r)
{
    const hesse_block_table *table = hesse_analysis_table(r->analysis);
    const double start = hesse_seconds();
    hesse_status s = hesse_result_model(r->result, r->prefix,
                                        hesse_network_params(r->problem.network), table,
                                        hesse_analysis_gradient(r->analysis));
    for (int i = 0; !s && i < hesse_analysis_shares(r->analysis); i++)
        s = hesse_result_share(r->result, r->prefix, table,
                               hesse_analysis_results(r->analysis, i),
                               hesse_analysis_density(r->analysis));
    if (!s) s = hesse_measures_write(r->job, &r->measured, r->result, r->prefix);
    r->phases.write += hesse_seconds() - start;
    return s;
}

static hesse_status write_ranks(run *r)
{
    hesse_rank_report *all =
        hesse_calloc((size_t)hesse_team_size(r->team), sizeof *all);
    hesse_status s = HESSE_OK;
    if (!all) s = hesse_fail(hesse_team_why(r->team), HESSE_E_NOMEM, "out of memory");
    s = hesse_agree(r->team, s);
    if (!s) {
        hesse_analysis_reports(r->analysis, all);
        s = hesse_result_ranks(r->result, r->prefix, all);
    }
    for (int i = 0; !s && hesse_team_rank(r->team) == 0 && i < hesse_team_size(r->team);
         i++) {
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
    hesse_provenance_of(r->analysis, &r->problem, r->job, &r->phases, &r->resume,
                        r->failed, hesse_team_rank(r->team) == 0, &p);
    const hesse_status s = hesse_result_finish(r->result, p.list, p.count);
    r->result = NULL;
    return s;
}

/* Collective. Run the analysis at the present parameters and write its results. */
static hesse_status analyse(run *r)
{
    const hesse_analysis_options *asked = &r->job->analysis;
    const bool shown = asked->matrices || asked->kronecker;
    const hesse_listener listener = {
        .context = r, .progress = show_progress, .matrix = shown ? show_matrix : NULL};
    const hesse_run_options options = {.listener = &listener,
                                       .checkpoint = r->resume.checkpoint};
    const double start = hesse_seconds();
    hesse_measures_free(&r->measured); /* of the step before */
    r->measured = (hesse_measured){0};
    hesse_status s = hesse_measures_begin(r->job, r->analysis, &r->measured);
    if (!s) s = hesse_analysis_run_with(r->analysis, &options);
    if (!s)
        s = hesse_measures_run(r->team, r->job, r->problem.network, r->analysis,
                               &options, &r->measured);
    r->phases.distances = hesse_analysis_distance_seconds(r->analysis);
    r->phases.compute = hesse_seconds() - start - r->phases.distances;
    if (!s) s = write_shares(r);
    if (!s) s = write_ranks(r);
    return s;
}

/* On rank 0. Clear the line of the progress for a note, which names the step of a
   series. */
static void tell_step(run *r, const char *text)
{
    const hesse_job_series *series = &r->job->series;
    if (hesse_team_rank(r->team)) return;
    hesse_progress_clear(&r->progress);
    if (series->count)
        hesse_note_print(r->notes, "step %lld: %s", (long long)series->step[r->step],
                         text);
    else
        hesse_note_print(r->notes, "%s", text);
}

/* On rank 0. Tell how many blocks were not compared with Kronecker products. */
static void tell_left_out(run *r)
{
    const hesse_kronecker_results *k = r->measured.kronecker;
    char text[200];
    if (!k || !k->left_out) return;
    snprintf(text, sizeof text,
             "%d matri%s not compared with Kronecker products, because memory is short "
             "(measures.kronecker); their numbers are NaN",
             k->left_out, k->left_out > 1 ? "ces were" : "x was");
    tell_step(r, text);
}

/* On rank 0. Tell which pairs were not found to the tolerance. */
static void tell_unconverged(run *r)
{
    const int blocks = hesse_analysis_blocks(r->analysis);
    const hesse_extremes *first = NULL;
    const char *part = "", *block = "";
    int count = 0;
    for (int i = 0;
         hesse_team_rank(r->team) == 0 && i < hesse_analysis_shares(r->analysis); i++) {
        const hesse_share_results *f = hesse_analysis_results(r->analysis, i);
        for (int b = 0; b <= blocks; b++) {
            const hesse_extremes *e = f->extremes[b];
            if (!e || e->converged || count++) continue;
            first = e, part = f->name;
            block =
                b < blocks ? hesse_analysis_block_name(r->analysis, b) : "the whole";
        }
    }
    if (!first) return;
    char text[2 * HESSE_NAME + 300];
    snprintf(
        text, sizeof text,
        "extreme eigenvalues of %d matri%s are not within the tolerance, the first "
        "of %s: %s after %d products (spectrum.extreme.products); the file has "
        "their residuals",
        count, count > 1 ? "ces" : "x", part, block, first->products);
    tell_step(r, text);
}

/* Collective. Note why a step has no results. The inputs of other steps may be good. */
static hesse_status set_aside(run *r, hesse_status status, const hesse_why *why)
{
    hesse_status s = HESSE_OK;
    if (!r->failed++) r->status = status, r->why = *why;
    tell_step(r, why->text);
    if (!hesse_series_numbers_fail(r->numbers, r->step, "", why->text))
        s = hesse_fail(hesse_team_why(r->team), HESSE_E_NOMEM, "out of memory");
    return hesse_agree(r->team, s);
}

static bool is_of_the_step(hesse_status s)
{
    return s == HESSE_E_INPUT || s == HESSE_E_NUMERIC;
}

/* Collective. Read the second moments of the step, if each step has its own. */
static hesse_status load_moments(run *r)
{
    hesse_team *team = r->team;
    double *values = NULL;
    char digest[HESSE_DIGEST_LENGTH];
    if (!r->moments || !strchr(r->job->paths.moments, '*')) return HESSE_OK;
    char *path = hesse_series_moments(r->job, r->step);
    hesse_status s = path ? HESSE_OK
                          : hesse_fail(hesse_team_why(team), HESSE_E_NOMEM,
                                       "out of memory for a series");
    s = hesse_agree(team, s);
    if (!s)
        s = hesse_network_read_state(team, r->problem.network, path, ".exp_avg_sq",
                                     &values, digest);
    if (!s)
        memcpy(r->moments, values,
               hesse_network_size(r->problem.network) * sizeof *values);
    free(values);
    free(path);
    return s;
}

/* Collective. Read the second moments that shares are scaled by: of the job, or of the
   first step that can be read. Their digest is that of all steps. */
static hesse_status open_moments(run *r, hesse_job *job)
{
    hesse_team *team = r->team;
    if (!job->paths.moments) return HESSE_OK;
    char *path = hesse_series_moments(job, r->opened);
    hesse_status s = path ? HESSE_OK
                          : hesse_fail(hesse_team_why(team), HESSE_E_NOMEM,
                                       "out of memory for second moments");
    s = hesse_agree(team, s);
    if (!s)
        s = hesse_network_read_state(team, r->problem.network, path, ".exp_avg_sq",
                                     &r->moments, job->moments);
    if (!s && job->series.count && strchr(job->paths.moments, '*')) {
        if (hesse_team_rank(team) == 0)
            s = hesse_series_moments_digest(job, job->moments, hesse_team_why(team));
        s = hesse_agree(team, s);
        if (!s) hesse_team_broadcast(team, 0, job->moments, sizeof job->moments);
    }
    free(path);
    return s;
}

/* Collective. Put the values of the step's checkpoint into the network. */
static hesse_status load_step(run *r)
{
    const hesse_network *n = r->problem.network;
    hesse_why note;
    if (r->step == r->opened) return HESSE_OK;
    snprintf(note.text, sizeof note.text, "%s", hesse_network_note(n));
    hesse_network_source source = hesse_job_source(r->job, false);
    source.checkpoint = r->job->series.path[r->step];
    const hesse_status s = hesse_network_reload(r->team, r->problem.network, &source);
    if (s) return s;
    hesse_objective_refresh(r->problem.objective);
    const hesse_status moments = load_moments(r);
    if (moments) return moments;
    if (*hesse_network_note(n) && strcmp(note.text, hesse_network_note(n)) != 0)
        tell_step(r, hesse_network_note(n));
    return HESSE_OK;
}

/* Local. Keep the numbers of a step, which its results have. */
static hesse_status keep_numbers(run *r)
{
    const int shares = hesse_analysis_shares(r->analysis);
    const hesse_block_table *table = hesse_analysis_table(r->analysis);
    const double *gradient = hesse_analysis_gradient(r->analysis);
    const hesse_share_results **all = hesse_calloc((size_t)shares, sizeof(void *));
    size_t n = 0;
    if (!all)
        return hesse_fail(hesse_team_why(r->team), HESSE_E_NOMEM, "out of memory");
    for (int b = 0; b < table->count; b++) n += table->size[b];
    for (int i = 0; i < shares; i++) all[i] = hesse_analysis_results(r->analysis, i);
    hesse_series_numbers_take(
        r->numbers, r->step, hesse_network_digest(r->problem.network),
        hesse_objective_last_loss(r->problem.objective), n, gradient, all);
    free(all);
    return HESSE_OK;
}

/* Collective. Compute and write one step of a series, or note that it fails. */
static hesse_status run_step(run *r)
{
    hesse_note notes[HESSE_STEP_NOTES];
    r->phases = (hesse_phases){0};
    r->before += r->now, r->now = 0;
    hesse_step_prefix(r->job->series.step[r->step], r->prefix);
    hesse_checkpoint_set_step(r->resume.checkpoint, r->step);
    hesse_status s = load_step(r);
    if (!s) s = analyse(r);
    if (is_of_the_step(s)) {
        const hesse_why why = *hesse_team_why(r->team);
        const hesse_status kept = set_aside(r, s, &why);
        return kept ? kept : hesse_result_remove(r->result, r->prefix);
    }
    if (!s) s = hesse_agree(r->team, keep_numbers(r));
    if (!s)
        s = hesse_result_notes(
            r->result, r->prefix, notes,
            hesse_provenance_of_step(&r->problem, &r->phases, notes));
    hesse_phases_add(&r->sums, &r->phases);
    if (!s) tell_unconverged(r);
    if (!s) tell_left_out(r);
    return s;
}

/* Collective. Compute the steps of a series. The steps before the one that the network
   was opened with could not be read, and this is known. */
static hesse_status run_series(run *r)
{
    const hesse_job_series *series = &r->job->series;
    const hesse_phases start = r->phases;
    hesse_status s = HESSE_OK;
    r->sums = start;
    for (r->step = r->opened; !s && r->step < series->count; r->step++) s = run_step(r);
    r->step = series->count - 1, r->prefix[0] = '\0';
    r->phases = r->sums;
    if (!s && r->failed == series->count) {
        *hesse_team_why(r->team) = r->why;
        return r->status;
    }
    const hesse_block_table *table = hesse_analysis_table(r->analysis);
    if (!s) s = hesse_result_blocks(r->result, "", table);
    if (!s)
        s = hesse_result_series(r->result, r->numbers,
                                hesse_analysis_density(r->analysis)->tenth);
    return s;
}

static hesse_status compute(run *r, const char *path)
{
    const int steps = r->job->series.count;
    hesse_status s = hesse_result_new(r->team, path, r->resume.folder, &r->result);
    if (!s) {
        hesse_progress_start(&r->progress, r->notes,
                             hesse_analysis_summary(r->analysis).seconds *
                                 (steps ? steps : 1));
        if (hesse_team_rank(r->team) == 0) hesse_progress_keep_alive(&r->progress);
        s = steps ? run_series(r) : analyse(r);
        if (hesse_team_rank(r->team) == 0) hesse_progress_finish(&r->progress);
    }
    if (!s) s = finish(r);
    hesse_result_drop(r->result);
    return s;
}

/* Collective. Open the problem of a series with the first checkpoint that can be read.
   The reasons of those before it are kept; if none can be read, the first one counts.
 */
static hesse_status open_series(run *r, hesse_job *job)
{
    hesse_team *team = r->team;
    const int count = job->series.count;
    hesse_status s = HESSE_E_INPUT;
    r->early = hesse_calloc((size_t)count, sizeof *r->early);
    const bool there = r->early;
    hesse_status memory = there ? HESSE_OK : HESSE_E_NOMEM;
    if (memory) hesse_fail(hesse_team_why(team), memory, "out of memory for a series");
    if ((memory = hesse_agree(team, memory))) return memory;
    for (int i = 0; s == HESSE_E_INPUT && i < count; i++) {
        job->paths.checkpoint = job->series.path[i];
        s = hesse_open_problem(team, job, false, &r->problem);
        r->opened = i;
        if (s != HESSE_E_INPUT) break;
        if (!i) r->why = *hesse_team_why(team);
        r->early[i] = hesse_copy(hesse_team_why(team)->text);
    }
    if (s == HESSE_E_INPUT) *hesse_team_why(team) = r->why;
    return s;
}

/* Collective. Begin the numbers of a series, with the failures so far. */
static hesse_status begin_series(run *r)
{
    const hesse_job_series *series = &r->job->series;
    hesse_status s = HESSE_OK;
    if (!series->count) return HESSE_OK;
    r->numbers = hesse_series_numbers_new(series->count, series->step, series->path,
                                          hesse_analysis_blocks(r->analysis),
                                          hesse_analysis_shares(r->analysis));
    if (!r->numbers)
        s = hesse_fail(hesse_team_why(r->team), HESSE_E_NOMEM,
                       "out of memory for the numbers of a series");
    s = hesse_agree(r->team, s);
    for (r->step = 0; !s && r->step < r->opened; r->step++) {
        hesse_why why = {0};
        const char *text = r->early[r->step];
        snprintf(why.text, sizeof why.text, "%s", text ? text : "cannot be read");
        s = set_aside(r, HESSE_E_INPUT, &why);
    }
    return s;
}

/* Local. The message about the steps that have failed, if any; returns the status of
   the first one. */
static hesse_status tell_failed(run *r, const char *path)
{
    const hesse_job_series *series = &r->job->series;
    if (!r->failed) return HESSE_OK;
    return hesse_fail(hesse_team_why(r->team), r->status,
                      "%d of %d steps failed, and %s has the others; the first: %s",
                      r->failed, series->count, path, r->why.text);
}

static void free_series(run *r)
{
    for (int i = 0; r->early && i < r->job->series.count; i++) free(r->early[i]);
    free(r->early);
    hesse_series_numbers_free(r->numbers);
}

/* On rank 0. Tell the user which tensors of the checkpoint were ignored. */
static void tell_note(const run *r)
{
    const hesse_network *network = r->problem.network;
    if (hesse_team_rank(r->team) == 0 && *hesse_network_note(network))
        hesse_note_print(r->notes, "%s", hesse_network_note(network));
}

/* On rank 0. Tell which blocks are estimated, if the job leaves the choice to the
   program. */
static void tell_estimated(const run *r)
{
    const hesse_plan_summary p = hesse_analysis_summary(r->analysis);
    const char *first = NULL;
    hesse_estimated why = p.whole_estimated;
    if (hesse_team_rank(r->team) || p.method != HESSE_METHOD_AUTO) return;
    for (int b = hesse_analysis_blocks(r->analysis); b-- > 0;) {
        const hesse_estimated of = hesse_analysis_estimated(r->analysis, b);
        if (of) first = hesse_analysis_block_name(r->analysis, b), why = of;
    }
    if (first)
        hesse_note_print(
            r->notes,
            "%d of %d blocks are estimated, not computed, the first of them "
            "%s (%s); `hesse plan` lists them",
            p.n_estimated, p.blocks, first, hesse_estimated_text(why));
    if (p.whole_estimated)
        hesse_note_print(r->notes, "the full matrix is estimated, not computed (%s)",
                         hesse_estimated_text(p.whole_estimated));
}

/* On rank 0. Tell which matrices were formed, but have no counts of eigenvalues. */
static void tell_uncounted(const run *r)
{
    const int blocks = hesse_analysis_blocks(r->analysis);
    int count = 0;
    for (int b = -1; r->job->analysis.n_index && b < blocks; b++)
        count += hesse_analysis_spectrum(r->analysis, 0, b) &&
                 hesse_analysis_below(r->analysis, 0, b, 0) < 0;
    if (count && hesse_team_rank(r->team) == 0)
        hesse_note_print(
            r->notes,
            "eigenvalues below the values of measures.index were not counted "
            "for %d matri%s, because one rank has no memory for a copy of such a "
            "matrix",
            count, count > 1 ? "ces" : "x");
}

/* Collective. Run a job that is one point. */
static hesse_status run_point(hesse_team *team, const hesse_options *options,
                              hesse_job *job)
{
    run r = {.team = team, .job = job, .notes = hesse_notes(options)};
    char *path = NULL;
    const double start = hesse_seconds();
    hesse_status s = hesse_target(team, options, job, &path);
    if (!s) s = hesse_resume_check(team, options, path, &r.resume);
    if (!s)
        s = job->series.count ? open_series(&r, job)
                              : hesse_open_problem(team, job, false, &r.problem);
    if (!s) s = open_moments(&r, job);
    r.phases.open = hesse_seconds() - start;
    if (!s)
        s = hesse_resume_begin(team, options, job, &r.problem, HESSE_IDENTITY_RUN,
                               &r.resume);
    if (!s) tell_note(&r);
    if (!s && r.resume.complete) {
        if (hesse_team_rank(team) == 0) hesse_note_complete(r.notes, path);
    } else if (!s) {
        hesse_analysis_options asked = hesse_job_options(job);
        asked.scaling.values = r.moments;
        s = hesse_analysis_new(r.problem.objective, &asked, &r.analysis);
        if (!s) s = hesse_rate_analysis(team, r.analysis);
        if (!s && hesse_team_rank(team) == 0) hesse_blas_warn(r.notes);
        if (!s) s = hesse_measures_check(team, job, r.problem.network, r.analysis);
        r.phases.plan = hesse_seconds() - start - r.phases.open;
        if (!s) tell_estimated(&r);
        if (!s) s = begin_series(&r);
        if (!s) s = compute(&r, path);
        if (!s && !job->series.count) tell_unconverged(&r);
        if (!s) tell_uncounted(&r);
        if (!s && !job->series.count) tell_left_out(&r);
    }
    if (!s && hesse_team_rank(team) == 0)
        s = hesse_result_show(path, stdout, hesse_team_why(team));
    s = hesse_resume_end(&r.resume, hesse_agree(team, s));
    if (!s) s = tell_failed(&r, path);
    free_series(&r);
    hesse_measures_free(&r.measured);
    hesse_analysis_free(r.analysis);
    hesse_problem_free(&r.problem);
    free(r.moments);
    free(path);
    return s;
}

hesse_status hesse_command_run(hesse_team *team, const hesse_options *options)
{
    hesse_job **jobs = NULL;
    int count = 0;
    hesse_status s = hesse_open_jobs(team, options, &jobs, &count);
    if (!s)
        s = count > 1 || jobs[0]->repeats > 1
                ? hesse_run_points(team, options, jobs, count)
                : run_point(team, options, jobs[0]);
    hesse_jobs_free(jobs, count);
    return s;
}
