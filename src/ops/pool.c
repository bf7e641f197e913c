/* Operators that leave fewer tokens, channel by channel: the largest number under a
   window, the mean of the numbers under it, the mean of all tokens that are not
   padding, or the mean of the tokens in each of a given number of fields. They are
   linear, or piecewise linear, so there is no curvature.  The margin counts as zeros in
   a mean; a maximum ignores it. docs/math.md, section 3.12. */
#include "ops/image.h"
#include "ops/loops.h"

#include <math.h>

static int width(const hesse_dims *d, int i)
{
    (void)i;
    return d->c;
}

static int one_token(const hesse_dims *d)
{
    (void)d;
    return 1;
}

/* It keeps, for every channel, the token of the sequence that had the largest
   number. */
static int keep(const hesse_dims *d)
{
    return d->c;
}

static void none(const hesse_frame *f)
{
    (void)f;
}

static void max_forward(const hesse_frame *f)
{
    const size_t c = (size_t)f->d.c;
    for (int p = 0; p < hesse_image_all(&f->d); p++) {
        const hesse_window w = hesse_window_of(&f->d, p);
        real *y = f->y + (size_t)p * c, *best = f->keep + (size_t)p * c;
        for (size_t j = 0; j < c; j++) y[j] = -INFINITY, best[j] = 0;
        for (int row = 0; row < f->d.image.kernel_rows; row++)
            for (int col = 0; col < f->d.image.kernel_cols; col++) {
                const int token = hesse_window_token(&f->d, w, row, col);
                if (token < 0) continue;
                const real *x = f->x[0] + (size_t)token * c;
                for (size_t j = 0; j < c; j++)
                    if (!(x[j] <= y[j])) y[j] = x[j], best[j] = (real)(token - w.first);
            }
    }
}

/* Return the place of the tangents of a channel's largest number in the tangents
   of x. */
HESSE_INLINE size_t best_of(const hesse_frame *f, int p, int first, size_t channel)
{
    const size_t token = (size_t)f->keep[(size_t)p * (size_t)f->d.c + channel];
    return ((size_t)first + token) * hesse_stride(f->d.c, f->k) +
           channel * (size_t)f->k;
}

HESSE_SIMD static void max_tangent(const hesse_frame *f)
{
    const size_t c = (size_t)f->d.c, k = (size_t)f->k;
    const size_t stride = hesse_stride(f->d.c, f->k);
    const int n = hesse_image_all(&f->d);
    if (!f->dy) return;
    zero((size_t)n * stride, f->dy);
    for (int p = 0; f->dx[0] && p < n; p++) {
        const int first = hesse_window_of(&f->d, p).first;
        for (size_t j = 0; j < c; j++)
            add(k, 1, f->dx[0] + best_of(f, p, first, j),
                f->dy + (size_t)p * stride + j * k);
    }
}

HESSE_SIMD static void max_adjoint(const hesse_frame *f)
{
    const size_t c = (size_t)f->d.c, k = (size_t)f->k;
    const size_t stride = hesse_stride(f->d.c, f->k);
    for (int p = 0; f->cx[0] && f->cy && p < hesse_image_all(&f->d); p++) {
        const int first = hesse_window_of(&f->d, p).first;
        for (size_t j = 0; j < c; j++)
            add(k, 1, f->cy + (size_t)p * stride + j * k,
                f->cx[0] + best_of(f, p, first, j));
    }
}

/* y += the means of the windows of x; if back, x += the transpose of this map at y. */
HESSE_INLINE void windows(const hesse_frame *f, int k, const real *from, real *to,
                          bool back)
{
    const hesse_image *g = &f->d.image;
    const size_t stride = hesse_stride(f->d.c, k), count = (size_t)f->d.c * (size_t)k;
    const real part = 1 / (real)(g->kernel_rows * g->kernel_cols);
    for (int p = 0; p < hesse_image_all(&f->d); p++) {
        const hesse_window w = hesse_window_of(&f->d, p);
        for (int row = 0; row < g->kernel_rows; row++)
            for (int col = 0; col < g->kernel_cols; col++) {
                const int token = hesse_window_token(&f->d, w, row, col);
                if (token < 0) continue;
                const size_t x = (size_t)token * stride, y = (size_t)p * stride;
                add(count, part, from + (back ? y : x), to + (back ? x : y));
            }
    }
}

/* Add the same for the mean of the tokens of a sequence that are not padding: those
   that its last token may attend to. */
HESSE_INLINE void means(const hesse_frame *f, int k, const real *from, real *to,
                        bool back)
{
    const size_t stride = hesse_stride(f->d.c, k), count = (size_t)f->d.c * (size_t)k;
    for (int s = 0; s < f->d.n / f->d.t; s++) {
        const int last = s * f->d.t + f->d.t - 1;
        const int begin = f->from ? f->from[last] : 0;
        const int end = f->id ? f->id[last] : f->d.t;
        for (int i = begin; i < end; i++) {
            const size_t x = (size_t)(s * f->d.t + i) * stride, y = (size_t)s * stride;
            add(count, 1 / (real)(end - begin), from + (back ? y : x),
                to + (back ? x : y));
        }
    }
}

