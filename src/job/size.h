/** Sizes of memory in the form that people write. */
#ifndef HESSE_JOB_SIZE_H
#define HESSE_JOB_SIZE_H

#include <stdbool.h>
#include <stddef.h>

/** Local. Bytes of "4GiB", "512 MiB", "1.5GB", "4096B": a number and B, kB, MB, GB, TB
 *  (powers of 1000) or KiB, MiB, GiB, TiB (powers of 1024).
 *
 *  Returns true if the text is such a size, of at least one byte and below 2^63. */
bool hesse_size_parse(const char *text, size_t *bytes);

#endif /* HESSE_JOB_SIZE_H */
