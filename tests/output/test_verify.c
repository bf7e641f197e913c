/* The checks of `show --verify`. Result files of known matrices pass them. When one
   number of a file is made wrong and the digest is written anew, the mistake is found.
   */
#include "check_files.h"
#include "check_mpi.h"
#include "output/result.h"
#include "output/stamp.h"
#include "output/verify.h"
#include "spectra/hutchinson.h"
#include "spectra/lanczos.h"
#include "spectra/thick_restart.h"

#include <hdf5.h>
#include <math.h>

enum { FORMED = 5, N = 40, PROBES = 3, STEPS = 20, ROOM = 4096 };

static double scale = 1; /* of the matrices */

static double eigenvalue(int i)
{
    return scale * (i < 2 ? -4 + i : i > N - 3 ? 5 + i : sin(i));
}

/* Multiply by a diagonal matrix between two reflections. */
static hesse_status apply(void *context, int k, const double *v, double *av)
{
    (void)context;
    memcpy(av, v, N * (size_t)k * sizeof *av);
    for (int c = 0; c < k; c++)
        for (int turn = 0; turn < 2; turn++) {
            double sum = 0;
            for (int i = 0; i < N; i++) sum += av[i * k + c];
            for (int i = 0; i < N; i++) {
                av[i * k + c] -= 2 * sum / N;
                if (!turn) av[i * k + c] *= eigenvalue(i);
            }
        }
    return HESSE_OK;
}

static void apply_probes(void *context, const double *v, double *av)
{
    apply(context, PROBES, v, av);
}

typedef struct matrix_free {
    hesse_quadrature *quadrature;
    hesse_extremes *extremes;
    hesse_hutchinson *hutchinson;
} matrix_free;

static matrix_free find_unformed(hesse_team *team, int probes, int sketch)
{
    matrix_free u;
    hesse_why why;
    const hesse_hutchinson_settings settings = {.probes = probes, .sketch = sketch};
    assert_all(!hesse_quadrature_new(N, PROBES, STEPS, &u.quadrature, &why));
    assert_all(!hesse_extremes_new(N, 2, 1, &u.extremes, &why));
    assert_all(!hesse_hutchinson_new(N, &settings, &u.hutchinson, &why));
    const hesse_operator a = {NULL, N, apply};
    const hesse_recurrence r = {.apply = apply_probes, .seed = 7};
    const hesse_cell cell = {u.quadrature, 0, PROBES};
    const hesse_thick_restart how = {
        .block = 2, .room = hesse_thick_restart_room(N, 4, 2).best, .products = 9999};
    u.extremes->tolerance = 1e-8;
    assert_all(!hesse_lanczos_run(team, &r, &cell, 1));
    assert_all(!hesse_thick_restart_run(team, &a, &how, u.extremes));
    assert_all(!hesse_hutchinson_run(team, &a, 3, 2, u.hutchinson));
    assert_all(u.extremes->converged);
    return u;
}

/* The spectrum of a diagonal matrix. */
static hesse_spectrum *find_formed(hesse_sums *sums)
{
    hesse_spectrum *s = NULL;
    hesse_why why;
    assert_all(!hesse_spectrum_new(FORMED, FORMED, &s, &why));
    *sums = (hesse_sums){0};
    for (int i = 0; i < FORMED; i++) {
        const double x = s->eigenvalues[i] = scale * (i - 1.5);
        sums->trace += x, sums->squares += x * x;
        sums->abs += fabs(x), sums->abs_diagonal += fabs(x);
        for (int j = 0; j < FORMED; j++) s->eigenvectors[i * FORMED + j] = i == j;
        s->residuals[i] = 0;
    }
    assert_all(!hesse_spectrum_check(s, sums, "formed", &why));
    return s;
}

