/* y[i, j] = a q[i] . k[j] for the pairs of tokens of a sequence. It is bilinear, so its
   curvature is the curvature of a product.  docs/math.md, section 3.7. */
#include "ops/loops.h"
#include "ops/op.h"
#include "ops/pairs.h"

enum { Q, K };

static int channels(const hesse_dims *d)
{
    return d->c / d->h;
}

static int width(const hesse_dims *d, int i)
{
    return i == Q ? d->c : i == K ? d->g * channels(d) : d->h * d->t;
}

static hesse_rows queries(const hesse_frame *f)
{
    return (hesse_rows){f->x[Q], f->d.h, channels(&f->d)};
}

static hesse_rows keys(const hesse_frame *f)
{
    return (hesse_rows){f->x[K], f->d.g, channels(&f->d)};
}

static void forward(const hesse_frame *f)
{
    hesse_frame one = *f;
    one.k = 1;
    hesse_pairs_from_queries(HESSE_SET, &one, (real)f->d.a, f->x[Q], keys(f), f->y);
}

static void tangent(const hesse_frame *f)
{
    if (!f->dy) return;
    hesse_into into = HESSE_SET;
    if (f->dx[Q] || f->dx[K]) hesse_pairs_clear_unseen(f, f->dy);
    if (f->dx[Q]) {
        hesse_pairs_from_queries(into, f, (real)f->d.a, f->dx[Q], keys(f), f->dy);
        into = HESSE_ADD;
    }
    if (f->dx[K]) {
        hesse_pairs_from_keys(into, f, (real)f->d.a, queries(f), f->dx[K], f->d.g,
                              f->dy);
        into = HESSE_ADD;
    }
    if (into == HESSE_SET)
        zero((size_t)f->d.n * hesse_stride(f->d.h * f->d.t, f->k), f->dy);
}

static void adjoint(const hesse_frame *f)
{
    if (!f->cy) return;
    if (f->cx[Q])
        hesse_pairs_to_queries(f->fresh[Q] ? HESSE_SET : HESSE_ADD, f, (real)f->d.a,
                               f->cy, keys(f), f->cx[Q]);
    if (f->cx[K] && f->fresh[K])
        zero((size_t)f->d.n * hesse_stride(width(&f->d, K), f->k), f->cx[K]);
    if (f->cx[K])
        hesse_pairs_to_keys(f, (real)f->d.a, f->cy, queries(f), f->cx[K], f->d.g);
}

static void curvature(const hesse_frame *f)
{
    const int e = channels(&f->d);
    if (f->cx[Q] && f->dx[K])
        hesse_pairs_mix(HESSE_ADD, f, (real)f->d.a, f->yb, f->dx[K], f->d.g, e,
                        f->cx[Q]);
    if (f->cx[K] && f->dx[Q])
        hesse_pairs_mix_back(f, (real)f->d.a, f->yb, f->dx[Q], f->cx[K], f->d.g, e);
}

const hesse_op hesse_op_scores = {
    .name = "scores",
    .kind = HESSE_SCORES,
    .activations = 2,
    .sequences = true,
    .sets = true,
    .width = width,
    .work = hesse_pairs_work,
    .forward = forward,
    .tangent = tangent,
    .adjoint = adjoint,
    .curvature = curvature,
};
