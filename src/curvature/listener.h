/** The listener of an analysis, which is told how far a run is and is given matrices.
 */
#ifndef HESSE_CURVATURE_LISTENER_H
#define HESSE_CURVATURE_LISTENER_H

#include "hesse/status.h"
#include "parallel/dmat.h"

/** Both functions may be NULL. */
typedef struct hesse_listener {
    void *context;
    /** Local. A fraction of the predicted time, 0 ... 1, has passed, and a number of
     * floating-point operations is done. */
    void (*progress)(void *context, const char *phase, double fraction,
                     double operations);
    /** Collective. A matrix of a share is finished, but not yet decomposed: of a block,
     * or of the whole (block -1). */
    hesse_status (*matrix)(void *context, int share, int block,
                           const hesse_held *matrix);
} hesse_listener;

#endif /* HESSE_CURVATURE_LISTENER_H */
