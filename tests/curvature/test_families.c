/* Every family of networks, through a job file, on any number of ranks. Loss, gradient,
   Hessian and Gauss-Newton part are compared with PyTorch's (tests/families). */
#include "check_problem.h"

#include "base/memory.h"
#include "base/random.h"
#include "curvature/analysis.h"
#include "curvature/plan.h"
#include "files/safetensors.h"
#include "network/families/families.h"
#include "program/commands.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const cases[] = {"mlp",
                                    "vgg",
                                    "vgg_bn",
                                    "vgg_bn_eval",
                                    "resnet",
                                    "resnet_eval",
                                    "resnet_bottleneck",
                                    "vit",
                                    "vit_mean",
                                    "deit",
                                    "mixer",
                                    "bert",
                                    "bert_classes",
                                    "bert_mean",
                                    "linear_transformer",
                                    "linear_transformer_softmax",
                                    "linear_transformer_nonlinear",
                                    "linear_transformer_joint_softmax",
                                    "attention",
                                    "attention_linear",
                                    "attention_gaussian",
                                    "llama_rope3",
                                    "mistral_window",
                                    "qwen2",
                                    "qwen3",
                                    "olmo",
                                    "olmo2",
                                    "smollm3",
                                    "granite",
                                    "gpt_neox",
                                    "gpt_neo",
                                    "opt",
                                    "opt_after",
                                    "phi",
                                    "phi3",
                                    "gemma",
                                    "gemma2",
                                    "roberta",
                                    "distilbert_classes",
                                    "bert_tokens",
                                    "bert_regression",
                                    "bert_binary"};
enum { CASES = sizeof cases / sizeof *cases };

typedef struct opened {
    hesse_team *team;
    hesse_job *job;
    hesse_problem problem;
    hesse_safetensors *file;
    size_t *place; /* index in the reference of an element of theta */
} opened;

static int by_name(const void *a, const void *b)
{
    const hesse_param *const *p = a, *const *q = b;
    return strcmp((*p)->tensor, (*q)->tensor);
}

/* Find the places of all elements in the reference, which is in the order of the
   tensors' names. Slices of a tensor follow one another in the sorted list. */
static size_t *places(const hesse_params *params)
{
    const hesse_param *sorted[256];
    size_t *place = hesse_calloc(params->size, sizeof *place), at = 0;
    assert_all(place != NULL && params->count <= 256);
    for (int i = 0; i < params->count; i++) sorted[i] = &params->list[i];
    qsort(sorted, (size_t)params->count, sizeof *sorted, by_name);
    for (int i = 0; i < params->count; i++) {
        if (i && strcmp(sorted[i]->tensor, sorted[i - 1]->tensor))
            at += tensor_size(sorted[i - 1]);
        for (size_t e = 0; e < hesse_param_size(sorted[i]); e++)
            place[sorted[i]->offset + e] = at + in_tensor(sorted[i], e);
    }
    return place;
}

static opened open_case(const char *name)
{
    opened x = {.team = team_of_all()};
    char path[512], reference[512];
    const char *folder = HESSE_TEST_FOLDER "/families";
    snprintf(path, sizeof path, "%s/%s/job.yaml", folder, name);
    snprintf(reference, sizeof reference, "%s/%s/reference.safetensors", folder, name);
    hesse_status s = hesse_job_read(path, NULL, &x.job, &x.team->why);
    if (!s) s = hesse_open_problem(x.team, x.job, false, &x.problem);
    if (!s) s = hesse_safetensors_open(reference, &x.file, &x.team->why);
    if (s) print_error("%s: %s\n", name, hesse_team_why(x.team)->text);
    assert_all(s == HESSE_OK);
    x.place = places(&x.problem.network->params);
    return x;
}

static void close_case(opened *x)
{
    hesse_safetensors_close(x->file);
    hesse_problem_free(&x->problem);
    hesse_job_free(x->job);
    hesse_team_free(x->team);
    free(x->place);
}

static double *read_tensor(const opened *x, const char *name, size_t *count)
{
    const hesse_tensor *t = hesse_safetensors_find(x->file, name);
    assert_all(t != NULL);
    double *values = hesse_alloc(t->count);
    assert_all(hesse_safetensors_read(x->file, t, values, &x->team->why) == HESSE_OK);
    *count = t->count;
    return values;
}

