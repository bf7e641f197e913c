/* This predicts a run from the sizes alone: no parameter is read and nothing is
   computed. */
#include "base/units.h"
#include "curvature/cost.h"
#include "objective/network.h"
#include "objective/product.h"
#include "program/commands.h"
#include "program/measures.h"
#include "program/sbatch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The most rows of a table; nobody would read more. */
enum { MOST_ROWS = 1000 };

/* Print the other estimates that are made for estimated matrices, besides their
   quadratures. */
static void print_estimates(const hesse_plan_summary *p)
{
    char work[HESSE_UNITS];
    if (!(p->extra > 0)) return;
    hesse_units_flop(p->extra, work);
    if (p->extreme.pairs)
        printf("eigenpairs   %d at each end to %g, %d vectors at once, at most %d "
               "products\n",
               p->extreme.pairs, p->extreme.tolerance, p->extreme.block,
               p->extreme.products);
    if (p->hutchinson.probes)
        printf("diagonal     %d probes, a sketch of %d\n", p->hutchinson.probes,
               p->hutchinson.sketch);
    printf("             about %s of that\n", work);
}

static void print_data(const hesse_problem *p)
{
    const int examples = hesse_dataset_examples(p->dataset);
    const int window = hesse_objective_window(p->objective);
    printf("parameters   %zu in %d tensors and slices of tensors\n",
           hesse_network_size(p->network), hesse_network_tensors(p->network));
    printf("data         %d sequences of %d tokens\n", examples,
           hesse_dataset_tokens(p->dataset));
    if (*hesse_dataset_form(p->dataset))
        printf("images       %s\n", hesse_dataset_form(p->dataset));
    if (window < examples)
        printf("             activations of %d sequences at once, the others again in "
               "every sweep\n",
               window);
}

