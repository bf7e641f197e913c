/* y = g xh + b, xh = r (x - mean x) for LayerNorm and r x for RMSNorm, where r is one
   over the deviation or the root mean square.  With gb = g yb and <.> the mean over the
   channels of a token, both have

     dxh = r (dx - [<dx>] - xh s),       s  = <xh dx>,   dr = -r^2 s
     xb  = r (gb - [<gb>] - xh m2),      m2 = <xh gb>
     dxb = -r s xb - r (dxh m2 + xh <dxh gb>)  + the map of xb at dg yb

   with the terms in brackets for LayerNorm alone.  docs/math.md, section 3.3.  A group
   is what is normalised together: all channels of a token, or those of one head.  The
   number of tangents and the kind of norm are arguments of what is inlined, so that one
   tangent has loops of its own, over channels. */
#include "ops/loops.h"
#include "ops/op.h"

#include <math.h>

enum { X, G, B };
enum { CHUNK = 64 }; /* tangents taken at once: their means fit the stack */

typedef struct kind {
    bool centred;  /* LayerNorm; false: RMSNorm               */
    bool one_plus; /* the gain is 1 + g                       */
    bool heads;    /* a group is a head; false: a whole token */
} kind;

/* Factors of the channels of a group; NULL: all 1. */
typedef struct factors {
    const double *at;
    bool one_plus; /* 1 + at[j] in place of at[j] */
} factors;

HESSE_INLINE double factor(factors w, int j)
{
    return !w.at ? 1 : w.one_plus ? 1 + w.at[j] : w.at[j];
}

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

static hesse_rect shape_of_head(const hesse_dims *d, int i)
{
    (void)i;
    return (hesse_rect){0, 1, 0, d->c / d->h};
}

/* It keeps xh of every channel, then r. */
static int keep(const hesse_dims *d)
{
    return d->c + 1;
}

static int keep_of_heads(const hesse_dims *d)
{
    return d->c + d->h;
}

/* Groups of a token, their channels, and where group i of all begins among k tangents.
 */
HESSE_INLINE int groups_of(const hesse_frame *f, kind n)
{
    return n.heads ? f->d.h : 1;
}

HESSE_INLINE int channels_of(const hesse_frame *f, kind n)
{
    return f->d.c / groups_of(f, n);
}

HESSE_INLINE size_t tangents_at(const hesse_frame *f, kind n, int i, int k)
{
    const int h = groups_of(f, n);
    return (size_t)(i / h) * hesse_stride(f->d.c, k) +
           (size_t)(i % h) * (size_t)channels_of(f, n) * (size_t)k;
}

HESSE_INLINE factors gain_of(const hesse_frame *f, kind n)
{
    return (factors){f->x[G], n.one_plus};
}

HESSE_INLINE void forward(const hesse_frame *f, kind n)
{
    const int c = channels_of(f, n);
    const factors gain = gain_of(f, n);
    for (int i = 0; i < f->d.n * groups_of(f, n); i++) {
        const double *x = f->x[X] + (size_t)i * (size_t)c;
        double *y = f->y + (size_t)i * (size_t)c;
        double *xh = f->keep + (size_t)i * (size_t)(c + 1), mean = 0, square = 0;
        for (int j = 0; n.centred && j < c; j++) mean += x[j] / c;
        for (int j = 0; j < c; j++) square += (x[j] - mean) * (x[j] - mean) / c;
        xh[c] = 1 / sqrt(square + f->d.a);
        for (int j = 0; j < c; j++) {
            xh[j] = xh[c] * (x[j] - mean);
            y[j] = factor(gain, j) * xh[j] + (f->x[B] ? f->x[B][j] : 0);
        }
    }
}

/* Compute the same as means, for one tangent. */
HESSE_INLINE void means_of_one(int c, factors w, const double *a, const double *z,
                               double *mz, double *maz)
{
    double one[LANES] = {0}, two[LANES] = {0};
    int j = 0;
    for (; j + LANES <= c; j += LANES)
        for (int l = 0; l < LANES; l++) {
            const double x = factor(w, j + l) * z[j + l];
            one[l] += x;
            two[l] += a[j + l] * x;
        }
    for (; j < c; j++) {
        one[0] += factor(w, j) * z[j];
        two[0] += factor(w, j) * a[j] * z[j];
    }
    *mz = *maz = 0;
    for (int l = 0; l < LANES; l++) *mz += one[l] / c, *maz += two[l] / c;
}

/* Compute the means over the channels of a group of z and of a z, for `part` of its
   tangents; z has a factor w for every channel. */
HESSE_INLINE void means(int c, int k, int part, factors w, const double *a,
                        const double *z, double *restrict mz, double *restrict maz)
{
    if (k == 1) {
        means_of_one(c, w, a, z, mz, maz);
        return;
    }
    for (int i = 0; i < part; i++) mz[i] = maz[i] = 0;
    for (int j = 0; j < c; j++) {
        const double *restrict zj = z + (size_t)j * (size_t)k;
        const double one = factor(w, j) / c, two = one * a[j];
        for (int i = 0; i < part; i++) {
            mz[i] += one * zj[i];
            maz[i] += two * zj[i];
        }
    }
}

