/* Channels j and j + e/2 of every head of e channels are turned by the angle
   position * a^(-2 j / e): a linear map, so there is no curvature, and its transpose
   turns back.  Source: Su et al., arXiv:2104.09864, in the halves layout of the
   Hugging Face checkpoints; docs/math.md, section 3.6. */
#include "ops/loops.h"
#include "ops/op.h"

#include <math.h>

static int width(const hesse_dims *d, int i)
{
    (void)i;
    return d->c;
}

/* It keeps cosine and sine of every pair of a head. */
static int keep(const hesse_dims *d)
{
    return d->c / d->h;
}

/* y += x with every pair turned; if sign is -1, it is turned back. */
HESSE_INLINE void turn(const hesse_frame *f, int k, double sign, const double *x,
                       double *y)
{
    const int e = f->d.c / f->d.h, half = e / 2;
    const size_t stride = hesse_stride(f->d.c, k), far = (size_t)half * (size_t)k;
    for (int i = 0; i < f->d.n; i++)
        for (int h = 0; h < f->d.h; h++)
            for (int j = 0; j < half; j++) {
                const double *angle = f->keep + (size_t)i * (size_t)e + 2 * j;
                const size_t at = (size_t)i * stride + (size_t)((h * e + j) * k);
                const double cosine = angle[0], sine = sign * angle[1];
                add((size_t)k, cosine, x + at, y + at);
                add((size_t)k, -sine, x + at + far, y + at);
                add((size_t)k, sine, x + at, y + at + far);
                add((size_t)k, cosine, x + at + far, y + at + far);
            }
}

static void forward(const hesse_frame *f)
{
    const int e = f->d.c / f->d.h;
    for (int i = 0; i < f->d.n; i++)
        for (int j = 0; j < e / 2; j++) {
            const double angle = (i % f->d.t) * pow(f->d.a, -2.0 * j / e);
            f->keep[(size_t)i * (size_t)e + 2 * j] = cos(angle);
            f->keep[(size_t)i * (size_t)e + 2 * j + 1] = sin(angle);
        }
    zero((size_t)f->d.n * (size_t)f->d.c, f->y);
    turn(f, 1, 1, f->x[0], f->y);
}

HESSE_SIMD static void tangent(const hesse_frame *f)
{
    if (!f->dy) return;
    zero((size_t)f->d.n * hesse_stride(f->d.c, f->k), f->dy);
    if (f->dx[0]) turn(f, f->k, 1, f->dx[0], f->dy);
}

HESSE_SIMD static void adjoint(const hesse_frame *f)
{
    if (f->cx[0] && f->cy) turn(f, f->k, -1, f->cy, f->cx[0]);
}

static void curvature(const hesse_frame *f)
{
    (void)f;
}

const hesse_op hesse_op_rotary = {
    .name = "rotary",
    .kind = HESSE_ROTARY,
    .activations = 1,
    .width = width,
    .keep = keep,
    .forward = forward,
    .tangent = tangent,
    .adjoint = adjoint,
    .curvature = curvature,
};
