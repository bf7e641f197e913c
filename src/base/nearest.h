/** The distance of two names, for messages that name the nearest known one. */
#ifndef HESSE_BASE_NEAREST_H
#define HESSE_BASE_NEAREST_H

#include <stdbool.h>

/** Local. The least number of insertions, deletions and replacements that turn a into b
 * (Levenshtein). Only the first 255 bytes of a name are compared. */
int hesse_edits(const char *a, const char *b);

/** A search for the name nearest to a word; start it with `word` alone. */
typedef struct hesse_nearest {
    const char *word,
        *name; /* name: the nearest one so far, borrowed; NULL: none yet */
    int edits;
} hesse_nearest;

/** Local. Compare one more name; the first of equally near names stays. Returns true if
 * this one is the nearest so far. */
bool hesse_nearest_try(hesse_nearest *n, const char *name);

#endif /* HESSE_BASE_NEAREST_H */
