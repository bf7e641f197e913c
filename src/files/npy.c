/* The dictionary is Python of the simplest kind: every key is a string, and every value
   is a string, a truth value or a tuple of numbers. A scanner that only moves forward
   reads it. It stops at anything else, and the header is refused at that byte. */
#include "files/npy.h"

#include "base/memory.h"
#include "files/file.h"
#include "files/kind.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MAGIC = 8 }; /* bytes of the magic string and the version */

typedef struct scanner {
    const char *at; /* a string that ends in NUL */
} scanner;

static void skip_space(scanner *s)
{
    s->at += strspn(s->at, " \t\n");
}

static bool take(scanner *s, const char *word)
{
    skip_space(s);
    const size_t n = strlen(word);
    if (strncmp(s->at, word, n) != 0) return false;
    s->at += n;
    return true;
}

static bool take_string(scanner *s, size_t room, char *text)
{
    skip_space(s);
    const char quote = *s->at;
    if (quote != '\'' && quote != '"') return false;
    const char *end = strchr(s->at + 1, quote);
    if (!end || (size_t)(end - s->at) > room) return false;
    const size_t n = (size_t)(end - s->at - 1);
    memcpy(text, s->at + 1, n);
    text[n] = '\0';
    s->at = end + 1;
    return true;
}

static bool take_size(scanner *s, size_t *size)
{
    skip_space(s);
    const char *first = s->at;
    for (*size = 0; '0' <= *s->at && *s->at <= '9'; s->at++) {
        const size_t digit = (size_t)(*s->at - '0');
        if (*size > (SIZE_MAX - digit) / 10) return false;
        *size = *size * 10 + digit;
    }
    return s->at > first;
}

static bool take_shape(scanner *s, hesse_npy *npy)
{
    if (!take(s, "(")) return false;
    npy->rank = 0;
    npy->count = 1;
    while (!take(s, ")")) {
        if (npy->rank == HESSE_NPY_RANK) return false;
        size_t *size = &npy->shape[npy->rank++];
        if (!take_size(s, size) || (*size && npy->count > SIZE_MAX / *size))
            return false;
        npy->count *= *size;
        if (take(s, ",")) continue;
        return npy->rank > 1 && take(s, ")");
    }
    return true;
}

/* A type such as "<i4" has the order of bytes, the kind and the width. */
static bool take_type(scanner *s, hesse_npy *npy)
{
    char type[16];
    if (!take_string(s, sizeof type, type) || strlen(type) < 3 ||
        !strchr("<>|=", type[0]))
        return false;
    scanner number = {type + 2};
    size_t width;
    if (!take_size(&number, &width) || *number.at || width < 1 || width > 1 << 20)
        return false;
    npy->big = type[0] == '>';
    npy->kind = type[1];
    npy->width = (int)width;
    return true;
}

static bool take_truth(scanner *s, bool *truth)
{
    *truth = take(s, "True");
    return *truth || take(s, "False");
}

/* All three entries must be there, each once. */
static bool take_dictionary(scanner *s, hesse_npy *npy)
{
    static const char *const keys[] = {"descr", "fortran_order", "shape"};
    bool seen[3] = {false};
    char key[16];
    if (!take(s, "{")) return false;
    while (!take(s, "}")) {
        int k = 0;
        if (!take_string(s, sizeof key, key) || !take(s, ":")) return false;
        while (k < 3 && strcmp(key, keys[k]) != 0) k++;
        if (k == 3 || seen[k]) return false;
        seen[k] = true;
        if (!(k == 0   ? take_type(s, npy)
              : k == 1 ? take_truth(s, &npy->fortran)
                       : take_shape(s, npy)))
            return false;
        if (take(s, ",")) continue;
        if (!take(s, "}")) return false;
        break;
    }
    skip_space(s);
    return seen[0] && seen[1] && seen[2] && !*s->at;
}

