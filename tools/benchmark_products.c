/* This prints the seconds that a product of the Hessian with k vectors takes, for the model and
   data of a job; its rate; and the rate of DGEMM on every rank while all of them multiply.

   usage: mpiexec -n RANKS benchmark_products REPEATS JOB.yaml K... */
#include "base/memory.h"
#include "base/random.h"
#include "objective/product.h"
#include "parallel/available.h"
#include "program/commands.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Returns the median seconds of products with all parameters as one bundle, and the work of
   all ranks. */
static double seconds_of(hesse_objective *objective, int k, int repeats, double *seconds,
                         hesse_work *work)
{
    const hesse_params *params = &objective->network->params;
    hesse_piece *all = hesse_pieces_of_all(params);
    const size_t numbers = params->size * (size_t)k;
    double *v = hesse_alloc(numbers), *hv = hesse_alloc(numbers);
    hesse_product *product = NULL;
    hesse_why why;
    if (!all || !v || !hv) exit(4);
    for (size_t i = 0; i < numbers; i++)
        v[i] = hesse_uniform(1, HESSE_RANDOM_SAMPLES, i) - 0.5;
    const hesse_bundle bundle = {all, params->count, k};
    if (hesse_product_work(objective, &bundle, 1, work, &why) ||
        hesse_product_new(objective, &bundle, 1, &product))
        exit(4);
    for (int i = -1; i < repeats; i++) { /* the first run touches the memory */
        MPI_Barrier(objective->team->comm);
        const double start = MPI_Wtime();
        hesse_product_run(product, HESSE_ALL, v, hv);
        if (i >= 0) seconds[i] = MPI_Wtime() - start;
    }
    qsort(seconds, (size_t)repeats, sizeof *seconds, ascending);
    hesse_product_free(product);
    free(all);
    free(v);
    free(hv);
    return seconds[repeats / 2];
}

int main(int argc, char **argv)
{
    hesse_team *team = NULL;
    hesse_job *job = NULL;
    hesse_problem problem = {NULL, NULL, NULL};
    hesse_rates rates;
    hesse_why why;
    MPI_Init(&argc, &argv);
    const int repeats = argc > 3 ? atoi(argv[1]) : 0;
    double *seconds = hesse_alloc((size_t)repeats + 1);
    const hesse_options options = {.file = repeats ? argv[2] : NULL};
    if (repeats < 1 || !seconds || hesse_team_new(MPI_COMM_WORLD, &team)) {
        fputs("usage: benchmark_products REPEATS JOB.yaml K...\n", stderr);
        return 2;
    }
    hesse_status s = hesse_open_job(team, &options, &job);
    if (!s) s = hesse_open_problem(team, job, false, &problem);
    if (!s) s = hesse_rates_measure(&rates, &why);
    if (s) {
        fprintf(stderr, "%s\n", hesse_team_why(team)->text);
        return s;
    }
    hesse_team_sum(team, &rates.dgemm, 1);
    for (int i = 3; i < argc; i++) {
        hesse_work work;
        const int k = atoi(argv[i]);
        const double t = seconds_of(problem.objective, k, repeats, seconds, &work);
        if (team->rank == 0)
            printf("product %d %d %zu %.5g s %.4g flop %.3g GFLOP/s %.3g %% %.4g bytes\n",
                   team->size, k, problem.network->params.size, t, work.products,
                   work.products / t * 1e-9, 100 * work.products / t / rates.dgemm,
                   hesse_memory_peak());
        fflush(stdout);
    }
    free(seconds);
    hesse_problem_free(&problem);
    hesse_job_free(job);
    hesse_team_free(team);
    MPI_Finalize();
    return 0;
}
