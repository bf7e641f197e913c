/* The result file is written by 1, 2, 4 and 6 ranks and read back with HDF5 itself. */
#include "check_files.h"
#include "check_memory.h"
#include "check_mpi.h"
#include "output/result.h"
#include "output/show.h"
#include "output/store.h"
#include "output/verify.h"
#include "parallel/team.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <hdf5_hl.h>
#include <math.h>
#include <sys/uio.h>

enum { B = 4, N = 11 };

typedef struct stage {
    hesse_team *team;
    hesse_grid *grid;
    char folder[64];
} stage;

static stage set_up(void)
{
    stage t = {.folder = "/tmp/hesse-test-XXXXXX"};
    assert_all(hesse_team_new(MPI_COMM_WORLD, &t.team) == HESSE_OK);
    assert_all(hesse_grid_new(t.team, &t.grid) == HESSE_OK);
    assert_all(t.team->rank || mkdtemp(t.folder));
    MPI_Bcast(t.folder, sizeof t.folder, MPI_CHAR, 0, MPI_COMM_WORLD);
    assert_all(chdir(t.folder) == 0);
    return t;
}

static void tear_down(stage t)
{
    assert_all(chdir("/") == 0);
    assert_all(t.team->rank || !nftw(t.folder, remove_one, 8, FTW_DEPTH | FTW_PHYS));
    hesse_grid_free(t.grid);
    hesse_team_free(t.team);
}

static int files_here(void)
{
    int count = 0;
    DIR *here = opendir(".");
    while (readdir(here)) count++;
    closedir(here);
    return count - 2;
}

static const char *const names[B] = {"transformer.wte.weight", "h.0.attn.q.weight",
                                     "h.0.ln_1.bias", "h.0.größe.weight"};
static const size_t offsets[B] = {0, 5, 7, 8}, sizes[B] = {5, 2, 1, 3};
static const hesse_block_table blocks = {B, names, offsets, sizes};
static const hesse_density density = {.points = 50, .bandwidth = 0.01};

static double entry(int i, int j)
{
    uint64_t seed =
        (uint64_t)(i < j ? i : j) * 1000003 + (uint64_t)(i < j ? j : i) * 7919;
    return uniform(&seed);
}

static hesse_dmat *matrix_of(const hesse_grid *grid, int n)
{
    hesse_dmat *a = NULL;
    assert_all(hesse_dmat_new(grid, n, &a) == HESSE_OK);
    for (int c = 0; c < a->col.count; c++)
        for (int r = 0; r < a->row.count; r++)
            a->local[(size_t)c * a->row.count + r] =
                entry(hesse_axis_global(&a->row, r), hesse_axis_global(&a->col, c));
    return a;
}

static hesse_spectrum *spectrum_of(int n, int k)
{
    hesse_why why;
    hesse_spectrum *s = NULL;
    const int broken = broken_rank;
    broken_rank = -1; /* not these */
    assert_all(hesse_spectrum_new(n, k, &s, &why) == HESSE_OK);
    broken_rank = broken;
    for (int i = 0; i < n; i++) s->eigenvalues[i] = i - 1.5;
    for (int i = 0; i < s->vectors * n; i++) s->eigenvectors[i] = i;
    s->engine = HESSE_ENGINE_LAPACK;
    s->check_trace = 1e-15;
    return s;
}

static hesse_status write_model_at(hesse_result *result, const char *prefix)
{
    hesse_param list[2] = {
        {.name = "wte", .tensor = "wte", .rows = 2, .cols = 4},
        {.name = "ln", .tensor = "l", .rows = 1, .cols = 3, .offset = 8}};
    const hesse_params params = {.count = 2, .size = N, .list = list};
    double gradient[N];
    for (int i = 0; i < N; i++) gradient[i] = i * i;
    return hesse_result_model(result, prefix, &params, &blocks, gradient);
}

static hesse_status write_model(hesse_result *result)
{
    return write_model_at(result, "");
}

/* The results for a matrix of order N that was not formed. */
typedef struct matrix_free {
    hesse_quadrature *quadrature;
    hesse_extremes *extremes;
    hesse_hutchinson *hutchinson;
} matrix_free;

