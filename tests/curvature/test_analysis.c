/* Whole analyses on 1, 2, 4 and 6 ranks. Their matrices are compared with
   Hessian-vector products and with the matrices of one rank. They must keep laws:
   shares add up, blocks equal parts of the full Hessian, and the checks find wrong
   matrices. */
#include "check_memory.h"
#include "check_problem.h"
#include "curvature/analysis.h"
#include "curvature/plan.h"
#include "hesse/hesse.h"

#include <limits.h>
#include <malloc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The largest number of bytes that were allocated at once, as the libraries count
   them. */
static size_t highest;

static size_t in_use(void)
{
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static void note_highest(void)
{
    if (in_use() > highest) highest = in_use();
}

static const hesse_cut cuts[] = {HESSE_CUT_TENSOR, HESSE_CUT_HEAD,  HESSE_CUT_NEURON,
                                 HESSE_CUT_LAYER,  HESSE_CUT_GROUP, HESSE_CUT_WHOLE,
                                 HESSE_CUT_FUSED};
enum { CUTS = sizeof cuts / sizeof *cuts };

typedef struct stage {
    hesse_team *team;
    hesse_problem problem;
} stage;

static stage open_on(MPI_Comm comm, const char *name)
{
    stage t = {0};
    assert_all(hesse_team_new(comm, &t.team) == HESSE_OK);
    t.problem = open_reference(t.team, name);
    return t;
}

static void close_stage(stage t)
{
    hesse_problem_free(&t.problem);
    hesse_team_free(t.team);
}

static hesse_analysis *ask(stage t, const hesse_analysis_options *question)
{
    hesse_analysis *x = NULL;
    assert_done(t.team, hesse_analysis_new(t.problem.objective, question, &x));
    return x;
}

static void run(stage t, hesse_analysis *x)
{
    assert_done(t.team, hesse_analysis_run(x));
}

/* Compute a share of the Hessian, a column at a time, from its products with unit
   vectors. The order is that of an analysis's blocks; column-major. */
static double *from_products(stage t, const hesse_analysis *x, hesse_kinds part)
{
    const size_t all = hesse_network_size(t.problem.network),
                 n = hesse_analysis_plan(x)->partition.size;
    double *a = malloc(n * n * sizeof *a), *v = calloc(all, sizeof *v);
    double *hv = calloc(all, sizeof *hv), *place = calloc(n, sizeof *place);
    assert_all(a && v && hv && place);
    for (size_t i = 0; i < all; i++) v[i] = (double)i;
    hesse_partition_gather(&hesse_analysis_plan(x)->partition,
                           &t.problem.network->params, v, place);
    for (size_t i = 0; i < all; i++) v[i] = 0;
    for (size_t j = 0; j < n; j++) {
        v[(size_t)place[j]] = 1;
        assert_all(hesse_objective_product(t.problem.objective, part, 1, v, hv) ==
                   HESSE_OK);
        v[(size_t)place[j]] = 0;
        hesse_partition_gather(&hesse_analysis_plan(x)->partition,
                               &t.problem.network->params, hv, a + j * n);
    }
    free(v);
    free(hv);
    free(place);
    return a;
}

static double frobenius(size_t n, const double *a)
{
    double sum = 0;
    for (size_t i = 0; i < n * n; i++) sum += a[i] * a[i];
    return sqrt(sum);
}

/* A listener collects every matrix that is shown here, dense, on every rank. */
typedef struct album {
    hesse_analysis *analysis;
    double **blocks; /* [blocks]; NULL: not shown */
    double *whole;
} album;

static hesse_status keep(void *context, int share, int block, const hesse_held *matrix)
{
    album *m = context;
    const hesse_dmat *a = matrix->a;
    const hesse_partition *p = &hesse_analysis_plan(m->analysis)->partition;
    const size_t n = block < 0 ? p->size : p->blocks[block].size;
    double *dense = calloc(n * n, sizeof *dense);
    assert_all(share == 0 && dense != NULL);
    for (int c = 0; a && c < a->col.count; c++)
        for (int r = 0; r < a->row.count; r++)
            dense[(size_t)hesse_axis_global(&a->col, c) * n +
                  (size_t)hesse_axis_global(&a->row, r)] =
                a->local[(size_t)c * (size_t)a->row.count + (size_t)r];
    if (matrix->square) memcpy(dense, matrix->square, n * n * sizeof *dense);
    MPI_Allreduce(MPI_IN_PLACE, dense, (int)(n * n), MPI_DOUBLE, MPI_SUM,
                  MPI_COMM_WORLD);
    *(block < 0 ? &m->whole : &m->blocks[block]) = dense;
    return HESSE_OK;
}

static album collect(stage t, hesse_analysis *x)
{
    album m = {.analysis = x,
               .blocks = calloc((size_t)hesse_analysis_blocks(x), sizeof(void *))};
    const hesse_listener listener = {.context = &m, .matrix = keep};
    assert_all(m.blocks != NULL);
    assert_done(t.team, hesse_analysis_run_with(
                            x, &(hesse_run_options){.listener = &listener}));
    return m;
}

static void discard(album *m)
{
    for (int b = 0; b < hesse_analysis_blocks(m->analysis); b++) free(m->blocks[b]);
    free(m->blocks);
    free(m->whole);
}

/* Return the largest difference of a block, or of the whole, from the matrix of order
   n. */
static double difference(const double *block, size_t size, size_t first,
                         const double *a, size_t n)
{
    double worst = block ? 0 : INFINITY;
    for (size_t j = 0; block && j < size; j++)
        for (size_t i = 0; i < size; i++) {
            const double d = block[j * size + i] - a[(first + j) * n + first + i];
            worst = d <= worst && -d <= worst ? worst : fabs(d);
        }
    return worst;
}

/* The matrices are right for every partition. Blocks can be cut out of the whole, or
   assembled by themselves, by all ranks or by one. */
static void matrices_are_those_of_products(void **state)
{
    (void)state;
    static const char *const names[] = {"gpt2", "llama"};
    for (int m = 0; m < 2; m++) {
        const stage t = open_on(MPI_COMM_WORLD, names[m]);
        for (int c = 0; c < CUTS; c++)
            for (hesse_scope scope = HESSE_BLOCKS; scope <= HESSE_BOTH; scope++) {
                const hesse_analysis_options q = {.partition = cuts[c],
                                                  .scope = scope,
                                                  .panel = 3 + 8 * c,
                                                  .matrices = true};
                hesse_analysis *x = ask(t, &q);
                const size_t n = hesse_analysis_plan(x)->partition.size;
                double *a = from_products(t, x, HESSE_ALL);
                const double most = 1e-13 * frobenius(n, a);
                album shown = collect(t, x);
                assert_all(n == hesse_network_size(t.problem.network));
                assert_all(!shown.whole == !(scope & HESSE_FULL));
                if (shown.whole) assert_all(difference(shown.whole, n, 0, a, n) < most);
                for (int b = 0; b < hesse_analysis_plan(x)->partition.count; b++) {
                    const hesse_block *k = &hesse_analysis_plan(x)->partition.blocks[b];
                    const double *block = shown.blocks[b];
                    assert_all(!block == !(scope & HESSE_BLOCKS));
                    if (block)
                        assert_all(difference(block, k->size, k->first, a, n) < most);
                }
                discard(&shown);
                free(a);
                hesse_analysis_free(x);
            }
        close_stage(t);
    }
}

static double worst_value(const hesse_spectrum *a, const hesse_spectrum *b)
{
    double worst = a->n == b->n ? 0 : INFINITY;
    for (int i = 0; i < a->n && i < b->n; i++)
        worst = fmax(worst, fabs(a->eigenvalues[i] - b->eigenvalues[i]));
    return worst;
}

/* Blocks of groups of ranks are those of products, whether they are cut out of the
   whole or not, shown or not, and half stored or not. */
static void groups_compute_blocks(void **state)
{
    (void)state;
    const stage t = open_on(MPI_COMM_WORLD, "llama"),
                one = open_on(MPI_COMM_SELF, "llama");
    for (hesse_scope scope = HESSE_BLOCKS; scope <= HESSE_BOTH; scope += 2)
        for (int kind = 0; kind < 4; kind++) {
            static const hesse_engine engines[] = {HESSE_ENGINE_SCALAPACK,
                                                   HESSE_ENGINE_BAND, HESSE_ENGINE_BAND,
                                                   HESSE_ENGINE_SMALL};
            const bool shows = kind == 2;
            const hesse_engine engine = engines[kind];
            const hesse_analysis_options q = {
                .scope = scope,
                /* the whole is half stored, and a block of `small` is not */
                .engine = engine == HESSE_ENGINE_SMALL ? HESSE_ENGINE_BAND : engine,
                .matrices = shows};
            hesse_analysis *x = ask(t, &q), *y = ask(one, &q);
            double *a = from_products(t, x, HESSE_ALL);
            const hesse_partition *p = &hesse_analysis_plan(x)->partition;
            album shown = {.analysis = x};
            regroup(x, engine, engine == HESSE_ENGINE_BAND && !shows);
            if (shows)
                shown = collect(t, x);
            else
                run(t, x);
            run(one, y);
            for (int b = 0; b < p->count; b++) {
                const hesse_block *k = &p->blocks[b];
                const double far = worst_value(hesse_analysis_spectrum(x, 0, b),
                                               hesse_analysis_spectrum(y, 0, b));
                assert_all(far < 1e-12);
                if (shows)
                    assert_all(difference(shown.blocks[b], k->size, k->first, a,
                                          p->size) < 1e-13 * frobenius(p->size, a));
            }
            if (shows) discard(&shown);
            free(a);
            hesse_analysis_free(y);
            hesse_analysis_free(x);
        }
    close_stage(one);
    close_stage(t);
}

/* Parts of one piece, of any shape, are assembled whole and in blocks. */
static void single_tensors_are_assembled(void **state)
{
    (void)state;
    const stage t = open_on(MPI_COMM_WORLD, "gpt2");
    const hesse_analysis_options all = {0};
    hesse_analysis *every = ask(t, &all);
    for (int b = 0; b < hesse_analysis_blocks(every); b++) {
        const char *name = hesse_analysis_block_name(every, b);
        const hesse_analysis_options q = {
            .scope = HESSE_BOTH, .only = &name, .n_only = 1, .matrices = true};
        hesse_analysis *x = ask(t, &q);
        double *a = from_products(t, x, HESSE_ALL);
        const size_t n = hesse_analysis_plan(x)->partition.size;
        album shown = collect(t, x);
        assert_all(difference(shown.whole, n, 0, a, n) < 1e-13);
        assert_all(difference(shown.blocks[0], n, 0, a, n) < 1e-13);
        discard(&shown);
        free(a);
        hesse_analysis_free(x);
    }
    hesse_analysis_free(every);
    close_stage(t);
}

static int same_bits(const void *mine, size_t bytes)
{
    char *theirs = malloc(bytes);
    memcpy(theirs, mine, bytes);
    MPI_Bcast(theirs, (int)bytes, MPI_BYTE, 0, MPI_COMM_WORLD);
    const int same = memcmp(theirs, mine, bytes) == 0;
    free(theirs);
    return same;
}

/* Return the distance of two vectors, relative to the second. */
static double distance(const double *a, const double *b, size_t n)
{
    double error = 0, size = 0;
    for (size_t i = 0; i < n; i++)
        error += (a[i] - b[i]) * (a[i] - b[i]), size += b[i] * b[i];
    return sqrt(error / size);
}

/* All ranks together and one rank by itself find the same spectra, measures and
   gradients. */
static void one_rank_finds_the_same(void **state)
{
    (void)state;
    const stage all = open_on(MPI_COMM_WORLD, "llama");
    const stage one = open_on(MPI_COMM_SELF, "llama");
    for (int c = 0; c < CUTS; c++) {
        const hesse_analysis_options q = {
            .partition = cuts[c], .scope = HESSE_BOTH, .eigenvectors = 1};
        hesse_analysis *x = ask(all, &q), *y = ask(one, &q);
        run(all, x);
        run(one, y);
        const double norm = hesse_analysis_measures(y, 0, HESSE_FULL_MATRIX)->frobenius;
        assert_all(distance(hesse_analysis_gradient(x), hesse_analysis_gradient(y),
                            hesse_network_size(all.problem.network)) < 1e-13);
        assert_all(same_bits(hesse_analysis_gradient(x),
                             hesse_network_size(all.problem.network) * sizeof(double)));
        for (int b = HESSE_FULL_MATRIX; b < hesse_analysis_blocks(x); b++) {
            const hesse_spectrum *s = hesse_analysis_spectrum(x, 0, b);
            const hesse_measures *m = hesse_analysis_measures(x, 0, b),
                                 *n = hesse_analysis_measures(y, 0, b);
            assert_all(worst_value(s, hesse_analysis_spectrum(y, 0, b)) < 1e-12 * norm);
            assert_all(same_bits(s->eigenvalues, (size_t)s->n * sizeof(double)));
            assert_all(same_bits(m, sizeof *m));
            assert_all(fabs(m->trace - n->trace) < 1e-12 * norm);
            assert_all(fabs(m->frobenius - n->frobenius) < 1e-12 * norm);
            assert_all(fabs(m->gradient_norm - n->gradient_norm) < 1e-12);
        }
        hesse_analysis_free(y);
        hesse_analysis_free(x);
    }
    close_stage(one);
    close_stage(all);
}

/* Give the blocks to groups of every depth, one after another. */
static void mix_groups(hesse_schedule *s, int ranks)
{
    for (int i = 0; i < s->count; i++) {
        hesse_task *t = &s->tasks[i];
        t->depth = i * (s->depth + 1) / s->count;
        t->group = hesse_group_of(ranks, t->depth, i % ranks);
    }
}

/* The results do not depend on the ranks that compute a block. */
static void groups_find_the_same(void **state)
{
    (void)state;
    const stage all = open_on(MPI_COMM_WORLD, "gpt2");
    const stage one = open_on(MPI_COMM_SELF, "gpt2");
    for (int c = 0; c < CUTS; c++) {
        const hesse_analysis_options q = {.partition = cuts[c], .eigenvectors = c % 2};
        hesse_analysis *x = ask(all, &q), *y = ask(one, &q);
        mix_groups((hesse_schedule *)&hesse_analysis_plan(x)->schedule,
                   hesse_team_size(all.team));
        run(all, x);
        run(one, y);
        for (int b = 0; b < hesse_analysis_blocks(x); b++) {
            const hesse_spectrum *s = hesse_analysis_spectrum(x, 0, b);
            const hesse_measures *m = hesse_analysis_measures(x, 0, b);
            assert_all(worst_value(s, hesse_analysis_spectrum(y, 0, b)) < 1e-12);
            assert_all(same_bits(s->eigenvalues, (size_t)s->n * sizeof(double)));
            assert_all(same_bits(m, sizeof *m));
        }
        hesse_analysis_free(y);
        hesse_analysis_free(x);
    }
    close_stage(one);
    close_stage(all);
}

/* Threads find the same as ranks, to the bit, because every entry comes from one
   panel. */
static void threads_find_the_same(void **state)
{
    (void)state;
    const stage t = open_on(MPI_COMM_WORLD, "llama");
    for (hesse_scope scope = HESSE_BLOCKS; scope <= HESSE_FULL; scope++) {
        const hesse_analysis_options q = {.scope = scope, .panel = 8};
        hesse_analysis_options threaded = q;
        threaded.threads = 3;
        hesse_analysis *x = ask(t, &q), *y = ask(t, &threaded);
        run(t, x);
        run(t, y);
        for (int b = HESSE_FULL_MATRIX; b < hesse_analysis_blocks(x); b++) {
            const hesse_spectrum *s = hesse_analysis_spectrum(x, 0, b);
            if (!s) continue;
            assert_all(worst_value(s, hesse_analysis_spectrum(y, 0, b)) == 0);
            assert_all(same_bits(s->eigenvalues, (size_t)s->n * sizeof(double)));
        }
        hesse_analysis_free(y);
        hesse_analysis_free(x);
    }
    close_stage(t);
}

/* If a group fails, all ranks end with an error, and none waits for ever. */
static void a_group_that_fails_fails_all(void **state)
{
    (void)state;
    const stage t = open_on(MPI_COMM_WORLD, "gpt2");
    const int ranks = hesse_team_size(t.team);
    const hesse_analysis_options q = {.partition = HESSE_CUT_LAYER};
    for (broken_at = 0; broken_at < 400; broken_at += 37) {
        hesse_analysis *x = ask(t, &q);
        mix_groups((hesse_schedule *)&hesse_analysis_plan(x)->schedule, ranks);
        broken_rank = broken_at % ranks, allocations = 0;
        const hesse_status s = hesse_analysis_run(x);
        broken_rank = -1;
        assert_all(s == HESSE_OK || s == HESSE_E_NOMEM);
        assert_all(s == HESSE_OK || *hesse_team_why(t.team)->text);
        assert_all(same_bits(hesse_team_why(t.team), sizeof(hesse_why)) || !s);
        hesse_analysis_free(x);
    }
    broken_at = 0;
    close_stage(t);
}

/* The Hessian is the sum of its parts. All of them are computed in one run. */
static void parts_add_up(void **state)
{
    (void)state;
    enum { PARTS = 4 };
    static const hesse_kinds parts[PARTS] = {HESSE_ALL, HESSE_GAUSS_NEWTON,
                                             HESSE_FUNCTIONAL, HESSE_SOFTMAX};
    const stage t = open_on(MPI_COMM_WORLD, "gpt2");
    const hesse_analysis_options q = {
        .parts = parts, .n_parts = PARTS, .scope = HESSE_BOTH};
    hesse_analysis *x = ask(t, &q);
    run(t, x);
    const double scale = hesse_analysis_measures(x, 0, HESSE_FULL_MATRIX)->frobenius;
    for (int b = HESSE_FULL_MATRIX; b < hesse_analysis_blocks(x); b++) {
        double trace[PARTS];
        for (int p = 0; p < PARTS; p++)
            trace[p] = hesse_analysis_measures(x, p, b)->trace;
        assert_all(fabs(trace[0] - trace[1] - trace[2]) < 1e-12 * scale);
        assert_all(hesse_analysis_spectrum(x, 1, b)->eigenvalues[0] > -1e-12 * scale);
    }
    for (int p = 0; p < PARTS; p++) {
        double *a = from_products(t, x, parts[p]);
        const double norm = hesse_analysis_measures(x, p, HESSE_FULL_MATRIX)->frobenius;
        assert_all(norm > 0);
        assert_all(fabs(norm / frobenius(hesse_analysis_plan(x)->partition.size, a) -
                        1) < 1e-12);
        free(a);
    }
    hesse_analysis_free(x);
    close_stage(t);
}

/* Entry (a, b) is the norm of the rows of block a and the columns of block b. */
static void coupling_is_that_of_the_matrix(void **state)
{
    (void)state;
    const stage t = open_on(MPI_COMM_WORLD, "llama");
    const hesse_analysis_options q = {.scope = HESSE_FULL, .partition = HESSE_CUT_HEAD};
    hesse_analysis *x = ask(t, &q);
    run(t, x);
    const hesse_partition *p = &hesse_analysis_plan(x)->partition;
    const size_t n = p->size;
    double *h = from_products(t, x, HESSE_ALL), worst = 0;
    for (int a = 0; a < p->count; a++)
        for (int b = 0; b < p->count; b++) {
            const hesse_block *rows = &p->blocks[a], *cols = &p->blocks[b];
            double sum = 0;
            for (size_t j = cols->first; j < cols->first + cols->size; j++)
                for (size_t i = rows->first; i < rows->first + rows->size; i++)
                    sum += h[j * n + i] * h[j * n + i];
            const double found = hesse_analysis_coupling(x, 0)[a * p->count + b];
            worst = fmax(worst, fabs(sqrt(sum) - found));
        }
    assert_all(worst < 1e-12 * frobenius(n, h));
    free(h);
    hesse_analysis_free(x);
    close_stage(t);
}

/* Blocks that are chosen by name are the same as among all blocks, in the order of the
   model. The whole matrix is then the one of the chosen blocks. */
static void only_what_is_named(void **state)
{
    (void)state;
    const char *const only[] = {"*.q_proj.weight", "model.layers.0.mlp.*"};
    const stage t = open_on(MPI_COMM_WORLD, "llama");
    const hesse_analysis_options some = {.only = only,
                                         .n_only = 2,
                                         .scope = HESSE_BOTH},
                                 every = {0};
    hesse_analysis *x = ask(t, &some), *y = ask(t, &every);
    run(t, x);
    run(t, y);
    int found = 0;
    size_t size = 0;
    for (int b = 0; b < hesse_analysis_blocks(y); b++) {
        if (found >= hesse_analysis_blocks(x) ||
            strcmp(hesse_analysis_block_name(x, found),
                   hesse_analysis_block_name(y, b)))
            continue;
        const hesse_spectrum *s = hesse_analysis_spectrum(x, 0, found++);
        assert_all(worst_value(s, hesse_analysis_spectrum(y, 0, b)) < 1e-12);
        size += (size_t)s->n;
    }
    assert_all(found == hesse_analysis_blocks(x) && found >= 4);
    assert_all((size_t)hesse_analysis_spectrum(x, 0, HESSE_FULL_MATRIX)->n == size);
    hesse_analysis_free(y);
    hesse_analysis_free(x);
    const char *const misspelt[] = {"model.layers.0.mlp.up_prox.weight"};
    const hesse_analysis_options wrong = {.only = misspelt, .n_only = 1};
    assert_all(hesse_analysis_new(t.problem.objective, &wrong, &x) == HESSE_E_JOB);
    assert_all(strstr(hesse_team_why(t.team)->text, "up_proj.weight") != NULL);
    close_stage(t);
}

/* A listener makes a matrix wrong on one rank. The check of that block must find it. */
typedef struct vandal {
    int rank, block;
    double by;
} vandal;

static hesse_status spoil(void *context, int share, int block, const hesse_held *matrix)
{
    (void)share;
    const vandal *v = context;
    const hesse_dmat *a = matrix->a;
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (block != v->block) return HESSE_OK;
    for (int c = 0; a && rank == v->rank && c < a->col.count; c++)
        for (int r = 0; r < a->row.count;
             r++) /* solvers may read the lower half alone */
            if (hesse_axis_global(&a->row, r) >= hesse_axis_global(&a->col, c))
                a->local[(size_t)c * (size_t)a->row.count + (size_t)r] += v->by;
    if (!a && matrix->square) /* the memory belongs to the analysis */
        *(double *)(uintptr_t)matrix->square += v->by;
    return HESSE_OK;
}

static void wrong_matrices_are_found(void **state)
{
    (void)state;
    const stage t = open_on(MPI_COMM_WORLD, "llama");
    const hesse_analysis_options full = {.scope = HESSE_FULL, .matrices = true},
                                 blocks = {.matrices = true};
    for (int r = 0; r < hesse_team_size(t.team); r++)
        for (int kind = 0; kind < 4; kind++) {
            hesse_analysis *x = ask(t, kind & 1 ? &blocks : &full);
            vandal v = {r, kind & 1 ? 3 : HESSE_FULL_MATRIX, kind & 2 ? NAN : 1e-6};
            const hesse_listener listener = {.context = &v, .matrix = spoil};
            const hesse_run_options run_options = {.listener = &listener};
            assert_all(hesse_analysis_run_with(x, &run_options) == HESSE_E_NUMERIC);
            const char *why = hesse_team_why(t.team)->text;
            const char *name = v.block < 0 ? "full" : hesse_analysis_block_name(x, 3);
            assert_all(strncmp(why, name, strlen(name)) == 0);
            assert_all(!strstr(why, "not finite") == !(kind & 2));
            hesse_analysis_free(x);
        }
    close_stage(t);
}

/* With too little memory, the status says so, and the message has the sizes. */
static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    const stage t = open_on(MPI_COMM_WORLD, "gpt2");
    for (hesse_scope scope = HESSE_BLOCKS; scope <= HESSE_BOTH; scope++)
        for (size_t memory = 1; memory < 1u << 21; memory *= 2) {
            const hesse_analysis_options q = {.scope = scope, .memory = memory};
            hesse_analysis *x = NULL;
            const hesse_status s = hesse_analysis_new(t.problem.objective, &q, &x);
            assert_all(s == HESSE_OK || s == HESSE_E_NOMEM);
            assert_all(memory >= 1u << 18 || s == HESSE_E_NOMEM);
            if (s) assert_all(strstr(hesse_team_why(t.team)->text, "iB") != NULL);
            if (!s) assert_all(hesse_analysis_plan(x)->peak <= (double)memory);
            if (!s) hesse_analysis_free(x);
        }
    close_stage(t);
}

