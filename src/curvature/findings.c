/* One sum over the ranks tells all: of every block the first rank of its group brings the
   numbers, the others zeros. Thousands of small blocks cost no more messages than one. */
#include "curvature/findings.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

bool hesse_findings_new(hesse_findings *f, int blocks, bool coupled)
{
    const size_t count = (size_t)blocks;
    *f = (hesse_findings){.blocks = blocks};
    f->spectra = hesse_calloc(count, sizeof(void *));
    f->sums = hesse_calloc(count, sizeof *f->sums);
    if (coupled) f->coupling = hesse_alloc(count * count);
    return f->spectra && f->sums && (!coupled || f->coupling);
}

void hesse_findings_free(hesse_findings *findings, int shares)
{
    for (int s = 0; findings && s < shares; s++) {
        hesse_findings *f = &findings[s];
        for (int b = 0; f->spectra && b < f->blocks; b++)
            hesse_spectrum_free(f->spectra[b]);
        hesse_spectrum_free(f->full);
        free(f->spectra);
        free(f->sums);
        free(f->coupling);
    }
    free(findings);
}

/* What a block has besides its eigenvalues and eigenvectors. */
typedef struct numbers {
    double engine, proof_trace, proof_frobenius, proof_symmetry, seconds;
    hesse_sums sums;
} numbers;

enum { NUMBERS = sizeof(numbers) / sizeof(double) };

static numbers numbers_of(const hesse_spectrum *x, const hesse_sums *sums)
{
    return (numbers){.engine = x->engine,
                     .proof_trace = x->proof_trace,
                     .proof_frobenius = x->proof_frobenius,
                     .proof_symmetry = x->proof_symmetry,
                     .seconds = x->seconds,
                     .sums = *sums};
}

static void set_numbers(hesse_spectrum *x, hesse_sums *sums, const numbers *from)
{
    x->engine = (hesse_engine)from->engine;
    x->proof_trace = from->proof_trace;
    x->proof_frobenius = from->proof_frobenius;
    x->proof_symmetry = from->proof_symmetry;
    x->seconds = from->seconds;
    *sums = from->sums;
}

static size_t size_of(const hesse_spectrum *x)
{
    const size_t n = (size_t)x->n, m = (size_t)x->vectors;
    return NUMBERS + n + m * (n + 1);
}

static void pack(const hesse_spectrum *x, const hesse_sums *sums, double *to)
{
    const size_t n = (size_t)x->n, m = (size_t)x->vectors;
    const numbers head = numbers_of(x, sums);
    memcpy(to, &head, sizeof head);
    memcpy(to += NUMBERS, x->eigenvalues, n * sizeof *to);
    if (m) memcpy(to += n, x->eigenvectors, n * m * sizeof *to);
    if (m) memcpy(to + n * m, x->residuals, m * sizeof *to);
}

static void unpack(hesse_spectrum *x, hesse_sums *sums, const double *from)
{
    const size_t n = (size_t)x->n, m = (size_t)x->vectors;
    numbers head;
    memcpy(&head, from, sizeof head);
    set_numbers(x, sums, &head);
    memcpy(x->eigenvalues, from += NUMBERS, n * sizeof *from);
    if (m) memcpy(x->eigenvectors, from += n, n * m * sizeof *from);
    if (m) memcpy(x->residuals, from + n * m, m * sizeof *from);
}

hesse_status hesse_findings_share(hesse_team *team, const hesse_schedule *schedule,
                                  const hesse_partition *partition, int vectors,
                                  hesse_findings *f)
{
    size_t size = 0, at = 0;
    hesse_status status = HESSE_OK;
    for (int i = 0; !status && i < schedule->count; i++) {
        const int block = schedule->tasks[i].block;
        hesse_spectrum **x = &f->spectra[block];
        if (!*x)
            status = hesse_spectrum_new((int)partition->blocks[block].size, vectors, x,
                                        &team->why);
        if (!status) size += size_of(*x);
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
            pack(f->spectra[t->block], &f->sums[t->block], all + at);
        at += size_of(f->spectra[t->block]);
    }
    if (!status) hesse_team_sum(team, all, size);
    at = 0;
    for (int i = 0; !status && i < schedule->count; i++) {
        const int block = schedule->tasks[i].block;
        unpack(f->spectra[block], &f->sums[block], all + at);
        at += size_of(f->spectra[block]);
    }
    free(all);
    return status;
}
