/* Closed forms of one layer of attention: golden numbers of a small fixture, the joined
   layer against one whose key is the identity, attention to one token, and symmetries.
   test_attention.c compares them with the operators. */
#include "check.h"
#include "theory/attention_blocks.h"

#include <math.h>
#include <stdlib.h>

void dsyev_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda,
            double *w, double *work, const int *lwork, int *info, size_t, size_t);

enum { L = 4, D = 3, SIZE = 2, N = 2 * D * SIZE + D * D, MOST = 128, ROOM = 1024 };

static void assert_within(double found, double wanted, double error)
{
    if (!(fabs(found - wanted) <= error)) fail_msg("%.17g is not %.17g", found, wanted);
}

static void fill(int rows, int columns, double a, double b, double p, double *x)
{
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) x[i * columns + j] = sin(p + a * i + b * j);
}

static double norm(const hesse_attention_layer *layer, const double *h, int left,
                   int right)
{
    const hesse_attention_place a = hesse_attention_place_of(
                                    layer, (hesse_attention_matrix)left),
                                b = hesse_attention_place_of(
                                    layer, (hesse_attention_matrix)right);
    const size_t n = hesse_attention_size(layer);
    const size_t heads = (size_t)layer->heads, rows = a.rows * a.columns * heads,
                 columns = b.rows * b.columns * heads;
    double sum = 0;
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            sum += pow(h[(a.first + i) * n + b.first + j], 2);
    return sqrt(sum);
}

/* Numbers of a fixture whose arrays are sines, verified by complex steps. */
typedef struct golden {
    bool linear;
    double loss, outer[6], functional[6]; /* QQ KK VV QK VQ VK */
    double trace, frobenius, least, most, first, far;
} golden;

static const golden goldens[] = {
    {.linear = false,
     .loss = 0.747920674567,
     .outer = {4.1116026508e-01, 2.1243743944e+00, 5.2223195772e-01, 9.3137340572e-01,
               3.5211910186e-01, 7.9667266178e-01},
     .functional = {2.9711053645e-01, 1.5536500459e+00, 0, 9.7301635087e-01,
                    3.1854807036e-01, 7.2978589357e-01},
     .trace = 1.633563432778,
     .frobenius = 3.126850513376,
     .least = -1.222157723240,
     .most = 2.555144686500,
     .first = 3.473437721463e-02,
     .far = 1.496970370749e-01},
    {.linear = true,
     .loss = 3.929208541874,
     .outer = {7.7110374532e+00, 3.5664412255e+01, 5.3358783207e+00, 1.6374339763e+01,
               4.8696626033e+00, 1.0369243995e+01},
     .functional = {0, 0, 0, 1.7101209488e+01, 4.7943824486e+00, 1.0218833136e+01},
     .trace = 53.214736800890,
     .frobenius = 64.116762044624,
     .least = -12.087658450832,
     .most = 60.499148663830,
     .first = 1.580433715316e+00,
     .far = 2.117268671381e+00}};

static void fixture_has_its_numbers(void **state)
{
    (void)state;
    static const int left[] = {0, 1, 2, 0, 2, 2}, right[] = {0, 1, 2, 1, 0, 1};
    for (int g = 0; g < 2; g++) {
        const golden *want = &goldens[g];
        double x[L * D], y[L * D], f[L * D], theta[N], outer[N * N], rest[N * N], w[N],
            work[ROOM], loss = 0, trace = 0, sum = 0;
        fill(L, D, 3, 1, 1, x);
        fill(L, D, 1, 2, 2, y);
        fill(D, SIZE, 1, 2, 0.5, theta);
        fill(D, SIZE, 2, 1, 0.25, theta + D * SIZE);
        fill(D, D, 1, 1, 0.75, theta + 2 * D * SIZE);
        const hesse_attention_layer layer = {.inputs = D,
                                             .outputs = D,
                                             .heads = 1,
                                             .size = SIZE,
                                             .value_size = D,
                                             .causal = want->linear,
                                             .linear = want->linear,
                                             .temperature = sqrt(SIZE),
                                             .theta = theta};
        assert_int_equal(hesse_attention_size(&layer), N);
        assert_true(hesse_attention_forward(&layer, L, x, f));
        for (int i = 0; i < L * D; i++) f[i] -= y[i], loss += f[i] * f[i] / (L * D);
        assert_within(loss, want->loss, 1e-11);
        assert_true(hesse_attention_blocks(&layer, 1, L, x, f, 1.0 / (L * D), outer,
                                           rest, NULL));
        for (int b = 0; b < 6; b++) {
            assert_within(norm(&layer, outer, left[b], right[b]), want->outer[b],
                          1e-9 * want->outer[b]);
            assert_within(norm(&layer, rest, left[b], right[b]), want->functional[b],
                          1e-9 * want->functional[b]);
        }
        for (int i = 0; i < N * N; i++) outer[i] += rest[i], sum += outer[i] * outer[i];
        for (int i = 0; i < N; i++) trace += outer[i * N + i];
        assert_within(trace, want->trace, 1e-9);
        assert_within(sqrt(sum), want->frobenius, 1e-9);
        assert_within(outer[0], want->first, 1e-9);
        assert_within(outer[12], want->far, 1e-9);
        const int n = N, room = ROOM;
        int info;
        dsyev_("N", "U", &n, outer, &n, w, work, &room, &info, 1, 1);
        assert_within(w[0], want->least, 1e-9);
        assert_within(w[N - 1], want->most, 1e-9);
    }
}

