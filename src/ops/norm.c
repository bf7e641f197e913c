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
#include "ops/gemm.h"
#include "ops/loops.h"
#include "ops/op.h"

#include <tgmath.h>

enum { X, G, B };

typedef struct kind {
    bool centred;  /* LayerNorm; false: RMSNorm               */
    bool one_plus; /* the gain is 1 + g                       */
    bool heads;    /* a group is a head; false: a whole token */
    bool wide;     /* the processor has vectors of 64 bytes */
} kind;

/* Factors of the channels of a group; NULL: all 1. */
typedef struct factors {
    const real *at;
    bool one_plus; /* 1 + at[j] in place of at[j] */
} factors;

HESSE_INLINE real factor(factors w, int j)
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
        const real *x = f->x[X] + (size_t)i * (size_t)c;
        real *y = f->y + (size_t)i * (size_t)c;
        real *xh = f->keep + (size_t)i * (size_t)(c + 1), mean = 0, square = 0;
        for (int j = 0; n.centred && j < c; j++) mean += x[j] / (real)c;
        for (int j = 0; j < c; j++) square += (x[j] - mean) * (x[j] - mean) / (real)c;
        xh[c] = 1 / sqrt(square + (real)f->d.a);
        for (int j = 0; j < c; j++) {
            xh[j] = xh[c] * (x[j] - mean);
            y[j] = factor(gain, j) * xh[j] + (f->x[B] ? f->x[B][j] : 0);
        }
    }
}

/* Compute the means over the channels of a group of z and of a z, for one tangent; z
   has a factor w for every channel. */
HESSE_INLINE void means_of_one(int c, factors w, const real *a, const real *z, real *mz,
                               real *maz)
{
    real one[LANES] = {0}, two[LANES] = {0};
    int j = 0;
    for (; j + LANES <= c; j += LANES)
        for (int l = 0; l < LANES; l++) {
            const real x = factor(w, j + l) * z[j + l];
            one[l] += x;
            two[l] += a[j + l] * x;
        }
    for (; j < c; j++) {
        one[0] += factor(w, j) * z[j];
        two[0] += factor(w, j) * a[j] * z[j];
    }
    *mz = *maz = 0;
    for (int l = 0; l < LANES; l++) *mz += one[l] / (real)c, *maz += two[l] / (real)c;
}

static const factors ones = {NULL, false};

/* One group, and numbers of it that the curvature needs besides its tangents. */
typedef struct group {
    int c, k;
    bool wide; /* the processor has vectors of 64 bytes */
    bool centred;
    const real *xh, *yb; /* channels; xh[c] is r */
    factors g;
    real mean, m2; /* <gb>, <xh gb> */
} group;

/* Vectors of tangents that are taken at once, and the tangents of a vector. */
enum { MOST = 3, NARROW = HESSE_REALS_32, WIDE = HESSE_REALS_64 };

#define TANGENTS "ops/norm_tangents.h"
#include "ops/each_width.h"

HESSE_INLINE group group_of(const hesse_frame *f, kind n, int i, int k)
{
    const int c = channels_of(f, n);
    return (group){.c = c,
                   .k = k,
                   .wide = n.wide,
                   .centred = n.centred,
                   .xh = f->keep + (size_t)i * (size_t)(c + 1),
                   .yb = f->yb + (size_t)i * (size_t)c,
                   .g = gain_of(f, n)};
}

/* Apply `project` to all tangents of a group. */
HESSE_INLINE void project(hesse_into into, const group *t, factors w, const real *z,
                          factors gain, real *y)
{
    int i = 0;
    if (t->wide) {
        for (; i + 3 * WIDE <= t->k; i += 3 * WIDE)
            project_64(into, 3, t, w, z + i, gain, y + i);
        for (; i + WIDE <= t->k; i += WIDE)
            project_64(into, 1, t, w, z + i, gain, y + i);
    }
    for (; i + 2 * NARROW <= t->k; i += 2 * NARROW)
        project_32(into, 2, t, w, z + i, gain, y + i);
    for (; i + NARROW <= t->k; i += NARROW)
        project_32(into, 1, t, w, z + i, gain, y + i);
    for (; i < t->k; i++) project_one(into, 1, t, w, z + i, gain, y + i);
}

HESSE_INLINE void tangent_of(const hesse_frame *f, kind n, int all)
{
    const size_t c = (size_t)channels_of(f, n), k = (size_t)all;
    if (!f->dy) return;
    if (!f->dx[X]) zero((size_t)f->d.n * hesse_stride(f->d.c, all), f->dy);
    for (int i = 0; i < f->d.n * groups_of(f, n); i++) {
        const group t = group_of(f, n, i, all);
        const size_t at = tangents_at(f, n, i, all);
        real *dy = f->dy + at;
        if (f->dx[X]) project(HESSE_SET, &t, ones, f->dx[X] + at, t.g, dy);
        for (size_t j = 0; f->dx[G] && j < c; j++)
            add(k, t.xh[j], f->dx[G] + j * k, dy + j * k);
        if (f->dx[B]) add(c * k, 1, f->dx[B], dy);
    }
}

