/* Data that are drawn from a seed, texts with classes, masked tokens, and batches that
   are read in another form. */
#include "check_files.h"

#include "base/memory.h"
#include "data/generate.h"
#include "data/mask_tokens.h"
#include "data/texts.h"
#include "data/tokens.h"

#include <math.h>

enum { MANY = 4000 };

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

static hesse_batch made(hesse_recipe r, int count, uint64_t seed)
{
    hesse_batch b;
    hesse_why why = {0};
    const hesse_status s = hesse_generate(&r, count, 0, seed, &b, &why);
    if (s) print_error("%s\n", why.text);
    assert_int_equal(s, HESSE_OK);
    assert_int_equal(strlen(b.digest), HESSE_DIGEST_LENGTH - 1);
    return b;
}

static void assert_within(double found, double wanted, double error)
{
    if (fabs(found - wanted) > error)
        print_error("%g is not %g +- %g\n", found, wanted, error);
    assert_true(fabs(found - wanted) <= error);
}

static void examples_do_not_depend_on_their_number(void **state)
{
    (void)state;
    static const hesse_recipe all[] = {
        {.generator = HESSE_GENERATOR_GAUSSIAN, .features = 7, .classes = 3},
        {.generator = HESSE_GENERATOR_CLUSTERS, .features = 7, .classes = 3},
        {.generator = HESSE_GENERATOR_REGRESSION},
        {.generator = HESSE_GENERATOR_REGRESSION, .covariates = HESSE_COVARIATES_GAMMA},
        {.generator = HESSE_GENERATOR_PATHFINDER}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        hesse_batch few = made(all[i], 3, 5), more = made(all[i], 4, 5);
        hesse_batch other = made(all[i], 3, 6);
        const size_t each = (size_t)few.context * (size_t)few.width;
        assert_memory_equal(few.x, more.x, 3 * each * sizeof *few.x);
        assert_memory_not_equal(few.x, other.x, 3 * each * sizeof *few.x);
        assert_string_not_equal(few.digest, other.digest);
        if (few.wanted) assert_memory_equal(few.wanted, more.wanted, 24);
        if (few.target) assert_memory_equal(few.target, more.target, 12);
        hesse_batch_free(&few), hesse_batch_free(&more), hesse_batch_free(&other);
    }
}

static void gaussian_inputs_are_normal(void **state)
{
    (void)state;
    hesse_batch b = made((hesse_recipe){.generator = HESSE_GENERATOR_GAUSSIAN,
                                        .features = 4,
                                        .classes = 5},
                         MANY, 1);
    double squares = 0, fourth = 0, counts[5] = {0};
    for (int i = 0; i < 4 * MANY; i++)
        squares += b.x[i] * b.x[i], fourth += pow(b.x[i], 4);
    for (int i = 0; i < MANY; i++) counts[b.target[i]]++;
    assert_within(squares / (4 * MANY), 1, 0.05);
    assert_within(fourth / (4 * MANY), 3, 0.4);
    for (int c = 0; c < 5; c++) assert_within(counts[c], MANY / 5.0, 130);
    hesse_batch_free(&b);
}

/* The mean of a class is its centre, of length 1. */
static void clusters_lie_about_the_unit_sphere(void **state)
{
    (void)state;
    enum { N = 6 };
    hesse_batch b = made((hesse_recipe){.generator = HESSE_GENERATOR_CLUSTERS,
                                        .features = N,
                                        .classes = 2},
                         MANY, 1);
    double mean[2][N] = {{0}}, count[2] = {0}, spread = 0;
    for (int i = 0; i < MANY; i++) {
        count[b.target[i]]++;
        for (int j = 0; j < N; j++) mean[b.target[i]][j] += b.x[i * N + j];
    }
    for (int c = 0; c < 2; c++) {
        double square = 0;
        for (int j = 0; j < N; j++)
            mean[c][j] /= count[c], square += pow(mean[c][j], 2);
        assert_within(sqrt(square), 1, 0.01);
    }
    for (int i = 0; i < MANY * N; i++)
        spread += pow(b.x[i] - mean[b.target[i / N]][i % N], 2);
    assert_within(sqrt(spread / (MANY * N)), 0.05, 0.002);
    hesse_batch_free(&b);
}

