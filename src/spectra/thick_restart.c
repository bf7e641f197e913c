/* The basis grows block by block. T = V' S V is computed by products with the whole
   basis, so that it is right up to rounding for any vectors. For every v of the basis
   except the newest block, S v lies in the space of the basis. So the residual of a
   Ritz pair is the residual of the newest block times the pair's part in it. When the
   basis is full, Ritz vectors at both ends replace it.

   One Krylov space contains one vector of a multiple eigenvalue for each of its first
   vectors. So when all wanted pairs have converged, another search begins, from random
   vectors that are orthogonal to them. The pairs are accepted when such a search has
   found no others.

   Residuals within the tolerance at a restart are not seen after it, and they add up.
   If products with the pairs themselves show larger residuals, the search continues
   from there. All ranks use the decomposition of rank 0, because decisions depend on
   it. */
#include "spectra/thick_restart.h"

#include "base/memory.h"
#include "base/random.h"
#include "parallel/team.h"
#include "spectra/basis.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void dsyev_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda,
            double *w, double *work, const int *lwork, int *info, size_t, size_t);
void dgemm_(const char *transa, const char *transb, const int *m, const int *n,
            const int *k, const double *alpha, const double *a, const int *lda,
            const double *b, const int *ldb, const double *beta, double *c,
            const int *ldc, size_t, size_t);

/* Blocked reductions need this many numbers for each row: 2 + 32. */
enum { WORK = 34 };

typedef struct search {
    hesse_team *team;
    const hesse_operator *a;
    const hesse_thick_restart *how;
    hesse_extremes *e;
    hesse_basis basis;
    int last;         /* vectors of the newest block, the end of the basis */
    int depth;        /* blocks since the search has begun                 */
    int seen;         /* vectors of the basis when T was decomposed last   */
    double *found;    /* [count] values to confirm; NaN: none */
    uint64_t drawn;   /* random vectors so far                             */
    double *v, *av;   /* [n][block]                                        */
    double *w;        /* [rows][block] rests of the products */
    double *kept;     /* [kept][rows] while the basis is restarted         */
    double *t;        /* [room][room] V' S V                               */
    double *gram;     /* [block][block] w' w                               */
    double *c;        /* [room][block]                                     */
    double *y;        /* [room][room] eigenvectors of T, one a row         */
    double *theta;    /* [room] its eigenvalues                            */
    double *work;     /* [WORK room]                                       */
    double *residual; /* [room] of the Ritz pairs                          */
    double scale;     /* the largest |Ritz value|                          */
    bool again;       /* the pairs are not accurate enough yet */
    int repairs;      /* number of times that they were not */
} search;

static int kept_of(int count, int room, int block)
{
    const int half = (room - block) / 2;
    return half > count ? half : count;
}

/* If there is room for few blocks and ends are crowded, more restarts and many more
   products are needed. Up to order SMALL, a basis of the whole space takes little
   memory. It always ends, while restarts may not. */
enum { BLOCKS = 16, SMALL = 256 };

hesse_thick_restart_rooms hesse_thick_restart_room(size_t n, int count, int block)
{
    const int least = count + 2 * block, some = 4 * count + BLOCKS * block + 20;
    const int best = some > SMALL ? some : SMALL;
    const int most = n <= (size_t)best ? (int)n : some;
    return (hesse_thick_restart_rooms){.least = least < most ? least : most,
                                       .best = most};
}

double hesse_thick_restart_bytes(size_t n, int ranks, int count, int block, int room)
{
    const double rows = ceil((double)n / ranks), m = room;
    return (2.0 * block * (double)n + (m + block + kept_of(count, room, block)) * rows +
            2 * m * m + m * (block + WORK + 3.0) + count + (double)block * block) *
           (double)sizeof(double);
}