static void loss_and_gradient_agree(void **state)
{
    (void)state;
    for (int c = 0; c < CASES; c++) {
        opened x = open_case(cases[c]);
        size_t count;
        double *reference = read_tensor(&x, "loss", &count);
        double *g = read_tensor(&x, "gradient", &count);
        assert_all(count == x.problem.network->params.size);
        double error = 0, size = 0, loss, *gradient = gradient_of(&x.problem, &loss);
        for (size_t i = 0; i < x.problem.network->params.size; i++) {
            const double r = g[x.place[i]];
            error += pow(gradient[i] - r, 2), size += r * r;
        }
        assert_all(fabs(loss - *reference) < 1e-13 * fabs(*reference));
        assert_all(size > 0 && sqrt(error / size) < 1e-12);
        free(reference), free(g), free(gradient);
        close_case(&x);
    }
}

/* Compare some columns, computed together as products with unit vectors, with the
   reference. Return the largest difference. */
static double difference(const opened *x, const char *what, hesse_kinds part)
{
    const size_t n = x->problem.network->params.size;
    size_t count;
    double *reference = read_tensor(x, what, &count);
    const size_t k = count / n;
    double *unit = hesse_alloc(count), *columns = hesse_alloc(count);
    double error = 0, size = 0;
    assert_all(unit && columns && k > 1 && count == n * k);
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < k; c++)
            unit[i * k + c] = x->place[i] == c * (n - 1) / (k - 1);
    assert_all(hesse_objective_product(x->problem.objective, part, (int)k, unit,
                                       columns) == HESSE_OK);
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < k; c++) {
            const double r = reference[c * n + x->place[i]];
            error += pow(columns[i * k + c] - r, 2), size += r * r;
        }
    free(reference), free(unit), free(columns);
    return sqrt(error / size);
}

static void matrices_agree(void **state)
{
    (void)state;
    for (int c = 0; c < CASES; c++) {
        opened x = open_case(cases[c]);
        const double h = difference(&x, "hessian", HESSE_ALL);
        const double g = difference(&x, "gauss_newton", HESSE_GAUSS_NEWTON);
        if (!(h < 1e-12 && g < 1e-12)) print_error("%s: %g %g\n", cases[c], h, g);
        assert_all(h < 1e-12 && g < 1e-12);
        close_case(&x);
    }
}

/* There is one share for every kind of operator in the tape, including the loss. */
static void shares_add_up(void **state)
{
    enum { K = 2 };
    (void)state;
    for (int c = 0; c < CASES; c++) {
        opened x = open_case(cases[c]);
        const size_t numbers = x.problem.network->params.size * K;
        const hesse_tape *tape = x.problem.objective->tape;
        double *v = hesse_alloc(numbers), *sum = hesse_alloc(numbers);
        double *hv = hesse_alloc(numbers), *one = hesse_alloc(numbers);
        unsigned there = 0;
        double error = 0, size = 0;
        assert_all(v && sum && hv && one);
        for (size_t i = 0; i < numbers; i++)
            v[i] = hesse_normal(1, HESSE_RANDOM_TESTS, i);
        for (int i = 0; i < tape->n_nodes; i++) there |= tape->nodes[i].op->kind;
        assert_all(hesse_objective_product(x.problem.objective, HESSE_ALL, K, v, hv) ==
                   HESSE_OK);
        for (unsigned kind = 1; kind < HESSE_ALL; kind <<= 1) {
            if (!(kind & there)) continue;
            /* users can ask for the share by this name */
            const char *name = hesse_kinds_name((hesse_kinds)kind);
            assert_all(hesse_kinds_named(name) == (hesse_kinds)kind);
            assert_all(hesse_objective_product(x.problem.objective, (hesse_kinds)kind,
                                               K, v, one) == HESSE_OK);
            for (size_t i = 0; i < numbers; i++) sum[i] += one[i];
        }
        for (size_t i = 0; i < numbers; i++) {
            error += pow(sum[i] - hv[i], 2);
            size += hv[i] * hv[i];
        }
        if (!(error <= 1e-26 * size))
            print_error("%s: %g\n", cases[c], sqrt(error / size));
        assert_all(size > 0 && error <= 1e-26 * size);
        free(v), free(sum), free(hv), free(one);
        close_case(&x);
    }
}

/* If memory is short, the values of only one or two sequences exist at a time. All
   results are the same, up to rounding. If sequences interact, all values must
   exist. */
