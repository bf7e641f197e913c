/* y = f(x) by elements: forward keeps f' and f'', so the other functions only multiply
   and add. A function may have one constant, a. ReLU's second derivative is taken as 0
   everywhere, as the frameworks do. Source: Hendrycks & Gimpel, arXiv:1606.08415 (GELU
   and its tanh form); docs/math.md, section 3.4. */
#include "ops/loops.h"
#include "ops/op.h"

#include <tgmath.h>

/* A function at a point: its value, first and second derivative. */
typedef struct jet {
    real value, slope, bend;
} jet;

static jet gelu(real x, real a)
{
    (void)a;
    const real norm = (real)0.39894228040143267794; /* 1 / sqrt(2 pi) */
    const real phi = exp((real)-0.5 * x * x) * norm;
    const real mass = (real)0.5 * erfc(-x * (real)0.70710678118654752440);
    return (jet){x * mass, mass + x * phi, (2 - x * x) * phi};
}

/* x Phi(x) with (1 + tanh u) / 2 in place of the normal distribution function Phi. This
   is 1 / (1 + exp(-2 u)), which takes one exponential, and no difference of numbers
   that are almost equal. */
static const real TANH_ROOT = (real)0.79788456080286535588, TANH_CUBE = (real)0.044715;

HESSE_INLINE real inner(real x)
{
    return TANH_ROOT * (x + TANH_CUBE * x * x * x);
}

/* e = exp(-2 |u|). */
HESSE_INLINE jet gelu_tanh(real x, real e)
{
    const real u1 = TANH_ROOT * (1 + 3 * TANH_CUBE * x * x),
               u2 = 6 * TANH_ROOT * TANH_CUBE * x;
    const real high = 1 / (1 + e), low = e * high;
    const real s = x < 0 ? low : high, t = x < 0 ? low - high : high - low;
    const real q = 4 * low * high; /* 1 - t^2 */
    return (jet){x * s, s + (real)0.5 * x * q * u1,
                 q * u1 + (real)0.5 * x * q * (u2 - 2 * t * u1 * u1)};
}

static jet relu(real x, real a)
{
    (void)a;
    return x > 0 ? (jet){x, 1, 0} : (jet){0, 0, 0};
}

static jet silu(real x, real a)
{
    (void)a;
    const real s = 1 / (1 + exp(-x)), s1 = s * (1 - s);
    return (jet){x * s, s + x * s1, s1 * (2 + x * (1 - 2 * s))};
}

static jet hyperbolic(real x, real a)
{
    (void)a;
    const real t = tanh(x), q = 1 - t * t;
    return (jet){t, q, -2 * t * q};
}

/* Outside of the domain of a function, and where it has no derivative, all is NaN,
   which the program reports. */
static const jet nowhere = {NAN, NAN, NAN};

static jet exponential(real x, real a)
{
    (void)a;
    const real y = exp(x);
    return (jet){y, y, y};
}

static jet logarithm(real x, real a)
{
    (void)a;
    return x > 0 ? (jet){log(x), 1 / x, -1 / (x * x)} : nowhere;
}

static jet root(real x, real a)
{
    (void)a;
    const real y = sqrt(x);
    return x > 0 ? (jet){y, (real)0.5 / y, (real)-0.25 / (x * y)} : nowhere;
}

static jet inverse_root(real x, real a)
{
    (void)a;
    const real y = 1 / sqrt(x);
    return x > 0 ? (jet){y, (real)-0.5 * y / x, (real)0.75 * y / (x * x)} : nowhere;
}

static jet reciprocal(real x, real a)
{
    (void)a;
    const real y = 1 / x;
    return x != 0 ? (jet){y, -y * y, 2 * y * y * y} : nowhere;
}

/* e = exp(-|x|) makes no large number. */
static jet sigmoid(real x, real a)
{
    (void)a;
    const real e = exp(-fabs(x)), high = 1 / (1 + e), low = e * high;
    const real s1 = high * low;
    return (jet){x < 0 ? low : high, s1, s1 * (x < 0 ? high - low : low - high)};
}

static jet softplus(real x, real a)
{
    const jet s = sigmoid(x, a);
    return (jet){fmax(x, (real)0) + log1p(exp(-fabs(x))), s.value, s.slope};
}

static jet error_function(real x, real a)
{
    (void)a;
    const real slope = (real)1.12837916709551257390 * exp(-x * x); /* 2 / sqrt(pi) */
    return (jet){erf(x), slope, -2 * x * slope};
}

static jet sine(real x, real a)
{
    (void)a;
    const real s = sin(x);
    return (jet){s, cos(x), -s};
}

static jet cosine(real x, real a)
{
    (void)a;
    const real c = cos(x);
    return (jet){c, -sin(x), -c};
}

static jet absolute(real x, real a)
{
    (void)a;
    return (jet){fabs(x), (real)((x > 0) - (x < 0)), 0};
}

