/* Every operator of hesse_ops is compared with the definition of its derivatives. An
   operator is tested as soon as it is in that list. */
#include "base/memory.h"
#include "check.h"
#include "ops/gemm.h"
#include "ops/op.h"

#include <math.h>
#include <stdlib.h>

/* The rounding error of a real relative to that of a double. */
static const double ROUNDING = sizeof(real) == sizeof(double) ? 1 : 0x1p29;

/* Sizes for the tests: two sequences of three tokens, two query heads for a key head. k
   is below the width of a vector, padded, or above the number that an operator takes at
   once. There are images of one row and of one column; of twelve pixels, with steps and
   margins; and with more numbers under a window than an operator takes at once. */
typedef struct setting {
    hesse_dims d;
    int k;
} setting;

static const setting settings[] = {
    {{.n = 6,
      .t = 3,
      .c = 8,
      .o = 5,
      .h = 4,
      .g = 2,
      .a = 0.7,
      .image = {1, 3, 1, 2, 1, 0}},
     3},
    {{.n = 6,
      .t = 3,
      .c = 8,
      .o = 5,
      .h = 4,
      .g = 2,
      .a = 0.7,
      .out_rows = true,
      .token = 1,
      .image = {3, 1, 2, 1, 1, 0}},
     8},
    {{.n = 6,
      .t = 3,
      .c = 8,
      .o = 5,
      .h = 2,
      .g = 2,
      .a = 0.7,
      .full = true,
      .token = 2,
      .image = {1, 3, 1, 1, 2, 0}},
     70},
    {{.n = 24,
      .t = 12,
      .c = 4,
      .o = 3,
      .h = 2,
      .g = 1,
      .a = 0.7,
      .token = 11,
      .image = {3, 4, 3, 2, 2, 1}},
     8},
    {{.n = 36,
      .t = 12,
      .c = 4,
      .o = 3,
      .h = 2,
      .g = 2,
      .a = 0.7,
      .full = true,
      .out_rows = true,
      .token = 5,
      .image = {4, 3, 2, 3, 1, 1}},
     5},
    {{.n = 8,
      .t = 4,
      .c = 32,
      .o = 3,
      .h = 2,
      .g = 1,
      .a = 0.7,
      .token = 3,
      .image = {2, 2, 3, 3, 1, 1}},
     70},
    /* With one tangent there are sums over neighbours, in vectors and in the remainder
       of them. */
    {{.n = 36,
      .t = 18,
      .c = 20,
      .o = 5,
      .h = 4,
      .g = 2,
      .a = 0.7,
      .token = 17,
      .image = {3, 6, 2, 4, 1, 1}},
     1},
};
static const int ids[36] = {2, 0, 3, -100, 2, 1, 0, 3, 3, -1, 1, 2, 0, 1, 2, 3, 3, 3};
static const int token_ids[36] = {2, 0, 3, 3, 2, 1, 0, 0, 3, 1, 1, 2, 1, 3, 0, 2, 2, 1};

/* Number of tokens (of twelve) that each token attends to, when the batch decides. */
static const int attended[36] = {12, 12, 3, 1, 5, 12, 7,  2, 9, 12, 4, 8,
                                 1,  1,  2, 3, 5, 8,  12, 6, 4, 2,  9, 10,
                                 5,  5,  5, 5, 5, 5,  5,  5, 5, 5,  5, 5};

/* Sizes that an operator narrows. */
static setting fitted(const hesse_op *op, setting s)
{
    const int e = s.d.c / s.d.h;
    if (op == &hesse_op_rotary) s.d.o = (s.d.o < e ? s.d.o : e) / 2 * 2;
    if (op == &hesse_op_embedding)
        s.d.token = s.d.token < s.d.c - 4 ? s.d.token : s.d.c - 4;
    if (!s.d.full && s.k == 8) s.d.window = 2;
    if (op == &hesse_op_gather || op == &hesse_op_spread) s.d.to = s.d.t + 2;
    if (op == &hesse_op_add_table || op == &hesse_op_times_table) {
        s.d.image.rows = s.d.full ? 1 : s.d.t;
        s.d.image.cols = s.d.out_rows ? 1 : s.d.c;
    }
    if (op == &hesse_op_spread) s.d.image.rows = 5, s.d.image.cols = 4;
    return s;
}

static bool reads_range(const hesse_op *op)
{
    return op == &hesse_op_softmax || op == &hesse_op_gaussian ||
           op == &hesse_op_mean_pool;
}

static const int *integers(const hesse_op *op, const setting *s)
{
    if (reads_range(op)) return s->d.full && s->d.n == 36 ? attended : NULL;
    return op->activations ? ids : token_ids;
}