static matrix_free find_unformed(void)
{
    matrix_free u = {0};
    hesse_why why;
    const hesse_hutchinson_settings settings = {.probes = 4, .sketch = 3};
    const int broken = broken_rank;
    broken_rank = -1; /* not these */
    assert_all(hesse_quadrature_new(N, 2, 3, &u.quadrature, &why) == HESSE_OK);
    assert_all(hesse_extremes_new(N, 2, 1, &u.extremes, &why) == HESSE_OK);
    assert_all(hesse_hutchinson_new(N, &settings, &u.hutchinson, &why) == HESSE_OK);
    broken_rank = broken;
    for (int i = 0; i < 6; i++)
        u.quadrature->nodes[i] = i % 3, u.quadrature->weights[i] = 1.0 / 3;
    u.quadrature->taken[0] = u.quadrature->taken[1] = 3;
    for (int i = 0; i < 4; i++)
        u.extremes->eigenvalues[i] = i - 2, u.extremes->residuals[i] = 0.25 * i;
    for (int i = 0; i < 2 * N; i++) u.extremes->eigenvectors[i] = i;
    u.extremes->products = 77, u.extremes->converged = true;
    for (int plus = 0; plus < 2; plus++) {
        u.hutchinson->trace[plus] = (hesse_estimate){5 + plus, 0.5};
        u.hutchinson->frobenius[plus] = (hesse_estimate){7 + plus, 0.75};
    }
    for (int i = 0; i < N; i++) u.hutchinson->diagonal[i] = 3 * i;
    return u;
}

static void forget(matrix_free *u)
{
    hesse_quadrature_free(u->quadrature);
    hesse_extremes_free(u->extremes);
    hesse_hutchinson_free(u->hutchinson);
}

/* Block 2 is not computed; without `full` the full matrix is not formed. */
static hesse_status write_share_at(hesse_result *result, const char *prefix,
                                   const char *name, bool full,
                                   const hesse_density *settings)
{
    hesse_spectrum *spectra[B] = {spectrum_of(5, 1), spectrum_of(2, 0), NULL,
                                  spectrum_of(3, 9)};
    hesse_spectrum *whole = spectrum_of(N, 0);
    hesse_measures measures[B + 1];
    double coupling[B * B], distance[9] = {0, 1, 2, 1, 0, 3, 2, 3, 0};
    int computed[] = {0, 1, 3};
    for (int b = 0; b <= B; b++)
        measures[b] = (hesse_measures){
            .trace = b, .max = 10 + b, .condition = NAN, .robust_condition = INFINITY};
    for (int i = 0; i < B * B; i++) coupling[i] = i;
    hesse_distance_result js = {.kind = HESSE_JS,
                                .mean = 2,
                                .settings = density,
                                .grid = {-1, 1, 0.1, 0.5, 50},
                                .matrix = distance};
    hesse_distance_result moved = {
        .kind = HESSE_WASSERSTEIN, .mean = 2, .matrix = distance};
    moved.settings.tenth = true;
    hesse_distance_result distances[] = {js, moved};
    matrix_free of_all = {0};
    if (!full) of_all = find_unformed();
    hesse_quadrature *quadratures[B + 1] = {[B] = of_all.quadrature};
    hesse_extremes *extremes[B + 1] = {[B] = of_all.extremes};
    hesse_hutchinson *hutchinson[B + 1] = {[B] = of_all.hutchinson};
    const hesse_share_results share = {.name = name,
                                       .blocks = B,
                                       .spectra = spectra,
                                       .quadratures = quadratures,
                                       .extremes = extremes,
                                       .hutchinson = hutchinson,
                                       .orthogonality = "full",
                                       .measures = measures,
                                       .full = full ? whole : NULL,
                                       .coupling = full ? coupling : NULL,
                                       .n_distances = 2,
                                       .distances = distances,
                                       .computed = computed,
                                       .n_computed = 3};
    const hesse_status s =
        hesse_result_share(result, prefix, &blocks, &share, settings);
    for (int b = 0; b < B; b++) hesse_spectrum_free(spectra[b]);
    hesse_spectrum_free(whole);
    forget(&of_all);
    return s;
}

static hesse_status write_share(hesse_result *result, const char *name, bool full)
{
    return write_share_at(result, "", name, full, &density);
}

/* Write a matrix that all ranks hold. */
static hesse_status write_matrix(hesse_result *result, const char *prefix,
                                 const char *name, const hesse_dmat *a)
{
    const hesse_held held = hesse_dmat_held(a, 0);
    return hesse_result_matrix(result, prefix, name, &held);
}

static hesse_status write_square(hesse_result *result, const char *name, int n,
                                 int rank, int owner)
{
    double *a = calloc((size_t)n * n, sizeof *a);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) a[i * n + j] = entry(i, j);
    const hesse_held held = {
        .n = n, .first = owner, .ranks = 1, .square = rank == owner ? a : NULL};
    const hesse_status s = hesse_result_matrix(result, "", name, &held);
    free(a);
    return s;
}

/* Write everything that a result can have, in the order of a run: matrices come
   first. */
