/* Every public function is given arguments that it must refuse: enumerations and sizes
   out of range, and NULL where something is needed. It refuses them by its status,
   which is the same on every rank. */
#include "check_mpi.h"
#include "hesse/hesse.h"

#include <limits.h>
#include <math.h>
#include <string.h>

static hesse_team *team;

static hesse_arch small_arch(void)
{
    return (hesse_arch){.family = "mlp", .lists.n_widths = 1, .lists.widths = {3}};
}

/* Arguments that open a small problem. Test cases change them. */
typedef struct question {
    hesse_arch arch;
    hesse_network_source source;
    hesse_data_options data;
    hesse_objective_options options;
} question;

static const question *small(question *q)
{
    *q = (question){.arch = small_arch(),
                    .source = {.arch = &q->arch},
                    .data = {.kind = "clusters",
                             .recipe = {.features = 3, .classes = 2},
                             .sequences = 4}};
    return q;
}

static hesse_status open_problem(const question *q, hesse_problem *p)
{
    return hesse_problem_open(team, &q->source, &q->data, &q->options, p);
}

static hesse_problem small_problem(void)
{
    question q;
    hesse_problem p;
    assert_all(open_problem(small(&q), &p) == HESSE_OK);
    return p;
}

/* Collective. Return true if a problem with these options is refused, and the message
   names no key of a job. */
static bool refuses(const question *q)
{
    hesse_problem p;
    const bool refused = open_problem(q, &p) == HESSE_E_JOB;
    const char *why = hesse_team_why(team)->text;
    return refused && !p.network && !p.dataset && !p.objective && *why &&
           !strchr(why, '_') && !strstr(why, "data.");
}

/* Set each number of a question out of range in turn. */
static void check_ints(const question *q, size_t count, int *const *at, size_t n_wrong,
                       const int *wrong)
{
    for (size_t i = 0; i < count; i++)
        for (size_t w = 0; w < n_wrong; w++) {
            const int right = *at[i];
            *at[i] = wrong[w];
            assert_all(refuses(q));
            *at[i] = right;
        }
    assert_all(count > 0 && !refuses(q));
}

static void check_reals(const question *q, size_t count, double *const *at)
{
    static const double wrong[] = {-1, NAN, INFINITY};
    for (size_t i = 0; i < count; i++)
        for (size_t w = 0; w < sizeof wrong / sizeof *wrong; w++) {
            *at[i] = wrong[w];
            assert_all(refuses(q));
            *at[i] = 0;
        }
}

#define COUNT(list) (sizeof(list) / sizeof *(list))

static const int beyond[] = {-1, INT_MIN,
                             1000}; /* the last one is only for enumerations */

static void networks_refuse(void **state)
{
    (void)state;
    question q;
    small(&q);
    hesse_arch *a = &q.arch;
    int *const enums[] = {(int *)&a->activation,       (int *)&a->attention.kernel,
                          (int *)&a->image.batch_norm, (int *)&a->data.loss,
                          &a->lists.n_widths,          &a->lists.n_dense,
                          &a->lists.n_multipliers};
    int *const sizes[] = {&a->layers,
                          &a->width,
                          &a->inner,
                          &a->vocabulary,
                          &a->positions,
                          &a->attention.heads,
                          &a->attention.size,
                          &a->attention.kv_heads,
                          &a->attention.value_size,
                          &a->data.inputs,
                          &a->data.rows,
                          &a->data.cols,
                          &a->data.outputs,
                          &a->types,
                          &a->image.patch,
                          &a->image.token_inner,
                          &a->image.pool,
                          &a->lists.widths[0],
                          &a->lists.dense[0]};
    double *const reals[] = {&a->attention.temperature, &a->attention.rope_theta,
                             &a->norm_eps, &a->deviation};
    a->lists.n_dense = 1;
    check_ints(&q, COUNT(enums), enums, 3, beyond);
    check_ints(&q, COUNT(sizes), sizes, 2, beyond);
    check_reals(&q, COUNT(reals), reals);
    a->lists.n_multipliers = 2, a->lists.multipliers[1] = NAN;
    assert_all(refuses(&q));
    a->lists.n_multipliers = 0;
    a->lists.widths[0] = 0;
    assert_all(refuses(&q));
    memset(a->family, 'x', sizeof a->family); /* it has no end */
    assert_all(refuses(&q));
    strcpy(a->family, "");
    assert_all(refuses(&q));
    q.source.arch = NULL;
    assert_all(refuses(&q));
}

