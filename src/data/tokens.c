/* A source is a line of ids that can be read from anywhere, be it a file of integers or
   text in memory; rows are only a way to cut it. One pass over all of it checks the ids
   and finds the largest; then the chosen sequences alone are kept, so a training set of
   many gigabytes costs time but no memory. */
#include "data/tokens.h"

#include "base/memory.h"
#include "base/random.h"
#include "data/text.h"
#include "files/file.h"
#include "files/npy.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 4096, DEFAULT_SEQUENCES = 16 };

typedef struct source {
    const char *path;
    FILE *file; /* of integers as `form` says, or NULL: */
    int *ids;   /* text                                 */
    hesse_npy form;
    size_t count;   /* ids in all                                    */
    bool rows;      /* cut into rows; false: a stream                */
    size_t length;  /* of a row                                      */
    int vocabulary; /* of the text or as requested; 0: not known     */
    int largest;    /* id of all                                     */
} source;

static hesse_status check(const hesse_tokens_request *r, hesse_why *why)
{
    if (r->sequences < 0)
        return hesse_fail(why, HESSE_E_JOB, "data.sequences is %d, expected 0 or more",
                          r->sequences);
    if (r->positions < 1)
        return hesse_fail(why, HESSE_E_JOB,
                          "the model's positions are %d, expected 1 or "
                          "more",
                          r->positions);
    if (r->context < 0 || r->context > r->positions)
        return hesse_fail(why, HESSE_E_JOB,
                          "data.context is %d, expected 1 to the model's %d positions",
                          r->context, r->positions);
    return HESSE_OK;
}

static hesse_status open_npy(size_t size, source *src, hesse_why *why)
{
    hesse_npy *form = &src->form;
    hesse_status s = hesse_npy_header(src->file, src->path, size, form, why);
    if (s) return s;
    if ((form->kind != 'i' && form->kind != 'u') || form->width > 8 ||
        (form->width & (form->width - 1)))
        return hesse_fail(
            why, HESSE_E_INPUT,
            "%s: holds elements of type '%c%d', expected integers of 1, 2, "
            "4 or 8 bytes",
            src->path, form->kind, form->width);
    if (form->rank != 1 && form->rank != 2)
        return hesse_fail(why, HESSE_E_INPUT,
                          "%s: holds an array of rank %d, expected 1 (a stream) or 2 "
                          "(sequences x tokens)",
                          src->path, form->rank);
    if (form->rank == 2 && form->fortran)
        return hesse_fail(why, HESSE_E_INPUT,
                          "%s: is stored by columns, expected rows (save "
                          "numpy.ascontiguousarray of it)",
                          src->path);
    src->count = form->count;
    src->rows = form->rank == 2;
    src->length = form->shape[form->rank - 1];
    return HESSE_OK;
}

static hesse_status open_bin(size_t size, source *src, hesse_why *why)
{
    src->form = (hesse_npy){.kind = 'u', .width = 2};
    src->count = size / 2;
    if (size % 2 == 0) return HESSE_OK;
    return hesse_fail(why, HESSE_E_INPUT,
                      "%s: %zu bytes, expected an even number of them: 16-bit integers",
                      src->path, size);
}

static hesse_status source_open(const hesse_tokens_request *r, source *src,
                                hesse_why *why)
{
    *src = (source){.path = r->text ? r->text : r->tokens};
    hesse_status s;
    if (r->text) {
        s = hesse_text_read(src->path, r->characters, &src->ids, &src->count,
                            &src->vocabulary, why);
    } else {
        const bool npy = hesse_file_ends_with(src->path, ".npy");
        size_t size;
        if (!npy && !hesse_file_ends_with(src->path, ".bin"))
            return hesse_fail(why, HESSE_E_JOB,
                              "%s: expected a name ending in .npy or "
                              ".bin; text is given as such",
                              src->path);
        s = hesse_file_open(src->path, &src->file, &size, why);
        if (!s) s = npy ? open_npy(size, src, why) : open_bin(size, src, why);
    }
    if (r->vocabulary) src->vocabulary = r->vocabulary;
    return s;
}

static void source_close(source *src)
{
    if (src->file) fclose(src->file);
    free(src->ids);
}

/* An unsigned number above INT64_MAX comes out negative: no id either way. */
static int64_t integer(const hesse_npy *form, const unsigned char *bytes)
{
    const int width = form->width, spare = 64 - 8 * width;
    uint64_t bits = 0;
    for (int i = 0; i < width; i++)
        bits = bits << 8 | bytes[form->big ? i : width - 1 - i];
    if (form->kind == 'i') return (int64_t)(bits << spare) >> spare;
    return (int64_t)bits;
}

static hesse_status check_id(const source *src, size_t at, int64_t id, hesse_why *why)
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

/* Read at most PIECE ids. */
static hesse_status read_piece(const source *src, size_t first, size_t count, int *ids,
                               hesse_why *why)
{
    unsigned char bytes[PIECE * 8];
    const size_t width = (size_t)src->form.width;
    hesse_status s = HESSE_OK;
    assert(count <= PIECE);
    if (src->file)
        s = hesse_file_read(src->file, src->path, src->form.data + first * width,
                            count * width, bytes, why);
    for (size_t i = 0; !s && i < count; i++) {
        const int64_t id =
            src->file ? integer(&src->form, bytes + i * width) : src->ids[first + i];
        s = check_id(src, first + i, id, why);
        if (!s) ids[i] = (int)id;
    }
    return s;
}

