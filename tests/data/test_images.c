/* IDX and CIFAR files, raw and gzip: numbers, labels, sizes, choice, and damage. */
#include "check_data.h"

#include <sys/stat.h>
#include <zlib.h>

/* Two images of 2 x 4 and their labels. */
static const unsigned char images[] = {0, 0,  8,   3,   0, 0, 0,   2,   0,   0,   0,
                                       2, 0,  0,   0,   4, 0, 51,  102, 153, 204, 255,
                                       0, 51, 255, 255, 0, 0, 255, 255, 0,   0};
static const unsigned char labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 7, 1};

typedef struct request {
    const char *images, *labels;
    int count, size, classes;
    bool standard, shuffle;
    uint64_t seed;
} request;

static const request both = {.images = "i", .labels = "l"};

static hesse_data_options options_of(const request *r)
{
    return (hesse_data_options){.kind = "images",
                                .paths = &r->images,
                                .n_paths = 1,
                                .labels = r->labels,
                                .sequences = r->count,
                                .size = r->size,
                                .classes = r->classes,
                                .standard = r->standard,
                                .shuffle = r->shuffle,
                                .seed = r->seed};
}

static void assert_near(double found, double wanted)
{
    assert_true(fabs(found - wanted) < 1e-14);
}

static hesse_batch read_good(const request *r)
{
    const hesse_data_options o = options_of(r);
    return examples_of(&o);
}

static void refuses(const request *r, hesse_status status, const char *says)
{
    const hesse_data_options o = options_of(r);
    refused(&o, status, says);
}

static void write_gzip(const char *path, const void *bytes, unsigned count)
{
    gzFile f = gzopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(gzwrite(f, bytes, count), count);
    assert_int_equal(gzclose(f), Z_OK);
}

static void write_both(void)
{
    write_bytes("i", images, sizeof images);
    write_gzip("l", labels, sizeof labels);
}

static void idx_is_read(void **state)
{
    (void)state;
    write_both();
    hesse_batch b = read_good(&both);
    assert_true(b.sequences == 2 && b.rows == 2 && b.cols == 4 && b.context == 8);
    assert_true(b.width == 1 && b.labels == 1 && b.classes == 8);
    assert_true(b.target[0] == 7 && b.target[1] == 1);
    for (int i = 0; i < 16; i++) assert_near(b.x[i], images[16 + i] / 255.0);
    hesse_batch_free(&b);
}

static void sizes_are_means_over_areas(void **state)
{
    (void)state;
    write_both();
    request r = both;
    r.size = 1, r.count = 1;
    hesse_batch b = read_good(&r);
    assert_true(b.sequences == 1 && b.context == 1);
    assert_near(b.x[0], 816.0 / 8 / 255);
    hesse_batch_free(&b);
    r.size = 2;
    b = read_good(&r);
    const double wanted[] = {25.5, 127.5, 229.5, 25.5};
    for (int i = 0; i < 4; i++) assert_near(b.x[i], wanted[i] / 255);
    hesse_batch_free(&b);
    r.size = 3;
    refuses(&r, HESSE_E_JOB, "2 x 4 pixels");
}

static void labels_select_and_channels_are_standard(void **state)
{
    (void)state;
    write_both();
    request r = both;
    r.classes = 2, r.standard = true;
    hesse_batch b = read_good(&r);
    assert_true(b.sequences == 1 && b.target[0] == 1 && b.classes == 2);
    assert_true(b.context == 8 && b.width == 1);
    for (int i = 0; i < 8; i++) assert_near(b.x[i], images[24 + i] ? 1 : -1);
    hesse_batch_free(&b);
    r.count = 2;
    refuses(&r, HESSE_E_INPUT, "holds 1 images of the classes asked for, expected 2");
}

/* Two images of 1 x 2 pixels with two channels, and labels of 8 bytes, most significant
   first. */
