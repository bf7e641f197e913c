/* Gradient descent on one matrix of a layer of attention. In the value matrix alone,
   and in the output matrix alone, the outputs are linear: f = J w + b, and everything
   about gradient descent follows from the singular values of J. In the query alone it
   is the rank of J at the initial values that says whether small changes of all outputs
   can be reached. J is made of outputs, and knows nothing of derivatives. Source: the
   claims of Song et al., arXiv:2411.07538; docs/math.md, section 19. */
#include "theory/attention_descent.h"

#include "base/memory.h"
#include "network/batch.h"
#include "objective/objective.h"
#include "parallel/team.h"

#include <float.h>
#include <fnmatch.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PANEL = 64 };

void dsyevd_(const char *jobz, const char *uplo, const int *n, double *a,
             const int *lda, double *w, double *work, const int *lwork, int *iwork,
             const int *liwork, int *info, size_t, size_t);
void dgesvd_(const char *left, const char *right, const int *m, const int *n, double *a,
             const int *lda, double *singular, double *u, const int *ldu, double *vt,
             const int *ldvt, double *work, const int *room, int *info);

/* Numbers below this fraction of the sizes of targets and outputs are rounding. */
static const double rounding = 256 * DBL_EPSILON;

/* The trained matrix of an open problem, and its J. */
typedef struct study {
    hesse_problem problem;
    const hesse_batch *batch;
    const char *name;           /* of the trained tensor                   */
    size_t first, p, n;         /* its place among all n parameters        */
    size_t targets;             /* M                                       */
    double *theta;              /* the parameters where the run begins     */
    double *j;                  /* M x p, by columns                       */
    double *singular, *u;       /* [least], M x least by columns           */
    size_t least, rank;         /* least: of M and p                       */
    double *hessian;            /* p x p of the operators                  */
    double loss, floor, square; /* square: mean of squared targets     */
} study;

static hesse_status no_room(hesse_why *why)
{
    return hesse_fail(why, HESSE_E_NOMEM,
                      "out of memory for gradient descent on a matrix of attention");
}

static void free_study(study *s)
{
    hesse_problem_free(&s->problem);
    free(s->theta);
    free(s->j);
    free(s->singular);
    free(s->u);
    free(s->hessian);
}

/* Local. Find the one tensor that is trained. */
static hesse_status choose(study *s, const hesse_theory_options *o, hesse_why *why)
{
    const hesse_params *params = &s->problem.network->params;
    int count = 0;
    for (int i = 0; i < params->count; i++) {
        const hesse_param *p = &params->list[i];
        bool any = false;
        for (int j = 0; j < o->n_only; j++) any |= fnmatch(o->only[j], p->name, 0) == 0;
        if (!any) continue;
        count++;
        s->name = p->name, s->first = p->offset, s->p = hesse_param_size(p);
    }
    const bool known = count == 1 && strcmp(s->name, "key.weight") != 0;
    return known ? HESSE_OK
                 : hesse_fail(why, HESSE_E_JOB,
                              "the trained parameters are %d tensors%s%s, expected one "
                              "that has a theory: value.weight, output.weight or "
                              "query.weight",
                              count, count == 1 ? ", " : "", count == 1 ? s->name : "");
}

/* Local. */
static hesse_status take_study(study *s, const hesse_theory *theory, hesse_why *why)
{
    s->batch = &s->problem.objective->batch;
    s->n = s->problem.network->params.size;
    if (!s->batch->wanted)
        return hesse_fail(why, HESSE_E_JOB,
                          "the theory of attention needs numbers as targets");
    const hesse_status status = choose(s, &theory->options, why);
    if (status) return status;
    s->targets = (size_t)s->batch->sequences * (size_t)s->batch->wanted_tokens *
                 (size_t)s->batch->wanted_width;
    s->least = s->targets < s->p ? s->targets : s->p;
    if (s->targets > INT_MAX / 8 || s->p > INT_MAX / 8) return no_room(why);
    s->theta = hesse_alloc(s->n);
    s->hessian = hesse_alloc(s->p * s->p);
    if (!s->theta || !s->hessian) return no_room(why);
    memcpy(s->theta, hesse_objective_parameters(s->problem.objective),
           s->n * sizeof *s->theta);
    for (size_t i = 0; i < s->targets; i++)
        s->square += s->batch->wanted[i] * s->batch->wanted[i] / (double)s->targets;
    return HESSE_OK;
}

