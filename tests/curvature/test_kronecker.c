/* Nearest Kronecker products obey their laws and agree with a search on the formed
   matrix R; and what an analysis measures agrees with factors that are computed in
   another way, on 1, 2 and 4 ranks. */
#include "base/random.h"
#include "check_memory.h"
#include "check_problem.h"
#include "curvature/kronecker.h"
#include "hesse/hesse.h"

#include <math.h>
#include <stdlib.h>

static const int SIZES[][2] = {{1, 1}, {1, 7}, {7, 1},  {3, 5},
                               {5, 3}, {4, 4}, {12, 13}};
enum { COUNT = sizeof SIZES / sizeof *SIZES };

static double *numbers(size_t count)
{
    double *x = calloc(count, sizeof *x);
    assert_all(x != NULL);
    return x;
}

static double number(uint64_t i)
{
    return hesse_normal(11, HESSE_RANDOM_TESTS, i);
}

/* A symmetric matrix (sign 1), or an antisymmetric one (sign -1). */
static double *matrix(int n, int sign, uint64_t seed)
{
    double *m = numbers((size_t)n * (size_t)n);
    for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++) {
            m[i * n + j] = number((seed * 1000 + (uint64_t)i) * 1000 + (uint64_t)j);
            m[j * n + i] = sign * m[i * n + j];
            if (sign < 0 && i == j) m[i * n + i] = 0;
        }
    return m;
}

static double *product(int p, int q, const double *a, const double *b)
{
    const int n = p * q;
    double *s = numbers((size_t)n * (size_t)n);
    for (int r = 0; r < n; r++)
        for (int c = 0; c < n; c++)
            s[r * n + c] = a[r / q * p + c / q] * b[r % q * q + c % q];
    return s;
}

static double norm(size_t n, const double *v)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += v[i] * v[i];
    return sqrt(sum);
}

static double distance(size_t n, const double *v, const double *w)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += pow(v[i] - w[i], 2);
    return sqrt(sum);
}

static bool near(double a, double b, double most)
{
    return fabs(a - b) <= most;
}

/* A product is found, also one of antisymmetric factors, and other products are not
   nearer. */
static void products_are_found(void **state)
{
    (void)state;
    for (int c = 0; c < COUNT; c++)
        for (int sign = 1; sign >= -1; sign -= 2) {
            const int p = SIZES[c][0], q = SIZES[c][1];
            const size_t n = (size_t)(p * q);
            if (sign < 0 && (p == 1 || q == 1)) continue; /* zero */
            double *a = matrix(p, sign, 1), *b = matrix(q, sign, 2);
            double *s = product(p, q, a, b), *found_a = numbers(n * n),
                   *found_b = numbers(n * n);
            hesse_kronecker_fit fit, given, wrong;
            assert_all(!hesse_kronecker_nearest(p, q, s, found_a, found_b, &fit, NULL));
            assert_all(fit.error < 1e-13 && near(fit.cosine, 1, 1e-13));
            double *t = product(p, q, found_a, found_b);
            assert_all(distance(n * n, s, t) < 1e-12 * norm(n * n, s));
            assert_all(near(norm((size_t)(p * p), found_a), 1, 1e-13));
            assert_all(!hesse_kronecker_nearest(p, q, s, found_a, NULL, &wrong, NULL));
            assert_all(wrong.error < 1e-13);
            /* A factor of -3 changes the sign of the cosine alone. */
            for (int i = 0; i < p * p; i++) a[i] *= -3;
            assert_all(!hesse_kronecker_compare(p, q, s, a, b, &given, NULL));
            assert_all(given.error < 1e-13 && near(given.cosine, -1, 1e-13));
            a[0] += 1;
            assert_all(!hesse_kronecker_compare(p, q, s, a, b, &wrong, NULL));
            assert_all(p == 1 || wrong.error > 1e-3);
            free(a), free(b), free(s), free(t), free(found_a), free(found_b);
        }
}

