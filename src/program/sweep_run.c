/* Every run has a network, data and a plan of its own, because points may differ in all
   of them. The network and the data of the first run stay open: the result is known by
   their digests. */
#include "program/sweep_run.h"

#include "base/clock.h"
#include "base/memory.h"
#include "objective/network.h"
#include "output/show.h"
#include "output/sweep.h"
#include "parallel/team.h"
#include "program/blas_core.h"
#include "program/commands.h"
#include "program/notes.h"
#include "program/progress.h"
#include "program/provenance.h"
#include "program/resume.h"
#include "program/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct sweep {
    hesse_team *team;
    FILE *notes; /* NULL: quiet */
    hesse_job *const *jobs;
    int points, repeats, runs;
    int i;                        /* the present run: a repeat of a point */
    hesse_problem first, problem; /* of the first run; of the present one if it is
                                     another                                        */
    hesse_analysis *analysis;     /* of the present run */
    hesse_rates rates;
    hesse_result *result;
    hesse_progress progress;
    hesse_phases phases;
    hesse_resume resume;
    double before, now; /* operations of earlier runs, and of this one */
    hesse_sweep_numbers *numbers;
    const char **texts; /* names of axes and points, and labels */
    int failed;         /* runs */
    hesse_why why;      /* of the first of them */
} sweep;

static const char *point_name(const hesse_job *job)
{
    return *job->sweep.name ? job->sweep.name : "the job";
}

static void show_progress(void *context, const char *phase, double part,
                          double operations)
{
    sweep *w = context;
    char text[sizeof w->progress.phase];
    const int point = w->i / w->repeats + 1, repeat = w->i % w->repeats + 1;
    if (hesse_team_rank(w->team)) return;
    w->now = operations;
    if (w->repeats > 1)
        snprintf(text, sizeof text, "point %d of %d, repeat %d of %d: %s", point,
                 w->points, repeat, w->repeats, phase);
    else
        snprintf(text, sizeof text, "point %d of %d: %s", point, w->points, phase);
    hesse_progress_update(&w->progress, text, (w->i + part) / w->runs,
                          w->before + operations);
}

/* Local. The job of the present run: that of its point, with the seeds of its repeat.
   It borrows from the job of the point. */
static hesse_job job_of_run(const sweep *w)
{
    hesse_job job = *w->jobs[w->i / w->repeats];
    const uint64_t r = (uint64_t)(w->i % w->repeats);
    job.seed += r, job.data.seed += r;
    job.analysis.lanczos.seed += r;
    return job;
}

/* Collective. Open the network, the data and the plan of the present run. */
static hesse_status open_run(sweep *w, bool first)
{
    const hesse_job job = job_of_run(w);
    hesse_problem *p = first ? &w->first : &w->problem;
    hesse_status s = HESSE_OK;
    if (w->i || first) s = hesse_open_problem(w->team, &job, false, p);
    if (s || first) return s;
    if (!w->i) p = &w->first;
    hesse_analysis_options asked = hesse_job_options(&job);
    asked.n_distances = 0;
    s = hesse_analysis_new(p->objective, &asked, &w->analysis);
    if (!s) hesse_analysis_rate(w->analysis, &w->rates);
    return s;
}

static const hesse_problem *problem_of(const sweep *w)
{
    return w->i ? &w->problem : &w->first;
}

/* On rank 0. Name the present run in a note. */
static void tell(sweep *w, const char *text)
{
    if (hesse_team_rank(w->team)) return;
    hesse_progress_clear(&w->progress);
    hesse_note_print(w->notes, "%s, repeat %d: %s",
                     point_name(w->jobs[w->i / w->repeats]), w->i % w->repeats, text);
}

/* Collective. Note that the present run has numbers that are not finite. */
static hesse_status set_aside(sweep *w, const char *text)
{
    hesse_status s = HESSE_OK;
    if (!w->failed++)
        snprintf(w->why.text, sizeof w->why.text, "%.200s, repeat %d: %.250s",
                 point_name(w->jobs[w->i / w->repeats]), w->i % w->repeats, text);
    tell(w, text);
    if (!hesse_sweep_numbers_fail(w->numbers, w->i, text))
        s = hesse_fail(hesse_team_why(w->team), HESSE_E_NOMEM, "out of memory");
    return hesse_agree(w->team, s);
}

