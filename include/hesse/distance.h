/** hesse: distances between spectra. Needs no MPI.
 *
 *  The field has no agreed definition of the "Jensen-Shannon distance" of spectra, so
 *  each reading has a name of its own, and its settings go with it. docs/math.md. */
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

/** Local. The name above; and the distance of a name, or HESSE_DISTANCES. */
const char *hesse_distance_name(hesse_distance d);
hesse_distance hesse_distance_named(const char *name);

/** Local. Distances of all pairs of spectra.
 *
 *  The densities stand on one grid for all blocks, from the least eigenvalue to the
 *  greatest of any; a relative bandwidth is a fraction of that range. With an absolute
 *  bandwidth far below the gaps between eigenvalues any two spectra without a common
 *  eigenvalue are as distant as can be: the relative one is the default for that
 * reason.
 *
 *  The grid reaches 4 deviations past both ends. One that ends at the spectrum, as in
 *  published scripts, cuts the outer kernels in half and makes distances smaller (0.541
 *  instead of 0.571 for the three blocks {1,2,3}, {99,100,101}, {4998,4999,5000} at 1 %
 * of the range) and dependent on the unit of the eigenvalues.
 *
 *  settings  [in]   js_log and wasserstein use `tenth` alone.
 *  spectra   [in]   blocks of them, each with n >= 1, finite.
 *  matrix    [out]  blocks x blocks, symmetric, zero diagonal.
 *  mean      [out]  over the unordered pairs (js0 in the papers); 0 for one block.
 *  grid      [out]  what was used; js_log: of the logarithms, step = width of a bin.
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
