/* Token files of every kind are made here; ids and cuts are counted by hand. */
#include "check_data.h"

typedef struct request {
    const char *tokens, *text; /* one of them */
    bool characters, trained;
    const char *table, *mask;
    const int *padding;
    int width, sequences, context, positions, vocabulary;
    int pad; /* the model's id of padding, + 1 */
    bool full;
    bool shuffle;
    uint64_t seed;
} request;

static hesse_status read_tokens(const request *r, hesse_batch *batch, hesse_why *why)
{
    const hesse_data_options options = {.kind = r->text ? "text" : "tokens",
                                        .paths = r->text ? &r->text : &r->tokens,
                                        .n_paths = 1,
                                        .characters = r->characters,
                                        .table = r->table,
                                        .mask = r->mask,
                                        .padding = r->padding,
                                        .width = r->width,
                                        .sequences = r->sequences,
                                        .context = r->context,
                                        .shuffle = r->shuffle,
                                        .seed = r->seed};
    const hesse_data_needs needs = {.reads = HESSE_READS_IDS,
                                    .positions = r->positions,
                                    .trained = r->trained,
                                    .pad = r->pad,
                                    .full = r->full,
                                    .vocabulary = r->vocabulary};
    return hesse_data_read(&options, &needs, batch, why);
}

/* A .npy of a version, a header and data. */
static size_t npy_bytes(int version, const char *header, const void *data, size_t count,
                        unsigned char bytes[4096])
{
    const size_t length = strlen(header), field = version == 1 ? 2 : 4;
    memcpy(bytes, "\x93NUMPY", 6);
    bytes[6] = (unsigned char)version;
    bytes[7] = 0;
    for (size_t i = 0; i < field; i++) bytes[8 + i] = (unsigned char)(length >> 8 * i);
    memcpy(bytes + 8 + field, header, length);
    memcpy(bytes + 8 + field + length, data, count);
    return 8 + field + length + count;
}

static void write_header(const char *path, const char *header, const void *data,
                         size_t count)
{
    unsigned char bytes[4096];
    write_bytes(path, bytes, npy_bytes(1, header, data, count, bytes));
}

#define HEADER(TYPE, SHAPE)                                                            \
    "{'descr': '" TYPE "', 'fortran_order': False, 'shape': " SHAPE ", }    \n"

static const request NPY = {.tokens = "a.npy", .positions = 4};

static void expect(const request *r, int sequences, int context, int vocabulary,
                   const int *input, const int *target)
{
    hesse_batch t;
    hesse_why why = {0};
    char digest[HESSE_DIGEST_LENGTH];
    if (read_tokens(r, &t, &why)) fail_msg("%s", why.text);
    const size_t bytes = sizeof(int) * (size_t)(sequences * context);
    assert_int_equal(t.sequences, sequences);
    assert_int_equal(t.context, context);
    assert_int_equal(t.vocabulary, vocabulary);
    if (input) assert_memory_equal(t.input, input, bytes);
    if (target) assert_memory_equal(t.target, target, bytes);
    hesse_digest_file(r->text ? r->text : r->tokens, digest, &why);
    assert_int_equal(strcmp(t.digest, digest) == 0, !r->table && !r->mask);
    hesse_batch_free(&t);
}

static void refuses(const request *r, hesse_status expected, const char *says)
{
    hesse_batch t;
    hesse_why why = {0};
    assert_int_equal(read_tokens(r, &t, &why), expected);
    assert_null(t.input);
    const char *path = r->mask ? r->mask : r->text ? r->text : r->tokens;
    assert_says(&why, expected == HESSE_E_INPUT ? path : "", says);
}

