/** hesse: eigenpairs at both ends of a spectrum, without the matrix. Needs no MPI. */
#ifndef HESSE_EXTREMES_H
#define HESSE_EXTREMES_H

#include "hesse/status.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Settings of the search. Start it from {0}; 0 selects the defaults that are given
 * here. */
typedef struct hesse_extreme_settings {
    int pairs;        /* at each end; default: none                                 */
    double tolerance; /* of residuals, relative to the largest |eigenvalue|; default
                         1e-8. Residuals below 1e-15 |loss| are rounding errors */
    int products;     /* vectors multiplied, approximately the most; default 2000   */
    int block;        /* vectors multiplied at once; default 8, one in wide models  */
} hesse_extreme_settings;

typedef struct hesse_extremes {
    size_t n;             /* the order of the matrix                                */
    int count;            /* min(2 k, n) for k at each end                          */
    double *eigenvalues;  /* [count], the lowest, then the highest; ascending       */
    double *residuals;    /* [count], 2-norm of S q - lambda q from separate products:
                             an exact eigenvalue is within this distance */
    int vectors;          /* eigenvectors that are kept                             */
    double *eigenvectors; /* [vectors][n], of the lowest and then the highest values,
                             of length 1                                            */
    int products;         /* vectors multiplied                                     */
    int block;            /* vectors multiplied at once                             */
    double tolerance;     /* that was asked for                                     */
    bool converged;       /* all residuals are within the tolerance, and a search among
                             vectors orthogonal to these found no other pairs */
    double seconds;       /* wall time                                              */
} hesse_extremes;

/** Local. Allocate room for `pairs` pairs at each end, and for `kept` eigenvectors at
 * each end.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_extremes_new(size_t n, int pairs, int kept,
                                hesse_extremes **extremes, hesse_why *why);
void hesse_extremes_free(hesse_extremes *e);

#ifdef __cplusplus
}
#endif

#endif /* HESSE_EXTREMES_H */
