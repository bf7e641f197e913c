/* Masked tokens, and padding that no token attends to. */
#include "check_data.h"

/* 15 % are chosen, of which 80 % read as the mask and 10 % as they are. */
static void tokens_are_masked(void **state)
{
    (void)state;
    enum { ALL = 20000, CONTEXT = 1000 };
    static char text[ALL];
    const char *const path = "t.txt";
    for (int i = 0; i < ALL; i++) text[i] = (char)('a' + i * 7 % 11);
    write_bytes(path, text, ALL);
    hesse_data_options o = {
        .kind = "text", .paths = &path, .n_paths = 1, .sequences = 20, .seed = 4};
    const hesse_data_needs needs = {
        .reads = HESSE_READS_IDS, .positions = CONTEXT, .masked = true, .full = true};
    hesse_batch b = examples_for(&o, &needs);
    assert_true(b.vocabulary == 257 && b.classes == 257 && !b.end);
    double chosen = 0, masks = 0, same = 0;
    for (int i = 0; i < ALL; i++) {
        if (b.target[i] == HESSE_IGNORED) {
            assert_int_equal(b.input[i], text[i]);
            continue;
        }
        assert_int_equal(b.target[i], text[i]);
        chosen++, masks += b.input[i] == 256, same += b.input[i] == text[i];
    }
    assert_within(chosen / ALL, 0.15, 0.01);
    assert_within(masks / chosen, 0.8, 0.03);
    assert_within(same / chosen, 0.1, 0.03);
    hesse_batch_free(&b);
    o.mask_rate = 1e-9;
    refused_for(&o, &needs, HESSE_E_JOB, "none of 20000 tokens was masked");
    o.mask_rate = 1.5;
    refused_for(&o, &needs, HESSE_E_JOB, "mask rate is 1.5, expected 0 to 1");
    o.mask_rate = 0.5, o.mask_id = &(int){300};
    refused_for(&o,
                &(hesse_data_needs){.reads = HESSE_READS_IDS,
                                    .positions = CONTEXT,
                                    .vocabulary = 256,
                                    .masked = true},
                HESSE_E_JOB, "the id of masked tokens is 300");
}

/* In masked models a token predicts only itself: a file of 12 tokens makes 3 sequences
   of 4. The id of masked tokens comes after the ids of the file, for any vocabulary. */
static void masked_tokens_predict_themselves(void **state)
{
    (void)state;
    unsigned char ids[24] = {0};
    const char *const path = "ids.bin";
    for (int i = 0; i < 12; i++) ids[2 * i] = (unsigned char)(i % 5);
    write_bytes(path, ids, sizeof ids);
    const hesse_data_options o = {
        .kind = "tokens", .paths = &path, .n_paths = 1, .mask_rate = 1, .seed = 4};
    hesse_batch b = examples_for(&o, &(hesse_data_needs){.reads = HESSE_READS_IDS,
                                                         .positions = 4,
                                                         .vocabulary = 9,
                                                         .masked = true});
    assert_true(b.sequences == 3 && b.context == 4);
    assert_true(b.vocabulary == 9 && b.classes == 6);
    int masks = 0;
    for (int i = 0; i < 12; i++) {
        assert_int_equal(b.target[i], i % 5);
        masks += b.input[i] == 5;
    }
    assert_true(masks > 4);
    hesse_batch_free(&b);
}

/* Rows of four tokens, one of them with two ids and padding: with full attention its
   tokens see only tokens that have a target, or, in a masked model, all tokens that are
   no padding. */
static void padding_is_hidden_from_full_attention(void **state)
{
    (void)state;
    const int rows[] = {1, 2, 3, 4, 5, 6, -100, -100};
    const char *const path = "rows.npy";
    write_npy(path, "<i4", "(2, 4)", rows, sizeof rows);
    const hesse_data_options o = {
        .kind = "tokens", .paths = &path, .n_paths = 1, .mask_rate = 0.9};
    hesse_data_needs needs = {.reads = HESSE_READS_IDS, .positions = 4};
    hesse_batch b = examples_for(&o, &needs);
    assert_null(b.end);
    hesse_batch_free(&b);
    needs.full = true;
    b = examples_for(&o, &needs);
    assert_memory_equal(b.end, ((int[]){3, 3, 3, 1, 1, 1}), 6 * sizeof(int));
    hesse_batch_free(&b);
    needs.masked = true;
    b = examples_for(&o, &needs);
    assert_memory_equal(b.end, ((int[]){4, 4, 4, 4, 2, 2, 2, 2}), 8 * sizeof(int));
    assert_true(b.target[6] == HESSE_IGNORED && b.input[6] == 0);
    hesse_batch_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_masked),
        cmocka_unit_test(masked_tokens_predict_themselves),
        cmocka_unit_test(padding_is_hidden_from_full_attention),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