/* [[1, 2, 3], [4, 5, 6]] in every type of integer, in both orders of bytes. */
static void every_integer_type_is_read(void **state)
{
    (void)state;
    for (int width = 1; width <= 8; width *= 2)
        for (int big = 0; big < 2; big++)
            for (int sign = 0; sign < 2; sign++)
                for (int version = 1; version <= 3; version++) {
                    unsigned char data[6 * 8] = {0}, bytes[4096];
                    char header[128];
                    for (int i = 0; i < 6; i++)
                        data[i * width + (big ? width - 1 : 0)] =
                            (unsigned char)(i + 1);
                    snprintf(
                        header, sizeof header,
                        "{\"shape\":(2,3),'fortran_order' :False,'descr':'%c%c%d'}\n",
                        width == 1 ? '|'
                        : big      ? '>'
                                   : '<',
                        sign ? 'i' : 'u', width);
                    write_bytes(
                        "a.npy", bytes,
                        npy_bytes(version, header, data, (size_t)(6 * width), bytes));
                    expect(&NPY, 2, 2, 7, (int[]){1, 2, 4, 5}, (int[]){2, 3, 5, 6});
                }
}

static void a_stream_is_cut_into_windows(void **state)
{
    (void)state;
    const uint16_t data[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    request r = NPY;
    write_header("a.npy", HEADER("<u2", "(10,)"), data, sizeof data);
    write_bytes("a.bin", data, sizeof data);
    for (int i = 0; i < 2; i++) {
        expect(&r, 2, 4, 10, (int[]){0, 1, 2, 3, 4, 5, 6, 7},
               (int[]){1, 2, 3, 4, 5, 6, 7, 8});
        r.context = 3;
        expect(&r, 3, 3, 10, (int[]){0, 1, 2, 3, 4, 5, 6, 7, 8},
               (int[]){1, 2, 3, 4, 5, 6, 7, 8, 9});
        r.sequences = 1;
        r.vocabulary = 12;
        expect(&r, 1, 3, 12, (int[]){0, 1, 2}, (int[]){1, 2, 3});
        r.sequences = 4;
        refuses(&r, HESSE_E_INPUT,
                "holds 3 sequences of context 3, expected 4 or more");
        r = (request){.tokens = "a.bin", .positions = 4};
    }
}

static void rows_are_cut_at_their_end(void **state)
{
    (void)state;
    const int data[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    request r = NPY;
    write_header("a.npy", HEADER("<i4", "(2, 5)"), data, sizeof data);
    expect(&r, 2, 4, 10, (int[]){0, 1, 2, 3, 5, 6, 7, 8},
           (int[]){1, 2, 3, 4, 6, 7, 8, 9});
    r.context = 2;
    expect(&r, 2, 2, 10, (int[]){0, 1, 5, 6}, (int[]){1, 2, 6, 7});
    r = (request){.tokens = "a.npy", .positions = 3};
    refuses(&r, HESSE_E_INPUT,
            "found rows of 5 tokens, expected at most 4 for the model's 3 positions");
    r.positions = 9, r.context = 5;
    refuses(&r, HESSE_E_INPUT, "rows of 5 tokens, expected 6 or more");
}

static void rows_may_end_in_ignored_targets(void **state)
{
    (void)state;
    const int good[] = {7, 8, -100, -100, 1, 2, 3, -100};
    write_header("a.npy", HEADER("<i4", "(2, 4)"), good, sizeof good);
    expect(&NPY, 2, 3, 9, (int[]){7, 8, 0, 1, 2, 3},
           (int[]){8, -100, -100, 2, 3, -100});
    const int within[] = {7, -100, 8, 9, 1, 2, 3, 4};
    write_header("a.npy", HEADER("<i4", "(2, 4)"), within, sizeof within);
    refuses(&NPY, HESSE_E_INPUT, "row 0, column 1 (from 0) is -100");
    const int first[] = {7, 7, 7, 7, -100, -100, -100, -100};
    write_header("a.npy", HEADER("<i4", "(2, 4)"), first, sizeof first);
    refuses(&NPY, HESSE_E_INPUT, "row 1, column 0");
    write_header("a.npy", HEADER("<i4", "(8,)"), good, sizeof good);
    refuses(&NPY, HESSE_E_INPUT, "token -100 at position 2");
}

/* `hesse tokenize --pad` writes ids and a mask. */
static void padding_of_rows_is_ignored(void **state)
{
    (void)state;
    const int ids[] = {7, 8, 0, 0, 1, 2, 3, 0}, mask[] = {1, 1, 0, 0, 1, 1, 1, 1};
    const int padding = 0;
    write_npy("t.npy", "<i4", "(2, 4)", ids, sizeof ids);
    write_npy("m.npy", "|b1", "(2, 4)", ((unsigned char[]){1, 1, 0, 0, 1, 1, 1, 1}), 8);
    expect(&(request){.tokens = "t.npy", .mask = "m.npy", .positions = 9}, 2, 3, 9,
           (int[]){7, 8, 0, 1, 2, 3}, (int[]){8, -100, -100, 2, 3, 0});
    expect(&(request){.tokens = "t.npy", .padding = &padding, .positions = 9}, 2, 3, 9,
           (int[]){7, 8, 0, 1, 2, 3}, (int[]){8, -100, -100, 2, 3, -100});
    write_npy("m.npy", "<i4", "(4, 2)", mask, sizeof mask);
    refuses(&(request){.tokens = "t.npy", .mask = "m.npy"}, HESSE_E_INPUT,
            "m.npy: expected integers of the shape of the ids, 2 x 4");
    write_npy("m.npy", "<i4", "(2, 4)", ids, sizeof ids);
    refuses(&(request){.tokens = "t.npy", .mask = "m.npy"}, HESSE_E_INPUT,
            "m.npy: row 0, column 0 (from 0) is 7, expected 0 or 1");
    write_npy("t.npy", "<i4", "(8,)", ids, sizeof ids);
    refuses(&(request){.tokens = "t.npy", .padding = &padding, .context = 2},
            HESSE_E_JOB, "only rows have padding");
}

static void padding_of_rows_is_noticed(void **state)
{
    (void)state;
    const int padding = 0;
    write_npy("t.npy", "<i4", "(2, 4)", ((int[]){7, 8, 9, 1, 1, 2, 0, 0}), 32);
    refuses(&(request){.tokens = "t.npy", .positions = 9, .pad = 1}, HESSE_E_INPUT,
            "t.npy: row 1 (from 0) begins or ends with 0, the model's id of padding");
    expect(&(request){.tokens = "t.npy", .positions = 9, .pad = 1, .padding = &padding},
           2, 3, 10, (int[]){7, 8, 9, 1, 2, 0}, (int[]){8, 9, 1, 2, -100, -100});
    expect(&(request){.tokens = "t.npy", .positions = 9, .pad = 1, .context = 1}, 2, 1,
           10, (int[]){7, 1}, (int[]){8, 2});
    write_npy("t.npy", "<i4", "(2, 4)", ((int[]){0, 8, 9, 1, 1, 2, 3, 0}), 32);
    refuses(&(request){.tokens = "t.npy", .positions = 9, .pad = 1, .full = true},
            HESSE_E_INPUT, "row 0 (from 0) begins or ends with 0");
    expect(&(request){.tokens = "t.npy", .positions = 9, .pad = 1}, 2, 3, 10,
           (int[]){0, 8, 9, 1, 2, 3}, (int[]){8, 9, 1, 2, 3, 0});
}

/* A shuffle takes each window at most once, depends on the seed, and on it alone. */
static void a_shuffle_is_a_choice_without_repetition(void **state)
{
    (void)state;
    uint16_t data[1001];
    int counts[100] = {0};
    for (int i = 0; i < 1001; i++) data[i] = (uint16_t)i;
    write_bytes("a.bin", data, sizeof data);
    request r = {.tokens = "a.bin", .positions = 10, .shuffle = true};
    int differing = 0;
    for (r.seed = 0; r.seed < 400; r.seed++) {
        hesse_batch t, again;
        hesse_why why;
        r.sequences = 20;
        assert_int_equal(read_tokens(&r, &t, &why), HESSE_OK);
        for (int i = 0; i < 20; i++) {
            assert_int_equal(t.input[i * 10] % 10, 0);
            assert_true(i == 0 || t.input[i * 10] > t.input[i * 10 - 10]);
            counts[t.input[i * 10] / 10]++;
        }
        differing += t.input[0] != 0;
        if (r.seed == 7) {
            assert_int_equal(read_tokens(&r, &again, &why), HESSE_OK);
            assert_memory_equal(t.input, again.input, 200 * sizeof(int));
            hesse_batch_free(&again);
        }
        hesse_batch_free(&t);
    }
    assert_true(differing > 250); /* expected 320, deviation 8 */
    for (int i = 0; i < 100; i++) assert_in_range(counts[i], 40, 120); /* 80, 8 */
    r.sequences = 100;
    expect(&r, 100, 10, 1001, NULL, NULL);
}

static void text_is_bytes_or_characters(void **state)
{
    (void)state;
    request r = {.text = "a.txt", .positions = 100, .context = 4};
    write_text("a.txt", "b\xc3\xa4"
                        "a\xf0\x9f\x98\x80"
                        "b\xe2\x82\xac");
    expect(&r, 2, 4, 256, (int[]){'b', 0xc3, 0xa4, 'a', 0xf0, 0x9f, 0x98, 0x80},
           (int[]){0xc3, 0xa4, 'a', 0xf0, 0x9f, 0x98, 0x80, 'b'});
    r.characters = true; /* a b ä € 😀 */
    expect(&r, 1, 4, 5, (int[]){1, 2, 0, 4}, (int[]){2, 0, 4, 1});
    r.vocabulary = 4;
    refuses(&r, HESSE_E_INPUT, "token 4 at position 3 (from 0), expected 0 to 3");
    r.vocabulary = 50257;
    expect(&r, 1, 4, 50257, NULL, NULL);
}

static void text_must_be_utf8(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x80",
        "\xc0\x80",
        "\xc1\xbf",
        "\xc3",
        "\xc3x",
        "\xe0\x9f\xbf",
        "\xed\xa0\x80",
        "\xe2\x82",
        "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xff",
        "\xf0\x9f\x98",
    };
    request r = {.text = "a.txt", .positions = 2, .characters = true};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[16];
        snprintf(text, sizeof text, "ab\xc3\xa4%s", bad[i]);
        write_text("a.txt", text);
        refuses(&r, HESSE_E_INPUT, "not UTF-8 at byte 4 (0x");
    }
    write_text("a.txt", "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80"
                        "\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
    r.positions = 8;
    expect(&r, 1, 8, 9, (int[]){0, 1, 2, 3, 4, 5, 6, 7},
           (int[]){1, 2, 3, 4, 5, 6, 7, 8});
}

static void ids_outside_the_vocabulary_are_located(void **state)
{
    (void)state;
    request r = NPY;
    r.vocabulary = 5;
    const int64_t data[] = {0, 1, 2, 3, 4, 5};
    write_header("a.npy", HEADER("<i8", "(6,)"), data, sizeof data);
    refuses(&r, HESSE_E_INPUT, "token 5 at position 5 (from 0), expected 0 to 4");
    write_header("a.npy", HEADER("<i8", "(2, 3)"), data, sizeof data);
    refuses(&r, HESSE_E_INPUT, "token 5 at row 1, column 2 (from 0)");
    const int64_t wide[] = {0, INT64_MIN, INT32_MAX, 3, 4, 5};
    write_header("a.npy", HEADER("<i8", "(6,)"), wide, sizeof wide);
    refuses(&NPY, HESSE_E_INPUT, "token -9223372036854775808 at position 1");
    write_header("a.npy", HEADER("<u8", "(6,)"), wide, sizeof wide);
    refuses(&NPY, HESSE_E_INPUT, "at position 1");
    write_header("a.npy", HEADER("<i8", "(4,)"), wide + 2, 4 * sizeof *wide);
    refuses(&NPY, HESSE_E_INPUT, "token 2147483647 at position 0");
}

static void refuses_what_is_no_token_file(void **state)
{
    (void)state;
    static const unsigned char data[64] = {1, 2, 3, 4, 5, 6, 7, 8};
    const struct {
        const char *header;
        size_t count;
        const char *says;
    } cases[] = {
        {HEADER("<f4", "(4,)"), 16, "type 'f4', expected integers"},
        {HEADER("|b1", "(4,)"), 4, "type 'b1'"},
        {HEADER("<i3", "(4,)"), 12, "type 'i3'"},
        {HEADER("<i16", "(4,)"), 64, "type 'i16'"},
        {HEADER("<i4", "()"), 4, "rank 0, expected 1"},
        {HEADER("<i4", "(1, 2, 2)"), 16, "rank 3, expected 1"},
        {HEADER("<i4", "(4,)"), 15, "4 elements of 4 bytes, the file 15"},
        {HEADER("<i4", "(4,)"), 20, "4 elements of 4 bytes, the file 20"},
        {HEADER("<i4", "(0,)"), 0, "holds no tokens"},
        {HEADER("<i4", "(0, 5)"), 0, "holds no tokens"},
        {HEADER("<i4", "(5, 0)"), 0, "holds no tokens"},
        {HEADER("<i4", "(4, 1)"), 16, "rows of 1 tokens, expected 2 or more"},
        {HEADER("<i4", "(4,)"), 16, "holds 4 tokens, expected 5 or more"},
        {HEADER("<i4", "(4)"), 16, "header is not understood"},
        {HEADER("<i4", "4"), 16, "header is not understood"},
        {HEADER("<i4", "(4,-1)"), 16, "header is not understood"},
        {HEADER("<i4", "(4294967296, 4294967296)"), 16, "header is not understood"},
        {HEADER("<i4", "(99999999999999999999,)"), 16, "header is not understood"},
        {HEADER("<i4", "(1,1,1,1,1,1,1,1,4)"), 16, "header is not understood"},
        {HEADER("i4", "(4,)"), 16, "header is not understood"},
        {"{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (4,)}", 16,
         "header is not understood at its byte 10"},
        {"{'descr': '<i4', 'fortran_order': False}", 16, "header is not understood"},
        {"{'descr': '<i4', 'fortran_order': 0, 'shape': (4,)}", 16, "not understood"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (5,), 'shape': (4,)}", 16,
         "not understood"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (4,)} x", 16,
         "not understood"},
        {"", 16, "header is not understood at its byte 0"},
        {"{'descr': '<i4', 'fortran_order': True, 'shape': (2,2)}", 16, "by columns"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_header("a.npy", cases[i].header, data, cases[i].count);
        refuses(&NPY, HESSE_E_INPUT, cases[i].says);
    }
    write_text("a.npy", "PK\3\4 something else");
    refuses(&NPY, HESSE_E_INPUT, "found a zip archive, expected a NumPy array");
    write_bytes("a.bin", data, 13);
    request bin = {.tokens = "a.bin", .positions = 4};
    refuses(&bin, HESSE_E_INPUT, "13 bytes, expected an even number");
    write_bytes("a.bin", data, 8);
    refuses(&bin, HESSE_E_INPUT, "holds 4 tokens, expected 5 or more");
    write_bytes("a.bin", data, 0);
    refuses(&bin, HESSE_E_INPUT, "empty");
    bin.tokens = "missing.bin";
    refuses(&bin, HESSE_E_INPUT, "No such file");
    assert_int_equal(mkdir("folder.npy", 0700), 0);
    bin.tokens = "folder.npy";
    refuses(&bin, HESSE_E_INPUT, "is a folder, expected a file");
    bin.tokens = "a.txt";
    refuses(&bin, HESSE_E_JOB, "expected a name ending in .npy or .bin");
}

