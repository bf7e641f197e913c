/* One layer of self-attention: closed forms of all blocks of the Hessian, beside the
   products of the operators with unit vectors. The operators know nothing of moments,
   and the closed forms know nothing of tapes.
   Source: Ormaniec, Dangel & Singh, arXiv:2410.10986; docs/math.md, section 17. */
#include "theory/theory.h"

#include "base/memory.h"
#include "network/batch.h"
#include "objective/objective.h"
#include "parallel/team.h"
#include "theory/attention_blocks.h"
#include "theory/attention_descent.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PANEL = 64, PAIRS = 10 };

void dgemm_(const char *transa, const char *transb, const int *m, const int *n,
            const int *k, const double *alpha, const double *a, const int *lda,
            const double *b, const int *ldb, const double *beta, double *c,
            const int *ldc, size_t, size_t);
void dsyevd_(const char *jobz, const char *uplo, const int *n, double *a,
             const int *lda, double *w, double *work, const int *lwork, int *iwork,
             const int *liwork, int *info, size_t, size_t);
void dgesvd_(const char *left, const char *right, const int *m, const int *n, double *a,
             const int *lda, double *singular, double *u, const int *ldu, double *vt,
             const int *ldvt, double *work, const int *room, int *info);

/* The blocks, and their names with each part. */
static const struct {
    hesse_attention_matrix left, right;
    const char *outer, *functional;
} PAIR[PAIRS] = {
    {HESSE_ATTENTION_QUERY, HESSE_ATTENTION_QUERY, "|H_o(Q,Q)|", "|H_f(Q,Q)|"},
    {HESSE_ATTENTION_KEY, HESSE_ATTENTION_KEY, "|H_o(K,K)|", "|H_f(K,K)|"},
    {HESSE_ATTENTION_VALUE, HESSE_ATTENTION_VALUE, "|H_o(V,V)|", "|H_f(V,V)|"},
    {HESSE_ATTENTION_OUTPUT, HESSE_ATTENTION_OUTPUT, "|H_o(O,O)|", "|H_f(O,O)|"},
    {HESSE_ATTENTION_QUERY, HESSE_ATTENTION_KEY, "|H_o(Q,K)|", "|H_f(Q,K)|"},
    {HESSE_ATTENTION_VALUE, HESSE_ATTENTION_QUERY, "|H_o(V,Q)|", "|H_f(V,Q)|"},
    {HESSE_ATTENTION_VALUE, HESSE_ATTENTION_KEY, "|H_o(V,K)|", "|H_f(V,K)|"},
    {HESSE_ATTENTION_OUTPUT, HESSE_ATTENTION_QUERY, "|H_o(O,Q)|", "|H_f(O,Q)|"},
    {HESSE_ATTENTION_OUTPUT, HESSE_ATTENTION_KEY, "|H_o(O,K)|", "|H_f(O,K)|"},
    {HESSE_ATTENTION_OUTPUT, HESSE_ATTENTION_VALUE, "|H_o(O,V)|", "|H_f(O,V)|"}};

/* A layer, its examples, and both parts of its Hessian: closed forms, and the products
   of the operators. The arrays are n x n. */
typedef struct study {
    hesse_problem problem;
    hesse_attention_layer layer;
    int sequences, tokens;
    const double *x, *y; /* of the batch                      */
    double *residual;    /* outputs - y                       */
    double scale, loss;  /* of the sum of squares; the loss   */
    size_t n;
    double *outer, *functional, *query_key;
    double *outer_product, *functional_product;
} study;

static hesse_status no_room(hesse_why *why, size_t n)
{
    return hesse_fail(why, HESSE_E_NOMEM,
                      "out of memory for the Hessian of %zu parameters of attention",
                      n);
}

/* Local. `one`: only one matrix is trained, which needs no closed forms of attention.
 */
