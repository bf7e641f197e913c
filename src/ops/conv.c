/* y = X W' + b, where row p of X is the patch of the image under the window at place p:
   its c x kernel_rows x kernel_cols numbers in the order of W's columns.  X is kept, so
   the products that move with W are those of a linear map.  X itself is a linear map of
   x, "gather", and "scatter" is its transpose. Tangents of patches are made a few at a
   time, on the stack, for the products with W, W' and yb.  docs/math.md, section
   3.11. */
#include "ops/gemm.h"
#include "ops/image.h"
#include "ops/loops.h"
#include "ops/weight.h"

#include <assert.h>
#include <cblas.h>

enum { X, W, B };

/* The most tangents of patches at a time. */
enum { CHUNK = 64 };

/* Limits for the patches at hand: numbers in all, and the entries that a product needs
   in a row, or the tokens that it needs in a column. Products with one tangent go to
   BLAS, which prefers larger sizes. MOST is half a MiB of stack. */
typedef struct amounts {
    int room, entries, tokens;
} amounts;

enum { MOST = (1 << 19) / sizeof(real), ROOM = (1 << 16) / sizeof(real) };

static amounts amounts_of(int k)
{
    return k == 1 ? (amounts){MOST, 512, 256} : (amounts){ROOM, 256, 64};
}

static int width(const hesse_dims *d, int i)
{
    return i == X ? d->c : d->o;
}

/* Return the numbers in a patch. */
static int patch(const hesse_dims *d)
{
    return d->c * d->image.kernel_rows * d->image.kernel_cols;
}

static hesse_rect shape(const hesse_dims *d, int i)
{
    return i == B ? (hesse_rect){0, 1, 0, d->o} : (hesse_rect){0, d->o, 0, patch(d)};
}

static int keep(const hesse_dims *d)
{
    return patch(d);
}

static double work(const hesse_dims *d, const hesse_use *use)
{
    const int n = hesse_image_all(d);
    const double full = 2.0 * n * patch(d) * d->o;
    const double part = 2.0 * n * use->want[W].rows * use->want[W].cols;
    const int turned = use->dense && use->moves[W]; /* also products with dW */
    const double up = full * use->wanted[X] * (1 + turned) +
                      part * (use->wanted[W] * (1 + use->moves[X]));
    return full * (use->moves[X] + turned) + use->shares * up;
}

/* A part of the patches: entries q ... q + entries - 1 at the `tokens` places from
   `token` on, and k of their tangents from `at` on: tokens x entries x k numbers. */
typedef struct some {
    int token, tokens, q, entries, at, k;
} some;

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Visit all patches, entries first ... end - 1, at most `most` of them at once. */
static bool next(const hesse_frame *f, int first, int end, int most, some *s)
{
    const int n = hesse_image_all(&f->d), room = amounts_of(f->k).room;
    if (!s->k) {
        *s = (some){.q = first};
    } else if ((s->token += s->tokens) == n) {
        s->token = 0;
        if ((s->q += s->entries) == end) s->q = first, s->at += s->k;
    }
    if (s->at == f->k || first >= end) return false;
    s->k = least(f->k - s->at, CHUNK);
    s->entries = least(end - s->q, least(most, room / s->k));
    s->tokens = least(n - s->token, room / (s->k * s->entries));
    return true;
}

/* Visit many entries of few tokens, for products with W. */
static bool next_rows(const hesse_frame *f, some *s)
{
    return next(f, 0, patch(&f->d), amounts_of(f->k).entries, s);
}

/* Visit few entries of many tokens, for products with yb. */
static bool next_columns(const hesse_frame *f, int first, int end, some *s)
{
    const amounts a = amounts_of(f->k);
    assert(f->k > 0);
    return next(f, first, end, a.room / (a.tokens * least(f->k, CHUNK)), s);
}

/* An entry of a patch: a channel under a place of the kernel. */
typedef struct tap {
    int channel, row, col;
} tap;

