/* A principal block reaches its owner as one dense piece from every rank: the columns
   of the rank's local array within the block. The owner unpacks a piece run by run. */
#include "parallel/dmat.h"
#include "parallel/exchange.h"

#include <assert.h>
#include <string.h>

/* The local indices of a range. */
typedef struct span {
    int first, end;
} span;

static span owned(const hesse_axis *x, const hesse_gather *g)
{
    return (span){hesse_axis_below(x, g->first), hesse_axis_below(x, g->first + g->n)};
}

static size_t piece_size(const hesse_axis *row, const hesse_axis *col,
                         const hesse_gather *g)
{
    const span i = owned(row, g), j = owned(col, g);
    return (size_t)(i.end - i.first) * (size_t)(j.end - j.first);
}

/* Rows above the top of a strip are not stored, and stay zero. */
static real *pack(const hesse_dmat *a, const hesse_gather *g, real *out)
{
    const span i = owned(&a->row, g), j = owned(&a->col, g);
    const int rows = i.end - i.first;
    for (int c = j.first; c < j.end; c++, out += rows) {
        const int above = a->strips[c / a->strip].top - i.first;
        const int left_out = above < 0 ? 0 : above < rows ? above : rows;
        memset(out, 0, (size_t)left_out * sizeof *out);
        if (left_out < rows)
            memcpy(out + left_out, hesse_dmat_at(a, i.first + left_out, c),
                   (size_t)(rows - left_out) * sizeof *out);
    }
    return out;
}

static const real *unpack(const hesse_axis *row, const hesse_axis *col,
                          const hesse_gather *g, const real *in)
{
    const span i = owned(row, g), j = owned(col, g);
    for (int c = j.first; c < j.end; c++) {
        real *to = g->values + (size_t)(hesse_axis_global(col, c) - g->first) * g->n;
        for (int r = i.first, run; r < i.end; r += run, in += run) {
            run = hesse_axis_run(row, r, i.end);
            memcpy(to + (hesse_axis_global(row, r) - g->first), in,
                   (size_t)run * sizeof *in);
        }
    }
    return in;
}

static void set_sizes(const hesse_dmat *a, const hesse_gather *list, int count,
                      hesse_exchange *x)
{
    for (int i = 0; i < count; i++) {
        x->to[list[i].owner] += piece_size(&a->row, &a->col, &list[i]);
        for (int r = 0; list[i].owner == x->team->rank && r < x->team->size; r++) {
            const hesse_axis row = hesse_axis_of(a->row, r / a->grid->cols);
            const hesse_axis col = hesse_axis_of(a->col, r % a->grid->cols);
            x->from[r] += piece_size(&row, &col, &list[i]);
        }
    }
}

static void pack_all(const hesse_dmat *a, const hesse_gather *list, int count,
                     real *out)
{
    for (int r = 0; r < a->grid->team->size; r++)
        for (int i = 0; i < count; i++)
            if (list[i].owner == r) out = pack(a, &list[i], out);
}

static void unpack_all(const hesse_dmat *a, const hesse_gather *list, int count,
                       const real *in)
{
    for (int r = 0; r < a->grid->team->size; r++) {
        const hesse_axis row = hesse_axis_of(a->row, r / a->grid->cols);
        const hesse_axis col = hesse_axis_of(a->col, r % a->grid->cols);
        for (int i = 0; i < count; i++)
            if (list[i].owner == a->grid->team->rank)
                in = unpack(&row, &col, &list[i], in);
    }
}

hesse_status hesse_dmat_gather(const hesse_dmat *a, const hesse_gather *list, int count)
{
    for (int i = 0; i < count; i++) {
        assert(list[i].first >= 0 && list[i].n >= 0 &&
               list[i].first <= a->n - list[i].n);
        assert(list[i].owner >= 0 && list[i].owner < a->grid->team->size);
    }
    if (a->grid->team->size == 1) {
        for (int i = 0; i < count; i++) pack(a, &list[i], list[i].values);
        return HESSE_OK;
    }
    hesse_exchange *x = NULL;
    hesse_status s = hesse_exchange_new(a->grid->team, &x);
    if (!s) {
        set_sizes(a, list, count, x);
        hesse_exchange_reserve(x);
        s = hesse_exchange_open(x);
    }
    if (!s) {
        pack_all(a, list, count, x->out);
        hesse_exchange_post(x);
        hesse_exchange_settle(x);
        unpack_all(a, list, count, x->in);
    }
    hesse_exchange_free(x);
    return s;
}
