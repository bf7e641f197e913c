/* Every rank has all rows of the newest vectors, because the operator needs them, and
   its own rows of earlier vectors: sums over rows are reduced, and rows of new vectors
   are sent to all. Vectors of a cell's probes lie side by side, and all cells take a
   step together, so that one product and a few reductions serve all of them. */
#include "spectra/lanczos.h"

#include "base/memory.h"
#include "base/random.h"
#include "parallel/team.h"
#include "spectra/basis.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void dsteqr_(const char *compz, const int *n, double *d, double *e, double *z,
             const int *ldz, double *work, int *info, size_t);

static const double PAPERS_FLOOR = 1e-8; /* of a vector's length */

/* A Krylov space is used up if the rest of a product is below this multiple of the
   largest entry of T. */
static const double ROUNDING = 1e3 * DBL_EPSILON;

/* The place of a cell: in the vectors of all ranks, in this rank's rows, and among the
   columns. */
typedef struct place {
    size_t all, own, first, rows;
    int column;
} place;

typedef struct krylov {
    hesse_team *team;
    const hesse_recurrence *r;
    const hesse_cell *cells;
    int count, k, steps; /* of cells; columns and largest number of steps of all */
    place *places;       /* [count]                                            */
    size_t size, own; /* how many numbers the vectors have: on all ranks, on this one */
    bool whole;       /* the basis is kept                                  */
    double *v, *av;   /* [size]                                             */
    double *mine;     /* [own] the newest product, in this rank's rows      */
    double *basis;    /* [steps, or 2][own]                                 */
    double *alpha, *beta; /* [steps][k] the tridiagonal matrices               */
    double *sums;         /* [steps][k] sums over the rows */
    double *scale;        /* [k] the largest entry of each matrix so far       */
    double *lost[2]; /* [steps + 1][k] estimates of products with earlier vectors: of
                        the newest vector, and of the one before */
    bool again;      /* the next vector is also made orthogonal */
    int *taken;      /* [k] steps of a probe that has ended; 0: it goes on */
} krylov;

/* Return this rank's rows of basis vectors j. If the basis is not kept, there are two
   vectors for each column, used in turn. */
static double *kept(const krylov *x, int j)
{
    return x->basis + (size_t)(x->whole ? j : j % 2) * x->own;
}

/* sums[c] += a[:, c] . b[:, c] over the rows of this rank. */
static void add_dots(const krylov *x, const double *a, const double *b, double *sums)
{
    for (int g = 0; g < x->count; g++) {
        const place *p = &x->places[g];
        const size_t k = (size_t)x->cells[g].k;
        for (size_t i = 0; i < p->rows; i++)
            for (size_t c = 0; c < k; c++) {
                const size_t at = p->own + i * k + c;
                sums[(size_t)p->column + c] += a[at] * b[at];
            }
    }
}

/* a[:, c] -= factor[c] b[:, c]. */
static void subtract(const krylov *x, double *a, const double *factor, const double *b)
{
    for (int g = 0; g < x->count; g++) {
        const place *p = &x->places[g];
        const size_t k = (size_t)x->cells[g].k;
        for (size_t i = 0; i < p->rows; i++)
            for (size_t c = 0; c < k; c++) {
                const size_t at = p->own + i * k + c;
                a[at] -= factor[(size_t)p->column + c] * b[at];
            }
    }
}

/* Make the newest vectors orthogonal to the whole basis. */
static void orthogonalise(krylov *x, int count)
{
    const size_t k = (size_t)x->k;
    for (int twice = 0; twice < 2; twice++) {
        memset(x->sums, 0, (size_t)count * k * sizeof *x->sums);
        for (int j = 0; j < count; j++)
            add_dots(x, kept(x, j), x->mine, x->sums + (size_t)j * k);
        hesse_team_sum(x->team, x->sums, (size_t)count * k);
        for (int j = 0; j < count; j++)
            subtract(x, x->mine, x->sums + (size_t)j * k, kept(x, j));
    }
}

