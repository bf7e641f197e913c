/** Who hears of an analysis while it runs. */
#ifndef HESSE_CURVATURE_LISTENER_H
#define HESSE_CURVATURE_LISTENER_H

#include "hesse/status.h"
#include "parallel/dmat.h"

/** Both functions may be NULL. */
typedef struct hesse_listener {
    void *context;
    /** Local. A fraction of the predicted time, 0 ... 1, has been worked off, and a
     * number of floating-point operations is done. */
    void (*progress)(void *context, const char *phase, double fraction,
                     double operations);
    /** Collective. A finished matrix of a share, before it is decomposed. Of the whole
     *  (block -1) and of blocks that all ranks hold, `a` is there; of others `local`,
     * on its owner alone, n x n with both triangles. */
    hesse_status (*matrix)(void *context, int share, int block, const hesse_dmat *a,
                           const double *local);
} hesse_listener;

#endif /* HESSE_CURVATURE_LISTENER_H */
