/* y = g xh + b, xh = r (x - m), for every channel.  In training m is the channel's mean
   and r one over its deviation, over all tokens of the batch. The formulas are those of
   norm.c, with <.> the mean over tokens in place of channels, so that g is constant in
   these means.  In evaluation m and r are given, and y is a product of g and a linear
   map. docs/math.md, section 3.15.  Source: Ioffe & Szegedy, arXiv:1502.03167. */
#include "ops/loops.h"
#include "ops/op.h"

#include <tgmath.h>

enum { X, G, B, STATISTICS };
enum { CHUNK = 64 }; /* tangents taken at once: their means fit the stack */

static int width(const hesse_dims *d, int i)
{
    (void)i;
    return d->c;
}

/* The statistics are a row of means and a row of variances. */
static hesse_rect shape(const hesse_dims *d, int i)
{
    return (hesse_rect){0, i == STATISTICS ? 2 : 1, 0, d->c};
}

/* It keeps n x c numbers xh, and after them r of every channel. */
static int keep(const hesse_dims *d)
{
    return 2 * d->c;
}

/* One channel. Its primal numbers are c apart, its tangents `stride`. */
typedef struct channel {
    int n, k, part; /* tokens; all tangents, tangents at hand */
    size_t c, stride;
    const real *xh, *yb;
    real g, r;
} channel;

HESSE_INLINE channel channel_of(const hesse_frame *f, size_t j, int part)
{
    const size_t c = (size_t)f->d.c;
    return (channel){.n = f->d.n,
                     .k = f->k,
                     .part = part,
                     .c = c,
                     .stride = hesse_stride(f->d.c, f->k),
                     .xh = f->keep + j,
                     .yb = f->yb + j,
                     .g = f->x[G][j],
                     .r = f->keep[(size_t)f->d.n * c + j]};
}

static void forward(const hesse_frame *f)
{
    const size_t n = (size_t)f->d.n, c = (size_t)f->d.c;
    for (size_t j = 0; j < c; j++) {
        real mean = 0, square = 0;
        for (size_t i = 0; i < n; i++) mean += f->x[X][i * c + j] / (real)f->d.n;
        for (size_t i = 0; i < n; i++) {
            const real d = f->x[X][i * c + j] - mean;
            square += d * d / (real)f->d.n;
        }
        const real r = 1 / sqrt(square + (real)f->d.a);
        f->keep[n * c + j] = r;
        for (size_t i = 0; i < n; i++) {
            const real xh = r * (f->x[X][i * c + j] - mean);
            f->keep[i * c + j] = xh;
            f->y[i * c + j] = f->x[G][j] * xh + f->x[B][j];
        }
    }
}

/* Compute the means over the tokens of z and of a z. */
HESSE_INLINE void means(const channel *x, const real *a, const real *z,
                        real *restrict mz, real *restrict maz)
{
    for (int l = 0; l < x->part; l++) mz[l] = maz[l] = 0;
    for (size_t i = 0; i < (size_t)x->n; i++) {
        const real *restrict zi = z + i * x->stride;
        const real one = 1 / (real)x->n, two = a[i * x->c] / (real)x->n;
        for (int l = 0; l < x->part; l++) {
            mz[l] += one * zi[l];
            maz[l] += two * zi[l];
        }
    }
}

/* y += g r (z - <z> - xh <xh z>): this is the tangent of y along z, and the adjoint of
   x at z. */
HESSE_INLINE void project(const channel *x, const real *z, real *y)
{
    real m[CHUNK], s[CHUNK];
    means(x, x->xh, z, m, s);
    for (size_t i = 0; i < (size_t)x->n; i++) {
        const real *restrict zi = z + i * x->stride;
        real *restrict yi = y + i * x->stride;
        const real r = x->g * x->r, h = x->xh[i * x->c];
        for (int l = 0; l < x->part; l++) yi[l] += r * (zi[l] - m[l] - h * s[l]);
    }
}

/* Apply project to every channel, CHUNK tangents at a time. */
HESSE_INLINE void project_all(const hesse_frame *f, const real *z, real *y)
{
    for (size_t j = 0; j < (size_t)f->d.c; j++)
        for (int at = 0; at < f->k; at += CHUNK) {
            const channel x = channel_of(f, j, f->k - at < CHUNK ? f->k - at : CHUNK);
            const size_t from = j * (size_t)f->k + (size_t)at;
            project(&x, z + from, y + from);
        }
}