static hesse_status check_arch(const hesse_arch *a, bool one, hesse_why *why)
{
    if (!one && a->attention.kernel == HESSE_KERNEL_GAUSSIAN)
        return hesse_fail(why, HESSE_E_JOB,
                          "the kernel of attention is gaussian, expected one that has "
                          "closed forms: softmax, linear");
    if (!one && a->attention.identity)
        return hesse_fail(why, HESSE_E_JOB,
                          "the values of attention are the identity, expected learned "
                          "ones, which have closed forms");
    if (a->data.loss != HESSE_LOSS_SQUARED_ERROR &&
        a->data.loss != HESSE_LOSS_REGRESSION)
        return hesse_fail(why, HESSE_E_JOB,
                          "the loss of the network is a cross-entropy, expected one "
                          "that has closed forms: squared_error, regression");
    return HESSE_OK;
}

/* Local. Take the layer, its examples and the residual from an open problem. */
static hesse_status take_study(study *s, hesse_why *why)
{
    const hesse_arch *a = hesse_network_arch(s->problem.network);
    const hesse_attention *t = &a->attention;
    const hesse_batch *b = &s->problem.objective->batch;
    s->layer = (hesse_attention_layer){
        .inputs = a->data.inputs,
        .outputs = a->data.outputs,
        .heads = t->heads,
        .size = t->size,
        .value_size = t->value_size,
        .output = t->output,
        .causal = !t->full,
        .linear = t->kernel == HESSE_KERNEL_LINEAR,
        .temperature = t->temperature > 0 ? t->temperature : sqrt(t->size),
        .theta = hesse_objective_parameters(s->problem.objective)};
    s->sequences = b->sequences, s->tokens = b->context;
    s->x = b->x, s->y = b->wanted;
    s->n = hesse_attention_size(&s->layer);
    if (!s->x || !s->y || b->wanted_tokens != b->context || b->end)
        return hesse_fail(why, HESSE_E_JOB,
                          "the theory of attention needs numbers and targets for every "
                          "token of the examples, without padding");
    const size_t tokens = (size_t)s->tokens, outputs = (size_t)s->layer.outputs,
                 inputs = (size_t)s->layer.inputs, count = tokens * outputs,
                 all = (size_t)s->sequences * count;
    if (s->n != hesse_network_size(s->problem.network) || s->n > INT_MAX / 2 ||
        count > INT_MAX)
        return no_room(why, s->n);
    if (!(s->residual = hesse_alloc(all))) return no_room(why, s->n);
    s->scale = 1 / (double)all;
    for (size_t i = 0; i < (size_t)s->sequences; i++)
        if (!hesse_attention_forward(&s->layer, s->tokens, s->x + i * tokens * inputs,
                                     s->residual + i * count))
            return no_room(why, s->n);
    for (size_t i = 0; i < all; i++) {
        s->residual[i] -= s->y[i];
        s->loss += s->scale * s->residual[i] * s->residual[i];
    }
    return HESSE_OK;
}

static bool make_matrices(study *s)
{
    double **const all[] = {&s->outer, &s->functional, &s->query_key, &s->outer_product,
                            &s->functional_product};
    bool good = true;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        good = (*all[i] = hesse_alloc(s->n * s->n)) && good;
    return good;
}

/* Collective. Multiply a share with all unit vectors. */
static hesse_status multiply_units(const study *s, hesse_team *team, hesse_kinds share,
                                   double *v, double *hv, double *out)
{
    hesse_status status = HESSE_OK;
    for (size_t first = 0; !status && first < s->n; first += PANEL) {
        const size_t k = s->n - first < PANEL ? s->n - first : PANEL;
        memset(v, 0, s->n * k * sizeof *v);
        for (size_t j = 0; j < k; j++) v[(first + j) * k + j] = 1;
        status = hesse_agree(
            team, hesse_objective_product(s->problem.objective, share, (int)k, v, hv));
        for (size_t i = 0; !status && i < s->n; i++)
            memcpy(out + i * s->n + first, hv + i * k, k * sizeof *hv);
    }
    return status;
}

