/* Zeroed memory from the system; sizes that would wrap are refused. */
#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

double *hesse_alloc(size_t count)
{
    if (count > (SIZE_MAX - 64) / sizeof(double)) return NULL;
    const size_t bytes = (count * sizeof(double) + 63) / 64 * 64;
    double *p = aligned_alloc(64, bytes ? bytes : 64);
    if (p) memset(p, 0, bytes);
    return p;
}

void *hesse_calloc(size_t count, size_t size)
{
    return calloc(count ? count : 1, size);
}
