/* Lanczos quadrature on 1, 2, 4 and 6 ranks, compared with known spectra of matrices
   and with exact spectra of models. */
#include "base/random.h"
#include "check_checkpoint.h"
#include "check_memory.h"
#include "check_problem.h"
#include "curvature/analysis.h"
#include "hesse/hesse.h"
#include "spectra/lanczos.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A reflected diagonal matrix, (1 - 2 u u') D (1 - 2 u u') with all entries of u
   equal. */
typedef struct known {
    int n, k;
    const double *lambda;
} known;

static void reflect(int n, int k, double *v)
{
    for (int c = 0; c < k; c++) {
        double sum = 0;
        for (int i = 0; i < n; i++) sum += v[i * k + c];
        for (int i = 0; i < n; i++) v[i * k + c] -= 2 * sum / n;
    }
}

static void apply_known(void *context, const double *v, double *av)
{
    const known *a = context;
    memcpy(av, v, (size_t)a->n * (size_t)a->k * sizeof *av);
    reflect(a->n, a->k, av);
    for (int i = 0; i < a->n; i++)
        for (int c = 0; c < a->k; c++) av[i * a->k + c] *= a->lambda[i];
    reflect(a->n, a->k, av);
}

enum { N = 40, STEPS = 24, PROBES = 5 };

typedef struct room {
    double nodes[PROBES * N], weights[PROBES * N], extreme[2][PROBES],
        negative[2][PROBES];
    int taken[PROBES];
} room;

static hesse_quadrature in(room *r, int n, int steps)
{
    return (hesse_quadrature){.n = (size_t)n,
                              .probes = PROBES,
                              .steps = steps,
                              .nodes = r->nodes,
                              .weights = r->weights,
                              .taken = r->taken,
                              .extreme = {r->extreme[0], r->extreme[1]},
                              .negative = {r->negative[0], r->negative[1]}};
}

static void probe(hesse_team *team, const known *a, hesse_orthogonality orthogonality,
                  hesse_quadrature *q)
{
    const hesse_recurrence r = {.context = (void *)a,
                                .apply = apply_known,
                                .orthogonality = orthogonality,
                                .seed = 7};
    const hesse_cell cell = {q, 0, a->k};
    const hesse_status s = hesse_lanczos_run(team, &r, &cell, 1);
    if (s) print_error("%s\n", hesse_team_why(team)->text);
    assert_all(s == HESSE_OK);
}

/* If there are few distinct eigenvalues, the same number of steps finds all of them,
   and then the probes end. */
static void a_small_krylov_space_is_used_up(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    static const double values[] = {-3, 0, 0.5, 2};
    for (int distinct = 1; distinct <= 4; distinct++) {
        for (int o = 0; o <= HESSE_ORTHOGONALITY_NONE; o++) {
            double lambda[N];
            room r;
            for (int i = 0; i < N; i++) lambda[i] = values[i % distinct];
            const known a = {N, PROBES, lambda};
            hesse_quadrature q = in(&r, N, STEPS);
            probe(team, &a, (hesse_orthogonality)o, &q);
            for (int p = 0; p < PROBES; p++) {
                double sum = 0;
                assert_all(q.taken[p] == distinct);
                for (int i = 0; i < STEPS; i++) {
                    const double expected = values[i < distinct ? i : distinct - 1];
                    assert_all(fabs(q.nodes[p * STEPS + i] - expected) < 1e-13);
                    sum += q.weights[p * STEPS + i];
                }
                assert_all(fabs(sum - 1) < 1e-13);
                assert_all(q.extreme[0][p] < 1e-13 && q.extreme[1][p] < 1e-13);
            }
        }
    }
    hesse_team_free(team);
}

/* Zero matrices, and order 1, work on more ranks than rows. */
static void tiny_and_zero(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    const double lambda[3] = {0, 0, 0};
    for (int n = 1; n <= 3; n++) {
        room r;
        const known a = {n, PROBES, lambda};
        hesse_quadrature q = in(&r, n, n);
        probe(team, &a, HESSE_ORTHOGONALITY_FULL, &q);
        for (int p = 0; p < PROBES; p++) {
            assert_all(q.taken[p] == 1 && fabs(q.weights[p * n] - 1) < 1e-15);
            assert_all(q.nodes[p * n] == 0);
        }
    }
    hesse_team_free(team);
}

/* The sum of weights times powers of the nodes is q' A^power q up to degree 2 steps -
   1, and the last step finds all eigenvalues. */
