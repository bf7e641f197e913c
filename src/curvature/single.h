/** The dense path in single precision, for previews. The same sources are compiled a
 *  second time with HESSE_SINGLE (base/real.h) and joined to one object, in which only
 *  this function has a name: CMakeLists.txt. */
#ifndef HESSE_CURVATURE_SINGLE_H
#define HESSE_CURVATURE_SINGLE_H

#include "curvature/dense.h"
#include "network/families/families.h"

/** A tape is made of these: a network on a batch. All pointers are borrowed. */
typedef struct hesse_tape_source {
    const hesse_arch *arch;
    const hesse_batch *batch;
    const double *constants; /* NULL: there are none */
    hesse_weighting weighting;
    const double *theta;
    int window; /* sequences whose values are held at once */
} hesse_tape_source;

/** Collective. Do the same as hesse_dense_run, with a tape of its own. The listener
 * gets no matrices. Errors: as there. */
hesse_status hesse_dense_run_single(hesse_team *team, const hesse_tape_source *source,
                                    const hesse_params *params,
                                    const hesse_partition *partition,
                                    const hesse_schedule *schedule,
                                    const hesse_dense_options *options,
                                    hesse_share_results **results, hesse_times *times);

#endif /* HESSE_CURVATURE_SINGLE_H */
