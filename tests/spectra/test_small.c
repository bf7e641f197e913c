/* The engine for small matrices: closed forms, matrices whose eigenvalues crowd
   together, very large and very small numbers, every order, and LAPACK's DSYEV. */
#include "base/memory.h"
#include "check.h"
#include "spectra/engines/small.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

void dsyev_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda,
            double *w, double *work, const int *lwork, int *info, size_t, size_t);

enum { MOST = 600 };

static int left = -1;    /* allocations until one fails; -1: none fails */
static size_t allocated; /* bytes */

double *__real_hesse_alloc(size_t count);
double *__wrap_hesse_alloc(size_t count);

double *__wrap_hesse_alloc(size_t count)
{
    allocated += count * sizeof(double);
    return left >= 0 && left-- == 0 ? NULL : __real_hesse_alloc(count);
}

static const double PI = 3.14159265358979323846;

static double d[MOST], e[MOST], lambda[MOST], known[MOST];
static double a[MOST * MOST], b[MOST * MOST];

static double largest(int n, const double *x)
{
    double most = 0;
    for (int i = 0; i < n; i++) most = fmax(most, fabs(x[i]));
    return most;
}

/* Check that lambda is ascending and known to some roundings of the norm. */
static void compare(int n, double roundings)
{
    const double bound = roundings * DBL_EPSILON * largest(n, known);
    for (int i = 0; i < n; i++) {
        if (!(fabs(lambda[i] - known[i]) <= bound))
            print_error("eigenvalue %d of %d: %.17g, expected %.17g\n", i, n, lambda[i],
                        known[i]);
        assert_true(fabs(lambda[i] - known[i]) <= bound);
        assert_true(i == 0 || lambda[i - 1] <= lambda[i]);
    }
}

static void solve(int n)
{
    hesse_why why;
    memset(lambda, 0xff, sizeof lambda); /* NaN */
    assert_int_equal(hesse_small_solve(n, a, lambda, &why), HESSE_OK);
}

/* Fill the matrix with the tridiagonal one. */
static void spread(int n)
{
    memset(a, 0, sizeof a);
    for (int i = 0; i < n; i++) {
        a[i * n + i] = d[i];
        if (i < n - 1) a[i * n + i + 1] = e[i];
    }
}

/* DSYEV has its own errors, so the orders of eigenvalues are compared to 1e-13. */
static void refer(int n)
{
    static double work[40 * MOST];
    const int lwork = 40 * n;
    int info = 1;
    memcpy(b, a, (size_t)(n * n) * sizeof *a);
    dsyev_("N", "L", &n, b, &n, known, work, &lwork, &info, 1, 1);
    assert_int_equal(info, 0);
}

static void fill(int n, uint64_t seed)
{
    for (int j = 0; j < n; j++)
        for (int i = j; i < n; i++) a[i * n + j] = a[j * n + i] = uniform(&seed);
}

/* The second difference has the eigenvalues 4 sin^2(k pi / (2 n + 2)). */
static void second_differences(void **state)
{
    (void)state;
    for (int n = 1; n <= MOST; n += n < 70 ? 1 : 53) {
        for (int i = 0; i < n; i++) {
            d[i] = 2, e[i] = -1;
            known[i] = 4 * pow(sin((i + 1) * PI / (2 * n + 2)), 2);
        }
        spread(n);
        solve(n);
        compare(n, 8 + sqrt(n));
    }
}

/* Copies of Wilkinson's matrix with the diagonal 10 ... 0 ... 10, whose eigenvalues are
   pairs that agree to 14 digits, are joined by smaller and smaller entries. At 0 they
   are copies. */
static void crowded_ones(void **state)
{
    (void)state;
    enum { SIDE = 21, COPIES = 8, N = SIDE * COPIES };
    static const double glue[] = {0, 1e-300, 1e-100, 1e-20, 1e-16, 1e-12, 1e-7, 1e-3};
    for (size_t g = 0; g < sizeof glue / sizeof *glue; g++) {
        for (int i = 0; i < N; i++) {
            d[i] = abs(i % SIDE - SIDE / 2);
            e[i] = i % SIDE == SIDE - 1 ? glue[g] : 1;
        }
        spread(N);
        refer(N);
        solve(N);
        compare(N, 100);
    }
}

