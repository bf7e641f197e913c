/* The table of the schema is compared with the files that jobs of every kind write,
   with the documentation, and with files of an older version. */
#include "check_files.h"
#include "check_mpi.h"
#include "output/reader.h"
#include "output/schema.h"
#include "output/show.h"
#include "output/verify.h"
#include "program/commands.h"

#include <hdf5.h>
#include <hdf5_hl.h>
#include <math.h>

#define FOLDER HESSE_TEST_FOLDER "/"

enum { MOST = 12, ROWS = 1024, TEXT = 1 << 17 };

/* A job, given by its text or by its file. */
typedef struct job {
    const char *text, *file;
    const char *sets[MOST];
    hesse_status status; /* of the command */
} job;

static const job JOBS[] = {
    {.text = "model: {family: llama, layers: 1, heads: 2, kv_heads: 1, width: 4,\n"
             "        inner: 6, context: 6, seed: 3}\n"
             "data: {text: text.txt, sequences: 2, context: 6, seed: 5,\n"
             "       vocabulary: characters}\n"
             "hessian: {scope: both, partition: head, parts: [hessian, softmax]}\n"
             "spectrum: {eigenvectors: 1, density: {points: 9, scale: tenth}}\n"
             "metrics: {distance: [js, js_distance, js_raw, js_log, wasserstein]}\n"
             "output: {matrices: true}\n"},
    {.file = "families/mlp/job.yaml",
     .sets = {"hessian.method=lanczos", "hessian.scope=both",
              "spectrum.lanczos.steps=4", "spectrum.lanczos.probes=2",
              "spectrum.extreme.pairs=2", "spectrum.eigenvectors=1",
              "spectrum.hutchinson.probes=3", "spectrum.hutchinson.sketch=2"}},
    {.file = "families/mlp/job.yaml",
     .sets = {"hessian.method=lanczos", "spectrum.lanczos.procedure=paper",
              "data.batch=1", "hessian.reduction=micro_batches"}},
    {.file = "families/mlp/job.yaml",
     .sets = {"hessian.scope=both", "measures.tail=true", "measures.index=[0, 1]",
              "measures.scaling.name=exp_avg_sq",
              "measures.scaling.file=model.safetensors"}},
    {.file = "families/vgg_bn/job.yaml", .sets = {"hessian.only=[\"*bias\"]"}},
    {.file = "families/vit/job.yaml",
     .sets = {"hessian.only=[\"*bias\"]", "hessian.precision=single",
              "measures.tail=true"}},
    {.file = "families/bert/job.yaml", .sets = {"hessian.only=[\"*bias\"]"}},
    {.file = "families/attention/job.yaml", .sets = {"hessian.scope=full"}},
    {.text = "model: {family: gpt2, config: " FOLDER "reference/gpt2/config.json,\n"
             "        checkpoint: more.safetensors}\n"
             "data: {tokens: " FOLDER "reference/gpt2/tokens.npy}\n"
             "hessian: {only: [\"*ln_f*\"]}\n"
             "measures: {directions: [gradient, more.safetensors],\n"
             "           block_error: [own], kronecker: true}\n"
             "output: {products: true}\n"},
    {.text = "model: {family: gpt2, config: " FOLDER "reference/gpt2/config.json,\n"
             "        checkpoints: [" FOLDER "reference/gpt2/model.safetensors,\n"
             "                      more.safetensors]}\n"
             "series: {step: [0, 1000]}\n"
             "data: {tokens: " FOLDER "reference/gpt2/tokens.npy}\n"
             "hessian: {only: [\"*ln_f*\"], scope: both, parts: [hessian, softmax]}\n"
             "spectrum: {eigenvectors: 1}\n"
             "metrics: {distance: [js, js_distance, js_raw, js_log, wasserstein]}\n"},
    {.text = "model: {family: mlp, widths: [3], loss: squared_error}\n"
             "data: {generator: gaussian, features: 4, classes: 3, sequences: 6}\n"
             "hessian: {repeats: 2, parts: [hessian, functional]}\n"
             "sweep: {data: {scale: [0.1, 1, 2]}}\n"},
    {.text = "model: {family: graph, graph: graph.json}\n"
             "data: {generator: clusters, features: 2, classes: 2, sequences: 4}\n"},
};
enum { JOBS_COUNT = sizeof JOBS / sizeof *JOBS };