static void networks_refuse_null(void **state)
{
    (void)state;
    question q;
    hesse_problem p = small_problem();
    hesse_network *n = NULL;
    hesse_data_needs needs;
    hesse_why *why = hesse_team_why(team);
    const double *values = hesse_network_values(p.network);
    small(&q);
    assert_all(hesse_network_needs(NULL, &q.source, &needs) == HESSE_E_JOB);
    assert_all(hesse_network_needs(team, NULL, &needs) == HESSE_E_JOB);
    assert_all(hesse_network_needs(team, &q.source, NULL) == HESSE_E_JOB);
    assert_all(hesse_network_open(NULL, &q.source, p.dataset, &n) == HESSE_E_JOB);
    assert_all(hesse_network_open(team, NULL, p.dataset, &n) == HESSE_E_JOB);
    assert_all(hesse_network_open(team, &q.source, p.dataset, NULL) == HESSE_E_JOB);
    assert_all(hesse_network_open(team, &q.source, NULL, &n) == HESSE_E_JOB && !n);
    assert_all(hesse_network_print(NULL, 1, stderr, why) == HESSE_E_JOB);
    assert_all(hesse_network_print(p.network, 1, NULL, why) == HESSE_E_JOB);
    assert_all(hesse_network_print(p.network, 0, stderr, why) == HESSE_E_JOB);
    assert_all(hesse_network_print(p.network, INT_MAX, stderr, why) == HESSE_E_JOB);
    for (int format = -1; format <= 2; format += 3)
        assert_all(hesse_network_write(team, p.network, values, (hesse_float)format,
                                       "/dev/null") == HESSE_E_JOB);
    assert_all(hesse_network_write(NULL, p.network, values, HESSE_F64, "x") ==
               HESSE_E_JOB);
    assert_all(hesse_network_write(team, NULL, values, HESSE_F64, "x") == HESSE_E_JOB);
    assert_all(hesse_network_write(team, p.network, NULL, HESSE_F64, "x") ==
               HESSE_E_JOB);
    assert_all(hesse_network_write(team, p.network, values, HESSE_F64, NULL) ==
               HESSE_E_JOB);
    const int count = hesse_network_tensors(p.network);
    for (int i = -1; i <= count; i += count + 1) {
        assert_all(!hesse_network_tensor_name(p.network, i));
        assert_all(!hesse_network_tensor_first(p.network, i));
        assert_all(!hesse_network_tensor_size(p.network, i));
    }
    hesse_problem_free(&p);
}

/* The number of key and value heads may be left out: then it is the number of heads. */
static void heads_fit(void **state)
{
    (void)state;
    for (int heads = 0; heads < 4; heads++) {
        const hesse_arch arch = {
            .family = "attention",
            .positions = 4,
            .attention = {.heads = 2, .kv_heads = heads, .size = 2, .value_size = 1},
            .data = {.inputs = 3, .outputs = 2, .loss = HESSE_LOSS_SQUARED_ERROR}};
        const hesse_network_source source = {.arch = &arch};
        hesse_network *n = NULL;
        assert_all(hesse_network_open(team, &source, NULL, &n) ==
                   (heads == 0 || heads == 2 ? HESSE_OK : HESSE_E_JOB));
        assert_all(!n || hesse_network_arch(n)->attention.kv_heads == 2);
        hesse_network_free(n);
    }
}

