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

/** Local. Return true if positions skip the ids that are padding, as in encoders;
 * false: they skip what a mask hides, as in decoders, or nothing. */
bool hesse_padding_positions_by_id(const hesse_data_needs *needs);

/** Local. Refuse rows that begin or end with the model's id of padding although nothing
 *  hides it. A causal network may have one such token at an end of a row, where it can
 *  begin or end a text, and tokens at the end whose targets are ignored: they change
 *  nothing.
 *
 *  needs  [in]  its `pad`, which must be known, and its `full`.
 *  Errors: HESSE_E_INPUT. */
hesse_status hesse_padding_notice(const hesse_batch *batch, const char *path,
                                  const hesse_data_needs *needs, hesse_why *why);

/** Local. The same for a row of ids, each of which is the target of the one before it.
 *
 *  row  [in]  its number in the file, for messages.
 *  Errors: HESSE_E_INPUT. */
hesse_status hesse_padding_notice_row(const int *ids, int count, const char *path,
                                      size_t row, const hesse_data_needs *needs,
                                      hesse_why *why);

#endif /* HESSE_DATA_PADDING_H */