static void write_result(hesse_team *team, int probes, int sketch,
                         hesse_orthogonality said)
{
    static const char *const names[] = {"formed", "matrix_free"};
    const size_t offset[] = {0, FORMED}, size[] = {FORMED, N};
    const hesse_block_table blocks = {2, names, offset, size};
    const hesse_density density = {.points = 50, .bandwidth = 0.05};
    const hesse_note loss = {.name = "loss", .kind = HESSE_NOTE_NUMBER, .number = 2};
    hesse_param list = {.name = "w", .tensor = "w", .rows = 1, .cols = FORMED + N};
    const hesse_params params = {.count = 1, .size = FORMED + N, .list = &list};
    double gradient[FORMED + N];
    for (int i = 0; i < FORMED + N; i++) gradient[i] = cos(i);
    hesse_sums sums;
    matrix_free u = find_unformed(team, probes, sketch);
    hesse_spectrum *spectra[2] = {find_formed(&sums)};
    hesse_quadrature *quadratures[3] = {NULL, u.quadrature};
    hesse_extremes *extremes[3] = {NULL, u.extremes};
    hesse_hutchinson *hutchinson[3] = {NULL, u.hutchinson};
    hesse_measures measures[3];
    hesse_measure(spectra[0], &sums, gradient, &measures[0]);
    hesse_measure_quadrature(u.quadrature, gradient + FORMED, &measures[1]);
    measures[1].min = u.extremes->eigenvalues[0];
    measures[1].max = u.extremes->eigenvalues[3];
    const hesse_share_results share = {.name = "hessian",
                                       .blocks = 2,
                                       .spectra = spectra,
                                       .quadratures = quadratures,
                                       .extremes = extremes,
                                       .hutchinson = hutchinson,
                                       .orthogonality = hesse_orthogonality_text(said),
                                       .measures = measures};
    hesse_result *result = NULL;
    assert_all(!hesse_result_new(team, "r.h5", NULL, &result));
    assert_all(!hesse_result_model(result, "", &params, &blocks, gradient));
    assert_all(!hesse_result_share(result, "", &blocks, &share, &density));
    assert_all(!hesse_result_finish(result, &loss, 1));
    hesse_spectrum_free(spectra[0]);
    hesse_quadrature_free(u.quadrature);
    hesse_extremes_free(u.extremes);
    hesse_hutchinson_free(u.hutchinson);
}

/* Replace one number of a dataset and stamp the file again. Returns the old number. */
static double put(const char *name, int at, double value)
{
    hesse_why why;
    double x[ROOM];
    const hid_t file = H5Fopen("r.h5", H5F_ACC_RDWR, H5P_DEFAULT);
    const hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
    int good = set >= 0 && H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, 0, x) >= 0;
    const double before = x[at];
    x[at] = value;
    good = good && H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, 0, x) >= 0;
    H5Dclose(set);
    H5Fclose(file);
    assert_all(good && !hesse_stamp_put("r.h5", &why));
    return before;
}

typedef struct damage {
    const char *name;
    int at;
    double value;
    const char *says;
} damage;

#define IN    "spectra/blocks/matrix_free/"
#define EXACT "spectra/blocks/formed/"

