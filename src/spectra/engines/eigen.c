/* The choice of the engine, and the work that all engines share: only finite matrices
   go in, the same bits come out on every rank, and eigenvectors are checked against a
   copy of the matrix. */
#include "spectra/engines/eigen.h"

#include "base/memory.h"
#include "base/random.h"
#include "base/simd.h"
#include "spectra/engines/engines.h"
#include "spectra/engines/small.h"

#include <assert.h>
#include <cblas.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* One rank alone is faster below these orders: with eigenvectors; and without them on
   one rank, and on several. They were measured: docs/engines.md. */
enum { WITH_VECTORS = 600, WITHOUT = 1900, WITHOUT_SHARED = 600 };

void dsyevd_(const char *jobz, const char *uplo, const int *n, double *a,
             const int *lda, double *w, double *work, const int *lwork, int *iwork,
             const int *liwork, int *info, size_t, size_t);
void dsyevd_2stage_(const char *jobz, const char *uplo, const int *n, double *a,
                    const int *lda, double *w, double *work, const int *lwork,
                    int *iwork, const int *liwork, int *info, size_t, size_t);

bool hesse_engine_exists(hesse_engine engine)
{
#ifdef HESSE_HAVE_ELPA
    (void)engine;
    return true;
#else
    return engine != HESSE_ENGINE_ELPA;
#endif
}

hesse_engine hesse_engine_choose(hesse_engine asked, int n, int ranks, bool vectors)
{
    const bool values = asked == HESSE_ENGINE_BAND || asked == HESSE_ENGINE_SMALL;
    if (asked != HESSE_ENGINE_AUTO && !(values && vectors)) return asked;
    if (!vectors)
        return n < (ranks == 1 ? WITHOUT : WITHOUT_SHARED) ? HESSE_ENGINE_SMALL
                                                           : HESSE_ENGINE_BAND;
    if (ranks == 1 || n < WITH_VECTORS) return HESSE_ENGINE_LAPACK;
    return hesse_engine_exists(HESSE_ENGINE_ELPA) ? HESSE_ENGINE_ELPA
                                                  : HESSE_ENGINE_SCALAPACK;
}

hesse_engine hesse_engine_local(hesse_engine asked, int n, bool vectors)
{
    const bool local = asked == HESSE_ENGINE_LAPACK || asked == HESSE_ENGINE_BAND ||
                       asked == HESSE_ENGINE_SMALL;
    return hesse_engine_choose(local ? asked : HESSE_ENGINE_AUTO, n, 1, vectors);
}

/* Return the size of the workspace of dsyevd with eigenvectors. */
static double vectors_work(double n)
{
    return 1 + 6 * n + 2 * n * n;
}

/* The libraries count the entries of a rank's share in 32-bit integers. */
static bool counts(hesse_engine engine, int n, int ranks)
{
    return engine == HESSE_ENGINE_BAND || !hesse_dmat_is_long(n, ranks);
}

double hesse_engine_bytes(hesse_engine engine, int n, int ranks, bool vectors)
{
    if (!counts(engine, n, ranks)) return INFINITY;
    const double share = hesse_dmat_bytes(n, ranks, false), whole = 8.0 * n * n;
    const double gathered = ranks > 1 ? 3 * whole : 0;
    double bytes = 8 * 160.0 * n; /* bands */
    if (engine == HESSE_ENGINE_BAND)
        bytes = hesse_band_solve_bytes(n, ranks);
    else if (engine == HESSE_ENGINE_SMALL)
        bytes = hesse_small_solve_bytes(n) + gathered;
    else if (engine == HESSE_ENGINE_LAPACK)
        bytes += (vectors ? 8 * vectors_work(n) + whole : 0) + gathered;
    else if (vectors)
        bytes += 4 * share + 1e6; /* a copy, the vectors, and workspace with padding */
    else if (engine == HESSE_ENGINE_ELPA)
        bytes += 1.2 * share; /* workspace */
    return bytes;
}

/* Return the index of eigenvector i of those that are wanted: first the lowest ones,
   then the highest. */
static int wanted(const hesse_spectrum *s, int i)
{
    return i < s->vectors / 2 || s->vectors == s->n ? i : s->n - s->vectors + i;
}

/* The bits of doubles without their signs are in the order of the doubles, and beyond
   infinity they are no numbers. */
