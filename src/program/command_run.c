/* This is the main command: it opens, plans, runs, writes and shows. The result file is
   begun before the computation, so that an unwritable folder costs nothing. */
#include "base/clock.h"
#include "base/memory.h"
#include "objective/network.h"
#include "output/show.h"
#include "program/blas_core.h"
#include "program/commands.h"
#include "program/measures.h"
#include "program/progress.h"
#include "program/provenance.h"
#include "program/resume.h"
#include "program/target.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct run {
    hesse_team *team;
    const hesse_job *job;
    hesse_problem problem;
    hesse_analysis *analysis;
    hesse_result *result;
    hesse_progress progress;
    hesse_measured measured;
    hesse_phases phases;
    hesse_resume resume;
} run;

static void show_progress(void *context, const char *phase, double part,
                          double operations)
{
    run *r = context;
    if (hesse_team_rank(r->team) == 0)
        hesse_progress_update(&r->progress, phase, part, operations);
}

/* Block -1 is the full matrix. */
static hesse_status write_matrix(void *context, int share, int block,
                                 const hesse_dmat *a, const double *local)
{
    const run *r = context;
    const hesse_kinds kinds = hesse_analysis_kinds(r->analysis, share);
    const bool itself = kinds == HESSE_ALL;
    char name[2 * HESSE_NAME];
    snprintf(name, sizeof name, "%s%s%shessian/%s%s", itself ? "" : "parts/",
             itself ? "" : hesse_kinds_name(kinds), itself ? "" : "/",
             block < 0 ? "full" : "blocks/",
             block < 0 ? "" : hesse_analysis_block_name(r->analysis, block));
    if (a) return hesse_result_matrix(r->result, "", name, a);
    return hesse_result_square(
        r->result, "", name, (int)hesse_analysis_block_size(r->analysis, block), local);
}

/* Measure a matrix, and write it if the job asks for it. */
static hesse_status show_matrix(void *context, int share, int block,
                                const hesse_dmat *a, const double *local)
{
    run *r = context;
    hesse_status s = hesse_measures_take(&r->measured, share, block, a, local);
    if (!s && r->job->analysis.matrices)
        s = write_matrix(context, share, block, a, local);
    return s;
}

static hesse_status write_shares(run *r)
{
    const hesse_block_table *table = hesse_analysis_table(r->analysis);
    const double start = hesse_seconds();
    hesse_status s =
        hesse_result_model(r->result, "", hesse_network_params(r->problem.network),
                           table, hesse_analysis_gradient(r->analysis));
    for (int i = 0; !s && i < hesse_analysis_shares(r->analysis); i++)
        s = hesse_result_share(r->result, "", table,
                               hesse_analysis_results(r->analysis, i),
                               hesse_analysis_density(r->analysis));
    if (!s) s = hesse_measures_write(r->job, &r->measured, r->result, "");
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
        s = hesse_result_ranks(r->result, all);
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
                        hesse_team_rank(r->team) == 0, &p);
    const hesse_status s = hesse_result_finish(r->result, p.list, p.count);
    r->result = NULL;
    return s;
}

static hesse_status compute(run *r, const char *path)
{
    const hesse_analysis_options *asked = &r->job->analysis;
    const bool shown = asked->matrices || asked->kronecker;
    const hesse_listener listener = {
        .context = r, .progress = show_progress, .matrix = shown ? show_matrix : NULL};
    const hesse_run_options options = {.listener = &listener,
                                       .checkpoint = r->resume.checkpoint};
    hesse_status s = hesse_result_new(r->team, path, r->resume.folder, &r->result);
    if (!s) s = hesse_measures_begin(r->job, r->analysis, &r->measured);
    const double start = hesse_seconds();
    if (!s) {
        hesse_progress_start(&r->progress, stderr,
                             hesse_analysis_summary(r->analysis).seconds);
        if (hesse_team_rank(r->team) == 0) hesse_progress_keep_alive(&r->progress);
        s = hesse_analysis_run_with(r->analysis, &options);
        if (!s)
            s = hesse_measures_run(r->team, r->job, r->problem.network, r->analysis,
                                   &options, &r->measured);
        if (hesse_team_rank(r->team) == 0) hesse_progress_finish(&r->progress);
    }
    r->phases.distances = hesse_analysis_distance_seconds(r->analysis);
    r->phases.compute = hesse_seconds() - start - r->phases.distances;
    if (!s) s = write_shares(r);
    if (!s) s = write_ranks(r);
    if (!s) s = finish(r);
    hesse_result_drop(r->result);
    return s;
}

