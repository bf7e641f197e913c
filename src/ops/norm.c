/* y = g xh + b, xh = r (x - mean x) for LayerNorm and r x for RMSNorm, where r is one
   over the deviation or the root mean square.  With gb = g yb and <.> the mean over the
   channels of a token, both have

     dxh = r (dx - [<dx>] - xh s),       s  = <xh dx>,   dr = -r^2 s
     xb  = r (gb - [<gb>] - xh m2),      m2 = <xh gb>
     dxb = -r s xb - r (dxh m2 + xh <dxh gb>)  + the map of xb at dg yb

   with the terms in brackets for LayerNorm alone.  docs/math.md, section 3.3.  The
   number of tangents is an argument of what is inlined, so that one tangent has loops
   of its own, over channels. */
#include "ops/loops.h"
#include "ops/op.h"

#include <math.h>

enum { X, G, B };
enum { CHUNK = 64 }; /* tangents taken at once: their means fit the stack */

static int width(const hesse_dims *d, int i)
{
    (void)i;
    return d->c;
}

static hesse_rect shape(const hesse_dims *d, int i)
{
    (void)i;
    return (hesse_rect){0, 1, 0, d->c};
}

/* It keeps xh of every channel, then r. */
static int keep(const hesse_dims *d)
{
    return d->c + 1;
}

HESSE_INLINE void forward(const hesse_frame *f, bool centred)
{
    const int c = f->d.c;
    for (int i = 0; i < f->d.n; i++) {
        const double *x = f->x[X] + (size_t)i * (size_t)c;
        double *y = f->y + (size_t)i * (size_t)c;
        double *xh = f->keep + (size_t)i * (size_t)(c + 1), mean = 0, square = 0;
        for (int j = 0; centred && j < c; j++) mean += x[j] / c;
        for (int j = 0; j < c; j++) square += (x[j] - mean) * (x[j] - mean) / c;
        xh[c] = 1 / sqrt(square + f->d.a);
        for (int j = 0; j < c; j++) {
            xh[j] = xh[c] * (x[j] - mean);
            y[j] = f->x[G][j] * xh[j] + (f->x[B] ? f->x[B][j] : 0);
        }
    }
}

/* Compute the same as means, for one tangent. */
HESSE_INLINE void means_of_one(int c, const double *w, const double *a, const double *z,
                               double *mz, double *maz)
{
    double one[LANES] = {0}, two[LANES] = {0};
    int j = 0;
    for (; j + LANES <= c; j += LANES)
        for (int l = 0; l < LANES; l++) {
            const double x = (w ? w[j + l] : 1) * z[j + l];
            one[l] += x;
            two[l] += a[j + l] * x;
        }
    for (; j < c; j++) {
        one[0] += (w ? w[j] : 1) * z[j];
        two[0] += (w ? w[j] : 1) * a[j] * z[j];
    }
    *mz = *maz = 0;
    for (int l = 0; l < LANES; l++) *mz += one[l] / c, *maz += two[l] / c;
}

/* Compute, for one token, the means over the channels of z and of a z, for some of its
   tangents. z may have an extra factor w for every channel. */
HESSE_INLINE void means(int c, int k, int part, const double *w, const double *a,
                        const double *z, double *restrict mz, double *restrict maz)
{
    if (k == 1) {
        means_of_one(c, w, a, z, mz, maz);
        return;
    }
    for (int i = 0; i < part; i++) mz[i] = maz[i] = 0;
    for (int j = 0; j < c; j++) {
        const double *restrict zj = z + (size_t)j * (size_t)k;
        const double one = (w ? w[j] : 1) / c, two = one * a[j];
        for (int i = 0; i < part; i++) {
            mz[i] += one * zj[i];
            maz[i] += two * zj[i];
        }
    }
}

/* y += r (w z - [mean of w z] - xh mean of xh w z). This is the tangent of xh along z
   if w is NULL, and the adjoint of x at z if w is the gain. In the first case y may
   have a gain. */
HESSE_INLINE void project(int c, int k, int part, bool centred, const double *xh,
                          const double *w, const double *z, const double *gain,
                          double *y)
{
    double m[CHUNK], s[CHUNK];
    means(c, k, part, w, xh, z, m, s);
    for (int j = 0; j < c; j++) {
        const double *restrict zj = z + (size_t)j * (size_t)k;
        double *restrict yj = y + (size_t)j * (size_t)k;
        const double r = xh[c] * (gain ? gain[j] : 1), wj = w ? w[j] : 1, h = xh[j];
        for (int i = 0; i < part; i++)
            yj[i] += r * (wj * zj[i] - (centred ? m[i] : 0) - h * s[i]);
    }
}