/* Collective. Keep the numbers of the present run. */
static hesse_status keep_numbers(sweep *w)
{
    const int shares = hesse_analysis_shares(w->analysis);
    const hesse_share_results **all = hesse_calloc((size_t)shares, sizeof(void *));
    char infinite[256] = "", text[300];
    hesse_why *why = hesse_team_why(w->team);
    hesse_status s =
        all ? HESSE_OK : hesse_fail(why, HESSE_E_NOMEM, "out of memory for a sweep");
    for (int i = 0; all && i < shares; i++)
        all[i] = hesse_analysis_results(w->analysis, i);
    if (!s)
        s = hesse_sweep_numbers_take(
            w->numbers, w->i, hesse_objective_last_loss(problem_of(w)->objective),
            hesse_analysis_table(w->analysis), shares, all, infinite, why);
    free(all);
    s = hesse_agree(w->team, s);
    if (s) return s;
    hesse_team_broadcast(w->team, 0, infinite, sizeof infinite);
    if (!*infinite) return HESSE_OK;
    snprintf(text, sizeof text, "%s is not finite", infinite);
    return set_aside(w, text);
}

/* Collective. */
static hesse_status compute_run(sweep *w)
{
    const hesse_listener listener = {.context = w, .progress = show_progress};
    const hesse_run_options options = {.listener = &listener,
                                       .checkpoint = w->resume.checkpoint};
    const double start = hesse_seconds();
    hesse_analysis_free(w->analysis);
    w->analysis = NULL;
    hesse_problem_free(&w->problem);
    w->before += w->now, w->now = 0;
    hesse_checkpoint_set_step(w->resume.checkpoint, w->i);
    hesse_status s = open_run(w, false);
    const double opened = hesse_seconds();
    w->phases.open += opened - start;
    if (!s) s = hesse_analysis_run_with(w->analysis, &options);
    w->phases.compute += hesse_seconds() - opened;
    if (s == HESSE_E_NUMERIC && w->analysis) {
        const hesse_why why = *hesse_team_why(w->team);
        return set_aside(w, why.text);
    }
    return s ? s : keep_numbers(w);
}

/* Local. Check that no point asks for what belongs to the result of one point. */
static hesse_status check_job(const hesse_job *job, hesse_why *why)
{
    const hesse_analysis_options *a = &job->analysis;
    const char *key = job->series.count                       ? "model.checkpoints"
                      : a->matrices                           ? "output.matrices"
                      : job->measures.n_directions            ? "measures.directions"
                      : job->measures.n_block_error           ? "measures.block_error"
                      : a->kronecker                          ? "measures.kronecker"
                      : a->scaling.from != HESSE_SCALING_NONE ? "measures.scaling"
                                                              : NULL;
    if (!key) return HESSE_OK;
    return hesse_fail(why, HESSE_E_JOB,
                      "'%s' is for one point, and the job has a sweep or repeats; "
                      "--point takes one point, and --set hessian.repeats=1 one repeat",
                      key);
}

/* Local. The outline of the sweep, whose texts the sweep keeps. */
static hesse_status outline(sweep *w, hesse_sweep_outline *of, hesse_why *why)
{
    const hesse_job_sweep *s = &w->jobs[0]->sweep;
    const size_t points = (size_t)w->points, axes = (size_t)s->axes;
    w->texts = hesse_calloc(axes + points + points * axes, sizeof *w->texts);
    if (!w->texts)
        return hesse_fail(why, HESSE_E_NOMEM, "out of memory for %d points", w->points);
    const char **names = w->texts + axes, **labels = names + points;
    for (size_t a = 0; a < axes; a++) w->texts[a] = s->axis[a];
    for (size_t p = 0; p < points; p++) {
        names[p] = point_name(w->jobs[p]);
        for (size_t a = 0; a < axes; a++)
            labels[p * axes + a] = w->jobs[p]->sweep.label[a];
    }
    *of = (hesse_sweep_outline){.points = w->points,
                                .repeats = w->repeats,
                                .axes = s->axes,
                                .axis = w->texts,
                                .point = names,
                                .label = labels};
    w->numbers = hesse_sweep_numbers_new(of);
    if (w->numbers) return HESSE_OK;
    return hesse_fail(why, HESSE_E_NOMEM, "out of memory for %d runs", w->runs);
}

