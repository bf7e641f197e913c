/** A symmetric matrix, block-cyclic over a two-dimensional grid of the ranks. */
#ifndef HESSE_PARALLEL_DMAT_H
#define HESSE_PARALLEL_DMAT_H

#include "base/real.h"
#include "parallel/scalapack.h"
#include "parallel/team.h"

#include <stdbool.h>
#include <stddef.h>

/** One axis of the distribution: the indices among 0 ... n-1 that this rank owns. In
 * its local array, the owned indices of a range are neighbours. */
typedef struct hesse_axis {
    int procs, me; /* processes along the axis, and which one this is */
    int nb;        /* block edge                                      */
    int count;     /* indices owned                                   */
} hesse_axis;

/** Local. Return how many of 0 ... i - 1 are owned. If i is owned, this is also its
 * local index. */
int hesse_axis_below(const hesse_axis *x, int i);

/** Local. Return the index that belongs to a local index. */
int hesse_axis_global(const hesse_axis *x, int local);

/** Local. Return how many local indices, from this one up to `end`, belong to
 * neighbouring indices. */
int hesse_axis_run(const hesse_axis *x, int local, int end);

/** Local. Return the same axis as another process sees it. Its count is not set. */
hesse_axis hesse_axis_of(hesse_axis x, int process);

/** The grid of a team. It is made once and shared by all its matrices. */
typedef struct hesse_grid {
    hesse_team *team; /* borrowed                            */
    int handle;       /* BLACS system handle of the team     */
    int context;      /* BLACS context, most nearly square   */
    int rows, cols, my_row, my_col;
} hesse_grid;

/** Columns of blocks that a rank has in a strip of a lower matrix. Wider strips store
 * more above the diagonal; narrower ones cut the products of the reduction into smaller
 * pieces. */
enum { HESSE_STRIP = 8 };

/** Neighbouring columns of a matrix, with the rows from their first index on. The share
 * of a rank in a strip is column-major. */
typedef struct hesse_strip {
    int first;   /* column of the matrix                      */
    int top;     /* first row of a rank's share, a local index */
    size_t from; /* its place in the local array               */
} hesse_strip;

typedef struct hesse_dmat {
    const hesse_grid *grid; /* borrowed                                       */
    int n, nb;              /* order, block edge                              */
    hesse_axis row, col;
    bool lower; /* only the lower triangle is stored */
    int strip;  /* columns that a rank has of a strip, whole blocks; all columns unless
                   `lower` is set */
    int n_strips;
    hesse_strip *strips;      /* owned; the same columns on every rank        */
    int desc[HESSE_DESC_LEN]; /* ScaLAPACK descriptor, of a matrix that is not lower */
    size_t count;             /* numbers in the local array                   */
    real *local; /* strip after strip, owned; one strip of row.count x col.count
                      unless `lower` is set */
} hesse_dmat;

/** Local. Return the distance between an entry and its neighbour in the next column, if
 * both columns are in the same strip. */
static inline size_t hesse_dmat_stride(const hesse_dmat *a, int col)
{
    return (size_t)(a->row.count - a->strips[col / a->strip].top);
}

/** Local. Return the place of an entry, given by local indices. A lower matrix has the
 *  entries from its strip's top on; those above the diagonal have no meaning. */
static inline real *hesse_dmat_at(const hesse_dmat *a, int row, int col)
{
    const hesse_strip *s = &a->strips[col / a->strip];
    return a->local + s->from + (size_t)(col % a->strip) * hesse_dmat_stride(a, col) +
           (size_t)(row - s->top);
}

/** Local. Find the most nearly square grid of `ranks` ranks, rows <= cols. */
void hesse_grid_shape(int ranks, int *rows, int *cols);

/** Collective. Make the grid of a team. Call _free for every _new, because BLACS
 * contexts are few. */
hesse_status hesse_grid_new(hesse_team *team, hesse_grid **grid);
void hesse_grid_free(hesse_grid *grid);

/** Local. Return the largest number of bytes that a rank needs for its share of an n x
 * n matrix on `ranks` ranks, or of its lower triangle. */
double hesse_dmat_bytes(int n, int ranks, bool lower);

/** Local. Return true if the share of a matrix that is not lower has more entries than
 * an int can count, which is too many for ScaLAPACK, ELPA and LAPACK. */
bool hesse_dmat_is_long(int n, int ranks);

/** Collective. Make a zero n x n matrix, n >= 1. If there are not enough blocks for all
 * ranks, some ranks own nothing.
 *
 *  Blocks are 64 x 64, or smaller if ranks would own nothing otherwise.
 *  Memory: 8 n^2 / ranks bytes for each rank, to within one block row and column.
 *  Errors: HESSE_E_NOMEM.
 *  Source: ScaLAPACK Users' Guide (1997), chapter 4. */
hesse_status hesse_dmat_new(const hesse_grid *grid, int n, hesse_dmat **a);

/** Collective. The same for a matrix of which only the lower triangle is stored. It
 *  serves the engine BAND, and no library.
 *  Memory: 4 n^2 / ranks bytes for each rank, to within a strip of columns. */
hesse_status hesse_dmat_new_lower(const hesse_grid *grid, int n, hesse_dmat **a);
void hesse_dmat_free(hesse_dmat *a);

/** A principal block of a distributed matrix, and the ranks that will hold it:
 * neighbouring ranks, as a distributed matrix, or one rank, as a square. */
typedef struct hesse_gather {
    int first, n;   /* indices of the block in the matrix: first ... first + n - 1 */
    int owner;      /* the rank of the square, or the first of the ranks           */
    real *values;   /* on the owner of a square n x n, column-major; else NULL     */
    int ranks;      /* that get a distributed matrix; 0: it is a square            */
    bool lower;     /* of the distributed matrix                                   */
    hesse_dmat *to; /* on these ranks, of order n, zero before; else NULL          */
} hesse_gather;

/** Collective. Send principal blocks to the ranks that will hold them, all in one
 * exchange. The list is the same on every rank of the matrix, except for `values` and
 * `to`. If the matrix or the block is lower, only that triangle is sent; a square has
 * zeros above the diagonal then, and is overwritten in any case.
 *
 *  Memory: twice the rank's share of the blocks.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_dmat_gather(const hesse_dmat *a, const hesse_gather *list,
                               int count);

/** A symmetric matrix, both triangles, that neighbouring ranks of a team hold: as a
 * distributed matrix, or, if it is one rank, as a square. Every rank of the team knows
 * who holds it. */
typedef struct hesse_held {
    int n, first, ranks;
    const hesse_dmat
        *a;             /* on these ranks if it is distributed, also over one of them */
    const real *square; /* on this rank if it is one, n x n; else NULL               */
} hesse_held;

/** Local. Return what the ranks of a grid hold, of which the first is rank `first` of
 * the team that is told. The matrix is not lower. */
hesse_held hesse_dmat_held(const hesse_dmat *a, int first);

/** Local. Set the axes of rank `rank` of `ranks` ranks that hold an n x n matrix. */
void hesse_dmat_axes(int n, int ranks, int rank, hesse_axis *row, hesse_axis *col);

/** Collective. Copy a matrix that is not lower. Errors: HESSE_E_NOMEM. */
hesse_status hesse_dmat_copy(const hesse_dmat *a, hesse_dmat **copy);

#endif /* HESSE_PARALLEL_DMAT_H */
