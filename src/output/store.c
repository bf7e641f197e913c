/* The file has one writer, rank 0. So a failed write is the failure of one rank, and
   the others learn of it by agreement. (With HDF5's parallel driver, the others would
   wait inside of a collective call.) Types are the plainest that every reader knows:
   little-endian doubles and 64-bit integers, and UTF-8 texts of one length padded with
   zeros. */
#define _GNU_SOURCE /* memfd_create */
#include "output/store.h"

#include "base/memory.h"
#include "output/stamp.h"
#include "parallel/team.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <hdf5_hl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { REASON = 256, SUFFIX = 64 };

/* The innermost entry is the reason, the outer ones are its consequences. For a system
   error only the system's message is taken, from a line with other text. */
static herr_t take_reason(unsigned depth, const H5E_error2_t *error, void *data)
{
    if (depth > 0 || !error->desc) return 0;
    char *text = data;
    const char *message = strstr(error->desc, "error message = '");
    const char *from = message ? message + strlen("error message = '") : error->desc;
    snprintf(text, REASON, ": %.*s", (int)strcspn(from, message ? "'\n" : "\n"), from);
    return 0;
}

void hesse_store_fail(hesse_store *store, const char *doing, const char *what)
{
    if (store->status) return;
    char reason[REASON] = "";
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_reason, reason);
    store->status = hesse_fail(&store->team->why, HESSE_E_OUTPUT, "%s: cannot %s %s%s",
                               store->path, doing, what, reason);
}

void hesse_store_no_memory(hesse_store *store)
{
    if (!store->status)
        store->status =
            hesse_fail(&store->team->why, HESSE_E_NOMEM, "%s: no memory", store->path);
}

const char *hesse_store_path(hesse_store *store, char path[HESSE_PATH],
                             const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(path, HESSE_PATH, format, args);
    va_end(args);
    if (length >= HESSE_PATH && !store->status)
        store->status =
            hesse_fail(&store->team->why, HESSE_E_OUTPUT,
                       "%s: the path %.60s... in it has %d bytes, expected at"
                       " most %d",
                       store->path, path, length, HESSE_PATH - 1);
    return path;
}

/* The full path in the file; "/" is the place of the result itself. */
static const char *full_path(hesse_store *store, const char *path,
                             char full[HESSE_PATH])
{
    const char *prefix = store->prefix;
    hesse_store_path(store, full, "%s%s", prefix, strcmp(path, "/") ? path : "");
    return *full ? full : "/";
}

hesse_status hesse_store_agree(hesse_store *store)
{
    return store->status = hesse_agree(store->team, store->status);
}

hesse_status hesse_store_check(const char *path, hesse_why *why)
{
    struct stat info;
    if (!*path) return hesse_fail(why, HESSE_E_OUTPUT, ": expected a file's name");
    if (stat(path, &info))
        return HESSE_OK; /* no file yet, or an error is found
                            below */
    if (S_ISDIR(info.st_mode))
        return hesse_fail(why, HESSE_E_OUTPUT,
                          "%s: is a folder, expected a file's name", path);
    if (!S_ISREG(info.st_mode))
        return hesse_fail(why, HESSE_E_OUTPUT,
                          "%s: is not a regular file, and would be replaced", path);
    return HESSE_OK;
}

static void free_written(hesse_written *list)
{
    while (list) {
        hesse_written *next = list->next;
        free(list->path);
        free(list);
        list = next;
    }
}

void hesse_store_remove(hesse_store *store, const char *prefix)
{
    const size_t length = strlen(prefix);
    hesse_written *all = store->first;
    store->first = store->last = NULL;
    while (all) {
        hesse_written *w = all;
        all = w->next;
        w->next = NULL;
        if (strncmp(w->path, prefix, length) == 0) {
            free_written(w);
        } else {
            if (store->last)
                store->last->next = w;
            else
                store->first = w;
            store->last = w;
        }
    }
    char group[HESSE_PATH];
    snprintf(group, sizeof group, "%.*s", (int)length - 1, prefix);
    if (store->file < 0 || store->status) return;
    char *slash = strchr(group, '/'); /* the group above may not exist yet */
    if (slash) *slash = '\0';
    const bool above = H5Lexists(store->file, group, H5P_DEFAULT) > 0;
    if (slash) *slash = '/';
    if (above && H5Lexists(store->file, group, H5P_DEFAULT) > 0 &&
        H5Ldelete(store->file, group, H5P_DEFAULT) < 0)
        hesse_store_fail(store, "remove", group);
}

