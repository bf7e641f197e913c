/* Eigenvalues of tridiagonal matrices: a closed form, LAPACK's root-free iteration on
   hard spectra, and laws of ranges and units. */
#include "check.h"
#include "spectra/engines/sturm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void dsterf_(const int *n, double *d, double *e, int *info);

/* The orders lie around the number of points of a loop and around several loops. */
static const int orders[] = {1, 2, 3, 8, 9, 16, 17, 33, 100, 700};
enum { ORDERS = sizeof orders / sizeof *orders, MOST = 700 };

/* PAIRS is Wilkinson's matrix, GRADED falls by 30 orders of magnitude and has a zero
   half, SPLIT is coupled by less than a rounding, ONE has rank one. */
typedef enum kind { CHAIN, RANDOM, PAIRS, GRADED, SPLIT, ONE, ZERO, KINDS } kind;

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
    assert_int_equal(hesse_sturm_values(n, p->d, p->e, from, upto, lambda, &why),
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

static void values_are_those_of_lapack(void **state)
{
    (void)state;
    static problem p, q;
    static double lambda[MOST];
    for (kind k = 0; k < KINDS; k++)
        for (int o = 0; o < ORDERS; o++) {
            const int n = orders[o];
            int info;
            make(&p, k, n);
            q = p;
            dsterf_(&n, q.d, q.e, &info);
            values(&p, n, 0, n, lambda);
            const double norm = fmax(fabs(q.d[0]), fabs(q.d[n - 1]));
            for (int i = 0; i < n; i++) {
                assert_true(fabs(lambda[i] - q.d[i]) <= 1e-14 * sqrt(n) * norm);
                assert_true(i == 0 || lambda[i] >= lambda[i - 1]);
            }
        }
}

/* So a result does not depend on the number of ranks that share the work. */
static void a_range_gives_the_same_bits(void **state)
{
    (void)state;
    static problem p;
    static double all[MOST], some[MOST];
    enum { N = 100 };
    for (kind k = 0; k < KINDS; k++) {
        make(&p, k, N);
        values(&p, N, 0, N, all);
        for (int parts = 1; parts <= 7; parts++)
            for (int q = 0; q < parts; q++) {
                const int from = N * q / parts, upto = N * (q + 1) / parts;
                values(&p, N, from, upto, some);
                assert_memory_equal(some, all + from,
                                    (size_t)(upto - from) * sizeof *some);
            }
        values(&p, N, 50, 50, some);
    }
}

static void units_do_not_matter(void **state)
{
    (void)state;
    static problem p;
    static double plain[MOST], scaled[MOST];
    static const int exponents[] = {-900, -1, 1, 900};
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

int main(int argc, char **argv)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(a_chain_has_a_closed_form),
        cmocka_unit_test(values_are_those_of_lapack),
        cmocka_unit_test(a_range_gives_the_same_bits),
        cmocka_unit_test(units_do_not_matter),
    };
    return run_cases(argc, argv, cases, NULL, NULL);
}
