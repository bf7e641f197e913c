/* The numbers of a step are taken over when it ends, because the results of a step are
   freed before the next one. */
#include "output/series.h"

#include "base/memory.h"
#include "output/store.h"
#include "output/write_set.h"
#include "parallel/team.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The leading eigenvectors of a matrix at the last step that had them. */
typedef struct leading {
    size_t n, count;
    int step;        /* that they belong to */
    double *vectors; /* [count][n]; NULL: none */
} leading;

/* The numbers of one share. */
typedef struct share_numbers {
    const char *name;
    bool blocks, full;              /* some step has blocks, or the full matrix */
    double *columns[HESSE_COLUMNS]; /* [steps x blocks] */
    double *whole[HESSE_COLUMNS];   /* [steps]          */
    double *means[HESSE_DISTANCES]; /* [steps]          */
    bool has_means[HESSE_DISTANCES];
    leading *last;   /* [blocks + 1]           */
    double *overlap; /* [steps x (blocks + 1)] */
    bool has_overlap;
} share_numbers;

struct hesse_series_numbers {
    int steps, blocks, n_shares;
    const int64_t *step;
    const char *const *path;
    char (*digest)[HESSE_DIGEST_LENGTH];
    char **failure; /* NULL: none */
    double *loss, *gradient_norm;
    share_numbers *shares;
};

void hesse_step_prefix(int64_t step, char prefix[HESSE_STEP_PREFIX])
{
    snprintf(prefix, HESSE_STEP_PREFIX, "steps/%06lld/", (long long)step);
}

/* Numbers that are NaN; NULL when memory is exhausted. */
static double *none(size_t count)
{
    double *x = hesse_alloc(count);
    for (size_t i = 0; x && i < count; i++) x[i] = NAN;
    return x;
}

static bool make_share(share_numbers *s, size_t steps, size_t blocks)
{
    bool good = true;
    for (int i = 0; i < HESSE_COLUMNS; i++) {
        s->columns[i] = none(steps * blocks), s->whole[i] = none(steps);
        good = good && s->columns[i] && s->whole[i];
    }
    for (int d = 0; d < HESSE_DISTANCES; d++)
        good = (s->means[d] = none(steps)) && good;
    s->last = hesse_calloc(blocks + 1, sizeof *s->last);
    s->overlap = none(steps * (blocks + 1));
    return good && s->last && s->overlap;
}

hesse_series_numbers *hesse_series_numbers_new(int steps, const int64_t *step,
                                               const char *const *path, int blocks,
                                               int shares)
{
    hesse_series_numbers *n = hesse_calloc(1, sizeof *n);
    const size_t count = (size_t)steps;
    if (!n) return NULL;
    *n = (hesse_series_numbers){.steps = steps,
                                .blocks = blocks,
                                .n_shares = shares,
                                .step = step,
                                .path = path,
                                .digest = hesse_calloc(count, HESSE_DIGEST_LENGTH),
                                .failure = hesse_calloc(count, sizeof(char *)),
                                .loss = none(count),
                                .gradient_norm = none(count),
                                .shares =
                                    hesse_calloc((size_t)shares, sizeof *n->shares)};
    bool good = n->digest && n->failure && n->loss && n->gradient_norm && n->shares;
    for (int i = 0; n->shares && i < shares; i++)
        good = make_share(&n->shares[i], count, (size_t)blocks) && good;
    if (good) return n;
    hesse_series_numbers_free(n);
    return NULL;
}

void hesse_series_numbers_free(hesse_series_numbers *n)
{
    if (!n) return;
    for (int i = 0; n->shares && i < n->n_shares; i++) {
        for (int c = 0; c < HESSE_COLUMNS; c++) {
            free(n->shares[i].columns[c]);
            free(n->shares[i].whole[c]);
        }
        for (int d = 0; d < HESSE_DISTANCES; d++) free(n->shares[i].means[d]);
        for (int b = 0; n->shares[i].last && b <= n->blocks; b++)
            free(n->shares[i].last[b].vectors);
        free(n->shares[i].last);
        free(n->shares[i].overlap);
    }
    for (int i = 0; n->failure && i < n->steps; i++) free(n->failure[i]);
    free(n->shares);
    free(n->gradient_norm);
    free(n->loss);
    free(n->failure);
    free(n->digest);
    free(n);
}