/* Of two features: w from the first two tokens explains all others. */
static void regressions_are_linear(void **state)
{
    (void)state;
    hesse_batch b = made((hesse_recipe){.generator = HESSE_GENERATOR_REGRESSION,
                                        .features = 2,
                                        .examples = 6},
                         50, 3);
    assert_true(b.context == 7 && b.width == 3 && b.wanted_width == 1);
    for (int s = 0; s < 50; s++) {
        const double *x = b.x + s * 21;
        const double det = x[0] * x[4] - x[1] * x[3];
        const double w[] = {(x[2] * x[4] - x[1] * x[5]) / det,
                            (x[0] * x[5] - x[2] * x[3]) / det};
        for (int t = 0; t < 7; t++) {
            const double y = w[0] * x[3 * t] + w[1] * x[3 * t + 1];
            assert_within(t < 6 ? x[3 * t + 2] : -b.wanted[s], y,
                          1e-9 * (1 + 1 / fabs(det)));
        }
        assert_true(x[20] == 0);
    }
    hesse_batch_free(&b);
}

/* Mean and variance of |x|^2: of 5 normal numbers 5 and 10; gamma 1 and 10. */
static void covariates_have_their_moments(void **state)
{
    (void)state;
    static const double wanted[][2] = {{5, 10}, {1, 0}, {1, 10}};
    for (int c = 0; c < 3; c++) {
        hesse_batch b = made((hesse_recipe){.generator = HESSE_GENERATOR_REGRESSION,
                                            .covariates = (hesse_covariates)c},
                             MANY, 7);
        double mean = 0, squares = 0;
        const int tokens = 21 * MANY;
        for (int t = 0; t < tokens; t++) {
            double r = 0;
            for (int i = 0; i < 5; i++) r += pow(b.x[t * 6 + i], 2);
            mean += r / tokens, squares += r * r / tokens;
        }
        assert_within(mean, wanted[c][0], 0.06);
        assert_within(squares - mean * mean, wanted[c][1], c == 1 ? 1e-9 : 1);
        hesse_batch_free(&b);
    }
}

static int digits(const int *ids, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++) value = 10 * value + ids[i];
    return value;
}

static void sums_are_right(void **state)
{
    (void)state;
    int nines[40], forced = 0;
    for (int seed = 0; seed < 40; seed++) {
        hesse_batch b = made((hesse_recipe){.generator = HESSE_GENERATOR_ADDITION}, 200,
                             (uint64_t)seed);
        assert_true(b.context == 18 && b.vocabulary == 12 && b.labels == 18);
        nines[seed] = 0;
        for (int s = 0; s < 200; s++) {
            const int *x = b.input + 18 * s, *y = b.target + 18 * s;
            assert_true(x[5] == 10 && x[11] == 11);
            assert_int_equal(digits(x, 5) + digits(x + 6, 5), digits(x + 12, 6));
            for (int i = 0; i < 18; i++)
                assert_int_equal(y[i], i < 11 || i > 16 ? HESSE_IGNORED : x[i + 1]);
            for (int i = 0; i < 5; i++) nines[seed] += x[i] + x[6 + i] == 9;
        }
        hesse_batch_free(&b);
        /* A tenth of 1000 pairs by chance; 200 and a tenth of the others where forced. */
        assert_true(abs(nines[seed] - 100) < 40 || abs(nines[seed] - 280) < 40);
        forced += nines[seed] > 190;
    }
    assert_within(forced, 8, 8);
}

