/** Text as token ids, which stand for its bytes or for its characters. */
#ifndef HESSE_DATA_CHARACTERS_H
#define HESSE_DATA_CHARACTERS_H

#include "hesse/data.h"
#include "hesse/status.h"

#include <stdbool.h>
#include <stddef.h>

/** Local. Reads a file of text and finds its ids.
 *
 *  characters  [in]   true: id i is the i-th of the text's distinct code points in
 *                     ascending order; false: the ids are the bytes.
 *  table       [in]   path of a JSON object {"stoi": {"a": 0, ...}}, or of the inner
 *                     object alone, with the ids of characters; NULL: no table.
 *  ids         [out]  count of them; the caller frees them.
 *  vocabulary  [out]  number of distinct code points, or 256, or the largest id of the
 *                     table + 1.
 *  Line ends and a byte order mark are text like any other.
 *  Errors: HESSE_E_INPUT when the file cannot be read, or, with characters, is not
 *  UTF-8 (naming the byte); HESSE_E_NOMEM. */
hesse_status hesse_characters_read(const char *path, bool characters, const char *table,
                                   int **ids, size_t *count, int *vocabulary,
                                   hesse_why *why);

/** Local. Check that ids have their meanings in a trained model, which has exactly this
 *  vocabulary, or one id more if it predicts masked tokens.
 *
 *  units       [in]  "bytes", "characters" or "words".
 *  vocabulary  [in]  of the ids, with padding if there is any.
 *  Errors: HESSE_E_INPUT. */
hesse_status hesse_characters_check(const char *path, const char *units, int vocabulary,
                                    const hesse_data_needs *needs, hesse_why *why);

/** Local. Does the same in two steps, for texts from many files. The first finds the
 * code points of one text, or its bytes; the second turns the code points of all texts
 * into ids.
 *
 *  path  [in]   names the text in messages.
 *  ids   [out]  has room for `size` numbers. */
hesse_status hesse_characters_points(const char *path, bool characters,
                                     const char *text, size_t size, int *ids,
                                     size_t *count, hesse_why *why);
hesse_status hesse_characters_number(const char *path, bool characters, size_t count,
                                     int *ids, int *vocabulary, hesse_why *why);

#endif /* HESSE_DATA_CHARACTERS_H */
