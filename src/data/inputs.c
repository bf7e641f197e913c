/* An array of numbers is N x features (one token), N x tokens x features or, for
   images, N x rows x columns x channels or N x channels x rows x columns. An array of
   integers is N x tokens, and they are ids. A second array has labels, N or N x tokens,
   and labels below 0 are ignored; or it has targets, N x outputs or N x tokens x
   outputs. Classes are the largest label
   + 1, the vocabulary is the largest id + 1. An array is read completely, as doubles,
   which are exact for every integer below 2^53. */
#include "data/choose.h"
#include "data/class_labels.h"
#include "data/kinds.h"
#include "data/layout.h"
#include "data/padding.h"

#include "base/memory.h"
#include "files/file.h"
#include "files/npy.h"

#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const hesse_owned_key keys[] = {
    {"labels", NULL},  {"targets", NULL}, {"layout", NULL},   {"mask", NULL},
    {"padding", NULL}, {"types", NULL},   {"shift", "false"}, {NULL, NULL}};

static hesse_data_reader read_examples;

const hesse_data_kind hesse_data_inputs = {
    .name = "inputs",
    .help = "Numbers, images or ids from a `.npy` file, with labels or targets from "
            "another; the first examples are taken.",
    .examples =
        1 << HESSE_READS_IDS | 1 << HESSE_READS_NUMBERS | 1 << HESSE_READS_IMAGES,
    .least_paths = 1,
    .most_paths = 1,
    .keys = keys,
    .read = read_examples};

typedef struct array {
    const char *path;
    hesse_npy form;
    double *x;
} array;

static bool whole(const array *a)
{
    return strchr("iub", a->form.kind) != NULL;
}

static hesse_status check_form(const array *a, hesse_why *why)
{
    const hesse_npy *f = &a->form;
    const bool real = f->kind == 'f' && (f->width == 4 || f->width == 8);
    if (!real && !(whole(a) && f->width <= 8))
        return hesse_fail(
            why, HESSE_E_INPUT,
            "%s: holds type '%c%d', expected integers or floats of 4 or 8 "
            "bytes",
            a->path, f->kind, f->width);
    if (f->rank < 1 || f->rank > 4 || f->fortran)
        return hesse_fail(
            why, HESSE_E_INPUT,
            "%s: holds an array of rank %d%s, expected rank 1 to 4, by rows", a->path,
            f->rank, f->fortran ? " by columns" : "");
    if (f->count == 0 || f->count > INT_MAX)
        return hesse_fail(why, HESSE_E_INPUT,
                          "%s: holds %zu numbers, expected 1 to 2^31 - 1", a->path,
                          f->count);
    return HESSE_OK;
}

static hesse_status read_numbers(const char *bytes, array *a, hesse_why *why)
{
    const unsigned char *at = (const unsigned char *)bytes + a->form.data;
    a->x = hesse_alloc(a->form.count);
    if (!a->x)
        return hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory for %zu numbers",
                          a->path, a->form.count);
    for (size_t i = 0; i < a->form.count; i++) {
        a->x[i] = hesse_npy_number(&a->form, at + i * (size_t)a->form.width);
        if (!isfinite(a->x[i]))
            return hesse_fail(
                why, HESSE_E_INPUT,
                "%s: element %zu (from 0) is %g, expected a finite number", a->path, i,
                a->x[i]);
    }
    return HESSE_OK;
}

static hesse_status read_array(const char *path, hesse_digester *digest, array *a,
                               hesse_why *why)
{
    FILE *file = NULL;
    char *bytes = NULL;
    size_t size = 0;
    a->path = path;
    hesse_status s = hesse_file_open(path, &file, &size, why);
    if (!s) s = hesse_npy_header(file, path, size, &a->form, why);
    if (file) fclose(file);
    if (!s) s = check_form(a, why);
    if (!s) s = hesse_file_load(path, &bytes, &size, why);
    if (!s) hesse_digest_add(digest, bytes, size);
    if (!s) s = read_numbers(bytes, a, why);
    free(bytes);
    return s;
}

static size_t per_example(const array *a)
{
    return a->form.count / a->form.shape[0];
}

