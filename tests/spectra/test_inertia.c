/* Numbers of eigenvalues below a value, for matrices whose eigenvalues are known. */
#include "base/random.h"
#include "check.h"
#include "spectra/inertia.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void dsyev_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda,
            double *w, double *work, const int *lwork, int *info, size_t, size_t);

static int below(int n, const double *a, double t)
{
    hesse_why why;
    int count = -1;
    double *copy = malloc((size_t)n * (size_t)n * sizeof *copy);
    assert_non_null(copy);
    memcpy(copy, a, (size_t)n * (size_t)n * sizeof *copy);
    assert_int_equal(hesse_inertia(n, copy, t, &count, &why), HESSE_OK);
    free(copy);
    return count;
}

/* Only the lower triangle is read, column by column: entries above it are NaN here. */
static void small_matrices(void **state)
{
    (void)state;
    const double one[] = {-2}, zero[] = {0, 0, NAN, 0}, swap[] = {0, 1, NAN, 0},
                 /* eigenvalues -1, 2, 2 */
        ones[] = {1, 1, 1, NAN, 1, 1, NAN, NAN, 1},
                 off[] = {0, -1, 1, NAN, 0, 1, NAN, NAN, 0};
    assert_int_equal(below(1, one, 0), 1);
    assert_int_equal(below(1, one, -2), 0);
    assert_int_equal(below(1, one, -3), 0);
    assert_int_equal(below(2, zero, 0), 0);
    assert_int_equal(below(2, zero, 1), 2);
    assert_int_equal(below(2, swap, 0), 1);
    assert_int_equal(below(2, swap, 2), 2);
    assert_int_equal(below(2, swap, -2), 0);
    assert_int_equal(below(3, ones, -1), 0); /* 0, 0, 3 */
    assert_int_equal(below(3, ones, 1), 2);
    assert_int_equal(below(3, ones, 4), 3);
    assert_int_equal(below(3, off, 0), 1); /* -2, 1, 1 */
    assert_int_equal(below(3, off, 1.5), 3);
    assert_int_equal(below(3, off, -2.5), 0);
}

/* Entries of very different sizes need pivots of order 2. */
static void counts_are_those_of_an_eigensolver(void **state)
{
    (void)state;
    enum { N = 60 };
    static double a[N * N], b[N * N], w[N], work[64 * N];
    const int n = N, room = 64 * N;
    for (uint64_t seed = 0; seed < 10; seed++) {
        int info;
        for (int j = 0; j < N; j++)
            for (int i = j; i < N; i++) {
                const double u =
                    hesse_uniform(seed, HESSE_RANDOM_SAMPLES, (uint64_t)(j * N + i));
                const bool empty = seed % 2 && i == j;
                a[j * N + i] = empty ? 0 : (u - 0.5) * pow(10, -(i + j) % 7);
            }
        memcpy(b, a, sizeof b);
        dsyev_("N", "L", &n, b, &n, w, work, &room, &info, 1, 1);
        assert_int_equal(info, 0);
        for (int k = 0; k <= N; k++) {
            const double t = k == 0   ? w[0] - 1
                             : k == N ? w[N - 1] + 1
                                      : (w[k - 1] + w[k]) / 2;
            assert_int_equal(below(N, a, t), k);
        }
    }
}

static void eigenvalues_near_a_value_are_uncertain(void **state)
{
    (void)state;
    const double lambda[] = {-8, -1e-16, 0, 1e-15, 1e-3, 8};
    assert_int_equal(hesse_inertia_uncertain(6, lambda, 0), 3);
    assert_int_equal(hesse_inertia_uncertain(6, lambda, 1e-3), 1);
    assert_int_equal(hesse_inertia_uncertain(6, lambda, 1), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(small_matrices),
        cmocka_unit_test(counts_are_those_of_an_eigensolver),
        cmocka_unit_test(eigenvalues_near_a_value_are_uncertain),
    };
    return run_cases(argc, argv, cases, NULL, NULL);
}
