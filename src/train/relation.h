/** How one quantity of a training run depends on another. */
#ifndef HESSE_TRAIN_RELATION_H
#define HESSE_TRAIN_RELATION_H

#include "hesse/status.h"

#include <stddef.h>

/** A relation of y and x. Numbers that the data do not determine are NaN. */
typedef struct hesse_relation {
    double constant, slope; /* of the least-squares fit of y by constant + slope x    */
    double logarithms;      /* Pearson's correlation of log y and log x where both are
                               above 0 */
    double ranks; /* Spearman's correlation; equal values have the mean of their
                     ranks */
} hesse_relation;

/** Local. Relate two columns of a table. Rows where one of them is NaN are left out.
 * All numbers need three rows, and x must vary; the correlations need a y that varies,
 * too.
 *
 *  rows, stride  [in]  number i of a column is at i * stride.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_relation_find(size_t rows, size_t stride, const double *x,
                                 const double *y, hesse_relation *relation,
                                 hesse_why *why);

#endif /* HESSE_TRAIN_RELATION_H */
