/* y = W[id + token], a row of W for every token; linear in W, so there is no curvature.
   Some models leave the first rows of a table of positions unused. */
#include "ops/loops.h"
#include "ops/op.h"

static int width(const hesse_dims *d, int i)
{
    (void)i;
    return d->o;
}

static hesse_rect shape(const hesse_dims *d, int i)
{
    (void)i;
    return (hesse_rect){0, d->c, 0, d->o};
}

HESSE_INLINE int row_of(const hesse_frame *f, int i)
{
    return f->id[i] + f->d.token;
}

static void forward(const hesse_frame *f)
{
    const size_t o = (size_t)f->d.o;
    for (int i = 0; i < f->d.n; i++)
        memcpy(f->y + (size_t)i * o, f->x[0] + (size_t)row_of(f, i) * o,
               o * sizeof *f->y);
}

static void tangent(const hesse_frame *f)
{
    const size_t o = (size_t)f->d.o, k = (size_t)f->k,
                 stride = hesse_stride(f->d.o, f->k);
    if (!f->dy) return;
    zero((size_t)f->d.n * stride, f->dy);
    for (int i = 0; i < f->d.n; i++) {
        real *dy = f->dy + (size_t)i * stride;
        if (f->dx[0])
            memcpy(dy, f->dx[0] + (size_t)row_of(f, i) * o * k, o * k * sizeof *dy);
        for (size_t j = 0; f->unit[0] && j < k; j++)
            if (f->unit[0][j] / f->d.o == row_of(f, i))
                dy[(size_t)(f->unit[0][j] % f->d.o) * k + j] = 1;
    }
}

HESSE_SIMD static void adjoint(const hesse_frame *f)
{
    const size_t k = (size_t)f->k;
    const hesse_rect part = f->want[0];
    if (!f->cx[0] || !f->cy) return;
    for (int i = 0; i < f->d.n; i++) {
        const int row = row_of(f, i) - part.row;
        if (row < 0 || row >= part.rows) continue;
        const real *cy = f->cy + (size_t)i * hesse_stride(f->d.o, f->k);
        const size_t count = (size_t)part.cols * k;
        add(count, 1, cy + (size_t)part.col * k, f->cx[0] + (size_t)row * count);
    }
}

static void curvature(const hesse_frame *f)
{
    (void)f;
}

const hesse_op hesse_op_embedding = {
    .name = "embedding",
    .kind = HESSE_EMBEDDING,
    .parameters = 1,
    .width = width,
    .shape = shape,
    .forward = forward,
    .tangent = tangent,
    .adjoint = adjoint,
    .curvature = curvature,
};
