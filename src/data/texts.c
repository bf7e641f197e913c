/* All texts are read, as the vocabulary is that of all; then those chosen are cut. */
#include "data/texts.h"

#include "base/memory.h"
#include "base/random.h"
#include "data/text.h"
#include "files/file.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_COUNT = 16, MOST_LABEL = 1 << 20 };

typedef struct text {
    size_t first, count; /* ids */
    int label;
} text;

/* All texts that were found, and their ids one after the other. */
typedef struct library {
    text *list;
    int *ids;
    size_t texts, room, count, ids_room;
    int classes, vocabulary;
    bool characters;
    hesse_digester *digest;
} library;

static hesse_status exhausted(const char *path, hesse_why *why)
{
    return hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory for its texts", path);
}

/* Room for so many items; false: out of memory. */
static bool reserve(void **list, size_t size, size_t used, size_t wanted, size_t *room)
{
    if (wanted <= *room) return true;
    const size_t more = 2 * wanted + 1024;
    void *longer = hesse_calloc(more, size);
    if (!longer) return false;
    if (used) memcpy(longer, *list, used * size);
    free(*list);
    *list = longer, *room = more;
    return true;
}

/* One text; its line end does not belong to it. */
static hesse_status add(library *l, const char *path, const char *bytes, size_t size,
                        int label, hesse_why *why)
{
    while (size && (bytes[size - 1] == '\n' || bytes[size - 1] == '\r')) size--;
    if (!size) return HESSE_OK;
    void *list = l->list, *ids = l->ids;
    const bool good =
        reserve(&list, sizeof *l->list, l->texts, l->texts + 1, &l->room) &&
        reserve(&ids, sizeof *l->ids, l->count, l->count + size, &l->ids_room);
    l->list = list, l->ids = ids;
    if (!good) return exhausted(path, why);
    text t = {.first = l->count, .label = label};
    const hesse_status s = hesse_text_points(path, l->characters, bytes, size,
                                             l->ids + l->count, &t.count, why);
    if (s) return s;
    l->count += t.count;
    l->list[l->texts++] = t;
    if (label >= l->classes) l->classes = label + 1;
    return HESSE_OK;
}

/* "LABEL<TAB>": its length, or 0. */
static size_t read_label(const char *line, size_t size, int *label)
{
    size_t at = 0;
    long value = 0;
    while (at < size && line[at] >= '0' && line[at] <= '9' && value < MOST_LABEL)
        value = 10 * value + (line[at++] - '0');
    *label = (int)value;
    return at && at < size && line[at] == '\t' && value < MOST_LABEL ? at + 1 : 0;
}

static hesse_status load(library *l, const char *path, char **bytes, size_t *size,
                         hesse_why *why)
{
    const hesse_status s = hesse_file_load(path, bytes, size, why);
    if (!s) hesse_digest_add(l->digest, *bytes, *size);
    return s;
}

