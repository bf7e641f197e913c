/** The plan of an analysis: which matrices are formed and which are estimated, the
 * assignment to ranks, and the predicted memory and time. */
#ifndef HESSE_CURVATURE_PLAN_H
#define HESSE_CURVATURE_PLAN_H

#include "curvature/dense.h"
#include "curvature/estimates.h"
#include "curvature/quadratures.h"
#include "hesse/analysis.h"
#include "objective/objective.h"

/** The matrices that are estimated. It has many fields because they are the predictions
 * that a user reads. */
typedef struct hesse_matrix_free {
    hesse_estimated *why; /* [blocks + 1] of every block and, last, of the whole */
    bool *blocks;         /* [blocks] true if a block is estimated */
    bool whole;           /* true if the whole is estimated */
    hesse_lanczos_settings settings;
    hesse_estimates estimates;
    hesse_work work;  /* of all estimated matrices */
    hesse_work extra; /* the part of `work` that eigenpairs and diagonals need */
    hesse_work again; /* for values that sweeps compute again */
    double *each;     /* [blocks] the products in `work`, block by block */
    int together;     /* vectors of quadratures multiplied at once */
    double bytes;     /* of a rank, beside model and results */
    double limit;     /* largest allowed value of `bytes` */
    double seconds; /* predicted                                                      */
} hesse_matrix_free;

/** The name of a share in results, such as "hessian" or "hessian_scaled". */
typedef char hesse_share_label[48];

/** It has many fields because it is all that an analysis knows before it runs. */
typedef struct hesse_plan {
    hesse_objective *objective; /* borrowed */
    hesse_partition partition;
    hesse_kinds *kinds;       /* [shares]; the scaled ones have those of their base  */
    hesse_share_label *names; /* [shares] */
    hesse_scaling scaling;
    int plain;                   /* shares that are not scaled; they come first */
    double *factor_values;       /* owned; NULL before a run */
    const double **factors;      /* [plain] D^(-1/2), in the order of the blocks */
    hesse_dense_options options; /* for the matrices that are formed */
    hesse_scope scope;           /* as the job asked for it */
    hesse_method method;
    hesse_schedule schedule;
    hesse_matrix_free matrix_free;
    hesse_distance *distances; /* [n_distances] */
    int n_distances;
    hesse_density density;
    bool tail;         /* power laws are fitted */
    double *index;     /* [options.n_index] owned */
    int ranks;         /* number of ranks in the plan */
    bool stored;       /* formed matrices are written to the result file */
    bool shown;        /* matrices go to a listener, which needs both triangles */
    double memory;     /* bytes that a rank may use */
    double program;    /* bytes among them that are taken before the analysis */
    double seconds;    /* auto: limit for matrices that are formed; 0: no limit */
    double stretch;    /* seconds of work that may be lost */
    double base, peak; /* predicted bytes of a rank: without its matrices; in total */
    double *panel_numbers; /* [blocks + 1] how many numbers all panels of one share
                              have, for every block and for the whole */
} hesse_plan;

/** Local. Cut a model into blocks and plan the work for `ranks` ranks. If the options
 * set no limit, each rank may use the `left` bytes beside the model. Errors:
 * HESSE_E_JOB; HESSE_E_NOMEM with the sizes. The plan must be freed also after an
 * error. */
hesse_status hesse_plan_make(hesse_objective *objective,
                             const hesse_analysis_options *options, int ranks,
                             double left, hesse_plan *plan, hesse_why *why);
void hesse_plan_free(hesse_plan *plan);

/** Local. List the matrices that are estimated, in the order of shares. Their
 * quadratures are not filled. The caller frees the list. Errors: HESSE_E_NOMEM. */
hesse_status hesse_plan_submatrices(const hesse_plan *plan, hesse_submatrix **list,
                                    int *count, hesse_why *why);
void hesse_submatrices_free(hesse_submatrix *list, int count);

/** Local. Return the factors of a share, from a block on; NULL: it is not scaled, or
 * its factors are not known yet. Block `count` is the whole. And the square of its
 * largest factor, 1 without factors. */
const double *hesse_plan_factors(const hesse_plan *plan, int share, int block);
double hesse_plan_largest_factor(const hesse_plan *plan, int share);

/** Local. Predict the times of the plan from the rates of this machine, also the
 * seconds of the whole run. The plan itself does not change. */
void hesse_plan_rate(hesse_plan *plan, const hesse_rates *rates);
double hesse_plan_seconds(const hesse_plan *plan);

/** Local. Return the plan of an analysis. */
const hesse_plan *hesse_analysis_plan(const hesse_analysis *analysis);

#endif /* HESSE_CURVATURE_PLAN_H */