static hesse_status write_all(const stage *t, const char *path)
{
    char job[40001];
    memset(job, 'j', 40000), job[40000] = '\0';
    const hesse_note notes[] = {
        {.name = "loss", .kind = HESSE_NOTE_NUMBER, .number = 2.5},
        {.name = "ranks", .kind = HESSE_NOTE_WHOLE, .whole = ((int64_t)1 << 60) + 1},
        {.name = "command", .kind = HESSE_NOTE_TEXT, .text = "hesse run größe.yaml"},
        {.name = "empty", .kind = HESSE_NOTE_TEXT, .text = ""},
        {.name = "job", .kind = HESSE_NOTE_TEXT, .text = job}};
    hesse_result *result = NULL;
    hesse_status s = hesse_result_new(t->team, path, NULL, &result);
    if (s) return s;
    hesse_dmat *a = NULL, *b = NULL;
    s = hesse_agree(t->team, hesse_dmat_new(t->grid, N, &a));
    if (!s) s = hesse_agree(t->team, hesse_dmat_new(t->grid, 5, &b));
    if (!s) s = write_matrix(result, "", "hessian/full", a);
    if (!s) s = write_matrix(result, "", "parts/linear/hessian/blocks/x.y", b);
    const int owner = t->team->size - 1;
    if (!s) s = write_square(result, "hessian/blocks/a.b", 7, t->team->rank, owner);
    if (!s) s = write_model(result);
    if (!s) s = write_share(result, "hessian", true);
    if (!s) s = write_share(result, "linear", false);
    hesse_dmat_free(a);
    hesse_dmat_free(b);
    if (!s) return hesse_result_finish(result, notes, 5);
    hesse_result_drop(result);
    return s;
}

static int has_text(hid_t object, const char *name)
{
    char text[512] = "";
    const hid_t a = H5Aopen(object, name, H5P_DEFAULT);
    if (a < 0) return 0;
    const hid_t type = H5Aget_type(a);
    const int good = H5Tget_class(type) == H5T_STRING && !H5Tis_variable_str(type) &&
                     H5Aread(a, type, text) >= 0;
    H5Tclose(type);
    H5Aclose(a);
    return good && *text;
}

static int has_scale(hid_t file, const char *path, unsigned axis, const char *scale)
{
    const hid_t set = H5Dopen2(file, path, H5P_DEFAULT);
    const hid_t with = H5Dopen2(file, scale, H5P_DEFAULT);
    const int attached = H5DSis_attached(set, with, axis) > 0;
    H5Dclose(with);
    H5Dclose(set);
    return attached;
}

static int reads(hid_t file, const char *path, size_t count, double *values)
{
    const hid_t set = H5Dopen2(file, path, H5P_DEFAULT), space = H5Dget_space(set);
    const int good =
        H5Sget_simple_extent_npoints(space) == (hssize_t)count &&
        H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
    H5Sclose(space);
    H5Dclose(set);
    return good;
}

static int has_whole(hid_t file, const char *path, const char *name, int64_t expected)
{
    int64_t value = 0;
    const hid_t a = H5Aopen_by_name(file, path, name, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t type = H5Aget_type(a);
    const int good =
        H5Tequal(type, H5T_STD_I64LE) > 0 && H5Aread(a, H5T_NATIVE_INT64, &value) >= 0;
    H5Tclose(type);
    H5Aclose(a);
    return good && value == expected;
}

static double attribute(hid_t file, const char *path, const char *name)
{
    double value = NAN;
    const hid_t a = H5Aopen_by_name(file, path, name, H5P_DEFAULT, H5P_DEFAULT);
    H5Aread(a, H5T_NATIVE_DOUBLE, &value);
    H5Aclose(a);
    return value;
}

/* Called for every object in the file; counts objects without a text. */
static herr_t visit(hid_t object, const char *name, const H5O_info_t *info,
                    void *lacking)
{
    const hid_t o = H5Oopen(object, name, H5P_DEFAULT);
    if (!has_text(o, "description")) ++*(int *)lacking;
    if (info->type == H5O_TYPE_DATASET && !has_text(o, "units")) ++*(int *)lacking;
    H5Oclose(o);
    return 0;
}

static int everything_is_described(hid_t file)
{
    int lacking = 0;
    H5Ovisit(file, H5_INDEX_NAME, H5_ITER_NATIVE, visit, &lacking);
    return !lacking;
}

static int is_matrix(hid_t file, const char *path, int n)
{
    double *a = calloc((size_t)n * n, sizeof *a);
    int good = reads(file, path, (size_t)n * n, a);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) good = good && a[(size_t)i * n + j] == entry(i, j);
    free(a);
    return good;
}

static hid_t open_file(const char *path)
{
    const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_all(file >= 0);
    return file;
}

/* Some readers look for the signature of HDF5 in the first bytes only. */
static int begins_as_hdf5(const char *path)
{
    char found[8] = "";
    FILE *f = fopen(path, "rb");
    const size_t got = f ? fread(found, 1, sizeof found, f) : 0;
    if (f) fclose(f);
    return got == sizeof found && memcmp(found, "\x89HDF\r\n\x1a\n", sizeof found) == 0;
}

