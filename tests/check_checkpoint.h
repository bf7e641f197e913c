/** A checkpoint in memory, in place of one in files, that asks the run to end after a
 * number of steps. The test is linked with --wrap of the four functions below
 * (hesse_test WRAP ...). */
#ifndef HESSE_TESTS_CHECK_CHECKPOINT_H
#define HESSE_TESTS_CHECK_CHECKPOINT_H

#include "checkpoint/checkpoint.h"

#include <stdlib.h>
#include <string.h>

enum { MEMORY_RECORDS = 400 };

typedef struct memory_store {
    hesse_record whats[MEMORY_RECORDS];
    size_t counts[MEMORY_RECORDS];
    double *numbers[MEMORY_RECORDS];
    int count, left, loaded; /* left: steps until the end; negative: none */
} memory_store;

/** The functions below see a memory behind this pointer. */
static hesse_checkpoint *memory_checkpoint(memory_store *m)
{
    return (hesse_checkpoint *)m;
}

static int memory_find(const memory_store *m, const hesse_record *what)
{
    int i = 0;
    while (i < m->count && memcmp(&m->whats[i], what, sizeof *what) != 0) i++;
    return i;
}

bool __wrap_hesse_checkpoint_has(const hesse_checkpoint *c, const hesse_record *what,
                                 size_t count);
hesse_status __wrap_hesse_checkpoint_load(hesse_checkpoint *c, const hesse_record *what,
                                          double *numbers, hesse_why *why);
hesse_status __wrap_hesse_checkpoint_save(hesse_checkpoint *c, const hesse_record *what,
                                          size_t count, const double *numbers,
                                          hesse_why *why);
hesse_status __wrap_hesse_checkpoint_continue(hesse_checkpoint *c, hesse_why *why);

bool __wrap_hesse_checkpoint_has(const hesse_checkpoint *c, const hesse_record *what,
                                 size_t count)
{
    const memory_store *m = (const memory_store *)c;
    const int i = m ? memory_find(m, what) : 0;
    return m && i < m->count && m->counts[i] == count;
}

hesse_status __wrap_hesse_checkpoint_load(hesse_checkpoint *c, const hesse_record *what,
                                          double *numbers, hesse_why *why)
{
    memory_store *m = (memory_store *)c;
    const int i = memory_find(m, what);
    (void)why;
    m->loaded++;
    memcpy(numbers, m->numbers[i], m->counts[i] * sizeof *numbers);
    return HESSE_OK;
}

hesse_status __wrap_hesse_checkpoint_save(hesse_checkpoint *c, const hesse_record *what,
                                          size_t count, const double *numbers,
                                          hesse_why *why)
{
    memory_store *m = (memory_store *)c;
    double *own = malloc(count * sizeof *own);
    (void)why;
    if (!own || m->count == MEMORY_RECORDS) abort();
    memcpy(own, numbers, count * sizeof *own);
    m->whats[m->count] = *what, m->counts[m->count] = count;
    m->numbers[m->count++] = own;
    return HESSE_OK;
}

hesse_status __wrap_hesse_checkpoint_continue(hesse_checkpoint *c, hesse_why *why)
{
    memory_store *m = (memory_store *)c;
    if (!m || m->left-- != 0) return HESSE_OK;
    return hesse_fail(why, HESSE_E_STOPPED, "enough");
}

/** Collective over all ranks. All have the records of rank 0. */
static void memory_share(memory_store *m)
{
    const int before = m->count;
    MPI_Bcast(&m->count, 1, MPI_INT, 0, MPI_COMM_WORLD);
    for (int i = 0; i < m->count; i++) {
        MPI_Bcast(&m->whats[i], sizeof m->whats[i], MPI_BYTE, 0, MPI_COMM_WORLD);
        MPI_Bcast(&m->counts[i], sizeof m->counts[i], MPI_BYTE, 0, MPI_COMM_WORLD);
        if (i >= before) m->numbers[i] = malloc(m->counts[i] * sizeof(double));
        MPI_Bcast(m->numbers[i], (int)m->counts[i], MPI_DOUBLE, 0, MPI_COMM_WORLD);
    }
}

static void memory_free(memory_store *m)
{
    for (int i = 0; i < m->count; i++) free(m->numbers[i]);
    free(m);
}

#endif /* HESSE_TESTS_CHECK_CHECKPOINT_H */
