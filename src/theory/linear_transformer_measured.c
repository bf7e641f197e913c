/* The closed forms of linear transformers beside numbers that are measured on examples:
   the loss, its gradient and all eigenvalues of the Hessian at W = 0, and the best
   network of one layer. The Hessian is formed by products with unit vectors. Its sorted
   eigenvalues are cut into groups as large as the eigenspaces of the closed forms, the
   highest first. docs/math.md, section 16. */
#include "theory/linear_transformer.h"

#include "base/memory.h"
#include "data/drawn.h"
#include "hesse/objective.h"
#include "parallel/available.h"
#include "parallel/team.h"
#include "theory/theory.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VECTORS = 32 }; /* of a product */

void dsyev_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda,
            double *w, double *work, const int *room, int *info, size_t, size_t);

/* Numbers that are measured or claimed. */
typedef struct numbers {
    double loss, gradient, trace; /* at W = 0                               */
    double gamma, smallest;       /* of one layer, the loss at Q = -gamma I */
} numbers;

typedef struct measurement {
    hesse_problem problem;
    hesse_linear_task task;
    size_t n, width;          /* parameters, vectors of a product       */
    double *point, *gradient; /* [n]                                    */
    double *v, *hv;           /* [n x width]                            */
    double *hessian;          /* [n x n] on rank 0                      */
    double *eigenvalues;      /* [n] ascending                          */
    double *work;             /* of LAPACK, on rank 0                   */
    size_t q;                 /* the first parameter of the first Q     */
    numbers measured, claimed;
    hesse_linear_level levels[HESSE_LINEAR_LEVELS]; /* with different eigenvalues */
    int n_levels;
} measurement;

/* Check the condition under which the closed forms hold. */
static hesse_status check(const hesse_theory *theory, hesse_why *why)
{
    static const char *const kernels[] = {[HESSE_KERNEL_SOFTMAX] = "softmax",
                                          [HESSE_KERNEL_LINEAR] = "linear",
                                          [HESSE_KERNEL_GAUSSIAN] = "gaussian"},
                             *const losses[] = {
                                 [HESSE_LOSS_CROSS_ENTROPY] = "cross_entropy",
                                 [HESSE_LOSS_SQUARED_ERROR] = "squared_error",
                                 [HESSE_LOSS_REGRESSION] = "regression",
                                 [HESSE_LOSS_BINARY] = "binary"};
    static const char *const hold = "for which the closed forms hold";
    const hesse_arch *a = theory->arch;
    const hesse_data_options *data = theory->data;
    if (a->attention.kernel != HESSE_KERNEL_LINEAR)
        return hesse_fail(why, HESSE_E_JOB,
                          "the kernel of attention is %s, expected linear, %s",
                          kernels[a->attention.kernel], hold);
    if (!a->attention.full)
        return hesse_fail(why, HESSE_E_JOB,
                          "the mask of attention is causal, expected full, %s", hold);
    if (a->inner)
        return hesse_fail(why, HESSE_E_JOB,
                          "an MLP before the layers has %d neurons, expected no MLP, "
                          "%s",
                          a->inner, hold);
    if (a->joint)
        return hesse_fail(why, HESSE_E_JOB,
                          "P and Q act on x and y together, expected on x alone, %s",
                          hold);
    if (a->data.loss != HESSE_LOSS_SQUARED_ERROR)
        return hesse_fail(why, HESSE_E_JOB,
                          "the loss of the network is %s, expected squared_error, %s",
                          losses[a->data.loss], hold);
    if (!data->kind || strcmp(data->kind, "regression") != 0)
        return hesse_fail(why, HESSE_E_JOB,
                          "the kind of data is %s, expected regression, %s",
                          data->kind ? data->kind : "not given", hold);
    if (data->recipe.teacher)
        return hesse_fail(why, HESSE_E_JOB,
                          "a teacher of %d neurons makes the labels, expected no "
                          "teacher, %s",
                          data->recipe.teacher, hold);
    return HESSE_OK;
}

