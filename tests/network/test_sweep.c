/* Laws of the Hessians of small transformers and other networks, and of the shares of
   their operators. */
#include "nets.h"

#include "network/sweep_inner.h"

#include <math.h>
#include <string.h>

static double largest(size_t count, const double *a)
{
    double top = 0;
    for (size_t i = 0; i < count; i++) top = fmax(top, fabs(a[i]));
    return top;
}

static double distance(size_t count, const double *a, const double *b)
{
    double top = 0;
    for (size_t i = 0; i < count; i++) top = fmax(top, fabs(a[i] - b[i]));
    return top;
}

static void gradient_is_the_derivative_of_the_loss(void **state)
{
    (void)state;
    for (int a = 0; a < MODELS; a++) {
        transformer m;
        model_new(&m, a);
        const double h = 1e-5;
        for (size_t i = 0; i < m.params.size; i++) {
            const double there = m.theta[i];
            m.theta[i] = there + h;
            const double ahead = hesse_tape_run(m.tape, m.theta, NULL);
            m.theta[i] = there - h;
            const double behind = hesse_tape_run(m.tape, m.theta, NULL);
            m.theta[i] = there;
            assert_true(fabs(m.gradient[i] - (ahead - behind) / (2 * h)) < 1e-8);
        }
        transformer_free(&m);
    }
}

static void hessian_is_the_derivative_of_the_gradient(void **state)
{
    (void)state;
    for (int a = 0; a < MODELS; a++) {
        transformer m;
        model_new(&m, a);
        const size_t n = m.params.size;
        double *hessian = transformer_share(&m, HESSE_ALL);
        double *ahead = hesse_alloc(n), *behind = hesse_alloc(n);
        const double h = 1e-5;
        for (size_t j = 0; j < n; j++) {
            const double there = m.theta[j];
            m.theta[j] = there + h, hesse_tape_run(m.tape, m.theta, ahead);
            m.theta[j] = there - h, hesse_tape_run(m.tape, m.theta, behind);
            m.theta[j] = there;
            for (size_t i = 0; i < n; i++)
                assert_true(
                    fabs(hessian[i * n + j] - (ahead[i] - behind[i]) / (2 * h)) < 1e-7);
        }
        free(ahead), free(behind), free(hessian);
        transformer_free(&m);
    }
}

/* Every kind's share must be symmetric, the shares must add up, and a kind without
   curvature must add 0. */
static void shares_add_up(void **state)
{
    (void)state;
    for (int a = 0; a < MODELS; a++) {
        transformer m;
        model_new(&m, a);
        const size_t n = m.params.size;
        double *hessian = transformer_share(&m, HESSE_ALL), *sum = hesse_alloc(n * n);
        unsigned there = 0;
        for (int i = 0; i < m.tape->n_nodes; i++) there |= m.tape->nodes[i].op->kind;
        const unsigned flat = HESSE_EMBEDDING | HESSE_SUM | HESSE_ROTARY | HESSE_RELU |
                              HESSE_POOL | HESSE_SCALE | HESSE_MOVE;
        for (unsigned kind = 1; kind < HESSE_ALL; kind <<= 1) {
            double *share = transformer_share(&m, kind);
            for (size_t i = 0; i < n; i++)
                for (size_t j = 0; j < n; j++) {
                    assert_true(fabs(share[i * n + j] - share[j * n + i]) < 1e-14);
                    sum[i * n + j] += share[i * n + j];
                }
            assert_true((largest(n * n, share) > 1e-5) == !!(kind & there & ~flat));
            free(share);
        }
        assert_true(distance(n * n, sum, hessian) < 1e-14);
        free(sum), free(hessian);
        transformer_free(&m);
    }
}

/* x' G x >= 0 must hold for the Gauss-Newton part; the functional part takes both
   signs. */
