/* Laws of the theory of quadratics, on 1, 2, 4 and 6 ranks: examples by hand, bounds
   over many draws, blocks that are far apart against blocks that are alike, and the
   same numbers on any number of ranks. */
#include "data/kinds.h"
#include "network/params.h"
#include "theory/check_theory.h"

enum { DRAWS = 100, MOST = 10000000 };

static const int threes[] = {3, 3, 3}, ones[] = {1, 1}, two[] = {2};
static const double apart[] = {1, 2, 3, 99, 100, 101, 4998, 4999, 5000};
static const double alike[] = {1, 99, 4998, 2, 100, 4999, 3, 101, 5000};

static hesse_arch arch_of(int blocks, const int *sizes)
{
    hesse_arch arch = {.family = "quadratic", .lists = {.n_widths = blocks}};
    for (int b = 0; b < blocks; b++) arch.lists.widths[b] = sizes[b];
    arch.data.loss = HESSE_LOSS_SQUARED_ERROR;
    return arch;
}

static hesse_status compute(hesse_team *who, int blocks, const int *sizes,
                            const double *eigenvalues, hesse_theory_options options,
                            hesse_theory **theory)
{
    const hesse_arch arch = arch_of(blocks, sizes);
    const hesse_data_options data = {.kind = "quadratic",
                                     .sizes = sizes,
                                     .n_sizes = blocks,
                                     .eigenvalues = eigenvalues};
    return hesse_theory_new(who, &arch, &data, &options, theory);
}

static hesse_theory_options options_of(int draws, double rate)
{
    return (hesse_theory_options){.draws = draws,
                                  .steps = MOST,
                                  .tolerance = 1e-6,
                                  .learning_rate = rate,
                                  .seed = 7};
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-12 * fabs(b);
}

static void point_of(const hesse_arch *sizes, uint64_t seed, double *w)
{
    hesse_params params;
    hesse_arch arch = *sizes;
    arch.data.inputs = 2;
    if (hesse_params_new(&arch, &params, NULL)) return;
    hesse_params_init(&params, seed, w);
    hesse_params_free(&params);
}

/* Two blocks of order 1 with eigenvalues 1 and 9: H = diag(1, 9) and D^(-1/2) H
   D^(-1/2) = diag(1 / |w_1|, 1 / |w_2|). With the optimal rates both modes shrink by
   the same factor in every step. */
static void two_numbers_by_hand(void **state)
{
    (void)state;
    const double lambda[] = {1, 9};
    const hesse_arch arch = arch_of(2, ones);
    double w[2] = {0};
    hesse_theory *t;
    assert_all(!compute(alone, 2, ones, lambda, options_of(1, 0), &t));
    point_of(&arch, 7, w);
    const double x = fabs(w[0]), y = fabs(w[1]), kappa = fmax(x, y) / fmin(x, y),
                 factor = (kappa - 1) / (kappa + 1);
    assert_all(near(*values_of(t, "condition"), 9));
    assert_all(near(*values_of(t, "gd_learning_rate"), 0.2));
    assert_all(near(*values_of(t, "gd_bound"), 0.64));
    assert_all(*values_of(t, "gd_steps") == ceil(log(1e-6) / log(0.8)));
    assert_all(near(*values_of(t, "tau"), 1));
    assert_all(near(*values_of(t, "preconditioned_condition"), kappa));
    assert_all(near(*values_of(t, "condition_ratio"), kappa / 9));
    assert_all(near(*values_of(t, "adam_learning_rate"), 2 / (1 / x + 1 / y)));
    assert_all(*values_of(t, "adam_steps") == ceil(log(1e-6) / log(factor)));
    assert_all(near(values_of(t, "c1")[0], x) && near(values_of(t, "c2")[1], y));
    assert_all(near(*values_of(t, "r"), kappa));
    assert_all(near(*values_of(t, "adam_bound"), 1 - 1 / kappa));
    hesse_theory_free(t);
}

/* A block of order 2: the eigenvalues of D^(-1/2) H D^(-1/2) have the sum h_11 / d_1 +
   h_22 / d_2 and the product det H / (d_1 d_2). */
