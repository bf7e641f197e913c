/* Data that are drawn from a seed: their distributions, and the equations that they
   must satisfy. */
#include "check_data.h"

#include "base/random.h"

enum { MANY = 4000 };

static hesse_batch made(const char *kind, hesse_recipe recipe, int count, uint64_t seed)
{
    return examples_of(&(hesse_data_options){
        .kind = kind, .recipe = recipe, .sequences = count, .seed = seed});
}

static void gaussian_inputs_are_normal(void **state)
{
    (void)state;
    hesse_batch b =
        made("gaussian", (hesse_recipe){.features = 4, .classes = 5}, MANY, 1);
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
    hesse_batch b =
        made("clusters", (hesse_recipe){.features = N, .classes = 2}, MANY, 1);
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

/* With two features, the w of the first two tokens explains all others. */
static void regressions_are_linear(void **state)
{
    (void)state;
    hesse_batch b =
        made("regression", (hesse_recipe){.features = 2, .examples = 6}, 50, 3);
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

/* With two features, w explains the values of the teacher, which is the same for every
   seed of the examples, and another one for another seed of its own. */
static void teachers_are_fixed(void **state)
{
    (void)state;
    enum { H = 3 };
    const hesse_recipe recipe = {
        .features = 2, .examples = 6, .teacher = H, .teacher_seed = 7};
    double weights[4 * H + H + 2];
    for (int i = 0; i < 5 * H + 2; i++)
        weights[i] = (2 * hesse_uniform(7, HESSE_RANDOM_TEACHER, (uint64_t)i) - 1) /
                     sqrt(i < 3 * H ? 2 : H);
    for (uint64_t seed = 1; seed < 5; seed++) {
        hesse_batch b = made("regression", recipe, 20, seed);
        for (int s = 0; s < 20; s++) {
            double h[7][2];
            const double *x = b.x + s * 21;
            for (int t = 0; t < 7; t++)
                for (int i = 0; i < 2; i++) {
                    h[t][i] = weights[5 * H + i];
                    for (int j = 0; j < H; j++)
                        h[t][i] +=
                            weights[3 * H + i * H + j] *
                            fmax(0, weights[2 * H + j] + weights[2 * j] * x[3 * t] +
                                        weights[2 * j + 1] * x[3 * t + 1]);
                }
            const double det = h[0][0] * h[1][1] - h[0][1] * h[1][0];
            const double w[] = {(x[2] * h[1][1] - x[5] * h[0][1]) / det,
                                (x[5] * h[0][0] - x[2] * h[1][0]) / det};
            for (int t = 0; t < 7; t++)
                assert_within(t < 6 ? x[3 * t + 2] : -b.wanted[s],
                              w[0] * h[t][0] + w[1] * h[t][1],
                              1e-9 * (1 + 1 / fabs(det)));
        }
        hesse_batch_free(&b);
    }
    hesse_recipe other = recipe;
    other.teacher_seed = 8;
    hesse_batch a = made("regression", recipe, 1, 1),
                b = made("regression", other, 1, 1);
    assert_true(a.x[0] == b.x[0] && a.x[2] != b.x[2]);
    hesse_batch_free(&a);
    hesse_batch_free(&b);
}

/* The mean and variance of |x|^2 are 5 and 10 for 5 normal numbers, and 1 and 10 for
   gamma. */
static void covariates_have_their_moments(void **state)
{
    (void)state;
    static const double wanted[][2] = {{5, 10}, {1, 0}, {1, 10}};
    for (int c = 0; c < 3; c++) {
        hesse_batch b = made(
            "regression", (hesse_recipe){.covariates = (hesse_covariates)c}, MANY, 7);
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
        hesse_batch b = made("addition", (hesse_recipe){0}, 200, (uint64_t)seed);
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
        /* By chance it is a tenth of 1000 pairs; if carries are forced, it is 200 and a
           tenth of the other pairs. */
        assert_true(abs(nines[seed] - 100) < 40 || abs(nines[seed] - 280) < 40);
        forced += nines[seed] > 190;
    }
    assert_within(forced, 8, 8);
}

/* There are both labels, similar and small numbers of pixels, and the two markers. */
static void paths_are_found(void **state)
{
    (void)state;
    enum { COUNT = 100, PIXELS = 1024 };
    hesse_batch b = made("pathfinder", (hesse_recipe){0}, COUNT, 2);
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
            /* A disc fills a square of 3 x 3 pixels, except its corners. */
            bool disc = !edge;
            for (int j = 0; disc && j < 5; j++)
                disc = x[i + (int[]){0, 1, -1, 32, -32}[j]] >= 0.4;
            discs += disc;
        }
        assert_true(most == 1 && border == 0 && discs >= 1);
    }
    assert_within(ones, COUNT / 2.0, 20);
    assert_within(lit / COUNT / PIXELS, 0.2, 0.08);
    hesse_batch alone = made("pathfinder", (hesse_recipe){.alone = true}, COUNT, 2);
    assert_memory_equal(alone.target, b.target, COUNT * sizeof *b.target);
    for (int n = 0; n < COUNT; n++) {
        /* The contours are the same, and the discs may be at other tips. */
        int lost = 0;
        for (int i = n * PIXELS; i < (n + 1) * PIXELS; i++) {
            lost += alone.x[i] > 0 && !(b.x[i] > 0);
            lit -= alone.x[i] > 0;
        }
        assert_true(lost <= 2 * 16);
    }
    assert_within(lit / COUNT / PIXELS, 0.02,
                  0.01); /* little room is left for others */
    hesse_batch_free(&alone);
    hesse_batch_free(&b);
}

