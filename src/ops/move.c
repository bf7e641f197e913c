/* Operators that move numbers to other places, add a parameter by position, or put one
   in front. All of them are linear maps without curvature.  docs/math.md, section
   3.13. */
#include "ops/loops.h"
#include "ops/op.h"

static int width(const hesse_dims *d, int i)
{
    (void)i;
    return d->c;
}

static int sequences(const hesse_frame *f)
{
    return f->d.n / f->d.t;
}

static void none(const hesse_frame *f)
{
    (void)f;
}

/* select: y = one token of x. */

static int select_tokens(const hesse_dims *d)
{
    (void)d;
    return 1;
}

/* Return the place of the selected token of a sequence in x. */
static size_t selected(const hesse_frame *f, int s, int k)
{
    return (size_t)(s * f->d.t + f->d.token) * hesse_stride(f->d.c, k);
}

static void select_forward(const hesse_frame *f)
{
    const size_t c = (size_t)f->d.c;
    for (int s = 0; s < sequences(f); s++)
        memcpy(f->y + (size_t)s * c, f->x[0] + selected(f, s, 1), c * sizeof *f->y);
}

static void select_tangent(const hesse_frame *f)
{
    const size_t stride = hesse_stride(f->d.c, f->k);
    if (!f->dy) return;
    zero((size_t)sequences(f) * stride, f->dy);
    for (int s = 0; f->dx[0] && s < sequences(f); s++)
        memcpy(f->dy + (size_t)s * stride, f->dx[0] + selected(f, s, f->k),
               (size_t)f->d.c * (size_t)f->k * sizeof *f->dy);
}

HESSE_SIMD static void select_adjoint(const hesse_frame *f)
{
    const size_t stride = hesse_stride(f->d.c, f->k);
    for (int s = 0; f->cx[0] && f->cy && s < sequences(f); s++)
        add((size_t)f->d.c * (size_t)f->k, 1, f->cy + (size_t)s * stride,
            f->cx[0] + selected(f, s, f->k));
}

/* class_token: y = a token that is a parameter, followed by the tokens of x. */

enum { CLASS = 1 };

static int class_tokens(const hesse_dims *d)
{
    return d->t + 1;
}

static hesse_rect class_shape(const hesse_dims *d, int i)
{
    (void)i;
    return (hesse_rect){0, 1, 0, d->c};
}

static void class_forward(const hesse_frame *f)
{
    const size_t c = (size_t)f->d.c, t = (size_t)f->d.t;
    for (size_t s = 0; s < (size_t)sequences(f); s++) {
        real *y = f->y + s * (t + 1) * c;
        memcpy(y, f->x[CLASS], c * sizeof *y);
        memcpy(y + c, f->x[0] + s * t * c, t * c * sizeof *y);
    }
}

static void class_tangent(const hesse_frame *f)
{
    const size_t stride = hesse_stride(f->d.c, f->k), t = (size_t)f->d.t;
    if (!f->dy) return;
    zero((size_t)sequences(f) * (t + 1) * stride, f->dy);
    for (size_t s = 0; s < (size_t)sequences(f); s++) {
        real *dy = f->dy + s * (t + 1) * stride;
        if (f->dx[CLASS])
            memcpy(dy, f->dx[CLASS], (size_t)f->d.c * (size_t)f->k * sizeof *dy);
        if (f->dx[0])
            memcpy(dy + stride, f->dx[0] + s * t * stride, t * stride * sizeof *dy);
    }
}

HESSE_SIMD static void class_adjoint(const hesse_frame *f)
{
    const size_t stride = hesse_stride(f->d.c, f->k), t = (size_t)f->d.t;
    const hesse_rect part = f->want[CLASS];
    for (size_t s = 0; f->cy && s < (size_t)sequences(f); s++) {
        const real *cy = f->cy + s * (t + 1) * stride;
        if (f->cx[CLASS])
            add((size_t)part.cols * (size_t)f->k, 1,
                cy + (size_t)part.col * (size_t)f->k, f->cx[CLASS]);
        if (f->cx[0]) add(t * stride, 1, cy + stride, f->cx[0] + s * t * stride);
    }
}

/* transpose: tokens become channels, and channels become tokens. */

static int transpose_tokens(const hesse_dims *d)
{
    return d->c;
}

static int transpose_width(const hesse_dims *d, int i)
{
    return i ? d->t : d->c;
}