static void a_result_is_described_and_its_axes_are_named(void **state)
{
    (void)state;
    const stage t = set_up();
    assert_all(write_all(&t, "r.h5") == HESSE_OK);
    assert_all(files_here() == 1);
    assert_all(begins_as_hdf5("r.h5"));
    const hid_t file = open_file("r.h5");
    assert_all(everything_is_described(file));
    const char *const per_block[] = {"size",           "engine",    "trace",
                                     "check_symmetry", "dominance", "noise_floor",
                                     "seconds"};
    for (size_t i = 0; i < sizeof per_block / sizeof *per_block; i++) {
        char path[64];
        snprintf(path, sizeof path, "blocks/%s", per_block[i]);
        assert_all(has_scale(file, path, 0, "block"));
    }
    assert_all(has_scale(file, "parts/linear/blocks/trace", 0, "block"));
    assert_all(has_scale(file, "metrics/js", 0, "block"));
    assert_all(has_scale(file, "metrics/coupling", 1, "metrics/other_block"));
    assert_all(has_scale(file, "parameters/shape", 0, "parameter_tensor"));
    assert_all(has_scale(file, "gradient", 0, "parameter"));
    assert_all(has_scale(file, "hessian/full", 0, "parameter"));
    assert_all(has_scale(file, "hessian/full", 1, "hessian/other_parameter"));
    assert_all(
        has_scale(file, "spectra/full/density/values", 0, "spectra/full/density/grid"));
    assert_all(
        has_scale(file, "parts/linear/spectra/blocks/h.0.attn.q.weight/density/values",
                  0, "parts/linear/spectra/blocks/h.0.attn.q.weight/density/grid"));
    H5Fclose(file);
    tear_down(t);
}

static void a_result_holds_what_was_written(void **state)
{
    (void)state;
    const stage t = set_up();
    double x[64];
    assert_all(write_all(&t, "./r.h5") == HESSE_OK);
    const hid_t file = open_file("r.h5");
    assert_all(has_whole(file, "/", "schema_version", 2));
    assert_all(attribute(file, "/", "loss") == 2.5);
    assert_all(has_whole(file, "/", "ranks", ((int64_t)1 << 60) + 1));
    assert_all(has_text(file, "command") && H5Aexists(file, "empty") == 0);
    assert_all(reads(file, "gradient", N, x) && x[10] == 100);
    assert_all(reads(file, "blocks/offset", B, x) && x[3] == 8);
    assert_all(reads(file, "blocks/trace", B, x) && x[3] == 3 && isnan(x[2]));
    assert_all(reads(file, "blocks/condition", B, x) && isnan(x[0]));
    assert_all(reads(file, "blocks/robust_condition", B, x) && isinf(x[0]));
    assert_all(reads(file, "blocks/check_trace", B, x) && x[0] == 1e-15);
    assert_all(reads(file, "spectra/full/eigenvalues", N, x) && x[10] == 8.5);
    assert_all(reads(file, "spectra/full/max", 1, x) && x[0] == 14);
    assert_all(reads(file, "spectra/blocks/h.0.größe.weight/eigenvectors", 9, x) &&
               x[8] == 8);
    assert_all(reads(file, "spectra/blocks/transformer.wte.weight/residuals", 2, x));
    const char *whole = "parts/linear/spectra/full/";
    char path[128];
    const struct {
        const char *name;
        int count, at;
        double value;
    } sets[] = {{"nodes", 6, 4, 1},
                {"extreme_eigenvalues", 4, 3, 1},
                {"residuals", 4, 3, 0.75},
                {"eigenvectors", 2 * N, 2 * N - 1, 2 * N - 1},
                {"diagonal", N, 4, 12},
                {"diagonal_error", N, 4, 0},
                {"hutchinson/trace", 1, 0, 5},
                {"hutchinson/trace_error", 1, 0, 0.5},
                {"hutchinson/frobenius", 1, 0, 7},
                {"hutchpp/trace", 1, 0, 6},
                {"hutchpp/frobenius", 1, 0, 8},
                {"hutchpp/frobenius_error", 1, 0, 0.75}};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        snprintf(path, sizeof path, "%s%s", whole, sets[i].name);
        assert_all(reads(file, path, sets[i].count, x) &&
                   x[sets[i].at] == sets[i].value);
    }
    snprintf(path, sizeof path, "%sextreme_eigenvalues", whole);
    assert_all(attribute(file, path, "products") == 77);
    assert_all(attribute(file, path, "converged") == 1);
    assert_all(reads(file, "metrics/js", B * B, x) && x[1] == 1 && x[3] == 2 &&
               isnan(x[2]));
    assert_all(attribute(file, "metrics/js", "js0") == 2);
    assert_all(attribute(file, "metrics/js", "deviation") == 0.5);
    assert_all(reads(file, "metrics/coupling", B * B, x) && x[7] == 7);
    assert_all(H5Lexists(file, "spectra/blocks/h.0.ln_1.bias", H5P_DEFAULT) == 0);
    assert_all(H5Lexists(file, "parts/linear/spectra/full/eigenvalues", H5P_DEFAULT) ==
               0);
    assert_all(H5Lexists(file, "job", H5P_DEFAULT) > 0); /* too long for an attribute */
    assert_all(is_matrix(file, "hessian/blocks/a.b", 7));
    H5Fclose(file);
    tear_down(t);
}

