/* The theory of linear transformers, on 1, 2, 4 and 6 ranks: measured numbers are within
   their standard errors of the closed forms, equal on any number of ranks but for
   rounding, and refused where the closed forms do not hold. */
#include "check_memory.h"
#include "check_mpi.h"
#include "hesse/theory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SEEDS = 12, PROMPTS = 4000, FEW = 24, LEVELS = 7 };

static hesse_team *team, *alone;

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

static const hesse_theory_set *set_of(const hesse_theory *theory, const char *path)
{
    const hesse_theory_set *set;
    for (int i = 0; (set = hesse_theory_set_at(theory, i)); i++)
        if (strcmp(set->path + strlen("theory/"), path) == 0) return set;
    return NULL;
}

static double number(const hesse_theory *theory, const char *path)
{
    const hesse_theory_set *set = set_of(theory, path);
    return set ? *set->values : NAN;
}

/* True if the mean of numbers is within five of its standard errors of a claim. */
static bool agree(const double *all, double claim)
{
    double mean = 0, squares = 0;
    for (int k = 0; k < SEEDS; k++) mean += all[k] / SEEDS;
    for (int k = 0; k < SEEDS; k++) squares += (all[k] - mean) * (all[k] - mean);
    const double error = sqrt(squares / (SEEDS * (SEEDS - 1.0)));
    const bool good = fabs(mean - claim) <= 5 * error + 1e-12;
    if (!good || getenv("SHOW"))
        fprintf(stderr, "%.6g +- %.2g, claimed %.6g: %.2f\n", mean, error, claim,
                (mean - claim) / error);
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

int main(int argc, char **argv)
{
    int rank;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    FILE *quiet = rank ? freopen("/dev/null", "w", stdout) : stdout;
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(two_layers_have_their_spectrum),
        cmocka_unit_test(one_layer_has_its_optimum),
    };
    int failed = !quiet || hesse_team_new(MPI_COMM_WORLD, &team) ||
                 hesse_team_new(MPI_COMM_SELF, &alone) ||
                 run_cases(argc, argv, cases, NULL, NULL);
    hesse_team_free(team);
    hesse_team_free(alone);
    MPI_Finalize();
    return failed;
}
