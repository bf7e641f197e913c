/** hesse: trace, Frobenius norm and diagonal of a matrix from products with random
 * vectors. Needs no MPI. */
#ifndef HESSE_HUTCHINSON_H
#define HESSE_HUTCHINSON_H

#include "hesse/status.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Settings of the estimate. Start it from {0}. */
typedef struct hesse_hutchinson_settings {
    int probes; /* random vectors of signs; 0: nothing is estimated                  */
    int sketch; /* dimension of the space that is treated exactly, at most the order; 0:
                   none, which is Hutchinson's estimator alone */
} hesse_hutchinson_settings;

/** An estimate and its standard error over the probes (NaN for one probe). */
typedef struct hesse_estimate {
    double value, error;
} hesse_estimate;

/** Estimates for a matrix S from its products with probes z_p, whose entries are 1 or
 * -1. Hutchinson's estimators are the means of z' S z, |S z|^2 and z_i (S z)_i. With a
 * sketch of k vectors, Hutch++ multiplies k normal vectors by S and takes an
 * orthonormal basis Q of their span. It treats the space of Q exactly and estimates
 * only the rest by means. Both use the same products with the probes. */
typedef struct hesse_hutchinson {
    size_t n;
    int probes, sketch;
    hesse_estimate trace[2], frobenius[2]; /* by Hutchinson, and by Hutch++; both are
                                              equal without a sketch */
    double *diagonal, *error;              /* [n] by Hutch++, and standard errors     */
    double seconds;                        /* wall time                               */
} hesse_hutchinson;

/** Local. Errors: HESSE_E_NOMEM. */
hesse_status hesse_hutchinson_new(size_t n, const hesse_hutchinson_settings *settings,
                                  hesse_hutchinson **hutchinson, hesse_why *why);
void hesse_hutchinson_free(hesse_hutchinson *h);

#ifdef __cplusplus
}
#endif

#endif /* HESSE_HUTCHINSON_H */