static bool allocate(search *x)
{
    const size_t block = (size_t)x->how->block, room = (size_t)x->how->room;
    const size_t kept = (size_t)kept_of(x->e->count, x->how->room, x->how->block);
    const bool there = hesse_basis_new(x->team, x->a->n, x->how->room, &x->basis);
    x->found = hesse_alloc((size_t)x->e->count);
    for (int i = 0; x->found && i < x->e->count; i++) x->found[i] = NAN;
    x->v = hesse_alloc(x->a->n * block);
    x->av = hesse_alloc(x->a->n * block);
    x->w = hesse_alloc(x->basis.rows * block);
    x->kept = hesse_alloc(x->basis.rows * kept);
    x->t = hesse_calloc(room * room, sizeof *x->t);
    x->gram = hesse_alloc(block * block);
    x->c = hesse_alloc(room * block);
    x->y = hesse_alloc(room * room);
    x->theta = hesse_alloc(room);
    x->work = hesse_alloc(WORK * room);
    x->residual = hesse_alloc(room);
    return there && x->found && x->v && x->av && x->w && x->kept && x->t && x->gram &&
           x->c && x->y && x->theta && x->work && x->residual;
}

static void free_search(search *x)
{
    hesse_basis_free(&x->basis);
    free(x->found);
    free(x->v);
    free(x->av);
    free(x->w);
    free(x->kept);
    free(x->t);
    free(x->gram);
    free(x->c);
    free(x->y);
    free(x->theta);
    free(x->work);
    free(x->residual);
}

/* Append the new part of a random vector. */
static void append_random(search *x)
{
    hesse_basis *b = &x->basis;
    bool there = false;
    while (!there) {
        const uint64_t from = x->drawn++ * x->a->n + b->first;
        for (size_t i = 0; i < b->rows; i++)
            x->w[i * (size_t)x->how->block] =
                hesse_normal(x->how->seed, HESSE_RANDOM_EXTREMES, from + i);
        there = hesse_basis_append(b, x->how->block, 0, x->w, 0);
    }
}

/* Append the next block: the rests of the products with the newest block, if they are
   more than rounding. The block is filled up with random vectors, and a first block has
   only random vectors. */
static void extend(search *x)
{
    hesse_basis *b = &x->basis;
    const int block = x->how->block, before = b->count;
    const size_t left = x->a->n - (size_t)before;
    const int wanted = left < (size_t)block ? (int)left : block;
    const double floor = before ? 64 * DBL_EPSILON * x->scale : 0;
    for (int j = 0; j < x->last && b->count - before < wanted; j++)
        hesse_basis_append(b, x->last, j, x->w, floor);
    while (b->count - before < wanted) append_random(x);
    x->last = wanted;
    x->depth++;
}

/* Multiply the newest block. This gives its rows and columns of T, and the rests of the
   products. */
static hesse_status expand(search *x)
{
    const hesse_basis *b = &x->basis;
    const size_t m = (size_t)b->count, k = (size_t)x->last, room = (size_t)x->how->room;
    hesse_basis_put(b, b->count - x->last, x->last, x->v);
    hesse_rows_tell(x->team, b->n, x->last, x->v);
    const hesse_status s = x->a->apply(x->a->context, x->last, x->v, x->av);
    if (s) return s;
    x->e->products += x->last;
    hesse_basis_take(b, x->last, x->av, x->w);
    for (int twice = 0; twice < 2; twice++) {
        hesse_basis_dots(b, x->last, x->w, x->c);
        hesse_basis_subtract(b, x->last, x->w, x->c);
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < k; j++) {
                double *to = &x->t[i * room + m - k + j];
                *to = x->c[i * k + j] + (twice ? *to : 0);
            }
    }
    memset(x->gram, 0, k * k * sizeof *x->gram);
    for (size_t r = 0; r < b->rows; r++)
        for (size_t i = 0; i < k; i++)
            for (size_t j = 0; j < k; j++)
                x->gram[i * k + j] += x->w[r * k + i] * x->w[r * k + j];
    hesse_team_sum(x->team, x->gram, k * k);
    return HESSE_OK;
}