/* True for functions that numbers from 0 do not have, or not near 0. */
static bool above_0(const hesse_op *op)
{
    return op == &hesse_op_log || op == &hesse_op_sqrt || op == &hesse_op_rsqrt ||
           op == &hesse_op_reciprocal || op == &hesse_op_power ||
           op == &hesse_op_quotient;
}

static int inputs(const hesse_op *op)
{
    return op->activations + op->parameters;
}

static bool is_parameter(const hesse_op *op, int i)
{
    return i >= op->activations && i < inputs(op);
}

/* Return the tokens of activation i; i == inputs: of the output. */
static size_t tokens(const hesse_op *op, const setting *s, int i)
{
    const int t = i < inputs(op) ? s->d.t : hesse_op_tokens(op, &s->d);
    return (size_t)(s->d.n / s->d.t * t);
}

/* Return the numbers in one copy of operand i; i == inputs: of the output. */
static size_t count(const hesse_op *op, const setting *s, int i)
{
    if (is_parameter(op, i)) {
        const hesse_rect r = op->shape(&s->d, i);
        return (size_t)(r.rows * r.cols);
    }
    if (i == inputs(op) && op->loss) return 1;
    return tokens(op, s, i) * (size_t)op->width(&s->d, i);
}

/* Return the place of element e of copy `copy` among k copies. */
static size_t at(const hesse_op *op, const setting *s, int i, int k, size_t e, int copy)
{
    if (is_parameter(op, i) || (i == inputs(op) && op->loss))
        return e * (size_t)k + (size_t)copy;
    const size_t w = (size_t)op->width(&s->d, i);
    return e / w * hesse_stride((int)w, k) + e % w * (size_t)k + (size_t)copy;
}

/* Return the numbers in k copies, with the padding. */
static size_t room(const hesse_op *op, const setting *s, int i, int k)
{
    return at(op, s, i, k, count(op, s, i) - 1, k - 1) + 1 + HESSE_REALS_64;
}

/* Return the count of numbers that forward keeps. */
static size_t kept(const hesse_op *op, const setting *s)
{
    return tokens(op, s, inputs(op)) * (size_t)op->keep(&s->d);
}

/* An operator with random operands, with constants above 0, and with zeros in the
   results that it adds to. */
typedef struct trial {
    const hesse_op *op;
    const setting *s;
    hesse_frame f;
    real *owned[64];
    int n_owned;
} trial;

static real *numbers(trial *t, size_t m, uint64_t *seed)
{
    real *a = hesse_alloc_real(m);
    assert_non_null(a);
    for (size_t i = 0; seed && i < m; i++) a[i] = (real)uniform(seed);
    return t->owned[t->n_owned++] = a;
}

/* The first token that each attends to; the same for all trials of a setting. */
static const int *begins(const hesse_frame *f)
{
    static int from[36];
    for (int i = 0; i < f->d.n; i++) {
        const int last = hesse_visible_end(f, i) - 1;
        from[i] = i % 5 < last ? i % 5 : last;
    }
    return from;
}

static trial trial_new(const hesse_op *op, const setting *s)
{
    trial t = {.op = op, .s = s, .f = {.d = s->d, .k = s->k}};
    t.f.id = integers(op, s);
    if (s->d.n == 36 && reads_range(op)) t.f.from = begins(&t.f);
    uint64_t seed = 1;
    for (int i = 0; i < inputs(op); i++) {
        real *x = numbers(&t, count(op, s, i), &seed);
        for (size_t e = 0; above_0(op) && e < count(op, s, i); e++) x[e] += (real)1.5;
        t.f.x[i] = x;
        t.f.dx[i] = numbers(&t, room(op, s, i, s->k), &seed);
        t.f.cx[i] = numbers(&t, room(op, s, i, s->k), NULL);
        if (is_parameter(op, i)) t.f.want[i] = op->shape(&s->d, i);
    }
    const int out = inputs(op);
    for (int i = out; i < out + op->constants; i++) {
        const hesse_rect r = op->shape(&s->d, i);
        real *x = numbers(&t, (size_t)(r.rows * r.cols), &seed);
        for (int e = 0; e < r.rows * r.cols; e++) x[e] += (real)1.5;
        const int places = op == &hesse_op_spread ? 20 : s->d.t * s->d.c;
        for (int e = 0; op->tokens && e < r.rows * r.cols; e++)
            x[e] = (real)(e / 7 % 3 == 2 ? e % places
                                         : (5 * e + e * e) % (places + 1) - 1);
        t.f.x[i] = x;
    }
    t.f.y = numbers(&t, count(op, s, out), NULL);
    t.f.yb = numbers(&t, count(op, s, out), &seed);
    t.f.dy = numbers(&t, room(op, s, out, s->k), NULL);
    t.f.cy = numbers(&t, room(op, s, out, s->k), &seed);
    if (op->keep) t.f.keep = numbers(&t, kept(op, s), NULL);
    op->forward(&t.f);
    return t;
}