static void gauss_newton_is_positive_semidefinite(void **state)
{
    (void)state;
    for (int a = 0; a < MODELS; a++) {
        transformer m;
        model_new(&m, a);
        const size_t n = m.params.size;
        double *g = transformer_share(&m, HESSE_GAUSS_NEWTON);
        double *f = transformer_share(&m, HESSE_FUNCTIONAL);
        double least_g = INFINITY, least_f = INFINITY;
        uint64_t seed = 3;
        for (int trial = 0; trial < 200; trial++) {
            double qg = 0, qf = 0, *x = hesse_alloc(n);
            for (size_t i = 0; i < n; i++) x[i] = uniform(&seed);
            for (size_t i = 0; i < n; i++)
                for (size_t j = 0; j < n; j++) {
                    qg += x[i] * g[i * n + j] * x[j];
                    qf += x[i] * f[i * n + j] * x[j];
                }
            least_g = fmin(least_g, qg), least_f = fmin(least_f, qf);
            free(x);
        }
        assert_true(least_g > 0 && least_f < 0);
        free(g), free(f);
        transformer_free(&m);
    }
}

/* A panel of unit directions of one parameter, with wanted parts of others, must equal
   the same part of the whole. */
static void panel_is_a_part_of_the_whole(void **state)
{
    (void)state;
    for (int a = 0; a < MODELS; a++) {
        transformer m;
        model_new(&m, a);
        const size_t n = m.params.size;
        const int count = m.params.count;
        double *h = transformer_share(&m, HESSE_ALL);
        double *gn = transformer_share(&m, HESSE_GAUSS_NEWTON);
        hesse_sweep *s = hesse_sweep_new(m.tape, 8, hesse_pace_of_panels);
        for (int p = 0; p < count; p++) {
            bool moves[64] = {false};
            hesse_rect want[64] = {{0}};
            const hesse_param *from = &m.params.list[p];
            moves[p] = true;
            for (int q = p; q < count; q += 2) {
                const hesse_param *to = &m.params.list[q];
                want[q] = (hesse_rect){to->rows / 3, to->rows - to->rows / 3,
                                       to->cols / 2, to->cols - to->cols / 2};
            }
            assert_true(hesse_sweep_plan(s, moves, want));
            const int k = hesse_param_size(from) < 5 ? (int)hesse_param_size(from) : 5;
            int unit[5];
            for (int j = 0; j < k; j++) unit[j] = (int)hesse_param_size(from) - 1 - j;
            double *hv[2];
            for (int i = 0; i < 2; i++) hv[i] = hesse_alloc(hesse_sweep_rows(s) * k);
            const hesse_kinds kinds[] = {HESSE_ALL, HESSE_GAUSS_NEWTON};
            hesse_sweep_run(s, &(hesse_directions){.k = k, .unit = unit}, 0, 3, 2,
                            kinds, hv);
            for (int q = p; q < count; q += 2)
                for (int r = 0; r < want[q].rows; r++)
                    for (int c = 0; c < want[q].cols; c++)
                        for (int j = 0; j < k; j++) {
                            const hesse_param *to = &m.params.list[q];
                            const size_t row =
                                to->offset + (size_t)((want[q].row + r) * to->cols +
                                                      want[q].col + c);
                            const size_t at = row * n + from->offset + (size_t)unit[j];
                            const size_t mine = (hesse_sweep_row_of(s, q) +
                                                 (size_t)(r * want[q].cols + c)) *
                                                    (size_t)k +
                                                (size_t)j;
                            assert_true(fabs(hv[0][mine] - h[at]) < 1e-14);
                            assert_true(fabs(hv[1][mine] - gn[at]) < 1e-14);
                        }
            free(hv[0]), free(hv[1]);
        }
        hesse_sweep_free(s);
        free(h), free(gn);
        transformer_free(&m);
    }
}

/* The results of sequences must add up, whatever number of sequences go together. If
   sequences meet in the model, only the whole batch is swept. */