/* y += x', for every sequence; x has t tokens of c channels. */
HESSE_INLINE void turn(int sequences, int t, int c, int k, const real *x, real *y)
{
    const size_t from = hesse_stride(c, k), to = hesse_stride(t, k), one = (size_t)k;
    for (int s = 0; s < sequences; s++)
        for (int i = 0; i < t; i++)
            for (int j = 0; j < c; j++)
                add(one, 1, x + (size_t)(s * t + i) * from + (size_t)j * one,
                    y + (size_t)(s * c + j) * to + (size_t)i * one);
}

HESSE_SIMD static void transpose_forward(const hesse_frame *f)
{
    zero((size_t)f->d.n * (size_t)f->d.c, f->y);
    turn(sequences(f), f->d.t, f->d.c, 1, f->x[0], f->y);
}

HESSE_SIMD static void transpose_tangent(const hesse_frame *f)
{
    if (!f->dy) return;
    zero((size_t)(sequences(f) * f->d.c) * hesse_stride(f->d.t, f->k), f->dy);
    if (f->dx[0]) turn(sequences(f), f->d.t, f->d.c, f->k, f->dx[0], f->dy);
}

HESSE_SIMD static void transpose_adjoint(const hesse_frame *f)
{
    if (f->cx[0] && f->cy) turn(sequences(f), f->d.c, f->d.t, f->k, f->cy, f->cx[0]);
}

/* positions: y = x + P, with row i of P for the token at position i of its sequence. */

enum { P = 1 };

static hesse_rect positions_shape(const hesse_dims *d, int i)
{
    (void)i;
    return (hesse_rect){0, d->t, 0, d->c};
}

/* It keeps the position of a token, since frames of the other functions may begin
   anywhere in a sequence. */
static int positions_keep(const hesse_dims *d)
{
    (void)d;
    return 1;
}

static size_t place(const hesse_frame *f, int i)
{
    return (size_t)f->keep[i];
}

HESSE_SIMD static void positions_forward(const hesse_frame *f)
{
    const size_t c = (size_t)f->d.c;
    memcpy(f->y, f->x[0], (size_t)f->d.n * c * sizeof *f->y);
    for (int i = 0; i < f->d.n; i++) {
        f->keep[i] = (real)(i % f->d.t);
        add(c, 1, f->x[P] + place(f, i) * c, f->y + (size_t)i * c);
    }
}

HESSE_SIMD static void positions_tangent(const hesse_frame *f)
{
    const size_t c = (size_t)f->d.c, k = (size_t)f->k;
    const size_t stride = hesse_stride(f->d.c, f->k), all = (size_t)f->d.n * stride;
    if (!f->dy) return;
    if (f->dx[0])
        memcpy(f->dy, f->dx[0], all * sizeof *f->dy);
    else
        zero(all, f->dy);
    for (int i = 0; i < f->d.n; i++) {
        real *dy = f->dy + (size_t)i * stride;
        if (f->dx[P]) add(c * k, 1, f->dx[P] + place(f, i) * c * k, dy);
        for (size_t j = 0; f->unit[P] && j < k; j++)
            if ((size_t)f->unit[P][j] / c == place(f, i))
                dy[(size_t)f->unit[P][j] % c * k + j] += 1;
    }
}

HESSE_SIMD static void positions_adjoint(const hesse_frame *f)
{
    const size_t k = (size_t)f->k, stride = hesse_stride(f->d.c, f->k);
    const hesse_rect part = f->want[P];
    if (!f->cy) return;
    if (f->cx[0]) add((size_t)f->d.n * stride, 1, f->cy, f->cx[0]);
    for (int i = 0; f->cx[P] && i < f->d.n; i++) {
        const int row = (int)place(f, i) - part.row;
        const size_t count = (size_t)part.cols * k;
        if (row < 0 || row >= part.rows) continue;
        add(count, 1, f->cy + (size_t)i * stride + (size_t)part.col * k,
            f->cx[P] + (size_t)row * count);
    }
}

/* mapped_positions: y = x + M P, with row i of M P for the token at position i. M is a
   constant with a row for every position and a column for every row of P. Most of its
   numbers are 0. */

enum { M = 2 };

static hesse_rect mapped_shape(const hesse_dims *d, int i)
{
    return i == P ? (hesse_rect){0, d->o, 0, d->c} : (hesse_rect){0, d->t, 0, d->o};
}

/* Return the row of M that belongs to token i. */
static const real *factors(const hesse_frame *f, int i)
{
    return f->x[M] + place(f, i) * (size_t)f->d.o;
}

HESSE_SIMD static void mapped_forward(const hesse_frame *f)
{
    const size_t c = (size_t)f->d.c;
    memcpy(f->y, f->x[0], (size_t)f->d.n * c * sizeof *f->y);
    for (int i = 0; i < f->d.n; i++) {
        f->keep[i] = (real)(i % f->d.t);
        const real *m = factors(f, i);
        for (int r = 0; r < f->d.o; r++)
            if (m[r] != 0) add(c, m[r], f->x[P] + (size_t)r * c, f->y + (size_t)i * c);
    }
}

