/* Directions are found by one rank alone, which all others follow: a sum over ranks
   would depend on their number. Eigenvectors are searched together, because one search
   finds all of them, and are saved, because the search is long. */
#include "landscape/landscape.h"

#include "base/memory.h"
#include "base/random.h"
#include "objective/objective.h"
#include "objective/product.h"
#include "spectra/thick_restart.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Settings of the search: its tolerance, relative to the largest |eigenvalue|; about
   the most products; the vectors that are multiplied at once; rounding errors of
   products, relative to the loss. */
static const double TOLERANCE = 1e-8, NOISE = 1e-15;
enum { PRODUCTS = 20000, BLOCK = 8 };

typedef struct finder {
    hesse_objective *objective;
    const hesse_landscape_options *options;
    const hesse_landscape_run *run;
    hesse_landscape *x;
    double products; /* so far */
    hesse_why *why;
} finder;

static double *direction_of(const finder *f, int i)
{
    return f->x->directions + (size_t)i * f->x->n;
}

static double dot(size_t n, const double *a, const double *b)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

static hesse_status apply(void *context, int k, const double *v, double *av)
{
    finder *f = context;
    const hesse_status s = hesse_objective_product(f->objective, HESSE_ALL, k, v, av);
    if (s) return s;
    f->products += k;
    if (f->run->progress) f->run->progress(f->run->context, "eigenvectors", 0);
    return hesse_checkpoint_continue(f->run->checkpoint, &f->objective->team->why);
}

/* An eigenvector has two signs: its largest entry is positive. */
static void choose_sign(size_t n, double *d)
{
    size_t largest = 0;
    for (size_t i = 1; i < n; i++)
        if (fabs(d[i]) > fabs(d[largest])) largest = i;
    const bool turn = d[largest] < 0;
    for (size_t i = 0; turn && i < n; i++) d[i] = d[i] == 0 ? 0 : -d[i];
}

static hesse_record record_of(int i)
{
    return (hesse_record){.kind = HESSE_RECORD_DIRECTION, .first = i};
}

/* Search `pairs` eigenpairs at each end, and take the eigenvectors that are asked for.
 */
static hesse_status search(finder *f, int pairs)
{
    const size_t n = f->x->n;
    hesse_team *team = f->objective->team;
    const int most = n < BLOCK ? (int)n : BLOCK;
    const int block = hesse_product_width(f->objective, 1, most);
    hesse_extremes *e = NULL;
    const hesse_operator a = {.context = f, .n = n, .apply = apply};
    hesse_status s = hesse_extremes_new(n, pairs, pairs, &e, &team->why);
    if (!s) {
        e->tolerance = TOLERANCE;
        const hesse_thick_restart how = {
            .block = block,
            .room = hesse_thick_restart_room(n, e->count, block).best,
            .products = PRODUCTS,
            .noise = NOISE * fabs(hesse_objective_last_loss(f->objective)),
            .seed = f->options->seed};
        s = hesse_thick_restart_run(team, &a, &how, e);
    }
    if (!s && !e->converged)
        s = hesse_fail(&team->why, HESSE_E_NUMERIC,
                       "%d eigenvectors at each end of the Hessian's spectrum did not "
                       "converge in %.0f products; fewer may",
                       pairs, f->products);
    for (int i = 0; !s && i < f->x->axes; i++) {
        const hesse_landscape_direction *from = &f->options->direction[i];
        const int k = from->eigenvector, at = k > 0 ? e->vectors - k : -k - 1;
        const hesse_record what = record_of(i);
        double *d = direction_of(f, i);
        if (from->origin != HESSE_DIRECTION_EIGENVECTOR) continue;
        memcpy(d, e->eigenvectors + (size_t)at * n, n * sizeof *d);
        choose_sign(n, d);
        s = hesse_checkpoint_save(f->run->checkpoint, &what, n, d, &team->why);
    }
    hesse_extremes_free(e);
    return s;
}

/* Load the eigenvectors that an earlier run has left, or search them. */
static hesse_status find_eigenvectors(finder *f)
{
    hesse_team *team = f->objective->team;
    hesse_status s = HESSE_OK;
    double loss;
    int pairs = 0;
    bool known = true;
    for (int i = 0; i < f->x->axes; i++) {
        const hesse_landscape_direction *from = &f->options->direction[i];
        const hesse_record what = record_of(i);
        if (from->origin != HESSE_DIRECTION_EIGENVECTOR) continue;
        pairs = abs(from->eigenvector) > pairs ? abs(from->eigenvector) : pairs;
        known &= hesse_checkpoint_has(f->run->checkpoint, &what, f->x->n);
    }
    if (!pairs) return HESSE_OK;
    if (!known) {
        s = hesse_objective_loss(f->objective, &loss);
        return s ? s : search(f, pairs);
    }
    for (int i = 0; !s && i < f->x->axes; i++) {
        const hesse_record what = record_of(i);
        if (f->options->direction[i].origin == HESSE_DIRECTION_EIGENVECTOR)
            s = hesse_checkpoint_load(f->run->checkpoint, &what, direction_of(f, i),
                                      &team->why);
    }
    return s;
}