/* Collective. Compute the block of a share for the trained matrix. */
static hesse_status fill_block(study *s, hesse_team *team, hesse_kinds share)
{
    double *v = hesse_alloc(s->n * PANEL), *hv = hesse_alloc(s->n * PANEL);
    hesse_status status =
        hesse_agree(team, v && hv ? HESSE_OK : no_room(hesse_team_why(team)));
    for (size_t at = 0; !status && at < s->p; at += PANEL) {
        const size_t k = s->p - at < PANEL ? s->p - at : PANEL;
        memset(v, 0, s->n * k * sizeof *v);
        for (size_t j = 0; j < k; j++) v[(s->first + at + j) * k + j] = 1;
        status = hesse_agree(
            team, hesse_objective_product(s->problem.objective, share, (int)k, v, hv));
        for (size_t i = 0; !status && i < s->p; i++)
            memcpy(s->hessian + i * s->p + at, hv + (s->first + i) * k, k * sizeof *hv);
    }
    free(v);
    free(hv);
    return status;
}

/* Local. Compute the eigenvalues of the block in ascending order. */
static hesse_status decompose(const study *s, double *lambda, hesse_why *why)
{
    const int n = (int)s->p, room = 2 * n + 1, whole = 1;
    int info = 0, wholes[1];
    double *work = hesse_alloc((size_t)room), *copy = hesse_alloc(s->p * s->p);
    hesse_status status = work && copy ? HESSE_OK : no_room(why);
    if (!status) {
        memcpy(copy, s->hessian, s->p * s->p * sizeof *copy);
        dsyevd_("N", "L", &n, copy, &n, lambda, work, &room, wholes, &whole, &info, 1,
                1);
        if (info)
            status =
                hesse_fail(why, HESSE_E_NUMERIC, "DSYEVD failed with info = %d", info);
    }
    free(work);
    free(copy);
    return status;
}

/* Collective. Compute the outputs for other values of the trained matrix: all 0, but
   for entry `one` (p: none), which is 1. */
static hesse_status outputs_at(study *s, size_t one, double *w, double *f)
{
    memcpy(w, s->theta, s->n * sizeof *w);
    memset(w + s->first, 0, s->p * sizeof *w);
    if (one < s->p) w[s->first + one] = 1;
    hesse_status status = hesse_objective_set_parameters(s->problem.objective, w);
    if (!status) status = hesse_objective_outputs(s->problem.objective, f);
    return status;
}

/* Local. Decompose J, and measure the floor: what is
   left of y - b when its part in the span of J is taken away. r is y - b. */
static hesse_status find_span(study *s, double *r, hesse_why *why)
{
    const int m = (int)s->targets, p = (int)s->p, one = 1;
    const size_t room = 8 * (s->targets + s->p);
    const int length = (int)room;
    int info = 0;
    double *copy = hesse_alloc(s->targets * s->p), *work = hesse_alloc(room), none;
    hesse_status status = HESSE_OK;
    s->singular = hesse_alloc(s->least), s->u = hesse_alloc(s->targets * s->least);
    if (!copy || !work || !s->singular || !s->u) status = no_room(why);
    if (!status) {
        memcpy(copy, s->j, s->targets * s->p * sizeof *copy);
        dgesvd_("S", "N", &m, &p, copy, &m, s->singular, s->u, &m, &none, &one, work,
                &length, &info);
        if (info)
            status =
                hesse_fail(why, HESSE_E_NUMERIC, "DGESVD failed with info = %d", info);
    }
    free(copy);
    free(work);
    if (status) return status;
    const double zero = (double)(s->targets + s->p) * DBL_EPSILON * s->singular[0];
    for (size_t i = 0; i < s->least; i++) s->rank += s->singular[i] > zero;
    for (size_t k = 0; k < s->rank; k++) {
        const double *u = s->u + k * s->targets;
        double part = 0;
        for (size_t i = 0; i < s->targets; i++) part += u[i] * r[i];
        for (size_t i = 0; i < s->targets; i++) r[i] -= part * u[i];
    }
    for (size_t i = 0; i < s->targets; i++)
        s->floor += r[i] * r[i] / (double)s->targets;
    return HESSE_OK;
}

