/** Measures that take products after an analysis: what they cost, how they report, and
 * what they share. */
#ifndef HESSE_CURVATURE_MEASURES_H
#define HESSE_CURVATURE_MEASURES_H

#include "curvature/analysis.h"
#include "curvature/plan.h"
#include "hesse/directions.h"
#include "objective/product.h"

/** Predicted before anything is computed. */
typedef struct hesse_measure_cost {
    double products; /* vectors that are multiplied, at most */
    double work;     /* operations, of all ranks together    */
    double seconds;  /* by the rates, on the planned ranks   */
    int width;       /* vectors multiplied at once           */
} hesse_measure_cost;

/** Local. Predict the cost of directions without their values, or of the error of
 * blocks.
 *
 *  rates  [in]  of this machine; NULL: seconds are 0.
 *  Errors: HESSE_E_JOB if there are more products than the options allow; HESSE_E_NOMEM
 *  with the sizes. */
hesse_status hesse_directions_cost(const hesse_analysis *analysis,
                                   const hesse_directions_options *options,
                                   const hesse_rates *rates, hesse_measure_cost *cost,
                                   hesse_why *why);
hesse_status hesse_block_error_cost(const hesse_analysis *analysis,
                                    const hesse_block_error_options *options,
                                    const hesse_rates *rates, hesse_measure_cost *cost,
                                    hesse_why *why);

/** Collective. The same as the functions without `_with`, but report to a listener, and
 * stop when the checkpoint asks for it. */
hesse_status hesse_directions_run_with(hesse_analysis *analysis,
                                       const hesse_directions_options *options,
                                       const hesse_run_options *run,
                                       hesse_direction_results **directions);
hesse_status hesse_block_error_run_with(hesse_analysis *analysis,
                                        const hesse_block_error_options *options,
                                        const hesse_run_options *run,
                                        hesse_block_error **error);

/** Local. The number of shares of a measure, and share i, from the options: the
 * default ones are the Hessian and its Gauss-Newton part. */
int hesse_measure_shares(const hesse_kinds *parts, int count);
hesse_kinds hesse_measure_share(const hesse_kinds *parts, int count, int i);

/** Local. Return how many vectors can be multiplied at once beside `held` bytes of
 * other numbers, at most `most`; 0 if not even one fits.
 *
 *  pieces  [in]  of all coordinates of the vectors, n of them. */
int hesse_measure_width(const hesse_plan *plan, const hesse_piece *pieces, int count,
                        size_t n, double held, int most);

/** Local. Fail if a measure takes more products than are allowed (0: any number). */
hesse_status hesse_measure_allow(const char *what, double products, double allowed,
                                 hesse_why *why);

/** Local. The eigenvectors of the highest eigenvalues that an analysis has kept of a
 * share: rows of n numbers, ascending by eigenvalue.
 *
 *  block  [in]   HESSE_FULL_MATRIX for the full matrix.
 *  count  [out]  their number.
 *  Returns NULL and 0 if there are none. */
const double *hesse_measure_top(const hesse_analysis *analysis, hesse_kinds kinds,
                                int block, int *count);

/** Local. Report finished products, and ask the checkpoint if the work goes on.
 *  Errors: those of the checkpoint. */
hesse_status hesse_measure_report(const hesse_run_options *run, const char *phase,
                                  double operations, hesse_why *why);

/** Local. Predict the seconds of products from their work on one rank. */
double hesse_measure_seconds(const hesse_plan *plan, const hesse_rates *rates,
                             hesse_work work, int width);

#endif /* HESSE_CURVATURE_MEASURES_H */
