/* These laws hold for all kinds of data: an example does not depend on the number of
   examples, the same seed gives the same examples, another seed gives others, wrong
   options are refused, and any allocation may fail. A new kind needs its options
   here. */
#include "check_data.h"

#include "base/memory.h"
#include "data/kinds.h"

/* Allocation number broken_at fails, counted from 0. */
static int broken_at = -1, allocations;

double *__real_hesse_alloc(size_t count);
double *__wrap_hesse_alloc(size_t count);
void *__real_hesse_calloc(size_t count, size_t size);
void *__wrap_hesse_calloc(size_t count, size_t size);

double *__wrap_hesse_alloc(size_t count)
{
    return allocations++ == broken_at ? NULL : __real_hesse_alloc(count);
}

void *__wrap_hesse_calloc(size_t count, size_t size)
{
    return allocations++ == broken_at ? NULL : __real_hesse_calloc(count, size);
}

static const char *const tokens = "t.npy", *const text = "t.txt",
                         *const inputs = "x.npy", *const images = "c.bin",
                         *const texts[] = {"neg", "pos"};

/* Options for every kind, with which it finds 20 examples or more. */
static const hesse_data_options all[] = {
    {.kind = "tokens", .paths = &tokens, .n_paths = 1},
    {.kind = "text", .paths = &text, .n_paths = 1, .context = 3},
    {.kind = "texts", .paths = texts, .n_paths = 2, .context = 3},
    {.kind = "inputs", .paths = &inputs, .n_paths = 1, .labels = "l.npy"},
    {.kind = "images", .paths = &images, .n_paths = 1},
    {.kind = "gaussian", .recipe = {.features = 7, .classes = 3}},
    {.kind = "clusters", .recipe = {.features = 7, .classes = 3}},
    {.kind = "regression", .recipe = {.covariates = HESSE_COVARIATES_GAMMA}},
    {.kind = "addition", .batch = 3},
    {.kind = "pathfinder"},
    {.kind = "outputs", .recipe = {.features = 3, .outputs = 2}, .context = 2},
    {.kind = "quadratic",
     .sizes = (const int[]){2, 1},
     .n_sizes = 2,
     .eigenvalues = (const double[]){3, 5, 7}}};

enum { KINDS = sizeof all / sizeof *all, FEW = 4, MORE = 7, LINES = 20 };

static int make_files(void **state)
{
    static unsigned char records[LINES * 3073];
    int rows[LINES * 4], labels[LINES];
    const int failed = enter_folder(state);
    FILE *files[3];
    for (int i = 0; i < 2; i++) files[i] = fopen(texts[i], "w");
    files[2] = fopen(text, "w");
    for (int i = 0; i < LINES; i++) {
        for (int j = 0; j < 4; j++) rows[i * 4 + j] = (5 * i + j) % 17;
        labels[i] = i % 3;
        records[i * 3073] = (unsigned char)(i % 10);
        for (int j = 1; j < 3073; j++)
            records[i * 3073 + j] = (unsigned char)(i * j % 251);
        for (int j = 0; j < 3; j++) fprintf(files[j], "line %d\n", i * i);
    }
    for (int i = 0; i < 3; i++) fclose(files[i]);
    write_npy(tokens, "<i4", "(20, 4)", rows, sizeof rows);
    write_npy(inputs, "<i4", "(20, 4)", rows, sizeof rows);
    write_npy("l.npy", "<i4", "(20,)", labels, sizeof labels);
    write_bytes(images, records, sizeof records);
    return failed;
}

static hesse_data_options with(int i, int sequences, uint64_t seed)
{
    hesse_data_options o = all[i];
    o.sequences = sequences, o.seed = seed;
    return o;
}

static hesse_batch read_kind(int i, int sequences, uint64_t seed, bool shuffle)
{
    hesse_data_options o = with(i, sequences, seed);
    o.shuffle = shuffle;
    return examples_of(&o);
}

static bool same(hesse_batch *a, hesse_batch *b, int examples)
{
    hesse_batch_array x[HESSE_BATCH_ARRAYS], y[HESSE_BATCH_ARRAYS];
    bool equal = true;
    hesse_batch_arrays(a, x);
    hesse_batch_arrays(b, y);
    for (int i = 0; i < HESSE_BATCH_ARRAYS; i++) {
        assert_true(!*x[i].at == !*y[i].at && x[i].each == y[i].each);
        if (*x[i].at)
            equal &= !memcmp(*x[i].at, *y[i].at, (size_t)examples * x[i].each);
    }
    return equal;
}

