/* Rows are only a way to cut a stream. One pass over all of it checks the ids and
   finds the largest; then the chosen sequences alone are kept, so a training set of
   many gigabytes costs time but no memory. */
#include "data/windows.h"

#include "data/choose.h"
#include "data/padding.h"

#include "base/memory.h"
#include "files/file.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 4096 };

static hesse_status check_id(const hesse_stream *src, size_t at, int64_t id,
                             hesse_why *why)
{
    const int64_t end = src->vocabulary ? src->vocabulary : INT_MAX;
    if ((0 <= id && id < end) || (src->rows && id == HESSE_IGNORED)) return HESSE_OK;
    char where[64];
    if (src->rows)
        snprintf(where, sizeof where, "row %zu, column %zu", at / src->length,
                 at % src->length);
    else
        snprintf(where, sizeof where, "position %zu", at);
    return hesse_fail(why, HESSE_E_INPUT,
                      "%s: token %" PRId64 " at %s (from 0), expected 0 to %" PRId64,
                      src->path, id, where, end - 1);
}

/* Reads at most PIECE ids. */
static hesse_status read_piece(const hesse_stream *src, size_t first, size_t count,
                               int *ids, hesse_why *why)
{
    unsigned char bytes[PIECE * 8];
    const size_t width = (size_t)src->form.width;
    hesse_status s = HESSE_OK;
    assert(count <= PIECE);
    if (src->file)
        s = hesse_file_read(src->file, src->path, src->form.data + first * width,
                            count * width, bytes, why);
    for (size_t i = 0; !s && i < count; i++) {
        const int64_t id = src->file ? hesse_npy_integer(&src->form, bytes + i * width)
                                     : src->ids[first + i];
        s = check_id(src, first + i, id, why);
        if (!s) ids[i] = (int)id;
    }
    return s;
}

static hesse_status read_ids(const hesse_stream *src, size_t first, size_t count,
                             int *ids, hesse_why *why)
{
    hesse_status s = HESSE_OK;
    for (size_t done = 0, n; !s && done < count; done += n) {
        n = count - done < PIECE ? count - done : PIECE;
        s = read_piece(src, first + done, n, ids + done, why);
    }
    return s;
}

/* Checks all ids and finds the largest, which is the last of the vocabulary if the
   vocabulary is not known. */
static hesse_status scan(hesse_stream *src, hesse_why *why)
{
    int ids[PIECE], largest = -1;
    hesse_status s = HESSE_OK;
    for (size_t done = 0, n; !s && done < src->count; done += n) {
        n = src->count - done < PIECE ? src->count - done : PIECE;
        s = read_piece(src, done, n, ids, why);
        for (size_t i = 0; !s && i < n; i++)
            if (ids[i] > largest) largest = ids[i];
    }
    if (!s && largest < 0)
        s = hesse_fail(why, HESSE_E_INPUT, "%s: holds no tokens", src->path);
    if (!src->vocabulary) src->vocabulary = largest + 1;
    src->largest = largest;
    return s;
}

/* Marks the padding at the end of a row that ids, its first ones, hold. Ids that equal
   padding before other tokens are tokens. */
static hesse_status mark_end(const hesse_stream *src, size_t first, size_t count,
                             int *ids, hesse_why *why)
{
    const size_t row = first / src->length, end = (row + 1) * src->length;
    hesse_status s = HESSE_OK;
    bool all = true; /* the rest of the row is padding */
    for (size_t at = first + count; !s && all && at < end; at++) {
        int id = 0;
        s = read_ids(src, at, 1, &id, why);
        all = id == *src->padding;
    }
    if (!s && ids[0] == *src->padding)
        return hesse_fail(why, HESSE_E_INPUT,
                          "%s: row %zu (from 0) begins with %d, the id of padding, "
                          "expected padding at the end of a row",
                          src->path, row, *src->padding);
    for (size_t i = count; !s && all && i-- > 0 && ids[i] == *src->padding;)
        ids[i] = HESSE_IGNORED;
    return s;
}

