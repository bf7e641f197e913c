/* A matrix goes to the file through rank 0, a slice of rows at a time. The
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

/* This is the part of a matrix that a rank holds. Its columns are neighbours in memory.
 */
typedef struct share {
    hesse_axis row, col;
    const double *values; /* on this rank; NULL if it has nothing */
} share;

/* Return what a rank of the team has; its numbers only if it is this rank. */
static share share_of(const hesse_held *m, int rank, int me)
{
    share s = {.values = NULL};
    if (rank < m->first || rank >= m->first + m->ranks) return s;
    hesse_dmat_axes(m->n, m->ranks, rank - m->first, &s.row, &s.col);
    if (rank == me) s.values = m->ranks > 1 ? m->a->local : m->square;
    return s;
}

/* The number of columns first ... end - 1 that a process of the grid owns. */
static int owned(const hesse_axis *x, int first, int end)
{
    return hesse_axis_below(x, end) - hesse_axis_below(x, first);
}

/* Put columns first ... end - 1 of a share into rows. */
static void place(const writing *w, const share *s, int first, int end,
                  const double *from)
{
    for (int c = hesse_axis_below(&s->col, first); c < hesse_axis_below(&s->col, end);
         c++) {
        double *to =
            w->rows + (size_t)(hesse_axis_global(&s->col, c) - first) * (size_t)w->n;
        for (int r = 0, run; r < s->row.count; r += run, from += run) {
            run = hesse_axis_run(&s->row, r, s->row.count);
            memcpy(to + hesse_axis_global(&s->row, r), from, (size_t)run * sizeof *to);
        }
    }
}

/* Collective. Send columns first ... end - 1 of all ranks to rank 0, as rows. */
static void gather(const writing *w, const hesse_held *m, int first, int end)
{
    const hesse_team *team = w->store->team;
    for (int rank = m->first; rank < m->first + m->ranks; rank++) {
        const share s = share_of(m, rank, team->rank);
        const int count = owned(&s.col, first, end) * s.row.count;
        const double *from = s.values;
        if (!count || (rank != team->rank && team->rank != 0)) continue;
        if (from) from += (size_t)hesse_axis_below(&s.col, first) * (size_t)s.row.count;
        if (rank && rank == team->rank)
            MPI_Send(from, count, MPI_DOUBLE, 0, 0, team->comm);
        else if (rank)
            MPI_Recv(w->received, count, MPI_DOUBLE, rank, 0, team->comm,
                     MPI_STATUS_IGNORE);
        if (team->rank == 0) place(w, &s, first, end, rank ? w->received : from);
    }
}

static uint64_t checksum_of(const hesse_held *m, int me)
{
    const share s = share_of(m, me, me);
    uint64_t sum = 0;
    for (int c = 0; s.values && c < s.col.count; c++) {
        const size_t line = (size_t)hesse_axis_global(&s.col, c) * (size_t)m->n;
        const double *column = s.values + (size_t)c * (size_t)s.row.count;
        for (int r = 0, run; r < s.row.count; r += run) {
            run = hesse_axis_run(&s.row, r, s.row.count);
            sum += hesse_checksum(line + (size_t)hesse_axis_global(&s.row, r),
                                  column + r, (size_t)run);
        }
    }
    return sum;
}

void hesse_store_matrix(hesse_store *store, const hesse_set *set,
                        const hesse_held *matrix)
{
    writing w;
    if (store->status) return;
    begin(&w, store, set, matrix->n);
    for (int from = 0; from < matrix->n && !store->status; from += w.height) {
        const int end = matrix->n - from < w.height ? matrix->n : from + w.height;
        gather(&w, matrix, from, end);
        if (store->team->rank == 0) write_rows(&w, from, end - from, w.rows);
        hesse_store_agree(store);
    }
    finish(&w, checksum_of(matrix, store->team->rank));
}