static void trial_free(trial *t)
{
    while (t->n_owned) free(t->owned[--t->n_owned]);
}

static void assert_close(double a, double b, double tolerance)
{
    const double size = fmax(1.0, fmax(fabs(a), fabs(b)));
    if (!(fabs(a - b) <= tolerance * size)) fail_msg("%.17g and %.17g differ", a, b);
}

/* Return an element of one of the k copies of operand i. */
static double get(const trial *t, const real *a, int i, size_t e, int copy)
{
    return a[at(t->op, t->s, i, t->f.k, e, copy)];
}

static double dot(const trial *t, int i, const real *a, int copy_a, const real *b,
                  int copy_b)
{
    double s = 0;
    for (size_t e = 0; e < count(t->op, t->s, i); e++)
        s += get(t, a, i, e, copy_a) * get(t, b, i, e, copy_b);
    return s;
}

static void assert_all_close(const trial *t, int i, const real *a, const real *b,
                             double tolerance)
{
    for (int copy = 0; copy < t->f.k; copy++)
        for (size_t e = 0; e < count(t->op, t->s, i); e++)
            assert_close(get(t, a, i, e, copy), get(t, b, i, e, copy), tolerance);
}

/* Make a frame of its own from copy `copy` of f: x and yb are moved by h along dx and
   cy, and its cotangent is the moved yb, as in the frame of a gradient. Its forward has
   been run. */
static hesse_frame moved(trial *t, int copy, double h)
{
    const hesse_op *op = t->op;
    hesse_frame g = t->f;
    g.k = 1;
    for (int i = 0; i < inputs(op); i++) {
        const size_t m = count(op, t->s, i);
        real *x = numbers(t, m, NULL);
        for (size_t e = 0; e < m; e++)
            x[e] = (real)(t->f.x[i][e] + h * get(t, t->f.dx[i], i, e, copy));
        g.x[i] = x;
        g.cx[i] = numbers(t, m, NULL);
    }
    const int out = inputs(op);
    const size_t m = count(op, t->s, out);
    real *yb = numbers(t, m, NULL);
    for (size_t e = 0; e < m; e++)
        yb[e] = (real)(t->f.yb[e] + h * get(t, t->f.cy, out, e, copy));
    g.yb = g.cy = yb;
    g.y = numbers(t, m, NULL);
    if (op->keep) g.keep = numbers(t, kept(op, t->s), NULL);
    op->forward(&g);
    return g;
}

/* dy must be the central difference of y. */
static void tangents(const hesse_op *op, const setting *s)
{
    const double h = 1e-5;
    const int copies[] = {0, 1 % s->k, s->k - 1};
    for (int c = 0; c < 3; c++) {
        trial t = trial_new(op, s);
        const hesse_frame ahead = moved(&t, copies[c], h),
                          behind = moved(&t, copies[c], -h);
        op->tangent(&t.f);
        for (size_t e = 0; e < count(op, s, inputs(op)); e++)
            assert_close(get(&t, t.f.dy, inputs(op), e, copies[c]),
                         (ahead.y[e] - behind.y[e]) / (2 * h), 1e-8);
        trial_free(&t);
    }
}

/* <c, J u> = <J' c, u> must hold, up to rounding. */
static void transposes(const hesse_op *op, const setting *s)
{
    trial t = trial_new(op, s);
    op->tangent(&t.f);
    op->adjoint(&t.f);
    for (int c = 0; c < 3 && c < s->k; c++)
        for (int u = s->k < 3 ? 0 : s->k - 3; u < s->k; u++) {
            double right = 0;
            for (int i = 0; i < inputs(op); i++)
                right += dot(&t, i, t.f.cx[i], c, t.f.dx[i], u);
            assert_close(dot(&t, inputs(op), t.f.cy, c, t.f.dy, u), right,
                         1e-13 * ROUNDING);
        }
    trial_free(&t);
}

