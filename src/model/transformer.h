/** GPT-2 and Llama as tapes. */
#ifndef HESSE_MODEL_TRANSFORMER_H
#define HESSE_MODEL_TRANSFORMER_H

#include "hesse/status.h"
#include "model/batch.h"
#include "model/params.h"
#include "model/tape.h"

/** Local. The model on a batch, with cross-entropy as the loss: a tape without memory for
 *  its values, enough to plan with; hesse_tape_freeze gets it. The batch is borrowed until
 *  the tape is freed.
 *
 *  times  [in]  the loss is so many times the mean over the targets; 0: their sum.
 *  Errors: HESSE_E_JOB when the batch is longer than the model's positions,
 *  HESSE_E_INPUT when every target is ignored, HESSE_E_NOMEM. */
hesse_status hesse_transformer_new(const hesse_arch *arch, const hesse_params *params,
                                   const hesse_batch *batch, double times,
                                   hesse_tape **tape, hesse_why *why);

#endif /* HESSE_MODEL_TRANSFORMER_H */
