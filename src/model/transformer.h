/** GPT-2 and Llama as tapes. */
#ifndef HESSE_MODEL_TRANSFORMER_H
#define HESSE_MODEL_TRANSFORMER_H

#include "hesse/status.h"
#include "model/batch.h"
#include "model/params.h"
#include "model/tape.h"

/** Local. The parameters, as hesse_params_new has them. */
hesse_status hesse_transformer_params(const hesse_arch *arch, hesse_params *params,
                                      hesse_why *why);

/** Local. The model on a batch, with cross-entropy as the loss: so many times the mean over
 *  the targets; 0: their sum. Errors: as hesse_family_unroll. */
hesse_status hesse_transformer_unroll(const hesse_arch *arch,
                                      const hesse_params *params,
                                      const hesse_batch *batch, double times,
                                      hesse_tape *tape, hesse_why *why);

#endif /* HESSE_MODEL_TRANSFORMER_H */