/* The gradient J' yb must move by adjoint and curvature together: the product rule. */
static void product_rule(const hesse_op *op, const setting *s)
{
    const double h = 1e-5;
    const int copies[] = {0, 2 % s->k, s->k - 1};
    for (int c = 0; c < 3; c++) {
        trial t = trial_new(op, s);
        const hesse_frame ahead = moved(&t, copies[c], h),
                          behind = moved(&t, copies[c], -h);
        op->adjoint(&ahead), op->adjoint(&behind);
        op->tangent(&t.f), op->adjoint(&t.f), op->curvature(&t.f);
        for (int i = 0; i < inputs(op); i++)
            for (size_t e = 0; e < count(op, s, i); e++)
                assert_close(get(&t, t.f.cx[i], i, e, copies[c]),
                             (ahead.cx[i][e] - behind.cx[i][e]) / (2 * h), 1e-8);
        trial_free(&t);
    }
}

/* <v, (dJ.u)' yb> = <u, (dJ.v)' yb> must hold, up to rounding. */
static void symmetry(const hesse_op *op, const setting *s)
{
    if (s->k < 2) return; /* it takes two directions */
    trial t = trial_new(op, s);
    op->tangent(&t.f), op->curvature(&t.f);
    double uv = 0, vu = 0;
    for (int i = 0; i < inputs(op); i++) {
        uv += dot(&t, i, t.f.dx[i], 1, t.f.cx[i], 0);
        vu += dot(&t, i, t.f.dx[i], 0, t.f.cx[i], 1);
    }
    assert_close(uv, vu, 1e-13 * ROUNDING);
    trial_free(&t);
}

/* A NULL operand must act like zeros, and a NULL result must not change the others,
   whichever of dx, cx, cy, dy are NULL. Curvature may read dy, which tangent left. */
static void nulls(const hesse_op *op, const setting *s)
{
    const int n_in = inputs(op), out = n_in;
    for (int mask = 0; mask < 1 << (2 * n_in + 2); mask++) {
        trial null = trial_new(op, s), zero = trial_new(op, s);
        for (int i = 0; i < n_in; i++) {
            if (mask >> i & 1) {
                null.f.dx[i] = NULL;
                zero.f.dx[i] = numbers(&zero, room(op, s, i, s->k), NULL);
            }
            if (mask >> (n_in + i) & 1) null.f.cx[i] = NULL;
        }
        if (mask >> (2 * n_in) & 1) {
            null.f.cy = NULL;
            zero.f.cy = numbers(&zero, room(op, s, out, s->k), NULL);
        }
        const bool wanted = !(mask >> (2 * n_in + 1) & 1);
        if (!wanted) null.f.dy = NULL;

        op->tangent(&null.f), op->adjoint(&null.f);
        op->tangent(&zero.f), op->adjoint(&zero.f);
        if (wanted) {
            op->curvature(&null.f), op->curvature(&zero.f);
            assert_all_close(&null, out, null.f.dy, zero.f.dy, 0);
        }
        for (int i = 0; i < n_in; i++)
            if (null.f.cx[i]) assert_all_close(&null, i, null.f.cx[i], zero.f.cx[i], 0);
        trial_free(&null), trial_free(&zero);
    }
}

/* Return copy `copy` of the k copies of operand i, as a single one. */
static real *single(trial *t, int i, const real *a, int copy)
{
    real *one = numbers(t, room(t->op, t->s, i, 1), NULL);
    for (size_t e = 0; e < count(t->op, t->s, i); e++)
        one[e] = (real)get(t, a, i, e, copy);
    return one;
}

/* Setting a fresh result must equal adding to zero, whatever it held before. */
static void fresh_ones(const hesse_op *op, const setting *s)
{
    if (!op->sets) return;
    trial set = trial_new(op, s), zero = trial_new(op, s);
    for (int i = 0; i < op->activations; i++) {
        const size_t all = room(op, s, i, s->k);
        set.f.fresh[i] = true;
        for (size_t e = 0; e < all; e++) set.f.cx[i][e] = NAN;
    }
    op->adjoint(&set.f), op->adjoint(&zero.f);
    for (int i = 0; i < op->activations; i++)
        assert_all_close(&zero, i, set.f.cx[i], zero.f.cx[i], 1e-15 * ROUNDING);
    trial_free(&set), trial_free(&zero);
}

/* So must a curvature that is called without an adjoint, also if nothing moves. */
static void fresh_curvatures(const hesse_op *op, const setting *s)
{
    if (!op->bends) return;
    for (int moves = 0; moves < 2; moves++) {
        trial set = trial_new(op, s), zero = trial_new(op, s);
        const size_t all = room(op, s, 0, s->k);
        if (!moves) set.f.dx[0] = zero.f.dx[0] = NULL;
        set.f.fresh[0] = true;
        for (size_t e = 0; e < all; e++) set.f.cx[0][e] = NAN;
        op->curvature(&set.f), op->curvature(&zero.f);
        assert_all_close(&zero, 0, set.f.cx[0], zero.f.cx[0], 1e-15 * ROUNDING);
        trial_free(&set), trial_free(&zero);
    }
}

