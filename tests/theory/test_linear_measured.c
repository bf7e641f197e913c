/* The theory of linear transformers, on 1, 2, 4 and 6 ranks: measured numbers are
   within their standard errors of the closed forms, equal on any number of ranks but
   for rounding, and refused where the closed forms do not hold. */
#include "theory/check_theory.h"

enum { SEEDS = 12, PROMPTS = 4000, FEW = 24, LEVELS = 7 };

typedef struct task {
    hesse_arch arch;
    hesse_data_options data;
} task;

static task task_of(int layers, int d, int n, hesse_covariates covariates, int prompts)
{
    task t = {.arch = {.family = "linear_transformer", .layers = layers},
              .data = {.kind = "regression", .sequences = prompts, .batch = 1}};
    t.arch.attention = (hesse_attention){.heads = 1,
                                         .kv_heads = 1,
                                         .size = 1,
                                         .kernel = HESSE_KERNEL_LINEAR,
                                         .full = true};
    t.arch.data.loss = HESSE_LOSS_SQUARED_ERROR;
    t.data.recipe = (hesse_recipe){
        .features = d, .examples = n, .covariates = covariates, .shape = 2};
    return t;
}

static hesse_status compute(hesse_team *who, const task *t, uint64_t seed,
                            hesse_theory **theory)
{
    const hesse_theory_options options = {.seed = 7 + seed};
    hesse_data_options data = t->data;
    data.seed = seed;
    return hesse_theory_new(who, &t->arch, &data, &options, theory);
}

static double number(const hesse_theory *theory, const char *path)
{
    const double *value = values_of(theory, path);
    return value ? *value : (double)NAN;
}

/* True if the mean of numbers is within five of its standard errors of a claim. */
static bool agree(const double *all, double claim)
{
    double mean = 0, squares = 0;
    for (int k = 0; k < SEEDS; k++) mean += all[k] / SEEDS;
    for (int k = 0; k < SEEDS; k++) squares += (all[k] - mean) * (all[k] - mean);
    const double error = sqrt(squares / (SEEDS * (SEEDS - 1.0)));
    const bool good = fabs(mean - claim) <= 5 * error + 1e-12;
    if (!good) fprintf(stderr, "%.6g +- %.2g, claimed %.6g\n", mean, error, claim);
    return good;
}

/* Compare what is measured on the prompts of many seeds with the claims. */
static bool claims_hold(const task *t)
{
    static const char *const names[] = {"loss_at_zero", "gradient_norm_at_zero",
                                        "trace_at_zero", "smallest_loss", "gamma"};
    double means[LEVELS][SEEDS] = {{0}}, others[5][SEEDS], levels[LEVELS], claims[5];
    size_t count = 0;
    bool good = true;
    for (int k = 0; k < SEEDS; k++) {
        hesse_theory *theory;
        if (compute(team, t, (uint64_t)k, &theory)) return false;
        const hesse_theory_set *all = set_of(theory, "eigenvalues"),
                               *level = set_of(theory, "level_eigenvalue"),
                               *size = set_of(theory, "level_multiplicity");
        count = level->shape[0];
        size_t at = all->shape[0];
        for (size_t i = 0; i < count; i++) {
            levels[i] = level->values[i];
            const int many = (int)size->values[i];
            for (int j = 0; j < many; j++) means[i][k] += all->values[--at] / many;
        }
        good &= at == 0;
        for (int i = 0; i < 5; i++) {
            char path[64];
            snprintf(path, sizeof path, "%s_claimed", names[i]);
            others[i][k] = number(theory, names[i]);
            claims[i] = number(theory, path);
        }
        hesse_theory_free(theory);
    }
    for (size_t i = 0; i < count; i++) good &= agree(means[i], levels[i]);
    for (int i = 0; i < (t->arch.layers > 1 ? 3 : 5); i++)
        good &= agree(others[i], claims[i]);
    return good;
}

static void two_layers_have_their_spectrum(void **state)
{
    (void)state;
    const task sphere = task_of(2, 2, 3, HESSE_COVARIATES_SPHERE, PROMPTS),
               normal = task_of(2, 2, 3, HESSE_COVARIATES_NORMAL, PROMPTS);
    assert_all(claims_hold(&sphere));
    assert_all(claims_hold(&normal));
}

static void one_layer_has_its_optimum(void **state)
{
    (void)state;
    const task sphere = task_of(1, 3, 4, HESSE_COVARIATES_SPHERE, PROMPTS),
               gamma = task_of(1, 2, 4, HESSE_COVARIATES_GAMMA, PROMPTS);
    assert_all(claims_hold(&sphere));
    assert_all(claims_hold(&gamma));
}