/* Local to rank 0. Compute Ritz values, and the residual of every pair. */
static hesse_status decompose(search *x)
{
    const int order = x->basis.count;
    const size_t m = (size_t)order, k = (size_t)x->last, room = (size_t)x->how->room;
    const int work = (int)room * WORK;
    int info = 0;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < m; j++) {
            const double entry = x->t[(i < j ? i : j) * room + (i < j ? j : i)];
            if (!isfinite(entry))
                return hesse_fail(&x->team->why, HESSE_E_NUMERIC,
                                  "extreme eigenvalues: a product is not finite");
            x->y[i * m + j] = entry;
        }
    dsyev_("V", "U", &order, x->y, &order, x->theta, x->work, &work, &info, 1, 1);
    if (info)
        return hesse_fail(&x->team->why, HESSE_E_NUMERIC,
                          "extreme eigenvalues: dsyev ends with %d on a matrix of "
                          "order %d",
                          info, order);
    for (size_t i = 0; i < m; i++) {
        const double *y = x->y + i * m + m - k;
        double square = 0;
        for (size_t p = 0; p < k; p++)
            for (size_t q = 0; q < k; q++) square += y[p] * x->gram[p * k + q] * y[q];
        x->residual[i] = sqrt(fmax(square, 0));
    }
    return HESSE_OK;
}

/* Collective. Rank 0 decomposes T and sends the result to all ranks. */
static hesse_status project(search *x)
{
    const size_t m = (size_t)x->basis.count;
    hesse_status s = HESSE_OK;
    if (x->team->rank == 0) s = decompose(x);
    s = hesse_agree(x->team, s);
    if (s) return s;
    hesse_team_broadcast(x->team, 0, x->theta, m * sizeof *x->theta);
    hesse_team_broadcast(x->team, 0, x->residual, m * sizeof *x->residual);
    hesse_team_broadcast(x->team, 0, x->y, m * m * sizeof *x->y);
    x->scale = fmax(fabs(x->theta[0]), fabs(x->theta[m - 1]));
    x->seen = x->basis.count;
    return HESSE_OK;
}

/* Return the index of wanted pair i among all Ritz pairs. */
static int ritz_of(const search *x, int i)
{
    const int count = x->e->count, low = (count + 1) / 2;
    return i < low ? i : x->basis.count - count + i;
}

/* A search that confirms pairs has at least DEEP blocks and MANY vectors. */
enum { DEEP = 6, MANY = 12 };

/* Return the largest allowed residual. */
static double most_of(const search *x)
{
    return fmax(x->e->tolerance * x->scale, x->how->noise);
}

static bool has_converged(const search *x)
{
    if (x->basis.count < x->e->count) return false;
    for (int i = 0; i < x->e->count; i++)
        if (x->residual[ritz_of(x, i)] > most_of(x)) return false;
    return true;
}

static bool is_deep(const search *x)
{
    return x->depth >= DEEP && x->depth * x->how->block >= MANY;
}

/* Return true if the pairs are the ones that this search had to confirm. */
static bool is_confirmed(const search *x)
{
    const double most = most_of(x);
    for (int i = 0; i < x->e->count; i++)
        if (!(fabs(x->theta[ritz_of(x, i)] - x->found[i]) <= most)) return false;
    return true;
}

static bool is_all(const search *x)
{
    return (size_t)x->basis.count == x->a->n;
}

/* The first `low` and the last `high` Ritz vectors become the columns of the basis. */
static void rotate(search *x, int low, int high)
{
    hesse_basis *b = &x->basis;
    const int m = b->count, rows = (int)b->rows, ld = rows > 0 ? rows : 1;
    const double one = 1, zero = 0;
    for (int end = 0; end < 2; end++) {
        const int count = end ? high : low;
        dgemm_("N", "N", &rows, &count, &m, &one, b->columns, &ld,
               x->y + (size_t)(end ? m - high : 0) * (size_t)m, &m, &zero,
               x->kept + (end ? (size_t)low * b->rows : 0), &ld, 1, 1);
    }
    b->count = low + high;
    memcpy(b->columns, x->kept, (size_t)b->count * b->rows * sizeof *b->columns);
}

static void restart(search *x, int kept)
{
    const int m = x->basis.count;
    const int low = (kept + 1) / 2, high = kept - low;
    rotate(x, low, high);
    for (int i = 0; i < kept; i++)
        for (int j = 0; j < kept; j++)
            x->t[(size_t)i * (size_t)x->how->room + (size_t)j] =
                i == j ? x->theta[i < low ? i : m - kept + i] : 0;
    x->seen = kept;
}

/* Keep only the pairs. Random vectors come next. */
static void begin_again(search *x)
{
    for (int i = 0; i < x->e->count; i++) x->found[i] = x->theta[ritz_of(x, i)];
    restart(x, x->e->count);
    x->last = x->depth = 0;
}

