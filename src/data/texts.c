/* Texts with classes come from one file of lines "LABEL<TAB>TEXT"; or, for each class
   0, 1, ..., from a file in which every line is a text, or from a folder in which every
   file is a text, in order of name. Ids begin at 1; id 0 is padding, which no token
   attends to. Empty texts are left out. All texts are read, because they define the
   vocabulary, which has one id more for padding; then the chosen ones are cut at the
   context. The ids stand for bytes, characters or words. */
#include "data/characters.h"
#include "data/choose.h"
#include "data/kinds.h"
#include "data/words.h"

#include "base/memory.h"
#include "files/file.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LABEL = 1 << 20 };

static const hesse_owned_key keys[] = {
    {"vocabulary", "bytes"}, {"words", NULL}, {"context", NULL}, {NULL, NULL}};

static hesse_data_reader read_examples;

const hesse_data_kind hesse_data_texts = {
    .name = "texts",
    .help =
        "Texts with classes, from lines `LABEL<TAB>TEXT` or from a file or folder for "
        "each class.",
    .examples = 1 << HESSE_READS_IDS,
    .least_paths = 1,
    .most_paths = INT_MAX,
    .keys = keys,
    .read = read_examples};

typedef struct text {
    size_t first, count; /* ids */
    int label;
} text;

/* All texts that were found; their ids stand one after the other. */
typedef struct library {
    text *list;
    int *ids;
    size_t texts, room, count, ids_room;
    int classes, vocabulary;
    bool characters;
    int most_words; /* 0: bytes or characters */
    hesse_word_table words;
    hesse_digester *digest;
} library;

static hesse_status exhausted(const char *path, hesse_why *why)
{
    return hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory for its texts", path);
}

/* Makes room for `wanted` items of a size; false: out of memory. */
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

/* Adds one text without its line end. */
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
    const hesse_status s =
        l->most_words ? hesse_words_add(path, bytes, size, &l->words, l->ids + l->count,
                                        &t.count, why)
                      : hesse_characters_points(path, l->characters, bytes, size,
                                                l->ids + l->count, &t.count, why);
    if (s || !t.count) return s;
    l->count += t.count;
    l->list[l->texts++] = t;
    if (label >= l->classes) l->classes = label + 1;
    return HESSE_OK;
}

/* Returns the length of "LABEL<TAB>" at the start of a line, or 0 when it is not
   there. */
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

/* Adds the lines of a file. With a label below 0 every line begins with its own. */
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

static hesse_status add_all(const hesse_data_options *o, library *l, hesse_why *why)
{
    hesse_status s = HESSE_OK;
    for (int i = 0; !s && i < o->n_paths; i++) {
        if (hesse_file_is_folder(o->paths[i]) && o->n_paths > 1)
            s = add_folder(l, o->paths[i], i, why);
        else
            s = add_lines(l, o->paths[i], o->n_paths > 1 ? i : -1, why);
    }
    if (!s && o->n_paths > 1) l->classes = o->n_paths;
    return s;
}

/* Turns the bytes, characters or words of all texts into ids. */
static hesse_status number(const hesse_data_options *o, const hesse_data_needs *needs,
                           library *l, hesse_why *why)
{
    const char *path = o->paths[0];
    const char *units = l->most_words   ? "words"
                        : l->characters ? "characters"
                                        : "bytes";
    const hesse_status s =
        l->most_words ? hesse_words_number(path, &l->words, l->most_words, l->count,
                                           l->ids, &l->vocabulary, why)
                      : hesse_characters_number(path, l->characters, l->count, l->ids,
                                                &l->vocabulary, why);
    return s ? s : hesse_characters_check(path, units, l->vocabulary + 1, needs, why);
}

/* Moves the chosen texts to the front of the list: at random, or the first of every
   class in turn. */
static void choose(library *l, hesse_choice *choice)
{
    const size_t wanted = choice->wanted;
    size_t taken = 0;
    for (size_t i = 0; choice->shuffle && choice->wanted; i++)
        if (hesse_choice_takes(choice, i)) l->list[taken++] = l->list[i];
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

static hesse_status measure(const hesse_data_options *o, const hesse_data_needs *needs,
                            library *l, hesse_batch *b, hesse_why *why)
{
    const size_t most = needs->positions ? (size_t)needs->positions : INT_MAX;
    size_t longest = 1; /* no text is empty */
    hesse_choice choice;
    const hesse_status s = hesse_choice_begin(
        o, HESSE_RANDOM_CHOICE, l->texts, o->paths[0],
        o->n_paths > 1 ? "texts with those beside it" : "texts", &choice, why);
    if (s) return s;
    const size_t wanted = choice.wanted;
    choose(l, &choice);
    for (size_t i = 0; i < wanted; i++)
        if (l->list[i].count > longest) longest = l->list[i].count;
    b->context = o->context ? o->context : (int)(longest < most ? longest : most);
    if (wanted > (size_t)(INT_MAX / b->context))
        return hesse_fail(why, HESSE_E_NOMEM, "%s: %zu texts of %d tokens are too many",
                          o->paths[0], wanted, b->context);
    b->sequences = (int)wanted, b->labels = 1;
    b->classes = l->classes, b->vocabulary = l->vocabulary + 1;
    return HESSE_OK;
}

static hesse_status cut(const hesse_data_options *o, const library *l, hesse_batch *b,
                        hesse_why *why)
{
    const size_t context = (size_t)b->context, all = context * (size_t)b->sequences;
    int *lengths = hesse_calloc((size_t)b->sequences, sizeof *lengths);
    b->input = hesse_calloc(all, sizeof *b->input);
    b->target = hesse_calloc((size_t)b->sequences, sizeof *b->target);
    if (!lengths || !b->input || !b->target) {
        free(lengths);
        return exhausted(o->paths[0], why);
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

static hesse_status read_examples(const hesse_data_options *o,
                                  const hesse_data_needs *needs, hesse_batch *batch,
                                  hesse_why *why)
{
    library l = {.characters = o->characters,
                 .most_words = o->words,
                 .digest = hesse_digest_begin()};
    hesse_status s = l.digest ? HESSE_OK : exhausted(o->paths[0], why);
    if (!s && o->words && o->characters)
        s = hesse_fail(why, HESSE_E_JOB,
                       "%s: a vocabulary of words and of characters, expected one",
                       o->paths[0]);
    if (!s) s = add_all(o, &l, why);
    if (!s) s = number(o, needs, &l, why);
    if (!s) s = measure(o, needs, &l, batch, why);
    if (!s) s = cut(o, &l, batch, why);
    if (!s)
        hesse_digest_end(l.digest, batch->digest);
    else if (l.digest)
        hesse_digest_drop(l.digest);
    hesse_words_free(&l.words);
    free(l.list);
    free(l.ids);
    return s;
}
