/* Every rank has all of the newest vectors, which the operator wants, and its own rows of the
   ones before: sums over rows are reduced, and rows of new vectors are told to all. Vectors
   of k probes lie side by side. */
#include "spectra/krylov.h"

#include "base/memory.h"
#include "base/random.h"
#include "parallel/team.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void dsteqr_(const char *compz, const int *n, double *d, double *e, double *z,
             const int *ldz, double *work, int *info, size_t);

typedef struct krylov {
    hesse_team *team;
    size_t n;
    size_t first, rows; /* of this rank */
    int k, steps;
    bool whole;           /* the basis is kept                                   */
    double *v, *av;       /* [n][k] on all ranks                                 */
    double *basis;        /* [steps, or 2][rows][k]                              */
    double *alpha, *beta; /* [steps][k] the tridiagonal matrices                 */
    double *sums;         /* [steps][k] while they are taken                     */
    double *scale;        /* [k] the largest entry of each matrix so far         */
    int *taken;           /* [k] steps at a probe's end; 0 while it goes on      */
} krylov;

static size_t begin_of(const krylov *x, int rank)
{
    return x->n / (size_t)x->team->size * (size_t)rank +
           x->n % (size_t)x->team->size * (size_t)rank / (size_t)x->team->size;
}

/* This rank's rows of basis vectors j; without the whole basis two of them take turns. */
static double *kept(const krylov *x, int j)
{
    return x->basis + (size_t)(x->whole ? j : j % 2) * x->rows * (size_t)x->k;
}

static double *own(const krylov *x, double *all)
{
    return all + x->first * (size_t)x->k;
}

/* sums[c] += a[:, c] . b[:, c] over the rows of this rank. */
static void add_dots(const krylov *x, const double *a, const double *b, double *sums)
{
    const size_t k = (size_t)x->k;
    for (size_t i = 0; i < x->rows; i++)
        for (size_t c = 0; c < k; c++) sums[c] += a[i * k + c] * b[i * k + c];
}

/* a[:, c] -= factor[c] b[:, c]. */
static void subtract(const krylov *x, double *a, const double *factor, const double *b)
{
    const size_t k = (size_t)x->k;
    for (size_t i = 0; i < x->rows; i++)
        for (size_t c = 0; c < k; c++) a[i * k + c] -= factor[c] * b[i * k + c];
}

/* Products of the newest vectors with all of the basis are taken out of them. */
static void orthogonalise(krylov *x, double *w, int count)
{
    const size_t k = (size_t)x->k;
    for (int twice = 0; twice < 2; twice++) {
        memset(x->sums, 0, (size_t)count * k * sizeof *x->sums);
        for (int j = 0; j < count; j++)
            add_dots(x, kept(x, j), w, x->sums + (size_t)j * k);
        hesse_team_sum(x->team, x->sums, (size_t)count * k);
        for (int j = 0; j < count; j++)
            subtract(x, w, x->sums + (size_t)j * k, kept(x, j));
    }
}

static void norms(krylov *x, const double *w, double *norm)
{
    memset(norm, 0, (size_t)x->k * sizeof *norm);
    add_dots(x, w, w, norm);
    hesse_team_sum(x->team, norm, (size_t)x->k);
    for (int c = 0; c < x->k; c++) norm[c] = sqrt(norm[c]);
}

/* The rows of all ranks to all. */
static void tell(krylov *x)
{
    for (int r = 0; r < x->team->size; r++) {
        const size_t from = begin_of(x, r), to = begin_of(x, r + 1);
        hesse_team_broadcast(x->team, r, x->v + from * (size_t)x->k,
                             (to - from) * (size_t)x->k * sizeof *x->v);
    }
}

/* w over its length becomes the next vector; of probes that have ended, zero. */
static void advance(krylov *x, const double *w, const double *norm, double *into)
{
    const size_t k = (size_t)x->k;
    for (size_t i = 0; i < x->rows; i++)
        for (size_t c = 0; c < k; c++)
            into[i * k + c] = x->taken[c] ? 0 : w[i * k + c] / norm[c];
    memcpy(own(x, x->v), into, x->rows * k * sizeof *into);
    tell(x);
}

static void draw(krylov *x, int first, uint64_t seed)
{
    double *w = own(x, x->av);
    for (size_t i = 0; i < x->rows; i++)
        for (int c = 0; c < x->k; c++)
            w[i * (size_t)x->k + (size_t)c] = hesse_normal(
                seed, HESSE_RANDOM_PROBES, (uint64_t)(first + c) * x->n + x->first + i);
    norms(x, w, x->sums);
    advance(x, w, x->sums, kept(x, 0));
}

/* A Krylov space is used up when what is left of the product is rounding. Returns whether
   all probes have ended. */
static bool end_some(krylov *x, int j)
{
    const size_t k = (size_t)x->k;
    bool all = true;
    for (size_t c = 0; c < k; c++) {
        const double alpha = fabs(x->alpha[(size_t)j * k + c]);
        const double beta = x->beta[(size_t)j * k + c];
        x->scale[c] = fmax(x->scale[c], fmax(alpha, beta));
        const bool used_up = beta <= 64 * DBL_EPSILON * x->scale[c];
        if (!x->taken[c] && (used_up || j + 1 == x->steps)) x->taken[c] = j + 1;
        all = all && x->taken[c];
    }
    return all;
}

