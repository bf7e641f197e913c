/* Closed forms of linear transformers: published numbers, the spectrum of the matrix of
   the bilinear form, and the moments of drawn covariates. */
#include "check.h"
#include "theory/linear_transformer.h"

#include <math.h>
#include <stdlib.h>

void dsyev_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda,
            double *w, double *work, const int *lwork, int *info, size_t, size_t);

static void assert_within(double found, double wanted, double error)
{
    if (!(fabs(found - wanted) <= error)) fail_msg("%.17g is not %.17g", found, wanted);
}

enum { D = 5, LAYERS = 3 };

/* The settings of Ahn et al. (2024), and the unit sphere. */
static const hesse_linear_task tasks[] = {
    {.covariates = HESSE_COVARIATES_NORMAL, .d = D, .n = 20, .layers = LAYERS},
    {.covariates = HESSE_COVARIATES_NORMAL, .d = D, .n = 5, .layers = LAYERS},
    {.covariates = HESSE_COVARIATES_GAMMA,
     .shape = 0.1,
     .scale = 10,
     .d = D,
     .n = 20,
     .layers = LAYERS},
    {.covariates = HESSE_COVARIATES_SPHERE, .d = D, .n = 20, .layers = LAYERS}};
enum { TASKS = sizeof tasks / sizeof *tasks };

static void one_layer_has_its_optimum(void **state)
{
    (void)state;
    static const double losses[] = {30.0 / 26, 30.0 / 11, 0.7297, 0.1667},
                        eigenvalues[] = {2.6, 4.4, 0.0592, 0.0192};
    for (int i = 0; i < TASKS; i++) {
        const hesse_linear_layer one = hesse_linear_one_layer(&tasks[i]);
        assert_within(one.loss, losses[i], 4e-5);
        assert_within(one.eigenvalue, eigenvalues[i], 1e-12);
    }
    assert_within(hesse_linear_one_layer(&tasks[0]).gamma, 20.0 / 26, 1e-14);
    assert_within(hesse_linear_one_layer(&tasks[1]).gamma, 5.0 / 11, 1e-14);
}

/* With Q = -g I the loss of one layer is a parabola in g through the values at 0. */
static void parabola_fits_the_optimum(void **state)
{
    (void)state;
    for (int i = 0; i < TASKS; i++) {
        const hesse_linear_task *t = &tasks[i];
        const hesse_linear_layer one = hesse_linear_one_layer(t);
        const double loss = hesse_linear_loss_at_zero(t);
        hesse_linear_task single = *t;
        single.layers = 1;
        const double slope = hesse_linear_gradient_at_zero(&single) * sqrt(D);
        const double curvature = one.eigenvalue * D;
        assert_within(slope / curvature, one.gamma, 1e-14 * one.gamma);
        assert_within(loss - slope * slope / (2 * curvature), one.loss, 1e-13 * loss);
    }
}

static void starts_are_known(void **state)
{
    (void)state;
    const hesse_linear_moments gamma = hesse_linear_moments_of(&tasks[2]);
    assert_within(gamma.m2, 1, 1e-14);
    assert_within(gamma.m4, 11, 1e-13);
    assert_within(hesse_linear_moments_of(&tasks[0]).kappa, 1, 0);
    assert_within(hesse_linear_loss_at_zero(&tasks[0]), 5, 0);
    assert_within(hesse_linear_loss_at_zero(&tasks[3]), 1, 0);
    assert_within(hesse_linear_gradient_at_zero(&tasks[0]), sqrt(60), 1e-14);
    hesse_linear_task same = tasks[0]; /* |x|^2 of N(0, I) has a gamma distribution */
    same.covariates = HESSE_COVARIATES_GAMMA, same.shape = D / 2.0, same.scale = 2;
    assert_within(hesse_linear_moments_of(&same).c2,
                  hesse_linear_moments_of(&tasks[0]).c2, 1e-14);
}

static void setting_1_has_its_spectrum(void **state)
{
    (void)state;
    static const hesse_linear_level wanted[] = {
        {13, 1}, {12, 14}, {4, 10}, {1.9, 20}, {0, 75}, {-2.1, 28}, {-2.6, 2}};
    hesse_linear_level levels[HESSE_LINEAR_LEVELS];
    double trace = 0;
    assert_int_equal(hesse_linear_spectrum_at_zero(&tasks[0], levels), 7);
    for (int i = 0; i < 7; i++) {
        assert_within(levels[i].eigenvalue, wanted[i].eigenvalue, 1e-13);
        assert_within(levels[i].multiplicity, wanted[i].multiplicity, 0);
        trace += levels[i].eigenvalue * levels[i].multiplicity;
    }
    assert_within(trace, 195, 1e-11);
}

/* The second derivative in the units E_ij of layer l and E_pq of layer m. */
static double entry(const hesse_linear_task *t, bool same_layer, int i, int j, int p,
                    int q)
{
    const hesse_linear_moments m = hesse_linear_moments_of(t);
    const double s = m.m2 / t->d, n = t->n;
    const double a_b = i == p && j == q;  /* tr(A' B) */
    const double ba = i == q && j == p;   /* tr(B A)  */
    const double both = i == j && p == q; /* tr(A) tr(B) */
    const double own = 2 * s * m.c2 * a_b;
    if (same_layer) return own;
    return own + 2 * s * ((1 - 1 / n) * s * s * ba + m.kappa / n * (ba + a_b + both));
}

static void matrix_has_the_spectrum(void **state)
{
    (void)state;
    for (int d = 1; d <= 4; d++)
        for (int layers = 1; layers <= 4; layers++)
            for (int i = 0; i < TASKS; i++) {
                hesse_linear_task t = tasks[i];
                t.d = d, t.layers = layers;
                const int square = d * d, all = 2 * layers * square, room = 64 * all;
                double *a = calloc((size_t)(all * all), sizeof *a);
                double *w = malloc((size_t)(all + room) * sizeof *w);
                assert_true(a && w);
                for (int x = 0; x < layers * square; x++)
                    for (int y = 0; y < layers * square; y++) {
                        const int u = x % square, v = y % square;
                        a[x * all + y] = entry(&t, x / square == y / square, u / d,
                                               u % d, v / d, v % d);
                    }
                int info = -1;
                dsyev_("N", "U", &all, a, &all, w, w + all, &room, &info, 1, 1);
                assert_int_equal(info, 0);
                hesse_linear_level levels[HESSE_LINEAR_LEVELS];
                const int count = hesse_linear_spectrum_at_zero(&t, levels);
                int at = all;
                for (int k = 0; k < count; k++)
                    for (int c = 0; c < (int)levels[k].multiplicity; c++) {
                        assert_true(at > 0);
                        assert_within(w[--at], levels[k].eigenvalue,
                                      1e-12 * (1 + fabs(w[all - 1])));
                    }
                assert_int_equal(at, 0);
                free(a);
                free(w);
            }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(one_layer_has_its_optimum),
        cmocka_unit_test(parabola_fits_the_optimum),
        cmocka_unit_test(starts_are_known),
        cmocka_unit_test(setting_1_has_its_spectrum),
        cmocka_unit_test(matrix_has_the_spectrum),
    };
    return run_cases(argc, argv, cases, NULL, NULL);
}
