/** How far two names are apart, for messages that name the nearest known one. */
#ifndef HESSE_BASE_NEAREST_H
#define HESSE_BASE_NEAREST_H

/** Local. Insertions, deletions and replacements that turn a into b (Levenshtein); of
 *  names longer than 255 bytes only the beginning counts. */
int hesse_edits(const char *a, const char *b);

#endif /* HESSE_BASE_NEAREST_H */
