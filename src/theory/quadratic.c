/* Gradient descent and Adam on a quadratic 1/2 w'Hw with blocks H_l of given
   eigenvalues. The examples are the rows sqrt(lambda_i) q_i' of A, so A tells the
   eigenvectors, and no matrix H is decomposed. Adam without averages, with D = diag
   |first gradient|, is gradient descent on M = D^(-1/2) H D^(-1/2), whose eigenvectors
   and eigenvalues are the singular vectors and squared singular values of A D^(-1/2).
   In an eigenbasis t steps at once are a power, so a long run costs little.
   Source: Zhang et al., arXiv:2402.16788, section 3. */
#include "theory/theory.h"

#include "base/memory.h"
#include "data/kinds.h"
#include "network/params.h"
#include "parallel/team.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GAP = 200, RATES = 1000 };

/* A draw's numbers, which are columns of one table. The constants C_1 and C_2 of every
   block follow after them. */
typedef enum column {
    PRECONDITIONED,
    RATIO,
    TAU,
    GD_STEPS,
    ADAM_STEPS,
    ADAM_RATE,
    R,
    R_SQUARED,
    CONVERGENCE,
    BOUND,
    VIOLATIONS,
    COLUMNS
} column;

static const char *const PATHS[] = {[PRECONDITIONED] =
                                        "theory/preconditioned_condition",
                                    [RATIO] = "theory/condition_ratio",
                                    [TAU] = "theory/tau",
                                    [GD_STEPS] = "theory/gd_steps",
                                    [ADAM_STEPS] = "theory/adam_steps",
                                    [ADAM_RATE] = "theory/adam_learning_rate",
                                    [R] = "theory/r",
                                    [R_SQUARED] = "theory/r_squared",
                                    [CONVERGENCE] = "theory/adam_factor",
                                    [BOUND] = "theory/adam_bound",
                                    [VIOLATIONS] = "theory/adam_violations"};

void dgesvd_(const char *left, const char *right, const int *m, const int *n, double *a,
             const int *lda, double *singular, double *u, const int *ldu, double *vt,
             const int *ldvt, double *work, const int *room, int *info);

/* The quadratic, the same for all draws. */
typedef struct quadratic {
    int blocks;
    const int *sizes;
    size_t n, squares;       /* the order, and the sum of the squared sizes */
    const double *lambda;    /* [n] block after block */
    double least, most;      /* of all eigenvalues    */
    double *condition, *top; /* [blocks] of a block: condition, largest eigenvalue */
    double worst;            /* the largest condition of a block */
    double rate;             /* of gradient descent   */
} quadratic;

/* Independent modes: mode k is multiplied by 1 - rate lambda_k in every step. */
typedef struct modes {
    const quadratic *q;
    size_t n;
    const double *lambda, *start;
    /* Adam: the gradient in the basis of the parameters is root_j times the sum over k
       of vectors_jk lambda_k mode_k; NULL: the basis is orthonormal. */
    const double *vectors, *root;
    double *now; /* [n] after some steps */
} modes;

/* A draw and its arrays, which all draws of a rank use. */
typedef struct draw {
    double *w, *start;     /* [n] parameters, and modes in the eigenbasis of H       */
    double *g, *root;      /* [n] gradient, and the root of its absolute value       */
    double *lambda, *adam; /* [n] eigenvalues and modes of M                         */
    double *vectors;       /* [squares] eigenvectors of M, block by block            */
    double *now, *work;    /* [n], [room]                                            */
    int room;
    hesse_params params;
    hesse_arch arch;
} draw;

static void advance(const modes *m, double rate, double steps)
{
    for (size_t k = 0; k < m->n; k++)
        m->now[k] = m->start[k] * pow(1 - rate * m->lambda[k], steps);
}