static void npy_is_read(void **state)
{
    (void)state;
    static const char head[] = "\x93NUMPY\x01\x00\x76\x00";
    static const char form[] =
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 1, 2, 2), }";
    static const char wide[] =
        "{'descr': '>i8', 'fortran_order': False, 'shape': (2,), }";
    char file[128 + 16];
    memset(file, ' ', sizeof file);
    memcpy(file, head, 10);
    memcpy(file + 10, form, sizeof form - 1);
    file[127] = '\n';
    for (int i = 0; i < 8; i++) file[128 + i] = (char)(51 * (i % 6));
    write_gzip("x.npy", file, 128 + 8);
    memset(file + 10, ' ', 117);
    memcpy(file + 10, wide, sizeof wide - 1);
    memset(file + 128, 0, 16);
    file[128 + 7] = 3, file[128 + 15] = 1;
    write_bytes("y.npy", file, sizeof file);
    request r = {.images = "x.npy", .labels = "y.npy"};
    hesse_batch b = read_good(&r);
    assert_true(b.sequences == 2 && b.rows == 1 && b.cols == 2 && b.width == 2);
    assert_true(b.target[0] == 3 && b.target[1] == 1 && b.classes == 4);
    for (int i = 0; i < 8; i++) assert_near(b.x[i], i % 6 / 5.0);
    hesse_batch_free(&b);
    file[128] = 1;
    write_bytes("y.npy", file, sizeof file);
    refuses(&r, HESSE_E_INPUT, "label 0 (from 0) is not from 0 to 255");
    r.labels = "x.npy";
    refuses(&r, HESSE_E_INPUT, "arrays of rank 4 and 4");
    r.images = "y.npy";
    refuses(&r, HESSE_E_INPUT, "holds type 'i8', expected integers of 1 byte");
}

/* Write an array of bytes with a shape, and as many labels 0 as it has images. */
static void write_array(const char *shape, const unsigned char *bytes, size_t count)
{
    char file[128 + 64];
    memset(file, ' ', sizeof file);
    memcpy(file, "\x93NUMPY\x01\x00\x76\x00", 10);
    file[10 + snprintf(file + 10, 110,
                       "{'descr': '|u1', 'fortran_order': False, 'shape': %s, }",
                       shape)] = ' ';
    file[127] = '\n';
    memcpy(file + 128, bytes, count);
    write_bytes("x.npy", file, 128 + count);
}

static void channels_may_be_first(void **state)
{
    (void)state;
    unsigned char bytes[30];
    const char *path = "x.npy";
    for (int i = 0; i < 30; i++) bytes[i] = (unsigned char)(8 * i);
    write_array("(1,)", (const unsigned char *)"\2", 1);
    assert_int_equal(rename("x.npy", "y.npy"), 0);
    write_array("(1, 3, 2, 5)", bytes, 30);
    hesse_data_options o = {
        .kind = "images", .paths = &path, .n_paths = 1, .labels = "y.npy"};
    refused(&o, HESSE_E_INPUT, "looks like channels first");
    o.layout = HESSE_LAYOUT_CHANNELS_FIRST;
    o.mean[0] = 0.5, o.n_mean = 1;
    o.deviation[0] = 1, o.deviation[1] = 2, o.deviation[2] = 4, o.n_deviation = 3;
    hesse_batch b = examples_of(&o);
    assert_true(b.rows == 2 && b.cols == 5 && b.width == 3 && b.target[0] == 2);
    for (int i = 0; i < 30; i++)
        assert_near(b.x[i], (8 * (i % 3 * 10 + i / 3) / 255.0 - 0.5) / (1 << i % 3));
    assert_string_equal(b.form, ".npy, uint8, 2 x 5 pixels, 3 channels first, pixels "
                                "from 0 to 1, mean [0.5], deviation [1, 2, 4]");
    hesse_batch_free(&b);
    o.n_deviation = 2;
    refused(&o, HESSE_E_JOB, "2 deviations for images of 3 channels, expected 1 or 3");
    o.standard = true;
    refused(&o, HESSE_E_JOB, "means and deviations cannot be given as well");
    write_array("(1, 3, 2, 3)", bytes, 18);
    o = (hesse_data_options){
        .kind = "images", .paths = &path, .n_paths = 1, .labels = "y.npy"};
    refused(&o, HESSE_E_INPUT, "may have its channels first");
    o.layout = HESSE_LAYOUT_CHANNELS_LAST;
    b = examples_of(&o);
    assert_true(b.rows == 3 && b.cols == 2 && b.width == 3);
    hesse_batch_free(&b);
}