HESSE_SIMD double hesse_largest(size_t count, const double *values)
{
    uint64_t most = 0;
    double largest;
    for (size_t i = 0; i < count; i++) {
        uint64_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        bits &= ~(UINT64_C(1) << 63);
        most = bits > most ? bits : most;
    }
    memcpy(&largest, &most, sizeof largest);
    return largest;
}

static bool finite_triangle(int n, const double *a)
{
    for (size_t j = 0, count = (size_t)n; count; j++, count--)
        if (!isfinite(hesse_largest(count, a + j * (size_t)n + j))) return false;
    return true;
}

static hesse_status lapack(int n, double *a, bool vectors, double *lambda,
                           hesse_why *why)
{
    double best = 0, *work = NULL;
    int info = 0, lwork = -1, liwork = -1, ibest = 0, *iwork = NULL;
    if (vectors && vectors_work(n) > INT_MAX)
        return hesse_fail(
            why, HESSE_E_NOMEM,
            "LAPACK's integers cannot count its workspace for eigenvectors of "
            "order %d; leave eigenvectors out",
            n);
    if (vectors)
        dsyevd_("V", "L", &n, a, &n, lambda, &best, &lwork, &ibest, &liwork, &info, 1,
                1);
    else
        dsyevd_2stage_("N", "L", &n, a, &n, lambda, &best, &lwork, &ibest, &liwork,
                       &info, 1, 1);
    lwork = (int)best, liwork = ibest;
    work = hesse_alloc((size_t)lwork);
    iwork = hesse_calloc((size_t)liwork, sizeof *iwork);
    hesse_status s = HESSE_OK;
    if (!work || !iwork) {
        s = hesse_fail(why, HESSE_E_NOMEM,
                       "%zu bytes of LAPACK's workspace are not there",
                       8 * (size_t)lwork);
    } else {
        if (vectors)
            dsyevd_("V", "L", &n, a, &n, lambda, work, &lwork, iwork, &liwork, &info, 1,
                    1);
        else
            dsyevd_2stage_("N", "L", &n, a, &n, lambda, work, &lwork, iwork, &liwork,
                           &info, 1, 1);
        if (info)
            s = hesse_fail(why, HESSE_E_NUMERIC, "%s failed with info = %d",
                           vectors ? "DSYEVD" : "DSYEVD_2STAGE", info);
    }
    free(work);
    free(iwork);
    return s;
}

/* Solve a matrix that one rank holds as one that a team of one rank shares. */
static hesse_status band(int n, double *a, double *lambda, hesse_why *why)
{
    hesse_team team = {.comm = MPI_COMM_SELF, .size = 1};
    const hesse_grid grid = {.team = &team, .rows = 1, .cols = 1};
    const hesse_axis all = {.procs = 1, .nb = 64, .count = n};
    hesse_strip whole = {0};
    hesse_dmat m = {.grid = &grid,
                    .n = n,
                    .nb = 64,
                    .row = all,
                    .col = all,
                    .strip = n,
                    .n_strips = 1,
                    .strips = &whole,
                    .count = (size_t)n * (size_t)n,
                    .local = a};
    const hesse_status s = hesse_band_solve(&m, lambda);
    if (s) *why = team.why;
    return s;
}

hesse_status hesse_eigen_local(int n, double *a, hesse_engine engine,
                               hesse_spectrum *spectrum, hesse_why *why)
{
    const size_t size = (size_t)n * (size_t)n;
    double *copy = NULL;
    spectrum->engine = hesse_engine_local(engine, n, spectrum->vectors > 0);
    if (!finite_triangle(n, a))
        return hesse_fail(why, HESSE_E_NUMERIC, "a matrix of order %d is not finite",
                          n);
    if (spectrum->vectors && !(copy = hesse_alloc(size)))
        return hesse_fail(why, HESSE_E_NOMEM, "%zu bytes for a copy are not there",
                          8 * size);
    if (copy) memcpy(copy, a, size * sizeof *a);
    double *lambda = spectrum->eigenvalues;
    const hesse_status s = spectrum->engine == HESSE_ENGINE_SMALL
                               ? hesse_small_solve(n, a, lambda, why)
                           : spectrum->engine == HESSE_ENGINE_BAND
                               ? band(n, a, lambda, why)
                               : lapack(n, a, copy != NULL, lambda, why);
    for (int i = 0; !s && i < spectrum->vectors; i++) {
        const int column = wanted(spectrum, i);
        const double *q = a + (size_t)column * (size_t)n;
        double *r = spectrum->eigenvectors + (size_t)i * (size_t)n;
        memcpy(r, q, (size_t)n * sizeof *q);
        cblas_dsymv(CblasColMajor, CblasLower, n, 1, copy, n, q, 1,
                    -spectrum->eigenvalues[column], r, 1);
        spectrum->residuals[i] = cblas_dnrm2(n, r, 1);
        memcpy(r, q, (size_t)n * sizeof *q);
    }
    free(copy);
    return s;
}

