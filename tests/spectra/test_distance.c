/* Densities and distances between spectra: closed forms, bounds and invariances. */
#include "check.h"
#include "hesse/distance.h"
#include "hesse/quadrature.h"
#include "spectra/density.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double LN2 = 0.69314718055994530942;
static const hesse_density PLAIN = {.points = 1000, .bandwidth = 0.01};

/* The same nine eigenvalues, in unlike and in like blocks. */
static const double CASE3[3][3] = {{1, 2, 3}, {99, 100, 101}, {4998, 4999, 5000}};
static const double CASE4[3][3] = {{1, 99, 4998}, {2, 100, 4999}, {3, 101, 5000}};

#define ATOMS(count, numbers) (&(hesse_eigenvalues){.n = (count), .lambda = (numbers)})

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double *random_spectrum(int n, uint64_t *seed)
{
    double *lambda = calloc(n, sizeof *lambda);
    for (int i = 0; i < n; i++) lambda[i] = pow(uniform(seed), 3) * 7 + 1;
    qsort(lambda, n, sizeof *lambda, ascending);
    return lambda;
}

static double between(hesse_distance d, const hesse_density *settings, int n,
                      const double *a, int m, const double *b)
{
    const hesse_eigenvalues both[] = {{.n = n, .lambda = a}, {.n = m, .lambda = b}};
    double matrix[4], mean;
    hesse_distance_grid grid;
    hesse_why why;
    assert_int_equal(hesse_distances(d, settings, 2, both, matrix, &mean, &grid, &why),
                     0);
    assert_true(matrix[0] == 0 && matrix[3] == 0);
    assert_true(matrix[1] == matrix[2] && mean == matrix[1]);
    return mean;
}

static double mean_of_three(hesse_distance d, const hesse_density *settings,
                            const double cases[3][3])
{
    const hesse_eigenvalues list[] = {{.n = 3, .lambda = cases[0]},
                                      {.n = 3, .lambda = cases[1]},
                                      {.n = 3, .lambda = cases[2]}};
    double matrix[9], mean;
    hesse_distance_grid grid;
    hesse_why why;
    assert_int_equal(hesse_distances(d, settings, 3, list, matrix, &mean, &grid, &why),
                     0);
    return mean;
}

static void densities_integrate_to_one(void **state)
{
    (void)state;
    const struct {
        int n, points;
        double bandwidth;
        bool absolute, tenth;
        double shift, factor;
    } cases[] = {
        {200, 1000, 0.01, false, false, 0, 1}, {1, 50, 0.01, false, false, 0, 1},
        {5, 2, 1e-9, false, false, 0, 1},      {30, 7, 1e-12, true, false, 0, 1e9},
        {30, 999, 1e20, true, false, 0, 1},    {40, 1000, 0.003, true, true, 0, 1},
        {9, 1000, 0.01, false, true, 1e9, 0},  {9, 1000, 0.01, false, false, 0, 0},
        {9, 1000, 0.01, true, false, 1e30, 1}, {3, 77, 0.01, false, true, 0, 1e-200}};
    uint64_t seed = 3;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        double *lambda = random_spectrum(cases[c].n, &seed);
        for (int i = 0; i < cases[c].n; i++)
            lambda[i] = cases[c].shift + cases[c].factor * lambda[i];
        const int points = cases[c].points;
        const hesse_density settings = {.points = points,
                                        .bandwidth = cases[c].bandwidth,
                                        .absolute = cases[c].absolute,
                                        .tenth = cases[c].tenth};
        double *grid = calloc(points, sizeof *grid),
               *values = calloc(points, sizeof *grid);
        hesse_density_of(&settings, ATOMS(cases[c].n, lambda), grid, values, NULL);
        double sum = 0;
        const double step = (grid[points - 1] - grid[0]) / (points - 1);
        for (int j = 0; j < points; j++) {
            assert_true(isfinite(grid[j]) && values[j] >= 0);
            if (j) assert_true(grid[j] > grid[j - 1]);
            sum += values[j] * step;
        }
        assert_true(fabs(sum - 1) < 1e-9);
        free(grid), free(values), free(lambda);
    }
}