/* The largest entry is divided out, so that squares do not overflow. */
static double norm(size_t n, const double *x)
{
    double largest = 0, sum = 0;
    for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs(x[i]));
    if (!(largest > 0)) return 0;
    for (size_t i = 0; i < n; i++) sum += x[i] / largest * (x[i] / largest);
    return largest * sqrt(sum);
}

/* The eigenvectors of the highest eigenvalues of a matrix, if they were kept. */
static leading leading_of(const hesse_share_results *from, int block)
{
    const hesse_spectrum *s = block < from->blocks ? from->spectra[block] : from->full;
    const hesse_extremes *e = from->extremes[block];
    const size_t all = (size_t)(s ? s->vectors : e ? e->vectors : 0);
    leading x = {.n = s ? (size_t)s->n : e ? e->n : 0, .count = all - all / 2};
    double *vectors = s ? s->eigenvectors : e ? e->eigenvectors : NULL;
    if (all && vectors) x.vectors = vectors + all / 2 * x.n;
    return x;
}

/* The share of one space in another: the mean squared cosine of their principal
   angles. */
static double overlap_of(const leading *a, const leading *b)
{
    double sum = 0;
    for (size_t i = 0; i < a->count; i++)
        for (size_t j = 0; j < b->count; j++) {
            double dot = 0;
            for (size_t k = 0; k < a->n; k++)
                dot += a->vectors[i * a->n + k] * b->vectors[j * b->n + k];
            sum += dot * dot;
        }
    return sum / (double)(a->count < b->count ? a->count : b->count);
}

/* Compare the leading eigenvectors with those of the step before, and keep a copy of
   them. Without memory for the copy the next step has no overlap. */
static void take_overlap(share_numbers *s, int i, int blocks,
                         const hesse_share_results *from)
{
    for (int b = 0; b <= blocks; b++) {
        const leading now = leading_of(from, b);
        leading *last = &s->last[b];
        if (!now.vectors) continue;
        if (last->vectors && last->step == i - 1 && last->n == now.n) {
            s->overlap[(size_t)i * (size_t)(blocks + 1) + (size_t)b] =
                overlap_of(last, &now);
            s->has_overlap = true;
        }
        free(last->vectors);
        *last = now, last->step = i;
        last->vectors = hesse_alloc(now.n * now.count);
        if (last->vectors)
            memcpy(last->vectors, now.vectors, now.n * now.count * sizeof(double));
    }
}

static void take_share(share_numbers *s, size_t i, size_t blocks,
                       const hesse_share_results *from)
{
    const bool full =
        from->full || (from->quadratures && from->quadratures[from->blocks]);
    s->name = from->name;
    s->full = s->full || full;
    for (size_t b = 0; b < blocks; b++)
        s->blocks = s->blocks || (from->spectra && from->spectra[b]) ||
                    (from->quadratures && from->quadratures[b]);
    for (int c = 0; c < HESSE_COLUMNS; c++) {
        for (size_t b = 0; b < blocks; b++)
            s->columns[c][i * blocks + b] = hesse_share_number(from, (int)b, c);
        s->whole[c][i] = hesse_share_number(from, from->blocks, c);
    }
    take_overlap(s, (int)i, (int)blocks, from);
    for (int d = 0; d < from->n_distances; d++) {
        const hesse_distance kind = from->distances[d].kind;
        s->has_means[kind] = true;
        s->means[kind][i] = from->distances[d].mean;
    }
}

void hesse_series_numbers_take(hesse_series_numbers *n, int i, const char *digest,
                               double loss, size_t count, const double *gradient,
                               const hesse_share_results *const *shares)
{
    snprintf(n->digest[i], HESSE_DIGEST_LENGTH, "%s", digest);
    n->loss[i] = loss, n->gradient_norm[i] = norm(count, gradient);
    for (int s = 0; s < n->n_shares; s++)
        take_share(&n->shares[s], (size_t)i, (size_t)n->blocks, shares[s]);
}