/* A cotangent that is passed on may already be in its place, in any of the inputs. */
static void passed_in_place(const hesse_op *op, const setting *s)
{
    for (int at = 0; op->passes && at < op->activations; at++)
        for (int fresh = 0; fresh < 2; fresh++) {
            trial own = trial_new(op, s), apart = trial_new(op, s);
            for (int i = 0; i < op->activations; i++)
                own.f.fresh[i] = apart.f.fresh[i] = i == at || fresh;
            real *place = own.f.cx[at];
            memcpy(place, own.f.cy, room(op, s, at, s->k) * sizeof *place);
            own.f.cy = place;
            op->adjoint(&own.f), op->adjoint(&apart.f);
            for (int i = 0; i < op->activations; i++)
                assert_all_close(&apart, i, own.f.cx[i], apart.f.cx[i], 0);
            trial_free(&own), trial_free(&apart);
        }
}

/* k tangents at once must give the same as one at a time, and adjoint and curvature
   must add to the numbers that are there. */
static void batches(const hesse_op *op, const setting *s)
{
    const int out = inputs(op);
    for (int copy = 0; copy<s->k; copy += s->k> 8 ? 23 : 1) {
        trial all = trial_new(op, s);
        uint64_t seed = 2;
        hesse_frame g = all.f;
        g.k = 1;
        real *cx[HESSE_MAX_IN] = {0};
        for (int i = 0; i < out; i++) {
            for (size_t e = 0; e < room(op, s, i, s->k); e++)
                all.f.cx[i][e] = (real)uniform(&seed);
            g.dx[i] = single(&all, i, all.f.dx[i], copy);
            g.cx[i] = cx[i] = single(&all, i, all.f.cx[i], copy);
        }
        real *dy = numbers(&all, room(op, s, out, 1), NULL);
        g.dy = dy;
        g.cy = single(&all, out, all.f.cy, copy);
        op->tangent(&g), op->adjoint(&g), op->curvature(&g);
        op->tangent(&all.f), op->adjoint(&all.f), op->curvature(&all.f);
        for (size_t e = 0; e < count(op, s, out); e++)
            assert_close(get(&all, all.f.dy, out, e, copy), dy[e], 1e-14 * ROUNDING);
        for (int i = 0; i < out; i++)
            for (size_t e = 0; e < count(op, s, i); e++)
                assert_close(get(&all, all.f.cx[i], i, e, copy), cx[i][e],
                             1e-14 * ROUNDING);
        trial_free(&all);
    }
}

/* Unit directions must give the same as dense tangents that hold them. */
static void units(const hesse_op *op, const setting *s)
{
    for (int i = op->activations; i < inputs(op); i++) {
        if (op->shape(&s->d, i).rows == 1) continue;
        trial unit = trial_new(op, s), dense = trial_new(op, s);
        int element[128];
        real *dx = numbers(&dense, room(op, s, i, s->k), NULL);
        for (int c = 0; c < s->k; c++) {
            element[c] = (7 * c + 3) % (int)count(op, s, i);
            dx[at(op, s, i, s->k, (size_t)element[c], c)] = 1;
        }
        unit.f.dx[i] = NULL, unit.f.unit[i] = element;
        dense.f.dx[i] = dx;
        op->tangent(&unit.f), op->adjoint(&unit.f), op->curvature(&unit.f);
        op->tangent(&dense.f), op->adjoint(&dense.f), op->curvature(&dense.f);
        assert_all_close(&unit, inputs(op), unit.f.dy, dense.f.dy, 1e-14 * ROUNDING);
        for (int j = 0; j < inputs(op); j++)
            assert_all_close(&unit, j, unit.f.cx[j], dense.f.cx[j], 1e-14 * ROUNDING);
        trial_free(&unit), trial_free(&dense);
    }
}

