/** The main job: blocks of the Hessian, and all of it, assembled over the ranks, proven
 *  and decomposed. */
#ifndef HESSE_CURVATURE_ANALYSE_H
#define HESSE_CURVATURE_ANALYSE_H

#include "curvature/panels.h"
#include "curvature/schedule.h"
#include "parallel/dmat.h"
#include "spectra/eigen.h"

/** Called while a long piece of work goes on. */
typedef struct hesse_listener {
    void *context;
    /** Local. `done` of `total` floating-point operations of a phase are done. */
    void (*progress)(void *context, const char *phase, double done, double total);
    /** Collective. A finished matrix of a share, before it is decomposed. Of the whole
     *  (block -1) and of blocks that all ranks hold, `a` is there; of others `local`, on
     *  its owner alone, n x n with both triangles. */
    hesse_status (*matrix)(void *context, int share, int block, const hesse_dmat *a,
                           const double *local);
} hesse_listener;

typedef struct hesse_inquiry {
    hesse_request request;
    hesse_scope scope;
    hesse_engine engine;
    int vectors; /* eigenvectors at each end                                     */
    double loss; /* of the tape: rounding is measured against it where a block is all
                    but zero                                                    */
    const hesse_listener *listener; /* NULL: none; its functions may be NULL, too */
} hesse_inquiry;

/** What is found of one share; the same on every rank. */
typedef struct hesse_findings {
    int blocks;
    hesse_spectrum **spectra; /* [blocks]; NULL entries where scope is full */
    hesse_sums *sums;         /* [blocks]                                   */
    hesse_spectrum *full;     /* NULL where scope is blocks                 */
    hesse_sums all;           /* sums of the whole                          */
    double *coupling;         /* blocks x blocks Frobenius norms, or NULL   */
} hesse_findings;

/** Collective. Do it.
 *
 *  tape, params, partition  [in]   equal on all ranks; the tape has been run.
 *  schedule                 [in]   of the partition for this team.
 *  findings                 [out]  one for every share.
 *  Errors: HESSE_E_NOMEM, HESSE_E_NUMERIC (not finite; a proof out of bounds, naming the
 *  block), and what the listener returns. */
hesse_status hesse_analyse(hesse_team *team, const hesse_tape *tape,
                           const hesse_params *params, const hesse_partition *partition,
                           const hesse_schedule *schedule, const hesse_inquiry *inquiry,
                           hesse_findings **findings);
void hesse_findings_free(hesse_findings *findings, int shares);

#endif /* HESSE_CURVATURE_ANALYSE_H */
