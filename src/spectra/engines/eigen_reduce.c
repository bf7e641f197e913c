/* The matrix is reduced panel by panel. A panel has HESSE_BAND columns, and a block
   reflection I - V T V' annihilates its part below the band's edge. This changes the
   rest A of the matrix to A - Y V' - V Y',   Y = A U - V (U' A U) / 2,   U = V T. One
   triangle of A is kept, in whole storage blocks: each rank multiplies and changes the
   blocks that it owns, so that the matrix is not sent. Only the panel is sent, which
   one rank factorises, and Y, to which all ranks add. The first panel is narrower if
   the order requires it, so that a square is left below all others. Source: Bischof,
   Lang & Sun, ACM Trans. Math. Softw. 26 (2000), 581-601.

   The tall matrices U, V and Y are stored row by row, HESSE_BAND numbers each. Tiles of
   A multiply them as they lie, without packing, and a tile that is in the cache serves
   for itself and for its mirror image. The update is wide enough for BLAS. */
#include "spectra/engines/band.h"

#include "base/real.h"
#include "ops/gemm.h"

#include <cblas.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The number of storage blocks side by side in one product; more of them in a large
   matrix; the edge of a tile. */
enum { STRIPE = 4, LARGE_STRIPE = 8, LARGE = 3000, TILE = 24 };

/* A product must not reach into a second strip, which has another stride. */
_Static_assert(HESSE_STRIP % STRIPE == 0 && HESSE_STRIP % LARGE_STRIPE == 0,
               "a strip has whole stripes");

/* The sizes of a row of a tall matrix and of two side by side, and of a square. */
enum { WIDTH = HESSE_BAND, PAIR = 2 * HESSE_BAND, SQUARE = HESSE_BAND * HESSE_BAND };

void HESSE_LAPACK(geqrt3)(const int *m, const int *n, real *a, const int *lda, real *t,
                          const int *ldt, int *info);

/* The columns of the band that a panel gives, and T of its reflections. */
typedef struct edge {
    real columns[HESSE_BAND][HESSE_BAND + 1], t[SQUARE]; /* T by rows */
} edge;

typedef struct reduction {
    hesse_dmat *a;
    int first, width; /* columns of the panel                         */
    int rest, order;  /* start of the rest of the matrix; its order   */
    real *panel; /* by columns, from row `first` on, on the rank that owns its corner */
    real *v, *u, *y; /* tall, of the rows from rest on              */
    edge *edge;
    real *rows, *cols; /* at this rank's rows and at its columns: U, then Y behind
                            it; later rows [V Y] and [Y V] */
    int *counts;       /* for messages: two numbers for each rank */
} reduction;

static int lesser(int a, int b)
{
    return a < b ? a : b;
}

static int greater(int a, int b)
{
    return a > b ? a : b;
}

/* Copy the rows that an axis owns of a tall matrix. They come to lie `stride` numbers
   apart. */
static void pick(const reduction *x, const hesse_axis *axis, const real *tall,
                 real *mine, int stride)
{
    for (int i = hesse_axis_below(axis, x->rest), run; i < axis->count; i += run) {
        run = hesse_axis_run(axis, i, axis->count);
        const real *from =
            tall + (size_t)(hesse_axis_global(axis, i) - x->rest) * WIDTH;
        for (int r = 0; r < run; r++, mine += stride, from += WIDTH)
            memcpy(mine, from, WIDTH * sizeof *from);
    }
}

/* Add these rows to the tall matrix. */
static void add_rows(const reduction *x, const hesse_axis *axis, const real *mine,
                     real *tall)
{
    for (int i = hesse_axis_below(axis, x->rest), run; i < axis->count; i += run) {
        run = hesse_axis_run(axis, i, axis->count);
        real *to = tall + (size_t)(hesse_axis_global(axis, i) - x->rest) * WIDTH;
        for (int k = 0; k < run * WIDTH; k++) to[k] += mine[k];
        mine += run * WIDTH;
    }
}

/* The rectangle of the panel's rows and columns that a rank owns, in local indices. */
typedef struct share {
    hesse_axis row, col;
    int top, bottom, left, right;
} share;

static share share_of(const reduction *x, int rank)
{
    const hesse_grid *grid = x->a->grid;
    const hesse_axis row = hesse_axis_of(x->a->row, rank / grid->cols);
    const hesse_axis col = hesse_axis_of(x->a->col, rank % grid->cols);
    return (share){row,
                   col,
                   hesse_axis_below(&row, x->first),
                   hesse_axis_below(&row, x->a->n),
                   hesse_axis_below(&col, x->first),
                   hesse_axis_below(&col, x->rest)};
}

static int size_of(share s)
{
    return (s.bottom - s.top) * (s.right - s.left);
}

