/* Q is the basis of the sketch, w = Q' z and u = Q' S z = (S Q)' z. The part of a probe
   z outside of Q is z - Q w, and its product with S is S z - S Q w. So nothing is
   multiplied by S twice. */
#include "spectra/hutchinson.h"

#include "base/memory.h"
#include "base/random.h"
#include "parallel/team.h"
#include "spectra/basis.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A mean and the sum of squared differences from it, by Welford's method. */
typedef struct mean {
    double value, squares;
} mean;

static void add(mean *m, int count, double x)
{
    const double far = x - m->value;
    m->value += far / count;
    m->squares += far * (x - m->value);
}

static double error_of(double squares, int count)
{
    return count > 1 ? sqrt(squares / (count - 1.0) / count) : NAN;
}

typedef struct estimator {
    hesse_team *team;
    const hesse_operator *a;
    uint64_t seed;
    int width;
    hesse_hutchinson *h;
    hesse_basis q, sq; /* Q and S Q, the latter not orthonormal          */
    double *v, *av;    /* [n][width]                                     */
    double *z, *sz;    /* [rows][width] probes and products              */
    double *w, *u;     /* [sketch][width] Q' z and (S Q)' z              */
    double *t;         /* [sketch][sketch] Q' S Q                        */
    double *sums;      /* [4][width]                                     */
    double exact[2];   /* the parts in Q of the trace and of |S|^2 */
    mean trace[2], square[2];
    double *means, *squares; /* [rows] for the diagonal's part outside of Q */
} estimator;

double hesse_hutchinson_bytes(size_t n, int ranks, int sketch, int width)
{
    const double rows = ceil((double)n / ranks), s = sketch, k = width;
    return (2.0 * k * (double)n + (2 * k + 2 * s + 2) * rows + s * s + 2 * s * k +
            2 * s + 4 * k) *
           (double)sizeof(double);
}

static bool allocate(estimator *x)
{
    const size_t k = (size_t)x->width, n = x->a->n, sketch = (size_t)x->h->sketch;
    bool there = hesse_basis_new(x->team, n, x->h->sketch, &x->q);
    there = hesse_basis_new(x->team, n, x->h->sketch, &x->sq) && there;
    const size_t rows = x->q.rows;
    x->v = hesse_alloc(n * k);
    x->av = hesse_alloc(n * k);
    x->z = hesse_alloc(rows * k);
    x->sz = hesse_alloc(rows * k);
    x->w = hesse_alloc(sketch * k);
    x->u = hesse_alloc(sketch * k);
    x->t = hesse_calloc(sketch * sketch, sizeof *x->t);
    x->sums = hesse_alloc(4 * k);
    x->means = hesse_calloc(rows, sizeof *x->means);
    x->squares = hesse_calloc(rows, sizeof *x->squares);
    return there && x->v && x->av && x->z && x->sz && x->w && x->u && x->t && x->sums &&
           x->means && x->squares;
}

static void free_estimator(estimator *x)
{
    hesse_basis_free(&x->q);
    hesse_basis_free(&x->sq);
    free(x->v);
    free(x->av);
    free(x->z);
    free(x->sz);
    free(x->w);
    free(x->u);
    free(x->t);
    free(x->sums);
    free(x->means);
    free(x->squares);
}

/* Multiply k vectors by S. This rank's rows of the vectors are in z, and all rows in
   v. */
static hesse_status multiply(estimator *x, int k)
{
    const hesse_status s = x->a->apply(x->a->context, k, x->v, x->av);
    if (!s) hesse_basis_take(&x->q, k, x->av, x->sz);
    return s;
}

/* Draw random vectors first ... first + k - 1: every rank draws its rows, and sends
   them to the others. */