static const damage OF_ANY[] = {
    {IN "nodes", 1, 1e3, "ascending"},
    {IN "nodes", 7, NAN, "nan"},
    {IN "weights", 1, -0.5, "-0.5"},
    {IN "weights", 1, 0.5, "sum"},
    {IN "taken", 0, 0, "number 1 of 3 is 0"},
    {IN "taken", 1, 9, "9 steps"},
    {IN "extreme_bounds", 1, -1, "-1"},
    {IN "extreme_bounds", 1, INFINITY, "inf"},
    {IN "negative_bounds", 0, 7, "7"},
    {IN "negative_bounds", 1, 0, "the lower first"},
    {IN "extreme_eigenvalues", 1, NAN, "nan"},
    {IN "extreme_eigenvalues", 1, -9, "ascending"},
    {IN "extreme_eigenvalues", 0, -3.5, "least node"},
    {IN "extreme_eigenvalues", 3, 43.5, "greatest node"},
    {IN "residuals", 2, -1, "-1"},
    {IN "residuals", 2, 1e-3, "0.001"},
    {IN "eigenvectors", 5, 2, "vector 1 is of length"},
    {IN "diagonal", 3, NAN, "nan"},
    {IN "diagonal", 3, 1e4, "2-norm"},
    {IN "hutchinson/trace", 0, 1e4, "10000"},
    {IN "hutchinson/frobenius", 0, -1, "-1"},
    {IN "density/grid", 4, 3, "equal distance"},
    {IN "density/grid", 49, -1e3, "ascending"},
    {IN "density/values", 7, NAN, "nan"},
    {IN "density/values", 7, -0.1, "-0.1"},
    {IN "density/values", 7, 1, "sum times the step"},
    {IN "density/standard_error", 3, -1, "-1"},
    {IN "density/standard_error", 3, 10, "at most the density"},
    {EXACT "density/grid", 4, 3, "equal distance"},
    {EXACT "density/values", 7, 1, "sum times the step"},
    {EXACT "eigenvectors", 1, 0.5, "vector 1 is of length"},
    {EXACT "residuals", 1, 0.5, "residual"},
    {"blocks/trace", 1, 3, "its trace is 3"},
    {"blocks/frobenius", 1, 3, "its frobenius is 3"},
    {"blocks/min", 1, -5, "its min is"},
    {"blocks/max", 1, 45, "its max is"},
    {"blocks/condition", 1, 3, "its condition is"},
    {"blocks/robust_condition", 1, 3, "its robust_condition is"},
    {"blocks/negative_mass", 1, 0.5, "its negative_mass is"},
    {"blocks/effective_rank", 1, 3, "its effective_rank is"},
    {"blocks/gradient_norm", 1, 3, "its gradient_norm is"},
    {"blocks/noise_floor", 1, 3, "its noise_floor is"},
    {"blocks/trace_error", 1, 300, "its trace_error is"},
    {"blocks/frobenius_error", 1, 300, "its frobenius_error is"},
    {"blocks/seconds", 1, NAN, "its seconds is"},
    {NULL, 0, 0, NULL}};

static const damage OF_SEVERAL_PROBES[] = {
    {IN "diagonal_error", 3, NAN, "nan"},
    {IN "diagonal_error", 3, -1, "-1"},
    {IN "hutchinson/trace_error", 0, -1, "-1"},
    {IN "hutchinson/frobenius_error", 0, NAN, "nan"},
    {NULL, 0, 0, NULL}};

static const damage OF_ONE_PROBE[] = {
    {IN "diagonal_error", 3, 0, "expected NaN"},
    {IN "hutchinson/trace_error", 0, 0, "expected NaN"},
    {NULL, 0, 0, NULL}};

static const damage OF_A_SKETCH[] = {{IN "hutchpp/trace", 0, 1e4, "10000"},
                                     {IN "hutchpp/trace_error", 0, -1, "-1"},
                                     {IN "hutchpp/frobenius", 0, INFINITY, "inf"},
                                     {IN "hutchpp/frobenius_error", 0, -1, "-1"},
                                     {NULL, 0, 0, NULL}};

static const damage OF_NO_SKETCH[] = {{IN "diagonal", 3, 7, "its sum"},
                                      {NULL, 0, 0, NULL}};

static void finds(FILE *out, const damage *list)
{
    hesse_why why = {0};
    for (const damage *d = list; d->name; d++) {
        const double before = put(d->name, d->at, d->value);
        const hesse_status s = hesse_result_verify("r.h5", out, &why);
        if (s != HESSE_E_NUMERIC || !strstr(why.text, d->says))
            fail_msg("%s[%d] = %g: status %d, \"%s\"", d->name, d->at, d->value, s,
                     s ? why.text : "");
        if (strncmp(d->name, IN, strlen(IN)) == 0)
            assert_says(&why, "r.h5", strrchr(d->name, '/'));
        put(d->name, d->at, before);
    }
    assert_all(hesse_result_verify("r.h5", out, &why) == HESSE_OK);
}

