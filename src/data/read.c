/* A kind reads its examples, and this file adapts them to the needs of a network. */
#include "data/read.h"

#include "base/memory.h"
#include "data/choose.h"
#include "data/kinds.h"
#include "data/mask_tokens.h"
#include "data/padding.h"

#include <limits.h>
#include <stdlib.h>

static hesse_status check(const hesse_data_options *o, const hesse_data_needs *needs,
                          const hesse_data_kind *kind, hesse_why *why)
{
    const hesse_limits limits[] = {
        {"number of sequences", o->sequences, 0, INT_MAX},
        {"context", o->context, 0, 1 << 24},
        {"batch", o->batch, 0, INT_MAX},
        {"size of the images", o->size, 0, 1 << 15},
        {"number of classes that are taken", o->classes, 0, 1 << 20},
        {"mask rate", o->mask_rate, 0, 1},
        {"id of masked tokens", o->mask_id ? *o->mask_id : 0, 0, (1 << 24) - 1},
        {"number of block sizes", o->n_sizes, 0, o->sizes ? INT_MAX : 0},
        {"form of what the network reads", needs->reads, 0, HESSE_READS_IMAGES},
        {"vocabulary of the network", needs->vocabulary, 0, INT_MAX},
        {"number of the network's classes", needs->classes, 0, INT_MAX},
        {"number of the model's positions", needs->positions, 0, INT_MAX}};
    hesse_status s = hesse_check_limits(limits, sizeof limits / sizeof *limits, why);
    if (!s && (o->n_paths < kind->least_paths || o->n_paths > kind->most_paths))
        s = hesse_fail(
            why, HESSE_E_JOB,
            "data of the kind '%s' come from %s%d file%s, and %d are given", kind->name,
            kind->most_paths > kind->least_paths ? "at least " : "", kind->least_paths,
            kind->least_paths == 1 ? "" : "s", o->n_paths);
    for (int i = 0; !s && i < o->n_paths; i++)
        if (!o->paths || !o->paths[i])
            s = hesse_fail(why, HESSE_E_JOB, "path %d (from 0) of the data is missing",
                           i);
    if (!s && hesse_data_has(kind, "context") && needs->positions &&
        o->context > needs->positions)
        s = hesse_fail(why, HESSE_E_JOB,
                       "the context is %d, expected 1 to the model's %d positions",
                       o->context, needs->positions);
    return s;
}

/* The tokens of a row up to the first without a target attend to each other. The
   last token of a row is only a target, except in masked models. */
static hesse_status hide_padding(hesse_batch *b, hesse_why *why)
{
    int *lengths = hesse_calloc((size_t)b->sequences, sizeof *lengths);
    if (!lengths) return hesse_fail(why, HESSE_E_NOMEM, "out of memory for the data");
    for (int s = 0; s < b->sequences; s++) {
        const int *target = b->target + s * b->context;
        while (lengths[s] < b->context && target[lengths[s]] >= 0) lengths[s]++;
        if (!lengths[s]) lengths[s] = 1; /* something to attend to */
    }
    const hesse_status status = hesse_batch_set_visible(b, lengths, why);
    free(lengths);
    return status;
}

static hesse_status adapt(const hesse_data_options *o, const hesse_data_needs *needs,
                          const hesse_data_kind *kind, hesse_batch *b, hesse_why *why)
{
    hesse_status s = HESSE_OK;
    if (kind->words && needs->full) s = hide_padding(b, why);
    if (!s && kind->words && needs->masked) s = hesse_mask_tokens(o, needs, b, why);
    if (!s && hesse_padding_positions_by_id(needs) && b->input)
        s = hesse_padding_skip(b, NULL, needs->pad - 1, why);
    if (b->classes < needs->classes) b->classes = needs->classes;
    if (!s && needs->flat) s = hesse_batch_flatten(b, why);
    if (!s && needs->reads == HESSE_READS_IDS) s = hesse_batch_shades(b, why);
    if (needs->squared && needs->words && b->classes < needs->vocabulary)
        b->classes = needs->vocabulary;
    if (!s && needs->squared && b->target)
        s = hesse_batch_one_hot(b, needs->words, why);
    return s;
}

hesse_status hesse_data_read(const hesse_data_options *options,
                             const hesse_data_needs *needs, hesse_batch *batch,
                             hesse_why *why)
{
    const hesse_data_kind *kind =
        options->kind ? hesse_data_kind_named(options->kind) : NULL;
    *batch = (hesse_batch){0};
    if (!kind)
        return hesse_fail(why, HESSE_E_JOB, "there is no kind of data named '%s'",
                          options->kind ? options->kind : "");
    hesse_status s = check(options, needs, kind, why);
    if (!s) s = kind->read(options, needs, batch, why);
    if (!s) s = adapt(options, needs, kind, batch, why);
    if (s) hesse_batch_free(batch);
    return s;
}