/* The program allocates no more than it predicted: for every partition and scope, with
   eigenvectors and several parts, and with every engine. */
static void memory_is_as_predicted(void **state)
{
    (void)state;
    static const hesse_kinds parts[] = {HESSE_ALL, HESSE_GAUSS_NEWTON};
    const stage t = open_on(MPI_COMM_WORLD, "gpt2");
    const double held = (double)hesse_tape_bytes(t.problem.objective->tape) +
                        16.0 * (double)hesse_network_size(t.problem.network);
    for (int c = 0; c < CUTS; c++)
        for (int i = 0; i < (c ? 6 : 12); i++) {
            const hesse_analysis_options q = {.partition = cuts[c],
                                              .scope = i % 3 + HESSE_BLOCKS,
                                              .eigenvectors = i % 2 * 3,
                                              .parts = parts,
                                              .n_parts = 1 + i % 2,
                                              .engine = c ? HESSE_ENGINE_AUTO : i / 3};
            if (!hesse_engine_exists(q.engine)) continue;
            const size_t before = in_use();
            highest = before, on_success = note_highest;
            hesse_analysis *x = ask(t, &q);
            run(t, x);
            const double used = (double)(highest - before),
                         said = hesse_analysis_plan(x)->peak - held;
            if (used > said)
                print_error(
                    "partition %d, scope %d, engine %d: %.0f bytes, said %.0f\n", c,
                    q.scope, q.engine, used, said);
            assert_all(used <= said);
            hesse_analysis_free(x);
        }
    close_stage(t);
}