/* Add the effect of the tangents of g and b on y, given xh of every token and
   channel. */
HESSE_INLINE void affine_tangent(const hesse_frame *f, real xh, size_t j, real *dy)
{
    const size_t k = (size_t)f->k;
    if (f->dx[G]) add(k, xh, f->dx[G] + j * k, dy + j * k);
    if (f->dx[B]) add(k, 1, f->dx[B] + j * k, dy + j * k);
}

/* Return channel j in the wanted part of a vector; NULL if it is not wanted. */
HESSE_INLINE real *wanted(const hesse_frame *f, int input, size_t j)
{
    const hesse_rect part = f->want[input];
    const int at = (int)j - part.col;
    if (!f->cx[input] || at < 0 || at >= part.cols) return NULL;
    return f->cx[input] + (size_t)at * (size_t)f->k;
}

HESSE_INLINE void affine_adjoint(const hesse_frame *f, real xh, size_t j,
                                 const real *cy)
{
    const size_t k = (size_t)f->k;
    real *cg = wanted(f, G, j), *cb = wanted(f, B, j);
    if (cg) add(k, xh, cy + j * k, cg);
    if (cb) add(k, 1, cy + j * k, cb);
}

HESSE_SIMD static void tangent(const hesse_frame *f)
{
    const size_t n = (size_t)f->d.n, c = (size_t)f->d.c,
                 stride = hesse_stride(f->d.c, f->k);
    if (!f->dy) return;
    zero(n * stride, f->dy);
    if (f->dx[X]) project_all(f, f->dx[X], f->dy);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < c; j++)
            affine_tangent(f, f->keep[i * c + j], j, f->dy + i * stride);
}

HESSE_SIMD static void adjoint(const hesse_frame *f)
{
    const size_t n = (size_t)f->d.n, c = (size_t)f->d.c,
                 stride = hesse_stride(f->d.c, f->k);
    if (!f->cy) return;
    if (f->cx[X]) project_all(f, f->cy, f->cx[X]);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < c; j++)
            affine_adjoint(f, f->keep[i * c + j], j, f->cy + i * stride);
}

/* Add -r s xb - r (dxh m2 + xh <dxh gb>) to cx, and yb dxh to cg; either may be
   NULL. */
HESSE_INLINE void bend(const channel *x, const real *dx, real *cx, real *cg)
{
    real m[CHUNK], s[CHUNK], e[CHUNK], mean = 0, m2 = 0;
    for (size_t i = 0; i < (size_t)x->n; i++) {
        mean += x->g * x->yb[i * x->c] / (real)x->n;
        m2 += x->xh[i * x->c] * x->g * x->yb[i * x->c] / (real)x->n;
    }
    means(x, x->yb, dx, m, e);
    means(x, x->xh, dx, m, s);
    for (int l = 0; l < x->part; l++)
        e[l] = x->r * (x->g * e[l] - m[l] * mean - s[l] * m2);
    for (size_t i = 0; i < (size_t)x->n; i++) {
        const real *restrict d = dx + i * x->stride;
        const real r = x->r, h = x->xh[i * x->c], yb = x->yb[i * x->c];
        const real xb = r * (x->g * yb - mean - h * m2);
        for (int l = 0; cx && l < x->part; l++) {
            const real dxh = r * (d[l] - m[l] - h * s[l]);
            cx[i * x->stride + (size_t)l] -= r * (s[l] * xb + dxh * m2 + h * e[l]);
        }
        for (int l = 0; cg && l < x->part; l++)
            cg[l] += yb * r * (d[l] - m[l] - h * s[l]);
    }
}

/* Add the adjoint of x at dg yb to cx. */
HESSE_INLINE void tilt(const channel *x, const real *dg, real *cx)
{
    real mean = 0, m2 = 0;
    for (size_t i = 0; i < (size_t)x->n; i++) {
        mean += x->yb[i * x->c] / (real)x->n;
        m2 += x->xh[i * x->c] * x->yb[i * x->c] / (real)x->n;
    }
    for (size_t i = 0; i < (size_t)x->n; i++) {
        const real p = x->r * (x->yb[i * x->c] - mean - x->xh[i * x->c] * m2);
        add((size_t)x->part, p, dg, cx + i * x->stride);
    }
}

