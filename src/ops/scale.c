/* y = a x: linear, so there is no curvature.  docs/math.md, section 3.14. */
#include "ops/loops.h"
#include "ops/op.h"

static int width(const hesse_dims *d, int i)
{
    (void)i;
    return d->c;
}

/* Return the numbers in an array of tangents, with the padding between tokens: loops go
   over it, too, which does no harm. */
static size_t tangent_count(const hesse_frame *f)
{
    return (size_t)f->d.n * hesse_stride(f->d.c, f->k);
}

HESSE_SIMD static void forward(const hesse_frame *f)
{
    scale((size_t)f->d.n * (size_t)f->d.c, (real)f->d.a, f->x[0], f->y);
}

HESSE_SIMD static void tangent(const hesse_frame *f)
{
    if (f->dy && f->dx[0])
        scale(tangent_count(f), (real)f->d.a, f->dx[0], f->dy);
    else if (f->dy)
        zero(tangent_count(f), f->dy);
}

HESSE_SIMD static void adjoint(const hesse_frame *f)
{
    if (!f->cx[0] || !f->cy) return;
    if (f->fresh[0])
        scale(tangent_count(f), (real)f->d.a, f->cy, f->cx[0]);
    else
        add(tangent_count(f), (real)f->d.a, f->cy, f->cx[0]);
}

static void curvature(const hesse_frame *f)
{
    (void)f;
}

const hesse_op hesse_op_scale = {
    .name = "scale",
    .kind = HESSE_SCALE,
    .activations = 1,
    .sets = true,
    .width = width,
    .forward = forward,
    .tangent = tangent,
    .adjoint = adjoint,
    .curvature = curvature,
};
