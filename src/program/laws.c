/* Five laws of second derivatives are checked on the job's model and data, along random
   directions. Each gives a number that is only rounding if the derivatives are correct.
   Every check compares products from two different methods. */
#include "program/laws.h"

#include "base/memory.h"
#include "base/random.h"
#include "base/worst.h"
#include "program/commands.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DIRECTIONS = 4 };

static const double ENOUGH = 1e-7; /* then no other step is tried */

/* Directions and products, n x DIRECTIONS. */
typedef struct check {
    hesse_team *team;
    hesse_report *report;
    hesse_objective *objective;
    size_t n;
    double loss;
    double *v, *hv, *other;                 /* n x DIRECTIONS       */
    double *theta, *ahead, *behind, *moved; /* n: parameters, gradients */
} check;

/* Inner product of direction i of a with direction j of b. */
static double dot(const check *c, const double *a, int i, const double *b, int j)
{
    double sum = 0;
    for (size_t e = 0; e < c->n; e++)
        sum += a[e * DIRECTIONS + i] * b[e * DIRECTIONS + j];
    return sum;
}

static double norm(size_t count, const double *a)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += a[i] * a[i];
    return sqrt(sum);
}

/* Collective. The gradient at theta + step * direction i. */
static hesse_status gradient_at(const check *c, int i, double step, double *gradient)
{
    for (size_t e = 0; e < c->n; e++)
        c->moved[e] = c->theta[e] + step * c->v[e * DIRECTIONS + i];
    const hesse_status s = hesse_objective_set_parameters(c->objective, c->moved);
    return s ? s : hesse_objective_gradient(c->objective, NULL, gradient);
}

/* Collective. The relative difference between H v, for direction i, and differences of
   gradients, extrapolated from a step and half of it. It is infinite if a gradient
   there is not finite. */
static hesse_status difference(const check *c, int i, double h, double *relative)
{
    double error = 0, size = 0;
    hesse_status s = HESSE_OK;
    for (size_t e = 0; e < c->n; e++) c->other[e] = 0;
    for (int fine = 0; !s && fine < 2; fine++) {
        const double step = fine ? h / 2 : h, weight = fine ? 4.0 / 3 : -1.0 / 3;
        s = gradient_at(c, i, step, c->ahead);
        if (!s) s = gradient_at(c, i, -step, c->behind);
        for (size_t e = 0; !s && e < c->n; e++)
            c->other[e] += weight * (c->ahead[e] - c->behind[e]) / (2 * step);
    }
    for (size_t e = 0; e < c->n; e++) {
        const double hv = c->hv[e * DIRECTIONS + i];
        error += pow(hv - c->other[e], 2), size += hv * hv;
    }
    *relative = s ? INFINITY : sqrt(error / size);
    return s == HESSE_E_NUMERIC ? HESSE_OK : s;
}

/* Long steps have errors from the fourth derivatives, which are large at trained
   parameters, and may carry a ReLU over its kink, where the gradient jumps. Short steps
   have rounding errors. So several steps are tried, and the best one counts. */
static hesse_status differences(check *c)
{
    static const double steps[] = {1e-4, 1e-3, 1e-5, 1e-6, 1e-7, 1e-8};
    const int count = sizeof steps / sizeof *steps;
    const double scale = norm(c->n, c->theta) / sqrt((double)c->n) + 1e-3;
    double worst = 0;
    hesse_status s = HESSE_OK;
    for (int i = 0; !s && i < DIRECTIONS; i++) {
        double best = INFINITY, next;
        for (int t = 0; !s && t < count && !(best < ENOUGH); t++) {
            s = difference(c, i, steps[t] * scale, &next);
            best = fmin(best, next);
        }
        worst = hesse_worst(worst, best);
    }
    if (!s) s = hesse_objective_set_parameters(c->objective, c->theta);
    if (!s)
        hesse_report_check(c->report,
                           "Hessian-vector products: differences of the gradient",
                           worst, 1e-6);
    return s;
}

static void symmetry(check *c)
{
    double worst = 0;
    for (int i = 0; i < DIRECTIONS; i++)
        for (int j = 0; j < i; j++) {
            const double a = dot(c, c->v, i, c->hv, j), b = dot(c, c->v, j, c->hv, i);
            const double size =
                sqrt(dot(c, c->hv, i, c->hv, i) * dot(c, c->v, j, c->v, j));
            worst = hesse_worst(worst, fabs(a - b) / size);
        }
    hesse_report_check(c->report, "symmetry: <u, H v> = <v, H u>", worst, 1e-12);
}

static hesse_status positive(check *c)
{
    hesse_status s = hesse_objective_product(c->objective, HESSE_GAUSS_NEWTON,
                                             DIRECTIONS, c->v, c->other);
    double worst = 0;
    for (int i = 0; !s && i < DIRECTIONS; i++) {
        const double q = dot(c, c->v, i, c->other, i);
        const double size =
            sqrt(dot(c, c->other, i, c->other, i) * dot(c, c->v, i, c->v, i));
        worst = hesse_worst(worst, size == 0 ? 0 : -q / size);
    }
    if (!s)
        hesse_report_check(c->report, "Gauss-Newton part: <v, G v> >= 0", worst, 1e-12);
    return s;
}