/* The largest singular value of R, by the power method on R itself. */
static double singular_value(int p, int q, const double *s)
{
    const size_t rows = (size_t)(p * p), cols = (size_t)(q * q);
    const int n = p * q;
    double *x = numbers(cols), *y = numbers(rows), size = 0;
    for (size_t i = 0; i < cols; i++) x[i] = number(i);
    for (int step = 0; step < 5000; step++) {
        size = norm(cols, x);
        for (size_t i = 0; i < rows; i++) {
            y[i] = 0;
            for (size_t k = 0; k < cols; k++) {
                const int row = (int)i / p * q + (int)k / q,
                          col = (int)i % p * q + (int)k % q;
                y[i] += s[row * n + col] * x[k] / size;
            }
        }
        size = norm(rows, y);
        for (size_t k = 0; k < cols; k++) {
            x[k] = 0;
            for (size_t i = 0; i < rows; i++) {
                const int row = (int)i / p * q + (int)k / q,
                          col = (int)i % p * q + (int)k % q;
                x[k] += s[row * n + col] * y[i] / size;
            }
        }
    }
    free(x), free(y);
    return size;
}

/* For any S, the cosine of the nearest product is the largest singular value of R over
   |S|; error and cosine obey Pythagoras; and S has energies that add up. */
static void nearest_is_the_singular_value(void **state)
{
    (void)state;
    for (int c = 0; c < COUNT - 1; c++) {
        const int p = SIZES[c][0], q = SIZES[c][1], n = p * q;
        const size_t entries = (size_t)n * (size_t)n;
        double *s = matrix(n, 1, 3), *a = matrix(p, 1, 4), *b = matrix(q, 1, 5);
        hesse_kronecker_fit fit, other;
        hesse_kronecker_energy e;
        assert_all(!hesse_kronecker_nearest(p, q, s, NULL, NULL, &fit, NULL));
        assert_all(near(fit.cosine, singular_value(p, q, s) / norm(entries, s), 1e-10));
        assert_all(near(pow(fit.cosine, 2) + pow(fit.error, 2), 1, 1e-12));
        assert_all(!hesse_kronecker_compare(p, q, s, a, b, &other, NULL));
        assert_all(other.error >= fit.error - 1e-13);
        assert_all(fabs(other.cosine) <= fit.cosine + 1e-13);
        assert_all(near(pow(other.cosine, 2) + pow(other.error, 2), 1, 1e-12));
        hesse_kronecker_energies(p, q, s, &e);
        double all = 0, diagonal = 0, rows = 0, columns = 0;
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++) {
                const double square = s[i * n + j] * s[i * n + j];
                all += square, diagonal += i == j ? square : 0;
                rows += i / q == j / q ? square : 0;
                columns += i % q == j % q ? square : 0;
            }
        assert_all(near(e.diagonal, diagonal / all, 1e-13));
        assert_all(near(e.rows, rows / all, 1e-13));
        assert_all(near(e.columns, columns / all, 1e-13));
        free(s), free(a), free(b);
    }
}

/* A zero matrix has no cosine, and wrong arguments are refused. */
static void edges(void **state)
{
    (void)state;
    double zero[16] = {0}, one[4] = {1, 0, 0, 1}, bad[16] = {NAN};
    hesse_kronecker_fit fit;
    hesse_kronecker_energy e;
    hesse_why why;
    assert_all(!hesse_kronecker_nearest(2, 2, zero, NULL, NULL, &fit, &why));
    assert_all(isnan(fit.error) && isnan(fit.cosine));
    assert_all(!hesse_kronecker_compare(2, 2, zero, one, one, &fit, &why));
    assert_all(isnan(fit.error) && isnan(fit.cosine));
    hesse_kronecker_energies(2, 2, zero, &e);
    assert_all(isnan(e.diagonal) && isnan(e.rows) && isnan(e.columns));
    assert_all(hesse_kronecker_nearest(2, 2, bad, NULL, NULL, &fit, &why) ==
               HESSE_E_NUMERIC);
    assert_all(hesse_kronecker_nearest(0, 2, zero, NULL, NULL, &fit, &why) ==
               HESSE_E_JOB);
    assert_all(hesse_kronecker_compare(2, -1, zero, one, one, &fit, &why) ==
               HESSE_E_JOB);
}

