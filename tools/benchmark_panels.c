/* This prints the seconds and the rate of the panels of a job's Hessian, and what DGEMM does on
   every rank while all of them multiply. Each rank computes its own panels, without an exchange
   and without eigenvalues.

   usage: mpiexec -n RANKS benchmark_panels REPEATS JOB.yaml */
#include "base/memory.h"
#include "curvature/panels.h"
#include "curvature/plan.h"
#include "curvature/rates.h"
#include "parallel/available.h"
#include "program/commands.h"

#include <stdio.h>
#include <stdlib.h>

/* The panels of all parts of a plan: of every block, or of the whole matrix. */
typedef struct parts {
    hesse_panels *panels;
    int count;
    bool whole;
    double products; /* operations of one pass over all panels */
} parts;

static hesse_part part_of(const parts *p, int i)
{
    return p->whole ? (hesse_part){0, p->count} : (hesse_part){i, 1};
}

/* Compute every `ranks`-th panel from `rank` on of all parts; return the seconds. */
static double compute(const parts *p, const hesse_team *team)
{
    int turn = 0;
    MPI_Barrier(team->comm);
    const double start = MPI_Wtime();
    for (int i = 0; i < (p->whole ? 1 : p->count); i++) {
        const int panels = hesse_panels_begin(p->panels, part_of(p, i));
        for (int j = 0; j < panels; j++)
            if (turn++ % team->size == team->rank) hesse_panels_compute(p->panels, j);
    }
    double seconds = MPI_Wtime() - start;
    MPI_Allreduce(MPI_IN_PLACE, &seconds, 1, MPI_DOUBLE, MPI_MAX, team->comm);
    return seconds;
}

/* Return the fastest of some passes. */
static double fastest(const parts *p, const hesse_team *team, int repeats)
{
    double best = compute(p, team);
    for (int i = 1; i < repeats; i++) {
        const double seconds = compute(p, team);
        if (seconds < best) best = seconds;
    }
    return best;
}

static hesse_status open_parts(const hesse_analysis *analysis, parts *p, hesse_why *why)
{
    const hesse_plan *plan = hesse_analysis_plan(analysis);
    hesse_panel_options request = plan->options.request;
    p->count = plan->partition.count;
    p->whole = plan->options.scope & HESSE_FULL;
    request.whole = p->whole;
    hesse_objective_prepare(plan->objective, 0, plan->objective->tape->sequences);
    const hesse_status s =
        hesse_panels_new(plan->objective->tape, &plan->objective->network->params,
                         &plan->partition, &request, &p->panels, why);
    for (int i = 0; !s && i < (p->whole ? 1 : p->count); i++) {
        double numbers;
        hesse_panels_begin(p->panels, part_of(p, i));
        p->products += hesse_panels_work(p->panels, &numbers).products;
    }
    return s;
}

int main(int argc, char **argv)
{
    hesse_team *team = NULL;
    hesse_job *job = NULL;
    hesse_problem problem = {NULL, NULL, NULL};
    hesse_analysis *analysis = NULL;
    hesse_rates rates;
    parts p = {.panels = NULL};
    MPI_Init(&argc, &argv);
    const int repeats = argc == 3 ? atoi(argv[1]) : 0;
    const hesse_options options = {.file = repeats ? argv[2] : NULL};
    if (repeats < 1 || hesse_team_new(MPI_COMM_WORLD, &team)) {
        fputs("usage: benchmark_panels REPEATS JOB.yaml\n", stderr);
        return 2;
    }
    hesse_status s = hesse_open_job(team, &options, &job);
    if (!s) s = hesse_open_problem(team, job, false, &problem);
    double loss;
    if (!s) s = hesse_objective_loss(problem.objective, &loss);
    const hesse_analysis_options asked = s ? (hesse_analysis_options){0} : hesse_job_options(job);
    if (!s) s = hesse_analysis_new(problem.objective, &asked, &analysis);
    if (!s) s = open_parts(analysis, &p, hesse_team_why(team));
    if (!s) s = hesse_rates_measure(&rates, hesse_team_why(team));
    if (s) {
        fprintf(stderr, "%s\n", hesse_team_why(team)->text);
        return s;
    }
    hesse_team_sum(team, &rates.dgemm, 1);
    const double seconds = fastest(&p, team, repeats);
    if (team->rank == 0)
        printf("panels %d %.5g s %.4g flop %.3g GFLOP/s %.3g %%\n", team->size, seconds,
               p.products, p.products / seconds * 1e-9,
               100 * p.products / seconds / rates.dgemm);
    hesse_panels_free(p.panels);
    hesse_analysis_free(analysis);
    hesse_problem_free(&problem);
    hesse_job_free(job);
    hesse_team_free(team);
    MPI_Finalize();
    return 0;
}