HESSE_INLINE tap tap_of(const hesse_dims *d, int q)
{
    const int area = d->image.kernel_rows * d->image.kernel_cols;
    return (tap){q / area, q % area / d->image.kernel_cols, q % d->image.kernel_cols};
}

/* Return the place of all k tangents of an entry in the tangents of x; -1: in the
   margin. */
HESSE_INLINE ptrdiff_t source(const hesse_dims *d, hesse_window w, tap t, int k)
{
    const int token = hesse_window_token(d, w, t.row, t.col);
    if (token < 0) return -1;
    return (ptrdiff_t)((size_t)token * hesse_stride(d->c, k) +
                       (size_t)t.channel * (size_t)k);
}

/* The entries of `some` under one place of the kernel, one for each channel. */
typedef struct run {
    size_t channels;
    bool margin;
    size_t x, patch;   /* the place of the first one in x, and in its patch */
    size_t patch_step; /* from one to the next; in x they are neighbours */
} run;

HESSE_INLINE run run_of(const hesse_dims *d, const some *s, hesse_window w, int place,
                        int k)
{
    const int cols = d->image.kernel_cols, area = d->image.kernel_rows * cols;
    const int first = (s->q - place + area - 1) / area;
    const int end = (s->q + s->entries - place + area - 1) / area;
    const ptrdiff_t x = source(d, w, (tap){first, place / cols, place % cols}, k);
    return (run){.channels = (size_t)(end - first),
                 .margin = x < 0,
                 .x = (size_t)(x < 0 ? 0 : x + s->at),
                 .patch = (size_t)((first * area + place - s->q) * s->k),
                 .patch_step = (size_t)(area * s->k)};
}

/* Copy the patches of x, which has k tangents. */
HESSE_SIMD static void gather(const hesse_dims *d, const some *s, int k, const real *x,
                              real *patches)
{
    const int area = d->image.kernel_rows * d->image.kernel_cols;
    const size_t count = (size_t)s->k;
    for (int i = 0; i < s->tokens; i++, patches += (size_t)s->entries * count) {
        const hesse_window w = hesse_window_of(d, s->token + i);
        for (int place = 0; place < area; place++) {
            const run r = run_of(d, s, w, place, k);
            const real *from = x + r.x;
            real *to = patches + r.patch;
            for (size_t c = 0; c < r.channels; c++)
                if (r.margin)
                    zero(count, to + c * r.patch_step);
                else if (k == 1)
                    to[c * r.patch_step] = from[c];
                else
                    scale(count, 1, from + c * (size_t)k, to + c * r.patch_step);
        }
    }
}

/* Add its patches to x: the transpose of gather. */
HESSE_SIMD static void scatter(const hesse_dims *d, const some *s, int k,
                               const real *patches, real *x)
{
    const int area = d->image.kernel_rows * d->image.kernel_cols;
    const size_t count = (size_t)s->k;
    for (int i = 0; i < s->tokens; i++, patches += (size_t)s->entries * count) {
        const hesse_window w = hesse_window_of(d, s->token + i);
        for (int place = 0; place < area; place++) {
            const run r = run_of(d, s, w, place, k);
            const real *from = patches + r.patch;
            real *to = x + r.x;
            for (size_t c = 0; c < r.channels && !r.margin; c++)
                if (k == 1)
                    to[c] += from[c * r.patch_step];
                else
                    add(count, 1, from + c * r.patch_step, to + c * (size_t)k);
        }
    }
}

static void forward(const hesse_frame *f)
{
    const int n = hesse_image_all(&f->d), q = patch(&f->d), o = f->d.o;
    const some all = {.tokens = n, .entries = q, .k = 1};
    gather(&f->d, &all, 1, f->x[X], f->keep);
    HESSE_CBLAS(gemm)
    (CblasRowMajor, CblasNoTrans, CblasTrans, n, o, q, 1, f->keep, q, f->x[W], q, 0,
     f->y, o);
    if (f->x[B]) hesse_bias_add(n, (size_t)o, (size_t)o, f->x[B], f->y);
}

