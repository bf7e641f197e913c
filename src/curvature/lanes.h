/** Panels that a rank computes at once, each in a thread of its own. */
#ifndef HESSE_CURVATURE_LANES_H
#define HESSE_CURVATURE_LANES_H

#include "curvature/panels.h"

enum { HESSE_MOST_THREADS = 1024 };

typedef struct hesse_lanes {
    hesse_panels **panels; /* [count] */
    int count;
} hesse_lanes;

/** Local. As many panels as threads. The arguments are those of hesse_panels_new.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_lanes_new(const hesse_tape *tape, const hesse_params *params,
                             const hesse_partition *partition,
                             const hesse_request *request, int threads,
                             hesse_lanes *lanes, hesse_why *why);
void hesse_lanes_free(hesse_lanes *lanes);

/** Local. The part to work on from now on. Returns its panels' number. */
int hesse_lanes_begin(hesse_lanes *lanes, hesse_part part);

/** Local. Compute panels first ... first + n - 1 of the part, n <= count, one a lane. Where
 *  the system gives no thread, one after another. */
void hesse_lanes_compute(hesse_lanes *lanes, int first, int n);

#endif /* HESSE_CURVATURE_LANES_H */
