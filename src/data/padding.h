/** Padding at an end of the sequences of a batch: it is hidden from attention, and some
 *  models do not count it in positions. */
#ifndef HESSE_DATA_PADDING_H
#define HESSE_DATA_PADDING_H

#include "hesse/data.h"
#include "hesse/status.h"
#include "network/batch.h"

#include <stdbool.h>

/** Local. Hide the tokens that a mask leaves out. Without padding nothing changes.
 *
 *  path  [in]  of the mask or of the ids, for messages.
 *  seen  [in]  sequences x context: false for padding, which stands at one end of a
 * row. full  [in]  every token attends to all others; false: to those before it.
 *  Errors: HESSE_E_INPUT for a row that is padding alone or has padding inside, and for
 *  padding with a label; HESSE_E_NOMEM. */
hesse_status hesse_padding_hide(hesse_batch *batch, const char *path, const bool *seen,
                                bool full, hesse_why *why);

/** Local. Set positions that count only tokens other than padding, which has position
 *  -1.
 *
 *  seen  [in]  as above; NULL: all ids other than `pad`.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_padding_skip(hesse_batch *batch, const bool *seen, int pad,
                                hesse_why *why);

/** Local. Refuse ids that end with padding although nothing hides it.
 *  Errors: HESSE_E_INPUT. */
hesse_status hesse_padding_notice(const hesse_batch *batch, const char *path, int pad,
                                  hesse_why *why);

#endif /* HESSE_DATA_PADDING_H */