static int is_text(hid_t file, const char *path, const char *name, const char *expected)
{
    char text[64] = "";
    const hid_t a = H5Aopen_by_name(file, path, name, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t type = H5Aget_type(a);
    if (H5Tget_size(type) < sizeof text) H5Aread(a, type, text);
    H5Tclose(type);
    H5Aclose(a);
    return strcmp(text, expected) == 0;
}

/* The attributes have the grid of the density, and its settings. */
static int tells_its_making(hid_t file, const char *folder, const hesse_density *made)
{
    char values[128], grid[128];
    double x[64];
    snprintf(values, sizeof values, "%s/density/values", folder);
    snprintf(grid, sizeof grid, "%s/density/grid", folder);
    const double first = attribute(file, values, "first");
    const double step = attribute(file, values, "step");
    int good = has_whole(file, values, "points", made->points) &&
               reads(file, grid, (size_t)made->points, x);
    for (int i = 0; i < made->points; i++) good = good && x[i] == first + i * step;
    good = good && fabs(attribute(file, values, "last") - x[made->points - 1]) < step;
    good = good && attribute(file, values, "bandwidth") == made->bandwidth;
    good = good && is_text(file, values, "bandwidth_unit",
                           made->absolute ? "eigenvalue" : "range of the eigenvalues");
    return good && is_text(file, values, "eigenvalues_divided_by",
                           made->tenth ? "10th largest of the block" : "1");
}

static void a_density_tells_its_making(void **state)
{
    (void)state;
    const stage t = set_up();
    const hesse_density made[] = {{.points = 50, .bandwidth = 0.01},
                                  {.points = 3, .bandwidth = 2, .absolute = true},
                                  {.points = 7, .bandwidth = 0.25, .tenth = true}};
    /* Eigenvalues -1.5 ... 8.5, and -1.5 ... 0.5; the 10th largest are -0.5, and -1.5.
     */
    const double deviation[] = {0.01 * 10, 2, 0.25 * 20};
    const char *const whole = "spectra/full";
    const char *const block = "parts/linear/spectra/blocks/h.0.größe.weight";
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        hesse_result *result = NULL;
        assert_all(hesse_result_new(t.team, "r.h5", NULL, &result) == HESSE_OK);
        assert_all(write_model(result) == HESSE_OK);
        assert_all(write_share_at(result, "", "hessian", true, &made[i]) == HESSE_OK);
        assert_all(write_share_at(result, "", "linear", false, &made[i]) == HESSE_OK);
        assert_all(hesse_result_finish(result, NULL, 0) == HESSE_OK);
        const hid_t file = open_file("r.h5");
        assert_all(tells_its_making(file, whole, &made[i]));
        assert_all(tells_its_making(file, block, &made[i]));
        assert_all(fabs(attribute(file, "spectra/full/density/values", "deviation") -
                        deviation[i]) < 1e-14);
        H5Fclose(file);
    }
    tear_down(t);
}

/* Two results below prefixes, one of which begins with a slash, and none at the root.
 */
static void results_stand_below_prefixes(void **state)
{
    (void)state;
    const stage t = set_up();
    const char *const prefixes[] = {"/steps/000100/", "steps/000200/"};
    const char *const scaled[] = {"blocks/trace", "metrics/js", "gradient",
                                  "parts/linear/blocks/trace", "hessian/full"};
    const char *const scales[] = {"block", "block", "parameter", "block", "parameter"};
    char path[256], scale[256], *text = NULL;
    double x[64];
    hesse_result *result = NULL;
    assert_all(hesse_result_new(t.team, "r.h5", NULL, &result) == HESSE_OK);
    for (int i = 0; i < 2; i++) {
        const hesse_note step = {
            .name = "step", .kind = HESSE_NOTE_WHOLE, .whole = 100 * (i + 1)};
        hesse_dmat *a = matrix_of(t.grid, N);
        for (int e = 0; e < a->row.count * a->col.count; e++) a->local[e] *= 1 + i;
        assert_all(!write_matrix(result, prefixes[i], "hessian/full", a));
        assert_all(!write_model_at(result, prefixes[i]));
        assert_all(!write_share_at(result, prefixes[i], "hessian", true, &density));
        assert_all(!write_share_at(result, prefixes[i], "linear", false, &density));
        assert_all(!hesse_result_notes(result, prefixes[i], &step, 1));
        hesse_dmat_free(a);
    }
    assert_all(hesse_result_finish(result, NULL, 0) == HESSE_OK);
    const hid_t file = open_file("r.h5");
    assert_all(everything_is_described(file));
    for (int i = 0; i < 2; i++) {
        for (size_t j = 0; j < sizeof scaled / sizeof *scaled; j++) {
            snprintf(path, sizeof path, "%s%s", prefixes[i], scaled[j]);
            snprintf(scale, sizeof scale, "%s%s", prefixes[i], scales[j]);
            assert_all(has_scale(file, path, 0, scale));
            snprintf(scale, sizeof scale, "%s%s", prefixes[1 - i], scales[j]);
            assert_all(!has_scale(file, path, 0, scale));
        }
        snprintf(path, sizeof path, "%shessian/full", prefixes[i]);
        double full[N * N];
        assert_all(reads(file, path, (size_t)N * N, full) &&
                   full[3] == (1 + i) * entry(0, 3));
        snprintf(path, sizeof path, "%sspectra/full/max", prefixes[i]);
        assert_all(reads(file, path, 1, x) && x[0] == 14);
        assert_all(has_whole(file, prefixes[i], "step", 100 * (i + 1)));
    }
    assert_all(H5Lexists(file, "blocks", H5P_DEFAULT) == 0);
    assert_all(has_whole(file, "/", "schema_version", 2));
    H5Fclose(file);
    size_t size;
    hesse_why why;
    FILE *out = open_memstream(&text, &size);
    assert_all(hesse_result_show("r.h5", out, &why) == HESSE_OK);
    assert_all(hesse_result_verify("r.h5", out, &why) == HESSE_OK);
    fclose(out);
    assert_all(strstr(text, "0 spectra checked") != NULL);
    free(text);
    tear_down(t);
}