static double gradient_norm(const modes *m)
{
    double sum = 0;
    if (!m->vectors) {
        for (size_t k = 0; k < m->n; k++) {
            const double g = m->lambda[k] * m->now[k];
            sum += g * g;
        }
        return sqrt(sum);
    }
    const double *u = m->vectors;
    for (size_t b = 0, first = 0; b < (size_t)m->q->blocks; b++) {
        const size_t size = (size_t)m->q->sizes[b];
        for (size_t j = 0; j < size; j++) {
            double g = 0;
            for (size_t k = 0; k < size; k++)
                g += u[k * size + j] * m->lambda[first + k] * m->now[first + k];
            g *= m->root[first + j];
            sum += g * g;
        }
        first += size, u += size * size;
    }
    return sqrt(sum);
}

static double loss(const modes *m)
{
    double sum = 0;
    for (size_t k = 0; k < m->n; k++) sum += m->lambda[k] * m->now[k] * m->now[k];
    return 0.5 * sum;
}

/* 1 - L(t + 1) / L(t), as a sum in which nothing cancels. */
static double decrease(const modes *m, double rate)
{
    double sum = 0, all = 0;
    for (size_t k = 0; k < m->n; k++) {
        const double part = m->lambda[k] * m->now[k] * m->now[k],
                     x = rate * m->lambda[k];
        sum += part * x * (2 - x), all += part;
    }
    return sum / all;
}

/* The number of steps at which a run is looked at after t. */
static int64_t next_look(int64_t t)
{
    return t + 1 + t / GAP;
}

/* The number of steps after which the gradient's norm is at most `part` of the first;
   NaN if it is more than `most`. The last gap is halved until it is one step. */
static double steps_to(const modes *m, double rate, double part, int64_t most)
{
    int64_t before = 0, t = 0;
    advance(m, rate, 0);
    const double goal = part * gradient_norm(m);
    while (gradient_norm(m) > goal) {
        if (t >= most) return NAN;
        before = t;
        t = next_look(t) < most ? next_look(t) : most;
        advance(m, rate, (double)t);
    }
    while (t - before > 1) {
        const int64_t middle = (before + t) / 2;
        advance(m, rate, (double)middle);
        if (gradient_norm(m) > goal)
            before = middle;
        else
            t = middle;
    }
    return (double)t;
}

/* Compare the largest factor of the loss in a step with the bound 1 - claim, at every
   step that is looked at. */
static void compare_bound(const modes *m, double rate, double claim,
                          const hesse_theory_options *o, double *row)
{
    double least = 1;
    int64_t t = 0;
    advance(m, rate, 0);
    const double goal = o->tolerance * o->tolerance * loss(m);
    row[VIOLATIONS] = 0;
    for (;;) {
        const double now = decrease(m, rate);
        least = fmin(least, now);
        row[VIOLATIONS] += now < claim * (1 - 1e-9);
        t = next_look(t);
        if (t > o->steps) break;
        advance(m, rate, (double)t);
        if (!(loss(m) > goal)) break;
    }
    row[CONVERGENCE] = 1 - least;
}

/* Take the parameters of a draw, the gradient, and both in the eigenbasis of H. */
static double take_point(const quadratic *q, const double *a, draw *d)
{
    double diagonal = 0, all = 0;
    memset(d->g, 0, q->n * sizeof *d->g);
    for (size_t b = 0, first = 0; b < (size_t)q->blocks; b++) {
        const size_t size = (size_t)q->sizes[b], end = first + size;
        for (size_t i = first; i < end; i++) {
            double y = 0;
            for (size_t j = first; j < end; j++) y += a[i * q->n + j] * d->w[j];
            for (size_t j = first; j < end; j++) d->g[j] += a[i * q->n + j] * y;
            d->start[i] = y / sqrt(q->lambda[i]);
        }
        for (size_t i = first; i < end; i++)
            for (size_t j = first; j <= i; j++) {
                double h = 0;
                for (size_t k = first; k < end; k++)
                    h += a[k * q->n + i] * a[k * q->n + j];
                if (i == j) diagonal += fabs(h);
                all += (i == j ? 1 : 2) * fabs(h);
            }
        first = end;
    }
    return diagonal / all;
}