/* On rank 0. Tell the user which tensors of the checkpoint were ignored. */
static void tell_note(hesse_team *team, const hesse_network *network)
{
    if (hesse_team_rank(team) == 0 && *hesse_network_note(network))
        fprintf(stderr, "note: %s\n", hesse_network_note(network));
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
        fprintf(stderr,
                "note: %d of %d blocks are estimated, not computed, the first of them "
                "%s (%s); `hesse plan` lists them\n",
                p.n_estimated, p.blocks, first, hesse_estimated_text(why));
    if (p.whole_estimated)
        fprintf(stderr, "note: the full matrix is estimated, not computed (%s)\n",
                hesse_estimated_text(p.whole_estimated));
}

/* On rank 0. Tell which pairs were not found to the tolerance. */
static void tell_unconverged(const run *r)
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
    if (first)
        fprintf(stderr,
                "note: extreme eigenvalues of %d matri%s are not within the tolerance, "
                "the first of %s: %s after %d products (spectrum.extreme.products); "
                "the file has their residuals\n",
                count, count > 1 ? "ces" : "x", part, block, first->products);
}

/* On rank 0. Tell how many blocks were not compared with Kronecker products. */
static void tell_left_out(const run *r)
{
    const hesse_kronecker_results *k = r->measured.kronecker;
    if (hesse_team_rank(r->team) == 0 && k && k->left_out)
        fprintf(stderr,
                "note: %d matri%s not compared with Kronecker products, because memory "
                "is short (measures.kronecker); their numbers are NaN\n",
                k->left_out, k->left_out > 1 ? "ces were" : "x was");
}

static void tell_complete(const run *r, const char *path)
{
    if (hesse_team_rank(r->team) == 0)
        fprintf(stderr, "note: %s is complete; nothing was computed\n", path);
}

hesse_status hesse_command_run(hesse_team *team, const hesse_options *options)
{
    hesse_job *job = NULL;
    run r = {.team = team};
    char *path = NULL;
    const double start = hesse_seconds();
    hesse_status s = hesse_open_job(team, options, &job);
    if (!s) s = hesse_target(team, options, job, &path);
    if (!s) s = hesse_resume_check(team, options, path, &r.resume);
    if (!s) s = hesse_open_problem(team, job, false, &r.problem);
    r.job = job;
    r.phases.open = hesse_seconds() - start;
    if (!s) s = hesse_resume_begin(team, options, job, &r.problem, &r.resume);
    if (!s) tell_note(team, r.problem.network);
    if (!s && r.resume.complete) {
        tell_complete(&r, path);
    } else if (!s) {
        const hesse_analysis_options asked = hesse_job_options(job);
        s = hesse_analysis_new(r.problem.objective, &asked, &r.analysis);
        if (!s) s = hesse_rate_analysis(team, r.analysis);
        if (!s && hesse_team_rank(team) == 0) hesse_blas_warn();
        if (!s) s = hesse_measures_check(team, job, r.problem.network, r.analysis);
        r.phases.plan = hesse_seconds() - start - r.phases.open;
        if (!s) tell_estimated(&r);
        if (!s) s = compute(&r, path);
        if (!s) tell_unconverged(&r);
        if (!s) tell_left_out(&r);
    }
    if (!s && hesse_team_rank(team) == 0)
        s = hesse_result_show(path, stdout, hesse_team_why(team));
    s = hesse_resume_end(&r.resume, hesse_agree(team, s));
    hesse_measures_free(&r.measured);
    hesse_analysis_free(r.analysis);
    hesse_problem_free(&r.problem);
    hesse_job_free(job);
    free(path);
    return s;
}