typedef struct subject {
    hesse_team *team;
    hesse_problem problem;
    hesse_analysis *analysis;
    hesse_kronecker_results *found;
} subject;

static subject begin(const char *name, hesse_analysis_options options)
{
    subject x = {.team = team_of_all()};
    x.problem = open_reference(x.team, name);
    options.kronecker = true;
    assert_done(x.team, hesse_analysis_new(x.problem.objective, &options, &x.analysis));
    assert_done(x.team, hesse_kronecker_run(x.analysis, &x.found));
    return x;
}

static void end(subject *x)
{
    hesse_kronecker_free(x->found);
    hesse_analysis_free(x->analysis);
    hesse_problem_free(&x->problem);
    hesse_team_free(x->team);
}

/* m += v v' for the rows v of w, or for its columns. */
static void add_sides(int p, int q, const double *w, double *a, double *b)
{
    for (int i = 0; i < p; i++)
        for (int k = 0; k < q; k++) {
            for (int j = 0; j < p; j++) a[i * p + j] += w[i * q + k] * w[j * q + k];
            for (int l = 0; l < q; l++) b[k * q + l] += w[i * q + k] * w[i * q + l];
        }
}

/* Compare one product of a block with its matrix. */
static void agree(const subject *x, int share, int block, hesse_kronecker_product which,
                  int p, int q, const double *s, const double *a, const double *b)
{
    const hesse_kronecker_share *found = &x->found->share[share];
    hesse_kronecker_fit fit;
    assert_all(!hesse_kronecker_compare(p, q, s, a, b, &fit, NULL));
    assert_all(near(found->error[which][block], fit.error, 1e-9));
    assert_all(near(found->cosine[which][block], fit.cosine, 1e-9));
}

/* Shampoo's factors come from gradients, and those of examples from the gradients of
   examples, which are computed without the tape's inputs and adjoints. */
