/* The losses are sums over tokens with the weight a and, if there are any, a factor
   of each token.

   Cross-entropy of one token, e the unit vector of its target and p = softmax(x):
      J = a (p - e)'          (dJ . dx)' yb = a yb (diag p - p p') dx
   which is positive semi-definite.  If p is almost e, or almost another unit vector,
   the result must not depend on a difference between numbers near 1. So p_t - 1 = - sum
   of the others, and
      loss = log(1 + sum_j exp(x_j - x_m)) + x_m - x_t
   with the target t, the largest element m, and j other than m. dx_m is subtracted from
   dx, which does not change (diag p - p p') dx.

   Squared error:
      J = 2 a (x - y)', -2 a (x - y)'     (dJ . dx)' yb = 2 a yb (dx - dy), and minus

   Binary cross-entropy of logits x with targets y, s = 1 / (1 + exp(-x)):
      loss = log(1 + exp(x)) - y x        J = a (s - y)', -a x'
      (dJ . dx)' yb = a yb (s (1 - s) dx - dy), -a yb dx

   Mean loss: the sum of its numbers, J = a, which has no curvature.

   A token with an id below 0 is ignored; squared error may have no ids. docs/math.md,
   section 3.10. */
#include "ops/loops.h"
#include "ops/op.h"

#include <tgmath.h>

enum { CHUNK = 64 }; /* tangents taken at once: their means fit the stack */

static int width(const hesse_dims *d, int i)
{
    (void)i;
    return d->c;
}

/* It keeps p, then p_t - 1, and m. An ignored token contributes nothing: p and the unit
   vector are taken as zero. */
static int keep(const hesse_dims *d)
{
    return d->c + 2;
}

static const real *kept(const hesse_frame *f, size_t token)
{
    return f->keep + token * (size_t)keep(&f->d);
}

/* factor is the factor of a token's term; weight is the factor times a. */
HESSE_INLINE real factor(const hesse_frame *f, size_t token)
{
    return f->weight ? f->weight[token] : 1;
}

HESSE_INLINE real weight(const hesse_frame *f, size_t token)
{
    return (real)f->d.a * factor(f, token);
}

/* Return p - e at class j of a token. */
HESSE_INLINE real error(const hesse_frame *f, size_t token, size_t j)
{
    const real *p = kept(f, token);
    return f->id[token] == (int)j ? p[f->d.c] : p[j];
}

static void cross_entropy_forward(const hesse_frame *f)
{
    const int c = f->d.c;
    double loss = 0;
    for (int i = 0; i < f->d.n; i++) {
        const real *x = f->x[0] + (size_t)i * (size_t)c;
        real *p = f->keep + (size_t)i * (size_t)keep(&f->d), sum = 0;
        int m = 0;
        for (int j = 1; j < c; j++)
            if (x[j] > x[m]) m = j;
        for (int j = 0; j < c; j++) p[j] = exp(x[j] - x[m]);
        for (int j = 0; j < c; j++) sum += j == m ? 0 : p[j];
        for (int j = 0; j < c; j++) p[j] = f->id[i] < 0 ? 0 : p[j] / (1 + sum);
        p[c] = 0, p[c + 1] = (real)m;
        for (int j = 0; j < c; j++) p[c] -= j == f->id[i] ? 0 : p[j];
        if (f->id[i] >= 0)
            loss += (double)factor(f, (size_t)i) *
                    (double)(log1p(sum) + (x[m] - x[f->id[i]]));
    }
    *f->y = (real)(f->d.a * loss);
}

HESSE_SIMD static void cross_entropy_tangent(const hesse_frame *f)
{
    const size_t c = (size_t)f->d.c, k = (size_t)f->k;
    if (!f->dy) return;
    zero(k, f->dy);
    for (size_t i = 0; f->dx[0] && i < (size_t)f->d.n; i++) {
        const real *dx = f->dx[0] + i * hesse_stride(f->d.c, f->k);
        for (size_t j = 0; j < c; j++)
            add(k, weight(f, i) * error(f, i, j), dx + j * k, f->dy);
    }
}

HESSE_SIMD static void cross_entropy_adjoint(const hesse_frame *f)
{
    const size_t c = (size_t)f->d.c, k = (size_t)f->k;
    for (size_t i = 0; f->cx[0] && f->cy && i < (size_t)f->d.n; i++) {
        real *cx = f->cx[0] + i * hesse_stride(f->d.c, f->k);
        for (size_t j = 0; j < c; j++)
            add(k, weight(f, i) * error(f, i, j), f->cy, cx + j * k);
    }
}

/* cx += w p (dx - sum p dx), or = the same, for `part` of the k tangents of a token.
   The dx of class m is subtracted from every dx. */
