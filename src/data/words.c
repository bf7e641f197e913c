/* A JSON object is the table of words, and a sort by frequency gives the ids. */
#include "data/words.h"

#include "base/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static hesse_status exhausted(const char *path, hesse_why *why)
{
    return hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory for its words", path);
}

static bool separates(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7F;
}

/* Make room for the uses of one more word. */
static bool reserve(hesse_word_table *w)
{
    if (w->count < w->room) return true;
    const size_t room = 2 * w->room + 1024;
    size_t *uses = hesse_calloc(room, sizeof *uses);
    if (!uses) return false;
    if (w->count) memcpy(uses, w->uses, w->count * sizeof *uses);
    free(w->uses);
    w->uses = uses, w->room = room;
    return true;
}

/* Find or add the word in front of a 0. Returns its number, or -1: out of memory. */
static int number_of(hesse_word_table *w, const char *word)
{
    const json_t *known = json_object_get(w->number, word);
    if (known) return (int)json_integer_value(known);
    if (!reserve(w) || json_object_set_new_nocheck(w->number, word,
                                                   json_integer((json_int_t)w->count)))
        return -1;
    return (int)w->count++;
}

hesse_status hesse_words_add(const char *path, const char *text, size_t size,
                             hesse_word_table *w, int *numbers, size_t *count,
                             hesse_why *why)
{
    *count = 0;
    if (!w->number) w->number = json_object();
    char *copy = hesse_calloc(size + 1, 1);
    bool good = copy && w->number;
    for (size_t i = 0; good && i < size; i++)
        copy[i] = separates(text[i]) ? 0 : text[i];
    for (size_t at = 0; good && at < size; at += strlen(copy + at) + 1) {
        if (!copy[at]) continue;
        const int number = number_of(w, copy + at);
        good = number >= 0;
        if (good) w->uses[number]++, numbers[(*count)++] = number;
    }
    free(copy);
    return good ? HESSE_OK : exhausted(path, why);
}

typedef struct word {
    size_t uses, number;
} word;

static int by_frequency(const void *a, const void *b)
{
    const word *x = a, *y = b;
    if (x->uses != y->uses) return x->uses < y->uses ? 1 : -1;
    return x->number < y->number ? -1 : 1;
}

hesse_status hesse_words_number(const char *path, const hesse_word_table *w, int most,
                                size_t count, int *ids, int *vocabulary, hesse_why *why)
{
    const size_t last = (size_t)most;
    word *list = hesse_calloc(w->count, sizeof *list);
    int *id_of = hesse_calloc(w->count, sizeof *id_of);
    const bool good = list && id_of;
    for (size_t i = 0; good && i < w->count; i++) list[i] = (word){w->uses[i], i};
    if (good) qsort(list, w->count, sizeof *list, by_frequency);
    for (size_t i = 0; good && i < w->count; i++)
        id_of[list[i].number] = i < last ? (int)i : most;
    for (size_t i = 0; good && i < count; i++) ids[i] = id_of[ids[i]];
    *vocabulary = w->count > last ? most + 1 : (int)w->count;
    free(list);
    free(id_of);
    return good ? HESSE_OK : exhausted(path, why);
}

void hesse_words_free(hesse_word_table *w)
{
    json_decref(w->number);
    free(w->uses);
    *w = (hesse_word_table){0};
}
