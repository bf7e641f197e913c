/** Datasets of a result file by their rows in the schema, for results that put the
 * numbers of several analyses side by side. */
#ifndef HESSE_OUTPUT_WRITE_SET_H
#define HESSE_OUTPUT_WRITE_SET_H

#include "output/store.h"

/** Local. Write numbers at the path where + name + end, which has a row.
 *
 *  scaled  [in]  true if their eigenvalues were divided by one of them. */
void hesse_write_doubles(hesse_store *store, const char *where, const char *name,
                         const char *end, bool scaled, int rank, const size_t *shape,
                         const double *values);

/** Local. Write texts, or whole numbers, at a path that has a row. */
void hesse_write_texts(hesse_store *store, const char *path, int rank,
                       const size_t *shape, const char *const *values);
void hesse_write_wholes(hesse_store *store, const char *path, int rank,
                        const size_t *shape, const int64_t *values);

#endif /* HESSE_OUTPUT_WRITE_SET_H */
