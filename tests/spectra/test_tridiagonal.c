/* Eigenvalues of tridiagonal matrices: closed forms, LAPACK's root-free iteration on
   hard spectra, and laws of ranges, units and memory. */
#include "base/memory.h"
#include "check.h"
#include "spectra/engines/tridiagonal.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void dsterf_(const int *n, double *d, double *e, int *info);

/* The orders lie around the number of points of a loop and around several loops. */
static const int orders[] = {1, 2, 3, 8, 9, 16, 17, 33, 100, 700};
enum { ORDERS = sizeof orders / sizeof *orders, MOST = 700 };

/* PAIRS is Wilkinson's matrix, GLUED has copies of it of order 21, GRADED falls by 30
   orders of magnitude and has a zero half, SPLIT is coupled by less than a rounding,
   ONE has rank one. */
typedef enum kind { CHAIN, RANDOM, PAIRS, GLUED, GRADED, SPLIT, ONE, ZERO, KINDS } kind;

static size_t allocated; /* bytes */
static bool fails;       /* the next allocation */

double *__real_hesse_alloc(size_t count);
double *__wrap_hesse_alloc(size_t count);

double *__wrap_hesse_alloc(size_t count)
{
    allocated += count * sizeof(double);
    return fails ? NULL : __real_hesse_alloc(count);
}

typedef struct problem {
    double d[MOST], e[MOST];
} problem;

static void make(problem *p, kind k, int n)
{
    uint64_t seed = 11;
    memset(p, 0, sizeof *p);
    for (int i = 0; i < n; i++) {
        const double x = uniform(&seed), y = uniform(&seed);
        const double scale = i < n / 2 ? pow(10, -60.0 * i / n) : 0;
        switch (k) {
        case CHAIN:
            p->d[i] = 2, p->e[i] = -1;
            break;
        case RANDOM:
            p->d[i] = x, p->e[i] = y;
            break;
        case PAIRS:
            p->d[i] = fabs(i - (n - 1) / 2.0), p->e[i] = 1;
            break;
        case GLUED:
            p->d[i] = abs(i % 21 - 10), p->e[i] = i % 21 == 20 ? 1e-8 : 1;
            break;
        case GRADED:
            p->d[i] = scale * x, p->e[i] = scale * y;
            break;
        case SPLIT:
            p->d[i] = i % 5, p->e[i] = i % 7 ? 1e-18 * y : y;
            break;
        case ONE:
            p->d[i] = i == n / 2;
            break;
        default:
            break;
        }
    }
}

static void values(const problem *p, int n, int from, int upto, double *lambda)
{
    hesse_why why;
    assert_int_equal(hesse_tridiagonal_solve(n, p->d, p->e, from, upto, lambda, &why),
                     HESSE_OK);
}

static void a_chain_has_a_closed_form(void **state)
{
    (void)state;
    static problem p;
    static double lambda[MOST];
    for (int o = 0; o < ORDERS; o++) {
        const int n = orders[o];
        make(&p, CHAIN, n);
        values(&p, n, 0, n, lambda);
        for (int k = 1; k <= n; k++) {
            const double s = sin(k * acos(-1) / (2 * (n + 1)));
            assert_true(fabs(lambda[k - 1] - 4 * s * s) <= 4e-15);
        }
    }
}

/* Kac's matrix of order n has the eigenvalues -(n - 1), -(n - 3), ... n - 1. */
static void numbers_in_steps_of_two(void **state)
{
    (void)state;
    static problem p;
    static double lambda[MOST];
    for (int n = 1; n <= MOST; n += n < 70 ? 1 : 53) {
        for (int i = 0; i < n; i++) p.d[i] = 0, p.e[i] = sqrt((i + 1.0) * (n - 1 - i));
        values(&p, n, 0, n, lambda);
        for (int i = 0; i < n; i++)
            assert_true(fabs(lambda[i] - (2 * i - (n - 1))) <= 2e-15 * n);
    }
}

/* Check that the eigenvalues are in order, and those of LAPACK to a number of roundings
   of the norm. */
static void compare(const problem *p, int n, double roundings)
{
    static problem q;
    static double lambda[MOST];
    int info = 1;
    q = *p;
    dsterf_(&n, q.d, q.e, &info);
    assert_int_equal(info, 0);
    values(p, n, 0, n, lambda);
    const double norm = fmax(fabs(q.d[0]), fabs(q.d[n - 1]));
    for (int i = 0; i < n; i++) {
        assert_true(fabs(lambda[i] - q.d[i]) <= roundings * DBL_EPSILON * norm);
        assert_true(i == 0 || lambda[i] >= lambda[i - 1]);
    }
}