/* A layer of two heads with an output matrix, on two sequences of three tokens. */
typedef struct example {
    hesse_attention_layer layer;
    double x[2 * 3 * D], residual[2 * 3 * 2], theta[MOST];
    double outer[MOST * MOST], functional[MOST * MOST], query_key[MOST * MOST];
} example;

static example *example_of(bool linear, bool causal, bool joined, int size)
{
    uint64_t seed = 3;
    example *e = calloc(1, sizeof *e);
    assert_non_null(e);
    e->layer = (hesse_attention_layer){.inputs = D,
                                       .outputs = 2,
                                       .heads = 2,
                                       .size = size,
                                       .value_size = 2,
                                       .output = true,
                                       .linear = linear,
                                       .causal = causal,
                                       .joined = joined,
                                       .temperature = 0.7,
                                       .theta = e->theta};
    assert_true(hesse_attention_size(&e->layer) <= MOST);
    for (int i = 0; i < 2 * 3 * D; i++) e->x[i] = uniform(&seed);
    for (int i = 0; i < 2 * 3 * 2; i++) e->residual[i] = uniform(&seed);
    for (int i = 0; i < MOST; i++) e->theta[i] = uniform(&seed);
    return e;
}

static void take_blocks(example *e)
{
    assert_true(hesse_attention_blocks(&e->layer, 2, 3, e->x, e->residual, 0.3,
                                       e->outer, e->functional, e->query_key));
}

/* With the identity as key, the query is the matrix of the joined layer. Another part
   of the functional block is the term of two matrices. */
static void joined_layer_is_one_with_identity_key(void **state)
{
    (void)state;
    for (int variant = 0; variant < 4; variant++) {
        example *two = example_of(variant & 1, variant & 2, false, D),
                *one = example_of(variant & 1, variant & 2, true, D);
        const hesse_attention_place key =
            hesse_attention_place_of(&two->layer, HESSE_ATTENTION_KEY);
        const size_t m = hesse_attention_size(&one->layer),
                     n = hesse_attention_size(&two->layer), cut = n - m;
        assert_int_equal(cut, 2 * D * D);
        for (size_t i = 0; i < cut; i++) two->theta[key.first + i] = 0;
        for (size_t h = 0; h < 2; h++)
            for (size_t i = 0; i < D; i++)
                two->theta[key.first + i * key.row + h * key.head + i] = 1;
        for (size_t i = 0; i < m; i++)
            one->theta[i] = two->theta[i < key.first ? i : i + cut];
        take_blocks(one);
        take_blocks(two);
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < m; j++) {
                const size_t at =
                    (i < key.first ? i : i + cut) * n + (j < key.first ? j : j + cut);
                assert_within(one->outer[i * m + j], two->outer[at], 1e-13);
                assert_within(one->functional[i * m + j], two->functional[at], 1e-13);
                assert_within(one->query_key[i * m + j], 0, 0);
                assert_within(two->query_key[at], 0, 0);
            }
        assert_true(norm(&two->layer, two->query_key, 0, 1) > 0.01);
        free(one);
        free(two);
    }
}

/* The loss at theta + step v, of targets that the residual tells at theta. */
static double loss_at(example *e, const double *target, const double *v, double step)
{
    double theta[MOST], f[3 * 2], loss = 0;
    hesse_attention_layer moved = e->layer;
    for (int i = 0; i < MOST; i++) theta[i] = e->theta[i] + step * v[i];
    moved.theta = theta;
    for (int s = 0; s < 2; s++) {
        assert_true(hesse_attention_forward(&moved, 3, e->x + s * 3 * D, f));
        for (int i = 0; i < 3 * 2; i++) loss += pow(f[i] - target[s * 3 * 2 + i], 2);
    }
    return 0.3 * loss;
}

/* Second differences of the loss along random directions, of fourth order. */
static void differences_of_the_loss_agree(void **state)
{
    (void)state;
    static const double weight[] = {-1.0 / 12, 16.0 / 12, -30.0 / 12, 16.0 / 12,
                                    -1.0 / 12};
    for (int variant = 0; variant < 8; variant++) {
        const bool joined = variant & 4;
        example *e = example_of(variant & 1, variant & 2, joined, joined ? D : 2);
        const size_t n = hesse_attention_size(&e->layer);
        double target[2 * 3 * 2];
        uint64_t seed = 9;
        for (int s = 0; s < 2; s++)
            assert_true(hesse_attention_forward(&e->layer, 3, e->x + s * 3 * D,
                                                target + s * 3 * 2));
        for (int i = 0; i < 2 * 3 * 2; i++) target[i] -= e->residual[i];
        take_blocks(e);
        for (int k = 0; k < 10; k++) {
            double v[MOST] = {0}, claim = 0, found = 0;
            const double step = 1e-3;
            for (size_t i = 0; i < n; i++) v[i] = uniform(&seed);
            for (size_t i = 0; i < n; i++)
                for (size_t j = 0; j < n; j++)
                    claim +=
                        v[i] * v[j] * (e->outer[i * n + j] + e->functional[i * n + j]);
            for (int t = 0; t < 5; t++)
                found += weight[t] * loss_at(e, target, v, (t - 2) * step);
            assert_within(found / (step * step), claim, 1e-7 * (1 + fabs(claim)));
        }
        free(e);
    }
}