static void stretches_agree(void **state)
{
    (void)state;
    for (int a = 0; a < MODELS; a++) {
        transformer m;
        model_new(&m, a);
        bool moves[64] = {false};
        hesse_rect want[64] = {{0}};
        for (int p = 0; p < m.params.count; p++) {
            const hesse_param *x = &m.params.list[p];
            moves[p] = true, want[p] = (hesse_rect){0, x->rows, 0, x->cols};
        }
        enum { K = 3 };
        const size_t n = m.params.size * K;
        double *v = hesse_alloc(n), *all = hesse_alloc(n), *sum = hesse_alloc(n);
        double *one = hesse_alloc(n);
        const hesse_kinds kinds = HESSE_ALL;
        const hesse_directions directions = {.k = K, .v = v};
        uint64_t seed = 7;
        for (size_t i = 0; i < n; i++) v[i] = uniform(&seed);
        for (int stretch = 1; stretch <= 3; stretch++) {
            hesse_sweep *s = hesse_sweep_new(m.tape, K, hesse_pace_of_panels);
            if (m.tape->coupled) assert_int_equal(s->stretch, 3);
            if (!m.tape->coupled) s->stretch = stretch;
            assert_true(hesse_sweep_plan(s, moves, want));
            hesse_sweep_run(s, &directions, 0, 3, 1, &kinds,
                            stretch == 1 ? &all : &sum);
            if (stretch > 1) assert_true(distance(n, all, sum) < 1e-13);
            memset(sum, 0, n * sizeof *sum);
            for (int i = 0; !m.tape->coupled && i < 3; i++) {
                hesse_sweep_run(s, &directions, i, 1, 1, &kinds, &one);
                for (size_t j = 0; j < n; j++) sum[j] += one[j];
            }
            if (!m.tape->coupled) assert_true(distance(n, all, sum) < 1e-13);
            hesse_sweep_free(s);
        }
        free(v), free(all), free(sum), free(one);
        transformer_free(&m);
    }
}

/* For a number that is not finite, the node that made it and its sequence must be
   found. */
static void faults_are_found(void **state)
{
    (void)state;
    for (int a = ARCHS; a < MODELS; a++) {
        transformer m;
        model_new(&m, a);
        assert_int_equal(hesse_tape_fault(m.tape).node, -1);
        const hesse_node *n = &m.tape->nodes[m.tape->n_nodes - 3];
        hesse_value *out = &m.tape->values[n->out];
        const double there = out->own[out->count - 1];
        out->own[out->count - 1] = NAN;
        hesse_fault fault = hesse_tape_fault(m.tape);
        assert_int_equal(fault.node, m.tape->n_nodes - 3);
        assert_int_equal(fault.sequence, 2);
        out->own[out->count - 1] = there;

        /* The first parameter's direction is not finite. */
        bool moves[64] = {true};
        hesse_rect want[64] = {{0}};
        for (int p = 0; p < m.params.count; p++)
            want[p] = (hesse_rect){0, m.params.list[p].rows, 0, m.params.list[p].cols};
        const size_t size = hesse_param_size(&m.params.list[0]);
        double *v = hesse_calloc(size, sizeof *v), *hv = hesse_alloc(m.params.size);
        v[0] = NAN;
        hesse_sweep *s = hesse_sweep_new(m.tape, 1, hesse_pace_of_panels);
        assert_true(hesse_sweep_plan(s, moves, want));
        const hesse_directions d = {.k = 1, .v = v};
        fault = hesse_sweep_fault(s, &d, HESSE_ALL, hv);
        assert_int_equal(fault.node, 0);
        assert_string_equal(fault.what, "tangent");
        assert_true(m.tape->coupled ? fault.sequence == -1 : fault.sequence >= 0);
        v[0] = 1;
        assert_int_equal(hesse_sweep_fault(s, &d, HESSE_ALL, hv).node, -1);
        hesse_sweep_free(s);
        free(v), free(hv);
        transformer_free(&m);
    }
}

/* Full attention, a temperature and the other activations are compared with
   differences. */
