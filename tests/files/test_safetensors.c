/* Small safetensors files, which this test writes. A correct file is read to the bit, a
   wrong one is refused with the name of the tensor, and a damaged byte never does
   anything else. */
#include "check_files.h"

#include "files/safetensors.h"

#include <math.h>

static const char FILE_NAME[] = "a.safetensors";

static hesse_status open_status(const char *path, hesse_why *why)
{
    hesse_safetensors *file = NULL;
    *why = (hesse_why){0};
    hesse_status s = hesse_safetensors_open(path, &file, why);
    assert_true(s == HESSE_OK ? file != NULL : file == NULL);
    hesse_safetensors_close(file);
    return s;
}

static void reads_every_type(void **state)
{
    (void)state;
    const unsigned char data[] = {
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xf4, 0xbf,             /* F64: -1.25     */
        0x00, 0x00, 0xc0, 0x3f, 0x01, 0x00, 0x00, 0x00,             /* F32: 1.5, tiny */
        0x00, 0x3c, 0xff, 0x7b, 0x01, 0x00, 0xff, 0x03, 0x00, 0xc0, /* F16         */
        0x80, 0x3f, 0x20, 0xc0,                                     /* BF16: 1, -2.5  */
        7,                                                          /* U8             */
    };
    write_safetensors(
        FILE_NAME,
        "{\"__metadata__\":{\"format\":\"pt\"},"
        "\"d\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8]},"
        "\"f\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[8,16]},"
        "\"h\":{\"dtype\":\"F16\",\"shape\":[5],\"data_offsets\":[16,26]},"
        "\"b\":{\"dtype\":\"BF16\",\"shape\":[1,2],\"data_offsets\":[26,30]},"
        "\"none\":{\"dtype\":\"F32\",\"shape\":[3,0],\"data_offsets\":[8,8]},"
        "\"mask\":{\"dtype\":\"BOOL\",\"shape\":[1],\"data_offsets\":[30,31]}"
        "}     ",
        data, sizeof data);
    hesse_safetensors *file;
    hesse_why why;
    double x[8];
    assert_int_equal(hesse_safetensors_open(FILE_NAME, &file, &why), HESSE_OK);
    assert_int_equal(hesse_safetensors_count(file), 6);
    for (size_t i = 1; i < 6; i++)
        assert_true(strcmp(hesse_safetensors_tensor(file, i - 1)->name,
                           hesse_safetensors_tensor(file, i)->name) < 0);
    assert_null(hesse_safetensors_find(file, "x"));
    const struct {
        const char *name;
        int rank;
        size_t count;
        double x[5];
    } expected[] = {
        {"d", 0, 1, {-1.25}},
        {"f", 2, 2, {1.5, 0x1p-149}},
        {"h", 1, 5, {1, 65504, 0x1p-24, 1023 * 0x1p-24, -2}},
        {"b", 2, 2, {1, -2.5}},
        {"none", 2, 0, {0}},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        const hesse_tensor *t = hesse_safetensors_find(file, expected[i].name);
        assert_non_null(t);
        assert_int_equal(t->rank, expected[i].rank);
        assert_int_equal(t->count, expected[i].count);
        assert_int_equal(hesse_safetensors_read(file, t, x, &why), HESSE_OK);
        assert_memory_equal(x, expected[i].x, t->count * sizeof *x);
    }
    const hesse_tensor *mask = hesse_safetensors_find(file, "mask");
    assert_int_equal(hesse_safetensors_read(file, mask, x, &why), HESSE_E_INPUT);
    assert_says(&why, FILE_NAME, "'mask' holds BOOL");
    hesse_safetensors_close(file);
}

/* Longer than one piece of the reader. */
static void reads_long_tensors(void **state)
{
    (void)state;
    enum { N = 30011 };
    static float data[N];
    static double x[N];
    for (int i = 0; i < N; i++) data[i] = (float)i / 3;
    write_safetensors(
        FILE_NAME,
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[30011],\"data_offsets\":[0,120044]}}",
        data, sizeof data);
    hesse_safetensors *file;
    hesse_why why;
    assert_int_equal(hesse_safetensors_open(FILE_NAME, &file, &why), HESSE_OK);
    const hesse_tensor *t = hesse_safetensors_tensor(file, 0);
    assert_int_equal(hesse_safetensors_read(file, t, x, &why), HESSE_OK);
    for (int i = 0; i < N; i++) assert_true(x[i] == data[i]);
    assert_int_equal(truncate(FILE_NAME, 100000), 0);
    assert_int_equal(hesse_safetensors_read(file, t, x, &why), HESSE_E_INPUT);
    assert_says(&why, FILE_NAME, "ends early");
    hesse_safetensors_close(file);
}