/* A wanted part of a parameter must equal that part of the whole result. */
static void parts(const hesse_op *op, const setting *s)
{
    for (int i = op->activations; i < inputs(op); i++) {
        trial whole = trial_new(op, s), part = trial_new(op, s);
        const hesse_rect all = op->shape(&s->d, i);
        const hesse_rect r = {all.rows / 3, all.rows - all.rows / 3, all.cols / 4,
                              all.cols - all.cols / 4 - 1};
        part.f.want[i] = r;
        op->tangent(&whole.f), op->adjoint(&whole.f), op->curvature(&whole.f);
        op->tangent(&part.f), op->adjoint(&part.f), op->curvature(&part.f);
        for (int row = 0; row < r.rows; row++)
            for (int col = 0; col < r.cols; col++)
                for (int c = 0; c < s->k; c++)
                    assert_close(
                        part.f.cx[i][(row * r.cols + col) * s->k + c],
                        whole.f
                            .cx[i][((r.row + row) * all.cols + r.col + col) * s->k + c],
                        1e-14 * ROUNDING);
        trial_free(&whole), trial_free(&part);
    }
}

/* Return number j of the pixel at (row, col) of an image; in the margin `outside`. */
static double pixel(const setting *s, const real *x, int row, int col, int j,
                    double outside)
{
    const hesse_image *g = &s->d.image;
    const bool in = row >= 0 && row < g->rows && col >= 0 && col < g->cols;
    return in ? x[(row * g->cols + col) * s->d.c + j] : outside;
}

/* Check one sequence by loops over everything, with kernels o x c x rows x cols. */
static void by_loops(const hesse_op *op, const setting *s, const hesse_frame *f, int at)
{
    const hesse_image *g = &s->d.image;
    const int rows = (g->rows + 2 * g->pad - g->kernel_rows) / g->stride + 1;
    const int cols = (g->cols + 2 * g->pad - g->kernel_cols) / g->stride + 1;
    const int area = g->kernel_rows * g->kernel_cols,
              width = op->width(&s->d, inputs(op));
    const bool largest = op == &hesse_op_max_pool, conv = op->kind == HESSE_CONV;
    const real *x = f->x[0] + at * s->d.t * s->d.c;
    for (int p = 0; p < rows * cols; p++)
        for (int o = 0; o < width; o++) {
            double y = largest ? -INFINITY : op->parameters > 1 ? f->x[2][o] : 0;
            for (int j = conv ? 0 : o; j < (conv ? s->d.c : o + 1); j++)
                for (int k = 0; k < area; k++) {
                    const double z =
                        pixel(s, x, p / cols * g->stride - g->pad + k / g->kernel_cols,
                              p % cols * g->stride - g->pad + k % g->kernel_cols, j,
                              largest ? -INFINITY : 0);
                    if (largest) y = fmax(y, z);
                    if (!largest)
                        y += z *
                             (conv ? f->x[1][(o * s->d.c + j) * area + k] : 1.0 / area);
                }
            assert_close(f->y[(at * rows * cols + p) * width + o], y, 1e-13 * ROUNDING);
        }
}

static void windows(const hesse_op *op, const setting *s)
{
    if (op->kind != HESSE_CONV && op != &hesse_op_max_pool &&
        op != &hesse_op_average_pool)
        return;
    trial t = trial_new(op, s);
    for (int i = 0; i < s->d.n / s->d.t; i++) by_loops(op, s, &t.f, i);
    trial_free(&t);
}

/* Field a of p of R pixels is [a R / p, (a + 1) R / p). Its mean is the mean of the
   pixels r, [r, r + 1), that overlap it. */
static bool overlaps(int pixel, int pixels, int at, int fields)
{
    return (pixel + 1) * fields > at * pixels && pixel * fields < (at + 1) * pixels;
}

static void adaptive(const hesse_op *op, const setting *s)
{
    if (op != &hesse_op_adaptive_pool) return;
    trial t = trial_new(op, s);
    const hesse_image *g = &s->d.image;
    const int each = g->kernel_rows * g->kernel_cols, c = s->d.c;
    for (int i = 0; i < s->d.n / s->d.t * each * c; i++) {
        const int p = i / c, row = p % each / g->kernel_cols;
        double sum = 0, count = 0;
        for (int x = 0; x < s->d.t; x++)
            if (overlaps(x / g->cols, g->rows, row, g->kernel_rows) &&
                overlaps(x % g->cols, g->cols, p % g->kernel_cols, g->kernel_cols))
                sum += t.f.x[0][(p / each * s->d.t + x) * c + i % c], count++;
        assert_close(t.f.y[i], sum / count, 1e-13 * ROUNDING);
    }
    trial_free(&t);
}

/* Over all tokens a normalised channel must have mean 0 and, except for a,
   variance 1. */