/* One layer has one eigenvalue beside 0; with one pair, one more level of two
   layers is 0. The dimensions of all levels add up to the number of parameters.
 */
static void equal_levels_are_merged(void **state)
{
    (void)state;
    const task tasks[] = {task_of(1, 3, 4, HESSE_COVARIATES_NORMAL, FEW),
                          task_of(2, 3, 1, HESSE_COVARIATES_NORMAL, FEW),
                          task_of(2, 1, 2, HESSE_COVARIATES_NORMAL, FEW)};
    static const size_t levels[] = {2, 6, 3}, parameters[] = {18, 36, 4};
    for (int i = 0; i < 3; i++) {
        hesse_theory *t;
        assert_all(!compute(team, &tasks[i], 1, &t));
        const hesse_theory_set *size = set_of(t, "level_multiplicity");
        double all = 0;
        for (size_t l = 0; l < size->shape[0]; l++) all += size->values[l];
        assert_all(size->shape[0] == levels[i]);
        assert_all(all == (double)parameters[i]);
        assert_all(set_of(t, "eigenvalues")->shape[0] == parameters[i]);
        hesse_theory_free(t);
    }
}

static void any_number_of_ranks(void **state)
{
    (void)state;
    const task t = task_of(1, 6, 4, HESSE_COVARIATES_GAMMA, FEW);
    hesse_theory *a, *b;
    const hesse_theory_set *x, *y;
    assert_all(!compute(team, &t, 1, &a));
    assert_all(!compute(alone, &t, 1, &b));
    bool same = true;
    for (int i = 0; (x = hesse_theory_set_at(a, i)); i++) {
        y = hesse_theory_set_at(b, i);
        same &= y && strcmp(x->path, y->path) == 0 && x->shape[0] == y->shape[0];
        for (size_t j = 0; same && j < x->shape[0]; j++)
            same &=
                fabs(x->values[j] - y->values[j]) <= 1e-12 * number(b, "trace_at_zero");
    }
    assert_all(same);
    hesse_theory_free(a);
    hesse_theory_free(b);
}

/* Initial values have no effect, because W = 0 replaces them. */
static void initial_values_have_no_effect(void **state)
{
    (void)state;
    task t = task_of(2, 2, 3, HESSE_COVARIATES_NORMAL, FEW);
    hesse_theory *a, *b;
    assert_all(!compute(team, &t, 1, &a));
    t.arch.deviation = 100;
    assert_all(!compute(team, &t, 1, &b));
    assert_all(number(a, "loss_at_zero") == number(b, "loss_at_zero"));
    assert_all(number(a, "trace_at_zero") == number(b, "trace_at_zero"));
    hesse_theory_free(a);
    hesse_theory_free(b);
}

static bool refused(const task *t, const char *text)
{
    hesse_theory *theory;
    return compute(team, t, 1, &theory) == HESSE_E_JOB && !theory &&
           strstr(hesse_team_why(team)->text, text);
}

static void other_networks_are_refused(void **state)
{
    (void)state;
    const task good = task_of(2, 2, 3, HESSE_COVARIATES_NORMAL, FEW);
    task t = good;
    t.arch.attention.kernel = HESSE_KERNEL_SOFTMAX;
    assert_all(refused(&t, "is softmax, expected linear"));
    t = good, t.arch.attention.full = false;
    assert_all(refused(&t, "is causal, expected full"));
    t = good, t.arch.inner = 4;
    assert_all(refused(&t, "has 4 neurons, expected no MLP"));
    t = good, t.arch.joint = true;
    assert_all(refused(&t, "on x and y together, expected on x alone"));
    t = good, t.arch.data.loss = HESSE_LOSS_REGRESSION;
    assert_all(refused(&t, "is regression, expected squared_error"));
    t = good, t.data.kind = "gaussian";
    assert_all(refused(&t, "is gaussian, expected regression"));
    t = good, t.data.recipe.teacher = 5;
    assert_all(refused(&t, "a teacher of 5 neurons"));
}

static hesse_status compute_one(hesse_theory **theory)
{
    const task t = task_of(1, 2, 3, HESSE_COVARIATES_NORMAL, FEW);
    return compute(team, &t, 1, theory);
}

static void one_rank_out_of_memory_fails_all(void **state)
{
    (void)state;
    check_exhausted(compute_one, 30);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(two_layers_have_their_spectrum),
    cmocka_unit_test(one_layer_has_its_optimum),
    cmocka_unit_test(equal_levels_are_merged),
    cmocka_unit_test(any_number_of_ranks),
    cmocka_unit_test(initial_values_have_no_effect),
    cmocka_unit_test(other_networks_are_refused),
    cmocka_unit_test(one_rank_out_of_memory_fails_all),
};

MPI_TEST_MAIN_WITH(tests, make_teams, free_teams)