/* A' A has the given eigenvalues: here the blocks have orders 2 and 1, so that trace
   and determinant are enough. */
static void quadratics_have_their_eigenvalues(void **state)
{
    (void)state;
    const int sizes[] = {2, 1};
    const double eigenvalues[] = {3, 5, 7};
    hesse_data_options o = {.kind = "quadratic",
                            .sizes = sizes,
                            .n_sizes = 2,
                            .eigenvalues = eigenvalues,
                            .seed = 4};
    hesse_batch b = examples_of(&o);
    double h[3][3] = {{0}};
    assert_true(b.sequences == 3 && b.width == 3 && b.wanted_width == 1);
    for (int r = 0; r < 3; r++)
        for (int i = 0; i < 3; i++)
            for (int j = 0; j < 3; j++) h[i][j] += b.x[3 * r + i] * b.x[3 * r + j];
    assert_within(h[0][0] + h[1][1], 8, 1e-13);
    assert_within(h[0][0] * h[1][1] - h[0][1] * h[1][0], 15, 1e-12);
    assert_within(h[2][2], 7, 1e-13);
    assert_true(h[0][2] == 0 && h[1][2] == 0 && fabs(h[0][1]) > 1e-3);
    hesse_batch_free(&b);
    o.eigenvalues = (double[]){3, -5, 7};
    refused(&o, HESSE_E_JOB, "eigenvalue 1 (from 0) is -5");
    o.sizes = (int[]){2, 0};
    refused(&o, HESSE_E_JOB, "the order of block 1 (from 0) is 0");
    o.n_sizes = 0;
    refused(&o, HESSE_E_JOB, "0 eigenvalues");
}

static void recipes_are_checked(void **state)
{
    (void)state;
    hesse_data_options o = {.kind = "clusters", .recipe = {.features = -1}};
    refused(&o, HESSE_E_JOB, "number of features is -1, expected 1 to 1048576");
    o.recipe = (hesse_recipe){.noise = -1};
    refused(&o, HESSE_E_JOB, "noise is -1, expected");
    o.recipe = (hesse_recipe){.noise = NAN};
    refused(&o, HESSE_E_JOB, "noise is nan, expected");
    o = (hesse_data_options){.kind = "pathfinder", .recipe = {.contour = 21}};
    refused(&o, HESSE_E_JOB, "segments of a contour is 21, expected 2 to 20");
    o = (hesse_data_options){.kind = "regression", .recipe = {.shape = -1}};
    refused(&o, HESSE_E_JOB, "shape is -1");
    o = (hesse_data_options){.kind = "regression", .recipe = {.teacher = -1}};
    refused(&o, HESSE_E_JOB, "number of the teacher's neurons is -1");
    o = (hesse_data_options){.kind = "addition", .sequences = (1 << 24) + 1};
    refused(&o, HESSE_E_JOB, "number of sequences is 16777217, expected 1 to 16777216");
}

/* Tokens have the squared length 1 on average, and targets are the noise alone until
   the outputs of a network are added. */
static void outputs_are_the_noise(void **state)
{
    enum { COUNT = 4000, FEATURES = 8, TOKENS = 3, OUTPUTS = 2 };
    const hesse_data_options o = {
        .kind = "outputs",
        .recipe = {.features = FEATURES, .outputs = OUTPUTS, .noise = 0.5},
        .sequences = COUNT,
        .context = TOKENS,
        .seed = 5};
    hesse_batch b = examples_of(&o);
    double x = 0, y = 0;
    (void)state;
    assert_true(b.near_outputs);
    assert_int_equal(b.wanted_tokens, TOKENS);
    assert_int_equal(b.wanted_width, OUTPUTS);
    for (int i = 0; i < COUNT * TOKENS * FEATURES; i++) x += b.x[i] * b.x[i];
    for (int i = 0; i < COUNT * TOKENS * OUTPUTS; i++) y += b.wanted[i] * b.wanted[i];
    /* Four standard errors of a mean of squares: sqrt(2 / number of squares) of it. */
    assert_within(x / (COUNT * TOKENS), 1, 4 * sqrt(2.0 / (COUNT * TOKENS * FEATURES)));
    assert_within(y / (COUNT * TOKENS * OUTPUTS), 0.25,
                  4 * 0.25 * sqrt(2.0 / (COUNT * TOKENS * OUTPUTS)));
    hesse_batch_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gaussian_inputs_are_normal),
        cmocka_unit_test(clusters_lie_about_the_unit_sphere),
        cmocka_unit_test(regressions_are_linear),
        cmocka_unit_test(outputs_are_the_noise),
        cmocka_unit_test(teachers_are_fixed),
        cmocka_unit_test(covariates_have_their_moments),
        cmocka_unit_test(sums_are_right),
        cmocka_unit_test(paths_are_found),
        cmocka_unit_test(quadratics_have_their_eigenvalues),
        cmocka_unit_test(recipes_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