/* A config.json is refused by families that have none. */
static void configs_are_of_some_families(void **state)
{
    (void)state;
    static const char *const families[] = {"mlp", "vgg", "quadratic", "nothing"};
    for (size_t f = 0; f < COUNT(families); f++) {
        question q;
        small(&q);
        strcpy(q.arch.family, families[f]);
        q.source.config = HESSE_TEST_FOLDER "/reference/gpt2/config.json";
        assert_all(hesse_network_needs(team, &q.source, &(hesse_data_needs){0}) ==
                   HESSE_E_JOB);
        hesse_problem p;
        assert_all(open_problem(&q, &p) == HESSE_E_JOB && !p.network);
    }
}

static void datasets_refuse(void **state)
{
    (void)state;
    question q;
    small(&q);
    hesse_data_options *d = &q.data;
    int *const sizes[] = {&d->size,    &d->classes,         &d->sequences,
                          &d->context, &d->batch,           &d->n_paths,
                          &d->n_sizes, &d->recipe.features, &d->recipe.classes};
    double *const reals[] = {&d->mask_rate, &d->recipe.noise};
    check_ints(&q, COUNT(sizes), sizes, 2, beyond);
    check_reals(&q, COUNT(reals), reals);
    d->mask_id = (const int[]){-1};
    assert_all(refuses(&q));
    d->mask_id = NULL, d->n_paths = 1;
    assert_all(refuses(&q));
    d->n_paths = 0, d->n_sizes = 1;
    assert_all(refuses(&q));
    d->n_sizes = 0;
    static const char *const kinds[] = {NULL, "", "nothing"};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        d->kind = kinds[i];
        assert_all(refuses(&q));
    }
    d->kind = "regression", q.arch.data.loss = HESSE_LOSS_SQUARED_ERROR;
    int *const tasks[] = {(int *)&d->recipe.covariates};
    int *const counts[] = {&d->recipe.features, &d->recipe.examples};
    double *const shapes[] = {&d->recipe.shape};
    strcpy(q.arch.family, "linear_transformer");
    q.arch.layers = 1, d->recipe.features = 2;
    check_ints(&q, COUNT(tasks), tasks, 3, beyond);
    check_ints(&q, COUNT(counts), counts, 2, beyond);
    check_reals(&q, COUNT(shapes), shapes);
    small(&q);
    d->kind = "pathfinder", d->recipe.contour = -1;
    assert_all(refuses(&q));
}

/* Paths, sizes and eigenvalues are refused if they are counted but NULL. */
static void datasets_refuse_null(void **state)
{
    (void)state;
    static const char *const none[] = {NULL};
    static const char *const kinds[] = {"tokens", "text", "texts", "inputs", "images"};
    const hesse_data_needs any = {0};
    hesse_dataset *d = NULL;
    for (size_t i = 0; i < COUNT(kinds); i++)
        for (int given = 0; given < 2; given++) {
            const hesse_data_options o = {
                .kind = kinds[i], .paths = given ? none : NULL, .n_paths = 1};
            assert_all(hesse_dataset_open(team, &o, &any, &d) == HESSE_E_JOB && !d);
        }
    const int sizes[] = {2}, negative[] = {-1};
    const double eigenvalues[] = {1, NAN};
    const hesse_data_options wrong_quadratics[] = {
        {.sizes = NULL, .eigenvalues = eigenvalues, .n_sizes = 1},
        {.sizes = sizes, .eigenvalues = NULL, .n_sizes = 1},
        {.sizes = sizes, .eigenvalues = eigenvalues, .n_sizes = 1},
        {.sizes = sizes, .eigenvalues = eigenvalues, .n_sizes = 0},
        {.sizes = negative, .eigenvalues = eigenvalues, .n_sizes = 1}};
    for (size_t i = 0; i < COUNT(wrong_quadratics); i++) {
        hesse_data_options o = wrong_quadratics[i];
        o.kind = "quadratic";
        assert_all(hesse_dataset_open(team, &o, &any, &d) == HESSE_E_JOB && !d);
    }
    question q;
    small(&q);
    for (int reads = -1; reads <= 3; reads += 4) {
        const hesse_data_needs unknown = {.reads = (hesse_reads)reads};
        assert_all(hesse_dataset_open(team, &q.data, &unknown, &d) == HESSE_E_JOB);
    }
    assert_all(hesse_dataset_open(NULL, &q.data, &any, &d) == HESSE_E_JOB);
    assert_all(hesse_dataset_open(team, NULL, &any, &d) == HESSE_E_JOB);
    assert_all(hesse_dataset_open(team, &q.data, NULL, &d) == HESSE_E_JOB);
    assert_all(hesse_dataset_open(team, &q.data, &any, NULL) == HESSE_E_JOB && !d);
}

