/** A principal part of the Hessian from its panels: on one rank, or over all. */
#ifndef HESSE_CURVATURE_ASSEMBLE_H
#define HESSE_CURVATURE_ASSEMBLE_H

#include "curvature/threads.h"

/** What an assembly tells while it works. */
typedef struct hesse_watch {
    void *context;
    /* Local. Called after every panel: how many of how many of the part are done. */
    void (*tick)(void *context, int done, int all);
    double panels,
        exchange; /* seconds that it adds to: computing, bringing to owners */
} hesse_watch;

/** Local. A part, whole, on this rank.
 *
 *  workers    [in,out]  begun with the part, which has n_panels.
 *  a        [out]     for every share n x n, zero before: column-major, lower triangle;
 *                     above the diagonal only what pieces have of it.
 *  tallies  [in,out]  for every share.
 *  defect   [out]     for every share the largest |H_ij - H_ji| that was seen: of all
 *                     entries where the part is one piece, else of a sample that was
 *                     computed by another way, to which the entries are compared, too.
 */
hesse_status hesse_assemble_local(hesse_panel_threads *workers, int n_panels, int n,
                                  double *const *a, hesse_tally *tallies,
                                  double *defect, hesse_watch *watch, hesse_why *why);

/** Collective. The same over all ranks: panels go round by round to their owners, one a
 *  thread in every round. The tallies are those of all ranks, the defect that of a
 * sample.
 *
 *  Memory: beside the matrices, an exchange of one panel a share.
 *  Errors: HESSE_E_NOMEM, and those of the workers. */
hesse_status hesse_assemble(hesse_team *team, hesse_panel_threads *workers,
                            int n_panels, int blocks, hesse_dmat *const *a,
                            hesse_tally *tallies, double *defect, hesse_watch *watch);

/** Local. Mirror the lower triangle of a column-major matrix to the upper one. */
void hesse_mirror(int n, double *a);

#endif /* HESSE_CURVATURE_ASSEMBLE_H */
