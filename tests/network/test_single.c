/* Derivatives in single precision: the laws that test_sweep.c checks in double, within
   the rounding errors of a float. */
#include "nets.h"

#include <math.h>

static double length(size_t n, const double *x)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i] * x[i];
    return sqrt(sum);
}

static double distance(size_t n, const double *x, const double *y)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (x[i] - y[i]) * (x[i] - y[i]);
    return sqrt(sum);
}

static double dot_product(size_t n, const double *x, const double *y)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i] * y[i];
    return sum;
}

static void reals_are_floats(void **state)
{
    (void)state;
    assert_int_equal(sizeof(real), sizeof(float));
    assert_int_equal(hesse_real_lanes(), 2 * hesse_simd_lanes());
}

/* Differences over four points, whose error is of order h^4, because a float allows no
   small step. With larger steps, max pooling and ReLU would change their branches. */
static const double step = 0.001, points[] = {-2, -1, 1, 2},
                    factors[] = {1.0 / 12, -2.0 / 3, 2.0 / 3, -1.0 / 12};

static void derivatives_are_differences(void **state)
{
    (void)state;
    for (int a = 0; a < MODELS; a++) {
        transformer m;
        model_new(&m, a);
        const size_t n = m.params.size;
        double *hessian = transformer_share(&m, HESSE_ALL), *v = hesse_alloc(n);
        double *there = hesse_alloc(n), *gradient = hesse_alloc(n);
        double *hv = hesse_alloc(n), *differences = hesse_alloc(n), slope = 0;
        uint64_t seed = 11;
        for (size_t i = 0; i < n; i++) v[i] = uniform(&seed) / 2;
        for (size_t i = 0; i < n; i++) hv[i] = dot_product(n, hessian + i * n, v);
        for (int p = 0; p < 4; p++) {
            const double factor = factors[p] / step;
            for (size_t i = 0; i < n; i++)
                there[i] = m.theta[i] + points[p] * step * v[i];
            slope += factor * hesse_tape_run(m.tape, there, gradient);
            for (size_t i = 0; i < n; i++) differences[i] += factor * gradient[i];
        }
        const double scale = length(n, v) * length(n, m.gradient);
        assert_true(fabs(dot_product(n, m.gradient, v) - slope) < 2e-4 * scale);
        assert_true(distance(n, hv, differences) < 1e-3 * length(n, hv));
        free(hessian), free(v), free(there), free(gradient), free(hv);
        free(differences);
        transformer_free(&m);
    }
}

static void hessians_are_symmetric(void **state)
{
    (void)state;
    for (int a = 0; a < MODELS; a++) {
        transformer m;
        model_new(&m, a);
        const size_t n = m.params.size;
        double *h = transformer_share(&m, HESSE_ALL), *turned = hesse_alloc(n * n);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++) turned[j * n + i] = h[i * n + j];
        assert_true(distance(n * n, h, turned) < 1e-5 * length(n * n, h));
        free(h), free(turned);
        transformer_free(&m);
    }
}

