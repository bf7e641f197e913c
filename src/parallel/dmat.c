/* A block-cyclic matrix: block (I, J) lies on grid row I mod rows and grid column J mod
   cols. The blocks of a rank lie together in one column-major array. */
#include "parallel/dmat.h"

#include "base/memory.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const int ZERO = 0, ONE = 1;

/* One pdgemr2d may move this number of entries. It counts bytes in int, and it
   allocates its own buffers, so that a failing allocation there ends the job. */
static const int SLAB = 1 << 24;

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

double hesse_dmat_bytes(int n, int ranks)
{
    int rows, cols;
    hesse_grid_shape(ranks, &rows, &cols);
    const int nb = block_edge(n, cols); /* process 0 owns the most */
    const double entries =
        (double)axis(n, nb, rows, 0).count * axis(n, nb, cols, 0).count;
    return (double)sizeof(double) * entries;
}

bool hesse_dmat_is_long(int n, int ranks)
{
    return hesse_dmat_bytes(n, ranks) > (double)sizeof(double) * INT_MAX;
}

static hesse_status make_local(hesse_dmat *m)
{
    hesse_team *team = m->grid->team;
    const size_t share = (size_t)m->row.count * m->col.count;
    m->local = hesse_alloc(share);
    if (!m->local)
        return hesse_fail(
            &team->why, HESSE_E_NOMEM,
            "matrix of order %d: no memory for the %zu bytes of rank %d of"
            " %d",
            m->n, share * sizeof(double), team->rank, team->size);
    return HESSE_OK;
}

hesse_status hesse_dmat_new(const hesse_grid *grid, int n, hesse_dmat **a)
{
    assert(n >= 1);
    hesse_team *team = grid->team;
    hesse_dmat *m = hesse_calloc(1, sizeof *m);
    hesse_status s = HESSE_OK;
    if (!m) {
        s = hesse_fail(&team->why, HESSE_E_NOMEM, "matrix of order %d: no memory", n);
    } else {
        m->grid = grid, m->n = n, m->nb = block_edge(n, grid->cols);
        m->row = axis(n, m->nb, grid->rows, grid->my_row);
        m->col = axis(n, m->nb, grid->cols, grid->my_col);
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

void hesse_dmat_free(hesse_dmat *a)
{
    if (!a) return;
    free(a->local);
    free(a);
}

hesse_status hesse_dmat_part(const hesse_dmat *a, int first, int n, hesse_dmat **part)
{
    assert(first >= 0 && n >= 1 && first <= a->n - n);
    assert(!hesse_dmat_is_long(a->n, a->grid->team->size));
    hesse_dmat *b = NULL;
    hesse_status s = hesse_dmat_new(a->grid, n, &b);
    if (s) return s;
    const int width = max(1, SLAB / n), from = first + 1;
    for (int j = 0; j < n; j += min(width, n - j)) {
        const int w = min(width, n - j), ja = from + j, jb = j + 1;
        pdgemr2d_(&n, &w, a->local, &from, &ja, a->desc, b->local, &ONE, &jb, b->desc,
                  &a->grid->context);
    }
    *part = b;
    return HESSE_OK;
}

hesse_status hesse_dmat_copy(const hesse_dmat *a, hesse_dmat **copy)
{
    hesse_dmat *b = NULL;
    hesse_status s = hesse_dmat_new(a->grid, a->n, &b);
    if (s) return s;
    memcpy(b->local, a->local, (size_t)a->row.count * a->col.count * sizeof *a->local);
    *copy = b;
    return HESSE_OK;
}