static void values_are_those_of_lapack(void **state)
{
    (void)state;
    static problem p;
    for (kind k = 0; k < KINDS; k++)
        for (int o = 0; o < ORDERS; o++) {
            make(&p, k, orders[o]);
            compare(&p, orders[o], 45 * sqrt(orders[o]));
        }
}

/* Brackets of all kinds: neighbours that are close, far apart or equal. */
static void random_ones(void **state)
{
    (void)state;
    static problem p;
    for (uint64_t seed = 0; seed < 1000; seed++) {
        const int n = 20 + (int)(seed % 90);
        uint64_t numbers = seed;
        for (int i = 0; i < n; i++) {
            p.d[i] = pow(uniform(&numbers), 1 + 2 * (int)(seed % 4));
            p.e[i] = pow(uniform(&numbers), 1 + 2 * (int)(seed % 3));
        }
        compare(&p, n, 60);
    }
}

/* Copies of Wilkinson's matrix with the diagonal 10 ... 0 ... 10, whose eigenvalues are
   pairs that agree to 14 digits, are joined by smaller and smaller entries. At 0 they
   are copies. */
static void crowded_ones(void **state)
{
    (void)state;
    static problem p;
    static const double glue[] = {0, 1e-300, 1e-100, 1e-20, 1e-16, 1e-12, 1e-7, 1e-3};
    for (size_t g = 0; g < sizeof glue / sizeof *glue; g++) {
        make(&p, GLUED, MOST);
        for (int i = 20; i < MOST; i += 21) p.e[i] = glue[g];
        compare(&p, 168, 100);
        compare(&p, MOST, 100);
    }
}

/* So a result does not depend on the number of ranks that share the work. Ranges of one
   eigenvalue have the least company. */
static void a_range_gives_the_same_bits(void **state)
{
    (void)state;
    static problem p;
    static double all[MOST], some[MOST];
    static const int parts[] = {2, 3, 4, 5, 6, 7, 30, MOST};
    for (kind k = 0; k < KINDS; k++)
        for (int o = 0; o < ORDERS; o++) {
            const int n = orders[o];
            make(&p, k, n);
            values(&p, n, 0, n, all);
            for (size_t x = 0; x < sizeof parts / sizeof *parts; x++) {
                const int count = parts[x] < n ? parts[x] : n;
                for (int q = 0; q < count; q++) {
                    const int from = n * q / count, upto = n * (q + 1) / count;
                    memset(some, 0xff, sizeof some); /* NaN */
                    values(&p, n, from, upto, some);
                    assert_memory_equal(some, all + from,
                                        (size_t)(upto - from) * sizeof *some);
                    assert_true(isnan(some[upto - from]) || upto - from == MOST);
                }
            }
            values(&p, n, n / 2, n / 2, some);
        }
}

static void units_do_not_matter(void **state)
{
    (void)state;
    static problem p;
    static double plain[MOST], scaled[MOST];
    static const int exponents[] = {-999, -900, -1, 1, 900, 999};
    enum { N = 33 };
    for (size_t x = 0; x < sizeof exponents / sizeof *exponents; x++) {
        make(&p, RANDOM, N);
        values(&p, N, 0, N, plain);
        for (int i = 0; i < N; i++) {
            p.d[i] = ldexp(p.d[i], exponents[x]);
            p.e[i] = ldexp(p.e[i], exponents[x]);
        }
        values(&p, N, 0, N, scaled);
        for (int i = 0; i < N; i++)
            assert_true(scaled[i] == ldexp(plain[i], exponents[x]));
    }
}

static void memory_is_as_foretold(void **state)
{
    (void)state;
    static problem p;
    static double lambda[MOST];
    hesse_why why;
    make(&p, PAIRS, MOST);
    for (int n = 1; n <= MOST; n += 23)
        for (int from = 0; from < n; from += 1 + n / 3) {
            allocated = 0;
            values(&p, n, from, n, lambda);
            assert_true((double)allocated <= hesse_tridiagonal_bytes(n, n - from));
            fails = true;
            const hesse_status s =
                hesse_tridiagonal_solve(n, p.d, p.e, from, n, lambda, &why);
            fails = false;
            assert_int_equal(s, HESSE_E_NOMEM);
            assert_non_null(strstr(why.text, "not there"));
        }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(a_chain_has_a_closed_form),
        cmocka_unit_test(numbers_in_steps_of_two),
        cmocka_unit_test(values_are_those_of_lapack),
        cmocka_unit_test(random_ones),
        cmocka_unit_test(crowded_ones),
        cmocka_unit_test(a_range_gives_the_same_bits),
        cmocka_unit_test(units_do_not_matter),
        cmocka_unit_test(memory_is_as_foretold),
    };
    return run_cases(argc, argv, cases, NULL, NULL);
}
