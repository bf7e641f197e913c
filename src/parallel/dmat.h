/** A symmetric matrix, block-cyclic over a two-dimensional grid of the ranks. */
#ifndef HESSE_PARALLEL_DMAT_H
#define HESSE_PARALLEL_DMAT_H

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

typedef struct hesse_dmat {
    const hesse_grid *grid; /* borrowed                                       */
    int n, nb;              /* order, block edge                              */
    hesse_axis row, col;
    bool lower; /* nobody reads entries above the diagonal; the maker may set it */
    int desc[HESSE_DESC_LEN]; /* ScaLAPACK descriptor                         */
    double *local;            /* row.count x col.count, column-major, owned   */
} hesse_dmat;

/** Local. Find the most nearly square grid of `ranks` ranks, rows <= cols. */
void hesse_grid_shape(int ranks, int *rows, int *cols);

/** Collective. Make the grid of a team. Call _free for every _new, because BLACS
 * contexts are few. */
hesse_status hesse_grid_new(hesse_team *team, hesse_grid **grid);
void hesse_grid_free(hesse_grid *grid);

/** Local. Return the largest number of bytes that a rank needs for its share of an n x
 * n matrix on `ranks` ranks; and true if the share has more entries than an int can
 * count, which is too many for ScaLAPACK, ELPA and LAPACK. */
double hesse_dmat_bytes(int n, int ranks);
bool hesse_dmat_is_long(int n, int ranks);

/** Collective. Make a zero n x n matrix, n >= 1. If there are not enough blocks for all
 * ranks, some ranks own nothing.
 *
 *  Blocks are 64 x 64, or smaller if ranks would own nothing otherwise.
 *  Memory: 8 n^2 / ranks bytes for each rank, to within one block row and column.
 *  Errors: HESSE_E_NOMEM.
 *  Source: ScaLAPACK Users' Guide (1997), chapter 4. */
hesse_status hesse_dmat_new(const hesse_grid *grid, int n, hesse_dmat **a);
void hesse_dmat_free(hesse_dmat *a);

/** Collective. Copy part first ... first + n - 1 of both axes to a new matrix. The
 *  matrix is not long, because ScaLAPACK copies it.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_dmat_part(const hesse_dmat *a, int first, int n, hesse_dmat **part);

/** A principal block that one rank will hold as a whole. */
typedef struct hesse_gather {
    int first, n, owner;
    double
        *values; /* on the owner n x n, both triangles, overwritten; NULL elsewhere */
} hesse_gather;

/** Collective. Send principal blocks to their owners, all in one exchange. The list is
 * the same on every rank, except for `values`.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_dmat_gather(const hesse_dmat *a, const hesse_gather *list,
                               int count);

/** Collective. Copy a matrix. Errors: HESSE_E_NOMEM. */
hesse_status hesse_dmat_copy(const hesse_dmat *a, hesse_dmat **copy);

#endif /* HESSE_PARALLEL_DMAT_H */