/* Find the eigenvectors and eigenvalues of M and the modes of D^(1/2) w. A row of
   A D^(-1/2) is a column for LAPACK. */
static bool precondition(const quadratic *q, const double *a, draw *d)
{
    double *u = d->vectors;
    for (size_t j = 0; j < q->n; j++) d->root[j] = sqrt(fabs(d->g[j]));
    for (size_t b = 0, first = 0; b < (size_t)q->blocks; b++) {
        const int m = q->sizes[b], one = 1;
        const size_t size = (size_t)m;
        double none;
        int info = 0;
        for (size_t i = 0; i < size; i++)
            for (size_t j = 0; j < size; j++)
                u[i * size + j] =
                    a[(first + i) * q->n + first + j] / d->root[first + j];
        dgesvd_("O", "N", &m, &m, u, &m, d->lambda + first, &none, &one, &none, &one,
                d->work, &d->room, &info);
        if (info) return false;
        for (size_t k = 0; k < size; k++) {
            double mode = 0;
            for (size_t j = 0; j < size; j++)
                mode += u[k * size + j] * d->root[first + j] * d->w[first + j];
            d->adam[first + k] = mode;
            d->lambda[first + k] *= d->lambda[first + k];
        }
        first += size, u += size * size;
    }
    return true;
}

/* The constants C_1 and C_2 of every block, and what follows from them. Returns Adam's
   learning rate of the bound. */
static double find_constants(const quadratic *q, const draw *d, double *row)
{
    double *c1 = row + COLUMNS, *c2 = c1 + q->blocks, low = INFINITY, high = 0;
    for (size_t b = 0, first = 0; b < (size_t)q->blocks; b++) {
        const size_t end = first + (size_t)q->sizes[b];
        double least = INFINITY, most = 0;
        for (; first < end; first++) {
            least = fmin(least, fabs(d->g[first]));
            most = fmax(most, fabs(d->g[first]));
        }
        c1[b] = least / q->top[b], c2[b] = most / q->top[b];
        low = fmin(low, c1[b]), high = fmax(high, c2[b]);
    }
    row[R] = high / low;
    row[R_SQUARED] = row[R] * row[R];
    row[BOUND] = 1 - 1 / (row[R] * q->worst);
    return low;
}

static modes modes_of_gd(const quadratic *q, const draw *d)
{
    return (modes){
        .q = q, .n = q->n, .lambda = q->lambda, .start = d->start, .now = d->now};
}

static modes modes_of_adam(const quadratic *q, const draw *d)
{
    return (modes){.q = q,
                   .n = q->n,
                   .lambda = d->lambda,
                   .start = d->adam,
                   .vectors = d->vectors,
                   .root = d->root,
                   .now = d->now};
}

/* Do draw k: the examples of its seed, the initial parameters of its seed, and the
   numbers of its row. */
