/* The header is padded with spaces so that the data begin at a multiple of 8 bytes.
   Numbers are written little-endian, byte by byte, on every machine. */
#include "files/safetensors_write.h"

#include "base/memory.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 8192 }; /* numbers that are converted at once */

static size_t count_of(const hesse_tensor_out *t)
{
    size_t count = 1;
    for (int i = 0; i < t->rank; i++) count *= t->shape[i];
    return count;
}

/* Returns the header without its length, or NULL when memory is exhausted. */
static char *header_of(size_t count, const hesse_tensor_out *tensors, int bytes)
{
    json_t *root = json_object();
    size_t at = 0;
    /* Readers of the transformers library ask for the framework. */
    json_object_set_new(root, "__metadata__", json_pack("{s:s}", "format", "pt"));
    for (const hesse_tensor_out *t = tensors; t < tensors + count; t++) {
        const size_t end = at + count_of(t) * (size_t)bytes;
        json_t *shape = json_array();
        for (int i = 0; i < t->rank; i++)
            json_array_append_new(shape, json_integer((json_int_t)t->shape[i]));
        json_object_set_new(root, t->name,
                            json_pack("{s:s, s:o, s:[I, I]}", "dtype",
                                      bytes == 8 ? "F64" : "F32", "shape", shape,
                                      "data_offsets", (json_int_t)at, (json_int_t)end));
        at = end;
    }
    char *text = json_dumps(root, JSON_COMPACT);
    const bool whole = json_object_size(root) == count + 1;
    json_decref(root);
    if (text && whole) return text;
    free(text);
    return NULL;
}

/* Write the bytes of an integer, the lowest first. */
static void put(uint64_t x, int bytes, unsigned char *to)
{
    for (int i = 0; i < bytes; i++) to[i] = (unsigned char)(x >> (8 * i));
}

static bool write_header(FILE *f, const char *header)
{
    unsigned char length[8];
    const size_t n = strlen(header), padded = (n + 7) / 8 * 8;
    put(padded, 8, length);
    bool good = fwrite(length, 1, 8, f) == 8 && fwrite(header, 1, n, f) == n;
    for (size_t i = n; good && i < padded; i++) good = fputc(' ', f) != EOF;
    return good;
}

static bool write_numbers(FILE *f, const double *x, size_t count, int bytes)
{
    unsigned char chunk[8 * CHUNK];
    for (size_t at = 0; at < count; at += CHUNK) {
        const size_t some = count - at < CHUNK ? count - at : CHUNK;
        for (size_t i = 0; i < some; i++) {
            const float narrow = (float)x[at + i];
            uint64_t bits = 0;
            uint32_t half;
            if (bytes == 8)
                memcpy(&bits, &x[at + i], sizeof bits);
            else
                memcpy(&half, &narrow, sizeof half), bits = half;
            put(bits, bytes, chunk + i * (size_t)bytes);
        }
        if (fwrite(chunk, (size_t)bytes, some, f) != some) return false;
    }
    return true;
}

hesse_status hesse_safetensors_write(const char *path, size_t count,
                                     const hesse_tensor_out *tensors, int bytes,
                                     const double *(*values)(void *context, size_t i),
                                     void *context, hesse_why *why)
{
    char *header = header_of(count, tensors, bytes);
    char *temporary = hesse_calloc(strlen(path) + 5, 1);
    bool memory = header && temporary;
    if (memory) strcat(strcpy(temporary, path), ".tmp");
    FILE *f = memory ? fopen(temporary, "wb") : NULL;
    bool good = f && write_header(f, header);
    for (size_t i = 0; good && memory && i < count; i++) {
        const double *x = values(context, i);
        memory = x;
        if (x) good = write_numbers(f, x, count_of(&tensors[i]), bytes);
    }
    good = good && !fflush(f) && !fsync(fileno(f));
    int error = errno;
    if (f && fclose(f) && good) good = false, error = errno;
    if (good && memory && rename(temporary, path)) good = false, error = errno;
    if (f && !(good && memory)) unlink(temporary);
    free(header);
    free(temporary);
    if (!memory) return hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory", path);
    if (good) return HESSE_OK;
    return hesse_fail(why, HESSE_E_OUTPUT, "%s: cannot be written: %s", path,
                      strerror(error));
}