/* Some numbers of directions fill the vectors of every width, and some do not. */
static void products_agree_for_any_number_of_directions(void **state)
{
    (void)state;
    static const int numbers[] = {1, 3, 8, 16, 24, 61};
    for (int a = 0; a < MODELS; a++) {
        transformer m;
        model_new(&m, a);
        const size_t n = m.params.size;
        double *h = transformer_share(&m, HESSE_ALL);
        double *product = hesse_alloc(n), *x = hesse_alloc(n);
        bool moves[64] = {false};
        hesse_rect want[64] = {{0}};
        for (int p = 0; p < m.params.count; p++) {
            const hesse_param *param = &m.params.list[p];
            moves[p] = true, want[p] = (hesse_rect){0, param->rows, 0, param->cols};
        }
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
            const size_t k = (size_t)numbers[i];
            real *v = hesse_alloc_real(n * k), *hv = hesse_alloc_real(n * k);
            hesse_sweep *s = hesse_sweep_new(m.tape, numbers[i], hesse_pace_of_panels);
            const hesse_kinds kinds = HESSE_ALL;
            uint64_t seed = 7;
            for (size_t j = 0; j < n * k; j++) v[j] = (real)uniform(&seed);
            assert_true(hesse_sweep_plan(s, moves, want));
            hesse_sweep_run(s, &(hesse_directions){.k = numbers[i], .v = v}, 0, 3, 1,
                            &kinds, &hv);
            for (size_t j = 0; j < k; j++) {
                for (size_t l = 0; l < n; l++) x[l] = (double)v[l * k + j];
                for (size_t l = 0; l < n; l++)
                    product[l] = dot_product(n, h + l * n, x);
                for (size_t l = 0; l < n; l++) x[l] = (double)hv[l * k + j];
                assert_true(distance(n, product, x) < 1e-5 * length(n, product));
            }
            hesse_sweep_free(s);
            free(v), free(hv);
        }
        free(h), free(product), free(x);
        transformer_free(&m);
    }
}

/* The tape has copies of its inputs: they are counted, and made again on demand. */
static void inputs_are_copied(void **state)
{
    (void)state;
    enum { C = 5, N = 6 };
    double x[N * C], z[N], theta[C] = {1, 2, 3, 4, 5}, gradient[C], sum = 0;
    uint64_t seed = 3;
    for (int i = 0; i < N * C; i++) x[i] = uniform(&seed);
    for (int i = 0; i < N; i++) z[i] = 0;
    hesse_tape *t = hesse_tape_new(N, 1);
    const int in = hesse_tape_input(t, 1, C, x), wanted = hesse_tape_input(t, 1, 1, z);
    const int w = hesse_tape_param(t, C, 1);
    const hesse_dims d = {.c = C, .o = 1, .a = 1}, e = {.c = 1, .a = 1};
    const int y =
        hesse_tape_add(t, &hesse_op_linear_unbiased, d, (int[]){in, w}, NULL, NULL);
    hesse_tape_add(t, &hesse_op_squared_error, e, (int[]){y, wanted}, NULL, NULL);
    /* x, z, theta, and values and adjoints of y, the gradient and the loss. */
    assert_int_equal(hesse_tape_bytes(t),
                     (N * C + N + C + C + 2 * N + 2) * sizeof(float));
    assert_true(hesse_tape_freeze(t));
    const double loss = hesse_tape_run(t, theta, gradient);
    for (int i = 0; i < N * C; i++) x[i] *= 2;
    hesse_tape_renew_inputs(t);
    assert_true(fabs(hesse_tape_loss(t, 0, N) - 4 * loss) < 1e-6 * loss);
    for (int i = 0; i < N; i++) {
        const double sum_of_one = dot_product(C, x + i * C, theta);
        sum += sum_of_one * sum_of_one;
    }
    assert_true(fabs(4 * loss - sum) < 1e-6 * sum);
    hesse_tape_free(t);
}

static void faults_are_found(void **state)
{
    (void)state;
    transformer m;
    net_new(&m, 3);
    assert_int_equal(hesse_tape_fault(m.tape).node, -1);
    m.theta[0] = 1e39; /* no float */
    hesse_tape_run(m.tape, m.theta, m.gradient);
    const hesse_fault fault = hesse_tape_fault(m.tape);
    assert_int_equal(fault.node, 0);
    assert_string_equal(fault.what, "value");
    transformer_free(&m);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reals_are_floats),
        cmocka_unit_test(hessians_are_symmetric),
        cmocka_unit_test(derivatives_are_differences),
        cmocka_unit_test(products_agree_for_any_number_of_directions),
        cmocka_unit_test(inputs_are_copied),
        cmocka_unit_test(faults_are_found),
    };
    return run_cases(argc, argv, tests, NULL, NULL);
}