/* Training runs, whose logs have the other rows. */
static const job RUNS[] = {
    {.text =
         "model: {family: mlp, widths: [5], seed: 1}\n"
         "data: {generator: clusters, features: 6, classes: 3, sequences: 32}\n"
         "train: {optimiser: adamw, steps: 8, batch: 4, evaluate: {sequences: 4},\n"
         "        measures: {every: 1, noise: 10, robust_condition: true, classes: 3,\n"
         "                   critical_rate: true}}\n"},
    {.text = "model: {family: mlp, widths: [5], seed: 1}\n"
             "data: {generator: clusters, features: 6, classes: 3, sequences: 32}\n"
             "train: {optimiser: sgd, steps: 8, measures: {every: 2, "
             "gradient_smoothness: 2, instability: true, by_group: true}}\n"},
    {.text = "model: {family: mlp, widths: [5], seed: 1}\n"
             "data: {generator: clusters, features: 6, classes: 3, sequences: 32}\n"
             "train: {optimiser: sgd, steps: 8, learning_rate: 1e300}\n",
     .status = HESSE_E_NUMERIC},
};
enum { RUNS_COUNT = sizeof RUNS / sizeof *RUNS };

/* Families that have a theory. */
static const job THEORIES[] = {
    {.text = "model: {family: quadratic, widths: [1, 2], eigenvalues: [1, 2, 9]}\n"
             "theory: {draws: 4}\n"},
    {.text = "model: {family: linear_transformer, layers: 1}\n"
             "data: {generator: regression, features: 2, examples: 3, sequences: 8}\n"},
    {.text = "model: {family: attention, heads: 1, head_size: 2, value_size: 3}\n"
             "data: {inputs: " FOLDER "families/attention/x.npy, targets: " FOLDER
             "families/attention/y.npy}\n"
             "theory: {moments: true, project: true}\n"},
    {.text = "model: {family: attention, heads: 2, head_size: 2, kernel: gaussian}\n"
             "data: {generator: outputs, sequences: 2}\n"
             "train: {optimiser: gd, only: [value.weight], steps: 3}\n"},
};
enum { THEORIES_COUNT = sizeof THEORIES / sizeof *THEORIES };

/* Landscapes along one and two directions. */
static const job LANDSCAPES[] = {
    {.text = "model: {family: mlp, widths: [5], seed: 1}\n"
             "data: {generator: clusters, features: 6, classes: 3, sequences: 8}\n"
             "landscape: {points: 5, gradient: true, curvature: true}\n"},
    {.text = "model: {family: gpt2, config: " FOLDER "reference/gpt2/config.json,\n"
             "        checkpoint: more.safetensors}\n"
             "data: {tokens: " FOLDER "reference/gpt2/tokens.npy}\n"
             "landscape: {points: 3, directions: more.safetensors, range: [-0.1, 0.1]}"
             "\n"},
};
enum { LANDSCAPES_COUNT = sizeof LANDSCAPES / sizeof *LANDSCAPES };

/* Make a checkpoint with one more tensor, a buffer that a run mentions but does not
   read. */
static void add_buffer(const char *from, const char *to)
{
    enum { ROOM = 1 << 20 };
    char *bytes = calloc(ROOM, 1), more[160];
    FILE *f = fopen(from, "rb");
    uint64_t header, length = 0;
    assert_true(bytes && f);
    const size_t size = fread(bytes, 1, ROOM, f);
    fclose(f);
    memcpy(&header, bytes, sizeof header);
    const uint64_t numbers = size - sizeof header - header;
    char *text = bytes + sizeof header;
    while (text[header - 1 - length] != '}') length++;
    snprintf(more, sizeof more,
             ", \"transformer.h.0.attn.bias\": {\"dtype\": \"F64\", \"shape\": [1], "
             "\"data_offsets\": [%zu, %zu]}}",
             (size_t)numbers, (size_t)numbers + 8);
    const uint64_t kept = header - 1 - length, now = kept + strlen(more);
    const double zero = 0;
    f = fopen(to, "wb");
    assert_non_null(f);
    fwrite(&now, sizeof now, 1, f);
    fwrite(text, 1, kept, f);
    fwrite(more, 1, strlen(more), f);
    fwrite(text + header, 1, numbers, f);
    fwrite(&zero, sizeof zero, 1, f);
    assert_int_equal(fclose(f), 0);
    free(bytes);
}

