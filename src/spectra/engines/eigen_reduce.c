/* The matrix is reduced panel by panel. A panel has HESSE_BAND columns, and a block
   reflection I - V T V' annihilates its part below the band's edge. This changes the
   rest A of the matrix to A - Y V' - V Y',   Y = A U - V (U' A U) / 2,   U = V T. One
   triangle of A is kept, in whole storage blocks: each rank multiplies and changes the
   blocks that it owns, so that the matrix is not sent. Only the panel is sent, which
   one rank factorises, and Y, to which all ranks add. The first panel is narrower if
   the order requires it, so that a square is left below all others. Source: Bischof,
   Lang & Sun, ACM Trans. Math. Softw. 26 (2000), 581-601. */
#include "spectra/engines/band.h"

#include "base/memory.h"

#include <cblas.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The number of storage blocks side by side in one product. */
enum { STRIPE = 4 };

void dgeqrt3_(const int *m, const int *n, double *a, const int *lda, double *t,
              const int *ldt, int *info);

typedef struct reduction {
    hesse_dmat *a;
    int first, width;      /* columns of the panel                           */
    int rest, order;       /* start of the rest of the matrix; its order */
    double *panel, *u, *y; /* of the rows from first, rest and rest on */
    double *t;
    double *rows, *cols; /* two tall matrices: U and Y, later V and Y, at this rank's
                            rows and at its columns */
} reduction;

static int lesser(int a, int b)
{
    return a < b ? a : b;
}

static int greater(int a, int b)
{
    return a > b ? a : b;
}

/* Pick the rows that an axis owns of a tall matrix that begins at index `rest`. */
static void pick(const reduction *x, const hesse_axis *axis, const double *tall,
                 int stride, double *mine)
{
    const int begin = hesse_axis_below(axis, x->rest), rows = axis->count - begin;
    for (int i = begin, run; i < axis->count; i += run) {
        run = hesse_axis_run(axis, i, axis->count);
        const double *from = tall + hesse_axis_global(axis, i) - x->rest;
        for (int c = 0; c < x->width; c++)
            memcpy(mine + (size_t)c * (size_t)rows + (i - begin),
                   from + (size_t)c * (size_t)stride, (size_t)run * sizeof *from);
    }
}

/* Add these rows to the tall matrix. */
static void add_rows(const reduction *x, const hesse_axis *axis, const double *mine,
                     double *tall)
{
    const int begin = hesse_axis_below(axis, x->rest), rows = axis->count - begin;
    for (int i = begin, run; i < axis->count; i += run) {
        run = hesse_axis_run(axis, i, axis->count);
        double *to = tall + hesse_axis_global(axis, i) - x->rest;
        for (int c = 0; c < x->width; c++)
            cblas_daxpy(run, 1, mine + (size_t)c * (size_t)rows + (i - begin), 1,
                        to + (size_t)c * (size_t)x->order, 1);
    }
}

/* Gather the panel's columns, from the diagonal down, on rank 0. */
static void gather_panel(reduction *x)
{
    const hesse_dmat *a = x->a;
    hesse_team *team = a->grid->team;
    const size_t rows = (size_t)(a->n - x->first), count = rows * (size_t)x->width;
    memset(x->panel, 0, count * sizeof *x->panel);
    const int end = hesse_axis_below(&a->col, x->rest);
    for (int c = hesse_axis_below(&a->col, x->first); c < end; c++) {
        const int column = hesse_axis_global(&a->col, c);
        const double *from = a->local + (size_t)c * (size_t)a->row.count;
        double *to = x->panel + (size_t)(column - x->first) * rows;
        for (int r = hesse_axis_below(&a->row, column), run; r < a->row.count;
             r += run) {
            run = hesse_axis_run(&a->row, r, a->row.count);
            memcpy(to + hesse_axis_global(&a->row, r) - x->first, from + r,
                   (size_t)run * sizeof *from);
        }
    }
    hesse_team_sum_on_first(team, x->panel, count);
}

/* Factorise the panel, put its triangle into the band, and send its reflections to
   every rank. */
