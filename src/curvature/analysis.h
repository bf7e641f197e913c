/** The inside of an analysis, for the program: what is planned, and what was found. */
#ifndef HESSE_CURVATURE_ANALYSIS_H
#define HESSE_CURVATURE_ANALYSIS_H

#include "curvature/dense.h"
#include "curvature/estimates.h"
#include "curvature/quadratures.h"
#include "hesse/analysis.h"
#include "objective/model.h"

/** What is done without matrices. */
typedef struct hesse_matrix_free {
    bool *blocks; /* [blocks] whether a block is               */
    bool whole;   /* whether the whole is                      */
    hesse_lanczos_settings settings;
    hesse_estimates estimates;
    hesse_work work;  /* of all of it                          */
    hesse_work extra; /* and in it that of the estimates       */
    hesse_work again; /* values that sweeps compute again      */
    double *each;     /* [blocks] products of `work`, of each  */
    int together;     /* vectors of quadratures at once        */
    double bytes;     /* of a rank, beside model and results    */
    double limit;     /* what they may be                       */
    double seconds;   /* predicted                              */
} hesse_matrix_free;

struct hesse_analysis {
    hesse_model *model; /* borrowed */
    hesse_partition partition;
    hesse_schedule schedule;
    hesse_dense_options options; /* of what is formed                              */
    hesse_scope scope;           /* of what was asked for                          */
    hesse_method method;
    hesse_matrix_free matrix_free;
    hesse_kinds *kinds; /* [shares]                                       */
    int ranks;          /* planned for                                    */
    bool worldwide;     /* no groups but all ranks and single ones        */
    double memory;      /* bytes a rank may use                           */
    double program;     /* of them what is taken before                   */
    double seconds;     /* auto: for what is formed; 0: not limited       */
    double base, peak;  /* predicted bytes of a rank: beside its matrices, in all */
    double *gradient;   /* in the order of the blocks                     */
    hesse_share_results *found; /* [shares], after a run                          */
    hesse_times times;          /* of this rank, after a run                      */
    hesse_measures **measures;  /* [shares][blocks + 1], the last: the full       */
};

/** Local. Bytes of model and data, which are there before an analysis is. */
double hesse_model_bytes(const hesse_model *m);

/** Local. Decide what is formed, and make the schedule of it.
 *  Errors: HESSE_E_NOMEM with the sizes. */
hesse_status hesse_analysis_plan(hesse_analysis *analysis, hesse_why *why);

/** Local. The matrices that are not formed, in the order of shares, with quadratures that are
 *  not filled; to be freed, the quadratures by hesse_quadrature_free.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_analysis_aims(const hesse_analysis *analysis, hesse_submatrix **aims,
                                 int *count, hesse_why *why);
void hesse_submatrices_free(hesse_submatrix *aims, int count);

/** Local. Predict the times of the schedule, which stays as it is, from the rates of this
 *  machine. */
void hesse_analysis_rate(hesse_analysis *analysis, const hesse_rates *rates);

/** Local. Predicted seconds of all: the schedule, and what is not formed. */
double hesse_analysis_seconds(const hesse_analysis *analysis);

#endif /* HESSE_CURVATURE_ANALYSIS_H */
