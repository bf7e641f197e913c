/** Shared by the tests of readers: an empty working folder, files with any content, and
 * the rules for error messages. */
#ifndef HESSE_CHECK_FILES_H
#define HESSE_CHECK_FILES_H

#include "check.h"

#include "hesse/status.h"

#include <ctype.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static inline int enter_folder(void **state)
{
    char folder[] = "/tmp/hesse-test-XXXXXX";
    return (*state = mkdtemp(folder) ? strdup(folder) : NULL) ? chdir(*state) : -1;
}

static inline int remove_one(const char *path, const struct stat *s, int type,
                             struct FTW *at)
{
    (void)s, (void)type, (void)at;
    return remove(path);
}

static inline int leave_folder(void **state)
{
    int failed = chdir("/") || nftw(*state, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(*state);
    return failed;
}

static inline void write_bytes(const char *path, const void *bytes, size_t count)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, count, f), count);
    assert_int_equal(fclose(f), 0);
}

static inline void write_text(const char *path, const char *text)
{
    write_bytes(path, text, strlen(text));
}

/* A safetensors file of a header and data, in a buffer; returns its size. */
static inline size_t safetensors_bytes(const char *header, const void *data,
                                       size_t count, size_t room, unsigned char *bytes)
{
    const uint64_t length = strlen(header);
    assert_true(8 + length + count <= room);
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, header, length);
    memcpy(bytes + 8 + length, data, count);
    return 8 + (size_t)length + count;
}

static inline void write_safetensors(const char *path, const char *header,
                                     const void *data, size_t count)
{
    static unsigned char bytes[1 << 18];
    write_bytes(path, bytes,
                safetensors_bytes(header, data, count, sizeof bytes, bytes));
}

/* An error is one printable line that names the file. */
static inline void assert_message(const hesse_why *why, const char *path)
{
    assert_non_null(strstr(why->text, path));
    for (const char *c = why->text; *c; c++) assert_false(iscntrl((unsigned char)*c));
}

/* A message holds a fragment. */
static inline void assert_says(const hesse_why *why, const char *path,
                               const char *fragment)
{
    assert_message(why, path);
    if (!strstr(why->text, fragment))
        fail_msg("expected \"%s\" in \"%s\"", fragment, why->text);
}

/* The folder of the trained checkpoints; without it the test is skipped. */
static inline const char *data_path(const char *name, char path[512])
{
    const char *folder = getenv("HESSE_DATA");
    if (!folder) {
        print_message("HESSE_DATA names no folder of trained checkpoints\n");
        skip();
    }
    snprintf(path, 512, "%s/%s", folder, name);
    return path;
}

#endif /* HESSE_CHECK_FILES_H */