/* Write a matrix that all ranks but the first hold. */
static hesse_status write_on_last(const stage *t, hesse_result *result,
                                  const char *name, int n)
{
    const int rank = t->team->rank, ranks = t->team->size, alone = ranks == 1;
    hesse_team *part = NULL;
    hesse_grid *grid = NULL;
    assert_all(hesse_team_split(t->team, rank > 0, &part) == HESSE_OK);
    assert_all(hesse_grid_new(part, &grid) == HESSE_OK);
    hesse_dmat *a = matrix_of(grid, n);
    hesse_held held = {.n = n, .first = !alone, .ranks = alone ? 1 : ranks - 1};
    if (rank || alone) held = hesse_dmat_held(a, !alone);
    const hesse_status s = hesse_result_matrix(result, "", name, &held);
    hesse_dmat_free(a);
    hesse_grid_free(grid);
    hesse_team_free(part);
    return s;
}

/* The orders are near multiples of the block size, or so small that some ranks own
   nothing. */
static void matrices_of_any_order_are_whole(void **state)
{
    (void)state;
    const stage t = set_up();
    const int orders[] = {1, 2, 3, 17, 63, 65, 200, 333};
    hesse_result *result = NULL;
    assert_all(hesse_result_new(t.team, "r.h5", NULL, &result) == HESSE_OK);
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        char name[64];
        hesse_dmat *a = matrix_of(t.grid, orders[i]);
        snprintf(name, sizeof name, "hessian/blocks/h%d", orders[i]);
        assert_all(write_on_last(&t, result, name, orders[i]) == HESSE_OK);
        snprintf(name, sizeof name, "hessian/blocks/d%d", orders[i]);
        assert_all(write_matrix(result, "", name, a) == HESSE_OK);
        snprintf(name, sizeof name, "hessian/blocks/s%d", orders[i]);
        assert_all(write_square(result, name, orders[i], t.team->rank,
                                (int)i % t.team->size) == HESSE_OK);
        hesse_dmat_free(a);
    }
    assert_all(hesse_result_finish(result, NULL, 0) == HESSE_OK);
    const hid_t file = open_file("r.h5");
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        char name[64];
        snprintf(name, sizeof name, "hessian/blocks/d%d", orders[i]);
        assert_all(is_matrix(file, name, orders[i]));
        snprintf(name, sizeof name, "hessian/blocks/h%d", orders[i]);
        assert_all(is_matrix(file, name, orders[i]));
        snprintf(name, sizeof name, "hessian/blocks/s%d", orders[i]);
        assert_all(is_matrix(file, name, orders[i]));
    }
    H5Fclose(file);
    tear_down(t);
}

/* A bit changes on the way to the disk. */
static void damage_is_found_on_reading_back(void **state)
{
    (void)state;
    const stage t = set_up();
    for (int what = 0; what < 2; what++) {
        hesse_result *result = NULL;
        hesse_dmat *a = matrix_of(t.grid, 65);
        assert_all(hesse_result_new(t.team, "r.h5", NULL, &result) == HESSE_OK);
        assert_all(write_model(result) == HESSE_OK);
        assert_all(write_matrix(result, "", "hessian/full", a) == HESSE_OK);
        if (t.team->rank == 0) {
            const char *path = what ? "gradient" : "hessian/full";
            double x[65 * 65];
            const hid_t set = H5Dopen2(result->file, path, H5P_DEFAULT);
            H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, x);
            x[3] = nextafter(x[3], 100);
            H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, x);
            H5Dclose(set);
        }
        assert_all(hesse_result_finish(result, NULL, 0) == HESSE_E_OUTPUT);
        assert_all(strstr(t.team->why.text, what ? "gradient" : "hessian/full") !=
                   NULL);
        assert_all(files_here() == 0);
        hesse_dmat_free(a);
    }
    tear_down(t);
}