/* Converts whole numbers to ints; `end` is the largest of them + 1. */
static hesse_status integers(const array *a, int count, int **list, int *end,
                             hesse_why *why)
{
    const size_t all = (size_t)count * per_example(a);
    *list = hesse_calloc(all, sizeof **list);
    *end = 0;
    if (!*list) return hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory", a->path);
    for (size_t i = 0; i < all; i++) {
        if (!(a->x[i] > -INT_MAX && a->x[i] < 1 << 24))
            return hesse_fail(why, HESSE_E_INPUT,
                              "%s: element %zu (from 0) is %g, expected less than 2^24",
                              a->path, i, a->x[i]);
        (*list)[i] = (int)a->x[i];
        if ((*list)[i] >= *end) *end = (*list)[i] + 1;
    }
    return HESSE_OK;
}

/* Bring the channels of a pixel together, and make the shape that of such an array. */
static hesse_status put_channels_last(array *a, hesse_why *why)
{
    size_t *n = a->form.shape;
    const size_t pixels = n[2] * n[3], channels = n[1], rows = n[2], cols = n[3];
    double *x = hesse_alloc(a->form.count);
    if (!x) return hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory", a->path);
    for (size_t i = 0; i < n[0]; i++)
        for (size_t c = 0; c < channels; c++)
            for (size_t p = 0; p < pixels; p++)
                x[(i * pixels + p) * channels + c] =
                    a->x[(i * channels + c) * pixels + p];
    free(a->x);
    a->x = x;
    n[1] = rows, n[2] = cols, n[3] = channels;
    return HESSE_OK;
}

static hesse_status arrange(const hesse_data_options *o, array *a, hesse_batch *b,
                            hesse_why *why)
{
    bool first = false;
    if (a->form.rank != 4) return HESSE_OK;
    hesse_status s = hesse_layout_choose(o->layout, a->path, &a->form, &first, why);
    if (!s && first) s = put_channels_last(a, why);
    if (!s)
        hesse_layout_describe(".npy", &a->form, (int)a->form.shape[1],
                              (int)a->form.shape[2], (int)a->form.shape[3], first,
                              b->form);
    return s;
}

static hesse_status set_inputs(array *a, hesse_batch *b, hesse_why *why)
{
    const size_t *n = a->form.shape;
    const int rank = a->form.rank;
    if (rank == 2 && whole(a)) {
        b->context = (int)n[1];
        hesse_status s = integers(a, b->sequences, &b->input, &b->vocabulary, why);
        hesse_data_reading *r = &b->reading;
        snprintf(r->type, sizeof r->type, "%s%d", a->form.kind == 'u' ? "uint" : "int",
                 8 * a->form.width);
        r->vocabulary = b->vocabulary;
        snprintf(r->source, sizeof r->source, "the largest id");
        for (int i = 0; !s && i < b->sequences * b->context; i++)
            if (b->input[i] < 0)
                s = hesse_fail(why, HESSE_E_INPUT,
                               "%s: element %d (from 0) is %d, expected an id from 0",
                               a->path, i, b->input[i]);
        return s;
    }
    if (rank == 1)
        return hesse_fail(why, HESSE_E_INPUT,
                          "%s: holds an array of rank 1, expected 2 to 4", a->path);
    b->context = rank == 2 ? 1 : (int)n[1] * (rank == 4 ? (int)n[2] : 1);
    b->width = (int)n[rank - 1];
    if (rank == 4) b->rows = (int)n[1], b->cols = (int)n[2];
    b->x = a->x, a->x = NULL;
    return HESSE_OK;
}

/* Numbers that a loss compares with: an array of rank 1 has one for each example. */
static hesse_status set_numbers(array *a, bool labels, hesse_batch *b, hesse_why *why)
{
    const int rank = a->form.rank;
    if (rank > (labels ? 2 : 3))
        return hesse_fail(why, HESSE_E_INPUT,
                          "%s: holds an array of rank %d, expected a number for each "
                          "example, or a row of them",
                          a->path, rank);
    b->wanted_width = rank == 1 ? 1 : (int)a->form.shape[rank - 1];
    b->wanted_tokens = (int)per_example(a) / b->wanted_width;
    b->wanted = a->x, a->x = NULL;
    return HESSE_OK;
}

