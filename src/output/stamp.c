/* The digest is outside the bytes that it covers, and every reader of HDF5 skips it. */
#include "output/stamp.h"

#include "base/digest.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char WORDS[] = "hesse result; SHA-256 of the bytes after these 512:\n";
enum { DIGITS = HESSE_DIGEST_LENGTH - 1, WORD = sizeof WORDS - 1, PIECE = 1 << 16 };

/* The digest of all bytes after the stamp in an open file. */
static hesse_status digest_rest(FILE *f, const char *path,
                                char digest[HESSE_DIGEST_LENGTH], hesse_why *why)
{
    char piece[PIECE];
    size_t got;
    hesse_digester *d = hesse_digest_begin();
    if (!d) return hesse_fail(why, HESSE_E_NOMEM, "%s: no memory", path);
    bool good = !fseek(f, HESSE_STAMP, SEEK_SET);
    while (good && (got = fread(piece, 1, sizeof piece, f)) > 0)
        hesse_digest_add(d, piece, got);
    hesse_digest_end(d, digest);
    if (good && !ferror(f)) return HESSE_OK;
    return hesse_fail(why, HESSE_E_INPUT, "%s: cannot be read: %s", path,
                      strerror(errno));
}

hesse_status hesse_stamp_put(const char *path, hesse_why *why)
{
    char stamp[HESSE_STAMP] = "";
    FILE *f = fopen(path, "r+b");
    if (!f)
        return hesse_fail(why, HESSE_E_OUTPUT, "%s: cannot be opened: %s", path,
                          strerror(errno));
    memcpy(stamp, WORDS, WORD);
    hesse_status s = digest_rest(f, path, stamp + WORD, why);
    stamp[WORD + DIGITS] = '\n';
    bool good = s || (!fseek(f, 0, SEEK_SET) &&
                      fwrite(stamp, 1, sizeof stamp, f) == sizeof stamp);
    if (fclose(f)) good = false;
    if (!s && !good)
        s = hesse_fail(why, HESSE_E_OUTPUT, "%s: cannot be stamped: %s", path,
                       strerror(errno));
    return s;
}

hesse_status hesse_stamp_check(const char *path, hesse_why *why)
{
    char stamp[HESSE_STAMP] = "", digest[HESSE_DIGEST_LENGTH];
    FILE *f = fopen(path, "rb");
    if (!f) return hesse_fail(why, HESSE_E_INPUT, "%s: %s", path, strerror(errno));
    const size_t got = fread(stamp, 1, sizeof stamp, f);
    hesse_status s = HESSE_OK;
    if (got < sizeof stamp || memcmp(stamp, WORDS, WORD) != 0)
        s = hesse_fail(why, HESSE_E_INPUT, "%s: has no stamp of a result of hesse",
                       path);
    if (!s) s = digest_rest(f, path, digest, why);
    fclose(f);
    bool same = !s && memcmp(stamp + WORD, digest, DIGITS) == 0;
    for (size_t i = WORD + DIGITS + 1; same && i < sizeof stamp; i++) same = !stamp[i];
    if (!s && !(same && stamp[WORD + DIGITS] == '\n'))
        s = hesse_fail(why, HESSE_E_INPUT,
                       "%s: is not what was written: its SHA-256 differs", path);
    return s;
}
