/** A principal part of the Hessian from its panels: on one rank, or over all. */
#ifndef HESSE_CURVATURE_ASSEMBLE_H
#define HESSE_CURVATURE_ASSEMBLE_H

#include "curvature/threads.h"

/** Functions and times by which an assembly reports while it works. */
typedef struct hesse_watch {
    void *context;
    /* Local. Called after every panel: `done` of all panels of the part are
       finished. */
    void (*tick)(void *context, int done, int all);
    double panels,
        exchange; /* seconds are added to these: computing, and sending to the owners */
} hesse_watch;

/** Local. Assemble a whole part on this rank.
 *
 *  workers  [in,out]  begun with the part, which has n_panels.
 *  a        [out]     for every share n x n, zero before: column-major, lower triangle;
 *                     above the diagonal it has only the entries that lie inside of
 *                     pieces.
 *  tallies  [in,out]  for every share.
 *  defect   [out]     for every share the largest |H_ij - H_ji| that was seen. If the
 *                     part is one piece, all entries are compared. Otherwise it is
 *                     measured on a sample that was computed in another way, and the
 *                     entries are compared with the sample, too. */
hesse_status hesse_assemble_local(hesse_panel_threads *workers, int n_panels, int n,
                                  real *const *a, hesse_tally *tallies, double *defect,
                                  hesse_watch *watch, hesse_why *why);

/** Collective. The same over all ranks: in every round each thread computes one panel,
 * and the panels travel to the owners of their entries. The tallies are summed over all
 * ranks, and the defect is measured on a sample.
 *
 *  Memory: beside the matrices, an exchange of one panel for each share.
 *  Errors: HESSE_E_NOMEM, and those of the workers. */
hesse_status hesse_assemble(hesse_team *team, hesse_panel_threads *workers,
                            int n_panels, int blocks, hesse_dmat *const *a,
                            hesse_tally *tallies, double *defect, hesse_watch *watch);

/** Local. Copy the lower triangle of a column-major matrix to the upper one. */
void hesse_mirror(int n, real *a);

#endif /* HESSE_CURVATURE_ASSEMBLE_H */
