/* A table of constants M that is added to the numbers of an example, or multiplies
   them: y = x + M, y = x M by elements. M has a row for every token or one row for all,
   and a column for every channel or one for all. Both are linear in x, so there is no
   curvature.  docs/math.md, section 3.17. */
#include "ops/loops.h"
#include "ops/op.h"

enum { M = 1 };

static int width(const hesse_dims *d, int i)
{
    (void)i;
    return d->c;
}

static hesse_rect shape(const hesse_dims *d, int i)
{
    (void)i;
    return (hesse_rect){0, d->image.rows, 0, d->image.cols};
}

static void none(const hesse_frame *f)
{
    (void)f;
}

/* times_table keeps the position of a token, since frames of the other functions may
   begin anywhere in a sequence. */
static int keep(const hesse_dims *d)
{
    (void)d;
    return 1;
}

/* Return the entry of M for channel j of the token at a position. */
HESSE_INLINE real entry(const hesse_frame *f, size_t position, size_t j)
{
    const size_t cols = (size_t)f->d.image.cols;
    return f->x[M][(f->d.image.rows == 1 ? 0 : position * cols) + (cols == 1 ? 0 : j)];
}

HESSE_SIMD static void add_forward(const hesse_frame *f)
{
    const size_t c = (size_t)f->d.c, t = (size_t)f->d.t;
    for (size_t i = 0; i < (size_t)f->d.n; i++)
        for (size_t j = 0; j < c; j++)
            f->y[i * c + j] = f->x[0][i * c + j] + entry(f, i % t, j);
}

static void add_tangent(const hesse_frame *f)
{
    const size_t all = (size_t)f->d.n * hesse_stride(f->d.c, f->k);
    if (!f->dy) return;
    if (f->dx[0])
        memcpy(f->dy, f->dx[0], all * sizeof *f->dy);
    else
        zero(all, f->dy);
}

HESSE_SIMD static void add_adjoint(const hesse_frame *f)
{
    const size_t all = (size_t)f->d.n * hesse_stride(f->d.c, f->k);
    if (!f->cx[0] || !f->cy) return;
    if (f->fresh[0])
        memcpy(f->cx[0], f->cy, all * sizeof *f->cy);
    else
        add(all, 1, f->cy, f->cx[0]);
}

HESSE_SIMD static void times_forward(const hesse_frame *f)
{
    const size_t c = (size_t)f->d.c, t = (size_t)f->d.t;
    for (size_t i = 0; i < (size_t)f->d.n; i++) {
        f->keep[i] = (real)(i % t);
        for (size_t j = 0; j < c; j++)
            f->y[i * c + j] = f->x[0][i * c + j] * entry(f, i % t, j);
    }
}

/* y = M x, or y += M x, for all k copies. */
HESSE_INLINE void multiply(const hesse_frame *f, bool set, const real *x, real *y)
{
    const size_t c = (size_t)f->d.c, k = (size_t)f->k,
                 stride = hesse_stride(f->d.c, f->k);
    for (size_t i = 0; i < (size_t)f->d.n; i++)
        for (size_t j = 0; j < c; j++) {
            const real m = entry(f, (size_t)f->keep[i], j);
            if (set)
                scale(k, m, x + i * stride + j * k, y + i * stride + j * k);
            else
                add(k, m, x + i * stride + j * k, y + i * stride + j * k);
        }
}

HESSE_SIMD static void times_tangent(const hesse_frame *f)
{
    if (f->dy && f->dx[0])
        multiply(f, true, f->dx[0], f->dy);
    else if (f->dy)
        zero((size_t)f->d.n * hesse_stride(f->d.c, f->k), f->dy);
}

HESSE_SIMD static void times_adjoint(const hesse_frame *f)
{
    if (f->cx[0] && f->cy) multiply(f, f->fresh[0], f->cy, f->cx[0]);
}

const hesse_op hesse_op_add_table = {
    .name = "add_table",
    .kind = HESSE_MOVE,
    .activations = 1,
    .constants = 1,
    .sets = true,
    .width = width,
    .shape = shape,
    .forward = add_forward,
    .tangent = add_tangent,
    .adjoint = add_adjoint,
    .curvature = none,
};

const hesse_op hesse_op_times_table = {
    .name = "times_table",
    .kind = HESSE_SCALE,
    .activations = 1,
    .constants = 1,
    .sets = true,
    .width = width,
    .shape = shape,
    .keep = keep,
    .forward = times_forward,
    .tangent = times_tangent,
    .adjoint = times_adjoint,
    .curvature = none,
};