/* Apply project to every token, CHUNK tangents at a time. */
HESSE_INLINE void project_all(const hesse_frame *f, bool centred, int k,
                              const double *w, const double *z, const double *gain,
                              double *y)
{
    const int c = f->d.c;
    for (int i = 0; i < f->d.n; i++)
        for (int at = 0; at < k; at += CHUNK)
            project(c, k, k - at < CHUNK ? k - at : CHUNK, centred,
                    f->keep + (size_t)i * (size_t)(c + 1), w,
                    z + (size_t)i * hesse_stride(c, k) + at, gain,
                    y + (size_t)i * hesse_stride(c, k) + at);
}

HESSE_INLINE void tangent_of(const hesse_frame *f, bool centred, int all)
{
    const size_t c = (size_t)f->d.c, k = (size_t)all,
                 stride = hesse_stride(f->d.c, all);
    if (!f->dy) return;
    zero((size_t)f->d.n * stride, f->dy);
    if (f->dx[X]) project_all(f, centred, all, NULL, f->dx[X], f->x[G], f->dy);
    for (size_t i = 0; i < (size_t)f->d.n; i++) {
        double *dy = f->dy + i * stride;
        for (size_t j = 0; f->dx[G] && j < c; j++)
            add(k, f->keep[i * (c + 1) + j], f->dx[G] + j * k, dy + j * k);
        if (f->dx[B]) add(c * k, 1, f->dx[B], dy);
    }
}

HESSE_INLINE void adjoint_of(const hesse_frame *f, bool centred, int all)
{
    const size_t c = (size_t)f->d.c, k = (size_t)all,
                 stride = hesse_stride(f->d.c, all);
    if (!f->cy) return;
    if (f->cx[X]) project_all(f, centred, all, f->x[G], f->cy, NULL, f->cx[X]);
    for (size_t i = 0; i < (size_t)f->d.n; i++) {
        const double *cy = f->cy + i * stride, *xh = f->keep + i * (c + 1);
        for (int j = 0; f->cx[G] && j < f->want[G].cols; j++) {
            const size_t at = (size_t)f->want[G].col + (size_t)j;
            add(k, xh[at], cy + at * k, f->cx[G] + (size_t)j * k);
        }
        if (f->cx[B])
            add((size_t)f->want[B].cols * k, 1, cy + (size_t)f->want[B].col * k,
                f->cx[B]);
    }
}

/* Numbers of one token that the curvature needs besides its tangents. */
typedef struct token {
    int c, k, part;
    bool centred;
    const double *xh, *yb, *g; /* channels; xh[c] is r */
    double mean, m2;           /* <gb>, <xh gb>        */
} token;

HESSE_INLINE token token_of(const hesse_frame *f, int i, int k, int part, bool centred)
{
    const int c = f->d.c;
    token t = {c,
               k,
               part,
               centred,
               f->keep + (size_t)i * (size_t)(c + 1),
               f->yb + (size_t)i * (size_t)c,
               f->x[G],
               0,
               0};
    means_of_one(c, t.g, t.xh, t.yb, &t.mean, &t.m2);
    if (!centred) t.mean = 0;
    return t;
}

/* Add -r s xb - r (dxh m2 + xh <dxh gb>) to cx, and yb dxh, from its channel `first`
   on, to cg; either may be NULL. */
HESSE_INLINE void bend(const token *t, const double *dx, double *cx, double *cg,
                       hesse_rect part_of_g)
{
    const double r = t->xh[t->c];
    double m[CHUNK], s[CHUNK], unused[CHUNK], e[CHUNK];
    means(t->c, t->k, t->part, NULL, t->xh, dx, m, s);
    means(t->c, t->k, t->part, t->g, t->yb, dx, unused, e);
    for (int i = 0; i < t->part; i++) {
        if (!t->centred) m[i] = 0;
        e[i] = r * (e[i] - m[i] * t->mean - s[i] * t->m2);
    }
    for (int j = 0; cx && j < t->c; j++) {
        const double *restrict d = dx + (size_t)j * (size_t)t->k;
        double *restrict y = cx + (size_t)j * (size_t)t->k;
        const double h = t->xh[j], xb = r * (t->g[j] * t->yb[j] - t->mean - h * t->m2);
        for (int i = 0; i < t->part; i++)
            y[i] -= r * (s[i] * xb + r * (d[i] - m[i] - h * s[i]) * t->m2 + h * e[i]);
    }
    for (int j = 0; cg && j < part_of_g.cols; j++) {
        const int at = part_of_g.col + j;
        const double *restrict d = dx + (size_t)at * (size_t)t->k;
        double *restrict y = cg + (size_t)j * (size_t)t->k;
        for (int i = 0; i < t->part; i++)
            y[i] += t->yb[at] * r * (d[i] - m[i] - t->xh[at] * s[i]);
    }
}

