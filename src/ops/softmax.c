/* p = softmax of the scores of the tokens attended to, for every token and head.  With
   <z> = sum p z, and m = <yb>:
     dp = p (ds - <ds>)       cs += p (cy - <cy>)
     curvature: cs += dp (yb - m) - p sum dp yb
   docs/math.md, section 3.8. */
#include "ops/loops.h"
#include "ops/op.h"

#include <math.h>

enum { CHUNK = 64 }; /* tangents taken at once: their means fit the stack */

static int width(const hesse_dims *d, int i)
{
    (void)i;
    return d->h * d->t;
}

/* One head of one token: where the scores that count begin, and their number. */
typedef struct row {
    size_t primal, tangent; /* in arrays of either kind */
    int from, count;
} row;

HESSE_INLINE row row_of(const hesse_frame *f, bool fields, int i, int h)
{
    if (fields) {
        const int e = f->d.c / f->d.h;
        return (row){(size_t)i * (size_t)f->d.c + (size_t)(h * e),
                     (size_t)i * hesse_stride(f->d.c, f->k) + (size_t)(h * e * f->k), 0,
                     e};
    }
    const int t = f->d.t, all = f->d.h * t, from = hesse_visible_from(f, i);
    const size_t first = (size_t)h * (size_t)t + (size_t)from;
    return (row){(size_t)i * (size_t)all + first,
                 (size_t)i * hesse_stride(all, f->k) + first * (size_t)f->k, from,
                 hesse_visible_end(f, i) - from};
}

static void forward(const hesse_frame *f)
{
    for (int i = 0; i < f->d.n; i++)
        for (int h = 0; h < f->d.h; h++) {
            const row r = row_of(f, false, i, h);
            const double *x = f->x[0] + r.primal;
            double *y = f->y + r.primal, top = x[0], sum = 0;
            for (int j = 1; j < r.count; j++) top = fmax(top, x[j]);
            for (int j = -r.from; j < 0; j++) y[j] = 0;
            for (int j = 0; j < r.count; j++) sum += y[j] = exp(x[j] - top);
            for (int j = 0; j < r.count; j++) y[j] /= sum;
            for (int j = r.count; j < f->d.t - r.from; j++) y[j] = 0;
        }
}

/* y += p (z - sum p z) for `part` of the k tangents of a row. One tangent has its own
   loops, over tokens. */
HESSE_INLINE void project(int count, int k, int part, const double *p, const double *z,
                          double *y)
{
    if (k == 1) {
        const double one = dot((size_t)count, p, z);
        for (int j = 0; j < count; j++) y[j] += p[j] * (z[j] - one);
        return;
    }
    double mean[CHUNK] = {0};
    for (int j = 0; j < count; j++)
        for (int i = 0; i < part; i++) mean[i] += p[j] * z[j * k + i];
    for (int j = 0; j < count; j++)
        for (int i = 0; i < part; i++) y[j * k + i] += p[j] * (z[j * k + i] - mean[i]);
}

/* y += dp (yb - m) - p sum dp yb. */
HESSE_INLINE void bend(int count, int k, int part, const double *p, const double *yb,
                       const double *dp, double *y)
{
    if (k == 1) {
        const double all = dot((size_t)count, p, yb), one = dot((size_t)count, yb, dp);
        for (int j = 0; j < count; j++) y[j] += (yb[j] - all) * dp[j] - p[j] * one;
        return;
    }
    double mean[CHUNK] = {0}, m = 0;
    for (int j = 0; j < count; j++) {
        m += p[j] * yb[j];
        for (int i = 0; i < part; i++) mean[i] += yb[j] * dp[j * k + i];
    }
    for (int j = 0; j < count; j++)
        for (int i = 0; i < part; i++)
            y[j * k + i] += (yb[j] - m) * dp[j * k + i] - p[j] * mean[i];
}

/* Apply project, or bend if there is yb, to every token, head and chunk of tangents. */
HESSE_INLINE void through(const hesse_frame *f, bool fields, const double *p,
                          const double *yb, const double *z, double *y)
{
    for (int i = 0; i < f->d.n; i++)
        for (int h = 0; h < f->d.h; h++) {
            const row r = row_of(f, fields, i, h);
            for (int at = 0; at < f->k; at += CHUNK) {
                const int part = f->k - at < CHUNK ? f->k - at : CHUNK;
                const double *from = z + r.tangent + at;
                double *to = y + r.tangent + at;
                if (yb)
                    bend(r.count, f->k, part, p + r.primal, yb + r.primal, from, to);
                else
                    project(r.count, f->k, part, p + r.primal, from, to);
            }
        }
}

HESSE_SIMD static void tangent(const hesse_frame *f)
{
    if (!f->dy) return;
    zero((size_t)f->d.n * hesse_stride(f->d.h * f->d.t, f->k), f->dy);
    if (f->dx[0]) through(f, false, f->y, NULL, f->dx[0], f->dy);
}

HESSE_SIMD static void adjoint(const hesse_frame *f)
{
    if (f->cx[0] && f->cy) through(f, false, f->y, NULL, f->cy, f->cx[0]);
}

HESSE_SIMD static void curvature(const hesse_frame *f)
{
    if (f->cx[0] && f->dx[0]) through(f, false, f->y, f->yb, f->dy, f->cx[0]);
}

/* softmax_fields: the same over each of h fields of channels. A number that is -inf, or
   almost, is hidden: its p is 0. */

static const double HIDDEN = -1e300;

static int fields_width(const hesse_dims *d, int i)
{
    (void)i;
    return d->c;
}

static void fields_forward(const hesse_frame *f)
{
    for (int i = 0; i < f->d.n; i++)
        for (int h = 0; h < f->d.h; h++) {
            const row r = row_of(f, true, i, h);
            const double *x = f->x[0] + r.primal;
            double *y = f->y + r.primal, top = x[0], sum = 0;
            for (int j = 1; j < r.count; j++) top = fmax(top, x[j]);
            for (int j = 0; j < r.count; j++)
                sum += y[j] = x[j] <= HIDDEN ? 0 : exp(x[j] - top);
            for (int j = 0; j < r.count; j++) y[j] /= sum;
        }
}

HESSE_SIMD static void fields_tangent(const hesse_frame *f)
{
    if (!f->dy) return;
    zero((size_t)f->d.n * hesse_stride(f->d.c, f->k), f->dy);
    if (f->dx[0]) through(f, true, f->y, NULL, f->dx[0], f->dy);
}

HESSE_SIMD static void fields_adjoint(const hesse_frame *f)
{
    if (f->cx[0] && f->cy) through(f, true, f->y, NULL, f->cy, f->cx[0]);
}

HESSE_SIMD static void fields_curvature(const hesse_frame *f)
{
    if (f->cx[0] && f->dx[0]) through(f, true, f->y, f->yb, f->dy, f->cx[0]);
}

const hesse_op hesse_op_softmax_fields = {
    .name = "softmax_fields",
    .kind = HESSE_SOFTMAX,
    .activations = 1,
    .width = fields_width,
    .forward = fields_forward,
    .tangent = fields_tangent,
    .adjoint = fields_adjoint,
    .curvature = fields_curvature,
};

const hesse_op hesse_op_softmax = {
    .name = "softmax",
    .kind = HESSE_SOFTMAX,
    .activations = 1,
    .sequences = true,
    .width = width,
    .forward = forward,
    .tangent = tangent,
    .adjoint = adjoint,
    .curvature = curvature,
};