/* y += patches W', with some columns of W. */
static void apply(const hesse_frame *f, const some *s, const real *patches, real *y)
{
    const int o = f->d.o, q = patch(&f->d);
    const size_t stride = hesse_stride(o, f->k);
    const real *w = f->x[W] + s->q;
    y += (size_t)s->token * stride + (size_t)s->at;
    if (f->k == 1) {
        HESSE_CBLAS(gemm)
        (CblasRowMajor, CblasNoTrans, CblasTrans, s->tokens, o, s->entries, 1, patches,
         s->entries, w, q, 1, y, o);
        return;
    }
    for (int i = 0; i < s->tokens; i++)
        hesse_gemm(HESSE_ADD, o, (size_t)s->k, s->entries, 1,
                   (hesse_strided){w, (size_t)q, 1},
                   patches + (size_t)i * (size_t)s->entries * (size_t)s->k,
                   (size_t)s->k, y + (size_t)i * stride, (size_t)f->k);
}

/* patches = cy W, with the same columns. */
static void apply_back(const hesse_frame *f, const some *s, const real *cy,
                       real *patches)
{
    const int o = f->d.o, q = patch(&f->d);
    const size_t stride = hesse_stride(o, f->k);
    const real *w = f->x[W] + s->q;
    cy += (size_t)s->token * stride + (size_t)s->at;
    if (f->k == 1) {
        HESSE_CBLAS(gemm)
        (CblasRowMajor, CblasNoTrans, CblasNoTrans, s->tokens, s->entries, o, 1, cy, o,
         w, q, 0, patches, s->entries);
        return;
    }
    for (int i = 0; i < s->tokens; i++)
        hesse_gemm(
            HESSE_SET, s->entries, (size_t)s->k, o, 1, (hesse_strided){w, 1, (size_t)q},
            cy + (size_t)i * stride, (size_t)f->k,
            patches + (size_t)i * (size_t)s->entries * (size_t)s->k, (size_t)s->k);
}

static void tangent(const hesse_frame *f)
{
    const int n = hesse_image_all(&f->d), q = patch(&f->d), o = f->d.o, k = f->k;
    const size_t stride = hesse_stride(o, k);
    real patches[MOST];
    if (!f->dy) return;
    zero((size_t)n * stride, f->dy);
    for (some s = {0}; f->dx[X] && next_rows(f, &s);) {
        gather(&f->d, &s, k, f->dx[X], patches);
        apply(f, &s, patches, f->dy);
    }
    if (f->dx[W]) hesse_weight_tangents(n, q, o, f->keep, true, k, f->dx[W], f->dy);
    if (f->unit[W]) hesse_weight_units(n, q, o, f->keep, true, k, f->unit[W], f->dy);
    if (f->dx[B]) hesse_bias_add(n, (size_t)o * (size_t)k, stride, f->dx[B], f->dy);
}

static void adjoint(const hesse_frame *f)
{
    const int n = hesse_image_all(&f->d), q = patch(&f->d), o = f->d.o, k = f->k;
    real patches[MOST];
    if (!f->cy) return;
    for (some s = {0}; f->cx[X] && next_rows(f, &s);) {
        apply_back(f, &s, f->cy, patches);
        scatter(&f->d, &s, k, patches, f->cx[X]);
    }
    if (f->cx[W])
        hesse_weight_correlate(n, q, o, f->keep, f->cy, k, f->want[W], true, f->cx[W]);
    if (f->cx[B])
        hesse_bias_sum(n, (size_t)f->want[B].cols * (size_t)k, hesse_stride(o, k),
                       f->cy + (size_t)f->want[B].col * (size_t)k, f->cx[B]);
}

