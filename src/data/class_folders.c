/* Files are decoded one after the other, and their pixels stand side by side in one
   array, which grows by doubling. */
#include "data/class_folders.h"

#include "base/memory.h"
#include "files/file.h"
#include "files/png.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CLASSES = 256 };

typedef struct reading {
    hesse_class_folders all;
    size_t room; /* images */
    hesse_digester *digest;
} reading;

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static hesse_status exhausted(const char *path, hesse_why *why)
{
    return hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory for the images", path);
}

static size_t image_size(const hesse_class_folders *x)
{
    return (size_t)x->rows * (size_t)x->cols * (size_t)x->channels;
}

static hesse_status append(reading *r, const char *path, const hesse_png *png,
                           size_t label, hesse_why *why)
{
    hesse_class_folders *x = &r->all;
    if (!x->count)
        x->rows = png->rows, x->cols = png->cols, x->channels = png->channels;
    if (png->rows != x->rows || png->cols != x->cols || png->channels != x->channels)
        return hesse_fail(
            why, HESSE_E_INPUT,
            "%s: found %d x %d pixels of %d channels, expected %d x %d of "
            "%d as in the first image",
            path, png->rows, png->cols, png->channels, x->rows, x->cols, x->channels);
    const size_t size = image_size(x);
    if (x->count == r->room) {
        const size_t room = 2 * r->room + 16;
        unsigned char *pixels = realloc(x->pixels, room * size);
        if (pixels) x->pixels = pixels;
        unsigned char *labels = pixels ? realloc(x->labels, room) : NULL;
        if (!labels) return exhausted(path, why);
        x->labels = labels, r->room = room;
    }
    memcpy(x->pixels + x->count * size, png->pixels, size);
    x->labels[x->count++] = (unsigned char)label;
    return HESSE_OK;
}

static hesse_status add_file(reading *r, const char *path, size_t label, hesse_why *why)
{
    char *bytes = NULL;
    size_t size = 0;
    hesse_png png = {0};
    hesse_status s = hesse_file_load(path, &bytes, &size, why);
    if (!s) hesse_digest_add(r->digest, bytes, size);
    if (!s) s = hesse_png_decode(path, bytes, size, &png, why);
    if (!s) s = append(r, path, &png, label, why);
    free(png.pixels);
    free(bytes);
    return s;
}

/* Visit the entries of a folder: the class folders, or the files of class `label`. */
static hesse_status visit(reading *r, const char *folder, bool classes, size_t label,
                          hesse_why *why)
{
    struct dirent **entries;
    hesse_status s = HESSE_OK;
    const int count = scandir(folder, &entries, visible, by_bytes);
    if (count < 0)
        return hesse_fail(why, HESSE_E_INPUT, "%s: %s", folder, strerror(errno));
    for (int i = 0; i < count; i++) {
        char *path = s ? NULL : hesse_file_join(folder, entries[i]->d_name);
        if (!s && !path) s = exhausted(folder, why);
        if (!s && !classes) s = add_file(r, path, label, why);
        if (!s && classes && !hesse_file_is_folder(path))
            s = hesse_fail(
                why, HESSE_E_INPUT,
                "%s: found a file beside the class folders, expected a folder "
                "of PNG files for each class, or one file of images",
                path);
        if (!s && classes && r->all.classes == MOST_CLASSES)
            s = hesse_fail(why, HESSE_E_INPUT,
                           "%s: found more class folders, expected at most %d", folder,
                           MOST_CLASSES);
        if (!s && classes) {
            hesse_digest_add(r->digest, entries[i]->d_name,
                             strlen(entries[i]->d_name) + 1);
            s = visit(r, path, false, r->all.classes++, why);
        }
        free(path);
        free(entries[i]);
    }
    free(entries);
    return s;
}

hesse_status hesse_class_folders_read(const char *folder, hesse_digester *digest,
                                      hesse_class_folders *images, hesse_why *why)
{
    reading r = {.digest = digest};
    hesse_status s = visit(&r, folder, true, 0, why);
    if (!s && !r.all.count)
        s = hesse_fail(
            why, HESSE_E_INPUT,
            "%s: found a folder without images, expected a folder of PNG files "
            "for each class",
            folder);
    if (s) {
        free(r.all.pixels);
        free(r.all.labels);
        r.all = (hesse_class_folders){0};
    }
    *images = r.all;
    return s;
}
