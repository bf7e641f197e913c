/** Panels that a rank computes at once, each in a thread of its own. */
#ifndef HESSE_CURVATURE_THREADS_H
#define HESSE_CURVATURE_THREADS_H

#include "checkpoint/checkpoint.h"
#include "curvature/panels.h"

enum { HESSE_MOST_THREADS = 1024 };

typedef struct hesse_panel_threads {
    hesse_panels **panels; /* [count] */
    int count;
    hesse_checkpoint *checkpoint; /* NULL: none                               */
    bool keeps;                   /* whether it saves the panels of this part */
} hesse_panel_threads;

/** Local. As many panels as threads. The arguments are those of hesse_panels_new.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_panel_threads_new(hesse_tape *tape, const hesse_params *params,
                                     const hesse_partition *partition,
                                     const hesse_panel_options *request, int threads,
                                     hesse_panel_threads *workers, hesse_why *why);
void hesse_panel_threads_free(hesse_panel_threads *workers);

/** Local. The part to work on from now on, and whether its panels are worth keeping.
 *  Returns their number. */
int hesse_panel_threads_begin(hesse_panel_threads *workers, hesse_part part,
                              bool keeps);

/** Local. Compute panels first ... first + n - 1 of the part, n <= count, one a worker;
 * or take them from the checkpoint, if it has them. Where the system gives no thread,
 * one after another. Errors: those of the checkpoint, which is asked whether to go on.
 * The panels are there all the same, but their numbers may be wrong then. */
hesse_status hesse_panel_threads_compute(hesse_panel_threads *workers, int first, int n,
                                         hesse_why *why);

#endif /* HESSE_CURVATURE_THREADS_H */
