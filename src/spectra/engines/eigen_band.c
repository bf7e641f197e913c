/* This engine finds eigenvalues alone. The full matrix is reduced to a band, the band
   to a tridiagonal matrix, and LAPACK's root-free iteration, which takes O(n^2), solves
   that. docs/engines.md. */
#include "spectra/engines/band.h"
#include "spectra/engines/engines.h"

#include "base/memory.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

void dsterf_(const int *n, double *d, double *e, int *info);

/* For smaller exponents, the factor 2^-exponent overflows. */
enum { SMALLEST = -1000 };

/* Make the largest entry of the order of 1, by a power of 2, which causes no rounding.
   Returns the exponent. */
static int normalise(hesse_dmat *a)
{
    hesse_team *team = a->grid->team;
    const size_t count = (size_t)a->row.count * (size_t)a->col.count;
    double largest = 0;
    int exponent;
    for (size_t i = 0; i < count; i++) largest = fmax(largest, fabs(a->local[i]));
    if (team->size > 1)
        MPI_Allreduce(MPI_IN_PLACE, &largest, 1, MPI_DOUBLE, MPI_MAX, team->comm);
    frexp(largest, &exponent);
    if (exponent < SMALLEST) exponent = SMALLEST;
    const double factor = ldexp(1, -exponent);
    for (size_t i = 0; i < count; i++) a->local[i] *= factor;
    return exponent;
}

/* The reduction needs most: three tall matrices, and two twice as wide at a rank's rows
   and columns. */
double hesse_band_solve_bytes(int n, int ranks)
{
    int rows, cols;
    hesse_grid_shape(ranks, &rows, &cols);
    const double tall = 8.0 * HESSE_BAND * n;
    return tall * (3 + 2.0 / rows + 2.0 / cols) + 8 * 64.0 * 4 * HESSE_BAND +
           8.0 * HESSE_BAND * HESSE_BAND + 8.0 * n + 1e4 + hesse_band_bytes(n, ranks);
}

hesse_status hesse_band_solve(hesse_dmat *a, double *lambda)
{
    hesse_team *team = a->grid->team;
    const int exponent = normalise(a);
    hesse_band *band = NULL;
    double *beside = hesse_alloc((size_t)a->n);
    int info = 0;
    hesse_status s = HESSE_OK;
    if (!beside) s = hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory");
    s = hesse_agree(team, s);
    if (!s) s = hesse_band_new(team, a->n, &band);
    if (!s) s = hesse_band_reduce(a, band);
    if (!s) s = hesse_band_chase(band, lambda, beside);
    if (!s) {
        dsterf_(&a->n, lambda, beside, &info);
        if (info)
            s = hesse_fail(&team->why, HESSE_E_NUMERIC, "DSTERF failed with info = %d",
                           info);
        s = hesse_agree(team, s);
    }
    for (int i = 0; !s && i < a->n; i++) lambda[i] = ldexp(lambda[i], exponent);
    hesse_band_free(band);
    free(beside);
    return s;
}