/* Marks padding of a row, of which ids begin with `first` in the stream, as ignored. */
static hesse_status mark_padding(const hesse_stream *src, size_t first, size_t count,
                                 int *ids, hesse_why *why)
{
    const size_t width = (size_t)src->mask_form.width;
    unsigned char bytes[8];
    hesse_status s = HESSE_OK;
    if (src->padding) s = mark_end(src, first, count, ids, why);
    for (size_t i = 0; !s && src->mask && i < count; i++) {
        s = hesse_file_read(src->mask, src->mask_path,
                            src->mask_form.data + (first + i) * width, width, bytes,
                            why);
        const int64_t seen = s ? 1 : hesse_npy_integer(&src->mask_form, bytes);
        if (seen == 1 && i && ids[i - 1] == HESSE_IGNORED)
            s = hesse_fail(why, HESSE_E_INPUT,
                           "%s: row %zu has a token behind padding at column %zu (from "
                           "0), expected padding at the end of a row",
                           src->mask_path, (first + i) / src->length,
                           (first + i) % src->length);
        else if (seen != 0 && seen != 1)
            s = hesse_fail(why, HESSE_E_INPUT,
                           "%s: row %zu, column %zu (from 0) is %" PRId64
                           ", expected 0 or 1",
                           src->mask_path, (first + i) / src->length,
                           (first + i) % src->length, seen);
        if (!seen) ids[i] = HESSE_IGNORED;
    }
    return s;
}

/* Finds the length of the sequences, the number available and the number to take. */
static hesse_status measure(const hesse_data_options *o, const hesse_data_needs *needs,
                            const hesse_stream *src, hesse_batch *t,
                            hesse_choice *choice, hesse_why *why)
{
    const int after = needs->masked ? 0 : 1;
    const size_t positions = needs->positions ? (size_t)needs->positions : INT_MAX;
    const size_t tokens = src->rows ? src->length : src->count;
    const size_t longest = tokens - (size_t)after;
    char what[64];
    if (!src->rows && !o->context && !needs->positions)
        return hesse_fail(why, HESSE_E_JOB,
                          "%s: is one stream of tokens, and neither a context nor the "
                          "model's positions say how to cut it",
                          src->path);
    if (src->rows && !o->context && longest > positions)
        return hesse_fail(
            why, HESSE_E_INPUT,
            "%s: found rows of %zu tokens, expected at most %zu for the model's %zu "
            "positions; the context can be shortened to %zu",
            src->path, tokens, positions + (size_t)after, positions, positions);
    t->context = o->context ? o->context : src->rows ? (int)longest : needs->positions;
    if (t->context < 1 || longest < (size_t)t->context)
        return hesse_fail(why, HESSE_E_INPUT,
                          "%s: %s %zu tokens, expected %d or more: a context%s",
                          src->path, src->rows ? "rows of" : "holds", tokens,
                          (t->context < 1 ? 1 : t->context) + after,
                          after ? " and one to predict" : "");
    snprintf(what, sizeof what, "sequences of context %d", t->context);
    const hesse_status s = hesse_choice_begin(o, HESSE_RANDOM_WINDOWS,
                                              src->rows ? src->count / tokens
                                                        : longest / (size_t)t->context,
                                              src->path, what, choice, why);
    if (s) return s;
    if (choice->wanted > (size_t)(INT_MAX / t->context))
        return hesse_fail(why, HESSE_E_NOMEM,
                          "%s: %zu sequences of %d tokens, expected at most 2^31 - 1 "
                          "tokens in all",
                          src->path, choice->wanted, t->context);
    t->sequences = (int)choice->wanted;
    return HESSE_OK;
}

/* Splits one sequence of ids into inputs and targets. Padding may read as any id,
   because causal attention lets no token see the end of a row, but no target may follow
   it. */
static hesse_status split(const hesse_stream *src, size_t which, const int *ids,
                          int context, int after, int *input, int *target,
                          hesse_why *why)
{
    for (int i = 0; i < context; i++) {
        const bool ends = i + 1 == context + after || ids[i + 1] < 0;
        if (ids[i] < 0 && (i == 0 || !ends))
            return hesse_fail(
                why, HESSE_E_INPUT,
                "%s: row %zu, column %d (from 0) is %d, expected that only "
                "at the end of a row",
                src->path, which, i, HESSE_IGNORED);
        input[i] = ids[i] < 0 ? 0 : ids[i];
        target[i] = ids[i + after];
    }
    return HESSE_OK;
}