/* Collective. Compute all parts of the Hessian of an open problem, in both ways. */
static hesse_status fill_study(study *s, hesse_team *team)
{
    hesse_why *why = hesse_team_why(team);
    double *v = hesse_alloc(s->n * PANEL), *hv = hesse_alloc(s->n * PANEL);
    hesse_status status = v && hv && make_matrices(s) ? HESSE_OK : no_room(why, s->n);
    if (!status &&
        !hesse_attention_blocks(&s->layer, s->sequences, s->tokens, s->x, s->residual,
                                s->scale, s->outer, s->functional, s->query_key))
        status = no_room(why, s->n);
    status = hesse_agree(team, status);
    if (!status)
        status = multiply_units(s, team, HESSE_GAUSS_NEWTON, v, hv, s->outer_product);
    if (!status)
        status =
            multiply_units(s, team, HESSE_FUNCTIONAL, v, hv, s->functional_product);
    free(v);
    free(hv);
    return status;
}

/* Collective. Open a network on the examples of a job. */
static hesse_status open_study(study *s, const hesse_theory *theory,
                               const hesse_arch *arch)
{
    const hesse_network_source source = {
        .arch = arch,
        .checkpoint = arch == theory->arch ? theory->options.checkpoint : NULL,
        .seed = theory->options.seed};
    const hesse_objective_options options = {.reduction = HESSE_MEAN};
    hesse_status status =
        hesse_problem_open(theory->team, &source, theory->data, &options, &s->problem);
    if (!status)
        status = hesse_agree(theory->team, take_study(s, hesse_team_why(theory->team)));
    return status;
}

static void free_study(study *s)
{
    hesse_problem_free(&s->problem);
    free(s->residual);
    free(s->outer);
    free(s->functional);
    free(s->query_key);
    free(s->outer_product);
    free(s->functional_product);
}

/* A block of the Hessian, of all heads. */
typedef struct block {
    size_t first, rows, left, columns;
} block;

static block block_of(const hesse_attention_layer *layer, hesse_attention_matrix left,
                      hesse_attention_matrix right)
{
    const hesse_attention_place a = hesse_attention_place_of(layer, left),
                                b = hesse_attention_place_of(layer, right);
    const size_t heads = (size_t)layer->heads;
    return (block){a.first, a.rows * a.columns * heads, b.first,
                   b.rows * b.columns * heads};
}

/* |a - b| of a block by Frobenius; b NULL is 0. */
static double distance(const block *at, size_t n, const double *a, const double *b)
{
    double sum = 0;
    for (size_t i = at->first; i < at->first + at->rows; i++)
        for (size_t j = at->left; j < at->left + at->columns; j++) {
            const double x = a[i * n + j] - (b ? b[i * n + j] : 0);
            sum += x * x;
        }
    return sqrt(sum);
}

/* Add the line of a part of a block. Its difference is relative to the norm of both
   parts of it, so that a part that vanishes is compared as well. */
static double add_block(hesse_theory *theory, const study *s, const block *at,
                        const char *what, const double *claim, const double *measured)
{
    const double size = hypot(distance(at, s->n, s->outer, NULL),
                              distance(at, s->n, s->functional, NULL));
    const double off = distance(at, s->n, claim, measured),
                 relative = off == 0 ? 0 : off / size;
    hesse_theory_add_number(theory, what, distance(at, s->n, measured, NULL),
                            "%.6g, difference %.1e", distance(at, s->n, claim, NULL),
                            relative);
    return relative;
}

static double add_blocks(hesse_theory *theory, const study *s)
{
    double worst = 0;
    for (int part = 0; part < 2; part++)
        for (int i = 0; i < PAIRS; i++) {
            const block at = block_of(&s->layer, PAIR[i].left, PAIR[i].right);
            if (!at.rows || !at.columns) continue;
            const double off = part ? add_block(theory, s, &at, PAIR[i].functional,
                                                s->functional, s->functional_product)
                                    : add_block(theory, s, &at, PAIR[i].outer, s->outer,
                                                s->outer_product);
            worst = fmax(worst, off);
        }
    return worst;
}