static void a_density_is_the_mean_of_gaussians(void **state)
{
    (void)state;
    const double lambda[] = {-1, 0.25, 3};
    const hesse_density settings = {.points = 501, .bandwidth = 0.5, .absolute = true};
    double grid[501], values[501];
    hesse_density_of(&settings, ATOMS(3, lambda), grid, values, NULL);
    assert_true(grid[0] == -3 && fabs(grid[500] - 5) < 1e-14);
    for (int j = 0; j < 501; j++) {
        double expected = 0;
        for (int i = 0; i < 3; i++) {
            const double z = (grid[j] - lambda[i]) / 0.5;
            expected += exp(-z * z / 2) / (3 * 0.5 * sqrt(2 * acos(-1.0)));
        }
        /* The ends of the grid cut 3e-5 of the outer kernels. This mass is given back
           to the points. */
        assert_true(fabs(values[j] - expected) < 4e-5 * expected + 1e-16);
    }
}

static void relative_bandwidth_is_of_the_range(void **state)
{
    (void)state;
    const double lambda[] = {10, 11, 30}, point[] = {-5, -5, -5};
    double grid[1000], values[1000];
    hesse_density_of(&PLAIN, ATOMS(3, lambda), grid, values, NULL);
    assert_true(fabs(grid[0] - 9.2) < 1e-12 && fabs(grid[999] - 30.8) < 1e-12);
    hesse_density_of(&PLAIN, ATOMS(3, point), grid, values, NULL);
    assert_true(fabs(grid[0] + 5.2) < 1e-12 && fabs(grid[999] + 4.8) < 1e-12);
}

static void the_tenth_largest_is_the_unit(void **state)
{
    (void)state;
    const hesse_density tenth = {.points = 100, .bandwidth = 0.01, .tenth = true};
    double lambda[12];
    for (int i = 0; i < 12; i++) lambda[i] = i + 2;
    assert_true(hesse_density_scale(&tenth, ATOMS(12, lambda)) == 4);
    assert_true(hesse_density_scale(&tenth, ATOMS(3, lambda)) == 2);
    assert_true(hesse_density_scale(&PLAIN, ATOMS(12, lambda)) == 1);
    assert_true(hesse_density_scale(&tenth, ATOMS(3, ((double[]){-8, 0, 1}))) == 8);
    assert_true(hesse_density_scale(&tenth, ATOMS(2, ((double[]){0, 1}))) == 1);
    double other[12];
    for (int i = 0; i < 12; i++) other[i] = 1000 * lambda[i];
    for (int d = 0; d < HESSE_DISTANCES; d++)
        assert_true(between((hesse_distance)d, &tenth, 12, lambda, 12, other) < 1e-12);
}

/* Compute the divergence by its definition, with no term left out. */
static double divergence(int points, const double *p, const double *q)
{
    double js = 0;
    for (int j = 0; j < points; j++) {
        const double m = (p[j] + q[j]) / 2;
        if (p[j] > 0) js += p[j] * log(p[j] / m) / 2;
        if (q[j] > 0) js += q[j] * log(q[j] / m) / 2;
    }
    return js;
}

/* The expected values are independent sums on 50,000 points in NumPy. With 64
   logarithmic bins, one third of the mass of each pair is apart, which gives ln 2 /
   3. */