static hesse_status take(const hesse_stream *src, const hesse_data_needs *needs,
                         int after, hesse_choice *choice, hesse_batch *t,
                         hesse_why *why)
{
    const size_t context = (size_t)t->context, total = context * (size_t)t->sequences;
    const size_t length = context + (size_t)after;
    int *ids = hesse_calloc(length, sizeof *ids);
    t->input = hesse_calloc(total, sizeof *t->input);
    t->target = hesse_calloc(total, sizeof *t->target);
    hesse_status s = HESSE_OK;
    if (!ids || !t->input || !t->target)
        s = hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory for %zu tokens",
                       src->path, total);
    for (size_t i = 0, at = 0; !s && choice->wanted; i++) {
        if (!hesse_choice_takes(choice, i)) continue;
        const size_t first = i * (src->rows ? src->length : context);
        s = read_ids(src, first, length, ids, why);
        if (!s && src->rows && !src->mask && !src->padding)
            s = hesse_padding_notice_row(ids, (int)length, src->path, i, needs, why);
        if (!s) s = mark_padding(src, first, length, ids, why);
        if (!s)
            s = split(src, i, ids, t->context, after, t->input + at, t->target + at,
                      why);
        at += context;
    }
    free(ids);
    return s;
}

/* Digests the ids and their mask. */
static hesse_status digest(const hesse_stream *src, char text[HESSE_DIGEST_LENGTH],
                           hesse_why *why)
{
    char both[2][HESSE_DIGEST_LENGTH] = {{0}};
    hesse_status s = hesse_digest_file(src->path, text, why);
    if (s || !src->mask) return s;
    strcpy(both[0], text);
    s = hesse_digest_file(src->mask_path, both[1], why);
    hesse_digester *d = s ? NULL : hesse_digest_begin();
    if (!s && !d) return hesse_fail(why, HESSE_E_NOMEM, "out of memory for a digest");
    if (d) {
        hesse_digest_add(d, both, sizeof both);
        hesse_digest_end(d, text);
    }
    return s;
}

/* Notes how the ids were read. */
static void note(const hesse_stream *src, bool of_model, bool masked,
                 hesse_data_reading *r)
{
    const hesse_npy *form = &src->form;
    *r = (hesse_data_reading){.vocabulary = src->vocabulary};
    if (src->file)
        snprintf(r->type, sizeof r->type, "%s%d%s", form->kind == 'u' ? "uint" : "int",
                 8 * form->width, form->big ? ", big-endian" : "");
    else
        snprintf(r->type, sizeof r->type, "%s", src->type);
    snprintf(r->layout, sizeof r->layout, "%s",
             *src->layout ? src->layout
             : src->rows  ? "rows"
                          : "stream");
    snprintf(r->source, sizeof r->source, "%s",
             of_model       ? "the model"
             : *src->source ? src->source
                            : "the largest id");
    snprintf(r->mask, sizeof r->mask, "%s",
             src->mask      ? "padding by a mask"
             : src->padding ? "padding by its id"
             : src->rows    ? "padding by -100"
                            : "none");
    snprintf(r->labels, sizeof r->labels, "%s",
             masked ? "the masked tokens" : "the next token");
}

hesse_status hesse_windows_read(const hesse_data_options *options,
                                const hesse_data_needs *needs, hesse_stream *stream,
                                hesse_batch *batch, hesse_why *why)
{
    hesse_choice choice = {0};
    const int vocabulary = stream->vocabulary;
    if (needs->vocabulary) stream->vocabulary = needs->vocabulary;
    hesse_status s = scan(stream, why);
    if (!s) s = measure(options, needs, stream, batch, &choice, why);
    if (!s) s = take(stream, needs, needs->masked ? 0 : 1, &choice, batch, why);
    if (!s) s = digest(stream, batch->digest, why);
    batch->vocabulary = stream->vocabulary;
    batch->classes = vocabulary ? stream->vocabulary : stream->largest + 1;
    batch->labels = batch->context;
    note(stream, needs->vocabulary, needs->masked, &batch->reading);
    return s;
}