/* Send the results of rank 0 to all ranks. */
static void tell(hesse_team *team, hesse_spectrum *s)
{
    const size_t n = (size_t)s->n, m = (size_t)s->vectors;
    hesse_team_broadcast(team, 0, s->eigenvalues, n * sizeof(double));
    if (m) hesse_team_broadcast(team, 0, s->eigenvectors, m * n * sizeof(double));
    if (m) hesse_team_broadcast(team, 0, s->residuals, m * sizeof(double));
}

/* Solve the whole matrix on rank 0, by an engine of single ranks. */
static hesse_status alone(hesse_dmat *a, hesse_engine engine, hesse_spectrum *spectrum)
{
    hesse_team *team = a->grid->team;
    const size_t size = (size_t)a->n * (size_t)a->n;
    const bool gathers = team->size > 1 || a->lower;
    double *whole = gathers ? NULL : a->local;
    hesse_status s = HESSE_OK;
    if (gathers) {
        if (team->rank == 0 && !(whole = hesse_alloc(size)))
            s = hesse_fail(
                &team->why, HESSE_E_NOMEM,
                "%zu bytes for a matrix of order %d on one rank are not there",
                8 * size, a->n);
        s = hesse_agree(team, s);
        const hesse_gather all = {0, a->n, 0, whole};
        if (!s) s = hesse_dmat_gather(a, &all, 1);
    }
    if (!s && whole) s = hesse_eigen_local(a->n, whole, engine, spectrum, &team->why);
    s = hesse_agree(team, s);
    if (whole != a->local) free(whole);
    spectrum->engine = engine;
    return s;
}

/* Collect the wanted columns of z on all ranks. */
static void collect(const hesse_dmat *z, hesse_spectrum *s)
{
    for (int i = 0; i < s->vectors; i++) {
        double *q = s->eigenvectors + (size_t)i * (size_t)s->n;
        const int column = wanted(s, i), j = hesse_axis_below(&z->col, column);
        const bool mine = hesse_axis_below(&z->col, column + 1) > j;
        memset(q, 0, (size_t)s->n * sizeof *q);
        for (int r = 0; mine && r < z->row.count; r++)
            q[hesse_axis_global(&z->row, r)] =
                z->local[(size_t)j * (size_t)z->row.count + (size_t)r];
    }
    hesse_team_sum(z->grid->team, s->eigenvectors, (size_t)s->vectors * (size_t)s->n);
}

/* Compute norms of H q - lambda q. Every rank adds the product of its share of H with
   q. */
static hesse_status residuals(const hesse_dmat *h, hesse_spectrum *s)
{
    hesse_team *team = h->grid->team;
    const size_t n = (size_t)s->n, m = (size_t)s->vectors;
    double *product = hesse_alloc(n * m);
    hesse_status status = HESSE_OK;
    if (!product) status = hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory");
    status = hesse_agree(team, status);
    for (size_t i = 0; !status && i < m; i++)
        for (int c = 0; c < h->col.count; c++) {
            const double q =
                s->eigenvectors[i * n + (size_t)hesse_axis_global(&h->col, c)];
            const double *column = h->local + (size_t)c * (size_t)h->row.count;
            for (int r = 0; r < h->row.count; r++)
                product[i * n + (size_t)hesse_axis_global(&h->row, r)] += q * column[r];
        }
    if (!status) hesse_team_sum(team, product, n * m);
    for (size_t i = 0; !status && i < m; i++) {
        double *r = product + i * n;
        cblas_daxpy(s->n, -s->eigenvalues[wanted(s, (int)i)], s->eigenvectors + i * n,
                    1, r, 1);
        s->residuals[i] = cblas_dnrm2(s->n, r, 1);
    }
    free(product);
    return status;
}