/* The largest entry of the functional part in the blocks of one matrix. */
static double diagonal_blocks(const study *s, const double *a)
{
    double most = 0;
    for (int m = 0; m < HESSE_ATTENTION_MATRICES; m++) {
        const block at =
            block_of(&s->layer, (hesse_attention_matrix)m, (hesse_attention_matrix)m);
        for (size_t i = at.first; i < at.first + at.rows; i++)
            for (size_t j = at.left; j < at.left + at.columns; j++)
                most = fmax(most, fabs(a[i * s->n + j]));
    }
    return most;
}

/* Local. Compute the eigenvalues of a symmetric matrix, in ascending order; it is
   overwritten. */
static hesse_status decompose(size_t order, double *a, double *lambda, hesse_why *why)
{
    const int n = (int)order, room = 2 * n + 1, whole = 1;
    int info = 0, wholes[1];
    double *work = hesse_alloc((size_t)room);
    if (!work) return no_room(why, order);
    dsyevd_("N", "L", &n, a, &n, lambda, work, &room, wholes, &whole, &info, 1, 1);
    free(work);
    return info ? hesse_fail(why, HESSE_E_NUMERIC, "DSYEVD failed with info = %d", info)
                : HESSE_OK;
}

/* The symmetries of a layer: tangents, the rank of their span, an orthonormal basis u
   of all directions whose first ones span the tangents, and what the two parts make of
   them. */
typedef struct symmetries {
    size_t count, rank;
    double *z, *u; /* count x n, n x n */
    double outer, all;
} symmetries;

/* The largest |A z| / (|A| |z|) over all tangents; a and b (NULL: 0) sum up to A. */
static double largest_image(const study *s, const symmetries *y, const double *a,
                            const double *b)
{
    double norm = 0, most = 0;
    for (size_t i = 0; i < s->n * s->n; i++) norm += pow(a[i] + (b ? b[i] : 0), 2);
    for (size_t k = 0; k < y->count; k++) {
        const double *z = y->z + k * s->n;
        double image = 0, size = 0;
        for (size_t i = 0; i < s->n; i++) {
            double sum = 0;
            for (size_t j = 0; j < s->n; j++)
                sum += (a[i * s->n + j] + (b ? b[i * s->n + j] : 0)) * z[j];
            image += sum * sum, size += z[i] * z[i];
        }
        if (size > 0 && norm > 0) most = fmax(most, sqrt(image / (norm * size)));
    }
    return most;
}

static void free_symmetries(symmetries *y)
{
    free(y->z);
    free(y->u);
}

/* Local. */
static hesse_status find_symmetries(const study *s, symmetries *y, hesse_why *why)
{
    y->count = hesse_attention_symmetries(&s->layer, NULL);
    const size_t n = s->n, least = y->count < n ? y->count : n,
                 room = 8 * (n + y->count);
    double *copy = hesse_alloc(y->count * n), *singular = hesse_alloc(least),
           *work = hesse_alloc(room), none;
    hesse_status status = HESSE_OK;
    y->z = hesse_alloc(y->count * n), y->u = hesse_alloc(n * n);
    if (!copy || !singular || !work || !y->z || !y->u || room > INT_MAX)
        status = no_room(why, n);
    if (!status) {
        const int rows = (int)n, columns = (int)y->count, one = 1, length = (int)room;
        int info = 0;
        hesse_attention_symmetries(&s->layer, y->z);
        memcpy(copy, y->z, y->count * n * sizeof *copy);
        dgesvd_("A", "N", &rows, &columns, copy, &rows, singular, y->u, &rows, &none,
                &one, work, &length, &info);
        if (info)
            status =
                hesse_fail(why, HESSE_E_NUMERIC, "DGESVD failed with info = %d", info);
        const double zero = (double)room * DBL_EPSILON * singular[0];
        for (size_t i = 0; !info && i < least; i++) y->rank += singular[i] > zero;
    }
    if (!status) {
        y->outer = largest_image(s, y, s->outer_product, NULL);
        y->all = largest_image(s, y, s->outer_product, s->functional_product);
    }
    free(copy);
    free(singular);
    free(work);
    return status;
}