/* The same holds for results without matrices. */
static void memory_without_matrices_is_as_predicted(void **state)
{
    (void)state;
    static const hesse_kinds parts[] = {HESSE_ALL, HESSE_GAUSS_NEWTON};
    const stage t = open_on(MPI_COMM_WORLD, "gpt2");
    const double held = (double)hesse_tape_bytes(t.problem.objective->tape) +
                        16.0 * (double)hesse_network_size(t.problem.network);
    for (int i = 0; i < 8; i++) {
        const hesse_analysis_options q = {
            .partition = cuts[i % CUTS],
            .scope = i % 3 + HESSE_BLOCKS,
            .method = HESSE_METHOD_LANCZOS,
            .eigenvectors = i % 3,
            .parts = parts,
            .n_parts = 1 + i % 2,
            .lanczos = {.steps = 3, .probes = 2, .width = 2},
            .extreme = {.pairs = i % 4, .block = 1 + i % 3},
            .hutchinson = {.probes = i / 2, .sketch = 5 * i}};
        const size_t before = in_use();
        highest = before, on_success = note_highest;
        hesse_analysis *x = ask(t, &q);
        run(t, x);
        const double used = (double)(highest - before),
                     said = hesse_analysis_plan(x)->peak - held;
        if (used > said)
            print_error("question %d: %.0f bytes, said %.0f\n", i, used, said);
        assert_all(used <= said);
        hesse_analysis_free(x);
    }
    close_stage(t);
}