/* Both labels, pixels that are few and alike in number, and the two markers. */
static void paths_are_found(void **state)
{
    (void)state;
    enum { COUNT = 100, PIXELS = 1024 };
    hesse_batch b =
        made((hesse_recipe){.generator = HESSE_GENERATOR_PATHFINDER}, COUNT, 2);
    int ones = 0;
    double lit = 0;
    for (int s = 0; s < COUNT; s++) {
        const double *x = b.x + s * PIXELS;
        double most = 0, border = 0;
        int discs = 0;
        ones += b.target[s];
        for (int i = 0; i < PIXELS; i++) {
            const int row = i / 32, col = i % 32;
            const bool edge = row == 0 || col == 0 || row == 31 || col == 31;
            most = fmax(most, x[i]);
            lit += x[i] > 0;
            if (edge) border += x[i];
            /* A disc fills a square of 3 x 3 pixels but for its corners. */
            bool disc = !edge;
            for (int j = 0; disc && j < 5; j++)
                disc = x[i + (int[]){0, 1, -1, 32, -32}[j]] >= 0.4;
            discs += disc;
        }
        assert_true(most == 1 && border == 0 && discs >= 1);
    }
    assert_within(ones, COUNT / 2.0, 20);
    assert_within(lit / COUNT / PIXELS, 0.2, 0.08);
    hesse_batch_free(&b);
}

static void recipes_are_checked(void **state)
{
    (void)state;
    hesse_batch b;
    hesse_why why;
    hesse_recipe r = {.generator = HESSE_GENERATOR_GAUSSIAN, .features = -1};
    assert_int_equal(hesse_generate(&r, 1, 0, 0, &b, &why), HESSE_E_JOB);
    assert_string_equal(why.text, "data.features is -1, expected 1 to 1048576");
    r.features = 1, r.noise = -1;
    assert_int_equal(hesse_generate(&r, 1, 0, 0, &b, &why), HESSE_E_JOB);
    assert_non_null(strstr(why.text, "data.noise is -1, expected above 0"));
}

static hesse_batch read_texts(const hesse_texts_request *r)
{
    hesse_batch b;
    hesse_why why = {0};
    const hesse_status s = hesse_texts_read(r, &b, &why);
    if (s) print_error("%s\n", why.text);
    assert_int_equal(s, HESSE_OK);
    return b;
}

static void refuses_texts(const hesse_texts_request *r, hesse_status status,
                          const char *what)
{
    hesse_batch b;
    hesse_why why = {0};
    assert_int_equal(hesse_texts_read(r, &b, &why), status);
    if (!strstr(why.text, what)) print_error("'%s' lacks '%s'\n", why.text, what);
    assert_non_null(strstr(why.text, what));
}

static void lines_are_texts_of_a_class(void **state)
{
    (void)state;
    write_text("neg", "ab\n\nb\r\n");
    write_text("pos", "cab\nc");
    const char *const paths[] = {"neg", "pos"};
    hesse_texts_request r = {
        .paths = paths, .count = 2, .characters = true, .positions = 8};
    hesse_batch b = read_texts(&r);
    assert_true(b.sequences == 4 && b.context == 3 && b.vocabulary == 4);
    assert_true(b.classes == 2 && b.labels == 1);
    const int ids[] = {1, 2, 0, 3, 1, 2, 2, 0, 0, 3, 0, 0};
    const int seen[] = {2, 2, 2, 3, 3, 3, 1, 1, 1, 1, 1, 1};
    const int classes[] = {0, 1, 0, 1};
    assert_memory_equal(b.input, ids, sizeof ids);
    assert_memory_equal(b.seen, seen, sizeof seen);
    assert_memory_equal(b.target, classes, sizeof classes);
    hesse_batch_free(&b);
    r.context = 1, r.sequences = 3, r.characters = false;
    b = read_texts(&r);
    assert_true(b.context == 1 && b.vocabulary == 257 && !b.seen);
    assert_true(b.input[0] == 'a' + 1 && b.input[1] == 'c' + 1);
    hesse_batch_free(&b);
    r.sequences = 5;
    refuses_texts(&r, HESSE_E_INPUT, "holds 4 texts with those beside it, expected 5");
    r.sequences = 1, r.context = 9;
    refuses_texts(&r, HESSE_E_JOB, "data.context is 9, expected 1 to the model's 8");
}