static void factors_are_those_of_gradients(void **state)
{
    (void)state;
    static const char *const names[] = {"gpt2", "llama"};
    static const hesse_cut cuts[] = {HESSE_CUT_TENSOR, HESSE_CUT_HEAD};
    static const hesse_kinds kinds[] = {HESSE_ALL, HESSE_GAUSS_NEWTON};
    for (int c = 0; c < 2; c++) {
        subject x =
            begin(names[c], (hesse_analysis_options){
                                .partition = cuts[c], .parts = kinds, .n_parts = 2});
        const hesse_plan *plan = hesse_analysis_plan(x.analysis);
        const double *gradient = hesse_analysis_gradient(x.analysis);
        const int examples = hesse_objective_examples(x.problem.objective);
        const size_t n = hesse_network_size(x.problem.network);
        double *each = numbers((size_t)examples * n), *ordered = numbers(n);
        int matrices = 0, linear = 0, narrow = 0;
        assert_done(x.team, hesse_objective_example_gradients(x.problem.objective, 0,
                                                              examples, each));
        assert_all(x.found->left_out == 0 && x.found->shares == 2);
        for (int b = 0; b < x.found->blocks; b++) {
            const size_t size = hesse_analysis_block_size(x.analysis, b);
            const size_t first = hesse_analysis_block_first(x.analysis, b);
            hesse_kronecker_block of;
            if (!hesse_kronecker_block_of(plan, gradient, b, &of)) {
                assert_all(isnan(x.found->share[0].error[0][b]));
                assert_all(isnan(x.found->share[0].diagonal[b]));
                continue;
            }
            const int p = of.rect.rows, q = of.rect.cols;
            double *s = numbers(size * size), *sum_a = numbers((size_t)(p * p)),
                   *sum_b = numbers((size_t)(q * q)), *a = numbers((size_t)(p * p)),
                   *b_ = numbers((size_t)(q * q));
            matrices++, linear += of.node != NULL;
            narrow +=
                size < (size_t)plan->objective->network->params.list[of.param].rows *
                           (size_t)plan->objective->network->params.list[of.param].cols;
            add_sides(p, q, gradient + first, a, b_);
            for (int i = 0; i < examples; i++) {
                hesse_analysis_order(x.analysis, each + (size_t)i * n, ordered);
                add_sides(p, q, ordered + first, sum_a, sum_b);
            }
            for (int share = 0; share < 2; share++) {
                const hesse_kronecker_share *found = &x.found->share[share];
                hesse_kronecker_fit fit;
                hesse_kronecker_energy e;
                assert_all(!hesse_analysis_block_matrix(x.analysis, share, b, s, NULL));
                assert_all(!hesse_kronecker_nearest(p, q, s, NULL, NULL, &fit, NULL));
                assert_all(near(found->error[0][b], fit.error, 1e-9));
                agree(&x, share, b, HESSE_KRONECKER_SHAMPOO_SQUARE, p, q, s, a, b_);
                if (of.node)
                    agree(&x, share, b, HESSE_KRONECKER_EXAMPLES_SQUARE, p, q, s, sum_a,
                          sum_b);
                hesse_kronecker_energies(p, q, s, &e);
                assert_all(near(found->diagonal[b], e.diagonal, 1e-9));
                const double rows =
                    of.out_rows ? found->same_output[b] : found->same_input[b];
                assert_all(near(rows, e.rows, 1e-9));
                for (int k = 0; k < HESSE_KRONECKER_PRODUCTS; k++) {
                    const double error = found->error[k][b],
                                 cosine = found->cosine[k][b];
                    const bool of_node = k == HESSE_KRONECKER_KFAC ||
                                         k == HESSE_KRONECKER_EXAMPLES ||
                                         k == HESSE_KRONECKER_EXAMPLES_SQUARE;
                    assert_all(isnan(error) == (of_node && !of.node));
                    assert_all(isnan(error) ||
                               (error >= fit.error - 1e-9 && error <= 1));
                    assert_all(isnan(error) || fabs(cosine) <= 1);
                }
            }
            free(s), free(sum_a), free(sum_b), free(a), free(b_);
        }
        assert_all(matrices > linear && linear > 4); /* embeddings are no linear maps */
        assert_all(!c || narrow > 4);                /* heads */
        free(each), free(ordered);
        end(&x);
    }
}

/* The squares of roots are the factors. */
static void roots_are_roots(void **state)
{
    (void)state;
    subject x = begin("gpt2", (hesse_analysis_options){0});
    const hesse_plan *plan = hesse_analysis_plan(x.analysis);
    for (int b = 0; b < x.found->blocks; b++) {
        hesse_kronecker_block of;
        hesse_kronecker_factors f;
        if (!hesse_kronecker_block_of(plan, hesse_analysis_gradient(x.analysis), b,
                                      &of))
            continue;
        assert_done(x.team, hesse_kronecker_factors_new(x.problem.objective, &of, &f));
        assert_all(!hesse_kronecker_factors_root(&of, &f, NULL));
        for (int k = HESSE_KRONECKER_SHAMPOO; k < HESSE_KRONECKER_PRODUCTS; k += 2)
            for (int side = 0; f.a[k] && side < 2; side++) {
                const int n = side ? of.rect.cols : of.rect.rows;
                const double *root = side ? f.b[k] : f.a[k];
                const double *square = side ? f.b[k + 1] : f.a[k + 1];
                double size = norm((size_t)(n * n), square), off = 0;
                for (int i = 0; i < n; i++)
                    for (int j = 0; j < n; j++) {
                        double sum = 0;
                        for (int l = 0; l < n; l++)
                            sum += root[i * n + l] * root[l * n + j];
                        off = fmax(off, fabs(sum - square[i * n + j]));
                    }
                assert_all(size > 0 && off < 1e-12 * size);
            }
        hesse_kronecker_factors_free(&f);
    }
    end(&x);
}