/* Collective. Compute J by outputs, its singular values and the floor. */
static hesse_status fill_span(study *s, hesse_team *team)
{
    hesse_why *why = hesse_team_why(team);
    double *w = hesse_alloc(s->n), *b = hesse_alloc(s->targets);
    s->j = hesse_alloc(s->targets * s->p);
    hesse_status status = hesse_agree(team, w && b && s->j ? HESSE_OK : no_room(why));
    if (!status) status = outputs_at(s, s->p, w, b);
    for (size_t k = 0; !status && k < s->p; k++) {
        double *column = s->j + k * s->targets;
        status = outputs_at(s, k, w, column);
        for (size_t i = 0; !status && i < s->targets; i++) column[i] -= b[i];
    }
    for (size_t i = 0; !status && i < s->targets; i++)
        b[i] = s->batch->wanted[i] - b[i];
    if (!status) status = hesse_agree(team, find_span(s, b, why));
    if (!status)
        status = hesse_objective_set_parameters(s->problem.objective, s->theta);
    free(w);
    free(b);
    return status;
}

/* |H - (2 / M) J'J| / |H|, by Frobenius. */
static double difference(const study *s)
{
    double off = 0, all = 0;
    for (size_t a = 0; a < s->p; a++)
        for (size_t b = 0; b < s->p; b++) {
            double sum = 0;
            const double h = s->hessian[a * s->p + b];
            for (size_t i = 0; i < s->targets; i++)
                sum += s->j[a * s->targets + i] * s->j[b * s->targets + i];
            const double d = h - 2 * sum / (double)s->targets;
            off += d * d, all += h * h;
        }
    return off == 0 ? 0 : sqrt(off / all);
}

/* Local. Add the condition on the sizes: N n tokens, and the numbers that one token has
   in all heads. */
static void add_sizes(hesse_theory *theory, const study *s)
{
    const hesse_arch *a = hesse_network_arch(s->problem.network);
    const int tokens = s->batch->sequences * s->batch->context;
    const bool output = strcmp(s->name, "output.weight") == 0;
    const int each = output ? a->attention.value_size : a->data.inputs;
    hesse_theory_add_number(theory, "targets M", (double)s->targets, "%s", "");
    hesse_theory_add_number(theory, "parameters that are trained", (double)s->p, "%s",
                            "");
    hesse_theory_add_number(
        theory, output ? "heads x value size" : "heads x inputs H D",
        a->attention.heads * each, "at least N n = %d, for zero loss", tokens);
}

/* What gradient descent does. */
typedef struct descent {
    double rate, smoothness, pl, factor; /* factor: 1 - rate pl */
    double worst, slowest, last, bound;
} descent;