static void heterogeneous_and_homogeneous_blocks(void **state)
{
    (void)state;
    assert_true(fabs(mean_of_three(HESSE_JS, &PLAIN, CASE3) - 0.571346) < 5e-5);
    assert_true(fabs(mean_of_three(HESSE_JS, &PLAIN, CASE4) - 7.03878e-5) < 1e-8);
    assert_true(fabs(mean_of_three(HESSE_JS_LOG, &PLAIN, CASE3) - LN2) < 1e-12);
    assert_true(fabs(mean_of_three(HESSE_JS_LOG, &PLAIN, CASE4) - LN2 / 3) < 1e-12);
    /* The distances are 98, 4899 and 4997 in one case, and 1, 1 and 2 in the other. */
    assert_true(fabs(mean_of_three(HESSE_WASSERSTEIN, &PLAIN, CASE3) - 9994.0 / 3) <
                1e-9);
    assert_true(fabs(mean_of_three(HESSE_WASSERSTEIN, &PLAIN, CASE4) - 4.0 / 3) <
                1e-12);
}

/* Published scripts end the grid 1 below the least and 1 above the greatest eigenvalue,
   which cuts the outer kernels in half, and normalise the rest: 0.541 and 5.3e-5. */
static void grids_that_end_at_the_spectrum_give_the_published_numbers(void **state)
{
    (void)state;
    enum { POINTS = 10000, MARGIN = 1000, ALL = POINTS + 2 * MARGIN };
    const double step = 5001.0 / (POINTS - 1);
    const hesse_distance_grid wide = {.first = -MARGIN * step,
                                      .last = 5001 + MARGIN * step,
                                      .step = step,
                                      .bandwidth = 50,
                                      .points = ALL};
    const double(*cases[])[3] = {CASE3, CASE4};
    double *masses = calloc(3 * ALL, sizeof *masses), mean[2] = {0};
    for (int c = 0; c < 2; c++) {
        memset(masses, 0, 3 * ALL * sizeof *masses);
        for (int b = 0; b < 3; b++) {
            double *m = masses + b * ALL, kept = 0;
            hesse_density_add(&wide, ATOMS(3, cases[c][b]), 1, m);
            for (int j = 0; j < POINTS; j++) kept += m[MARGIN + j];
            for (int j = 0; j < ALL; j++) m[j] /= kept;
        }
        const double *inner = masses + MARGIN;
        for (int b = 0; b < 3; b++)
            for (int d = 0; d < b; d++)
                mean[c] += divergence(POINTS, inner + b * ALL, inner + d * ALL) / 3;
    }
    assert_true(fabs(mean[0] - 0.541) < 2e-4);
    assert_true(fabs(mean[1] - 5.3e-5) < 1e-6);
    free(masses);
}

/* This is the trap of an absolute bandwidth: below the gaps it makes every spectrum a
   comb of its own. */
static void absolute_bandwidth_cannot_tell_them_apart(void **state)
{
    (void)state;
    const hesse_density absolute = {
        .points = 50000, .bandwidth = sqrt(1e-5), .absolute = true};
    assert_true(fabs(mean_of_three(HESSE_JS, &absolute, CASE3) - LN2) < 1e-12);
    assert_true(fabs(mean_of_three(HESSE_JS, &absolute, CASE4) - LN2) < 1e-12);
}

static void readings_agree(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (int repeat = 0; repeat < 20; repeat++) {
        const int n = 3 + 11 * repeat, m = 40;
        double *a = random_spectrum(n, &seed), *b = random_spectrum(m, &seed);
        for (int i = 0; i < m; i++) b[i] += repeat * 0.5;
        const double js = between(HESSE_JS, &PLAIN, n, a, m, b);
        assert_true(js > 0 && js <= LN2);
        assert_true(between(HESSE_JS, &PLAIN, m, b, n, a) == js);
        assert_true(between(HESSE_JS_DISTANCE, &PLAIN, n, a, m, b) == sqrt(js));
        const hesse_eigenvalues both[] = {{.n = n, .lambda = a}, {.n = m, .lambda = b}};
        double matrix[4], mean;
        hesse_distance_grid g;
        hesse_why why;
        assert_int_equal(
            hesse_distances(HESSE_JS_RAW, &PLAIN, 2, both, matrix, &mean, &g, &why), 0);
        assert_true(fabs(mean * g.step - js) < 1e-15);
        assert_int_equal(g.points, 1000);
        const double range = fmax(a[n - 1], b[m - 1]) - fmin(a[0], b[0]);
        assert_true(fabs(g.bandwidth - 0.01 * range) < 1e-12);
        assert_true(between(HESSE_JS_LOG, &PLAIN, n, a, m, b) <= LN2);
        free(a), free(b);
    }
}

