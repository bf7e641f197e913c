/* Batches: slices, chosen examples, and other forms of their examples. */
#include "check.h"

#include "base/memory.h"
#include "network/batch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The allocation with this number, counted from 0, fails. */
static int broken_at = -1, allocations;

void *__real_hesse_calloc(size_t count, size_t size);
void *__wrap_hesse_calloc(size_t count, size_t size);

void *__wrap_hesse_calloc(size_t count, size_t size)
{
    return allocations++ == broken_at ? NULL : __real_hesse_calloc(count, size);
}

enum { EXAMPLES = 5, TOKENS = 3, WIDTH = 2, LABELS = 3, ROWS = 2, OUTPUTS = 4 };

/* Make a batch with all arrays, in which all numbers differ. */
static hesse_batch full_batch(void)
{
    hesse_batch b = {.sequences = EXAMPLES,
                     .context = TOKENS,
                     .vocabulary = 1000,
                     .width = WIDTH,
                     .labels = LABELS,
                     .classes = 1000,
                     .wanted_tokens = ROWS,
                     .wanted_width = OUTPUTS,
                     .digest = "d",
                     .input = hesse_calloc(EXAMPLES * TOKENS, sizeof(int)),
                     .end = hesse_calloc(EXAMPLES * TOKENS, sizeof(int)),
                     .from = hesse_calloc(EXAMPLES * TOKENS, sizeof(int)),
                     .position = hesse_calloc(EXAMPLES * TOKENS, sizeof(int)),
                     .type = hesse_calloc(EXAMPLES * TOKENS, sizeof(int)),
                     .x = hesse_calloc(EXAMPLES * TOKENS * WIDTH, sizeof(double)),
                     .target = hesse_calloc(EXAMPLES * LABELS, sizeof(int)),
                     .wanted = hesse_calloc(EXAMPLES * ROWS * OUTPUTS, sizeof(double))};
    int next = 1;
    for (int i = 0; i < EXAMPLES * TOKENS; i++) {
        b.input[i] = next++, b.end[i] = next++;
        b.from[i] = next++, b.position[i] = next++, b.type[i] = next++;
    }
    for (int i = 0; i < EXAMPLES * TOKENS * WIDTH; i++) b.x[i] = next++;
    for (int i = 0; i < EXAMPLES * LABELS; i++) b.target[i] = next++;
    for (int i = 0; i < EXAMPLES * ROWS * OUTPUTS; i++) b.wanted[i] = next++;
    return b;
}

static void assert_example(const hesse_batch *a, int i, const hesse_batch *b, int j)
{
    assert_memory_equal(a->input + i * TOKENS, b->input + j * TOKENS,
                        TOKENS * sizeof(int));
    assert_memory_equal(a->end + i * TOKENS, b->end + j * TOKENS, TOKENS * sizeof(int));
    assert_memory_equal(a->from + i * TOKENS, b->from + j * TOKENS,
                        TOKENS * sizeof(int));
    assert_memory_equal(a->position + i * TOKENS, b->position + j * TOKENS,
                        TOKENS * sizeof(int));
    assert_memory_equal(a->type + i * TOKENS, b->type + j * TOKENS,
                        TOKENS * sizeof(int));
    assert_memory_equal(a->x + i * TOKENS * WIDTH, b->x + j * TOKENS * WIDTH,
                        TOKENS * WIDTH * sizeof(double));
    assert_memory_equal(a->target + i * LABELS, b->target + j * LABELS,
                        LABELS * sizeof(int));
    assert_memory_equal(a->wanted + i * ROWS * OUTPUTS, b->wanted + j * ROWS * OUTPUTS,
                        ROWS * OUTPUTS * sizeof(double));
}

static void slices_are_views(void **state)
{
    (void)state;
    hesse_batch all = full_batch();
    for (int first = EXAMPLES; first >= 0; first--)
        for (int count = 0; count <= EXAMPLES - first; count++) {
            const hesse_batch part = hesse_batch_slice(&all, first, count);
            assert_true(part.sequences == count && part.context == TOKENS);
            assert_true(part.x == all.x + first * TOKENS * WIDTH);
            assert_true(part.classes == 1000 && part.wanted_width == OUTPUTS);
            for (int i = 0; i < count; i++) assert_example(&part, i, &all, first + i);
        }
    hesse_batch_free(&all);
    all = (hesse_batch){
        .sequences = 2, .context = 1, .input = hesse_calloc(2, sizeof(int))};
    const hesse_batch part = hesse_batch_slice(&all, 1, 1);
    assert_true(part.input == all.input + 1 && !part.x && !part.target && !part.end);
    hesse_batch_free(&all);
}