/* Eight images of 1 x 1 pixel; labels 1 and 2. */
static void labels_that_are_counted_from_1_are_refused(void **state)
{
    (void)state;
    static const unsigned char pixels[8] = {0, 50, 127, 128, 200, 255, 1, 2};
    static const unsigned char from_1[8] = {1, 2, 1, 2, 1, 2, 1, 2};
    const char *says = "y.npy: labels run from 1 to 2 and none is 0, expected classes";
    request r = {.images = "x.npy", .labels = "y.npy", .count = 2};
    write_array("(8,)", from_1, 8);
    assert_int_equal(rename("x.npy", "y.npy"), 0);
    write_array("(8, 1, 1)", pixels, 8);
    refuses(&r, HESSE_E_INPUT, says);
    r.classes = 2;
    refuses(&r, HESSE_E_INPUT, says);
    r.classes = 3;
    hesse_batch b = read_good(&r);
    assert_true(b.classes == 3 && b.target[0] == 1 && b.target[1] == 2);
    hesse_batch_free(&b);
}

static void pixels_below_0_are_refused(void **state)
{
    (void)state;
    const signed char pixels[] = {0, 127, -1, 5};
    const int label = 0;
    const char *path = "x.npy";
    const hesse_data_options o = {
        .kind = "images", .paths = &path, .n_paths = 1, .labels = "y.npy"};
    write_npy("y.npy", "<i4", "(1,)", &label, sizeof label);
    write_npy(path, "|i1", "(1, 2, 2)", pixels, sizeof pixels);
    refused(&o, HESSE_E_INPUT,
            "x.npy: element 2 (from 0) of type int8 is -1, expected pixels from 0 to "
            "255 of type uint8");
    write_npy(path, "|i1", "(1, 1, 2)", pixels, 2);
    hesse_batch b = examples_of(&o);
    assert_near(b.x[1], 127 / 255.0);
    hesse_batch_free(&b);
}

static void other_files_are_named(void **state)
{
    (void)state;
    char tar[600] = "name";
    memcpy(tar + 257, "ustar", 5);
    write_bytes("o", "\x80\x02}q\x01.", 6);
    refuses(&(request){.images = "o"}, HESSE_E_INPUT, "found a Python pickle");
    write_bytes("o", "\x80\x04}q\x01.", 6);
    refuses(&(request){.images = "o", .labels = "o"}, HESSE_E_INPUT,
            "expected CIFAR's binary version");
    write_gzip("o", tar, sizeof tar);
    refuses(&(request){.images = "o"}, HESSE_E_INPUT, "unpack the archive first");
    write_bytes("o", "\x89PNG\r\n", 6);
    refuses(&(request){.images = "o"}, HESSE_E_INPUT, "found one image");
}

static void write_chunk(FILE *f, const char *type, const unsigned char *bytes,
                        unsigned count)
{
    unsigned char text[200];
    memcpy(text, type, 4);
    memcpy(text + 4, bytes, count);
    const unsigned long sum = crc32(0, text, count + 4), numbers[] = {count, sum};
    for (int i = 0; i < 4; i++) fputc((int)(numbers[0] >> (24 - 8 * i) & 255), f);
    fwrite(text, 1, count + 4, f);
    for (int i = 0; i < 4; i++) fputc((int)(numbers[1] >> (24 - 8 * i) & 255), f);
}

/* An image of one row and two pixels: grey (type 0) or RGB (type 2). */
static void write_png(const char *path, int depth, int type, unsigned char first)
{
    const unsigned char size[13] = {
        0, 0, 0, 2, 0, 0, 0, 1, (unsigned char)depth, (unsigned char)type};
    const unsigned width = (type ? 6 : 2) * (unsigned)depth / 8;
    unsigned char row[13] = {0, first, 51, 102, 153, 204, 255}, packed[100];
    unsigned long count = sizeof packed;
    assert_int_equal(compress(packed, &count, row, width + 1), Z_OK);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fwrite("\x89PNG\r\n\x1a\n", 1, 8, f);
    write_chunk(f, "IHDR", size, 13);
    write_chunk(f, "IDAT", packed, (unsigned)count);
    write_chunk(f, "IEND", packed, 0);
    fclose(f);
}

