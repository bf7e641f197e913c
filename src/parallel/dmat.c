/* A block-cyclic matrix: block (I, J) lies on grid row I mod rows and grid column J mod
   cols. The blocks of a rank lie together in one column-major array, or, if only the
   lower triangle is stored, in one for each strip. */
#include "parallel/dmat.h"

#include "base/memory.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const int ZERO = 0;

static int min(int a, int b)
{
    return a < b ? a : b;
}

static int max(int a, int b)
{
    return a > b ? a : b;
}

int hesse_axis_below(const hesse_axis *x, int i)
{
    const int block = i / x->nb, round = block / x->procs, turn = block % x->procs;
    const int last = x->me < turn ? x->nb : x->me == turn ? i % x->nb : 0;
    return round * x->nb + last;
}

int hesse_axis_global(const hesse_axis *x, int local)
{
    return (local / x->nb * x->procs + x->me) * x->nb + local % x->nb;
}

int hesse_axis_run(const hesse_axis *x, int local, int end)
{
    return min(x->nb - local % x->nb, end - local);
}

hesse_axis hesse_axis_of(hesse_axis x, int process)
{
    x.me = process;
    return x;
}

/* Each process has at least four blocks, for balance. The edge is a power of two, with
   which ELPA is fast. */
static int block_edge(int n, int procs)
{
    int nb = 1;
    while (nb < 64 && nb <= n / procs / 8) nb *= 2;
    return nb;
}

static hesse_axis axis(int n, int nb, int procs, int me)
{
    hesse_axis x = {.procs = procs, .me = me, .nb = nb};
    x.count = hesse_axis_below(&x, n);
    return x;
}

void hesse_dmat_axes(int n, int ranks, int rank, hesse_axis *row, hesse_axis *col)
{
    int rows, cols;
    hesse_grid_shape(ranks, &rows, &cols);
    const int nb = block_edge(n, cols);
    *row = axis(n, nb, rows, rank / cols);
    *col = axis(n, nb, cols, rank % cols);
}

double hesse_dmat_bytes(int n, int ranks, bool lower)
{
    hesse_axis row, col;
    hesse_dmat_axes(n, ranks, 0, &row, &col); /* rank 0 owns the most */
    const int nb = row.nb, strip = lower ? HESSE_STRIP * nb : max(1, col.count);
    double entries = 0;
    for (int c = 0; c < col.count; c += strip) {
        /* from the strip's top on */
        const int blocks = (n - c * col.procs + nb - 1) / nb;
        const int most = (blocks + row.procs - 1) / row.procs * nb;
        entries += (double)min(row.count, most) * min(strip, col.count - c);
    }
    return (double)sizeof(real) * entries;
}

bool hesse_dmat_is_long(int n, int ranks)
{
    return hesse_dmat_bytes(n, ranks, false) > (double)sizeof(real) * INT_MAX;
}

/* Return the number of columns that this rank has of a strip. */
static int width_of(const hesse_dmat *m, int strip)
{
    return max(0, min(m->strip, m->col.count - strip * m->strip));
}

static hesse_status make_local(hesse_dmat *m)
{
    hesse_team *team = m->grid->team;
    const int columns =
        HESSE_STRIP * m->nb * m->grid->cols; /* of a strip on all ranks */
    m->n_strips = m->lower ? (m->n - 1) / columns + 1 : 1;
    m->strip = m->lower ? HESSE_STRIP * m->nb : max(1, m->col.count);
    m->strips = hesse_calloc((size_t)m->n_strips, sizeof *m->strips);
    for (int i = 0; m->strips && i < m->n_strips; i++) {
        hesse_strip *s = &m->strips[i];
        s->first = i * columns;
        s->top = hesse_axis_below(&m->row, s->first);
        s->from = m->count;
        m->count += (size_t)(m->row.count - s->top) * (size_t)width_of(m, i);
    }
    if (m->strips) m->local = hesse_alloc_real(m->count);
    if (!m->local)
        return hesse_fail(
            &team->why, HESSE_E_NOMEM,
            "matrix of order %d: no memory for the %zu bytes of rank %d of"
            " %d",
            m->n, m->count * sizeof(real), team->rank, team->size);
    return HESSE_OK;
}

static hesse_status make(const hesse_grid *grid, int n, bool lower, hesse_dmat **a)
{
    assert(n >= 1);
    hesse_team *team = grid->team;
    hesse_dmat *m = hesse_calloc(1, sizeof *m);
    hesse_status s = HESSE_OK;
    if (!m) {
        s = hesse_fail(&team->why, HESSE_E_NOMEM, "matrix of order %d: no memory", n);
    } else {
        m->grid = grid, m->n = n, m->lower = lower;
        hesse_dmat_axes(n, team->size, team->rank, &m->row, &m->col);
        m->nb = m->row.nb;
        s = make_local(m);
    }
    if ((s = hesse_agree(team, s))) {
        hesse_dmat_free(m);
        return s;
    }
    int info, lld = max(1, m->row.count);
    descinit_(m->desc, &n, &n, &m->nb, &m->nb, &ZERO, &ZERO, &grid->context, &lld,
              &info);
    *a = m;
    return HESSE_OK;
}

hesse_status hesse_dmat_new(const hesse_grid *grid, int n, hesse_dmat **a)
{
    return make(grid, n, false, a);
}

hesse_status hesse_dmat_new_lower(const hesse_grid *grid, int n, hesse_dmat **a)
{
    return make(grid, n, true, a);
}

void hesse_dmat_free(hesse_dmat *a)
{
    if (!a) return;
    free(a->strips);
    free(a->local);
    free(a);
}

hesse_held hesse_dmat_held(const hesse_dmat *a, int first)
{
    const int ranks = a->grid->team->size;
    assert(!a->lower);
    return (hesse_held){.n = a->n,
                        .first = first,
                        .ranks = ranks,
                        .a = a,
                        .square = ranks > 1 ? NULL : a->local};
}

hesse_status hesse_dmat_copy(const hesse_dmat *a, hesse_dmat **copy)
{
    assert(!a->lower);
    hesse_dmat *b = NULL;
    hesse_status s = hesse_dmat_new(a->grid, a->n, &b);
    if (s) return s;
    memcpy(b->local, a->local, a->count * sizeof *a->local);
    *copy = b;
    return HESSE_OK;
}
