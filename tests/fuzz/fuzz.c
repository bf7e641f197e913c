/* The readers of input files under libFuzzer. Whatever the bytes are, a reader must
   end, and it must give a status and one line of reason when it refuses them.
   HESSE_FUZZ names the reader; tools/fuzz runs them all. */
#include "checkpoint/manifest.h"
#include "checkpoint/part_file.h"
#include "data/read.h"
#include "job/job.h"
#include "network/families/config.h"
#include "network/families/families.h"
#include "network/graph_json.h"
#include "network/weights.h"
#include "output/show.h"
#include "output/show_json.h"
#include "output/stamp.h"
#include "output/verify.h"

#include <hdf5.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static char folder[] = "/dev/shm/hesse-fuzz-XXXXXX";
static char path[128];

/* An error has a reason of one line. */
static void expect(hesse_status s, const hesse_why *why)
{
    if (s && (!why->text[0] || strchr(why->text, '\n'))) abort();
}

static void read_weights(void)
{
    hesse_why why;
    hesse_safetensors *file = NULL;
    hesse_arch arch = {.family = "gpt2"};
    hesse_status s = hesse_safetensors_open(path, &file, &why);
    expect(s, &why);
    if (s) return;
    const size_t count = hesse_safetensors_count(file);
    for (size_t i = 0; i < count; i++) {
        const hesse_tensor *t = hesse_safetensors_tensor(file, i);
        if (t->count > 1 << 16) continue;
        double *values = malloc((t->count + 1) * sizeof *values);
        expect(hesse_safetensors_read(file, t, values, &why), &why);
        free(values);
    }
    expect(hesse_weights_probe(file, path, &arch, &why), &why);
    hesse_safetensors_close(file);
}

/* The bytes are the text of a graph. If it is read, a tape can be made of it, as for a
   plan. */
static void read_graph(const uint8_t *bytes, size_t count)
{
    hesse_why why;
    hesse_graph *g = NULL;
    hesse_arch arch = {.family = "graph"};
    const hesse_status s = hesse_graph_parse("g", (const char *)bytes, count, &g, &why);
    expect(s, &why);
    if (s) return;
    arch.graph = g;
    hesse_family_complete(&arch);
    const hesse_data_needs needs = hesse_family_needs(&arch);
    hesse_batch batch = {.sequences = 1, .context = g->tokens};
    hesse_tape *tape = NULL;
    expect(hesse_family_fit(&arch, &batch, &why), &why);
    batch.wanted_tokens = batch.wanted_width = 1;
    const hesse_weighting mean = {.scale = 1};
    expect(hesse_graph_tape(g, &batch, NULL, &mean, &tape, &why), &why);
    if (tape && needs.vocabulary >= 0) hesse_tape_bytes(tape);
    hesse_tape_free(tape);
    hesse_graph_free(g);
}

static void read_config(void)
{
    hesse_why why;
    for (int i = 0; hesse_families[i]; i++) {
        hesse_arch arch = {0};
        if (!hesse_families[i]->read_config) continue;
        strcpy(arch.family, hesse_families[i]->name);
        expect(hesse_config_read(path, &arch, &why), &why);
    }
}

static void read_data(const hesse_data_options *options, hesse_reads reads)
{
    hesse_why why;
    hesse_batch b;
    const hesse_data_needs needs = {.reads = reads, .vocabulary = 50, .positions = 16};
    expect(hesse_data_read(options, &needs, &b, &why), &why);
    hesse_batch_free(&b);
}

static const char *const paths[] = {path, path};

static void read_tokens(void)
{
    read_data(
        &(hesse_data_options){
            .kind = "tokens", .paths = paths, .n_paths = 1, .sequences = 2},
        HESSE_READS_IDS);
}

/* The file as a text and as the table of its characters. */
static void read_table(void)
{
    read_data(&(hesse_data_options){.kind = "text",
                                    .paths = paths,
                                    .n_paths = 1,
                                    .characters = true,
                                    .table = path},
              HESSE_READS_IDS);
}

/* The file as numbers and as what is wanted of them. */
static void read_arrays(void)
{
    for (int labels = 0; labels < 2; labels++)
        read_data(&(hesse_data_options){.kind = "inputs",
                                        .paths = paths,
                                        .n_paths = 1,
                                        .labels = labels ? path : NULL,
                                        .targets = labels ? NULL : path},
                  HESSE_READS_NUMBERS);
}