static void bad_places_fail_at_once(void **state)
{
    (void)state;
    const stage t = set_up();
    const char *const bad[] = {"no/folder/r.h5", "folder", "file/r.h5",
                               "/dev/full",      "",       "/proc/r.h5"};
    if (t.team->rank == 0) {
        mkdir("folder", 0777);
        write_text("file", "not a folder");
    }
    MPI_Barrier(MPI_COMM_WORLD);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        hesse_result *result = NULL;
        assert_all(hesse_result_new(t.team, bad[i], NULL, &result) == HESSE_E_OUTPUT);
        assert_all(result == NULL);
        assert_all(strncmp(t.team->why.text, bad[i], strlen(bad[i])) == 0);
        assert_all(!strchr(t.team->why.text, '\n'));
    }
    assert_all(files_here() == 2);
    hesse_result_drop(NULL);
    tear_down(t);
}

static void a_result_appears_only_when_whole(void **state)
{
    (void)state;
    const stage t = set_up();
    hesse_result *result = NULL;
    if (t.team->rank == 0) write_text("r.h5", "the old one");
    MPI_Barrier(MPI_COMM_WORLD);
    assert_all(hesse_result_new(t.team, "r.h5", NULL, &result) == HESSE_OK);
    assert_all(write_model(result) == HESSE_OK);
    assert_all(files_here() == 2);
    assert_all(H5Fis_hdf5("r.h5") <= 0);
    hesse_result_drop(result);
    assert_all(files_here() == 1);
    assert_all(write_all(&t, "r.h5") == HESSE_OK);
    assert_all(H5Fis_hdf5("r.h5") > 0 && files_here() == 1);
    tear_down(t);
}

/* A disk with this number of bytes: calls of HDF5 and MPI-IO come here first. The
   system reports the size of the file, so that emptying it makes room. */
static off_t capacity = -1;

static bool is_here(int fd, struct stat *info)
{
    struct stat here;
    return !fstat(fd, info) && !stat(".", &here) && info->st_dev == here.st_dev;
}

int __real_posix_fallocate(int fd, off_t at, off_t count);
int __wrap_posix_fallocate(int fd, off_t at, off_t count);

int __wrap_posix_fallocate(int fd, off_t at, off_t count)
{
    struct stat info;
    if (capacity >= 0 && is_here(fd, &info) && at + count > capacity) return ENOSPC;
    return __real_posix_fallocate(fd, at, count);
}

static bool fits(int fd, off_t count, off_t at)
{
    struct stat info;
    if (capacity < 0 || !is_here(fd, &info)) return true;
    const off_t taken = info.st_blocks * 512;
    if (at + count <= taken || taken + count <= capacity) return true;
    errno = ENOSPC;
    return false;
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at)
{
    if (!fits(fd, (off_t)count, at) || lseek(fd, at, SEEK_SET) < 0) return -1;
    return write(fd, bytes, count);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t at)
{
    return pwrite(fd, bytes, count, at);
}

ssize_t pwritev(int fd, const struct iovec *list, int count, off_t at)
{
    ssize_t all = 0;
    for (int i = 0; i < count; i++) {
        const ssize_t done = pwrite(fd, list[i].iov_base, list[i].iov_len, at + all);
        if (done < 0) return -1;
        all += done;
    }
    return all;
}

/* This also writes a matrix: 320 kB from all ranks together. */
static hesse_status write_on_a_disk_of(const stage *t, off_t bytes)
{
    hesse_result *result = NULL;
    hesse_dmat *a = matrix_of(t->grid, 200);
    assert_all(hesse_result_new(t->team, "r.h5", NULL, &result) == HESSE_OK);
    capacity = bytes;
    hesse_status s = write_matrix(result, "", "hessian/full", a);
    if (!s) s = write_model(result);
    if (!s) s = write_share(result, "hessian", true);
    if (!s) s = write_share(result, "linear", true);
    if (!s)
        s = hesse_result_finish(result, NULL, 0);
    else
        hesse_result_drop(result);
    MPI_Barrier(MPI_COMM_WORLD);
    capacity = -1;
    hesse_dmat_free(a);
    return s;
}