/* A linear map and a cross-entropy. */
static const char GRAPH[] =
    "{\"format\": \"hesse-graph\", \"version\": 1, \"tokens\": 1, \"values\": [\n"
    "{\"kind\": \"input\", \"tokens\": 1, \"width\": 2},\n"
    "{\"kind\": \"parameter\", \"name\": \"w\", \"tensor\": \"w\", \"rows\": 2, "
    "\"cols\": 2,\n"
    " \"layer\": -1, \"init\": {\"mean\": 0, \"spread\": 1}, \"out_rows\": true},\n"
    "{\"kind\": \"result\", \"tokens\": 1, \"width\": 2},\n"
    "{\"kind\": \"result\", \"tokens\": 0, \"width\": 0}],\n"
    "\"nodes\": [{\"operator\": \"linear_unbiased\", \"inputs\": [0, 1], \"output\": "
    "2,\n"
    " \"sizes\": {\"channels\": 2, \"outputs\": 2, \"out_rows\": true}},\n"
    "{\"operator\": \"cross_entropy\", \"inputs\": [2], \"output\": 3, \"ids\": "
    "\"labels\",\n"
    " \"sizes\": {\"channels\": 2}}]}";

static void run_job(hesse_team *team, const char *command, const job *j,
                    const char *output)
{
    char file[512];
    snprintf(file, sizeof file, "%s%s", FOLDER, j->file ? j->file : "");
    if (j->text) {
        write_text("text.txt", "a rose is a rose is a rose is a rose");
        write_text("job.yaml", j->text);
        write_text("graph.json", GRAPH);
        add_buffer(FOLDER "reference/gpt2/model.safetensors", "more.safetensors");
        strcpy(file, "job.yaml");
    }
    hesse_options options = {.command = hesse_command_named(command),
                             .file = file,
                             .output = output,
                             .force = true};
    while (j->sets[options.n_sets]) {
        options.sets[options.n_sets] = j->sets[options.n_sets];
        options.n_sets++;
    }
    const hesse_status s = options.command->run(team, &options);
    if (s != j->status)
        fail_msg("%s %s: status %d, %s", command, file, (int)s,
                 hesse_team_why(team)->text);
}

/* The objects that were found during a walk through a file. */
typedef struct met {
    bool rows[ROWS];
    const char *path;
    int strange;
} met;

static void meet(met *m, const char *attribute, const hesse_schema_row *row)
{
    for (size_t i = 0; row && hesse_schema_row_at(i); i++)
        if (hesse_schema_row_at(i) == row) m->rows[i] = true;
    if (!row) {
        fprintf(stderr, "no row: %s%s%s\n", m->path, attribute ? " @" : "",
                attribute ? attribute : "");
        m->strange++;
    }
}

static hesse_content content_of(hid_t type)
{
    return H5Tget_class(type) == H5T_STRING    ? HESSE_CONTENT_TEXT
           : H5Tget_class(type) == H5T_INTEGER ? HESSE_CONTENT_WHOLE
                                               : HESSE_CONTENT_NUMBER;
}

static void same_content(const met *m, const hesse_schema_row *row, hid_t type)
{
    if (row && row->content != content_of(type))
        fail_msg("%s: not of the type that its row says", m->path);
    H5Tclose(type);
}

/* Attributes that HDF5 itself attaches to dimension scales are no part of the schema.
 */
static herr_t meet_attribute(hid_t object, const char *name, const H5A_info_t *info,
                             void *data)
{
    (void)info;
    static const char *const own[] = {"CLASS", "NAME", "DIMENSION_LIST",
                                      "DIMENSION_LABELS", "REFERENCE_LIST"};
    met *m = data;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcmp(name, own[i]) == 0) return 0;
    const hesse_schema_row *row = hesse_schema_find(m->path, name);
    const hid_t a = H5Aopen(object, name, H5P_DEFAULT);
    meet(m, name, row);
    same_content(m, row, H5Aget_type(a));
    H5Aclose(a);
    return 0;
}

/* A dimension without coordinates is no data. */
static bool is_dimension(hid_t object)
{
    char name[32] = "";
    return H5Aexists(object, "CLASS") > 0 && H5Aexists(object, "NAME") > 0 &&
           H5DSget_scale_name(object, name, sizeof name) > 0 &&
           strncmp(name, "This is a netCDF dimension but", 30) == 0;
}

