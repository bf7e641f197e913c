/* Every public function is given what it must refuse: enumerations and sizes out of
   range, NULL where something is needed. It says so by its status, the same on every
   rank. */
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

static hesse_source small_source(const hesse_arch *arch)
{
    return (hesse_source){
        .arch = arch,
        .recipe = {.generator = HESSE_GENERATOR_CLUSTERS, .features = 3, .classes = 2},
        .sequences = 4};
}

static hesse_model *small_model(void)
{
    const hesse_arch arch = small_arch();
    const hesse_source source = small_source(&arch);
    hesse_model *model = NULL;
    assert_all(hesse_model_open(team, &source, &model) == HESSE_OK);
    return model;
}

/* Collective. Whether a model of this source is refused. */
static bool refuses_source(const hesse_source *source)
{
    hesse_model *model = NULL;
    const bool refused = hesse_model_open(team, source, &model) == HESSE_E_JOB;
    return refused && !model && *hesse_team_why(team)->text;
}

/* Numbers of a source, each out of range in turn. */
static void check_ints(const hesse_source *source, size_t count, int *const *at,
                       size_t n_wrong, const int *wrong)
{
    for (size_t i = 0; i < count; i++)
        for (size_t w = 0; w < n_wrong; w++) {
            const int right = *at[i];
            *at[i] = wrong[w];
            assert_all(refuses_source(source));
            *at[i] = right;
        }
}

static void models_refuse(void **state)
{
    (void)state;
    hesse_arch a = small_arch();
    hesse_source s = small_source(&a);
    hesse_model *model = NULL;
    static const int wrong[] = {-1, INT_MIN, 1000}; /* the last of enumerations alone */
    int *const enums[] = {(int *)&a.family,           (int *)&a.activation,
                          (int *)&a.attention.kernel, (int *)&a.image.batch_norm,
                          (int *)&a.data.loss,        &a.lists.n_widths,
                          &a.lists.n_dense,           (int *)&s.reduction,
                          (int *)&s.recipe.generator, (int *)&s.recipe.covariates};
    int *const sizes[] = {&a.layers,
                          &a.width,
                          &a.inner,
                          &a.vocabulary,
                          &a.positions,
                          &a.attention.heads,
                          &a.attention.size,
                          &a.attention.kv_heads,
                          &a.attention.value_size,
                          &a.data.inputs,
                          &a.data.rows,
                          &a.data.cols,
                          &a.data.outputs,
                          &a.types,
                          &a.image.patch,
                          &a.image.token_inner,
                          &a.image.pool,
                          &a.lists.widths[0],
                          &s.n_texts,
                          &s.image_size,
                          &s.image_classes,
                          &s.sequences,
                          &s.context,
                          &s.batch,
                          &s.recipe.features,
                          &s.recipe.classes,
                          &s.recipe.examples,
                          &s.recipe.contour};
    check_ints(&s, sizeof enums / sizeof *enums, enums, 3, wrong);
    check_ints(&s, sizeof sizes / sizeof *sizes, sizes, 2, wrong);
    double *const reals[] = {&a.attention.temperature,
                             &a.attention.rope_theta,
                             &a.norm_eps,
                             &a.deviation,
                             &s.mask_rate,
                             &s.recipe.noise,
                             &s.recipe.shape};
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
        *reals[i] = -1;
        assert_all(refuses_source(&s));
        *reals[i] = NAN;
        assert_all(refuses_source(&s));
        *reals[i] = 0;
    }
    s.texts = (const char *const[]){NULL}, s.n_texts = 1;
    assert_all(refuses_source(&s));
    s = small_source(NULL);
    assert_all(refuses_source(&s));
    assert_all(refuses_source(NULL));
    s = small_source(&a);
    assert_all(hesse_model_open(team, &s, NULL) == HESSE_E_JOB);
    assert_all(hesse_model_open(NULL, &s, &model) == HESSE_E_JOB);
}

/* A config.json of a family that has none. */
static void configs_are_of_some_families(void **state)
{
    (void)state;
    static const char *const families[] = {"mlp", "vgg", "quadratic", "nothing"};
    for (int f = 0; f < 4; f++) {
        hesse_arch a = small_arch();
        hesse_source s = small_source(&a);
        strcpy(a.family, families[f]);
        s.config = HESSE_TEST_FOLDER "/reference/gpt2/config.json";
        assert_all(refuses_source(&s));
    }
}

static void products_refuse(void **state)
{
    (void)state;
    hesse_model *m = small_model();
    double v[64] = {0}, hv[64];
    const int count = hesse_model_parameters(m);
    assert_all(hesse_model_size(m) <= 64);
    assert_all(hesse_model_product(m, HESSE_ALL, 1, v, hv) == HESSE_OK);
    assert_all(hesse_model_product(m, (hesse_kinds)0, 1, v, hv) == HESSE_E_JOB);
    assert_all(hesse_model_product(m, (hesse_kinds)(1 << 30), 1, v, hv) == HESSE_E_JOB);
    assert_all(hesse_model_product(m, HESSE_ALL, 0, v, hv) == HESSE_E_JOB);
    assert_all(hesse_model_product(m, HESSE_ALL, INT_MIN, v, hv) == HESSE_E_JOB);
    assert_all(hesse_model_product(m, HESSE_ALL, 1, NULL, hv) == HESSE_E_JOB);
    assert_all(hesse_model_product(m, HESSE_ALL, 1, v, NULL) == HESSE_E_JOB);
    assert_all(hesse_model_product(NULL, HESSE_ALL, 1, v, hv) == HESSE_E_JOB);
    for (int i = -1; i <= count; i += count + 1) {
        assert_all(!hesse_model_parameter_name(m, i));
        assert_all(!hesse_model_parameter_first(m, i));
        assert_all(!hesse_model_parameter_size(m, i));
    }
    hesse_model_free(m);
}

static bool refuses_question(hesse_model *m, const hesse_analysis_options *q)
{
    hesse_analysis *x = NULL;
    return hesse_analysis_new(m, q, &x) == HESSE_E_JOB && !x;
}

static void analyses_refuse(void **state)
{
    (void)state;
    static const int wrong[] = {-1, INT_MIN, INT_MAX};
    hesse_model *m = small_model();
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
        for (size_t w = 0; w < sizeof wrong / sizeof *wrong; w++) {
            *numbers[i] = wrong[w];
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
    hesse_model_free(m);
}

static void lanczos_refuses(void **state)
{
    (void)state;
    static const int wrong[] = {-1, INT_MIN, INT_MAX};
    hesse_model *m = small_model();
    hesse_lanczos_options q = {0};
    hesse_quadrature *rule = NULL;
    int *const numbers[] = {
        (int *)&q.partition, &q.n_only,          (int *)&q.settings.orthogonality,
        &q.settings.steps,   &q.settings.probes, &q.settings.width,
        (int *)&q.part};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        for (size_t w = 0; w < sizeof wrong / sizeof *wrong; w++) {
            *numbers[i] = wrong[w];
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
    hesse_model_free(m);
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
        cmocka_unit_test(models_refuse),
        cmocka_unit_test(configs_are_of_some_families),
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