static const request BIN = {.tokens = "a.bin", .positions = 4};

/* Eight ids of a width, behind a header of llm.c if it has a magic number. */
static void write_ids(int32_t magic, int32_t version, size_t width)
{
    unsigned char bytes[1024 + 64] = "";
    const size_t first = magic ? 1024 : 0;
    const int32_t head[3] = {magic, version, 8};
    if (magic) memcpy(bytes, head, sizeof head);
    for (size_t i = 0; i < 8; i++) bytes[first + i * width] = (unsigned char)(3 + i);
    write_bytes("a.bin", bytes, first + 8 * width);
}

static void expect_ids(const request *r, const char *type, const char *layout,
                       int vocabulary, const char *source)
{
    hesse_batch t;
    hesse_why why = {0};
    if (read_tokens(r, &t, &why)) fail_msg("%s", why.text);
    assert_int_equal(t.sequences, 1);
    for (int i = 0; i < 4; i++) assert_int_equal(t.input[i], 3 + i);
    assert_string_equal(t.reading.type, type);
    assert_string_equal(t.reading.layout, layout);
    assert_int_equal(t.reading.vocabulary, vocabulary);
    assert_string_equal(t.reading.source, source);
    hesse_batch_free(&t);
}

static void the_header_of_llmc_tells_the_width(void **state)
{
    (void)state;
    static const char layout[] = "stream behind a header of llm.c";
    request r = BIN;
    write_ids(20240520, 1, 2);
    expect_ids(&r, "uint16", layout, 11, "the largest id");
    write_ids(20240801, 7, 4);
    expect_ids(&r, "uint32", layout, 11, "the largest id");
    r.vocabulary = 20;
    expect_ids(&r, "uint32", layout, 20, "the model");
    r.width = 32;
    expect_ids(&r, "uint32", layout, 20, "the model");
    r.width = 16;
    refuses(&r, HESSE_E_INPUT, "found ids of 32 bits by its header of llm.c, expected");
    write_ids(20240520, 2, 2);
    refuses(&BIN, HESSE_E_INPUT, "found version 2 in its header of llm.c, expected 1");
    write_ids(20240520, 1, 4);
    refuses(&BIN, HESSE_E_INPUT, "found 1056 bytes, expected 1040: a header of llm.c");
    const int32_t head[] = {20240520, 1, 8};
    write_bytes("a.bin", head, sizeof head);
    refuses(&BIN, HESSE_E_INPUT, "found 12 bytes, expected 1040");
}

