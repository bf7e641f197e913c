/* y[i] = sum over j of p[i, j] v[j]: the values that a token takes from the tokens that
   it attends to. It is bilinear, so its curvature is the curvature of a product.
   docs/math.md, section 3.9. */
#include "ops/loops.h"
#include "ops/op.h"
#include "ops/pairs.h"

enum { P, V };

static int channels(const hesse_dims *d)
{
    return d->c / d->h;
}

static int width(const hesse_dims *d, int i)
{
    return i == P ? d->h * d->t : i == V ? d->g * channels(d) : d->c;
}

static hesse_rows values(const hesse_frame *f)
{
    return (hesse_rows){f->x[V], f->d.g, channels(&f->d)};
}

static hesse_rows adjoints(const hesse_frame *f)
{
    return (hesse_rows){f->yb, f->d.h, channels(&f->d)};
}

static void forward(const hesse_frame *f)
{
    hesse_frame one = *f;
    one.k = 1;
    hesse_pairs_mix(HESSE_SET, &one, 1, f->x[P], f->x[V], f->d.g, channels(&f->d),
                    f->y);
}

static void tangent(const hesse_frame *f)
{
    if (!f->dy) return;
    hesse_into into = HESSE_SET;
    if (f->dx[P]) {
        hesse_pairs_to_queries(into, f, 1, f->dx[P], values(f), f->dy);
        into = HESSE_ADD;
    }
    if (f->dx[V]) {
        hesse_pairs_mix(into, f, 1, f->x[P], f->dx[V], f->d.g, channels(&f->d), f->dy);
        into = HESSE_ADD;
    }
    if (into == HESSE_SET) zero((size_t)f->d.n * hesse_stride(f->d.c, f->k), f->dy);
}

static void adjoint(const hesse_frame *f)
{
    if (!f->cy) return;
    if (f->cx[P]) {
        if (f->fresh[P]) hesse_pairs_clear_unseen(f, f->cx[P]);
        hesse_pairs_from_queries(f->fresh[P] ? HESSE_SET : HESSE_ADD, f, 1, f->cy,
                                 values(f), f->cx[P]);
    }
    if (f->cx[V] && f->fresh[V])
        zero((size_t)f->d.n * hesse_stride(width(&f->d, V), f->k), f->cx[V]);
    if (f->cx[V])
        hesse_pairs_mix_back(f, 1, f->x[P], f->cy, f->cx[V], f->d.g, channels(&f->d));
}

static void curvature(const hesse_frame *f)
{
    if (f->cx[P] && f->dx[V])
        hesse_pairs_from_keys(HESSE_ADD, f, 1, adjoints(f), f->dx[V], f->d.g, f->cx[P]);
    if (f->cx[V] && f->dx[P])
        hesse_pairs_to_keys(f, 1, f->dx[P], adjoints(f), f->cx[V], f->d.g);
}

const hesse_op hesse_op_mix = {
    .name = "mix",
    .kind = HESSE_MIX,
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