/* If pairs are still not accurate after this many repairs, the rest is rounding of the
   products. */
enum { REPAIRS = 4 };

/* Compute residuals by products with the Ritz vectors themselves, some of which are
   kept. If some residuals are too large and products are left, they become the next
   block of the search. */
static hesse_status verify(search *x)
{
    hesse_extremes *e = x->e;
    const size_t n = x->a->n;
    const int half = (e->vectors + 1) / 2;
    const bool whole = is_all(x);
    const double most = most_of(x);
    for (int i = 0; i < e->count; i++) e->eigenvalues[i] = x->theta[ritz_of(x, i)];
    restart(x, e->count);
    for (int first = 0; first < e->count; first += x->how->block) {
        const int left = e->count - first;
        const int k = left < x->how->block ? left : x->how->block;
        hesse_basis_put(&x->basis, first, k, x->v);
        hesse_rows_tell(x->team, n, k, x->v);
        const hesse_status s = x->a->apply(x->a->context, k, x->v, x->av);
        if (s) return s;
        e->products += k;
        for (int j = 0; j < k; j++) {
            const int pair = first + j, high = e->vectors - e->count + pair;
            const int to = pair < half ? pair : high >= half ? high : -1;
            double square = 0;
            for (size_t i = 0; i < n; i++) {
                const size_t at = i * (size_t)k + (size_t)j;
                x->av[at] -= e->eigenvalues[pair] * x->v[at];
                square += x->av[at] * x->av[at];
                if (to >= 0) e->eigenvectors[(size_t)to * n + i] = x->v[at];
            }
            if (!isfinite(square))
                return hesse_fail(&x->team->why, HESSE_E_NUMERIC,
                                  "extreme eigenvalues: a product is not finite");
            e->residuals[pair] = sqrt(square);
            e->converged = e->converged && e->residuals[pair] <= most;
        }
        x->again = !e->converged && !whole && x->repairs < REPAIRS &&
                   e->products < x->how->products;
        if (!x->again) continue;
        x->repairs++;
        hesse_basis_take(&x->basis, k, x->av, x->w);
        x->last = k, x->depth = 0;
        break;
    }
    return HESSE_OK;
}

/* T is decomposed after LOOK new vectors, plus one for every LOOKS vectors that there
   is room for, because a decomposition takes as long as some products of small
   models. */
enum { LOOK = 6, LOOKS = 24 };

static hesse_status iterate(search *x)
{
    const int room = x->how->room, block = x->how->block;
    const int look = LOOK + room / LOOKS;
    for (;;) {
        extend(x);
        hesse_status s = expand(x);
        const bool ends = x->e->products >= x->how->products || is_all(x) ||
                          (x->basis.count + block > room && (size_t)room < x->a->n);
        if (!s && !ends && x->basis.count - x->seen < look) continue;
        if (!s) s = project(x);
        if (s) return s;
        const bool confirms = !isnan(x->found[0]);
        const bool rests = has_converged(x) && (!confirms || is_deep(x));
        x->e->converged = is_all(x) || (rests && is_confirmed(x));
        if (x->e->converged) return HESSE_OK;
        if (x->basis.count >= x->e->count && x->e->products >= x->how->products)
            return HESSE_OK;
        if (rests)
            begin_again(x);
        else if (x->basis.count + block > room && (size_t)room < x->a->n)
            restart(x, kept_of(x->e->count, room, block));
    }
}

hesse_status hesse_thick_restart_run(hesse_team *team, const hesse_operator *a,
                                     const hesse_thick_restart *how, hesse_extremes *e)
{
    search x = {.team = team, .a = a, .how = how, .e = e};
    hesse_status s = HESSE_OK;
    if (!allocate(&x))
        s = hesse_fail(&team->why, HESSE_E_NOMEM,
                       "extreme eigenvalues: out of memory for %d vectors of %zu "
                       "numbers",
                       how->room, a->n);
    s = hesse_agree(team, s);
    e->products = 0, e->block = how->block;
    do {
        if (!s) s = iterate(&x);
        if (!s) s = verify(&x);
    } while (!s && x.again);
    free_search(&x);
    return s;
}
