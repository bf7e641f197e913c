/* The factors of K-FAC and Shampoo. Values and adjoints of all tokens are on the tape:
   the input x and the adjoint g of the output of the linear map that reads the weight.
   Each rank adds up those of its examples, and one reduction adds up the ranks. Factors
   are those of the stored order: rows belong to g if output neurons are rows. */
#include "curvature/kronecker.h"

#include "base/memory.h"

#include <cblas.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void dsyevd_(const char *jobz, const char *uplo, const int *n, double *a,
             const int *lda, double *w, double *work, const int *lwork, int *iwork,
             const int *liwork, int *info, size_t, size_t);

bool hesse_kronecker_block_of(const hesse_plan *plan, const double *gradient, int block,
                              hesse_kronecker_block *x)
{
    const hesse_block *b = &plan->partition.blocks[block];
    const hesse_piece *piece = &plan->partition.pieces[b->piece];
    const hesse_param *param = &plan->objective->network->params.list[piece->param];
    const hesse_tape *tape = plan->objective->tape;
    if (b->pieces != 1 || param->vector) return false;
    const hesse_node *node = hesse_tape_reader(tape, piece->param);
    const bool linear = node && node->op->kind == HESSE_LINEAR &&
                        node->op->activations == 1 &&
                        tape->values[node->in[1]].param == piece->param;
    *x =
        (hesse_kronecker_block){.param = piece->param,
                                .rect = piece->rect,
                                .out_rows = linear ? node->d.out_rows : param->out_rows,
                                .gradient = gradient + b->first,
                                .node = linear ? node : NULL};
    return true;
}

static size_t squared(int n)
{
    return (size_t)n * (size_t)n;
}

/* m += v v' for the `count` vectors v of n numbers, `stride` numbers apart; the lower
   triangle of m. */
static void add_outer(int n, int count, const double *v, int stride, double *m)
{
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, n, count, 1, v, stride, 1, m, n);
}

/* A += W W' and B += W' W; the lower triangles. */
static void add_sides(int p, int q, const double *w, double *a, double *b)
{
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, p, q, 1, w, q, 1, a, p);
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, q, p, 1, w, q, 1, b, q);
}

static void mirror(int n, double *m)
{
    for (size_t i = 0; i < (size_t)n; i++)
        for (size_t j = 0; j < i; j++) m[j * (size_t)n + i] = m[i * (size_t)n + j];
}

/* Add what one example contributes. The frame has its tokens; w is room for p x q
   numbers, NULL without factors of examples. */
static void add_example(const hesse_kronecker_block *x, const hesse_frame *f, double *w,
                        hesse_kronecker_factors *to)
{
    const hesse_rect *r = &x->rect;
    const int p = r->rows, q = r->cols, c = f->d.c, o = f->d.o, n = f->d.n;
    const int of_rows = x->out_rows ? o : c, of_cols = x->out_rows ? c : o;
    const double *rows = (x->out_rows ? f->yb : f->x[0]) + r->row;
    const double *cols = (x->out_rows ? f->x[0] : f->yb) + r->col;
    add_outer(p, n, rows, of_rows, to->a[HESSE_KRONECKER_KFAC]);
    add_outer(q, n, cols, of_cols, to->b[HESSE_KRONECKER_KFAC]);
    if (!w) return;
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, p, q, n, 1, rows, of_rows,
                cols, of_cols, 0, w, q);
    add_sides(p, q, w, to->a[HESSE_KRONECKER_EXAMPLES_SQUARE],
              to->b[HESSE_KRONECKER_EXAMPLES_SQUARE]);
}

/* Add up the examples of this rank. If the examples are coupled, every rank has all of
   them, and only the first rank adds them up. */
static void add_examples(const hesse_objective *o, const hesse_kronecker_block *x,
                         double *w, hesse_kronecker_factors *to)
{
    hesse_tape *t = o->tape;
    const hesse_node *node = x->node;
    const hesse_example_range own = hesse_objective_share(o, o->team->rank);
    if (t->coupled && o->team->rank > 0) return;
    hesse_objective_prepare(o, 0, t->sequences);
    for (int at = own.first; at < own.end; at++) {
        if (!hesse_tape_is_whole(t)) hesse_tape_seek(t, at, 1);
        const hesse_frame f = hesse_tape_frame(t, node, at * node->d.t, node->d.t);
        add_example(x, &f, w, to);
    }
}