static void picks_are_copies(void **state)
{
    (void)state;
    const int indices[] = {4, 0, 4, 2};
    hesse_batch all = full_batch(), part;
    hesse_why why;
    assert_int_equal(hesse_batch_pick(&all, 4, indices, &part, &why), HESSE_OK);
    assert_true(part.sequences == 4 && part.labels == LABELS);
    for (int i = 0; i < 4; i++) assert_example(&part, i, &all, indices[i]);
    all.x[0] = -1;
    assert_true(part.x[TOKENS * WIDTH] > 0);
    hesse_batch_free(&part);
    for (broken_at = 0; broken_at < HESSE_BATCH_ARRAYS; broken_at++) {
        allocations = 0;
        assert_int_equal(hesse_batch_pick(&all, 4, indices, &part, &why),
                         HESSE_E_NOMEM);
        assert_true(!part.input && !part.x && part.sequences == 0);
    }
    broken_at = -1;
    hesse_batch_free(&all);
}

/* Make two grey images of 2 x 2 pixels. */
static hesse_batch grey_images(void)
{
    static const double x[] = {0, 0.25, 0.5, 1, 0.2, 0.4, 0.6, 0.8};
    hesse_batch b = {.sequences = 2,
                     .context = 4,
                     .width = 1,
                     .rows = 2,
                     .cols = 2,
                     .labels = 1,
                     .classes = 2,
                     .x = hesse_calloc(8, sizeof(double)),
                     .target = hesse_calloc(2, sizeof(int))};
    memcpy(b.x, x, sizeof x);
    b.target[1] = 1;
    return b;
}

static void images_take_other_forms(void **state)
{
    (void)state;
    hesse_why why;
    hesse_batch b = grey_images();
    assert_int_equal(hesse_batch_one_hot(&b, false, &why), HESSE_OK);
    assert_true(b.wanted_width == 2 && !b.target && b.labels == 0);
    assert_memory_equal(b.wanted, ((double[]){1, 0, 0, 1}), 4 * sizeof(double));
    assert_int_equal(hesse_batch_shades(&b, &why), HESSE_OK);
    assert_true(b.vocabulary == 256 && !b.x && !b.rows && b.context == 4);
    assert_memory_equal(b.input, ((int[]){0, 64, 128, 255, 51, 102, 153, 204}),
                        8 * sizeof(int));
    hesse_batch_free(&b);
    b = grey_images();
    b.x[5] = -1;
    assert_int_equal(hesse_batch_shades(&b, &why), HESSE_E_JOB);
    assert_non_null(strstr(why.text, "a pixel is -1, expected 0 to 1"));
    assert_int_equal(hesse_batch_flatten(&b, &why), HESSE_OK);
    assert_true(b.width == 4 && b.context == 1 && !b.rows && b.x[5] == -1);
    b.target[1] = HESSE_IGNORED;
    assert_int_equal(hesse_batch_one_hot(&b, false, &why), HESSE_E_JOB);
    hesse_batch_free(&b);
}

/* One image of 1 x 2 pixels with two channels: channels become outermost. */
static void channels_become_planes(void **state)
{
    (void)state;
    hesse_why why;
    hesse_batch b = {.sequences = 1,
                     .context = 2,
                     .width = 2,
                     .rows = 1,
                     .cols = 2,
                     .x = hesse_calloc(4, sizeof(double))};
    for (int i = 0; i < 4; i++) b.x[i] = i;
    assert_int_equal(hesse_batch_shades(&b, &why), HESSE_E_JOB);
    assert_non_null(strstr(why.text, "images of 2 channels"));
    assert_int_equal(hesse_batch_flatten(&b, &why), HESSE_OK);
    assert_memory_equal(b.x, ((double[]){0, 2, 1, 3}), 4 * sizeof(double));
    hesse_batch_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_are_views),
        cmocka_unit_test(picks_are_copies),
        cmocka_unit_test(images_take_other_forms),
        cmocka_unit_test(channels_become_planes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