static bool finite(const krylov *x, int j)
{
    for (int c = 0; c < x->k; c++)
        if (!isfinite(x->alpha[j * x->k + c]) || !isfinite(x->beta[j * x->k + c]))
            return false;
    return true;
}

static hesse_status iterate(krylov *x, hesse_operator apply, void *context)
{
    const size_t k = (size_t)x->k;
    for (int j = 0;; j++) {
        double *w = own(x, x->av), *alpha = x->alpha + (size_t)j * k;
        apply(context, x->v, x->av);
        memset(alpha, 0, k * sizeof *alpha);
        add_dots(x, kept(x, j), w, alpha);
        hesse_team_sum(x->team, alpha, k);
        subtract(x, w, alpha, kept(x, j));
        if (j > 0) subtract(x, w, x->beta + (size_t)(j - 1) * k, kept(x, j - 1));
        if (x->whole) orthogonalise(x, w, j + 1);
        norms(x, w, x->beta + (size_t)j * k);
        if (!finite(x, j))
            return hesse_fail(&x->team->why, HESSE_E_NUMERIC,
                              "lanczos: the product of step %d is not finite", j + 1);
        if (end_some(x, j)) return HESSE_OK;
        advance(x, w, x->beta + (size_t)j * k, kept(x, j + 1));
    }
}

/* Local. Eigenvalues of a probe's tridiagonal matrix are nodes, and first components of its
   eigenvectors, squared, weights. */
static hesse_status solve(const krylov *x, int c, int probe, double *z, double *work,
                          hesse_quadrature *q)
{
    const int m = x->taken[c], steps = q->steps;
    int info = 0;
    double *nodes = q->nodes + (size_t)probe * (size_t)steps;
    double *weights = q->weights + (size_t)probe * (size_t)steps;
    for (int j = 0; j < m; j++) {
        nodes[j] = x->alpha[j * x->k + c];
        weights[j] = x->beta[j * x->k + c];
    }
    const double last = weights[m - 1];
    dsteqr_("I", &m, nodes, weights, z, &m, work, &info, 1);
    if (info)
        return hesse_fail(&x->team->why, HESSE_E_NUMERIC,
                          "lanczos: dsteqr ends with %d on a matrix of order %d", info,
                          m);
    for (int i = 0; i < m; i++)
        weights[i] = z[(size_t)i * (size_t)m] * z[(size_t)i * (size_t)m];
    for (int end = 0; end < 2; end++)
        q->extreme[end][probe] =
            last * fabs(z[(size_t)(end ? m - 1 : 0) * (size_t)m + (size_t)m - 1]);
    for (int i = m; i < steps; i++) nodes[i] = nodes[m - 1], weights[i] = 0;
    q->taken[probe] = m;
    return HESSE_OK;
}

static hesse_status solve_all(const krylov *x, int first, hesse_quadrature *q)
{
    const size_t m = (size_t)q->steps;
    double *z = hesse_alloc(m * m), *work = hesse_alloc(2 * m);
    hesse_status s = HESSE_OK;
    if (!z || !work)
        s = hesse_fail(&x->team->why, HESSE_E_NOMEM,
                       "lanczos: out of memory for %zu steps", m);
    for (int c = 0; !s && c < x->k; c++) s = solve(x, c, first + c, z, work, q);
    free(z);
    free(work);
    return s;
}

hesse_status hesse_krylov(hesse_team *team, hesse_operator apply, void *context,
                          int first, int k, bool forgetful, uint64_t seed,
                          hesse_quadrature *q)
{
    const size_t width = (size_t)k, steps = (size_t)q->steps;
    krylov x = {
        .team = team, .n = q->n, .k = k, .steps = q->steps, .whole = !forgetful};
    x.first = begin_of(&x, team->rank);
    x.rows = begin_of(&x, team->rank + 1) - x.first;
    x.v = hesse_alloc(x.n * width);
    x.av = hesse_alloc(x.n * width);
    x.basis = hesse_alloc((forgetful ? 2 : steps) * x.rows * width);
    x.alpha = hesse_alloc(steps * width);
    x.beta = hesse_alloc(steps * width);
    x.sums = hesse_alloc(steps * width);
    x.scale = hesse_calloc(width, sizeof *x.scale);
    x.taken = hesse_calloc(width, sizeof *x.taken);
    hesse_status s = HESSE_OK;
    if (!x.v || !x.av || !x.basis || !x.alpha || !x.beta || !x.sums || !x.scale ||
        !x.taken)
        s = hesse_fail(&team->why, HESSE_E_NOMEM,
                       "lanczos: out of memory for %d probes of %zu numbers", k, x.n);
    s = hesse_agree(team, s);
    if (!s) {
        draw(&x, first, seed);
        s = iterate(&x, apply, context);
    }
    if (!s) s = solve_all(&x, first, q);
    s = hesse_agree(team, s);
    free(x.v);
    free(x.av);
    free(x.basis);
    free(x.alpha);
    free(x.beta);
    free(x.sums);
    free(x.scale);
    free(x.taken);
    return s;
}