static hesse_status do_draw(const hesse_theory *theory, const quadratic *q, int k,
                            draw *d, double *row, hesse_why *why)
{
    const hesse_theory_options *o = &theory->options;
    const hesse_data_needs needs = {.reads = HESSE_READS_NUMBERS};
    hesse_data_options data = *theory->data;
    hesse_batch batch = {0};
    data.seed = o->seed + (uint64_t)k;
    hesse_status s =
        hesse_data_kind_named("quadratic")->read(&data, &needs, &batch, why);
    if (!s) {
        hesse_params_init(&d->params, data.seed, d->w);
        row[TAU] = take_point(q, batch.x, d);
        for (size_t j = 0; !s && j < q->n; j++)
            if (!(fabs(d->g[j]) > 0))
                s = hesse_fail(
                    why, HESSE_E_NUMERIC,
                    "draw %d: entry %zu of the first gradient is 0, and Adam "
                    "divides by it",
                    k, j);
    }
    if (!s && !precondition(q, batch.x, d))
        s = hesse_fail(why, HESSE_E_NUMERIC,
                       "draw %d: the singular values of a block were not found", k);
    hesse_batch_free(&batch);
    if (s) return s;
    double least = INFINITY, most = 0;
    for (size_t i = 0; i < q->n; i++) {
        least = fmin(least, d->lambda[i]);
        most = fmax(most, d->lambda[i]);
    }
    const modes gd = modes_of_gd(q, d), adam = modes_of_adam(q, d);
    row[PRECONDITIONED] = most / least;
    row[RATIO] = row[PRECONDITIONED] / (q->most / q->least);
    row[ADAM_RATE] = 2 / (least + most);
    row[GD_STEPS] = steps_to(&gd, q->rate, o->tolerance, o->steps);
    row[ADAM_STEPS] = steps_to(&adam, row[ADAM_RATE], o->tolerance, o->steps);
    const double rate = find_constants(q, d, row);
    compare_bound(&adam, rate, 1 / (row[R] * q->worst), o, row);
    return HESSE_OK;
}

/* Record the losses and gradients of the draw that was just done, until both optimisers
   have reached the tolerance. */
static bool record_path(hesse_theory *theory, const quadratic *q, const draw *d,
                        const double *row)
{
    const double most = theory->options.steps,
                 last = fmax(isnan(row[GD_STEPS]) ? most : row[GD_STEPS],
                             isnan(row[ADAM_STEPS]) ? most : row[ADAM_STEPS]);
    const modes all[] = {modes_of_gd(q, d), modes_of_adam(q, d)};
    const double rates[] = {q->rate, row[ADAM_RATE]};
    static const char *const losses[] = {"theory/path/gd_loss",
                                         "theory/path/adam_loss"},
                             *const norms[] = {"theory/path/gd_gradient_norm",
                                               "theory/path/adam_gradient_norm"};
    size_t looks = 1;
    int64_t t = 0;
    for (; (double)t < last; t = next_look(t)) looks++;
    double *step = hesse_theory_add_set(theory, "theory/path/step", 1, looks, 1);
    if (!step) return false;
    t = 0;
    for (size_t i = 0; i < looks; i++, t = next_look(t)) step[i] = (double)t;
    for (int x = 0; x < 2; x++) {
        double *values = hesse_theory_add_set(theory, losses[x], 1, looks, 1);
        double *norm = hesse_theory_add_set(theory, norms[x], 1, looks, 1);
        if (!values || !norm) return false;
        for (size_t i = 0; i < looks; i++) {
            advance(&all[x], rates[x], step[i]);
            values[i] = loss(&all[x]);
            norm[i] = gradient_norm(&all[x]);
        }
    }
    return true;
}

static void free_draw(draw *d)
{
    double *const all[] = {d->w,    d->start,   d->g,   d->root, d->lambda,
                           d->adam, d->vectors, d->now, d->work};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    hesse_params_free(&d->params);
}

static hesse_status make_draw(const hesse_theory *theory, const quadratic *q, draw *d,
                              hesse_why *why)
{
    const size_t n = q->n;
    int largest = 0;
    for (int b = 0; b < q->blocks; b++)
        largest = q->sizes[b] > largest ? q->sizes[b] : largest;
    *d = (draw){.room = 64 * largest, .arch = *theory->arch};
    d->arch.data.inputs = (int)n;
    d->w = hesse_alloc(n), d->start = hesse_alloc(n);
    d->g = hesse_alloc(n), d->root = hesse_alloc(n);
    d->lambda = hesse_alloc(n), d->adam = hesse_alloc(n);
    d->now = hesse_alloc(n), d->work = hesse_alloc((size_t)d->room);
    d->vectors = hesse_alloc(q->squares);
    if (!d->w || !d->start || !d->g || !d->root || !d->lambda || !d->adam || !d->now ||
        !d->work || !d->vectors)
        return hesse_fail(why, HESSE_E_NOMEM,
                          "out of memory for a quadratic of %zu numbers", n);
    return hesse_params_new(&d->arch, &d->params, why);
}