/* Compare the sum of the shares of all kinds with the Hessian. */
static hesse_status shares(check *c)
{
    const size_t count = c->n * DIRECTIONS;
    hesse_status s = HESSE_OK;
    double *sum = hesse_alloc(count);
    const hesse_kinds there = hesse_objective_kinds(c->objective);
    if (!sum) s = hesse_fail(hesse_team_why(c->team), HESSE_E_NOMEM, "out of memory");
    s = hesse_agree(c->team, s);
    for (unsigned kind = 1; !s && kind < HESSE_ALL; kind <<= 1) {
        if (!(kind & there)) continue;
        s = hesse_objective_product(c->objective, (hesse_kinds)kind, DIRECTIONS, c->v,
                                    c->other);
        for (size_t i = 0; !s && i < count; i++) sum[i] += c->other[i];
    }
    for (size_t i = 0; !s && i < count; i++) sum[i] -= c->hv[i];
    if (!s)
        hesse_report_check(c->report, "sum of the shares of all operators = Hessian",
                           norm(count, sum) / norm(count, c->hv), 1e-12);
    free(sum);
    return s;
}

/* The blocks are neurons: every weight has some, and they are small. */
typedef struct neurons {
    hesse_analysis *analysis;
    double *index;                        /* n: parameters in the order of the blocks */
    double *matrix, *direction, *product; /* of one block, n, n                       */
    size_t room;                          /* rows of the matrix                       */
} neurons;

/* The ways in which the parameters of a block lie in theta. */
typedef enum layout { TENSOR, RUN, APART, LAYOUTS } layout;

static layout layout_of(const neurons *x, int block, size_t tensor)
{
    const double *index = x->index + hesse_analysis_block_first(x->analysis, block);
    const size_t size = hesse_analysis_block_size(x->analysis, block);
    if (size == tensor) return TENSOR;
    return size == 1 || index[1] == index[0] + 1 ? RUN : APART;
}

/* Collective. Multiply the panels of a block with numbers, and compare with the product
   of the Hessian with the direction that has these numbers there. */
static hesse_status panels_of(check *c, neurons *x, int block, double *worst)
{
    const size_t m = hesse_analysis_block_size(x->analysis, block);
    const size_t first = hesse_analysis_block_first(x->analysis, block);
    hesse_why *why = hesse_team_why(c->team);
    hesse_status s = HESSE_OK;
    if (m > x->room) {
        free(x->matrix);
        x->matrix = hesse_alloc(m * m), x->room = x->matrix ? m : 0;
        if (!x->matrix)
            s = hesse_fail(why, HESSE_E_NOMEM, "out of memory for block '%s'",
                           hesse_analysis_block_name(x->analysis, block));
    }
    if (!s) s = hesse_analysis_block_matrix(x->analysis, 0, block, x->matrix, why);
    s = hesse_agree(c->team, s);
    if (s) return s;
    memset(x->direction, 0, c->n * sizeof *x->direction);
    for (size_t j = 0; j < m; j++)
        x->direction[(size_t)x->index[first + j]] = c->v[j * DIRECTIONS];
    s = hesse_objective_product(c->objective, HESSE_ALL, 1, x->direction, x->product);
    if (s) return s;
    hesse_analysis_order(x->analysis, x->product, x->direction);
    double defect = 0, size = 0;
    for (size_t i = 0; i < m; i++) {
        double sum = 0;
        for (size_t j = 0; j < m; j++)
            sum += x->matrix[i * m + j] * c->v[j * DIRECTIONS];
        defect += pow(sum - x->direction[first + i], 2);
        size += pow(x->direction[first + i], 2);
    }
    *worst = hesse_worst(*worst, sqrt(defect) / (sqrt(size) + 1e-3 * fabs(c->loss)));
    return HESSE_OK;
}

/* A block to compare: the first one of a tensor. */
typedef struct candidate {
    int block;
    size_t size, tensor; /* numbers of the block, and of its tensor */
} candidate;

static int by_size(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->size != y->size) return x->size < y->size ? -1 : 1;
    return (x->block > y->block) - (x->block < y->block);
}

/* Return the number of tensors, and list the first block of every one, the smallest
   blocks first. */
static int list_candidates(const neurons *x, const hesse_network *network,
                           candidate *list)
{
    int count = 0;
    const int blocks = hesse_analysis_blocks(x->analysis);
    const int tensors = hesse_network_tensors(network);
    for (int b = 0; b < blocks && count < tensors; b++) {
        const size_t at = hesse_analysis_block_parameter(x->analysis, b);
        if (at != hesse_network_tensor_first(network, count)) continue;
        list[count] = (candidate){b, hesse_analysis_block_size(x->analysis, b),
                                  hesse_network_tensor_size(network, count)};
        count++;
    }
    qsort(list, (size_t)count, sizeof *list, by_size);
    return count;
}

