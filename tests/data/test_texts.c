/* Texts with classes: files of lines, folders, labels, texts that are cut and files
   that are refused. */
#include "check_data.h"

static const hesse_data_needs reads_ids = {.reads = HESSE_READS_IDS, .positions = 8};

static void lines_are_texts_of_a_class(void **state)
{
    (void)state;
    write_text("neg", "ab\n\nb\r\n");
    write_text("pos", "cab\nc");
    const char *const paths[] = {"neg", "pos"};
    hesse_data_options o = {
        .kind = "texts", .paths = paths, .n_paths = 2, .characters = true};
    hesse_batch b = examples_for(&o, &reads_ids);
    assert_true(b.sequences == 4 && b.context == 3 && b.vocabulary == 4);
    assert_true(b.classes == 2 && b.labels == 1);
    const int ids[] = {1, 2, 0, 3, 1, 2, 2, 0, 0, 3, 0, 0};
    const int seen[] = {2, 2, 2, 3, 3, 3, 1, 1, 1, 1, 1, 1};
    const int classes[] = {0, 1, 0, 1};
    assert_memory_equal(b.input, ids, sizeof ids);
    assert_memory_equal(b.end, seen, sizeof seen);
    assert_memory_equal(b.target, classes, sizeof classes);
    hesse_batch_free(&b);
    o.context = 1, o.sequences = 3, o.characters = false;
    b = examples_for(&o, &reads_ids);
    assert_true(b.context == 1 && b.vocabulary == 257 && !b.end);
    assert_true(b.input[0] == 'a' + 1 && b.input[1] == 'c' + 1);
    hesse_batch_free(&b);
    o.sequences = 5;
    refused_for(&o, &reads_ids, HESSE_E_INPUT,
                "holds 4 texts with those beside it, expected 5");
    o.sequences = 1, o.context = 9;
    refused_for(&o, &reads_ids, HESSE_E_JOB,
                "the context is 9, expected 1 to the model's 8");
}

static void files_of_a_folder_are_texts(void **state)
{
    (void)state;
    mkdir("a", 0777), mkdir("b", 0777);
    write_text("a/2", "two\nlines\n"), write_text("a/1", "one"), write_text("b/1", "x");
    const char *const paths[] = {"a", "b"};
    const hesse_data_options o = {.kind = "texts", .paths = paths, .n_paths = 2};
    hesse_batch b = examples_for(&o, &(hesse_data_needs){.reads = HESSE_READS_IDS});
    assert_true(b.sequences == 3 && b.context == 9 && b.end[0] == 3);
    assert_true(b.target[0] == 0 && b.target[1] == 1 && b.target[2] == 0);
    assert_true(b.input[0] == 'o' + 1 && b.input[2 * 9 + 3] == '\n' + 1);
    hesse_batch_free(&b);
}

static void lines_may_begin_with_their_label(void **state)
{
    (void)state;
    write_text("t.tsv", "2\tab\n0\tcd\n12\tef\n");
    const char *const path = "t.tsv";
    hesse_data_options o = {
        .kind = "texts", .paths = &path, .n_paths = 1, .shuffle = true, .sequences = 3};
    hesse_batch b = examples_for(&o, &reads_ids);
    assert_true(b.sequences == 3 && b.classes == 13 && b.context == 2);
    assert_true(b.target[0] == 2 && b.target[1] == 0 && b.target[2] == 12);
    assert_true(b.input[2] == 'c' + 1);
    hesse_batch_free(&b);
    write_text("t.tsv", "2\tab\nno label\n");
    refused_for(&o, &reads_ids, HESSE_E_INPUT, "t.tsv: line 2 has no label");
    write_text("t.tsv", "0\t\xff\n");
    o.characters = true;
    refused_for(&o, &reads_ids, HESSE_E_INPUT, "not UTF-8");
}

/* b is used three times, a and cd twice; a comes first. */
static void frequent_words_have_ids(void **state)
{
    (void)state;
    write_text("neg", "b\177a\n \t\r\ne  a b\n");
    write_text("pos", "cd\tcd\xff cd b\r\n");
    const char *const paths[] = {"neg", "pos"};
    hesse_data_options o = {.kind = "texts", .paths = paths, .n_paths = 2, .words = 3};
    hesse_batch b = examples_for(&o, &reads_ids);
    assert_true(b.sequences == 3 && b.context == 4 && b.vocabulary == 5);
    const int ids[] = {1, 2, 0, 0, 3, 4, 3, 1, 4, 2, 1, 0};
    const int seen[] = {2, 2, 2, 2, 4, 4, 4, 4, 3, 3, 3, 3};
    const int classes[] = {0, 1, 0};
    assert_memory_equal(b.input, ids, sizeof ids);
    assert_memory_equal(b.end, seen, sizeof seen);
    assert_memory_equal(b.target, classes, sizeof classes);
    hesse_batch_free(&b);
    o.words = 100; /* more than there are: no word shares an id */
    b = examples_for(&o, &reads_ids);
    assert_true(b.vocabulary == 6 && b.input[8] == 4 && b.input[5] == 5);
    hesse_batch_free(&b);
    const hesse_data_needs trained = {
        .reads = HESSE_READS_IDS, .positions = 8, .trained = true, .vocabulary = 9};
    refused_for(&o, &trained, HESSE_E_INPUT,
                "found a vocabulary of 6 words, expected the model's, which has 9 ids");
    o.characters = true;
    refused_for(&o, &reads_ids, HESSE_E_JOB,
                "of words and of characters, expected one");
}

/* Line i of the text has the words 2 i and 2 i + 1. Word 5 is used again near the
   beginning, before there is room for all words, and word 1500 twice near the end. */
static void many_words_have_ids(void **state)
{
    (void)state;
    enum { LINES = 1600, TWICE = 5, OFTEN = 1500 };
    FILE *f = fopen("many", "w");
    assert_non_null(f);
    for (int i = 0; i < LINES; i++)
        fprintf(f, "0\tw%d w%d%s\n", 2 * i, 2 * i + 1,
                i == 7           ? " w5"
                : i == LINES - 9 ? " w1500 w1500"
                                 : "");
    assert_int_equal(fclose(f), 0);
    const char *const path = "many";
    const hesse_data_options o = {
        .kind = "texts", .paths = &path, .n_paths = 1, .words = 2, .sequences = LINES};
    hesse_batch b = examples_for(&o, &reads_ids);
    assert_int_equal(b.sequences, LINES);
    assert_int_equal(b.context, 4);
    assert_int_equal(b.vocabulary, 4);
    for (int i = 0; i < LINES; i++)
        for (int k = 0; k < 2; k++) {
            const int word = 2 * i + k;
            assert_int_equal(b.input[i * 4 + k], word == OFTEN   ? 1
                                                 : word == TWICE ? 2
                                                                 : 3);
        }
    hesse_batch_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_texts_of_a_class),
        cmocka_unit_test(files_of_a_folder_are_texts),
        cmocka_unit_test(lines_may_begin_with_their_label),
        cmocka_unit_test(frequent_words_have_ids),
        cmocka_unit_test(many_words_have_ids),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