/* The adversarial start of the lower bound: the two extreme eigenvectors, with equal
   entries of the gradient. */
static void add_lower_bound(hesse_theory *theory, const quadratic *q)
{
    const double kappa = q->most / q->least, bound = pow(1 - 2 / (kappa + 1), 2),
                 best = 2 / (q->least + q->most);
    const double lambda[] = {q->least, q->most}, start[] = {1 / q->least, 1 / q->most};
    double now[2], low = INFINITY, high = -INFINITY, other = INFINITY;
    const modes m = {.n = 2, .lambda = lambda, .start = start, .now = now};
    for (int64_t t = 0; t <= theory->options.steps; t = next_look(t)) {
        advance(&m, best, (double)t);
        if (!(loss(&m) > 1e-200)) break;
        const double factor = 1 - decrease(&m, best);
        low = fmin(low, factor), high = fmax(high, factor);
    }
    advance(&m, best, 0);
    for (int i = 1; i <= RATES; i++) {
        const double rate = 2 / q->most * i / RATES;
        other = fmin(other, 1 - decrease(&m, rate));
    }
    hesse_theory_add_number(theory,
                            "GD, adversarial start: least factor of L - L* in a step",
                            low, "%.10g", bound);
    hesse_theory_add_number(theory,
                            "GD, adversarial start: largest factor of L - L* in a step",
                            high, "%.10g", bound);
    hesse_theory_add_number(theory,
                            "GD, adversarial start: least factor for other rates",
                            other, "at least %.10g", bound);
}

static double share(size_t n, const double *x, double limit)
{
    double count = 0;
    for (size_t i = 0; i < n; i++) count += x[i] <= limit;
    return count / (double)n;
}

static bool add_lines(hesse_theory *theory, const quadratic *q,
                      double *const columns[COLUMNS])
{
    const size_t n = (size_t)theory->options.draws;
    const double kappa = q->most / q->least, tolerance = theory->options.tolerance,
                 factor = 1 - 2 / (kappa + 1);
    const bool optimal = theory->options.learning_rate == 0;
    double below = 0, wins = 0, violations = 0;
    for (size_t i = 0; i < n; i++) {
        const double gd = columns[GD_STEPS][i], adam = columns[ADAM_STEPS][i];
        below += columns[PRECONDITIONED][i] < kappa;
        wins += !isnan(adam) && (isnan(gd) || adam < gd);
        violations += columns[VIOLATIONS][i] > 0;
    }
    hesse_theory_add_number(theory, "kappa(H)", kappa, "%s", "");
    hesse_theory_add_number(theory, "largest kappa of a block", q->worst, "%s", "");
    bool good =
        hesse_theory_add_line(theory, "kappa(D^-1/2 H D^-1/2), preconditioned", n,
                              columns[PRECONDITIONED], "at most r max kappa_l");
    good = good && hesse_theory_add_line(theory, "its ratio to kappa(H)", n,
                                         columns[RATIO], "%s", "");
    hesse_theory_add_number(theory, "share of draws where it is below kappa(H)",
                            below / (double)n, "%s", "");
    good = good && hesse_theory_add_line(theory, "tau = sum |H_ii| / sum |H_ij|", n,
                                         columns[TAU], "%s", "");
    if (optimal && factor > 0 && tolerance < 1)
        good = good && hesse_theory_add_line(theory, "steps of GD", n,
                                             columns[GD_STEPS], "at most %.0f",
                                             ceil(log(tolerance) / log(factor)));
    else
        good = good && hesse_theory_add_line(theory, "steps of GD", n,
                                             columns[GD_STEPS], "%s", "");
    good = good && hesse_theory_add_line(theory, "steps of Adam", n,
                                         columns[ADAM_STEPS], "%s", "");
    hesse_theory_add_number(theory, "share of draws where Adam needs fewer",
                            wins / (double)n, "%s", "");
    good = good && hesse_theory_add_line(theory, "r = max C_2 / min C_1", n, columns[R],
                                         "%s", "");
    hesse_theory_add_number(theory, "share of draws with r <= 1000",
                            share(n, columns[R], 1000), "at least 2/3");
    hesse_theory_add_number(theory, "share of draws with r^2 <= 1000",
                            share(n, columns[R_SQUARED], 1000), "%s", "");
    hesse_theory_add_number(theory, "share of draws with r max kappa_l <= kappa(H)",
                            share(n, columns[R], kappa / q->worst), "%s", "");
    good = good &&
           hesse_theory_add_line(theory, "Adam, rate min C_1: largest factor of L - L*",
                                 n, columns[CONVERGENCE], "at most the bound");
    good =
        good && hesse_theory_add_line(theory, "  the bound max (1 - 1 / (r kappa_l))",
                                      n, columns[BOUND], "%s", "");
    hesse_theory_add_number(theory, "  draws in which a step is above it", violations,
                            "0");
    add_lower_bound(theory, q);
    return good;
}

