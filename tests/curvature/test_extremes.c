/* Eigenpairs at both ends of a spectrum, and trace, Frobenius norm and diagonal from
   random vectors, on 1, 2, 4 and 6 ranks. They are compared with known spectra of
   matrices and with exact spectra of models. */
#include "base/random.h"
#include "check_checkpoint.h"
#include "check_memory.h"
#include "check_problem.h"
#include "curvature/analysis.h"
#include "hesse/hesse.h"
#include "spectra/hutchinson.h"
#include "spectra/thick_restart.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Kinds of matrices with a known spectrum: a diagonal matrix D; a reflected one, (1 - 2
   u u') D (1 - 2 u u') with all entries of u equal; or one between cosine transforms,
   in which nothing is left of the diagonal. */
typedef enum look { REFLECTED, DIAGONAL, MIXED } look;

typedef struct known {
    int n;
    const double *lambda;
    look look;
    int products, left; /* vectors multiplied; products until one fails */
    hesse_team *team;
} known;

static void reflect(int n, int k, double *v)
{
    for (int c = 0; c < k; c++) {
        double sum = 0;
        for (int i = 0; i < n; i++) sum += v[i * k + c];
        for (int i = 0; i < n; i++) v[i * k + c] -= 2 * sum / n;
    }
}

static double wave(int n, int i, int j)
{
    return sqrt(2.0 / n) * cos(acos(-1) * (i + 0.5) * (j + 0.5) / n);
}

static void mix(int n, int k, double *v)
{
    double *to = calloc((size_t)n * (size_t)k, sizeof *to);
    assert_all(to != NULL);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            const double w = wave(n, i, j);
            for (int c = 0; c < k; c++) to[i * k + c] += w * v[j * k + c];
        }
    memcpy(v, to, (size_t)n * (size_t)k * sizeof *v);
    free(to);
}

static void turn(const known *a, int k, double *v)
{
    if (a->look == REFLECTED) reflect(a->n, k, v);
    if (a->look == MIXED) mix(a->n, k, v);
}

static hesse_status apply(void *context, int k, const double *v, double *av)
{
    known *a = context;
    memcpy(av, v, (size_t)a->n * (size_t)k * sizeof *av);
    turn(a, k, av);
    for (int i = 0; i < a->n; i++)
        for (int c = 0; c < k; c++) av[i * k + c] *= a->lambda[i];
    turn(a, k, av);
    a->products += k;
    return --a->left == 0 ? hesse_fail(hesse_team_why(a->team), HESSE_E_STOPPED, "stop")
                          : HESSE_OK;
}

enum { MOST = 600 };

/* The spectra have separated ends and a bulk, or a cluster at 0 with few other
   eigenvalues, or copies. */
