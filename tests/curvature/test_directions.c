/* Directions and errors of blocks obey laws that hold for every network, and agree with
   matrices that are computed in another way, on 1, 2 and 4 ranks. */
#include "base/random.h"
#include "check_memory.h"
#include "check_problem.h"
#include "curvature/measures.h"
#include "hesse/hesse.h"

#include <math.h>
#include <stdlib.h>

static bool near(double a, double b, double scale)
{
    return fabs(a - b) <= 1e-11 * scale;
}

static double dot(size_t n, const double *a, const double *b)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/* A small GPT-2, its analysis, and two directions: a random one that is zero in all
   parameters but those of even number, and the gradient. */
typedef struct subject {
    hesse_team *team;
    hesse_problem problem;
    hesse_analysis *analysis;
    size_t n;
    double *random;
    hesse_direction list[2];
} subject;

static subject begin(const hesse_analysis_options *options)
{
    subject x = {.team = team_of_all()};
    x.problem = open_reference(x.team, "gpt2");
    x.n = hesse_network_size(x.problem.network);
    assert_done(x.team, hesse_analysis_new(x.problem.objective, options, &x.analysis));
    x.random = calloc(x.n, sizeof *x.random);
    assert_all(x.random != NULL);
    for (int p = 0; p < hesse_network_tensors(x.problem.network); p += 2) {
        const size_t first = hesse_network_tensor_first(x.problem.network, p);
        for (size_t i = 0; i < hesse_network_tensor_size(x.problem.network, p); i++)
            x.random[first + i] = hesse_normal(5, HESSE_RANDOM_TESTS, first + i);
    }
    x.list[0] = (hesse_direction){"random", x.random};
    x.list[1] = (hesse_direction){"gradient", NULL};
    return x;
}

static void end(subject *x)
{
    hesse_analysis_free(x->analysis);
    hesse_problem_free(&x->problem);
    hesse_team_free(x->team);
    free(x->random);
}

static hesse_direction_results *directions_of(subject *x)
{
    hesse_direction_results *d = NULL;
    const hesse_directions_options options = {
        .list = x->list, .count = 2, .keep = true};
    assert_done(x->team, hesse_directions_run(x->analysis, &options, &d));
    return d;
}

static hesse_block_error *error_of(subject *x, int partitions, const hesse_cut *cuts)
{
    hesse_block_error *e = NULL;
    const hesse_block_error_options options = {
        .partitions = cuts, .n_partitions = partitions, .probes = 2, .seed = 3};
    assert_done(x->team, hesse_block_error_run(x->analysis, &options, &e));
    return e;
}

/* The pairs of blocks add up to d' S d, which is the product of the objective; they are
   symmetric; and those in one block are a form of its matrix. */
static void pairs_add_up(void **state)
{
    (void)state;
    subject x = begin(&(hesse_analysis_options){.method = HESSE_METHOD_EXACT});
    assert_done(x.team, hesse_analysis_run(x.analysis));
    hesse_direction_results *d = directions_of(&x);
    const int blocks = d->blocks;
    double *v = calloc(x.n, sizeof *v), *sv = calloc(x.n, sizeof *sv),
           *ordered = calloc(x.n, sizeof *ordered);
    assert_all(d->count == 2 && d->shares == 2 && blocks == 36 && v && sv && ordered);
    assert_all(d->size == x.n);
    assert_all(strcmp(d->names[0], "random") == 0 && isnan(d->share[0].in_top[0]));
    assert_done(x.team, hesse_objective_gradient(x.problem.objective, NULL, v));
    for (int s = 0; s < 2; s++)
        for (int i = 0; i < 2; i++) {
            const double *of = i ? v : x.random;
            const double *m = d->share[s].between + i * blocks * blocks;
            double sum = 0, scale = 0, squares = 0;
            for (int b = 0; b < blocks; b++)
                for (int c = 0; c < blocks; c++) {
                    sum += m[b * blocks + c];
                    scale += fabs(m[b * blocks + c]);
                }
            assert_done(x.team, hesse_objective_product(x.problem.objective,
                                                        d->share[s].kinds, 1, of, sv));
            assert_all(scale > 0 && near(d->share[s].quadratic[i], sum, scale));
            assert_all(near(d->share[s].quadratic[i], dot(x.n, of, sv), scale));
            const double *kept = d->share[s].product + (size_t)i * x.n;
            const double length = sqrt(dot(x.n, sv, sv));
            hesse_analysis_order(x.analysis, sv, ordered);
            for (size_t k = 0; k < x.n; k++)
                assert_all(near(kept[k], ordered[k], length));
            for (int b = 0; b < blocks; b++) {
                squares +=
                    d->block_norm[i * blocks + b] * d->block_norm[i * blocks + b];
                for (int c = 0; c < blocks; c++)
                    assert_all(near(m[b * blocks + c], m[c * blocks + b], scale));
            }
            assert_all(near(squares, dot(x.n, of, of), squares));
            assert_all(near(d->norm[i] * d->norm[i], squares, squares));
            assert_all(near(d->share[s].rayleigh[i] * squares, sum, scale));
        }
    assert_all(near(d->cosine[1], 1, 1) && fabs(d->cosine[0]) < 1);
    assert_all(d->share[0].quadratic[1] != d->share[1].quadratic[1]);
    /* Of 36 blocks, 18 move in the random direction; both directions have a column as a
       whole. */
    assert_all(d->products == 2 * (18 + 1 + 36 + 1));
    for (int b = 0; b < blocks; b += 7) {
        const size_t size = hesse_analysis_block_size(x.analysis, b);
        const double *g = hesse_analysis_gradient(x.analysis) +
                          hesse_analysis_block_first(x.analysis, b);
        double *h = calloc(size * size, sizeof *h), form = 0;
        double scale = fabs(d->share[0].quadratic[1]); /* some blocks are zero */
        assert_all(h && !hesse_analysis_block_matrix(x.analysis, 0, b, h, NULL));
        for (size_t i = 0; i < size; i++) {
            form += g[i] * dot(size, h + i * size, g);
            for (size_t j = 0; j < size; j++)
                scale += fabs(g[i] * h[i * size + j] * g[j]);
        }
        assert_all(near(d->share[0].between[(blocks + b) * blocks + b], form, scale));
        free(h);
    }
    free(v);
    free(sv);
    free(ordered);
    hesse_directions_free(d);
    end(&x);
}

