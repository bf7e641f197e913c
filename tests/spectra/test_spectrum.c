/* Spectra, their checks and measures: closed forms, and eigensolvers that must pass the
   checks. */
#include "check.h"
#include "hesse/spectrum.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void dsyev_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda,
            double *w, double *work, const int *lwork, int *info, size_t, size_t);

static hesse_spectrum *spectrum_of(int n, const double *lambda)
{
    hesse_why why;
    hesse_spectrum *s = NULL;
    assert_int_equal(hesse_spectrum_new(n, 0, &s, &why), HESSE_OK);
    memcpy(s->eigenvalues, lambda, n * sizeof *lambda);
    return s;
}

/* Return the sums of a dense matrix. */
static hesse_sums sums_of(int n, const double *h)
{
    hesse_sums sums = {0};
    for (int i = 0; i < n; i++) {
        sums.trace += h[i * n + i], sums.abs_diagonal += fabs(h[i * n + i]);
        for (int j = 0; j < n; j++) {
            sums.squares += h[i * n + j] * h[i * n + j];
            sums.abs += fabs(h[i * n + j]);
        }
    }
    return sums;
}

static hesse_sums sums_of_diagonal(int n, const double *d)
{
    hesse_sums sums = {0};
    for (int i = 0; i < n; i++) {
        sums.trace += d[i], sums.squares += d[i] * d[i];
        sums.abs += fabs(d[i]), sums.abs_diagonal += fabs(d[i]);
    }
    return sums;
}

static void room_is_for_both_ends(void **state)
{
    (void)state;
    const int wanted[][3] = {{5, 0, 0}, {5, 1, 2}, {5, 2, 4},         {5, 3, 5},
                             {1, 7, 1}, {4, 2, 4}, {3, 2000000000, 3}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        hesse_why why;
        hesse_spectrum *s = NULL;
        assert_int_equal(hesse_spectrum_new(wanted[i][0], wanted[i][1], &s, &why), 0);
        assert_int_equal(s->n, wanted[i][0]);
        assert_int_equal(s->vectors, wanted[i][2]);
        assert_int_equal(s->eigenvectors != NULL, wanted[i][2] > 0);
        assert_int_equal(s->residuals != NULL, wanted[i][2] > 0);
        hesse_spectrum_free(s);
    }
    hesse_spectrum_free(NULL);
}

/* Symmetric matrices have one of several characters: dense, clustered at zero with one
   outlier, graded over 12 decades, rank one, and dense with two tiny factors. */
static void fill(int n, int character, double *h, uint64_t *seed)
{
    double x[160];
    for (int i = 0; i < n; i++) x[i] = uniform(seed);
    for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++) {
            double v = uniform(seed);
            if (character == 1) v = 1e-10 * v + x[i] * x[j];
            if (character == 2) v *= pow(10, -6.0 * (i + j) / n);
            if (character == 3) v = 1e3 * x[i] * x[j];
            if (character == 4) v *= 1e-60;
            if (character == 5) v *= 1e-200;
            h[i * n + j] = h[j * n + i] = v;
        }
}

static double solve(int n, double *h, double *lambda)
{
    double work[8 * 160];
    const int lwork = 8 * 160;
    int info;
    const hesse_sums sums = sums_of(n, h);
    hesse_why why;
    dsyev_("N", "L", &n, h, &n, lambda, work, &lwork, &info, 1, 1);
    hesse_spectrum *s = spectrum_of(n, lambda);
    const hesse_status status = hesse_spectrum_check(s, &sums, "b", &why);
    if (status) fprintf(stderr, "%s\n", why.text);
    assert_int_equal(status, HESSE_OK);
    const double worst = fmax(s->check_trace, s->check_frobenius);
    hesse_spectrum_free(s);
    return worst / hesse_check_bound(n, HESSE_PRECISION_DOUBLE);
}

static void right_spectra_pass_with_room_to_spare(void **state)
{
    (void)state;
    double *h = calloc(160 * 160, sizeof *h), lambda[160], worst = 0;
    uint64_t seed = 1;
    for (int n = 1; n <= 160; n += n < 8 ? 1 : 19)
        for (int character = 0; character < 6; character++)
            for (int repeat = 0; repeat < 3; repeat++) {
                fill(n, character, h, &seed);
                worst = fmax(worst, solve(n, h, lambda));
            }
    assert_true(worst < 0.05);
    free(h);
}

