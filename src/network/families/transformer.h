/** GPT-2 and Llama as tapes. */
#ifndef HESSE_NETWORK_FAMILIES_TRANSFORMER_H
#define HESSE_NETWORK_FAMILIES_TRANSFORMER_H

#include "hesse/status.h"
#include "network/batch.h"
#include "network/params.h"
#include "network/tape.h"

/** Local. The parameters, as hesse_params_new has them. */
hesse_status hesse_transformer_params(const hesse_arch *arch, hesse_params *params,
                                      hesse_why *why);

/** Local. The model on a batch, with cross-entropy as the loss: so many times the mean over
 *  the targets; 0: their sum. Errors: as hesse_family_build_tape. */
hesse_status hesse_transformer_build_tape(const hesse_arch *arch,
                                          const hesse_params *params,
                                          const hesse_batch *batch, double times,
                                          hesse_tape *tape, hesse_why *why);

#endif /* HESSE_NETWORK_FAMILIES_TRANSFORMER_H */