/* Collective. Take the steps, and compare every loss with its bound. */
static hesse_status descend(hesse_theory *theory, study *s, descent *d)
{
    hesse_team *team = theory->team;
    hesse_why *why = hesse_team_why(team);
    const int steps = theory->options.descent_steps;
    const size_t count = (size_t)steps + 1;
    double *loss = hesse_theory_add_set(theory, "theory/descent_loss", 1, count, 1),
           *bound = hesse_theory_add_set(theory, "theory/descent_bound", 1, count, 1),
           *gradient = hesse_alloc(s->n), *w = hesse_alloc(s->n);
    hesse_status status =
        hesse_agree(team, loss && bound && gradient && w ? HESSE_OK : no_room(why));
    if (!status) memcpy(w, s->theta, s->n * sizeof *w);
    for (int t = 0; !status && t <= steps; t++) {
        status = hesse_objective_set_parameters(s->problem.objective, w);
        if (!status)
            status = hesse_objective_gradient(s->problem.objective, &loss[t], gradient);
        for (size_t i = s->first; !status && i < s->first + s->p; i++)
            w[i] -= d->rate * gradient[i];
    }
    const double least = rounding * rounding * (s->square + (status ? 0 : loss[0]));
    for (int t = 0; !status && t <= steps; t++) {
        const double above = loss[t] - s->floor, first = loss[0] - s->floor;
        bound[t] = s->floor + pow(d->factor, 2.0 * t) * first;
        d->worst = fmax(d->worst, loss[t] / (bound[t] * (1 + rounding) + least));
        if (t < steps && above > 1e-9 * loss[0])
            d->slowest = fmax(d->slowest, (loss[t + 1] - s->floor) / above);
    }
    if (!status) d->last = loss[steps], d->bound = bound[steps];
    free(gradient);
    free(w);
    return status;
}

/* Collective. The matrix in which the outputs are linear. */
static hesse_status add_linear(hesse_theory *theory, study *s)
{
    hesse_team *team = theory->team;
    hesse_why *why = hesse_team_why(team);
    const double m = (double)s->targets;
    descent d = {.rate = theory->options.descent_rate};
    double *lambda = hesse_alloc(s->p);
    hesse_status status = hesse_agree(team, lambda ? HESSE_OK : no_room(why));
    if (!status) status = fill_span(s, team);
    if (!status && s->rank == 0)
        status = hesse_fail(why, HESSE_E_NUMERIC,
                            "the outputs do not depend on %s: the matrices beside it "
                            "are 0",
                            s->name);
    if (!status) status = fill_block(s, team, HESSE_ALL);
    if (!status) status = hesse_agree(team, decompose(s, lambda, why));
    if (!status) {
        d.smoothness = 2 * s->singular[0] * s->singular[0] / m;
        d.pl = 2 * s->singular[s->rank - 1] * s->singular[s->rank - 1] / m;
        d.factor = 1 - d.rate * d.pl;
        if (d.rate > (1 + rounding) / d.smoothness)
            status = hesse_fail(
                why, HESSE_E_JOB,
                "the learning rate of the run is %g, expected at most 1 / smoothness = "
                "%g: above it the bound of gradient descent on %s is not proved",
                d.rate, 1 / d.smoothness, s->name);
    }
    if (!status) status = descend(theory, s, &d);
    if (!status) {
        double *set =
            hesse_theory_add_set(theory, "theory/singular_values", 1, s->least, 1);
        if (set) memcpy(set, s->singular, s->least * sizeof *set);
        status = hesse_agree(team, set ? HESSE_OK : no_room(why));
    }
    if (!status) {
        hesse_theory_add_number(theory, "rank of J", (double)s->rank,
                                "M = %zu, for zero loss at all targets", s->targets);
        hesse_theory_add_number(theory, "largest singular value of J", s->singular[0],
                                "%s", "");
        hesse_theory_add_number(theory, "smallest singular value of J",
                                s->singular[s->least - 1], "%s", "");
        hesse_theory_add_number(theory, "smallest singular value above rounding",
                                s->singular[s->rank - 1], "%s", "");
        hesse_theory_add_number(theory, "|H - (2 / M) J'J| / |H|", difference(s),
                                "below 1e-10");
        hesse_theory_add_number(theory, "largest eigenvalue of H: smoothness",
                                lambda[s->p - 1], "%.10g", d.smoothness);
        hesse_theory_add_number(theory, "its smallest above rounding: PL constant",
                                lambda[s->p - s->rank], "%.10g", d.pl);
        hesse_theory_add_number(theory, "learning rate", d.rate,
                                "at most 1 / smoothness = %.6g", 1 / d.smoothness);
        hesse_theory_add_number(theory, "floor of the loss", s->floor, "%s",
                                s->rank == s->targets ? "0" : "");
        hesse_theory_add_number(theory, "loss at the beginning", s->loss, "%s", "");
        hesse_theory_add_number(theory, "loss after the last step", d.last,
                                "at most %.6g", d.bound);
        hesse_theory_add_number(theory, "largest factor of loss - floor in a step",
                                d.slowest, "at most %.10g", d.factor * d.factor);
        hesse_theory_add_number(theory, "largest loss over its bound", d.worst,
                                "at most 1");
    }
    free(lambda);
    return status;
}