static void norms(krylov *x, double *norm)
{
    memset(norm, 0, (size_t)x->k * sizeof *norm);
    add_dots(x, x->mine, x->mine, norm);
    hesse_team_sum(x->team, norm, (size_t)x->k);
    for (int c = 0; c < x->k; c++) norm[c] = sqrt(norm[c]);
}

/* Send the rows of all ranks to all ranks. */
static void tell(krylov *x)
{
    for (int g = 0; g < x->count; g++)
        hesse_rows_tell(x->team, x->cells[g].q->n, x->cells[g].k,
                        x->v + x->places[g].all);
}

/* Copy this rank's rows out of the vectors of all ranks into a list of its own, or
   back. */
static void copy_own(const krylov *x, double *all, double *own, bool back)
{
    for (int g = 0; g < x->count; g++) {
        const place *p = &x->places[g];
        const size_t k = (size_t)x->cells[g].k, numbers = p->rows * k;
        double *a = all + p->all + p->first * k, *b = own + p->own;
        memcpy(back ? a : b, back ? b : a, numbers * sizeof *a);
    }
}

/* The rest of the product, divided by its length, becomes the next vector. It is zero
   for probes that have ended. */
static void advance(krylov *x, const double *norm, double *into)
{
    const double floor =
        x->r->orthogonality == HESSE_ORTHOGONALITY_PAPER ? PAPERS_FLOOR : 0;
    for (int g = 0; g < x->count; g++) {
        const place *p = &x->places[g];
        const size_t k = (size_t)x->cells[g].k, column = (size_t)p->column;
        for (size_t i = 0; i < p->rows; i++)
            for (size_t c = 0; c < k; c++) {
                const size_t at = p->own + i * k + c;
                into[at] = x->taken[column + c]
                               ? 0
                               : x->mine[at] / fmax(norm[column + c], floor);
            }
    }
    copy_own(x, x->v, into, true);
    tell(x);
}

static void draw(krylov *x)
{
    for (int g = 0; g < x->count; g++) {
        const place *p = &x->places[g];
        const hesse_cell *cell = &x->cells[g];
        for (size_t i = 0; i < p->rows; i++)
            for (int c = 0; c < cell->k; c++)
                x->mine[p->own + i * (size_t)cell->k + (size_t)c] = hesse_normal(
                    x->r->seed, HESSE_RANDOM_PROBES,
                    (uint64_t)(cell->first + c) * cell->q->n + p->first + i);
    }
    norms(x, x->sums);
    advance(x, x->sums, kept(x, 0));
}

/* A Krylov space is used up when the rest of the product is only rounding. Then the
   quadrature is exact, and the probe ends. Returns true if all probes have ended. */
