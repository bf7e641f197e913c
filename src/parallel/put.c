/* A patch reaches a rank in two dense pieces: the patch's rows that the rank's grid row
   owns by the columns that its grid column owns, and the same of the mirrored patch.
   What a process owns of a range lies together in its local array. So the sizes follow
   from the ranges alone, a piece is packed tile by tile and unpacked column by column,
   and nobody asks for the owner of an entry. Columns that are apart are as many patches
   of one column, but for the lists of what everybody brings. */
#include "base/memory.h"
#include "parallel/dmat.h"
#include "parallel/exchange.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Where a patch lies; or where its piece lies in the local array of a process. */
typedef struct box {
    int row, rows, col, cols, apart, lower;
} box;

enum { BOX = sizeof(box) / sizeof(int) };

/* Boxes of all ranks: those of rank r are first[r] ... first[r + 1] - 1. */
typedef struct boxes {
    int *first;
    box *list;
} boxes;

/* A patch with its axes in either order: entry (row, col) is at[row * down + col * right]
   counted from the corner of the box. */
typedef struct view {
    box b;
    const double *at;
    size_t down, right;
} view;

static int min(int a, int b)
{
    return a < b ? a : b;
}

static int max(int a, int b)
{
    return a > b ? a : b;
}

static box box_of(const hesse_patch *p)
{
    return (box){p->row, p->rows, p->col, p->cols, p->apart, p->lower};
}

/* A box in strips of neighbouring columns. */
static int strips_of(box b)
{
    return b.apart == 1 ? 1 : b.cols;
}

static box strip_of(box b, int i)
{
    if (b.apart == 1) return b;
    return (box){b.row, b.rows, b.col + i * b.apart, 1, 1, b.lower};
}

static box mirrored(box b)
{
    return (box){b.col, b.cols, b.row, b.rows, 1, b.lower};
}

static box local_box(const hesse_axis *row, const hesse_axis *col, box b)
{
    const int i = hesse_axis_below(row, b.row), j = hesse_axis_below(col, b.col);
    return (box){i, hesse_axis_below(row, b.row + b.rows) - i,
                 j, hesse_axis_below(col, b.col + b.cols) - j,
                 1, b.lower};
}

/* Whether a patch, or its mirror image, has anything for a matrix of which perhaps only the
   lower triangle is wanted. */
static bool serves(bool lower, box b, bool mirror)
{
    return !lower || (b.row + b.rows > b.col && !(mirror && b.lower));
}

static size_t area(const hesse_axis *row, const hesse_axis *col, box b)
{
    const box x = local_box(row, col, b);
    return (size_t)x.rows * x.cols;
}

static size_t piece_size(bool lower, const hesse_axis *row, const hesse_axis *col,
                         box b)
{
    size_t size = 0;
    for (int i = 0; i < strips_of(b); i++) {
        const box strip = strip_of(b, i), image = mirrored(strip);
        if (serves(lower, strip, false)) size += area(row, col, strip);
        if (serves(lower, image, true)) size += area(row, col, image);
    }
    return size;
}

/* The piece of a view that a process owns, column-major; the end of it. */
static double *pack(view v, const hesse_axis *row, const hesse_axis *col, double *out)
{
    const box own = local_box(row, col, v.b);
    const size_t ld = (size_t)own.rows;
    for (int y = 0, nj; y < own.cols; y += nj) {
        nj = hesse_axis_run(col, own.col + y, own.col + own.cols);
        const int j = hesse_axis_global(col, own.col + y);
        for (int x = 0, ni; x < own.rows; x += ni) {
            ni = hesse_axis_run(row, own.row + x, own.row + own.rows);
            const int i = hesse_axis_global(row, own.row + x);
            const double *from =
                v.at + (size_t)(i - v.b.row) * v.down + (size_t)(j - v.b.col) * v.right;
            double *tile = out + (size_t)y * ld + (size_t)x;
            for (int c = 0; c < nj; c++)
                for (int r = 0; r < ni; r++)
                    tile[(size_t)c * ld + (size_t)r] =
                        from[(size_t)r * v.down + (size_t)c * v.right];
        }
    }
    return out + ld * (size_t)own.cols;
}

/* The same of one strip of a patch and of its mirror image. */
static double *pack_strip(bool lower, const hesse_patch *p, int i,
                          const hesse_axis *row, const hesse_axis *col, double *out)
{
    const box b = strip_of(box_of(p), i), image = mirrored(b);
    const double *at = p->values + i;
    if (serves(lower, b, false)) out = pack((view){b, at, p->stride, 1}, row, col, out);
    if (serves(lower, image, true))
        out = pack((view){image, at, 1, p->stride}, row, col, out);
    return out;
}

/* A packed piece of a patch, or of its mirror image, into its place; the end of it. Of a
   lower patch only what lies in that triangle, or, mirrored, in the upper one. */
