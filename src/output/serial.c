/* What rank 0 writes alone: groups, small datasets and attributes. Types are the plainest
   that every reader knows: little-endian doubles and 64-bit integers, and UTF-8 texts of
   one length padded with zeros. */
#include "output/store.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_ascii(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text > 127) return false;
    return true;
}

/* What is ASCII is marked as that: HDF5 has no conversion from one to the other, and Octave
   asks for ASCII. */
static hid_t text_type(size_t size, bool ascii)
{
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, size);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    H5Tset_cset(type, ascii ? H5T_CSET_ASCII : H5T_CSET_UTF8);
    return type;
}

static bool add_attribute(hid_t object, const char *name, hid_t file_type, hid_t type,
                          const void *value)
{
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t a =
        H5Acreate2(object, name, file_type, space, H5P_DEFAULT, H5P_DEFAULT);
    const bool good = a >= 0 && H5Awrite(a, type, value) >= 0;
    if (a >= 0) H5Aclose(a);
    H5Sclose(space);
    return good;
}

static bool add_text(hid_t object, const char *name, const char *text)
{
    const size_t length = strlen(text);
    const hid_t type = text_type(length ? length : 1, is_ascii(text));
    const bool good = add_attribute(object, name, type, type, text);
    H5Tclose(type);
    return good;
}

/* An attribute of the object at a path; type negative: value is a text. */
static void note(hesse_store *store, const char *path, const char *name,
                 hid_t file_type, hid_t type, const void *value)
{
    if (store->status) return;
    const hid_t object = H5Oopen(store->file, path, H5P_DEFAULT);
    const bool good =
        object >= 0 && (type < 0 ? add_text(object, name, value)
                                 : add_attribute(object, name, file_type, type, value));
    if (!good) hesse_store_fail(store, "write the attribute", name);
    if (object >= 0) H5Oclose(object);
}

void hesse_store_note_text(hesse_store *store, const char *path, const char *name,
                           const char *text)
{
    note(store, path, name, -1, -1, text);
}

void hesse_store_note_number(hesse_store *store, const char *path, const char *name,
                             double number)
{
    note(store, path, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &number);
}

void hesse_store_note_whole(hesse_store *store, const char *path, const char *name,
                            int64_t number)
{
    note(store, path, name, H5T_STD_I64LE, H5T_NATIVE_INT64, &number);
}

static void make_group(hesse_store *store, const char *path)
{
    if (store->status || H5Lexists(store->file, path, H5P_DEFAULT) > 0) return;
    const hid_t group =
        H5Gcreate2(store->file, path, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (group < 0 || !add_text(group, "description", hesse_schema_group(path)))
        hesse_store_fail(store, "create the group", path);
    if (group >= 0) H5Gclose(group);
}

/* Every group above a dataset. */
static void make_groups(hesse_store *store, const char *path)
{
    char group[HESSE_PATH];
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        memcpy(group, path, slash - path);
        group[slash - path] = '\0';
        make_group(store, group);
    }
}

hesse_written *hesse_store_remember(hesse_store *store, const hesse_set *set)
{
    const size_t length = strlen(set->path) + 1;
    hesse_written *w = hesse_calloc(1, sizeof *w);
    char *path = hesse_calloc(length, 1);
    if (!w || !path) {
        hesse_store_no_memory(store);
        free(path);
        free(w);
        return NULL;
    }
    memcpy(path, set->path, length);
    *w = (hesse_written){.path = path, .axes = {set->axes[0], set->axes[1]}};
    if (store->last)
        store->last->next = w;
    else
        store->first = w;
    store->last = w;
    return w;
}

/* Contiguous, and every entry will be written. */
hid_t hesse_store_create(hesse_store *store, const hesse_set *set, hid_t type,
                         hid_t space)
{
    if (store->status) return -1;
    make_groups(store, set->path);
    const hid_t plan = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_fill_time(plan, H5D_FILL_TIME_NEVER);
    const hid_t made =
        H5Dcreate2(store->file, set->path, type, space, H5P_DEFAULT, plan, H5P_DEFAULT);
    if (made < 0 || !add_text(made, "units", set->units) ||
        !add_text(made, "description", set->description))
        hesse_store_fail(store, "create", set->path);
    H5Pclose(plan);
    return made;
}

static void write_set(hesse_store *store, const hesse_set *set, hid_t file_type,
                      hid_t type, int rank, const size_t *shape, const void *values)
{
    hsize_t extent[2] = {1, 1};
    for (int i = 0; i < rank; i++) extent[i] = shape[i];
    const hid_t space =
        rank ? H5Screate_simple(rank, extent, NULL) : H5Screate(H5S_SCALAR);
    hesse_written *written = store->status ? NULL : hesse_store_remember(store, set);
    const hid_t made = hesse_store_create(store, set, file_type, space);
    if (!store->status) {
        if (H5Dwrite(made, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
            hesse_store_fail(store, "write", set->path);
        const size_t words = extent[0] * extent[1] * (H5Tget_size(type) / 8);
        written->checksum = hesse_checksum(0, values, words);
    }
    if (made >= 0) H5Dclose(made);
    H5Sclose(space);
}

void hesse_store_doubles(hesse_store *store, const hesse_set *set, int rank,
                         const size_t *shape, const double *values)
{
    write_set(store, set, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, rank, shape, values);
}

void hesse_store_wholes(hesse_store *store, const hesse_set *set, int rank,
                        const size_t *shape, const int64_t *values)
{
    write_set(store, set, H5T_STD_I64LE, H5T_NATIVE_INT64, rank, shape, values);
}

void hesse_store_texts(hesse_store *store, const hesse_set *set, int rank,
                       const size_t *shape, const char *const *values)
{
    if (store->status) return;
    size_t count = 1, longest = 0;
    bool ascii = true;
    for (int i = 0; i < rank; i++) count *= shape[i];
    for (size_t i = 0; i < count; i++) {
        const size_t length = strlen(values[i]);
        if (length > longest) longest = length;
        ascii = ascii && is_ascii(values[i]);
    }
    const size_t size = (longest / 8 + 1) * 8; /* checksums see whole words */
    const hid_t type = text_type(size, ascii);
    char *all = hesse_calloc(count, size);
    if (all) {
        for (size_t i = 0; i < count; i++)
            memcpy(all + i * size, values[i], strlen(values[i]));
        write_set(store, set, type, type, rank, shape, all);
    } else {
        hesse_store_no_memory(store);
    }
    free(all);
    H5Tclose(type);
}
