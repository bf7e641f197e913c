/* y = f(x) by elements: forward keeps f' and f'', so the other functions only multiply
   and add.  ReLU's second derivative is taken as 0 everywhere, as the frameworks do.
   Source: Hendrycks & Gimpel, arXiv:1606.08415 (GELU and its tanh form); docs/math.md,
   section 3.4. */
#include "ops/loops.h"
#include "ops/op.h"

#include <math.h>

/* A function at a point: its value, first and second derivative. */
typedef struct jet {
    double value, slope, bend;
} jet;

static jet gelu(double x)
{
    const double phi = exp(-0.5 * x * x) * 0.39894228040143267794; /* 1 / sqrt(2 pi) */
    const double mass = 0.5 * erfc(-x * 0.70710678118654752440);
    return (jet){x * mass, mass + x * phi, (2 - x * x) * phi};
}

/* x Phi(x) with (1 + tanh u) / 2 in place of the normal distribution function Phi. This
   is 1 / (1 + exp(-2 u)), which takes one exponential, and no difference of numbers
   that are almost equal. */
static const double TANH_ROOT = 0.79788456080286535588, TANH_CUBE = 0.044715;

HESSE_INLINE double inner(double x)
{
    return TANH_ROOT * (x + TANH_CUBE * x * x * x);
}

/* e = exp(-2 |u|). */
HESSE_INLINE jet gelu_tanh(double x, double e)
{
    const double u1 = TANH_ROOT * (1 + 3 * TANH_CUBE * x * x),
                 u2 = 6 * TANH_ROOT * TANH_CUBE * x;
    const double high = 1 / (1 + e), low = e * high;
    const double s = x < 0 ? low : high, t = x < 0 ? low - high : high - low;
    const double q = 4 * low * high; /* 1 - t^2 */
    return (jet){x * s, s + 0.5 * x * q * u1,
                 q * u1 + 0.5 * x * q * (u2 - 2 * t * u1 * u1)};
}

static jet relu(double x)
{
    return x > 0 ? (jet){x, 1, 0} : (jet){0, 0, 0};
}

static jet silu(double x)
{
    const double s = 1 / (1 + exp(-x)), s1 = s * (1 - s);
    return (jet){x * s, s + x * s1, s1 * (2 + x * (1 - 2 * s))};
}

static jet hyperbolic(double x)
{
    const double t = tanh(x), q = 1 - t * t;
    return (jet){t, q, -2 * t * q};
}

static int width(const hesse_dims *d, int i)
{
    (void)i;
    return d->c;
}

static int keep(const hesse_dims *d)
{
    return 2 * d->c;
}

static void forward(const hesse_frame *f, jet (*function)(double))
{
    const size_t c = (size_t)f->d.c;
    for (size_t i = 0; i < (size_t)f->d.n; i++)
        for (size_t j = 0; j < c; j++) {
            const jet y = function(f->x[0][i * c + j]);
            f->y[i * c + j] = y.value;
            f->keep[2 * i * c + j] = y.slope;
            f->keep[(2 * i + 1) * c + j] = y.bend;
        }
}

static void forward_gelu(const hesse_frame *f)
{
    forward(f, gelu);
}

enum { CHUNK = 256 }; /* elements whose exponentials are computed together */

/* All but the exponentials is done on vectors. */
HESSE_SIMD static void forward_gelu_tanh(const hesse_frame *f)
{
    const size_t c = (size_t)f->d.c;
    double e[CHUNK];
    for (size_t i = 0; i < (size_t)f->d.n; i++)
        for (size_t first = 0; first < c; first += CHUNK) {
            const size_t some = c - first < CHUNK ? c - first : CHUNK;
            const double *x = f->x[0] + i * c + first;
            double *y = f->y + i * c + first, *slope = f->keep + 2 * i * c + first,
                   *bend = slope + c;
            for (size_t j = 0; j < some; j++) e[j] = -2 * fabs(inner(x[j]));
            for (size_t j = 0; j < some; j++) e[j] = exp(e[j]);
            for (size_t j = 0; j < some; j++) {
                const jet at = gelu_tanh(x[j], e[j]);
                y[j] = at.value, slope[j] = at.slope, bend[j] = at.bend;
            }
        }
}

