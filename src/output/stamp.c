/* The digest is outside the bytes that it covers, and readers of HDF5 ignore bytes
   after the end that the file itself states. A stamp in front of the file, as schema 1
   has it, hides the file from programs that look for the signature of HDF5 in its first
   bytes. */
#include "output/stamp.h"

#include "base/digest.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char WORDS[] = "\nhesse result; SHA-256 of the bytes before these 128:\n",
                  OLD_WORDS[] = "hesse result; SHA-256 of the bytes after these 512:\n";
enum { DIGITS = HESSE_DIGEST_LENGTH - 1, OLD_STAMP = 512, PIECE = 1 << 16 };

/* The digest of the bytes from `first` to `end` of an open file. */
static hesse_status digest_rest(FILE *f, const char *path, off_t first, off_t end,
                                char digest[HESSE_DIGEST_LENGTH], hesse_why *why)
{
    char piece[PIECE];
    hesse_digester *d = hesse_digest_begin();
    if (!d) return hesse_fail(why, HESSE_E_NOMEM, "%s: no memory", path);
    bool good = !fseeko(f, first, SEEK_SET);
    while (good && first < end) {
        const size_t most = end - first < PIECE ? (size_t)(end - first) : PIECE;
        const size_t got = fread(piece, 1, most, f);
        hesse_digest_add(d, piece, got);
        first += (off_t)got;
        good = got > 0;
    }
    hesse_digest_end(d, digest);
    if (good) return HESSE_OK;
    return hesse_fail(why, HESSE_E_INPUT, "%s: cannot be read: %s", path,
                      strerror(errno));
}

/* The words, the digest and the end of its line, and zeros. */
static void fill(char *stamp, size_t size, const char *words,
                 const char digest[HESSE_DIGEST_LENGTH])
{
    memset(stamp, 0, size);
    snprintf(stamp, size, "%s%s\n", words, digest);
}

/* True if these words stand at a place of the file. */
static bool has_words(FILE *f, off_t at, const char *words)
{
    char found[sizeof WORDS + sizeof OLD_WORDS];
    const size_t length = strlen(words);
    return at >= 0 && !fseeko(f, at, SEEK_SET) &&
           fread(found, 1, length, f) == length && memcmp(found, words, length) == 0;
}

static off_t size_of(FILE *f)
{
    struct stat info;
    return fstat(fileno(f), &info) ? 0 : info.st_size;
}

hesse_status hesse_stamp_put(const char *path, hesse_why *why)
{
    char stamp[HESSE_STAMP], digest[HESSE_DIGEST_LENGTH] = "";
    FILE *f = fopen(path, "r+b");
    if (!f)
        return hesse_fail(why, HESSE_E_OUTPUT, "%s: cannot be opened: %s", path,
                          strerror(errno));
    off_t end = size_of(f);
    if (has_words(f, end - HESSE_STAMP, WORDS)) end -= HESSE_STAMP;
    hesse_status s = digest_rest(f, path, 0, end, digest, why);
    fill(stamp, sizeof stamp, WORDS, digest);
    bool good = s || (!fseeko(f, end, SEEK_SET) &&
                      fwrite(stamp, 1, sizeof stamp, f) == sizeof stamp);
    if (fclose(f)) good = false;
    if (!s && !good)
        s = hesse_fail(why, HESSE_E_OUTPUT, "%s: cannot be stamped: %s", path,
                       strerror(errno));
    return s;
}

static hesse_status check(FILE *f, const char *path, hesse_why *why)
{
    char stamp[OLD_STAMP], expected[OLD_STAMP], digest[HESSE_DIGEST_LENGTH];
    const off_t end = size_of(f);
    const bool old = has_words(f, 0, OLD_WORDS);
    const size_t size = old ? OLD_STAMP : HESSE_STAMP;
    const off_t at = old ? 0 : end - HESSE_STAMP;
    if (!old && !has_words(f, at, WORDS))
        return hesse_fail(why, HESSE_E_INPUT,
                          "%s: has no stamp of a result of hesse at its end: another "
                          "program has written to the file, or its end is missing",
                          path);
    hesse_status s =
        digest_rest(f, path, old ? OLD_STAMP : 0, old ? end : at, digest, why);
    if (s) return s;
    fill(expected, size, old ? OLD_WORDS : WORDS, digest);
    if (!fseeko(f, at, SEEK_SET) && fread(stamp, 1, size, f) == size &&
        memcmp(stamp, expected, size) == 0)
        return HESSE_OK;
    return hesse_fail(why, HESSE_E_INPUT,
                      "%s: is not what was written: its SHA-256 differs", path);
}

hesse_status hesse_stamp_check(const char *path, hesse_why *why)
{
    FILE *f = fopen(path, "rb");
    if (!f) return hesse_fail(why, HESSE_E_INPUT, "%s: %s", path, strerror(errno));
    const hesse_status s = check(f, path, why);
    fclose(f);
    return s;
}
