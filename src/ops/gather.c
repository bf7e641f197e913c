/* Numbers that move, by a table of their places: gather y = x[index] within an example,
   spread y = W[index], the same for every example. A place of -1 gives 0. Both are
   linear, so there is no curvature. The table has a row for every token of y, and a
   column for every channel.  docs/math.md, section 3.17. */
#include "ops/loops.h"
#include "ops/op.h"

enum { INDEX = 1 };

static int tokens(const hesse_dims *d)
{
    return d->to;
}

static void none(const hesse_frame *f)
{
    (void)f;
}

static size_t sequences(const hesse_frame *f)
{
    return (size_t)(f->d.n / f->d.t);
}

/* Return the number of channels from j on that lie one after the other in the source,
   too, within one of its rows of c numbers. */
HESSE_INLINE size_t run_of(const real *index, size_t j, size_t o, size_t c)
{
    if (index[j] < 0) return 1;
    const size_t first = (size_t)index[j];
    size_t run = 1;
    while (j + run < o && index[j + run] == index[j] + (real)run && first % c + run < c)
        run++;
    return run;
}

/* gather */

static int gather_width(const hesse_dims *d, int i)
{
    return i ? d->o : d->c;
}

static hesse_rect gather_shape(const hesse_dims *d, int i)
{
    (void)i;
    return (hesse_rect){0, d->to, 0, d->o};
}

/* Copy the k copies of x to y; or add those of y to x (back). */
HESSE_INLINE void carry(const hesse_frame *f, size_t k, bool back, real *x, real *y)
{
    const size_t c = (size_t)f->d.c, o = (size_t)f->d.o;
    const size_t from = hesse_stride(f->d.c, (int)k), to = hesse_stride(f->d.o, (int)k);
    for (size_t s = 0; s < sequences(f); s++)
        for (size_t i = 0; i < (size_t)f->d.to; i++) {
            const real *index = f->x[INDEX] + i * o;
            for (size_t j = 0, run; j < o; j += run) {
                run = run_of(index, j, o, c);
                if (index[j] < 0) continue;
                const size_t at = (size_t)index[j];
                real *there = x + (s * (size_t)f->d.t + at / c) * from + at % c * k;
                real *here = y + (s * (size_t)f->d.to + i) * to + j * k;
                if (back)
                    add(run * k, 1, here, there);
                else
                    memcpy(here, there, run * k * sizeof *here);
            }
        }
}

static void gather_forward(const hesse_frame *f)
{
    zero(sequences(f) * (size_t)f->d.to * (size_t)f->d.o, f->y);
    carry(f, 1, false, (real *)f->x[0], f->y);
}

static void gather_tangent(const hesse_frame *f)
{
    if (!f->dy) return;
    zero(sequences(f) * (size_t)f->d.to * hesse_stride(f->d.o, f->k), f->dy);
    if (f->dx[0]) carry(f, (size_t)f->k, false, (real *)f->dx[0], f->dy);
}

HESSE_SIMD static void gather_adjoint(const hesse_frame *f)
{
    if (!f->cx[0] || !f->cy) return;
    if (f->k == 1)
        carry(f, 1, true, f->cx[0], (real *)f->cy);
    else
        carry(f, (size_t)f->k, true, f->cx[0], (real *)f->cy);
}

/* spread */

static int spread_width(const hesse_dims *d, int i)
{
    (void)i;
    return d->c;
}

static hesse_rect spread_shape(const hesse_dims *d, int i)
{
    return i < INDEX ? (hesse_rect){0, d->image.rows, 0, d->image.cols}
                     : (hesse_rect){0, d->to, 0, d->c};
}

/* Return the numbers of y in one example. */
static size_t places(const hesse_frame *f)
{
    return (size_t)f->d.to * (size_t)f->d.c;
}

/* Return where the k copies of number p of example s lie. */
HESSE_INLINE size_t place(const hesse_frame *f, size_t s, size_t p)
{
    const size_t c = (size_t)f->d.c;
    return (s * (size_t)f->d.to + p / c) * hesse_stride(f->d.c, f->k) +
           p % c * (size_t)f->k;
}

static void spread_forward(const hesse_frame *f)
{
    const real *index = f->x[INDEX];
    for (size_t s = 0; s < sequences(f); s++)
        for (size_t p = 0; p < places(f); p++)
            f->y[s * places(f) + p] = index[p] < 0 ? 0 : f->x[0][(size_t)index[p]];
}

static void spread_tangent(const hesse_frame *f)
{
    const real *index = f->x[INDEX];
    const size_t k = (size_t)f->k;
    if (!f->dy) return;
    zero(sequences(f) * (size_t)f->d.to * hesse_stride(f->d.c, f->k), f->dy);
    for (size_t s = 0; s < sequences(f); s++)
        for (size_t p = 0; p < places(f); p++) {
            real *dy = f->dy + place(f, s, p);
            if (index[p] < 0) continue;
            if (f->dx[0]) memcpy(dy, f->dx[0] + (size_t)index[p] * k, k * sizeof *dy);
            for (size_t j = 0; f->unit[0] && j < k; j++)
                if (f->unit[0][j] == (int)index[p]) dy[j] = 1;
        }
}

HESSE_SIMD static void spread_adjoint(const hesse_frame *f)
{
    const real *index = f->x[INDEX];
    const hesse_rect part = f->want[0];
    const size_t k = (size_t)f->k;
    if (!f->cx[0] || !f->cy) return;
    for (size_t s = 0; s < sequences(f); s++)
        for (size_t p = 0; p < places(f); p++) {
            if (index[p] < 0) continue;
            const int row = (int)index[p] / f->d.image.cols - part.row;
            const int col = (int)index[p] % f->d.image.cols - part.col;
            if (row < 0 || row >= part.rows || col < 0 || col >= part.cols) continue;
            add(k, 1, f->cy + place(f, s, p),
                f->cx[0] + ((size_t)row * (size_t)part.cols + (size_t)col) * k);
        }
}

const hesse_op hesse_op_gather = {
    .name = "gather",
    .kind = HESSE_MOVE,
    .activations = 1,
    .constants = 1,
    .sequences = true,
    .tokens = tokens,
    .width = gather_width,
    .shape = gather_shape,
    .forward = gather_forward,
    .tangent = gather_tangent,
    .adjoint = gather_adjoint,
    .curvature = none,
};

const hesse_op hesse_op_spread = {
    .name = "spread",
    .kind = HESSE_MOVE,
    .parameters = 1,
    .constants = 1,
    .sequences = true,
    .tokens = tokens,
    .width = spread_width,
    .shape = spread_shape,
    .forward = spread_forward,
    .tangent = spread_tangent,
    .adjoint = spread_adjoint,
    .curvature = none,
};