static jet square(real x, real a)
{
    (void)a;
    return (jet){x * x, 2 * x, 2};
}

/* A factor of 0 makes 0, even of an infinite power. */
static real times(real factor, real x, real exponent)
{
    return factor == 0 ? 0 : factor * pow(x, exponent);
}

static jet power(real x, real a)
{
    if (x < 0 && a != floor(a)) return nowhere;
    const jet y = {pow(x, a), times(a, x, a - 1), times(a * (a - 1), x, a - 2)};
    return isfinite(y.slope) && isfinite(y.bend) ? y : nowhere;
}

static jet leaky_relu(real x, real a)
{
    return x > 0 ? (jet){x, 1, 0} : (jet){a * x, a, 0};
}

static jet elu(real x, real a)
{
    const real e = exp(x);
    return x > 0 ? (jet){x, 1, 0} : (jet){a * expm1(x), a * e, a * e};
}

static jet hardswish(real x, real a)
{
    (void)a;
    return x <= -3  ? (jet){0, 0, 0}
           : x >= 3 ? (jet){x, 1, 0}
                    : (jet){x * (x + 3) / 6, (2 * x + 3) / 6, (real)1 / 3};
}

/* A condition as a number. Its derivatives are 0, which holds everywhere but at 0. */
static jet positive(real x, real a)
{
    (void)a;
    return isnan(x) ? nowhere : (jet){x > 0, 0, 0};
}

static jet arctangent(real x, real a)
{
    (void)a;
    const real slope = 1 / (1 + x * x);
    return (jet){atan(x), slope, -2 * x * slope * slope};
}

/* Steps, whose derivatives are 0 between them. */
static jet floor_of(real x, real a)
{
    (void)a;
    return isnan(x) ? nowhere : (jet){floor(x), 0, 0};
}

static jet round_of(real x, real a)
{
    (void)a;
    return isnan(x) ? nowhere : (jet){nearbyint(x), 0, 0};
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

static void forward(const hesse_frame *f, jet (*function)(real, real))
{
    const size_t c = (size_t)f->d.c;
    for (size_t i = 0; i < (size_t)f->d.n; i++)
        for (size_t j = 0; j < c; j++) {
            const jet y = function(f->x[0][i * c + j], (real)f->d.a);
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
    real e[CHUNK];
    for (size_t i = 0; i < (size_t)f->d.n; i++)
        for (size_t first = 0; first < c; first += CHUNK) {
            const size_t some = c - first < CHUNK ? c - first : CHUNK;
            const real *x = f->x[0] + i * c + first;
            real *y = f->y + i * c + first, *slope = f->keep + 2 * i * c + first,
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
            const real slope = f->keep[2 * i * c + j];
            const real *from = f->cy + i * stride + j * k;
            real *to = f->cx[0] + i * stride + j * k;
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

/* Define an operator by the name of its C variable, its kind, and its forward. */
#define OPERATOR(op, of, runs)                                                         \
    const hesse_op hesse_op_##op = {                                                   \
        .name = #op,                                                                   \
        .kind = of,                                                                    \
        .activations = 1,                                                              \
        .sets = true,                                                                  \
        .width = width,                                                                \
        .keep = keep,                                                                  \
        .forward = runs,                                                               \
        .tangent = tangent,                                                            \
        .adjoint = adjoint,                                                            \
        .curvature = curvature,                                                        \
    }

/* Define an operator, and its forward, by a function of one number. */
#define FUNCTION(op, function)                                                         \
    static void forward_##op(const hesse_frame *f)                                     \
    {                                                                                  \
        forward(f, function);                                                          \
    }                                                                                  \
    OPERATOR(op, HESSE_ELEMENTWISE, forward_##op)

OPERATOR(gelu, HESSE_GELU, forward_gelu);
OPERATOR(gelu_tanh, HESSE_GELU, forward_gelu_tanh);
OPERATOR(relu, HESSE_RELU, forward_relu);
OPERATOR(silu, HESSE_SILU, forward_silu);
OPERATOR(tanh, HESSE_TANH, forward_tanh);

FUNCTION(exp, exponential);
FUNCTION(log, logarithm);
FUNCTION(sqrt, root);
FUNCTION(rsqrt, inverse_root);
FUNCTION(reciprocal, reciprocal);
FUNCTION(sigmoid, sigmoid);
FUNCTION(softplus, softplus);
FUNCTION(erf, error_function);
FUNCTION(sin, sine);
FUNCTION(cos, cosine);
FUNCTION(abs, absolute);
FUNCTION(square, square);
FUNCTION(power, power);
FUNCTION(leaky_relu, leaky_relu);
FUNCTION(elu, elu);
FUNCTION(hardswish, hardswish);
FUNCTION(positive, positive);
FUNCTION(atan, arctangent);
FUNCTION(floor, floor_of);
FUNCTION(round, round_of);