static void refuses_beside(const char *path, const char *says)
{
    hesse_batch t;
    hesse_why why = {0};
    assert_int_equal(read_tokens(&BIN, &t, &why), HESSE_E_INPUT);
    assert_says(&why, path, says);
}

static void files_beside_tell_the_width(void **state)
{
    (void)state;
    unsigned char index[34] = "MMIDIDX\0\0\1";
    request r = BIN;
    index[17] = 4; /* int32 */
    write_bytes("a.idx", index, sizeof index);
    write_ids(0, 0, 4);
    expect_ids(&r, "int32",
               "stream beside an index of Megatron, whose borders are not used", 11,
               "the largest id");
    index[17] = 6;
    write_bytes("a.idx", index, sizeof index);
    refuses_beside("a.idx", "found version 1 and type 6 in this index of Megatron");
    memcpy(index, "TNTIDX\0\0", 8);
    write_bytes("a.idx", index, sizeof index);
    refuses_beside("a.idx", "TNTIDX");
    assert_int_equal(remove("a.idx"), 0);

    write_text("a.bin.json", "{\"dtype\": \"uint32\", \"vocabulary\": 100}");
    expect_ids(&r, "uint32", "stream", 100, "the .bin.json beside the file");
    r.vocabulary = 99;
    refuses(&r, HESSE_E_INPUT, "a vocabulary of 100 by the .bin.json beside the file");
    r = BIN, r.width = 16;
    refuses(&r, HESSE_E_INPUT, "found ids of 32 bits by the .bin.json");
    write_text("a.bin.json", "{\"dtype\": \"float32\"}");
    refuses_beside("a.bin.json", "dtype: found \"float32\", expected");
    write_text("a.bin.json", "{\"dtype\": \"uint16\", \"vocabulary\": 0}");
    refuses_beside("a.bin.json", "vocabulary: found 0, expected");
    assert_int_equal(remove("a.bin.json"), 0);
}

