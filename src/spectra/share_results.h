/** The results of one share of the Hessian, as plain data. Code that writes or prints
 * them does not depend on how they were computed. Needs no MPI. */
#ifndef HESSE_SPECTRA_SHARE_RESULTS_H
#define HESSE_SPECTRA_SHARE_RESULTS_H

#include "hesse/distance.h"
#include "hesse/extremes.h"
#include "hesse/hutchinson.h"
#include "hesse/parts.h"
#include "hesse/quadrature.h"
#include "hesse/spectrum.h"
#include "hesse/tail.h"

#include <stdbool.h>
#include <stdint.h>

/** The places of the blocks in the order of the full matrix and of the gradient. */
typedef struct hesse_block_table {
    int count;
    const char *const *names;
    const size_t *offset, *size; /* [count] */
} hesse_block_table;

/** Distances of one kind between the blocks that have a spectrum or a quadrature. */
typedef struct hesse_distance_result {
    hesse_distance kind;
    double mean; /* over the pairs; js0 in the papers */
    hesse_density settings;
    hesse_distance_grid grid;
    const double *matrix; /* n_computed x n_computed */
} hesse_distance_result;

/** A matrix has a spectrum if it was formed, or a quadrature if it was estimated. The
 * other one is NULL, and both are NULL if it was not asked for. Arrays of [blocks + 1]
 * entries have the whole matrix last. It has many fields because it holds all results.
 */
typedef struct hesse_share_results {
    hesse_kinds kinds;
    const char *name; /* "hessian", "gauss_newton", "softmax", "hessian_scaled", ... */
    int blocks;

    hesse_spectrum **spectra; /* [blocks]                                     */
    hesse_sums *sums;         /* [blocks] for blocks that were formed */
    hesse_spectrum *full;     /* of the whole                                 */
    hesse_sums all;           /* sums of the whole, where it was formed       */
    double *coupling;         /* blocks x blocks Frobenius norms, or NULL     */
    hesse_measures *measures; /* [blocks + 1]                                 */

    hesse_quadrature **quadratures; /* [blocks + 1]                           */
    hesse_extremes **extremes;      /* [blocks + 1]; NULL: not asked for      */
    hesse_hutchinson **hutchinson;  /* [blocks + 1]; NULL: not asked for      */
    const hesse_estimated
        *estimated; /* [blocks + 1] why it was estimated, or that it was not */
    const char *orthogonality; /* of the quadratures, in words           */
    uint64_t seed;             /* of all random numbers */
    double noise;              /* eigenvalues below it are rounding      */

    /* NULL if the share is not a scaled copy of another. */
    const double *scale;     /* D^(-1/2) in the order of the blocks; borrowed */
    double *condition_ratio; /* [blocks + 1] the condition number of the other share
                                divided by the one here */

    hesse_tail *tails; /* [blocks + 1] NULL: not asked for */
    /* Eigenvalues below values[i] are counted: below[b n_index + i], -1 if they were
       not. NULL: not asked for. */
    int n_index;
    const double *values; /* [n_index], borrowed */
    double *below;        /* [blocks + 1][n_index] */

    /* Distances compare the blocks in `computed`, which is ascending. Only rank 0 has
       them. */
    int n_distances, n_computed;
    hesse_distance_result *distances;
    int *computed;
} hesse_share_results;

/** Local. Allocate the results of a number of blocks, without spectra.
 *  coupled  [in]  with memory for the coupling.
 *  Returns false when memory is exhausted. */
bool hesse_share_results_new(hesse_share_results *f, int blocks, bool coupled);

/** Local. Make room for counts of eigenvalues below some values, which are borrowed.
 * All counts are -1. Returns false when memory is exhausted. */
bool hesse_share_results_index(hesse_share_results *f, int count, const double *values);

/** Local. Free an array of the results of `shares` shares. It may be NULL. */
void hesse_share_results_free(hesse_share_results *results, int shares);

/** Local. Compute distances between all blocks that have results.
 *
 *  count, distances, density  [in]  the kinds, and the settings of their densities.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_share_results_compare(hesse_share_results *f, int count,
                                         const hesse_distance *distances,
                                         const hesse_density *density, hesse_why *why);

#endif /* HESSE_SPECTRA_SHARE_RESULTS_H */