/* Return the rank that owns the first entry of the panel. */
static int owner(const reduction *x)
{
    const hesse_grid *grid = x->a->grid;
    const int block = x->first / x->a->nb;
    return block % grid->rows * grid->cols + block % grid->cols;
}

/* Copy a rank's share of the panel to its place among all rows. */
static void place(const reduction *x, share s, const real *from)
{
    const int height = x->a->n - x->first;
    for (int c = s.left; c < s.right; c++) {
        real *to = x->panel +
                   (size_t)(hesse_axis_global(&s.col, c) - x->first) * (size_t)height;
        for (int r = s.top, run; r < s.bottom; r += run, from += run) {
            run = hesse_axis_run(&s.row, r, s.bottom);
            memcpy(to + hesse_axis_global(&s.row, r) - x->first, from,
                   (size_t)run * sizeof *from);
        }
    }
}

/* Copy a column of this rank's share of the panel. Rows above the top of a strip are
   above the diagonal; they are not stored. */
static void copy_column(const reduction *x, share s, int column, real *to)
{
    const int top = x->a->strips[column / x->a->strip].top;
    const int from = greater(s.top, lesser(top, s.bottom));
    memset(to, 0, (size_t)(from - s.top) * sizeof *to);
    if (from < s.bottom)
        memcpy(to + (from - s.top), hesse_dmat_at(x->a, from, column),
               (size_t)(s.bottom - from) * sizeof *to);
}

/* Gather the panel's columns, from the diagonal down, on its owner. Y and U serve as
   buffers. `counts` and `starts` have a number for each rank. */
static void gather_panel(const reduction *x)
{
    const hesse_dmat *a = x->a;
    const hesse_team *team = a->grid->team;
    const share mine = share_of(x, team->rank);
    const int rows = mine.bottom - mine.top, root = owner(x);
    int *starts = x->counts + team->size;
    for (int c = mine.left; c < mine.right; c++)
        copy_column(x, mine, c, x->y + (size_t)(c - mine.left) * (size_t)rows);
    for (int q = 0, start = 0; q < team->size; q++) {
        x->counts[q] = q == root ? 0 : size_of(share_of(x, q));
        starts[q] = start;
        start += x->counts[q];
    }
    if (team->size > 1)
        MPI_Gatherv(x->y, x->counts[team->rank], HESSE_MPI_REAL, x->u, x->counts,
                    starts, HESSE_MPI_REAL, root, team->comm);
    if (team->rank != root) return;
    place(x, mine, x->y);
    for (int q = 0; q < team->size; q++)
        if (x->counts[q]) place(x, share_of(x, q), x->u + starts[q]);
}

/* Put V, whose columns lie below the triangle of the factorised panel, into rows. */
static void turn(const reduction *x)
{
    const size_t stride = (size_t)(x->a->n - x->first);
    const real *below = x->panel + x->width;
    memset(x->v, 0, (size_t)x->order * WIDTH * sizeof *x->v);
    for (int r = 0; r < x->order; r++) {
        real *v = x->v + (size_t)r * WIDTH;
        const int full = lesser(r, x->width);
        for (int c = 0; c < full; c++) v[c] = below[(size_t)c * stride + (size_t)r];
        if (r < x->width) v[r] = 1;
    }
}

/* Factorise the panel, and send its reflections and its part of the band to every
   rank. */
static void factorise(const reduction *x, hesse_band *band)
{
    hesse_team *team = x->a->grid->team;
    const int height = x->a->n - x->first, ld = WIDTH, w = x->width, root = owner(x);
    const size_t stride = (size_t)height;
    edge *k = x->edge;
    int info;
    if (team->rank == root) {
        real t[SQUARE] = {0};
        memset(k, 0, sizeof *k);
        if (x->order)
            HESSE_LAPACK(geqrt3)(&x->order, &w, x->panel + w, &height, t, &ld, &info);
        for (int c = 0; c < w; c++) {
            const real *column = x->panel + (size_t)c * stride;
            memcpy(k->columns[c], column + c,
                   (size_t)lesser(w + 1, height - c) * sizeof *column);
            for (int r = 0; r <= c; r++) k->t[r * WIDTH + c] = t[c * WIDTH + r];
        }
        turn(x);
    }
    if (team->size > 1) {
        hesse_team_broadcast(team, root, k, sizeof *k);
        hesse_team_broadcast(team, root, x->v, (size_t)x->order * WIDTH * sizeof *x->v);
    }
    for (int c = 0; c < w; c++)
        hesse_band_set(band, x->first + c, lesser(w + 1, height - c), k->columns[c]);
}

