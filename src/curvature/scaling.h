/** The diagonal matrix D by which every share is scaled on both sides. */
#ifndef HESSE_CURVATURE_SCALING_H
#define HESSE_CURVATURE_SCALING_H

#include "checkpoint/checkpoint.h"
#include "curvature/plan.h"

/** Collective. Compute the factors D^(-1/2) of a plan that scales its shares, in the
 * order of the blocks. A diagonal of a share is computed from panels: this takes about
 * as long as the panels of the blocks.
 *
 *  gradient    [in]  in the order of the blocks.
 *  checkpoint  [in]  asked if the work goes on; NULL: none.
 *  Errors: HESSE_E_NUMERIC, which names the tensor, if an entry of D is 0 or not
 * finite; HESSE_E_NOMEM, and those of the checkpoint. */
hesse_status hesse_scaling_find(hesse_plan *plan, const double *gradient,
                                hesse_checkpoint *checkpoint);

/** Local. Return the name of a scaling's quantity, as the job file has it, "" for
 * none. */
const char *hesse_scaling_name(hesse_scaling_source from);

#endif /* HESSE_CURVATURE_SCALING_H */