/* Diagonal matrices, the zero matrix, and ones; some entries are equal. */
static void diagonal_ones(void **state)
{
    (void)state;
    for (int n = 1; n < 40; n++) {
        for (int kind = 0; kind < 3; kind++) {
            memset(a, 0, sizeof a);
            for (int i = 0; i < n; i++) {
                known[i] = kind * (i / 3 - n / 6) * 0.7;
                a[(n - 1 - i) * (n + 1)] = known[i];
            }
            solve(n);
            compare(n, 2);
        }
        for (int i = 0; i < n * n; i++) a[i] = 1;
        memset(known, 0, sizeof known);
        known[n - 1] = n;
        solve(n);
        compare(n, 8);
    }
}

static void every_order_agrees_with_lapack(void **state)
{
    (void)state;
    for (int n = 1; n <= MOST; n += n < 140 ? 1 : n < 150 ? 60 : 200) {
        fill(n, (uint64_t)n);
        refer(n);
        for (int j = 0; j < n; j++)
            for (int i = 0; i < j; i++) a[j * n + i] = NAN;
        solve(n);
        compare(n, 500);
    }
}

/* The eigenvalues of a Hessian: few are large, and the rest falls to rounding. */
static void low_rank_and_graded(void **state)
{
    (void)state;
    for (int n = 2; n < 200; n += 7)
        for (int kind = 0; kind < 2; kind++) {
            uint64_t seed = (uint64_t)n;
            memset(a, 0, sizeof a);
            for (int k = 0; k < 12; k++) {
                double v[200];
                for (int i = 0; i < n; i++) v[i] = uniform(&seed);
                for (int j = 0; j < n; j++)
                    for (int i = 0; i < n; i++) a[j * n + i] += ldexp(v[i] * v[j], -k);
            }
            for (int j = 0; kind && j < n; j++)
                for (int i = 0; i < n; i++)
                    a[j * n + i] *= pow(10, -300.0 * (i + j) / n);
            refer(n);
            solve(n);
            compare(n, 500);
        }
}

/* A power of 2 multiplies the eigenvalues, bit for bit. */
static void scales_do_not_matter(void **state)
{
    (void)state;
    static const int powers[] = {-1000, -700, -30, 1, 200, 1000};
    for (int n = 1; n < 80; n += 13) {
        fill(n, 3);
        solve(n);
        memcpy(known, lambda, sizeof known);
        for (size_t p = 0; p < sizeof powers / sizeof *powers; p++) {
            fill(n, 3);
            for (int i = 0; i < n * n; i++) a[i] = ldexp(a[i], powers[p]);
            solve(n);
            for (int i = 0; i < n; i++)
                assert_true(lambda[i] == ldexp(known[i], powers[p]));
        }
    }
    const double tiny[] = {0x1p-1074, 0, 0, 0}, huge[] = {0x1p1023, 0, 0, -0x1p1023};
    memcpy(a, tiny, sizeof tiny);
    solve(2);
    assert_true(lambda[0] == 0 && lambda[1] == 0x1p-1074);
    memcpy(a, huge, sizeof huge);
    solve(2);
    assert_true(lambda[0] == -0x1p1023 && lambda[1] == 0x1p1023);
}

static void memory_is_as_foretold(void **state)
{
    (void)state;
    for (int n = 1; n <= MOST; n += 23) {
        hesse_why why;
        fill(n, 5);
        allocated = 0;
        solve(n);
        assert_true((double)allocated <= hesse_small_solve_bytes(n));
        for (int i = 0; i < 2; i++) {
            left = i;
            assert_int_equal(hesse_small_solve(n, a, lambda, &why), HESSE_E_NOMEM);
            assert_non_null(strstr(why.text, "not there"));
            left = -1;
        }
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(second_differences),
        cmocka_unit_test(crowded_ones),
        cmocka_unit_test(diagonal_ones),
        cmocka_unit_test(every_order_agrees_with_lapack),
        cmocka_unit_test(low_rank_and_graded),
        cmocka_unit_test(scales_do_not_matter),
        cmocka_unit_test(memory_is_as_foretold),
    };
    return run_cases(argc, argv, tests, NULL, NULL);
}