static void draw(estimator *x, int first, int k, bool signs)
{
    const size_t n = x->a->n, end = x->q.first + x->q.rows;
    for (size_t i = x->q.first; i < end; i++)
        for (int j = 0; j < k; j++) {
            const uint64_t at = (uint64_t)(first + j) * n + i;
            x->v[i * (size_t)k + (size_t)j] =
                !signs ? hesse_normal(x->seed, HESSE_RANDOM_SKETCH, at)
                : hesse_uniform(x->seed, HESSE_RANDOM_SIGNS, at) < 0.5 ? -1
                                                                       : 1;
        }
    hesse_rows_tell(x->team, n, k, x->v);
    hesse_basis_take(&x->q, k, x->v, x->z);
}

static int chunk(const estimator *x, int first, int all)
{
    return all - first < x->width ? all - first : x->width;
}

/* Compute Q, a basis of S times normal vectors. For a matrix of lower rank it has fewer
   vectors. */
static hesse_status sketch(estimator *x)
{
    hesse_status s = HESSE_OK;
    double longest = 0;
    for (int first = 0; !s && first < x->h->sketch; first += x->width) {
        const int k = chunk(x, first, x->h->sketch);
        draw(x, first, k, false);
        s = multiply(x, k);
        for (int j = 0; !s && j < k; j++) {
            double square = 0;
            for (size_t i = 0; i < x->q.rows; i++) {
                const double y = x->sz[i * (size_t)k + (size_t)j];
                square += y * y;
            }
            hesse_team_sum(x->team, &square, 1);
            longest = fmax(longest, sqrt(square));
            hesse_basis_append(&x->q, k, j, x->sz, 1e3 * DBL_EPSILON * longest);
        }
    }
    return s;
}

/* Compute S Q, and the exact parts that follow from it. */
static hesse_status treat_exactly(estimator *x)
{
    hesse_basis *q = &x->q, *sq = &x->sq;
    hesse_status s = HESSE_OK;
    for (int first = 0; !s && first < q->count; first += x->width) {
        const int k = chunk(x, first, q->count);
        hesse_basis_put(q, first, k, x->v);
        hesse_rows_tell(x->team, q->n, k, x->v);
        s = multiply(x, k);
        for (int j = 0; !s && j < k; j++)
            for (size_t i = 0; i < q->rows; i++)
                sq->columns[(size_t)(first + j) * q->rows + i] =
                    x->sz[i * (size_t)k + (size_t)j];
    }
    sq->count = q->count;
    if (s) return s;
    const size_t count = (size_t)q->count;
    double square = 0;
    for (size_t i = 0; i < count * q->rows; i++)
        square += sq->columns[i] * sq->columns[i];
    hesse_team_sum(x->team, &square, 1);
    x->exact[1] = square;
    hesse_basis_gram(sq, q, x->t);
    for (size_t a = 0; a < count; a++) x->exact[0] += x->t[a * count + a];
    return HESSE_OK;
}

/* Compute w' T w and w . u of a probe. */
static void inside(const estimator *x, int k, int j, double *wtw, double *wu)
{
    const int count = x->q.count;
    *wtw = *wu = 0;
    for (int a = 0; a < count; a++) {
        double row = 0;
        for (int b = 0; b < count; b++)
            row += x->t[(size_t)a * (size_t)count + (size_t)b] * x->w[b * k + j];
        *wtw += x->w[a * k + j] * row;
        *wu += x->w[a * k + j] * x->u[a * k + j];
    }
}

/* Compute the sums over rows that probes need: z' S z, |S z|^2, |S z - S Q w|^2. Also
   compute the samples of the diagonal, z_i (S z - Q u)_i. */