/* The lines of a file: of a class, or, with one below 0, each after its own. */
static hesse_status add_lines(library *l, const char *path, int label, hesse_why *why)
{
    char *bytes;
    size_t size, line = 0;
    hesse_status s = load(l, path, &bytes, &size, why);
    if (s) return s;
    for (size_t at = 0, length; !s && at < size; at += length) {
        const char *end = memchr(bytes + at, '\n', size - at);
        int own = label;
        size_t skip = 0;
        length = end ? (size_t)(end - bytes) - at + 1 : size - at;
        line++;
        if (label < 0) skip = read_label(bytes + at, length, &own);
        if (label < 0 && !skip)
            s = hesse_fail(why, HESSE_E_INPUT,
                           "%s: line %zu has no label below 2^20 and a tab before its "
                           "text; texts of one class are given beside those of others",
                           path, line);
        else
            s = add(l, path, bytes + at + skip, length - skip, own, why);
    }
    free(bytes);
    return s;
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static hesse_status add_file(library *l, const char *path, int label, hesse_why *why)
{
    char *bytes;
    size_t size;
    hesse_status s = load(l, path, &bytes, &size, why);
    if (s) return s;
    s = add(l, path, bytes, size, label, why);
    free(bytes);
    return s;
}

/* Every file of a folder is a text. */
static hesse_status add_folder(library *l, const char *folder, int label,
                               hesse_why *why)
{
    struct dirent **entries;
    hesse_status s = HESSE_OK;
    const int count = scandir(folder, &entries, visible, by_bytes);
    if (count < 0)
        return hesse_fail(why, HESSE_E_INPUT, "%s: %s", folder, strerror(errno));
    for (int i = 0; i < count; i++) {
        char *path = s ? NULL : hesse_file_join(folder, entries[i]->d_name);
        if (!s) s = path ? add_file(l, path, label, why) : exhausted(folder, why);
        free(path);
        free(entries[i]);
    }
    free(entries);
    return s;
}

static hesse_status add_all(const hesse_texts_request *r, library *l, hesse_why *why)
{
    hesse_status s = HESSE_OK;
    for (int i = 0; !s && i < r->count; i++) {
        if (hesse_file_is_folder(r->paths[i]) && r->count > 1)
            s = add_folder(l, r->paths[i], i, why);
        else
            s = add_lines(l, r->paths[i], r->count > 1 ? i : -1, why);
    }
    if (!s && r->count > 1) l->classes = r->count;
    return s;
}

/* The texts taken, to the front of the list: by selection sampling, or the first of every
   class in turn. */
static void choose(const hesse_texts_request *r, library *l, size_t wanted)
{
    size_t taken = 0;
    for (size_t i = 0; r->shuffle && taken < wanted; i++)
        if (hesse_uniform(r->seed, HESSE_RANDOM_CHOICE, i) * (double)(l->texts - i) <
            (double)(wanted - taken))
            l->list[taken++] = l->list[i];
    while (taken < wanted)
        for (int c = 0; c < l->classes && taken < wanted; c++) {
            size_t i = taken;
            while (i < l->texts && l->list[i].label != c) i++;
            if (i == l->texts) continue;
            const text found = l->list[i];
            memmove(l->list + taken + 1, l->list + taken, (i - taken) * sizeof found);
            l->list[taken++] = found;
        }
}

static hesse_status measure(const hesse_texts_request *r, library *l, hesse_batch *b,
                            hesse_why *why)
{
    size_t longest = 0;
    const size_t wanted = r->sequences               ? (size_t)r->sequences
                          : l->texts < DEFAULT_COUNT ? l->texts
                                                     : DEFAULT_COUNT;
    if (r->context > r->positions)
        return hesse_fail(why, HESSE_E_JOB,
                          "data.context is %d, expected 1 to the model's %d positions",
                          r->context, r->positions);
    if (l->texts < wanted || !wanted)
        return hesse_fail(
            why, HESSE_E_INPUT,
            "%s: holds %zu texts with those beside it, expected %zu or more",
            r->paths[0], l->texts, wanted ? wanted : 1);
    choose(r, l, wanted);
    for (size_t i = 0; i < wanted; i++)
        if (l->list[i].count > longest) longest = l->list[i].count;
    const size_t most = (size_t)r->positions;
    b->context = r->context ? r->context : (int)(longest < most ? longest : most);
    if (wanted > (size_t)(INT_MAX / b->context))
        return hesse_fail(why, HESSE_E_NOMEM, "%s: %zu texts of %d tokens are too many",
                          r->paths[0], wanted, b->context);
    b->sequences = (int)wanted, b->labels = 1;
    b->classes = l->classes, b->vocabulary = l->vocabulary + 1;
    return HESSE_OK;
}

static hesse_status cut(const hesse_texts_request *r, const library *l, hesse_batch *b,
                        hesse_why *why)
{
    const size_t context = (size_t)b->context, all = context * (size_t)b->sequences;
    int *lengths = hesse_calloc((size_t)b->sequences, sizeof *lengths);
    b->input = hesse_calloc(all, sizeof *b->input);
    b->target = hesse_calloc((size_t)b->sequences, sizeof *b->target);
    if (!lengths || !b->input || !b->target) {
        free(lengths);
        return exhausted(r->paths[0], why);
    }
    for (size_t s = 0; s < (size_t)b->sequences; s++) {
        const text *t = &l->list[s];
        const size_t count = t->count < context ? t->count : context;
        b->target[s] = t->label;
        lengths[s] = (int)count;
        for (size_t i = 0; i < count; i++)
            b->input[s * context + i] = l->ids[t->first + i] + 1;
    }
    const hesse_status status = hesse_batch_set_visible(b, lengths, why);
    free(lengths);
    return status;
}

hesse_status hesse_texts_read(const hesse_texts_request *r, hesse_batch *batch,
                              hesse_why *why)
{
    library l = {.characters = r->characters, .digest = hesse_digest_begin()};
    *batch = (hesse_batch){0};
    hesse_status s = l.digest ? HESSE_OK : exhausted(r->paths[0], why);
    if (!s) s = add_all(r, &l, why);
    if (!s)
        s = hesse_text_number(r->paths[0], r->characters, l.count, l.ids, &l.vocabulary,
                              why);
    if (!s) s = measure(r, &l, batch, why);
    if (!s) s = cut(r, &l, batch, why);
    if (!s)
        hesse_digest_end(l.digest, batch->digest);
    else if (l.digest)
        hesse_digest_drop(l.digest);
    free(l.list);
    free(l.ids);
    if (s) hesse_batch_free(batch);
    return s;
}
