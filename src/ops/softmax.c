/* p = softmax of the scores of the tokens attended to, for every token and head.  With
   <z> = sum p z, and m = <yb>:
     dp = p (ds - <ds>)       cs += p (cy - <cy>)
     curvature: cs += dp (yb - m) - p sum dp yb
   docs/math.md, section 3.8. */
#include "ops/gemm.h"
#include "ops/loops.h"
#include "ops/op.h"

#include <tgmath.h>

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
            const real *x = f->x[0] + r.primal;
            real *y = f->y + r.primal, top = x[0], sum = 0;
            for (int j = 1; j < r.count; j++) top = fmax(top, x[j]);
            for (int j = -r.from; j < 0; j++) y[j] = 0;
            for (int j = 0; j < r.count; j++) sum += y[j] = exp(x[j] - top);
            for (int j = 0; j < r.count; j++) y[j] /= sum;
            for (int j = r.count; j < f->d.t - r.from; j++) y[j] = 0;
        }
}

/* Vectors of tangents that are taken at once, and the tangents of a vector. */
enum { MOST = 3, NARROW = HESSE_REALS_32, WIDE = HESSE_REALS_64 };

#define TANGENTS "ops/softmax_tangents.h"
#include "ops/each_width.h"

/* y += p (z - sum p z) for all tangents of a row, or = the same. */
HESSE_INLINE void project(hesse_into into, bool wide, int count, int k, const real *p,
                          const real *z, real *y)
{
    int i = 0;
    if (wide) {
        for (; i + 3 * WIDE <= k; i += 3 * WIDE)
            project_64(into, 3, count, k, p, z + i, y + i);
        for (; i + WIDE <= k; i += WIDE) project_64(into, 1, count, k, p, z + i, y + i);
    }
    for (; i + 2 * NARROW <= k; i += 2 * NARROW)
        project_32(into, 2, count, k, p, z + i, y + i);
    for (; i + NARROW <= k; i += NARROW) project_32(into, 1, count, k, p, z + i, y + i);
    for (; i < k; i++) project_one(into, 1, count, k, p, z + i, y + i);
}

/* y += dp (yb - m) - p sum dp yb for all tangents of a row. */
HESSE_INLINE void bend(bool wide, int count, int k, const real *p, const real *yb,
                       const real *dp, real *y)
{
    int i = 0;
    const real m = dot((size_t)count, p, yb);
    if (wide) {
        for (; i + 3 * WIDE <= k; i += 3 * WIDE)
            bend_64(3, count, k, p, yb, m, dp + i, y + i);
        for (; i + WIDE <= k; i += WIDE) bend_64(1, count, k, p, yb, m, dp + i, y + i);
    }
    for (; i + 2 * NARROW <= k; i += 2 * NARROW)
        bend_32(2, count, k, p, yb, m, dp + i, y + i);
    for (; i + NARROW <= k; i += NARROW) bend_32(1, count, k, p, yb, m, dp + i, y + i);
    for (; i < k; i++) bend_one(1, count, k, p, yb, m, dp + i, y + i);
}

/* Apply project, or bend if there is yb, to every token and head. Scores that are not
   attended to are 0 where the result is set. */
HESSE_INLINE void through_all(hesse_into into, const hesse_frame *f, int k, bool fields,
                              const real *p, const real *yb, const real *z, real *y)
{
    const bool wide = hesse_simd_lanes() == 8;
    for (int i = 0; i < f->d.n; i++)
        for (int h = 0; h < f->d.h; h++) {
            const row r = row_of(f, fields, i, h);
            const size_t before = (size_t)r.from * (size_t)k;
            const size_t own = (size_t)r.count * (size_t)k;
            const size_t after =
                fields ? 0 : (size_t)(f->d.t - r.from - r.count) * (size_t)k;
            real *to = y + r.tangent;
            if (into == HESSE_SET) zero(before, to - before), zero(after, to + own);
            if (yb)
                bend(wide, r.count, k, p + r.primal, yb + r.primal, z + r.tangent, to);
            else
                project(into, wide, r.count, k, p + r.primal, z + r.tangent, to);
        }
}

/* One tangent has its own loops, over tokens. */
HESSE_INLINE void through(hesse_into into, const hesse_frame *f, bool fields,
                          const real *p, const real *yb, const real *z, real *y)
{
    if (f->k == 1)
        through_all(into, f, 1, fields, p, yb, z, y);
    else
        through_all(into, f, f->k, fields, p, yb, z, y);
}

HESSE_SIMD static void tangent(const hesse_frame *f)
{
    if (!f->dy) return;
    if (f->dx[0])
        through(HESSE_SET, f, false, f->y, NULL, f->dx[0], f->dy);
    else
        zero((size_t)f->d.n * hesse_stride(f->d.h * f->d.t, f->k), f->dy);
}

HESSE_SIMD static void adjoint(const hesse_frame *f)
{
    if (f->cx[0] && f->cy)
        through(f->fresh[0] ? HESSE_SET : HESSE_ADD, f, false, f->y, NULL, f->cy,
                f->cx[0]);
}

HESSE_SIMD static void curvature(const hesse_frame *f)
{
    if (f->cx[0] && f->dx[0])
        through(HESSE_ADD, f, false, f->y, f->yb, f->dy, f->cx[0]);
}

/* softmax_fields: the same over each of h fields of channels. A number that is -inf, or
   almost, is hidden: its p is 0. */

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
            const real *x = f->x[0] + r.primal;
            real *y = f->y + r.primal, top = x[0], sum = 0;
            for (int j = 1; j < r.count; j++) top = fmax(top, x[j]);
            for (int j = 0; j < r.count; j++)
                sum += y[j] = x[j] <= HESSE_REAL_HIDDEN ? 0 : exp(x[j] - top);
            for (int j = 0; j < r.count; j++) y[j] /= sum;
        }
}

HESSE_SIMD static void fields_tangent(const hesse_frame *f)
{
    if (!f->dy) return;
    if (f->dx[0])
        through(HESSE_SET, f, true, f->y, NULL, f->dx[0], f->dy);
    else
        zero((size_t)f->d.n * hesse_stride(f->d.c, f->k), f->dy);
}

HESSE_SIMD static void fields_adjoint(const hesse_frame *f)
{
    if (f->cx[0] && f->cy)
        through(f->fresh[0] ? HESSE_SET : HESSE_ADD, f, true, f->y, NULL, f->cy,
                f->cx[0]);
}

HESSE_SIMD static void fields_curvature(const hesse_frame *f)
{
    if (f->cx[0] && f->dx[0]) through(HESSE_ADD, f, true, f->y, f->yb, f->dy, f->cx[0]);
}

const hesse_op hesse_op_softmax_fields = {
    .name = "softmax_fields",
    .kind = HESSE_SOFTMAX,
    .activations = 1,
    .sets = true,
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
    .sets = true,
    .sequences = true,
    .width = width,
    .forward = forward,
    .tangent = tangent,
    .adjoint = adjoint,
    .curvature = curvature,
};