static void quadrature_is_gaussian(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    double lambda[N];
    for (int i = 0; i < N; i++) lambda[i] = cos(i + 0.5) * (i % 7 ? 1 : 3);
    for (int steps = 1; steps <= N; steps += 13) {
        room r;
        const known a = {N, PROBES, lambda};
        hesse_quadrature q = in(&r, N, steps);
        probe(team, &a, HESSE_ORTHOGONALITY_FULL, &q);
        double v[N * PROBES], norm[PROBES] = {0};
        for (int i = 0; i < N; i++)
            for (int p = 0; p < PROBES; p++) {
                const double x =
                    hesse_normal(7, HESSE_RANDOM_PROBES, (uint64_t)(p * N + i));
                v[i * PROBES + p] = x;
                norm[p] += x * x;
            }
        reflect(N, PROBES, v);
        for (int power = 0; power < 2 * steps && power < 40; power++)
            for (int p = 0; p < PROBES; p++) {
                double exact = 0, found = 0, scale = 0;
                for (int i = 0; i < N; i++) {
                    const double w = v[i * PROBES + p] * v[i * PROBES + p] / norm[p];
                    exact += w * pow(lambda[i], power);
                    scale += w * pow(fabs(lambda[i]), power);
                }
                for (int i = 0; i < steps; i++)
                    found +=
                        q.weights[p * steps + i] * pow(q.nodes[p * steps + i], power);
                assert_all(fabs(found - exact) <= 1e-12 * scale);
            }
    }
    hesse_team_free(team);
}

/* The weight below 0 lies between the bounds, which meet when all is known. The
   eigenvalue 0 itself is not below 0. */
static void negative_weight_is_bounded(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    for (int kind = 0; kind < 2; kind++) {
        double lambda[N];
        for (int i = 0; i < N; i++) lambda[i] = kind && i % 4 == 0 ? 0 : sin(3 * i + 1);
        for (int steps = 1; steps <= N; steps += 3) {
            room r;
            const known a = {N, PROBES, lambda};
            hesse_quadrature q = in(&r, N, steps);
            probe(team, &a, HESSE_ORTHOGONALITY_FULL, &q);
            double v[N * PROBES], norm[PROBES] = {0}, below[PROBES] = {0};
            for (int i = 0; i < N * PROBES; i++) {
                const uint64_t at = (uint64_t)(i % PROBES * N + i / PROBES);
                v[i] = hesse_normal(7, HESSE_RANDOM_PROBES, at);
                norm[i % PROBES] += v[i] * v[i];
            }
            reflect(N, PROBES, v);
            for (int i = 0; i < N * PROBES; i++)
                if (lambda[i / PROBES] < 0)
                    below[i % PROBES] += v[i] * v[i] / norm[i % PROBES];
            for (int p = 0; p < PROBES; p++) {
                const double low = q.negative[0][p], high = q.negative[1][p];
                assert_all(low - 1e-10 <= below[p] && below[p] <= high + 1e-10);
                if (steps == 1) assert_all(high - low > 1e-3);
                if (steps == N) assert_all(high - low < 1e-10);
            }
        }
    }
    hesse_team_free(team);
}

/* The bound of an extreme node holds, and is small after enough steps. */
static void extremes_are_bounded(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    double lambda[N];
    for (int i = 0; i < N; i++) lambda[i] = i == 0 ? -9 : i == N - 1 ? 12 : sin(i);
    room r;
    const known a = {N, PROBES, lambda};
    hesse_quadrature q = in(&r, N, 12);
    probe(team, &a, HESSE_ORTHOGONALITY_FULL, &q);
    for (int p = 0; p < PROBES; p++) {
        assert_all(fabs(q.nodes[p * 12] + 9) <= q.extreme[0][p] + 1e-13);
        assert_all(fabs(q.nodes[p * 12 + 11] - 12) <= q.extreme[1][p] + 1e-13);
        assert_all(q.extreme[0][p] < 1e-3 && q.extreme[1][p] < 1e-3);
    }
    hesse_team_free(team);
}

static void apply_broken(void *context, const double *v, double *av)
{
    apply_known(context, v, av);
    av[3] = NAN;
}

static void what_is_not_finite_ends(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    double lambda[N];
    for (int i = 0; i < N; i++) lambda[i] = i;
    room r;
    known a = {N, PROBES, lambda};
    hesse_quadrature q = in(&r, N, 5);
    const hesse_recurrence broken = {.context = &a, .apply = apply_broken, .seed = 1};
    const hesse_cell cell = {&q, 0, PROBES};
    assert_all(hesse_lanczos_run(team, &broken, &cell, 1) == HESSE_E_NUMERIC);
    assert_all(strstr(hesse_team_why(team)->text, "step 1") != NULL);
    hesse_team_free(team);
}

/* Full orthogonality finds all eigenvalues once, and selective orthogonality finds the
   same. Without any there are copies. */