static void make_spectrum(int kind, int n, double *lambda)
{
    for (int i = 0; i < n; i++) {
        const double bulk = sin(1.7 * i + 0.3);
        lambda[i] = kind == 0   ? (i < 4   ? -2.0 - i
                                   : i < 9 ? 3.0 * i
                                           : bulk)
                    : kind == 1 ? (i % 97 ? 1e-10 * bulk : 1 + 0.1 * i)
                    : kind == 2 ? (double)(i % 5) - 1.5
                                : 0;
    }
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static hesse_extremes *search(hesse_team *team, known *a, int pairs, int kept,
                              int block, double tolerance)
{
    hesse_extremes *e = NULL;
    const hesse_operator op = {a, (size_t)a->n, apply};
    assert_all(hesse_extremes_new((size_t)a->n, pairs, kept, &e,
                                  hesse_team_why(team)) == HESSE_OK);
    e->tolerance = tolerance;
    const hesse_thick_restart how = {
        .block = block,
        .room = hesse_thick_restart_room((size_t)a->n, e->count, block).best,
        .products = 20000,
        .seed = 5};
    assert_all(hesse_thick_restart_run(team, &op, &how, e) == HESSE_OK);
    return e;
}

/* Every pair is an eigenpair, and the pairs are the ones at the ends. */
static void check_pairs(const known *a, const hesse_extremes *e)
{
    double sorted[MOST];
    const int n = a->n, low = (e->count + 1) / 2;
    memcpy(sorted, a->lambda, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, ascending);
    const double scale = fmax(fabs(sorted[0]), fabs(sorted[n - 1]));
    assert_all(e->converged);
    for (int i = 0; i < e->count; i++) {
        const double exact = sorted[i < low ? i : n - e->count + i];
        assert_all(e->residuals[i] <= e->tolerance * scale);
        assert_all(fabs(e->eigenvalues[i] - exact) <=
                   e->tolerance * scale + 1e-13 * scale);
    }
}

static void ends_are_found(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    const int orders[] = {1, 2, 3, 7, 40, MOST};
    double lambda[MOST];
    for (int kind = 0; kind < 4; kind++)
        for (int o = 0; o < 6; o++)
            for (int block = 1; block <= 4; block += 3)
                for (int pairs = 1; pairs <= 5; pairs += 2) {
                    const int n = orders[o];
                    make_spectrum(kind, n, lambda);
                    known a = {.n = n, .lambda = lambda};
                    hesse_extremes *e = search(team, &a, pairs, 0, block, 1e-9);
                    assert_all(e->count == (2 * pairs < n ? 2 * pairs : n));
                    assert_all(e->products == a.products && !e->vectors);
                    check_pairs(&a, e);
                    hesse_extremes_free(e);
                }
    hesse_team_free(team);
}

/* A full basis is restarted, more than once, and all pairs are found to the last
   digits. */
static void restarts_lose_nothing(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    double lambda[MOST];
    for (int i = 0; i < MOST; i++) lambda[i] = i * i;
    known a = {.n = MOST, .lambda = lambda};
    hesse_extremes *e = search(team, &a, 2, 0, 2, 1e-12);
    const int room = hesse_thick_restart_room(MOST, e->count, 2).best;
    assert_all(e->products > 3 * room);
    check_pairs(&a, e);
    hesse_extremes_free(e);
    hesse_team_free(team);
}

/* If ends are crowded, the best room takes far fewer products than room for a few
   blocks. */
static void room_saves_products(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    double lambda[MOST];
    for (int i = 0; i < MOST; i++) lambda[i] = cos(acos(-1) * i / MOST);
    known a = {.n = MOST, .lambda = lambda};
    int products[2];
    for (int few = 0; few < 2; few++) {
        hesse_extremes *e = NULL;
        const hesse_operator op = {&a, MOST, apply};
        assert_all(hesse_extremes_new(MOST, 2, 0, &e, hesse_team_why(team)) ==
                   HESSE_OK);
        e->tolerance = 1e-8;
        const hesse_thick_restart how = {
            .block = 8,
            .room = few ? 68 : hesse_thick_restart_room(MOST, e->count, 8).best,
            .products = 20000,
            .seed = 5};
        assert_all(hesse_thick_restart_run(team, &op, &how, e) == HESSE_OK);
        check_pairs(&a, e);
        products[few] = e->products;
        hesse_extremes_free(e);
    }
    assert_all(2 * products[0] < products[1]);
    hesse_team_free(team);
}

/* An end is crowded over many decades. For a small matrix the basis becomes the whole
   space, where restarts would not end. */
static void hard_and_small(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    double lambda[MOST];
    const int n = 250;
    for (int i = 0; i < n; i++) lambda[i] = pow(10, -12.0 * i / n);
    known a = {.n = n, .lambda = lambda};
    for (int block = 1; block <= 8; block += 7) {
        hesse_extremes *e = search(team, &a, 3, 0, block, 1e-12);
        check_pairs(&a, e);
        assert_all(e->products < 2 * n);
        hesse_extremes_free(e);
    }
    hesse_team_free(team);
}

/* With loose tolerances, every search that confirms pairs inherits the errors of
   earlier ones. The true residuals must be within the tolerance all the same. */
static void what_is_left_does_not_add_up(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    double lambda[MOST];
    for (int i = 0; i < MOST; i++)
        lambda[i] = i < 5 ? 2 - i % 2 * 0.05 : cos(0.005 * i);
    known a = {.n = MOST, .lambda = lambda};
    for (int t = 0; t < 8; t++) {
        hesse_extremes *e = search(team, &a, 5, 0, 1, 0.3 * pow(0.5, t));
        assert_all(e->converged);
        for (int i = 0; i < e->count; i++)
            assert_all(e->residuals[i] <= e->tolerance * 2);
        hesse_extremes_free(e);
    }
    hesse_team_free(team);
}

/* Kept vectors are orthonormal, and belong to the outermost pairs. */
static void vectors_are_kept(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    double lambda[MOST], av[MOST];
    const int n = 50;
    make_spectrum(0, n, lambda);
    known a = {.n = n, .lambda = lambda};
    for (int kept = 1; kept <= 3; kept++) {
        hesse_extremes *e = search(team, &a, 3, kept, 2, 1e-10);
        assert_all(e->count == 6 && e->vectors == 2 * kept);
        for (int v = 0; v < e->vectors; v++) {
            const double *q = e->eigenvectors + v * n;
            const double value = e->eigenvalues[v < kept ? v : 6 - 2 * kept + v];
            double square = 0;
            apply(&a, 1, q, av);
            for (int i = 0; i < n; i++)
                square += (av[i] - value * q[i]) * (av[i] - value * q[i]);
            assert_all(sqrt(square) < 1e-10 * 24);
            for (int w = 0; w <= v; w++) {
                double dot = 0;
                for (int i = 0; i < n; i++) dot += q[i] * e->eigenvectors[w * n + i];
                assert_all(fabs(dot - (v == w)) < 1e-12);
            }
        }
        hesse_extremes_free(e);
    }
    hesse_team_free(team);
}

/* If the products end first, the pairs have true residuals and are marked as not
   converged. */
static void products_end(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    double lambda[MOST];
    for (int i = 0; i < MOST; i++) lambda[i] = i;
    known a = {.n = MOST, .lambda = lambda};
    hesse_extremes *e = NULL;
    const hesse_operator op = {&a, MOST, apply};
    assert_all(hesse_extremes_new(MOST, 2, 0, &e, hesse_team_why(team)) == HESSE_OK);
    e->tolerance = 1e-12;
    const hesse_thick_restart how = {.block = 2, .room = 16, .products = 30, .seed = 5};
    assert_all(hesse_thick_restart_run(team, &op, &how, e) == HESSE_OK);
    assert_all(!e->converged && e->products <= 36);
    for (int i = 0; i < 4; i++) {
        const double near = round(e->eigenvalues[i]);
        assert_all(fabs(e->eigenvalues[i] - near) <= e->residuals[i]);
        assert_all(e->residuals[i] > 1e-9);
    }
    hesse_extremes_free(e);
    hesse_team_free(team);
}

static hesse_status apply_broken(void *context, int k, const double *v, double *av)
{
    const hesse_status s = apply(context, k, v, av);
    av[0] = NAN;
    return s;
}

static void what_fails_ends(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    double lambda[MOST];
    make_spectrum(0, 100, lambda);
    known a = {.n = 100, .lambda = lambda, .team = team};
    hesse_operator op = {&a, 100, apply};
    hesse_why *why = hesse_team_why(team);
    for (int left = 1; left <= 3; left++) {
        hesse_extremes *e = NULL;
        hesse_hutchinson *h = NULL;
        const hesse_hutchinson_settings settings = {.probes = 3, .sketch = 2};
        const hesse_thick_restart how = {.block = 2, .room = 20, .products = 100};
        assert_all(hesse_extremes_new(100, 2, 2, &e, why) == HESSE_OK);
        assert_all(hesse_hutchinson_new(100, &settings, &h, why) == HESSE_OK);
        op.apply = apply;
        a.left = left;
        assert_all(hesse_thick_restart_run(team, &op, &how, e) == HESSE_E_STOPPED);
        a.left = left;
        assert_all(hesse_hutchinson_run(team, &op, 1, 3, h) == HESSE_E_STOPPED);
        a.left = 0;
        op.apply = apply_broken;
        assert_all(hesse_thick_restart_run(team, &op, &how, e) == HESSE_E_NUMERIC);
        assert_all(strstr(why->text, "not finite") != NULL);
        assert_all(hesse_hutchinson_run(team, &op, 1, 3, h) == HESSE_E_NUMERIC);
        hesse_extremes_free(e);
        hesse_hutchinson_free(h);
    }
    hesse_team_free(team);
}

static hesse_hutchinson *estimate(hesse_team *team, known *a, int probes, int sketch,
                                  int width)
{
    const hesse_hutchinson_settings settings = {.probes = probes, .sketch = sketch};
    const hesse_operator op = {a, (size_t)a->n, apply};
    hesse_hutchinson *h = NULL;
    assert_all(hesse_hutchinson_new((size_t)a->n, &settings, &h,
                                    hesse_team_why(team)) == HESSE_OK);
    assert_all(hesse_hutchinson_run(team, &op, 11, width, h) == HESSE_OK);
    return h;
}

typedef struct truth {
    double trace, frobenius, diagonal[MOST];
} truth;

static truth truth_of(const known *a)
{
    truth t = {0};
    double trace = 0, squares = 0;
    for (int i = 0; i < a->n; i++) {
        trace += a->lambda[i];
        squares += a->lambda[i] * a->lambda[i];
        for (int j = 0; j < a->n; j++) {
            const double w = a->look == DIAGONAL ? i == j : wave(a->n, i, j);
            t.diagonal[i] += w * w * a->lambda[j];
        }
    }
    t.trace = trace, t.frobenius = sqrt(squares);
    return t;
}

/* For a diagonal matrix, every vector of signs gives the exact diagonal. For a matrix
   of small rank, a sketch gives everything exactly. */
static void exact_where_it_can_be(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    double lambda[MOST] = {0};
    for (int n = 1; n <= 200; n = 5 * n + 2) {
        for (int low_rank = 0; low_rank < 2; low_rank++) {
            for (int i = 0; i < n; i++)
                lambda[i] = low_rank && i % 23 ? 0 : 2 * cos(i + 1.0);
            known a = {.n = n, .lambda = lambda, .look = low_rank ? MIXED : DIAGONAL};
            const truth t = truth_of(&a);
            hesse_hutchinson *h = estimate(team, &a, 4, low_rank ? 15 : 0, 3);
            assert_all(fabs(h->trace[1].value - t.trace) < 1e-11);
            assert_all(h->trace[1].error < 1e-11);
            assert_all(fabs(h->frobenius[1].value - t.frobenius) < 1e-11);
            for (int i = 0; i < n; i++) {
                assert_all(fabs(h->diagonal[i] - t.diagonal[i]) < 1e-11);
                assert_all(h->error[i] < 1e-11);
            }
            assert_all(a.products <= 4 + 30);
            hesse_hutchinson_free(h);
        }
    }
    hesse_team_free(team);
}

/* Estimates lie within their standard errors as often as expected, and a sketch makes
   the errors smaller. Neither the width nor the number of ranks matters. */
static void errors_tell_the_truth(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    const int n = 300;
    double lambda[MOST];
    for (int i = 0; i < n; i++) lambda[i] = pow(0.9, i) * (i % 3 ? 1 : -0.4);
    known a = {.n = n, .lambda = lambda, .look = MIXED};
    const truth t = truth_of(&a);
    double former = INFINITY, others = INFINITY;
    for (int sketch = 0; sketch <= 40; sketch += 20) {
        hesse_hutchinson *h = estimate(team, &a, 60, sketch, 7);
        hesse_hutchinson *other = estimate(team, &a, 60, sketch, 60);
        int within = 0;
        for (int plus = 0; plus < 2; plus++) {
            assert_all(fabs(h->trace[plus].value - t.trace) < 4 * h->trace[plus].error);
            assert_all(fabs(h->frobenius[plus].value - t.frobenius) <
                       4 * h->frobenius[plus].error);
        }
        assert_all(h->frobenius[1].error < former && h->trace[1].error < others);
        former = 0.5 * h->frobenius[1].error, others = 0.5 * h->trace[1].error;
        for (int i = 0; i < n; i++) {
            within += fabs(h->diagonal[i] - t.diagonal[i]) < 2 * h->error[i];
            assert_all(fabs(h->diagonal[i] - other->diagonal[i]) < 1e-11);
            assert_all(h->error[i] > 0);
        }
        assert_all(within > 0.85 * n);
        if (!sketch) assert_all(h->trace[0].value == h->trace[1].value);
        assert_all(fabs(h->trace[1].value - other->trace[1].value) < 1e-10);
        hesse_hutchinson_free(h);
        hesse_hutchinson_free(other);
    }
    hesse_team_free(team);
}

static void one_rank_out_of_memory_fails_all(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    double lambda[MOST];
    make_spectrum(0, 30, lambda);
    known a = {.n = 30, .lambda = lambda};
    const hesse_operator op = {&a, 30, apply};
    for (int which = 0; which < 2; which++) {
        bool ended = false;
        for (int at = 0; !ended; at++) {
            hesse_extremes *e = NULL;
            hesse_hutchinson *h = NULL;
            const hesse_hutchinson_settings settings = {.probes = 3, .sketch = 2};
            const hesse_thick_restart how = {.block = 2, .room = 12, .products = 100};
            hesse_why *why = hesse_team_why(team);
            assert_all(hesse_extremes_new(30, 1, 1, &e, why) == HESSE_OK);
            assert_all(hesse_hutchinson_new(30, &settings, &h, why) == HESSE_OK);
            broken_rank = at % hesse_team_size(team), broken_at = at, allocations = 0;
            const hesse_status s = which ? hesse_hutchinson_run(team, &op, 1, 3, h)
                                         : hesse_thick_restart_run(team, &op, &how, e);
            broken_rank = -1;
            assert_all(s == HESSE_OK || s == HESSE_E_NOMEM);
            ended = !s;
            hesse_extremes_free(e);
            hesse_hutchinson_free(h);
        }
    }
    hesse_team_free(team);
}

/* The rest of the tests takes models. */

static hesse_analysis *ask(hesse_problem problem,
                           const hesse_analysis_options *question)
{
    hesse_analysis *x = NULL;
    assert_all(hesse_analysis_new(problem.objective, question, &x) == HESSE_OK);
    return x;
}

static const hesse_kinds two_parts[] = {HESSE_ALL, HESSE_GAUSS_NEWTON};

/* These options form no matrix: 3 pairs with vectors of 2, and estimates. */
static hesse_analysis_options matrix_free(void)
{
    return (hesse_analysis_options){.scope = HESSE_BOTH,
                                    .method = HESSE_METHOD_LANCZOS,
                                    .parts = two_parts,
                                    .n_parts = 2,
                                    .eigenvectors = 2,
                                    .lanczos = {.steps = 5, .probes = 2, .seed = 9},
                                    .extreme = {.pairs = 3, .tolerance = 1e-9},
                                    .hutchinson = {.probes = 24, .sketch = 6}};
}

/* In every block and in the whole, of both parts, every pair is one of the exact
   spectrum. The measures say the same, and estimates lie near the exact numbers. */
static void models_have_their_exact_ends(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    hesse_problem problem = open_reference(team, "gpt2");
    const hesse_analysis_options found_by = matrix_free();
    const hesse_analysis_options exact = {
        .scope = HESSE_BOTH, .parts = two_parts, .n_parts = 2};
    hesse_analysis *x = ask(problem, &found_by), *is = ask(problem, &exact);
    assert_all(hesse_analysis_run(is) == HESSE_OK);
    assert_all(!hesse_analysis_extremes(x, 0, 0) &&
               !hesse_analysis_hutchinson(x, 0, 0));
    assert_all(hesse_analysis_run(x) == HESSE_OK);
    int estimates = 0, far = 0;
    for (int part = 0; part < 2; part++)
        for (int b = -1; b < hesse_analysis_blocks(x); b++) {
            const hesse_extremes *e = hesse_analysis_extremes(x, part, b);
            const hesse_hutchinson *h = hesse_analysis_hutchinson(x, part, b);
            const hesse_spectrum *s = hesse_analysis_spectrum(is, part, b);
            const hesse_measures *m = hesse_analysis_measures(x, part, b);
            const hesse_measures *n = hesse_analysis_measures(is, part, b);
            assert_all(e && h && s && m && e->converged);
            assert_all(!hesse_analysis_extremes(is, part, b));
            const int low = (e->count + 1) / 2;
            const double scale = fmax(fabs(n->min), fabs(n->max));
            const double most =
                1e-9 * scale + 1e-15 * hesse_objective_last_loss(problem.objective);
            assert_all(e->count == (s->n < 6 ? s->n : 6));
            assert_all(e->vectors == (s->n < 4 ? s->n : 4));
            for (int i = 0; i < e->count; i++) {
                const double value = s->eigenvalues[i < low ? i : s->n - e->count + i];
                assert_all(fabs(e->eigenvalues[i] - value) <= most);
                assert_all(e->residuals[i] <= most);
            }
            assert_all(m->min == e->eigenvalues[0]);
            assert_all(m->max == e->eigenvalues[e->count - 1]);
            if (n->frobenius < 1e-12) continue; /* it is only rounding */
            estimates += 2;
            for (int plus = 0; plus < 2; plus++)
                far += fabs(h->trace[plus].value - n->trace) >
                       3 * h->trace[plus].error + 1e-12 * n->frobenius;
        }
    assert_all(estimates > 40 && far <= estimates / 20);
    hesse_analysis_free(x);
    hesse_analysis_free(is);
    hesse_problem_free(&problem);
    hesse_team_free(team);
}

/* If only eigenvectors are asked for, matrices that are not formed get that number of
   pairs. */
static void eigenvectors_are_pairs(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    hesse_problem problem = open_reference(team, "gpt2");
    const char *only = "*.ln_1.weight";
    const hesse_analysis_options question = {.method = HESSE_METHOD_LANCZOS,
                                             .only = &only,
                                             .n_only = 1,
                                             .eigenvectors = 2,
                                             .lanczos = {.steps = 3, .probes = 1}};
    hesse_analysis *x = ask(problem, &question);
    assert_all(hesse_analysis_run(x) == HESSE_OK);
    for (int b = 0; b < hesse_analysis_blocks(x); b++) {
        const hesse_extremes *e = hesse_analysis_extremes(x, 0, b);
        assert_all(e && e->count == 4 && e->vectors == 4 && e->converged);
        assert_all(!hesse_analysis_hutchinson(x, 0, b));
    }
    hesse_analysis_free(x);
    hesse_problem_free(&problem);
    hesse_team_free(team);
}

/* The estimated diagonal of a block is the diagonal of its matrix, within its
   errors. */
static void models_have_their_diagonals(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    hesse_problem problem = open_reference(team, "gpt2");
    const char *only = "*.mlp.c_fc.weight";
    hesse_analysis_options question = matrix_free();
    question.scope = HESSE_BLOCKS, question.only = &only, question.n_only = 1;
    question.hutchinson = (hesse_hutchinson_settings){.probes = 200};
    hesse_analysis *x = ask(problem, &question);
    assert_all(hesse_analysis_run(x) == HESSE_OK);
    for (int part = 0; part < 2; part++) {
        const hesse_hutchinson *h = hesse_analysis_hutchinson(x, part, 0);
        const size_t n = h->n;
        double *matrix = malloc(n * n * sizeof *matrix);
        int within = 0;
        assert_all(matrix && hesse_analysis_block_matrix(
                                 x, part, 0, matrix, hesse_team_why(team)) == HESSE_OK);
        for (size_t i = 0; i < n; i++) {
            const double off = fabs(h->diagonal[i] - matrix[i * n + i]);
            within += off < 2 * h->error[i];
            assert_all(off < 6 * h->error[i]);
        }
        assert_all(within > 0.9 * (double)n);
        free(matrix);
    }
    hesse_analysis_free(x);
    hesse_problem_free(&problem);
    hesse_team_free(team);
}

/* A run continues with the results of the run before, matrix by matrix, to the bit. */
static void what_is_found_is_taken_up(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    hesse_problem problem = open_reference(team, "gpt2");
    const char *only = "*.ln_*";
    hesse_analysis_options question = matrix_free();
    question.only = &only, question.n_only = 1;
    hesse_analysis *whole = ask(problem, &question), *x = NULL;
    assert_all(hesse_analysis_run(whole) == HESSE_OK);
    memory_store *k = calloc(1, sizeof *k);
    assert_all(k != NULL);
    int runs = 0;
    for (hesse_status s = HESSE_E_STOPPED; s; runs++) {
        hesse_analysis_free(x);
        x = ask(problem, &question);
        /* Only one rank is asked to stop. */
        k->left = hesse_team_rank(team) == 0 ? 60 : -1;
        s = hesse_analysis_run_with(
            x, &(hesse_run_options){.checkpoint = memory_checkpoint(k)});
        assert_all(s == HESSE_OK || s == HESSE_E_STOPPED);
        memory_share(k);
    }
    assert_all(runs > 2 && k->loaded > 10);
    for (int b = -1; b < hesse_analysis_blocks(x); b++) {
        const hesse_extremes *a = hesse_analysis_extremes(whole, 1, b),
                             *e = hesse_analysis_extremes(x, 1, b);
        const hesse_hutchinson *h = hesse_analysis_hutchinson(whole, 1, b),
                               *g = hesse_analysis_hutchinson(x, 1, b);
        const size_t n = h->n * sizeof(double), count = a->count * sizeof(double);
        assert_all(e->products == a->products && e->converged && e->block == a->block);
        assert_all(e->tolerance == a->tolerance && e->seconds > 0 && g->seconds > 0);
        assert_all(memcmp(a->eigenvalues, e->eigenvalues, count) == 0);
        assert_all(memcmp(a->residuals, e->residuals, count) == 0);
        assert_all(memcmp(a->eigenvectors, e->eigenvectors, n * a->vectors) == 0);
        assert_all(memcmp(h->trace, g->trace, sizeof h->trace) == 0);
        assert_all(memcmp(h->frobenius, g->frobenius, sizeof h->trace) == 0);
        assert_all(memcmp(h->diagonal, g->diagonal, n) == 0);
        assert_all(memcmp(h->error, g->error, n) == 0);
    }
    memory_free(k);
    hesse_analysis_free(x);
    hesse_analysis_free(whole);
    hesse_problem_free(&problem);
    hesse_team_free(team);
}

/* With less memory the basis is smaller and the block narrower, and still all pairs are
   found. With too little memory an analysis says so. */
static void memory_is_kept(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    hesse_problem problem = open_reference(team, "gpt2");
    const char *only = "transformer.wte.weight";
    hesse_analysis_options question = matrix_free();
    question.scope = HESSE_BLOCKS, question.only = &only, question.n_only = 1;
    question.lanczos.width = 1;
    hesse_analysis *rich = ask(problem, &question), *poor = NULL;
    assert_all(hesse_analysis_run(rich) == HESSE_OK);
    const hesse_extremes *r = hesse_analysis_extremes(rich, 0, 0);
    question.memory = (size_t)hesse_analysis_summary(rich).peak;
    hesse_status s = HESSE_OK;
    int narrower = 0;
    while (!s) {
        question.memory -= question.memory / 25;
        s = hesse_analysis_new(problem.objective, &question, &poor);
        if (s) break;
        assert_all(hesse_analysis_summary(poor).peak <= (double)question.memory);
        assert_all(hesse_analysis_run(poor) == HESSE_OK);
        const hesse_extremes *p = hesse_analysis_extremes(poor, 0, 0);
        narrower += p->block < r->block;
        for (int i = 0; i < r->count; i++)
            assert_all(fabs(p->eigenvalues[i] - r->eigenvalues[i]) <=
                       1e-9 * fabs(r->eigenvalues[r->count - 1]) +
                           1e-9 * fabs(r->eigenvalues[0]));
        hesse_analysis_free(poor);
    }
    assert_all(s == HESSE_E_NOMEM && narrower > 0);
    assert_all(strstr(hesse_team_why(team)->text, "iB") != NULL);
    hesse_analysis_free(rich);
    hesse_problem_free(&problem);
    hesse_team_free(team);
}

static void wrong_settings(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    hesse_problem problem = open_reference(team, "gpt2");
    const hesse_analysis_options wrong[] = {
        {.extreme.pairs = -1},      {.extreme.tolerance = -1e-3},
        {.extreme.tolerance = NAN}, {.extreme.tolerance = 2},
        {.extreme.products = -5},   {.extreme.block = 2000},
        {.hutchinson.probes = -1},  {.hutchinson.sketch = -1}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        hesse_analysis *x = NULL;
        assert_all(
            hesse_analysis_new(problem.objective, &wrong[i], &x) == HESSE_E_JOB && !x);
        assert_all(strstr(hesse_team_why(team)->text, "expected") != NULL);
    }
    hesse_problem_free(&problem);
    hesse_team_free(team);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(ends_are_found),
    cmocka_unit_test(restarts_lose_nothing),
    cmocka_unit_test(room_saves_products),
    cmocka_unit_test(hard_and_small),
    cmocka_unit_test(what_is_left_does_not_add_up),
    cmocka_unit_test(vectors_are_kept),
    cmocka_unit_test(products_end),
    cmocka_unit_test(what_fails_ends),
    cmocka_unit_test(exact_where_it_can_be),
    cmocka_unit_test(errors_tell_the_truth),
    cmocka_unit_test(one_rank_out_of_memory_fails_all),
    cmocka_unit_test(models_have_their_exact_ends),
    cmocka_unit_test(eigenvectors_are_pairs),
    cmocka_unit_test(models_have_their_diagonals),
    cmocka_unit_test(what_is_found_is_taken_up),
    cmocka_unit_test(memory_is_kept),
    cmocka_unit_test(wrong_settings),
};

MPI_TEST_MAIN(tests)