static void one_wrong_eigenvalue_fails(void **state)
{
    (void)state;
    enum { N = 100 };
    double d[N], lambda[N];
    uint64_t seed = 2;
    for (int i = 0; i < N; i++) d[i] = i - 30 + uniform(&seed) / 4;
    const hesse_sums sums = sums_of_diagonal(N, d);
    const double wrong = 1e-9 * sqrt(sums.squares);
    for (int i = 0; i < N; i++)
        for (int sign = -1; sign <= 1; sign += 2) {
            hesse_why why;
            memcpy(lambda, d, sizeof d);
            lambda[i] += sign * wrong;
            hesse_spectrum *s = spectrum_of(N, lambda);
            assert_int_equal(hesse_spectrum_check(s, &sums, "h.0.attn", &why),
                             HESSE_E_NUMERIC);
            assert_non_null(strstr(why.text, "h.0.attn"));
            assert_non_null(strstr(why.text, "trace"));
            hesse_spectrum_free(s);
        }
    assert_true(hesse_check_bound(70000, HESSE_PRECISION_DOUBLE) < 1e-9);
    assert_true(hesse_check_bound(70000, HESSE_PRECISION_SINGLE) < 3e-3);
}

/* Two errors cancel in the trace. */
static void the_frobenius_norm_sees_what_the_trace_does_not(void **state)
{
    (void)state;
    const double d[] = {1, 2, 3}, lambda[] = {1 - 1e-9, 2, 3 + 1e-9};
    const hesse_sums sums = sums_of_diagonal(3, d);
    hesse_why why;
    hesse_spectrum *s = spectrum_of(3, lambda);
    assert_int_equal(hesse_spectrum_check(s, &sums, "b", &why), HESSE_E_NUMERIC);
    assert_non_null(strstr(why.text, "Frobenius"));
    hesse_spectrum_free(s);
}

static void zero_matrices_and_single_numbers(void **state)
{
    (void)state;
    const double zeros[3] = {0}, one[] = {-2.5}, wrong[] = {0, 0, 1e-30};
    const hesse_sums none = {0}, single = sums_of_diagonal(1, one);
    hesse_why why;
    hesse_spectrum *s = spectrum_of(3, zeros);
    assert_int_equal(hesse_spectrum_check(s, &none, "b", &why), HESSE_OK);
    assert_true(s->check_trace == 0 && s->check_frobenius == 0);
    hesse_spectrum_free(s);
    s = spectrum_of(1, one);
    assert_int_equal(hesse_spectrum_check(s, &single, "b", &why), HESSE_OK);
    assert_true(s->check_trace == 0 && s->check_frobenius == 0);
    hesse_spectrum_free(s);
    s = spectrum_of(3, wrong);
    assert_int_equal(hesse_spectrum_check(s, &none, "b", &why), HESSE_E_NUMERIC);
    hesse_spectrum_free(s);
}