HESSE_SIMD static void mapped_tangent(const hesse_frame *f)
{
    const size_t c = (size_t)f->d.c, k = (size_t)f->k;
    const size_t stride = hesse_stride(f->d.c, f->k), all = (size_t)f->d.n * stride;
    if (!f->dy) return;
    if (f->dx[0])
        memcpy(f->dy, f->dx[0], all * sizeof *f->dy);
    else
        zero(all, f->dy);
    for (int i = 0; i < f->d.n; i++) {
        const real *m = factors(f, i);
        real *dy = f->dy + (size_t)i * stride;
        for (int r = 0; f->dx[P] && r < f->d.o; r++)
            if (m[r] != 0) add(c * k, m[r], f->dx[P] + (size_t)r * c * k, dy);
        for (size_t j = 0; f->unit[P] && j < k; j++)
            dy[(size_t)f->unit[P][j] % c * k + j] += m[(size_t)f->unit[P][j] / c];
    }
}

HESSE_SIMD static void mapped_adjoint(const hesse_frame *f)
{
    const size_t k = (size_t)f->k, stride = hesse_stride(f->d.c, f->k);
    const hesse_rect part = f->want[P];
    const size_t count = (size_t)part.cols * k;
    if (!f->cy) return;
    if (f->cx[0]) add((size_t)f->d.n * stride, 1, f->cy, f->cx[0]);
    for (int i = 0; f->cx[P] && i < f->d.n; i++) {
        const real *m = factors(f, i) + part.row;
        const real *cy = f->cy + (size_t)i * stride + (size_t)part.col * k;
        for (int r = 0; r < part.rows; r++)
            if (m[r] != 0) add(count, m[r], cy, f->cx[P] + (size_t)r * count);
    }
}

/* mask: y = x before a token, and zero from it on. */

/* Copy the tokens of a sequence before the first hidden one, and set the others to
   zero. */
static void masked_copy(const hesse_frame *f, int k, const real *x, real *y)
{
    const size_t stride = hesse_stride(f->d.c, k), t = (size_t)f->d.t;
    zero((size_t)f->d.n * stride, y);
    for (size_t s = 0; s < (size_t)sequences(f); s++)
        memcpy(y + s * t * stride, x + s * t * stride,
               (size_t)f->d.token * stride * sizeof *y);
}

static void mask_forward(const hesse_frame *f)
{
    masked_copy(f, 1, f->x[0], f->y);
}

static void mask_tangent(const hesse_frame *f)
{
    if (!f->dy) return;
    if (f->dx[0])
        masked_copy(f, f->k, f->dx[0], f->dy);
    else
        zero((size_t)f->d.n * hesse_stride(f->d.c, f->k), f->dy);
}

HESSE_SIMD static void mask_adjoint(const hesse_frame *f)
{
    const size_t stride = hesse_stride(f->d.c, f->k), t = (size_t)f->d.t;
    for (size_t s = 0; f->cx[0] && f->cy && s < (size_t)sequences(f); s++)
        add((size_t)f->d.token * stride, 1, f->cy + s * t * stride,
            f->cx[0] + s * t * stride);
}

/* channels: y = some channels of x. */

static int channels_width(const hesse_dims *d, int i)
{
    return i == 0 ? d->c : d->o;
}

static void copy_channels(const hesse_frame *f, int k, const real *x, real *y)
{
    const size_t from = hesse_stride(f->d.c, k), to = hesse_stride(f->d.o, k);
    for (size_t i = 0; i < (size_t)f->d.n; i++)
        memcpy(y + i * to, x + i * from + (size_t)f->d.channel * (size_t)k,
               (size_t)f->d.o * (size_t)k * sizeof *y);
}

static void channels_forward(const hesse_frame *f)
{
    copy_channels(f, 1, f->x[0], f->y);
}

static void channels_tangent(const hesse_frame *f)
{
    if (!f->dy) return;
    zero((size_t)f->d.n * hesse_stride(f->d.o, f->k), f->dy);
    if (f->dx[0]) copy_channels(f, f->k, f->dx[0], f->dy);
}

HESSE_SIMD static void channels_adjoint(const hesse_frame *f)
{
    const size_t k = (size_t)f->k, to = hesse_stride(f->d.c, f->k);
    const size_t from = hesse_stride(f->d.o, f->k);
    for (size_t i = 0; f->cx[0] && f->cy && i < (size_t)f->d.n; i++)
        add((size_t)f->d.o * k, 1, f->cy + i * from,
            f->cx[0] + i * to + (size_t)f->d.channel * k);
}

