/* This engine finds eigenvalues alone. The full matrix is reduced to a band, the band
   to a tridiagonal matrix, and each rank finds a range of the eigenvalues of that.
   docs/engines.md. */
#include "spectra/engines/band.h"
#include "spectra/engines/engines.h"
#include "spectra/engines/tridiagonal.h"

#include "base/memory.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* For smaller exponents, the factor 2^-exponent overflows. */
enum { SMALLEST = HESSE_REAL_SMALLEST };

/* Make the largest entry of the order of 1, by a power of 2, which causes no rounding.
   Returns the exponent. */
static int normalise(hesse_dmat *a)
{
    hesse_team *team = a->grid->team;
    double largest = (double)hesse_largest(a->count, a->local);
    int exponent;
    if (team->size > 1)
        MPI_Allreduce(MPI_IN_PLACE, &largest, 1, MPI_DOUBLE, MPI_MAX, team->comm);
    frexp(largest, &exponent);
    if (exponent < SMALLEST) exponent = SMALLEST;
    const real factor = (real)ldexp(1, -exponent);
    for (size_t i = 0; i < a->count; i++) a->local[i] *= factor;
    return exponent;
}

/* The reduction needs most: four tall matrices, and two twice as wide at a rank's rows
   and columns. */
double hesse_band_solve_bytes(int n, int ranks)
{
    int rows, cols;
    hesse_grid_shape(ranks, &rows, &cols);
    const double tall = (double)sizeof(real) * HESSE_BAND * n;
    return tall * (4 + 2.0 / rows + 2.0 / cols) + 8 * 64.0 * 4 * HESSE_BAND +
           24.0 * HESSE_BAND * HESSE_BAND + 8.0 * 2 * n + 1e4 + 16.0 * ranks +
           hesse_tridiagonal_bytes(n, n / ranks + 1) + hesse_band_bytes(n);
}

/* Each rank finds its part of the eigenvalues. */
static hesse_status solve_tridiagonal(hesse_team *team, int n, const double *d,
                                      const double *e, double *lambda)
{
    const int from = (int)((long long)n * team->rank / team->size);
    const int upto = (int)((long long)n * (team->rank + 1) / team->size);
    memset(lambda, 0, (size_t)n * sizeof *lambda);
    const hesse_status s = hesse_agree(
        team, hesse_tridiagonal_solve(n, d, e, from, upto, lambda + from, &team->why));
    if (!s && team->size > 1) hesse_team_sum(team, lambda, (size_t)n);
    return s;
}

hesse_status hesse_band_solve(hesse_dmat *a, double *lambda)
{
    hesse_team *team = a->grid->team;
    const int exponent = normalise(a);
    hesse_band *band = NULL;
    double *d = hesse_alloc((size_t)a->n), *beside = hesse_alloc((size_t)a->n);
    hesse_status s = HESSE_OK;
    if (!d || !beside) s = hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory");
    s = hesse_agree(team, s);
    if (!s) s = hesse_band_new(team, a->n, &band);
    if (!s) s = hesse_band_reduce(a, band);
    if (!s) s = hesse_band_chase(band, d, beside);
    hesse_band_free(band);
    if (!s) s = solve_tridiagonal(team, a->n, d, beside, lambda);
    for (int i = 0; !s && i < a->n; i++) lambda[i] = ldexp(lambda[i], exponent);
    free(d);
    free(beside);
    return s;
}