static bool end_some(krylov *x, int j)
{
    bool all = true;
    for (int g = 0; g < x->count; g++)
        for (int c = x->places[g].column; c < x->places[g].column + x->cells[g].k;
             c++) {
            const size_t at = (size_t)j * (size_t)x->k + (size_t)c;
            x->scale[c] = fmax(x->scale[c], fmax(fabs(x->alpha[at]), x->beta[at]));
            const bool used_up = x->r->orthogonality != HESSE_ORTHOGONALITY_PAPER &&
                                 x->beta[at] <= ROUNDING * x->scale[c];
            if (!x->taken[c] && (used_up || j + 1 == x->cells[g].q->steps))
                x->taken[c] = j + 1;
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

/* Estimate the products of vector j + 1 with earlier vectors. They follow a recurrence,
   except for rounding. Returns true if an estimate has grown too large for a probe that
   goes on. */
static bool estimate_lost(krylov *x, int j)
{
    const size_t k = (size_t)x->k;
    const double most = sqrt(DBL_EPSILON);
    double *now = x->lost[0],
           *next = x->lost[1]; /* next still holds the estimates of j - 1 */
    bool any = false;
    for (size_t c = 0; c < k; c++) {
        const double *alpha = x->alpha + c, *beta = x->beta + c;
        const double b = beta[(size_t)j * k];
        for (int i = 0; i < j; i++) {
            const size_t at = (size_t)i * k;
            double w = beta[at] * now[at + k + c] +
                       (alpha[at] - alpha[(size_t)j * k]) * now[at + c] -
                       beta[(size_t)(j - 1) * k] * next[at + c];
            if (i > 0) w += beta[at - k] * now[at - k + c];
            w += copysign(2 * DBL_EPSILON * (beta[at] + b), w);
            next[at + c] = b > 0 ? w / b : 0;
            any |= !x->taken[c] && fabs(next[at + c]) > most;
        }
        next[(size_t)j * k + c] = DBL_EPSILON;
        next[(size_t)(j + 1) * k + c] = 1;
    }
    x->lost[0] = next, x->lost[1] = now;
    return any;
}

/* Reorthogonalise as the settings ask for. x->beta of step j is filled before and
   after. */
static void keep_orthogonal(krylov *x, int j)
{
    const size_t k = (size_t)x->k;
    double *beta = x->beta + (size_t)j * k;
    const bool full = x->r->orthogonality == HESSE_ORTHOGONALITY_FULL;
    if (!x->whole) return;
    const bool lost = !full && estimate_lost(x, j);
    if (!full && !lost && !x->again) return;
    orthogonalise(x, j + 1);
    norms(x, beta);
    for (size_t i = 0; !full && i < (size_t)(j + 1) * k; i++)
        x->lost[0][i] = DBL_EPSILON;
    x->again = lost && !x->again;
}

static hesse_status iterate(krylov *x)
{
    const size_t k = (size_t)x->k;
    for (size_t c = 0; x->lost[0] && c < k; c++) x->lost[0][c] = 1;
    for (int j = 0;; j++) {
        double *alpha = x->alpha + (size_t)j * k, *beta = x->beta + (size_t)j * k;
        x->r->apply(x->r->context, x->v, x->av);
        copy_own(x, x->av, x->mine, false);
        memset(alpha, 0, k * sizeof *alpha);
        add_dots(x, kept(x, j), x->mine, alpha);
        hesse_team_sum(x->team, alpha, k);
        subtract(x, x->mine, alpha, kept(x, j));
        if (j > 0) subtract(x, x->mine, beta - k, kept(x, j - 1));
        norms(x, beta);
        keep_orthogonal(x, j);
        hesse_status s = HESSE_OK;
        if (!finite(x, j))
            s = hesse_fail(&x->team->why, HESSE_E_NUMERIC,
                           "lanczos: the product of step %d is not finite", j + 1);
        else if (x->r->step)
            s = x->r->step(x->r->context, &x->team->why);
        s = hesse_agree(x->team, s);
        if (s || end_some(x, j)) return s;
        advance(x, beta, kept(x, j + 1));
    }
}

/* Local. Compute eigenvalues of tridiagonal matrices, and eigenvectors in columns of
   z. */
static hesse_status decompose(const krylov *x, int m, double *diagonal, double *beside,
                              double *z, double *work)
{
    int info = 0;
    dsteqr_("I", &m, diagonal, beside, z, &m, work, &info, 1);
    if (!info) return HESSE_OK;
    return hesse_fail(&x->team->why, HESSE_E_NUMERIC,
                      "lanczos: dsteqr ends with %d on a matrix of order %d", info, m);
}

/* Local. Bound the weight of a probe's measure below 0. The tridiagonal matrix T of the
   probe gets one more row with the last entry beta_m^2 e_m' T^-1 e_m, which is computed
   from the eigenvectors of T. Then 0 is an eigenvalue of the larger matrix, and a node
   of its rule. The weights of the negative nodes are a lower bound, and with the weight
   of the node 0 an upper bound. If the Krylov space is used up, or T is singular, T's
   own rule gives the bounds. Nodes within rounding are 0. Source: Golub & Meurant
   (2010), section 6.2; Szego, Orthogonal Polynomials, section 3.41.
   room: 2 (m + 1) numbers, besides z and work. */
static hesse_status bound_negative(const krylov *x, int c, int probe, double *z,
                                   double *work, double *room, hesse_quadrature *q)
{
    const int m = x->taken[c], all = m + 1;
    const double *nodes = q->nodes + (size_t)probe * (size_t)q->steps;
    const double last = x->beta[(m - 1) * x->k + c];
    const double scale = fmax(fabs(nodes[0]), fabs(nodes[m - 1]));
    const double zero = fmax(ROUNDING, (double)q->n * DBL_EPSILON) * scale;
    double *diagonal = room, *beside = room + all, corner = 0, below = 0, at = 0;
    bool singular = last <= zero;
    for (int i = 0; i < m; i++) {
        const double end = z[(size_t)i * (size_t)m + (size_t)m - 1];
        singular = singular || fabs(nodes[i]) <= zero;
        corner += last * end * last * end / nodes[i];
        diagonal[i] = x->alpha[i * x->k + c];
        beside[i] = x->beta[i * x->k + c];
    }
    diagonal[m] = corner;
    const int order = singular ? m : all;
    const hesse_status s = decompose(x, order, diagonal, beside, z, work);
    int node = 0; /* the node nearest to 0 */
    for (int i = 1; !s && i < order; i++)
        if (fabs(diagonal[i]) < fabs(diagonal[node])) node = i;
    for (int i = 0; !s && i < order; i++) {
        const double first = z[(size_t)i * (size_t)order];
        if (fabs(diagonal[i]) <= zero || (!singular && i == node))
            at += first * first;
        else if (diagonal[i] < 0)
            below += first * first;
    }
    /* An exact rule leaves no doubt about the node 0: it is not below 0. */
    q->negative[0][probe] = below;
    q->negative[1][probe] = last <= zero ? below : below + at;
    return s;
}

/* Local. Nodes are the eigenvalues of a probe's tridiagonal matrix, and weights are the
   squares of the first components of its eigenvectors. */
static hesse_status solve(const krylov *x, int c, int probe, double *z, double *work,
                          hesse_quadrature *q)
{
    const int m = x->taken[c], steps = q->steps;
    double *nodes = q->nodes + (size_t)probe * (size_t)steps;
    double *weights = q->weights + (size_t)probe * (size_t)steps;
    for (int j = 0; j < m; j++) {
        nodes[j] = x->alpha[j * x->k + c];
        weights[j] = x->beta[j * x->k + c];
    }
    const double last = weights[m - 1];
    const hesse_status s = decompose(x, m, nodes, weights, z, work);
    if (s) return s;
    for (int i = 0; i < m; i++)
        weights[i] = z[(size_t)i * (size_t)m] * z[(size_t)i * (size_t)m];
    for (int end = 0; end < 2; end++)
        q->extreme[end][probe] =
            last * fabs(z[(size_t)(end ? m - 1 : 0) * (size_t)m + (size_t)m - 1]);
    for (int i = m; i < steps; i++) nodes[i] = nodes[m - 1], weights[i] = 0;
    q->taken[probe] = m;
    return HESSE_OK;
}

static hesse_status solve_all(const krylov *x)
{
    const size_t m = (size_t)x->steps + 1;
    double *z = hesse_alloc(m * m), *work = hesse_alloc(2 * m),
           *room = hesse_alloc(2 * m);
    hesse_status s = HESSE_OK;
    if (!z || !work || !room)
        s = hesse_fail(&x->team->why, HESSE_E_NOMEM,
                       "lanczos: out of memory for %d steps", x->steps);
    for (int g = 0; g < x->count; g++)
        for (int c = 0; !s && c < x->cells[g].k; c++) {
            const int column = x->places[g].column + c, probe = x->cells[g].first + c;
            s = solve(x, column, probe, z, work, x->cells[g].q);
            if (!s) s = bound_negative(x, column, probe, z, work, room, x->cells[g].q);
        }
    free(z);
    free(work);
    free(room);
    return s;
}

/* Find the sizes of all vectors, and the places of the cells. */
static void measure(krylov *x)
{
    const int ranks = x->team->size, rank = x->team->rank;
    for (int g = 0; g < x->count; g++) {
        const hesse_cell *c = &x->cells[g];
        place *p = &x->places[g];
        *p = (place){.all = x->size, .own = x->own, .column = x->k};
        p->first = hesse_rows_first(c->q->n, ranks, rank);
        p->rows = hesse_rows_first(c->q->n, ranks, rank + 1) - p->first;
        x->size += c->q->n * (size_t)c->k;
        x->own += p->rows * (size_t)c->k;
        x->k += c->k;
        x->steps = c->q->steps > x->steps ? c->q->steps : x->steps;
    }
}

bool hesse_lanczos_run_keeps(hesse_orthogonality orthogonality)
{
    return orthogonality == HESSE_ORTHOGONALITY_FULL ||
           orthogonality == HESSE_ORTHOGONALITY_SELECTIVE;
}

static bool allocate(krylov *x)
{
    const size_t k = (size_t)x->k, steps = (size_t)x->steps;
    const bool selective = x->r->orthogonality == HESSE_ORTHOGONALITY_SELECTIVE;
    x->v = hesse_alloc(x->size);
    x->av = hesse_alloc(x->size);
    x->mine = hesse_alloc(x->own);
    x->basis = hesse_alloc((x->whole ? steps : 2) * x->own);
    x->alpha = hesse_alloc(steps * k);
    x->beta = hesse_alloc(steps * k);
    x->sums = hesse_alloc(steps * k);
    x->scale = hesse_calloc(k, sizeof *x->scale);
    x->taken = hesse_calloc(k, sizeof *x->taken);
    for (int i = 0; selective && i < 2; i++)
        x->lost[i] = hesse_calloc((steps + 1) * k, sizeof *x->lost[i]);
    return x->v && x->av && x->mine && x->basis && x->alpha && x->beta && x->sums &&
           x->scale && x->taken && (!selective || (x->lost[0] && x->lost[1]));
}

double hesse_lanczos_run_bytes(int ranks, hesse_orthogonality orthogonality,
                               const hesse_cell *cells, int count)
{
    double size = 0, own = 0, steps = 2;
    for (int g = 0; g < count; g++) {
        const double k = cells[g].k, n = (double)cells[g].q->n;
        size += n * k;
        own += ceil(n / ranks) * k;
        if (hesse_lanczos_run_keeps(orthogonality))
            steps = fmax(steps, cells[g].q->steps);
    }
    return (2 * size + (steps + 1) * own) * (double)sizeof(double);
}

hesse_status hesse_lanczos_run(hesse_team *team, const hesse_recurrence *recurrence,
                               const hesse_cell *cells, int count)
{
    krylov x = {.team = team, .r = recurrence, .cells = cells, .count = count};
    hesse_status s = HESSE_OK;
    x.whole = hesse_lanczos_run_keeps(recurrence->orthogonality);
    x.places = hesse_calloc((size_t)count, sizeof *x.places);
    if (x.places) measure(&x);
    if (!x.places || !allocate(&x))
        s = hesse_fail(&team->why, HESSE_E_NOMEM,
                       "lanczos: out of memory for vectors of %zu numbers", x.size);
    s = hesse_agree(team, s);
    if (!s) {
        draw(&x);
        s = iterate(&x);
    }
    if (!s) s = solve_all(&x);
    s = hesse_agree(team, s);
    free(x.places);
    free(x.v);
    free(x.av);
    free(x.mine);
    free(x.basis);
    free(x.alpha);
    free(x.beta);
    free(x.sums);
    free(x.scale);
    free(x.lost[0]);
    free(x.lost[1]);
    free(x.taken);
    return s;
}
