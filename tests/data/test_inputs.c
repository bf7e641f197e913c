/* Arrays of numbers, images and ids, with labels or targets. */
#include "check_data.h"

static const char *const path = "x.npy";

static hesse_data_options options(const char *labels, const char *targets)
{
    return (hesse_data_options){.kind = "inputs",
                                .paths = &path,
                                .n_paths = 1,
                                .labels = labels,
                                .targets = targets};
}

/* At most 16 examples are taken when no number is given. */
static void numbers_have_labels(void **state)
{
    (void)state;
    double x[20 * 2];
    int64_t labels[20];
    for (int i = 0; i < 40; i++) x[i] = i / 8.0;
    for (int i = 0; i < 20; i++) labels[i] = i % 4 - 1;
    write_npy(path, "<f8", "(20, 2)", x, sizeof x);
    write_npy("l.npy", "<i8", "(20,)", labels, sizeof labels);
    hesse_data_options o = options("l.npy", NULL);
    hesse_batch b = examples_of(&o);
    assert_true(b.sequences == 16 && b.context == 1 && b.width == 2 && !b.rows);
    assert_true(b.labels == 1 && b.classes == 3 && b.target[0] == -1);
    assert_memory_equal(b.x, x, 32 * sizeof *x);
    hesse_batch_free(&b);
    o.sequences = 20;
    b = examples_of(&o);
    assert_int_equal(b.sequences, 20);
    hesse_batch_free(&b);
    o.sequences = 21;
    refused(&o, HESSE_E_INPUT, "x.npy: holds 20 examples, expected 21 or more");
    write_npy("l.npy", "<i8", "(15,)", labels, 15 * sizeof *labels);
    o.sequences = 0;
    refused(&o, HESSE_E_INPUT, "l.npy: holds 15 examples, expected 16 or more");
}