/* The halves of wider ids would look like ids. */
static void wide_ids_are_never_read_as_their_halves(void **state)
{
    (void)state;
    const uint32_t large[] = {100000, 5, 70000, 131071, 4, 4000, 3, 2};
    request r = BIN;
    write_ids(0, 0, 2);
    expect_ids(&r, "uint16", "stream", 11, "the largest id");
    for (int vocabulary = 0; vocabulary < 1000; vocabulary += 11) {
        r = BIN, r.vocabulary = vocabulary;
        write_ids(0, 0, 4);
        refuses(&r, HESSE_E_INPUT, "state the bits of an id: 32 (or 16)");
        write_ids(0, 0, 8);
        refuses(&r, HESSE_E_INPUT, "state the bits of an id: 64 (or 16)");
    }
    r = BIN, r.width = 64;
    expect_ids(&r, "uint64", "stream", 11, "the largest id");
    r.width = 24;
    refuses(&r, HESSE_E_JOB, "24 bits, expected 16, 32 or 64");
    for (int vocabulary = 0; vocabulary <= 200000; vocabulary += 200000) {
        write_bytes("a.bin", large, sizeof large);
        r = BIN, r.vocabulary = vocabulary;
        refuses(&r, HESSE_E_INPUT, "state the bits of an id: 32 (or 16)");
    }
    r.width = 32;
    expect(&r, 1, 4, 200000, (int[]){100000, 5, 70000, 131071}, NULL);
    write_bytes("a.bin", large, 30);
    refuses(&r, HESSE_E_INPUT, "found 30 bytes, expected a multiple of 4");
    write_text("a.bin", "version https://git-lfs.github.com/spec/v1\n");
    refuses(&r, HESSE_E_INPUT, "found a pointer of Git LFS, expected token ids");
}

