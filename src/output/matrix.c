/* A block-cyclic axis is one regular HDF5 hyperslab: blocks of nb, every procs * nb, the
   last one cut short. So every rank selects what it owns and all write at once, slice by
   slice: a transfer stays below 2^31 bytes, and every rank takes part in all of them, also
   with nothing.

   ScaLAPACK stores columns, HDF5 rows; the matrix is symmetric, so its transpose is written
   and file index (i, j) is matrix index (j, i). The layout is contiguous: one collective
   transfer is one MPI-IO call, so that a failure on one rank leaves all of them at the same
   place, and readers find whole rows. */
#include "output/store.h"

#include "parallel/team.h"

static const size_t SLICE = (size_t)128 << 20; /* bytes */

/* What a rank owns of an axis, from one of its blocks on: `full` blocks of nb, then `rest`
   more. */
typedef struct owned {
    hsize_t start, stride, full, nb, rest, rest_start;
} owned;

static owned owned_from(const hesse_axis *x, int local, int count)
{
    const hsize_t nb = x->nb, stride = (hsize_t)x->procs * nb,
                  full = (hsize_t)count / nb;
    const hsize_t start = hesse_axis_global(x, local);
    return (owned){start, stride, full, nb, (hsize_t)count % nb, start + full * stride};
}

static bool add_slab(hid_t space, const hsize_t start[2], const hsize_t stride[2],
                     const hsize_t count[2], const hsize_t block[2])
{
    if (!count[0] || !count[1] || !block[0] || !block[1]) return true;
    return H5Sselect_hyperslab(space, H5S_SELECT_OR, start, stride, count, block) >= 0;
}

/* Full or rest blocks of columns by those of rows. */
static bool select_owned(hid_t space, owned c, owned r)
{
    bool good = H5Sselect_none(space) >= 0;
    for (int rest = 0; rest < 4 && good; rest++) {
        const int cr = rest & 1, rr = rest >> 1;
        good = add_slab(
            space,
            (hsize_t[]){cr ? c.rest_start : c.start, rr ? r.rest_start : r.start},
            (hsize_t[]){c.stride, r.stride},
            (hsize_t[]){cr ? 1 : c.full, rr ? 1 : r.full},
            (hsize_t[]){cr ? c.rest : c.nb, rr ? r.rest : r.nb});
    }
    return good;
}

/* Collective. count doubles to what is selected of the file's space. */
static void write_slice(hesse_store *store, const char *path, hid_t made, hid_t space,
                        size_t count, const double *values)
{
    const hsize_t extent = count ? count : 1;
    const double nothing = 0;
    const hid_t transfer = H5Pcreate(H5P_DATASET_XFER);
    const hid_t memory = H5Screate_simple(1, &extent, NULL);
    H5Pset_dxpl_mpio(transfer, H5FD_MPIO_COLLECTIVE);
    if (!count) H5Sselect_none(memory);
    if (H5Dwrite(made, H5T_NATIVE_DOUBLE, memory, space, transfer,
                 count ? values : &nothing) < 0)
        hesse_store_fail(store, "write", path);
    H5Sclose(memory);
    H5Pclose(transfer);
    hesse_store_agree(store);
}

/* Collective. A dataset for all; negative after a failure on any rank. */
static hid_t create_square(hesse_store *store, const hesse_set *set, hid_t space,
                           hesse_written **written)
{
    *written = hesse_store_remember(store, set);
    if (*written) (*written)->shared = true;
    if (hesse_store_agree(store)) return -1;
    const hid_t made = hesse_store_create(store, set, H5T_IEEE_F64LE, space);
    hesse_store_together(store);
    hesse_store_reserve(store);
    hesse_store_agree(store);
    return made;
}

static hid_t square_space(int n)
{
    const hsize_t extent[] = {n, n};
    return H5Screate_simple(2, extent, NULL);
}

static uint64_t checksum_of(const hesse_dmat *a)
{
    uint64_t sum = 0;
    for (int c = 0; c < a->col.count; c++) {
        const size_t line = (size_t)hesse_axis_global(&a->col, c) * a->n;
        const double *column = a->local + (size_t)c * a->row.count;
        for (int r = 0, run; r < a->row.count; r += run) {
            run = hesse_axis_run(&a->row, r, a->row.count);
            sum +=
                hesse_checksum(line + hesse_axis_global(&a->row, r), column + r, run);
        }
    }
    return sum;
}

/* Process 0 of an axis owns the most; so slices are as many on all ranks. */
static int most(const hesse_axis *x, int n)
{
    const hesse_axis first = hesse_axis_of(*x, 0);
    return hesse_axis_below(&first, n);
}

void hesse_store_dmat(hesse_store *store, const hesse_set *set, const hesse_dmat *a)
{
    if (store->status) return;
    hesse_written *written;
    const hid_t space = square_space(a->n);
    const hid_t made = create_square(store, set, space, &written);
    const size_t blocks = SLICE / sizeof(double) / most(&a->row, a->n) / a->nb;
    const int width = blocks > (size_t)a->n ? a->n * a->nb
                      : blocks              ? (int)blocks * a->nb
                                            : a->nb;
    const int columns = most(&a->col, a->n);
    for (int from = 0; from < columns && !store->status; from += width) {
        const int left = a->col.count - from;
        const int mine = left < 0 ? 0 : left < width ? left : width;
        const size_t count = (size_t)mine * a->row.count;
        if (!count)
            H5Sselect_none(space);
        else if (!select_owned(space, owned_from(&a->col, from, mine),
                               owned_from(&a->row, 0, a->row.count)))
            hesse_store_fail(store, "select a rank's share of", set->path);
        if (hesse_store_agree(store)) break;
        write_slice(store, set->path, made, space, count,
                    a->local + (size_t)from * a->row.count);
    }
    if (!store->status) written->checksum = checksum_of(a);
    if (made >= 0) H5Dclose(made);
    H5Sclose(space);
}

void hesse_store_square(hesse_store *store, const hesse_set *set, int n,
                        const double *a)
{
    if (store->status) return;
    hesse_written *written;
    const hid_t space = square_space(n);
    const hid_t made = create_square(store, set, space, &written);
    const int width =
        n > (int)(SLICE / sizeof(double)) ? 1 : (int)(SLICE / sizeof(double)) / n;
    for (int from = 0; from < n && !store->status; from += width) {
        const int rows = n - from < width ? n - from : width;
        const hsize_t start[] = {from, 0}, extent[] = {rows, n};
        H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, extent, NULL);
        if (!a) H5Sselect_none(space);
        write_slice(store, set->path, made, space, a ? (size_t)rows * n : 0,
                    a ? a + (size_t)from * n : NULL);
    }
    if (!store->status) written->checksum = a ? hesse_checksum(0, a, (size_t)n * n) : 0;
    if (made >= 0) H5Dclose(made);
    H5Sclose(space);
}
