/** A symmetric matrix that is known only by its products with vectors. */
#ifndef HESSE_SPECTRA_OPERATOR_H
#define HESSE_SPECTRA_OPERATOR_H

#include "hesse/status.h"

#include <stddef.h>

typedef struct hesse_operator {
    void *context;
    size_t n; /* its order */
    /** Collective. av = S v for k vectors. Element (i, j) is at i * k + j. The vectors
     * are equal on all ranks before and after. Errors: any that ends the work, agreed.
     */
    hesse_status (*apply)(void *context, int k, const double *v, double *av);
} hesse_operator;

#endif /* HESSE_SPECTRA_OPERATOR_H */