/* Put the rows of all draws into datasets and lines. */
static bool add_all(hesse_theory *theory, const quadratic *q, const double *table)
{
    const size_t draws = (size_t)theory->options.draws, blocks = (size_t)q->blocks,
                 width = COLUMNS + 2 * blocks;
    double *columns[COLUMNS];
    double *number = hesse_theory_add_set(theory, "theory/draw", 1, draws, 1),
           *kappa = hesse_theory_add_set(theory, "theory/condition", 0, 1, 1),
           *rate = hesse_theory_add_set(theory, "theory/gd_learning_rate", 0, 1, 1),
           *bound = hesse_theory_add_set(theory, "theory/gd_bound", 0, 1, 1),
           *each = hesse_theory_add_set(theory, "theory/block_condition", 1, blocks, 1),
           *c1 = hesse_theory_add_set(theory, "theory/c1", 2, draws, blocks),
           *c2 = hesse_theory_add_set(theory, "theory/c2", 2, draws, blocks);
    bool good = number && kappa && rate && bound && each && c1 && c2;
    for (int c = 0; good && c < COLUMNS; c++) {
        columns[c] = hesse_theory_add_set(theory, PATHS[c], 1, draws, 1);
        good = columns[c];
    }
    if (!good) return false;
    *kappa = q->most / q->least, *rate = q->rate;
    *bound = pow(1 - 2 / (*kappa + 1), 2);
    memcpy(each, q->condition, blocks * sizeof *each);
    for (size_t k = 0; k < draws; k++) {
        const double *row = table + k * width;
        number[k] = (double)k;
        for (size_t c = 0; c < COLUMNS; c++) columns[c][k] = row[c];
        memcpy(c1 + k * blocks, row + COLUMNS, blocks * sizeof *c1);
        memcpy(c2 + k * blocks, row + COLUMNS + blocks, blocks * sizeof *c2);
    }
    return add_lines(theory, q, columns);
}