static void images_and_ids_are_told_by_rank_and_type(void **state)
{
    (void)state;
    const float x[12] = {0.5f, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    const int ids[] = {1, 2, 3, 0, 5, 6}, negative[] = {1, -1};
    const double y[] = {1, 2, 3, 4};
    write_npy("y.npy", "<f8", "(2, 2)", y, sizeof y);
    write_npy(path, "<f4", "(2, 1, 2, 3)", x, sizeof x);
    hesse_data_options o = options(NULL, "y.npy");
    refused(&o, HESSE_E_INPUT, "may have its channels first");
    o.layout = HESSE_LAYOUT_CHANNELS_FIRST;
    hesse_batch b = examples_of(&o);
    assert_true(b.rows == 2 && b.cols == 3 && b.width == 1 && b.x[1] == 1);
    hesse_batch_free(&b);
    o.layout = HESSE_LAYOUT_CHANNELS_LAST;
    b = examples_of(&o);
    assert_true(b.rows == 1 && b.cols == 2 && b.width == 3 && b.context == 2);
    assert_true(b.wanted_tokens == 1 && b.wanted_width == 2 && b.x[0] == 0.5);
    hesse_batch_free(&b);
    b = examples_for(&o,
                     &(hesse_data_needs){.reads = HESSE_READS_NUMBERS, .flat = true});
    assert_true(!b.rows && b.width == 6 && b.context == 1);
    hesse_batch_free(&b);
    write_npy(path, "<i4", "(2, 3)", ids, sizeof ids);
    b = examples_of(&o);
    assert_true(b.context == 3 && b.vocabulary == 7 && !b.x);
    assert_memory_equal(b.input, ids, sizeof ids);
    hesse_batch_free(&b);
    write_npy(path, "<i4", "(2, 1)", negative, sizeof negative);
    refused(&o, HESSE_E_INPUT,
            "x.npy: element 1 (from 0) is -1, expected an id from 0");
}

/* Labels as Hugging Face's collators write them: a label is the id of its own token. */
static void labels_are_shifted(void **state)
{
    (void)state;
    const int ids[] = {5, 6, 7, 5, 1, 2}, labels[] = {-100, 6, 7, -100, -100, 2};
    const hesse_data_needs causal = {.reads = HESSE_READS_IDS};
    write_npy(path, "<i4", "(2, 3)", ids, sizeof ids);
    write_npy("l.npy", "<i4", "(2, 3)", labels, sizeof labels);
    hesse_data_options o = options("l.npy", NULL);
    refused_for(&o, &causal, HESSE_E_INPUT, "every label is the id of its own token");
    hesse_batch b =
        examples_for(&o, &(hesse_data_needs){.reads = HESSE_READS_IDS, .full = true});
    assert_memory_equal(b.target, labels, sizeof labels);
    hesse_batch_free(&b);
    o.shift = true;
    b = examples_for(&o, &causal);
    assert_memory_equal(b.target, ((int[]){6, 7, -100, -100, 2, -100}), sizeof labels);
    hesse_batch_free(&b);
    write_npy("l.npy", "<i4", "(2,)", labels, 2 * sizeof *labels);
    refused_for(&o, &causal, HESSE_E_JOB, "where every token has an id and a label");
}

/* Padding on the right in row 0, on the left in row 1. */
static void padding_is_hidden(void **state)
{
    (void)state;
    const int ids[] = {5, 6, 0, 0, 1, 2}, mask[] = {1, 1, 0, 0, 1, 1}, y[] = {0, 1};
    const int types[] = {0, 1, 0, 0, 0, 1};
    const hesse_data_needs full = {.reads = HESSE_READS_IDS, .full = true, .pad = 1};
    write_npy(path, "<i4", "(2, 3)", ids, sizeof ids);
    write_npy("m.npy", "<i4", "(2, 3)", mask, sizeof mask);
    write_npy("t.npy", "<i4", "(2, 3)", types, sizeof types);
    write_npy("l.npy", "<i4", "(2,)", y, sizeof y);
    hesse_data_options o = options("l.npy", NULL);
    refused_for(&o, &full, HESSE_E_INPUT,
                "row 0 (from 0) begins or ends with 0, the model's id");
    o.mask = "m.npy", o.types = "t.npy";
    hesse_batch b = examples_for(&o, &full);
    assert_memory_equal(b.from, ((int[]){0, 0, 0, 1, 1, 1}), sizeof ids);
    assert_memory_equal(b.end, ((int[]){2, 2, 2, 3, 3, 3}), sizeof ids);
    assert_memory_equal(b.type, types, sizeof types);
    assert_null(b.position);
    hesse_batch_free(&b);
    const int padding = 0;
    o.mask = NULL, o.padding = &padding;
    b = examples_for(&o, &(hesse_data_needs){.reads = HESSE_READS_IDS,
                                             .positions_skip_padding = true});
    assert_memory_equal(b.from, ((int[]){0, 0, 0, 0, 1, 1}), sizeof ids);
    assert_memory_equal(b.end, ((int[]){1, 2, 3, 1, 2, 3}), sizeof ids);
    assert_memory_equal(b.position, ((int[]){0, 1, -1, -1, 0, 1}), sizeof ids);
    hesse_batch_free(&b);
    o.mask = "m.npy";
    refused_for(&o, &full, HESSE_E_JOB, "expected one");
}

/* Padding after the last token changes nothing in a causal network if it has no label.
   A single id at an end may begin or end a text. */
static void padding_that_nothing_hides_is_refused(void **state)
{
    (void)state;
    enum { NO = -100 };
    static const struct {
        int ids[4], labels[4];
        bool full, refused;
    } cases[] = {
        {{5, 6, 7, 8}, {6, 7, 8, 9}, false, false},
        {{5, 6, 0, 0}, {6, 0, 0, 0}, false, true},
        {{5, 6, 0, 0}, {6, 0, 0, NO}, false, true},
        {{5, 6, 0, 0}, {6, NO, NO, NO}, false, false},
        {{5, 6, 0, 0}, {6, 0, NO, NO}, false, false},
        {{5, 6, 0, 0}, {6, NO, NO, NO}, true, true},
        {{5, 0, 0, 8}, {0, 0, 8, 9}, false, false},
        {{0, 6, 7, 0}, {6, 7, 0, 0}, false, false},
        {{0, 6, 7, 8}, {6, 7, 8, 9}, true, true},
        {{0, 0, 7, 8}, {NO, NO, 8, 9}, false, true},
    };
    hesse_data_options o = options("l.npy", NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const hesse_data_needs needs = {
            .reads = HESSE_READS_IDS, .pad = 1, .full = cases[i].full};
        write_npy(path, "<i4", "(1, 4)", cases[i].ids, sizeof cases[i].ids);
        write_npy("l.npy", "<i4", "(1, 4)", cases[i].labels, sizeof cases[i].labels);
        if (cases[i].refused) {
            refused_for(&o, &needs, HESSE_E_INPUT,
                        "x.npy: row 0 (from 0) begins or ends with 0, the model's id");
        } else {
            hesse_batch b = examples_for(&o, &needs);
            assert_null(b.end);
            hesse_batch_free(&b);
        }
    }
}

static void masks_that_mean_nothing_are_refused(void **state)
{
    (void)state;
    const int ids[] = {5, 6, 4, 3, 1, 2}, y[] = {0, 1}, each[] = {0, 1, 1, 0, 0, 0};
    static const struct {
        int mask[6];
        const char *says;
    } cases[] = {
        {{1, 1, 1, 0, 0, 0}, "row 1 (from 0) is padding alone"},
        {{1, 0, 1, 1, 1, 1}, "row 0 (from 0) has padding between tokens, at column 1"},
        {{0, 1, 0, 1, 1, 1}, "row 0 (from 0) has padding at both ends"},
        {{1, 1, 2, 1, 1, 1}, "element 2 (from 0) is 2, expected 0 to 1"},
    };
    const hesse_data_needs full = {.reads = HESSE_READS_IDS, .full = true};
    write_npy(path, "<i4", "(2, 3)", ids, sizeof ids);
    write_npy("l.npy", "<i4", "(2,)", y, sizeof y);
    hesse_data_options o = options("l.npy", NULL);
    o.mask = "m.npy";
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_npy("m.npy", "<i4", "(2, 3)", cases[i].mask, sizeof cases[i].mask);
        refused_for(&o, &full, HESSE_E_INPUT, cases[i].says);
    }
    write_npy("m.npy", "<i4", "(3, 2)", ids, sizeof ids);
    refused_for(&o, &full, HESSE_E_INPUT, "m.npy: expected integers of the shape");
    write_npy("m.npy", "<i4", "(2, 3)", ((int[]){1, 1, 0, 1, 1, 1}), sizeof ids);
    write_npy("l.npy", "<i4", "(2, 3)", each, sizeof each);
    refused_for(&o, &full, HESSE_E_INPUT,
                "row 0, column 2 (from 0) is padding, and its target is 1");
}