static void a_full_disk_fails_all(void **state)
{
    (void)state;
    const stage t = set_up();
    hesse_result *result = NULL;
    int failures = 0;
    MPI_Barrier(MPI_COMM_WORLD);
    capacity = 100000;
    assert_all(hesse_result_new(t.team, "r.h5", NULL, &result) == HESSE_E_OUTPUT);
    assert_all(strstr(t.team->why.text, "No space left on device") != NULL);
    capacity = -1;
    assert_all(files_here() == 0);
    for (off_t bytes = 65536; bytes < 600000; bytes += 20480) {
        const hesse_status s = write_on_a_disk_of(&t, bytes);
        assert_all(s == HESSE_OK || s == HESSE_E_OUTPUT);
        if (s) assert_all(strncmp(t.team->why.text, "r.h5: ", 6) == 0);
        failures += s == HESSE_E_OUTPUT;
        assert_all(files_here() == (s == HESSE_OK));
        assert_all(s || t.team->rank || remove("r.h5") == 0);
    }
    assert_all(failures >= 5 && failures < 25);
    tear_down(t);
}

/* Count the allocations of a run without failures, by rank. */
static void count_allocations(const stage *t, int *counts)
{
    allocations = 0, broken_at = -1, broken_rank = t->team->rank;
    assert_all(write_all(t, "r.h5") == HESSE_OK);
    broken_rank = -1;
    MPI_Allgather(&allocations, 1, MPI_INT, counts, 1, MPI_INT, MPI_COMM_WORLD);
    assert_all(t->team->rank || remove("r.h5") == 0);
}

static void any_allocation_may_fail_on_any_rank(void **state)
{
    (void)state;
    const stage t = set_up();
    int counts[64];
    assert_all(t.team->size <= 64);
    count_allocations(&t, counts);
    for (int r = 0; r < t.team->size; r++)
        for (int at = 0; at < counts[r]; at += at < 12 ? 1 : 3) {
            broken_rank = r, broken_at = at, allocations = 0;
            const hesse_status s = write_all(&t, "r.h5");
            broken_rank = -1;
            assert_all(s == HESSE_E_NOMEM);
            assert_all(files_here() == 0);
        }
    tear_down(t);
}

static void show_prints_a_line_for_every_computed_block(void **state)
{
    (void)state;
    const stage t = set_up();
    assert_all(write_all(&t, "r.h5") == HESSE_OK);
    char *text = NULL;
    size_t size;
    hesse_why why;
    FILE *out = open_memstream(&text, &size);
    assert_all(hesse_result_show("r.h5", out, &why) == HESSE_OK);
    fclose(out);
    for (int b = 0; b < B; b++) assert_all(!strstr(text, names[b]) == (b == 2));
    assert_all(strstr(text, "\nhessian\n") && strstr(text, "\nlinear\n"));
    assert_all(strstr(text, "(full)") && strstr(text, "js 2, wasserstein 2"));
    assert_all(strstr(text, "loss                   2.5\n") != NULL);
    free(text);
    tear_down(t);
}

/* For any bytes in a file, show ends with a status and a line. */
static void show_survives_damaged_files(void **state)
{
    (void)state;
    const stage t = set_up();
    hesse_why why;
    FILE *null = fopen("/dev/null", "w");
    assert_all(write_all(&t, "r.h5") == HESSE_OK);
    assert_all(hesse_result_show("none.h5", null, &why) == HESSE_E_INPUT);
    assert_all(hesse_result_show("/dev/null", null, &why) == HESSE_E_INPUT);
    int bad = 0;
    if (t.team->rank == 0) {
        FILE *f = fopen("r.h5", "rb");
        unsigned char *bytes = calloc(1, 1 << 20);
        const int size = (int)fread(bytes, 1, 1 << 20, f);
        uint64_t seed = 12;
        fclose(f);
        for (int i = 0; i < 300; i++) {
            const int at = (int)((uniform(&seed) + 1) / 2 * size);
            const int length = i % 3 ? size : (int)((uniform(&seed) + 1) / 2 * size);
            const unsigned char flipped = (unsigned char)(1 << i % 8);
            bytes[at] ^= flipped;
            write_bytes("damaged.h5", bytes, length);
            const hesse_status s = hesse_result_show("damaged.h5", null, &why);
            bad += s != HESSE_OK && s != HESSE_E_INPUT;
            bad += s && strncmp(why.text, "damaged.h5: ", 12) != 0;
            bytes[at] ^= flipped;
        }
        free(bytes);
    }
    assert_all(!bad);
    fclose(null);
    tear_down(t);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_result_is_described_and_its_axes_are_named),
    cmocka_unit_test(a_result_holds_what_was_written),
    cmocka_unit_test(a_density_tells_its_making),
    cmocka_unit_test(results_stand_below_prefixes),
    cmocka_unit_test(matrices_of_any_order_are_whole),
    cmocka_unit_test(damage_is_found_on_reading_back),
    cmocka_unit_test(bad_places_fail_at_once),
    cmocka_unit_test(a_result_appears_only_when_whole),
    cmocka_unit_test(a_full_disk_fails_all),
    cmocka_unit_test(any_allocation_may_fail_on_any_rank),
    cmocka_unit_test(show_prints_a_line_for_every_computed_block),
    cmocka_unit_test(show_survives_damaged_files),
};

MPI_TEST_MAIN(tests)