static void few_sequences_at_once_change_nothing(void **state)
{
    enum { K = 3 };
    (void)state;
    for (int c = 0; c < CASES; c++) {
        opened x = open_case(cases[c]);
        const hesse_tape *tape = x.problem.objective->tape;
        const size_t n = x.problem.network->params.size;
        double *v = hesse_alloc(n * K), *hv = hesse_alloc(n * K),
               *again = hesse_alloc(n * K);
        assert_all(v && hv && again);
        for (size_t i = 0; i < n * K; i++)
            v[i] = hesse_normal(1, HESSE_RANDOM_TESTS, i);
        assert_all(hesse_objective_product(x.problem.objective, HESSE_ALL, K, v, hv) ==
                   HESSE_OK);
        const double fixed = 8 * (double)n;
        const double each = ((double)hesse_tape_bytes(tape) - fixed) / tape->sequences;
        for (int held = 1; held <= 2 && held < tape->sequences; held++) {
            double error = 0, size = 0;
            double loss[2];
            hesse_problem m;
            x.job->analysis.memory = (size_t)(2 * (fixed + (held + 0.5) * each));
            assert_done(x.team, hesse_open_problem(x.team, x.job, false, &m));
            assert_all(hesse_objective_window(m.objective) ==
                       (tape->coupled ? tape->sequences : held));
            double *few = gradient_of(&m, &loss[0]),
                   *all = gradient_of(&x.problem, &loss[1]);
            assert_all(fabs(loss[0] - loss[1]) < 1e-14 * fabs(loss[1]));
            for (int twice = 0; twice < 2; twice++)
                assert_all(hesse_objective_product(m.objective, HESSE_ALL, K, v,
                                                   again) == HESSE_OK);
            for (size_t i = 0; i < n * K; i++) {
                error = fmax(error, fabs(again[i] - hv[i]));
                size = fmax(size, fabs(hv[i]));
            }
            for (size_t i = 0; i < n; i++) error = fmax(error, fabs(few[i] - all[i]));
            if (!(error < 1e-13 * size)) print_error("%s: %g\n", cases[c], error);
            assert_all(error < 1e-13 * size);
            /* threads would have to share the values */
            hesse_analysis *analysis = NULL;
            assert_all(hesse_analysis_new(m.objective,
                                          &(hesse_analysis_options){.threads = 4},
                                          &analysis) == HESSE_OK);
            assert_all(hesse_analysis_summary(analysis).threads ==
                       (tape->coupled ? 4 : 1));
            hesse_analysis_free(analysis);
            free(few), free(all);
            hesse_problem_free(&m);
        }
        free(v), free(hv), free(again);
        close_case(&x);
    }
}

/* Trace and Frobenius norm of every block follow from the eigenvalues that were asked
   for, and entries between blocks are zero. */
static void quadratics_have_their_eigenvalues(void **state)
{
    enum { N = 9, BLOCK = 3 };
    (void)state;
    hesse_team *team = team_of_all();
    hesse_job *job = NULL;
    hesse_problem m;
    const char *path = HESSE_TEST_FOLDER "/families/quadratic/job.yaml";
    assert_all(hesse_job_read(path, NULL, &job, &team->why) == HESSE_OK);
    assert_done(team, hesse_open_problem(team, job, false, &m));
    double unit[N * N] = {0}, h[N * N], value = 0, loss;
    const double *theta = hesse_objective_parameters(m.objective);
    for (int i = 0; i < N; i++) unit[i * N + i] = 1;
    assert_all(hesse_objective_product(m.objective, HESSE_ALL, N, unit, h) == HESSE_OK);
    for (int b = 0; b < N; b += BLOCK) {
        double trace = 0, squares = 0, outside = 0, sum = 0, sum_of_squares = 0;
        for (int i = b; i < b + BLOCK; i++) {
            const double lambda = job->data.eigenvalues[i];
            sum += lambda, sum_of_squares += lambda * lambda, trace += h[i * N + i];
            for (int j = 0; j < N; j++)
                *(j / BLOCK == i / BLOCK ? &squares : &outside) += pow(h[i * N + j], 2);
        }
        assert_all(fabs(trace - sum) < 1e-12 * sum && outside == 0);
        assert_all(fabs(squares - sum_of_squares) < 1e-12 * sum_of_squares);
    }
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) value += theta[i] * h[i * N + j] * theta[j] / 2;
    assert_done(team, hesse_objective_loss(m.objective, &loss));
    assert_all(fabs(value - loss) < 1e-12 * value);
    hesse_problem_free(&m);
    hesse_job_free(job);
    hesse_team_free(team);
}

