/** hesse: eigenpairs at both ends of a spectrum, without the matrix. Needs no MPI. */
#ifndef HESSE_EXTREMES_H
#define HESSE_EXTREMES_H

#include "hesse/status.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How. Start it from {0}; 0 stands for the defaults given. */
typedef struct hesse_extreme_settings {
    int pairs;        /* at each end; default: none                                 */
    double tolerance; /* of residuals, relative to the largest |eigenvalue|; default
                         1e-8. What is below 1e-15 |loss| is rounding               */
    int products;     /* vectors multiplied, about so many at most; default 2000    */
    int block;        /* vectors multiplied at once; default 8, one in wide models  */
} hesse_extreme_settings;

typedef struct hesse_extremes {
    size_t n;             /* the order of the matrix                                */
    int count;            /* min(2 k, n) for k at each end                          */
    double *eigenvalues;  /* [count], the lowest, then the highest; ascending       */
    double *residuals;    /* [count], 2-norm of S q - lambda q, by products of their
                             own: an eigenvalue is no farther away                  */
    int vectors;          /* of them kept                                           */
    double *eigenvectors; /* [vectors][n], of the lowest and then the highest values,
                             of length 1                                            */
    int products;         /* vectors multiplied                                     */
    int block;            /* so many at once                                        */
    double tolerance;     /* as asked for                                           */
    bool converged;       /* all residuals are within it, and a search among vectors
                             orthogonal to these has found no others                */
    double seconds;       /* wall time                                              */
} hesse_extremes;

/** Local. Room for pairs at each end, vectors of `kept` at each end.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_extremes_new(size_t n, int pairs, int kept,
                                hesse_extremes **extremes, hesse_why *why);
void hesse_extremes_free(hesse_extremes *e);

#ifdef __cplusplus
}
#endif

#endif /* HESSE_EXTREMES_H */