/* Collective. Open the problem and allocate everything. */
static hesse_status prepare(const hesse_theory *theory, measurement *m)
{
    hesse_team *team = theory->team;
    hesse_why *why = hesse_team_why(team);
    const hesse_network_source source = {.arch = theory->arch,
                                         .seed = theory->options.seed};
    const hesse_objective_options options = {.batch = theory->data->batch};
    const hesse_recipe *recipe = &theory->data->recipe;
    hesse_status s =
        hesse_problem_open(team, &source, theory->data, &options, &m->problem);
    if (s) return s;
    const hesse_arch *arch = hesse_network_arch(m->problem.network);
    const hesse_gamma gamma = hesse_regression_gamma(recipe);
    m->task = (hesse_linear_task){.covariates = recipe->covariates,
                                  .shape = gamma.shape,
                                  .scale = gamma.scale,
                                  .d = arch->data.inputs - 1,
                                  .n = hesse_objective_tokens(m->problem.objective) - 1,
                                  .layers = arch->layers};
    const size_t n = m->n = hesse_network_size(m->problem.network);
    const bool first = hesse_team_rank(team) == 0;
    m->width = n < VECTORS ? n : VECTORS;
    const double bytes = 8.0 * (double)n * ((double)n + 6.0 * VECTORS),
                 free_bytes = (double)hesse_team_available(team);
    if (n > INT_MAX / 64 || bytes > free_bytes) {
        s = hesse_fail(why, HESSE_E_NOMEM,
                       "the Hessian of %zu parameters needs %.3g GB of memory, and "
                       "%.3g GB are free",
                       n, bytes / 1e9, free_bytes / 1e9);
    } else {
        m->point = hesse_alloc(n), m->gradient = hesse_alloc(n);
        m->v = hesse_alloc(n * m->width), m->hv = hesse_alloc(n * m->width);
        m->eigenvalues = hesse_alloc(n);
        m->hessian = first ? hesse_alloc(n * n) : NULL;
        m->work = first ? hesse_alloc(64 * n) : NULL;
        if (!m->point || !m->gradient || !m->v || !m->hv || !m->eigenvalues ||
            (first && (!m->hessian || !m->work)))
            s = hesse_fail(why, HESSE_E_NOMEM,
                           "out of memory for the Hessian of %zu parameters", n);
    }
    for (int i = hesse_network_tensors(m->problem.network) - 1; i >= 0; i--) {
        const char *name =
            strrchr(hesse_network_tensor_name(m->problem.network, i), '.');
        if (name && strcmp(name, ".Q") == 0)
            m->q = hesse_network_tensor_first(m->problem.network, i);
    }
    return hesse_agree(team, s);
}

static void free_all(measurement *m)
{
    double *const all[] = {m->point,   m->gradient,    m->v,   m->hv,
                           m->hessian, m->eigenvalues, m->work};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    hesse_problem_free(&m->problem);
}

/* Collective. Form the Hessian on rank 0, some columns at a time. */
static hesse_status form_hessian(const hesse_theory *theory, measurement *m)
{
    const size_t n = m->n;
    hesse_status s = HESSE_OK;
    for (size_t first = 0; !s && first < n; first += m->width) {
        const size_t k = first + m->width < n ? m->width : n - first;
        memset(m->v, 0, n * k * sizeof *m->v);
        for (size_t j = 0; j < k; j++) m->v[(first + j) * k + j] = 1;
        s = hesse_objective_product(m->problem.objective, HESSE_ALL, (int)k, m->v,
                                    m->hv);
        if (s || hesse_team_rank(theory->team) != 0) continue;
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < k; j++)
                m->hessian[(first + j) * n + i] = m->hv[i * k + j];
    }
    return s;
}

/* Local to rank 0. Take the trace and, for one layer, the minimum over multiples of I,
   on which the loss is a parabola. Then find the eigenvalues in place of the matrix. */
