/** Masked tokens for a model to predict: the task that BERT is trained on. */
#ifndef HESSE_DATA_MASK_TOKENS_H
#define HESSE_DATA_MASK_TOKENS_H

#include "hesse/data.h"
#include "hesse/status.h"
#include "network/batch.h"

/** Local. Chooses tokens by options->seed, each with the probability
 *  options->mask_rate. The labels of the chosen ones become the tokens themselves,
 *  and those of all others become HESSE_IGNORED. Then 80 % of the chosen tokens read
 *  as the mask, 10 % as a random token and 10 % as they are. The mask is
 *  *options->mask_id or the first id after the data. Padding stays as it is.
 *
 *  batch  [in,out]  ids whose labels are one for every token.
 *  Errors: HESSE_E_JOB when no token is masked, or the mask is outside the
 *  vocabulary of the needs.
 *  Source: Devlin et al., arXiv:1810.04805, section 3.1. */
hesse_status hesse_mask_tokens(const hesse_data_options *options,
                               const hesse_data_needs *needs, hesse_batch *batch,
                               hesse_why *why);

#endif /* HESSE_DATA_MASK_TOKENS_H */
