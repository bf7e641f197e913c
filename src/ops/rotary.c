/* The first o of every head's e channels are turned in pairs: channels j and j + o / 2
   by the angle position * frequency[j], and multiplied by a; the others stay. That is a
   linear map, so there is no curvature, and its transpose turns back.  Source: Su et
   al., arXiv:2104.09864, in the halves layout of the Hugging Face checkpoints;
   docs/math.md, section 3.6. */
#include "ops/loops.h"
#include "ops/op.h"

#include <math.h>

enum { X, FREQUENCY };

static int width(const hesse_dims *d, int i)
{
    (void)i;
    return d->c;
}

static hesse_rect shape(const hesse_dims *d, int i)
{
    (void)i;
    return (hesse_rect){0, 1, 0, d->o / 2};
}

/* It keeps cosine and sine of every pair of a head, both times a. */
static int keep(const hesse_dims *d)
{
    return d->o;
}

/* y += x with every pair turned; if sign is -1, it is turned back. */
HESSE_INLINE void turn(const hesse_frame *f, int k, real sign, const real *x, real *y)
{
    const int e = f->d.c / f->d.h, half = f->d.o / 2;
    const size_t stride = hesse_stride(f->d.c, k), far = (size_t)half * (size_t)k;
    const size_t rest = (size_t)(e - f->d.o) * (size_t)k;
    for (int i = 0; i < f->d.n; i++)
        for (int h = 0; h < f->d.h; h++) {
            const size_t head = (size_t)i * stride + (size_t)(h * e * k);
            for (int j = 0; j < half; j++) {
                const real *angle = f->keep + (size_t)i * (size_t)f->d.o + 2 * j;
                const size_t at = head + (size_t)(j * k);
                const real cosine = angle[0], sine = sign * angle[1];
                add((size_t)k, cosine, x + at, y + at);
                add((size_t)k, -sine, x + at + far, y + at);
                add((size_t)k, sine, x + at, y + at + far);
                add((size_t)k, cosine, x + at + far, y + at + far);
            }
            if (rest) add(rest, 1, x + head + 2 * far, y + head + 2 * far);
        }
}

static void forward(const hesse_frame *f)
{
    for (int i = 0; i < f->d.n; i++)
        for (int j = 0; j < f->d.o / 2; j++) {
            const double angle = (i % f->d.t) * (double)f->x[FREQUENCY][j];
            f->keep[(size_t)i * (size_t)f->d.o + 2 * j] = (real)(f->d.a * cos(angle));
            f->keep[(size_t)i * (size_t)f->d.o + 2 * j + 1] =
                (real)(f->d.a * sin(angle));
        }
    zero((size_t)f->d.n * (size_t)f->d.c, f->y);
    turn(f, 1, 1, f->x[X], f->y);
}

HESSE_SIMD static void tangent(const hesse_frame *f)
{
    if (!f->dy) return;
    zero((size_t)f->d.n * hesse_stride(f->d.c, f->k), f->dy);
    if (f->dx[X]) turn(f, f->k, 1, f->dx[X], f->dy);
}

HESSE_SIMD static void adjoint(const hesse_frame *f)
{
    if (f->cx[X] && f->cy) turn(f, f->k, -1, f->cy, f->cx[X]);
}

static void curvature(const hesse_frame *f)
{
    (void)f;
}

const hesse_op hesse_op_rotary = {
    .name = "rotary",
    .kind = HESSE_ROTARY,
    .activations = 1,
    .constants = 1,
    .width = width,
    .shape = shape,
    .keep = keep,
    .forward = forward,
    .tangent = tangent,
    .adjoint = adjoint,
    .curvature = curvature,
};
