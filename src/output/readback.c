/* Everything is read back before a file gets its name. The checksum is a sum over
   words. So ranks that had cyclic blocks of a matrix can compare it with ranks that
   read bands of its rows, and the way through rank 0 is checked, too. */
#include "output/store.h"

#include "base/memory.h"
#include "parallel/team.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const size_t SLICE = (size_t)32 << 20; /* bytes */

/* Read rows first ... end - 1 of a set, of `row` bytes each, and add them to the
   checksum. */
static bool read_rows(hesse_store *store, hid_t set, hid_t type, size_t row,
                      hsize_t first, hsize_t end, uint64_t *sum)
{
    const hsize_t most = row < SLICE ? SLICE / row : 1;
    const hsize_t height = end - first < most ? end - first : most;
    double *words = hesse_alloc(height * row / 8);
    const hid_t space = H5Dget_space(set);
    const int rank = H5Sget_simple_extent_ndims(space);
    hsize_t start[2] = {0}, extent[2] = {1, 1};
    if (rank > 0) H5Sget_simple_extent_dims(space, extent, NULL);
    if (!words) hesse_store_no_memory(store);
    bool good = words;
    for (hsize_t i = first; i < end && good; i += extent[0]) {
        start[0] = i, extent[0] = end - i < height ? end - i : height;
        const hid_t memory =
            rank ? H5Screate_simple(rank, extent, NULL) : H5Screate(H5S_SCALAR);
        if (rank) H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, extent, NULL);
        good = H5Dread(set, type, memory, space, H5P_DEFAULT, words) >= 0;
        H5Sclose(memory);
        if (good) *sum += hesse_checksum(i * row / 8, words, extent[0] * row / 8);
    }
    H5Sclose(space);
    free(words);
    return good;
}

/* Read this rank's piece of a set: a band of a shared set, or a whole set of rank 0. */
static uint64_t read_share(hesse_store *store, hid_t file, const hesse_written *w)
{
    uint64_t sum = 0;
    const hid_t set = H5Dopen2(file, w->path, H5P_DEFAULT);
    const hid_t stored = H5Dget_type(set);
    const hid_t type = H5Tget_native_type(stored, H5T_DIR_DEFAULT);
    const hid_t space = H5Dget_space(set);
    hsize_t extent[2] = {1, 1};
    if (H5Sget_simple_extent_ndims(space) > 0)
        H5Sget_simple_extent_dims(space, extent, NULL);
    const hsize_t ranks = w->shared ? store->team->size : 1;
    const hsize_t me = w->shared ? store->team->rank : 0;
    const hsize_t first = extent[0] * me / ranks, end = extent[0] * (me + 1) / ranks;
    if (!read_rows(store, set, type, H5Tget_size(type) * extent[1], first, end, &sum))
        hesse_store_fail(store, "read back", w->path);
    H5Sclose(space);
    H5Tclose(type);
    H5Tclose(stored);
    H5Dclose(set);
    return sum;
}

static void differs(hesse_store *store, const char *path)
{
    if (!store->status)
        store->status = hesse_fail(&store->team->why, HESSE_E_OUTPUT,
                                   "%s: %s read back differs from what was written",
                                   store->path, path);
}

/* Compare each rank's checksums, written minus read; those of shared sets go to
   `shares`, in order. */
static void compare(hesse_store *store, hid_t file, uint64_t *shares)
{
    size_t i = 0;
    for (const hesse_written *w = store->first; w && !store->status; w = w->next) {
        const uint64_t defect = w->checksum - read_share(store, file, w);
        if (w->shared)
            shares[i++] = defect;
        else if (defect)
            differs(store, w->path);
    }
}

static hid_t open_to_read(hesse_store *store)
{
    const hid_t access = hesse_store_access();
    const hid_t file = H5Fopen(store->temporary, H5F_ACC_RDONLY, access);
    if (file < 0) hesse_store_fail(store, "read back", "the file");
    H5Pclose(access);
    return file;
}

void hesse_store_read_back(hesse_store *store)
{
    size_t matrices = 0, i = 0;
    for (const hesse_written *w = store->first; w; w = w->next) matrices += w->shared;
    uint64_t *shares = hesse_calloc(matrices, sizeof *shares);
    if (!shares)
        hesse_store_no_memory(store);
    else if (!store->status && (matrices || store->team->rank == 0)) {
        const hid_t file = open_to_read(store);
        if (file >= 0) compare(store, file, shares);
        if (file >= 0) H5Fclose(file);
    }
    if (!hesse_store_agree(store)) {
        assert(shares);
        MPI_Allreduce(MPI_IN_PLACE, shares, (int)matrices, MPI_UINT64_T, MPI_SUM,
                      store->team->comm);
        for (const hesse_written *w = store->first; w; w = w->next)
            if (w->shared && shares[i++]) differs(store, w->path);
    }
    free(shares);
}