static void objectives_refuse(void **state)
{
    (void)state;
    question q;
    small(&q);
    int *const enums[] = {(int *)&q.options.reduction};
    int *const sizes[] = {&q.options.batch, &q.options.sharing};
    check_ints(&q, COUNT(enums), enums, 3, beyond);
    check_ints(&q, COUNT(sizes), sizes, 2, beyond);
    q.options = (hesse_objective_options){.reduction = HESSE_SUM_OF_BATCHES,
                                          .batch = 3}; /* there are 4 examples */
    assert_all(refuses(&q));
    small(&q);
    hesse_problem p = small_problem();
    hesse_objective *x = p.objective, *other = NULL;
    const hesse_objective_options *o = &q.options;
    assert_all(hesse_objective_new(NULL, p.network, p.dataset, o, &other) ==
               HESSE_E_JOB);
    assert_all(hesse_objective_new(team, NULL, p.dataset, o, &other) == HESSE_E_JOB);
    assert_all(hesse_objective_new(team, p.network, p.dataset, NULL, &other) ==
               HESSE_E_JOB);
    assert_all(hesse_objective_new(team, p.network, p.dataset, o, NULL) == HESSE_E_JOB);
    assert_all(!other);
    assert_all(hesse_problem_open(NULL, &q.source, &q.data, o, &p) == HESSE_E_JOB);
    assert_all(hesse_problem_open(team, &q.source, &q.data, o, NULL) == HESSE_E_JOB);
    double loss, g[64];
    assert_all(hesse_network_size(p.network) <= 64);
    assert_all(hesse_objective_loss(NULL, &loss) == HESSE_E_JOB);
    assert_all(hesse_objective_loss(x, NULL) == HESSE_E_JOB);
    assert_all(hesse_objective_gradient(NULL, &loss, g) == HESSE_E_JOB);
    assert_all(hesse_objective_gradient(x, NULL, NULL) ==
               HESSE_OK); /* the loss is not wanted */
    assert_all(hesse_objective_set_parameters(NULL, g) == HESSE_E_JOB);
    assert_all(hesse_objective_set_parameters(x, NULL) == HESSE_E_JOB);
    static const int ranges[][2] = {{-1, 1}, {0, 0},       {0, -1},      {4, 1},
                                    {0, 5},  {2, INT_MAX}, {INT_MIN, 1}, {INT_MAX, 1}};
    for (size_t i = 0; i < COUNT(ranges); i++)
        assert_all(hesse_objective_example_gradients(x, ranges[i][0], ranges[i][1],
                                                     g) == HESSE_E_JOB);
    assert_all(hesse_objective_example_gradients(x, 0, 1, NULL) == HESSE_E_JOB);
    assert_all(hesse_objective_example_gradients(NULL, 0, 1, g) == HESSE_E_JOB);
    for (size_t i = 0; i < COUNT(ranges); i++) {
        assert_all(hesse_objective_set_batch(x, p.dataset, ranges[i][0],
                                             ranges[i][1]) == HESSE_E_JOB);
        assert_all(hesse_objective_loss(x, &loss) == HESSE_E_JOB); /* no batch */
        assert_all(!hesse_objective_examples(x) && !hesse_objective_tokens(x));
        assert_all(!hesse_objective_window(x) && !hesse_objective_kinds(x));
    }
    hesse_analysis *analysis = NULL;
    hesse_quadrature *rule = NULL;
    assert_all(hesse_analysis_new(x, &(hesse_analysis_options){0}, &analysis) ==
               HESSE_E_JOB);
    assert_all(hesse_lanczos(x, &(hesse_lanczos_options){0}, &rule) == HESSE_E_JOB);
    assert_all(hesse_objective_set_batch(NULL, p.dataset, 0, 1) == HESSE_E_JOB);
    assert_all(hesse_objective_set_batch(x, NULL, 0, 1) == HESSE_E_JOB);
    hesse_problem_free(&p);
}