static void a_block_of_two_by_hand(void **state)
{
    (void)state;
    const double lambda[] = {1, 10};
    const hesse_arch arch = arch_of(1, two);
    const hesse_data_options data = {.kind = "quadratic",
                                     .sizes = two,
                                     .n_sizes = 1,
                                     .eigenvalues = lambda,
                                     .seed = 7};
    const hesse_data_needs needs = {.reads = HESSE_READS_NUMBERS};
    hesse_batch batch = {0};
    hesse_theory *t;
    double w[2] = {0}, h[3] = {0}, d[2];
    assert_all(!compute(alone, 1, two, lambda, options_of(1, 0), &t));
    point_of(&arch, 7, w);
    assert_all(!hesse_data_kind_named("quadratic")->read(&data, &needs, &batch, NULL));
    for (int i = 0; i < 2; i++) {
        const double *a = batch.x + 2 * i;
        h[0] += a[0] * a[0], h[1] += a[0] * a[1], h[2] += a[1] * a[1];
    }
    hesse_batch_free(&batch);
    d[0] = fabs(h[0] * w[0] + h[1] * w[1]), d[1] = fabs(h[1] * w[0] + h[2] * w[1]);
    const double half = (h[0] / d[0] + h[2] / d[1]) / 2, product = 10 / (d[0] * d[1]),
                 root = sqrt(half * half - product);
    assert_all(fabs(*values_of(t, "preconditioned_condition") -
                    (half + root) * (half + root) / product) <=
               1e-9 * *values_of(t, "preconditioned_condition"));
    assert_all(fabs(*values_of(t, "adam_learning_rate") - 1 / half) <= 1e-9 / half);
    assert_all(
        near(*values_of(t, "tau"), (h[0] + h[2]) / (h[0] + h[2] + 2 * fabs(h[1]))));
    const double loss =
        (h[0] * w[0] * w[0] + 2 * h[1] * w[0] * w[1] + h[2] * w[1] * w[1]) / 2;
    assert_all(near(values_of(t, "path/gd_loss")[0], loss));
    assert_all(near(values_of(t, "path/adam_loss")[0], loss));
    assert_all(near(values_of(t, "path/gd_gradient_norm")[0], hypot(d[0], d[1])));
    assert_all(near(values_of(t, "path/adam_gradient_norm")[0], hypot(d[0], d[1])));
    hesse_theory_free(t);
}

/* The same nine eigenvalues: Adam is much faster if the blocks are far apart, and not
   if they are alike. Gradient descent does not see the blocks. */
static void blocks_decide(void **state)
{
    (void)state;
    hesse_theory *a, *b;
    assert_all(!compute(team, 3, threes, apart, options_of(DRAWS, 0), &a));
    assert_all(!compute(team, 3, threes, alike, options_of(DRAWS, 0), &b));
    const double gd_a = line_of(a, "steps of GD")->measured,
                 gd_b = line_of(b, "steps of GD")->measured,
                 adam_a = line_of(a, "steps of Adam")->measured,
                 adam_b = line_of(b, "steps of Adam")->measured;
    const char *wins = "share of draws where Adam needs fewer";
    assert_all(gd_a / gd_b > 0.9 && gd_a / gd_b < 1.1);
    assert_all(gd_a > 50 * adam_a);
    assert_all(gd_b < 3 * adam_b && adam_b < 5 * gd_b);
    assert_all(line_of(a, wins)->measured > 0.95);
    assert_all(line_of(b, wins)->measured < 0.6);
    assert_all(line_of(a, "share of draws with r <= 1000")->measured > 2.0 / 3);
    for (int k = 0; k < DRAWS; k++)
        assert_all(values_of(a, "tau")[k] > values_of(b, "tau")[k]);
    hesse_theory_free(a);
    hesse_theory_free(b);
}

/* Adam's factor in a step is at most its bound, and the preconditioned condition at
   most r max kappa_l; gradient descent needs no more steps than its bound says. */
static void bounds_hold(void **state)
{
    (void)state;
    const double *const all[] = {apart, alike};
    for (int i = 0; i < 2; i++) {
        hesse_theory *t;
        assert_all(!compute(team, 3, threes, all[i], options_of(DRAWS, 0), &t));
        const double *kappas = values_of(t, "block_condition");
        const double most = fmax(fmax(kappas[0], kappas[1]), kappas[2]);
        const double steps = ceil(log(1e-6) / log(1 - 2.0 / 5001));
        bool good = true;
        for (int k = 0; k < DRAWS; k++) {
            const double r = values_of(t, "r")[k];
            good &= values_of(t, "adam_violations")[k] == 0;
            good &= values_of(t, "adam_factor")[k] <= values_of(t, "adam_bound")[k];
            good &= values_of(t, "adam_factor")[k] > 0;
            good &=
                values_of(t, "preconditioned_condition")[k] <= r * most * (1 + 1e-9);
            good &= near(values_of(t, "adam_bound")[k], 1 - 1 / (r * most));
            good &= values_of(t, "gd_steps")[k] <= steps;
        }
        assert_all(good);
        hesse_theory_free(t);
    }
}

/* From the adversarial start every step has the factor of the bound, and the first step
   is worse with other rates. */
static void the_lower_bound_is_attained(void **state)
{
    (void)state;
    hesse_theory *t;
    assert_all(!compute(team, 3, threes, apart, options_of(1, 0), &t));
    const double bound = *values_of(t, "gd_bound");
    const char *least = "GD, adversarial start: least factor of L - L* in a step",
               *most = "GD, adversarial start: largest factor of L - L* in a step",
               *other = "GD, adversarial start: least factor for other rates";
    assert_all(fabs(bound - 0.99920032) < 1e-8);
    assert_all(near(line_of(t, least)->measured, bound));
    assert_all(near(line_of(t, most)->measured, bound));
    assert_all(line_of(t, other)->measured >= bound);
    hesse_theory_free(t);
}

