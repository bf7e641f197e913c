/** The distance of two names, for messages that name the nearest known one. */
#ifndef HESSE_BASE_NEAREST_H
#define HESSE_BASE_NEAREST_H

/** Local. The least number of insertions, deletions and replacements that turn a into b
 * (Levenshtein). Only the first 255 bytes of a name are compared. */
int hesse_edits(const char *a, const char *b);

#endif /* HESSE_BASE_NEAREST_H */
