/** Tokens hidden, to be found again: the task that BERT is trained on. */
#ifndef HESSE_DATA_MASK_TOKENS_H
#define HESSE_DATA_MASK_TOKENS_H

#include "hesse/status.h"
#include "network/batch.h"

#include <stdint.h>

/** Local. Labels become the tokens themselves: those chosen by seed, each with a probability,
 *  and HESSE_IGNORED for the others. Of those chosen 80 % read as `mask`, 10 % as a token at
 *  random, 10 % as they are. Padding stays as it is.
 *
 *  batch  [in,out]  of hesse_tokens_read.
 *  rate   [in]      the probability; 0: 0.15.
 *  mask   [in]      an id; below 0: one that the data do not have, the first.
 *  Errors: HESSE_E_JOB when no token at all is hidden.
 *  Source: Devlin et al., arXiv:1810.04805, section 3.1. */
hesse_status hesse_mask_tokens(hesse_batch *batch, double rate, int mask, uint64_t seed,
                               hesse_why *why);

#endif /* HESSE_DATA_MASK_TOKENS_H */