/* Readers of netCDF want a scale for every axis, with a length, in the group of the
   dataset or above, and no two axes with the same one. */
typedef struct axis_scales {
    const char *path;
    hsize_t length;
    char names[2][HESSE_PATH];
} axis_scales;

static herr_t meet_scale(hid_t set, unsigned axis, hid_t scale, void *data)
{
    (void)set;
    axis_scales *x = data;
    hsize_t length = 0;
    const hid_t space = H5Dget_space(scale);
    H5Sget_simple_extent_dims(space, &length, NULL);
    H5Sclose(space);
    char *name = x->names[axis];
    H5Iget_name(scale, name, HESSE_PATH);
    const size_t folder = (size_t)(strrchr(name, '/') - name);
    if (length != x->length || strncmp(name + 1, x->path, folder) != 0)
        fail_msg("%s: axis %u has the scale %s of length %d", x->path, axis, name,
                 (int)length);
    return 1;
}

static void every_axis_has_a_scale(const char *path, hid_t set)
{
    hsize_t extent[2] = {0};
    axis_scales x = {.path = path};
    const hid_t space = H5Dget_space(set);
    const int rank = H5Sget_simple_extent_dims(space, extent, NULL);
    H5Sclose(space);
    if (H5DSis_scale(set) > 0) return;
    for (int axis = 0; axis < rank; axis++) {
        x.length = extent[axis];
        if (H5DSget_num_scales(set, (unsigned)axis) != 1)
            fail_msg("%s: axis %d has not one scale", path, axis);
        H5DSiterate_scales(set, (unsigned)axis, NULL, meet_scale, &x);
    }
    if (rank == 2 && strcmp(x.names[0], x.names[1]) == 0)
        fail_msg("%s: both axes have the scale %s", path, x.names[0]);
}

static herr_t meet_object(hid_t file, const char *name, const H5O_info_t *info,
                          void *data)
{
    met *m = data;
    const bool root = strcmp(name, ".") == 0;
    m->path = root ? "" : name;
    const hid_t o = H5Oopen(file, name, H5P_DEFAULT);
    if (info->type == H5O_TYPE_DATASET && is_dimension(o)) {
        H5Oclose(o);
        return 0;
    }
    if (info->type == H5O_TYPE_DATASET) every_axis_has_a_scale(name, o);
    if (!root) {
        const hesse_schema_row *row = hesse_schema_find(name, NULL);
        meet(m, NULL, row);
        if (row && info->type == H5O_TYPE_DATASET) {
            same_content(m, row, H5Dget_type(o));
            const hesse_set set = hesse_schema_set(name, false);
            const hid_t space = H5Dget_space(o);
            int axes = 0;
            while (axes < 2 && set.axes[axes].label) axes++;
            const int found = H5Sget_simple_extent_ndims(space);
            if (found != axes && !(row->flat && found == 1))
                fail_msg("%s: not of the shape that its row says", name);
            H5Sclose(space);
        } else if (row && row->content != HESSE_CONTENT_GROUP) {
            fail_msg("%s: a group, which its row does not say", name);
        }
    }
    H5Aiterate2(o, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, meet_attribute, m);
    H5Oclose(o);
    return 0;
}

/* The walk over objects does not follow links, and so meets no row of a link. */
static herr_t meet_link(hid_t file, const char *name, const H5L_info_t *info,
                        void *data)
{
    met *m = data;
    char target[HESSE_PATH] = "";
    if (info->type != H5L_TYPE_SOFT) return 0;
    m->path = name;
    const hesse_schema_row *row = hesse_schema_find(name, NULL);
    meet(m, NULL, row);
    assert_true(H5Lget_val(file, name, target, sizeof target - 1, H5P_DEFAULT) >= 0);
    assert_true(row && row->link);
    assert_string_equal(target + 1, row->link);
    const hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
    assert_true(set >= 0);
    same_content(m, row, H5Dget_type(set));
    H5Dclose(set);
    return 0;
}

static void meet_file(met *m, const char *path)
{
    const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(file >= 0);
    H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_NATIVE, meet_object, m, H5O_INFO_BASIC);
    H5Lvisit(file, H5_INDEX_NAME, H5_ITER_NATIVE, meet_link, m);
    H5Fclose(file);
}

