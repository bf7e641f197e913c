/* The two ways in which two activations become one. y = x_0 + x_1 (residual) has no
   curvature. y = x_0 x_1 by elements (the gate of SwiGLU) has the curvature of a
   product: each input's cotangent gains yb times the other's tangent.  docs/math.md,
   3.5. */
#include "ops/loops.h"
#include "ops/op.h"

static int width(const hesse_dims *d, int i)
{
    (void)i;
    return d->c;
}

static size_t primal_count(const hesse_frame *f)
{
    return (size_t)f->d.n * (size_t)f->d.c;
}

/* Return the numbers in an array of tangents, with the padding between tokens: loops go
   over it, too, which does no harm. */
static size_t tangent_count(const hesse_frame *f)
{
    return (size_t)f->d.n * hesse_stride(f->d.c, f->k);
}

HESSE_SIMD static void sum_forward(const hesse_frame *f)
{
    scale(primal_count(f), 1, f->x[0], f->y);
    add(primal_count(f), 1, f->x[1], f->y);
}

HESSE_SIMD static void sum_tangent(const hesse_frame *f)
{
    const size_t m = tangent_count(f);
    const double *a = f->dx[0] ? f->dx[0] : f->dx[1];
    const double *b = f->dx[0] ? f->dx[1] : NULL;
    if (!f->dy) return;
    if (a && b)
        for (size_t i = 0; i < m; i++) f->dy[i] = a[i] + b[i];
    else if (a)
        memcpy(f->dy, a, m * sizeof *a);
    else
        zero(m, f->dy);
}

HESSE_SIMD static void sum_adjoint(const hesse_frame *f)
{
    const size_t m = tangent_count(f);
    for (int i = 0; i < 2 && f->cy; i++) {
        if (f->cx[i] && f->fresh[i]) memcpy(f->cx[i], f->cy, m * sizeof *f->cy);
        if (f->cx[i] && !f->fresh[i]) add(m, 1, f->cy, f->cx[i]);
    }
}

static void sum_curvature(const hesse_frame *f)
{
    (void)f;
}

HESSE_SIMD static void product_forward(const hesse_frame *f)
{
    for (size_t i = 0; i < primal_count(f); i++) f->y[i] = f->x[0][i] * f->x[1][i];
}

/* y += a x, with one primal factor for every element of the k tangents x. */
HESSE_INLINE void add_products(const hesse_frame *f, const double *a, const double *x,
                               double *y)
{
    const size_t c = (size_t)f->d.c, k = (size_t)f->k,
                 stride = hesse_stride(f->d.c, f->k);
    if (!x || !y) return;
    for (size_t i = 0; i < (size_t)f->d.n; i++)
        for (size_t j = 0; j < c; j++)
            add(k, a[i * c + j], x + i * stride + j * k, y + i * stride + j * k);
}

HESSE_SIMD static void product_tangent(const hesse_frame *f)
{
    if (!f->dy) return;
    zero(tangent_count(f), f->dy);
    add_products(f, f->x[1], f->dx[0], f->dy);
    add_products(f, f->x[0], f->dx[1], f->dy);
}

HESSE_SIMD static void product_adjoint(const hesse_frame *f)
{
    add_products(f, f->x[1], f->cy, f->cx[0]);
    add_products(f, f->x[0], f->cy, f->cx[1]);
}

HESSE_SIMD static void product_curvature(const hesse_frame *f)
{
    add_products(f, f->yb, f->dx[1], f->cx[0]);
    add_products(f, f->yb, f->dx[0], f->cx[1]);
}

const hesse_op hesse_op_sum = {
    .name = "sum",
    .kind = HESSE_SUM,
    .activations = 2,
    .sets = true,
    .width = width,
    .forward = sum_forward,
    .tangent = sum_tangent,
    .adjoint = sum_adjoint,
    .curvature = sum_curvature,
};

const hesse_op hesse_op_product = {
    .name = "product",
    .kind = HESSE_PRODUCT,
    .activations = 2,
    .width = width,
    .forward = product_forward,
    .tangent = product_tangent,
    .adjoint = product_adjoint,
    .curvature = product_curvature,
};