static void sample(estimator *x, int first, int k)
{
    const size_t rows = x->q.rows;
    double *aside = x->v; /* the vectors are not needed after the product */
    memset(x->sums, 0, 3 * (size_t)k * sizeof *x->sums);
    memcpy(aside, x->sz, rows * (size_t)k * sizeof *aside);
    hesse_basis_subtract(&x->sq, k, aside, x->w);
    for (size_t i = 0; i < rows; i++)
        for (int j = 0; j < k; j++) {
            const size_t at = i * (size_t)k + (size_t)j;
            x->sums[j] += x->z[at] * x->sz[at];
            x->sums[k + j] += x->sz[at] * x->sz[at];
            x->sums[2 * k + j] += aside[at] * aside[at];
        }
    hesse_team_sum(x->team, x->sums, 3 * (size_t)k);
    hesse_basis_subtract(&x->q, k, x->sz, x->u);
    for (int j = 0; j < k; j++) {
        double wtw, wu;
        const int count = first + j + 1;
        inside(x, k, j, &wtw, &wu);
        add(&x->trace[0], count, x->sums[j]);
        add(&x->trace[1], count, x->sums[j] - 2 * wu + wtw);
        add(&x->square[0], count, x->sums[k + j]);
        add(&x->square[1], count, x->sums[2 * k + j]);
        for (size_t i = 0; i < rows; i++) {
            const size_t at = i * (size_t)k + (size_t)j;
            mean m = {x->means[i], x->squares[i]};
            add(&m, count, x->z[at] * x->sz[at]);
            x->means[i] = m.value, x->squares[i] = m.squares;
        }
    }
}

static hesse_status probe(estimator *x)
{
    hesse_status s = HESSE_OK;
    for (int first = 0; !s && first < x->h->probes; first += x->width) {
        const int k = chunk(x, first, x->h->probes);
        draw(x, first, k, true);
        s = multiply(x, k);
        if (s) break;
        hesse_basis_dots(&x->q, k, x->z, x->w);
        hesse_basis_dots(&x->sq, k, x->z, x->u);
        sample(x, first, k);
    }
    return s;
}

/* Return the estimate of a norm from the estimate of its square. */
static hesse_estimate root(double square, double error)
{
    const double norm = sqrt(fmax(square, 0));
    return (hesse_estimate){norm, norm > 0 ? error / (2 * norm) : error};
}

static void conclude(estimator *x)
{
    hesse_hutchinson *h = x->h;
    const hesse_basis *q = &x->q;
    for (int plus = 0; plus < 2; plus++) {
        const mean *t = &x->trace[plus], *f = &x->square[plus];
        const double *exact = x->exact;
        h->trace[plus] = (hesse_estimate){t->value + (plus ? exact[0] : 0),
                                          error_of(t->squares, h->probes)};
        h->frobenius[plus] =
            root(f->value + (plus ? exact[1] : 0), error_of(f->squares, h->probes));
    }
    for (size_t i = 0; i < q->rows; i++) {
        double own = x->means[i];
        for (int a = 0; a < q->count; a++)
            own += q->columns[(size_t)a * q->rows + i] *
                   x->sq.columns[(size_t)a * q->rows + i];
        h->diagonal[q->first + i] = own;
        h->error[q->first + i] = error_of(x->squares[i], h->probes);
    }
    hesse_rows_tell(x->team, q->n, 1, h->diagonal);
    hesse_rows_tell(x->team, q->n, 1, h->error);
}

hesse_status hesse_hutchinson_run(hesse_team *team, const hesse_operator *a,
                                  uint64_t seed, int width, hesse_hutchinson *h)
{
    estimator x = {.team = team, .a = a, .seed = seed, .width = width, .h = h};
    hesse_status s = HESSE_OK;
    if (!allocate(&x))
        s = hesse_fail(&team->why, HESSE_E_NOMEM,
                       "trace and diagonal: out of memory for vectors of %zu numbers",
                       a->n);
    s = hesse_agree(team, s);
    if (!s) s = sketch(&x);
    if (!s) s = treat_exactly(&x);
    if (!s) s = probe(&x);
    if (!s) {
        conclude(&x);
        bool good = true;
        for (int plus = 0; plus < 2; plus++)
            good &=
                isfinite(h->trace[plus].value) && isfinite(h->frobenius[plus].value);
        if (!good)
            s = hesse_fail(&team->why, HESSE_E_NUMERIC,
                           "trace and diagonal: a product is not finite");
        s = hesse_agree(team, s);
    }
    free_estimator(&x);
    return s;
}