HESSE_SIMD static void curvature(const hesse_frame *f)
{
    for (size_t j = 0; j < (size_t)f->d.c; j++)
        for (int at = 0; at < f->k; at += CHUNK) {
            const channel x = channel_of(f, j, f->k - at < CHUNK ? f->k - at : CHUNK);
            const size_t from = j * (size_t)f->k + (size_t)at;
            real *cx = f->cx[X] ? f->cx[X] + from : NULL, *cg = wanted(f, G, j);
            if (cg) cg += at;
            if (f->dx[X] && (cx || cg)) bend(&x, f->dx[X] + from, cx, cg);
            if (f->dx[G] && cx) tilt(&x, f->dx[G] + from, cx);
        }
}

/* Evaluation: r and xh follow from the given statistics. */

HESSE_INLINE real given_r(const hesse_frame *f, size_t j)
{
    return 1 / sqrt(f->x[STATISTICS][(size_t)f->d.c + j] + (real)f->d.a);
}

HESSE_INLINE real given_xh(const hesse_frame *f, real r, size_t i, size_t j)
{
    return r * (f->x[X][i * (size_t)f->d.c + j] - f->x[STATISTICS][j]);
}

static void given_forward(const hesse_frame *f)
{
    const size_t c = (size_t)f->d.c;
    for (size_t j = 0; j < c; j++) {
        const real r = given_r(f, j);
        for (size_t i = 0; i < (size_t)f->d.n; i++)
            f->y[i * c + j] = f->x[G][j] * given_xh(f, r, i, j) + f->x[B][j];
    }
}

HESSE_SIMD static void given_tangent(const hesse_frame *f)
{
    const size_t n = (size_t)f->d.n, c = (size_t)f->d.c, k = (size_t)f->k,
                 stride = hesse_stride(f->d.c, f->k);
    if (!f->dy) return;
    zero(n * stride, f->dy);
    for (size_t j = 0; j < c; j++) {
        const real r = given_r(f, j);
        for (size_t i = 0; i < n; i++) {
            real *dy = f->dy + i * stride;
            if (f->dx[X])
                add(k, r * f->x[G][j], f->dx[X] + i * stride + j * k, dy + j * k);
            affine_tangent(f, given_xh(f, r, i, j), j, dy);
        }
    }
}

HESSE_SIMD static void given_adjoint(const hesse_frame *f)
{
    const size_t n = (size_t)f->d.n, c = (size_t)f->d.c, k = (size_t)f->k,
                 stride = hesse_stride(f->d.c, f->k);
    for (size_t j = 0; f->cy && j < c; j++) {
        const real r = given_r(f, j);
        for (size_t i = 0; i < n; i++) {
            const real *cy = f->cy + i * stride;
            if (f->cx[X])
                add(k, r * f->x[G][j], cy + j * k, f->cx[X] + i * stride + j * k);
            affine_adjoint(f, given_xh(f, r, i, j), j, cy);
        }
    }
}

HESSE_SIMD static void given_curvature(const hesse_frame *f)
{
    const size_t c = (size_t)f->d.c, k = (size_t)f->k,
                 stride = hesse_stride(f->d.c, f->k);
    for (size_t j = 0; j < c; j++) {
        const real r = given_r(f, j);
        real *cg = wanted(f, G, j);
        for (size_t i = 0; i < (size_t)f->d.n; i++) {
            const real a = r * f->yb[i * c + j];
            const size_t at = i * stride + j * k;
            if (f->cx[X] && f->dx[G]) add(k, a, f->dx[G] + j * k, f->cx[X] + at);
            if (cg && f->dx[X]) add(k, a, f->dx[X] + at, cg);
        }
    }
}

const hesse_op hesse_op_batchnorm = {
    .name = "batchnorm",
    .kind = HESSE_BATCHNORM,
    .activations = 1,
    .parameters = 2,
    .sequences = true,
    .batch = true,
    .width = width,
    .shape = shape,
    .keep = keep,
    .forward = forward,
    .tangent = tangent,
    .adjoint = adjoint,
    .curvature = curvature,
};

const hesse_op hesse_op_batchnorm_given = {
    .name = "batchnorm_given",
    .kind = HESSE_BATCHNORM,
    .activations = 1,
    .parameters = 2,
    .constants = 1,
    .width = width,
    .shape = shape,
    .forward = given_forward,
    .tangent = given_tangent,
    .adjoint = given_adjoint,
    .curvature = given_curvature,
};
