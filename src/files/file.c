/* A path may name anything: a folder opens and then does not read, a pipe blocks. So
   the kind of the file is checked before it is opened, and its size is known before any
   number in it is trusted. */
#include "files/file.h"

#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

_Static_assert(sizeof(off_t) == 8, "files of more than 2 GiB need 64-bit offsets");

hesse_status hesse_file_open(const char *path, FILE **file, size_t *size,
                             hesse_why *why)
{
    struct stat info;
    if (stat(path, &info))
        return hesse_fail(why, HESSE_E_INPUT, "%s: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return hesse_fail(why, HESSE_E_INPUT, "%s: is %s, expected a file", path,
                          S_ISDIR(info.st_mode) ? "a folder" : "no regular file");
    if (info.st_size == 0)
        return hesse_fail(why, HESSE_E_INPUT, "%s: the file is empty", path);
    *size = (size_t)info.st_size;
    *file = fopen(path, "rb");
    if (!*file) return hesse_fail(why, HESSE_E_INPUT, "%s: %s", path, strerror(errno));
    return HESSE_OK;
}

hesse_status hesse_file_read(FILE *file, const char *path, size_t offset, size_t count,
                             void *bytes, hesse_why *why)
{
    if (fseeko(file, (off_t)offset, SEEK_SET) || fread(bytes, 1, count, file) != count)
        return hesse_fail(
            why, HESSE_E_INPUT, "%s: %s, expected %zu bytes from byte %zu on", path,
            ferror(file) ? strerror(errno) : "the file ends early", count, offset);
    return HESSE_OK;
}

hesse_status hesse_file_load(const char *path, char **bytes, size_t *size,
                             hesse_why *why)
{
    FILE *file;
    hesse_status s = hesse_file_open(path, &file, size, why);
    if (s) return s;
    char *content = hesse_calloc(*size, 1);
    if (content)
        s = hesse_file_read(file, path, 0, *size, content, why);
    else
        s = hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory for its %zu bytes", path,
                       *size);
    fclose(file);
    if (s)
        free(content);
    else
        *bytes = content;
    return s;
}

bool hesse_file_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

bool hesse_file_is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool hesse_file_ends_with(const char *path, const char *end)
{
    const size_t a = strlen(path), b = strlen(end);
    return a >= b && strcmp(path + a - b, end) == 0;
}

char *hesse_file_join(const char *folder, const char *name)
{
    const size_t size = strlen(folder) + strlen(name) + 2;
    const char *slash = hesse_file_ends_with(folder, "/") ? "" : "/";
    char *path = hesse_calloc(size, 1);
    if (path) snprintf(path, size, "%s%s%s", folder, slash, name);
    return path;
}

char *hesse_file_inside(const char *path, const char *name)
{
    return hesse_file_is_folder(path) ? hesse_file_join(path, name) : hesse_copy(path);
}