/* Two results must agree. Return how many numbers were compared. */
static int agreeing(const hesse_kronecker_results *x, const hesse_kronecker_results *y)
{
    int compared = 0;
    for (int b = 0; b < x->blocks; b++)
        for (int k = 0; k < HESSE_KRONECKER_PRODUCTS; k++) {
            const hesse_kronecker_share *one = &x->share[0], *other = &y->share[0];
            assert_all(isnan(one->error[k][b]) == isnan(other->error[k][b]));
            if (isnan(one->error[k][b])) continue;
            assert_all(near(one->error[k][b], other->error[k][b], 1e-9));
            assert_all(near(one->cosine[k][b], other->cosine[k][b], 1e-9));
            compared++;
        }
    return compared;
}

/* Blocks that are cut out of the full matrix, blocks that are formed alone and blocks
   that all ranks hold have the same numbers. */
static void scopes_agree(void **state)
{
    (void)state;
    subject x = begin("gpt2", (hesse_analysis_options){.scope = HESSE_BLOCKS});
    static const hesse_scope scopes[] = {HESSE_FULL, HESSE_BOTH};
    for (int i = 0; i < 2; i++) {
        subject y = begin("gpt2", (hesse_analysis_options){.scope = scopes[i]});
        assert_all(agreeing(x.found, y.found) > 50);
        end(&y);
    }
    end(&x);
}

/* Nor do they if the blocks belong to groups of ranks of every size. */
static void groups_agree(void **state)
{
    (void)state;
    subject x = begin("gpt2", (hesse_analysis_options){0});
    hesse_kronecker_results *found = NULL;
    regroup(x.analysis, HESSE_ENGINE_SCALAPACK, false);
    assert_done(x.team, hesse_kronecker_run(x.analysis, &found));
    assert_all(agreeing(x.found, found) > 50);
    hesse_kronecker_free(found);
    end(&x);
}

/* The numbers do not change if the values of few examples are held at once. */
static void windows_agree(void **state)
{
    (void)state;
    subject x = begin("gpt2", (hesse_analysis_options){0});
    const hesse_objective_options tight = {.memory = 1};
    hesse_objective *objective = NULL;
    hesse_kronecker_results *found = NULL;
    assert_done(x.team, hesse_objective_new(x.team, x.problem.network,
                                            x.problem.dataset, &tight, &objective));
    assert_all(hesse_objective_window(objective) == 1);
    assert_all(hesse_objective_examples(objective) > 1);
    hesse_analysis_free(x.analysis);
    assert_done(x.team, hesse_analysis_new(objective,
                                           &(hesse_analysis_options){.kronecker = true},
                                           &x.analysis));
    assert_done(x.team, hesse_kronecker_run(x.analysis, &found));
    assert_all(agreeing(x.found, found) > 50);
    hesse_kronecker_free(found);
    hesse_analysis_free(x.analysis);
    x.analysis = NULL;
    hesse_objective_free(objective);
    end(&x);
}

/* A block that all ranks hold is gathered on one of them. */
static void shared_blocks_are_gathered(void **state)
{
    (void)state;
    const char *const only[] = {"layers.0.weight"};
    hesse_arch arch = {.family = "mlp", .lists.n_widths = 1, .lists.widths = {24}};
    const hesse_network_source source = {.arch = &arch};
    const hesse_data_options data = {
        .kind = "clusters", .recipe = {.features = 25, .classes = 3}, .sequences = 8};
    const hesse_analysis_options options = {
        .only = only, .n_only = 1, .kronecker = true};
    subject x = {.team = team_of_all()};
    int ranks;
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    x.problem = open_problem(x.team, &source, &data);
    assert_done(x.team, hesse_analysis_new(x.problem.objective, &options, &x.analysis));
    assert_all(hesse_analysis_plan(x.analysis)->schedule.tasks[0].group.count == ranks);
    assert_done(x.team, hesse_kronecker_run(x.analysis, &x.found));
    hesse_kronecker_fit fit;
    double *s = numbers((size_t)600 * 600);
    assert_all(!hesse_analysis_block_matrix(x.analysis, 0, 0, s, NULL));
    assert_all(!hesse_kronecker_nearest(24, 25, s, NULL, NULL, &fit, NULL));
    assert_all(
        near(x.found->share[0].error[HESSE_KRONECKER_NEAREST][0], fit.error, 1e-10));
    assert_all(fit.error > 0.1 && fit.error < 0.9);
    free(s);
    end(&x);
}

