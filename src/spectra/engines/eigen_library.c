/* The engines of libraries: LAPACK on one rank, ScaLAPACK and ELPA on several. They
   alone find eigenvectors, which are checked against a copy of the matrix. All of this
   is in double precision. */
#include "base/memory.h"
#include "base/random.h"
#include "spectra/engines/engines.h"

#include <cblas.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* Return the size of the workspace of dsyevd with eigenvectors. */
static double vectors_work(double n)
{
    return 1 + 6 * n + 2 * n * n;
}

double hesse_lapack_bytes(int n, bool vectors)
{
    return vectors ? 8 * vectors_work(n) + 8.0 * n * n : 0;
}

/* Return the index of eigenvector i of those that are wanted: first the lowest ones,
   then the highest. */
static int wanted(const hesse_spectrum *s, int i)
{
    return i < s->vectors / 2 || s->vectors == s->n ? i : s->n - s->vectors + i;
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

hesse_status hesse_lapack_solve(int n, double *a, hesse_spectrum *spectrum,
                                hesse_why *why)
{
    const size_t size = (size_t)n * (size_t)n;
    double *copy = NULL;
    if (spectrum->vectors && !(copy = hesse_alloc(size)))
        return hesse_fail(why, HESSE_E_NOMEM, "%zu bytes for a copy are not there",
                          8 * size);
    if (copy) memcpy(copy, a, size * sizeof *a);
    const hesse_status s = lapack(n, a, copy != NULL, spectrum->eigenvalues, why);
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

hesse_status hesse_library_solve(hesse_dmat *a, hesse_spectrum *spectrum)
{
    if (spectrum->engine == HESSE_ENGINE_ELPA && !hesse_elpa_serves(a))
        spectrum->engine = HESSE_ENGINE_SCALAPACK;
    const bool elpa = spectrum->engine == HESSE_ENGINE_ELPA;
    hesse_dmat *copy = NULL, *z = NULL;
    hesse_status s = HESSE_OK;
    if (spectrum->vectors) s = hesse_dmat_copy(a, &copy);
    if (!s && spectrum->vectors) s = hesse_dmat_new(a->grid, a->n, &z);
    if (!s && elpa) dither(a);
    if (!s)
        s = elpa ? hesse_elpa_solve(a, spectrum->eigenvalues, z)
                 : hesse_scalapack_solve(a, spectrum->eigenvalues, z);
    if (!s && z) {
        collect(z, spectrum);
        s = residuals(copy, spectrum);
    }
    hesse_dmat_free(z);
    hesse_dmat_free(copy);
    return s;
}