/* ELPA squares entries of Householder vectors without scaling them. An off-diagonal
   block of low rank leaves rounding, then rounding of rounding, until entries are of
   the order of 1e-154. Their squares underflow, the reflections are not orthogonal, and
   ELPA gives no error. Noise far below the rounding of any solver prevents this: 2^-57
   of the largest entry moves eigenvalues by at most 2^-56 sqrt(n) of it. The noise is a
   function of the place, so that it is the same on any number of ranks.
   docs/engines.md. */
static void dither(hesse_dmat *a)
{
    hesse_team *team = a->grid->team;
    const size_t rows = (size_t)a->row.count;
    const double mine = hesse_largest(a->count, a->local);
    double largest;
    MPI_Allreduce(&mine, &largest, 1, MPI_DOUBLE, MPI_MAX, team->comm);
    for (int c = 0; c < a->col.count; c++)
        for (int r = 0; r < a->row.count; r++) {
            const uint64_t i = (uint64_t)hesse_axis_global(&a->row, r);
            const uint64_t j = (uint64_t)hesse_axis_global(&a->col, c);
            const uint64_t place = i < j ? j << 32 | i : i << 32 | j;
            const double noise = hesse_uniform(0, HESSE_RANDOM_DITHER, place) - 0.5;
            a->local[(size_t)c * rows + (size_t)r] += ldexp(largest * noise, -56);
        }
}

static hesse_status together(hesse_dmat *a, hesse_engine engine,
                             hesse_spectrum *spectrum)
{
    hesse_dmat *copy = NULL, *z = NULL;
    hesse_status s = HESSE_OK;
    if (spectrum->vectors) s = hesse_dmat_copy(a, &copy);
    if (!s && spectrum->vectors) s = hesse_dmat_new(a->grid, a->n, &z);
    if (!s && engine == HESSE_ENGINE_ELPA) dither(a);
    if (!s)
        s = engine == HESSE_ENGINE_BAND ? hesse_band_solve(a, spectrum->eigenvalues)
            : engine == HESSE_ENGINE_ELPA
                ? hesse_elpa_solve(a, spectrum->eigenvalues, z)
                : hesse_scalapack_solve(a, spectrum->eigenvalues, z);
    if (!s)
        hesse_team_broadcast(a->grid->team, 0, spectrum->eigenvalues,
                             (size_t)a->n * sizeof(double));
    if (!s && z) {
        collect(z, spectrum);
        s = residuals(copy, spectrum);
    }
    spectrum->engine = engine;
    hesse_dmat_free(z);
    hesse_dmat_free(copy);
    return s;
}

hesse_status hesse_eigen(hesse_dmat *a, hesse_engine engine, hesse_spectrum *spectrum)
{
    hesse_team *team = a->grid->team;
    hesse_status s = HESSE_OK;
    if (!isfinite(hesse_largest(a->count, a->local)))
        s = hesse_fail(&team->why, HESSE_E_NUMERIC,
                       "a matrix of order %d is not finite", a->n);
    s = hesse_agree(team, s);
    if (s) return s;
    engine = hesse_engine_choose(engine, a->n, team->size, spectrum->vectors > 0);
    if (engine == HESSE_ENGINE_ELPA && !hesse_elpa_serves(a))
        engine = HESSE_ENGINE_SCALAPACK;
    assert(!a->lower ||
           (engine != HESSE_ENGINE_ELPA && engine != HESSE_ENGINE_SCALAPACK));
    if (!counts(engine, a->n, team->size))
        return hesse_fail(&team->why, HESSE_E_NOMEM,
                          "a matrix of order %d on %d ranks: a rank's share has more "
                          "than the %d entries that the engine %s can count; use more "
                          "ranks, or the engine %s",
                          a->n, team->size, INT_MAX, hesse_engine_name(engine),
                          hesse_engine_name(HESSE_ENGINE_BAND));
    s = engine == HESSE_ENGINE_LAPACK || engine == HESSE_ENGINE_SMALL
            ? alone(a, engine, spectrum)
            : together(a, engine, spectrum);
    if (!s) tell(team, spectrum);
    return s;
}