/* Options that are out of range, or name nothing, are refused with a message, before
   any work. */
static void questions_are_checked(void **state)
{
    (void)state;
    static const hesse_kinds none = 0;
    const stage t = open_on(MPI_COMM_WORLD, "gpt2");
    const hesse_analysis_options bad[] = {{.partition = HESSE_CUT_FUSED + 1},
                                          {.scope = HESSE_BOTH + 1},
                                          {.engine = HESSE_ENGINES},
                                          {.panel = -1},
                                          {.eigenvectors = -3},
                                          {.ranks = -2},
                                          {.n_parts = -1},
                                          {.n_only = 1},
                                          {.parts = &none, .n_parts = 1}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        hesse_analysis *x = NULL;
        assert_all(hesse_analysis_new(t.problem.objective, &bad[i], &x) == HESSE_E_JOB);
        assert_all(strstr(hesse_team_why(t.team)->text, "expected") != NULL);
    }
    const hesse_arch arch = {.family = "gpt2"};
    const char *const path = "b";
    const hesse_network_source sources[] = {{.arch = &arch}, {0}};
    const hesse_data_options data[] = {
        {.kind = "text", .paths = &path, .n_paths = 1}, {.kind = "text"}, {0}};
    for (int i = 0; i < 4; i++) {
        hesse_problem p;
        assert_all(hesse_problem_open(t.team, &sources[i == 0], &data[i % 3],
                                      &(hesse_objective_options){0},
                                      &p) == (i == 3 ? HESSE_E_INPUT : HESSE_E_JOB));
        assert_all(!p.network && !p.dataset && !p.objective);
    }
    close_stage(t);
}