/* Local. Compute the eigenvalues of u' a u, where u spans the directions orthogonal to
   all symmetries. */
static hesse_status project(hesse_theory *theory, const study *s, const symmetries *y,
                            const double *a, const char *path, hesse_why *why)
{
    const size_t left = s->n - y->rank;
    const int n = (int)s->n, m = (int)left;
    const double one = 1, zero = 0, *u = y->u + y->rank * s->n;
    double *lambda = hesse_theory_add_set(theory, path, 1, left, 1),
           *au = hesse_alloc(s->n * left), *small = hesse_alloc(left * left);
    hesse_status status = lambda && au && small ? HESSE_OK : no_room(why, s->n);
    if (!status) {
        dgemm_("N", "N", &n, &m, &n, &one, a, &n, u, &n, &zero, au, &n, 1, 1);
        dgemm_("T", "N", &m, &m, &n, &one, u, &n, au, &n, &zero, small, &m, 1, 1);
        status = decompose(left, small, lambda, why);
    }
    free(au);
    free(small);
    return status;
}

/* Local. Add the eigenvalues of the Hessian and of its outer product, and the zero ones
   that symmetries explain. */
static hesse_status add_spectra(hesse_theory *theory, const study *s, hesse_why *why)
{
    const size_t n = s->n, square = n * n;
    symmetries y = {0};
    double trace = 0, claim = 0, norm = 0, wanted = 0, most = 0, zeros = 0;
    double *all = hesse_theory_add_set(theory, "theory/eigenvalues", 1, n, 1),
           *outer = hesse_theory_add_set(theory, "theory/outer_eigenvalues", 1, n, 1),
           *h = hesse_alloc(square), *closed = hesse_alloc(n),
           *scratch = hesse_alloc(square);
    hesse_status status =
        all && outer && h && closed && scratch ? HESSE_OK : no_room(why, n);
    for (size_t i = 0; !status && i < square; i++) {
        const double c = s->outer[i] + s->functional[i];
        h[i] = s->outer_product[i] + s->functional_product[i];
        norm += h[i] * h[i], wanted += c * c;
        if (i % (n + 1) == 0) trace += h[i], claim += c;
        scratch[i] = c;
    }
    if (!status) status = decompose(n, scratch, closed, why);
    if (!status) memcpy(scratch, h, square * sizeof *h);
    if (!status) status = decompose(n, scratch, all, why);
    if (!status) memcpy(scratch, s->outer_product, square * sizeof *h);
    if (!status) status = decompose(n, scratch, outer, why);
    if (!status) status = find_symmetries(s, &y, why);
    if (!status) {
        hesse_theory_add_number(theory, "trace of H", trace, "%.10g", claim);
        hesse_theory_add_number(theory, "|H|", sqrt(norm), "%.10g", sqrt(wanted));
        hesse_theory_add_number(theory, "smallest eigenvalue of H", all[0], "%.10g",
                                closed[0]);
        hesse_theory_add_number(theory, "largest eigenvalue of H", all[n - 1], "%.10g",
                                closed[n - 1]);
        most = fmax(fabs(outer[0]), outer[n - 1]);
        for (size_t i = 0; i < n; i++)
            zeros += fabs(outer[i]) <= 16 * (double)n * DBL_EPSILON * most;
        hesse_theory_add_number(theory, "smallest eigenvalue of H_o", outer[0],
                                "0 or more, but for rounding");
        hesse_theory_add_number(theory, "eigenvalues of H_o that are 0", zeros,
                                "at least %zu, by symmetries", y.rank);
        hesse_theory_add_number(theory, "tangents of symmetries", (double)y.count,
                                "%zu of them independent", y.rank);
        hesse_theory_add_number(theory, "  largest |H_o z| / (|H_o| |z|)", y.outer,
                                "0");
        hesse_theory_add_number(theory, "  largest |H z| / (|H| |z|)", y.all,
                                "0 where the gradient is 0");
    }
    if (!status && theory->options.project && y.rank < n) {
        status = project(theory, s, &y, h, "theory/projected_eigenvalues", why);
        if (!status)
            status = project(theory, s, &y, s->outer_product,
                             "theory/projected_outer_eigenvalues", why);
    }
    free_symmetries(&y);
    free(h);
    free(closed);
    free(scratch);
    return status;
}