static void products_refuse(void **state)
{
    (void)state;
    hesse_problem p = small_problem();
    hesse_objective *x = p.objective;
    double v[64] = {0}, hv[64];
    assert_all(hesse_network_size(p.network) <= 64);
    assert_all(hesse_objective_product(x, HESSE_ALL, 1, v, hv) == HESSE_OK);
    assert_all(hesse_objective_product(x, (hesse_kinds)0, 1, v, hv) == HESSE_E_JOB);
    assert_all(hesse_objective_product(x, (hesse_kinds)(1 << 30), 1, v, hv) ==
               HESSE_E_JOB);
    assert_all(hesse_objective_product(x, HESSE_ALL, 0, v, hv) == HESSE_E_JOB);
    assert_all(hesse_objective_product(x, HESSE_ALL, INT_MIN, v, hv) == HESSE_E_JOB);
    assert_all(hesse_objective_product(x, HESSE_ALL, 1, NULL, hv) == HESSE_E_JOB);
    assert_all(hesse_objective_product(x, HESSE_ALL, 1, v, NULL) == HESSE_E_JOB);
    assert_all(hesse_objective_product(NULL, HESSE_ALL, 1, v, hv) == HESSE_E_JOB);
    hesse_problem_free(&p);
}

static bool refuses_question(hesse_objective *m, const hesse_analysis_options *q)
{
    hesse_analysis *x = NULL;
    return hesse_analysis_new(m, q, &x) == HESSE_E_JOB && !x;
}