/* Collective. Compare panels with products with dense directions: for a neuron of every
   tensor, while these have few columns together, and for one of every layout. */
static hesse_status panels(check *c, const hesse_job *job, const hesse_network *network)
{
    enum { COLUMNS = 512 };
    const hesse_analysis_options job_options = hesse_job_options(job);
    /* Other results that the job asks for may not exist for neurons. */
    const hesse_analysis_options asked = {.partition = HESSE_CUT_NEURON,
                                          .method = job_options.method,
                                          .lanczos = job_options.lanczos,
                                          .panel = job_options.panel,
                                          .threads = job_options.threads,
                                          .memory = job_options.memory,
                                          .program = job_options.program};
    neurons x = {.index = hesse_alloc(c->n),
                 .direction = hesse_alloc(c->n),
                 .product = hesse_alloc(c->n)};
    candidate *list =
        hesse_calloc((size_t)hesse_network_tensors(network), sizeof *list);
    hesse_status s = HESSE_OK;
    if (!x.index || !x.direction || !x.product || !list)
        s = hesse_fail(hesse_team_why(c->team), HESSE_E_NOMEM,
                       "out of memory for directions of %zu", c->n);
    s = hesse_agree(c->team, s);
    if (!s) s = hesse_analysis_new(c->objective, &asked, &x.analysis);
    int count = 0;
    if (!s) {
        for (size_t i = 0; i < c->n; i++) x.direction[i] = (double)i;
        hesse_analysis_order(x.analysis, x.direction, x.index);
        count = list_candidates(&x, network, list);
    }
    bool seen[LAYOUTS] = {false};
    size_t columns = 0;
    double worst = 0;
    for (int i = 0; !s && i < count; i++) {
        const layout way = layout_of(&x, list[i].block, list[i].tensor);
        if (seen[way] && columns + list[i].size > COLUMNS) continue;
        seen[way] = true, columns += list[i].size;
        s = panels_of(c, &x, list[i].block, &worst);
    }
    if (!s)
        hesse_report_check(c->report,
                           "panels of neurons: products with dense directions", worst,
                           1e-11);
    hesse_analysis_free(x.analysis);
    free(list), free(x.index), free(x.matrix), free(x.direction), free(x.product);
    return s;
}

/* Collective. */
static hesse_status check_new(hesse_report *report, const hesse_problem *problem,
                              check *c)
{
    hesse_team *team = report->team;
    const size_t n = hesse_network_size(problem->network);
    *c = (check){.team = team,
                 .report = report,
                 .objective = problem->objective,
                 .n = n,
                 .v = hesse_alloc(n * DIRECTIONS),
                 .hv = hesse_alloc(n * DIRECTIONS),
                 .other = hesse_alloc(n * DIRECTIONS),
                 .theta = hesse_alloc(n),
                 .ahead = hesse_alloc(n),
                 .behind = hesse_alloc(n),
                 .moved = hesse_alloc(n)};
    hesse_status s = HESSE_OK;
    if (!c->v || !c->hv || !c->other || !c->theta || !c->ahead || !c->behind ||
        !c->moved)
        s = hesse_fail(hesse_team_why(team), HESSE_E_NOMEM,
                       "out of memory for %d directions of %zu", DIRECTIONS, n);
    for (size_t i = 0; !s && i < n * DIRECTIONS; i++)
        c->v[i] = hesse_normal(1, HESSE_RANDOM_SAMPLES, i);
    s = hesse_agree(team, s);
    if (s) return s;
    memcpy(c->theta, hesse_objective_parameters(c->objective), n * sizeof *c->theta);
    return hesse_objective_gradient(c->objective, &c->loss, c->ahead);
}

static void check_free(check *c)
{
    free(c->v);
    free(c->hv);
    free(c->other);
    free(c->theta);
    free(c->ahead);
    free(c->behind);
    free(c->moved);
}

hesse_status hesse_laws_check(hesse_report *report, const hesse_job *job,
                              const hesse_problem *problem)
{
    check c = {0};
    hesse_status s = check_new(report, problem, &c);
    if (!s) {
        const int tokens =
            hesse_objective_examples(c.objective) * hesse_objective_tokens(c.objective);
        hesse_report_line(report, "%zu parameters, %d tokens, loss %.12g", c.n, tokens,
                          c.loss);
        hesse_report_number(report, "parameters", (double)c.n);
        hesse_report_number(report, "tokens", tokens);
        hesse_report_number(report, "loss", c.loss);
        s = hesse_objective_product(c.objective, HESSE_ALL, DIRECTIONS, c.v, c.hv);
    }
    if (!s) s = differences(&c);
    if (!s) symmetry(&c);
    if (!s) s = positive(&c);
    if (!s) s = shares(&c);
    if (!s) s = panels(&c, job, problem->network);
    s = hesse_agree(report->team, s);
    check_free(&c);
    return s;
}
