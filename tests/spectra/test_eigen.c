/* Every eigensolver is compared with closed forms and with LAPACK's dsyev on 1, 2, 4
   and 6 ranks. The smallest orders leave some ranks without rows. */
#include "check_memory.h"
#include "check_mpi.h"
#include "spectra/engines/eigen.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void dsyev_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda,
            double *w, double *work, const int *lwork, int *info, size_t, size_t);

static const hesse_engine engines[] = {HESSE_ENGINE_AUTO,      HESSE_ENGINE_LAPACK,
                                       HESSE_ENGINE_SCALAPACK, HESSE_ENGINE_ELPA,
                                       HESSE_ENGINE_BAND,      HESSE_ENGINE_SMALL};
enum { ENGINES = sizeof engines / sizeof *engines };

/* The orders lie around block edges of 1, 2, 4, ... and around the numbers of ranks. */
static const int orders[] = {1, 2, 3, 5, 6, 7, 10, 17, 33, 64, 65, 100, 150};
enum { ORDERS = sizeof orders / sizeof *orders };

typedef enum kind { STAIRS, RANDOM, CLUSTER, HALF_ZERO, ZERO, KINDS } kind;

/* Return a random number for each unordered pair of indices. */
static double pair(int i, int j)
{
    const uint64_t low = (uint64_t)(i < j ? i : j), high = (uint64_t)(i < j ? j : i);
    uint64_t seed = low * 1000003 + high * 7919;
    return uniform(&seed);
}

/* Twenty directions of falling weight over noise give a cluster at zero, as Hessians
   have. */
static double clustered(int n, int i, int j)
{
    double sum = 1e-10 * pair(i, j);
    for (int k = 0; k < 20; k++)
        sum += ldexp(pair(i + 7 * n, k) * pair(j + 7 * n, k), -k);
    return sum;
}

static double entry(kind k, int n, int i, int j)
{
    switch (k) {
    case STAIRS:
        return (i < j ? i : j) + 1;
    case RANDOM:
        return pair(i, j);
    case CLUSTER:
        return clustered(n, i, j);
    case HALF_ZERO:
        return i < n / 2 && j < n / 2 ? clustered(n, i, j) : 0;
    default:
        return 0;
    }
}

static double *dense(kind k, int n)
{
    double *a = malloc((size_t)n * n * sizeof *a);
    for (int j = 0; a && j < n; j++)
        for (int i = 0; i < n; i++) a[(size_t)j * n + i] = entry(k, n, i, j);
    return a;
}

static hesse_dmat *distributed(const hesse_grid *grid, kind k, int n)
{
    hesse_dmat *a = NULL;
    assert_all(hesse_dmat_new(grid, n, &a) == HESSE_OK);
    for (int j = 0; j < a->col.count; j++)
        for (int i = 0; i < a->row.count; i++)
            a->local[(size_t)j * a->row.count + i] = entry(
                k, n, hesse_axis_global(&a->row, i), hesse_axis_global(&a->col, j));
    return a;
}

/* The reference is the QR algorithm, which no engine uses. */
static double *reference(const double *a, int n)
{
    const int lwork = 40 * n;
    int info = 1;
    double *copy = malloc((size_t)n * n * sizeof *copy);
    double *work = malloc((size_t)lwork * sizeof *work);
    double *lambda = malloc((size_t)n * sizeof *lambda);
    assert_all(copy && work && lambda);
    memcpy(copy, a, (size_t)n * n * sizeof *a);
    dsyev_("N", "L", &n, copy, &n, lambda, work, &lwork, &info, 1, 1);
    assert_all(info == 0);
    free(work);
    free(copy);
    return lambda;
}

static double norm_of(const double *lambda, int n)
{
    return fmax(fabs(lambda[0]), fabs(lambda[n - 1]));
}

static double worst_value(const hesse_spectrum *s, const double *lambda)
{
    double worst = 0;
    for (int i = 0; i < s->n; i++)
        worst = fmax(worst, fabs(s->eigenvalues[i] - lambda[i]));
    return worst;
}

/* Return the index of the eigenvalue that belongs to vector v. */
static int value_of(const hesse_spectrum *s, int v)
{
    return v < s->vectors / 2 || s->vectors == s->n ? v : s->n - s->vectors + v;
}

