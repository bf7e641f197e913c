/** The factors of K-FAC and Shampoo, and the measures of Kronecker products while an
 * analysis runs. */
#ifndef HESSE_CURVATURE_KRONECKER_H
#define HESSE_CURVATURE_KRONECKER_H

#include "curvature/analysis.h"
#include "curvature/plan.h"
#include "hesse/kronecker.h"

/** A rectangle of one matrix of parameters: p x q of them. */
typedef struct hesse_kronecker_block {
    int param;
    hesse_rect rect;
    bool out_rows;          /* rows are output neurons; false: columns are       */
    const double *gradient; /* p x q: of the loss                                */
    const hesse_node *node; /* the linear map that has it as weight; NULL: none, or
                               several */
} hesse_kronecker_block;

/** Local. Return true if a block of a plan is such a rectangle, and fill it in.
 *
 *  gradient  [in]  in the order of the blocks. */
bool hesse_kronecker_block_of(const hesse_plan *plan, const double *gradient, int block,
                              hesse_kronecker_block *x);

/** The factors of every product but the nearest one: p x p and q x q, NULL if the block
 * has none. */
typedef struct hesse_kronecker_factors {
    double *a[HESSE_KRONECKER_PRODUCTS], *b[HESSE_KRONECKER_PRODUCTS];
    double *room; /* all of them */
} hesse_kronecker_factors;

/** Collective. Compute the factors at the present parameters.
 *
 *  factors  [out]  without roots: the products that have roots have none yet; freed by
 *                  the caller for any status.
 *  Memory: 40 (p^2 + q^2) bytes.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_kronecker_factors_new(const hesse_objective *objective,
                                         const hesse_kronecker_block *block,
                                         hesse_kronecker_factors *factors);
void hesse_kronecker_factors_free(hesse_kronecker_factors *factors);

/** Local. Compute the roots.
 *
 *  Errors: HESSE_E_NOMEM, HESSE_E_NUMERIC. */
hesse_status hesse_kronecker_factors_root(const hesse_kronecker_block *block,
                                          hesse_kronecker_factors *factors,
                                          hesse_why *why);

typedef struct hesse_kronecker_measure hesse_kronecker_measure;

/** Collective. Begin the measures of an analysis before it is run, and get their
 * results after it. The functions of an objective must not change the parameters
 * between.
 *
 *  Errors: HESSE_E_JOB (the analysis shows no matrices), HESSE_E_NOMEM. */
hesse_status hesse_kronecker_begin(hesse_analysis *analysis,
                                   hesse_kronecker_measure **measure);
hesse_status hesse_kronecker_end(hesse_kronecker_measure *measure,
                                 hesse_kronecker_results **results);

/** Local. NULL is legal. */
void hesse_kronecker_measure_free(hesse_kronecker_measure *measure);

/** Collective. Measure a matrix of which a listener is told. The arguments are those of
 * the listener. Errors: HESSE_E_NOMEM, HESSE_E_NUMERIC naming the block. */
hesse_status hesse_kronecker_take(hesse_kronecker_measure *measure, int share,
                                  int block, const hesse_held *matrix);

#endif /* HESSE_CURVATURE_KRONECKER_H */