static void files_of_a_folder_are_texts(void **state)
{
    (void)state;
    mkdir("a", 0777), mkdir("b", 0777);
    write_text("a/2", "two\nlines\n"), write_text("a/1", "one"), write_text("b/1", "x");
    const char *const paths[] = {"a", "b"};
    hesse_texts_request r = {.paths = paths, .count = 2, .positions = 100};
    hesse_batch b = read_texts(&r);
    assert_true(b.sequences == 3 && b.context == 9 && b.seen[0] == 3);
    assert_true(b.target[0] == 0 && b.target[1] == 1 && b.target[2] == 0);
    assert_true(b.input[0] == 'o' + 1 && b.input[2 * 9 + 3] == '\n' + 1);
    hesse_batch_free(&b);
}

static void lines_may_begin_with_their_label(void **state)
{
    (void)state;
    write_text("t.tsv", "2\tab\n0\tcd\n12\tef\n");
    const char *const path = "t.tsv";
    hesse_texts_request r = {
        .paths = &path, .count = 1, .positions = 8, .shuffle = true, .sequences = 3};
    hesse_batch b = read_texts(&r);
    assert_true(b.sequences == 3 && b.classes == 13 && b.context == 2);
    assert_true(b.target[0] == 2 && b.target[1] == 0 && b.target[2] == 12);
    assert_true(b.input[2] == 'c' + 1);
    hesse_batch_free(&b);
    write_text("t.tsv", "2\tab\nno label\n");
    refuses_texts(&r, HESSE_E_INPUT, "t.tsv: line 2 has no label");
    write_text("t.tsv", "0\t\xff\n");
    r.characters = true;
    refuses_texts(&r, HESSE_E_INPUT, "not UTF-8");
}

/* 15 % chosen, of which 80 % read as the mask and 10 % as they are. */
static void tokens_are_hidden(void **state)
{
    (void)state;
    enum { ALL = 20000, WORDS = 1000 };
    char *text = malloc(ALL + 1);
    hesse_batch b;
    hesse_why why = {0};
    assert_non_null(text);
    for (int i = 0; i <= ALL; i++) text[i] = (char)('a' + i * 7 % 11);
    write_bytes("t.txt", text, ALL + 1);
    const hesse_tokens_request r = {
        .text = "t.txt", .sequences = 20, .positions = WORDS};
    assert_int_equal(hesse_tokens_read(&r, &b, &why), HESSE_OK);
    assert_int_equal(hesse_mask_tokens(&b, 0, -1, 4, &why), HESSE_OK);
    assert_true(b.vocabulary == 257 && b.classes == 257 && !b.seen);
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
    free(text);
    assert_int_equal(hesse_tokens_read(&r, &b, &why), HESSE_OK);
    assert_int_equal(hesse_mask_tokens(&b, 1e-9, 3, 4, &why), HESSE_E_JOB);
    assert_non_null(strstr(why.text, "none was hidden"));
    hesse_batch_free(&b);
}

/* Tokens that predict none but themselves: a file of 12 makes 3 sequences of 4, and the id of
   hidden ones is the one after the file's, whatever the vocabulary. */
static void tokens_stand_alone(void **state)
{
    (void)state;
    unsigned char ids[24] = {0};
    hesse_batch b;
    hesse_why why = {0};
    for (int i = 0; i < 12; i++) ids[2 * i] = (unsigned char)(i % 5);
    write_bytes("ids.bin", (const char *)ids, sizeof ids);
    const hesse_tokens_request r = {
        .tokens = "ids.bin", .positions = 4, .vocabulary = 9, .alone = true};
    assert_int_equal(hesse_tokens_read(&r, &b, &why), HESSE_OK);
    assert_true(b.sequences == 3 && b.context == 4);
    for (int i = 0; i < 12; i++)
        assert_true(b.input[i] == i % 5 && b.target[i] == i % 5);
    assert_int_equal(hesse_mask_tokens(&b, 1, -1, 4, &why), HESSE_OK);
    assert_true(b.vocabulary == 9 && b.classes == 6);
    int masks = 0;
    for (int i = 0; i < 12; i++) masks += b.input[i] == 5;
    assert_true(masks > 4);
    hesse_batch_free(&b);
}