static hesse_status parse(const char *path, const char *text, size_t length,
                          hesse_npy *npy, hesse_why *why)
{
    scanner s = {text};
    if (take_dictionary(&s, npy) && s.at == text + length) return HESSE_OK;
    return hesse_fail(why, HESSE_E_INPUT,
                      "%s: the .npy header is not understood at its byte %zu, expected "
                      "'descr' of a plain type, 'fortran_order' and 'shape'",
                      path, (size_t)(s.at - text));
}

static hesse_status check_size(const char *path, size_t size, const hesse_npy *npy,
                               hesse_why *why)
{
    const size_t width = (size_t)npy->width, found = size - npy->data;
    if (found % width == 0 && found / width == npy->count) return HESSE_OK;
    return hesse_fail(
        why, HESSE_E_INPUT,
        "%s: its shape holds %zu elements of %zu bytes, the file %zu bytes "
        "of data",
        path, npy->count, width, found);
}

/* The file may be the content of a compressed one, whose first bytes tell nothing. */
static hesse_status refuse_magic(const char *path, const unsigned char *start,
                                 hesse_why *why)
{
    const bool compressed = hesse_file_kind_of(path) == HESSE_FILE_GZIP;
    const hesse_status s = hesse_fail(why, HESSE_E_INPUT,
                                      "%s: found no .npy file of version 1, 2 or 3, "
                                      "expected one (its first bytes tell)",
                                      path);
    return compressed && start[0] != 0x1f
               ? s
               : hesse_file_explain(path, HESSE_FILE_NPY, s, why);
}

hesse_status hesse_npy_header(FILE *file, const char *path, size_t size, hesse_npy *npy,
                              hesse_why *why)
{
    unsigned char start[MAGIC + 4] = {0};
    const size_t most = size < sizeof start ? size : sizeof start;
    hesse_status s = hesse_file_read(file, path, 0, most, start, why);
    if (s) return s;
    const int version = start[6];
    if (memcmp(start, "\x93NUMPY", 6) != 0 || version < 1 || version > 3)
        return refuse_magic(path, start, why);
    const size_t field = version == 1 ? 2 : 4, first = MAGIC + field;
    size_t length = 0;
    for (size_t i = field; i-- > 0;) length = length << 8 | start[MAGIC + i];
    if (size < first || length > size - first)
        return hesse_fail(
            why, HESSE_E_INPUT,
            "%s: cut short: the .npy header would have %zu bytes, the file "
            "has %zu",
            path, length, size);
    *npy = (hesse_npy){.data = first + length};
    char *text = hesse_calloc(length + 1, 1);
    if (!text) return hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory", path);
    s = hesse_file_read(file, path, first, length, text, why);
    if (!s) s = parse(path, text, length, npy, why);
    if (!s) s = check_size(path, size, npy, why);
    free(text);
    return s;
}

static uint64_t bits_of(const hesse_npy *npy, const unsigned char *bytes)
{
    const int width = npy->width;
    uint64_t bits = 0;
    for (int i = 0; i < width; i++)
        bits = bits << 8 | bytes[npy->big ? i : width - 1 - i];
    return bits;
}

int64_t hesse_npy_integer(const hesse_npy *npy, const unsigned char *bytes)
{
    const uint64_t bits = bits_of(npy, bytes);
    const int spare = 64 - 8 * npy->width;
    return npy->kind == 'i' ? (int64_t)(bits << spare) >> spare : (int64_t)bits;
}

double hesse_npy_number(const hesse_npy *npy, const unsigned char *bytes)
{
    const uint64_t bits = bits_of(npy, bytes);
    const uint32_t half = (uint32_t)bits;
    double d;
    float f;
    if (npy->kind == 'i') return (double)hesse_npy_integer(npy, bytes);
    if (npy->kind != 'f') return (double)bits;
    memcpy(&d, &bits, sizeof d);
    memcpy(&f, &half, sizeof f);
    return npy->width == 8 ? d : (double)f;
}