static void factorise(reduction *x, hesse_band *band)
{
    hesse_team *team = x->a->grid->team;
    const int rows = x->a->n - x->first, ld = HESSE_BAND;
    const size_t stride = (size_t)rows;
    int info;
    if (team->rank == 0 && x->order)
        dgeqrt3_(&x->order, &x->width, x->panel + x->width, &rows, x->t, &ld, &info);
    if (team->size > 1) {
        hesse_team_broadcast(team, 0, x->panel,
                             stride * (size_t)x->width * sizeof *x->panel);
        hesse_team_broadcast(team, 0, x->t, sizeof *x->t * HESSE_BAND * HESSE_BAND);
    }
    for (int c = 0; c < x->width; c++) {
        double *column = x->panel + (size_t)c * stride, *v = column + x->width;
        hesse_band_set(band, x->first + c, lesser(x->width + 1, rows - c), column + c);
        if (!x->order) continue;
        memset(v, 0, (size_t)c * sizeof *v);
        v[c] = 1;
    }
}

/* A rectangle of this rank's share, in local indices. */
typedef struct rectangle {
    int top, bottom, left, right;
    bool diagonal; /* blocks on the diagonal of the matrix */
} rectangle;

static double *corner(const reduction *x, const rectangle *r)
{
    return x->a->local + (size_t)r->left * (size_t)x->a->row.count + r->top;
}

/* Visit this rank's blocks on and below the diagonal of the rest. Rectangles are
   several blocks wide. The stairs of blocks above them, up to the diagonal, are visited
   block by block. */
static void walk(const reduction *x, void (*visit)(const reduction *, rectangle))
{
    const hesse_axis *row = &x->a->row, *col = &x->a->col;
    const int nb = x->a->nb, n = x->a->n;
    int left = hesse_axis_below(col, x->rest);
    while (left < col->count) {
        const int last = (left / nb + STRIPE) * nb - 1;
        const int right = lesser(last + 1, col->count);
        const int end = hesse_axis_global(col, right - 1) / nb * nb + nb;
        const int bottom = hesse_axis_below(row, lesser(end, n));
        for (int c = left, run; c < right; c += run) {
            run = hesse_axis_run(col, c, right);
            const int block = hesse_axis_global(col, c) / nb * nb;
            const int from = hesse_axis_below(row, greater(block, x->rest));
            const int below = hesse_axis_below(row, lesser(block + nb, n));
            if (from < below) visit(x, (rectangle){from, below, c, c + run, true});
            if (below < bottom) visit(x, (rectangle){below, bottom, c, c + run, false});
        }
        if (bottom < row->count)
            visit(x, (rectangle){bottom, row->count, left, right, false});
        left = right;
    }
}

/* Add the contribution of a rectangle and its mirror image to A U. */
static void multiply(const reduction *x, rectangle r)
{
    const int ld = x->a->row.count, w = x->width;
    const int top = hesse_axis_below(&x->a->row, x->rest), m = ld - top;
    const int left = hesse_axis_below(&x->a->col, x->rest), n = x->a->col.count - left;
    const double *u_rows = x->rows + (r.top - top), *u_cols = x->cols + (r.left - left);
    double *y_rows = x->rows + (size_t)m * (size_t)w + (r.top - top);
    double *y_cols = x->cols + (size_t)n * (size_t)w + (r.left - left);
    const int rows = r.bottom - r.top, cols = r.right - r.left;
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, rows, w, cols, 1,
                corner(x, &r), ld, u_cols, n, 1, y_rows, m);
    if (r.diagonal) return;
    cblas_dgemm(CblasColMajor, CblasTrans, CblasNoTrans, cols, w, rows, 1,
                corner(x, &r), ld, u_rows, m, 1, y_cols, n);
}

/* Compute A - Y V' - V Y' in one product: the rows are [V Y], the columns [Y V]. */
static void update(const reduction *x, rectangle r)
{
    const int ld = x->a->row.count, top = hesse_axis_below(&x->a->row, x->rest);
    const int left = hesse_axis_below(&x->a->col, x->rest), n = x->a->col.count - left;
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasTrans, r.bottom - r.top,
                r.right - r.left, 2 * x->width, -1, x->rows + (r.top - top), ld - top,
                x->cols + (r.left - left), n, 1, corner(x, &r), ld);
}

