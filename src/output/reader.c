/* A damaged file is a normal case: everything that HDF5 accepts is compared with the
   schema before it is used, and identifiers may be negative in every function. */
#include "output/reader.h"

#include "base/memory.h"
#include "output/store.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

hesse_status hesse_reader_open(const char *path, hesse_reader *r, hesse_why *why)
{
    struct stat info;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    if (stat(path, &info))
        return hesse_fail(why, HESSE_E_INPUT, "%s: %s", path, strerror(errno));
    *r = (hesse_reader){
        .path = path, .place = "", .bytes = (size_t)info.st_size, .why = why};
    const hid_t access = hesse_store_access();
    r->file = H5Fopen(path, H5F_ACC_RDONLY, access);
    H5Pclose(access);
    if (r->file < 0)
        return hesse_fail(why, HESSE_E_INPUT, "%s: expected an HDF5 file", path);
    char version[32];
    hesse_reader_attribute(r->file, "schema_version", version, sizeof version);
    r->version = atoi(version);
    return HESSE_OK;
}

void hesse_reader_expect_result(hesse_reader *r)
{
    char expected[80];
    snprintf(expected, sizeof expected, "a result of hesse, schema_version %d to %d",
             HESSE_SCHEMA_OLDEST, HESSE_SCHEMA_VERSION);
    if (r->version < HESSE_SCHEMA_OLDEST || r->version > HESSE_SCHEMA_VERSION)
        hesse_reader_fail(r, "root attributes", expected);
}

void hesse_reader_fail(hesse_reader *r, const char *what, const char *expected)
{
    if (r->status) return;
    r->status = hesse_fail(r->why, HESSE_E_INPUT, "%s: %s: expected %s", r->path, what,
                           expected);
}

const char *hesse_reader_path(const hesse_reader *r, const char *path,
                              char room[HESSE_PATH])
{
    char inner[HESSE_PATH];
    const char *name = hesse_schema_path(path, r->version, inner);
    if (!name) return NULL;
    return snprintf(room, HESSE_PATH, "%s%s", r->place, name) < HESSE_PATH ? room
                                                                           : NULL;
}

bool hesse_reader_has(const hesse_reader *r, const char *path)
{
    char room[HESSE_PATH];
    const char *name = hesse_reader_path(r, path, room);
    return name && H5Lexists(r->file, name, H5P_DEFAULT) > 0;
}

void *hesse_reader_set(hesse_reader *r, const char *path, hid_t type, size_t *count,
                       size_t *size)
{
    if (r->status) return NULL;
    char room[HESSE_PATH];
    const char *name = hesse_reader_path(r, path, room);
    const hid_t set = name ? H5Dopen2(r->file, name, H5P_DEFAULT) : -1;
    const hid_t stored = H5Dget_type(set), space = H5Dget_space(set);
    const hssize_t points = H5Sget_simple_extent_npoints(space);
    const bool text = H5Tget_class(stored) == H5T_STRING;
    void *values = NULL;
    *size = type < 0 ? H5Tget_size(stored) : H5Tget_size(type);
    *count = points > 0 ? (size_t)points : 0;
    if (!*count || H5Sget_simple_extent_ndims(space) > 2 || text != (type < 0) ||
        H5Tis_variable_str(stored) > 0 || *size > r->bytes ||
        *count > r->bytes / *size) {
        hesse_reader_fail(r, path, "a dataset of this schema");
    } else if (!(values = hesse_calloc(*count * *size + 1, 1))) {
        r->status = hesse_fail(r->why, HESSE_E_NOMEM, "%s: no memory", r->path);
    } else if (H5Dread(set, type < 0 ? stored : type, H5S_ALL, H5S_ALL, H5P_DEFAULT,
                       values) < 0) {
        hesse_reader_fail(r, path, "readable data");
    }
    if (space >= 0) H5Sclose(space);
    if (stored >= 0) H5Tclose(stored);
    if (set >= 0) H5Dclose(set);
    if (r->status) {
        free(values);
        return NULL;
    }
    return values;
}

void *hesse_reader_column(hesse_reader *r, const char *path, hid_t type, size_t count)
{
    size_t found, size;
    void *values = hesse_reader_set(r, path, type, &found, &size);
    if (values && found != count) {
        hesse_reader_fail(r, path, "an entry for every block");
        free(values);
        values = NULL;
    }
    return values;
}

void hesse_reader_attribute(hid_t object, const char *name, char *text, size_t room)
{
    const hid_t a = H5Aopen(object, name, H5P_DEFAULT), type = H5Aget_type(a);
    const hid_t space = H5Aget_space(a);
    const bool one = H5Sget_simple_extent_npoints(space) == 1;
    const H5T_class_t kind = H5Tget_class(type);
    const size_t size = H5Tget_size(type);
    text[0] = '\0';
    if (one && kind == H5T_STRING && H5Tis_variable_str(type) == 0 && size < room) {
        memset(text, 0, room);
        if (H5Aread(a, type, text) < 0 || strchr(text, '\n')) text[0] = '\0';
    } else if (one && kind == H5T_INTEGER) {
        int64_t whole = 0;
        if (H5Aread(a, H5T_NATIVE_INT64, &whole) >= 0)
            snprintf(text, room, "%lld", (long long)whole);
    } else if (one && kind == H5T_FLOAT) {
        double number = 0;
        if (H5Aread(a, H5T_NATIVE_DOUBLE, &number) >= 0)
            snprintf(text, room, "%.10g", number);
    }
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    if (a >= 0) H5Aclose(a);
}

hesse_precision hesse_reader_precision(const hesse_reader *r)
{
    char text[16] = "";
    if (H5Aexists(r->file, "precision") > 0)
        hesse_reader_attribute(r->file, "precision", text, sizeof text);
    return strcmp(text, "single") == 0 ? HESSE_PRECISION_SINGLE
                                       : HESSE_PRECISION_DOUBLE;
}

const char *hesse_reader_text(const char *texts, size_t size, size_t i, char *text,
                              size_t room)
{
    const size_t length = size < room - 1 ? size : room - 1;
    memcpy(text, texts + i * size, length);
    text[length] = '\0';
    return text;
}

char *hesse_reader_note(hesse_reader *r, const char *name)
{
    size_t count, size;
    if (hesse_reader_has(r, name)) return hesse_reader_set(r, name, -1, &count, &size);
    const hid_t a = H5Aopen(r->file, name, H5P_DEFAULT), type = H5Aget_type(a);
    const hid_t space = H5Aget_space(a);
    size = H5Tget_size(type);
    char *text = NULL;
    if (H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0 &&
        H5Sget_simple_extent_npoints(space) == 1 && size < r->bytes)
        text = hesse_calloc(size + 1, 1);
    if (text && H5Aread(a, type, text) < 0) text[0] = '\0';
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    if (a >= 0) H5Aclose(a);
    return text;
}
