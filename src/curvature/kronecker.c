/* A row (i, k) of S, read as a p x q matrix M, has the entries M_jl = S_(i,k),(j,l).
   Everything is one pass over these rows: the product of R' with A is B_k = sum_i M'
   A_i for the rows k of B, and that of R with B is A_i = sum_k M B_k. The largest
   singular value is found by Lanczos' method on R R' or R' R, whichever is smaller; one
   pass multiplies with both factors, because row k of B needs only the rows (., k) of
   S. */
#include "hesse/kronecker.h"

#include "base/memory.h"
#include "base/random.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A round of Lanczos' method that has not converged begins anew at its best vector. */
enum { STEPS = HESSE_KRONECKER_STEPS, ROUNDS = 10 };

/* The residual, relative to the square of the singular value. It enters the error of
   the singular value squared. */
static const double TOLERANCE = 1e-11, ACCEPTED = 1e-6;

void dsteqr_(const char *compz, const int *n, double *d, double *e, double *z,
             const int *ldz, double *work, int *info, size_t);

typedef struct subject {
    int p, q, m; /* m: the order of the smaller side, p or q */
    const double *s;
    bool left;   /* vectors of the smaller side are m x m for A, else for B */
    double *row; /* [larger side] a row of the other factor */
} subject;

static size_t squared(int n)
{
    return (size_t)n * (size_t)n;
}

/* Return row (i, k) of S. */
static const double *row_of(const subject *x, int i, int k)
{
    const size_t n = (size_t)x->p * (size_t)x->q;
    return x->s + ((size_t)i * (size_t)x->q + (size_t)k) * n;
}

/* Return row number `outer`, `inner`: (inner, outer) if A is known, else (outer,
   inner). */
static const double *row_at(const subject *x, int outer, int inner)
{
    return x->left ? row_of(x, inner, outer) : row_of(x, outer, inner);
}

/* Row `outer` of the factor that belongs to the factor v of the smaller side. */
static void make_row(const subject *x, const double *v, int outer)
{
    for (int inner = 0; inner < x->m; inner++)
        cblas_dgemv(CblasRowMajor, x->left ? CblasTrans : CblasNoTrans, x->p, x->q, 1,
                    row_at(x, outer, inner), x->q, v + (size_t)inner * (size_t)x->m, 1,
                    inner > 0, x->row, 1);
}

static int outer_count(const subject *x)
{
    return x->left ? x->q : x->p;
}

/* y = R R' v or R' R v. */
static void apply(const subject *x, const double *v, double *y)
{
    memset(y, 0, squared(x->m) * sizeof *y);
    for (int outer = 0; outer < outer_count(x); outer++) {
        make_row(x, v, outer);
        for (int inner = 0; inner < x->m; inner++)
            cblas_dgemv(CblasRowMajor, x->left ? CblasNoTrans : CblasTrans, x->p, x->q,
                        1, row_at(x, outer, inner), x->q, x->row, 1, 1,
                        y + (size_t)inner * (size_t)x->m, 1);
    }
}

/* Return the largest eigenvalue of a tridiagonal matrix, and its eigenvector. */
static double top_of(int n, const double *diagonal, const double *beside,
                     double *vector)
{
    double d[STEPS], e[STEPS], z[STEPS * STEPS], work[2 * STEPS];
    int info;
    memcpy(d, diagonal, (size_t)n * sizeof *d);
    memcpy(e, beside, (size_t)n * sizeof *e);
    dsteqr_("I", &n, d, e, z, &n, work, &info, 1);
    if (info) return NAN;
    memcpy(vector, z + (size_t)(n - 1) * (size_t)n, (size_t)n * sizeof *vector);
    return d[n - 1];
}

static double norm(size_t n, const double *v)
{
    return cblas_dnrm2((int)n, v, 1);
}

/* One round from the first vector of the basis, which has the length 1. The best vector
   replaces it. Returns its residual, relative to its eigenvalue. */
static double lanczos_round(const subject *x, double *basis, double *v)
{
    const size_t m = squared(x->m);
    const int most = m < STEPS ? (int)m : STEPS;
    double diagonal[STEPS], beside[STEPS], top[STEPS] = {1}, residual = NAN;
    int count = 0;
    while (count < most) {
        const double *last = basis + (size_t)count * m;
        apply(x, last, v);
        diagonal[count++] = cblas_ddot((int)m, last, 1, v, 1);
        for (int twice = 0; twice < 2; twice++)
            for (int i = 0; i < count; i++) {
                const double *of = basis + (size_t)i * m;
                cblas_daxpy((int)m, -cblas_ddot((int)m, of, 1, v, 1), of, 1, v, 1);
            }
        const double rest = beside[count - 1] = norm(m, v);
        const double value = top_of(count, diagonal, beside, top);
        residual = value > 0 ? fabs(rest * top[count - 1]) / value : NAN;
        if (!(residual > TOLERANCE) || count == most) break;
        double *next = basis + (size_t)count * m;
        for (size_t i = 0; i < m; i++) next[i] = v[i] / rest;
    }
    memset(v, 0, m * sizeof *v);
    for (int i = 0; i < count; i++)
        cblas_daxpy((int)m, top[i], basis + (size_t)i * m, 1, v, 1);
    const double length = norm(m, v);
    for (size_t i = 0; i < m; i++) basis[i] = v[i] / length;
    return (size_t)count == m ? 0 : residual;
}

