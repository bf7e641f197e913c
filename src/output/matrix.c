/* A distributed matrix goes to the file through rank 0, a slice of rows at a time. The
   matrix is symmetric, so its row i is its column i, and a rank's entries of
   neighbouring columns lie together in its local array: they are sent without copying,
   and rank 0 puts the blocks of all ranks in their places. One writer needs less time
   than the digest of the file, which one rank computes, too; and if its write fails, no
   rank waits inside of MPI-IO. */
#include "output/store.h"

#include "base/memory.h"
#include "parallel/team.h"

#include <stdlib.h>
#include <string.h>

static const size_t SLICE = (size_t)32 << 20; /* bytes */

/* The state while n x n doubles are written in slices of rows. The dataset is negative
   on all ranks except rank 0. */
typedef struct writing {
    hesse_store *store;
    const char *path;
    int n, height; /* order; rows of a slice           */
    hid_t made, space;
    hesse_written *written;
    double *rows, *received; /* one slice each, on rank 0 */
} writing;

/* Collective. Create the dataset with its room in the file. */
static void begin(writing *w, hesse_store *store, const hesse_set *set, int n)
{
    const hsize_t extent[] = {(hsize_t)n, (hsize_t)n};
    const size_t row = (size_t)n * sizeof(double), fit = SLICE / row;
    *w = (writing){.store = store, .path = set->path, .n = n, .made = -1};
    w->height = fit > (size_t)n ? n : fit ? (int)fit : 1;
    w->space = H5Screate_simple(2, extent, NULL);
    w->written = hesse_store_remember(store, set);
    if (w->written) w->written->shared = true;
    if (!store->status && store->team->rank == 0) {
        w->rows = hesse_alloc((size_t)w->height * (size_t)n);
        w->received = hesse_alloc((size_t)w->height * (size_t)n);
        if (!w->rows || !w->received) hesse_store_no_memory(store);
        w->made = hesse_store_create(store, set, H5T_IEEE_F64LE, w->space);
        hesse_store_reserve(store);
    }
    hesse_store_agree(store);
}

static void finish(writing *w, uint64_t checksum)
{
    if (!w->store->status) w->written->checksum = checksum;
    if (w->made >= 0) H5Dclose(w->made);
    H5Sclose(w->space);
    free(w->received);
    free(w->rows);
}

/* Local to rank 0. Write rows first ... first + count - 1. */
static void write_rows(const writing *w, int first, int count, const double *rows)
{
    const hsize_t start[] = {(hsize_t)first, 0},
                  extent[] = {(hsize_t)count, (hsize_t)w->n};
    const hid_t memory = H5Screate_simple(2, extent, NULL);
    H5Sselect_hyperslab(w->space, H5S_SELECT_SET, start, NULL, extent, NULL);
    if (H5Dwrite(w->made, H5T_NATIVE_DOUBLE, memory, w->space, H5P_DEFAULT, rows) < 0)
        hesse_store_fail(w->store, "write", w->path);
    H5Sclose(memory);
}

/* The number of columns first ... end - 1 that a process of the grid owns. */
static int owned(const hesse_axis *x, int first, int end)
{
    return hesse_axis_below(x, end) - hesse_axis_below(x, first);
}

/* Put the received columns of one process into rows. */
static void place(const writing *w, const hesse_axis *col, const hesse_axis *row,
                  int first, int end, const double *from)
{
    const int height = hesse_axis_below(row, w->n);
    for (int c = hesse_axis_below(col, first); c < hesse_axis_below(col, end); c++) {
        double *to =
            w->rows + (size_t)(hesse_axis_global(col, c) - first) * (size_t)w->n;
        for (int r = 0, run; r < height; r += run, from += run) {
            run = hesse_axis_run(row, r, height);
            memcpy(to + hesse_axis_global(row, r), from, (size_t)run * sizeof *to);
        }
    }
}

/* Collective. Send columns first ... end - 1 of all ranks to rank 0, as rows. */
static void gather(const writing *w, const hesse_dmat *a, int first, int end)
{
    const hesse_grid *g = a->grid;
    MPI_Comm comm = w->store->team->comm;
    const int mine = owned(&a->col, first, end) * a->row.count;
    const double *from =
        a->local + (size_t)hesse_axis_below(&a->col, first) * (size_t)a->row.count;
    if (w->store->team->rank != 0) {
        if (mine) MPI_Send(from, mine, MPI_DOUBLE, 0, 0, comm);
        return;
    }
    for (int rank = 0; rank < w->store->team->size; rank++) {
        const hesse_axis col = hesse_axis_of(a->col, rank % g->cols),
                         row = hesse_axis_of(a->row, rank / g->cols);
        const int count = owned(&col, first, end) * hesse_axis_below(&row, w->n);
        if (rank >= g->rows * g->cols || !count) continue;
        if (rank)
            MPI_Recv(w->received, count, MPI_DOUBLE, rank, 0, comm, MPI_STATUS_IGNORE);
        place(w, &col, &row, first, end, rank ? w->received : from);
    }
}

static uint64_t checksum_of(const hesse_dmat *a)
{
    uint64_t sum = 0;
    for (int c = 0; c < a->col.count; c++) {
        const size_t line = (size_t)hesse_axis_global(&a->col, c) * (size_t)a->n;
        const double *column = a->local + (size_t)c * (size_t)a->row.count;
        for (int r = 0, run; r < a->row.count; r += run) {
            run = hesse_axis_run(&a->row, r, a->row.count);
            sum += hesse_checksum(line + (size_t)hesse_axis_global(&a->row, r),
                                  column + r, (size_t)run);
        }
    }
    return sum;
}

void hesse_store_dmat(hesse_store *store, const hesse_set *set, const hesse_dmat *a)
{
    writing w;
    if (store->status) return;
    begin(&w, store, set, a->n);
    for (int from = 0; from < a->n && !store->status; from += w.height) {
        const int end = a->n - from < w.height ? a->n : from + w.height;
        gather(&w, a, from, end);
        if (store->team->rank == 0) write_rows(&w, from, end - from, w.rows);
        hesse_store_agree(store);
    }
    finish(&w, checksum_of(a));
}

void hesse_store_square(hesse_store *store, const hesse_set *set, int n,
                        const double *a)
{
    writing w;
    if (store->status) return;
    MPI_Comm comm = store->team->comm;
    int owner = a ? store->team->rank : 0;
    MPI_Allreduce(MPI_IN_PLACE, &owner, 1, MPI_INT, MPI_MAX, comm);
    begin(&w, store, set, n);
    for (int from = 0; from < n && !store->status; from += w.height) {
        const int count = n - from < w.height ? n - from : w.height,
                  numbers = count * n;
        const double *rows = a ? a + (size_t)from * (size_t)n : w.rows;
        if (owner && store->team->rank == owner)
            MPI_Send(rows, numbers, MPI_DOUBLE, 0, 0, comm);
        if (owner && store->team->rank == 0)
            MPI_Recv(w.rows, numbers, MPI_DOUBLE, owner, 0, comm, MPI_STATUS_IGNORE);
        if (store->team->rank == 0) write_rows(&w, from, count, rows);
        hesse_store_agree(store);
    }
    finish(&w, a ? hesse_checksum(0, a, (size_t)n * (size_t)n) : 0);
}