/* Return the largest 2-norm of A q - lambda q, and check that the spectrum says the
   same. */
static double worst_residual(const hesse_spectrum *s, const double *a, double norm)
{
    const int n = s->n;
    double worst = 0;
    for (int v = 0; v < s->vectors; v++) {
        const double *q = s->eigenvectors + (size_t)v * n;
        double squares = 0;
        for (int i = 0; i < n; i++) {
            double sum = -s->eigenvalues[value_of(s, v)] * q[i];
            for (int j = 0; j < n; j++) sum += a[(size_t)j * n + i] * q[j];
            squares += sum * sum;
        }
        if (!(fabs(sqrt(squares) - s->residuals[v]) <= 1e-13 * norm)) return INFINITY;
        worst = fmax(worst, sqrt(squares));
    }
    return worst;
}

/* Return the largest entry of Q^T Q - 1. */
static double worst_angle(const hesse_spectrum *s)
{
    double worst = 0;
    for (int v = 0; v < s->vectors; v++)
        for (int w = 0; w <= v; w++) {
            double sum = v == w ? -1 : 0;
            for (int i = 0; i < s->n; i++)
                sum += s->eigenvectors[(size_t)v * s->n + i] *
                       s->eigenvectors[(size_t)w * s->n + i];
            worst = fmax(worst, fabs(sum));
        }
    return worst;
}