static void free_store(hesse_store *store)
{
    if (!store) return;
    free_written(store->first);
    free(store->temporary);
    free(store->path);
    free(store);
}

/* Check that the disk has room for the beginning of a file, so that a full disk is
   found before the computation. */
static bool has_room(int fd)
{
    static const char zeros[1 << 16];
    bool good = true;
    for (int i = 0; i < 16 && good; i++) {
        const off_t at = i * (off_t)sizeof zeros;
        errno = ENOSPC; /* for a write that is cut short */
        good = pwrite(fd, zeros, sizeof zeros, at) == sizeof zeros;
    }
    return good && !ftruncate(fd, 0);
}

/* O_EXCL refuses any existing file, and links, too. */
static void create_temporary(hesse_store *store, const char *folder)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int fd = -1;
    for (unsigned try = 0; fd < 0 && try < 100 && (!try || errno == EEXIST); try++) {
        sprintf(store->temporary, "%s%s%ld-%08lx.tmp", folder ? folder : store->path,
                folder ? "/" : ".", (long)getpid(), (unsigned long)now.tv_nsec + try);
        fd = open(store->temporary, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
    }
    if (fd < 0 || !has_room(fd))
        store->status = hesse_fail(&store->team->why, HESSE_E_OUTPUT,
                                   "%s: a file cannot be written in its folder: %s",
                                   store->path, strerror(errno));
    if (fd < 0)
        store->temporary[0] = '\0'; /* nothing to remove */
    else
        close(fd);
}

hid_t hesse_store_access(void)
{
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_file_locking(access, false, true);
    H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
    return access;
}

static void create_file(hesse_store *store, const char *folder)
{
    store->status = hesse_store_check(store->path, &store->team->why);
    if (!store->status) create_temporary(store, folder);
    if (store->status) return;
    const hid_t access = hesse_store_access();
    store->file = H5Fcreate(store->temporary, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    if (store->file < 0) hesse_store_fail(store, "create", "the file");
    H5Pclose(access);
}

static hesse_store *room_for(hesse_team *team, const char *path, size_t room)
{
    hesse_store *store = hesse_calloc(1, sizeof *store);
    if (!store) return NULL;
    const size_t length = strlen(path) + 1;
    store->team = team, store->file = -1, store->prefix = "";
    store->path = hesse_calloc(length, 1);
    store->temporary = hesse_calloc(room, 1);
    if (!store->path || !store->temporary) {
        free_store(store);
        return NULL;
    }
    memcpy(store->path, path, length);
    return store;
}

hesse_status hesse_store_new(hesse_team *team, const char *path, const char *folder,
                             hesse_store **store)
{
    const size_t room = strlen(folder ? folder : path) + SUFFIX;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    hesse_store *made = room_for(team, path, room);
    hesse_status s = HESSE_OK;
    if (!made) s = hesse_fail(&team->why, HESSE_E_NOMEM, "%s: no memory", path);
    if ((s = hesse_agree(team, s))) {
        free_store(made);
        return s;
    }
    if (team->rank == 0) create_file(made, folder);
    hesse_team_broadcast(team, 0, made->temporary, room);
    if ((s = hesse_store_agree(made))) {
        hesse_store_drop(made);
        return s;
    }
    *store = made;
    return HESSE_OK;
}

static bool is_ascii(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text > 127) return false;
    return true;
}

/* An ASCII text is marked as ASCII: HDF5 cannot convert between ASCII and UTF-8, and
   Octave asks for ASCII. */