/* Local. Check that a point is like the first one in what all points share. */
static hesse_status check_alike(const hesse_job *first, const hesse_job *job,
                                hesse_why *why)
{
    const hesse_analysis_options *a = &first->analysis, *b = &job->analysis;
    if (job->repeats != first->repeats)
        return hesse_fail(why, HESSE_E_JOB,
                          "'hessian.repeats' is %d at the first point and %d at %s, "
                          "expected the same for all",
                          first->repeats, job->repeats, point_name(job));
    bool same = a->n_parts == b->n_parts;
    for (int i = 0; same && i < a->n_parts; i++) same = a->parts[i] == b->parts[i];
    if (same) return HESSE_OK;
    return hesse_fail(
        why, HESSE_E_JOB,
        "'hessian.parts' of the first point and of %s differ, expected the "
        "same for all",
        point_name(job));
}

/* Collective. Check all points before the first run, because a later one may begin
   after hours; and find the path of the result, which is no file of any of them. */
static hesse_status check_points(const sweep *w, const hesse_options *options,
                                 char **path)
{
    hesse_status s = HESSE_OK;
    for (int p = 0; !s && p < w->points; p++) {
        s = hesse_agree(w->team, check_job(w->jobs[p], hesse_team_why(w->team)));
        if (!s) s = check_alike(w->jobs[0], w->jobs[p], hesse_team_why(w->team));
        free(*path);
        *path = NULL;
        if (!s) s = hesse_target(w->team, options, w->jobs[w->points - 1 - p], path);
    }
    return s;
}

static hesse_status finish(sweep *w)
{
    hesse_provenance p;
    hesse_provenance_of(w->analysis, &w->first, w->jobs[0], &w->phases, &w->resume,
                        w->failed, hesse_team_rank(w->team) == 0, &p);
    const hesse_status s = hesse_result_finish(w->result, p.list, p.count);
    w->result = NULL;
    return s;
}

/* Collective. */
static hesse_status compute(sweep *w, const char *path)
{
    hesse_status s = hesse_result_new(w->team, path, w->resume.folder, &w->result);
    if (s) return s;
    hesse_progress_start(&w->progress, w->notes, 0);
    if (hesse_team_rank(w->team) == 0) hesse_progress_keep_alive(&w->progress);
    for (w->i = 0; !s && w->i < w->runs; w->i++) s = compute_run(w);
    if (hesse_team_rank(w->team) == 0) hesse_progress_finish(&w->progress);
    if (!s && w->failed == w->runs)
        s = hesse_fail(hesse_team_why(w->team), HESSE_E_NUMERIC,
                       "all %d runs failed; the first: %s", w->runs, w->why.text);
    if (!s) s = hesse_result_sweep(w->result, w->numbers);
    if (!s) s = finish(w);
    hesse_result_drop(w->result);
    return s;
}

hesse_status hesse_run_points(hesse_team *team, const hesse_options *options,
                              hesse_job *const *jobs, int count)
{
    sweep w = {.team = team,
               .notes = hesse_notes(options),
               .jobs = jobs,
               .points = count,
               .repeats = jobs[0]->repeats,
               .runs = count * jobs[0]->repeats};
    hesse_sweep_outline of;
    char *path = NULL;
    const double start = hesse_seconds();
    jobs[0]->sweep.taken = count;
    hesse_status s = check_points(&w, options, &path);
    if (!s) s = hesse_agree(team, outline(&w, &of, hesse_team_why(team)));
    if (!s)
        s = hesse_agree(team, hesse_identity_points(jobs, count, hesse_team_why(team)));
    if (!s) s = hesse_resume_check(team, options, path, &w.resume);
    if (!s) s = open_run(&w, true);
    w.phases.open = hesse_seconds() - start;
    if (!s)
        s = hesse_resume_begin(team, options, jobs[0], &w.first, HESSE_IDENTITY_RUN,
                               &w.resume);
    if (!s && w.resume.complete) {
        if (hesse_team_rank(team) == 0) hesse_note_complete(w.notes, path);
    } else if (!s) {
        if (hesse_team_rank(team) == 0) hesse_blas_warn(w.notes);
        s = hesse_rate_machine(team, &w.rates);
        if (!s) s = compute(&w, path);
    }
    if (!s && hesse_team_rank(team) == 0)
        s = hesse_result_show(path, stdout, hesse_team_why(team));
    s = hesse_resume_end(&w.resume, hesse_agree(team, s));
    if (!s && w.failed)
        s = hesse_fail(hesse_team_why(team), HESSE_E_NUMERIC,
                       "%d of %d runs failed, and %s has the others; the first: %s",
                       w.failed, w.runs, path, w.why.text);
    hesse_sweep_numbers_free(w.numbers);
    hesse_analysis_free(w.analysis);
    hesse_problem_free(&w.problem);
    hesse_problem_free(&w.first);
    free(w.texts);
    free(path);
    return s;
}