/* Large scores: every token attends to one token. */
static void attention_to_one_token_has_no_query_and_key(void **state)
{
    (void)state;
    example *e = example_of(false, false, false, 2);
    double c[3 * D * D], t[3 * D * D * D], mu[3 * D];
    e->layer.temperature = 1e-5;
    take_blocks(e);
    for (int h = 0; h < 2; h++) {
        assert_true(hesse_attention_moments(&e->layer, 3, e->x, h, mu, c, t));
        for (int i = 0; i < 3 * D * D; i++) assert_within(c[i], 0, 1e-100);
        for (int i = 0; i < 3 * D * D * D; i++) assert_within(t[i], 0, 1e-100);
    }
    for (int a = 0; a < 2; a++)
        for (int b = 0; b < HESSE_ATTENTION_MATRICES; b++) {
            assert_within(norm(&e->layer, e->outer, a, b), 0, 1e-50);
            assert_within(norm(&e->layer, e->functional, a, b), 0, 1e-50);
        }
    assert_true(
        norm(&e->layer, e->outer, HESSE_ATTENTION_VALUE, HESSE_ATTENTION_VALUE) > 0.01);
    free(e);
}

/* Moments of two tokens with weights a and 1 - a, on a line. */
static void moments_of_two_tokens_by_hand(void **state)
{
    (void)state;
    const double x[] = {1, 3}, theta[] = {0.5, 1, 1};
    hesse_attention_layer layer = {.inputs = 1,
                                   .outputs = 1,
                                   .heads = 1,
                                   .size = 1,
                                   .value_size = 1,
                                   .temperature = 2,
                                   .theta = theta};
    double mu[2], c[2], t[2];
    assert_true(hesse_attention_moments(&layer, 2, x, 0, mu, c, t));
    const double a = 1 / (1 + exp(0.5)), b = 1 - a; /* scores of token 0: 1/4, 3/4 */
    assert_within(mu[0], a + 3 * b, 1e-14);
    assert_within(c[0], 4 * a * b, 1e-14);
    assert_within(t[0], 8 * a * b * (a - b), 1e-14);
    layer.causal = layer.linear = true;
    assert_true(hesse_attention_moments(&layer, 2, x, 0, mu, c, t));
    assert_within(mu[0], 0.25, 1e-15);
    assert_within(mu[1], 0.75 * 1 + 2.25 * 3, 1e-15);
    assert_within(c[0], 1, 0);
    assert_within(c[1], 10, 0);
    assert_within(t[1], 0, 0);
}

/* Tangents of symmetries are null directions of the outer product at every point, and
   of both parts where the residual is 0. */
static void symmetries_are_null_directions(void **state)
{
    (void)state;
    for (int variant = 0; variant < 4; variant++) {
        example *e = example_of(variant & 1, variant & 2, false, 2);
        const size_t n = hesse_attention_size(&e->layer),
                     count = hesse_attention_symmetries(&e->layer, NULL);
        double *z = calloc(count * n, sizeof *z);
        assert_non_null(z);
        assert_int_equal(count, 2 * (2 * 2 + 2 * 2 + (variant & 1)));
        assert_int_equal(hesse_attention_symmetries(&e->layer, z), count);
        take_blocks(e);
        for (size_t k = 0; k < count; k++) {
            double size = 0, most = 0, other = 0;
            for (size_t i = 0; i < n; i++) {
                double sum = 0, more = 0;
                for (size_t j = 0; j < n; j++) {
                    sum += e->outer[i * n + j] * z[k * n + j];
                    more += e->functional[i * n + j] * z[k * n + j];
                }
                size += z[k * n + i] * z[k * n + i];
                most = fmax(most, fabs(sum)), other = fmax(other, fabs(more));
            }
            assert_true(size > 0.01);
            assert_within(most, 0, 1e-14);
            assert_true(other > 1e-5);
        }
        free(z);
        free(e);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(fixture_has_its_numbers),
        cmocka_unit_test(joined_layer_is_one_with_identity_key),
        cmocka_unit_test(differences_of_the_loss_agree),
        cmocka_unit_test(attention_to_one_token_has_no_query_and_key),
        cmocka_unit_test(moments_of_two_tokens_by_hand),
        cmocka_unit_test(symmetries_are_null_directions),
    };
    return run_cases(argc, argv, cases, NULL, NULL);
}