static const double *unpack(hesse_dmat *a, box b, bool mirror, const double *in)
{
    const box own = local_box(&a->row, &a->col, b);
    const size_t ld = (size_t)a->row.count;
    const bool below = a->lower || (b.lower && !mirror), above = b.lower && mirror;
    if (!serves(a->lower, b, mirror)) return in;
    for (int j = own.col; j < own.col + own.cols; j++, in += own.rows) {
        const int col = hesse_axis_global(&a->col, j);
        int first = own.row, end = own.row + own.rows;
        if (below) first = max(first, hesse_axis_below(&a->row, col));
        if (above) end = min(end, hesse_axis_below(&a->row, col + 1));
        if (first < end)
            memcpy(a->local + (size_t)j * ld + (size_t)first, in + (first - own.row),
                   (size_t)(end - first) * sizeof *in);
    }
    return in;
}

/* Collective. Everybody's boxes. */
static hesse_status share_boxes(const hesse_patch *patches, int count,
                                hesse_exchange *x, boxes *all)
{
    hesse_team *team = x->team;
    int *const counts = x->counts, *const starts = x->starts, sum = 0;
    MPI_Allgather(&count, 1, MPI_INT, counts, 1, MPI_INT, team->comm);
    for (int r = 0; r < team->size; r++) sum += counts[r];

    hesse_status s = HESSE_OK;
    box *mine = hesse_calloc((size_t)count, sizeof *mine);
    all->first = hesse_calloc((size_t)team->size + 1, sizeof *all->first);
    all->list = hesse_calloc((size_t)sum, sizeof *all->list);
    if (!mine || !all->first || !all->list)
        s = hesse_fail(&team->why, HESSE_E_NOMEM, "exchange of %d patches: no memory",
                       sum);
    if (!(s = hesse_agree(team, s))) {
        for (int i = 0; i < count; i++) mine[i] = box_of(&patches[i]);
        for (int r = 0; r < team->size; r++) {
            all->first[r + 1] = all->first[r] + counts[r];
            starts[r] = all->first[r] * BOX;
            counts[r] *= BOX;
        }
        MPI_Allgatherv(mine, count * BOX, MPI_INT, all->list, counts, starts, MPI_INT,
                       team->comm);
    }
    free(mine);
    return s;
}

static void set_sizes(const hesse_dmat *a, const hesse_patch *patches, int count,
                      const boxes *all, hesse_exchange *x)
{
    const hesse_grid *g = a->grid;
    for (int r = 0; r < x->team->size; r++) {
        const hesse_axis row = hesse_axis_of(a->row, r / g->cols);
        const hesse_axis col = hesse_axis_of(a->col, r % g->cols);
        for (int i = 0; i < count; i++)
            x->to[r] += piece_size(a->lower, &row, &col, box_of(&patches[i]));
        for (int i = all->first[r]; i < all->first[r + 1]; i++)
            x->from[r] += piece_size(a->lower, &a->row, &a->col, all->list[i]);
    }
}

static void pack_all(const hesse_dmat *a, const hesse_patch *patches, int count,
                     double *out)
{
    const hesse_grid *g = a->grid;
    for (int r = 0; r < g->team->size; r++) {
        const hesse_axis row = hesse_axis_of(a->row, r / g->cols);
        const hesse_axis col = hesse_axis_of(a->col, r % g->cols);
        for (const hesse_patch *p = patches; p < patches + count; p++)
            for (int i = 0; i < strips_of(box_of(p)); i++)
                out = pack_strip(a->lower, p, i, &row, &col, out);
    }
}

static void unpack_all(hesse_dmat *a, const boxes *all, const double *in)
{
    for (int i = 0; i < all->first[a->grid->team->size]; i++) {
        for (int j = 0; j < strips_of(all->list[i]); j++) {
            const box b = strip_of(all->list[i], j);
            in = unpack(a, b, false, in);
            in = unpack(a, mirrored(b), true, in);
        }
    }
}

hesse_status hesse_dmat_put(hesse_dmat *a, const hesse_patch *patches, int count)
{
    for (const hesse_patch *p = patches; p < patches + count; p++) {
        assert(p->row >= 0 && p->rows >= 0 && p->row <= a->n - p->rows);
        assert(p->col >= 0 && p->cols >= 0 && p->apart >= 1);
        assert(p->cols == 0 || p->col + (p->cols - 1) * p->apart < a->n);
    }
    hesse_exchange *x = NULL;
    boxes all = {NULL, NULL};
    hesse_status s = hesse_exchange_new(a->grid->team, &x);
    if (!s) s = share_boxes(patches, count, x, &all);
    if (!s) {
        set_sizes(a, patches, count, &all, x);
        s = hesse_exchange_open(x);
    }
    if (!s) {
        pack_all(a, patches, count, x->out);
        hesse_exchange_run(x);
        unpack_all(a, &all, x->in);
    }
    free(all.first);
    free(all.list);
    hesse_exchange_free(x);
    return s;
}
