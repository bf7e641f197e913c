/** Text as token ids that stand for words. */
#ifndef HESSE_DATA_WORDS_H
#define HESSE_DATA_WORDS_H

#include "hesse/status.h"

#include <jansson.h>
#include <stddef.h>

/** Distinct words, numbered from 0 by their first use. Start it from {0}. */
typedef struct hesse_word_table {
    json_t *number; /* of each word            */
    size_t *uses;   /* [count] of each word    */
    size_t count, room;
} hesse_word_table;

/** Local. Find the words of a text, which are separated by white space and control
 *  characters, and add those that are new.
 *
 *  path     [in]   names the text in messages.
 *  numbers  [out]  of the words of the text; has room for `size`.
 *  count    [out]  number of words; a text may have none.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_words_add(const char *path, const char *text, size_t size,
                             hesse_word_table *words, int *numbers, size_t *count,
                             hesse_why *why);

/** Local. Turn numbers of words into ids: 0 is the most frequent word; of two words
 * that are used equally often, the one that was used first comes first; all words after
 * the first `most` have the id `most`.
 *
 *  vocabulary  [out]  number of ids: at most `most` + 1.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_words_number(const char *path, const hesse_word_table *words,
                                int most, size_t count, int *ids, int *vocabulary,
                                hesse_why *why);

/** Local. Free what the words own. */
void hesse_words_free(hesse_word_table *words);

#endif /* HESSE_DATA_WORDS_H */
