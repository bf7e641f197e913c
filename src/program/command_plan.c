/* This predicts a run from the sizes alone: no parameter is read and nothing is
   computed. */
#include "base/units.h"
#include "curvature/cost.h"
#include "objective/network.h"
#include "objective/product.h"
#include "program/commands.h"
#include "program/planned.h"
#include "program/sbatch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The facts that the plans of all points share. */
typedef struct planner {
    hesse_team *team;
    const hesse_options *options;
    hesse_rates rates;
    int ranks, runs; /* runs: training runs of all points */
    hesse_json json;
    json_t *list;   /* of the plans */
    double seconds; /* of all points */
} planner;

static bool speaks(const planner *p)
{
    return hesse_team_rank(p->team) == 0 && !p->options->json && !p->options->sbatch;
}

/* The summary of all steps together. */
static hesse_plan_summary sum_up(const hesse_job *job, hesse_plan_summary p)
{
    const int count = job->series.count;
    if (!count) return p;
    p.seconds *= count, p.idlest *= count;
    p.disk.result *= count, p.disk.parts *= count;
    return p;
}

int hesse_planned_runs(const hesse_job *job)
{
    if (!job->train.given) return 0;
    return job->train.n_rates * (job->train.n_seeds ? job->train.n_seeds : 1);
}

/* Local. Predict the training runs of a job, which share the ranks with those of other
   points of a sweep. A step takes half of the operations of
   a product with one vector: three products of matrices in place of six. */
static hesse_status plan_training(const planner *p, const hesse_job *job,
                                  const hesse_problem *problem,
                                  hesse_planned_training *planned, hesse_why *why)
{
    const hesse_job_train *t = &job->train;
    const hesse_params *params = hesse_network_params(problem->network);
    const int examples = hesse_objective_examples(problem->objective);
    const int batch = t->options.batch ? t->options.batch : examples;
    const int runs = hesse_planned_runs(job);
    const int groups = p->runs < p->ranks ? p->runs : p->ranks,
              each = p->ranks / groups;
    const int share = each < batch ? each : batch; /* ranks that have examples */
    hesse_piece *all = hesse_pieces_of_all(params);
    hesse_work work = {0};
    const hesse_bundle bundle = {all, params->count, 1};
    hesse_status s = all ? HESSE_OK : hesse_fail(why, HESSE_E_NOMEM, "out of memory");
    if (!s) s = hesse_product_work(problem->objective, &bundle, 1, &work, why);
    free(all);
    if (s) return s;
    const double part = 0.5 * batch / examples,
                 seconds = hesse_cost_products(&p->rates, work) * part / share,
                 rounds = runs < p->runs ? (double)runs / groups
                                         : ceil((double)runs / groups);
    *planned =
        (hesse_planned_training){.runs = runs,
                                 .batch = batch,
                                 .ranks = each,
                                 .stages = t->n_stage_steps,
                                 .step = work.products * part,
                                 .seconds = seconds * (double)t->options.steps * rounds,
                                 .stage_bytes = 24 * (double)params->size};
    return HESSE_OK;
}

/* Collective. Plan the spectra of a job. Without distances the points of a sweep have
   none. */
static hesse_status plan_analysis(planner *p, hesse_planned *planned, bool distances,
                                  hesse_analysis **analysis)
{
    hesse_analysis_options asked = hesse_job_options(planned->job);
    if (!distances) asked.n_distances = 0;
    hesse_status s = hesse_analysis_new(planned->problem->objective, &asked, analysis);
    if (s) return s;
    hesse_analysis_rate(*analysis, &p->rates);
    planned->analysis = *analysis;
    planned->one = hesse_analysis_summary(*analysis);
    planned->all = sum_up(planned->job, planned->one);
    return HESSE_OK;
}

/* Collective. Plan the only point of a job: its spectra, measures and training. */
static hesse_status plan_job(planner *p, const hesse_job *job)
{
    hesse_problem problem = {NULL, NULL, NULL};
    hesse_analysis *analysis = NULL;
    hesse_planned planned = {.job = job, .problem = &problem};
    hesse_status s = hesse_open_problem(p->team, job, true, &problem);
    if (!s) s = plan_analysis(p, &planned, true, &analysis);
    if (!s) s = hesse_measures_check(p->team, job, problem.network, analysis);
    if (!s && !p->options->sbatch)
        s = hesse_measures_plan(p->team, job, analysis, &planned.measures);
    if (!s && job->train.given)
        s = hesse_agree(p->team, plan_training(p, job, &problem, &planned.training,
                                               hesse_team_why(p->team)));
    if (!s && p->options->sbatch && hesse_team_rank(p->team) == 0)
        hesse_sbatch_print(&planned.all, p->options);
    if (!s && speaks(p)) hesse_planned_print(&planned);
    if (!s) hesse_planned_json(&p->json, p->list, &planned);
    p->seconds = planned.all.seconds + planned.training.seconds;
    hesse_analysis_free(analysis);
    hesse_problem_free(&problem);
    return s;
}