static hesse_status verify(const char *path, hesse_why *why)
{
    FILE *out = fopen("/dev/null", "w");
    const hesse_status s = hesse_result_verify(path, out, why);
    fclose(out);
    return s;
}

/* Rows that a run of one family leaves out are written by a run of another. */
static void jobs_write_the_rows_and_nothing_else(void **state)
{
    (void)state;
    hesse_team *team = NULL;
    hesse_why why;
    met m = {0};
    setenv("OMP_NUM_THREADS", "1", 1);
    assert_all(!hesse_team_new(MPI_COMM_WORLD, &team));
    for (int i = 0; i < JOBS_COUNT; i++) {
        run_job(team, "run", &JOBS[i], "r.h5");
        if (verify("r.h5", &why)) fail_msg("job %d: %s", i, why.text);
        meet_file(&m, "r.h5");
    }
    for (int i = 0; i < RUNS_COUNT; i++) {
        run_job(team, "train", &RUNS[i], "r");
        if (verify("r/log.h5", &why)) fail_msg("run %d: %s", i, why.text);
        meet_file(&m, "r/log.h5");
    }
    for (int i = 0; i < THEORIES_COUNT; i++) {
        run_job(team, "theory", &THEORIES[i], "t.h5");
        if (verify("t.h5", &why)) fail_msg("theory %d: %s", i, why.text);
        meet_file(&m, "t.h5");
    }
    for (int i = 0; i < LANDSCAPES_COUNT; i++) {
        run_job(team, "landscape", &LANDSCAPES[i], "l.h5");
        if (verify("l.h5", &why)) fail_msg("landscape %d: %s", i, why.text);
        meet_file(&m, "l.h5");
    }
    assert_int_equal(m.strange, 0);
    int missed = 0;
    const hesse_schema_row *row;
    for (size_t i = 0; (row = hesse_schema_row_at(i)); i++) {
        if (m.rows[i]) continue;
        fprintf(stderr, "not written: %s%s%s\n", row->path, row->attribute ? " @" : "",
                row->attribute ? row->attribute : "");
        missed++;
    }
    assert_int_equal(missed, 0);
    hesse_team_free(team);
}

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char *text = calloc(TEXT, 1);
    assert_true(fread(text, 1, TEXT, f) < TEXT);
    fclose(f);
    return text;
}

/* The documentation has every table between its markers. A table that was changed by
   hand is found. */
static void the_documentation_has_the_tables(void **state)
{
    (void)state;
    char *made = NULL, *docs = read_file(FOLDER "../docs/result.md");
    size_t size;
    hesse_why why;
    int tables = 0;
    FILE *out = open_memstream(&made, &size);
    assert_int_equal(hesse_schema_print(out, true, &why), HESSE_OK);
    fclose(out);
    static const char end[] = "<!-- end -->\n";
    for (char *at = made, *stop; *at; at = stop, tables++) {
        stop = strstr(at, end) + strlen(end);
        const char kept = *stop;
        *stop = '\0';
        if (!strstr(docs, at))
            fail_msg(
                "docs/result.md lacks this table; `hesse schema --markdown` prints "
                "it:\n%s",
                at);
        *stop = kept;
    }
    int markers = 0;
    for (const char *at = docs; (at = strstr(at, "<!-- generated:")); at++) markers++;
    assert_int_equal(tables, HESSE_SECTIONS + 1); /* and that of pictures */
    assert_int_equal(markers, tables);
    free(made);
    free(docs);
}

