/* Loss, gradient, eigenvalues and columns of the Hessian and its Gauss-Newton part are
   compared with PyTorch's (tests/reference), on any number of ranks, for checkpoints in
   every layout and type. */
#include "check_problem.h"

#include "base/memory.h"
#include "curvature/analysis.h"
#include "files/safetensors.h"
#include "hesse/hesse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* An opened case, with its reference values. */
typedef struct opened {
    hesse_team *team;
    hesse_problem problem;
    hesse_safetensors *file;
    hesse_why why;
} opened;

static const char *const cases[] = {"gpt2", "gpt2_untied_erf_f32", "nanogpt", "llama",
                                    "llama_tied_bias_bf16"};
enum { CASES = sizeof cases / sizeof *cases };

static opened open_case(const char *name)
{
    char reference[512];
    opened x = {.team = team_of_all()};
    x.problem = open_reference(x.team, name);
    snprintf(reference, sizeof reference, "%s/reference/%s/reference.safetensors",
             HESSE_TEST_FOLDER, name);
    assert_all(hesse_safetensors_open(reference, &x.file, &x.why) == HESSE_OK);
    return x;
}

static void close_case(opened *x)
{
    hesse_safetensors_close(x->file);
    hesse_problem_free(&x->problem);
    hesse_team_free(x->team);
}

static double *read_tensor(opened *x, const char *name, size_t *count)
{
    const hesse_tensor *t = hesse_safetensors_find(x->file, name);
    assert_all(t != NULL);
    double *values = hesse_alloc(t->count);
    assert_all(hesse_safetensors_read(x->file, t, values, &x->why) == HESSE_OK);
    if (count) *count = t->count;
    return values;
}

/* Return the relative difference of a vector in the order of theta and entry `copy` of
   the stacked reference tensors WHAT/... If a column is zero except for rounding (a
   key's bias), the difference is relative to 1e-3. */
static double difference(opened *x, const char *what, size_t copy, const double *mine)
{
    double error = 0, size = 0;
    for (int i = 0; i < x->problem.network->params.count; i++) {
        const hesse_param *p = &x->problem.network->params.list[i];
        char name[3 * HESSE_NAME];
        snprintf(name, sizeof name, "%s/%s%s", what,
                 x->problem.network->arch.layout.wrapper, p->tensor);
        double *reference = read_tensor(x, name, NULL);
        const size_t m = hesse_param_size(p), all = tensor_size(p);
        for (size_t e = 0; e < m; e++) {
            const double r = reference[copy * all + in_tensor(p, e)];
            error += pow(mine[p->offset + e] - r, 2), size += r * r;
        }
        free(reference);
    }
    return sqrt(error) / (sqrt(size) + 1e-3);
}

static void loss_and_gradient_agree(void **state)
{
    (void)state;
    for (int c = 0; c < CASES; c++) {
        opened x = open_case(cases[c]);
        double *reference = read_tensor(&x, "loss", NULL), loss;
        double *gradient = gradient_of(&x.problem, &loss);
        assert_all(fabs(loss / *reference - 1) < 1e-14);
        assert_all(difference(&x, "gradient", 0, gradient) < 1e-13);
        free(reference), free(gradient);
        close_case(&x);
    }
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Return the place in theta of an element of the i-th tensor of the checkpoint, sorted
   by name. */
static size_t place_of(const opened *x, size_t tensor, size_t element)
{
    const char *names[128];
    int count = 0;
    for (int i = 0; i < x->problem.network->params.count; i++) {
        const hesse_param *p = &x->problem.network->params.list[i];
        if (p->slice.first == 0) names[count++] = p->tensor;
    }
    qsort(names, (size_t)count, sizeof *names, compare_names);
    for (int i = 0; i < x->problem.network->params.count; i++) {
        const hesse_param *p = &x->problem.network->params.list[i];
        if (strcmp(p->tensor, names[tensor])) continue;
        for (size_t e = 0; e < hesse_param_size(p); e++)
            if (in_tensor(p, e) == element) return p->offset + e;
    }
    return SIZE_MAX;
}

static void columns_agree(void **state)
{
    (void)state;
    for (int c = 0; c < CASES; c++) {
        opened x = open_case(cases[c]);
        size_t count;
        double *columns = read_tensor(&x, "columns", &count);
        const size_t n = hesse_network_size(x.problem.network);
        double *v = hesse_alloc(n), *hv = hesse_alloc(n);
        for (size_t i = 0; i < count / 2; i++) {
            const size_t at =
                place_of(&x, (size_t)columns[2 * i], (size_t)columns[2 * i + 1]);
            assert_all(at < n);
            v[at] = 1;
            assert_all(hesse_objective_product(x.problem.objective, HESSE_ALL, 1, v,
                                               hv) == HESSE_OK);
            assert_all(difference(&x, "hessian", i, hv) < 1e-12);
            assert_all(hesse_objective_product(x.problem.objective, HESSE_GAUSS_NEWTON,
                                               1, v, hv) == HESSE_OK);
            assert_all(difference(&x, "gauss_newton", i, hv) < 1e-12);
            v[at] = 0;
        }
        free(v), free(hv), free(columns);
        close_case(&x);
    }
}

static void eigenvalues_agree(void **state)
{
    (void)state;
    for (int c = 0; c < CASES; c++) {
        opened x = open_case(cases[c]);
        size_t n;
        double *reference = read_tensor(&x, "eigenvalues", &n), worst = 0;
        hesse_analysis *analysis = NULL;
        const hesse_analysis_options question = {.scope = HESSE_BOTH};
        assert_all(hesse_analysis_new(x.problem.objective, &question, &analysis) ==
                   HESSE_OK);
        assert_done(x.team, hesse_analysis_run(analysis));
        const hesse_spectrum *full =
            hesse_analysis_spectrum(analysis, 0, HESSE_FULL_MATRIX);
        assert_all((size_t)full->n == n);
        for (size_t i = 0; i < n; i++)
            worst = fmax(worst, fabs(full->eigenvalues[i] - reference[i]));
        assert_all(worst < 1e-12 * reference[n - 1]);
        hesse_analysis_free(analysis);
        free(reference);
        close_case(&x);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(loss_and_gradient_agree),
    cmocka_unit_test(columns_agree),
    cmocka_unit_test(eigenvalues_agree),
};

MPI_TEST_MAIN(tests)