static const factors ones = {NULL, false};

/* y += r (w z - [mean of w z] - xh mean of xh w z): the tangent of xh along z where all
   factors w are 1, and the adjoint of x at z where w is the gain. Then y may have a
   gain, too. */
HESSE_INLINE void project(int c, int k, int part, bool centred, const double *xh,
                          factors w, const double *z, factors gain, double *y)
{
    double m[CHUNK], s[CHUNK];
    means(c, k, part, w, xh, z, m, s);
    for (int j = 0; j < c; j++) {
        const double *restrict zj = z + (size_t)j * (size_t)k;
        double *restrict yj = y + (size_t)j * (size_t)k;
        const double r = xh[c] * factor(gain, j), wj = factor(w, j), h = xh[j];
        for (int i = 0; i < part; i++)
            yj[i] += r * (wj * zj[i] - (centred ? m[i] : 0) - h * s[i]);
    }
}

/* Apply project to every group, CHUNK tangents at a time. */
HESSE_INLINE void project_all(const hesse_frame *f, kind n, int k, factors w,
                              const double *z, factors gain, double *y)
{
    const int c = channels_of(f, n);
    for (int i = 0; i < f->d.n * groups_of(f, n); i++)
        for (int at = 0; at < k; at += CHUNK)
            project(c, k, k - at < CHUNK ? k - at : CHUNK, n.centred,
                    f->keep + (size_t)i * (size_t)(c + 1), w,
                    z + tangents_at(f, n, i, k) + at, gain,
                    y + tangents_at(f, n, i, k) + at);
}

HESSE_INLINE void tangent_of(const hesse_frame *f, kind n, int all)
{
    const size_t c = (size_t)channels_of(f, n), k = (size_t)all;
    if (!f->dy) return;
    zero((size_t)f->d.n * hesse_stride(f->d.c, all), f->dy);
    if (f->dx[X]) project_all(f, n, all, ones, f->dx[X], gain_of(f, n), f->dy);
    for (int i = 0; i < f->d.n * groups_of(f, n); i++) {
        double *dy = f->dy + tangents_at(f, n, i, all);
        for (size_t j = 0; f->dx[G] && j < c; j++)
            add(k, f->keep[(size_t)i * (c + 1) + j], f->dx[G] + j * k, dy + j * k);
        if (f->dx[B]) add(c * k, 1, f->dx[B], dy);
    }
}

HESSE_INLINE void adjoint_of(const hesse_frame *f, kind n, int all)
{
    const size_t c = (size_t)channels_of(f, n), k = (size_t)all;
    if (!f->cy) return;
    if (f->cx[X]) project_all(f, n, all, gain_of(f, n), f->cy, ones, f->cx[X]);
    for (int i = 0; i < f->d.n * groups_of(f, n); i++) {
        const double *cy = f->cy + tangents_at(f, n, i, all);
        const double *xh = f->keep + (size_t)i * (c + 1);
        for (int j = 0; f->cx[G] && j < f->want[G].cols; j++) {
            const size_t at = (size_t)f->want[G].col + (size_t)j;
            add(k, xh[at], cy + at * k, f->cx[G] + (size_t)j * k);
        }
        if (f->cx[B])
            add((size_t)f->want[B].cols * k, 1, cy + (size_t)f->want[B].col * k,
                f->cx[B]);
    }
}

/* Numbers of one group that the curvature needs besides its tangents. */
typedef struct group {
    int c, k, part;
    bool centred;
    const double *xh, *yb; /* channels; xh[c] is r */
    factors g;
    double mean, m2; /* <gb>, <xh gb> */
} group;

HESSE_INLINE group group_of(const hesse_frame *f, kind n, int i, int k, int part)
{
    const int c = channels_of(f, n);
    group t = {c,
               k,
               part,
               n.centred,
               f->keep + (size_t)i * (size_t)(c + 1),
               f->yb + (size_t)i * (size_t)c,
               gain_of(f, n),
               0,
               0};
    means_of_one(c, t.g, t.xh, t.yb, &t.mean, &t.m2);
    if (!n.centred) t.mean = 0;
    return t;
}

/* Add -r s xb - r (dxh m2 + xh <dxh gb>) to cx, and yb dxh, from the first channel of
   part_of_g on, to cg; either may be NULL. */
