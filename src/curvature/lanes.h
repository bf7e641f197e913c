/** Panels that a rank computes at once, each in a thread of its own. */
#ifndef HESSE_CURVATURE_LANES_H
#define HESSE_CURVATURE_LANES_H

#include "curvature/panels.h"

enum { HESSE_MOST_THREADS = 1024 };

typedef struct hesse_lanes {
    hesse_panels **panels; /* [count] */
    int count;
    const hesse_keeper *keeper; /* of records; NULL: none  */
    bool keeps;                 /* panels of this part, too */
} hesse_lanes;

/** Local. As many panels as threads. The arguments are those of hesse_panels_new.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_lanes_new(hesse_tape *tape, const hesse_params *params,
                             const hesse_partition *partition,
                             const hesse_request *request, int threads,
                             hesse_lanes *lanes, hesse_why *why);
void hesse_lanes_free(hesse_lanes *lanes);

/** Local. The part to work on from now on, and whether its panels are worth keeping.
 *  Returns their number. */
int hesse_lanes_begin(hesse_lanes *lanes, hesse_part part, bool keeps);

/** Local. Compute panels first ... first + n - 1 of the part, n <= count, one a lane; or take
 *  them from the keeper, if it has them. Where the system gives no thread, one after another.
 *  Errors: those of the keeper, which is asked whether to go on. The panels are there all
 *  the same, but their numbers may be wrong then. */
hesse_status hesse_lanes_compute(hesse_lanes *lanes, int first, int n, hesse_why *why);

#endif /* HESSE_CURVATURE_LANES_H */
