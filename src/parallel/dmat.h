/** A symmetric matrix, block-cyclic over a two-dimensional grid of the ranks. */
#ifndef HESSE_PARALLEL_DMAT_H
#define HESSE_PARALLEL_DMAT_H

#include "parallel/scalapack.h"
#include "parallel/team.h"

#include <stdbool.h>
#include <stddef.h>

/** One axis of the distribution: what this rank owns of 0 ... n-1. What it owns of a
 *  range lies together in its local array. */
typedef struct hesse_axis {
    int procs, me; /* processes along the axis, and which one this is */
    int nb;        /* block edge                                      */
    int count;     /* indices owned                                   */
} hesse_axis;

/** Local. How many of 0 ... i - 1 are owned; also the local index of i where i is. */
int hesse_axis_below(const hesse_axis *x, int i);

/** Local. The index that stands at a local index. */
int hesse_axis_global(const hesse_axis *x, int local);

/** Local. How many local indices from this one, and below end, are neighbours. */
int hesse_axis_run(const hesse_axis *x, int local, int end);

/** Local. The same axis as another process sees it; count is not set. */
hesse_axis hesse_axis_of(hesse_axis x, int process);

/** The grid of a team: made once, shared by all its matrices. */
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
    bool lower; /* nobody reads what lies above the diagonal; the maker may set it */
    int desc[HESSE_DESC_LEN]; /* ScaLAPACK descriptor                         */
    double *local;            /* row.count x col.count, column-major, owned   */
} hesse_dmat;

/** Local. The most nearly square grid of so many ranks, rows <= cols. */
void hesse_grid_shape(int ranks, int *rows, int *cols);

/** Collective. Pair every _new with its _free (BLACS contexts are few). */
hesse_status hesse_grid_new(hesse_team *team, hesse_grid **grid);
void hesse_grid_free(hesse_grid *grid);

/** Local. Bytes that a rank needs at most for its share of an n x n matrix on so many
 *  ranks; infinite where the share has more entries than an int can count. */
double hesse_dmat_bytes(int n, int ranks);

/** Collective. A zero n x n matrix, n >= 1. Ranks for which nothing is left own
 * nothing.
 *
 *  Blocks are 64 x 64, smaller where ranks would go empty-handed.
 *  Memory: 8 n^2 / ranks bytes a rank, to within one block row and column.
 *  Errors: HESSE_E_NOMEM, also when a rank's share exceeds 2^31 - 1 entries (with the
 *  sizes and the number of ranks that would do).
 *  Source: ScaLAPACK Users' Guide (1997), chapter 4. */
hesse_status hesse_dmat_new(const hesse_grid *grid, int n, hesse_dmat **a);
void hesse_dmat_free(hesse_dmat *a);

/** Collective. Part first ... first + n - 1 of both axes as a matrix of its own.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_dmat_part(const hesse_dmat *a, int first, int n, hesse_dmat **part);

/** A principal block that one rank is to hold whole. */
typedef struct hesse_gather {
    int first, n, owner;
    double
        *values; /* on the owner n x n, both triangles, overwritten; elsewhere NULL */
} hesse_gather;

/** Collective. Bring principal blocks to their owners, all in one exchange; the list is
 *  the same on every rank but for `values`.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_dmat_gather(const hesse_dmat *a, const hesse_gather *list,
                               int count);

/** Collective. A copy. Errors: HESSE_E_NOMEM. */
hesse_status hesse_dmat_copy(const hesse_dmat *a, hesse_dmat **copy);

#endif /* HESSE_PARALLEL_DMAT_H */