/* Classes are folders in ascending order of their names. */
static void folders_are_classes(void **state)
{
    (void)state;
#ifdef HESSE_HAVE_PNG
    assert_true(!mkdir("p", 0700) && !mkdir("p/b", 0700) && !mkdir("p/a", 0700));
    refuses(&(request){.images = "p"}, HESSE_E_INPUT, "found a folder without images");
    write_png("p/b/1.png", 8, 2, 0);
    write_png("p/a/2.png", 8, 2, 255);
    write_png("p/a/1.png", 8, 2, 204);
    hesse_batch b = read_good(&(request){.images = "p"});
    assert_true(b.sequences == 3 && b.rows == 1 && b.cols == 2 && b.width == 3);
    assert_true(b.classes == 2 && !b.target[0] && !b.target[1] && b.target[2] == 1);
    assert_near(b.x[0], 0.8);
    assert_near(b.x[6], 1);
    assert_near(b.x[12], 0);
    assert_near(b.x[13], 0.2);
    assert_string_equal(b.form,
                        "PNG, uint8, 1 x 2 pixels, 3 channels last, pixels from "
                        "0 to 1");
    hesse_batch_free(&b);
    write_png("p/b/2.png", 8, 0, 0);
    refuses(&(request){.images = "p"}, HESSE_E_INPUT,
            "p/b/2.png: found 1 x 2 pixels of 1 channels, expected 1 x 2 of 3");
    write_png("p/b/2.png", 16, 0, 0);
    refuses(&(request){.images = "p"}, HESSE_E_INPUT, "8 bits, grey or RGB");
    write_bytes("p/b/2.png", "text", 4);
    refuses(&(request){.images = "p"}, HESSE_E_INPUT, "found no PNG file");
    remove("p/b/2.png");
    write_bytes("p/data_batch_1", "text", 4);
    refuses(&(request){.images = "p"}, HESSE_E_INPUT, "beside the class folders");
    remove("p/data_batch_1"), remove("p/b/1.png"), remove("p/a/1.png");
    remove("p/a/2.png"), remove("p/a"), remove("p/b"), remove("p");
#else
    (void)write_png;
#endif
}

static void cifar_is_planar(void **state)
{
    enum { PIXELS = 1024, RECORD = 1 + 3 * PIXELS };
    static unsigned char file[2 * RECORD];
    (void)state;
    for (int i = 0; i < 2 * RECORD; i++) file[i] = (unsigned char)(i * 7 % 251);
    file[0] = 3, file[RECORD] = 9;
    write_gzip("c.bin", file, sizeof file);
    hesse_batch b = read_good(&(request){.images = "c.bin"});
    assert_true(b.sequences == 2 && b.context == PIXELS && b.width == 3);
    assert_true(b.target[0] == 3 && b.target[1] == 9 && b.classes == 10);
    for (int s = 0; s < 2; s++)
        for (int i = 0; i < PIXELS; i++)
            for (int c = 0; c < 3; c++)
                assert_near(b.x[(s * PIXELS + i) * 3 + c],
                            file[s * RECORD + 1 + c * PIXELS + i] / 255.0);
    hesse_batch_free(&b);
    write_bytes("c.bin", file, sizeof file - 1);
    refuses(&(request){.images = "c.bin"}, HESSE_E_INPUT,
            "holds 6145 bytes, which are not records of 3073 (CIFAR-10) or 3074");
}

/* A file of `count` records, each with the label bytes given. */
static void write_records(const char *path, size_t count, size_t bytes,
                          const unsigned char *label)
{
    const size_t record = 3072 + bytes;
    unsigned char *file = calloc(count, record);
    assert_non_null(file);
    for (size_t i = 0; i < count; i++) memcpy(file + i * record, label, bytes);
    write_bytes(path, file, count * record);
    free(file);
}

/* The length of a record determines the kind, for any path. If the length of the file
   is a multiple of both, the labels determine it, if they can. */
static void the_record_tells_the_kind_of_cifar(void **state)
{
    (void)state;
    mkdir("run100", 0777);
    const request ten = {.images = "run100/data_batch_1.bin"};
    const request hundred = {.images = "train.bin"};
    write_records(ten.images, 4, 1, (unsigned char[]){7});
    write_records(hundred.images, 4, 2, (unsigned char[]){9, 77});
    hesse_batch b = read_good(&ten);
    assert_true(b.sequences == 4 && b.target[3] == 7);
    hesse_batch_free(&b);
    b = read_good(&hundred);
    assert_true(b.sequences == 4 && b.target[3] == 77 && b.classes == 78);
    hesse_batch_free(&b);
    write_records(hundred.images, 3073, 2, (unsigned char[]){19, 77});
    b = read_good(&hundred);
    assert_true(b.target[3] == 77 && b.sequences == 16);
    hesse_batch_free(&b);
    write_records(hundred.images, 3073, 2, (unsigned char[]){0, 0});
    refuses(&hundred, HESSE_E_INPUT, "may be records of 3073 (CIFAR-10) or 3074");
}