static hid_t text_type(size_t size, bool ascii)
{
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, size);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    H5Tset_cset(type, ascii ? H5T_CSET_ASCII : H5T_CSET_UTF8);
    return type;
}

/* Add an attribute with one value, or a list of values if `count` is not 0. */
static bool add_attribute(hid_t object, const char *name, hid_t file_type, hid_t type,
                          hsize_t count, const void *value)
{
    const hid_t space =
        count ? H5Screate_simple(1, &count, NULL) : H5Screate(H5S_SCALAR);
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
    const bool good = add_attribute(object, name, type, type, 0, text);
    H5Tclose(type);
    return good;
}

/* Copy texts to one array, in which all have the same length. The caller closes the
   type. Returns NULL when memory is exhausted. */
static char *same_length(hesse_store *store, size_t count, const char *const *texts,
                         hid_t *type)
{
    size_t longest = 0;
    bool ascii = true;
    for (size_t i = 0; i < count; i++) {
        const size_t length = strlen(texts[i]);
        if (length > longest) longest = length;
        ascii = ascii && is_ascii(texts[i]);
    }
    const size_t size = (longest / 8 + 1) * 8; /* checksums use whole words */
    *type = text_type(size, ascii);
    char *all = hesse_calloc(count, size);
    if (!all) hesse_store_no_memory(store);
    for (size_t i = 0; all && i < count; i++)
        memcpy(all + i * size, texts[i], strlen(texts[i]));
    return all;
}

/* Write an attribute of the object at a path; if `type` is negative, `value` is a
   text. */
static void note(hesse_store *store, const char *path, const char *name,
                 hid_t file_type, hid_t type, const void *value)
{
    char full[HESSE_PATH];
    const char *place = full_path(store, path, full);
    if (store->status) return;
    const hid_t object = H5Oopen(store->file, place, H5P_DEFAULT);
    const bool good = object >= 0 && (type < 0 ? add_text(object, name, value)
                                               : add_attribute(object, name, file_type,
                                                               type, 0, value));
    if (!good) hesse_store_fail(store, "write the attribute", name);
    if (object >= 0) H5Oclose(object);
}

void hesse_store_note_text(hesse_store *store, const char *path, const char *name,
                           const char *text)
{
    note(store, path, name, -1, -1, text);
}