static void variants_are_derivatives(void **state)
{
    (void)state;
    hesse_arch v[] = {tiny_gpt2, tiny_gpt2, tiny_gpt2, tiny_llama};
    v[0].attention.full = true, v[0].activation = HESSE_ACT_GELU, v[0].tied = false;
    v[1].attention.temperature = 0.5, v[1].activation = HESSE_ACT_RELU;
    v[1].layout.out_first = true, v[1].attention.by_layer = true;
    v[2].attention_bias = v[2].mlp_bias = false;
    v[3].tied = v[3].attention_bias = v[3].mlp_bias = true;
    for (size_t a = 0; a < sizeof v / sizeof *v; a++) {
        transformer m;
        transformer_new(&m, &v[a]);
        const size_t n = m.params.size;
        double *h = transformer_share(&m, HESSE_ALL);
        double *ahead = hesse_alloc(n), *behind = hesse_alloc(n), *x = hesse_alloc(n);
        double *there = hesse_alloc(n);
        uint64_t seed = 11;
        const double step = 1e-5;
        for (size_t i = 0; i < n; i++) x[i] = uniform(&seed), there[i] = m.theta[i];
        for (size_t i = 0; i < n; i++) m.theta[i] = there[i] + step * x[i];
        hesse_tape_run(m.tape, m.theta, ahead);
        for (size_t i = 0; i < n; i++) m.theta[i] = there[i] - step * x[i];
        hesse_tape_run(m.tape, m.theta, behind);
        double worst = 0;
        for (size_t i = 0; i < n; i++) {
            double hx = 0;
            for (size_t j = 0; j < n; j++) hx += h[i * n + j] * x[j];
            worst = fmax(worst, fabs(hx - (ahead[i] - behind[i]) / (2 * step)));
        }
        assert_true(worst < 1e-7);
        free(h), free(ahead), free(behind), free(x), free(there);
        transformer_free(&m);
    }
}

/* Least squares: y = x W, loss = a sum (y - z)^2. The Hessian must be 2 a X'X for every
   output and equal to its Gauss-Newton part, and inputs have no adjoint. */
static void least_squares_are_quadratic(void **state)
{
    (void)state;
    enum { C = 3, O = 2, N = 4 };
    uint64_t seed = 3;
    double x[N * C], z[N * O], theta[C * O], gradient[C * O], v[C * O], hv[C * O];
    for (int i = 0; i < N * C; i++) x[i] = uniform(&seed);
    for (int i = 0; i < N * O; i++) z[i] = uniform(&seed);
    for (int i = 0; i < C * O; i++) theta[i] = uniform(&seed), v[i] = uniform(&seed);
    hesse_tape *t = hesse_tape_new(2, N / 2);
    assert_non_null(t);
    const int in = hesse_tape_input(t, N / 2, C, x),
              wanted = hesse_tape_input(t, N / 2, O, z);
    const int w = hesse_tape_param(t, C, O);
    const hesse_dims d = {.c = C, .o = O, .a = 0.7}, e = {.c = O, .a = 0.7};
    const int y =
        hesse_tape_add(t, &hesse_op_linear_unbiased, d, (int[]){in, w}, NULL, NULL);
    hesse_tape_add(t, &hesse_op_squared_error, e, (int[]){y, wanted}, NULL, NULL);
    assert_true(hesse_tape_freeze(t));
    hesse_tape_run(t, theta, gradient);
    hesse_sweep *s = hesse_sweep_new(t, 1, hesse_pace_of_panels);
    const bool moves = true;
    const hesse_rect want = {0, C, 0, O};
    assert_non_null(s);
    assert_true(hesse_sweep_plan(s, &moves, &want));
    const hesse_directions all = {.k = 1, .v = v};
    static const hesse_kinds kinds[] = {HESSE_ALL, HESSE_GAUSS_NEWTON};
    for (int share = 0; share < 2; share++) {
        hesse_sweep_run(s, &all, 0, 2, 1, &kinds[share], (double *[]){hv});
        for (int c = 0; c < C; c++)
            for (int o = 0; o < O; o++) {
                double sum = 0;
                for (int n = 0; n < N; n++)
                    for (int j = 0; j < C; j++)
                        sum += 1.4 * x[n * C + c] * x[n * C + j] * v[j * O + o];
                assert_true(fabs(hv[c * O + o] - sum) < 1e-14);
            }
    }
    hesse_sweep_free(s);
    hesse_tape_free(t);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(least_squares_are_quadratic),
        cmocka_unit_test(gradient_is_the_derivative_of_the_loss),
        cmocka_unit_test(hessian_is_the_derivative_of_the_gradient),
        cmocka_unit_test(shares_add_up),
        cmocka_unit_test(gauss_newton_is_positive_semidefinite),
        cmocka_unit_test(panel_is_a_part_of_the_whole),
        cmocka_unit_test(stretches_agree),
        cmocka_unit_test(faults_are_found),
        cmocka_unit_test(variants_are_derivatives),
    };
    return run_cases(argc, argv, tests, NULL, NULL);
}
