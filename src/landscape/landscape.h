/** The inside of a landscape: directions, then the grid, then figures of the grid. */
#ifndef HESSE_LANDSCAPE_LANDSCAPE_H
#define HESSE_LANDSCAPE_LANDSCAPE_H

#include "checkpoint/checkpoint.h"
#include "hesse/landscape.h"

/** The listener to a computation, and the place of its unfinished work. */
typedef struct hesse_landscape_run {
    hesse_checkpoint *checkpoint;                                    /* NULL: none */
    void (*progress)(void *context, const char *phase, double part); /* NULL: none */
    void *context;
} hesse_landscape_run;

/** Collective. The same as hesse_landscape_compute, but report on rank 0, load the
 * points that earlier runs have left, and stop when the checkpoint asks for it.
 *  Errors: moreover those of the checkpoint. */
hesse_status hesse_landscape_compute_with(hesse_team *team,
                                          const hesse_network *network,
                                          const hesse_dataset *dataset,
                                          const hesse_landscape_options *options,
                                          const hesse_landscape_run *run,
                                          hesse_landscape **landscape);

/** Local, on rank 0. Find the directions, scaled, with their norms and their cosine.
 *
 *  objective  [in]  of a team of this rank alone. */
hesse_status hesse_landscape_find_directions(hesse_objective *objective,
                                             const hesse_landscape_options *options,
                                             const hesse_landscape_run *run,
                                             hesse_landscape *landscape,
                                             hesse_why *why);

/** Local. Fill in the figures that follow from the losses of the grid. */
void hesse_landscape_measure(hesse_landscape *landscape);

#endif /* HESSE_LANDSCAPE_LANDSCAPE_H */
