/* Power laws of the largest eigenvalues: closed forms, the definition word by word, and
   spectra without a fit. */
#include "base/random.h"
#include "check.h"
#include "hesse/tail.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

static void assert_near(double found, double expected, double far)
{
    if (!(fabs(found - expected) <= far))
        fail_msg("%.17g, expected %.17g up to %g", found, expected, far);
}

static hesse_tail fit(int n, const double *x)
{
    hesse_why why;
    hesse_tail tail;
    assert_int_equal(hesse_tail_fit(n, x, HESSE_PRECISION_DOUBLE, &tail, &why),
                     HESSE_OK);
    return tail;
}

/* The definition, from the eigenvalues themselves: the distribution functions are
   compared just before and at every eigenvalue. */
static hesse_tail by_definition(int n, const double *x)
{
    const double floor = n * DBL_EPSILON * fmax(fabs(x[0]), fabs(x[n - 1]));
    hesse_tail best = {NAN, NAN, NAN, HUGE_VAL};
    for (int c = 0; c < n; c++) {
        double sum = 0, worst = 0, k = 0;
        if (!(x[c] > floor)) continue;
        for (int i = 0; i < n; i++)
            if (x[i] >= x[c]) sum += log(x[i] / x[c]), k++;
        if (!(sum > 0)) continue;
        const double exponent = 1 + k / sum;
        for (int i = 0; i < n; i++) {
            double less = 0, most = 0;
            if (x[i] < x[c]) continue;
            for (int j = 0; j < n; j++) {
                less += x[j] >= x[c] && x[j] < x[i];
                most += x[j] >= x[c] && x[j] <= x[i];
            }
            const double law = 1 - pow(x[i] / x[c], 1 - exponent);
            worst = fmax(worst, fmax(fabs(law - less / k), fabs(law - most / k)));
        }
        if (worst < best.distance * (1 - 1e-12))
            best = (hesse_tail){exponent, x[c], k, worst};
    }
    return best;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Numbers with a power law above 1, and others below it. */
static void make_sample(int n, double exponent, uint64_t seed, double *x)
{
    for (int i = 0; i < n; i++) {
        const double u = hesse_uniform(seed, HESSE_RANDOM_SAMPLES, (uint64_t)i);
        x[i] = i % 3 ? pow(1 - u, -1 / (exponent - 1)) : i % 2 ? u : u - 1;
    }
    qsort(x, (size_t)n, sizeof *x, ascending);
}

static void it_is_the_definition(void **state)
{
    (void)state;
    enum { N = 120 };
    double x[N];
    for (uint64_t seed = 0; seed < 20; seed++) {
        make_sample(N, 1.5 + 0.2 * (double)seed, seed, x);
        if (seed % 2) /* equal eigenvalues */
            for (int i = 0; i + 1 < N; i += 5) x[i + 1] = x[i];
        const hesse_tail found = fit(N, x), expected = by_definition(N, x);
        assert_near(found.distance, expected.distance, 1e-12);
        assert_near(found.exponent, expected.exponent, 1e-9 * expected.exponent);
        assert_true(found.minimum == expected.minimum);
        assert_true(found.count == expected.count);
    }
}

/* The quantiles of a power law in the middle of every step have the distance 1 / (2 k),
   the smallest that is possible, when the exponent is the law's. */
static void quantiles_have_their_exponent(void **state)
{
    (void)state;
    enum { N = 4000 };
    static double x[N];
    for (int i = 0; i < N; i++) x[i] = pow(1 - (i + 0.5) / N, -1 / 1.5);
    const hesse_tail t = fit(N, x);
    assert_near(t.exponent, 2.5, 0.02);
    assert_true(t.count > N / 2.0);
    assert_true(t.distance < 2.0 / N);
}

static void units_do_not_matter(void **state)
{
    (void)state;
    enum { N = 100 };
    double x[N];
    make_sample(N, 2.2, 7, x);
    const hesse_tail t = fit(N, x);
    for (int i = 0; i < N; i++) x[i] = ldexp(x[i], -300);
    const hesse_tail u = fit(N, x);
    assert_near(u.exponent, t.exponent, 1e-9);
    assert_near(u.distance, t.distance, 1e-9);
    assert_true(u.minimum == ldexp(t.minimum, -300));
    assert_true(u.count == t.count);
}

static void some_spectra_have_no_tail(void **state)
{
    (void)state;
    const double one[] = {2}, negative[] = {-3, -2, -1}, zero[] = {0, 0, 0},
                 single[] = {-1, 0, 1e-20, 5}, equal[] = {4, 4, 4};
    const struct {
        int n;
        const double *x;
    } all[] = {{1, one}, {3, negative}, {3, zero}, {4, single}, {3, equal}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const hesse_tail t = fit(all[i].n, all[i].x);
        assert_true(isnan(t.exponent) && isnan(t.minimum));
        assert_true(isnan(t.count) && isnan(t.distance));
    }
}

/* Of 1 and e, the sum of logarithms is 1, so the exponent is 3. The law at e is 1 -
   e^-2, which is 1 - e^-2 - 1/2 above the step before, and at 1 it is 1/2 below. */
static void two_numbers(void **state)
{
    (void)state;
    const double x[] = {1, exp(1)};
    const hesse_tail t = fit(2, x);
    assert_near(t.exponent, 3, 1e-14);
    assert_near(t.distance, 0.5, 1e-14);
    assert_true(t.minimum == 1 && t.count == 2);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(it_is_the_definition),
        cmocka_unit_test(quantiles_have_their_exponent),
        cmocka_unit_test(units_do_not_matter),
        cmocka_unit_test(some_spectra_have_no_tail),
        cmocka_unit_test(two_numbers),
    };
    return run_cases(argc, argv, cases, NULL, NULL);
}