static void forward_relu(const hesse_frame *f)
{
    forward(f, relu);
}

static void forward_silu(const hesse_frame *f)
{
    forward(f, silu);
}

static void forward_tanh(const hesse_frame *f)
{
    forward(f, hyperbolic);
}

HESSE_INLINE void tangent_of(const hesse_frame *f, size_t k)
{
    const size_t c = (size_t)f->d.c, stride = hesse_stride(f->d.c, (int)k);
    if (!f->dy) return;
    if (!f->dx[0]) {
        zero((size_t)f->d.n * stride, f->dy);
        return;
    }
    for (size_t i = 0; i < (size_t)f->d.n; i++)
        for (size_t j = 0; j < c; j++)
            scale(k, f->keep[2 * i * c + j], f->dx[0] + i * stride + j * k,
                  f->dy + i * stride + j * k);
}

HESSE_INLINE void adjoint_of(const hesse_frame *f, size_t k)
{
    const size_t c = (size_t)f->d.c, stride = hesse_stride(f->d.c, (int)k);
    if (!f->cx[0] || !f->cy) return;
    for (size_t i = 0; i < (size_t)f->d.n; i++)
        for (size_t j = 0; j < c; j++) {
            const double slope = f->keep[2 * i * c + j];
            const double *from = f->cy + i * stride + j * k;
            double *to = f->cx[0] + i * stride + j * k;
            if (f->fresh[0])
                scale(k, slope, from, to);
            else
                add(k, slope, from, to);
        }
}

HESSE_INLINE void curvature_of(const hesse_frame *f, size_t k)
{
    const size_t c = (size_t)f->d.c, stride = hesse_stride(f->d.c, (int)k);
    if (!f->cx[0] || !f->dx[0]) return;
    for (size_t i = 0; i < (size_t)f->d.n; i++)
        for (size_t j = 0; j < c; j++)
            add(k, f->keep[(2 * i + 1) * c + j] * f->yb[i * c + j],
                f->dx[0] + i * stride + j * k, f->cx[0] + i * stride + j * k);
}

/* One tangent has its own loops, over channels. */
HESSE_SIMD static void tangent(const hesse_frame *f)
{
    if (f->k == 1)
        tangent_of(f, 1);
    else
        tangent_of(f, (size_t)f->k);
}

HESSE_SIMD static void adjoint(const hesse_frame *f)
{
    if (f->k == 1)
        adjoint_of(f, 1);
    else
        adjoint_of(f, (size_t)f->k);
}

HESSE_SIMD static void curvature(const hesse_frame *f)
{
    if (f->k == 1)
        curvature_of(f, 1);
    else
        curvature_of(f, (size_t)f->k);
}

const hesse_op hesse_op_gelu = {
    .name = "gelu",
    .kind = HESSE_GELU,
    .activations = 1,
    .sets = true,
    .width = width,
    .keep = keep,
    .forward = forward_gelu,
    .tangent = tangent,
    .adjoint = adjoint,
    .curvature = curvature,
};

const hesse_op hesse_op_gelu_tanh = {
    .name = "gelu_tanh",
    .kind = HESSE_GELU,
    .activations = 1,
    .sets = true,
    .width = width,
    .keep = keep,
    .forward = forward_gelu_tanh,
    .tangent = tangent,
    .adjoint = adjoint,
    .curvature = curvature,
};

const hesse_op hesse_op_relu = {
    .name = "relu",
    .kind = HESSE_RELU,
    .activations = 1,
    .sets = true,
    .width = width,
    .keep = keep,
    .forward = forward_relu,
    .tangent = tangent,
    .adjoint = adjoint,
    .curvature = curvature,
};

const hesse_op hesse_op_silu = {
    .name = "silu",
    .kind = HESSE_SILU,
    .activations = 1,
    .sets = true,
    .width = width,
    .keep = keep,
    .forward = forward_silu,
    .tangent = tangent,
    .adjoint = adjoint,
    .curvature = curvature,
};

const hesse_op hesse_op_tanh = {
    .name = "tanh",
    .kind = HESSE_TANH,
    .activations = 1,
    .sets = true,
    .width = width,
    .keep = keep,
    .forward = forward_tanh,
    .tangent = tangent,
    .adjoint = adjoint,
    .curvature = curvature,
};