void hesse_store_note_texts(hesse_store *store, const char *path, const char *name,
                            size_t count, const char *const *texts)
{
    char full[HESSE_PATH];
    const char *place = full_path(store, path, full);
    if (store->status) return;
    hid_t type;
    char *all = same_length(store, count, texts, &type);
    const hid_t object = H5Oopen(store->file, place, H5P_DEFAULT);
    if (all && (object < 0 || !add_attribute(object, name, type, type, count, all)))
        hesse_store_fail(store, "write the attribute", name);
    if (object >= 0) H5Oclose(object);
    H5Tclose(type);
    free(all);
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

static void make_group(hesse_store *store, const char *path, const char *description)
{
    if (store->status || H5Lexists(store->file, path, H5P_DEFAULT) > 0) return;
    const hid_t group =
        H5Gcreate2(store->file, path, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (group < 0 || !add_text(group, "description", description))
        hesse_store_fail(store, "create the group", path);
    if (group >= 0) H5Gclose(group);
}

/* Make every group above a dataset. The groups of the prefix are no part of a
   result. */
static void make_groups(hesse_store *store, const char *path)
{
    char group[HESSE_PATH];
    const size_t prefix = strlen(store->prefix);
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        const size_t length = (size_t)(slash - path);
        if (!length) continue;
        memcpy(group, path, length);
        group[length] = '\0';
        const hesse_schema_row *row =
            hesse_schema_find(group + (length < prefix ? 0 : prefix), NULL);
        make_group(store, group,
                   row ? row->description
                       : "results, each as the root of a file holds one");
    }
}

hesse_written *hesse_store_remember(hesse_store *store, const hesse_set *set)
{
    char full[HESSE_PATH];
    full_path(store, set->path, full);
    const size_t length = strlen(full) + 1;
    hesse_written *w = hesse_calloc(1, sizeof *w);
    char *path = hesse_calloc(length, 1);
    if (!w || !path) {
        hesse_store_no_memory(store);
        free(path);
        free(w);
        return NULL;
    }
    memcpy(path, full, length);
    *w = (hesse_written){.path = path,
                         .prefix = strlen(store->prefix),
                         .content = set->content,
                         .units = set->units,
                         .axes = {set->axes[0], set->axes[1]},
                         .draw = set->draw,
                         .link = set->link != NULL};
    if (store->last)
        store->last->next = w;
    else
        store->first = w;
    store->last = w;
    return w;
}

/* The dataset is contiguous, and every entry will be written. */
hid_t hesse_store_create(hesse_store *store, const hesse_set *set, hid_t type,
                         hid_t space)
{
    char full[HESSE_PATH];
    full_path(store, set->path, full);
    if (store->status) return -1;
    make_groups(store, full);
    const hid_t plan = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_fill_time(plan, H5D_FILL_TIME_NEVER);
    const hid_t made =
        H5Dcreate2(store->file, full, type, space, H5P_DEFAULT, plan, H5P_DEFAULT);
    if (made < 0 || !add_text(made, "units", set->units) ||
        !add_text(made, "description", set->description))
        hesse_store_fail(store, "create", full);
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
    assert(set->content == (H5Tget_class(type) == H5T_STRING ? HESSE_CONTENT_TEXT
                            : H5Tget_class(type) == H5T_INTEGER
                                ? HESSE_CONTENT_WHOLE
                                : HESSE_CONTENT_NUMBER));
    if (written && !store->status) {
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
    /* Octave reads no texts of two dimensions, and nothing after them. */
    assert(rank < 2);
    size_t count = 1;
    hid_t type;
    for (int i = 0; i < rank; i++) count *= shape[i];
    char *all = same_length(store, count, values, &type);
    if (all) write_set(store, set, type, type, rank, shape, all);
    free(all);
    H5Tclose(type);
}

void hesse_store_link(hesse_store *store, const char *path)
{
    char from[HESSE_PATH], to[HESSE_PATH], target[HESSE_PATH + 1];
    if (store->status) return;
    const hesse_set set = hesse_schema_set(path, false);
    assert(set.link);
    full_path(store, path, from);
    full_path(store, set.link, to);
    const hesse_written *of = store->first;
    while (of && strcmp(of->path, to) != 0) of = of->next;
    hesse_written *link =
        of && !store->status ? hesse_store_remember(store, &set) : NULL;
    if (!link) return;
    link->checksum = of->checksum; /* it is read back, too */
    make_groups(store, from);
    snprintf(target, sizeof target, "/%s", to);
    if (!store->status &&
        H5Lcreate_soft(target, store->file, from, H5P_DEFAULT, H5P_DEFAULT) < 0)
        hesse_store_fail(store, "create the link", from);
}

static hsize_t extent_of(hid_t set, unsigned axis)
{
    hsize_t extent[H5S_MAX_RANK] = {0};
    const hid_t space = H5Dget_space(set);
    H5Sget_simple_extent_dims(space, extent, NULL);
    H5Sclose(space);
    return extent[axis];
}

/* True for the axes of the blocks' matrices, which lie in one group. */
static bool is_shared(const hesse_axis_name *axis)
{
    return axis->scale && strncmp(axis->scale, "../", 3) == 0;
}

/* The name of a scale begins at the place of the result, or it is beside the dataset,
   or in the group above. */
static void scale_path(const hesse_written *w, const hesse_axis_name *axis,
                       char path[HESSE_PATH])
{
    const char *scale = axis->scale ? axis->scale : axis->label;
    int folder = (int)strlen(w->path);
    const bool above = is_shared(axis);
    for (int up = 0; up < 1 + above; up++) {
        while (folder && w->path[--folder] != '/') continue;
    }
    const bool of_result = *scale == '/';
    if (of_result) folder = (int)w->prefix;
    snprintf(path, HESSE_PATH, "%.*s%s%s", folder, w->path,
             of_result || !folder ? "" : "/", scale + (above ? 3 : of_result));
}

/* Make a dimension without coordinates, as netCDF-4 does it: an empty dataset whose
   scale has a certain name. */
static hid_t make_dimension(hid_t file, const char *path, hsize_t length)
{
    char name[80];
    snprintf(name, sizeof name,
             "This is a netCDF dimension but not a netCDF variable.%10llu",
             (unsigned long long)length);
    const hid_t space = H5Screate_simple(1, &length, NULL);
    const hid_t plan = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_fill_time(plan, H5D_FILL_TIME_NEVER);
    const hid_t made =
        H5Dcreate2(file, path, H5T_IEEE_F32BE, space, H5P_DEFAULT, plan, H5P_DEFAULT);
    const bool good = made >= 0 && H5DSset_scale(made, name) >= 0 &&
                      add_text(made, "units", "1") &&
                      add_text(made, "description", "a dimension without coordinates");
    H5Pclose(plan);
    H5Sclose(space);
    if (good) return made;
    if (made >= 0) H5Dclose(made);
    return -1;
}

/* A scale lists its datasets in an attribute, which is copied whenever it grows. So a
   dimension without coordinates has a limit. */
static bool has_place(hid_t scale, const hesse_axis_name *axis)
{
    enum { MOST = 256 };
    static const char list[] = "REFERENCE_LIST";
    const bool coordinates = axis->scale && !is_shared(axis);
    if (coordinates || H5Aexists(scale, list) <= 0) return true;
    const hid_t a = H5Aopen(scale, list, H5P_DEFAULT), space = H5Aget_space(a);
    const bool place = H5Sget_simple_extent_npoints(space) < MOST;
    H5Sclose(space);
    H5Aclose(a);
    return place;
}

/* Open the scale of an axis, or make it. Datasets of several lengths share a group, and
   then the names of scales have the length, too. */
static hid_t open_scale(hid_t file, const hesse_written *w, const hesse_axis_name *axis,
                        hsize_t length)
{
    char path[HESSE_PATH], number[32], again[16] = "";
    scale_path(w, axis, path);
    const size_t at = strlen(path);
    snprintf(number, sizeof number, "_%llu", (unsigned long long)length);
    for (int i = is_shared(axis);; i++) {
        if (i > 1) snprintf(again, sizeof again, "_%d", i);
        if (snprintf(path + at, HESSE_PATH - at, "%s%s", i ? number : "", again) >=
            (int)(HESSE_PATH - at))
            return -1;
        if (H5Lexists(file, path, H5P_DEFAULT) <= 0)
            return make_dimension(file, path, length);
        const hid_t scale = H5Dopen2(file, path, H5P_DEFAULT);
        if (scale >= 0 && extent_of(scale, 0) == length && has_place(scale, axis))
            return scale;
        if (scale >= 0) H5Dclose(scale);
    }
}

static bool attach(hid_t file, const hesse_written *w, const hesse_axis_name *axis,
                   hid_t set, unsigned dimension)
{
    const hid_t scale = open_scale(file, w, axis, extent_of(set, dimension));
    const bool good =
        scale >= 0 &&
        (H5DSis_scale(scale) > 0 || H5DSset_scale(scale, axis->label) >= 0) &&
        H5DSattach_scale(set, scale, dimension) >= 0;
    if (scale >= 0) H5Dclose(scale);
    return good;
}

/* A dataset of coordinates is the scale of its own axis. */
static void name_axis(hesse_store *store, const hesse_written *w, hid_t set,
                      unsigned axis)
{
    char path[HESSE_PATH];
    const hesse_axis_name *name = &w->axes[axis];
    scale_path(w, name, path);
    const bool own = strcmp(path, w->path) == 0;
    bool good = H5DSset_label(set, axis, name->label) >= 0;
    if (good && own)
        good = H5DSis_scale(set) > 0 || H5DSset_scale(set, name->label) >= 0;
    else if (good)
        good = attach(store->file, w, name, set, axis);
    if (!good) hesse_store_fail(store, "name the axes of", w->path);
}

/* Scales are attached at the end, because a scale may be written after the datasets
   that it belongs to. */
static void attach_scales(hesse_store *store)
{
    for (const hesse_written *w = store->first; w && store->file >= 0 && !store->status;
         w = w->next) {
        if (!w->axes[0].label || w->link) continue;
        const hid_t set = H5Dopen2(store->file, w->path, H5P_DEFAULT);
        const hid_t space = H5Dget_space(set);
        const int rank = H5Sget_simple_extent_ndims(space);
        for (int axis = 0; axis < rank; axis++)
            if (w->axes[axis].label) name_axis(store, w, set, (unsigned)axis);
        H5Sclose(space);
        H5Dclose(set);
    }
}

/* HDF5 cannot recover from a write that fails because the disk is full. So room for all
   objects that it has placed in the file is reserved before it writes. Not every file
   system can do that. */
void hesse_store_reserve(hesse_store *store)
{
    hsize_t size = 0;
    if (store->status || store->file < 0) return;
    const int fd = open(store->temporary, O_WRONLY | O_CLOEXEC);
    H5Fget_filesize(store->file, &size);
    const int error = fd < 0 ? errno : posix_fallocate(fd, 0, (off_t)size);
    if (fd < 0 || error == ENOSPC || error == EDQUOT || error == EFBIG)
        store->status = hesse_fail(&store->team->why, HESSE_E_OUTPUT,
                                   "%s: no room for %llu bytes: %s", store->path,
                                   (unsigned long long)size, strerror(error));
    if (fd >= 0) close(fd);
}

/* HDF5 cannot close a file without writing the rest of it, either. After a failure the
   rest is written to memory and dropped. */
static void divert(hesse_store *store)
{
    int *fd = NULL;
    const int sink = memfd_create("hesse", 0);
    if (H5Fget_vfd_handle(store->file, H5P_DEFAULT, (void **)&fd) >= 0) dup2(sink, *fd);
    close(sink);
}

static void close_file(hesse_store *store)
{
    if (store->file < 0) return;
    hesse_store_reserve(store);
    if (store->status) divert(store);
    if (H5Fclose(store->file) < 0) {
        hesse_store_fail(store, "close", "the file");
        divert(store);
        H5Fclose(store->file);
    }
    store->file = -1;
}

static bool sync_path(const char *path, int flags)
{
    const int fd = open(path, flags | O_CLOEXEC);
    const bool good = fd >= 0 && !fsync(fd);
    if (fd >= 0) close(fd);
    return good;
}

/* The new name is safe only after the folder is on the disk, too. Some file systems
   cannot sync a folder; the rename is still valid there. */
static void put_in_place(hesse_store *store)
{
    store->status = hesse_stamp_put(store->temporary, &store->team->why);
    if (store->status) return;
    if (!sync_path(store->temporary, O_WRONLY) ||
        rename(store->temporary, store->path)) {
        store->status =
            hesse_fail(&store->team->why, HESSE_E_OUTPUT,
                       "%s: cannot be put in place: %s", store->path, strerror(errno));
        return;
    }
    char *folder = store->path; /* its last use */
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = '\0';
    else
        strcpy(folder, ".");
    sync_path(folder, O_RDONLY | O_DIRECTORY);
}

hesse_status hesse_store_finish(hesse_store *store)
{
    attach_scales(store);
    if (store->file >= 0) hesse_store_describe(store);
    close_file(store);
    if (!hesse_store_agree(store)) hesse_store_read_back(store);
    if (!hesse_store_agree(store) && store->team->rank == 0) put_in_place(store);
    const hesse_status s = hesse_store_agree(store);
    if (s)
        hesse_store_drop(store);
    else
        free_store(store);
    return s;
}

void hesse_store_drop(hesse_store *store)
{
    close_file(store);
    if (store->team->rank == 0 && store->temporary[0]) unlink(store->temporary);
    MPI_Barrier(store->team->comm); /* no rank continues before the file has its name */
    free_store(store);
}