static void orthogonality_is_as_asked_for(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    double lambda[N];
    for (int i = 0; i < N; i++) lambda[i] = pow(0.6, N - 1 - i);
    const known a = {N, PROBES, lambda};
    room r[3];
    hesse_quadrature q[3];
    for (int o = 0; o < 3; o++) {
        q[o] = in(&r[o], N, N);
        probe(team, &a, (hesse_orthogonality)o, &q[o]);
    }
    for (int p = 0; p < PROBES; p++) {
        const double *full = q[0].nodes + p * N, *selective = q[1].nodes + p * N;
        const double *none = q[2].nodes + p * N;
        for (int i = 0; i < 15; i++) {
            assert_all(fabs(full[N - 1 - i] - lambda[N - 1 - i]) < 1e-13);
            assert_all(fabs(selective[N - 1 - i] - lambda[N - 1 - i]) < 1e-10);
        }
        assert_all(fabs(none[N - 1] - none[N - 2]) < 1e-10);
    }
    hesse_team_free(team);
}

/* The published procedure divides by its floor if nothing is left, and continues. */
static void the_published_procedure_goes_on(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    double lambda[N] = {0};
    const known a = {N, PROBES, lambda};
    room r;
    hesse_quadrature q = in(&r, N, 5);
    probe(team, &a, HESSE_ORTHOGONALITY_PAPER, &q);
    for (int p = 0; p < PROBES; p++) {
        assert_all(q.taken[p] == 5);
        for (int i = 0; i < 5; i++) assert_all(fabs(q.nodes[p * 5 + i]) < 1e-13);
    }
    hesse_team_free(team);
}

/* Multiply two matrices of different sizes. In the vectors, one follows the other. */
static void apply_pair(void *context, const double *v, double *av)
{
    const known *pair = context;
    apply_known(context, v, av);
    apply_known((void *)(pair + 1), v + pair->n * pair->k, av + pair->n * pair->k);
}

/* Matrices that advance together have the same bits as alone. */
static void company_changes_nothing(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    double lambda[N];
    for (int i = 0; i < N; i++) lambda[i] = sin(1.0 + 3 * i);
    known pair[] = {{N, 2, lambda}, {17, PROBES, lambda}};
    room alone[2], together[2];
    hesse_quadrature one[2], both[2];
    hesse_cell cells[2];
    for (int i = 0; i < 2; i++) {
        one[i] = in(&alone[i], pair[i].n, i ? 9 : 12);
        both[i] = in(&together[i], pair[i].n, i ? 9 : 12);
        one[i].probes = both[i].probes = pair[i].k;
        probe(team, &pair[i], HESSE_ORTHOGONALITY_FULL, &one[i]);
        cells[i] = (hesse_cell){&both[i], 0, pair[i].k};
    }
    const hesse_recurrence r = {.context = pair, .apply = apply_pair, .seed = 7};
    assert_all(hesse_lanczos_run(team, &r, cells, 2) == HESSE_OK);
    for (int i = 0; i < 2; i++) {
        const size_t bytes = sizeof(double) * (size_t)(one[i].probes * one[i].steps);
        assert_all(memcmp(one[i].nodes, both[i].nodes, bytes) == 0);
        assert_all(memcmp(one[i].weights, both[i].weights, bytes) == 0);
    }
    hesse_team_free(team);
}

/* The rest of the tests takes models. */

static const hesse_cut cuts[] = {HESSE_CUT_TENSOR, HESSE_CUT_HEAD, HESSE_CUT_NEURON,
                                 HESSE_CUT_LAYER};
enum { CUTS = sizeof cuts / sizeof *cuts };

/* Compute q' S^power q of a probe from the matrix of a block, for powers 1 to 3. */
static void moments_by_matrix(int n, const double *matrix, uint64_t seed, int probe,
                              double moments[3])
{
    double *q = malloc((size_t)n * sizeof *q), *sq = calloc((size_t)n, sizeof *sq);
    double squares = 0;
    assert_all(q && sq);
    for (int i = 0; i < n; i++) {
        q[i] = hesse_normal(seed, HESSE_RANDOM_PROBES, (uint64_t)(probe * n + i));
        squares += q[i] * q[i];
    }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) sq[i] += matrix[(size_t)i * (size_t)n + j] * q[j];
    memset(moments, 0, 3 * sizeof *moments);
    for (int i = 0; i < n; i++) {
        double row = 0;
        for (int j = 0; j < n; j++) row += matrix[(size_t)i * (size_t)n + j] * sq[j];
        moments[0] += q[i] * sq[i] / squares;
        moments[1] += sq[i] * sq[i] / squares;
        moments[2] += row * sq[i] / squares;
    }
    free(sq);
    free(q);
}

/* Compare a quadrature with the exact spectrum of its matrix, and with the matrix
   itself. */
