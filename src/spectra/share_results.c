/* In comparisons, a block is its spectrum, or the nodes of its quadrature as atoms with
   masses. */
#include "spectra/share_results.h"

#include "base/memory.h"

#include <stdlib.h>

bool hesse_share_results_new(hesse_share_results *f, int blocks, bool coupled)
{
    const size_t count = (size_t)blocks;
    *f = (hesse_share_results){.blocks = blocks};
    f->spectra = hesse_calloc(count, sizeof(void *));
    f->sums = hesse_calloc(count, sizeof *f->sums);
    f->measures = hesse_calloc(count + 1, sizeof *f->measures);
    f->quadratures = hesse_calloc(count + 1, sizeof(void *));
    f->extremes = hesse_calloc(count + 1, sizeof(void *));
    f->hutchinson = hesse_calloc(count + 1, sizeof(void *));
    if (coupled) f->coupling = hesse_alloc(count * count);
    return f->spectra && f->sums && f->measures && f->quadratures && f->extremes &&
           f->hutchinson && (!coupled || f->coupling);
}

bool hesse_share_results_index(hesse_share_results *f, int count, const double *values)
{
    const size_t all = ((size_t)f->blocks + 1) * (size_t)count;
    if (!count) return true;
    f->n_index = count, f->values = values;
    f->below = hesse_alloc(all);
    for (size_t i = 0; f->below && i < all; i++) f->below[i] = -1;
    return f->below;
}

static void free_distances(hesse_share_results *f)
{
    for (int i = 0; f->distances && i < f->n_distances; i++)
        free((double *)f->distances[i].matrix);
    free(f->distances);
    free(f->computed);
    f->distances = NULL, f->computed = NULL;
    f->n_distances = f->n_computed = 0;
}

void hesse_share_results_free(hesse_share_results *results, int shares)
{
    for (int s = 0; results && s < shares; s++) {
        hesse_share_results *f = &results[s];
        for (int b = 0; f->spectra && b < f->blocks; b++)
            hesse_spectrum_free(f->spectra[b]);
        for (int b = 0; f->quadratures && b <= f->blocks; b++)
            hesse_quadrature_free(f->quadratures[b]);
        for (int b = 0; f->extremes && b <= f->blocks; b++)
            hesse_extremes_free(f->extremes[b]);
        for (int b = 0; f->hutchinson && b <= f->blocks; b++)
            hesse_hutchinson_free(f->hutchinson[b]);
        hesse_spectrum_free(f->full);
        free_distances(f);
        free(f->quadratures);
        free(f->extremes);
        free(f->hutchinson);
        free(f->measures);
        free(f->condition_ratio);
        free(f->tails);
        free(f->below);
        free(f->spectra);
        free(f->sums);
        free(f->coupling);
    }
    free(results);
}

/* The blocks that are compared. */
typedef struct comparison {
    int count;
    hesse_eigenvalues *list;
    double **merged; /* [count] nodes of a quadrature and their masses, or NULL */
} comparison;

/* Add a block as atoms, if it has any. Return false if memory is exhausted. */
static bool add_block(hesse_share_results *f, int b, comparison *c)
{
    const hesse_spectrum *s = f->spectra[b];
    const hesse_quadrature *q = f->quadratures[b];
    hesse_eigenvalues *to = &c->list[c->count];
    if (!s && !q) return true;
    if (s) *to = (hesse_eigenvalues){.n = s->n, .lambda = s->eigenvalues};
    if (q) {
        const size_t n = (size_t)q->probes * (size_t)q->steps;
        double *merged = hesse_alloc(2 * n);
        if (!merged) return false;
        hesse_quadrature_merge(q, merged, merged + n);
        *to = (hesse_eigenvalues){.n = (int)n,
                                  .lambda = merged,
                                  .mass = merged + n,
                                  .tenth = hesse_quadrature_tenth(q)};
        c->merged[c->count] = merged;
    }
    f->computed[c->count++] = b;
    return true;
}

hesse_status hesse_share_results_compare(hesse_share_results *f, int count,
                                         const hesse_distance *distances,
                                         const hesse_density *density, hesse_why *why)
{
    const size_t blocks = (size_t)f->blocks;
    comparison c = {.list = hesse_calloc(blocks, sizeof *c.list),
                    .merged = hesse_calloc(blocks, sizeof(void *))};
    free_distances(f);
    f->computed = hesse_calloc(blocks, sizeof *f->computed);
    f->distances = hesse_calloc((size_t)count, sizeof *f->distances);
    bool there = c.list && c.merged && f->computed && f->distances;
    for (int b = 0; there && b < f->blocks; b++) there = add_block(f, b, &c);
    hesse_status s = HESSE_OK;
    f->n_computed = c.count;
    for (int i = 0; there && !s && c.count && i < count; i++) {
        hesse_distance_result *d = &f->distances[i];
        double *matrix = hesse_alloc((size_t)c.count * (size_t)c.count);
        *d = (hesse_distance_result){
            .kind = distances[i], .settings = *density, .matrix = matrix};
        f->n_distances++;
        there = matrix;
        if (there)
            s = hesse_distances(d->kind, density, c.count, c.list, matrix, &d->mean,
                                &d->grid, why);
    }
    if (!there)
        s = hesse_fail(why, HESSE_E_NOMEM,
                       "out of memory for the distances of %d blocks", f->blocks);
    for (int i = 0; c.merged && i < c.count; i++) free(c.merged[i]);
    free(c.merged);
    free(c.list);
    return s;
}