/* Open a network without parameters, on the tokens of a reference. */
static hesse_problem open_outline(hesse_team *team, const hesse_arch *arch)
{
    const char *const path = HESSE_TEST_FOLDER "/reference/gpt2/tokens.npy";
    const hesse_network_source source = {.arch = arch, .outline = true};
    const hesse_data_options data = {.kind = "tokens", .paths = &path, .n_paths = 1};
    return open_problem(team, &source, &data);
}

/* Plans that no machine can hold end with the sizes, not with a number that has
   overflowed. */
static void giants_are_refused(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    for (int width = 1024; width <= 4096; width *= 2) {
        const hesse_arch arch = {
            .family = "gpt2",
            .layers = 44,
            .width = width,
            .inner = 4 * width,
            .vocabulary = 11,
            .positions = 5,
            .attention = {.heads = 8, .kv_heads = 8, .size = width / 8},
            .norm_eps = 1e-5};
        hesse_problem m = open_outline(team, &arch);
        hesse_analysis *x = NULL;
        const hesse_analysis_options q = {.scope = HESSE_FULL,
                                          .eigenvectors = 1,
                                          .ranks = 4096,
                                          .memory = (size_t)1 << 46};
        const bool beyond = hesse_network_size(m.network) > INT_MAX;
        assert_all(hesse_analysis_new(m.objective, &q, &x) == HESSE_E_NOMEM);
        const char *why = hesse_team_why(team)->text;
        assert_all(strstr(why, beyond ? "beyond the 2^31" : "more entries") != NULL);
        hesse_problem_free(&m);
    }
    hesse_team_free(team);
}

