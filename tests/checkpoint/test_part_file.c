/* Part files: the reader returns the records that were written, and refuses a file that
   was cut short or has one bit changed. */
#include "check_files.h"
#include "checkpoint/part_file.h"

static const char IDENTITY[] =
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
enum { RECORDS = 3, LONGEST = 5 };

static const hesse_record whats[RECORDS] = {{.kind = HESSE_RECORD_PANEL, .first = 7},
                                            {.kind = HESSE_RECORD_BLOCK, .block = 1},
                                            {.kind = HESSE_RECORD_WHOLE}};
static const size_t counts[RECORDS] = {LONGEST, 0, 2};
static const double numbers[LONGEST] = {1, -2, 3e300, 0, 0.1};

static size_t write_file(const char *path)
{
    hesse_part_writer *w = NULL;
    hesse_why why;
    struct stat info;
    assert_int_equal(hesse_part_new(path, IDENTITY, &w, &why), HESSE_OK);
    for (int i = 0; i < RECORDS; i++)
        assert_int_equal(hesse_part_write(w, &whats[i], counts[i], numbers, &why),
                         HESSE_OK);
    assert_int_equal(stat(path, &info), -1); /* it has no name before it is complete */
    assert_int_equal(hesse_part_finish(w, &why), HESSE_OK);
    assert_int_equal(stat(path, &info), 0);
    return (size_t)info.st_size;
}

static hesse_status scan(const char *path, const char *identity, hesse_why *why)
{
    hesse_part_entry *list;
    size_t count;
    const hesse_status s = hesse_part_scan(path, identity, &list, &count, why);
    free(list);
    return s;
}

static void records_come_back(void **state)
{
    (void)state;
    hesse_part_entry *list;
    size_t count;
    hesse_why why;
    double read[LONGEST];
    write_file("a.part");
    assert_int_equal(hesse_part_scan("a.part", IDENTITY, &list, &count, &why),
                     HESSE_OK);
    assert_int_equal(count, RECORDS);
    for (int i = 0; i < RECORDS; i++) {
        assert_memory_equal(&list[i].what, &whats[i], sizeof whats[i]);
        assert_int_equal(list[i].count, counts[i]);
        assert_int_equal(hesse_part_read("a.part", &list[i], read, &why), HESSE_OK);
        assert_memory_equal(read, numbers, counts[i] * sizeof *read);
    }
    free(list);
}

static void what_is_given_up_vanishes(void **state)
{
    (void)state;
    hesse_part_writer *w = NULL;
    hesse_why why;
    assert_int_equal(hesse_part_new("b.part", IDENTITY, &w, &why), HESSE_OK);
    assert_int_equal(access("b.part.tmp", F_OK), 0);
    hesse_part_drop(w);
    assert_int_equal(access("b.part.tmp", F_OK), -1);
    assert_int_equal(hesse_part_new("missing/b.part", IDENTITY, &w, &why),
                     HESSE_E_OUTPUT);
    assert_message(&why, "missing/b.part");
}

static void damage_is_found(void **state)
{
    (void)state;
    hesse_why why;
    const size_t size = write_file("c.part");
    unsigned char *bytes = malloc(size);
    FILE *f = fopen("c.part", "rb");
    assert_int_equal(fread(bytes, 1, size, f), size);
    fclose(f);
    for (size_t i = 0; i < size; i++) {
        write_bytes("d.part", bytes, i);
        assert_int_equal(scan("d.part", IDENTITY, &why), HESSE_E_INPUT);
        assert_message(&why, "d.part");
        for (int bit = 0; bit < 8; bit++) {
            bytes[i] ^= (unsigned char)(1 << bit);
            write_bytes("d.part", bytes, size);
            assert_int_equal(scan("d.part", IDENTITY, &why), HESSE_E_INPUT);
            bytes[i] ^= (unsigned char)(1 << bit);
        }
    }
    free(bytes);
}

static void others_files_are_refused(void **state)
{
    (void)state;
    hesse_why why;
    char other[sizeof IDENTITY];
    write_file("e.part");
    strcpy(other, IDENTITY)[5] = 'x';
    assert_int_equal(scan("e.part", other, &why), HESSE_E_INPUT);
    assert_says(&why, "e.part", "another job");
    assert_int_equal(symlink("e.part", "link.part"), 0);
    assert_int_equal(scan("link.part", IDENTITY, &why), HESSE_E_INPUT);
    assert_int_equal(mkfifo("fifo.part", 0600), 0);
    assert_int_equal(scan("fifo.part", IDENTITY, &why), HESSE_E_INPUT);
    assert_int_equal(scan(".", IDENTITY, &why), HESSE_E_INPUT);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(records_come_back),
                                       cmocka_unit_test(what_is_given_up_vanishes),
                                       cmocka_unit_test(damage_is_found),
                                       cmocka_unit_test(others_files_are_refused)};
    return run_cases(argc, argv, tests, enter_folder, leave_folder);
}
