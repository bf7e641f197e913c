/* This prints the seconds that the engines take for only the eigenvalues of random symmetric
   matrices, and the rate of DGEMM on every rank while all of them multiply. With the word
   `auto` it times only the engine that is chosen for each order.

   usage: mpiexec -n RANKS benchmark_engines REPEATS [auto] ORDER... */
#include "base/memory.h"
#include "base/random.h"
#include "curvature/rates.h"
#include "spectra/engines/eigen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A small matrix is solved so often that n^3 adds up to this, but not more often than
   MOST. */
static const double OPERATIONS = 1e7;
enum { MOST = 10000 };

static void fill(hesse_dmat *a)
{
    for (int j = 0; j < a->col.count; j++)
        for (int i = 0; i < a->row.count; i++) {
            const int r = hesse_axis_global(&a->row, i);
            const int c = hesse_axis_global(&a->col, j);
            const uint64_t low = (uint64_t)(r < c ? r : c), high = (uint64_t)(r + c);
            if (a->lower && r < c) continue;
            *hesse_dmat_at(a, i, j) =
                hesse_uniform(1, HESSE_RANDOM_SAMPLES, (low << 32) + high) - 0.5;
        }
}

static double seconds_of(hesse_engine engine, const hesse_grid *grid, int n)
{
    hesse_team *team = grid->team;
    hesse_dmat *a = NULL;
    hesse_spectrum *s = NULL;
    hesse_why why;
    const bool lower =
        hesse_engine_choose(engine, n, team->size, false) == HESSE_ENGINE_BAND;
    if ((lower ? hesse_dmat_new_lower : hesse_dmat_new)(grid, n, &a) ||
        hesse_spectrum_new(n, 0, &s, &why))
        exit(4);
    const double many = OPERATIONS / ((double)n * n * n);
    const int count = many < 1 ? 1 : many < MOST ? (int)many : MOST;
    double seconds = 0;
    for (int i = 0; i < count; i++) {
        fill(a);
        MPI_Barrier(team->comm);
        const double start = MPI_Wtime();
        if (hesse_eigen(a, engine, s)) exit(5);
        seconds += MPI_Wtime() - start;
    }
    hesse_dmat_free(a);
    hesse_spectrum_free(s);
    return seconds / count;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    hesse_team *team = NULL;
    hesse_grid *grid = NULL;
    hesse_rates rates;
    hesse_why why;
    MPI_Init(&argc, &argv);
    const int repeats = argc > 2 ? atoi(argv[1]) : 0;
    double *seconds = hesse_alloc((size_t)repeats + 1);
    if (!repeats || !seconds || hesse_team_new(MPI_COMM_WORLD, &team) ||
        hesse_grid_new(team, &grid) || hesse_rates_measure(&rates, &why)) {
        fputs("usage: benchmark_engines REPEATS [auto] ORDER...\n", stderr);
        return 2;
    }
    hesse_team_sum(team, &rates.dgemm, 1);
    if (team->rank == 0) printf("dgemm %d %.4g\n", team->size, rates.dgemm);
    const bool chosen = strcmp(argv[2], "auto") == 0;
    const hesse_engine first = chosen ? HESSE_ENGINE_AUTO : HESSE_ENGINE_LAPACK;
    const hesse_engine end = chosen ? first + 1 : HESSE_ENGINES;
    for (int i = chosen ? 3 : 2; i < argc; i++)
        for (hesse_engine e = first; e < end; e++) {
            const int n = atoi(argv[i]);
            if (!hesse_engine_exists(e) || n < 1) continue;
            for (int k = 0; k < repeats; k++) seconds[k] = seconds_of(e, grid, n);
            qsort(seconds, (size_t)repeats, sizeof *seconds, ascending);
            if (team->rank == 0)
                printf("%s %d %.5g\n", hesse_engine_name(e), n, seconds[repeats / 2]);
            fflush(stdout);
        }
    free(seconds);
    hesse_grid_free(grid);
    hesse_team_free(team);
    MPI_Finalize();
    return 0;
}