static hesse_status read_ids(const source *src, size_t first, size_t count, int *ids,
                             hesse_why *why)
{
    hesse_status s = HESSE_OK;
    for (size_t done = 0, n; !s && done < count; done += n) {
        n = count - done < PIECE ? count - done : PIECE;
        s = read_piece(src, first + done, n, ids + done, why);
    }
    return s;
}

/* Check all ids; where no vocabulary is known, they tell it. */
static hesse_status scan(source *src, hesse_why *why)
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

/* Tokens after the context. */
static int following(const hesse_tokens_request *r)
{
    return r->alone ? 0 : 1;
}

/* How long the sequences are, how many there are and how many to take. */
static hesse_status measure(const hesse_tokens_request *r, const source *src,
                            hesse_batch *t, size_t *available, hesse_why *why)
{
    const int after = following(r);
    const size_t tokens = src->rows ? src->length : src->count;
    const size_t longest = tokens - (size_t)after;
    if (src->rows && !r->context && longest > (size_t)r->positions)
        return hesse_fail(
            why, HESSE_E_INPUT,
            "%s: rows of %zu tokens need %zu positions, the model has %d; "
            "a context of at most %d would fit",
            src->path, tokens, longest, r->positions, r->positions);
    t->context = r->context ? r->context : src->rows ? (int)longest : r->positions;
    if (t->context < 1 || longest < (size_t)t->context)
        return hesse_fail(why, HESSE_E_INPUT,
                          "%s: %s %zu tokens, expected %d or more: a context%s",
                          src->path, src->rows ? "rows of" : "holds", tokens,
                          (t->context < 1 ? 1 : t->context) + after,
                          after ? " and one to predict" : "");
    *available = src->rows ? src->count / tokens : longest / (size_t)t->context;
    if (*available < (size_t)r->sequences)
        return hesse_fail(why, HESSE_E_INPUT,
                          "%s: holds %zu sequences of context %d, expected %d or more",
                          src->path, *available, t->context, r->sequences);
    t->sequences = r->sequences                     ? r->sequences
                   : *available < DEFAULT_SEQUENCES ? (int)*available
                                                    : DEFAULT_SEQUENCES;
    if ((size_t)t->sequences * (size_t)t->context > INT_MAX)
        return hesse_fail(why, HESSE_E_NOMEM,
                          "%s: %d sequences of %d tokens, expected at most 2^31 - 1 "
                          "tokens in all",
                          src->path, t->sequences, t->context);
    return HESSE_OK;
}

/* One sequence of ids, so many after the context, to inputs and targets. Causal attention lets
   no token see what ends a row, so padding may read as any id, but no target may follow it. */
static hesse_status split(const source *src, size_t which, const int *ids, int context,
                          int after, int *input, int *target, hesse_why *why)
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

/* Selection sampling: of the sequences left, each is taken with the chance that takes
   as many as are wanted.  Source: Knuth, The Art of Computer Programming, vol. 2,
   section 3.4.2, algorithm S. */
static hesse_status choose(const hesse_tokens_request *r, const source *src,
                           size_t available, hesse_batch *t, hesse_why *why)
{
    const int after = following(r);
    const size_t context = (size_t)t->context, total = context * (size_t)t->sequences;
    const size_t length = context + (size_t)after;
    int *ids = hesse_calloc(length, sizeof *ids);
    t->input = hesse_calloc(total, sizeof *t->input);
    t->target = hesse_calloc(total, sizeof *t->target);
    hesse_status s = HESSE_OK;
    if (!ids || !t->input || !t->target)
        s = hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory for %zu tokens",
                       src->path, total);
    size_t wanted = (size_t)t->sequences, at = 0;
    for (size_t i = 0; !s && wanted; i++) {
        const double chance = (double)(available - i);
        if (r->shuffle &&
            hesse_uniform(r->seed, HESSE_RANDOM_WINDOWS, i) * chance >= (double)wanted)
            continue;
        const size_t first = i * (src->rows ? src->length : context);
        s = read_ids(src, first, length, ids, why);
        if (!s)
            s = split(src, i, ids, t->context, after, t->input + at, t->target + at,
                      why);
        at += context;
        wanted--;
    }
    free(ids);
    return s;
}

hesse_status hesse_tokens_read(const hesse_tokens_request *request, hesse_batch *batch,
                               hesse_why *why)
{
    source src = {0};
    size_t available = 0;
    *batch = (hesse_batch){0};
    hesse_status s = check(request, why);
    if (!s) s = source_open(request, &src, why);
    if (!s) s = scan(&src, why);
    if (!s) s = measure(request, &src, batch, &available, why);
    if (!s) s = choose(request, &src, available, batch, why);
    if (!s) s = hesse_digest_file(src.path, batch->digest, why);
    batch->vocabulary = src.vocabulary;
    batch->classes = request->text ? src.vocabulary : src.largest + 1;
    batch->labels = batch->context;
    source_close(&src);
    if (s) hesse_batch_free(batch);
    return s;
}