static void compare(const hesse_quadrature *q, uint64_t seed,
                    const hesse_spectrum *exact, const double *matrix)
{
    const double lowest = exact->eigenvalues[0];
    const double highest = exact->eigenvalues[exact->n - 1];
    const double scale = fmax(fabs(lowest), fabs(highest));
    assert_all(q->n == (size_t)exact->n);
    for (int p = 0; p < q->probes; p++) {
        const double *nodes = q->nodes + p * q->steps,
                     *weights = q->weights + p * q->steps;
        const double low = nodes[0] - lowest, high = highest - nodes[q->steps - 1];
        assert_all(low >= -1e-12 * scale && high >= -1e-12 * scale);
        assert_all(low <= 1e-2 * scale && high <= 1e-2 * scale);
        double moments[3];
        moments_by_matrix(exact->n, matrix, seed, p, moments);
        for (int power = 1; power <= 3; power++) {
            double found = 0;
            for (int i = 0; i < q->steps; i++)
                found += weights[i] * pow(nodes[i], power);
            assert_all(fabs(found - moments[power - 1]) <= 1e-11 * pow(scale, power));
        }
    }
}

/* Single blocks, also those of several pieces, have extreme nodes near the ends of the
   exact spectrum, and the right moments for every probe. */
static void blocks_have_their_exact_spectra(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    const hesse_kinds parts[] = {HESSE_ALL, HESSE_GAUSS_NEWTON, HESSE_FUNCTIONAL};
    hesse_why why;
    for (int m = 0; m < 2; m++) {
        hesse_problem problem = open_reference(team, m ? "llama" : "gpt2");
        for (int c = 0; c < CUTS; c++) {
            hesse_analysis *x = NULL;
            const hesse_analysis_options question = {
                .partition = cuts[c], .parts = parts, .n_parts = 3};
            assert_all(hesse_analysis_new(problem.objective, &question, &x) ==
                       HESSE_OK);
            assert_all(hesse_analysis_run(x) == HESSE_OK);
            const int blocks = hesse_analysis_blocks(x);
            for (int b = 0; b < blocks; b += 1 + blocks / 4) {
                const char *only = hesse_analysis_block_name(x, b);
                for (int p = 0; p < 3; p++) {
                    const hesse_spectrum *exact = hesse_analysis_spectrum(x, p, b);
                    hesse_quadrature *q = NULL;
                    const hesse_lanczos_options ask = {
                        .part = parts[p],
                        .partition = cuts[c],
                        .only = &only,
                        .n_only = 1,
                        .settings = {.steps = 40, .probes = 3, .width = 2}};
                    assert_all(hesse_lanczos(problem.objective, &ask, &q) == HESSE_OK);
                    double *matrix = malloc(q->n * q->n * sizeof *matrix);
                    assert_all(matrix && hesse_analysis_block_matrix(x, p, b, matrix,
                                                                     &why) == HESSE_OK);
                    compare(q, 0, exact, matrix);
                    free(matrix);
                    hesse_quadrature_free(q);
                }
            }
            hesse_analysis_free(x);
        }
        hesse_problem_free(&problem);
    }
    hesse_team_free(team);
}

/* With many probes, trace and sum of squares are within the standard error. They are
   alike for any width, and two runs have the same bits. */
static void moments_are_within_their_errors(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    hesse_problem problem = open_reference(team, "gpt2");
    hesse_analysis *x = NULL;
    assert_all(hesse_analysis_new(problem.objective,
                                  &(hesse_analysis_options){.scope = HESSE_FULL},
                                  &x) == HESSE_OK);
    assert_all(hesse_analysis_run(x) == HESSE_OK);
    const hesse_measures *exact = hesse_analysis_measures(x, 0, HESSE_FULL_MATRIX);
    hesse_quadrature *q[3] = {NULL};
    for (int i = 0; i < 3; i++) {
        const hesse_lanczos_options ask = {
            .settings = {
                .steps = 10, .probes = 40, .width = i == 2 ? 7 : 40, .seed = 3}};
        assert_all(hesse_lanczos(problem.objective, &ask, &q[i]) == HESSE_OK);
    }
    double trace, squares, error;
    hesse_quadrature_moment(q[0], 0, &trace, &error);
    assert_all(fabs(trace - (double)q[0]->n) < 1e-9 && error < 1e-9);
    hesse_quadrature_moment(q[0], 1, &trace, &error);
    assert_all(error > 0 && fabs(trace - exact->trace) < 4 * error);
    hesse_quadrature_moment(q[0], 2, &squares, &error);
    assert_all(error > 0 &&
               fabs(squares - exact->frobenius * exact->frobenius) < 4 * error);
    const size_t numbers = 400;
    assert_all(memcmp(q[0]->nodes, q[1]->nodes, numbers * sizeof(double)) == 0);
    for (size_t i = 0; i < numbers; i++)
        assert_all(fabs(q[0]->nodes[i] - q[2]->nodes[i]) < 1e-9 * exact->max);
    for (int i = 0; i < 3; i++) hesse_quadrature_free(q[i]);
    hesse_analysis_free(x);
    hesse_problem_free(&problem);
    hesse_team_free(team);
}

/* An analysis finds for every block, and for the whole, the same as a separate
   question, up to rounding: its neighbouring matrices share a sweep. */