static void normalised(const hesse_op *op, const setting *s)
{
    if (op != &hesse_op_batchnorm) return;
    trial t = trial_new(op, s);
    const int n = s->d.n, c = s->d.c;
    for (int j = 0; j < c; j++) {
        double mean = 0, moment = 0, y1 = 0, y2 = 0;
        for (int i = 0; i < n; i++) mean += (double)t.f.x[0][i * c + j] / n;
        for (int i = 0; i < n; i++) moment += pow(t.f.x[0][i * c + j] - mean, 2) / n;
        for (int i = 0; i < n; i++) {
            const double xh = (t.f.y[i * c + j] - t.f.x[2][j]) / t.f.x[1][j];
            y1 += xh / n, y2 += xh * xh / n;
        }
        assert_close(y1, 0, 1e-13 * ROUNDING);
        assert_close(y2, moment / (moment + s->d.a), 1e-12 * ROUNDING);
    }
    trial_free(&t);
}

static void for_every_op(void (*law)(const hesse_op *op, const setting *s))
{
    for (const hesse_op *const *op = hesse_ops; *op; op++)
        for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
            print_message("           %s %zu\n", (*op)->name, i);
            const setting s = fitted(*op, settings[i]);
            law(*op, &s);
        }
}

static void tangent_is_difference_of_forward(void **state)
{
    (void)state;
    if (sizeof(real) < sizeof(double)) skip(); /* test_single.c has longer steps */
    for_every_op(tangents);
}

static void adjoint_is_transpose_of_tangent(void **state)
{
    (void)state;
    for_every_op(transposes);
}

static void adjoint_and_curvature_are_difference_of_adjoint(void **state)
{
    (void)state;
    if (sizeof(real) < sizeof(double)) skip();
    for_every_op(product_rule);
}

static void curvature_is_symmetric(void **state)
{
    (void)state;
    for_every_op(symmetry);
}

static void null_is_zero_or_not_wanted(void **state)
{
    (void)state;
    for_every_op(nulls);
}

static void what_is_fresh_is_set(void **state)
{
    (void)state;
    for_every_op(fresh_ones);
    for_every_op(fresh_curvatures);
    for_every_op(passed_in_place);
}

static void many_at_once_is_one_at_a_time(void **state)
{
    (void)state;
    for_every_op(batches);
}

static void unit_is_dense(void **state)
{
    (void)state;
    for_every_op(units);
}

static void part_is_a_part_of_the_whole(void **state)
{
    (void)state;
    for_every_op(parts);
}

static void images_are_as_defined(void **state)
{
    (void)state;
    for_every_op(windows);
    for_every_op(adaptive);
    for_every_op(normalised);
}

/* Kinds must be single bits and known by name; HESSE_ALL must be all of them, in two
   parts. */
static void kinds_are_a_partition(void **state)
{
    (void)state;
    unsigned seen = 0;
    for (const hesse_op *const *op = hesse_ops; *op; op++) {
        const unsigned kind = (*op)->kind;
        assert_true(kind && !(kind & (kind - 1)));
        assert_true(!!(kind & HESSE_GAUSS_NEWTON) == (*op)->loss);
        seen |= kind;
    }
    assert_int_equal(seen, HESSE_ALL);
    assert_int_equal(HESSE_GAUSS_NEWTON & HESSE_FUNCTIONAL, 0);
    assert_int_equal(HESSE_GAUSS_NEWTON | HESSE_FUNCTIONAL, HESSE_ALL);
    assert_int_equal(hesse_kinds_named("softmax"), HESSE_SOFTMAX);
    assert_int_equal(hesse_kinds_named("hessian"), HESSE_ALL);
    assert_int_equal(hesse_kinds_named("sofmax"), 0);
}

/* The mean is that of the tokens to which the last token of a sequence may attend. */
static void means_are_of_visible_tokens(void **state)
{
    (void)state;
    const real x[] = {1, 2, 4, 8, 16, 32, 64, 128};
    const int from[] = {0, 0, 0, 1, 0, 0, 0, 0}, end[] = {4, 4, 4, 3, 4, 4, 4, 4};
    real y[2];
    hesse_frame f = {.d = {.n = 8, .t = 4, .c = 1},
                     .k = 1,
                     .x = {x},
                     .y = y,
                     .from = from,
                     .id = end};
    hesse_op_mean_pool.forward(&f);
    assert_true(y[0] == 3 && y[1] == 60);
    f.from = f.id = NULL;
    hesse_op_mean_pool.forward(&f);
    assert_true(y[0] == 3.75 && y[1] == 60);
}

/* If a class is almost certain, right or wrong, every number must be correct to its own
   last digits. */