static void every_kind_is_tested(void **state)
{
    (void)state;
    int count = 0;
    for (; hesse_data_kinds[count]; count++) {
        const hesse_data_kind *kind = hesse_data_kinds[count];
        assert_true(count < KINDS);
        assert_string_equal(kind->name, all[count].kind);
        assert_ptr_equal(hesse_data_kind_named(kind->name), kind);
        assert_true(kind->help[strlen(kind->help) - 1] != '\n' && kind->examples);
        assert_true(kind->drawn == !kind->most_paths && kind->keys && kind->read);
    }
    assert_int_equal(count, KINDS);
    assert_null(hesse_data_kind_named("token"));
}

/* Only a quadratic fixes the number of examples itself. */
static void examples_do_not_depend_on_their_number(void **state)
{
    (void)state;
    for (int i = 0; i < KINDS; i++)
        for (uint64_t seed = 0; seed < 20; seed++) {
            hesse_batch few = read_kind(i, FEW, seed, false);
            hesse_batch more = read_kind(i, MORE, seed, false);
            hesse_batch usual = read_kind(i, 0, seed, false);
            if (strcmp(all[i].kind, "quadratic") != 0)
                assert_true(few.sequences == FEW && more.sequences == MORE &&
                            usual.sequences == 16);
            if (!same(&few, &more, few.sequences) || !same(&few, &usual, few.sequences))
                fail_msg("an example of %s depends on their number", all[i].kind);
            hesse_batch_free(&few), hesse_batch_free(&more), hesse_batch_free(&usual);
        }
}

static void a_seed_gives_the_same_examples(void **state)
{
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        hesse_batch once = read_kind(i, FEW, 5, true),
                    again = read_kind(i, FEW, 5, true);
        hesse_batch other = read_kind(i, FEW, 6, true);
        assert_true(same(&once, &again, once.sequences));
        assert_string_equal(once.digest, again.digest);
        if (hesse_data_kinds[i]->drawn) {
            assert_false(same(&once, &other, once.sequences));
            assert_string_not_equal(once.digest, other.digest);
        }
        hesse_batch_free(&once), hesse_batch_free(&again), hesse_batch_free(&other);
    }
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    hesse_data_options o = {0};
    refused(&o, HESSE_E_JOB, "there is no kind of data named ''");
    o.kind = "nothing";
    refused(&o, HESSE_E_JOB, "there is no kind of data named 'nothing'");
    for (int i = 0; i < KINDS; i++) {
        o = with(i, -1, 0);
        refused(&o, HESSE_E_JOB, "number of sequences is -1, expected 0 to 2147483647");
        o = with(i, 0, 0);
        o.batch = -2;
        refused(&o, HESSE_E_JOB, "batch is -2");
        o = with(i, 0, 0);
        o.n_paths = hesse_data_kinds[i]->drawn ? 1 : 0;
        refused(&o, HESSE_E_JOB, o.n_paths ? "and 1 are given" : "and 0 are given");
    }
    o = with(0, 0, 0);
    o.n_paths = 2;
    refused(&o, HESSE_E_JOB, "'tokens' come from 1 file, and 2 are given");
    o = with(1, 0, 0);
    refused_for(&o, &(hesse_data_needs){.reads = HESSE_READS_IDS, .positions = 2},
                HESSE_E_JOB, "the context is 3, expected 1 to the model's 2 positions");
}

static void memory_may_end(void **state)
{
    (void)state;
    hesse_why why;
    hesse_batch b;
    for (int i = 0; i < KINDS; i++) {
        const hesse_data_options o = with(i, FEW, 1);
        const hesse_data_needs needs = {.reads = HESSE_READS_NUMBERS,
                                        .full = true,
                                        .flat = true,
                                        .squared = strcmp(o.kind, "addition") != 0};
        allocations = 0, broken_at = -1;
        assert_int_equal(hesse_data_read(&o, &needs, &b, &why), HESSE_OK);
        hesse_batch_free(&b);
        const int count = allocations;
        assert_true(count >= 2);
        for (broken_at = 0; broken_at < count; broken_at++) {
            allocations = 0;
            assert_int_equal(hesse_data_read(&o, &needs, &b, &why), HESSE_E_NOMEM);
            assert_true(!b.input && !b.x && !b.target);
        }
        broken_at = -1;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_tested),
        cmocka_unit_test(examples_do_not_depend_on_their_number),
        cmocka_unit_test(a_seed_gives_the_same_examples),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(memory_may_end),
    };
    return cmocka_run_group_tests(tests, make_files, leave_folder);
}