hesse_status hesse_kronecker_factors_new(const hesse_objective *o,
                                         const hesse_kronecker_block *x,
                                         hesse_kronecker_factors *f)
{
    /* The sums over ranks come first, and lie together. */
    static const hesse_kronecker_product order[] = {
        HESSE_KRONECKER_KFAC, HESSE_KRONECKER_EXAMPLES_SQUARE, HESSE_KRONECKER_EXAMPLES,
        HESSE_KRONECKER_SHAMPOO_SQUARE, HESSE_KRONECKER_SHAMPOO};
    enum { COUNT = sizeof order / sizeof *order, SUMS = 2 };
    const int p = x->rect.rows, q = x->rect.cols;
    const size_t each = squared(p) + squared(q);
    const bool examples = x->node && !o->tape->coupled;
    double *w = examples ? hesse_alloc((size_t)p * (size_t)q) : NULL;
    hesse_status s = HESSE_OK;
    *f = (hesse_kronecker_factors){.room = hesse_alloc(COUNT * each)};
    if (!f->room || (examples && !w))
        s = hesse_fail(&o->team->why, HESSE_E_NOMEM,
                       "out of memory for the Kronecker factors of %d x %d parameters",
                       p, q);
    s = hesse_agree(o->team, s);
    for (int i = 0; !s && i < COUNT; i++) {
        const bool there = i == 0 ? x->node != NULL : i <= SUMS ? examples : true;
        if (!there) continue;
        f->a[order[i]] = f->room + (size_t)i * each;
        f->b[order[i]] = f->a[order[i]] + squared(p);
    }
    if (!s) {
        if (x->node) add_examples(o, x, w, f);
        if (x->node) hesse_team_sum(o->team, f->room, SUMS * each);
        add_sides(p, q, x->gradient, f->a[HESSE_KRONECKER_SHAMPOO_SQUARE],
                  f->b[HESSE_KRONECKER_SHAMPOO_SQUARE]);
        for (int i = 0; i < COUNT; i++)
            if (f->a[order[i]]) mirror(p, f->a[order[i]]), mirror(q, f->b[order[i]]);
    }
    free(w);
    return s;
}

void hesse_kronecker_factors_free(hesse_kronecker_factors *f)
{
    free(f->room);
    *f = (hesse_kronecker_factors){.room = NULL};
}

/* Compute the positive square root of a positive semi-definite matrix: V lambda^1/2 V'.
   Eigenvalues below the rounding of the largest are 0: the root would make them large.
   v is room for n x n numbers. */
static hesse_status root_of(int n, const double *m, double *v, double *root,
                            hesse_why *why)
{
    const int lwork = 1 + 6 * n + 2 * n * n, liwork = 3 + 5 * n;
    double *lambda = hesse_alloc((size_t)n), *work = hesse_alloc((size_t)lwork);
    int *iwork = hesse_calloc((size_t)liwork, sizeof *iwork), info = 0;
    hesse_status s = HESSE_OK;
    memcpy(v, m, squared(n) * sizeof *v);
    if (!lambda || !work || !iwork)
        s = hesse_fail(why, HESSE_E_NOMEM,
                       "out of memory for the root of a factor of order %d", n);
    else
        dsyevd_("V", "L", &n, v, &n, lambda, work, &lwork, iwork, &liwork, &info, 1, 1);
    if (info)
        s = hesse_fail(why, HESSE_E_NUMERIC,
                       "LAPACK's dsyevd found no eigenvalues of a factor of order %d "
                       "(info %d), expected all of them",
                       n, info);
    const double least = n * DBL_EPSILON * (s ? 0 : lambda[n - 1]);
    /* Row i of v is eigenvector i; half of the root goes to each side. */
    for (int i = 0; !s && i < n; i++)
        cblas_dscal(n, lambda[i] > least ? sqrt(sqrt(lambda[i])) : 0,
                    v + (size_t)i * (size_t)n, 1);
    if (!s) {
        memset(root, 0, squared(n) * sizeof *root);
        add_outer(n, n, v, n, root);
        mirror(n, root);
    }
    free(lambda);
    free(work);
    free(iwork);
    return s;
}

hesse_status hesse_kronecker_factors_root(const hesse_kronecker_block *x,
                                          hesse_kronecker_factors *f, hesse_why *why)
{
    static const hesse_kronecker_product squares[][2] = {
        {HESSE_KRONECKER_SHAMPOO_SQUARE, HESSE_KRONECKER_SHAMPOO},
        {HESSE_KRONECKER_EXAMPLES_SQUARE, HESSE_KRONECKER_EXAMPLES}};
    const int p = x->rect.rows, q = x->rect.cols;
    double *v = hesse_alloc(squared(p > q ? p : q));
    hesse_status s = HESSE_OK;
    if (!v) s = hesse_fail(why, HESSE_E_NOMEM, "out of memory for roots of factors");
    for (int i = 0; i < 2; i++) {
        const hesse_kronecker_product from = squares[i][0], to = squares[i][1];
        if (!f->a[from]) continue;
        if (!s) s = root_of(p, f->a[from], v, f->a[to], why);
        if (!s) s = root_of(q, f->b[from], v, f->b[to], why);
    }
    free(v);
    return s;
}