/* The resolved job that a result file stores is a job that gives the same numbers. */
static void resolved_jobs_give_the_same(void **state)
{
    (void)state;
    for (int c = 0; c < CASES; c++) {
        opened x = open_case(cases[c]);
        hesse_job *job = NULL;
        hesse_problem m;
        double loss[2];
        char path[512];
        snprintf(path, sizeof path, "%s/families/%s/job.yaml", HESSE_TEST_FOLDER,
                 cases[c]);
        hesse_status s = hesse_job_parse(x.job->complete, strlen(x.job->complete), path,
                                         NULL, NULL, &job, &x.team->why);
        if (!s) s = hesse_open_problem(x.team, job, false, &m);
        if (s) print_error("%s: %s\n", cases[c], hesse_team_why(x.team)->text);
        assert_all(s == HESSE_OK);
        double *a = gradient_of(&x.problem, &loss[0]), *b = gradient_of(&m, &loss[1]);
        assert_all(loss[0] == loss[1]);
        assert_all(memcmp(a, b, hesse_network_size(m.network) * sizeof *a) == 0);
        free(a), free(b);
        hesse_problem_free(&m);
        hesse_job_free(job);
        close_case(&x);
    }
}

/* Print the graph of a case's network. */
static void print_graph(const opened *x, const char *path)
{
    hesse_network_source source = hesse_job_source(x->job, true);
    hesse_problem outline = {0};
    hesse_why why = {""};
    assert_done(x->team, hesse_network_open(x->team, &source, x->problem.dataset,
                                            &outline.network));
    FILE *f = x->team->rank == 0 ? fopen(path, "w") : NULL;
    const int tokens = hesse_objective_tokens(x->problem.objective);
    const bool printed =
        x->team->rank ||
        (f && !hesse_network_print(outline.network, tokens, f, &why) && !fclose(f));
    if (!printed) print_error("%s\n", why.text);
    assert_all(printed);
    hesse_problem_free(&outline);
}

/* The graph of a network, beside its checkpoint, is the same network: it needs the same
   data, and computes the same bits. */
static void check_graph_of(const char *name)
{
    enum { VECTORS = 3 };
    char path[64];
    opened x = open_case(name);
    hesse_problem again = {0};
    const size_t n = hesse_network_size(x.problem.network), all = n * VECTORS;
    double loss[2], *g[2], *hv[2], *v = hesse_alloc(all);
    snprintf(path, sizeof path, "graph-of-%s-%d.json", name, x.team->size);
    print_graph(&x, path);
    memset(&x.job->arch, 0, sizeof x.job->arch);
    strcpy(x.job->arch.family, "graph");
    x.job->paths.config = NULL, x.job->paths.graph = path;
    assert_done(x.team, hesse_open_problem(x.team, x.job, false, &again));
    assert_all(hesse_network_size(again.network) == n);
    assert_all(hesse_network_tensors(again.network) ==
               hesse_network_tensors(x.problem.network));
    for (int i = 0; i < hesse_network_tensors(again.network); i++)
        assert_all(strcmp(hesse_network_tensor_name(again.network, i),
                          hesse_network_tensor_name(x.problem.network, i)) == 0);
    for (size_t i = 0; i < all; i++) v[i] = hesse_normal(5, HESSE_RANDOM_WEIGHTS, i);
    for (int i = 0; i < 2; i++) {
        hesse_objective *o = i ? again.objective : x.problem.objective;
        g[i] = hesse_alloc(n), hv[i] = hesse_alloc(all);
        assert_all(g[i] && hv[i]);
        assert_done(x.team, hesse_objective_gradient(o, &loss[i], g[i]));
        assert_done(x.team, hesse_objective_product(o, HESSE_ALL, VECTORS, v, hv[i]));
    }
    assert_all(loss[0] == loss[1]);
    assert_all(!memcmp(g[0], g[1], n * sizeof *v));
    assert_all(!memcmp(hv[0], hv[1], all * sizeof *v));
    for (int i = 0; i < 2; i++) free(g[i]), free(hv[i]);
    free(v);
    hesse_problem_free(&again);
    if (x.team->rank == 0) remove(path);
    close_case(&x);
}

static void graphs_are_the_same_networks(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) check_graph_of(cases[i]);
}

/* A multiplier of 0 makes all outputs 0, so that every class has the same
   probability. */