static void damage_is_named(void **state)
{
    (void)state;
    unsigned char bytes[sizeof images];
    write_both();
    refuses(&(request){.images = "none", .labels = "l"}, HESSE_E_INPUT, "none");
    write_bytes("i", images, sizeof images - 1);
    refuses(&both, HESSE_E_INPUT, "15 bytes after its header, expected 16");
    memcpy(bytes, images, sizeof bytes);
    bytes[4] = 255;
    write_bytes("i", bytes, sizeof bytes);
    refuses(&both, HESSE_E_INPUT, "dimension 0");
    bytes[4] = 0, bytes[2] = 9;
    write_bytes("i", bytes, sizeof bytes);
    refuses(&both, HESSE_E_INPUT, "no IDX file of bytes with 3 dimensions");
    bytes[2] = 8, bytes[7] = 1;
    write_bytes("i", bytes, sizeof bytes - 8);
    refuses(&both, HESSE_E_INPUT, "holds 2 labels, expected 1");
    write_gzip("i", images, sizeof images);
    FILE *f = fopen("i", "rb");
    unsigned char packed[200];
    const size_t count = fread(packed, 1, sizeof packed, f);
    fclose(f);
    write_bytes("i", packed, count / 2);
    refuses(&both, HESSE_E_INPUT, "is damaged");
}

/* MNIST's test images, if this machine has them. */
static void mnist_is_read(void **state)
{
    (void)state;
    const char *folder = getenv("HESSE_DATA");
    char i[600], l[600];
    snprintf(i, sizeof i, "%s/mnist-t10k-images-idx3-ubyte.gz", folder ? folder : "");
    snprintf(l, sizeof l, "%s/mnist-t10k-labels-idx1-ubyte.gz", folder ? folder : "");
    if (access(i, R_OK)) skip();
    request r = {.images = i,
                 .labels = l,
                 .count = 500,
                 .standard = true,
                 .shuffle = true,
                 .seed = 3};
    hesse_batch b = read_good(&r), again = read_good(&r);
    double sum = 0, squares = 0;
    int seen[10] = {0};
    for (int k = 0; k < 500 * 784; k++) sum += b.x[k], squares += b.x[k] * b.x[k];
    for (int k = 0; k < 500; k++) seen[b.target[k]]++;
    assert_true(b.classes == 10 && b.rows == 28 && b.cols == 28);
    assert_true(fabs(sum) < 1e-6 && fabs(squares / (500 * 784) - 1) < 1e-10);
    for (int c = 0; c < 10; c++) assert_true(seen[c] > 20 && seen[c] < 90);
    assert_memory_equal(b.x, again.x, 500 * 784 * sizeof *b.x);
    hesse_batch_free(&b);
    hesse_batch_free(&again);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(idx_is_read, enter_folder, leave_folder),
    cmocka_unit_test_setup_teardown(sizes_are_means_over_areas, enter_folder,
                                    leave_folder),
    cmocka_unit_test_setup_teardown(labels_select_and_channels_are_standard,
                                    enter_folder, leave_folder),
    cmocka_unit_test_setup_teardown(npy_is_read, enter_folder, leave_folder),
    cmocka_unit_test_setup_teardown(channels_may_be_first, enter_folder, leave_folder),
    cmocka_unit_test_setup_teardown(labels_that_are_counted_from_1_are_refused,
                                    enter_folder, leave_folder),
    cmocka_unit_test_setup_teardown(pixels_below_0_are_refused, enter_folder,
                                    leave_folder),
    cmocka_unit_test_setup_teardown(other_files_are_named, enter_folder, leave_folder),
    cmocka_unit_test_setup_teardown(folders_are_classes, enter_folder, leave_folder),
    cmocka_unit_test_setup_teardown(cifar_is_planar, enter_folder, leave_folder),
    cmocka_unit_test_setup_teardown(the_record_tells_the_kind_of_cifar, enter_folder,
                                    leave_folder),
    cmocka_unit_test_setup_teardown(damage_is_named, enter_folder, leave_folder),
    cmocka_unit_test(mnist_is_read),
};

int main(int argc, char **argv)
{
    return run_cases(argc, argv, tests, NULL, NULL);
}