static void analyses_refuse(void **state)
{
    (void)state;
    static const int outside[] = {-1, INT_MIN, INT_MAX};
    hesse_problem p = small_problem();
    hesse_objective *m = p.objective;
    hesse_analysis_options q = {0};
    hesse_analysis *x = NULL;
    int *const numbers[] = {(int *)&q.partition,
                            (int *)&q.preset,
                            (int *)&q.scope,
                            (int *)&q.method,
                            (int *)&q.engine,
                            &q.panel,
                            &q.threads,
                            &q.eigenvectors,
                            &q.ranks,
                            &q.n_only,
                            &q.n_parts,
                            &q.lanczos.steps,
                            &q.lanczos.probes,
                            &q.lanczos.width,
                            &q.extreme.pairs,
                            &q.extreme.products,
                            &q.extreme.block,
                            &q.hutchinson.probes,
                            &q.hutchinson.sketch,
                            (int *)&q.lanczos.orthogonality};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        for (size_t w = 0; w < COUNT(outside); w++) {
            *numbers[i] = outside[w];
            assert_all(refuses_question(m, &q));
            *numbers[i] = 0;
        }
    double *const reals[] = {&q.seconds, &q.extreme.tolerance};
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
        *reals[i] = NAN;
        assert_all(refuses_question(m, &q));
        *reals[i] = -1;
        assert_all(refuses_question(m, &q));
        *reals[i] = 0;
    }
    q.only = (const char *const[]){NULL}, q.n_only = 1;
    assert_all(refuses_question(m, &q));
    q.n_only = 0, q.parts = (const hesse_kinds[]){(hesse_kinds)0}, q.n_parts = 1;
    assert_all(refuses_question(m, &q));
    q = (hesse_analysis_options){0};
    assert_all(refuses_question(NULL, &q) && refuses_question(m, NULL));
    assert_all(hesse_analysis_new(m, &q, NULL) == HESSE_E_JOB);
    assert_all(hesse_analysis_run(NULL) == HESSE_E_JOB);
    assert_all(hesse_analysis_new(m, &q, &x) == HESSE_OK);
    assert_all(hesse_analysis_run(x) == HESSE_OK);
    const int blocks = hesse_analysis_blocks(x);
    double matrix[4096];
    hesse_why *why = hesse_team_why(team);
    for (int turn = 0; turn < 4; turn++) {
        const int part = turn == 0 ? -1 : turn == 1 ? 1 : 0;
        const int block = turn == 2 ? -2 : turn == 3 ? blocks : 0;
        assert_all(!hesse_analysis_spectrum(x, part, block));
        assert_all(!hesse_analysis_quadrature(x, part, block));
        assert_all(!hesse_analysis_extremes(x, part, block));
        assert_all(!hesse_analysis_hutchinson(x, part, block));
        assert_all(!hesse_analysis_measures(x, part, block));
        assert_all(turn > 1 || !hesse_analysis_coupling(x, part));
        assert_all(turn < 2 || !hesse_analysis_block_name(x, block));
        assert_all(turn < 2 || !hesse_analysis_block_size(x, block));
        assert_all(turn < 2 || !hesse_analysis_block_first(x, block));
        assert_all(hesse_analysis_block_matrix(x, part, block, matrix, why) ==
                   HESSE_E_JOB);
    }
    assert_all(hesse_analysis_spectrum(x, 0, 0) != NULL);
    assert_all(hesse_analysis_block_matrix(x, 0, 0, NULL, why) == HESSE_E_JOB);
    assert_all(hesse_analysis_block_matrix(NULL, 0, 0, matrix, why) == HESSE_E_JOB);
    hesse_analysis_free(x);
    hesse_problem_free(&p);
}

static void lanczos_refuses(void **state)
{
    (void)state;
    static const int outside[] = {-1, INT_MIN, INT_MAX};
    hesse_problem p = small_problem();
    hesse_objective *m = p.objective;
    hesse_lanczos_options q = {0};
    hesse_quadrature *rule = NULL;
    int *const numbers[] = {
        (int *)&q.partition, &q.n_only,          (int *)&q.settings.orthogonality,
        &q.settings.steps,   &q.settings.probes, &q.settings.width,
        (int *)&q.part};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        for (size_t w = 0; w < COUNT(outside); w++) {
            *numbers[i] = outside[w];
            assert_all(hesse_lanczos(m, &q, &rule) == HESSE_E_JOB);
            *numbers[i] = 0;
        }
    q.only = (const char *const[]){NULL}, q.n_only = 1;
    assert_all(hesse_lanczos(m, &q, &rule) == HESSE_E_JOB);
    q.n_only = 0;
    assert_all(hesse_lanczos(m, &q, NULL) == HESSE_E_JOB);
    assert_all(hesse_lanczos(m, NULL, &rule) == HESSE_E_JOB);
    assert_all(hesse_lanczos(NULL, &q, &rule) == HESSE_E_JOB);
    assert_all(!rule);
    hesse_problem_free(&p);
}

