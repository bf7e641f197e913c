/* A vocabulary of characters is a table over all code points: mark those that occur,
   number the marks in ascending order, look every character up. */
#include "data/characters.h"

#include "base/memory.h"
#include "files/file.h"

#include <stdlib.h>

enum { CODE_POINTS = 0x110000 };

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

hesse_status hesse_characters_read(const char *path, bool characters, int **ids,
                                   size_t *count, int *vocabulary, hesse_why *why)
{
    char *text;
    size_t size;
    hesse_status s = hesse_file_load(path, &text, &size, why);
    if (s) return s;
    int *list = hesse_calloc(size, sizeof *list);
    if (!list)
        s = hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory for %zu tokens", path,
                       size);
    if (!s) s = hesse_characters_points(path, characters, text, size, list, count, why);
    if (!s)
        s = hesse_characters_number(path, characters, *count, list, vocabulary, why);
    free(text);
    if (s)
        free(list);
    else
        *ids = list;
    return s;
}