static void a_multiplier_of_zero_is_zero(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    hesse_job *job = NULL;
    hesse_problem m;
    double loss;
    const char *const set = "model.multipliers=[1, 2, 0]";
    const char *path = HESSE_TEST_FOLDER "/families/mlp/job.yaml";
    assert_all(hesse_job_read(path, &(hesse_job_choice){.sets = &set, .n_sets = 1},
                              &job, &team->why) == HESSE_OK);
    assert_done(team, hesse_open_problem(team, job, false, &m));
    assert_done(team, hesse_objective_loss(m.objective, &loss));
    assert_all(fabs(loss - log(hesse_network_arch(m.network)->data.outputs)) < 1e-14);
    hesse_problem_free(&m);
    hesse_job_free(job);
    hesse_team_free(team);
}

/* Open one text of a file. It has two classes, for any text. */
static hesse_problem open_text(hesse_team *team, const char *text, hesse_kernel kernel)
{
    static const char *const path = "texts.tsv";
    const hesse_arch arch = {.family = "bert",
                             .layers = 2,
                             .width = 8,
                             .inner = 16,
                             .positions = 8,
                             .attention = {.heads = 2,
                                           .kv_heads = 2,
                                           .size = 4,
                                           .full = true,
                                           .kernel = kernel},
                             .norm_eps = 1e-5,
                             .vocabulary = 257,
                             .types = 1,
                             .data.outputs = 2};
    const hesse_network_source source = {.arch = &arch, .seed = 3};
    const hesse_data_options data = {.kind = "texts", .paths = &path, .n_paths = 1};
    FILE *f = team->rank == 0 ? fopen(path, "w") : NULL;
    assert_all(team->rank || (f && fputs(text, f) >= 0 && fclose(f) == 0));
    const hesse_problem problem = open_problem(team, &source, &data);
    if (team->rank == 0) remove(path);
    return problem;
}

/* Texts of unequal length give the mean of the results of single texts, which have no
   padding. */
static void padding_changes_nothing(void **state)
{
    static const char *const texts[] = {"1\tabcdefgh\n0\txyz\n", "1\tabcdefgh\n",
                                        "0\txyz\n"};
    (void)state;
    for (int kernel = HESSE_KERNEL_SOFTMAX; kernel <= HESSE_KERNEL_GAUSSIAN;
         kernel += 2) {
        hesse_team *team = team_of_all();
        hesse_problem m[3];
        double *hv[3], *gradient[3], loss[3], error = 0, size = 0;
        for (int i = 0; i < 3; i++) {
            m[i] = open_text(team, texts[i], (hesse_kernel)kernel);
            gradient[i] = gradient_of(&m[i], &loss[i]);
            assert_all(!m[i].objective->batch.end == (i > 0));
        }
        const size_t n = hesse_network_size(m[0].network);
        for (int i = 0; i < 3; i++) {
            hv[i] = hesse_alloc(n);
            assert_all(hv[i] && hesse_network_size(m[i].network) == n);
            assert_all(hesse_objective_product(m[i].objective, HESSE_ALL, 1,
                                               gradient[0], hv[i]) == HESSE_OK);
        }
        for (size_t i = 0; i < n; i++) {
            const double mean = (gradient[1][i] + gradient[2][i]) / 2;
            const double product = (hv[1][i] + hv[2][i]) / 2;
            error = fmax(error, fabs(gradient[0][i] - mean));
            error = fmax(error, fabs(hv[0][i] - product));
            size = fmax(size, fabs(product));
        }
        assert_all(size > 1e-6 && error < 1e-13);
        assert_all(fabs(loss[0] - (loss[1] + loss[2]) / 2) < 1e-14);
        for (int i = 0; i < 3; i++) {
            hesse_problem_free(&m[i]);
            free(hv[i]), free(gradient[i]);
        }
        hesse_team_free(team);
    }
}

/* Write a .npy file of 32-bit ids. */
static void write_rows(const char *path, const int *ids, int rows, int cols)
{
    char head[128];
    const int length = snprintf(head, sizeof head,
                                "\x93NUMPY%c%c%c%c{'descr': '<i4', 'fortran_order': "
                                "False, 'shape': (%d, %d), }",
                                1, 0, (int)sizeof head - 10, 0, rows, cols);
    memset(head + length, ' ', sizeof head - (size_t)length);
    head[sizeof head - 1] = '\n';
    FILE *f = fopen(path, "wb");
    const size_t count = (size_t)(rows * cols);
    if (!f || fwrite(head, 1, sizeof head, f) != sizeof head ||
        fwrite(ids, sizeof *ids, count, f) != count || fclose(f))
        abort();
}

