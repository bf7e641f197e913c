/* Five laws of second derivatives are checked on the job's model and data, along random
   directions. Each gives a number that is only rounding if the derivatives are correct.
   Every check compares products from two different methods. */
#include "base/memory.h"
#include "base/random.h"
#include "base/worst.h"
#include "program/commands.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIRECTIONS = 4 };

static const double ENOUGH = 1e-7; /* then no other step is tried */

/* Directions and products, n x DIRECTIONS. */
typedef struct check {
    hesse_team *team;
    hesse_objective *objective;
    size_t n;
    double loss;
    double *v, *hv, *other;                 /* n x DIRECTIONS       */
    double *theta, *ahead, *behind, *moved; /* n: parameters, gradients */
    hesse_status failed;                    /* status of the first law that does not
                                               hold, */
    hesse_why first;                        /* and its reason                       */
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

/* Collective. Compare a law's defect with its bound, and print a line. The ranks agree
   on the outcome, because their defects may differ by rounding. The laws after one that
   fails are checked, too: the first failure is kept, and returned at the end. */
static hesse_status judge(check *c, const char *law, double defect, double bound)
{
    hesse_team *team = c->team;
    const bool good = defect <= bound;
    if (hesse_team_rank(team) == 0)
        printf("%-58s %9.2e  (at most %.0e)  %s\n", law, defect, bound,
               good ? "ok" : "FAILED");
    if (hesse_team_rank(team) == 0) fflush(stdout);
    hesse_status s = HESSE_OK;
    if (!good)
        s = hesse_fail(hesse_team_why(team), HESSE_E_NUMERIC,
                       "check: %s: relative defect %.2e, expected at most %.0e", law,
                       defect, bound);
    s = hesse_agree(team, s);
    if (s && !c->failed) c->failed = s, c->first = *hesse_team_why(team);
    return HESSE_OK;
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
    return s ? s
             : judge(c, "Hessian-vector products: differences of the gradient", worst,
                     1e-6);
}

static hesse_status symmetry(check *c)
{
    double worst = 0;
    for (int i = 0; i < DIRECTIONS; i++)
        for (int j = 0; j < i; j++) {
            const double a = dot(c, c->v, i, c->hv, j), b = dot(c, c->v, j, c->hv, i);
            const double size =
                sqrt(dot(c, c->hv, i, c->hv, i) * dot(c, c->v, j, c->v, j));
            worst = hesse_worst(worst, fabs(a - b) / size);
        }
    return judge(c, "symmetry: <u, H v> = <v, H u>", worst, 1e-12);
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
    return s ? s : judge(c, "Gauss-Newton part: <v, G v> >= 0", worst, 1e-12);
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
        s = judge(c, "sum of the shares of all operators = Hessian",
                  norm(count, sum) / norm(count, c->hv), 1e-12);
    free(sum);
    return s;
}

/* Compare products with dense directions and panels, for the first column of the
   smallest block. */
static hesse_status panels(check *c, const hesse_job *job)
{
    hesse_team *team = c->team;
    hesse_analysis *analysis = NULL;
    hesse_analysis_options asked = hesse_job_options(job);
    asked.scope = HESSE_BLOCKS;
    asked.n_parts = 0;
    hesse_status s = hesse_analysis_new(c->objective, &asked, &analysis);
    if (s) return s;
    int smallest = 0;
    size_t all = 0;
    for (int b = 0; b < hesse_analysis_blocks(analysis); b++) {
        const size_t n = hesse_analysis_block_size(analysis, b);
        if (n < hesse_analysis_block_size(analysis, smallest)) smallest = b;
        all += n;
    }
    const size_t m = hesse_analysis_block_size(analysis, smallest);
    const size_t first = hesse_analysis_block_first(analysis, smallest);
    double *a = hesse_alloc(m * m), *indexed = hesse_alloc(all);
    double *column = hesse_alloc(c->n), defect = 0, size = 0;
    if (!a || !indexed || !column)
        s = hesse_fail(hesse_team_why(team), HESSE_E_NOMEM,
                       "out of memory for block '%s'",
                       hesse_analysis_block_name(analysis, smallest));
    if (!s)
        s = hesse_analysis_block_matrix(analysis, 0, smallest, a, hesse_team_why(team));
    s = hesse_agree(team, s);
    if (!s) {
        memset(c->other, 0, c->n * sizeof *c->other);
        c->other[hesse_analysis_block_parameter(analysis, smallest)] = 1;
        s = hesse_objective_product(c->objective, HESSE_ALL, 1, c->other, column);
    }
    if (!s) {
        hesse_analysis_order(analysis, column, indexed);
        for (size_t i = 0; i < m; i++) {
            defect += pow(a[i] - indexed[first + i], 2);
            size += pow(indexed[first + i], 2);
        }
        s = judge(c, "a block's panels: products with dense directions",
                  sqrt(defect) / (sqrt(size) + 1e-3 * fabs(c->loss)), 1e-11);
    }
    free(a);
    free(indexed);
    free(column);
    hesse_analysis_free(analysis);
    return s;
}

/* Collective. */
static hesse_status check_new(hesse_team *team, const hesse_problem *problem, check *c)
{
    const size_t n = hesse_network_size(problem->network);
    *c = (check){.team = team,
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

hesse_status hesse_command_check(hesse_team *team, const hesse_options *options)
{
    hesse_job *job = NULL;
    hesse_problem problem = {NULL, NULL, NULL};
    check c = {0};
    hesse_status s = hesse_open_job(team, options, &job);
    if (!s) s = hesse_open_problem(team, job, false, &problem);
    if (!s) s = check_new(team, &problem, &c);
    if (!s && hesse_team_rank(team) == 0)
        printf("%zu parameters, %d tokens, loss %.12g\n", c.n,
               hesse_objective_examples(c.objective) *
                   hesse_objective_tokens(c.objective),
               c.loss);
    if (!s) s = hesse_objective_product(c.objective, HESSE_ALL, DIRECTIONS, c.v, c.hv);
    if (!s) s = differences(&c);
    if (!s) s = symmetry(&c);
    if (!s) s = positive(&c);
    if (!s) s = shares(&c);
    if (!s) s = panels(&c, job);
    if (!s && c.failed) s = c.failed, *hesse_team_why(team) = c.first;
    s = hesse_agree(team, s);
    check_free(&c);
    hesse_problem_free(&problem);
    hesse_job_free(job);
    return s;
}