/* Collective. Add the gradient's norm, to see how far a stationary point is. */
static hesse_status add_first(hesse_theory *theory, const study *s)
{
    hesse_team *team = theory->team;
    double *gradient = hesse_alloc(s->n), loss = 0, sum = 0;
    hesse_status status =
        hesse_agree(team, gradient ? HESSE_OK : no_room(hesse_team_why(team), s->n));
    if (!status)
        status = hesse_objective_gradient(s->problem.objective, &loss, gradient);
    for (size_t i = 0; !status && i < s->n; i++) sum += gradient[i] * gradient[i];
    if (!status) {
        hesse_theory_add_number(theory, "loss", loss, "%.10g", s->loss);
        hesse_theory_add_number(theory, "norm of the gradient", sqrt(sum), "%s", "");
    }
    free(gradient);
    return status;
}

/* Local. Set the parameters of a layer of the same function whose head size is the one
   of the inputs: the query is query key', the key the identity. Without the key it is
   the joined layer. */
static void join(const study *from, const study *to, double *theta, double *joined)
{
    const hesse_attention_place q = hesse_attention_place_of(&from->layer,
                                                             HESSE_ATTENTION_QUERY),
                                k = hesse_attention_place_of(&from->layer,
                                                             HESSE_ATTENTION_KEY),
                                v = hesse_attention_place_of(&from->layer,
                                                             HESSE_ATTENTION_VALUE),
                                one = hesse_attention_place_of(&to->layer,
                                                               HESSE_ATTENTION_KEY);
    const double *old = from->layer.theta;
    const size_t d = q.rows, rest = from->n - v.first;
    memset(theta, 0, to->n * sizeof *theta);
    for (size_t h = 0; h < (size_t)from->layer.heads; h++)
        for (size_t i = 0; i < d; i++) {
            double *row = theta + i * one.row + h * one.head;
            for (size_t j = 0; j < d; j++)
                for (size_t m = 0; m < q.columns; m++)
                    row[j] += old[q.first + i * q.row + h * q.head + m] *
                              old[k.first + j * k.row + h * k.head + m];
            theta[one.first + i * one.row + h * one.head + i] = 1;
        }
    memcpy(theta + to->n - rest, old + v.first, rest * sizeof *theta);
    memcpy(joined, theta, one.first * sizeof *joined);
    memcpy(joined + one.first, old + v.first, rest * sizeof *joined);
}

/* Leave the rows and columns first ... first + count - 1 out of a matrix of order n. */
static void leave_out(size_t n, size_t first, size_t count, const double *from,
                      double *to)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            if ((i < first || i >= first + count) && (j < first || j >= first + count))
                *to++ = from[i * n + j];
}

/* Local. Compare the closed forms of a joined layer with the products of `two`, whose
   key is the identity. */
