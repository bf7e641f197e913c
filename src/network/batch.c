/* All arrays of a batch hold its examples one after the other, so copies, slices and
   sizes follow from one list of the arrays. */
#include "network/batch.h"

#include "base/memory.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SHADES = 256 };

double hesse_batch_targets(const hesse_batch *batch)
{
    double count = 0;
    for (int i = 0; i < batch->sequences * batch->labels; i++)
        count += batch->target[i] >= 0;
    return count;
}

static hesse_status exhausted(hesse_why *why)
{
    return hesse_fail(why, HESSE_E_NOMEM, "out of memory for the data");
}

void hesse_batch_arrays(hesse_batch *b, hesse_batch_array arrays[HESSE_BATCH_ARRAYS])
{
    const size_t tokens = (size_t)b->context, labels = (size_t)b->labels;
    const size_t numbers = (size_t)b->wanted_tokens * (size_t)b->wanted_width;
    arrays[0] = (hesse_batch_array){(void **)&b->input, tokens * sizeof *b->input};
    arrays[1] =
        (hesse_batch_array){(void **)&b->x, tokens * (size_t)b->width * sizeof *b->x};
    arrays[2] = (hesse_batch_array){(void **)&b->target, labels * sizeof *b->target};
    arrays[3] = (hesse_batch_array){(void **)&b->wanted, numbers * sizeof *b->wanted};
    arrays[4] = (hesse_batch_array){(void **)&b->end, tokens * sizeof *b->end};
    arrays[5] = (hesse_batch_array){(void **)&b->from, tokens * sizeof *b->from};
    arrays[6] =
        (hesse_batch_array){(void **)&b->position, tokens * sizeof *b->position};
    arrays[7] = (hesse_batch_array){(void **)&b->type, tokens * sizeof *b->type};
}

hesse_batch hesse_batch_slice(const hesse_batch *all, int first, int count)
{
    hesse_batch part = *all;
    hesse_batch_array arrays[HESSE_BATCH_ARRAYS];
    assert(first >= 0 && count >= 0 && count <= all->sequences - first);
    hesse_batch_arrays(&part, arrays);
    for (int i = 0; i < HESSE_BATCH_ARRAYS; i++)
        if (*arrays[i].at)
            *arrays[i].at = (char *)*arrays[i].at + (size_t)first * arrays[i].each;
    part.sequences = count;
    return part;
}

void hesse_batch_refill(const hesse_batch *all, const int *indices, hesse_batch *part)
{
    hesse_batch from = *all;
    hesse_batch_array sources[HESSE_BATCH_ARRAYS], places[HESSE_BATCH_ARRAYS];
    hesse_batch_arrays(&from, sources);
    hesse_batch_arrays(part, places);
    for (int i = 0; i < HESSE_BATCH_ARRAYS; i++) {
        const size_t each = sources[i].each;
        if (!*sources[i].at) continue;
        for (int j = 0; j < part->sequences; j++) {
            assert(indices[j] >= 0 && indices[j] < all->sequences);
            memcpy((char *)*places[i].at + (size_t)j * each,
                   (const char *)*sources[i].at + (size_t)indices[j] * each, each);
        }
    }
}

hesse_status hesse_batch_pick(const hesse_batch *all, int count, const int *indices,
                              hesse_batch *part, hesse_why *why)
{
    hesse_batch_array arrays[HESSE_BATCH_ARRAYS];
    bool there = true;
    *part = *all;
    part->sequences = count;
    hesse_batch_arrays(part, arrays);
    for (int i = 0; i < HESSE_BATCH_ARRAYS; i++) {
        if (!*arrays[i].at) continue;
        *arrays[i].at = hesse_calloc((size_t)count, arrays[i].each);
        there &= *arrays[i].at != NULL;
    }
    if (there) {
        hesse_batch_refill(all, indices, part);
        return HESSE_OK;
    }
    hesse_batch_free(part);
    return exhausted(why);
}

hesse_status hesse_batch_set_visible(hesse_batch *b, const int *lengths, hesse_why *why)
{
    const int context = b->context;
    bool padded = false;
    for (int s = 0; s < b->sequences; s++) padded |= lengths[s] < context;
    if (!padded) return HESSE_OK;
    b->end = hesse_calloc((size_t)b->sequences * (size_t)context, sizeof *b->end);
    if (!b->end) return exhausted(why);
    for (int i = 0; i < b->sequences * context; i++) b->end[i] = lengths[i / context];
    return HESSE_OK;
}

/* The result has channels outside and pixels inside, as a weight over a whole image
   reads them. */
hesse_status hesse_batch_flatten(hesse_batch *b, hesse_why *why)
{
    const size_t pixels = (size_t)b->context, channels = (size_t)b->width;
    if (!b->rows) return HESSE_OK;
    double *from = b->x;
    double *to = hesse_alloc((size_t)b->sequences * pixels * channels);
    if (!to) return exhausted(why);
    for (size_t s = 0; s < (size_t)b->sequences; s++)
        for (size_t i = 0; i < pixels; i++)
            for (size_t c = 0; c < channels; c++)
                to[(s * channels + c) * pixels + i] =
                    from[(s * pixels + i) * channels + c];
    free(from);
    b->x = to;
    b->width *= b->context, b->context = 1, b->rows = b->cols = 0;
    return HESSE_OK;
}

hesse_status hesse_batch_shades(hesse_batch *b, hesse_why *why)
{
    const size_t count = (size_t)b->sequences * (size_t)b->context;
    if (!b->rows) return HESSE_OK;
    if (b->width != 1)
        return hesse_fail(why, HESSE_E_JOB,
                          "images of %d channels, expected grey ones as ids of shades",
                          b->width);
    b->input = hesse_calloc(count, sizeof *b->input);
    if (!b->input) return exhausted(why);
    for (size_t i = 0; i < count; i++) {
        if (!(b->x[i] >= 0 && b->x[i] <= 1))
            return hesse_fail(why, HESSE_E_JOB,
                              "a pixel is %g, expected 0 to 1 for ids of shades; they "
                              "are not normalised",
                              b->x[i]);
        b->input[i] = (int)lround((SHADES - 1) * b->x[i]);
    }
    free(b->x);
    b->x = NULL, b->width = b->rows = b->cols = 0;
    b->vocabulary = SHADES;
    return HESSE_OK;
}

hesse_status hesse_batch_one_hot(hesse_batch *b, bool ignoring, hesse_why *why)
{
    const size_t labels = (size_t)b->sequences * (size_t)b->labels;
    const size_t classes = (size_t)b->classes;
    b->wanted = hesse_calloc(labels * classes, sizeof *b->wanted);
    if (!b->wanted) return exhausted(why);
    for (size_t i = 0; i < labels; i++) {
        if (b->target[i] < 0 && ignoring) continue;
        if (b->target[i] < 0)
            return hesse_fail(why, HESSE_E_JOB,
                              "label %zu (from 0) is %d, and a squared error ignores "
                              "none, expected a class",
                              i, b->target[i]);
        b->wanted[i * classes + (size_t)b->target[i]] = 1;
    }
    b->wanted_tokens = b->labels, b->wanted_width = b->classes;
    if (ignoring) return HESSE_OK;
    free(b->target);
    b->target = NULL, b->labels = 0;
    return HESSE_OK;
}

void hesse_batch_free(hesse_batch *batch)
{
    if (!batch) return;
    hesse_batch_array arrays[HESSE_BATCH_ARRAYS];
    hesse_batch_arrays(batch, arrays);
    for (int i = 0; i < HESSE_BATCH_ARRAYS; i++) free(*arrays[i].at);
    *batch = (hesse_batch){0};
}