static hesse_problem open_rows(hesse_team *team, const int *ids, int rows, int cols,
                               int sequences, int context)
{
    const char *const path = "rows.npy";
    const hesse_arch arch = {
        .family = "gpt2",
        .layers = 1,
        .width = 4,
        .inner = 8,
        .vocabulary = 9,
        .positions = 6,
        .attention = {.heads = 2, .kv_heads = 2, .size = 2, .full = true},
        .norm_eps = 1e-5,
        .tied = true,
        .attention_bias = true,
        .mlp_bias = true};
    const hesse_network_source source = {.arch = &arch, .seed = 3};
    const hesse_data_options data = {.kind = "tokens",
                                     .paths = &path,
                                     .n_paths = 1,
                                     .sequences = sequences,
                                     .context = context};
    if (hesse_team_rank(team) == 0) write_rows(path, ids, rows, cols);
    const hesse_problem problem = open_problem(team, &source, &data);
    if (hesse_team_rank(team) == 0) remove(path);
    return problem;
}

/* The same holds for padded rows of tokens, under full attention: the loss is the mean
   over all targets of the results of single rows. */
static void padding_of_rows_changes_nothing(void **state)
{
    (void)state;
    static const int both[] = {1, 2, 3, 4, 5, 6, 7, 8, 1, -100, -100, -100};
    hesse_team *team = team_of_all();
    hesse_problem m[] = {open_rows(team, both, 2, 6, 2, 5),
                         open_rows(team, both, 1, 6, 1, 5),
                         open_rows(team, both + 6, 1, 3, 1, 2)};
    double error = 0, loss[3], *g[3];
    for (int i = 0; i < 3; i++) {
        g[i] = gradient_of(&m[i], &loss[i]);
        assert_all(!m[i].objective->batch.end == (i > 0));
    }
    for (size_t i = 0; i < hesse_network_size(m[0].network); i++)
        error = fmax(error, fabs(7 * g[0][i] - 5 * g[1][i] - 2 * g[2][i]));
    assert_all(error < 1e-13);
    assert_all(fabs(7 * loss[0] - 5 * loss[1] - 2 * loss[2]) < 1e-13);
    for (int i = 0; i < 3; i++) hesse_problem_free(&m[i]), free(g[i]);
    hesse_team_free(team);
}

/* A model of tokens needs a label, or a row of targets, for each token. Other models
   need one for each example. */
static void targets_are_as_many_as_predictions(void **state)
{
    (void)state;
    int label = 0;
    double number = 0;
    hesse_why why = {0};
    for (int tokens = 0; tokens < 2; tokens++)
        for (int labels = 0; labels < 2; labels++)
            for (int count = 1; count <= 4; count++) {
                const hesse_batch batch = {.sequences = 1,
                                           .context = 4,
                                           .x = &number,
                                           .width = 1,
                                           .rows = 2,
                                           .cols = 2,
                                           .target = labels ? &label : NULL,
                                           .labels = labels ? count : 0,
                                           .classes = 2,
                                           .wanted = labels ? NULL : &number,
                                           .wanted_tokens = labels ? 0 : count,
                                           .wanted_width = 2};
                hesse_arch a = {.data.loss = labels ? HESSE_LOSS_CROSS_ENTROPY
                                                    : HESSE_LOSS_SQUARED_ERROR};
                strcpy(a.family, tokens ? "mlp" : "vit");
                const hesse_status s = hesse_family_fit(&a, &batch, &why);
                assert_all(s == (count == (tokens ? 4 : 1) ? HESSE_OK : HESSE_E_JOB));
                if (s)
                    assert_all(strstr(why.text, labels ? "labels" : "targets") != NULL);
            }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(targets_are_as_many_as_predictions),
    cmocka_unit_test(padding_of_rows_changes_nothing),
    cmocka_unit_test(padding_changes_nothing),
    cmocka_unit_test(loss_and_gradient_agree),
    cmocka_unit_test(matrices_agree),
    cmocka_unit_test(shares_add_up),
    cmocka_unit_test(few_sequences_at_once_change_nothing),
    cmocka_unit_test(quadratics_have_their_eigenvalues),
    cmocka_unit_test(resolved_jobs_give_the_same),
    cmocka_unit_test(a_multiplier_of_zero_is_zero),
    cmocka_unit_test(graphs_are_the_same_networks),
};

MPI_TEST_MAIN(tests)