static void images_are_read_in_other_forms(void **state)
{
    (void)state;
    hesse_why why;
    hesse_batch b = made((hesse_recipe){.generator = HESSE_GENERATOR_PATHFINDER}, 2, 1);
    double *before = malloc(2048 * sizeof *before);
    assert_non_null(before);
    memcpy(before, b.x, 2048 * sizeof *before);
    assert_int_equal(hesse_batch_one_hot(&b, &why), HESSE_OK);
    assert_true(b.wanted_width == 2 && !b.target && b.wanted[0] + b.wanted[1] == 1);
    assert_int_equal(hesse_batch_shades(&b, &why), HESSE_OK);
    assert_true(b.vocabulary == 256 && !b.x && !b.rows && b.context == 1024);
    for (int i = 0; i < 2048; i++) assert_within(b.input[i], 255 * before[i], 1e-9);
    free(before);
    hesse_batch_free(&b);
    b = made((hesse_recipe){.generator = HESSE_GENERATOR_PATHFINDER}, 2, 1);
    b.x[5] = -1;
    assert_int_equal(hesse_batch_shades(&b, &why), HESSE_E_JOB);
    assert_int_equal(hesse_batch_flatten(&b, &why), HESSE_OK);
    assert_true(b.width == 1024 && b.context == 1 && !b.rows && b.x[5] == -1);
    b.target[1] = HESSE_IGNORED;
    assert_int_equal(hesse_batch_one_hot(&b, &why), HESSE_E_JOB);
    hesse_batch_free(&b);
}

static hesse_status make_all(hesse_why *why)
{
    const char *const paths[] = {"neg", "pos"};
    const hesse_texts_request texts = {
        .paths = paths, .count = 2, .characters = true, .positions = 8};
    hesse_batch b;
    hesse_status s = hesse_texts_read(&texts, &b, why);
    if (!s) hesse_batch_free(&b);
    for (int g = HESSE_GENERATOR_GAUSSIAN; !s && g <= HESSE_GENERATOR_PATHFINDER; g++) {
        const hesse_recipe r = {.generator = (hesse_generator)g, .features = 3};
        s = hesse_generate(&r, 2, 0, 0, &b, why);
        if (!s) hesse_batch_free(&b);
    }
    return s;
}

static void memory_may_end(void **state)
{
    (void)state;
    write_text("neg", "ab\n\nb\r\n");
    write_text("pos", "cab\nc");
    hesse_why why;
    allocations = 0, broken_at = -1;
    assert_int_equal(make_all(&why), HESSE_OK);
    const int all = allocations;
    assert_true(all > 20);
    for (broken_at = 0; broken_at < all; broken_at++) {
        allocations = 0;
        assert_int_equal(make_all(&why), HESSE_E_NOMEM);
    }
    broken_at = -1;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_do_not_depend_on_their_number),
        cmocka_unit_test(gaussian_inputs_are_normal),
        cmocka_unit_test(clusters_lie_about_the_unit_sphere),
        cmocka_unit_test(regressions_are_linear),
        cmocka_unit_test(covariates_have_their_moments),
        cmocka_unit_test(sums_are_right),
        cmocka_unit_test(paths_are_found),
        cmocka_unit_test(recipes_are_checked),
        cmocka_unit_test(lines_are_texts_of_a_class),
        cmocka_unit_test(files_of_a_folder_are_texts),
        cmocka_unit_test(lines_may_begin_with_their_label),
        cmocka_unit_test(tokens_are_hidden),
        cmocka_unit_test(tokens_stand_alone),
        cmocka_unit_test(images_are_read_in_other_forms),
        cmocka_unit_test(memory_may_end),
    };
    return run_cases(argc, argv, tests, enter_folder, leave_folder);
}
