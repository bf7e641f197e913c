/* The choice of the engine, and the work that all engines share: only finite matrices
   go in, and the same bits come out on every rank. */
#include "spectra/engines/eigen.h"

#include "base/real.h"
#include "spectra/engines/engines.h"
#include "spectra/engines/small.h"

#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* One rank alone is faster below these orders: with eigenvectors; and without them on
   one rank, and on several. They were measured: docs/engines.md. */
enum { WITH_VECTORS = 600, WITHOUT = 1900, WITHOUT_SHARED = 600 };

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

/* The libraries count the entries of a rank's share in 32-bit integers. */
static bool counts(hesse_engine engine, int n, int ranks)
{
    return engine == HESSE_ENGINE_BAND || !hesse_dmat_is_long(n, ranks);
}

double hesse_engine_bytes(hesse_engine engine, int n, int ranks, bool vectors)
{
    if (!counts(engine, n, ranks)) return INFINITY;
    const double size = sizeof(real), whole = size * n * n;
    const double share = hesse_dmat_bytes(n, ranks, false);
    const double gathered = ranks > 1 ? 3 * whole : 0;
    double bytes = 8 * 160.0 * n; /* bands */
    if (engine == HESSE_ENGINE_BAND)
        bytes = hesse_band_solve_bytes(n, ranks);
    else if (engine == HESSE_ENGINE_SMALL)
        bytes = hesse_small_solve_bytes(n) + gathered;
    else if (engine == HESSE_ENGINE_LAPACK)
        bytes += hesse_lapack_bytes(n, vectors) + gathered;
    else if (vectors)
        bytes += 4 * share + 1e6; /* a copy, the vectors, and workspace with padding */
    else if (engine == HESSE_ENGINE_ELPA)
        bytes += 1.2 * share; /* workspace */
    return bytes;
}

#ifdef HESSE_SINGLE
typedef uint32_t bits_of_real;
#else
typedef uint64_t bits_of_real;
#endif

/* The bits of numbers without their signs are in the order of the numbers, and beyond
   infinity they are no numbers. */
HESSE_SIMD real hesse_largest(size_t count, const real *values)
{
    const bits_of_real sign = (bits_of_real)1 << (8 * sizeof sign - 1);
    bits_of_real most = 0;
    real largest;
    for (size_t i = 0; i < count; i++) {
        bits_of_real bits;
        memcpy(&bits, &values[i], sizeof bits);
        bits &= ~sign;
        most = bits > most ? bits : most;
    }
    memcpy(&largest, &most, sizeof largest);
    return largest;
}

static bool finite_triangle(int n, const real *a)
{
    for (size_t j = 0, count = (size_t)n; count; j++, count--)
        if (!isfinite(hesse_largest(count, a + j * (size_t)n + j))) return false;
    return true;
}

/* Solve a matrix that one rank holds as one that a team of one rank shares. */
static hesse_status band(int n, real *a, double *lambda, hesse_why *why)
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

hesse_status hesse_eigen_local(int n, real *a, hesse_engine engine,
                               hesse_spectrum *spectrum, hesse_why *why)
{
    double *lambda = spectrum->eigenvalues;
    spectrum->engine = hesse_engine_local(engine, n, spectrum->vectors > 0);
    if (!finite_triangle(n, a))
        return hesse_fail(why, HESSE_E_NUMERIC, "a matrix of order %d is not finite",
                          n);
    if (spectrum->engine == HESSE_ENGINE_SMALL)
        return hesse_small_solve(n, a, lambda, why);
    if (spectrum->engine == HESSE_ENGINE_BAND) return band(n, a, lambda, why);
    return hesse_lapack_solve(n, a, spectrum, why);
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
    real *whole = gathers ? NULL : a->local;
    hesse_status s = HESSE_OK;
    if (gathers) {
        if (team->rank == 0 && !(whole = hesse_alloc_real(size)))
            s = hesse_fail(
                &team->why, HESSE_E_NOMEM,
                "%zu bytes for a matrix of order %d on one rank are not there",
                sizeof *whole * size, a->n);
        s = hesse_agree(team, s);
        const hesse_gather all = {.n = a->n, .values = whole};
        if (!s) s = hesse_dmat_gather(a, &all, 1);
    }
    if (!s && whole) s = hesse_eigen_local(a->n, whole, engine, spectrum, &team->why);
    s = hesse_agree(team, s);
    if (whole != a->local) free(whole);
    spectrum->engine = engine;
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
    if (a->lower && (engine == HESSE_ENGINE_ELPA || engine == HESSE_ENGINE_SCALAPACK))
        return hesse_fail(&team->why, HESSE_E_JOB,
                          "a matrix of which only the lower triangle is stored is not "
                          "for the engine %s",
                          hesse_engine_name(engine));
    if (!counts(engine, a->n, team->size))
        return hesse_fail(&team->why, HESSE_E_NOMEM,
                          "a matrix of order %d on %d ranks: a rank's share has more "
                          "than the %d entries that the engine %s can count; use more "
                          "ranks, or the engine %s",
                          a->n, team->size, INT_MAX, hesse_engine_name(engine),
                          hesse_engine_name(HESSE_ENGINE_BAND));
    spectrum->engine = engine;
    if (engine == HESSE_ENGINE_LAPACK || engine == HESSE_ENGINE_SMALL)
        s = alone(a, engine, spectrum);
    else if (engine == HESSE_ENGINE_BAND)
        s = hesse_band_solve(a, spectrum->eigenvalues);
    else
        s = hesse_library_solve(a, spectrum);
    if (!s) tell(team, spectrum);
    return s;
}