/* A plan is refused if a rank's share has more entries than the libraries can count,
   however much memory there is. The engine for eigenvalues alone counts them all. */
static void large_shares_are_refused(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    const hesse_arch arch = {.family = "gpt2",
                             .layers = 1,
                             .width = 128,
                             .inner = 512,
                             .vocabulary = 11,
                             .positions = 5,
                             .attention = {.heads = 8, .kv_heads = 8, .size = 16},
                             .norm_eps = 1e-5};
    hesse_problem m = open_outline(team, &arch);
    for (int ranks = 1; ranks <= 64; ranks *= 8)
        for (int i = 0; i < 4; i++) {
            const hesse_scope scope = i % 2 ? HESSE_FULL : HESSE_BLOCKS;
            const bool vectors = i / 2;
            hesse_analysis *x = NULL;
            const hesse_analysis_options q = {.scope = scope,
                                              .partition = HESSE_CUT_WHOLE,
                                              .eigenvectors = vectors,
                                              .ranks = ranks,
                                              .memory = (size_t)1 << 46};
            const hesse_status s = hesse_analysis_new(m.objective, &q, &x);
            assert_all(s == (ranks < 64 && vectors ? HESSE_E_NOMEM : HESSE_OK));
            const char *why = hesse_team_why(team)->text;
            if (s) assert_all(strstr(why, "more entries than the 2^31 - 1") != NULL);
            hesse_analysis_free(x);
        }
    hesse_problem_free(&m);
    hesse_team_free(team);
}