static void a_study_finds_the_same(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    hesse_problem problem = open_reference(team, "llama");
    const hesse_kinds parts[] = {HESSE_ALL, HESSE_GAUSS_NEWTON};
    const hesse_lanczos_settings settings = {.steps = 7, .probes = 3, .seed = 5};
    const hesse_analysis_options ask = {.scope = HESSE_BOTH,
                                        .parts = parts,
                                        .n_parts = 2,
                                        .method = HESSE_METHOD_LANCZOS,
                                        .lanczos = settings};
    hesse_analysis *x = NULL;
    assert_all(hesse_analysis_new(problem.objective, &ask, &x) == HESSE_OK);
    assert_all(hesse_analysis_run(x) == HESSE_OK);
    for (int part = 0; part < 2; part++)
        for (int b = -1; b < hesse_analysis_blocks(x); b++) {
            const hesse_quadrature *q = hesse_analysis_quadrature(x, part, b);
            const char *name = b < 0 ? "*" : hesse_analysis_block_name(x, b);
            hesse_quadrature *alone = NULL;
            const hesse_lanczos_options one = {
                .part = parts[part], .only = &name, .n_only = 1, .settings = settings};
            assert_all(hesse_lanczos(problem.objective, &one, &alone) == HESSE_OK);
            assert_all(q && !hesse_analysis_spectrum(x, part, b) && q->n == alone->n);
            assert_all(q->steps == alone->steps && q->probes == 3 && q->seconds > 0);
            const double scale =
                fmax(fabs(alone->nodes[0]), fabs(alone->nodes[alone->steps - 1]));
            for (int i = 0; i < 3 * q->steps; i++) {
                assert_all(fabs(q->nodes[i] - alone->nodes[i]) <= 1e-9 * scale);
                assert_all(fabs(q->weights[i] - alone->weights[i]) <= 1e-7);
            }
            const hesse_measures *m = hesse_analysis_measures(x, part, b);
            double trace, error;
            hesse_quadrature_moment(q, 1, &trace, &error);
            assert_all(m && m->trace == trace && m->max >= q->nodes[q->steps - 1]);
            hesse_quadrature_free(alone);
        }
    hesse_analysis_free(x);
    hesse_problem_free(&problem);
    hesse_team_free(team);
}

/* Auto forms the smaller blocks, which fit. The others agree with their exact
   spectra. */
static void auto_forms_what_fits(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    hesse_problem problem = open_reference(team, "gpt2");
    hesse_analysis *exact = NULL, *mixed = NULL;
    assert_all(hesse_analysis_new(problem.objective, &(hesse_analysis_options){0},
                                  &exact) == HESSE_OK);
    assert_all(hesse_analysis_run(exact) == HESSE_OK);
    int largest = 0, formed = 0, matrix_free = 0;
    const int blocks = hesse_analysis_blocks(exact);
    for (int b = 0; b < blocks; b++)
        if (hesse_analysis_block_size(exact, b) >
            hesse_analysis_block_size(exact, largest))
            largest = b;
    /* Reduce the memory until the largest block does not fit any more. */
    for (size_t memory = (size_t)hesse_analysis_summary(exact).peak; !mixed;
         memory -= memory / 50) {
        const hesse_analysis_options ask = {
            .method = HESSE_METHOD_AUTO,
            .memory = memory,
            .lanczos = {.steps = 12, .probes = 12, .width = 1, .seed = 1}};
        assert_all(hesse_analysis_new(problem.objective, &ask, &mixed) == HESSE_OK);
        assert_all(hesse_analysis_summary(mixed).peak <= (double)memory);
        if (hesse_analysis_estimated(mixed, largest)) continue;
        hesse_analysis_free(mixed);
        mixed = NULL;
    }
    assert_all(hesse_analysis_run(mixed) == HESSE_OK);
    for (int b = 0; b < blocks; b++) {
        const hesse_measures *is = hesse_analysis_measures(exact, 0, b);
        const hesse_measures *found = hesse_analysis_measures(mixed, 0, b);
        const hesse_quadrature *q = hesse_analysis_quadrature(mixed, 0, b);
        formed += !q, matrix_free += q != NULL;
        assert_all(!q == (hesse_analysis_spectrum(mixed, 0, b) != NULL));
        if (!q) {
            assert_all(memcmp(is, found, sizeof *is) == 0 ||
                       fabs(is->trace - found->trace) <= 1e-12 * is->frobenius);
            continue;
        }
        if (is->frobenius < 1e-12) continue; /* it is only rounding */
        double trace, squares, error;
        hesse_quadrature_moment(q, 1, &trace, &error);
        assert_all(fabs(trace - is->trace) <= 4 * error);
        hesse_quadrature_moment(q, 2, &squares, &error);
        assert_all(fabs(squares - is->frobenius * is->frobenius) <= 4 * error);
        assert_all(found->max <= is->max * (1 + 1e-12) && found->max >= 0.8 * is->max);
        assert_all(fabs(found->negative_mass - is->negative_mass) < 0.3);
    }
    assert_all(formed > 0 && matrix_free > 0);
    hesse_analysis_free(mixed);
    hesse_analysis_free(exact);
    hesse_problem_free(&problem);
    hesse_team_free(team);
}