/* A row of `pixels` is divided into `fields` of equal length. Pixels first ... end - 1
   touch field `at`. Neighbouring fields may share pixels; if there are fewer pixels
   than fields, several fields have the same single pixel. */
typedef struct field {
    int first, end;
} field;

static field field_of(int pixels, int at, int fields)
{
    return (field){at * pixels / fields, ((at + 1) * pixels + fields - 1) / fields};
}

/* Add the same for the means of kernel_rows x kernel_cols fields. */
HESSE_INLINE void fields(const hesse_frame *f, int k, const real *from, real *to,
                         bool back)
{
    const hesse_image *g = &f->d.image;
    const size_t stride = hesse_stride(f->d.c, k), count = (size_t)f->d.c * (size_t)k;
    const int cols = g->kernel_cols, each = g->kernel_rows * cols;
    for (int p = 0; p < f->d.n / f->d.t * each; p++) {
        const field row = field_of(g->rows, p % each / cols, g->kernel_rows);
        const field col = field_of(g->cols, p % cols, cols);
        const real part = 1 / (real)((row.end - row.first) * (col.end - col.first));
        for (int r = row.first; r < row.end; r++)
            for (int c = col.first; c < col.end; c++) {
                const int token = p / each * f->d.t + r * g->cols + c;
                const size_t x = (size_t)token * stride, y = (size_t)p * stride;
                add(count, part, from + (back ? y : x), to + (back ? x : y));
            }
    }
}

static int field_tokens(const hesse_dims *d)
{
    return d->image.kernel_rows * d->image.kernel_cols;
}

static int all_fields(const hesse_frame *f)
{
    return f->d.n / f->d.t * field_tokens(&f->d);
}

HESSE_SIMD static void average_forward(const hesse_frame *f)
{
    zero((size_t)hesse_image_all(&f->d) * (size_t)f->d.c, f->y);
    windows(f, 1, f->x[0], f->y, false);
}

HESSE_SIMD static void average_tangent(const hesse_frame *f)
{
    if (!f->dy) return;
    zero((size_t)hesse_image_all(&f->d) * hesse_stride(f->d.c, f->k), f->dy);
    if (f->dx[0]) windows(f, f->k, f->dx[0], f->dy, false);
}

HESSE_SIMD static void average_adjoint(const hesse_frame *f)
{
    if (f->cx[0] && f->cy) windows(f, f->k, f->cy, f->cx[0], true);
}

HESSE_SIMD static void field_forward(const hesse_frame *f)
{
    zero((size_t)all_fields(f) * (size_t)f->d.c, f->y);
    fields(f, 1, f->x[0], f->y, false);
}

HESSE_SIMD static void field_tangent(const hesse_frame *f)
{
    if (!f->dy) return;
    zero((size_t)all_fields(f) * hesse_stride(f->d.c, f->k), f->dy);
    if (f->dx[0]) fields(f, f->k, f->dx[0], f->dy, false);
}

HESSE_SIMD static void field_adjoint(const hesse_frame *f)
{
    if (f->cx[0] && f->cy) fields(f, f->k, f->cy, f->cx[0], true);
}

HESSE_SIMD static void mean_forward(const hesse_frame *f)
{
    zero((size_t)(f->d.n / f->d.t) * (size_t)f->d.c, f->y);
    means(f, 1, f->x[0], f->y, false);
}

HESSE_SIMD static void mean_tangent(const hesse_frame *f)
{
    if (!f->dy) return;
    zero((size_t)(f->d.n / f->d.t) * hesse_stride(f->d.c, f->k), f->dy);
    if (f->dx[0]) means(f, f->k, f->dx[0], f->dy, false);
}

HESSE_SIMD static void mean_adjoint(const hesse_frame *f)
{
    if (f->cx[0] && f->cy) means(f, f->k, f->cy, f->cx[0], true);
}

const hesse_op hesse_op_max_pool = {
    .name = "max_pool",
    .kind = HESSE_POOL,
    .activations = 1,
    .sequences = true,
    .tokens = hesse_image_tokens,
    .width = width,
    .keep = keep,
    .forward = max_forward,
    .tangent = max_tangent,
    .adjoint = max_adjoint,
    .curvature = none,
};

const hesse_op hesse_op_average_pool = {
    .name = "average_pool",
    .kind = HESSE_POOL,
    .activations = 1,
    .sequences = true,
    .tokens = hesse_image_tokens,
    .width = width,
    .forward = average_forward,
    .tangent = average_tangent,
    .adjoint = average_adjoint,
    .curvature = none,
};

const hesse_op hesse_op_adaptive_pool = {
    .name = "adaptive_pool",
    .kind = HESSE_POOL,
    .activations = 1,
    .sequences = true,
    .tokens = field_tokens,
    .width = width,
    .forward = field_forward,
    .tangent = field_tangent,
    .adjoint = field_adjoint,
    .curvature = none,
};

const hesse_op hesse_op_mean_pool = {
    .name = "mean_pool",
    .kind = HESSE_POOL,
    .activations = 1,
    .sequences = true,
    .tokens = one_token,
    .width = width,
    .forward = mean_forward,
    .tangent = mean_tangent,
    .adjoint = mean_adjoint,
    .curvature = none,
};