/* Other learning rates of gradient descent need more steps to a gradient that is so
   small that the slowest mode decides: a smaller rate for the smallest eigenvalue, and
   a larger one for the largest, whose mode does not shrink at 2 / L. */
static void the_optimal_rate_is_optimal(void **state)
{
    (void)state;
    const double best = 2.0 / 5001, rates[] = {0.8 * best, 1.0001 * best, 2.0 / 5000};
    hesse_theory *t, *other;
    hesse_theory_options o = options_of(DRAWS / 10, 0);
    o.tolerance = 1e-60;
    assert_all(!compute(team, 3, threes, apart, o, &t));
    for (int i = 0; i < 3; i++) {
        o.learning_rate = rates[i];
        assert_all(!compute(team, 3, threes, apart, o, &other));
        bool more = true;
        for (int k = 0; k < o.draws; k++) {
            const double steps = values_of(other, "gd_steps")[k];
            more &= i == 2 ? isnan(steps) : steps > 1.03 * values_of(t, "gd_steps")[k];
            more &= values_of(other, "adam_steps")[k] == values_of(t, "adam_steps")[k];
        }
        assert_all(more);
        assert_all(*values_of(other, "gd_learning_rate") == rates[i]);
        hesse_theory_free(other);
    }
    hesse_theory_free(t);
}

static void any_number_of_ranks(void **state)
{
    (void)state;
    hesse_theory *a, *b;
    const hesse_theory_set *x, *y;
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    assert_all(!compute(team, 3, threes, alike, options_of(13, 0), &a));
    assert_all(!compute(alone, 3, threes, alike, options_of(13, 0), &b));
    bool same = true;
    for (int i = 0; rank == 0 && (x = hesse_theory_set_at(a, i)); i++) {
        y = hesse_theory_set_at(b, i);
        same &= y && strcmp(x->path, y->path) == 0 && x->shape[0] == y->shape[0] &&
                memcmp(x->values, y->values,
                       x->shape[0] * x->shape[1] * sizeof(double)) == 0;
    }
    assert_all(same);
    hesse_theory_free(a);
    hesse_theory_free(b);
}

static void few_steps_are_not_enough(void **state)
{
    (void)state;
    hesse_theory_options o = options_of(3, 0);
    hesse_theory *t;
    o.steps = 100;
    assert_all(!compute(team, 3, threes, alike, o, &t));
    assert_all(isnan(values_of(t, "gd_steps")[0]) &&
               isnan(values_of(t, "adam_steps")[2]));
    assert_all(isnan(line_of(t, "steps of GD")->measured));
    hesse_theory_free(t);
}

static void wrong_input_is_refused(void **state)
{
    (void)state;
    const double flat[] = {1, 0};
    const char *text = hesse_team_why(team)->text;
    hesse_theory *t;
    assert_all(compute(team, 1, two, flat, options_of(2, 0), &t) == HESSE_E_JOB && !t);
    assert_all(strstr(text, "eigenvalue 1 (from 0) is 0") != NULL);
    assert_all(compute(team, 3, threes, apart, options_of(2, 4.1e-4), &t) ==
               HESSE_E_JOB);
    assert_all(strstr(text, "2 / L = 0.0004") != NULL);
    assert_all(compute(team, 3, threes, apart, options_of(0, 0), &t) == HESSE_E_JOB);
    const hesse_arch arch = {.family = "mlp"};
    const hesse_data_options data = {.kind = "gaussian"};
    const hesse_theory_options o = options_of(1, 0);
    assert_all(hesse_theory_new(team, &arch, &data, &o, &t) == HESSE_E_JOB);
    assert_all(strcmp(hesse_theory_family(0), "quadratic") == 0);
}

static hesse_status compute_one(hesse_theory **theory)
{
    return compute(team, 3, threes, apart, options_of(7, 0), theory);
}

static void one_rank_out_of_memory_fails_all(void **state)
{
    (void)state;
    check_exhausted(compute_one, 30);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(two_numbers_by_hand),
    cmocka_unit_test(a_block_of_two_by_hand),
    cmocka_unit_test(blocks_decide),
    cmocka_unit_test(bounds_hold),
    cmocka_unit_test(the_lower_bound_is_attained),
    cmocka_unit_test(the_optimal_rate_is_optimal),
    cmocka_unit_test(any_number_of_ranks),
    cmocka_unit_test(few_steps_are_not_enough),
    cmocka_unit_test(wrong_input_is_refused),
    cmocka_unit_test(one_rank_out_of_memory_fails_all),
};

MPI_TEST_MAIN_WITH(tests, make_teams, free_teams)
