/* The file describes itself, so no name of a dataset stands here: every object that
   HDF5 visits is written as it is. Only the records of blocks come from the schema, as
   the columns of the tables of `show` do. */
#include "output/show_json.h"

#include "base/memory.h"
#include "hesse/spectrum.h"
#include "output/reader.h"
#include "output/schema.h"

#include <hdf5_hl.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_AXES = 8, LABEL = 64 };

typedef struct show {
    hesse_reader *reader;
    hesse_json *json;
    json_t *groups, *datasets;
} show;

/* The type in memory of values that JSON can have; below 0: another kind. */
static hid_t type_in_memory(hid_t stored)
{
    switch (H5Tget_class(stored)) {
    case H5T_INTEGER:
        return H5T_NATIVE_INT64;
    case H5T_FLOAT:
        return H5T_NATIVE_DOUBLE;
    case H5T_STRING:
        return H5Tis_variable_str(stored) == 0 ? stored : -1;
    default:
        return -1;
    }
}

static json_t *value_at(const char *values, hid_t stored, size_t size, size_t i)
{
    char *text;
    int64_t whole;
    double number;
    json_t *value = NULL;
    switch (H5Tget_class(stored)) {
    case H5T_INTEGER:
        memcpy(&whole, values + i * sizeof whole, sizeof whole);
        return json_integer(whole);
    case H5T_FLOAT:
        memcpy(&number, values + i * sizeof number, sizeof number);
        return hesse_json_number(number);
    default:
        text = hesse_calloc(size + 1, 1);
        if (text) memcpy(text, values + i * size, size);
        if (text) value = hesse_json_text(text);
        free(text);
        return value;
    }
}

/* Lists within lists, one for each axis. `at` counts the values. */
static json_t *nest(hesse_json *j, const char *values, hid_t stored, size_t size,
                    int axes, const hsize_t *shape, size_t *at)
{
    if (!axes) return value_at(values, stored, size, (*at)++);
    json_t *list = json_array();
    for (hsize_t i = 0; !j->failed && i < shape[0]; i++)
        hesse_json_append(j, list,
                          nest(j, values, stored, size, axes - 1, shape + 1, at));
    return list;
}

/* The entries of an object that has a type and a space: a dataset or an attribute. */
typedef struct entries {
    hid_t stored, memory; /* types; memory below 0: JSON cannot have them */
    int axes;
    hsize_t shape[MOST_AXES];
    size_t count, size; /* size: bytes of a text */
} entries;

static entries entries_of(hid_t stored, hid_t space)
{
    entries e = {.stored = stored, .memory = type_in_memory(stored)};
    e.axes = H5Sget_simple_extent_ndims(space);
    if (e.axes < 0 || e.axes > MOST_AXES ||
        H5Sget_simple_extent_dims(space, e.shape, NULL) < 0 ||
        H5Sget_simple_extent_type(space) == H5S_NULL)
        e.memory = -1;
    const hssize_t count = H5Sget_simple_extent_npoints(space);
    e.count = count > 0 ? (size_t)count : 0;
    e.size = H5Tget_size(stored);
    return e;
}

/* True if a file of `bytes` bytes can have these entries. */
static bool fits(const entries *e, size_t bytes)
{
    return e->memory >= 0 && e->size && e->size <= bytes &&
           e->count <= bytes / e->size + 1;
}

/* Room for the entries in memory, where a whole number takes eight bytes. */
static void *room_for(const entries *e)
{
    const size_t each = e->memory == e->stored ? e->size : sizeof(double);
    return hesse_calloc(e->count * each + 1, 1);
}

/* JSON has only names in UTF-8, and so have the files that are written. */
static bool has_good_name(hesse_reader *r, const char *name)
{
    json_t *text = json_string(name);
    const bool good = text;
    if (!good) hesse_reader_fail(r, "a name in it", "UTF-8");
    json_decref(text);
    return good;
}

/* Names that only other libraries read: the marks of dimension scales and of netCDF. */
static bool is_mark(const char *name)
{
    return strcmp(name, "CLASS") == 0 || strcmp(name, "NAME") == 0 || *name == '_';
}

typedef struct attributes {
    show *show;
    json_t *into;
} attributes;

/* References and compounds, such as the lists of dimension scales, are left out before
   they are read, because they may be very long. */
static herr_t take_attribute(hid_t object, const char *name, const H5A_info_t *info,
                             void *data)
{
    const attributes *a = data;
    hesse_reader *r = a->show->reader;
    (void)info;
    if (is_mark(name) || !has_good_name(r, name)) return 0;
    const hid_t id = H5Aopen(object, name, H5P_DEFAULT), type = H5Aget_type(id),
                space = H5Aget_space(id);
    const entries e = entries_of(type, space);
    if (fits(&e, r->bytes)) {
        void *values = room_for(&e);
        size_t at = 0;
        if (values && H5Aread(id, e.memory, values) >= 0)
            hesse_json_set(
                a->show->json, a->into, name,
                nest(a->show->json, values, type, e.size, e.axes, e.shape, &at));
        a->show->json->failed |= !values;
        free(values);
    }
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    if (id >= 0) H5Aclose(id);
    return 0;
}