bool hesse_series_numbers_fail(hesse_series_numbers *n, int i, const char *digest,
                               const char *failure)
{
    snprintf(n->digest[i], HESSE_DIGEST_LENGTH, "%s", digest);
    free(n->failure[i]);
    return (n->failure[i] = hesse_copy(failure)) != NULL;
}

/* Write the overlaps of the blocks, and those of the full matrix. */
static void write_overlap(hesse_store *store, const hesse_series_numbers *n,
                          const share_numbers *s, const char *where, const char *full)
{
    const size_t steps = (size_t)n->steps, blocks = (size_t)n->blocks,
                 shape[] = {steps, blocks};
    double *values = hesse_alloc(steps * (blocks + 1));
    if (!values) {
        hesse_store_no_memory(store);
        return;
    }
    for (size_t i = 0; i < steps; i++) {
        memcpy(values + i * blocks, s->overlap + i * (blocks + 1),
               blocks * sizeof *values);
        values[steps * blocks + i] = s->overlap[i * (blocks + 1) + blocks];
    }
    if (s->blocks)
        hesse_write_doubles(store, where, "overlap", "", false, 2, shape, values);
    if (s->full)
        hesse_write_doubles(store, full, "overlap", "", false, 1, shape,
                            values + steps * blocks);
    free(values);
}

static void write_share(hesse_store *store, const hesse_series_numbers *n,
                        const share_numbers *s, bool scaled)
{
    char where[HESSE_PATH] = "series/", full[HESSE_PATH], path[HESSE_PATH];
    const size_t shape[] = {(size_t)n->steps, (size_t)n->blocks};
    if (!s->name) return;
    const bool share = strcmp(s->name, "hessian") != 0;
    if (share) hesse_store_path(store, where, "series/parts/%s/", s->name);
    hesse_store_path(store, full, "%sfull/", where);
    for (int i = 0; hesse_schema_series_column(i); i++) {
        if (s->blocks)
            hesse_write_doubles(store, where, hesse_schema_series_column(i), "", false,
                                2, shape, s->columns[i]);
        if (s->full)
            hesse_write_doubles(store, full, hesse_schema_column(i), "", false, 1,
                                shape, s->whole[i]);
    }
    if (s->full) hesse_store_link(store, hesse_store_path(store, path, "%sstep", full));
    if (share) hesse_store_link(store, hesse_store_path(store, path, "%sstep", where));
    if (s->has_overlap) write_overlap(store, n, s, where, full);
    for (int d = 0; d < HESSE_DISTANCES; d++)
        if (s->has_means[d])
            hesse_write_doubles(store, where, hesse_distance_name((hesse_distance)d),
                                "0", scaled, 1, shape, s->means[d]);
}

static void write_series(hesse_store *store, const hesse_series_numbers *n, bool scaled)
{
    const size_t count = (size_t)n->steps;
    const char **texts = hesse_calloc(2 * count, sizeof *texts);
    if (!texts) {
        hesse_store_no_memory(store);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        texts[i] = n->digest[i];
        texts[count + i] = n->failure[i] ? n->failure[i] : "";
    }
    hesse_write_wholes(store, "series/step", 1, &count, n->step);
    hesse_write_texts(store, "series/checkpoint", 1, &count, n->path);
    hesse_write_texts(store, "series/checkpoint_sha256", 1, &count, texts);
    hesse_write_texts(store, "series/failure", 1, &count, texts + count);
    hesse_write_doubles(store, "series/", "loss", "", false, 1, &count, n->loss);
    hesse_write_doubles(store, "series/", "gradient_norm", "", false, 1, &count,
                        n->gradient_norm);
    for (int i = 0; i < n->n_shares; i++) write_share(store, n, &n->shares[i], scaled);
    free(texts);
}

hesse_status hesse_result_series(hesse_result *result,
                                 const hesse_series_numbers *numbers, bool scaled)
{
    result->prefix = "";
    if (hesse_store_agree(result)) return result->status;
    if (result->team->rank == 0) write_series(result, numbers, scaled);
    return hesse_store_agree(result);
}
