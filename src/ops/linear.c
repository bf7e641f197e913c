/* y = x W + b, W stored c x o, or y = x W' + b, W stored o x c.  The only second
   derivative that is not zero is the mixed one of x and W. So (dJ . dx)' yb is  yb dW'
   for x, and for W it is  x dyb  with the roles of x and yb exchanged: four products,
   each used twice.  docs/math.md, section 3.1. */
#include "ops/gemm.h"
#include "ops/loops.h"
#include "ops/op.h"
#include "ops/weight.h"

enum { X, W, B };

static int width(const hesse_dims *d, int i)
{
    return i == X ? d->c : d->o;
}

static hesse_rect shape(const hesse_dims *d, int i)
{
    if (i == B) return (hesse_rect){0, 1, 0, d->o};
    return d->out_rows ? (hesse_rect){0, d->o, 0, d->c}
                       : (hesse_rect){0, d->c, 0, d->o};
}

/* Count the products down, the products up, and the rows of the result, which come from
   both factors of each product. */
static double work(const hesse_dims *d, const hesse_use *use)
{
    const double full = 2.0 * d->n * d->c * d->o;
    const double part = 2.0 * d->n * use->want[W].rows * use->want[W].cols;
    const int turned = use->dense && use->moves[W]; /* also products with dW */
    const double up = full * use->wanted[X] * (1 + turned) +
                      part * (use->wanted[W] * (1 + use->moves[X]));
    return full * (use->moves[X] + turned) + use->shares * up;
}

/* A block of a matrix, of at most DEPTH columns, has NEAR numbers, 256 KiB, which stay
   in the second-level cache while all tokens are multiplied with it. DEPTH columns of
   tangents of a token stay in the first-level cache. */
enum { NEAR = (1 << 18) / sizeof(real), DEPTH = 128, PADDING = HESSE_REALS_64 };

/* Copy a block of a matrix, column by column. In the matrix, its columns may be far
   apart, so that each would lie on its own page of memory. The padding prevents columns
   from falling on the same lines of the cache. */
static hesse_strided gather(hesse_strided m, int rows, int cols, real *near)
{
    const size_t col = (size_t)rows + PADDING;
    for (int j = 0; j < cols; j++)
        for (int i = 0; i < rows; i++)
            near[(size_t)j * col + (size_t)i] =
                m.at[(size_t)i * m.row + (size_t)j * m.col];
    return (hesse_strided){near, 1, col};
}

/* y[n] += M x[n], or = the same, for each token and each of k copies; M is rows x
   cols. */
static void apply(hesse_into into, int n, int rows, int cols, hesse_strided m, int k,
                  const real *x, real *y)
{
    if (k == 1) { /* all tokens at once: y += x M' */
        hesse_gemm_plain(into, n, rows, cols, 1, (hesse_strided){x, (size_t)cols, 1},
                         hesse_transposed(m), y, (size_t)rows);
        return;
    }
    real near[NEAR + DEPTH * PADDING];
    const bool small = (size_t)rows * (size_t)cols <= NEAR;
    const int depth = small || cols < DEPTH ? cols : DEPTH;
    const int most = small ? rows : NEAR / depth / 8 * 8;
    for (int row = 0; row < rows; row += most)
        for (int col = 0; col < cols; col += depth) {
            const int some = rows - row < most ? rows - row : most;
            const int deep = cols - col < depth ? cols - col : depth;
            hesse_strided block = {m.at + (size_t)row * m.row + (size_t)col * m.col,
                                   m.row, m.col};
            if (!small) block = gather(block, some, deep, near);
            hesse_gemm_groups(&(hesse_gemm_shape){
                .into = col ? HESSE_ADD : into,
                .m = some,
                .depth = deep,
                .n = (size_t)k,
                .alpha = 1,
                .a = block,
                .b = x + (size_t)col * (size_t)k,
                .ldb = (size_t)k,
                .c = y + (size_t)row * (size_t)k,
                .ldc = (size_t)k,
                .groups = n,
                .next_b = hesse_stride(cols, k),
                .next_c = hesse_stride(rows, k),
            });
        }
}

static void apply_direction(const hesse_frame *f, int p, int q, const real *a,
                            bool turned, real *y)
{
    if (f->dx[W]) hesse_weight_tangents(f->d.n, p, q, a, turned, f->k, f->dx[W], y);
    if (f->unit[W]) hesse_weight_units(f->d.n, p, q, a, turned, f->k, f->unit[W], y);
}

/* Return the map from input to output channels as a matrix o x c. */
static hesse_strided weight(const hesse_frame *f)
{
    const size_t c = (size_t)f->d.c, o = (size_t)f->d.o;
    return f->d.out_rows ? (hesse_strided){f->x[W], c, 1}
                         : (hesse_strided){f->x[W], 1, o};
}

static void forward(const hesse_frame *f)
{
    const int n = f->d.n, c = f->d.c, o = f->d.o;
    apply(HESSE_SET, n, o, c, weight(f), 1, f->x[X], f->y);
    if (f->x[B]) hesse_bias_add(n, (size_t)o, (size_t)o, f->x[B], f->y);
}

static void tangent(const hesse_frame *f)
{
    const int n = f->d.n, c = f->d.c, o = f->d.o, k = f->k;
    if (!f->dy) return;
    if (f->dx[X])
        apply(HESSE_SET, n, o, c, weight(f), k, f->dx[X], f->dy);
    else
        zero((size_t)n * hesse_stride(o, k), f->dy);
    apply_direction(f, c, o, f->x[X], f->d.out_rows, f->dy);
    if (f->dx[B])
        hesse_bias_add(n, (size_t)o * (size_t)k, hesse_stride(o, k), f->dx[B], f->dy);
}

static void adjoint(const hesse_frame *f)
{
    const int n = f->d.n, c = f->d.c, o = f->d.o, k = f->k;
    if (!f->cy) return;
    if (f->cx[X])
        apply(f->fresh[X] ? HESSE_SET : HESSE_ADD, n, c, o, hesse_transposed(weight(f)),
              k, f->cy, f->cx[X]);
    if (f->cx[W])
        hesse_weight_correlate(n, c, o, f->x[X], f->cy, k, f->want[W], f->d.out_rows,
                               f->cx[W]);
    if (f->cx[B])
        hesse_bias_sum(n, (size_t)f->want[B].cols * (size_t)k, hesse_stride(o, k),
                       f->cy + (size_t)f->want[B].col * (size_t)k, f->cx[B]);
}

static void curvature(const hesse_frame *f)
{
    const int n = f->d.n, c = f->d.c, o = f->d.o, k = f->k;
    if (f->cx[X]) apply_direction(f, o, c, f->yb, !f->d.out_rows, f->cx[X]);
    if (f->cx[W] && f->dx[X])
        hesse_weight_correlate(n, o, c, f->yb, f->dx[X], k, f->want[W], !f->d.out_rows,
                               f->cx[W]);
}

const hesse_op hesse_op_linear = {
    .name = "linear",
    .kind = HESSE_LINEAR,
    .activations = 1,
    .sets = true,
    .parameters = 2,
    .width = width,
    .shape = shape,
    .work = work,
    .forward = forward,
    .tangent = tangent,
    .adjoint = adjoint,
    .curvature = curvature,
};

const hesse_op hesse_op_linear_unbiased = {
    .name = "linear_unbiased",
    .kind = HESSE_LINEAR,
    .activations = 1,
    .sets = true,
    .parameters = 1,
    .width = width,
    .shape = shape,
    .work = work,
    .forward = forward,
    .tangent = tangent,
    .adjoint = adjoint,
    .curvature = curvature,
};
