/** Memory. Every allocation of the libraries goes through these, so that tests can make
 * any of them fail. */
#ifndef HESSE_BASE_MEMORY_H
#define HESSE_BASE_MEMORY_H

#include <stddef.h>
#include <string.h>

/** Local. Allocate count doubles, all zero, 64-byte aligned. Returns NULL when memory
 * is exhausted. Free with free(). */
double *hesse_alloc(size_t count);

/** Local. Allocate count objects of a size, all zero. Returns NULL when memory is
 * exhausted, but never for count 0. Free with free(). */
void *hesse_calloc(size_t count, size_t size);

/** Local. A copy of a text; NULL when memory is exhausted. Free with free(). */
static inline char *hesse_copy(const char *text)
{
    char *copy = (char *)hesse_calloc(strlen(text) + 1, 1);
    return copy ? strcpy(copy, text) : NULL;
}

#endif /* HESSE_BASE_MEMORY_H */