static hesse_status decompose(measurement *m, hesse_why *why)
{
    const int n = (int)m->n, room = 64 * n;
    const size_t order = m->n, d = (size_t)m->task.d;
    double slope = 0, curvature = 0;
    int info = 0;
    for (size_t i = 0; i < order; i++) m->measured.trace += m->hessian[i * order + i];
    for (size_t i = 0; i < d; i++) {
        const size_t row = m->q + i * (d + 1);
        slope += m->gradient[row];
        for (size_t j = 0; j < d; j++)
            curvature += m->hessian[row * order + m->q + j * (d + 1)];
    }
    m->measured.gamma = slope / curvature;
    dsyev_("N", "L", &n, m->hessian, &n, m->eigenvalues, m->work, &room, &info, 1, 1);
    if (info)
        return hesse_fail(why, HESSE_E_NUMERIC,
                          "the eigenvalues of the Hessian were not found");
    return HESSE_OK;
}

/* Collective. Measure everything. */
static hesse_status measure(const hesse_theory *theory, measurement *m)
{
    hesse_team *team = theory->team;
    hesse_objective *objective = m->problem.objective;
    const size_t d = (size_t)m->task.d;
    hesse_status s = hesse_objective_set_parameters(objective, m->point);
    if (!s) s = hesse_objective_gradient(objective, &m->measured.loss, m->gradient);
    if (!s) s = form_hessian(theory, m);
    if (s) return s;
    if (hesse_team_rank(team) == 0) s = decompose(m, hesse_team_why(team));
    s = hesse_agree(team, s);
    if (s) return s;
    double squares = 0;
    for (size_t i = 0; i < m->n; i++) squares += m->gradient[i] * m->gradient[i];
    m->measured.gradient = sqrt(squares);
    hesse_team_broadcast(team, 0, m->eigenvalues, m->n * sizeof *m->eigenvalues);
    hesse_team_broadcast(team, 0, &m->measured, sizeof m->measured);
    if (m->task.layers > 1) return HESSE_OK;
    for (size_t i = 0; i < d; i++) m->point[m->q + i * (d + 1)] = -m->claimed.gamma;
    s = hesse_objective_set_parameters(objective, m->point);
    if (!s) s = hesse_objective_loss(objective, &m->measured.smallest);
    return s;
}

/* Compute the closed forms, and merge levels whose eigenvalues are equal but for
   rounding. */
static void claim(measurement *m)
{
    hesse_linear_level all[HESSE_LINEAR_LEVELS];
    const int count = hesse_linear_spectrum_at_zero(&m->task, all);
    const hesse_linear_layer one = hesse_linear_one_layer(&m->task);
    m->claimed = (numbers){.loss = hesse_linear_loss_at_zero(&m->task),
                           .gradient = hesse_linear_gradient_at_zero(&m->task),
                           .gamma = one.gamma,
                           .smallest = one.loss};
    const double scale = fmax(fabs(all[0].eigenvalue), fabs(all[count - 1].eigenvalue));
    for (int i = 0; i < count; i++) {
        hesse_linear_level *last = &m->levels[m->n_levels - 1];
        m->claimed.trace += all[i].eigenvalue * all[i].multiplicity;
        if (m->n_levels && last->eigenvalue - all[i].eigenvalue <= 1e-12 * scale) {
            last->multiplicity += all[i].multiplicity;
            if (all[i].eigenvalue == 0) last->eigenvalue = 0;
        } else
            m->levels[m->n_levels++] = all[i];
    }
}

/* Add a number as a line, and as datasets of the measured and the claimed one. */
static bool add_pair(hesse_theory *theory, const char *what, const char *path,
                     const char *path_claimed, double measured, double claimed)
{
    double *a = hesse_theory_add_set(theory, path, 0, 1, 1),
           *b = hesse_theory_add_set(theory, path_claimed, 0, 1, 1);
    if (!a || !b) return false;
    *a = measured, *b = claimed;
    hesse_theory_add_number(theory, what, measured, "%.6g", claimed);
    return true;
}