HESSE_INLINE void spread(bool fresh, int c, int k, int part, real w, const real *p,
                         const real *dx, real *cx)
{
    real mean[CHUNK] = {0};
    const real *from = dx + (int)p[c + 1] * k;
    for (int j = 0; j < c; j++)
        for (int i = 0; i < part; i++) mean[i] += p[j] * (dx[j * k + i] - from[i]);
    for (int j = 0; j < c; j++)
        for (int i = 0; i < part; i++)
            cx[j * k + i] = (fresh ? 0 : cx[j * k + i]) +
                            w * p[j] * (dx[j * k + i] - from[i] - mean[i]);
}

HESSE_INLINE void spread_all(bool fresh, const hesse_frame *f)
{
    const int c = f->d.c, k = f->k;
    for (int i = 0; i < f->d.n; i++)
        for (int at = 0; at < k; at += CHUNK) {
            const size_t token = (size_t)i * hesse_stride(c, k) + (size_t)at;
            spread(fresh, c, k, k - at < CHUNK ? k - at : CHUNK,
                   weight(f, (size_t)i) * *f->yb, kept(f, (size_t)i), f->dx[0] + token,
                   f->cx[0] + token);
        }
}

HESSE_SIMD static void cross_entropy_curvature(const hesse_frame *f)
{
    if (!f->cx[0]) return;
    if (!f->dx[0] && f->fresh[0])
        zero((size_t)f->d.n * hesse_stride(f->d.c, f->k), f->cx[0]);
    if (!f->dx[0]) return;
    if (f->fresh[0])
        spread_all(true, f);
    else
        spread_all(false, f);
}

/* True if a token is not ignored. */
HESSE_INLINE bool counts(const hesse_frame *f, size_t i)
{
    return !f->id || f->id[i] >= 0;
}

static void squared_error_forward(const hesse_frame *f)
{
    const size_t c = (size_t)f->d.c;
    double loss = 0;
    for (size_t i = 0; i < (size_t)f->d.n; i++)
        for (size_t j = 0; counts(f, i) && j < c; j++) {
            const real e = f->x[0][i * c + j] - f->x[1][i * c + j];
            loss += (double)(factor(f, i) * e * e);
        }
    *f->y = (real)(f->d.a * loss);
}

/* Return 2 a (x_0 - x_1) at channel j of token i. */
HESSE_INLINE real slope(const hesse_frame *f, size_t i, size_t j)
{
    const size_t at = i * (size_t)f->d.c + j;
    return 2 * weight(f, i) * (f->x[0][at] - f->x[1][at]);
}

HESSE_SIMD static void squared_error_tangent(const hesse_frame *f)
{
    const size_t k = (size_t)f->k, stride = hesse_stride(f->d.c, f->k);
    if (!f->dy) return;
    zero(k, f->dy);
    for (size_t i = 0; i < (size_t)f->d.n; i++)
        for (size_t j = 0; counts(f, i) && j < (size_t)f->d.c; j++)
            for (int in = 0; in < 2; in++)
                if (f->dx[in])
                    add(k, in ? -slope(f, i, j) : slope(f, i, j),
                        f->dx[in] + i * stride + j * k, f->dy);
}

HESSE_SIMD static void squared_error_adjoint(const hesse_frame *f)
{
    const size_t k = (size_t)f->k, stride = hesse_stride(f->d.c, f->k);
    if (!f->cy) return;
    for (size_t i = 0; i < (size_t)f->d.n; i++)
        for (size_t j = 0; counts(f, i) && j < (size_t)f->d.c; j++)
            for (int in = 0; in < 2; in++)
                if (f->cx[in])
                    add(k, in ? -slope(f, i, j) : slope(f, i, j), f->cy,
                        f->cx[in] + i * stride + j * k);
}

HESSE_SIMD static void squared_error_curvature(const hesse_frame *f)
{
    const size_t token = hesse_stride(f->d.c, f->k);
    for (size_t i = 0; i < (size_t)f->d.n; i++)
        for (int to = 0; counts(f, i) && to < 2; to++)
            for (int from = 0; from < 2; from++)
                if (f->cx[to] && f->dx[from])
                    add(token, (to == from ? 2 : -2) * weight(f, i) * *f->yb,
                        f->dx[from] + i * token, f->cx[to] + i * token);
}

/* Return s, without a large intermediate number. */
HESSE_INLINE real logistic(real x)
{
    const real e = exp(-fabs(x));
    return (x < 0 ? e : 1) / (1 + e);
}

static void binary_forward(const hesse_frame *f)
{
    const size_t c = (size_t)f->d.c;
    double loss = 0;
    for (size_t i = 0; i < (size_t)f->d.n; i++)
        for (size_t j = i * c; j < (i + 1) * c; j++) {
            const real x = f->x[0][j];
            loss += (double)factor(f, i) *
                    (double)(fmax(x, (real)0) + log1p(exp(-fabs(x))) - f->x[1][j] * x);
        }
    *f->y = (real)(f->d.a * loss);
}

/* Return the derivative of a token's term in input `in` at element `at` of it. */
HESSE_INLINE real binary_slope(const hesse_frame *f, size_t i, size_t at, int in)
{
    const real x = f->x[0][at];
    return weight(f, i) * (in ? -x : logistic(x) - f->x[1][at]);
}