/* An eigenvector is in the span of the eigenvectors, and its curvature is its
   eigenvalue; BD of its own matrix leaves it as it is. */
static void eigenvectors_are_in_the_span(void **state)
{
    (void)state;
    const hesse_kinds kinds[] = {HESSE_ALL};
    subject x = begin(&(hesse_analysis_options){.method = HESSE_METHOD_EXACT,
                                                .scope = HESSE_BOTH,
                                                .partition = HESSE_CUT_WHOLE,
                                                .eigenvectors = 2});
    assert_done(x.team, hesse_analysis_run(x.analysis));
    const hesse_spectrum *s = hesse_analysis_spectrum(x.analysis, 0, HESSE_FULL_MATRIX);
    /* By the partition `whole` the order of blocks is that of the parameters. */
    const hesse_direction list[] = {{"top", s->eigenvectors + 3 * x.n},
                                    {"lowest", s->eigenvectors}};
    const hesse_directions_options options = {
        .list = list, .count = 2, .parts = kinds, .n_parts = 1};
    hesse_direction_results *d = NULL;
    assert_done(x.team, hesse_directions_run(x.analysis, &options, &d));
    const double most = s->eigenvalues[s->n - 1];
    assert_all(near(d->share[0].rayleigh[0], most, most));
    assert_all(near(d->share[0].rayleigh[1], s->eigenvalues[0], most));
    assert_all(near(d->share[0].in_top[0], 1, 1) && near(d->share[0].in_top[1], 0, 1));
    assert_all(near(d->share[0].block_in_top[0], 1, 1));
    hesse_directions_free(d);

    const hesse_cut cuts[] = {HESSE_CUT_WHOLE, HESSE_CUT_TENSOR};
    hesse_block_error *e = error_of(&x, 2, cuts);
    assert_all(e->top == 2 && e->vectors == 5 && e->shares == 2);
    assert_all(e->blocks[0] == 1 && e->blocks[1] == 36);
    for (int j = 0; j < e->vectors; j++) {
        const hesse_block_error_share *h = &e->share[0];
        assert_all(fabs(h->error[j]) < 1e-12 && near(h->cosine[j], 1, 1));
        assert_all(h->error[e->vectors + j] > 0.1 && h->cosine[e->vectors + j] < 0.99);
    }
    /* The Gauss-Newton part was not analysed: it has no eigenvectors. */
    assert_all(!isnan(e->share[1].error[2]) && isnan(e->share[1].error[3]));
    assert_all(e->share[0].outside[0] == 0 && isnan(e->share[0].outside[1]));
    hesse_block_error_free(e);
    end(&x);
}

/* For random vectors the mean of |(S - BD) v|^2 is the squared Frobenius norm of S -
   BD; and blocks of two partitions differ by what lies between the finer ones. */
static void error_is_that_of_the_norms(void **state)
{
    (void)state;
    subject x = begin(
        &(hesse_analysis_options){.method = HESSE_METHOD_EXACT, .scope = HESSE_BOTH});
    assert_done(x.team, hesse_analysis_run(x.analysis));
    const hesse_cut cuts[] = {HESSE_CUT_TENSOR, HESSE_CUT_LAYER, HESSE_CUT_NEURON};
    hesse_block_error *e = error_of(&x, 3, cuts);
    const double *outside = e->share[0].outside;
    const double *c = hesse_analysis_coupling(x.analysis, 0);
    const int blocks = hesse_analysis_blocks(x.analysis);
    double all = 0, inside = 0;
    for (int b = 0; b < blocks * blocks; b++) {
        all += c[b] * c[b];
        if (b / blocks == b % blocks) inside += c[b] * c[b];
    }
    assert_all(near(outside[0], 1 - inside / all, 1));
    assert_all(outside[1] > 0 && outside[1] < outside[0] && isnan(outside[2]));
    assert_all(e->products == 2 * 3 * (1 + 36 + e->blocks[1] + e->blocks[2]));
    hesse_block_error_free(e);
    end(&x);
}

