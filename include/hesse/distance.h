/** hesse: distances between spectra. Needs no MPI.
 *
 *  The field has no agreed definition of the "Jensen-Shannon distance" of spectra, so
 * each definition has its own name here and is recorded with its settings.
 * docs/math.md. */
#ifndef HESSE_DISTANCE_H
#define HESSE_DISTANCE_H

#include "hesse/density.h"
#include "hesse/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum hesse_distance {
    HESSE_JS,          /* "js": divergence of the densities, nats, at most ln 2      */
    HESSE_JS_DISTANCE, /* "js_distance": its square root                             */
    HESSE_JS_RAW,      /* "js_raw": summed over the grid without the step, js / step */
    HESSE_JS_LOG,      /* "js_log": divergence of histograms of log(max(eigenvalue, 0) +
                          1e-12), natural, in 64 bins from the least to the greatest of
                          all blocks                                                 */
    HESSE_WASSERSTEIN, /* "wasserstein": Wasserstein-1 of the eigenvalues as atoms   */
    HESSE_DISTANCES
} hesse_distance;

/** Local. The name of a distance; and the distance with a name, or HESSE_DISTANCES if
 * there is none. */
const char *hesse_distance_name(hesse_distance d);
hesse_distance hesse_distance_named(const char *name);

/** Local. Compute the distances of all pairs of spectra.
 *
 *  The densities of all blocks are on one grid, from the least eigenvalue of any block
 * to the greatest. A relative bandwidth is a fraction of that range. If an absolute
 * bandwidth is far below the gaps between eigenvalues, any two spectra without a common
 * eigenvalue have the largest possible distance. For that reason the default is a
 * relative bandwidth.
 *
 *  The grid extends 4 deviations beyond both ends. A grid that ends at the spectrum, as
 * in published scripts, cuts the outer kernels in half. This makes distances smaller
 * (0.541 instead of 0.571 for the three blocks {1,2,3}, {99,100,101}, {4998,4999,5000}
 * at 1 % of the range) and makes them depend on the unit of the eigenvalues.
 *
 *  settings  [in]   js_log and wasserstein use `tenth` alone.
 *  spectra   [in]   one for each block, with n >= 1 and finite values.
 *  matrix    [out]  blocks x blocks, symmetric, zero diagonal.
 *  mean      [out]  over the unordered pairs (js0 in the papers); 0 for one block.
 *  grid      [out]  the grid that was used; for js_log it is of the logarithms, and
 *           step is the width of a bin.
 *  Memory: blocks x points doubles. Errors: HESSE_E_JOB, HESSE_E_NOMEM.
 *  Source: Lin, Divergence measures based on the Shannon entropy (IEEE Trans. Inf.
 *  Theory 37, 1991); as a measure of block heterogeneity: Zhang et al., Why
 * Transformers Need Adam (arXiv:2402.16788), which leaves normalisation and bandwidth
 * open. */
hesse_status hesse_distances(hesse_distance distance, const hesse_density *settings,
                             int blocks, const hesse_eigenvalues *spectra,
                             double *matrix, double *mean, hesse_distance_grid *grid,
                             hesse_why *why);

#ifdef __cplusplus
}
#endif

#endif /* HESSE_DISTANCE_H */