static bool add_levels(hesse_theory *theory, const measurement *m)
{
    static const char *const names[HESSE_LINEAR_LEVELS] = {
        "  its eigenvalues, level 1", "  its eigenvalues, level 2",
        "  its eigenvalues, level 3", "  its eigenvalues, level 4",
        "  its eigenvalues, level 5", "  its eigenvalues, level 6",
        "  its eigenvalues, level 7"};
    const size_t levels = (size_t)m->n_levels;
    double *all = hesse_theory_add_set(theory, "theory/eigenvalues", 1, m->n, 1),
           *value =
               hesse_theory_add_set(theory, "theory/level_eigenvalue", 1, levels, 1),
           *size =
               hesse_theory_add_set(theory, "theory/level_multiplicity", 1, levels, 1),
           *median =
               hesse_theory_add_set(theory, "theory/level_measured", 1, levels, 1);
    if (!all || !value || !size || !median) return false;
    memcpy(all, m->eigenvalues, m->n * sizeof *all);
    size_t end = m->n;
    for (int i = 0; i < m->n_levels; i++) {
        const hesse_linear_level *level = &m->levels[i];
        const size_t count = (size_t)level->multiplicity;
        end -= count;
        if (!hesse_theory_add_line(theory, names[i], count, all + end,
                                   "%.6g (%zu of them)", level->eigenvalue, count))
            return false;
        value[i] = level->eigenvalue, size[i] = level->multiplicity;
        median[i] = theory->lines[theory->n_lines - 1].measured;
    }
    return true;
}

static bool add_all(hesse_theory *theory, const measurement *m)
{
    const hesse_linear_task *t = &m->task;
    const numbers *a = &m->measured, *b = &m->claimed;
    hesse_theory_set_title(
        theory,
        "Linear transformer, layers: %d, features: %d, pairs in a prompt: %d\n"
        "measured on %d prompts, claimed for infinitely many",
        t->layers, t->d, t->n, hesse_objective_examples(m->problem.objective));
    bool good =
        add_pair(theory, "loss at W = 0", "theory/loss_at_zero",
                 "theory/loss_at_zero_claimed", a->loss, b->loss) &&
        add_pair(theory, "norm of the gradient at W = 0",
                 "theory/gradient_norm_at_zero", "theory/gradient_norm_at_zero_claimed",
                 a->gradient, b->gradient) &&
        add_pair(theory, "trace of the Hessian at W = 0", "theory/trace_at_zero",
                 "theory/trace_at_zero_claimed", a->trace, b->trace) &&
        add_levels(theory, m);
    if (!good || t->layers > 1) return good;
    return add_pair(theory, "loss at Q = -gamma I with the claimed gamma, the smallest",
                    "theory/smallest_loss", "theory/smallest_loss_claimed", a->smallest,
                    b->smallest) &&
           add_pair(theory, "gamma of the smallest loss among Q = -gamma I",
                    "theory/gamma", "theory/gamma_claimed", a->gamma, b->gamma);
}

static hesse_status compute(hesse_theory *theory)
{
    hesse_team *team = theory->team;
    hesse_why *why = hesse_team_why(team);
    measurement m = {0};
    hesse_status s = hesse_agree(team, check(theory, why));
    if (!s) s = prepare(theory, &m);
    if (!s) {
        claim(&m);
        s = measure(theory, &m);
    }
    if (!s && !add_all(theory, &m))
        s = hesse_fail(why, HESSE_E_NOMEM, "out of memory for %zu eigenvalues", m.n);
    s = hesse_agree(team, s);
    free_all(&m);
    return s;
}

const hesse_theory_row hesse_theory_of_linear_transformer = {
    .family = "linear_transformer", .own_parameters = true, .compute = compute};