/* Errors of arguments, and of too many products, come before any product. */
static void refusals(void **state)
{
    (void)state;
    subject x = begin(&(hesse_analysis_options){.method = HESSE_METHOD_EXACT,
                                                .memory = (size_t)1 << 30});
    hesse_direction_results *d = NULL;
    hesse_block_error *e = NULL;
    hesse_measure_cost cost;
    hesse_why why;
    const hesse_cut cuts[] = {HESSE_CUT_TENSOR}, wrong[] = {(hesse_cut)99};
    hesse_directions_options o = {.list = x.list, .count = 2};
    hesse_block_error_options b = {.partitions = cuts, .n_partitions = 1};
    assert_all(hesse_directions_run(x.analysis, &o, &d) == HESSE_E_JOB);
    assert_all(hesse_block_error_run(x.analysis, &b, &e) == HESSE_E_JOB);
    assert_done(x.team, hesse_analysis_run(x.analysis));
    o.products = b.products = 10;
    assert_all(hesse_directions_run(x.analysis, &o, &d) == HESSE_E_JOB);
    assert_all(strstr(hesse_team_why(x.team)->text, "at most 10") != NULL);
    assert_all(hesse_block_error_run(x.analysis, &b, &e) == HESSE_E_JOB);
    assert_all(strstr(hesse_team_why(x.team)->text, "at most 10") != NULL);
    /* A gigabyte would not hold these, and a plan says so. */
    const hesse_directions_options many = {.list = x.list, .count = 100000};
    const hesse_block_error_options vectors = {
        .partitions = cuts, .n_partitions = 1, .probes = 100000};
    assert_all(hesse_directions_cost(x.analysis, &many, NULL, &cost, &why) ==
               HESSE_E_NOMEM);
    assert_all(strstr(why.text, "per rank, more than the 1 GiB") != NULL);
    assert_all(hesse_block_error_cost(x.analysis, &vectors, NULL, &cost, &why) ==
               HESSE_E_NOMEM);
    assert_all(strstr(why.text, "per rank, more than the 1 GiB") != NULL);
    b.products = 0, b.partitions = wrong;
    assert_all(hesse_block_error_run(x.analysis, &b, &e) == HESSE_E_JOB);
    o = (hesse_directions_options){.list = x.list, .count = 0};
    assert_all(hesse_directions_run(x.analysis, &o, &d) == HESSE_E_JOB);
    assert_all(hesse_directions_run(NULL, &o, &d) == HESSE_E_JOB && !d && !e);
    end(&x);
}

/* If an allocation fails on one rank, all ranks fail, and none waits for another. */
static void one_rank_out_of_memory_fails_all(void **state)
{
    (void)state;
    subject x = begin(&(hesse_analysis_options){.method = HESSE_METHOD_EXACT,
                                                .partition = HESSE_CUT_LAYER,
                                                .eigenvectors = 1,
                                                .scope = HESSE_BOTH});
    const hesse_cut cuts[] = {HESSE_CUT_GROUP};
    const hesse_directions_options o = {.list = x.list, .count = 2};
    const hesse_block_error_options b = {.partitions = cuts, .n_partitions = 1};
    int ranks;
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    assert_done(x.team, hesse_analysis_run(x.analysis));
    for (int which = 0; which < 2; which++) {
        hesse_status s = HESSE_E_NOMEM;
        for (int at = 0; s; at++) {
            hesse_direction_results *d = NULL;
            hesse_block_error *e = NULL;
            broken_rank = ranks - 1, broken_at = at, allocations = 0;
            s = which ? hesse_block_error_run(x.analysis, &b, &e)
                      : hesse_directions_run(x.analysis, &o, &d);
            broken_rank = -1;
            assert_all(s == HESSE_OK || s == HESSE_E_NOMEM);
            assert_all(at < 2000 && (s == HESSE_OK) == (d != NULL || e != NULL));
            assert_all(s || at > 10);
            hesse_directions_free(d);
            hesse_block_error_free(e);
        }
    }
    end(&x);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(pairs_add_up),
    cmocka_unit_test(eigenvectors_are_in_the_span),
    cmocka_unit_test(error_is_that_of_the_norms),
    cmocka_unit_test(refusals),
    cmocka_unit_test(one_rank_out_of_memory_fails_all),
};

MPI_TEST_MAIN(tests)
