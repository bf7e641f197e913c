/* IDX headers and files that may be gzip: what is read, and damage of every kind. */
#include "check_files.h"

#include "files/gzip.h"
#include "files/idx.h"

#include <zlib.h>

/* Two arrays of 2 x 3 bytes. */
static const unsigned char good[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2,  0,  0,
                                     0, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

static void headers_are_read(void **state)
{
    (void)state;
    hesse_idx idx;
    hesse_why why;
    assert_int_equal(hesse_idx_header("f", good, sizeof good, 3, &idx, &why), HESSE_OK);
    assert_true(idx.rank == 3 && idx.count == 12 && idx.data == 16);
    assert_true(idx.shape[0] == 2 && idx.shape[1] == 2 && idx.shape[2] == 3);
}

static void refuses(const unsigned char *bytes, size_t size, int rank, const char *says)
{
    hesse_idx idx;
    hesse_why why = {0};
    assert_int_equal(hesse_idx_header("file", bytes, size, rank, &idx, &why),
                     HESSE_E_INPUT);
    assert_says(&why, "file", says);
}

static void damage_is_named(void **state)
{
    (void)state;
    unsigned char bytes[sizeof good];
    refuses(good, sizeof good, 1, "no IDX file of bytes with 1 dimensions");
    refuses(good, sizeof good - 1, 3, "11 bytes after its header, expected 12");
    for (size_t size = 0; size < sizeof good; size++) refuses(good, size, 3, "");
    for (size_t i = 0; i < 16; i++)
        for (int bit = 0; bit < 8; bit++) {
            memcpy(bytes, good, sizeof bytes);
            bytes[i] ^= (unsigned char)(1 << bit);
            refuses(bytes, sizeof bytes, 3, "");
        }
    memcpy(bytes, good, sizeof bytes);
    bytes[4] = 255;
    refuses(bytes, sizeof bytes, 3, "dimension 0 is 4278190082");
}

static void gzip_is_decompressed_and_other_files_are_not(void **state)
{
    (void)state;
    enum { COUNT = 3 << 20 };
    unsigned char *content = malloc(COUNT), *found, packed[COUNT / 8];
    size_t size;
    hesse_why why = {0};
    uint64_t seed = 1;
    assert_non_null(content);
    for (int i = 0; i < COUNT; i++) content[i] = (unsigned char)(4 * uniform(&seed));
    write_bytes("raw", content, COUNT);
    gzFile f = gzopen("packed", "wb");
    assert_int_equal(gzwrite(f, content, 1000), 1000);
    assert_int_equal(gzclose(f), Z_OK);
    assert_int_equal(hesse_gzip_load("raw", &found, &size, &why), HESSE_OK);
    assert_int_equal(size, COUNT);
    assert_memory_equal(found, content, COUNT);
    free(found);
    assert_int_equal(hesse_gzip_load("packed", &found, &size, &why), HESSE_OK);
    assert_int_equal(size, 1000);
    assert_memory_equal(found, content, 1000);
    free(found);
    FILE *file = fopen("packed", "rb");
    const size_t count = fread(packed, 1, sizeof packed, file);
    fclose(file);
    write_bytes("packed", packed, count / 2);
    assert_int_equal(hesse_gzip_load("packed", &found, &size, &why), HESSE_E_INPUT);
    assert_null(found);
    assert_says(&why, "packed", "is damaged");
    assert_int_equal(hesse_gzip_load("missing", &found, &size, &why), HESSE_E_INPUT);
    assert_says(&why, "missing", "");
    free(content);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_read),
        cmocka_unit_test(damage_is_named),
        cmocka_unit_test(gzip_is_decompressed_and_other_files_are_not),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