static hesse_status set_wanted(array *a, bool labels, bool numbers, hesse_batch *b,
                               hesse_why *why)
{
    const int rank = a->form.rank;
    if (a->form.shape[0] < (size_t)b->sequences)
        return hesse_fail(why, HESSE_E_INPUT,
                          "%s: holds %zu examples, expected %d or more", a->path,
                          a->form.shape[0], b->sequences);
    if (numbers) return set_numbers(a, labels, b, why);
    if (rank > (labels ? 2 : 3) || (labels && !whole(a)) || (!labels && rank == 1))
        return hesse_fail(why, HESSE_E_INPUT,
                          "%s: holds an array of rank %d, expected %s", a->path, rank,
                          labels ? "integers of rank 1 or 2" : "rank 2 or 3");
    if (labels) {
        b->labels = (int)per_example(a);
        return integers(a, b->sequences, &b->target, &b->classes, why);
    }
    b->wanted_width = (int)a->form.shape[rank - 1];
    b->wanted_tokens = (int)per_example(a) / b->wanted_width;
    b->wanted = a->x, a->x = NULL;
    return HESSE_OK;
}

/* Labels as Hugging Face's collators write them stand at their own tokens. */
static hesse_status shift_labels(const hesse_data_options *o,
                                 const hesse_data_needs *needs, hesse_batch *b,
                                 hesse_why *why)
{
    const int tokens = b->sequences * b->context;
    int labels = 0, equal = 0;
    const bool each = b->target && b->input && b->labels == b->context;
    if (o->shift && !each)
        return hesse_fail(why, HESSE_E_JOB,
                          "%s: labels can be shifted where every token has an id and a "
                          "label",
                          o->paths[0]);
    for (int i = 0; each && i < tokens; i++)
        labels += b->target[i] >= 0, equal += b->target[i] == b->input[i];
    if (each && !o->shift && !needs->full && labels && equal == labels)
        return hesse_fail(why, HESSE_E_INPUT,
                          "%s: every label is the id of its own token, which a causal "
                          "model sees, expected the next token, or shifted labels, as "
                          "Hugging Face's collators write them",
                          o->labels);
    for (int i = 0; o->shift && i < tokens; i++)
        b->target[i] = (i + 1) % b->context ? b->target[i + 1] : HESSE_IGNORED;
    return HESSE_OK;
}

/* Read integers from `low` on that stand beside the ids. */
static hesse_status read_beside(const char *path, int low, int high,
                                hesse_digester *digest, const hesse_batch *b,
                                int **list, hesse_why *why)
{
    array a = {0};
    int end;
    hesse_status s = read_array(path, digest, &a, why);
    const size_t *n = a.form.shape;
    if (!s && (!b->input || a.form.rank != 2 || !whole(&a) ||
               n[0] < (size_t)b->sequences || n[1] != (size_t)b->context))
        s = hesse_fail(why, HESSE_E_INPUT,
                       "%s: expected integers of the shape of the ids, %d x %d", path,
                       b->sequences, b->context);
    if (!s) s = integers(&a, b->sequences, list, &end, why);
    for (int i = 0; !s && i < b->sequences * b->context; i++)
        if ((*list)[i] < low || (*list)[i] > high)
            s = hesse_fail(why, HESSE_E_INPUT,
                           "%s: element %d (from 0) is %d, expected %d to %d", path, i,
                           (*list)[i], low, high);
    free(a.x);
    return s;
}