/* patches = yb dW. */
static void bend(const hesse_frame *f, const some *s, real *patches)
{
    const size_t q = (size_t)patch(&f->d), o = (size_t)f->d.o, k = (size_t)f->k;
    const hesse_strided yb = {f->yb + (size_t)s->token * o, o, 1};
    if (f->k == 1) {
        HESSE_CBLAS(gemm)
        (CblasRowMajor, CblasNoTrans, CblasNoTrans, s->tokens, s->entries, f->d.o, 1,
         yb.at, f->d.o, f->dx[W] + s->q, (int)q, 0, patches, s->entries);
        return;
    }
    for (int j = 0; j < s->entries; j++)
        hesse_gemm(HESSE_SET, s->tokens, (size_t)s->k, f->d.o, 1, yb,
                   f->dx[W] + (size_t)(s->q + j) * k + s->at, q * k,
                   patches + (size_t)j * (size_t)s->k,
                   (size_t)s->entries * (size_t)s->k);
}

/* Add the same to x, where tangent i is the unit direction of element unit[i]. */
static void bend_units(const hesse_frame *f, real *x)
{
    const int n = hesse_image_all(&f->d), q = patch(&f->d);
    for (int i = 0; i < f->k; i++) {
        const tap t = tap_of(&f->d, f->unit[W][i] % q);
        const real *yb = f->yb + f->unit[W][i] / q;
        for (int p = 0; p < n; p++) {
            const ptrdiff_t to = source(&f->d, hesse_window_of(&f->d, p), t, f->k);
            if (to >= 0) x[to + i] += yb[(size_t)p * (size_t)f->d.o];
        }
    }
}

/* Add yb' patches to the wanted part of cw. */
static void correlate(const hesse_frame *f, const some *s, const real *patches,
                      real *cw)
{
    const hesse_rect part = f->want[W];
    const size_t o = (size_t)f->d.o, k = (size_t)f->k, row = (size_t)part.cols * k;
    const hesse_strided yb = {f->yb + (size_t)s->token * o + part.row, 1, o};
    const bool joint = s->k == f->k; /* then entries are also neighbours in cw */
    const size_t width_of_all = (size_t)s->entries * (size_t)s->k;
    real *to = cw + (size_t)(s->q - part.col) * k + (size_t)s->at;
    if (f->k == 1) {
        HESSE_CBLAS(gemm)
        (CblasRowMajor, CblasTrans, CblasNoTrans, part.rows, s->entries, s->tokens, 1,
         yb.at, f->d.o, patches, s->entries, 1, to, part.cols);
        return;
    }
    for (int j = 0; j < (joint ? 1 : s->entries); j++)
        hesse_gemm(HESSE_ADD, part.rows, joint ? width_of_all : (size_t)s->k, s->tokens,
                   1, yb, patches + (size_t)j * (size_t)s->k, width_of_all,
                   to + (size_t)j * k, row);
}

static void curvature(const hesse_frame *f)
{
    const int first = f->want[W].col, end = first + f->want[W].cols;
    real patches[MOST];
    for (some s = {0}; f->cx[X] && f->dx[W] && next_rows(f, &s);) {
        bend(f, &s, patches);
        scatter(&f->d, &s, f->k, patches, f->cx[X]);
    }
    if (f->cx[X] && f->unit[W]) bend_units(f, f->cx[X]);
    for (some s = {0}; f->cx[W] && f->dx[X] && next_columns(f, first, end, &s);) {
        gather(&f->d, &s, f->k, f->dx[X], patches);
        correlate(f, &s, patches, f->cx[W]);
    }
}

const hesse_op hesse_op_conv = {
    .name = "conv",
    .kind = HESSE_CONV,
    .activations = 1,
    .parameters = 2,
    .sequences = true,
    .tokens = hesse_image_tokens,
    .width = width,
    .shape = shape,
    .keep = keep,
    .work = work,
    .forward = forward,
    .tangent = tangent,
    .adjoint = adjoint,
    .curvature = curvature,
};

const hesse_op hesse_op_conv_unbiased = {
    .name = "conv_unbiased",
    .kind = HESSE_CONV,
    .activations = 1,
    .parameters = 1,
    .sequences = true,
    .tokens = hesse_image_tokens,
    .width = width,
    .shape = shape,
    .keep = keep,
    .work = work,
    .forward = forward,
    .tangent = tangent,
    .adjoint = adjoint,
    .curvature = curvature,
};