static void paths_have_rows(void **state)
{
    (void)state;
    static const struct {
        const char *path, *attribute, *row;
    } cases[] = {{"blocks/trace", NULL, "blocks/trace"},
                 {"parts/softmax/blocks/trace", NULL, "blocks/trace"},
                 {"spectra/full/trace", NULL, "blocks/trace"},
                 {"parts/a/spectra/full/trace", NULL, "blocks/trace"},
                 {"spectra/blocks/w.größe/nodes", NULL, "spectra/MATRIX/nodes"},
                 {"spectra/full/nodes", "seed", "spectra/MATRIX/nodes"},
                 {"metrics/js_raw", "js0", "metrics/DISTANCE"},
                 {"parts/softmax", NULL, "parts/SHARE"},
                 {"hessian/blocks/a", NULL, "hessian/blocks/BLOCK"},
                 {"", "loss", ""},
                 {"steps/000100", NULL, "steps/STEP"},
                 {"steps/000100", "loss", ""},
                 {"steps/000100/parts/a/blocks/trace", NULL, "blocks/trace"},
                 {"series/trace", NULL, "series/COLUMN"},
                 {"series/parts/a/full/trace", NULL, "series/full/COLUMN"},
                 {"series/gradient_norm", NULL, "series/gradient_norm"},
                 {"series/parts/a/js0", NULL, "series/js0"},
                 {"series/parts/a/loss", NULL, NULL},
                 {"series/trace2", NULL, NULL},
                 {"job", NULL, ""},
                 {"spectra/full", "units", "*"},
                 {"loss", NULL, "loss"},
                 {"losses", NULL, NULL},
                 {"", "losses", NULL},
                 {"spectra/full/offset", NULL, NULL},
                 {"parts/a/blocks/offset", NULL, NULL},
                 {"spectra/blocks/a/b/nodes", NULL, NULL},
                 {"spectra/blocks//nodes", NULL, NULL},
                 {"blocks/trace2", NULL, NULL},
                 {"blocks", "loss", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const hesse_schema_row *row =
            hesse_schema_find(cases[i].path, cases[i].attribute);
        if (!row != !cases[i].row || (row && strcmp(row->path, cases[i].row) != 0))
            fail_msg("%s: row %s, expected %s", cases[i].path, row ? row->path : "none",
                     cases[i].row ? cases[i].row : "none");
    }
    char room[HESSE_PATH];
    assert_string_equal(hesse_schema_path("parts/a/blocks/check_trace", 1, room),
                        "parts/a/blocks/proof_trace");
    assert_string_equal(hesse_schema_path("spectra/full/check_symmetry", 1, room),
                        "spectra/full/proof_symmetry");
    assert_string_equal(hesse_schema_path("spectra/full/check_symmetry", 2, room),
                        "spectra/full/check_symmetry");
}

static void files_of_schema_1_are_read(void **state)
{
    (void)state;
    static const char *const files[] = {FOLDER "output/schema_1_exact.h5",
                                        FOLDER "output/schema_1_lanczos.h5"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *text = NULL;
        size_t size;
        hesse_why why = {0};
        FILE *out = open_memstream(&text, &size);
        if (hesse_result_show(files[i], out, &why) || verify(files[i], &why))
            fail_msg("%s", why.text);
        fclose(out);
        assert_non_null(strstr(text, i ? " -\n" : " ok\n"));
        assert_null(strstr(text, "WRONG"));
        free(text);
    }
    hesse_reader r;
    hesse_why why;
    assert_int_equal(hesse_reader_open(files[0], &r, &why), HESSE_OK);
    assert_int_equal(r.version, 1);
    double *check =
        hesse_reader_column(&r, "spectra/full/check_trace", H5T_NATIVE_DOUBLE, 1);
    assert_non_null(check);
    assert_true(*check < 1e-12);
    free(check);
    H5Fclose(r.file);
}

/* A later schema than this one is refused with the reason. */
static void later_schemas_are_refused(void **state)
{
    (void)state;
    hesse_why why;
    FILE *out = fopen("/dev/null", "w");
    const hid_t file = H5Fcreate("r.h5", H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t a = H5Acreate2(file, "schema_version", H5T_STD_I64LE, space,
                               H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(a, H5T_NATIVE_INT64, &(int64_t){HESSE_SCHEMA_VERSION + 1});
    H5Aclose(a);
    H5Sclose(space);
    H5Fclose(file);
    assert_int_equal(hesse_result_show("r.h5", out, &why), HESSE_E_INPUT);
    assert_says(&why, "r.h5", "schema_version 1 to 2");
    fclose(out);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(paths_have_rows),
    cmocka_unit_test(the_documentation_has_the_tables),
    cmocka_unit_test(files_of_schema_1_are_read),
    cmocka_unit_test_setup_teardown(later_schemas_are_refused, enter_folder,
                                    leave_folder),
    cmocka_unit_test_setup_teardown(jobs_write_the_rows_and_nothing_else, enter_folder,
                                    leave_folder),
};

MPI_TEST_MAIN(tests)