static void whatever_is_wrong_is_found(void **state)
{
    (void)state;
    hesse_team *team = NULL;
    assert_all(!hesse_team_new(MPI_COMM_WORLD, &team));
    static const struct {
        int probes, sketch;
    } cases[] = {{4, 0}, {4, 6}, {1, 0}, {1, N}};
    FILE *out = fopen("/dev/null", "w");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_result(team, cases[i].probes, cases[i].sketch, HESSE_ORTHOGONALITY_FULL);
        finds(out, OF_ANY);
        finds(out, cases[i].probes > 1 ? OF_SEVERAL_PROBES : OF_ONE_PROBE);
        if (cases[i].probes > 1)
            finds(out, cases[i].sketch ? OF_A_SKETCH : OF_NO_SKETCH);
    }
    fclose(out);
    hesse_team_free(team);
}

static void deny_convergence(void)
{
    const hid_t file = H5Fopen("r.h5", H5F_ACC_RDWR, H5P_DEFAULT);
    const hid_t set = H5Dopen2(file, IN "extreme_eigenvalues", H5P_DEFAULT);
    const hid_t a = H5Aopen(set, "converged", H5P_DEFAULT);
    assert_all(H5Awrite(a, H5T_NATIVE_INT64, &(int64_t){0}) >= 0);
    H5Aclose(a);
    H5Dclose(set);
    H5Fclose(file);
}

/* Pairs that have not converged may have any residual, and may lie inside of the nodes.
   Nodes of the published procedure may lie outside of the spectrum. */
static void only_what_is_claimed_is_judged(void **state)
{
    (void)state;
    hesse_team *team = NULL;
    hesse_why why;
    FILE *out = fopen("/dev/null", "w");
    assert_all(!hesse_team_new(MPI_COMM_WORLD, &team));
    for (int paper = 0; paper < 2; paper++) {
        write_result(team, 4, 6,
                     paper ? HESSE_ORTHOGONALITY_PAPER : HESSE_ORTHOGONALITY_FULL);
        if (!paper) deny_convergence();
        if (!paper) put(IN "residuals", 0, 1);
        put(IN "extreme_eigenvalues", 0, -3.5);
        put("blocks/min", 1, -3.5);
        assert_all(hesse_result_verify("r.h5", out, &why) == HESSE_OK);
    }
    fclose(out);
    hesse_team_free(team);
}

/* No number that a run has accepted is refused in a file, even if squares underflow.
   But a wrong eigenvalue is found at any scale. */
static void scales_do_not_matter(void **state)
{
    (void)state;
    hesse_team *team = NULL;
    hesse_why why;
    FILE *out = fopen("/dev/null", "w");
    static const double scales[] = {1e-30,  1e-100, 1e-139, 1e-141, 1e-150, 1e-154,
                                    1e-160, 1e-170, 1e-200, 1e-250, 1e-290, 1e-299,
                                    1e-305, 1e-307, 1e30,   1e70};
    assert_all(!hesse_team_new(MPI_COMM_WORLD, &team));
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        scale = scales[i];
        write_result(team, 4, 6, HESSE_ORTHOGONALITY_FULL);
        if (hesse_result_verify("r.h5", out, &why)) fail_msg("%g: %s", scale, why.text);
        put(EXACT "eigenvalues", FORMED - 1, 3.5 * scale);
        if (hesse_result_verify("r.h5", out, &why) != HESSE_E_NUMERIC)
            fail_msg("%g: a wrong eigenvalue is accepted", scale);
    }
    scale = 1;
    fclose(out);
    hesse_team_free(team);
}

/* Replace an attribute of a group by a list of one text, or remove it for NULL, and
   stamp the file again. */
