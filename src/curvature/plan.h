/** The plan of an analysis: which matrices are formed and which are estimated, who does
 *  what, and what that takes. */
#ifndef HESSE_CURVATURE_PLAN_H
#define HESSE_CURVATURE_PLAN_H

#include "curvature/dense.h"
#include "curvature/estimates.h"
#include "curvature/quadratures.h"
#include "hesse/analysis.h"
#include "objective/objective.h"

/** What is done without matrices. It has many fields because they are the predictions
 * that a user reads. */
typedef struct hesse_matrix_free {
    hesse_estimated *why; /* [blocks + 1] of every block and, last, of the whole */
    bool *blocks; /* [blocks] whether a block is estimated                      */
    bool whole;   /* whether the whole is                                       */
    hesse_lanczos_settings settings;
    hesse_estimates estimates;
    hesse_work work;  /* of all of it  */
    hesse_work extra; /* and in it that of the estimates */
    hesse_work again; /* values that sweeps compute again */
    double *each;   /* [blocks] products of `work`, of each                           */
    int together;   /* vectors of quadratures at once                                 */
    double bytes;   /* of a rank, beside model and results                            */
    double limit;   /* what they may be                                               */
    double seconds; /* predicted                                                      */
} hesse_matrix_free;

/** It has many fields because it is all that an analysis knows before it runs. */
typedef struct hesse_plan {
    hesse_objective *objective; /* borrowed */
    hesse_partition partition;
    hesse_kinds *kinds; /* [shares]                                            */
    hesse_dense_options options; /* of what is formed */
    hesse_scope scope; /* of what was asked for                               */
    hesse_method method;
    hesse_schedule schedule;
    hesse_matrix_free matrix_free;
    hesse_distance *distances; /* [n_distances] */
    int n_distances;
    hesse_density density;
    int ranks;      /* planned for                                                   */
    bool worldwide; /* matrices go to a listener: no groups but all ranks and single
                       ones */
    double memory;  /* bytes a rank may use                                          */
    double program; /* of them what is taken before                                  */
    double seconds; /* auto: for what is formed; 0: not limited                      */
    double stretch; /* see options                                                   */
    double base, peak; /* predicted bytes of a rank: beside its matrices, in all     */
    double *panel_numbers; /* [blocks + 1] numbers of all panels of one share, of every
                              block and of the whole */
} hesse_plan;

/** Local. Cut a model into blocks and plan the work; the options are for `ranks` ranks
 * of which each may use what is `left` beside the model, where they do not say. Errors:
 * HESSE_E_JOB; HESSE_E_NOMEM with the sizes. The plan is to be freed all the same. */
hesse_status hesse_plan_make(hesse_objective *objective,
                             const hesse_analysis_options *options, int ranks,
                             double left, hesse_plan *plan, hesse_why *why);
void hesse_plan_free(hesse_plan *plan);

/** Local. The matrices that are estimated, in the order of shares, with quadratures
 * that are not filled; to be freed. Errors: HESSE_E_NOMEM. */
hesse_status hesse_plan_submatrices(const hesse_plan *plan, hesse_submatrix **list,
                                    int *count, hesse_why *why);
void hesse_submatrices_free(hesse_submatrix *list, int count);

/** Local. Predict the times of the plan, which stays as it is, from the rates of this
 *  machine; and the seconds of all of it. */
void hesse_plan_rate(hesse_plan *plan, const hesse_rates *rates);
double hesse_plan_seconds(const hesse_plan *plan);

/** Local. The plan of an analysis. */
const hesse_plan *hesse_analysis_plan(const hesse_analysis *analysis);

#endif /* HESSE_CURVATURE_PLAN_H */
