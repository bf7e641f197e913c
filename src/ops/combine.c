/* The ways in which two activations become one. y = x_0 + x_1 (residual) has no
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
    const real *a = f->dx[0] ? f->dx[0] : f->dx[1];
    const real *b = f->dx[0] ? f->dx[1] : NULL;
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
        if (f->cx[i] == f->cy) continue; /* one array for both */
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
HESSE_INLINE void add_products(const hesse_frame *f, const real *a, const real *x,
                               real *y)
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

/* quotient: y = x_0 / x_1, with r = 1 / x_1.
     dy = r dx_0 - y r dx_1              c_0 += r cy, c_1 -= y r cy
     curvature: c_0 -= yb r^2 dx_1, c_1 += yb r^2 (2 y dx_1 - dx_0) */

static void quotient_forward(const hesse_frame *f)
{
    for (size_t i = 0; i < primal_count(f); i++) f->y[i] = f->x[0][i] / f->x[1][i];
}

HESSE_SIMD static void quotient_tangent(const hesse_frame *f)
{
    const size_t c = (size_t)f->d.c, k = (size_t)f->k,
                 stride = hesse_stride(f->d.c, f->k);
    if (!f->dy) return;
    zero(tangent_count(f), f->dy);
    for (size_t i = 0; i < primal_count(f); i++) {
        const size_t at = i / c * stride + i % c * k;
        const real r = 1 / f->x[1][i];
        if (f->dx[0]) add(k, r, f->dx[0] + at, f->dy + at);
        if (f->dx[1]) add(k, -f->y[i] * r, f->dx[1] + at, f->dy + at);
    }
}

HESSE_SIMD static void quotient_adjoint(const hesse_frame *f)
{
    const size_t c = (size_t)f->d.c, k = (size_t)f->k,
                 stride = hesse_stride(f->d.c, f->k);
    for (size_t i = 0; f->cy && i < primal_count(f); i++) {
        const size_t at = i / c * stride + i % c * k;
        const real r = 1 / f->x[1][i];
        if (f->cx[0]) add(k, r, f->cy + at, f->cx[0] + at);
        if (f->cx[1]) add(k, -f->y[i] * r, f->cy + at, f->cx[1] + at);
    }
}

HESSE_SIMD static void quotient_curvature(const hesse_frame *f)
{
    const size_t c = (size_t)f->d.c, k = (size_t)f->k,
                 stride = hesse_stride(f->d.c, f->k);
    for (size_t i = 0; i < primal_count(f); i++) {
        const size_t at = i / c * stride + i % c * k;
        const real r = 1 / f->x[1][i], w = f->yb[i] * r * r;
        if (f->cx[0] && f->dx[1]) add(k, -w, f->dx[1] + at, f->cx[0] + at);
        if (f->cx[1] && f->dx[0]) add(k, -w, f->dx[0] + at, f->cx[1] + at);
        if (f->cx[1] && f->dx[1]) add(k, 2 * w * f->y[i], f->dx[1] + at, f->cx[1] + at);
    }
}

/* maximum, minimum: one of two numbers; of equal ones the first counts. A NaN counts
   before numbers. */

static int keep_choice(const hesse_dims *d)
{
    return d->c;
}

static void choose(const hesse_frame *f, real sign)
{
    for (size_t i = 0; i < primal_count(f); i++) {
        const real a = f->x[0][i], b = f->x[1][i];
        const bool second = a == a && !(sign * a >= sign * b);
        f->keep[i] = second;
        f->y[i] = second ? b : a;
    }
}

static void maximum_forward(const hesse_frame *f)
{
    choose(f, 1);
}

static void minimum_forward(const hesse_frame *f)
{
    choose(f, -1);
}

HESSE_SIMD static void choice_tangent(const hesse_frame *f)
{
    const size_t c = (size_t)f->d.c, k = (size_t)f->k,
                 stride = hesse_stride(f->d.c, f->k);
    if (!f->dy) return;
    zero(tangent_count(f), f->dy);
    for (size_t i = 0; i < primal_count(f); i++) {
        const size_t at = i / c * stride + i % c * k;
        const real *dx = f->dx[f->keep[i] != 0];
        if (dx) memcpy(f->dy + at, dx + at, k * sizeof *dx);
    }
}

HESSE_SIMD static void choice_adjoint(const hesse_frame *f)
{
    const size_t c = (size_t)f->d.c, k = (size_t)f->k,
                 stride = hesse_stride(f->d.c, f->k);
    for (size_t i = 0; f->cy && i < primal_count(f); i++) {
        const size_t at = i / c * stride + i % c * k;
        real *cx = f->cx[f->keep[i] != 0];
        if (cx) add(k, 1, f->cy + at, cx + at);
    }
}

const hesse_op hesse_op_quotient = {
    .name = "quotient",
    .kind = HESSE_PRODUCT,
    .activations = 2,
    .width = width,
    .forward = quotient_forward,
    .tangent = quotient_tangent,
    .adjoint = quotient_adjoint,
    .curvature = quotient_curvature,
};

const hesse_op hesse_op_maximum = {
    .name = "maximum",
    .kind = HESSE_ELEMENTWISE,
    .activations = 2,
    .width = width,
    .keep = keep_choice,
    .forward = maximum_forward,
    .tangent = choice_tangent,
    .adjoint = choice_adjoint,
    .curvature = sum_curvature,
};

const hesse_op hesse_op_minimum = {
    .name = "minimum",
    .kind = HESSE_ELEMENTWISE,
    .activations = 2,
    .width = width,
    .keep = keep_choice,
    .forward = minimum_forward,
    .tangent = choice_tangent,
    .adjoint = choice_adjoint,
    .curvature = sum_curvature,
};

const hesse_op hesse_op_sum = {
    .name = "sum",
    .kind = HESSE_SUM,
    .activations = 2,
    .sets = true,
    .passes = true,
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