/* The least loss of softmax weights, whose sums over each head are 1: (1'y - 1)^2 / n
   for each token and head with n weights, over M. */
static double floor_of_sums(const study *s)
{
    const hesse_batch *b = s->batch;
    const size_t n = (size_t)b->context;
    double floor = 0;
    for (size_t at = 0; at < s->targets; at += n) {
        double sum = -1;
        for (size_t i = 0; i < n; i++) sum += b->wanted[at + i];
        floor += sum * sum / (double)n / (double)s->targets;
    }
    return floor;
}

/* Collective. The query: the rank of J at the beginning, which J'J has, too. */
static hesse_status add_query(hesse_theory *theory, study *s)
{
    hesse_team *team = theory->team;
    hesse_why *why = hesse_team_why(team);
    const hesse_attention *t = &hesse_network_arch(s->problem.network)->attention;
    double *lambda =
        hesse_theory_add_set(theory, "theory/outer_eigenvalues", 1, s->p, 1);
    hesse_status status = hesse_agree(team, lambda ? HESSE_OK : no_room(why));
    if (!status) status = fill_block(s, team, HESSE_GAUSS_NEWTON);
    if (!status) status = hesse_agree(team, decompose(s, lambda, why));
    if (status) return status;
    const double zero = 16 * (double)s->p * DBL_EPSILON * lambda[s->p - 1];
    for (size_t i = 0; i < s->p; i++) s->rank += lambda[i] > zero;
    hesse_theory_add_number(theory, "rank of J at the initial values", (double)s->rank,
                            "M = %zu, for all small changes", s->targets);
    hesse_theory_add_number(theory, "largest eigenvalue of (2 / M) J'J",
                            lambda[s->p - 1], "%s", "");
    hesse_theory_add_number(theory, "smallest of the M largest eigenvalues",
                            s->p >= s->targets ? lambda[s->p - s->targets] : 0,
                            "above 0");
    hesse_theory_add_number(theory, "loss at the beginning", s->loss, "%s", "");
    if (t->identity && !t->output && t->kernel == HESSE_KERNEL_SOFTMAX)
        hesse_theory_add_number(theory, "floor of the loss, by sums of weights",
                                floor_of_sums(s), "%s", "");
    return HESSE_OK;
}

hesse_status hesse_attention_descent(hesse_theory *theory)
{
    hesse_team *team = theory->team;
    const hesse_theory_options *o = &theory->options;
    const hesse_network_source source = {
        .arch = theory->arch, .checkpoint = o->checkpoint, .seed = o->seed};
    const hesse_objective_options options = {.reduction = HESSE_MEAN};
    study s = {0};
    hesse_status status =
        hesse_problem_open(team, &source, theory->data, &options, &s.problem);
    if (!status)
        status = hesse_agree(team, take_study(&s, theory, hesse_team_why(team)));
    if (!status) status = hesse_objective_loss(s.problem.objective, &s.loss);
    if (!status) {
        hesse_theory_set_title(
            theory, "Layer of attention, of which only %s is trained", s.name);
        add_sizes(theory, &s);
        status = strcmp(s.name, "query.weight") == 0 ? add_query(theory, &s)
                                                     : add_linear(theory, &s);
    }
    free_study(&s);
    return status;
}
