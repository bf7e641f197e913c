/** hesse: blocks of a model's Hessian, their spectra and measures. */
#ifndef HESSE_ANALYSIS_H
#define HESSE_ANALYSIS_H

#include "hesse/distance.h"
#include "hesse/extremes.h"
#include "hesse/hutchinson.h"
#include "hesse/lanczos.h"
#include "hesse/objective.h"
#include "hesse/parts.h"
#include "hesse/spectrum.h"
#include "hesse/tail.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Columns that are computed at once by default: the fastest number that was
 * measured. */
enum { HESSE_PANEL = 24 };

/** The ways to find a spectrum. */
typedef enum hesse_method {
    HESSE_METHOD_EXACT,   /* matrices are formed and decomposed; an error if they do not
                             fit */
    HESSE_METHOD_LANCZOS, /* by quadrature, without matrices                          */
    HESSE_METHOD_AUTO     /* exact if memory and time allow it, else by quadrature: see
                             hesse_analysis_estimated */
} hesse_method;

/** Lists of the blocks that published papers study. */
typedef enum hesse_preset {
    HESSE_PRESET_NONE,
    /* The token embedding, and the matrices of query, key, value, attention's output
       and MLP in layers 0, L / 4, 7 L / 12 and L - 1 of L (0, 3, 7 and 11 of 12). These
       are 25 blocks of GPT-2. Source: the authors' code for Zhang et al., Why
       Transformers Need Adam (arXiv:2402.16788). */
    HESSE_PRESET_PAPER_GPT2,
    /* The patch embedding and the classifier, and in layers 0, L / 2 and L - 1 of L (0,
       6 and 11 of 12) these: query, key and value as one block, attention's output, and
       both matrices of the MLP. These are 14 blocks of ViT. Source: the same. */
    HESSE_PRESET_PAPER_VIT,
    /* The weights of every convolution. */
    HESSE_PRESET_CONVOLUTIONS
} hesse_preset;

/** The numbers s by which shares are scaled. */
typedef enum hesse_scaling_source {
    HESSE_SCALING_NONE,
    HESSE_SCALING_MOMENTS,      /* given numbers, such as Adam's second moments */
    HESSE_SCALING_DIAGONAL,     /* the diagonal of the share itself             */
    HESSE_SCALING_GAUSS_NEWTON, /* the diagonal of the Gauss-Newton part        */
    HESSE_SCALING_GRADIENT      /* the squares of the gradient                  */
} hesse_scaling_source;

/** With a scaling, every share A has a scaled copy D^(-1/2) A D^(-1/2), for the
 * diagonal matrix D_i = |s_i|^power + epsilon. It is a further share: the copy of part
 * i is part n_parts + i. Diagonals need matrices that are all formed. */
typedef struct hesse_scaling {
    hesse_scaling_source from;
    const double *values; /* the n numbers s in the order of the network's parameters,
                             for MOMENTS; borrowed, and not needed for a plan */
    double power;         /* default: 1/2 for MOMENTS and GRADIENT, else 1 */
    double epsilon;
} hesse_scaling;

/** Settings of an analysis, with a field for every choice that a user has. Start it
 * from {0}; NULL and 0 select the defaults that are given here. */
typedef struct hesse_analysis_options {
    hesse_cut partition; /* default: by tensor */

    /* Names or globs of blocks; 0: all. */
    const char *const *only;
    int n_only;
    hesse_preset preset; /* replaces names and a partition */

    /* Shares of the Hessian; 0: itself. */
    const hesse_kinds *parts;
    int n_parts;

    hesse_scope scope;   /* default: blocks                               */
    hesse_method method; /* default: exact                                */
    hesse_engine engine; /* default: the fastest                          */
    /* The precision of formed matrices; estimates are always double. SINGLE gives
       eigenvalues alone, by the engines BAND and SMALL, and neither counts of `index`
       nor `matrices` nor `kronecker`. */
    hesse_precision precision; /* default: double */
    int eigenvectors; /* at each end; default: none; the pairs of estimated matrices
                         are found as `extreme` says */
    int panel;        /* directions swept at once; default HESSE_PANEL */
    int threads;      /* of each rank, for panels; default: 1          */
    bool matrices;    /* all ranks together will write them            */
    bool kronecker;   /* hesse_kronecker_run will measure them         */

    /* Bytes that a rank may use; default: the free memory, shared by the ranks of a
       machine. */
    size_t memory;
    size_t program; /* the part of `memory` that code and libraries take; default: 0 */

    double seconds; /* auto forms no matrix that is predicted to take longer; 0: no
                       limit */
    hesse_lanczos_settings lanczos;
    /* Computed for estimated matrices, besides quadratures; the seeds are those of
       lanczos. */
    hesse_extreme_settings extreme;
    hesse_hutchinson_settings hutchinson;

    /* Distances between the blocks of a share. */
    const hesse_distance *distances;
    int n_distances;
    hesse_scaling scaling; /* default: none */
    bool tail;             /* fit a power law to the largest eigenvalues */
    /* The eigenvalues of formed matrices below these values are counted by an LDL'
       factorisation, on one rank that holds a copy of the matrix. */
    const double *index;
    int n_index;
    hesse_density density; /* default: 1000 points, 0.01 of the range */

    double stretch; /* seconds of work on panels that may be lost when a run is stopped:
                       shorter work is not put into part files; used to predict their
                       size */

    int ranks; /* the plan is for this number of ranks; default: those of the team */
} hesse_analysis_options;