static void rooms_refuse(void **state)
{
    (void)state;
    hesse_why why;
    hesse_quadrature *q;
    hesse_spectrum *s;
    hesse_extremes *e;
    hesse_hutchinson *h;
    const hesse_hutchinson_settings right = {1, 1}, wrong[] = {{-1, 0}, {1, -1}};
    assert_all(hesse_quadrature_new(0, 1, 1, &q, &why) == HESSE_E_JOB);
    assert_all(hesse_quadrature_new(1, -1, 1, &q, &why) == HESSE_E_JOB);
    assert_all(hesse_quadrature_new(1, 1, INT_MIN, &q, &why) == HESSE_E_JOB);
    assert_all(hesse_quadrature_new(1, 1, 1, NULL, &why) == HESSE_E_JOB);
    assert_all(hesse_spectrum_new(-1, 0, &s, &why) == HESSE_E_JOB);
    assert_all(hesse_spectrum_new(0, 0, &s, &why) == HESSE_E_JOB);
    assert_all(hesse_spectrum_new(2, -1, &s, &why) == HESSE_E_JOB);
    assert_all(hesse_spectrum_new(2, 1, NULL, &why) == HESSE_E_JOB);
    assert_all(hesse_spectrum_new(2, -1, &s, NULL) == HESSE_E_JOB);
    assert_all(hesse_spectrum_check(NULL, &(hesse_sums){0}, "a", &why) == HESSE_E_JOB);
    assert_all(hesse_extremes_new(0, 1, 1, &e, &why) == HESSE_E_JOB);
    assert_all(hesse_extremes_new(3, -1, 1, &e, &why) == HESSE_E_JOB);
    assert_all(hesse_extremes_new(3, INT_MAX, 1, &e, &why) == HESSE_E_JOB);
    assert_all(hesse_extremes_new(3, 1, -1, &e, &why) == HESSE_E_JOB);
    assert_all(hesse_extremes_new(3, 1, 1, NULL, &why) == HESSE_E_JOB);
    for (int i = 0; i < 2; i++)
        assert_all(hesse_hutchinson_new(3, &wrong[i], &h, &why) == HESSE_E_JOB);
    assert_all(hesse_hutchinson_new(0, &right, &h, &why) == HESSE_E_JOB);
    assert_all(hesse_hutchinson_new(3, NULL, &h, &why) == HESSE_E_JOB);
    assert_all(hesse_hutchinson_new(3, &right, NULL, &why) == HESSE_E_JOB);
}