static hesse_status find(finder *f, int i)
{
    const hesse_landscape_direction *from = &f->options->direction[i];
    const size_t n = f->x->n;
    double *d = direction_of(f, i);
    switch (from->origin) {
    case HESSE_DIRECTION_RANDOM:
        for (size_t j = 0; j < n; j++)
            d[j] = hesse_normal(f->options->seed, HESSE_RANDOM_LANDSCAPE,
                                (uint64_t)i * n + j);
        return HESSE_OK;
    case HESSE_DIRECTION_GRADIENT:
        return hesse_objective_gradient(f->objective, NULL, d);
    case HESSE_DIRECTION_VALUES:
        if (!from->values)
            return hesse_fail(&f->objective->team->why, HESSE_E_JOB,
                              "the direction %s has no values", from->name);
        memcpy(d, from->values, n * sizeof *d);
        return HESSE_OK;
    default:
        return HESSE_OK;
    }
}

/* The norm of a rectangle of a parameter. */
static double norm_of(const hesse_param *p, const hesse_rect *r, const double *theta)
{
    double sum = 0;
    for (int i = r->row; i < r->row + r->rows; i++) {
        const double *row = theta + p->offset + (size_t)i * (size_t)p->cols;
        sum += dot((size_t)r->cols, row + r->col, row + r->col);
    }
    return sqrt(sum);
}

/* Give a slice of d the norm of the parameters' slice, or what the options say of
   vectors. */
static void scale_slice(const finder *f, const hesse_param *p, const hesse_rect *r,
                        double *d)
{
    const double *w = hesse_objective_parameters(f->objective);
    const hesse_landscape_vectors vectors = f->options->vectors;
    const bool zero = p->vector && vectors == HESSE_VECTORS_ZERO,
               copy = p->vector && vectors == HESSE_VECTORS_COPY;
    const double norm = norm_of(p, r, d);
    const double factor = zero || norm == 0 ? 0 : norm_of(p, r, w) / norm;
    for (int i = r->row; i < r->row + r->rows; i++)
        for (int j = r->col; j < r->col + r->cols; j++) {
            const size_t at = p->offset + (size_t)i * (size_t)p->cols + (size_t)j;
            d[at] = copy ? w[at] : factor * d[at];
        }
}

static hesse_status scale(finder *f, double *d)
{
    const hesse_network *network = f->objective->network;
    const hesse_landscape_normalise how = f->options->normalise;
    const hesse_cut cut =
        how == HESSE_NORMALISE_FILTER ? HESSE_CUT_NEURON : HESSE_CUT_TENSOR;
    hesse_partition slices = {0};
    if (how == HESSE_NORMALISE_NONE) return HESSE_OK;
    if (how == HESSE_NORMALISE_UNIT) {
        const double norm = sqrt(dot(f->x->n, d, d));
        for (size_t i = 0; norm > 0 && i < f->x->n; i++) d[i] /= norm;
        return HESSE_OK;
    }
    const hesse_status s =
        hesse_partition_new(&network->params, cut, NULL, 0, &slices, f->why);
    for (int i = 0; !s && i < slices.n_pieces; i++)
        scale_slice(f, &network->params.list[slices.pieces[i].param],
                    &slices.pieces[i].rect, d);
    hesse_partition_free(&slices);
    return s;
}

static hesse_status check_length(const finder *f, int i, const char *cause)
{
    const double *d = direction_of(f, i);
    const double squares = dot(f->x->n, d, d);
    if (isfinite(squares) && squares > 0) return HESSE_OK;
    return hesse_fail(
        f->why, HESSE_E_INPUT,
        "the direction %s has the norm %g%s, expected a finite one above 0",
        f->options->direction[i].name, sqrt(squares), cause);
}

/* Make the second direction orthogonal to the first. Two passes remove the rest that
   rounding leaves. */
static hesse_status make_orthogonal(finder *f)
{
    const size_t n = f->x->n;
    const double *a = direction_of(f, 0);
    double *b = direction_of(f, 1);
    const double before = sqrt(dot(n, b, b));
    for (int pass = 0; pass < 2; pass++) {
        const double along = dot(n, a, b) / dot(n, a, a);
        for (size_t i = 0; i < n; i++) b[i] -= along * a[i];
    }
    const double after = sqrt(dot(n, b, b));
    if (after < 1e-8 * before)
        return hesse_fail(f->why, HESSE_E_INPUT,
                          "the direction %s lies along %s, so that nothing of it is "
                          "orthogonal to that",
                          f->options->direction[1].name, f->options->direction[0].name);
    for (size_t i = 0; f->options->normalise == HESSE_NORMALISE_UNIT && i < n; i++)
        b[i] /= after;
    return HESSE_OK;
}

hesse_status hesse_landscape_find_directions(hesse_objective *objective,
                                             const hesse_landscape_options *options,
                                             const hesse_landscape_run *run,
                                             hesse_landscape *x, hesse_why *why)
{
    finder f = {objective, options, run, x, 0, why};
    const bool scaled = options->normalise != HESSE_NORMALISE_NONE;
    hesse_status s = find_eigenvectors(&f);
    for (int i = 0; !s && i < x->axes; i++) s = find(&f, i);
    if (s) *why = *hesse_team_why(objective->team);
    for (int i = 0; !s && i < x->axes; i++) {
        s = check_length(&f, i, "");
        if (!s) s = scale(&f, direction_of(&f, i));
        if (!s) s = check_length(&f, i, scaled ? " after it was normalised" : "");
    }
    if (!s && x->axes == 2 && options->orthogonal) s = make_orthogonal(&f);
    if (s) return s;
    const double *a = direction_of(&f, 0), *b = direction_of(&f, x->axes - 1);
    for (int i = 0; i < x->axes; i++) {
        const double *d = direction_of(&f, i);
        x->norm[i] = sqrt(dot(x->n, d, d));
    }
    x->cosine = x->axes == 2 ? dot(x->n, a, b) / x->norm[0] / x->norm[1] : (double)NAN;
    return HESSE_OK;
}