static int as_on_rank_0(const double *mine, size_t count)
{
    double *theirs = malloc((count + 1) * sizeof *theirs);
    if (count) memcpy(theirs, mine, count * sizeof *theirs);
    MPI_Bcast(theirs, (int)count, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    const int same = !count || !memcmp(theirs, mine, count * sizeof *theirs);
    free(theirs);
    return same;
}

static int same_bits(const hesse_spectrum *s)
{
    const size_t n = (size_t)s->n, m = (size_t)s->vectors;
    const int values = as_on_rank_0(s->eigenvalues, n);
    const int vectors = as_on_rank_0(s->eigenvectors, n * m);
    return as_on_rank_0(s->residuals, m) && values && vectors;
}

/* Check that the right engine was used. ScaLAPACK replaces ELPA if a rank owns
   nothing. */
static int is_right_engine(const hesse_dmat *a, hesse_engine asked, bool vectors,
                           hesse_engine got)
{
    asked = hesse_engine_choose(asked, a->n, a->grid->team->size, vectors);
    int least = a->row.count * a->col.count, mine = least;
    MPI_Allreduce(&mine, &least, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    if (asked == HESSE_ENGINE_ELPA && least == 0) asked = HESSE_ENGINE_SCALAPACK;
    return got == asked;
}

/* Check one matrix and one engine, with k eigenvectors at each end. */
static void check(const hesse_grid *grid, kind what, int n, hesse_engine engine, int k,
                  const double *whole, const double *lambda)
{
    hesse_why why;
    hesse_spectrum *s = NULL;
    hesse_dmat *a = distributed(grid, what, n);
    const double norm = norm_of(lambda, n);
    assert_all(hesse_spectrum_new(n, k, &s, &why) == HESSE_OK);
    const hesse_status status = hesse_eigen(a, engine, s);
    if (status) print_error("%s\n", hesse_team_why(grid->team)->text);
    assert_all(status == HESSE_OK);
    assert_all(is_right_engine(a, engine, k > 0, s->engine));
    assert_all(worst_value(s, lambda) <= 1e-12 * norm);
    assert_all(worst_residual(s, whole, norm) <= 1e-12 * norm);
    assert_all(worst_angle(s) <= 1e-12);
    assert_all(same_bits(s));
    hesse_spectrum_free(s);
    hesse_dmat_free(a);
}

typedef struct stage {
    hesse_team *team;
    hesse_grid *grid;
} stage;

static stage set_up(void)
{
    stage t = {NULL, NULL};
    assert_all(hesse_team_new(MPI_COMM_WORLD, &t.team) == HESSE_OK);
    assert_all(hesse_grid_new(t.team, &t.grid) == HESSE_OK);
    return t;
}

static void tear_down(stage t)
{
    hesse_grid_free(t.grid);
    hesse_team_free(t.team);
}

/* The inverse of min(i, j) is tridiagonal, and its eigenvalues are squared sines. */
static void stairs_have_a_closed_form(void **state)
{
    (void)state;
    stage t = set_up();
    for (int o = 0; o < ORDERS; o++) {
        const int n = orders[o];
        double *whole = dense(STAIRS, n), *lambda = malloc((size_t)n * sizeof *lambda);
        assert_all(whole && lambda);
        for (int k = 1; k <= n; k++)
            lambda[n - k] = 0.25 / pow(sin((2 * k - 1) * acos(-1) / (4 * n + 2)), 2);
        for (int e = 0; e < ENGINES; e++) {
            if (!hesse_engine_exists(engines[e])) continue;
            check(t.grid, STAIRS, n, engines[e], 0, whole, lambda);
            check(t.grid, STAIRS, n, engines[e], 2, whole, lambda);
        }
        free(lambda);
        free(whole);
    }
    tear_down(t);
}

/* The engines agree with none, some and all of the eigenvectors. */
static void engines_agree(void **state)
{
    (void)state;
    stage t = set_up();
    for (kind what = RANDOM; what < KINDS; what++)
        for (int o = 0; o < ORDERS; o++) {
            const int n = orders[o];
            double *whole = dense(what, n);
            double *lambda = reference(whole, n);
            for (int e = 0; e < ENGINES; e++) {
                if (!hesse_engine_exists(engines[e])) continue;
                check(t.grid, what, n, engines[e], 0, whole, lambda);
                check(t.grid, what, n, engines[e], 1, whole, lambda);
                check(t.grid, what, n, engines[e], n, whole, lambda);
            }
            free(lambda);
            free(whole);
        }
    tear_down(t);
}

/* The order is above the one at which "auto" calls the ranks together. */
static void large_ones_are_shared(void **state)
{
    (void)state;
    stage t = set_up();
    int n = 1;
    while (n < 1200 &&
           hesse_engine_choose(HESSE_ENGINE_AUTO, n, hesse_team_size(t.team), false) ==
               HESSE_ENGINE_SMALL)
        n++;
    double *whole = dense(CLUSTER, n);
    double *lambda = reference(whole, n);
    check(t.grid, CLUSTER, n, HESSE_ENGINE_AUTO, 0, whole, lambda);
    free(lambda);
    free(whole);
    tear_down(t);
}

/* On one rank alone, only the lower triangle is read. */
static void local_reads_the_lower_triangle(void **state)
{
    (void)state;
    for (int o = 0; o < ORDERS; o++)
        for (int k = -2; k < 3; k++) {
            const int n = orders[o];
            const hesse_engine e = k == -2   ? HESSE_ENGINE_SMALL
                                   : k == -1 ? HESSE_ENGINE_BAND
                                             : HESSE_ENGINE_LAPACK;
            hesse_why why;
            hesse_spectrum *s = NULL;
            double *whole = dense(CLUSTER, n), *a = dense(CLUSTER, n);
            double *lambda = reference(whole, n);
            const double norm = norm_of(lambda, n);
            for (int j = 0; j < n; j++)
                for (int i = 0; i < j; i++) a[(size_t)j * n + i] = NAN;
            assert_all(hesse_spectrum_new(n, k < 0 ? 0 : k, &s, &why) == HESSE_OK);
            assert_all(hesse_eigen_local(n, a, e, s, &why) == HESSE_OK);
            assert_all(s->engine == e);
            assert_all(worst_value(s, lambda) <= 1e-12 * norm);
            assert_all(worst_residual(s, whole, norm) <= 1e-12 * norm);
            assert_all(worst_angle(s) <= 1e-12);
            hesse_spectrum_free(s);
            free(lambda);
            free(whole);
            free(a);
        }
}

/* One bad entry on one rank is an error on all ranks. */
static void what_is_not_finite_is_refused(void **state)
{
    (void)state;
    static const double bad[] = {NAN, INFINITY, -INFINITY};
    enum { N = 40 };
    stage t = set_up();
    for (int e = 0; e < ENGINES; e++)
        for (int b = 0; b < 3; b++)
            for (int r = 0; r < hesse_team_size(t.team); r++) {
                hesse_why why;
                hesse_spectrum *s = NULL;
                hesse_dmat *a = distributed(t.grid, RANDOM, N);
                assert_all(hesse_spectrum_new(N, b, &s, &why) == HESSE_OK);
                if (r == hesse_team_rank(t.team)) a->local[a->row.count + 1] = bad[b];
                assert_all(hesse_eigen(a, engines[e], s) == HESSE_E_NUMERIC);
                assert_all(strstr(hesse_team_why(t.team)->text, "not finite") != NULL);
                double *whole = dense(RANDOM, N);
                whole[3] = bad[b];
                assert_all(hesse_eigen_local(N, whole, HESSE_ENGINE_AUTO, s, &why) ==
                           HESSE_E_NUMERIC);
                free(whole);
                hesse_spectrum_free(s);
                hesse_dmat_free(a);
            }
    tear_down(t);
}

/* Make every allocation of an engine fail on one rank in turn. Return the number of
   runs. */
static int break_all(stage t, int rank, hesse_engine engine, int k)
{
    enum { N = 40 };
    hesse_status status = HESSE_E_NOMEM;
    int tries = 0;
    for (; status; tries++) {
        hesse_why why;
        hesse_spectrum *s = NULL;
        hesse_dmat *a = distributed(t.grid, RANDOM, N);
        assert_all(hesse_spectrum_new(N, k, &s, &why) == HESSE_OK);
        broken_rank = rank, broken_at = tries, allocations = 0;
        status = hesse_eigen(a, engine, s);
        broken_rank = -1;
        int worst;
        MPI_Allreduce(&(int){status}, &worst, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
        assert_all(status == HESSE_OK || status == HESSE_E_NOMEM);
        assert_all((int)status == worst);
        assert_all(!status || strstr(hesse_team_why(t.team)->text, "memory") ||
                   strstr(hesse_team_why(t.team)->text, "not there"));
        hesse_spectrum_free(s);
        hesse_dmat_free(a);
    }
    return tries;
}

static void one_rank_out_of_memory_fails_all(void **state)
{
    (void)state;
    stage t = set_up();
    for (int r = 0; r < hesse_team_size(t.team); r++)
        for (int e = 0; e < ENGINES; e++)
            for (int k = 0; k < 2 && hesse_engine_exists(engines[e]); k++) {
                const int tries = break_all(t, r, engines[e], k);
                const bool solves = engines[e] == HESSE_ENGINE_SCALAPACK || k;
                assert_all(!solves || r || tries > 1);
            }
    tear_down(t);
}

/* An engine allocates no more than it was predicted to need. */
static void memory_is_as_foretold(void **state)
{
    (void)state;
    enum { N = 300 };
    stage t = set_up();
    for (int e = 1; e < ENGINES; e++)
        for (int k = 0; k < 2 && hesse_engine_exists(engines[e]); k++) {
            hesse_why why;
            hesse_spectrum *s = NULL;
            hesse_dmat *a = distributed(t.grid, RANDOM, N);
            assert_all(hesse_spectrum_new(N, k, &s, &why) == HESSE_OK);
            allocated = 0;
            assert_all(hesse_eigen(a, engines[e], s) == HESSE_OK);
            const int ranks = hesse_team_size(t.team);
            const hesse_engine serves =
                hesse_engine_choose(engines[e], N, ranks, k > 0);
            assert_all((double)allocated <=
                       hesse_engine_bytes(serves, N, ranks, k > 0));
            hesse_spectrum_free(s);
            hesse_dmat_free(a);
        }
    tear_down(t);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(stairs_have_a_closed_form),
    cmocka_unit_test(engines_agree),
    cmocka_unit_test(large_ones_are_shared),
    cmocka_unit_test(local_reads_the_lower_triangle),
    cmocka_unit_test(what_is_not_finite_is_refused),
    cmocka_unit_test(one_rank_out_of_memory_fails_all),
    cmocka_unit_test(memory_is_as_foretold),
};

MPI_TEST_MAIN(tests)
