/* SHA-256 by libmd, which reads one buffer at a time. */
#include "base/digest.h"

#include "base/memory.h"

#include <errno.h>
#include <sha256.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void hesse_digest(const void *bytes, size_t count, char digest[HESSE_DIGEST_LENGTH])
{
    SHA256Data(bytes, count, digest);
}

/* The finalizer of splitmix64: every bit of a word and of its index changes the
   result. */
static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t hesse_checksum(size_t index, const void *words, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t word;
        memcpy(&word, (const char *)words + i * sizeof word, sizeof word);
        sum += mix(word + 0x9e3779b97f4a7c15u * (index + i + 1));
    }
    return sum;
}

struct hesse_digester {
    SHA2_CTX context;
};

hesse_digester *hesse_digest_begin(void)
{
    hesse_digester *d = hesse_calloc(1, sizeof *d);
    if (d) SHA256Init(&d->context);
    return d;
}

void hesse_digest_add(hesse_digester *d, const void *bytes, size_t count)
{
    SHA256Update(&d->context, bytes, count);
}

void hesse_digest_end(hesse_digester *d, char digest[HESSE_DIGEST_LENGTH])
{
    SHA256End(&d->context, digest);
    free(d);
}

void hesse_digest_drop(hesse_digester *d)
{
    free(d);
}

hesse_status hesse_digest_file(const char *path, char digest[HESSE_DIGEST_LENGTH],
                               hesse_why *why)
{
    uint8_t piece[1 << 16];
    SHA2_CTX context;
    SHA256Init(&context);
    FILE *f = fopen(path, "rb");
    if (!f) return hesse_fail(why, HESSE_E_INPUT, "%s: %s", path, strerror(errno));
    size_t got;
    while ((got = fread(piece, 1, sizeof piece, f)) > 0)
        SHA256Update(&context, piece, got);
    const int broken = ferror(f);
    fclose(f);
    if (broken) return hesse_fail(why, HESSE_E_INPUT, "%s: cannot be read", path);
    SHA256End(&context, digest);
    return HESSE_OK;
}
