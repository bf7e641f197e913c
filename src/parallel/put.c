/* A patch reaches a rank in two dense pieces. One has the patch's rows that the rank's
   grid row owns and the columns that its grid column owns. The other has the same of
   the mirrored patch. The owned indices of a range are neighbours in the local array of
   a process. So the sizes follow from the ranges alone, a piece is packed tile by tile
   and unpacked column by column, and nobody asks for the owner of an entry. Columns
   that are apart count as several patches of one column. Every rank knows which patches
   the others bring, so the ranks exchange nothing but the numbers themselves. */
#include "parallel/put.h"

#include "base/memory.h"
#include "parallel/exchange.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The place of a patch, or of its piece in the local array of a process. */
typedef struct box {
    int row, rows, col, cols, apart, lower;
} box;

/* A patch with its axes in either order. Entry (row, col), counted from the corner of
   the box, is at[row * down + col * right]. */
typedef struct view {
    box b;
    const real *at;
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

/* Return the number of strips of neighbouring columns in a box. */
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

/* Return true if a patch, or its mirror image, has entries that the matrix needs. The
   matrix may need only the lower triangle. */
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

/* Pack the piece of a view that a process owns, column-major. Return its end. */
static real *pack(view v, const hesse_axis *row, const hesse_axis *col, real *out)
{
    const box own = local_box(row, col, v.b);
    const size_t ld = (size_t)own.rows;
    for (int y = 0, nj; y < own.cols; y += nj) {
        nj = hesse_axis_run(col, own.col + y, own.col + own.cols);
        const int j = hesse_axis_global(col, own.col + y);
        for (int x = 0, ni; x < own.rows; x += ni) {
            ni = hesse_axis_run(row, own.row + x, own.row + own.rows);
            const int i = hesse_axis_global(row, own.row + x);
            const real *from =
                v.at + (size_t)(i - v.b.row) * v.down + (size_t)(j - v.b.col) * v.right;
            real *tile = out + (size_t)y * ld + (size_t)x;
            for (int c = 0; c < nj; c++)
                for (int r = 0; r < ni; r++)
                    tile[(size_t)c * ld + (size_t)r] =
                        from[(size_t)r * v.down + (size_t)c * v.right];
        }
    }
    return out + ld * (size_t)own.cols;
}

/* Pack one strip of a patch and its mirror image in the same way. */
static real *pack_strip(bool lower, const hesse_patch *p, int i, const hesse_axis *row,
                        const hesse_axis *col, real *out)
{
    const box b = strip_of(box_of(p), i), image = mirrored(b);
    const real *at = p->values + i;
    if (serves(lower, b, false)) out = pack((view){b, at, p->stride, 1}, row, col, out);
    if (serves(lower, image, true))
        out = pack((view){image, at, 1, p->stride}, row, col, out);
    return out;
}

/* Unpack a piece of a patch, or of its mirror image, into its place. Return its end. A
   lower patch gives only entries of the lower triangle, and its mirror image only those
   of the upper one. */
static const real *unpack(hesse_dmat *a, box b, bool mirror, const real *in)
{
    const box own = local_box(&a->row, &a->col, b);
    const bool below = a->lower || (b.lower && !mirror), above = b.lower && mirror;
    if (!serves(a->lower, b, mirror)) return in;
    for (int j = own.col; j < own.col + own.cols; j++, in += own.rows) {
        const int col = hesse_axis_global(&a->col, j);
        int first = own.row, end = own.row + own.rows;
        if (below) first = max(first, hesse_axis_below(&a->row, col));
        if (above) end = min(end, hesse_axis_below(&a->row, col + 1));
        if (first < end)
            memcpy(hesse_dmat_at(a, first, j), in + (first - own.row),
                   (size_t)(end - first) * sizeof *in);
    }
    return in;
}

struct hesse_put {
    hesse_dmat *a; /* borrowed */
    hesse_exchange *x;
    bool away; /* from _post to _settle */
};

static void check(const hesse_dmat *a, const hesse_patch *p)
{
    assert(p->row >= 0 && p->rows >= 0 && p->row <= a->n - p->rows);
    assert(p->col >= 0 && p->cols >= 0 && p->apart >= 1);
    assert(p->cols == 0 || p->col + (p->cols - 1) * p->apart < a->n);
    (void)a;
    (void)p;
}

static hesse_axis row_of(const hesse_dmat *a, int rank)
{
    return hesse_axis_of(a->row, rank / a->grid->cols);
}

static hesse_axis col_of(const hesse_dmat *a, int rank)
{
    return hesse_axis_of(a->col, rank % a->grid->cols);
}

static void set_sizes(const hesse_put *put, hesse_brings *brings, void *context)
{
    const hesse_dmat *a = put->a;
    const hesse_exchange *x = put->x;
    for (int r = 0; r < x->team->size; r++) {
        const hesse_patch *patches;
        const int count = brings(context, r, &patches);
        x->from[r] = 0;
        for (int i = 0; i < count; i++) {
            check(a, &patches[i]);
            x->from[r] += piece_size(a->lower, &a->row, &a->col, box_of(&patches[i]));
        }
    }
    const hesse_patch *mine;
    const int count = brings(context, x->team->rank, &mine);
    for (int r = 0; r < x->team->size; r++) {
        const hesse_axis row = row_of(a, r), col = col_of(a, r);
        x->to[r] = 0;
        for (int i = 0; i < count; i++)
            x->to[r] += piece_size(a->lower, &row, &col, box_of(&mine[i]));
    }
}

static void pack_all(const hesse_dmat *a, const hesse_patch *patches, int count,
                     real *out)
{
    for (int r = 0; r < a->grid->team->size; r++) {
        const hesse_axis row = row_of(a, r), col = col_of(a, r);
        for (const hesse_patch *p = patches; p < patches + count; p++)
            for (int i = 0; i < strips_of(box_of(p)); i++)
                out = pack_strip(a->lower, p, i, &row, &col, out);
    }
}

static const real *unpack_all(hesse_dmat *a, const hesse_patch *patches, int count,
                              const real *in)
{
    for (const hesse_patch *p = patches; p < patches + count; p++) {
        for (int j = 0; j < strips_of(box_of(p)); j++) {
            const box b = strip_of(box_of(p), j);
            in = unpack(a, b, false, in);
            in = unpack(a, mirrored(b), true, in);
        }
    }
    return in;
}

hesse_status hesse_put_new(hesse_dmat *a, hesse_put **put)
{
    hesse_team *team = a->grid->team;
    hesse_put *p = hesse_calloc(1, sizeof *p);
    hesse_status s = HESSE_OK;
    if (p)
        p->a = a;
    else
        s = hesse_fail(&team->why, HESSE_E_NOMEM, "exchange: no memory");
    s = hesse_agree(team, s);
    if (!s) s = hesse_exchange_new(team, &p->x);
    if (s)
        free(p);
    else
        *put = p;
    return s;
}

void hesse_put_free(hesse_put *put)
{
    if (!put) return;
    assert(!put->away);
    hesse_exchange_free(put->x);
    free(put);
}

void hesse_put_reserve(hesse_put *put, hesse_brings *brings, void *context)
{
    set_sizes(put, brings, context);
    hesse_exchange_reserve(put->x);
}

hesse_status hesse_put_open(hesse_put *put)
{
    return hesse_exchange_open(put->x);
}

void hesse_put_post(hesse_put *put, hesse_brings *brings, void *context)
{
    const hesse_patch *mine;
    set_sizes(put, brings, context);
    const int count = brings(context, put->x->team->rank, &mine);
    pack_all(put->a, mine, count, put->x->out);
    hesse_exchange_post(put->x);
    put->away = true;
}

void hesse_put_settle(hesse_put *put, hesse_brings *brings, void *context)
{
    if (!put->away) return;
    hesse_exchange_settle(put->x);
    const real *in = put->x->in;
    for (int r = 0; r < put->x->team->size; r++) {
        const hesse_patch *patches;
        const int count = brings(context, r, &patches);
        in = unpack_all(put->a, patches, count, in);
    }
    put->away = false;
}