/* Labels 1, 2, 3 of 12 examples are counted from 1 if nobody says that there are 4
   classes; of 11 examples, or without a 2, the class 0 may be missing by chance. */
static void labels_that_are_counted_from_1_are_refused(void **state)
{
    (void)state;
    static const double x[12];
    int labels[12];
    const char *says = "l.npy: labels run from 1 to 3 and none is 0, expected classes";
    hesse_data_needs needs = {.reads = HESSE_READS_NUMBERS};
    for (int i = 0; i < 12; i++) labels[i] = i % 3 + 1;
    write_npy(path, "<f8", "(12, 1)", x, sizeof x);
    write_npy("l.npy", "<i4", "(12,)", labels, sizeof labels);
    hesse_data_options o = options("l.npy", NULL);
    o.sequences = 2;
    refused_for(&o, &needs, HESSE_E_INPUT, says);
    needs.squared = true;
    refused_for(&o, &needs, HESSE_E_INPUT, says);
    needs.classes = 3;
    refused_for(&o, &needs, HESSE_E_INPUT, says);
    needs.classes = 4;
    hesse_batch b = examples_for(&o, &needs);
    assert_string_equal(b.reading.labels, "");
    hesse_batch_free(&b);
    needs = (hesse_data_needs){.reads = HESSE_READS_NUMBERS};
    labels[11] = -1;
    write_npy("l.npy", "<i4", "(12,)", labels, sizeof labels);
    b = examples_for(&o, &needs);
    assert_string_equal(b.reading.labels, "classes counted from 0 (no label is 0)");
    hesse_batch_free(&b);
    labels[11] = 0;
    write_npy("l.npy", "<i4", "(12,)", labels, sizeof labels);
    b = examples_for(&o, &needs);
    assert_string_equal(b.reading.labels, "");
    hesse_batch_free(&b);
    for (int i = 0; i < 12; i++) labels[i] = i % 2 ? 1 : 3;
    write_npy("l.npy", "<i4", "(12,)", labels, sizeof labels);
    b = examples_for(&o, &needs);
    assert_string_equal(b.reading.labels, "classes counted from 0 (no label is 0)");
    hesse_batch_free(&b);
}