/* Hide padding that a mask or an id names, and notice other padding. */
static hesse_status hide_padding(const hesse_data_options *o,
                                 const hesse_data_needs *needs, hesse_digester *digest,
                                 hesse_batch *b, hesse_why *why)
{
    const int tokens = b->sequences * b->context;
    const char *path = o->mask ? o->mask : o->paths[0];
    int *mask = NULL;
    if (!b->input || !(o->mask || o->padding))
        return b->input && needs->pad ? hesse_padding_notice(b, path, needs, why)
                                      : HESSE_OK;
    bool *seen = hesse_calloc((size_t)tokens, sizeof *seen);
    hesse_status s =
        seen ? HESSE_OK : hesse_fail(why, HESSE_E_NOMEM, "out of memory for the data");
    if (!s && o->mask) s = read_beside(o->mask, 0, 1, digest, b, &mask, why);
    for (int i = 0; !s && i < tokens; i++)
        seen[i] = mask ? mask[i] : b->input[i] != *o->padding;
    if (!s) s = hesse_padding_hide(b, path, seen, needs->full, why);
    if (!s && needs->positions_skip_padding && !hesse_padding_positions_by_id(needs))
        s = hesse_padding_skip(b, seen, -1, why);
    free(mask);
    free(seen);
    return s;
}

static hesse_status set_tokens(const hesse_data_options *o,
                               const hesse_data_needs *needs, hesse_digester *digest,
                               hesse_batch *b, hesse_why *why)
{
    if (!b->input && (o->mask || o->padding || o->types))
        return hesse_fail(why, HESSE_E_JOB,
                          "%s: holds no token ids, to which a mask, padding and types "
                          "belong",
                          o->paths[0]);
    if (o->mask && o->padding)
        return hesse_fail(why, HESSE_E_JOB,
                          "%s: a mask and the id of padding are given, expected one",
                          o->mask);
    if (b->input) {
        hesse_data_reading *r = &b->reading;
        snprintf(r->layout, sizeof r->layout, "rows");
        snprintf(r->mask, sizeof r->mask, "%s",
                 o->mask      ? "padding by a mask"
                 : o->padding ? "padding by its id"
                              : "none");
        snprintf(r->labels, sizeof r->labels, "%s%s", o->labels ? "labels" : "targets",
                 o->shift ? ", shifted by one token" : "");
    }
    hesse_status s = shift_labels(o, needs, b, why);
    if (!s) s = hide_padding(o, needs, digest, b, why);
    if (!s && o->types) s = read_beside(o->types, 0, 1 << 20, digest, b, &b->type, why);
    return s;
}

static int label_of(const void *labels, size_t i)
{
    const double x = ((const double *)labels)[i];
    return x < 0 ? -1 : x < INT_MAX ? (int)x : INT_MAX;
}

static hesse_status check_classes(const array *labels, const hesse_data_needs *needs,
                                  hesse_batch *b, hesse_why *why)
{
    if (!b->target || needs->words) return HESSE_OK;
    return hesse_class_labels_check(labels->path, label_of, labels->x,
                                    labels->form.count, needs->classes, &b->reading,
                                    why);
}

static hesse_status read_examples(const hesse_data_options *options,
                                  const hesse_data_needs *needs, hesse_batch *batch,
                                  hesse_why *why)
{
    const char *const path = options->paths[0];
    array inputs = {0}, wanted = {0};
    hesse_choice choice = {0};
    hesse_digester *digest = hesse_digest_begin();
    hesse_status s = HESSE_OK;
    if (!options->targets == !options->labels)
        s = hesse_fail(why, HESSE_E_JOB,
                       "%s: needs a file of targets or one of labels, and not both",
                       path);
    if (!s && !digest) s = hesse_fail(why, HESSE_E_NOMEM, "out of memory for a digest");
    if (!s) s = read_array(path, digest, &inputs, why);
    if (!s)
        s = read_array(options->labels ? options->labels : options->targets, digest,
                       &wanted, why);
    if (!s)
        s = hesse_choice_begin(options, HESSE_RANDOM_CHOICE, inputs.form.shape[0], path,
                               "examples", &choice, why);
    batch->sequences = (int)choice.wanted;
    if (!s) s = arrange(options, &inputs, batch, why);
    if (!s) s = set_inputs(&inputs, batch, why);
    if (!s) s = set_wanted(&wanted, options->labels, needs->numbers, batch, why);
    if (!s) s = set_tokens(options, needs, digest, batch, why);
    if (!s) s = check_classes(&wanted, needs, batch, why);
    if (!s)
        hesse_digest_end(digest, batch->digest);
    else if (digest)
        hesse_digest_drop(digest);
    free(inputs.x);
    free(wanted.x);
    return s;
}
