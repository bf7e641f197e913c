/* Two distributions cut a principal block into runs: neighbouring rows of a column that
   one rank has and another one gets. Both ranks visit the runs in the same order, so
   only numbers are sent. */
#include "parallel/dmat.h"
#include "parallel/exchange.h"

#include <assert.h>
#include <string.h>

/* These are the axes of the part of a matrix that a rank holds, or of the part of a
   block that it gets. */
typedef struct share {
    hesse_axis row, col;
} share;

/* A block on its way from a matrix. */
typedef struct way {
    const hesse_dmat *a;
    const hesse_gather *g;
    real *numbers; /* that are sent, or were received */
    size_t at;
} way;

/* Rows row ... row + count - 1 of a column of the block. */
typedef void use_run(way *w, int row, int col, int count);

static int min(int a, int b)
{
    return a < b ? a : b;
}

static bool is_triangle(const hesse_dmat *a, const hesse_gather *g)
{
    return a->lower || (g->ranks && g->lower);
}

static share share_of(const hesse_dmat *a, int rank)
{
    return (share){hesse_axis_of(a->row, rank / a->grid->cols),
                   hesse_axis_of(a->col, rank % a->grid->cols)};
}

/* Return true if a rank will hold some of a block, and which. */
static bool gets(const hesse_gather *g, int rank, share *s)
{
    if (rank < g->owner || rank >= g->owner + (g->ranks ? g->ranks : 1)) return false;
    hesse_dmat_axes(g->n, g->ranks ? g->ranks : 1, rank - g->owner, &s->row, &s->col);
    return true;
}

static bool owns(const hesse_axis *x, int i)
{
    return i / x->nb % x->procs == x->me;
}

/* Visit all runs of a block that `has` and `gets` have in common. */
static void each_run(way *w, const share *has, const share *gets, use_run *use)
{
    const hesse_gather *g = w->g;
    const bool triangle = is_triangle(w->a, g);
    const int last = hesse_axis_below(&has->col, g->first + g->n);
    const int end = hesse_axis_below(&has->row, g->first + g->n);
    for (int c = hesse_axis_below(&has->col, g->first); c < last; c++) {
        const int col = hesse_axis_global(&has->col, c) - g->first;
        if (!owns(&gets->col, col)) continue;
        int r = hesse_axis_below(&has->row, g->first + (triangle ? col : 0));
        for (int run; r < end; r += run) {
            const int row = hesse_axis_global(&has->row, r) - g->first;
            run = min(hesse_axis_run(&has->row, r, end),
                      gets->row.nb - row % gets->row.nb);
            if (owns(&gets->row, row)) use(w, row, col, run);
        }
    }
}

static const real *in_matrix(const way *w, int row, int col)
{
    const int first = w->g->first;
    return hesse_dmat_at(w->a, hesse_axis_below(&w->a->row, first + row),
                         hesse_axis_below(&w->a->col, first + col));
}

static real *in_block(const way *w, int row, int col)
{
    const hesse_gather *g = w->g;
    if (!g->ranks) return g->values + (size_t)col * (size_t)g->n + (size_t)row;
    return hesse_dmat_at(g->to, hesse_axis_below(&g->to->row, row),
                         hesse_axis_below(&g->to->col, col));
}

static void count(way *w, int row, int col, int count)
{
    (void)row, (void)col;
    w->at += (size_t)count;
}

static void pack(way *w, int row, int col, int count)
{
    memcpy(w->numbers + w->at, in_matrix(w, row, col), (size_t)count * sizeof(real));
    w->at += (size_t)count;
}

static void unpack(way *w, int row, int col, int count)
{
    memcpy(in_block(w, row, col), w->numbers + w->at, (size_t)count * sizeof(real));
    w->at += (size_t)count;
}

static void copy(way *w, int row, int col, int count)
{
    memcpy(in_block(w, row, col), in_matrix(w, row, col), (size_t)count * sizeof(real));
}

static size_t size_of(const hesse_dmat *a, const hesse_gather *g, const share *has,
                      const share *gets)
{
    way w = {.a = a, .g = g};
    each_run(&w, has, gets, count);
    return w.at;
}

static void set_sizes(const hesse_dmat *a, const hesse_gather *list, int count,
                      hesse_exchange *x)
{
    const int me = x->team->rank;
    const share mine = share_of(a, me);
    share block;
    for (int i = 0; i < count; i++)
        for (int r = 0; r < x->team->size; r++) {
            if (gets(&list[i], r, &block))
                x->to[r] += size_of(a, &list[i], &mine, &block);
            const share theirs = share_of(a, r);
            if (gets(&list[i], me, &block))
                x->from[r] += size_of(a, &list[i], &theirs, &block);
        }
}

static void pack_all(const hesse_dmat *a, const hesse_gather *list, int count,
                     real *out)
{
    const hesse_team *team = a->grid->team;
    const share mine = share_of(a, team->rank);
    way w = {.a = a, .numbers = out};
    share block;
    for (int r = 0; r < team->size; r++)
        for (int i = 0; i < count; i++)
            if (gets(w.g = &list[i], r, &block)) each_run(&w, &mine, &block, pack);
}

static void unpack_all(const hesse_dmat *a, const hesse_gather *list, int count,
                       real *in)
{
    const hesse_team *team = a->grid->team;
    way w = {.a = a, .numbers = in};
    share block;
    for (int r = 0; r < team->size; r++) {
        const share theirs = share_of(a, r);
        for (int i = 0; i < count; i++)
            if (gets(w.g = &list[i], team->rank, &block))
                each_run(&w, &theirs, &block, unpack);
    }
}

static hesse_status send_all(const hesse_dmat *a, const hesse_gather *list, int count)
{
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

hesse_status hesse_dmat_gather(const hesse_dmat *a, const hesse_gather *list, int count)
{
    const int ranks = a->grid->team->size;
    for (int i = 0; i < count; i++) {
        const hesse_gather *g = &list[i];
        const size_t n = (size_t)g->n;
        assert(g->first >= 0 && g->n >= 0 && g->first <= a->n - g->n);
        assert(g->owner >= 0 && g->owner + (g->ranks ? g->ranks : 1) <= ranks);
        assert(!g->to || (g->to->n == g->n && g->to->grid->team->size == g->ranks));
        if (g->values && is_triangle(a, g)) memset(g->values, 0, n * n * sizeof(real));
    }
    if (ranks > 1) return send_all(a, list, count);
    const share all = share_of(a, 0);
    for (int i = 0; i < count; i++) {
        way w = {.a = a, .g = &list[i]};
        share block;
        if (gets(&list[i], 0, &block)) each_run(&w, &all, &block, copy);
    }
    return HESSE_OK;
}