/* Open a problem and run an analysis: one of their allocations fails on one rank. */
static hesse_status open_and_run(hesse_team *team, const char *name,
                                 const hesse_analysis_options *question)
{
    hesse_problem m;
    hesse_analysis *x = NULL;
    hesse_status s = read_reference(team, name, &m);
    if (!s) s = hesse_analysis_new(m.objective, question, &x);
    if (!s) s = hesse_analysis_run(x);
    hesse_analysis_free(x);
    hesse_problem_free(&m);
    return s;
}

static void one_rank_out_of_memory_fails_all(void **state)
{
    (void)state;
    const char *const only[] = {"*.q_proj.weight", "*norm*"};
    const hesse_analysis_options q = {.scope = HESSE_BOTH, .only = only, .n_only = 2};
    hesse_team *team = team_of_all();
    for (int rank = 0; rank < hesse_team_size(team); rank++) {
        int tries = 0, failed = 1;
        for (; failed; tries++) {
            broken_rank = rank, broken_at = tries, allocations = 0;
            const hesse_status s = open_and_run(team, "llama", &q);
            broken_rank = -1;
            assert_all(s == HESSE_OK || s == HESSE_E_NOMEM);
            assert_all(same_bits(&s, sizeof s));
            failed = s != HESSE_OK;
        }
        assert_all(tries > 40);
    }
    hesse_team_free(team);
}