/* As records, and as images and their labels. */
static void read_images(void)
{
    for (int labels = 0; labels < 2; labels++)
        read_data(&(hesse_data_options){.kind = "images",
                                        .paths = paths,
                                        .n_paths = 1,
                                        .labels = labels ? path : NULL,
                                        .sequences = 1,
                                        .size = labels,
                                        .standard = true},
                  HESSE_READS_IMAGES);
}

/* Lines with labels, and lines of two classes. */
static void read_texts(void)
{
    for (int count = 1; count <= 2; count++)
        read_data(&(hesse_data_options){.kind = "texts",
                                        .paths = paths,
                                        .n_paths = count,
                                        .characters = count == 1,
                                        .words = count == 2 ? 3 : 0},
                  HESSE_READS_IDS);
}

static void read_job(const uint8_t *bytes, size_t count)
{
    hesse_why why;
    hesse_job *job = NULL;
    char *text = malloc(count + 1);
    if (count) memcpy(text, bytes, count);
    text[count] = '\0';
    const hesse_status s =
        hesse_job_parse(text, count, "j.yaml", NULL, NULL, &job, &why);
    expect(s, &why);
    hesse_job *again = NULL; /* the resolved job is the same job */
    if (!s && (hesse_job_parse(job->complete, strlen(job->complete), "j.yaml", NULL,
                               NULL, &again, &why) ||
               strcmp(again->complete, job->complete) != 0))
        abort();
    hesse_job_free(again);
    hesse_job_free(job);
    free(text);
}

static void read_part(void)
{
    static const char identity[] =
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    hesse_why why;
    hesse_part_entry *entries;
    size_t count;
    expect(hesse_part_scan(path, identity, &entries, &count, &why), &why);
    free(entries);
}

static void read_manifest(void)
{
    hesse_why why;
    expect(hesse_manifest_match(path,
                                "{\"format\": 1, \"inputs\": {\"data\": \"00\"}, "
                                "\"job\": {\"hessian.scope\": \"full\"}, "
                                "\"program\": \"hesse\"}",
                                &why),
           &why);
}

/* HDF5 does not stand raw bytes that are damaged, and `show` says so when it falls.
   Here the file is good and its objects are not: the bytes are edits of
   tests/fuzz/good.hdf5. */
typedef struct edits {
    const uint8_t *next, *end;
} edits;

static unsigned take(edits *e)
{
    return e->next < e->end ? *e->next++ : 0;
}

typedef struct chosen_object {
    unsigned left; /* to pass by */
    char name[256];
} chosen_object;

static herr_t pass_by(hid_t file, const char *name, const H5O_info_t *info, void *data)
{
    (void)file, (void)info;
    chosen_object *c = data;
    if (strcmp(name, ".") == 0 || c->left--) return 0;
    snprintf(c->name, sizeof c->name, "%s", name);
    return 1;
}

static hid_t any_type(edits *e)
{
    const hid_t plain[] = {H5T_NATIVE_INT64, H5T_NATIVE_DOUBLE, H5T_NATIVE_UCHAR,
                           H5T_NATIVE_FLOAT};
    const unsigned which = take(e);
    const hid_t type = H5Tcopy(which & 4 ? H5T_C_S1 : plain[which & 3]);
    if (which & 4) H5Tset_size(type, which & 8 ? H5T_VARIABLE : 1 + take(e) % 80);
    return type;
}

static hid_t any_space(edits *e)
{
    const hsize_t size[3] = {take(e) % 70, take(e) % 3, take(e) % 3};
    return H5Screate_simple((int)(take(e) % 4), size, NULL);
}

static void fill(edits *e, hid_t file, const char *name)
{
    char values[1 << 12];
    const hid_t set = H5Dopen2(file, name, H5P_DEFAULT), type = H5Dget_type(set);
    const hid_t space = H5Dget_space(set);
    const hssize_t count = H5Sget_simple_extent_npoints(space);
    if (count > 0 && H5Tis_variable_str(type) == 0 &&
        (size_t)count * H5Tget_size(type) <= sizeof values) {
        for (size_t i = 0; i < sizeof values; i++) values[i] = (char)take(e);
        H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    }
    H5Sclose(space);
    H5Tclose(type);
    H5Dclose(set);
}