static void divergence_is_its_definition(void **state)
{
    (void)state;
    uint64_t seed = 6;
    double *a = random_spectrum(37, &seed), *b = random_spectrum(11, &seed);
    const hesse_distance_grid g =
        hesse_density_grid(&PLAIN, fmin(a[0], b[0]), fmax(a[36], b[10]));
    double p[1000] = {0}, q[1000] = {0};
    hesse_density_add(&g, ATOMS(37, a), 1, p);
    hesse_density_add(&g, ATOMS(11, b), 1, q);
    const double js = between(HESSE_JS, &PLAIN, 37, a, 11, b);
    assert_true(fabs(js - divergence(1000, p, q)) < 1e-13);
    free(a), free(b);
}

static void equal_spectra_are_at_zero_and_disjoint_ones_at_the_bound(void **state)
{
    (void)state;
    uint64_t seed = 7;
    double *a = random_spectrum(50, &seed), far[50];
    memcpy(far, a, sizeof far);
    for (int d = 0; d < HESSE_DISTANCES; d++)
        assert_true(between((hesse_distance)d, &PLAIN, 50, a, 50, far) == 0);
    for (int i = 0; i < 50; i++) far[i] = a[i] + 1e4;
    assert_true(between(HESSE_JS, &PLAIN, 50, a, 50, far) == LN2);
    assert_true(fabs(between(HESSE_JS_DISTANCE, &PLAIN, 50, a, 50, far) - 0.832555) <
                1e-6);
    free(a);
}

static void shift_and_scale_of_all_do_not_matter(void **state)
{
    (void)state;
    uint64_t seed = 8;
    double *a = random_spectrum(60, &seed), *b = random_spectrum(25, &seed);
    const double js = between(HESSE_JS, &PLAIN, 60, a, 25, b);
    const double w = between(HESSE_WASSERSTEIN, &PLAIN, 60, a, 25, b);
    const double factors[] = {1e-30, 0.3, 1e30}, shifts[] = {0, 11, 0};
    for (int k = 0; k < 3; k++) {
        double c[60], e[25];
        for (int i = 0; i < 60; i++) c[i] = a[i] * factors[k] + shifts[k];
        for (int i = 0; i < 25; i++) e[i] = b[i] * factors[k] + shifts[k];
        assert_true(fabs(between(HESSE_JS, &PLAIN, 60, c, 25, e) - js) < 1e-10);
        const double scaled = between(HESSE_WASSERSTEIN, &PLAIN, 60, c, 25, e);
        assert_true(fabs(scaled / (w * factors[k]) - 1) < 1e-10);
    }
    free(a), free(b);
}

static void wasserstein_of_a_shift_is_the_shift(void **state)
{
    (void)state;
    uint64_t seed = 9;
    double *a = random_spectrum(64, &seed), b[64], twice[128];
    for (int i = 0; i < 64; i++) {
        b[i] = a[i] - 2.5;
        twice[2 * i] = twice[2 * i + 1] = b[i];
    }
    assert_true(fabs(between(HESSE_WASSERSTEIN, &PLAIN, 64, a, 64, b) - 2.5) < 1e-13);
    assert_true(fabs(between(HESSE_WASSERSTEIN, &PLAIN, 64, a, 128, twice) - 2.5) <
                1e-13);
    assert_true(between(HESSE_WASSERSTEIN, &PLAIN, 64, b, 128, twice) < 1e-15);
    free(a);
}

