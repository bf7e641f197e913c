/** An analysis for the program: the listener of a run, and everything that is planned
 * and found, as plain data. */
#ifndef HESSE_CURVATURE_ANALYSIS_H
#define HESSE_CURVATURE_ANALYSIS_H

#include "checkpoint/checkpoint.h"
#include "curvature/listener.h"
#include "curvature/rates.h"
#include "hesse/analysis.h"
#include "parallel/rank_report.h"
#include "spectra/share_results.h"

typedef struct hesse_run_options {
    const hesse_listener *listener; /* NULL: none */
    hesse_checkpoint *checkpoint;   /* NULL: none */
} hesse_run_options;

/** Collective. Do the same as hesse_analysis_run, but report to a listener and keep
 * finished work in a checkpoint. Errors: also the errors of both. */
hesse_status hesse_analysis_run_with(hesse_analysis *analysis,
                                     const hesse_run_options *options);

/** Local. Return the number of shares, the kinds or the name of one share, or its
 * results. Scaled copies are shares, too, with the kinds of their base. The
 * results are NULL before a run. They belong to the analysis and are the same on every
 * rank, except for distances. */
int hesse_analysis_shares(const hesse_analysis *analysis);
hesse_kinds hesse_analysis_kinds(const hesse_analysis *analysis, int share);
const char *hesse_analysis_share_name(const hesse_analysis *analysis, int share);
const hesse_share_results *hesse_analysis_results(const hesse_analysis *analysis,
                                                  int share);

/** Local. Return the blocks, in arrays of the analysis, or the settings of densities.
 */
const hesse_block_table *hesse_analysis_table(const hesse_analysis *analysis);
const hesse_density *hesse_analysis_density(const hesse_analysis *analysis);

/** Local. Return the index of the first entry of a block among the parameters of the
 * model. */
size_t hesse_analysis_block_parameter(const hesse_analysis *analysis, int block);

/** Local. Put the entries of a vector of all parameters into the order of the blocks.
 *
 *  all      [in]   one number for each parameter of the model.
 *  ordered  [out]  one number for each parameter of the blocks. */
void hesse_analysis_order(const hesse_analysis *analysis, const double *all,
                          double *ordered);

/** Collective. Gather on rank 0 the report of every rank. On other ranks, `reports` is
 * not filled.
 *
 *  reports  [out]  one for every rank of the team. */
void hesse_analysis_reports(const hesse_analysis *analysis, hesse_rank_report *reports);

/** Local. Return the seconds that this rank spent on distances. */
double hesse_analysis_distance_seconds(const hesse_analysis *analysis);

/** Local. Predict the times of the plan from the rates of this machine. The plan itself
 * does not change. */
void hesse_analysis_rate(hesse_analysis *analysis, const hesse_rates *rates);

/** The space on the disk that a run needs. */
typedef struct hesse_disk {
    double result; /* bytes of the result file, exact to about a tenth */
    double parts;  /* largest number of bytes in part files at any time */
} hesse_disk;

/** The plan in numbers. It has many fields because all of them are shown. */
typedef struct hesse_plan_summary {
    int blocks;
    size_t order; /* of all blocks together */
    int ranks, threads, panel;
    hesse_method method;
    double memory, peak,
        program;            /* bytes of a rank: allowed, predicted, taken before */
    double seconds, idlest; /* predicted: of the run, and of the idlest rank     */
    hesse_disk disk;

    bool whole; /* the whole matrix is formed */
    hesse_engine whole_engine;
    double whole_products, whole_solution; /* operations */
    double whole_assembly, whole_eigen;    /* seconds    */
    double whole_exchange;                 /* of the assembly, between ranks */
    hesse_estimated whole_estimated;

    /* These describe all estimated matrices. If products is 0, there are none. */
    int n_estimated; /* blocks */
    hesse_lanczos_settings lanczos;
    hesse_extreme_settings extreme;
    hesse_hutchinson_settings hutchinson;
    int together;           /* vectors of quadratures at once */
    double products, extra; /* operations of all estimates, and the part of them for
                               eigenpairs and diagonals */
    double estimate_seconds, estimate_bytes;
} hesse_plan_summary;

/** Local. Return the plan in numbers. */
hesse_plan_summary hesse_analysis_summary(const hesse_analysis *analysis);

/** A block of the plan. */
typedef struct hesse_planned_block {
    const char *name;
    size_t size;
    hesse_estimated estimated; /* why it is estimated; if it is, the next three fields
                                  have no meaning */
    hesse_engine engine;
    double bytes, solution; /* bytes on each rank; operations of the eigenvalues */
    int first, ranks;       /* the ranks that compute it */
    double products, seconds;
} hesse_planned_block;

/** Local. Return the number of planned blocks, or one of them. Formed blocks come
 * first, in the order of the schedule, then estimated ones. The number is 0 if the job
 * asks for no blocks. */
int hesse_analysis_planned(const hesse_analysis *analysis);
hesse_planned_block hesse_analysis_planned_block(const hesse_analysis *analysis, int i);

#endif /* HESSE_CURVATURE_ANALYSIS_H */