/* The steps of a series, of which each needs the time and the disk of one. */
static void print_series(const hesse_job *job, const hesse_plan_summary *p)
{
    char a[HESSE_UNITS];
    const int count = job->series.count;
    if (!count) return;
    printf("checkpoints  %d, steps %lld to %lld: %s for each\n", count,
           (long long)job->series.step[0], (long long)job->series.step[count - 1],
           hesse_units_time(p->seconds, a));
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

static void print_head(const hesse_plan_summary *p)
{
    char a[HESSE_UNITS], b[HESSE_UNITS], c[HESSE_UNITS];
    printf("blocks       %d, together of order %zu\n", p->blocks, p->order);
    printf("ranks        %d\n", p->ranks);
    printf("memory       %s per rank at the peak, of %s; %s of it the program and its "
           "libraries\n",
           hesse_units_bytes(p->peak, a), hesse_units_bytes(p->memory, b),
           hesse_units_bytes(p->program, c));
    printf("disk         about %s for the result, up to %s for part files\n",
           hesse_units_bytes(p->disk.result, a), hesse_units_bytes(p->disk.parts, b));
    if (p->whole) {
        printf("full matrix  order %zu: assembly %s, eigenvalues %s by %s\n", p->order,
               hesse_units_flop(p->whole_products, a),
               hesse_units_flop(p->whole_solution, b),
               hesse_engine_name(p->whole_engine));
        printf("             assembly %s, eigenvalues %s\n",
               hesse_units_time(p->whole_assembly, a),
               hesse_units_time(p->whole_eigen, b));
    }
    if (p->whole_estimated)
        printf("full matrix  order %zu: by lanczos, without the matrix (%s)\n",
               p->order, hesse_estimated_text(p->whole_estimated));
    if (p->products > 0)
        printf("lanczos      %d probes of %d steps, %d at once: %s, %s, %s per rank\n",
               p->lanczos.probes, p->lanczos.steps, p->together,
               hesse_units_flop(p->products, a),
               hesse_units_time(p->estimate_seconds, b),
               hesse_units_bytes(p->estimate_bytes, c));
    print_estimates(p);
    if (p->n_estimated && p->method == HESSE_METHOD_AUTO)
        printf("estimated    %d of %d blocks: see the reasons below\n", p->n_estimated,
               p->blocks);
    printf("time         %s, by the rates of this machine; the idlest rank %s\n",
           hesse_units_time(p->seconds, c), hesse_units_time(p->idlest, a));
}

static int runs_of(const hesse_job *job)
{
    return job->train.n_rates * (job->train.n_seeds ? job->train.n_seeds : 1);
}

/* Local. Predict the training runs of a job, which share the ranks with those of other
   points of a sweep. A step takes half of the operations of
   a product with one vector: three products of matrices in place of six. */
static hesse_status print_training(const hesse_job *job, const hesse_problem *problem,
                                   int all_runs, int ranks, const hesse_rates *rates,
                                   double *time, hesse_why *why)
{
    const hesse_job_train *t = &job->train;
    const hesse_params *params = hesse_network_params(problem->network);
    const int examples = hesse_objective_examples(problem->objective);
    const int batch = t->options.batch ? t->options.batch : examples;
    const int runs = runs_of(job);
    const int groups = all_runs < ranks ? all_runs : ranks, each = ranks / groups;
    const int share = each < batch ? each : batch; /* ranks that have examples */
    hesse_piece *all = hesse_pieces_of_all(params);
    hesse_work work = {0};
    char a[HESSE_UNITS], b[HESSE_UNITS], c[HESSE_UNITS];
    const hesse_bundle bundle = {all, params->count, 1};
    hesse_status s = all ? HESSE_OK : hesse_fail(why, HESSE_E_NOMEM, "out of memory");
    if (!s) s = hesse_product_work(problem->objective, &bundle, 1, &work, why);
    free(all);
    if (s) return s;
    const double part = 0.5 * batch / examples, step = work.products * part,
                 seconds = hesse_cost_products(rates, work) * part / share,
                 rounds = runs < all_runs ? (double)runs / groups
                                          : ceil((double)runs / groups);
    *time = seconds * (double)t->options.steps * rounds;
    printf(
        "training     %d run%s of %lld steps of %d examples: %s a step, about %s with "
        "%d rank%s for a run\n",
        runs, runs > 1 ? "s" : "", (long long)t->options.steps, batch,
        hesse_units_flop(step, a), hesse_units_time(*time, b), each,
        each > 1 ? "s" : "");
    printf("             %d stage%s of %s, with the state of the optimiser\n",
           t->n_stage_steps, t->n_stage_steps == 1 ? "" : "s",
           hesse_units_bytes(24 * (double)params->size, c));
    return HESSE_OK;
}

/* Name some ranks: "rank 3", "4 to 7", "all 8". */
static void name_ranks(int first, int count, int all, char text[HESSE_UNITS])
{
    if (count == 1)
        snprintf(text, HESSE_UNITS, "rank %d", first);
    else if (count == all)
        snprintf(text, HESSE_UNITS, "all %d", all);
    else
        snprintf(text, HESSE_UNITS, "%d to %d", first, first + count - 1);
}

static void print_block(const hesse_planned_block *b, int all, int width)
{
    char memory[HESSE_UNITS] = "", products[HESSE_UNITS], solution[HESSE_UNITS] = "",
         seconds[HESSE_UNITS], ranks[HESSE_UNITS];
    name_ranks(b->first, b->ranks, all, ranks);
    if (!b->estimated) hesse_units_bytes(b->bytes, memory);
    if (!b->estimated) hesse_units_flop(b->solution, solution);
    printf("%-*s %8zu %10s %10s %12s %12s %12s %12s", width, b->name, b->size,
           b->estimated ? "lanczos" : hesse_engine_name(b->engine), ranks, memory,
           hesse_units_flop(b->products, products), solution,
           hesse_units_time(b->seconds, seconds));
    printf(b->estimated ? "  estimated: %s\n" : "\n",
           hesse_estimated_text(b->estimated));
}

static void print_blocks(const hesse_analysis *x, const hesse_plan_summary *p)
{
    const int count = hesse_analysis_planned(x);
    char a[HESSE_UNITS], b[HESSE_UNITS];
    double products = 0, solution = 0;
    int width = 5;
    if (!count) return;
    for (int i = 0; i < count; i++) {
        const int length = (int)strlen(hesse_analysis_block_name(x, i));
        width = length > width ? length : width;
    }
    printf("\n%-*s %8s %10s %10s %12s %12s %12s %12s\n", width, "block", "size",
           "engine", "ranks", "memory", "products", "eigenvalues", "time");
    for (int i = 0; i < count; i++) {
        const hesse_planned_block block = hesse_analysis_planned_block(x, i);
        products += block.products, solution += block.solution;
        if (i < MOST_ROWS) print_block(&block, p->ranks, width);
    }
    if (count > MOST_ROWS) printf("... and %d more\n", count - MOST_ROWS);
    printf("%-*s %8zu %10s %10s %12s %12s %12s\n", width, "total", p->order, "", "", "",
           hesse_units_flop(products, a), hesse_units_flop(solution, b));
}

/* Collective. Plan one job. */
static hesse_status plan_job(hesse_team *team, const hesse_options *options,
                             const hesse_job *job)
{
    hesse_problem problem = {NULL, NULL, NULL};
    hesse_analysis *analysis = NULL;
    hesse_rates rates = {0};
    double time;
    hesse_status s = hesse_open_problem(team, job, true, &problem);
    if (!s) {
        hesse_analysis_options asked = hesse_job_options(job);
        if (options->ranks) asked.ranks = options->ranks;
        s = hesse_analysis_new(problem.objective, &asked, &analysis);
    }
    if (!s) s = hesse_rate_machine(team, &rates);
    if (!s) hesse_analysis_rate(analysis, &rates);
    if (!s) s = hesse_measures_check(team, job, problem.network, analysis);
    if (!s && hesse_team_rank(team) == 0) {
        const hesse_plan_summary one = hesse_analysis_summary(analysis);
        const hesse_plan_summary p = sum_up(job, one);
        if (options->sbatch) {
            hesse_sbatch_print(&p, options);
        } else {
            print_data(&problem);
            print_series(job, &one);
            print_head(&p);
            if (job->train.given)
                s = print_training(job, &problem, runs_of(job), p.ranks, &rates, &time,
                                   hesse_team_why(team));
        }
    }
    s = hesse_agree(team, s);
    if (!s && !options->sbatch)
        s = hesse_measures_print_plan(team, job, analysis, stdout);
    if (!s && !options->sbatch && hesse_team_rank(team) == 0) {
        const hesse_plan_summary p = hesse_analysis_summary(analysis);
        print_blocks(analysis, &p);
    }
    hesse_analysis_free(analysis);
    hesse_problem_free(&problem);
    return s;
}

/* Collective. Predict `hesse run` of every point of a sweep, and its repeats. */
static hesse_status plan_points(hesse_team *team, const hesse_options *options,
                                hesse_job *const *jobs, int count)
{
    hesse_rates rates = {0};
    double all = 0;
    char a[HESSE_UNITS], b[HESSE_UNITS];
    hesse_status s = hesse_rate_machine(team, &rates);
    for (int p = 0; !s && p < count; p++) {
        hesse_problem problem = {NULL, NULL, NULL};
        hesse_analysis *analysis = NULL;
        s = hesse_open_problem(team, jobs[p], true, &problem);
        hesse_analysis_options asked = hesse_job_options(jobs[p]);
        if (options->ranks) asked.ranks = options->ranks;
        asked.n_distances = 0;
        if (!s) s = hesse_analysis_new(problem.objective, &asked, &analysis);
        if (!s) {
            hesse_analysis_rate(analysis, &rates);
            const hesse_plan_summary one = hesse_analysis_summary(analysis);
            all += one.seconds * jobs[p]->repeats;
            if (hesse_team_rank(team) == 0)
                printf("point        %s: %d blocks, %d of them estimated, %s, %s\n",
                       *jobs[p]->sweep.name ? jobs[p]->sweep.name : "the job",
                       one.blocks, one.n_estimated, hesse_units_bytes(one.peak, a),
                       hesse_units_time(one.seconds, b));
        }
        hesse_analysis_free(analysis);
        hesse_problem_free(&problem);
    }
    if (!s && hesse_team_rank(team) == 0)
        printf("all points   %d runs (%d points, %d repeats): about %s\n",
               count * jobs[0]->repeats, count, jobs[0]->repeats,
               hesse_units_time(all, a));
    return s;
}

/* Collective. Predict the training runs of every point of a sweep. */
static hesse_status plan_sweep(hesse_team *team, const hesse_options *options,
                               hesse_job *const *jobs, int count)
{
    const int ranks = options->ranks ? options->ranks : hesse_team_size(team);
    hesse_rates rates = {0};
    double all = 0;
    int runs = 0;
    char a[HESSE_UNITS];
    for (int p = 0; p < count; p++) runs += runs_of(jobs[p]);
    hesse_status s = hesse_rate_machine(team, &rates);
    for (int p = 0; !s && p < count; p++) {
        hesse_problem problem = {NULL, NULL, NULL};
        double time = 0;
        s = hesse_open_problem(team, jobs[p], true, &problem);
        if (!s && hesse_team_rank(team) == 0) {
            printf("point        %s\n", jobs[p]->sweep.name);
            s = print_training(jobs[p], &problem, runs, ranks, &rates, &time,
                               hesse_team_why(team));
        }
        all += time;
        s = hesse_agree(team, s);
        hesse_problem_free(&problem);
    }
    if (!s && hesse_team_rank(team) == 0)
        printf("all points   %d runs: about %s on %d rank%s, without measures\n", runs,
               hesse_units_time(all, a), ranks, ranks > 1 ? "s" : "");
    return s;
}

hesse_status hesse_command_plan(hesse_team *team, const hesse_options *options)
{
    hesse_job **jobs = NULL;
    int count = 0;
    hesse_status s = hesse_open_jobs(team, options, &jobs, &count);
    const bool many = !s && (count > 1 || jobs[0]->repeats > 1);
    if (many && options->sbatch)
        s = hesse_fail(
            hesse_team_why(team), HESSE_E_JOB,
            "--sbatch: the job has a sweep or 'hessian.repeats'; --point takes "
            "one point, and --set hessian.repeats=1 one repeat");
    if (!s && !many) s = plan_job(team, options, jobs[0]);
    if (!s && many && count > 1 && jobs[0]->train.given)
        s = plan_sweep(team, options, jobs, count);
    else if (!s && many)
        s = plan_points(team, options, jobs, count);
    hesse_jobs_free(jobs, count);
    return s;
}