static void every_other_check_is_judged(void **state)
{
    (void)state;
    const double d[] = {-1, 2, 4};
    const hesse_sums sums = sums_of_diagonal(3, d);
    const struct {
        double value, symmetry, residual;
        const char *says;
    } cases[] = {
        {4, 0, 0, NULL},          {NAN, 0, 0, "eigenvalue 3"}, {HUGE_VAL, 0, 0, "inf"},
        {1, 0, 0, "order"},       {4, 1e-10, 0, "symmetry"},   {4, NAN, 0, "symmetry"},
        {4, 0, 1e-9, "residual"}, {4, 0, NAN, "residual"},     {4, 9e-12, 5e-11, NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hesse_why why;
        hesse_spectrum *s = NULL;
        assert_int_equal(hesse_spectrum_new(3, 1, &s, &why), HESSE_OK);
        memcpy(s->eigenvalues, d, sizeof d);
        s->eigenvalues[2] = cases[i].value;
        s->check_symmetry = cases[i].symmetry;
        s->residuals[1] = cases[i].residual;
        const hesse_status status = hesse_spectrum_check(s, &sums, "b", &why);
        assert_int_equal(status, cases[i].says ? HESSE_E_NUMERIC : HESSE_OK);
        if (cases[i].says) assert_non_null(strstr(why.text, cases[i].says));
        hesse_spectrum_free(s);
    }
    hesse_why why;
    hesse_spectrum *s = spectrum_of(3, d);
    assert_int_equal(
        hesse_spectrum_check(s, &(hesse_sums){5, HUGE_VAL, 7, 7}, "b", &why),
        HESSE_E_NUMERIC);
    hesse_spectrum_free(s);
}

static void measures_have_closed_forms(void **state)
{
    (void)state;
    /* Besides tau, the measures of diag(-1, 0, 1, 6) do not change with an off-diagonal
       pair. */
    const double lambda[] = {-1, 1e-18, 1, 6}, gradient[] = {3, 0, -4, 12};
    const hesse_sums sums = {.trace = 6, .squares = 38, .abs = 16, .abs_diagonal = 8};
    hesse_measures m;
    hesse_spectrum *s = spectrum_of(4, lambda);
    hesse_measure(s, &sums, gradient, &m);
    assert_true(m.trace == 6 && m.min == -1 && m.max == 6);
    assert_true(m.frobenius == sqrt(38));
    assert_true(m.condition == 6);
    assert_true(m.robust_condition == 6); /* 1e-18, 1, 1, 6 */
    assert_true(m.negative_mass == 1.0 / 8);
    const double entropy = 2 * log(8) / 8 + 6 * log(8.0 / 6) / 8;
    assert_true(fabs(m.effective_rank - exp(entropy)) < 1e-13);
    assert_true(m.trace_per_parameter == 1.5);
    assert_true(m.gradient_norm == 13);
    assert_true(m.dominance == 0.5);
    assert_true(m.noise_floor == 4 * DBL_EPSILON * 6);
    hesse_spectrum_free(s);
}

/* Every spectrum of up to 7 eigenvalues from -3 ... 3, against a sorted list. */
static void the_robust_condition_is_that_of_a_sorted_list(void **state)
{
    (void)state;
    enum { MOST = 7 };
    const double zeros[MOST] = {0};
    const hesse_sums none = {0};
    for (int n = 1; n <= MOST; n++)
        for (int code = 0; code < 1000; code++) {
            double lambda[MOST];
            int count[4] = {0}, rest = code * 37 + n, median = 0;
            for (int i = 0; i < n; i++, rest /= 3) lambda[i] = rest % 3 + (i ? 0 : -3);
            for (int i = 1; i < n; i++)
                lambda[i] = fmin(3, lambda[i - 1] + (int)lambda[i]);
            for (int i = 0; i < n; i++) count[abs((int)lambda[i])]++;
            for (int below = count[0]; below <= (n - 1) / 2; below += count[median])
                median++;
            hesse_measures m;
            hesse_spectrum *s = spectrum_of(n, lambda);
            hesse_measure(s, &none, zeros, &m);
            if (median)
                assert_true(m.robust_condition == lambda[n - 1] / median);
            else if (lambda[n - 1] > 0)
                assert_true(m.robust_condition == HUGE_VAL);
            else
                assert_true(isnan(m.robust_condition));
            hesse_spectrum_free(s);
        }
}

static void equal_eigenvalues_have_full_rank_and_zeros_none(void **state)
{
    (void)state;
    const double equal[] = {-2, -2, -2, -2, -2}, zeros[5] = {0};
    hesse_measures m;
    hesse_spectrum *s = spectrum_of(5, equal);
    const hesse_sums sums = sums_of_diagonal(5, equal), none = {0};
    hesse_measure(s, &sums, zeros, &m);
    assert_true(fabs(m.effective_rank - 5) < 1e-14);
    assert_true(m.condition == 1 && m.negative_mass == 1 && m.dominance == 1);
    assert_true(m.robust_condition == -1); /* the largest eigenvalue has its sign */
    assert_true(m.gradient_norm == 0);
    hesse_spectrum_free(s);
    s = spectrum_of(5, zeros);
    hesse_measure(s, &none, zeros, &m);
    assert_true(m.effective_rank == 0 && m.negative_mass == 0);
    assert_true(isnan(m.condition) && isnan(m.robust_condition));
    assert_true(isnan(m.dominance));
    assert_true(m.trace == 0 && m.frobenius == 0 && m.noise_floor == 0);
    hesse_spectrum_free(s);
}

static void engines_have_names(void **state)
{
    (void)state;
    assert_string_equal(hesse_engine_name(HESSE_ENGINE_AUTO), "auto");
    assert_string_equal(hesse_engine_name(HESSE_ENGINE_LAPACK), "lapack");
    assert_string_equal(hesse_engine_name(HESSE_ENGINE_SCALAPACK), "scalapack");
    assert_string_equal(hesse_engine_name(HESSE_ENGINE_ELPA), "elpa");
    assert_string_equal(hesse_engine_name(HESSE_ENGINE_BAND), "band");
    assert_string_equal(hesse_engine_name(HESSE_ENGINE_SMALL), "small");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(room_is_for_both_ends),
        cmocka_unit_test(right_spectra_pass_with_room_to_spare),
        cmocka_unit_test(one_wrong_eigenvalue_fails),
        cmocka_unit_test(the_frobenius_norm_sees_what_the_trace_does_not),
        cmocka_unit_test(zero_matrices_and_single_numbers),
        cmocka_unit_test(every_other_check_is_judged),
        cmocka_unit_test(measures_have_closed_forms),
        cmocka_unit_test(the_robust_condition_is_that_of_a_sorted_list),
        cmocka_unit_test(equal_eigenvalues_have_full_rank_and_zeros_none),
        cmocka_unit_test(engines_have_names),
    };
    return run_cases(argc, argv, tests, NULL, NULL);
}