/* Return the distance of a spectrum from a quadrature of it. */
static double distance_of(hesse_distance which, const hesse_spectrum *exact,
                          const hesse_quadrature *q)
{
    const hesse_density settings = {.points = 400, .bandwidth = 0.03};
    const size_t atoms = (size_t)q->probes * (size_t)q->steps;
    double *nodes = hesse_alloc(atoms), *masses = hesse_alloc(atoms), matrix[4], mean;
    hesse_distance_grid grid;
    hesse_why why;
    assert_all(nodes && masses);
    hesse_quadrature_merge(q, nodes, masses);
    const hesse_eigenvalues both[] = {
        {.n = exact->n, .lambda = exact->eigenvalues},
        {.n = (int)atoms, .lambda = nodes, .mass = masses}};
    assert_all(hesse_distances(which, &settings, 2, both, matrix, &mean, &grid, &why) ==
               HESSE_OK);
    free(nodes);
    free(masses);
    return mean;
}

/* Densities by quadrature are close to those of the exact spectra. The Gauss-Newton
   part has no negative weight. */
static void densities_agree(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    hesse_problem problem = open_reference(team, "gpt2");
    const hesse_kinds parts[] = {HESSE_ALL, HESSE_GAUSS_NEWTON};
    hesse_analysis *exact = NULL, *found = NULL;
    const hesse_analysis_options ask = {.parts = parts, .n_parts = 2};
    hesse_analysis_options without = ask;
    without.method = HESSE_METHOD_LANCZOS;
    without.lanczos = (hesse_lanczos_settings){.steps = 100, .probes = 40, .seed = 4};
    assert_all(hesse_analysis_new(problem.objective, &ask, &exact) == HESSE_OK);
    assert_all(hesse_analysis_run(exact) == HESSE_OK);
    assert_all(hesse_analysis_new(problem.objective, &without, &found) == HESSE_OK);
    assert_all(hesse_analysis_run(found) == HESSE_OK);
    int compared = 0;
    for (int part = 0; part < 2; part++)
        for (int b = 0; b < hesse_analysis_blocks(exact); b++) {
            const hesse_spectrum *s = hesse_analysis_spectrum(exact, part, b);
            const hesse_quadrature *q = hesse_analysis_quadrature(found, part, b);
            const hesse_measures *m = hesse_analysis_measures(exact, part, b);
            if (m->frobenius < 1e-12 || s->n < 8) continue; /* it is only rounding */
            compared++;
            assert_all(distance_of(HESSE_JS, s, q) < 0.004);
            assert_all(distance_of(HESSE_WASSERSTEIN, s, q) < 0.02 * (m->max - m->min));
            for (int p = 0; part && p < q->probes; p++)
                assert_all(q->negative[0][p] <= q->negative[1][p] &&
                           q->negative[0][p] < 1e-10);
        }
    assert_all(compared > 10);
    hesse_analysis_free(found);
    hesse_analysis_free(exact);
    hesse_problem_free(&problem);
    hesse_team_free(team);
}

/* With a limit of time, the most expensive blocks are estimated by quadrature. */
static void auto_forms_what_is_soon_done(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    hesse_problem problem = open_reference(team, "gpt2");
    int formed[3] = {0};
    const double seconds[] = {0, 2e-4, 1e-12};
    for (int i = 0; i < 3; i++) {
        hesse_analysis *x = NULL;
        const hesse_analysis_options ask = {.method = HESSE_METHOD_AUTO,
                                            .scope = i == 2 ? HESSE_BOTH : HESSE_BLOCKS,
                                            .seconds = seconds[i]};
        assert_all(hesse_analysis_new(problem.objective, &ask, &x) == HESSE_OK);
        for (int b = 0; b < hesse_analysis_blocks(x); b++)
            formed[i] += !hesse_analysis_estimated(x, b);
        assert_all(!!hesse_analysis_estimated(x, HESSE_FULL_MATRIX) == (i == 2));
        hesse_analysis_free(x);
    }
    assert_all(formed[0] > formed[1] && formed[1] > 0 && formed[2] == 0);
    hesse_problem_free(&problem);
    hesse_team_free(team);
}

/* Everything that fits also fits with more memory. Blocks larger than half of the
   whole, which are cut out of it, need memory beside it. */
