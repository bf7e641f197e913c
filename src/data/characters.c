/* A vocabulary of characters is a table over all code points: mark those that occur,
   number the marks in ascending order, look every character up. */
#include "data/characters.h"

#include "base/memory.h"
#include "files/file.h"
#include "files/json.h"
#include "files/kind.h"

#include <stdlib.h>
#include <string.h>

enum { CODE_POINTS = 0x110000, MOST_ID = 1 << 24 };

/* Decodes the code point that begins at a byte. Returns its length, or 0 for no UTF-8.
   Source: RFC 3629, section 4. */
static size_t decode(const unsigned char *byte, size_t left, int *point)
{
    const int b = byte[0];
    const size_t length = b < 0x80   ? 1
                          : b < 0xC2 ? 0
                          : b < 0xE0 ? 2
                          : b < 0xF0 ? 3
                          : b < 0xF5 ? 4
                                     : 0;
    static const int mask[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    static const int least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (length > left) return 0;
    *point = b & mask[length];
    for (size_t i = 1; i < length; i++) {
        if ((byte[i] & 0xC0) != 0x80) return 0;
        *point = *point << 6 | (byte[i] & 0x3F);
    }
    const bool surrogate = 0xD800 <= *point && *point <= 0xDFFF;
    return *point < least[length] || *point >= CODE_POINTS || surrogate ? 0 : length;
}

hesse_status hesse_characters_points(const char *path, bool characters,
                                     const char *text, size_t size, int *ids,
                                     size_t *count, hesse_why *why)
{
    const unsigned char *bytes = (const unsigned char *)text;
    *count = 0;
    for (size_t at = 0, length = 1; at < size; at += length) {
        if (characters)
            length = decode(bytes + at, size - at, &ids[*count]);
        else
            ids[*count] = bytes[at];
        if (!length)
            return hesse_fail(why, HESSE_E_INPUT,
                              "%s: not UTF-8 at byte %zu (0x%02X); take its bytes as "
                              "vocabulary instead?",
                              path, at, bytes[at]);
        ++*count;
    }
    return HESSE_OK;
}

hesse_status hesse_characters_number(const char *path, bool characters, size_t count,
                                     int *ids, int *vocabulary, hesse_why *why)
{
    *vocabulary = 256;
    if (!characters) return HESSE_OK;
    int *id_of = hesse_calloc(CODE_POINTS, sizeof *id_of);
    if (!id_of) return hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory", path);
    for (size_t i = 0; i < count; i++) id_of[ids[i]] = 1;
    *vocabulary = 0;
    for (int p = 0; p < CODE_POINTS; p++)
        if (id_of[p]) id_of[p] = (*vocabulary)++;
    for (size_t i = 0; i < count; i++) ids[i] = id_of[ids[i]];
    free(id_of);
    return HESSE_OK;
}

/* Takes one entry of a table: a character and its id. */
static hesse_status take_entry(const char *path, const char *name, const json_t *value,
                               int *id_of, int *vocabulary, hesse_why *why)
{
    const size_t size = strlen(name);
    const json_int_t id = json_integer_value(value);
    char shown[HESSE_JSON_SHOWN];
    int point;
    if (!size || decode((const unsigned char *)name, size, &point) != size) {
        json_t *text = json_string(name);
        hesse_json_show(text, shown);
        json_decref(text);
        return hesse_fail(
            why, HESSE_E_INPUT,
            "%s: found the token %s, expected single characters in a table "
            "of characters",
            path, shown);
    }
    if (!json_is_integer(value) || id < 0 || id >= MOST_ID) {
        hesse_json_show(value, shown);
        return hesse_fail(
            why, HESSE_E_INPUT,
            "%s: found %s for the character U+%04X, expected an id from 0", path, shown,
            (unsigned)point);
    }
    id_of[point] = (int)id + 1;
    if (id >= *vocabulary) *vocabulary = (int)id + 1;
    return HESSE_OK;
}

/* Reads a table: ids + 1 of all code points, 0 for those that have none. */
static hesse_status read_table(const char *path, int *id_of, int *vocabulary,
                               hesse_why *why)
{
    json_t *root = NULL, *value;
    const char *name;
    hesse_status s = hesse_json_load(path, &root, why);
    s = hesse_file_explain(path, HESSE_FILE_JSON, s, why);
    if (s) return s;
    json_t *inner = json_object_get(root, "stoi");
    *vocabulary = 0;
    json_object_foreach(json_is_object(inner) ? inner : root, name, value)
    {
        s = take_entry(path, name, value, id_of, vocabulary, why);
        if (s) break;
    }
    if (!s && !*vocabulary)
        s = hesse_fail(why, HESSE_E_INPUT,
                       "%s: found no character, expected {\"stoi\": {\"a\": 0, ...}}",
                       path);
    json_decref(root);
    return s;
}

static hesse_status look_up(const char *path, const char *table, size_t count, int *ids,
                            int *vocabulary, hesse_why *why)
{
    int *id_of = hesse_calloc(CODE_POINTS, sizeof *id_of);
    if (!id_of) return hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory", path);
    hesse_status s = read_table(table, id_of, vocabulary, why);
    for (size_t i = 0; !s && i < count; i++) {
        const int id = id_of[ids[i]] - 1;
        if (id < 0)
            s = hesse_fail(why, HESSE_E_INPUT,
                           "%s: found U+%04X as character %zu (from 0), expected "
                           "characters of the table %s",
                           path, (unsigned)ids[i], i, table);
        ids[i] = id;
    }
    free(id_of);
    return s;
}

hesse_status hesse_characters_check(const char *path, const char *units, int vocabulary,
                                    const hesse_data_needs *needs, hesse_why *why)
{
    const int model = needs->vocabulary;
    if (!needs->trained || !model || model == vocabulary ||
        (needs->masked && model == vocabulary + 1))
        return HESSE_OK;
    return hesse_fail(
        why, HESSE_E_INPUT,
        "%s: found a vocabulary of %d %s, expected the model's, which has %d ids: they "
        "would have other meanings; %smake the ids of a tokenizer with `hesse "
        "tokenize`",
        path, vocabulary, units, model,
        strcmp(units, "characters") == 0 ? "give the ids of the characters, or " : "");
}

hesse_status hesse_characters_read(const char *path, bool characters, const char *table,
                                   int **ids, size_t *count, int *vocabulary,
                                   hesse_why *why)
{
    char *text;
    size_t size;
    if (hesse_file_kind_of(path) == HESSE_FILE_LFS)
        return hesse_file_explain(path, HESSE_FILE_UNKNOWN, HESSE_E_INPUT, why);
    hesse_status s = hesse_file_load(path, &text, &size, why);
    if (s) return s;
    int *list = hesse_calloc(size, sizeof *list);
    if (!list)
        s = hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory for %zu tokens", path,
                       size);
    if (!s) s = hesse_characters_points(path, characters, text, size, list, count, why);
    if (!s)
        s = table ? look_up(path, table, *count, list, vocabulary, why)
                  : hesse_characters_number(path, characters, *count, list, vocabulary,
                                            why);
    free(text);
    if (s)
        free(list);
    else
        *ids = list;
    return s;
}