typedef struct hesse_analysis hesse_analysis;

/** Collective. Cut the model into blocks and plan the work of every rank. Nothing is
 * computed. Errors: HESSE_E_JOB; HESSE_E_NOMEM, with the sizes, if the work would not
 * fit in memory. */
hesse_status hesse_analysis_new(hesse_objective *objective,
                                const hesse_analysis_options *options,
                                hesse_analysis **analysis);
void hesse_analysis_free(hesse_analysis *analysis);

/** Collective. Assemble, check and decompose everything that was asked for. Errors:
 * HESSE_E_NOMEM; HESSE_E_NUMERIC, which names the block that fails a check. */
hesse_status hesse_analysis_run(hesse_analysis *analysis);

/** Local. The blocks in order, which is the order of the rows of the full matrix. */
int hesse_analysis_blocks(const hesse_analysis *analysis);
const char *hesse_analysis_block_name(const hesse_analysis *analysis, int block);
size_t hesse_analysis_block_size(const hesse_analysis *analysis, int block);

enum { HESSE_FULL_MATRIX = -1 };

/** Local. The reason why the spectrum of a block, or of the full matrix, is
 * estimated. */
hesse_estimated hesse_analysis_estimated(const hesse_analysis *analysis, int block);

/** Local. The gradient in the order of the blocks, and the index of a block's first
 * entry in it. */
const double *hesse_analysis_gradient(const hesse_analysis *analysis);
size_t hesse_analysis_block_first(const hesse_analysis *analysis, int block);

/** Local. The results of a run for part 0 ... n_parts - 1: of a block, or of the full
 * matrix; the same on every rank. A matrix that was asked for has either a spectrum or
 * a quadrature, and the other is NULL. A matrix with a quadrature also has extreme
 * pairs and estimates, if they were asked for. */
const hesse_spectrum *hesse_analysis_spectrum(const hesse_analysis *analysis, int part,
                                              int block);
const hesse_quadrature *hesse_analysis_quadrature(const hesse_analysis *analysis,
                                                  int part, int block);
const hesse_extremes *hesse_analysis_extremes(const hesse_analysis *analysis, int part,
                                              int block);
const hesse_hutchinson *hesse_analysis_hutchinson(const hesse_analysis *analysis,
                                                  int part, int block);
const hesse_measures *hesse_analysis_measures(const hesse_analysis *analysis, int part,
                                              int block);

/** Local. The power law of a matrix, or NULL without a spectrum; and the number of
 * eigenvalues below options.index[i], or -1 if it was not counted: the matrix was not
 * formed, or one rank has no memory for a copy of it. */
const hesse_tail *hesse_analysis_tail(const hesse_analysis *analysis, int part,
                                      int block);
int hesse_analysis_below(const hesse_analysis *analysis, int part, int block, int i);

/** Local. The Frobenius norms of the blocks x blocks pieces of the full matrix, or
 * NULL. */
const double *hesse_analysis_coupling(const hesse_analysis *analysis, int part);

/** Local. The distances of the kind options.distances[i] between the m blocks that have
 * results, in order: m x m numbers, and their mean over pairs. It is NULL without
 * results, and on all ranks except the first. */
const double *hesse_analysis_distances(const hesse_analysis *analysis, int part, int i,
                                       int *m, double *mean);

/** Local. Compute one block of a part as a dense matrix, on this rank alone.
 *
 *  matrix  [out]  size x size, both triangles.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_analysis_block_matrix(hesse_analysis *analysis, int part, int block,
                                         double *matrix, hesse_why *why);

#ifdef __cplusplus
}
#endif

#endif /* HESSE_ANALYSIS_H */
