/* y[i, j] = exp(-a |u|^2 / 2) with u = q[i] - k[j], for the pairs of tokens of a
   sequence.
    dy = -a y u . (dq - dk)          cq += -a y cy u,  ck gains minus that
    curvature: cq += -a yb (dy u + y (dq - dk)),  ck gains minus that
   docs/math.md, section 3.16. */
#include "ops/loops.h"
#include "ops/op.h"

#include <tgmath.h>

enum { Q, K };

static int channels(const hesse_dims *d)
{
    return d->c / d->h;
}

static int width(const hesse_dims *d, int i)
{
    return i == Q ? d->c : i == K ? d->g * channels(d) : d->h * d->t;
}

/* Every pair and tangent needs products over e channels: one down for each input that
   moves; for each input that is wanted one up, one more for each input that moves, and
   one for dy. */
static double work(const hesse_dims *d, const hesse_use *use)
{
    const double one = (d->full ? 2.0 : 1.0) * d->n * d->t * d->c;
    const int moves = use->moves[Q] + use->moves[K];
    const int wanted = use->wanted[Q] + use->wanted[K];
    return one * (moves + use->shares * wanted * (1 + moves + (moves > 0)));
}

/* A pair of tokens of one head: the places of its numbers, in one copy and in k
   tangents. */
typedef struct pair {
    size_t y, q, k, dy, dq, dk;
} pair;

HESSE_INLINE pair pair_of(const hesse_frame *f, int i, int head, int j)
{
    const hesse_dims *d = &f->d;
    const size_t other = (size_t)(i - i % d->t) + (size_t)j; /* in the same sequence */
    const size_t e = (size_t)channels(d), k = (size_t)f->k, at = (size_t)i;
    const size_t of_q = (size_t)head * e, of_k = (size_t)(head / (d->h / d->g)) * e;
    const size_t of_y = (size_t)head * (size_t)d->t + (size_t)j;
    return (pair){at * (size_t)(d->h * d->t) + of_y,
                  at * (size_t)d->c + of_q,
                  other * (size_t)d->g * e + of_k,
                  at * hesse_stride(d->h * d->t, f->k) + of_y * k,
                  at * hesse_stride(d->c, f->k) + of_q * k,
                  other * hesse_stride(d->g * (int)e, f->k) + of_k * k};
}

/* Visit every pair that attention sees. */
typedef struct visit {
    int i, head, j;
} visit;

HESSE_INLINE bool counts(const hesse_frame *f, const visit *v)
{
    return v->i < f->d.n;
}

HESSE_INLINE visit first(const hesse_frame *f)
{
    return (visit){.j = hesse_visible_from(f, 0)};
}

HESSE_INLINE visit after(const hesse_frame *f, visit v)
{
    if (++v.j < hesse_visible_end(f, v.i)) return v;
    if (++v.head == f->d.h) v.head = 0, v.i++;
    v.j = v.i < f->d.n ? hesse_visible_from(f, v.i) : 0;
    return v;
}

static void forward(const hesse_frame *f)
{
    const int e = channels(&f->d);
    zero((size_t)f->d.n * (size_t)(f->d.h * f->d.t), f->y);
    for (visit v = first(f); counts(f, &v); v = after(f, v)) {
        const pair p = pair_of(f, v.i, v.head, v.j);
        const real *q = f->x[Q] + p.q, *k = f->x[K] + p.k;
        real square = 0;
        for (int c = 0; c < e; c++) square += (q[c] - k[c]) * (q[c] - k[c]);
        f->y[p.y] = exp((real)(-0.5 * f->d.a) * square);
    }
}

HESSE_SIMD static void tangent(const hesse_frame *f)
{
    const size_t e = (size_t)channels(&f->d), k = (size_t)f->k;
    if (!f->dy) return;
    zero((size_t)f->d.n * hesse_stride(f->d.h * f->d.t, f->k), f->dy);
    for (visit v = first(f); (f->dx[Q] || f->dx[K]) && counts(f, &v); v = after(f, v)) {
        const pair p = pair_of(f, v.i, v.head, v.j);
        for (size_t c = 0; c < e; c++) {
            const real u = f->x[Q][p.q + c] - f->x[K][p.k + c];
            const real slope = -(real)f->d.a * f->y[p.y] * u;
            real *dy = f->dy + p.dy;
            if (f->dx[Q]) add(k, slope, f->dx[Q] + p.dq + c * k, dy);
            if (f->dx[K]) add(k, -slope, f->dx[K] + p.dk + c * k, dy);
        }
    }
}

/* Add a z to both inputs, to one of them with the other sign. */
HESSE_INLINE void push(const hesse_frame *f, const pair *p, size_t c, real a,
                       const real *z)
{
    const size_t k = (size_t)f->k;
    if (f->cx[Q]) add(k, a, z, f->cx[Q] + p->dq + c * k);
    if (f->cx[K]) add(k, -a, z, f->cx[K] + p->dk + c * k);
}

HESSE_SIMD static void adjoint(const hesse_frame *f)
{
    const size_t e = (size_t)channels(&f->d);
    for (visit v = first(f); f->cy && counts(f, &v); v = after(f, v)) {
        const pair p = pair_of(f, v.i, v.head, v.j);
        for (size_t c = 0; c < e; c++) {
            const real u = f->x[Q][p.q + c] - f->x[K][p.k + c];
            push(f, &p, c, -(real)f->d.a * f->y[p.y] * u, f->cy + p.dy);
        }
    }
}

HESSE_SIMD static void curvature(const hesse_frame *f)
{
    const size_t e = (size_t)channels(&f->d), k = (size_t)f->k;
    for (visit v = first(f); (f->dx[Q] || f->dx[K]) && counts(f, &v); v = after(f, v)) {
        const pair p = pair_of(f, v.i, v.head, v.j);
        const real w = -(real)f->d.a * f->yb[p.y], wy = w * f->y[p.y];
        for (size_t c = 0; c < e; c++) {
            const real u = f->x[Q][p.q + c] - f->x[K][p.k + c];
            push(f, &p, c, w * u, f->dy + p.dy);
            if (f->dx[Q]) push(f, &p, c, wy, f->dx[Q] + p.dq + c * k);
            if (f->dx[K]) push(f, &p, c, -wy, f->dx[K] + p.dk + c * k);
        }
    }
}

const hesse_op hesse_op_gaussian = {
    .name = "gaussian",
    .kind = HESSE_GAUSSIAN,
    .activations = 2,
    .sequences = true,
    .width = width,
    .work = work,
    .forward = forward,
    .tangent = tangent,
    .adjoint = adjoint,
    .curvature = curvature,
};
