/** Text as token ids, which stand for its bytes or for its characters. */
#ifndef HESSE_DATA_CHARACTERS_H
#define HESSE_DATA_CHARACTERS_H

#include "hesse/status.h"

#include <stdbool.h>
#include <stddef.h>

/** Local. Reads a file of text and finds its ids.
 *
 *  characters  [in]   true: id i is the i-th of the text's distinct code points in
 *                     ascending order; false: the ids are the bytes.
 *  ids         [out]  count of them; the caller frees them.
 *  vocabulary  [out]  number of distinct code points, or 256.
 *  Line ends and a byte order mark are text like any other.
 *  Errors: HESSE_E_INPUT when the file cannot be read, or, with characters, is not
 *  UTF-8 (naming the byte); HESSE_E_NOMEM. */
hesse_status hesse_characters_read(const char *path, bool characters, int **ids,
                                   size_t *count, int *vocabulary, hesse_why *why);

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