/* Complete a unit factor v of the smaller side by the other factor, and measure S less
   the product of both. */
static void complete(const subject *x, const double *v, double norm_s, double *other,
                     hesse_kronecker_fit *fit)
{
    const int long_side = outer_count(x);
    double rest = 0, product = 0;
    for (int outer = 0; outer < long_side; outer++) {
        make_row(x, v, outer);
        if (other)
            memcpy(other + (size_t)outer * (size_t)long_side, x->row,
                   (size_t)long_side * sizeof *other);
        for (int l = 0; l < long_side; l++) product += x->row[l] * x->row[l];
        for (int inner = 0; inner < x->m; inner++) {
            const double *row = row_at(x, outer, inner);
            const double *own = v + (size_t)inner * (size_t)x->m;
            for (int j = 0; j < x->p; j++)
                for (int l = 0; l < x->q; l++) {
                    const double d =
                        row[(size_t)j * (size_t)x->q + (size_t)l] -
                        (x->left ? own[j] * x->row[l] : x->row[j] * own[l]);
                    rest += d * d;
                }
        }
    }
    fit->error = fmin(sqrt(rest) / norm_s, 1);
    fit->cosine = fmin(sqrt(product) / norm_s, 1);
}

/* Give A the length 1, and B the scale of S. Of both signs, A has a trace that is not
   negative. */
static void scale(const subject *x, const double *v, double *a, double *b)
{
    const double *first = x->left ? v : a;
    const double length = norm(squared(x->p), first);
    double trace = 0;
    for (int i = 0; i < x->p; i++) trace += first[(size_t)i * (size_t)(x->p + 1)];
    const double factor = trace < 0 ? -length : length;
    for (size_t i = 0; i < squared(x->p); i++) a[i] = first[i] / factor;
    for (size_t i = 0; i < squared(x->q); i++) b[i] = (x->left ? b[i] : v[i]) * factor;
}

static hesse_status search(subject *x, double norm_s, double *basis, double *v,
                           double *a, double *b, hesse_kronecker_fit *fit)
{
    const size_t m = squared(x->m);
    double residual = 1;
    for (size_t i = 0; i < m; i++)
        basis[i] = hesse_normal(0, HESSE_RANDOM_KRONECKER, i);
    const double length = norm(m, basis);
    for (size_t i = 0; i < m; i++) basis[i] /= length;
    for (int i = 0; i < ROUNDS && residual > TOLERANCE; i++)
        residual = lanczos_round(x, basis, v);
    if (!(residual <= ACCEPTED)) return HESSE_OK;
    complete(x, basis, norm_s, x->left ? b : a, fit);
    if (a && b) scale(x, basis, a, b);
    return HESSE_OK;
}

static hesse_status check_sizes(int p, int q, hesse_why *why)
{
    if (p >= 1 && q >= 1) return HESSE_OK;
    return hesse_fail(why, HESSE_E_JOB,
                      "a matrix of %d x %d parameters, expected sizes of at least 1", p,
                      q);
}

static double norm_of(size_t n, const double *s)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += norm(n, s + i * n) * norm(n, s + i * n);
    return sqrt(sum);
}

hesse_status hesse_kronecker_nearest(int p, int q, const double *s, double *a,
                                     double *b, hesse_kronecker_fit *fit,
                                     hesse_why *why)
{
    *fit = (hesse_kronecker_fit){NAN, NAN};
    hesse_status status = check_sizes(p, q, why);
    if (status) return status;
    subject x = {.p = p, .q = q, .m = p <= q ? p : q, .s = s, .left = p <= q};
    const size_t m = squared(x.m);
    const double norm_s = norm_of((size_t)p * (size_t)q, s);
    if (!isfinite(norm_s))
        return hesse_fail(
            why, HESSE_E_NUMERIC,
            "a matrix with the Frobenius norm %g has no nearest Kronecker "
            "product, expected a finite one",
            norm_s);
    if (!(norm_s > 0)) return HESSE_OK;
    x.row = hesse_alloc((size_t)outer_count(&x));
    double *basis = hesse_alloc(m * (m < STEPS ? m : STEPS)), *v = hesse_alloc(m);
    /* Both factors are needed to scale them. */
    double *own_a = (a || !b) ? a : hesse_alloc(squared(p));
    double *own_b = (b || !a) ? b : hesse_alloc(squared(q));
    if (!x.row || !basis || !v || (a && !own_b) || (b && !own_a))
        status = hesse_fail(why, HESSE_E_NOMEM,
                            "out of memory for the nearest Kronecker product of a "
                            "matrix of %d x %d parameters",
                            p, q);
    else
        status = search(&x, norm_s, basis, v, own_a, own_b, fit);
    if (own_a != a) free(own_a);
    if (own_b != b) free(own_b);
    free(x.row);
    free(basis);
    free(v);
    return status;
}

