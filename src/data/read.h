/** Examples of any kind, in the form that a network reads. */
#ifndef HESSE_DATA_READ_H
#define HESSE_DATA_READ_H

#include "hesse/data.h"
#include "hesse/status.h"
#include "network/batch.h"

/** Local. Reads or draws examples and adapts them to a network: tokens are masked
 *  if the network predicts masked ones; padding is hidden if every token attends to
 *  all others; images become one token, or, if the network reads ids, shades of
 *  grey; labels become one-hot vectors if targets are numbers.
 *
 *  batch  [out]  the caller frees it; empty after an error.
 *  Errors: HESSE_E_JOB for a kind that does not exist, a wrong number of files or a
 *  size out of range; HESSE_E_INPUT, which names the file and its fault;
 *  HESSE_E_NOMEM. */
hesse_status hesse_data_read(const hesse_data_options *options,
                             const hesse_data_needs *needs, hesse_batch *batch,
                             hesse_why *why);

#endif /* HESSE_DATA_READ_H */