/* A loss of numbers reads labels as they are, not as classes. */
static void labels_may_be_numbers(void **state)
{
    (void)state;
    const int ids[] = {5, 6, 4, 3};
    const double y[] = {0.5, -2, 1, 3};
    const hesse_data_needs numbers = {.reads = HESSE_READS_IDS, .numbers = true};
    write_npy(path, "<i4", "(2, 2)", ids, sizeof ids);
    write_npy("l.npy", "<f8", "(2,)", y, 2 * sizeof *y);
    hesse_data_options o = options("l.npy", NULL);
    hesse_batch b = examples_for(&o, &numbers);
    assert_true(b.wanted_width == 1 && b.wanted_tokens == 1 && !b.target);
    assert_memory_equal(b.wanted, y, 2 * sizeof *y);
    hesse_batch_free(&b);
    write_npy("l.npy", "<f8", "(2, 2)", y, sizeof y);
    b = examples_for(&o, &numbers);
    assert_true(b.wanted_width == 2 && b.wanted_tokens == 1);
    hesse_batch_free(&b);
}

/* The length of one-hot vectors is the number of classes that the network predicts. */
static void labels_become_one_hot_vectors(void **state)
{
    (void)state;
    const double x[] = {1, 2};
    const int labels[] = {1, 0};
    write_npy(path, "<f8", "(2, 1)", x, sizeof x);
    write_npy("l.npy", "<i4", "(2,)", labels, sizeof labels);
    const hesse_data_options o = options("l.npy", NULL);
    hesse_batch b = examples_for(&o, &(hesse_data_needs){.reads = HESSE_READS_NUMBERS,
                                                         .squared = true,
                                                         .classes = 3});
    assert_true(b.wanted_width == 3 && !b.target && b.classes == 3);
    assert_memory_equal(b.wanted, ((double[]){0, 1, 0, 1, 0, 0}), 6 * sizeof(double));
    hesse_batch_free(&b);
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    const double x[] = {1, INFINITY};
    hesse_data_options o = options(NULL, NULL);
    refused(&o, HESSE_E_JOB, "x.npy: needs a file of targets or one of labels");
    o = options("l.npy", "y.npy");
    refused(&o, HESSE_E_JOB, "and not both");
    o = options(NULL, path);
    write_npy(path, "<f8", "(1, 2)", x, sizeof x);
    refused(&o, HESSE_E_INPUT, "x.npy: element 1 (from 0) is inf");
    write_npy(path, "<f2", "(1, 2)", x, 4);
    refused(&o, HESSE_E_INPUT, "x.npy: holds type 'f2'");
    write_npy(path, "<f8", "(1,)", x, 8);
    refused(&o, HESSE_E_INPUT, "x.npy: holds an array of rank 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_have_labels),
        cmocka_unit_test(images_and_ids_are_told_by_rank_and_type),
        cmocka_unit_test(labels_are_shifted),
        cmocka_unit_test(padding_is_hidden),
        cmocka_unit_test(padding_that_nothing_hides_is_refused),
        cmocka_unit_test(masks_that_mean_nothing_are_refused),
        cmocka_unit_test(labels_that_are_counted_from_1_are_refused),
        cmocka_unit_test(labels_may_be_numbers),
        cmocka_unit_test(labels_become_one_hot_vectors),
        cmocka_unit_test(what_is_wrong_is_named),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
