/* The program's own eigensolver is tested at orders at which all of its parts work:
   several panels, several groups of sweeps, and a pipeline of ranks. */
#include "check_mpi.h"
#include "spectra/engines/band.h"
#include "spectra/engines/eigen.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct stage {
    hesse_team *team;
    hesse_grid *grid;
} stage;

static stage set_up(MPI_Comm comm)
{
    stage t = {NULL, NULL};
    assert_all(hesse_team_new(comm, &t.team) == HESSE_OK);
    assert_all(hesse_grid_new(t.team, &t.grid) == HESSE_OK);
    return t;
}

static void tear_down(stage t)
{
    hesse_grid_free(t.grid);
    hesse_team_free(t.team);
}

typedef struct tridiagonal {
    double *d, *e;
} tridiagonal;

/* Reduce a random band to a tridiagonal matrix. Return also the trace and the sum of
   squares of the band. */
static tridiagonal chased(hesse_team *team, int n, double *trace, double *squares)
{
    hesse_band *band = NULL;
    uint64_t seed = 7;
    tridiagonal t = {malloc((size_t)n * sizeof(double)),
                     malloc((size_t)n * sizeof(double))};
    assert_all(t.d && t.e && hesse_band_new(team, n, &band) == HESSE_OK);
    *trace = *squares = 0;
    for (int j = 0; j < n; j++) {
        double column[HESSE_BAND + 1];
        const int count = n - j < HESSE_BAND + 1 ? n - j : HESSE_BAND + 1;
        for (int i = 0; i < count; i++) {
            column[i] = uniform(&seed);
            *squares += (i ? 2 : 1) * column[i] * column[i];
        }
        *trace += column[0];
        hesse_band_set(band, j, count, column);
    }
    assert_all(hesse_band_chase(band, t.d, t.e) == HESSE_OK);
    hesse_band_free(band);
    return t;
}

/* The result of a step does not depend on the rank that does it. */
static void a_pipeline_gives_the_same_bits(void **state)
{
    (void)state;
    static const int orders[] = {64, 200, 1800, 4000};
    stage all = set_up(MPI_COMM_WORLD), self = set_up(MPI_COMM_SELF);
    for (size_t o = 0; o < sizeof orders / sizeof *orders; o++) {
        const int n = orders[o];
        double trace, squares;
        const tridiagonal here = chased(self.team, n, &trace, &squares);
        const tridiagonal there = chased(all.team, n, &trace, &squares);
        const size_t bytes = (size_t)n * sizeof(double);
        assert_all(!memcmp(here.d, there.d, bytes));
        assert_all(!memcmp(here.e, there.e, bytes - sizeof(double)));
        for (int j = 0; j < n; j++) {
            trace -= here.d[j];
            squares -= here.d[j] * here.d[j];
            if (j + 1 < n) squares -= 2 * here.e[j] * here.e[j];
        }
        assert_all(fabs(trace) <= 1e-11 * sqrt(n));
        assert_all(fabs(squares) <= 1e-11 * n);
        free(here.d);
        free(here.e);
        free(there.d);
        free(there.e);
    }
    tear_down(self);
    tear_down(all);
}

/* Return the eigenvalues of min(i, j) times a power of 2. */
static double *solved_as(const stage *t, int n, int exponent, bool lower)
{
    hesse_why why;
    hesse_dmat *a = NULL;
    hesse_spectrum *s = NULL;
    double *lambda = malloc((size_t)n * sizeof *lambda);
    assert_all(lambda && (lower ? hesse_dmat_new_lower
                                : hesse_dmat_new)(t->grid, n, &a) == HESSE_OK);
    for (int c = 0; c < a->col.count; c++)
        for (int r = a->strips[c / a->strip].top; r < a->row.count; r++) {
            const int i = hesse_axis_global(&a->row, r);
            const int j = hesse_axis_global(&a->col, c);
            if (lower && i < j) continue;
            *hesse_dmat_at(a, r, c) = ldexp((i < j ? i : j) + 1, exponent);
        }
    assert_all(hesse_spectrum_new(n, 0, &s, &why) == HESSE_OK);
    assert_all(hesse_eigen(a, HESSE_ENGINE_BAND, s) == HESSE_OK);
    assert_all(s->engine == HESSE_ENGINE_BAND);
    memcpy(lambda, s->eigenvalues, (size_t)n * sizeof *lambda);
    hesse_spectrum_free(s);
    hesse_dmat_free(a);
    return lambda;
}

static double *solved(const stage *t, int n, int exponent)
{
    return solved_as(t, n, exponent, false);
}

/* The matrix has several strips on every number of ranks of this test. */
static void half_stored_matrices_give_the_same_bits(void **state)
{
    (void)state;
    enum { N = 1951 };
    stage t = set_up(MPI_COMM_WORLD);
    double *whole = solved(&t, N, 0), *half = solved_as(&t, N, 0, true);
    assert_all(!memcmp(whole, half, N * sizeof *whole));
    free(whole);
    free(half);
    tear_down(t);
}

/* All blocks off the diagonal have rank one, which leaves rounding of rounding of
   rounding. */
static void large_stairs_have_a_closed_form(void **state)
{
    (void)state;
    enum { N = 1900 };
    stage t = set_up(MPI_COMM_WORLD);
    double *lambda = solved(&t, N, 0), worst = 0;
    for (int k = 1; k <= N; k++) {
        const double exact = 0.25 / pow(sin((2 * k - 1) * acos(-1) / (4 * N + 2)), 2);
        worst = fmax(worst, fabs(lambda[N - k] - exact));
    }
    assert_all(worst <= 1e-13 * lambda[N - 1]);
    free(lambda);
    tear_down(t);
}

/* Powers of 2 change the eigenvalues by exactly that factor, to the bit, up to where
   numbers lose their own bits. */
static void units_do_not_matter(void **state)
{
    (void)state;
    enum { N = 130 };
    stage t = set_up(MPI_COMM_WORLD);
    double *plain = solved(&t, N, 0);
    static const int exponents[] = {-900, -300, 300, 1000, -1060};
    for (int e = 0; e < 5; e++) {
        double *scaled = solved(&t, N, exponents[e]), worst = 0;
        for (int i = 0; i < N; i++)
            worst = fmax(worst, fabs(ldexp(plain[i], exponents[e]) - scaled[i]));
        assert_all(worst <= (e < 4 ? 0 : 1e-2 * scaled[N - 1]));
        free(scaled);
    }
    free(plain);
    tear_down(t);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_pipeline_gives_the_same_bits),
    cmocka_unit_test(large_stairs_have_a_closed_form),
    cmocka_unit_test(units_do_not_matter),
    cmocka_unit_test(half_stored_matrices_give_the_same_bits),
};

MPI_TEST_MAIN(tests)