static void text_for_a_trained_model_has_its_vocabulary(void **state)
{
    (void)state;
    request r = {.text = "a.txt", .positions = 4, .trained = true};
    write_text("a.txt", "abcabcab\xc3\xa4");
    expect(&r, 2, 4, 256, NULL, NULL);
    r.vocabulary = 256;
    expect(&r, 2, 4, 256, NULL, NULL);
    r.vocabulary = 300;
    refuses(&r, HESSE_E_INPUT, "256 bytes, expected the model's, which has 300 ids");
    r.characters = true;
    refuses(&r, HESSE_E_INPUT, "4 characters, expected the model's, which has 300 ids");
    r.vocabulary = 4;
    expect(&r, 2, 4, 4, (int[]){0, 1, 2, 0, 1, 2, 0, 1}, NULL);
    r.vocabulary = 300, r.trained = false;
    expect(&r, 2, 4, 300, NULL, NULL);
}

static void a_table_has_the_ids_of_characters(void **state)
{
    (void)state;
    static const struct {
        const char *table, *says;
    } wrong[] = {{"{}", "found no character"},
                 {"{\"stoi\": {\"ab\": 3}}", "found the token \"ab\", expected single"},
                 {"{\"a\": -1}", "found -1 for the character U+0061"},
                 {"{\"a\": 1.5}", "found 1.5 for"},
                 {"{\"a\": 0, \"b\": 1}", "U+00E4 as character 2 (from 0)"},
                 {"<html>", "found a web page"}};
    request r = {.text = "a.txt",
                 .positions = 2,
                 .trained = true,
                 .characters = true,
                 .vocabulary = 30,
                 .table = "meta.json"};
    write_text("a.txt", "ab\xc3\xa4");
    write_text("meta.json",
               "{\"stoi\": {\"a\": 7, \"b\": 20, \"\xc3\xa4\": 9}, \"x\": 1}");
    expect(&r, 1, 2, 30, (int[]){7, 20}, (int[]){20, 9});
    write_text("meta.json", "{\"a\": 7, \"b\": 20, \"\\u00e4\": 9}");
    expect(&r, 1, 2, 30, (int[]){7, 20}, (int[]){20, 9});
    r.vocabulary = 0;
    expect(&r, 1, 2, 21, NULL, NULL);
    r.vocabulary = 20;
    refuses(&r, HESSE_E_INPUT, "token 20 at position 1 (from 0), expected 0 to 19");
    r.characters = false;
    refuses(&r, HESSE_E_JOB, "expected characters as the vocabulary of a.txt");
    r.characters = true;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        hesse_batch t;
        hesse_why why = {0};
        write_text("meta.json", wrong[i].table);
        assert_int_equal(read_tokens(&r, &t, &why), HESSE_E_INPUT);
        assert_says(&why, "meta.json", wrong[i].says);
    }
}