static json_t *attributes_of(show *s, hid_t object)
{
    json_t *into = json_object();
    H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, NULL, take_attribute,
                &(attributes){s, into});
    return into;
}

static json_t *axes_of(show *s, hid_t set, int axes)
{
    json_t *list = json_array();
    for (int i = 0; i < axes; i++) {
        char label[LABEL] = "";
        if (H5DSget_label(set, (unsigned)i, label, sizeof label) <= 0) label[0] = '\0';
        hesse_json_append(s->json, list, hesse_json_text(label));
    }
    return list;
}

static json_t *shape_of(show *s, const entries *e)
{
    json_t *list = json_array();
    for (int i = 0; i < e->axes; i++)
        hesse_json_append(s->json, list, json_integer((json_int_t)e->shape[i]));
    return list;
}

static json_t *values_of(show *s, const char *name, hid_t set, const entries *e)
{
    if (e->count > HESSE_JSON_VALUES) return json_null();
    json_t *list = NULL;
    void *values = room_for(e);
    size_t at = 0;
    if (values && H5Dread(set, e->memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
        hesse_reader_fail(s->reader, name, "readable data");
    else if (values)
        list = nest(s->json, values, e->stored, e->size, e->axes, e->shape, &at);
    free(values);
    return list;
}

/* A dimension scale without coordinates only gives its axis a name. */
static bool is_empty_scale(hid_t set)
{
    H5D_space_status_t status = H5D_SPACE_STATUS_ALLOCATED;
    return H5DSis_scale(set) > 0 && H5Dget_space_status(set, &status) >= 0 &&
           status == H5D_SPACE_STATUS_NOT_ALLOCATED;
}

static void take_dataset(show *s, const char *name, hid_t set)
{
    if (is_empty_scale(set)) return;
    const hid_t type = H5Dget_type(set), space = H5Dget_space(set);
    const entries e = entries_of(type, space);
    if (e.memory >= 0 && !fits(&e, s->reader->bytes)) {
        hesse_reader_fail(s->reader, name,
                          "a dataset that is not longer than the file");
    } else if (e.memory >= 0) {
        json_t *entry = hesse_json_set(s->json, s->datasets, name, json_object());
        hesse_json_set(s->json, entry, "shape", shape_of(s, &e));
        hesse_json_set(s->json, entry, "axes", axes_of(s, set, e.axes));
        hesse_json_set(s->json, entry, "attributes", attributes_of(s, set));
        json_t *values = values_of(s, name, set, &e);
        if (!s->reader->status) hesse_json_set(s->json, entry, "values", values);
    }
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
}

static herr_t take_object(hid_t file, const char *name, const H5O_info_t *info,
                          void *data)
{
    show *s = data;
    if (strcmp(name, ".") == 0) return 0;
    if (!has_good_name(s->reader, name)) return -1;
    const hid_t object = H5Oopen(file, name, H5P_DEFAULT);
    if (object < 0)
        hesse_reader_fail(s->reader, name, "an object that HDF5 can open");
    else if (info->type == H5O_TYPE_DATASET)
        take_dataset(s, name, object);
    else if (info->type == H5O_TYPE_GROUP)
        hesse_json_set(s->json, s->groups, name, attributes_of(s, object));
    if (object >= 0) H5Oclose(object);
    return s->reader->status || s->json->failed ? -1 : 0;
}

/* The word of the column `checks` of the table. */
static const char *verdict(const json_t *record, hesse_precision precision)
{
    static const char *const checks[] = {"check_trace", "check_frobenius",
                                         "check_symmetry"};
    double found[3];
    for (int i = 0; i < 3; i++) {
        const json_t *value = json_object_get(record, checks[i]);
        found[i] = json_is_real(value) ? json_real_value(value) : NAN;
    }
    const json_int_t size = json_integer_value(json_object_get(record, "size"));
    const int n = size > 0 && size < INT32_MAX ? (int)size : 1;
    return isnan(found[0])                                                 ? "-"
           : hesse_checks_hold(n, precision, found[0], found[1], found[2]) ? "ok"
                                                                           : "WRONG";
}

/* True for a dataset with one entry for every block. */
static bool is_column(const hesse_schema_row *row)
{
    return strncmp(row->path, "blocks/", strlen("blocks/")) == 0 && !row->attribute &&
           row->axes[0] == HESSE_AXIS_BLOCK && row->axes[1] == HESSE_AXIS_NONE;
}

/* Add a column of the schema to the records of a share, if the file has it. Numbers of
   one share are below its prefix; places and names of blocks belong to all shares. */
static void add_column(show *s, const hesse_schema_row *row, const char *prefix,
                       json_t *records, size_t count)
{
    char path[HESSE_PATH];
    const char *name = strchr(row->path, '/') + 1;
    size_t found = 0, size;
    snprintf(path, sizeof path, "%s%s", row->shares ? prefix : "", row->path);
    if (!hesse_reader_has(s->reader, path)) return;
    const bool text = row->content == HESSE_CONTENT_TEXT;
    const hid_t type = text                                   ? -1
                       : row->content == HESSE_CONTENT_NUMBER ? H5T_NATIVE_DOUBLE
                                                              : H5T_NATIVE_INT64;
    char *values = hesse_reader_set(s->reader, path, type, &found, &size);
    if (found != count) hesse_reader_fail(s->reader, path, "an entry for every block");
    const hid_t stored = text ? H5T_C_S1 : type;
    for (size_t b = 0; !s->reader->status && b < count; b++)
        hesse_json_set(s->json, json_array_get(records, b), name,
                       value_at(values, stored, size, b));
    free(values);
}

/* The numbers of the full matrix of a share, and its verdict. */
static json_t *full_of(show *s, const char *prefix, json_int_t order)
{
    char path[HESSE_PATH];
    const hesse_schema_row *row;
    snprintf(path, sizeof path, "%sspectra/full", prefix);
    if (!hesse_reader_has(s->reader, "spectra") || !hesse_reader_has(s->reader, path))
        return json_null();
    json_t *full = json_object();
    hesse_json_set(s->json, full, "size", json_integer(order));
    for (size_t i = 0; !s->reader->status && (row = hesse_schema_row_at(i)); i++) {
        size_t found = 0, size;
        if (!is_column(row) || !row->full) continue;
        const char *name = strchr(row->path, '/') + 1;
        snprintf(path, sizeof path, "%sspectra/full/%s", prefix, name);
        if (!hesse_reader_has(s->reader, path)) continue;
        const bool text = row->content == HESSE_CONTENT_TEXT;
        char *value = hesse_reader_set(s->reader, path, text ? -1 : H5T_NATIVE_DOUBLE,
                                       &found, &size);
        if (value)
            hesse_json_set(
                s->json, full, name,
                value_at(value, text ? H5T_C_S1 : H5T_NATIVE_DOUBLE, size, 0));
        free(value);
    }
    hesse_json_set(s->json, full, "checks",
                   hesse_json_text(verdict(full, hesse_reader_precision(s->reader))));
    return full;
}

static void take_share(show *s, json_t *shares, const char *name, const char *prefix)
{
    const hesse_schema_row *row;
    size_t count = 0, size;
    json_int_t order = 0;
    free(hesse_reader_set(s->reader, "blocks/name", -1, &count, &size));
    if (s->reader->status) return; /* the count may be that of a damaged file */
    json_t *share = hesse_json_set(s->json, shares, name, json_object());
    json_t *records = hesse_json_set(s->json, share, "blocks", json_array());
    for (size_t b = 0; b < count; b++)
        hesse_json_append(s->json, records, json_object());
    for (size_t i = 0; !s->reader->status && (row = hesse_schema_row_at(i)); i++)
        if (is_column(row)) add_column(s, row, prefix, records, count);
    for (size_t b = 0; b < count; b++) {
        json_t *record = json_array_get(records, b);
        order += json_integer_value(json_object_get(record, "size"));
        hesse_json_set(
            s->json, record, "checks",
            hesse_json_text(verdict(record, hesse_reader_precision(s->reader))));
    }
    hesse_json_set(s->json, share, "full", full_of(s, prefix, order));
}

static void take_shares(show *s)
{
    json_t *shares = hesse_json_set(s->json, s->json->root, "shares", json_object());
    if (!hesse_reader_has(s->reader, "blocks") ||
        !hesse_reader_has(s->reader, "blocks/trace"))
        return;
    take_share(s, shares, "hessian", "");
    H5G_info_t info;
    if (!hesse_reader_has(s->reader, "parts") ||
        H5Gget_info_by_name(s->reader->file, "parts", &info, H5P_DEFAULT) < 0)
        return;
    for (hsize_t i = 0; !s->reader->status && i < info.nlinks; i++) {
        char name[200] = "", prefix[HESSE_PATH];
        H5Lget_name_by_idx(s->reader->file, "parts", H5_INDEX_NAME, H5_ITER_INC, i,
                           name, sizeof name, H5P_DEFAULT);
        snprintf(prefix, sizeof prefix, "parts/%s/", name);
        if (has_good_name(s->reader, name)) take_share(s, shares, name, prefix);
    }
}

hesse_status hesse_result_json(const char *path, hesse_json *j, hesse_why *why)
{
    hesse_reader r;
    const hesse_status status = hesse_reader_open(path, &r, why);
    if (status) return status;
    show s = {.reader = &r, .json = j};
    hesse_reader_expect_result(&r);
    if (!r.status) {
        hesse_json_set(j, j->root, "file", hesse_json_text(path));
        hesse_json_set(j, j->root, "attributes", attributes_of(&s, r.file));
        take_shares(&s);
        s.groups = hesse_json_set(j, j->root, "groups", json_object());
        s.datasets = hesse_json_set(j, j->root, "datasets", json_object());
        if (!r.status &&
            H5Ovisit(r.file, H5_INDEX_NAME, H5_ITER_INC, take_object, &s) < 0 &&
            !j->failed)
            hesse_reader_fail(&r, "its objects", "objects that HDF5 can visit");
    }
    H5Fclose(r.file);
    return r.status;
}