/* A rectangle of this rank's share, in local indices. */
typedef struct rectangle {
    int top, bottom, left, right;
    int below; /* the rows before this one are of blocks on the diagonal of the matrix
                */
} rectangle;

/* Visit this rank's blocks on and below the diagonal of the rest. Rectangles are
   several blocks wide, and lie in one strip of a lower matrix. The stairs of blocks
   above them, down from the diagonal, are visited one column of blocks at a time. */
static void walk(const reduction *x, void (*visit)(const reduction *, rectangle))
{
    const hesse_axis *row = &x->a->row, *col = &x->a->col;
    const int nb = x->a->nb, n = x->a->n;
    const int stripe = x->order < LARGE ? STRIPE : LARGE_STRIPE;
    int left = hesse_axis_below(col, x->rest);
    while (left < col->count) {
        const int right = lesser((left / nb / stripe + 1) * stripe * nb, col->count);
        const int end = hesse_axis_global(col, right - 1) / nb * nb + nb;
        const int bottom = hesse_axis_below(row, lesser(end, n));
        for (int c = left, run; c < right; c += run) {
            run = hesse_axis_run(col, c, right);
            const int block = hesse_axis_global(col, c) / nb * nb;
            const int from = hesse_axis_below(row, greater(block, x->rest));
            const int below = hesse_axis_below(row, lesser(block + nb, n));
            if (from < bottom) visit(x, (rectangle){from, bottom, c, c + run, below});
        }
        if (bottom < row->count)
            visit(x, (rectangle){bottom, row->count, left, right, bottom});
        left = right;
    }
}

/* Add the contribution of a rectangle and its mirror image to A U. A tile that is in
   the cache is multiplied twice. */
static void multiply(const reduction *x, rectangle r)
{
    const size_t ld = hesse_dmat_stride(x->a, r.left);
    const int first_row = hesse_axis_below(&x->a->row, x->rest);
    const int first_col = hesse_axis_below(&x->a->col, x->rest);
    const size_t rows = (size_t)(x->a->row.count - first_row) * WIDTH;
    const size_t cols = (size_t)(x->a->col.count - first_col) * WIDTH;
    for (int j = r.left; j < r.right; j += TILE)
        for (int i = r.top, m; i < r.bottom; i += m) {
            const int n = lesser(TILE, r.right - j);
            m = lesser(TILE, (i < r.below ? r.below : r.bottom) - i);
            const real *a = hesse_dmat_at(x->a, i, j);
            real *u_rows = x->rows + (size_t)(i - first_row) * WIDTH;
            real *u_cols = x->cols + (size_t)(j - first_col) * WIDTH;
            hesse_gemm(HESSE_ADD, m, WIDTH, n, 1, (hesse_strided){a, 1, ld}, u_cols,
                       WIDTH, u_rows + rows, WIDTH);
            if (i >= r.below)
                hesse_gemm(HESSE_ADD, n, WIDTH, m, 1, (hesse_strided){a, ld, 1}, u_rows,
                           WIDTH, u_cols + cols, WIDTH);
        }
}

/* Compute A - Y V' - V Y' in one product: the rows are [V Y], the columns [Y V]. */
static void update(const reduction *x, rectangle r)
{
    const int ld = (int)hesse_dmat_stride(x->a, r.left);
    const int first_row = hesse_axis_below(&x->a->row, x->rest);
    const int first_col = hesse_axis_below(&x->a->col, x->rest);
    HESSE_CBLAS(gemm)
    (CblasColMajor, CblasTrans, CblasNoTrans, r.bottom - r.top, r.right - r.left, PAIR,
     -1, x->rows + (size_t)(r.top - first_row) * PAIR, PAIR,
     x->cols + (size_t)(r.left - first_col) * PAIR, PAIR, 1,
     hesse_dmat_at(x->a, r.top, r.left), ld);
}

/* Sum A U over the ranks, and make Y of it. Each rank does this for a range of rows,
   which then goes to all. The buffer is the panel. */
static void complete(const reduction *x)
{
    const hesse_team *team = x->a->grid->team;
    int *starts = x->counts + team->size;
    real w[SQUARE];
    for (int q = 0; q < team->size; q++) {
        const long long m = x->order;
        const int begin = (int)(m * q / team->size);
        starts[q] = begin * WIDTH;
        x->counts[q] = ((int)(m * (q + 1) / team->size) - begin) * WIDTH;
    }
    real *y = team->size > 1 ? x->panel : x->y;
    const int rows = x->counts[team->rank] / WIDTH;
    const real *u = x->u + starts[team->rank], *v = x->v + starts[team->rank];
    if (team->size > 1)
        MPI_Reduce_scatter(x->y, y, x->counts, HESSE_MPI_REAL, MPI_SUM, team->comm);
    HESSE_CBLAS(gemm)
    (CblasRowMajor, CblasTrans, CblasNoTrans, WIDTH, WIDTH, rows, 1, u, WIDTH, y, WIDTH,
     0, w, WIDTH);
    if (team->size > 1)
        MPI_Allreduce(MPI_IN_PLACE, w, SQUARE, HESSE_MPI_REAL, MPI_SUM, team->comm);
    hesse_gemm(HESSE_ADD, rows, WIDTH, WIDTH, -0.5, (hesse_strided){v, WIDTH, 1}, w,
               WIDTH, y, WIDTH);
    if (team->size > 1)
        MPI_Allgatherv(y, rows * WIDTH, HESSE_MPI_REAL, x->y, x->counts, starts,
                       HESSE_MPI_REAL, team->comm);
}