/* Reduce one panel and change the rest of the matrix. */
static void advance(reduction *x)
{
    const hesse_axis *row = &x->a->row, *col = &x->a->col;
    hesse_team *team = x->a->grid->team;
    const int m = x->order, w = x->width, stride = m + w;
    const size_t tall = (size_t)m * (size_t)w;
    const size_t rows =
        (size_t)(row->count - hesse_axis_below(row, x->rest)) * (size_t)w;
    const size_t cols =
        (size_t)(col->count - hesse_axis_below(col, x->rest)) * (size_t)w;
    const double *v = x->panel + w;
    for (int c = 0; c < w; c++)
        memcpy(x->u + (size_t)c * (size_t)m, v + (size_t)c * (size_t)stride,
               (size_t)m * sizeof *v);
    cblas_dtrmm(CblasColMajor, CblasRight, CblasUpper, CblasNoTrans, CblasNonUnit, m, w,
                1, x->t, HESSE_BAND, x->u, m);
    pick(x, row, x->u, m, x->rows);
    pick(x, col, x->u, m, x->cols);
    memset(x->rows + rows, 0, rows * sizeof *x->rows);
    memset(x->cols + cols, 0, cols * sizeof *x->cols);
    walk(x, multiply);
    memset(x->y, 0, tall * sizeof *x->y);
    add_rows(x, row, x->rows + rows, x->y);
    add_rows(x, col, x->cols + cols, x->y);
    if (team->size > 1) hesse_team_sum(team, x->y, tall);
    cblas_dgemm(CblasColMajor, CblasTrans, CblasNoTrans, w, w, m, 1, x->u, m, x->y, m,
                0, x->t, HESSE_BAND);
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, m, w, w, -0.5, v, stride,
                x->t, HESSE_BAND, 1, x->y, m);
    pick(x, row, v, stride, x->rows);
    pick(x, row, x->y, m, x->rows + rows);
    pick(x, col, x->y, m, x->cols);
    pick(x, col, v, stride, x->cols + cols);
    walk(x, update);
}

/* Storage blocks on the diagonal are read as a whole. Each lies on one rank. */
static void mirror_diagonal_blocks(hesse_dmat *a)
{
    const size_t ld = (size_t)a->row.count;
    for (int c = 0, run; c < a->col.count; c += run) {
        run = hesse_axis_run(&a->col, c, a->col.count);
        const int block = hesse_axis_global(&a->col, c);
        const int r = hesse_axis_below(&a->row, block);
        if (hesse_axis_below(&a->row, block + 1) == r) continue;
        double *corner = a->local + (size_t)c * ld + (size_t)r;
        for (size_t j = 0; j < (size_t)run; j++)
            for (size_t i = j + 1; i < (size_t)run; i++)
                corner[i * ld + j] = corner[j * ld + i];
    }
}

hesse_status hesse_band_reduce(hesse_dmat *a, hesse_band *band)
{
    hesse_team *team = a->grid->team;
    const size_t tall = (size_t)a->n * HESSE_BAND;
    reduction x = {.a = a};
    hesse_status s = HESSE_OK;
    x.panel = hesse_alloc(tall);
    x.u = hesse_alloc(tall);
    x.y = hesse_alloc(tall);
    x.t = hesse_alloc(HESSE_BAND * HESSE_BAND);
    x.rows = hesse_alloc(2 * HESSE_BAND * (size_t)a->row.count);
    x.cols = hesse_alloc(2 * HESSE_BAND * (size_t)a->col.count);
    if (!x.panel || !x.u || !x.y || !x.t || !x.rows || !x.cols)
        s = hesse_fail(&team->why, HESSE_E_NOMEM,
                       "no memory to reduce a matrix of order %d to a band", a->n);
    s = hesse_agree(team, s);
    mirror_diagonal_blocks(a);
    const int odd = a->n % HESSE_BAND;
    for (x.first = 0; !s && x.first < a->n; x.first = x.rest) {
        x.width = x.first == 0 && odd ? odd : HESSE_BAND;
        x.rest = x.first + x.width;
        x.order = a->n - x.rest;
        gather_panel(&x);
        factorise(&x, band);
        if (x.order) advance(&x);
    }
    free(x.panel);
    free(x.u);
    free(x.y);
    free(x.t);
    free(x.rows);
    free(x.cols);
    return s;
}
