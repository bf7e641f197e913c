/* A product is made for a fixed number of vectors. If there are fewer, the others are
   zero. Vectors are copied if their number differs, or if the matrix is scaled. */
#include "curvature/hessian_operator.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static hesse_bundle bundle_of(const hesse_submatrix *matrix, int width)
{
    return (hesse_bundle){matrix->pieces, matrix->n_pieces, width};
}

hesse_status hesse_hessian_operator_new(hesse_objective *objective,
                                        const hesse_submatrix *matrix, int width,
                                        int most, const hesse_matrix_free_options *how,
                                        hesse_hessian_operator *x)
{
    hesse_team *team = objective->team;
    const size_t numbers = matrix->q->n * (size_t)width;
    hesse_work work;
    *x = (hesse_hessian_operator){.objective = objective, .matrix = matrix, .how = how};
    x->bundle = bundle_of(matrix, width);
    hesse_status s = hesse_product_work(objective, &x->bundle, 1, &work, &team->why);
    if (!s) x->of = work.products;
    const bool copies = most > 1 || matrix->scaled;
    if (copies) x->v = hesse_alloc(numbers), x->av = hesse_alloc(numbers);
    if (copies && (!x->v || !x->av))
        s = hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory for %d vectors",
                       width);
    s = hesse_agree(team, s);
    if (!s) s = hesse_product_new(objective, &x->bundle, 1, &x->product);
    if (s) hesse_hessian_operator_free(x);
    return s;
}

void hesse_hessian_operator_free(hesse_hessian_operator *x)
{
    hesse_product_free(x->product);
    free(x->v);
    free(x->av);
    *x = (hesse_hessian_operator){0};
}

double hesse_hessian_operator_bytes(const hesse_objective *objective, int ranks,
                                    const hesse_submatrix *matrix, int width, int most)
{
    const hesse_bundle bundle = bundle_of(matrix, width);
    return hesse_product_bytes(objective, ranks, &bundle, 1) +
           (most > 1 || matrix->scaled ? 2.0 * (double)matrix->q->n * width : 0) *
               (double)sizeof(double);
}

/* Copy columns first ... first + count - 1 of a list of k vectors to a list of `width`
   vectors, or back. The other columns of the wide list become zero. */
static void carry(size_t n, int k, int first, int count, int width, double *list,
                  double *wide, bool out)
{
    for (size_t i = 0; i < n; i++) {
        double *one = list + i * (size_t)k + (size_t)first;
        double *other = wide + i * (size_t)width;
        if (!out) memset(other, 0, (size_t)width * sizeof *other);
        memcpy(out ? one : other, out ? other : one, (size_t)count * sizeof *one);
    }
}

/* Local. Report finished products to the listener, and ask the checkpoint if the work
   goes on. */
static hesse_status report(hesse_hessian_operator *x, int count)
{
    const hesse_listener *l = x->how->listener;
    x->done += count;
    x->operations += x->of;
    if (l && l->progress)
        l->progress(l->context, x->phase, fmin(x->done / x->all, 1), x->operations);
    return hesse_checkpoint_continue(x->how->checkpoint, &x->objective->team->why);
}

static hesse_status apply(void *context, int k, const double *v, double *av)
{
    hesse_hessian_operator *x = context;
    const int width = x->bundle.k;
    hesse_status s = HESSE_OK;
    for (int first = 0; !s && first < k; first += width) {
        const int count = k - first < width ? k - first : width;
        const bool direct = k == width && !x->matrix->scaled;
        if (!direct)
            carry(x->matrix->q->n, k, first, count, width, (double *)v, x->v, false);
        if (x->matrix->scaled) hesse_submatrix_scale(x->matrix, width, x->v, x->v);
        hesse_product_run(x->product, x->matrix->part, direct ? v : x->v,
                          direct ? av : x->av);
        if (x->matrix->scaled) hesse_submatrix_scale(x->matrix, width, x->av, x->av);
        if (!direct) carry(x->matrix->q->n, k, first, count, width, av, x->av, true);
        s = hesse_agree(x->objective->team, report(x, count));
    }
    return s;
}

hesse_operator hesse_hessian_operator_operator(hesse_hessian_operator *x)
{
    return (hesse_operator){.context = x, .n = x->matrix->q->n, .apply = apply};
}