static void auto_needs_no_less(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    hesse_problem problem = open_reference(team, "gpt2");
    for (int layers = 0; layers < 2; layers++) {
        bool fits = false;
        int refused = 0, whole = 0;
        for (size_t memory = 1 << 16; memory < 1 << 26; memory += memory / 24) {
            const hesse_analysis_options ask = {.method = HESSE_METHOD_AUTO,
                                                .scope = HESSE_BOTH,
                                                .partition = layers ? HESSE_CUT_LAYER
                                                                    : HESSE_CUT_TENSOR,
                                                .lanczos = {.steps = 5, .probes = 1},
                                                .memory = memory};
            hesse_analysis *x = NULL;
            const hesse_status s = hesse_analysis_new(problem.objective, &ask, &x);
            assert_all(!s || (s == HESSE_E_NOMEM && !fits));
            fits = !s, refused += !!s;
            if (!s) assert_all(hesse_analysis_summary(x).peak <= (double)memory);
            if (!s) whole += !hesse_analysis_estimated(x, HESSE_FULL_MATRIX);
            hesse_analysis_free(x);
        }
        assert_all(fits && refused && whole);
    }
    hesse_problem_free(&problem);
    hesse_team_free(team);
}

/* A run continues with the probes that the run before has finished. */
static void probes_are_taken_up(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    hesse_problem problem = open_reference(team, "llama");
    const char *only[] = {"*.q_proj.weight", "*norm*"};
    const hesse_analysis_options ask = {
        .method = HESSE_METHOD_LANCZOS,
        .only = only,
        .n_only = 2,
        .lanczos = {.steps = 6, .probes = 5, .width = 3}};
    hesse_analysis *whole = NULL, *x = NULL;
    memory_store *m = calloc(1, sizeof *m);
    assert_all(m && hesse_analysis_new(problem.objective, &ask, &whole) == HESSE_OK);
    assert_all(hesse_analysis_run(whole) == HESSE_OK);
    const int rank = hesse_team_rank(team);
    int runs = 0;
    for (hesse_status s = HESSE_E_STOPPED; s; runs++) {
        hesse_analysis_free(x);
        assert_all(hesse_analysis_new(problem.objective, &ask, &x) == HESSE_OK);
        m->left = rank == 0 ? 15 : -1; /* only one rank is asked to stop */
        s = hesse_analysis_run_with(
            x, &(hesse_run_options){.checkpoint = memory_checkpoint(m)});
        assert_all(s == HESSE_OK || s == HESSE_E_STOPPED);
        memory_share(m);
    }
    assert_all(runs > 2);
    for (int b = 0; b < hesse_analysis_blocks(x); b++) {
        const hesse_quadrature *a = hesse_analysis_quadrature(whole, 0, b);
        const hesse_quadrature *q = hesse_analysis_quadrature(x, 0, b);
        const double scale = fmax(fabs(a->nodes[0]), fabs(a->nodes[a->steps - 1]));
        assert_all(memcmp(a->taken, q->taken, 5 * sizeof *a->taken) == 0);
        for (int i = 0; i < 5 * a->steps; i++)
            assert_all(fabs(a->nodes[i] - q->nodes[i]) <= 1e-9 * scale);
    }
    hesse_analysis_free(x);
    hesse_analysis_free(whole);
    hesse_problem_free(&problem);
    hesse_team_free(team);
    memory_free(m);
}

/* With twelve layers these are the 25 blocks of the published list. With fewer layers
   they are the blocks that exist. */
static void a_preset_names_blocks(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    static const int layers[] = {12, 1, 6}, expected[] = {25, 7, 25};
    static const char *const some[] = {"h.3.attn.c_attn.weight.value", "h.0.mlp",
                                       "h.5."};
    for (int i = 0; i < 3; i++) {
        const hesse_arch arch = {.family = "gpt2",
                                 .layers = layers[i],
                                 .width = 8,
                                 .inner = 32,
                                 .vocabulary = 256,
                                 .positions = 16,
                                 .attention = {.heads = 2, .kv_heads = 2, .size = 4},
                                 .norm_eps = 1e-5,
                                 .tied = true,
                                 .attention_bias = true,
                                 .mlp_bias = true};
        const char *const path = HESSE_TEST_FOLDER "/curvature/test_lanczos.c";
        const hesse_network_source source = {.arch = &arch, .outline = true};
        const hesse_data_options data = {
            .kind = "text", .paths = &path, .n_paths = 1, .sequences = 2, .context = 4};
        const hesse_analysis_options ask = {.method = HESSE_METHOD_LANCZOS,
                                            .preset = HESSE_PRESET_PAPER_GPT2};
        hesse_problem problem = open_problem(team, &source, &data);
        hesse_analysis *x = NULL;
        bool found = false;
        assert_all(hesse_analysis_new(problem.objective, &ask, &x) == HESSE_OK);
        assert_all(hesse_analysis_blocks(x) == expected[i]);
        for (int b = 0; b < expected[i]; b++) {
            const char *name = hesse_analysis_block_name(x, b);
            assert_all(!strstr(name, "bias") && !strstr(name, "ln_"));
            found |= strstr(name, some[i]) != NULL;
        }
        assert_all(found);
        hesse_analysis_free(x);
        const hesse_analysis_options both = {.preset = HESSE_PRESET_PAPER_GPT2,
                                             .partition = HESSE_CUT_HEAD};
        assert_all(hesse_analysis_new(problem.objective, &both, &x) == HESSE_E_JOB);
        hesse_problem_free(&problem);
    }
    hesse_team_free(team);
}