static void distances_refuse(void **state)
{
    (void)state;
    hesse_why why;
    const double lambda[] = {1, 2}, infinite[] = {1, INFINITY};
    const hesse_density right = {.points = 8, .bandwidth = 0.1};
    const hesse_density wrong[] = {{.points = 1, .bandwidth = 0.1},
                                   {.points = INT_MIN, .bandwidth = 0.1},
                                   {.points = INT_MAX, .bandwidth = 0.1},
                                   {.points = 8, .bandwidth = 0},
                                   {.points = 8, .bandwidth = NAN}};
    const hesse_eigenvalues two[] = {{.n = 2, .lambda = lambda},
                                     {.n = 2, .lambda = lambda}};
    const hesse_eigenvalues bad[] = {{.n = 0, .lambda = lambda},
                                     {.n = -1, .lambda = lambda},
                                     {.n = 2},
                                     {.n = 2, .lambda = infinite}};
    hesse_distance_grid grid;
    double matrix[4], mean, at[8], values[8];
    for (int d = -1; d <= HESSE_DISTANCES; d++) {
        const hesse_distance kind = (hesse_distance)d;
        const bool known = d >= 0 && d < HESSE_DISTANCES;
        const bool kernel = known && kind != HESSE_JS_LOG && kind != HESSE_WASSERSTEIN;
        assert_all(hesse_distances(kind, &right, 2, two, matrix, &mean, &grid, &why) ==
                   (known ? HESSE_OK : HESSE_E_JOB));
        for (size_t i = 0; kernel && i < sizeof wrong / sizeof *wrong; i++)
            assert_all(hesse_distances(kind, &wrong[i], 2, two, matrix, &mean, &grid,
                                       &why) == HESSE_E_JOB);
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
            assert_all(hesse_distances(kind, &right, 1, &bad[i], matrix, &mean, &grid,
                                       &why) == HESSE_E_JOB);
        assert_all(hesse_distances(kind, &right, -1, two, matrix, &mean, &grid, &why) ==
                   HESSE_E_JOB);
        assert_all(hesse_distances(kind, NULL, 2, two, matrix, &mean, &grid, &why) ==
                   HESSE_E_JOB);
        assert_all(hesse_distances(kind, &right, 2, NULL, matrix, &mean, &grid, &why) ==
                   HESSE_E_JOB);
        assert_all(hesse_distances(kind, &right, 2, two, NULL, &mean, &grid, &why) ==
                   HESSE_E_JOB);
        assert_all(hesse_distances(kind, &right, 2, two, matrix, NULL, &grid, &why) ==
                   HESSE_E_JOB);
        assert_all(hesse_distances(kind, &right, 2, two, matrix, &mean, NULL, &why) ==
                   HESSE_E_JOB);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_all(hesse_density_of(&wrong[i], two, at, values, &why) == HESSE_E_JOB);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_all(hesse_density_of(&right, &bad[i], at, values, &why) == HESSE_E_JOB);
    assert_all(hesse_density_of(NULL, two, at, values, &why) == HESSE_E_JOB);
    assert_all(hesse_density_of(&right, NULL, at, values, &why) == HESSE_E_JOB);
    assert_all(hesse_density_of(&right, two, NULL, values, &why) == HESSE_E_JOB);
    assert_all(hesse_density_of(&right, two, at, NULL, &why) == HESSE_E_JOB);
    assert_all(hesse_density_of(&right, two, at, values, &why) == HESSE_OK);
}

static void names_are_known_or_said_to_be_unknown(void **state)
{
    (void)state;
    static const int wrong[] = {-1, 1000, INT_MAX, INT_MIN};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const int w = wrong[i];
        assert_all(!strcmp(hesse_engine_name((hesse_engine)w), "unknown"));
        assert_all(!strcmp(hesse_distance_name((hesse_distance)w), "unknown"));
        assert_all(
            !strcmp(hesse_orthogonality_text((hesse_orthogonality)w), "unknown"));
    }
    assert_all(hesse_distance_named(NULL) == HESSE_DISTANCES);
    assert_all(hesse_kinds_named(NULL) == 0);
}

static void teams_refuse(void **state)
{
    (void)state;
    hesse_team *other = NULL;
    assert_all(hesse_team_new(MPI_COMM_NULL, &other) == HESSE_E_JOB && !other);
    assert_all(hesse_team_new(MPI_COMM_WORLD, NULL) == HESSE_E_JOB);
}

static int set_up(void **state)
{
    (void)state;
    return hesse_team_new(MPI_COMM_WORLD, &team) != HESSE_OK;
}

static int tear_down(void **state)
{
    (void)state;
    hesse_team_free(team);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_refuse),
        cmocka_unit_test(networks_refuse_null),
        cmocka_unit_test(heads_fit),
        cmocka_unit_test(configs_are_of_some_families),
        cmocka_unit_test(datasets_refuse),
        cmocka_unit_test(datasets_refuse_null),
        cmocka_unit_test(objectives_refuse),
        cmocka_unit_test(products_refuse),
        cmocka_unit_test(analyses_refuse),
        cmocka_unit_test(lanczos_refuses),
        cmocka_unit_test(rooms_refuse),
        cmocka_unit_test(distances_refuse),
        cmocka_unit_test(names_are_known_or_said_to_be_unknown),
        cmocka_unit_test(teams_refuse),
    };
    MPI_Init(&argc, &argv);
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    FILE *quiet = rank ? freopen("/dev/null", "w", stdout) : stdout;
    const int failed = quiet ? cmocka_run_group_tests(tests, set_up, tear_down) : 1;
    MPI_Finalize();
    return failed;
}
