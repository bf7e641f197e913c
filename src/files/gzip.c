/* zlib also reads files that are not compressed, and leaves them unchanged. */
#include "files/gzip.h"

#include "base/memory.h"
#include "files/file.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { PIECE = 1 << 20 };

static hesse_status inflate_all(const char *path, gzFile file, unsigned char **bytes,
                                size_t *size, hesse_why *why)
{
    size_t room = 0;
    for (int got = 1; got > 0; *size += (size_t)got) {
        if (*size == HESSE_GZIP_MOST)
            return hesse_fail(why, HESSE_E_INPUT,
                              "%s: expected at most 1 GiB when inflated", path);
        if (*size + PIECE > room) {
            room = room ? 2 * room : 4 * (size_t)PIECE;
            unsigned char *more = hesse_calloc(room, 1);
            if (!more) return hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory", path);
            if (*bytes) memcpy(more, *bytes, *size);
            free(*bytes);
            *bytes = more;
        }
        got = gzread(file, *bytes + *size, PIECE);
        if (got < 0)
            return hesse_fail(why, HESSE_E_INPUT,
                              "%s: is damaged: it cannot be inflated", path);
    }
    return HESSE_OK;
}

hesse_status hesse_gzip_load(const char *path, unsigned char **bytes, size_t *size,
                             hesse_why *why)
{
    FILE *there = NULL;
    hesse_status s = hesse_file_open(path, &there, size, why);
    *bytes = NULL, *size = 0;
    if (s) return s;
    fclose(there);
    gzFile file = gzopen(path, "rb");
    if (!file) return hesse_fail(why, HESSE_E_INPUT, "%s: cannot be read", path);
    s = inflate_all(path, file, bytes, size, why);
    if (gzclose(file) != Z_OK && !s)
        s = hesse_fail(why, HESSE_E_INPUT, "%s: is damaged: it ends too early", path);
    if (!s) return s;
    free(*bytes);
    *bytes = NULL, *size = 0;
    return s;
}