static hesse_status compare_joined(hesse_theory *theory, const study *two,
                                   const double *theta, double *worst, hesse_why *why)
{
    const hesse_attention_place key =
        hesse_attention_place_of(&two->layer, HESSE_ATTENTION_KEY);
    const size_t cut = key.first;
    study one = {.layer = two->layer, .n = two->n - cut};
    one.layer.joined = true, one.layer.theta = theta;
    hesse_status status = make_matrices(&one) ? HESSE_OK : no_room(why, one.n);
    if (!status && !hesse_attention_blocks(&one.layer, two->sequences, two->tokens,
                                           two->x, two->residual, two->scale, one.outer,
                                           one.functional, NULL))
        status = no_room(why, one.n);
    if (!status) {
        const block all = {0, one.n, 0, one.n};
        const block joined =
            block_of(&one.layer, HESSE_ATTENTION_QUERY, HESSE_ATTENTION_QUERY);
        leave_out(two->n, cut, cut, two->outer_product, one.outer_product);
        leave_out(two->n, cut, cut, two->functional_product, one.functional_product);
        double *set =
                   hesse_theory_add_set(theory, "theory/joined_outer", 2, one.n, one.n),
               *rest = hesse_theory_add_set(theory, "theory/joined_functional", 2,
                                            one.n, one.n);
        if (!set || !rest) {
            status = no_room(why, one.n);
        } else {
            memcpy(set, one.outer, one.n * one.n * sizeof *set);
            memcpy(rest, one.functional, one.n * one.n * sizeof *rest);
            *worst = fmax(*worst, add_block(theory, &one, &joined,
                                            "|H_o| of one matrix W = W_Q W_K'",
                                            one.outer, one.outer_product));
            *worst = fmax(*worst, add_block(theory, &one, &joined,
                                            "|H_f| of one matrix W = W_Q W_K'",
                                            one.functional, one.functional_product));
            *worst = fmax(*worst,
                          add_block(theory, &one, &all, "|H_o| of W, value and output",
                                    one.outer, one.outer_product));
            *worst = fmax(*worst,
                          add_block(theory, &one, &all, "|H_f| of W, value and output",
                                    one.functional, one.functional_product));
        }
    }
    free_study(&one);
    return status;
}

/* Collective. The same layer with one matrix for the scores of a head. */
static hesse_status add_joined(hesse_theory *theory, const study *s, double *worst)
{
    hesse_team *team = theory->team;
    hesse_why *why = hesse_team_why(team);
    hesse_arch arch = *theory->arch;
    study two = {0};
    double *theta = NULL, *joined = NULL;
    arch.attention.size = s->layer.inputs;
    arch.attention.temperature = s->layer.temperature;
    hesse_status status = open_study(&two, theory, &arch);
    if (!status) {
        theta = hesse_alloc(two.n), joined = hesse_alloc(two.n);
        if (theta && joined)
            join(s, &two, theta, joined);
        else
            status = no_room(why, two.n);
        status = hesse_agree(team, status);
    }
    if (!status) status = hesse_objective_set_parameters(two.problem.objective, theta);
    if (!status) {
        two.layer.theta = hesse_objective_parameters(two.problem.objective);
        memcpy(two.residual, s->residual,
               (size_t)s->sequences * (size_t)s->tokens * (size_t)s->layer.outputs *
                   sizeof *s->residual);
        status = fill_study(&two, team);
    }
    if (!status)
        status = hesse_agree(team, compare_joined(theory, &two, joined, worst, why));
    free_study(&two);
    free(theta);
    free(joined);
    return status;
}