static void names_the_element_that_is_not_finite(void **state)
{
    (void)state;
    const struct {
        const char *type;
        unsigned char bytes[8];
        size_t width;
        const char *says;
    } cases[] = {
        {"F64", {0, 0, 0, 0, 0, 0, 0xf8, 0x7f}, 8, "NaN"},
        {"F32", {0, 0, 0x80, 0xff}, 4, "infinite"},
        {"F16", {0x00, 0x7c}, 2, "infinite"},
        {"F16", {0x01, 0xfc}, 2, "NaN"},
        {"BF16", {0x80, 0x7f}, 2, "infinite"},
        {"BF16", {0xc0, 0x7f}, 2, "NaN"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned char data[6 * 8] = {0};
        char header[128];
        double x[6];
        const size_t width = cases[i].width;
        memcpy(data + 5 * width, cases[i].bytes, width);
        snprintf(header, sizeof header,
                 "{\"x\":{\"dtype\":\"%s\",\"shape\":[2,3],\"data_offsets\":[0,%zu]}}",
                 cases[i].type, 6 * width);
        write_safetensors(FILE_NAME, header, data, 6 * width);
        hesse_safetensors *file;
        hesse_why why;
        assert_int_equal(hesse_safetensors_open(FILE_NAME, &file, &why), HESSE_OK);
        assert_int_equal(
            hesse_safetensors_read(file, hesse_safetensors_tensor(file, 0), x, &why),
            HESSE_E_INPUT);
        assert_says(&why, FILE_NAME, "'x', element [1, 2] is ");
        assert_says(&why, FILE_NAME, cases[i].says);
        hesse_safetensors_close(file);
    }
}

#define X(TYPE, SHAPE, OFFSETS)                                                        \
    "\"x\":{\"dtype\":" TYPE ",\"shape\":" SHAPE ",\"data_offsets\":" OFFSETS "}"

static void refuses_lying_headers(void **state)
{
    (void)state;
    static const unsigned char data[16];
    const struct {
        const char *header, *says;
    } cases[] = {
        {"", "no valid JSON"},
        {"{", "no valid JSON: line 1, column"},
        {"[]", "expected a JSON object"},
        {"{} x", "no valid JSON"},
        {"{}", "the tensors take 0 bytes, the data has 16"},
        {"{\"__metadata__\":3}", "__metadata__"},
        {"{\"x\":3}", "dtype is missing"},
        {"{" X("\"F32\"", "[4]", "[0,16]") "," X("\"F32\"", "[4]", "[0,16]") "}",
         "no valid JSON"},
        {"{" X("\"F33\"", "[4]", "[0,16]") "}", "dtype is \"F33\", expected F64"},
        {"{" X("32", "[4]", "[0,16]") "}", "dtype is 32"},
        {"{" X("\"F32\"", "4", "[0,16]") "}", "shape is 4"},
        {"{" X("\"F32\"", "[-4]", "[0,16]") "}", "shape is [-4]"},
        {"{" X("\"F32\"", "[4.0]", "[0,16]") "}", "shape is [4.0]"},
        {"{" X("\"F32\"", "[1,1,1,1,1,1,1,1,4]", "[0,16]") "}", "shape is"},
        {"{" X("\"F32\"", "[4294967296,4294967296]", "[0,16]") "}", "shape is"},
        {"{" X("\"F64\"", "[4611686018427387906]", "[0,16]") "}", "do not hold"},
        {"{" X("\"F32\"", "[99999999999999999999]", "[0,16]") "}", "no valid JSON"},
        {"{" X("\"F32\"", "[4]", "[0,15]") "}",
         "15 bytes do not hold the shape [4] of F32"},
        {"{" X("\"F16\"", "[4]", "[0,16]") "}", "do not hold"},
        {"{" X("\"F4\"", "[31]", "[0,15]") "}", "do not hold"},
        {"{" X("\"F32\"", "[4]", "[16,0]") "}", "data_offsets is [16,0]"},
        {"{" X("\"F32\"", "[4]", "[0]") "}", "data_offsets is [0]"},
        {"{" X("\"F32\"", "[4]", "[0,16.0]") "}", "data_offsets"},
        {"{" X("\"F32\"", "[4]", "[-16,0]") "}", "data_offsets"},
        {"{" X("\"F32\"", "[5]", "[0,20]") "}", "ends at byte 20 of the data"},
        {"{" X("\"F32\"", "[4]", "[1,17]") "}", "ends at byte 17"},
        {"{" X("\"F32\"", "[3]", "[0,12]") "}", "take 12 bytes, the data has 16"},
        {"{" X("\"F32\"", "[3]", "[4,16]") "}", "leave a hole"},
        {"{" X("\"F32\"", "[3]", "[0,12]") ",\"y\":{\"dtype\":\"F32\",\"shape\":[2],"
                                           "\"data_offsets\":[8,16]}}",
         "overlap"},
        {"{" X("\"F32\"", "[4]", "[0,16]") ",\"y\":{\"dtype\":\"F32\",\"shape\":[0],"
                                           "\"data_offsets\":[4,4]}}",
         "overlap"},
        {"{\"a\\nb\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}",
         "control character"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hesse_why why;
        write_safetensors(FILE_NAME, cases[i].header, data, sizeof data);
        assert_int_equal(open_status(FILE_NAME, &why), HESSE_E_INPUT);
        assert_says(&why, FILE_NAME, cases[i].says);
    }
}

static void refuses_what_is_no_file(void **state)
{
    (void)state;
    hesse_why why;
    assert_int_equal(open_status("missing", &why), HESSE_E_INPUT);
    assert_says(&why, "missing", "No such file");
    write_bytes("empty", "", 0);
    assert_int_equal(open_status("empty", &why), HESSE_E_INPUT);
    assert_says(&why, "empty", "empty");
    write_bytes("short", "\1\0\0", 3);
    assert_int_equal(open_status("short", &why), HESSE_E_INPUT);
    assert_says(&why, "short", "3 bytes");
    write_bytes("huge", "\xff\xff\xff\xff\xff\xff\xff\xff{}", 10);
    assert_int_equal(open_status("huge", &why), HESSE_E_INPUT);
    assert_says(&why, "huge", "18446744073709551615 bytes");
    assert_int_equal(mkfifo("pipe", 0600), 0);
    assert_int_equal(open_status("pipe", &why), HESSE_E_INPUT);
    assert_says(&why, "pipe", "no regular file");
    assert_int_equal(mkdir("bare", 0700), 0);
    assert_int_equal(open_status("bare", &why), HESSE_E_INPUT);
    assert_says(&why, "bare", "expected model.safetensors or");
}

/* Whatever a file holds: its tensors read, or a message. */
static void survives(const char *path)
{
    hesse_safetensors *file;
    hesse_why why = {0};
    if (hesse_safetensors_open(path, &file, &why)) {
        assert_message(&why, path);
        return;
    }
    for (size_t i = 0; i < hesse_safetensors_count(file); i++) {
        const hesse_tensor *t = hesse_safetensors_tensor(file, i);
        double *x = malloc(t->count * sizeof *x + 1);
        assert_non_null(x);
        if (hesse_safetensors_read(file, t, x, &why)) assert_message(&why, path);
        free(x);
    }
    hesse_safetensors_close(file);
}

static void survives_every_damage(void **state)
{
    (void)state;
    const float data[] = {1, 2, 3, 4};
    unsigned char bytes[512];
    const size_t size = safetensors_bytes(
        "{\"__metadata__\":{\"a\":\"b\"},"
        "\"y\":{\"dtype\":\"BOOL\",\"shape\":[4],\"data_offsets\":[12,16]},"
        "\"x\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]}} ",
        data, sizeof data, sizeof bytes, bytes);
    hesse_why why;
    write_bytes(FILE_NAME, bytes, size);
    assert_int_equal(open_status(FILE_NAME, &why), HESSE_OK);
    for (size_t n = 0; n < size; n++) {
        write_bytes(FILE_NAME, bytes, n);
        assert_int_equal(open_status(FILE_NAME, &why), HESSE_E_INPUT);
        assert_says(&why, FILE_NAME, n < 8 ? "" : "cut short");
    }
    for (size_t i = 0; i < size; i++)
        for (int bit = 0; bit < 8; bit++) {
            bytes[i] ^= (unsigned char)(1 << bit);
            write_bytes(FILE_NAME, bytes, size);
            survives(FILE_NAME);
            bytes[i] ^= (unsigned char)(1 << bit);
        }
}

static void write_shards(void)
{
    const float data[] = {1, 2, 3, 4};
    write_safetensors("m-2.safetensors", "{" X("\"F32\"", "[2]", "[0,8]") "}", data, 8);
    write_safetensors(
        "m-1.safetensors",
        "{\"y\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", data + 2,
        8);
}

static const char INDEX[] = "model.safetensors.index.json";
static const char MAP[] = "{\"metadata\":{\"total_size\":16},\"weight_map\":"
                          "{\"x\":\"m-2.safetensors\",\"y\":\"m-1.safetensors\"}}";

static void reads_shards(void **state)
{
    (void)state;
    hesse_safetensors *file;
    hesse_why why;
    char digest[HESSE_DIGEST_LENGTH], lines[2][HESSE_DIGEST_LENGTH], all[256],
        expected[HESSE_DIGEST_LENGTH];
    write_shards();
    write_text(INDEX, MAP);
    const char *paths[] = {INDEX, ".", "./", "./model.safetensors.index.json"};
    for (int i = 0; i < 4; i++) {
        double x[2], y[2];
        assert_int_equal(hesse_safetensors_open(paths[i], &file, &why), HESSE_OK);
        assert_int_equal(hesse_safetensors_count(file), 2);
        hesse_safetensors_read(file, hesse_safetensors_find(file, "x"), x, &why);
        hesse_safetensors_read(file, hesse_safetensors_find(file, "y"), y, &why);
        assert_true(x[0] == 1 && x[1] == 2 && y[0] == 3 && y[1] == 4);
        assert_int_equal(hesse_safetensors_digest(file, digest, &why), HESSE_OK);
        hesse_safetensors_close(file);
    }
    hesse_digest_file("m-1.safetensors", lines[0], &why);
    hesse_digest_file("m-2.safetensors", lines[1], &why);
    snprintf(all, sizeof all, "%s\n%s\n", lines[0], lines[1]);
    hesse_digest(all, strlen(all), expected);
    assert_string_equal(digest, expected);

    assert_int_equal(rename("m-2.safetensors", "model.safetensors"), 0);
    assert_int_equal(remove(INDEX), 0);
    assert_int_equal(hesse_safetensors_open(".", &file, &why), HESSE_OK);
    assert_int_equal(hesse_safetensors_digest(file, digest, &why), HESSE_OK);
    assert_string_equal(digest, lines[1]);
    hesse_safetensors_close(file);
    assert_int_equal(remove("model.safetensors"), 0);
}

/* Indexes of tied models name the head, which is not stored. */
static void a_tensor_that_no_shard_has_is_not_missed(void **state)
{
    (void)state;
    hesse_why why;
    hesse_safetensors *file;
    write_shards();
    write_text(INDEX, "{\"weight_map\":{\"x\":\"m-2.safetensors\",\"z\":"
                      "\"m-1.safetensors\",\"y\":\"m-1.safetensors\"}}");
    assert_int_equal(hesse_safetensors_open(INDEX, &file, &why), HESSE_OK);
    assert_int_equal(hesse_safetensors_count(file), 2);
    hesse_safetensors_close(file);
}

static void folders_without_a_model_say_what_they_hold(void **state)
{
    (void)state;
    static const struct {
        const char *files[3], *says;
    } cases[] = {
        {{NULL}, "found an empty folder, expected model.safetensors or"},
        {{"adapter_model.safetensors", "adapter_config.json"},
         "found adapter_model.safetensors, expected"},
        {{"pytorch_model.bin", "config.json"},
         "found pytorch_model.bin, expected model.safetensors or "
         "model.safetensors.index.json in this folder; convert the folder"},
        {{"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"},
         "found model-00001-of-00002.safetensors, model-00002-of-00002.safetensors, "},
        {{"model.fp16.safetensors", "config.json"},
         "found model.fp16.safetensors, expected"},
        {{"model.fp16.safetensors.index.json", "a.safetensors"}, "name the index"},
        {{"tokens.npy"}, "found tokens.npy, expected"},
        {{"model.safetensors", "model.safetensors.index.json"}, "may be stale"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char folder[16], path[128];
        hesse_why why;
        snprintf(folder, sizeof folder, "of%zu", i);
        assert_int_equal(mkdir(folder, 0700), 0);
        for (int f = 0; f < 3 && cases[i].files[f]; f++) {
            snprintf(path, sizeof path, "%s/%s", folder, cases[i].files[f]);
            write_text(path, "x");
        }
        assert_int_equal(open_status(folder, &why), HESSE_E_INPUT);
        assert_says(&why, folder, cases[i].says);
    }
}

/* The first bytes of formats that people give for a checkpoint. */
static void other_formats_are_named(void **state)
{
    (void)state;
#define ZIP "PK\3\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define ROW(BYTES, SAYS)                                                               \
    {                                                                                  \
        BYTES, sizeof BYTES - 1, SAYS                                                  \
    }
    static const struct {
        const char *bytes;
        size_t count;
        const char *says;
    } cases[] = {
        ROW("version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
            "git lfs pull"),
        ROW("<!DOCTYPE html>\n<html>", "a web page"),
        ROW("\xef\xbb\xbf\n<?xml version='1.0'?>", "a web page"),
        ROW(ZIP "\x10\0\0\0archive/data.pkl", "a file of PyTorch (a zip), expected a "
                                              "safetensors file; convert it with"),
        ROW(ZIP "\7\0\0\0wte.npy", "an archive of NumPy arrays"),
        ROW(ZIP "\5\0\0\0a.txt", "a zip archive"),
        ROW("\x80\2\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19.",
            "a file of PyTorch (a pickle)"),
        ROW("\x80\4\x95\0\0\0\0", "a Python pickle"),
        ROW("\x93NUMPY\1\0 ", "a NumPy array"),
        ROW("GGUF\3\0\0\0\1", "a GGUF file"),
        ROW("\x89HDF\r\n\x1a\n\0", "an HDF5 file"),
        ROW("\x1f\x8b\x08\0\0\0\0\0\0", "gzip"),
        ROW("PAR1.........", "a Parquet file"),
        ROW("../../blobs/1", "a symbolic link"),
        ROW(" {\"weight_map\": {}}", "a JSON text"),
        ROW("", "the file is empty"),
        ROW("no known format", "found 15 bytes, expected a safetensors file"),
    };
#undef ROW
#undef ZIP
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hesse_why why;
        write_bytes(FILE_NAME, cases[i].bytes, cases[i].count);
        assert_int_equal(open_status(FILE_NAME, &why), HESSE_E_INPUT);
        assert_says(&why, FILE_NAME, cases[i].says);
    }
}

static void refuses_wrong_indexes(void **state)
{
    (void)state;
    const struct {
        const char *index, *says;
    } cases[] = {
        {"{}", "weight_map"},
        {"{\"weight_map\":{}}", "weight_map"},
        {"{\"weight_map\":[]}", "weight_map"},
        {"{\"weight_map\":{\"x\":3}}", "names the shard 3"},
        {"{\"weight_map\":{\"x\":\"../m-2.safetensors\"}}", "plain file name"},
        {"{\"weight_map\":{\"x\":\"/m-2.safetensors\"}}", "plain file name"},
        {"{\"weight_map\":{\"x\":\"..\"}}", "plain file name"},
        {"{\"weight_map\":{\"x\":\"\"}}", "plain file name"},
        {"{\"weight_map\":{\"x\":\"m-3.safetensors\"}}",
         "m-3.safetensors: No such file"},
        {"{\"weight_map\":{\"x\":\"m-1.safetensors\",\"y\":\"m-2.safetensors\"}}",
         "in 'm-1.safetensors', where"},
        {"{\"weight_map\":{\"x\":\"m-2.safetensors\",\"y\":\"copy.safetensors\"}}",
         "'x' is in two shards"},
    };
    const float data[] = {1, 2};
    write_shards();
    write_safetensors("copy.safetensors", "{" X("\"F32\"", "[2]", "[0,8]") "}", data,
                      8);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hesse_why why;
        write_text(INDEX, cases[i].index);
        assert_int_equal(open_status(INDEX, &why), HESSE_E_INPUT);
        assert_says(&why, "", cases[i].says);
    }
    for (size_t i = 0; i < strlen(MAP); i++)
        for (int bit = 0; bit < 8; bit++) {
            char index[sizeof MAP];
            memcpy(index, MAP, sizeof MAP);
            index[i] = (char)(index[i] ^ 1 << bit);
            write_bytes(INDEX, index, strlen(MAP));
            hesse_why why;
            if (open_status(INDEX, &why)) assert_message(&why, "");
        }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_type),
        cmocka_unit_test(reads_long_tensors),
        cmocka_unit_test(names_the_element_that_is_not_finite),
        cmocka_unit_test(refuses_lying_headers),
        cmocka_unit_test(refuses_what_is_no_file),
        cmocka_unit_test(survives_every_damage),
        cmocka_unit_test(reads_shards),
        cmocka_unit_test(a_tensor_that_no_shard_has_is_not_missed),
        cmocka_unit_test(folders_without_a_model_say_what_they_hold),
        cmocka_unit_test(other_formats_are_named),
        cmocka_unit_test(refuses_wrong_indexes),
    };
    return run_cases(argc, argv, tests, enter_folder, leave_folder);
}