/* Estimated blocks have no numbers; an analysis without the option is refused; if
   memory is short, blocks are left out. */
static void what_is_not_measured(void **state)
{
    (void)state;
    subject x =
        begin("gpt2", (hesse_analysis_options){.method = HESSE_METHOD_LANCZOS,
                                               .lanczos = {.steps = 3, .probes = 1}});
    for (int b = 0; b < x.found->blocks; b++)
        assert_all(isnan(x.found->share[0].error[HESSE_KRONECKER_NEAREST][b]));
    assert_all(x.found->left_out == 0);
    end(&x);
    x = begin("gpt2", (hesse_analysis_options){0});
    const double peak = hesse_analysis_plan(x.analysis)->peak;
    end(&x);
    x = begin("gpt2", (hesse_analysis_options){.memory = (size_t)peak + 4096});
    assert_all(x.found->left_out > 0);
    hesse_analysis *plain = NULL;
    hesse_kronecker_results *found = NULL;
    assert_done(x.team, hesse_analysis_new(x.problem.objective,
                                           &(hesse_analysis_options){0}, &plain));
    assert_all(hesse_kronecker_run(plain, &found) == HESSE_E_JOB && !found);
    assert_all(hesse_kronecker_run(NULL, &found) == HESSE_E_JOB);
    assert_all(hesse_kronecker_run(x.analysis, NULL) == HESSE_E_JOB);
    hesse_analysis_free(plain);
    end(&x);
}

/* If an allocation fails on one rank, all ranks fail, and none waits for another. */
static void one_rank_out_of_memory_fails_all(void **state)
{
    (void)state;
    const char *const only[] = {"*c_fc.weight", "*ln_1*"};
    for (int scope = 0; scope < 2; scope++) {
        subject x = begin(
            "gpt2", (hesse_analysis_options){.scope = scope ? HESSE_FULL : HESSE_BLOCKS,
                                             .only = only,
                                             .n_only = 2});
        int ranks;
        MPI_Comm_size(MPI_COMM_WORLD, &ranks);
        hesse_status s = HESSE_E_NOMEM;
        for (int at = 0; s; at++) {
            hesse_kronecker_results *found = NULL;
            broken_rank = ranks - 1, broken_at = at, allocations = 0;
            s = hesse_kronecker_run(x.analysis, &found);
            broken_rank = -1;
            assert_all(s == HESSE_OK || s == HESSE_E_NOMEM);
            assert_all(at < 5000 && (s == HESSE_OK) == (found != NULL));
            assert_all(s || at > 20);
            hesse_kronecker_free(found);
        }
        end(&x);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(products_are_found),
    cmocka_unit_test(nearest_is_the_singular_value),
    cmocka_unit_test(edges),
    cmocka_unit_test(factors_are_those_of_gradients),
    cmocka_unit_test(roots_are_roots),
    cmocka_unit_test(scopes_agree),
    cmocka_unit_test(windows_agree),
    cmocka_unit_test(groups_agree),
    cmocka_unit_test(shared_blocks_are_gathered),
    cmocka_unit_test(what_is_not_measured),
    cmocka_unit_test(one_rank_out_of_memory_fails_all),
};

MPI_TEST_MAIN(tests)