static void put_text(const char *group, const char *name, const char *text)
{
    hesse_why why;
    const hid_t file = H5Fopen("r.h5", H5F_ACC_RDWR, H5P_DEFAULT);
    const hid_t g = H5Gopen2(file, group, H5P_DEFAULT);
    assert_all(g >= 0 && (H5Aexists(g, name) == 0 || H5Adelete(g, name) >= 0));
    if (text) {
        const hid_t type = H5Tcopy(H5T_C_S1),
                    space = H5Screate_simple(1, (hsize_t[]){1}, NULL);
        H5Tset_size(type, strlen(text));
        const hid_t a = H5Acreate2(g, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
        assert_all(H5Awrite(a, type, text) >= 0);
        H5Aclose(a);
        H5Sclose(space);
        H5Tclose(type);
    }
    H5Gclose(g);
    H5Fclose(file);
    assert_all(!hesse_stamp_put("r.h5", &why));
}

/* With this attribute, a group is refused. */
static void finds_text(FILE *out, const char *group, const char *name, const char *text,
                       const char *says)
{
    hesse_why why;
    put_text(group, name, text);
    const hesse_status s = hesse_result_verify("r.h5", out, &why);
    if (s != HESSE_E_INPUT || !strstr(why.text, says))
        fail_msg("%s: %s %s: status %d, \"%s\"", group, name, text ? text : "", s,
                 s ? why.text : "");
}

/* A viewer would not draw these groups, or would draw something else. */
static void pictures_that_do_not_fit_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *group, *name, *text, *says;
    } list[] = {
        {"/", "default", "spectrum", "a group that can be drawn"},
        {"/", "default", "gradient", "a group that can be drawn"},
        {"/", "default", ".", "a group that can be drawn"},
        {"spectra", "default", "blocks/formed", "a group that can be drawn"},
        {"blocks", "signal", NULL, "a dataset of numbers"},
        {"blocks", "signal", "name", "a dataset of numbers"},
        {"spectra/blocks/formed", "signal", "density/values", "a dataset of numbers"},
        {"blocks", "axes", NULL, "a name for every dimension"},
        {"blocks", "axes", "name", "numbers of the length of the dimension"},
        {"spectra/blocks/formed/density", "axes", "../grid", "numbers of the length"},
        {"blocks", "auxiliary_signals", "engine", "a dataset of the shape"},
    };
    hesse_team *team = NULL;
    hesse_why why = {0};
    FILE *out = fopen("/dev/null", "w");
    assert_all(!hesse_team_new(MPI_COMM_WORLD, &team));
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        write_result(team, 4, 0, HESSE_ORTHOGONALITY_FULL);
        finds_text(out, list[i].group, list[i].name, list[i].text, list[i].says);
    }

    /* Numbers of one dimension and of two lengths. */
    static const char *const drawn = "spectra/blocks/matrix_free";
    write_result(team, 4, 0, HESSE_ORTHOGONALITY_FULL);
    put_text(drawn, "NX_class", "NXdata");
    put_text(drawn, "axes", ".");
    put_text(drawn, "signal", "diagonal");
    assert_all(!hesse_result_verify("r.h5", out, &why));
    finds_text(out, drawn, "axes", "taken", "numbers of the length of the dimension");
    put_text(drawn, "axes", ".");
    finds_text(out, drawn, "auxiliary_signals", "taken", "a dataset of the shape");
    fclose(out);
    hesse_team_free(team);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(whatever_is_wrong_is_found, enter_folder,
                                    leave_folder),
    cmocka_unit_test_setup_teardown(pictures_that_do_not_fit_are_found, enter_folder,
                                    leave_folder),
    cmocka_unit_test_setup_teardown(scales_do_not_matter, enter_folder, leave_folder),
    cmocka_unit_test_setup_teardown(only_what_is_claimed_is_judged, enter_folder,
                                    leave_folder),
};

MPI_TEST_MAIN(tests)