/* Local. Add the closed forms, and the term of two matrices. */
static hesse_status add_matrices(hesse_theory *theory, const study *s, hesse_why *why)
{
    const struct {
        const char *path;
        const double *from;
    } list[] = {{"theory/outer", s->outer},
                {"theory/functional", s->functional},
                {"theory/query_key", s->query_key}};
    const size_t square = s->n * s->n;
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        double *to = hesse_theory_add_set(theory, list[i].path, 2, s->n, s->n);
        if (!to) return no_room(why, s->n);
        memcpy(to, list[i].from, square * sizeof *to);
    }
    const block at = block_of(&s->layer, HESSE_ATTENTION_QUERY, HESSE_ATTENTION_KEY);
    double sum = 0;
    for (size_t i = at.first; i < at.first + at.rows; i++)
        for (size_t j = at.left; j < at.left + at.columns; j++) {
            const size_t e = i * s->n + j;
            sum +=
                pow(s->functional_product[e] - (s->functional[e] - s->query_key[e]), 2);
        }
    hesse_theory_add_number(theory,
                            "|H_f(Q,K)|, the term of two matrices (T-functional)",
                            sqrt(sum), "%.6g", distance(&at, s->n, s->query_key, NULL));
    if (s->layer.linear)
        hesse_theory_add_number(theory,
                                "largest entry of a diagonal block of H_f (hollow)",
                                diagonal_blocks(s, s->functional_product), "0");
    return HESSE_OK;
}

/* Local. Add the moments of every token, head and sequence. */
static hesse_status add_moments(hesse_theory *theory, const study *s, hesse_why *why)
{
    const size_t d = (size_t)s->layer.inputs, tokens = (size_t)s->tokens,
                 heads = (size_t)s->layer.heads, groups = (size_t)s->sequences * heads,
                 rows = groups * tokens;
    double *mu = hesse_theory_add_set(theory, "theory/moments/mean", 2, rows, d),
           *c = hesse_theory_add_set(theory, "theory/moments/covariance", 2, rows,
                                     d * d),
           *t =
               hesse_theory_add_set(theory, "theory/moments/third", 2, rows, d * d * d),
           *z = hesse_theory_add_set(theory, "theory/moments/z1", 2, rows * d, d * d);
    if (!mu || !c || !t || !z) return no_room(why, s->n);
    for (size_t g = 0; g < groups; g++) {
        const double *x = s->x + g / heads * tokens * d;
        const size_t first = g * tokens;
        if (!hesse_attention_moments(&s->layer, s->tokens, x, (int)(g % heads),
                                     mu + first * d, c + first * d * d,
                                     t + first * d * d * d))
            return no_room(why, s->n);
        for (size_t i = 0; i < tokens; i++)
            for (size_t a = 0; a < d; a++)
                for (size_t p = 0; p < d; p++)
                    for (size_t b = 0; b < d; b++)
                        z[(((first + i) * d + a) * d + p) * d + b] =
                            x[i * d + p] * c[((first + i) * d + a) * d + b];
    }
    return HESSE_OK;
}

static void set_title(hesse_theory *theory)
{
    const hesse_theory_options *o = &theory->options;
    if (o->checkpoint)
        hesse_theory_set_title(theory, "Layer of attention with the parameters of %s",
                               o->checkpoint);
    else
        hesse_theory_set_title(
            theory, "Layer of attention with the initial values of seed %llu",
            (unsigned long long)o->seed);
}

static hesse_status compute(hesse_theory *theory)
{
    hesse_team *team = theory->team;
    hesse_why *why = hesse_team_why(team);
    study s = {0};
    double worst = 0;
    const bool one = theory->options.n_only > 0;
    hesse_status status = hesse_agree(team, check_arch(theory->arch, one, why));
    if (!status && one) return hesse_attention_descent(theory);
    if (!status) status = open_study(&s, theory, theory->arch);
    if (!status) status = add_first(theory, &s);
    if (!status) status = fill_study(&s, team);
    if (!status) {
        worst = add_blocks(theory, &s);
        status = hesse_agree(team, add_matrices(theory, &s, why));
    }
    if (!status) status = add_joined(theory, &s, &worst);
    if (!status) {
        hesse_theory_add_number(theory, "largest difference of a block", worst,
                                "below 1e-9");
        status = hesse_agree(team, add_spectra(theory, &s, why));
    }
    if (!status && theory->options.moments)
        status = hesse_agree(team, add_moments(theory, &s, why));
    set_title(theory);
    free_study(&s);
    return status;
}

const hesse_theory_row hesse_theory_of_attention = {.family = "attention",
                                                    .compute = compute};
