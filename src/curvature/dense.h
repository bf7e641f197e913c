/** The main job: blocks of the Hessian, and all of it, assembled over the ranks, proven
 *  and decomposed. */
#ifndef HESSE_CURVATURE_DENSE_H
#define HESSE_CURVATURE_DENSE_H

#include "checkpoint/checkpoint.h"
#include "curvature/listener.h"
#include "curvature/results.h"
#include "curvature/threads.h"
#include "spectra/engines/eigen.h"

/** Where the time of a rank went, in seconds. */
typedef struct hesse_times {
    double assembly;    /* computing panels                                        */
    double exchange;    /* bringing them to their owners, waiting for them included */
    double eigenvalues; /* solving and proving, with waiting for others of the group */
    double matrices;    /* giving away matrices                                    */
    double idle;        /* waiting for other groups at the end                     */
    double lanczos;     /* quadratures of what is not formed                       */
} hesse_times;

typedef struct hesse_dense_options {
    hesse_panel_options request;
    hesse_scope scope;
    hesse_engine engine;
    int vectors; /* eigenvectors at each end                                     */
    int threads; /* panels that a rank computes at once                          */
    double loss; /* of the tape: rounding is measured against it where a block is all
                    but zero                                                    */
    const hesse_listener *listener; /* NULL: none; its functions may be NULL, too */
    hesse_checkpoint *checkpoint;   /* NULL: none                                 */
} hesse_dense_options;

/** Collective. Do it.
 *
 *  tape, params, partition  [in]   equal on all ranks; the tape has been run.
 *  schedule                 [in]   of the partition for this team.
 *  results                 [out]  one for every share; the same on every rank.
 *  times                    [out]  of this rank.
 *  Errors: HESSE_E_NOMEM, HESSE_E_NUMERIC (not finite; a proof out of bounds, naming
 * the block), and what the listener and the checkpoint return. */
hesse_status hesse_dense_run(hesse_team *team, hesse_tape *tape,
                             const hesse_params *params,
                             const hesse_partition *partition,
                             const hesse_schedule *schedule,
                             const hesse_dense_options *options,
                             hesse_share_results **results, hesse_times *times);

/** Local. Whether the panels of a task go to part files: they take more seconds than
 * may be lost, or its matrix is shown to a listener. stretch  [in]  seconds of the most
 * work that may be lost. */
bool hesse_dense_keeps(const hesse_task *task, double stretch, bool shown);

#endif /* HESSE_CURVATURE_DENSE_H */