static void edit(edits *e, hid_t file)
{
    static const char *const heads[] = {"schema_version", "created", "loss", "ranks"};
    chosen_object c = {.left = take(e) % 64}, other = {.left = take(e) % 64};
    if (H5Ovisit(file, H5_INDEX_NAME, H5_ITER_INC, pass_by, &c) <= 0) return;
    const unsigned what = take(e) % 5;
    if (what == 0) fill(e, file, c.name);
    if (what == 1 || what == 2 || what == 3) H5Ldelete(file, c.name, H5P_DEFAULT);
    if (what == 2 && H5Ovisit(file, H5_INDEX_NAME, H5_ITER_INC, pass_by, &other) > 0)
        H5Lcreate_soft(other.name, file, c.name, H5P_DEFAULT, H5P_DEFAULT);
    if (what < 3) return;
    const hid_t type = any_type(e), space = any_space(e);
    if (what == 3)
        H5Dclose(H5Dcreate2(file, c.name, type, space, H5P_DEFAULT, H5P_DEFAULT,
                            H5P_DEFAULT));
    const char *head = heads[take(e) % 4];
    if (what == 4 && H5Adelete(file, head) >= 0)
        H5Aclose(H5Acreate2(file, head, type, space, H5P_DEFAULT, H5P_DEFAULT));
    H5Sclose(space);
    H5Tclose(type);
}

static void read_result(const uint8_t *bytes, size_t count)
{
    hesse_why why;
    char piece[1 << 17]; /* the file has fewer bytes */
    edits e = {bytes, bytes + count};
    FILE *from = fopen("tests/fuzz/good.hdf5", "rb"), *to = fopen(path, "wb");
    FILE *out = fopen("/dev/null", "w");
    if (!from || !to || !out) abort();
    fwrite(piece, 1, fread(piece, 1, sizeof piece, from), to);
    fclose(from);
    fclose(to);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    if (file < 0) abort();
    for (int i = 0; i < 8 && e.next < e.end; i++) edit(&e, file);
    H5Fclose(file);
    expect(hesse_result_show(path, out, &why), &why);
    hesse_json answer = hesse_json_begin("0", "show");
    expect(hesse_result_json(path, &answer, &why), &why);
    expect(hesse_json_end(&answer, out, &why), &why);
    expect(hesse_stamp_put(path, &why), &why);
    expect(hesse_result_verify(path, out, &why), &why);
    fclose(out);
    if (H5Fget_obj_count(H5F_OBJ_ALL, H5F_OBJ_ALL) > 0) abort();
}

typedef struct target {
    const char *name, *file;
    void (*read)(void);
    void (*take)(const uint8_t *bytes,
                 size_t count); /* where there is no file to read */
} target;

static const target targets[] = {
    {"safetensors", "model.safetensors", read_weights, NULL},
    {"index", "model.safetensors.index.json", read_weights, NULL},
    {"config", "config.json", read_config, NULL},
    {"npy", "tokens.npy", read_tokens, NULL},
    {"arrays", "arrays.npy", read_arrays, NULL},
    {"images", "images", read_images, NULL},
    {"texts", "texts.tsv", read_texts, NULL},
    {"bin", "tokens.bin", read_tokens, NULL},
    {"table", "meta.json", read_table, NULL},
    {"graph", "-", NULL, read_graph},
    {"job", "-", NULL, read_job},
    {"part", "a.part", read_part, NULL},
    {"manifest", "manifest.json", read_manifest, NULL},
    {"result", "result.h5", NULL, read_result}};

static const target *chosen;

static void leave(void)
{
    unlink(path);
    rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    const char *name = getenv("HESSE_FUZZ");
    for (size_t i = 0; name && i < sizeof targets / sizeof *targets; i++)
        if (strcmp(name, targets[i].name) == 0) chosen = &targets[i];
    if (!chosen || !mkdtemp(folder)) {
        fputs("HESSE_FUZZ names no reader\n", stderr);
        exit(2);
    }
    snprintf(path, sizeof path, "%s/%s", folder, chosen->file);
    atexit(leave);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    if (chosen->take) {
        chosen->take(bytes, count);
        return 0;
    }
    FILE *f = fopen(path, "wb");
    if (count) fwrite(bytes, 1, count, f);
    fclose(f);
    chosen->read();
    return 0;
}