HESSE_INLINE void bend(const group *t, const double *dx, double *cx, double *cg,
                       hesse_rect part_of_g)
{
    const double r = t->xh[t->c];
    double m[CHUNK], s[CHUNK], unused[CHUNK], e[CHUNK];
    means(t->c, t->k, t->part, ones, t->xh, dx, m, s);
    means(t->c, t->k, t->part, t->g, t->yb, dx, unused, e);
    for (int i = 0; i < t->part; i++) {
        if (!t->centred) m[i] = 0;
        e[i] = r * (e[i] - m[i] * t->mean - s[i] * t->m2);
    }
    for (int j = 0; cx && j < t->c; j++) {
        const double *restrict d = dx + (size_t)j * (size_t)t->k;
        double *restrict y = cx + (size_t)j * (size_t)t->k;
        const double h = t->xh[j];
        const double xb = r * (factor(t->g, j) * t->yb[j] - t->mean - h * t->m2);
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
HESSE_INLINE void tilt(const group *t, const double *dg, double *cx)
{
    const factors yb = {t->yb, false};
    project(t->c, t->k, t->part, t->centred, t->xh, yb, dg, ones, cx);
}

HESSE_INLINE void curvature_of(const hesse_frame *f, kind n, int k)
{
    for (int i = 0; i < f->d.n * groups_of(f, n); i++)
        for (int at = 0; at < k; at += CHUNK) {
            const group t = group_of(f, n, i, k, k - at < CHUNK ? k - at : CHUNK);
            const size_t first = tangents_at(f, n, i, k) + (size_t)at;
            double *cx = f->cx[X] ? f->cx[X] + first : NULL;
            double *cg = f->cx[G] ? f->cx[G] + at : NULL;
            if (f->dx[X] && (cx || cg)) bend(&t, f->dx[X] + first, cx, cg, f->want[G]);
            if (f->dx[G] && cx) tilt(&t, f->dx[G] + at, cx);
        }
}

/* The four functions of a kind of norm. */
#define NORM(name, centred, one_plus, heads)                                           \
    static void name##_forward(const hesse_frame *f)                                   \
    {                                                                                  \
        forward(f, (kind){centred, one_plus, heads});                                  \
    }                                                                                  \
    HESSE_SIMD static void name##_tangent(const hesse_frame *f)                        \
    {                                                                                  \
        const kind n = {centred, one_plus, heads};                                     \
        if (f->k == 1)                                                                 \
            tangent_of(f, n, 1);                                                       \
        else                                                                           \
            tangent_of(f, n, f->k);                                                    \
    }                                                                                  \
    HESSE_SIMD static void name##_adjoint(const hesse_frame *f)                        \
    {                                                                                  \
        const kind n = {centred, one_plus, heads};                                     \
        if (f->k == 1)                                                                 \
            adjoint_of(f, n, 1);                                                       \
        else                                                                           \
            adjoint_of(f, n, f->k);                                                    \
    }                                                                                  \
    HESSE_SIMD static void name##_curvature(const hesse_frame *f)                      \
    {                                                                                  \
        const kind n = {centred, one_plus, heads};                                     \
        if (f->k == 1)                                                                 \
            curvature_of(f, n, 1);                                                     \
        else                                                                           \
            curvature_of(f, n, f->k);                                                  \
    }

NORM(layernorm, true, false, false)
NORM(layernorm_heads, true, false, true)
NORM(rmsnorm, false, false, false)
NORM(rmsnorm_heads, false, false, true)
NORM(one_plus, false, true, false)
NORM(one_plus_heads, false, true, true)

/* The row of an operator: its name, share, parameters, functions, shapes and what is
   kept. */
#define ROW(op_name, share, n_parameters, functions, shape_of, keeps)                  \
    {                                                                                  \
        .name = op_name, .kind = share, .activations = 1, .parameters = n_parameters,  \
        .width = width, .shape = shape_of, .keep = keeps,                              \
        .forward = functions##_forward, .tangent = functions##_tangent,                \
        .adjoint = functions##_adjoint, .curvature = functions##_curvature,            \
    }

const hesse_op hesse_op_layernorm =
    ROW("layernorm", HESSE_LAYERNORM, 2, layernorm, shape, keep);
const hesse_op hesse_op_layernorm_unbiased =
    ROW("layernorm_unbiased", HESSE_LAYERNORM, 1, layernorm, shape, keep);
const hesse_op hesse_op_layernorm_plain =
    ROW("layernorm_plain", HESSE_LAYERNORM, 0, layernorm, NULL, keep);
const hesse_op hesse_op_layernorm_heads =
    ROW("layernorm_heads", HESSE_LAYERNORM, 2, layernorm_heads, shape_of_head,
        keep_of_heads);
const hesse_op hesse_op_rmsnorm =
    ROW("rmsnorm", HESSE_RMSNORM, 1, rmsnorm, shape, keep);
const hesse_op hesse_op_rmsnorm_heads =
    ROW("rmsnorm_heads", HESSE_RMSNORM, 1, rmsnorm_heads, shape_of_head, keep_of_heads);
const hesse_op hesse_op_rmsnorm_one_plus =
    ROW("rmsnorm_one_plus", HESSE_RMSNORM, 1, one_plus, shape, keep);
const hesse_op hesse_op_rmsnorm_one_plus_heads =
    ROW("rmsnorm_one_plus_heads", HESSE_RMSNORM, 1, one_plus_heads, shape_of_head,
        keep_of_heads);
