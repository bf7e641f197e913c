/* Gradient descent on one matrix of attention, on 1, 2 and 4 ranks: the Hessian is J'J,
   no loss is above its bound, ranks follow from sizes, a rate above the bound is
   refused, and the numbers do not depend on the number of ranks. */
#include "theory/check_theory.h"

enum { SEQUENCES = 2, TOKENS = 3, MOST_OUTPUTS = 4 };

/* A layer and its examples. Without output matrix and with learned values there is an
   output for each of them. */
typedef struct setting {
    hesse_kernel kernel;
    int heads, size, values, features, outputs;
    bool output, identity;
    const char *only;
    double rate;
} setting;

static hesse_status compute(hesse_team *who, const setting *x, hesse_theory **theory)
{
    hesse_arch arch = {.family = "attention", .deviation = 0.8};
    arch.data.loss = HESSE_LOSS_SQUARED_ERROR;
    arch.attention = (hesse_attention){.heads = x->heads,
                                       .kv_heads = x->heads,
                                       .size = x->size,
                                       .value_size = x->values,
                                       .output = x->output,
                                       .identity = x->identity,
                                       .kernel = x->kernel,
                                       .full = true};
    const hesse_data_options data = {
        .kind = "outputs",
        .recipe = {.features = x->features, .outputs = x->outputs, .noise = 1},
        .sequences = SEQUENCES,
        .context = TOKENS,
        .seed = 3};
    const hesse_theory_options options = {.draws = 1,
                                          .steps = 1,
                                          .tolerance = 1,
                                          .seed = 7,
                                          .only = &x->only,
                                          .n_only = 1,
                                          .descent_rate = x->rate,
                                          .descent_steps = 50};
    return hesse_theory_new(who, &arch, &data, &options, theory);
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Every kernel, the value and the output matrix, sizes below, at and above the number
   of tokens. With one output J has the columns of one token's numbers in all heads. */
static void bounds_hold(void **state)
{
    (void)state;
    enum { N = SEQUENCES * TOKENS };
    static const hesse_kernel kernels[] = {HESSE_KERNEL_SOFTMAX, HESSE_KERNEL_LINEAR,
                                           HESSE_KERNEL_GAUSSIAN};
    for (int k = 0; k < 3; k++)
        for (int features = 2; features <= 6; features++)
            for (int of_output = 0; of_output < 2; of_output++) {
                const setting x = {.kernel = kernels[k],
                                   .heads = 2,
                                   .size = 4,
                                   .values = of_output ? features : 1,
                                   .features = of_output ? 6 : features,
                                   .outputs = 1,
                                   .output = true,
                                   .only = of_output ? "output.weight" : "value.weight",
                                   .rate = 1e-3};
                hesse_theory *t;
                assert_all(!compute(team, &x, &t));
                assert_all(measured_of(t, "|H - (2 / M) J'J| / |H|") < 1e-12);
                assert_all(measured_of(t, "largest loss over its bound") <= 1);
                const double rank = measured_of(t, "rank of J"),
                             floor = measured_of(t, "floor of the loss");
                assert_all(rank <= least(2 * features, N));
                /* A linear kernel sees a sequence through sum x x' alone. */
                if (k != 1) assert_all(rank == least(2 * features, N));
                if (rank == N) assert_all(floor < 1e-20);
                if (rank < N) assert_all(floor > 1e-3);
                const hesse_theory_set *loss = set_of(t, "descent_loss"),
                                       *bound = set_of(t, "descent_bound");
                assert_all(loss && bound && loss->shape[0] == 51);
                /* In every step the bound falls by the factor that is claimed. */
                const double factor =
                    claim_of(t, "largest factor of loss - floor in a step");
                for (size_t i = 1; i < 51; i++)
                    assert_all(fabs((bound->values[i] - floor) /
                                        (bound->values[i - 1] - floor) -
                                    factor) < 1e-9);
                for (size_t i = 0; i < 51; i++) {
                    assert_all(loss->values[i] <= bound->values[i] * (1 + 1e-12));
                    assert_all(loss->values[i] >= floor);
                    assert_all(!i || loss->values[i] < loss->values[i - 1]);
                }
                hesse_theory_free(t);
            }
}

/* At the largest rate of the bound the slowest direction decides in the end; above it
   the job is refused. */
static void rate_above_the_bound_is_refused(void **state)
{
    (void)state;
    setting x = {.kernel = HESSE_KERNEL_GAUSSIAN,
                 .heads = 1,
                 .size = 4,
                 .values = 2,
                 .features = 8,
                 .outputs = 2,
                 .only = "value.*",
                 .rate = 1e-3};
    hesse_theory *t;
    assert_all(!compute(team, &x, &t));
    const double smoothness = measured_of(t, "largest eigenvalue of H: smoothness");
    hesse_theory_free(t);
    x.rate = 0.999999 / smoothness;
    assert_all(!compute(team, &x, &t));
    assert_all(measured_of(t, "largest loss over its bound") <= 1);
    hesse_theory_free(t);
    x.rate = 1.0001 / smoothness;
    assert_all(compute(team, &x, &t) == HESSE_E_JOB && !t);
    assert_all(strstr(hesse_team_why(team)->text, "at most 1 / smoothness") != NULL);
}

/* Weights of softmax sum up to 1, so J lacks one direction for every token; Gaussian
   weights have all if a head has as many channels as there are tokens. */
static void rank_of_the_query(void **state)
{
    (void)state;
    enum { M = SEQUENCES * TOKENS * TOKENS };
    for (int gaussian = 0; gaussian < 2; gaussian++)
        for (int size = 2; size <= 4; size++) {
            const setting x = {.kernel = gaussian ? HESSE_KERNEL_GAUSSIAN
                                                  : HESSE_KERNEL_SOFTMAX,
                               .heads = 1,
                               .size = size,
                               .values = 1,
                               .features = 8,
                               .outputs = TOKENS,
                               .identity = true,
                               .only = "query.weight",
                               .rate = 1};
            hesse_theory *t;
            const int rank =
                SEQUENCES * TOKENS * (gaussian ? least(size, TOKENS) : TOKENS - 1);
            assert_all(!compute(team, &x, &t));
            assert_all(measured_of(t, "rank of J at the initial values") == rank);
            assert_all(measured_of(t, "targets M") == M);
            const double floor =
                measured_of(t, "floor of the loss, by sums of weights");
            assert_all(gaussian ? isnan(floor)
                                : floor > 0 &&
                                      floor < measured_of(t, "loss at the beginning"));
            hesse_theory_free(t);
        }
}

static void any_number_of_ranks(void **state)
{
    (void)state;
    const setting x = {.kernel = HESSE_KERNEL_GAUSSIAN,
                       .heads = 2,
                       .size = 2,
                       .values = 2,
                       .features = 4,
                       .outputs = MOST_OUTPUTS,
                       .only = "value.weight",
                       .rate = 1e-2};
    hesse_theory *a, *b;
    const hesse_theory_set *x1, *x2;
    int count = 0;
    assert_all(!compute(team, &x, &a));
    assert_all(!compute(alone, &x, &b));
    for (; (x1 = hesse_theory_set_at(a, count)); count++) {
        x2 = hesse_theory_set_at(b, count);
        bool same = x2 && x1->shape[0] == x2->shape[0];
        for (size_t i = 0; same && i < x1->shape[0]; i++)
            same = fabs(x1->values[i] - x2->values[i]) < 1e-12;
        assert_all(same);
    }
    assert_all(count == 3);
    hesse_theory_free(a);
    hesse_theory_free(b);
}

static void other_selections_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"key.weight", "*", "nothing"};
    for (int i = 0; i < 3; i++) {
        const setting x = {.kernel = HESSE_KERNEL_SOFTMAX,
                           .heads = 1,
                           .size = 2,
                           .values = 2,
                           .features = 4,
                           .outputs = 2,
                           .only = wrong[i],
                           .rate = 1};
        hesse_theory *t;
        assert_all(compute(team, &x, &t) == HESSE_E_JOB && !t);
        assert_all(strstr(hesse_team_why(team)->text,
                          "expected one that has a theory") != NULL);
    }
}

static hesse_status compute_one(hesse_theory **theory)
{
    const setting x = {.kernel = HESSE_KERNEL_SOFTMAX,
                       .heads = 1,
                       .size = 2,
                       .values = 2,
                       .features = 4,
                       .outputs = 2,
                       .only = "value.weight",
                       .rate = 1e-3};
    return compute(team, &x, theory);
}

static void one_rank_out_of_memory_fails_all(void **state)
{
    (void)state;
    check_exhausted(compute_one, 20);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(bounds_hold),
    cmocka_unit_test(rate_above_the_bound_is_refused),
    cmocka_unit_test(rank_of_the_query),
    cmocka_unit_test(any_number_of_ranks),
    cmocka_unit_test(other_selections_are_refused),
    cmocka_unit_test(one_rank_out_of_memory_fails_all),
};

MPI_TEST_MAIN_WITH(tests, make_teams, free_teams)
