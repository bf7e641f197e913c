/** Allocations that fail on one rank, for tests that CMakeLists.txt links with
 *  --wrap=hesse_alloc and --wrap=hesse_calloc. */
#ifndef HESSE_CHECK_MEMORY_H
#define HESSE_CHECK_MEMORY_H

#include "base/memory.h"

#include <mpi.h>

/** Allocation number broken_at on the broken rank fails, counted from 0. */
static int broken_rank = -1, broken_at, allocations;

static size_t allocated;         /* bytes that were asked for            */
static void (*on_success)(void); /* called after each that succeeds */

double *__real_hesse_alloc(size_t count);
double *__wrap_hesse_alloc(size_t count);
void *__real_hesse_calloc(size_t count, size_t size);
void *__wrap_hesse_calloc(size_t count, size_t size);

static int fails(size_t bytes)
{
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    allocated += bytes;
    return rank == broken_rank && allocations++ == broken_at;
}

static void *noted(void *memory)
{
    if (on_success) on_success();
    return memory;
}

double *__wrap_hesse_alloc(size_t count)
{
    return fails(count * sizeof(double)) ? NULL : noted(__real_hesse_alloc(count));
}

void *__wrap_hesse_calloc(size_t count, size_t size)
{
    return fails(count * size) ? NULL : noted(__real_hesse_calloc(count, size));
}

#endif /* HESSE_CHECK_MEMORY_H */