static void refuses_wrong_requests(void **state)
{
    (void)state;
    request r = NPY;
    r.sequences = -1;
    refuses(&r, HESSE_E_JOB, "sequences is -1");
    r = NPY, r.context = -2;
    refuses(&r, HESSE_E_JOB, "context is -2");
    r = NPY, r.context = 5;
    refuses(&r, HESSE_E_JOB, "context is 5, expected 1 to the model's 4 positions");
    const int data[] = {0, 1, 2, 3};
    write_header("a.npy", HEADER("<i4", "(4,)"), data, sizeof data);
    r = NPY, r.positions = 0;
    refuses(&r, HESSE_E_JOB, "neither a context nor the model's positions");
    r.context = 3;
    expect(&r, 1, 3, 4, (int[]){0, 1, 2}, (int[]){1, 2, 3});
    r.positions = -1;
    refuses(&r, HESSE_E_JOB, "positions is -1");
}

static void survives(void)
{
    hesse_batch t;
    hesse_why why = {0};
    if (read_tokens(&NPY, &t, &why)) assert_message(&why, NPY.tokens);
    hesse_batch_free(&t);
}

static void survives_every_damage(void **state)
{
    (void)state;
    const int data[] = {1, 2, 3, 4, 5, 6};
    unsigned char bytes[4096];
    for (int version = 1; version <= 2; version++) {
        const size_t size =
            npy_bytes(version, HEADER("<i4", "(2, 3)"), data, sizeof data, bytes);
        for (size_t n = 0; n < size; n++) {
            write_bytes("a.npy", bytes, n);
            refuses(&NPY, HESSE_E_INPUT, "");
        }
        for (size_t i = 0; i < size; i++)
            for (int bit = 0; bit < 8; bit++) {
                bytes[i] ^= (unsigned char)(1 << bit);
                write_bytes("a.npy", bytes, size);
                survives();
                bytes[i] ^= (unsigned char)(1 << bit);
            }
    }
}

