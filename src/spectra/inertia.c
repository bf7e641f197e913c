/* D has blocks of order 1 and 2. The pivots of SYTRF are positive for a block of order
   1; two equal negative ones are a block of order 2. */
#include "spectra/inertia.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

void HESSE_LAPACK(sytrf)(const char *uplo, const int *n, real *a, const int *lda,
                         int *ipiv, real *work, const int *lwork, int *info, size_t);

enum { BLOCK = 64 }; /* columns of a panel, for the size of the workspace */

double hesse_inertia_bytes(int n)
{
    return (double)n * (BLOCK * sizeof(real) + sizeof(int));
}

/* Return the number of negative eigenvalues of [a b; b c]. */
static int negatives(double a, double b, double c)
{
    const double size = fmax(fabs(b), fmax(fabs(a), fabs(c)));
    if (!(size > 0)) return 0;
    const double det = (a / size) * (c / size) - (b / size) * (b / size);
    if (det < 0) return 1;
    if (det > 0) return a < 0 ? 2 : 0;
    return a + c < 0; /* one eigenvalue is 0 */
}

hesse_status hesse_inertia(int n, real *a, double t, int *below, hesse_why *why)
{
    const int room = BLOCK * n;
    const size_t order = (size_t)n;
    int *pivots = hesse_calloc(order, sizeof *pivots), info = 0;
    real *work = hesse_alloc_real((size_t)BLOCK * order);
    if (!pivots || !work) {
        free(pivots);
        free(work);
        return hesse_fail(why, HESSE_E_NOMEM,
                          "%.0f bytes for the inertia of order %d are not there",
                          hesse_inertia_bytes(n), n);
    }
    for (size_t i = 0; i < order; i++) a[i * order + i] -= (real)t;
    /* info above 0 tells that a pivot is exactly 0, which is no failure here. */
    HESSE_LAPACK(sytrf)("L", &n, a, &n, pivots, work, &room, &info, 1);
    *below = 0;
    for (size_t i = 0; i < order; i++) {
        if (pivots[i] > 0) {
            *below += a[i * order + i] < 0;
        } else {
            *below += negatives(a[i * order + i], a[i * order + i + 1],
                                a[(i + 1) * order + i + 1]);
            i++;
        }
    }
    free(pivots);
    free(work);
    return HESSE_OK;
}

int hesse_inertia_uncertain(int n, const double *eigenvalues, double t)
{
    const double size = fmax(fabs(eigenvalues[0]), fabs(eigenvalues[n - 1]));
    const double near = n * DBL_EPSILON * size;
    int count = 0;
    for (int i = 0; i < n; i++) count += fabs(eigenvalues[i] - t) <= near;
    return count;
}
