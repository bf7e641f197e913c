/** Panels that a rank computes at the same time, each in its own thread. */
#ifndef HESSE_CURVATURE_THREADS_H
#define HESSE_CURVATURE_THREADS_H

#include "checkpoint/checkpoint.h"
#include "curvature/panels.h"

enum { HESSE_MOST_THREADS = 1024 };

typedef struct hesse_panel_threads {
    hesse_panels **panels; /* [count] */
    int count;
    hesse_checkpoint *checkpoint; /* NULL: none                               */
    bool keeps;                   /* true if it saves the panels of this part */
} hesse_panel_threads;

/** Local. Make one set of panels for each thread. The arguments are those of
 * hesse_panels_new.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_panel_threads_new(hesse_tape *tape, const hesse_params *params,
                                     const hesse_partition *partition,
                                     const hesse_panel_options *request, int threads,
                                     hesse_panel_threads *workers, hesse_why *why);
void hesse_panel_threads_free(hesse_panel_threads *workers);

/** Local. Begin a part: later calls are for its panels. The checkpoint saves them if
 * they are worth keeping. Returns their number. */
int hesse_panel_threads_begin(hesse_panel_threads *workers, hesse_part part,
                              bool keeps);

/** Local. Compute panels first ... first + n - 1 of the part, n <= count, one for each
 * worker, or load them if the checkpoint has them. If the system gives no thread, they
 * are computed one after another. Errors: those of the checkpoint, which is asked if
 * the work goes on. After an error the panels exist, but their numbers may be wrong. */
hesse_status hesse_panel_threads_compute(hesse_panel_threads *workers, int first, int n,
                                         hesse_why *why);

#endif /* HESSE_CURVATURE_THREADS_H */
