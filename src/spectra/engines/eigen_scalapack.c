/* PDSYEV finds eigenvalues alone, and PDSYEVD eigenvectors, too: PDSYEVX loses
   orthogonality on clusters at zero, which Hessians have. If PDSYEVD is given exactly
   the workspace that it asks for and the matrix is small against the grid, it returns
   wrong vectors without an error, so it gets more.  Source: ScaLAPACK Users' Guide
   (1997). */
#include "base/memory.h"
#include "spectra/engines/engines.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

enum { PADDING = 100000 };

static const int ONE = 1;

/* Allocate the workspace that a query asks for. Lengths past 2^31 come back rounded,
   negative or as infinity. */
static hesse_status workspace(hesse_team *team, double length, double **work,
                              int *lwork, int n)
{
    hesse_status s = HESSE_OK;
    *work = NULL;
    if (!(length >= 1 && length < INT_MAX))
        s = hesse_fail(
            &team->why, HESSE_E_NOMEM,
            "ScaLAPACK asks for a workspace of %g numbers for order %d, more than "
            "its integers can count; use more ranks",
            length, n);
    else if (!(*work = hesse_alloc((size_t)length)))
        s = hesse_fail(&team->why, HESSE_E_NOMEM,
                       "%.0f bytes of ScaLAPACK's workspace are not there", 8 * length);
    *lwork = s ? 0 : (int)length;
    return s;
}

static hesse_status verdict(hesse_team *team, const char *name, int info)
{
    hesse_status s = HESSE_OK;
    if (info)
        s = hesse_fail(&team->why, HESSE_E_NUMERIC, "%s failed with info = %d", name,
                       info);
    return hesse_agree(team, s);
}

static hesse_status values(hesse_dmat *a, double *lambda)
{
    hesse_team *team = a->grid->team;
    double best = 0, unused = 0, *work;
    int info, lwork = -1;
    pdsyev_("N", "L", &a->n, a->local, &ONE, &ONE, a->desc, lambda, &unused, &ONE, &ONE,
            a->desc, &best, &lwork, &info, 1, 1);
    hesse_status s = hesse_agree(team, workspace(team, best, &work, &lwork, a->n));
    if (!s) {
        pdsyev_("N", "L", &a->n, a->local, &ONE, &ONE, a->desc, lambda, &unused, &ONE,
                &ONE, a->desc, work, &lwork, &info, 1, 1);
        s = verdict(team, "PDSYEV", info);
    }
    free(work);
    return s;
}

static hesse_status vectors(hesse_dmat *a, double *lambda, hesse_dmat *z)
{
    hesse_team *team = a->grid->team;
    double best = 0, *work;
    int info, lwork = -1, liwork = -1, ibest = 0;
    pdsyevd_("V", "L", &a->n, a->local, &ONE, &ONE, a->desc, lambda, z->local, &ONE,
             &ONE, z->desc, &best, &lwork, &ibest, &liwork, &info, 1, 1);
    hesse_status s = workspace(team, best + PADDING, &work, &lwork, a->n);
    liwork = ibest;
    int *iwork = hesse_calloc((size_t)(ibest > 0 ? ibest : 1), sizeof *iwork);
    if (!s && !iwork) s = hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory");
    s = hesse_agree(team, s);
    if (!s) {
        pdsyevd_("V", "L", &a->n, a->local, &ONE, &ONE, a->desc, lambda, z->local, &ONE,
                 &ONE, z->desc, work, &lwork, iwork, &liwork, &info, 1, 1);
        s = verdict(team, "PDSYEVD", info);
    }
    free(work);
    free(iwork);
    return s;
}

hesse_status hesse_scalapack_solve(hesse_dmat *a, double *lambda, hesse_dmat *z)
{
    return z ? vectors(a, lambda, z) : values(a, lambda);
}