static void certain_classes_keep_their_digits(void **state)
{
    (void)state;
    const real x[3] = {40, 1, -2}, dx[3] = {8, 7, 7}, one = 1;
    const double s = exp(-39) + exp(-42),
                 p[3] = {1 / (1 + s), exp(-39) / (1 + s), exp(-42) / (1 + s)};
    /* (diag p - p p') dx, from p_1 + p_2 = s / (1 + s) */
    const double bent[3] = {p[0] * s / (1 + s), -p[1] / (1 + s), -p[2] / (1 + s)};
    for (int target = 0; target < 2; target++) {
        real y, kept[5], cx[3] = {0}, curved[3] = {0};
        const double error[3] = {target ? p[0] : -s / (1 + s), target ? p[1] - 1 : p[1],
                                 p[2]};
        hesse_frame f = {.d = {.n = 1, .t = 1, .c = 3, .a = 1},
                         .k = 1,
                         .id = &target,
                         .x = {x},
                         .y = &y,
                         .keep = kept,
                         .yb = &one,
                         .dx = {dx},
                         .cx = {cx},
                         .cy = &one};
        assert_true(hesse_op_cross_entropy.keep(&f.d) <= 5);
        hesse_op_cross_entropy.forward(&f);
        hesse_op_cross_entropy.adjoint(&f);
        f.cx[0] = curved;
        hesse_op_cross_entropy.curvature(&f);
        const double loss = log1p(s) + (target ? 39 : 0);
        assert_true(fabs(y - loss) <= 1e-14 * ROUNDING * loss);
        for (int j = 0; j < 3; j++) {
            assert_true(fabs(cx[j] - error[j]) <= 1e-14 * ROUNDING * fabs(error[j]));
            assert_true(fabs(curved[j] - bent[j]) <= 1e-14 * ROUNDING * fabs(bent[j]));
        }
    }
}

/* Products of all shapes, transposed or not, are the sums that they are defined by. */
static void plain_products_are_sums(void **state)
{
    (void)state;
    enum { MOST = 150 };
    static real a[MOST * MOST], b[MOST * MOST], c[MOST * MOST], was[MOST * MOST];
    const int sizes[] = {1, 7, 24, 31, 33, 150};
    const int count = (int)(sizeof sizes / sizeof *sizes);
    uint64_t seed = 11;
    for (int i = 0; i < MOST * MOST; i++) {
        a[i] = (real)uniform(&seed), b[i] = (real)uniform(&seed);
        c[i] = was[i] = (real)uniform(&seed);
    }
    for (int shape = 0; shape < 8 * count * count * count; shape++) {
        const int m = sizes[shape / 8 % count], n = sizes[shape / 8 / count % count],
                  depth = sizes[shape / 8 / count / count];
        const hesse_into into = shape & 1 ? HESSE_SET : HESSE_ADD;
        hesse_strided x = {a, MOST, 1}, y = {b, MOST, 1};
        if (shape & 2) x = hesse_transposed(x);
        if (shape & 4) y = hesse_transposed(y);
        memcpy(c, was, sizeof c);
        hesse_gemm_plain(into, m, n, depth, 0.5, x, y, c, MOST);
        for (int i = 0; i < MOST; i++)
            for (int j = 0; j < MOST; j++) {
                const size_t at = (size_t)(i * MOST + j);
                double sum = 0;
                for (int p = 0; i < m && j < n && p < depth; p++)
                    sum += x.at[(size_t)i * x.row + (size_t)p * x.col] *
                           y.at[(size_t)p * y.row + (size_t)j * y.col];
                const bool set = i < m && j < n && into == HESSE_SET;
                assert_true(fabs(c[at] - 0.5 * sum - (set ? 0 : was[at])) <
                            1e-12 * ROUNDING);
            }
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_products_are_sums),
        cmocka_unit_test(tangent_is_difference_of_forward),
        cmocka_unit_test(adjoint_is_transpose_of_tangent),
        cmocka_unit_test(adjoint_and_curvature_are_difference_of_adjoint),
        cmocka_unit_test(curvature_is_symmetric),
        cmocka_unit_test(null_is_zero_or_not_wanted),
        cmocka_unit_test(what_is_fresh_is_set),
        cmocka_unit_test(many_at_once_is_one_at_a_time),
        cmocka_unit_test(unit_is_dense),
        cmocka_unit_test(part_is_a_part_of_the_whole),
        cmocka_unit_test(images_are_as_defined),
        cmocka_unit_test(means_are_of_visible_tokens),
        cmocka_unit_test(certain_classes_keep_their_digits),
        cmocka_unit_test(kinds_are_a_partition),
    };
    return run_cases(argc, argv, tests, NULL, NULL);
}
