/** The main job: blocks of the Hessian, and the whole of it, are assembled over the
 * ranks, checked and decomposed. */
#ifndef HESSE_CURVATURE_DENSE_H
#define HESSE_CURVATURE_DENSE_H

#include "checkpoint/checkpoint.h"
#include "curvature/listener.h"
#include "curvature/results.h"
#include "curvature/threads.h"
#include "spectra/engines/eigen.h"

/** The times of a rank, in seconds. */
typedef struct hesse_times {
    double assembly;    /* computing panels                                        */
    double exchange;    /* sending them to their owners, including the waiting */
    double eigenvalues; /* solving and checking, including the waiting in a group */
    double matrices;    /* passing matrices to the listener */
    double idle;        /* waiting for other groups at the end                     */
    double lanczos;     /* quadratures of matrices that are not formed */
} hesse_times;

typedef struct hesse_dense_options {
    hesse_panel_options request;
    hesse_scope scope;
    hesse_engine engine;
    hesse_precision precision;
    int vectors; /* eigenvectors at each end                                     */
    int threads; /* panels that a rank computes at the same time */
    double loss; /* of the tape: rounding is measured against it if a block is zero
                    except for rounding */
    /* Eigenvalues below these values are counted, where a rank has `room` bytes for a
       copy of the matrix. */
    const double *index;
    int n_index;
    double room;
    const hesse_listener *listener; /* NULL: none; its functions may be NULL, too */
    hesse_checkpoint *checkpoint;   /* NULL: none                                 */
} hesse_dense_options;

/** Collective. Assemble, check and decompose all matrices of the schedule.
 *
 *  tape, params, partition  [in]   equal on all ranks; the tape has been run.
 *  schedule                 [in]   of the partition for this team.
 *  results                  [out]  one for every share; the same on every rank.
 *  times                    [out]  of this rank.
 *  Errors: HESSE_E_NOMEM, HESSE_E_NUMERIC (not finite; a check out of bounds, naming
 *  the block), and the errors of the listener and the checkpoint. */
hesse_status hesse_dense_run(hesse_team *team, hesse_tape *tape,
                             const hesse_params *params,
                             const hesse_partition *partition,
                             const hesse_schedule *schedule,
                             const hesse_dense_options *options,
                             hesse_share_results **results, hesse_times *times);

/** Local. Return true if the panels of a task go to part files: if they take more
 * seconds than may be lost, or if the matrix is shown to a listener.
 *
 *  stretch  [in]  seconds of work that may be lost at most. */
bool hesse_dense_keeps(const hesse_task *task, double stretch, bool shown);

/** Local. Return the bytes that a rank needs to count the eigenvalues of a matrix of
 * order n below a value, beside its other matrices, if some ranks share the matrix. */
double hesse_index_bytes(int n, int ranks);

#endif /* HESSE_CURVATURE_DENSE_H */