/* Collective. Predict `hesse run` of a point of a sweep, and its repeats. */
static hesse_status plan_point(planner *p, const hesse_job *job)
{
    hesse_problem problem = {NULL, NULL, NULL};
    hesse_analysis *analysis = NULL;
    hesse_planned planned = {.job = job, .problem = &problem};
    char a[HESSE_UNITS], b[HESSE_UNITS];
    hesse_status s = hesse_open_problem(p->team, job, true, &problem);
    if (!s) s = plan_analysis(p, &planned, false, &analysis);
    if (!s && speaks(p))
        printf("point        %s: %d blocks, %d of them estimated, %s, %s\n",
               *job->sweep.name ? job->sweep.name : "the job", planned.one.blocks,
               planned.one.n_estimated, hesse_units_bytes(planned.one.peak, a),
               hesse_units_time(planned.one.seconds, b));
    if (!s) hesse_planned_json(&p->json, p->list, &planned);
    p->seconds += planned.one.seconds * job->repeats;
    hesse_analysis_free(analysis);
    hesse_problem_free(&problem);
    return s;
}

/* Collective. Predict the training runs of a point of a sweep. */
static hesse_status plan_training_point(planner *p, const hesse_job *job)
{
    hesse_problem problem = {NULL, NULL, NULL};
    hesse_planned planned = {.job = job, .problem = &problem};
    hesse_status s = hesse_open_problem(p->team, job, true, &problem);
    if (!s)
        s = hesse_agree(p->team, plan_training(p, job, &problem, &planned.training,
                                               hesse_team_why(p->team)));
    if (!s && speaks(p)) {
        printf("point        %s\n", job->sweep.name);
        hesse_planned_print_training(&planned);
    }
    if (!s) hesse_planned_json(&p->json, p->list, &planned);
    p->seconds += planned.training.seconds;
    hesse_problem_free(&problem);
    return s;
}

/* Collective. Plan all points of a sweep, or all repeats of a job. */
static hesse_status plan_points(planner *p, hesse_job *const *jobs, int count)
{
    const bool train = count > 1 && jobs[0]->train.given;
    const int repeats = jobs[0]->repeats;
    char a[HESSE_UNITS];
    hesse_status s = HESSE_OK;
    for (int i = 0; !s && i < count; i++)
        s = train ? plan_training_point(p, jobs[i]) : plan_point(p, jobs[i]);
    if (s || !speaks(p)) return s;
    if (train)
        printf("all points   %d runs: about %s on %d rank%s, without measures\n",
               p->runs, hesse_units_time(p->seconds, a), p->ranks,
               p->ranks > 1 ? "s" : "");
    else
        printf("all points   %d runs (%d points, %d repeats): about %s\n",
               count * repeats, count, repeats, hesse_units_time(p->seconds, a));
    return s;
}

hesse_status hesse_command_plan(hesse_team *team, const hesse_options *options)
{
    hesse_job **jobs = NULL;
    int count = 0;
    planner p = {.team = team,
                 .options = options,
                 .ranks = options->ranks ? options->ranks : hesse_team_size(team),
                 .json = hesse_json_begin(HESSE_VERSION, "plan")};
    hesse_status s = hesse_open_jobs(team, options, &jobs, &count);
    for (int i = 0; !s && i < count; i++) jobs[i]->analysis.ranks = options->ranks;
    const bool many = !s && (count > 1 || jobs[0]->repeats > 1);
    if (many && options->sbatch)
        s = hesse_fail(
            hesse_team_why(team), HESSE_E_JOB,
            "--sbatch: the job has a sweep or 'hessian.repeats'; --point takes "
            "one point, and --set hessian.repeats=1 one repeat");
    p.list = hesse_json_set(&p.json, p.json.root, "points", json_array());
    for (int i = 0; !s && i < count; i++) p.runs += hesse_planned_runs(jobs[i]);
    if (!s) s = hesse_rate_machine(team, &p.rates);
    if (!s) s = many ? plan_points(&p, jobs, count) : plan_job(&p, jobs[0]);
    hesse_json_set(&p.json, p.json.root, "seconds", hesse_json_number(p.seconds));
    FILE *const out = !s && options->json && hesse_team_rank(team) == 0 ? stdout : NULL;
    const hesse_status printed = hesse_json_end(&p.json, out, hesse_team_why(team));
    hesse_jobs_free(jobs, count);
    return s ? s : hesse_agree(team, printed);
}