/* append: y = the channels of x_0, and then those of x_1. */

static int append_width(const hesse_dims *d, int i)
{
    return i == 0 ? d->c : i == 1 ? d->o : d->c + d->o;
}

/* Place the channels of input i in y. */
static void place_channels(const hesse_frame *f, int k, int i, const real *x, real *y)
{
    const int own = i ? f->d.o : f->d.c, first = i ? f->d.c : 0;
    const size_t from = hesse_stride(own, k), to = hesse_stride(f->d.c + f->d.o, k);
    for (size_t t = 0; t < (size_t)f->d.n; t++)
        memcpy(y + t * to + (size_t)first * (size_t)k, x + t * from,
               (size_t)own * (size_t)k * sizeof *y);
}

static void append_forward(const hesse_frame *f)
{
    for (int i = 0; i < 2; i++) place_channels(f, 1, i, f->x[i], f->y);
}

static void append_tangent(const hesse_frame *f)
{
    if (!f->dy) return;
    zero((size_t)f->d.n * hesse_stride(f->d.c + f->d.o, f->k), f->dy);
    for (int i = 0; i < 2; i++)
        if (f->dx[i]) place_channels(f, f->k, i, f->dx[i], f->dy);
}

HESSE_SIMD static void append_adjoint(const hesse_frame *f)
{
    const size_t k = (size_t)f->k, from = hesse_stride(f->d.c + f->d.o, f->k);
    for (int i = 0; i < 2 && f->cy; i++) {
        const size_t own = (size_t)(i ? f->d.o : f->d.c),
                     first = i ? (size_t)f->d.c : 0;
        const size_t to = hesse_stride((int)own, f->k);
        for (size_t t = 0; f->cx[i] && t < (size_t)f->d.n; t++)
            add(own * k, 1, f->cy + t * from + first * k, f->cx[i] + t * to);
    }
}

const hesse_op hesse_op_mask = {
    .name = "mask",
    .kind = HESSE_MOVE,
    .activations = 1,
    .sequences = true,
    .width = width,
    .forward = mask_forward,
    .tangent = mask_tangent,
    .adjoint = mask_adjoint,
    .curvature = none,
};

const hesse_op hesse_op_channels = {
    .name = "channels",
    .kind = HESSE_MOVE,
    .activations = 1,
    .width = channels_width,
    .forward = channels_forward,
    .tangent = channels_tangent,
    .adjoint = channels_adjoint,
    .curvature = none,
};

const hesse_op hesse_op_append = {
    .name = "append",
    .kind = HESSE_MOVE,
    .activations = 2,
    .width = append_width,
    .forward = append_forward,
    .tangent = append_tangent,
    .adjoint = append_adjoint,
    .curvature = none,
};

const hesse_op hesse_op_select = {
    .name = "select",
    .kind = HESSE_MOVE,
    .activations = 1,
    .sequences = true,
    .tokens = select_tokens,
    .width = width,
    .forward = select_forward,
    .tangent = select_tangent,
    .adjoint = select_adjoint,
    .curvature = none,
};

const hesse_op hesse_op_class_token = {
    .name = "class_token",
    .kind = HESSE_MOVE,
    .activations = 1,
    .parameters = 1,
    .sequences = true,
    .tokens = class_tokens,
    .width = width,
    .shape = class_shape,
    .forward = class_forward,
    .tangent = class_tangent,
    .adjoint = class_adjoint,
    .curvature = none,
};

const hesse_op hesse_op_transpose = {
    .name = "transpose",
    .kind = HESSE_MOVE,
    .activations = 1,
    .sequences = true,
    .tokens = transpose_tokens,
    .width = transpose_width,
    .forward = transpose_forward,
    .tangent = transpose_tangent,
    .adjoint = transpose_adjoint,
    .curvature = none,
};

const hesse_op hesse_op_positions = {
    .name = "positions",
    .kind = HESSE_MOVE,
    .activations = 1,
    .parameters = 1,
    .width = width,
    .shape = positions_shape,
    .keep = positions_keep,
    .forward = positions_forward,
    .tangent = positions_tangent,
    .adjoint = positions_adjoint,
    .curvature = none,
};

const hesse_op hesse_op_mapped_positions = {
    .name = "mapped_positions",
    .kind = HESSE_MOVE,
    .activations = 1,
    .parameters = 1,
    .constants = 1,
    .width = width,
    .shape = mapped_shape,
    .keep = positions_keep,
    .forward = mapped_forward,
    .tangent = mapped_tangent,
    .adjoint = mapped_adjoint,
    .curvature = none,
};
