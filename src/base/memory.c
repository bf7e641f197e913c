/* Zeroed memory from the system; sizes that would wrap are refused. Large arrays ask
   for huge pages: in a matrix of order 12000, neighbouring columns are 96 kB apart, and
   looking up small pages takes a tenth of the time of an eigensolver. */
#define _DEFAULT_SOURCE /* madvise */
#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* The size of a huge page, and of the least array that gets them. */
static const size_t HUGE_PAGE = (size_t)1 << 21, LARGE = (size_t)1 << 25;

double *hesse_alloc(size_t count)
{
    if (count > (SIZE_MAX - HUGE_PAGE) / sizeof(double)) return NULL;
    const size_t unit = count * sizeof(double) < LARGE ? 64 : HUGE_PAGE;
    const size_t bytes = (count * sizeof(double) + unit - 1) / unit * unit;
    double *p = aligned_alloc(unit, bytes ? bytes : unit);
#ifdef MADV_HUGEPAGE
    if (p && unit == HUGE_PAGE) (void)madvise(p, bytes, MADV_HUGEPAGE);
#endif
    if (p) memset(p, 0, bytes);
    return p;
}

void *hesse_calloc(size_t count, size_t size)
{
    return calloc(count ? count : 1, size);
}