HESSE_SIMD static void binary_tangent(const hesse_frame *f)
{
    const size_t c = (size_t)f->d.c, k = (size_t)f->k;
    const size_t stride = hesse_stride(f->d.c, f->k);
    if (!f->dy) return;
    zero(k, f->dy);
    for (size_t i = 0; i < (size_t)f->d.n; i++)
        for (size_t j = 0; j < c; j++)
            for (int in = 0; in < 2; in++)
                if (f->dx[in])
                    add(k, binary_slope(f, i, i * c + j, in),
                        f->dx[in] + i * stride + j * k, f->dy);
}

HESSE_SIMD static void binary_adjoint(const hesse_frame *f)
{
    const size_t c = (size_t)f->d.c, k = (size_t)f->k;
    const size_t stride = hesse_stride(f->d.c, f->k);
    if (!f->cy) return;
    for (size_t i = 0; i < (size_t)f->d.n; i++)
        for (size_t j = 0; j < c; j++)
            for (int in = 0; in < 2; in++)
                if (f->cx[in])
                    add(k, binary_slope(f, i, i * c + j, in), f->cy,
                        f->cx[in] + i * stride + j * k);
}

HESSE_SIMD static void binary_curvature(const hesse_frame *f)
{
    const size_t c = (size_t)f->d.c, k = (size_t)f->k;
    const size_t stride = hesse_stride(f->d.c, f->k);
    for (size_t i = 0; i < (size_t)f->d.n; i++)
        for (size_t j = 0; j < c; j++) {
            const real s = logistic(f->x[0][i * c + j]);
            const real w = weight(f, i) * *f->yb;
            const size_t at = i * stride + j * k;
            if (f->cx[0] && f->dx[0])
                add(k, w * s * (1 - s), f->dx[0] + at, f->cx[0] + at);
            if (f->cx[0] && f->dx[1]) add(k, -w, f->dx[1] + at, f->cx[0] + at);
            if (f->cx[1] && f->dx[0]) add(k, -w, f->dx[0] + at, f->cx[1] + at);
        }
}

/* mean_loss: numbers that are losses already. It is linear. */

static void mean_forward(const hesse_frame *f)
{
    const size_t c = (size_t)f->d.c;
    double loss = 0;
    for (size_t i = 0; i < (size_t)f->d.n; i++)
        for (size_t j = 0; j < c; j++)
            loss += (double)factor(f, i) * (double)f->x[0][i * c + j];
    *f->y = (real)(f->d.a * loss);
}

HESSE_SIMD static void mean_tangent(const hesse_frame *f)
{
    const size_t k = (size_t)f->k, stride = hesse_stride(f->d.c, f->k);
    if (!f->dy) return;
    zero(k, f->dy);
    for (size_t i = 0; f->dx[0] && i < (size_t)f->d.n; i++)
        for (size_t j = 0; j < (size_t)f->d.c; j++)
            add(k, weight(f, i), f->dx[0] + i * stride + j * k, f->dy);
}

HESSE_SIMD static void mean_adjoint(const hesse_frame *f)
{
    const size_t k = (size_t)f->k, stride = hesse_stride(f->d.c, f->k);
    for (size_t i = 0; f->cx[0] && f->cy && i < (size_t)f->d.n; i++)
        for (size_t j = 0; j < (size_t)f->d.c; j++)
            add(k, weight(f, i), f->cy, f->cx[0] + i * stride + j * k);
}

static void mean_curvature(const hesse_frame *f)
{
    (void)f;
}

const hesse_op hesse_op_mean_loss = {
    .name = "mean_loss",
    .kind = HESSE_MEAN_LOSS,
    .activations = 1,
    .loss = true,
    .width = width,
    .forward = mean_forward,
    .tangent = mean_tangent,
    .adjoint = mean_adjoint,
    .curvature = mean_curvature,
};

const hesse_op hesse_op_cross_entropy = {
    .name = "cross_entropy",
    .kind = HESSE_CROSS_ENTROPY,
    .activations = 1,
    .loss = true,
    .width = width,
    .bends = true,
    .keep = keep,
    .forward = cross_entropy_forward,
    .tangent = cross_entropy_tangent,
    .adjoint = cross_entropy_adjoint,
    .curvature = cross_entropy_curvature,
};

const hesse_op hesse_op_squared_error = {
    .name = "squared_error",
    .kind = HESSE_SQUARED_ERROR,
    .activations = 2,
    .loss = true,
    .width = width,
    .forward = squared_error_forward,
    .tangent = squared_error_tangent,
    .adjoint = squared_error_adjoint,
    .curvature = squared_error_curvature,
};

const hesse_op hesse_op_binary_cross_entropy = {
    .name = "binary_cross_entropy",
    .kind = HESSE_BINARY_CROSS_ENTROPY,
    .activations = 2,
    .loss = true,
    .width = width,
    .forward = binary_forward,
    .tangent = binary_tangent,
    .adjoint = binary_adjoint,
    .curvature = binary_curvature,
};
