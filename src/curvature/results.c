/* One sum over the ranks tells all results: for every block the first rank of its group
   brings the numbers, the others bring zeros. Thousands of small blocks need no more
   messages than one. */
#include "curvature/results.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* The results of a block besides its eigenvalues and eigenvectors. */
typedef struct numbers {
    double engine, check_trace, check_frobenius, check_symmetry, seconds;
    hesse_sums sums;
} numbers;

enum { NUMBERS = sizeof(numbers) / sizeof(double) };

static numbers numbers_of(const hesse_spectrum *x, const hesse_sums *sums)
{
    return (numbers){.engine = x->engine,
                     .check_trace = x->check_trace,
                     .check_frobenius = x->check_frobenius,
                     .check_symmetry = x->check_symmetry,
                     .seconds = x->seconds,
                     .sums = *sums};
}

static void set_numbers(hesse_spectrum *x, hesse_sums *sums, const numbers *from)
{
    x->engine = (hesse_engine)from->engine;
    x->check_trace = from->check_trace;
    x->check_frobenius = from->check_frobenius;
    x->check_symmetry = from->check_symmetry;
    x->seconds = from->seconds;
    *sums = from->sums;
}

static size_t size_of(size_t n, size_t vectors, size_t index)
{
    return NUMBERS + n + vectors * (n + 1) + index;
}

/* The counts of eigenvalues of a block; the whole matrix is the last one. */
static double *counts_of(const hesse_share_results *f, int block)
{
    return f->n_index ? f->below + (size_t)block * (size_t)f->n_index : NULL;
}

static size_t size_of_block(const hesse_share_results *f, int block)
{
    return size_of((size_t)f->spectra[block]->n, (size_t)f->spectra[block]->vectors,
                   (size_t)f->n_index);
}

static void pack(const hesse_share_results *f, int block, const hesse_spectrum *x,
                 const hesse_sums *sums, double *to)
{
    const size_t n = (size_t)x->n, m = (size_t)x->vectors;
    const numbers head = numbers_of(x, sums);
    memcpy(to, &head, sizeof head);
    memcpy(to += NUMBERS, x->eigenvalues, n * sizeof *to);
    to += n;
    if (m) memcpy(to, x->eigenvectors, n * m * sizeof *to);
    if (m) memcpy(to + n * m, x->residuals, m * sizeof *to);
    to += m * (n + 1);
    if (f->n_index) memcpy(to, counts_of(f, block), (size_t)f->n_index * sizeof *to);
}

static void unpack(hesse_share_results *f, int block, hesse_spectrum *x,
                   hesse_sums *sums, const double *from)
{
    const size_t n = (size_t)x->n, m = (size_t)x->vectors;
    numbers head;
    memcpy(&head, from, sizeof head);
    set_numbers(x, sums, &head);
    memcpy(x->eigenvalues, from += NUMBERS, n * sizeof *from);
    from += n;
    if (m) memcpy(x->eigenvectors, from, n * m * sizeof *from);
    if (m) memcpy(x->residuals, from + n * m, m * sizeof *from);
    from += m * (n + 1);
    if (f->n_index)
        memcpy(counts_of(f, block), from, (size_t)f->n_index * sizeof *from);
}

hesse_status hesse_share_results_share(hesse_team *team, const hesse_schedule *schedule,
                                       const hesse_partition *partition, int vectors,
                                       hesse_share_results *f)
{
    size_t size = 0, at = 0;
    hesse_status status = HESSE_OK;
    for (int i = 0; !status && i < schedule->count; i++) {
        const int block = schedule->tasks[i].block;
        hesse_spectrum **x = &f->spectra[block];
        if (!*x)
            status = hesse_spectrum_new((int)partition->blocks[block].size, vectors, x,
                                        &team->why);
        if (!status) size += size_of_block(f, block);
    }
    double *all = status ? NULL : hesse_alloc(size);
    if (!status && !all)
        status = hesse_fail(&team->why, HESSE_E_NOMEM,
                            "%zu bytes for the spectra of %d blocks are not there",
                            size * sizeof *all, schedule->count);
    status = hesse_agree(team, status);
    for (int i = 0; !status && i < schedule->count; i++) {
        const hesse_task *t = &schedule->tasks[i];
        if (t->group.first == team->rank)
            pack(f, t->block, f->spectra[t->block], &f->sums[t->block], all + at);
        at += size_of_block(f, t->block);
    }
    if (!status) hesse_team_sum(team, all, size);
    at = 0;
    for (int i = 0; !status && i < schedule->count; i++) {
        const int block = schedule->tasks[i].block;
        unpack(f, block, f->spectra[block], &f->sums[block], all + at);
        at += size_of_block(f, block);
    }
    free(all);
    return status;
}

/* Return how many numbers a record has: those of a spectrum, and of the coupling if it
   belongs to the whole. */
static size_t record_size(const hesse_share_results *f, const hesse_record *what, int n,
                          int vectors)
{
    const int most = 2 * vectors < n ? 2 * vectors : n;
    const size_t blocks = (size_t)f->blocks;
    return size_of((size_t)n, (size_t)most, (size_t)f->n_index) +
           (what->kind == HESSE_RECORD_WHOLE ? blocks * blocks : 0);
}

bool hesse_share_results_known(const hesse_share_results *f,
                               const hesse_checkpoint *checkpoint,
                               const hesse_record *what, int n, int vectors)
{
    return hesse_checkpoint_has(checkpoint, what, record_size(f, what, n, vectors));
}

hesse_status hesse_share_results_load(hesse_share_results *f,
                                      const hesse_checkpoint *checkpoint,
                                      const hesse_record *what, int n, int vectors,
                                      hesse_why *why)
{
    const bool whole = what->kind == HESSE_RECORD_WHOLE;
    const size_t size = record_size(f, what, n, vectors), blocks = (size_t)f->blocks;
    hesse_spectrum **spectrum = whole ? &f->full : &f->spectra[what->block];
    double *list = hesse_alloc(size);
    hesse_status s = HESSE_OK;
    if (!list)
        s = hesse_fail(why, HESSE_E_NOMEM, "out of memory for a record of order %d", n);
    if (!s) s = hesse_spectrum_new(n, vectors, spectrum, why);
    if (!s) s = hesse_checkpoint_load(checkpoint, what, list, why);
    if (!s)
        unpack(f, whole ? f->blocks : what->block, *spectrum,
               whole ? &f->all : &f->sums[what->block], list);
    if (!s && whole)
        memcpy(f->coupling, list + (size - blocks * blocks),
               blocks * blocks * sizeof *list);
    free(list);
    return s;
}

hesse_status hesse_share_results_save(const hesse_share_results *f,
                                      hesse_checkpoint *checkpoint,
                                      const hesse_record *what, hesse_why *why)
{
    const bool whole = what->kind == HESSE_RECORD_WHOLE;
    const hesse_spectrum *x = whole ? f->full : f->spectra[what->block];
    const size_t own = size_of((size_t)x->n, (size_t)x->vectors, (size_t)f->n_index);
    const size_t more = whole ? (size_t)f->blocks * (size_t)f->blocks : 0;
    double *list = hesse_alloc(own + more);
    if (!list)
        return hesse_fail(why, HESSE_E_NOMEM, "out of memory for a record of order %d",
                          x->n);
    pack(f, whole ? f->blocks : what->block, x, whole ? &f->all : &f->sums[what->block],
         list);
    if (whole) memcpy(list + own, f->coupling, more * sizeof *list);
    const hesse_status s =
        hesse_checkpoint_save(checkpoint, what, own + more, list, why);
    free(list);
    return s;
}
