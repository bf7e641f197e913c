/** An analysis for the program: what a run listens to, and everything that is planned
 * and found as plain data. */
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

/** Collective. hesse_analysis_run with somebody who listens, and finished work that is
 * kept. Errors: also those of both. */
hesse_status hesse_analysis_run_with(hesse_analysis *analysis,
                                     const hesse_run_options *options);

/** Local. The number of shares, and the kinds of one; its results after a run, the
 * analysis's own, the same on every rank but for distances, NULL before. */
int hesse_analysis_shares(const hesse_analysis *analysis);
hesse_kinds hesse_analysis_kinds(const hesse_analysis *analysis, int share);
const hesse_share_results *hesse_analysis_results(const hesse_analysis *analysis,
                                                  int share);

/** Local. The blocks, in arrays of the analysis; and what densities are made with. */
const hesse_block_table *hesse_analysis_table(const hesse_analysis *analysis);
const hesse_density *hesse_analysis_density(const hesse_analysis *analysis);

/** Local. The first entry of a block among the model's parameters. */
size_t hesse_analysis_block_parameter(const hesse_analysis *analysis, int block);

/** Local. The entries of a vector of all parameters in the order of the blocks.
 *
 *  all      [in]   as many numbers as the model has parameters.
 *  ordered  [out]  as many as the blocks have together. */
void hesse_analysis_order(const hesse_analysis *analysis, const double *all,
                          double *ordered);

/** Collective. Gather on rank 0 what every rank did; other ranks' reports are not
 * filled. reports  [out]  one for every rank of the team. */
void hesse_analysis_reports(const hesse_analysis *analysis, hesse_rank_report *reports);

/** Local. Seconds that this rank spent on distances. */
double hesse_analysis_distance_seconds(const hesse_analysis *analysis);

/** Local. Predict the times of the plan, which stays as it is, from the rates of this
 *  machine. */
void hesse_analysis_rate(hesse_analysis *analysis, const hesse_rates *rates);

/** What a run takes of the disk. */
typedef struct hesse_disk {
    double result; /* bytes of the result file, to a tenth or so                     */
    double parts;  /* bytes of unfinished work in part files, at most at any one time */
} hesse_disk;

/** What is planned, in numbers. It has many fields because all of them are shown. */
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
    hesse_estimated whole_estimated;

    /* Of all estimated matrices; without products there are none. */
    int n_estimated; /* blocks */
    hesse_lanczos_settings lanczos;
    hesse_extreme_settings extreme;
    hesse_hutchinson_settings hutchinson;
    int together; /* vectors of quadratures at once */
    double products,
        extra; /* operations: of all, and in them of eigenpairs and diagonals */
    double estimate_seconds, estimate_bytes;
} hesse_plan_summary;

/** Local. */
hesse_plan_summary hesse_analysis_summary(const hesse_analysis *analysis);

/** A block of the plan. */
typedef struct hesse_planned_block {
    const char *name;
    size_t size;
    hesse_estimated
        estimated; /* why it is estimated; the next three have no meaning then */
    hesse_engine engine;
    double bytes, solution; /* of a rank; operations of the eigenvalues */
    int first, ranks;       /* who do it */
    double products, seconds;
} hesse_planned_block;

/** Local. The blocks of the plan, first those that are formed, in the order of the
 * schedule, then those that are estimated; there are as many as blocks were asked for.
 */
int hesse_analysis_planned(const hesse_analysis *analysis);
hesse_planned_block hesse_analysis_planned_block(const hesse_analysis *analysis, int i);

#endif /* HESSE_CURVATURE_ANALYSIS_H */