/* For zero matrices of different orders, a tiny grid does not enlarge rounding. */
static void one_point_is_at_zero_from_itself(void **state)
{
    (void)state;
    const double zeros[7] = {0};
    const hesse_eigenvalues list[] = {{.n = 3, .lambda = zeros},
                                      {.n = 7, .lambda = zeros},
                                      {.n = 5, .lambda = zeros}};
    for (int d = 0; d < HESSE_DISTANCES; d++) {
        hesse_why why;
        double matrix[9], mean = 1;
        hesse_distance_grid grid;
        assert_int_equal(hesse_distances((hesse_distance)d, &PLAIN, 3, list, matrix,
                                         &mean, &grid, &why),
                         HESSE_OK);
        assert_true(mean == 0);
        for (int i = 0; i < 9; i++) assert_true(matrix[i] == 0);
    }
}

/* From {0} to {-3, 1, 2}, a third of the mass each travels 3, 1 and 2. */
static void wasserstein_of_unequal_numbers(void **state)
{
    (void)state;
    const double w =
        between(HESSE_WASSERSTEIN, &PLAIN, 1, (double[]){0}, 3, (double[]){-3, 1, 2});
    assert_true(fabs(w - 2) < 1e-15);
}

static void one_block_has_no_pair(void **state)
{
    (void)state;
    const double lambda[] = {1, 2};
    const hesse_eigenvalues one = {.n = 2, .lambda = lambda};
    for (int d = 0; d < HESSE_DISTANCES; d++) {
        double matrix = 7, mean = 7;
        hesse_distance_grid grid;
        hesse_why why;
        assert_int_equal(hesse_distances((hesse_distance)d, &PLAIN, 1, &one, &matrix,
                                         &mean, &grid, &why),
                         0);
        assert_true(matrix == 0 && mean == 0);
    }
}

static void no_positive_eigenvalue_has_one_bin(void **state)
{
    (void)state;
    const double a[] = {-3, -1}, b[] = {0};
    assert_true(between(HESSE_JS_LOG, &PLAIN, 2, a, 1, b) == 0);
}

static void distances_have_names(void **state)
{
    (void)state;
    for (int d = 0; d < HESSE_DISTANCES; d++)
        assert_int_equal(hesse_distance_named(hesse_distance_name((hesse_distance)d)),
                         d);
    assert_string_equal(hesse_distance_name(HESSE_JS_RAW), "js_raw");
    assert_int_equal(hesse_distance_named("jensen"), HESSE_DISTANCES);
}

/* Atoms with masses k / n equal eigenvalues that are repeated k times. */
static void masses_are_multiplicities(void **state)
{
    (void)state;
    const double all[] = {-1, -1, -1, 0.5, 2, 2}, few[] = {-1, 0.5, 2};
    const double mass[] = {3.0 / 6, 1.0 / 6, 2.0 / 6}, other[] = {-0.5, 0.25, 0.75, 3};
    const hesse_eigenvalues lists[2][2] = {
        {{.n = 6, .lambda = all}, {.n = 4, .lambda = other}},
        {{.n = 3, .lambda = few, .mass = mass}, {.n = 4, .lambda = other}}};
    for (int d = 0; d < HESSE_DISTANCES; d++) {
        double found[2], matrix[4];
        hesse_distance_grid grid;
        hesse_why why;
        for (int i = 0; i < 2; i++)
            assert_int_equal(hesse_distances((hesse_distance)d, &PLAIN, 2, lists[i],
                                             matrix, &found[i], &grid, &why),
                             0);
        assert_true(found[0] > 0 && fabs(found[0] - found[1]) < 1e-12 * found[0]);
    }
    double grid[1000], one[1000], two[1000];
    hesse_density_of(&PLAIN, &lists[0][0], grid, one, NULL);
    hesse_density_of(&PLAIN, &lists[1][0], grid, two, NULL);
    for (int i = 0; i < 1000; i++) assert_true(fabs(one[i] - two[i]) < 1e-12);
    const hesse_density tenth = {.points = 10, .bandwidth = 0.1, .tenth = true};
    hesse_eigenvalues scaled = lists[1][0];
    scaled.tenth = -7;
    assert_true(hesse_density_scale(&tenth, &scaled) == 7);
}