HESSE_INLINE void adjoint_of(const hesse_frame *f, kind n, int all)
{
    const size_t k = (size_t)all;
    if (!f->cy) return;
    const hesse_into into = f->fresh[X] ? HESSE_SET : HESSE_ADD;
    for (int i = 0; i < f->d.n * groups_of(f, n); i++) {
        const group t = group_of(f, n, i, all);
        const size_t first = tangents_at(f, n, i, all);
        const real *cy = f->cy + first;
        if (f->cx[X]) project(into, &t, t.g, cy, ones, f->cx[X] + first);
        for (int j = 0; f->cx[G] && j < f->want[G].cols; j++) {
            const size_t at = (size_t)f->want[G].col + (size_t)j;
            add(k, t.xh[at], cy + at * k, f->cx[G] + (size_t)j * k);
        }
        if (f->cx[B])
            add((size_t)f->want[B].cols * k, 1, cy + (size_t)f->want[B].col * k,
                f->cx[B]);
    }
}

/* Apply `bend` to all tangents of a group. */
HESSE_INLINE void bend(const group *t, const real *dx, real *cx, real *cg,
                       hesse_rect part_of_g)
{
    int i = 0;
    if (t->wide) {
        for (; i + 3 * WIDE <= t->k; i += 3 * WIDE)
            bend_64(3, t, dx + i, cx ? cx + i : NULL, cg ? cg + i : NULL, part_of_g);
        for (; i + WIDE <= t->k; i += WIDE)
            bend_64(1, t, dx + i, cx ? cx + i : NULL, cg ? cg + i : NULL, part_of_g);
    }
    for (; i + 2 * NARROW <= t->k; i += 2 * NARROW)
        bend_32(2, t, dx + i, cx ? cx + i : NULL, cg ? cg + i : NULL, part_of_g);
    for (; i + NARROW <= t->k; i += NARROW)
        bend_32(1, t, dx + i, cx ? cx + i : NULL, cg ? cg + i : NULL, part_of_g);
    for (; i < t->k; i++)
        bend_one(1, t, dx + i, cx ? cx + i : NULL, cg ? cg + i : NULL, part_of_g);
}

HESSE_INLINE void curvature_of(const hesse_frame *f, kind n, int k)
{
    for (int i = 0; i < f->d.n * groups_of(f, n); i++) {
        const size_t first = tangents_at(f, n, i, k);
        group t = group_of(f, n, i, k);
        const factors yb = {t.yb, false};
        real *cx = f->cx[X] ? f->cx[X] + first : NULL;
        means_of_one(t.c, t.g, t.xh, t.yb, &t.mean, &t.m2);
        if (!n.centred) t.mean = 0;
        if (f->dx[X] && (cx || f->cx[G]))
            bend(&t, f->dx[X] + first, cx, f->cx[G], f->want[G]);
        /* the adjoint of x at dg yb */
        if (f->dx[G] && cx) project(HESSE_ADD, &t, yb, f->dx[G], ones, cx);
    }
}

/* The four functions of a kind of norm. */
#define NORM(name, centred, one_plus, heads)                                           \
    static void name##_forward(const hesse_frame *f)                                   \
    {                                                                                  \
        forward(f, (kind){centred, one_plus, heads, false});                           \
    }                                                                                  \
    HESSE_SIMD static void name##_tangent(const hesse_frame *f)                        \
    {                                                                                  \
        const kind n = {centred, one_plus, heads, hesse_simd_lanes() == 8};            \
        if (f->k == 1)                                                                 \
            tangent_of(f, n, 1);                                                       \
        else                                                                           \
            tangent_of(f, n, f->k);                                                    \
    }                                                                                  \
    HESSE_SIMD static void name##_adjoint(const hesse_frame *f)                        \
    {                                                                                  \
        const kind n = {centred, one_plus, heads, hesse_simd_lanes() == 8};            \
        if (f->k == 1)                                                                 \
            adjoint_of(f, n, 1);                                                       \
        else                                                                           \
            adjoint_of(f, n, f->k);                                                    \
    }                                                                                  \
    HESSE_SIMD static void name##_curvature(const hesse_frame *f)                      \
    {                                                                                  \
        const kind n = {centred, one_plus, heads, hesse_simd_lanes() == 8};            \
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
        .width = width, .shape = shape_of, .keep = keeps, .sets = true,                \
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