/* Every rank computes the same block by itself. */
static void one_block_alone(void **state)
{
    (void)state;
    const stage t = open_on(MPI_COMM_WORLD, "llama");
    const hesse_analysis_options q = {.partition = HESSE_CUT_NEURON};
    hesse_analysis *x = ask(t, &q);
    double *h = from_products(t, x, HESSE_ALL);
    for (int b = 0; b < hesse_analysis_blocks(x); b += 5) {
        const size_t n = hesse_analysis_block_size(x, b);
        const size_t first = hesse_analysis_block_first(x, b);
        double *a = calloc(n * n, sizeof *a);
        hesse_why why;
        assert_all(hesse_analysis_block_matrix(x, 0, b, a, &why) == HESSE_OK);
        assert_all(difference(a, n, first, h, hesse_analysis_plan(x)->partition.size) <
                   1e-13 * frobenius(hesse_analysis_plan(x)->partition.size, h));
        free(a);
    }
    free(h);
    hesse_analysis_free(x);
    close_stage(t);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(matrices_are_those_of_products),
    cmocka_unit_test(groups_compute_blocks),
    cmocka_unit_test(single_tensors_are_assembled),
    cmocka_unit_test(one_rank_finds_the_same),
    cmocka_unit_test(groups_find_the_same),
    cmocka_unit_test(threads_find_the_same),
    cmocka_unit_test(a_group_that_fails_fails_all),
    cmocka_unit_test(parts_add_up),
    cmocka_unit_test(coupling_is_that_of_the_matrix),
    cmocka_unit_test(only_what_is_named),
    cmocka_unit_test(wrong_matrices_are_found),
    cmocka_unit_test(what_does_not_fit_is_refused),
    cmocka_unit_test(memory_is_as_predicted),
    cmocka_unit_test(memory_without_matrices_is_as_predicted),
    cmocka_unit_test(questions_are_checked),
    cmocka_unit_test(giants_are_refused),
    cmocka_unit_test(large_shares_are_refused),
    cmocka_unit_test(one_rank_out_of_memory_fails_all),
    cmocka_unit_test(one_block_alone),
};

MPI_TEST_MAIN(tests)