/* Return <S, A (x) B>; and if `rest` is not NULL, |S - c A (x) B|^2. */
static double pass(const subject *x, const double *a, const double *b, double c,
                   double *rest)
{
    const int p = x->p, q = x->q;
    double sum = 0, left = 0;
    for (int i = 0; i < p; i++)
        for (int k = 0; k < q; k++) {
            const double *row = row_of(x, i, k);
            const double *a_i = a + (size_t)i * (size_t)p;
            const double *b_k = b + (size_t)k * (size_t)q;
            cblas_dgemv(CblasRowMajor, CblasNoTrans, p, q, 1, row, q, b_k, 1, 0, x->row,
                        1);
            sum += cblas_ddot(p, a_i, 1, x->row, 1);
            for (int j = 0; rest && j < p; j++)
                for (int l = 0; l < q; l++) {
                    const double d =
                        row[(size_t)j * (size_t)q + (size_t)l] - c * a_i[j] * b_k[l];
                    left += d * d;
                }
        }
    if (rest) *rest = left;
    return sum;
}

hesse_status hesse_kronecker_compare(int p, int q, const double *s, const double *a,
                                     const double *b, hesse_kronecker_fit *fit,
                                     hesse_why *why)
{
    *fit = (hesse_kronecker_fit){NAN, NAN};
    const hesse_status status = check_sizes(p, q, why);
    if (status) return status;
    subject x = {.p = p, .q = q, .s = s, .row = hesse_alloc((size_t)p)};
    if (!x.row)
        return hesse_fail(why, HESSE_E_NOMEM,
                          "out of memory to compare a matrix with a Kronecker product");
    const double norm_s = norm_of((size_t)p * (size_t)q, s);
    const double norm_ab = norm(squared(p), a) * norm(squared(q), b);
    if (norm_s > 0 && norm_ab > 0) {
        double rest;
        const double inner = pass(&x, a, b, 0, NULL);
        fit->cosine = fmax(-1, fmin(1, inner / norm_ab / norm_s));
        pass(&x, a, b, inner / norm_ab / norm_ab, &rest);
        fit->error = fmin(sqrt(rest) / norm_s, 1);
    }
    free(x.row);
    return HESSE_OK;
}

void hesse_kronecker_energies(int p, int q, const double *s,
                              hesse_kronecker_energy *energy)
{
    const subject x = {.p = p, .q = q, .s = s};
    double diagonal = 0, rows = 0, columns = 0;
    for (int i = 0; i < p; i++)
        for (int k = 0; k < q; k++) {
            const double *row = row_of(&x, i, k);
            const double *own = row + (size_t)i * (size_t)q;
            diagonal += own[k] * own[k];
            for (int l = 0; l < q; l++) rows += own[l] * own[l];
            for (int j = 0; j < p; j++) {
                const double e = row[(size_t)j * (size_t)q + (size_t)k];
                columns += e * e;
            }
        }
    const double all = norm_of((size_t)p * (size_t)q, s);
    *energy = (hesse_kronecker_energy){NAN, NAN, NAN};
    if (all > 0)
        *energy = (hesse_kronecker_energy){fmin(diagonal / all / all, 1),
                                           fmin(rows / all / all, 1),
                                           fmin(columns / all / all, 1)};
}

const char *hesse_kronecker_name(hesse_kronecker_product product)
{
    static const char *const names[HESSE_KRONECKER_PRODUCTS] = {
        [HESSE_KRONECKER_NEAREST] = "nearest",
        [HESSE_KRONECKER_KFAC] = "kfac",
        [HESSE_KRONECKER_SHAMPOO] = "shampoo",
        [HESSE_KRONECKER_SHAMPOO_SQUARE] = "shampoo_square",
        [HESSE_KRONECKER_EXAMPLES] = "shampoo_examples",
        [HESSE_KRONECKER_EXAMPLES_SQUARE] = "shampoo_examples_square"};
    return names[product];
}