static hesse_status make_quadratic(const hesse_theory *theory, quadratic *q,
                                   hesse_why *why)
{
    const hesse_data_options *data = theory->data;
    const hesse_theory_options *o = &theory->options;
    if (o->draws < 1 || o->steps < 1 || !(o->tolerance > 0) || !(o->learning_rate >= 0))
        return hesse_fail(why, HESSE_E_JOB,
                          "a theory has %d draws, at most %d steps, the tolerance %g "
                          "and the learning rate %g, expected numbers above 0",
                          o->draws, o->steps, o->tolerance, o->learning_rate);
    *q = (quadratic){.blocks = data->n_sizes,
                     .sizes = data->sizes,
                     .lambda = data->eigenvalues,
                     .least = INFINITY};
    const size_t blocks = data->n_sizes > 0 ? (size_t)data->n_sizes : 0;
    if (!blocks || !q->sizes || !q->lambda)
        return hesse_fail(why, HESSE_E_JOB, "a quadratic needs blocks and eigenvalues");
    q->condition = hesse_alloc(blocks), q->top = hesse_alloc(blocks);
    if (!q->condition || !q->top)
        return hesse_fail(why, HESSE_E_NOMEM, "out of memory for %zu blocks", blocks);
    for (size_t b = 0; b < blocks; b++) {
        const size_t size = q->sizes[b] > 0 ? (size_t)q->sizes[b] : 0;
        double least = INFINITY, most = 0;
        for (size_t i = q->n; i < q->n + size; i++) {
            const double x = q->lambda[i];
            if (!(x > 0) || isinf(x))
                return hesse_fail(why, HESSE_E_JOB,
                                  "eigenvalue %zu (from 0) is %g, and the theory needs "
                                  "a quadratic that is positive definite: all "
                                  "eigenvalues above 0",
                                  i, x);
            least = fmin(least, x), most = fmax(most, x);
        }
        q->n += size, q->squares += size * size;
        q->condition[b] = most / least, q->top[b] = most;
        q->worst = fmax(q->worst, q->condition[b]);
        q->least = fmin(q->least, least), q->most = fmax(q->most, most);
    }
    const double given = o->learning_rate;
    if (given > 2 / q->most)
        return hesse_fail(why, HESSE_E_JOB,
                          "the learning rate of gradient descent is %g, expected at "
                          "most 2 / L = %g, where L is the largest eigenvalue: above "
                          "it gradient descent diverges",
                          given, 2 / q->most);
    q->rate = given > 0 ? given : 2 / (q->least + q->most);
    return HESSE_OK;
}

static hesse_status compute(hesse_theory *theory)
{
    hesse_team *team = theory->team;
    hesse_why *why = hesse_team_why(team);
    const int draws = theory->options.draws;
    quadratic q = {0};
    draw d = {0};
    double *table = NULL;
    hesse_status s = make_quadratic(theory, &q, why);
    const size_t width = COLUMNS + 2 * (size_t)(q.blocks > 0 ? q.blocks : 0),
                 count = width * (size_t)draws;
    if (!s) s = make_draw(theory, &q, &d, why);
    if (!s && !(table = hesse_alloc(count)))
        s = hesse_fail(why, HESSE_E_NOMEM, "out of memory for %d draws", draws);
    s = hesse_agree(team, s);
    for (int k = hesse_team_rank(team); !s && k < draws; k += hesse_team_size(team)) {
        double *row = table + (size_t)k * width;
        s = do_draw(theory, &q, k, &d, row, why);
        if (!s && k == 0 && !record_path(theory, &q, &d, row))
            s = hesse_fail(why, HESSE_E_NOMEM, "out of memory for the path of a draw");
    }
    s = hesse_agree(team, s);
    if (!s) hesse_team_sum(team, table, count); /* other ranks have zeros in a row */
    hesse_theory_set_title(theory,
                           "Gradient descent and Adam on a quadratic: %d draws from "
                           "seed %llu, tolerance %g",
                           draws, (unsigned long long)theory->options.seed,
                           theory->options.tolerance);
    if (!s && !add_all(theory, &q, table))
        s = hesse_fail(why, HESSE_E_NOMEM, "out of memory for %d draws", draws);
    free(table);
    free_draw(&d);
    free(q.condition);
    free(q.top);
    return s;
}

const hesse_theory_row hesse_theory_of_quadratic = {
    .family = "quadratic", .own_parameters = true, .compute = compute};