/* The expected numbers come from NumPy and Python. */
static void real_files_are_read(void **state)
{
    (void)state;
    char path[512];
    hesse_batch t;
    hesse_why why;
    request r = {.tokens = data_path("stories260K/tokens.npy", path), .positions = 512};
    assert_int_equal(read_tokens(&r, &t, &why), HESSE_OK);
    assert_int_equal(t.sequences, 16);
    assert_int_equal(t.context, 64);
    assert_int_equal(t.vocabulary, 512);
    int inputs = 0, targets = 0;
    for (int i = 0; i < 16 * 64; i++) inputs += t.input[i], targets += t.target[i];
    assert_int_equal(inputs, 317441);
    assert_int_equal(targets, 322492);
    assert_string_equal(
        t.digest, "cc7655d81a46748c6b4c804ead48ea85cce0698ca16a7d865c7116310bfb1f44");
    hesse_batch_free(&t);

    r = (request){.text = data_path("tinyshakespeare.txt", path),
                  .characters = true,
                  .sequences = 1,
                  .context = 19,
                  .positions = 64};
    expect(&r, 1, 19, 65,
           (int[]){18, 47, 56, 57, 58, 1, 15, 47, 58, 47, 64, 43, 52, 10, 0, 14, 43, 44,
                   53},
           (int[]){47, 56, 57, 58, 1, 15, 47, 58, 47, 64, 43, 52, 10, 0, 14, 43, 44, 53,
                   56});
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_integer_type_is_read),
        cmocka_unit_test(a_stream_is_cut_into_windows),
        cmocka_unit_test(rows_are_cut_at_their_end),
        cmocka_unit_test(rows_may_end_in_ignored_targets),
        cmocka_unit_test(padding_of_rows_is_ignored),
        cmocka_unit_test(padding_of_rows_is_noticed),
        cmocka_unit_test(a_shuffle_is_a_choice_without_repetition),
        cmocka_unit_test(text_is_bytes_or_characters),
        cmocka_unit_test(text_must_be_utf8),
        cmocka_unit_test(ids_outside_the_vocabulary_are_located),
        cmocka_unit_test(refuses_what_is_no_token_file),
        cmocka_unit_test(the_header_of_llmc_tells_the_width),
        cmocka_unit_test(files_beside_tell_the_width),
        cmocka_unit_test(wide_ids_are_never_read_as_their_halves),
        cmocka_unit_test(text_for_a_trained_model_has_its_vocabulary),
        cmocka_unit_test(a_table_has_the_ids_of_characters),
        cmocka_unit_test(refuses_wrong_requests),
        cmocka_unit_test(survives_every_damage),
        cmocka_unit_test(real_files_are_read),
    };
    return run_cases(argc, argv, tests, enter_folder, leave_folder);
}
