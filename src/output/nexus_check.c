/* The check follows the rules of viewers, not the order of the schema: a file that was
   written by another version may prefer other pictures. */
#include "output/nexus_check.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AXES = 2, CLASS = 32, NAME = HESSE_PATH };

typedef struct checked {
    hesse_reader *reader;
    const char *path; /* of the group */
    hid_t group;
} checked;

static void wrong(const checked *c, const char *attribute, const char *name,
                  const char *expected)
{
    char what[2 * HESSE_PATH + 64];
    snprintf(what, sizeof what, "/%s: attribute %s '%.*s'", c->path, attribute, NAME,
             name);
    hesse_reader_fail(c->reader, what, expected);
}

/* Read a list of texts. Returns their number; each has `size` bytes. */
static size_t read_list(const checked *c, const char *name, char **texts, size_t *size)
{
    *texts = NULL, *size = 0;
    if (H5Aexists(c->group, name) <= 0) return 0;
    const hid_t a = H5Aopen(c->group, name, H5P_DEFAULT), type = H5Aget_type(a),
                space = H5Aget_space(a);
    const hssize_t count = H5Sget_simple_extent_npoints(space);
    const bool text = H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0;
    *size = H5Tget_size(type);
    if (text && count > 0 && *size && *size < NAME)
        *texts = hesse_calloc((size_t)count, *size);
    if (*texts && H5Aread(a, type, *texts) < 0) {
        free(*texts);
        *texts = NULL;
    }
    if (!*texts) wrong(c, name, "", "a list of texts");
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    if (a >= 0) H5Aclose(a);
    return *texts ? (size_t)count : 0;
}

/* The number of dimensions of a dataset of numbers in the group; -1: there is none. */
static int shape_of(const checked *c, const char *name, hsize_t extent[AXES])
{
    int rank = -1;
    if (!*name || strchr(name, '/') ||
        H5Oexists_by_name(c->group, name, H5P_DEFAULT) <= 0)
        return -1;
    const hid_t set = H5Dopen2(c->group, name, H5P_DEFAULT), type = H5Dget_type(set),
                space = H5Dget_space(set);
    const H5T_class_t kind = H5Tget_class(type);
    extent[0] = extent[1] = 1;
    if ((kind == H5T_FLOAT || kind == H5T_INTEGER) &&
        H5Sget_simple_extent_ndims(space) <= AXES)
        rank = H5Sget_simple_extent_dims(space, extent, NULL);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    if (set >= 0) H5Dclose(set);
    return rank;
}

static void check_companions(const checked *c, int rank, const hsize_t extent[AXES])
{
    char *texts, name[NAME];
    size_t size;
    hsize_t other[AXES];
    const size_t count = read_list(c, "auxiliary_signals", &texts, &size);
    for (size_t i = 0; i < count; i++) {
        hesse_reader_text(texts, size, i, name, sizeof name);
        if (shape_of(c, name, other) != rank || other[0] != extent[0] ||
            other[1] != extent[1])
            wrong(c, "auxiliary_signals", name, "a dataset of the shape of the signal");
    }
    free(texts);
}

static void check_axes(const checked *c, int rank, const hsize_t extent[AXES])
{
    char *texts, name[NAME];
    size_t size;
    hsize_t other[AXES];
    const size_t count = read_list(c, "axes", &texts, &size);
    if (count != (size_t)rank) wrong(c, "axes", "", "a name for every dimension");
    for (size_t i = 0; i < count && i < AXES; i++) {
        hesse_reader_text(texts, size, i, name, sizeof name);
        if (strcmp(name, ".") != 0 &&
            (shape_of(c, name, other) != 1 || other[0] != extent[i]))
            wrong(c, "axes", name, "numbers of the length of the dimension, or '.'");
    }
    free(texts);
}

static void check_signal(const checked *c)
{
    char signal[NAME];
    hsize_t extent[AXES];
    hesse_reader_attribute(c->group, "signal", signal, sizeof signal);
    const int rank = shape_of(c, signal, extent);
    if (rank < 1) {
        wrong(c, "signal", signal, "a dataset of numbers");
        return;
    }
    check_axes(c, rank, extent);
    check_companions(c, rank, extent);
}

/* A group that is shown by default is drawn, or shows another one. Every group is
   visited, so the way ends at a group that is drawn. */
static void check_default(const checked *c, const char *name)
{
    char class[CLASS] = "";
    bool leads = false;
    const bool below_it = *name && strcmp(name, ".") != 0 && !strchr(name, '/');
    if (below_it && H5Oexists_by_name(c->group, name, H5P_DEFAULT) > 0) {
        const hid_t below = H5Gopen2(c->group, name, H5P_DEFAULT);
        if (below >= 0) {
            hesse_reader_attribute(below, "NX_class", class, sizeof class);
            leads = strcmp(class, "NXdata") == 0 || H5Aexists(below, "default") > 0;
            H5Gclose(below);
        }
    }
    if (!leads) wrong(c, "default", name, "a group that can be drawn");
}

static herr_t check_group(hid_t file, const char *path, const H5O_info_t *info,
                          void *data)
{
    char class[CLASS], name[NAME];
    checked c = {.reader = data, .path = strcmp(path, ".") != 0 ? path : ""};
    if (info->type != H5O_TYPE_GROUP || c.reader->status) return 0;
    c.group = H5Gopen2(file, path, H5P_DEFAULT);
    if (c.group < 0) return 0;
    hesse_reader_attribute(c.group, "NX_class", class, sizeof class);
    hesse_reader_attribute(c.group, "default", name, sizeof name);
    if (strcmp(class, "NXdata") == 0)
        check_signal(&c);
    else if (H5Aexists(c.group, "default") > 0)
        check_default(&c, name);
    H5Gclose(c.group);
    return 0;
}

void hesse_nexus_check(hesse_reader *r)
{
    if (!r->status)
        H5Ovisit2(r->file, H5_INDEX_NAME, H5_ITER_INC, check_group, r, H5O_INFO_BASIC);
}