/* Reduce one panel and change the rest of the matrix. */
static void advance(const reduction *x)
{
    const hesse_axis *row = &x->a->row, *col = &x->a->col;
    const int m = x->order;
    const size_t tall = (size_t)m * WIDTH;
    const size_t rows = (size_t)(row->count - hesse_axis_below(row, x->rest)) * WIDTH;
    const size_t cols = (size_t)(col->count - hesse_axis_below(col, x->rest)) * WIDTH;
    hesse_gemm(HESSE_SET, m, WIDTH, WIDTH, 1, (hesse_strided){x->v, WIDTH, 1},
               x->edge->t, WIDTH, x->u, WIDTH);
    pick(x, row, x->u, x->rows, WIDTH);
    pick(x, col, x->u, x->cols, WIDTH);
    memset(x->rows + rows, 0, rows * sizeof *x->rows);
    memset(x->cols + cols, 0, cols * sizeof *x->cols);
    walk(x, multiply);
    memset(x->y, 0, tall * sizeof *x->y);
    add_rows(x, row, x->rows + rows, x->y);
    add_rows(x, col, x->cols + cols, x->y);
    complete(x);
    pick(x, row, x->v, x->rows, PAIR);
    pick(x, row, x->y, x->rows + WIDTH, PAIR);
    pick(x, col, x->y, x->cols, PAIR);
    pick(x, col, x->v, x->cols + WIDTH, PAIR);
    walk(x, update);
}

/* Storage blocks on the diagonal are read as a whole. Each lies on one rank. */
static void mirror_diagonal_blocks(hesse_dmat *a)
{
    for (int c = 0, run; c < a->col.count; c += run) {
        run = hesse_axis_run(&a->col, c, a->col.count);
        const int block = hesse_axis_global(&a->col, c);
        const int r = hesse_axis_below(&a->row, block);
        if (hesse_axis_below(&a->row, block + 1) == r) continue;
        const size_t ld = hesse_dmat_stride(a, c);
        real *corner = hesse_dmat_at(a, r, c);
        for (size_t j = 0; j < (size_t)run; j++)
            for (size_t i = j + 1; i < (size_t)run; i++)
                corner[i * ld + j] = corner[j * ld + i];
    }
}

hesse_status hesse_band_reduce(hesse_dmat *a, hesse_band *band)
{
    hesse_team *team = a->grid->team;
    const size_t tall = (size_t)a->n * WIDTH;
    reduction x = {.a = a};
    hesse_status s = HESSE_OK;
    x.panel = hesse_alloc_real(tall);
    x.v = hesse_alloc_real(tall);
    x.u = hesse_alloc_real(tall);
    x.y = hesse_alloc_real(tall);
    x.edge = hesse_calloc(1, sizeof *x.edge);
    x.rows = hesse_alloc_real(PAIR * (size_t)a->row.count);
    x.cols = hesse_alloc_real(PAIR * (size_t)a->col.count);
    x.counts = hesse_calloc(2 * (size_t)team->size, sizeof *x.counts);
    if (!x.panel || !x.v || !x.u || !x.y || !x.edge || !x.rows || !x.cols || !x.counts)
        s = hesse_fail(&team->why, HESSE_E_NOMEM,
                       "no memory to reduce a matrix of order %d to a band", a->n);
    s = hesse_agree(team, s);
    mirror_diagonal_blocks(a);
    const int odd = a->n % WIDTH;
    for (x.first = 0; !s && x.first < a->n; x.first = x.rest) {
        x.width = x.first == 0 && odd ? odd : WIDTH;
        x.rest = x.first + x.width;
        x.order = a->n - x.rest;
        gather_panel(&x);
        factorise(&x, band);
        if (x.order) advance(&x);
    }
    free(x.panel);
    free(x.v);
    free(x.u);
    free(x.y);
    free(x.edge);
    free(x.rows);
    free(x.cols);
    free(x.counts);
    return s;
}
