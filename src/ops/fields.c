/* Operators on the h fields of e channels that make up a token, c = h e: the sum of a
   field, its largest number, of which equal ones the first counts, and the ranks of its
   numbers. All are linear maps where they have a derivative, so there is no curvature.
   docs/math.md, section 3.17. */
#include "ops/loops.h"
#include "ops/op.h"

#include <math.h>

static int width(const hesse_dims *d, int i)
{
    return i ? d->h : d->c;
}

static void none(const hesse_frame *f)
{
    (void)f;
}

HESSE_SIMD static void sum_forward(const hesse_frame *f)
{
    const size_t fields = (size_t)f->d.n * (size_t)f->d.h,
                 e = (size_t)(f->d.c / f->d.h);
    for (size_t i = 0; i < fields; i++) {
        real sum = 0;
        for (size_t j = 0; j < e; j++) sum += f->x[0][i * e + j];
        f->y[i] = sum;
    }
}

HESSE_SIMD static void sum_tangent(const hesse_frame *f)
{
    const size_t k = (size_t)f->k, h = (size_t)f->d.h, e = (size_t)f->d.c / h;
    const size_t from = hesse_stride(f->d.c, f->k), to = hesse_stride(f->d.h, f->k);
    if (!f->dy) return;
    zero((size_t)f->d.n * to, f->dy);
    for (size_t i = 0; f->dx[0] && i < (size_t)f->d.n; i++)
        for (size_t j = 0; j < (size_t)f->d.c; j++)
            add(k, 1, f->dx[0] + i * from + j * k, f->dy + i * to + j / e * k);
}

HESSE_SIMD static void sum_adjoint(const hesse_frame *f)
{
    const size_t k = (size_t)f->k, h = (size_t)f->d.h, e = (size_t)f->d.c / h;
    const size_t from = hesse_stride(f->d.c, f->k), to = hesse_stride(f->d.h, f->k);
    for (size_t i = 0; f->cx[0] && f->cy && i < (size_t)f->d.n; i++)
        for (size_t j = 0; j < (size_t)f->d.c; j++)
            add(k, 1, f->cy + i * to + j / e * k, f->cx[0] + i * from + j * k);
}

/* It keeps the channel of the largest number of every field. */
static int largest_keep(const hesse_dims *d)
{
    return d->h;
}

static void largest_forward(const hesse_frame *f)
{
    const size_t h = (size_t)f->d.h, e = (size_t)f->d.c / h;
    for (size_t i = 0; i < (size_t)f->d.n * h; i++) {
        const real *x = f->x[0] + i * e;
        size_t best = 0;
        for (size_t j = 1; j < e; j++)
            if (x[j] > x[best] || (isnan(x[j]) && !isnan(x[best]))) best = j;
        f->y[i] = x[best];
        f->keep[i] = (real)(i % h * e + best);
    }
}

/* Return where the k copies of the largest number of a field begin. */
HESSE_INLINE size_t chosen(const hesse_frame *f, size_t i, size_t field)
{
    return i * hesse_stride(f->d.c, f->k) +
           (size_t)f->keep[i * (size_t)f->d.h + field] * (size_t)f->k;
}

HESSE_SIMD static void largest_tangent(const hesse_frame *f)
{
    const size_t k = (size_t)f->k, to = hesse_stride(f->d.h, f->k);
    if (!f->dy) return;
    zero((size_t)f->d.n * to, f->dy);
    for (size_t i = 0; f->dx[0] && i < (size_t)f->d.n; i++)
        for (size_t j = 0; j < (size_t)f->d.h; j++)
            memcpy(f->dy + i * to + j * k, f->dx[0] + chosen(f, i, j),
                   k * sizeof *f->dy);
}

HESSE_SIMD static void largest_adjoint(const hesse_frame *f)
{
    const size_t k = (size_t)f->k, to = hesse_stride(f->d.h, f->k);
    for (size_t i = 0; f->cx[0] && f->cy && i < (size_t)f->d.n; i++)
        for (size_t j = 0; j < (size_t)f->d.h; j++)
            add(k, 1, f->cy + i * to + j * k, f->cx[0] + chosen(f, i, j));
}

static int ranks_width(const hesse_dims *d, int i)
{
    (void)i;
    return d->c;
}

/* A field with a NaN has no order. The time grows with e^2, which is little for the
   fields that are ranked, such as the experts of a router. */
HESSE_SIMD static void ranks_forward(const hesse_frame *f)
{
    const size_t fields = (size_t)f->d.n * (size_t)f->d.h,
                 e = (size_t)(f->d.c / f->d.h);
    for (size_t i = 0; i < fields; i++) {
        const real *x = f->x[0] + i * e;
        bool ordered = true;
        for (size_t j = 0; j < e; j++) ordered = ordered && !isnan(x[j]);
        for (size_t j = 0; j < e; j++) {
            size_t larger = 0;
            for (size_t l = 0; l < j; l++) larger += x[l] >= x[j];
            for (size_t l = j + 1; l < e; l++) larger += x[l] > x[j];
            f->y[i * e + j] = ordered ? (real)larger : NAN;
        }
    }
}

static void ranks_tangent(const hesse_frame *f)
{
    if (f->dy) zero((size_t)f->d.n * hesse_stride(f->d.c, f->k), f->dy);
}

const hesse_op hesse_op_sum_fields = {
    .name = "sum_fields",
    .kind = HESSE_MOVE,
    .activations = 1,
    .width = width,
    .forward = sum_forward,
    .tangent = sum_tangent,
    .adjoint = sum_adjoint,
    .curvature = none,
};

const hesse_op hesse_op_max_fields = {
    .name = "max_fields",
    .kind = HESSE_MOVE,
    .activations = 1,
    .width = width,
    .keep = largest_keep,
    .forward = largest_forward,
    .tangent = largest_tangent,
    .adjoint = largest_adjoint,
    .curvature = none,
};

const hesse_op hesse_op_rank_fields = {
    .name = "rank_fields",
    .kind = HESSE_MOVE,
    .activations = 1,
    .width = ranks_width,
    .forward = ranks_forward,
    .tangent = ranks_tangent,
    .adjoint = none,
    .curvature = none,
};