/* There are two probes of three steps. The second probe ended after two. */
static void quadratures_are_spectra(void **state)
{
    (void)state;
    hesse_quadrature *q = NULL;
    hesse_why why;
    assert_int_equal(hesse_quadrature_new(10, 2, 3, &q, &why), 0);
    const double nodes[] = {-2, 0, 4, -1, 3, 3};
    const double weights[] = {0.25, 0.5, 0.25, 0.5, 0.5, 0};
    memcpy(q->nodes, nodes, sizeof nodes);
    memcpy(q->weights, weights, sizeof weights);
    q->taken[0] = 3, q->taken[1] = 2;
    double all[6], mass[6], estimate, error;
    hesse_quadrature_merge(q, all, mass);
    const double sorted[] = {-2, -1, 0, 3, 3, 4}, of[] = {2, 4, 4, 4, 0, 2};
    for (int i = 0; i < 6; i++)
        assert_true(all[i] == sorted[i] && fabs(mass[i] - of[i] / 16) < 1e-15);
    hesse_quadrature_moment(q, 1, &estimate, &error); /* the probes give 5 and 10 */
    assert_true(fabs(estimate - 7.5) < 1e-14 && fabs(error - 2.5) < 1e-14);
    assert_true(hesse_quadrature_tenth(q) == -1.5);
    double gradient[10] = {3, 4};
    hesse_measures m;
    hesse_measure_quadrature(q, gradient, &m);
    assert_true(fabs(m.trace - 7.5) < 1e-14 &&
                fabs(m.trace_per_parameter - 0.75) < 1e-15);
    assert_true(fabs(m.frobenius - sqrt(10 * 5.0)) < 1e-14);
    assert_true(m.min == -2 && m.max == 4 && m.gradient_norm == 5);
    assert_true(fabs(m.negative_mass - 1.0 / 3.5) < 1e-15 * 4);
    assert_true(isnan(m.condition) && isnan(m.robust_condition) && isnan(m.dominance));
    /* The mean of the logarithms is over 10 eigenvalues with these shares of
       |lambda|. */
    const double logs = (2 * 2 * log(2) + 4 * 3 * log(3) + 2 * 4 * log(4)) / 16;
    const double sum = (2 * 2 + 4 + 4 * 3 + 2 * 4) / 16.0;
    assert_true(fabs(m.effective_rank - exp(log(10 * sum) - logs / sum)) < 1e-13);
    hesse_quadrature_free(q);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masses_are_multiplicities),
        cmocka_unit_test(quadratures_are_spectra),
        cmocka_unit_test(densities_integrate_to_one),
        cmocka_unit_test(a_density_is_the_mean_of_gaussians),
        cmocka_unit_test(relative_bandwidth_is_of_the_range),
        cmocka_unit_test(the_tenth_largest_is_the_unit),
        cmocka_unit_test(heterogeneous_and_homogeneous_blocks),
        cmocka_unit_test(grids_that_end_at_the_spectrum_give_the_published_numbers),
        cmocka_unit_test(absolute_bandwidth_cannot_tell_them_apart),
        cmocka_unit_test(readings_agree),
        cmocka_unit_test(divergence_is_its_definition),
        cmocka_unit_test(equal_spectra_are_at_zero_and_disjoint_ones_at_the_bound),
        cmocka_unit_test(shift_and_scale_of_all_do_not_matter),
        cmocka_unit_test(wasserstein_of_a_shift_is_the_shift),
        cmocka_unit_test(one_point_is_at_zero_from_itself),
        cmocka_unit_test(wasserstein_of_unequal_numbers),
        cmocka_unit_test(one_block_has_no_pair),
        cmocka_unit_test(no_positive_eigenvalue_has_one_bin),
        cmocka_unit_test(distances_have_names),
    };
    return run_cases(argc, argv, tests, NULL, NULL);
}
