/* The axes of datasets: labels and dimension scales, attached at the end by one rank on the
   file that no other has open. A scale is another dataset, and may be written after those
   that it belongs to. */
#include "output/store.h"

#include <hdf5_hl.h>
#include <stdio.h>
#include <string.h>

static hsize_t extent_of(hid_t set, unsigned axis)
{
    hsize_t extent[H5S_MAX_RANK] = {0};
    const hid_t space = H5Dget_space(set);
    H5Sget_simple_extent_dims(space, extent, NULL);
    H5Sclose(space);
    return extent[axis];
}

/* A scale is named from the root, or beside the dataset. */
static const char *scale_path(const hesse_written *w, unsigned axis,
                              char path[HESSE_PATH])
{
    const char *scale = w->axes[axis].scale, *slash = strrchr(w->path, '/');
    const int folder = *scale != '/' && slash ? (int)(slash - w->path + 1) : 0;
    snprintf(path, HESSE_PATH, "%.*s%s", folder, w->path, scale);
    return path;
}

static bool attach(hid_t file, const char *path, const char *label, hid_t set,
                   unsigned axis)
{
    if (H5Lexists(file, path, H5P_DEFAULT) <= 0) return true;
    const hid_t scale = H5Dopen2(file, path, H5P_DEFAULT);
    bool good = scale >= 0;
    if (good && extent_of(scale, 0) == extent_of(set, axis))
        good = (H5DSis_scale(scale) > 0 || H5DSset_scale(scale, label) >= 0) &&
               H5DSattach_scale(set, scale, axis) >= 0;
    if (scale >= 0) H5Dclose(scale);
    return good;
}

static void name_axis(hesse_store *store, const hesse_written *w, hid_t set,
                      unsigned axis)
{
    char path[HESSE_PATH];
    const hesse_axis_name *name = &w->axes[axis];
    bool good = H5DSset_label(set, axis, name->label) >= 0;
    if (good && name->scale)
        good = attach(store->file, scale_path(w, axis, path), name->label, set, axis);
    if (!good) hesse_store_fail(store, "name the axes of", w->path);
}

void hesse_store_scales(hesse_store *store)
{
    for (const hesse_written *w = store->first; w && !store->status; w = w->next) {
        if (!w->axes[0].label) continue;
        const hid_t set = H5Dopen2(store->file, w->path, H5P_DEFAULT);
        const hid_t space = H5Dget_space(set);
        const int rank = H5Sget_simple_extent_ndims(space);
        for (int axis = 0; axis < rank; axis++)
            if (w->axes[axis].label) name_axis(store, w, set, (unsigned)axis);
        H5Sclose(space);
        H5Dclose(set);
    }
}