/* With twelve layers these are the 14 blocks of the published list, with query, key and
   value as one. For a small VGG they are its convolutions. */
static void presets_of_images_name_blocks(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    const hesse_arch archs[] = {
        {.family = "vit",
         .layers = 12,
         .width = 8,
         .inner = 32,
         .image.patch = 8,
         .attention = {.heads = 2, .kv_heads = 2, .size = 4, .full = true},
         .attention_bias = true,
         .norm_eps = 1e-5},
        {.family = "vgg",
         .lists.n_widths = 4,
         .lists.widths = {4, 0, 8, 8},
         .activation = HESSE_ACT_RELU}};
    const hesse_preset presets[] = {HESSE_PRESET_PAPER_VIT, HESSE_PRESET_CONVOLUTIONS};
    for (int i = 0; i < 2; i++) {
        const hesse_network_source source = {.arch = &archs[i], .outline = true};
        const hesse_data_options data = {.kind = "pathfinder", .sequences = 1};
        const hesse_analysis_options ask = {.method = HESSE_METHOD_LANCZOS,
                                            .preset = presets[i]};
        const hesse_analysis_options other = {.method = HESSE_METHOD_LANCZOS,
                                              .preset = presets[1 - i]};
        hesse_problem problem = open_problem(team, &source, &data);
        hesse_analysis *x = NULL;
        assert_all(hesse_analysis_new(problem.objective, &ask, &x) == HESSE_OK);
        assert_all(hesse_analysis_blocks(x) == (i ? 3 : 14));
        if (i == 0)
            assert_all(strcmp(hesse_analysis_block_name(x, 5),
                              "vit.encoder.layer.6.qkv.weight") == 0 &&
                       hesse_analysis_block_size(x, 5) == 3 * 64);
        hesse_analysis_free(x);
        if (i == 0)
            assert_all(hesse_analysis_new(problem.objective, &other, &x) ==
                       HESSE_E_JOB);
        hesse_problem_free(&problem);
    }
    hesse_team_free(team);
}

static void wrong_questions(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    hesse_problem problem = open_reference(team, "gpt2");
    const char *none = "nothing";
    const hesse_lanczos_options wrong[] = {{.settings.steps = -1},
                                           {.settings.probes = 2000000},
                                           {.part = ~0u},
                                           {.only = &none, .n_only = 1}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        hesse_quadrature *q = NULL;
        assert_all(hesse_lanczos(problem.objective, &wrong[i], &q) == HESSE_E_JOB);
        assert_all(!q && *hesse_team_why(team)->text);
    }
    hesse_problem_free(&problem);
    hesse_team_free(team);
}

static void one_rank_out_of_memory_fails_all(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    hesse_problem problem = open_reference(team, "gpt2");
    const char *only = "transformer.ln_f.bias";
    const hesse_lanczos_options ask = {.only = &only, .n_only = 1, .settings.steps = 2};
    bool ended = false;
    for (int at = 0; !ended; at++) {
        hesse_quadrature *q = NULL;
        broken_rank = at % hesse_team_size(team), broken_at = at, allocations = 0;
        const hesse_status s = hesse_lanczos(problem.objective, &ask, &q);
        broken_rank = -1;
        assert_all(s == HESSE_OK || s == HESSE_E_NOMEM);
        assert_all(!s == (q != NULL));
        ended = !s;
        hesse_quadrature_free(q);
    }
    hesse_problem_free(&problem);
    hesse_team_free(team);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_small_krylov_space_is_used_up),
    cmocka_unit_test(tiny_and_zero),
    cmocka_unit_test(quadrature_is_gaussian),
    cmocka_unit_test(negative_weight_is_bounded),
    cmocka_unit_test(extremes_are_bounded),
    cmocka_unit_test(what_is_not_finite_ends),
    cmocka_unit_test(orthogonality_is_as_asked_for),
    cmocka_unit_test(the_published_procedure_goes_on),
    cmocka_unit_test(company_changes_nothing),
    cmocka_unit_test(blocks_have_their_exact_spectra),
    cmocka_unit_test(a_study_finds_the_same),
    cmocka_unit_test(auto_forms_what_fits),
    cmocka_unit_test(auto_needs_no_less),
    cmocka_unit_test(densities_agree),
    cmocka_unit_test(auto_forms_what_is_soon_done),
    cmocka_unit_test(moments_are_within_their_errors),
    cmocka_unit_test(probes_are_taken_up),
    cmocka_unit_test(a_preset_names_blocks),
    cmocka_unit_test(presets_of_images_name_blocks),
    cmocka_unit_test(wrong_questions),
    cmocka_unit_test(one_rank_out_of_memory_fails_all),
};

MPI_TEST_MAIN(tests)