/* Add the adjoint of x at dg yb to cx. */
HESSE_INLINE void tilt(const token *t, const double *dg, double *cx)
{
    project(t->c, t->k, t->part, t->centred, t->xh, t->yb, dg, NULL, cx);
}

HESSE_INLINE void curvature_of(const hesse_frame *f, bool centred, int k)
{
    const size_t stride = hesse_stride(f->d.c, k);
    for (int i = 0; i < f->d.n; i++)
        for (int at = 0; at < k; at += CHUNK) {
            const token t = token_of(f, i, k, k - at < CHUNK ? k - at : CHUNK, centred);
            double *cx = f->cx[X] ? f->cx[X] + (size_t)i * stride + at : NULL;
            double *cg = f->cx[G] ? f->cx[G] + at : NULL;
            if (f->dx[X] && (cx || cg))
                bend(&t, f->dx[X] + (size_t)i * stride + at, cx, cg, f->want[G]);
            if (f->dx[G] && cx) tilt(&t, f->dx[G] + at, cx);
        }
}

HESSE_INLINE void tangent(const hesse_frame *f, bool centred)
{
    if (f->k == 1)
        tangent_of(f, centred, 1);
    else
        tangent_of(f, centred, f->k);
}

HESSE_INLINE void adjoint(const hesse_frame *f, bool centred)
{
    if (f->k == 1)
        adjoint_of(f, centred, 1);
    else
        adjoint_of(f, centred, f->k);
}

HESSE_INLINE void curvature(const hesse_frame *f, bool centred)
{
    if (f->k == 1)
        curvature_of(f, centred, 1);
    else
        curvature_of(f, centred, f->k);
}

static void layernorm_forward(const hesse_frame *f)
{
    forward(f, true);
}

HESSE_SIMD static void layernorm_tangent(const hesse_frame *f)
{
    tangent(f, true);
}

HESSE_SIMD static void layernorm_adjoint(const hesse_frame *f)
{
    adjoint(f, true);
}

HESSE_SIMD static void layernorm_curvature(const hesse_frame *f)
{
    curvature(f, true);
}

static void rmsnorm_forward(const hesse_frame *f)
{
    forward(f, false);
}

HESSE_SIMD static void rmsnorm_tangent(const hesse_frame *f)
{
    tangent(f, false);
}

HESSE_SIMD static void rmsnorm_adjoint(const hesse_frame *f)
{
    adjoint(f, false);
}

HESSE_SIMD static void rmsnorm_curvature(const hesse_frame *f)
{
    curvature(f, false);
}

const hesse_op hesse_op_layernorm = {
    .name = "layernorm",
    .kind = HESSE_LAYERNORM,
    .activations = 1,
    .parameters = 2,
    .width = width,
    .shape = shape,
    .keep = keep,
    .forward = layernorm_forward,
    .tangent = layernorm_tangent,
    .adjoint = layernorm_adjoint,
    .curvature = layernorm_curvature,
};

const hesse_op hesse_op_layernorm_unbiased = {
    .name = "layernorm_unbiased",
    .kind = HESSE_LAYERNORM,
    .activations = 1,
    .parameters = 1,
    .width = width,
    .shape = shape,
    .keep = keep,
    .forward = layernorm_forward,
    .tangent = layernorm_tangent,
    .adjoint = layernorm_adjoint,
    .curvature = layernorm_curvature,
};

const hesse_op hesse_op_rmsnorm = {
    .name = "rmsnorm",
    .kind = HESSE_RMSNORM,
    .activations = 1,
    .parameters = 1,
    .width = width,
    .shape = shape,
    .keep = keep,
    .forward = rmsnorm_forward,
    .tangent = rmsnorm_tangent,
    .adjoint = rmsnorm_adjoint,
    .curvature = rmsnorm_curvature,
};
