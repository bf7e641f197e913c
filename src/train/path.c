/* Measures along a run. All products are with the Hessian at the parameters before the
   step, of the batch of the step or of the held-out examples. */
#include "base/memory.h"
#include "base/random.h"
#include "train/training.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void dsterf_(const int *n, double *d, double *e, int *info);

static const char *const COLUMNS[] = {
    [HESSE_PATH_STEP] = "step",
    [HESSE_PATH_GRADIENT_NORM] = "gradient_norm",
    [HESSE_PATH_SMOOTHNESS] = "smoothness",
    [HESSE_PATH_SHARPNESS] = "sharpness",
    [HESSE_PATH_THRESHOLD] = "threshold",
    [HESSE_PATH_PRECONDITIONED_SHARPNESS] = "preconditioned_sharpness",
    [HESSE_PATH_PRECONDITIONED_THRESHOLD] = "preconditioned_threshold",
    [HESSE_PATH_NOISE_MEAN] = "noise_mean",
    [HESSE_PATH_NOISE_DEVIATION] = "noise_deviation",
    [HESSE_PATH_NOISE_SKEWNESS] = "noise_skewness",
    [HESSE_PATH_NOISE_KURTOSIS] = "noise_kurtosis",
    [HESSE_PATH_NOISE_TAIL] = "noise_tail_index",
    [HESSE_PATH_ROBUST_CONDITION] = "robust_condition",
    [HESSE_PATH_CRITICAL_RATE] = "critical_rate",
    [HESSE_PATH_GRADIENT_SMOOTHNESS] = "gradient_smoothness",
    [HESSE_PATH_INSTABILITY] = "instability",
};

const char *hesse_training_measure_name(int i)
{
    return i >= 0 && i < HESSE_PATH_COLUMNS ? COLUMNS[i] : NULL;
}

static double dot(size_t n, const double *x, const double *y)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i] * y[i];
    return sum;
}

static void scale(size_t n, double a, double *x)
{
    for (size_t i = 0; i < n; i++) x[i] *= a;
}

static hesse_status exhausted(hesse_training *t)
{
    return hesse_fail(&t->team->why, HESSE_E_NOMEM,
                      "out of memory for measures along training");
}

static bool on_held_out(const hesse_training *t)
{
    return t->options.measures.examples == HESSE_PATH_ON_HELD_OUT;
}

/* The loss that is measured. */
static hesse_objective *measured(const hesse_training *t)
{
    return on_held_out(t) ? t->evaluation : t->objective;
}

/* Collective. hv = S H S v for a diagonal S; NULL: 1. */
static hesse_status apply(hesse_training *t, const double *s, const double *v,
                          double *scaled, double *hv)
{
    const size_t n = t->network->params.size;
    for (size_t i = 0; i < n; i++) scaled[i] = s ? s[i] * v[i] : v[i];
    const hesse_status status =
        hesse_objective_product(measured(t), HESSE_ALL, 1, scaled, hv);
    for (size_t i = 0; !status && s && i < n; i++) hv[i] *= s[i];
    return status;
}

enum { ALL = -1 };

/* True if parameter i is in a group, or if all groups are meant. */
static bool is_in(const hesse_training *t, int group, int i)
{
    return group == ALL || t->group[i] == group;
}

/* The sum of x y over a group. */
static double dot_in(const hesse_training *t, int group, const double *x,
                     const double *y)
{
    const hesse_params *params = &t->network->params;
    double sum = 0;
    for (int i = 0; i < params->count; i++) {
        const hesse_param *p = &params->list[i];
        if (is_in(t, group, i))
            sum += dot(hesse_param_size(p), x + p->offset, y + p->offset);
    }
    return sum;
}

/* Collective. The largest eigenvalue of S H S, or of its diagonal block of a group, by
   Lanczos with full orthogonality. The start vector is the same in every measurement.
   Parameters that are not trained have no part in it. */
static hesse_status largest(hesse_training *t, int group, const double *s,
                            double *value)
{
    const size_t n = t->network->params.size;
    const hesse_params *params = &t->network->params;
    const int steps = t->options.measures.sharpness < (int)fmin((double)n, 1e6)
                          ? t->options.measures.sharpness
                          : (int)n;
    double *basis = hesse_alloc(n * (size_t)steps), *w = hesse_alloc(n),
           *scaled = hesse_alloc(n), *moved = hesse_calloc(n, sizeof *moved),
           *d = hesse_alloc((size_t)steps), *e = hesse_alloc((size_t)steps);
    hesse_status status = HESSE_OK;
    int k = 0, info = 0;
    if (!basis || !w || !scaled || !moved || !d || !e) status = exhausted(t);
    status = hesse_agree(t->team, status);
    for (int i = 0; !status && i < params->count; i++) /* 1: it is trained */
        for (size_t j = 0; j < hesse_param_size(&params->list[i]); j++)
            moved[params->list[i].offset + j] =
                hesse_optimiser_trains(t->optimiser, i) && is_in(t, group, i);
    for (size_t i = 0; !status && i < n; i++)
        w[i] = moved[i] * hesse_normal(t->options.seed, HESSE_RANDOM_SHARPNESS, i);
    double length = status ? 0 : sqrt(dot(n, w, w)), first = length;
    while (!status && k < steps && length > 1e-12 * first) {
        double *q = basis + (size_t)k * n;
        for (size_t i = 0; i < n; i++) q[i] = w[i] / length;
        status = apply(t, s, q, scaled, w);
        if (status) break;
        for (size_t i = 0; i < n; i++) w[i] *= moved[i];
        d[k] = dot(n, q, w);
        for (int twice = 0; twice < 2; twice++)
            for (int j = 0; j <= k; j++) {
                const double part = dot(n, basis + (size_t)j * n, w);
                for (size_t i = 0; i < n; i++) w[i] -= part * basis[(size_t)j * n + i];
            }
        length = sqrt(dot(n, w, w));
        if (k == 0) first = fmax(fabs(d[0]), length);
        e[k++] = length;
    }
    if (!status && k) dsterf_(&k, d, e, &info);
    if (!status) *value = k && !info ? d[k - 1] : NAN;
    free(basis);
    free(w);
    free(scaled);
    free(moved);
    free(d);
    free(e);
    return status;
}

static double rate_of(const hesse_training *t)
{
    return t->options.learning_rate *
           hesse_rate_factor(&t->options.schedule, t->steps, t->options.steps);
}

/* Stability of x <- x - rate (momentum of lambda x) on a quadratic, by the roots of its
   recurrence. */
static double threshold_of(const hesse_training *t)
{
    const hesse_optimiser_settings *o = &t->options.optimiser;
    const double mu = o->momentum;
    if (o->kind != HESSE_OPTIMISER_GD && o->kind != HESSE_OPTIMISER_SGD) return NAN;
    return 2 * (1 + mu) / (rate_of(t) * (o->nesterov ? 1 + 2 * mu : 1));
}

/* Collective. Adam divides its corrected first moment by sqrt(v / c2) + epsilon, so
   near a steady state it descends with the preconditioner P = c1 (sqrt(v / c2) +
   epsilon), c1 and c2 the corrections. Source: Cohen et al., Adaptive gradient methods
   at the edge of stability, arXiv:2207.14484. */
static hesse_status sharpness_of_adam(hesse_training *t, double *row)
{
    const hesse_optimiser *o = t->optimiser;
    const hesse_optimiser_settings *settings = &o->settings;
    const size_t n = t->network->params.size;
    const double *v = NULL;
    for (int i = 0; i < o->vectors; i++)
        if (strcmp(o->names[i], "exp_avg_sq") == 0) v = o->vector[i];
    if (!v || o->steps == 0 || settings->kind == HESSE_OPTIMISER_MUON) return HESSE_OK;
    double *s = hesse_alloc(n);
    hesse_status status = hesse_agree(t->team, s ? HESSE_OK : exhausted(t));
    const double b1 = settings->betas[0], b2 = settings->betas[1],
                 steps = (double)o->steps;
    const double c1 = 1 - pow(b1, steps), c2 = b2 == 1 ? 1 : 1 - pow(b2, steps);
    for (size_t i = 0; !status && i < n; i++) {
        const double p = c1 * (sqrt(v[i] / c2) + settings->epsilon);
        s[i] = p > 0 ? 1 / sqrt(p) : 0;
    }
    if (!status) status = largest(t, ALL, s, &row[HESSE_PATH_PRECONDITIONED_SHARPNESS]);
    row[HESSE_PATH_PRECONDITIONED_THRESHOLD] = (2 + 2 * b1) / ((1 - b1) * rate_of(t));
    free(s);
    return status;
}

enum { TOGETHER = 24 };

static const double ROUNDING = 1e-13;

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Collective. The diagonal of the Hessian, exactly, by products with unit vectors. */
static hesse_status robust_condition(hesse_training *t, double *value)
{
    const size_t n = t->network->params.size;
    double *v = hesse_alloc(n * TOGETHER), *hv = hesse_alloc(n * TOGETHER),
           *diagonal = hesse_alloc(n);
    hesse_status s = v && hv && diagonal ? HESSE_OK : exhausted(t);
    s = hesse_agree(t->team, s);
    for (size_t at = 0; !s && at < n; at += TOGETHER) {
        const size_t some = n - at < TOGETHER ? n - at : TOGETHER;
        memset(v, 0, n * some * sizeof *v);
        for (size_t i = 0; i < some; i++) v[(at + i) * some + i] = 1;
        s = hesse_objective_product(measured(t), HESSE_ALL, (int)some, v, hv);
        for (size_t i = 0; !s && i < some; i++)
            diagonal[at + i] = fabs(hv[(at + i) * some + i]);
    }
    if (!s) {
        qsort(diagonal, n, sizeof *diagonal, ascending);
        *value = diagonal[n - 1] / diagonal[(n - 1) / 2];
    }
    free(v);
    free(hv);
    free(diagonal);
    return s;
}

/* Local. Add rows for the measures of groups. */
static hesse_status add_groups(hesse_training *t, const double *gradient)
{
    double *norms = hesse_rows_add(&t->group_gradient);
    const bool there = hesse_rows_add(&t->group_smoothness) &&
                       hesse_rows_add(&t->group_sharpness) && norms;
    for (int g = 0; there && g < t->groups; g++)
        norms[g] = sqrt(dot_in(t, g, gradient, gradient));
    return there ? HESSE_OK : exhausted(t);
}

/* The last row of a table. */
static double *last_row(const hesse_rows *r)
{
    return r->at + (r->count - 1) * r->columns;
}

/* Collective. The norm of the gradient of the measured examples.

   gradient  of the batch of the step. */
static hesse_status gradient_norms(hesse_training *t, const double *gradient,
                                   double *norm)
{
    const size_t n = t->network->params.size;
    double *own = on_held_out(t) ? hesse_alloc(n) : NULL;
    hesse_status s = HESSE_OK;
    if (on_held_out(t)) {
        s = hesse_agree(t->team, own ? HESSE_OK : exhausted(t));
        if (!s) s = hesse_objective_set_parameters(t->evaluation, t->parameters);
        if (!s) s = hesse_objective_gradient(t->evaluation, NULL, own);
        gradient = own;
    }
    if (!s) *norm = sqrt(dot(n, gradient, gradient));
    if (!s && t->groups) s = hesse_agree(t->team, add_groups(t, gradient));
    free(own);
    return s;
}

hesse_status hesse_path_before(hesse_training *t, const double *gradient, double *row)
{
    const hesse_path_measures *m = &t->options.measures;
    hesse_status s = HESSE_OK;
    row[HESSE_PATH_STEP] = (double)t->steps;
    row[HESSE_PATH_THRESHOLD] = threshold_of(t);
    s = gradient_norms(t, gradient, &row[HESSE_PATH_GRADIENT_NORM]);
    if (!s && m->sharpness) s = largest(t, ALL, NULL, &row[HESSE_PATH_SHARPNESS]);
    for (int g = 0; !s && m->sharpness && g < t->groups; g++)
        s = largest(t, g, NULL, &last_row(&t->group_sharpness)[g]);
    if (!s && m->sharpness) s = sharpness_of_adam(t, row);
    if (!s && m->robust_condition)
        s = robust_condition(t, &row[HESSE_PATH_ROBUST_CONDITION]);
    return s;
}

/* Collective. d'Hd / d'd along the update d, or along its part in a group. */
static hesse_status smoothness(hesse_training *t, int group, double *value)
{
    const hesse_params *params = &t->network->params;
    const size_t n = params->size;
    double *d = hesse_calloc(n, sizeof *d), *hd = hesse_alloc(n);
    hesse_status s = hesse_agree(t->team, d && hd ? HESSE_OK : exhausted(t));
    double length = 0;
    for (int i = 0; !s && i < params->count; i++) {
        const size_t first = params->list[i].offset,
                     end = first + hesse_param_size(&params->list[i]);
        for (size_t j = first; is_in(t, group, i) && j < end; j++)
            d[j] = t->parameters[j] - t->before[j];
    }
    if (!s) length = sqrt(dot(n, d, d));
    if (!s && length > 0) {
        scale(n, 1 / length, d); /* an update may be so small that d'd underflows */
        s = hesse_objective_product(measured(t), HESSE_ALL, 1, d, hd);
        if (!s) *value = dot(n, d, hd);
    }
    free(d);
    free(hd);
    return s;
}

/* Collective. The largest difference of gradients between the parameters before the
   step and points towards those after it, over their distance. The distance is that of
   the rounded points. There is no value if a gradient is not finite, as in a run that
   diverges. Source: Zhang et al., arXiv:1905.11881, section 5. */
static hesse_status gradient_smoothness(hesse_training *t, double *value)
{
    const size_t n = t->network->params.size;
    const int points = t->options.measures.gradient_smoothness;
    hesse_objective *of = measured(t);
    double *here = hesse_alloc(n), *there = hesse_alloc(n), *point = hesse_alloc(n);
    hesse_status s =
        hesse_agree(t->team, here && there && point ? HESSE_OK : exhausted(t));
    double largest = NAN;
    if (!s) s = hesse_objective_gradient(of, NULL, here);
    for (int k = 1; !s && k <= points; k++) {
        const double towards = k / (points + 1.0); /* 1 - alpha */
        for (size_t i = 0; i < n; i++)
            point[i] = t->before[i] + towards * (t->parameters[i] - t->before[i]);
        s = hesse_objective_set_parameters(of, point);
        if (!s) s = hesse_objective_gradient(of, NULL, there);
        for (size_t i = 0; !s && i < n; i++)
            point[i] -= t->before[i], there[i] -= here[i];
        const double length = s ? 0 : sqrt(dot(n, point, point));
        if (length > 0) largest = fmax(largest, sqrt(dot(n, there, there)) / length);
    }
    if (!s) *value = largest;
    if (s == HESSE_E_NUMERIC) s = HESSE_OK;
    if (!s) s = hesse_objective_set_parameters(of, t->before);
    free(here);
    free(there);
    free(point);
    return s;
}

/* Collective. The gradient of a mini-batch of its own. */
static hesse_status noisy_gradient(hesse_training *t, int64_t number, double *gradient)
{
    const int batch = t->options.batch;
    const hesse_dataset *from = t->dataset;
    hesse_status s = HESSE_OK;
    if (t->options.order == HESSE_ORDER_FRESH) {
        s = hesse_training_draw(t, (uint64_t)number + (1u << 31)); /* after all steps */
        from = t->fresh;
        for (int i = 0; i < batch; i++) t->indices[i] = i;
    } else {
        hesse_stream_take(&t->mixed, number, batch, t->indices);
    }
    if (!s) s = hesse_objective_set_examples(t->objective, from, batch, t->indices);
    if (!s) s = hesse_objective_gradient(t->objective, NULL, gradient);
    return s;
}

/* Moments of the distances, and Hill's estimator from the largest tenth. If all
   examples are equal, the distances are 0 but for rounding; they have no skewness,
   kurtosis or tail then.

   length  of the gradient of all examples. */
static void describe(int count, double length, double *distances, double *row)
{
    double mean = 0, m2 = 0, m3 = 0, m4 = 0, logs = 0;
    for (int i = 0; i < count; i++) mean += distances[i] / count;
    for (int i = 0; i < count; i++) {
        const double x = distances[i] - mean;
        m2 += x * x / count, m3 += x * x * x / count, m4 += x * x * x * x / count;
    }
    qsort(distances, (size_t)count, sizeof *distances, ascending);
    row[HESSE_PATH_NOISE_MEAN] = mean;
    row[HESSE_PATH_NOISE_DEVIATION] = sqrt(m2);
    if (mean <= ROUNDING * length || sqrt(m2) <= ROUNDING * mean) return;
    row[HESSE_PATH_NOISE_SKEWNESS] = m3 / pow(m2, 1.5);
    row[HESSE_PATH_NOISE_KURTOSIS] = m4 / (m2 * m2) - 3;
    const int tail = count / 10;
    for (int i = count - tail; tail && i < count; i++)
        logs += log(distances[i] / distances[count - tail - 1]) / tail;
    if (tail && logs > 0 && logs < INFINITY) row[HESSE_PATH_NOISE_TAIL] = 1 / logs;
}

/* Collective. Compare gradients of mini-batches with that of all examples. */
static hesse_status noise(hesse_training *t, double *row)
{
    hesse_team *team = t->team;
    const size_t n = t->network->params.size;
    const int count = t->options.measures.noise;
    double *all = hesse_alloc(n), *one = hesse_alloc(n),
           *distances = hesse_rows_add(&t->noise);
    hesse_status s = all && one && distances ? HESSE_OK : exhausted(t);
    s = hesse_agree(team, s);
    if (!s && !t->whole) {
        const hesse_objective_options options = {.memory = t->options.memory,
                                                 .sharing = hesse_team_size(team)};
        hesse_stream_end(&t->mixed); /* of a measurement that failed */
        if (!hesse_stream_begin(&t->mixed, t->dataset->all.sequences, true,
                                ~t->options.seed))
            s = exhausted(t);
        s = hesse_agree(team, s);
        if (!s)
            s = hesse_objective_new(team, t->network, t->dataset, &options, &t->whole);
    }
    if (!s) s = hesse_objective_set_parameters(t->whole, t->before);
    if (!s) s = hesse_objective_gradient(t->whole, NULL, all);
    const int64_t first = (int64_t)(t->noise.count - 1) * count;
    for (int k = 0; !s && k < count; k++) {
        double sum = 0;
        s = noisy_gradient(t, first + k, one);
        for (size_t i = 0; !s && i < n; i++)
            sum += (one[i] - all[i]) * (one[i] - all[i]);
        if (!s) distances[k] = sqrt(sum);
    }
    if (!s) describe(count, sqrt(dot(n, all, all)), distances, row);
    free(all);
    free(one);
    return s;
}

enum { HALVINGS = 60, REFINEMENTS = 10 };

/* Collective. True if the loss of the batch is above the one before the step at
   `before`
   - rate u. A loss that is not finite is above every other. */
static hesse_status rises(hesse_training *t, double rate, const double *u, double loss,
                          double *point, bool *above)
{
    double there;
    for (size_t i = 0; i < t->network->params.size; i++)
        point[i] = t->before[i] - rate * u[i];
    hesse_status s = hesse_objective_set_parameters(t->objective, point);
    if (!s) s = hesse_objective_loss(t->objective, &there);
    *above = s == HESSE_E_NUMERIC || there > loss;
    return s == HESSE_E_NUMERIC ? HESSE_OK : s;
}

/* Collective. Find the rate at which the loss begins to rise: powers of two around the
   step's own rate, then bisection. */
static hesse_status critical_rate(hesse_training *t, double *value)
{
    const size_t n = t->network->params.size;
    const double own = t->rate.at[t->rate.count - 1],
                 loss = t->loss.at[t->loss.count - 1];
    double *u = hesse_alloc(n), *point = hesse_alloc(n), low = 0, high = own;
    bool above = false;
    hesse_status s = hesse_agree(t->team, u && point ? HESSE_OK : exhausted(t));
    for (size_t i = 0; !s && i < n; i++) u[i] = (t->before[i] - t->parameters[i]) / own;
    if (!s) s = rises(t, high, u, loss, point, &above);
    const bool falls = above; /* the own rate is already too large */
    for (int i = 0; !s && i < HALVINGS && above == falls; i++) {
        if (falls)
            high /= 2;
        else
            low = high, high *= 2;
        s = rises(t, high, u, loss, point, &above);
    }
    const bool found = above != falls;
    if (falls) low = high, high *= 2;
    for (int i = 0; !s && found && i < REFINEMENTS; i++) {
        const double middle = (low + high) / 2;
        s = rises(t, middle, u, loss, point, &above);
        if (above)
            high = middle;
        else
            low = middle;
    }
    if (!s && found) *value = (low + high) / 2;
    if (!s) s = hesse_objective_set_parameters(t->objective, t->before);
    free(u);
    free(point);
    return s;
}

/* Local. The first examples of a class; returns their number. */
static int examples_of(const hesse_training *t, int class, int *indices)
{
    const hesse_batch *all = &t->dataset->all;
    int count = 0;
    for (int i = 0; i < all->sequences && count < t->options.measures.classes; i++)
        if (all->target[i] == class) indices[count++] = i;
    return count;
}

enum { PROBES = 8 };

/* Collective. Gradient and trace of the loss of some examples of one class. */
static hesse_status measure_class(hesse_training *t, int count, const int *indices,
                                  double *work, double *norm, double *trace)
{
    const size_t n = t->network->params.size;
    double *gradient = work, *v = work + n, *hv = v + n * PROBES;
    hesse_status s =
        hesse_objective_set_examples(t->of_class, t->dataset, count, indices);
    if (!s) s = hesse_objective_set_parameters(t->of_class, t->before);
    if (!s) s = hesse_objective_gradient(t->of_class, NULL, gradient);
    if (!s) *norm = sqrt(dot(n, gradient, gradient));
    for (size_t i = 0; !s && i < n * PROBES; i++)
        v[i] = hesse_uniform(t->options.seed, HESSE_RANDOM_SHARPNESS, i) < 0.5 ? -1 : 1;
    if (!s) s = hesse_objective_product(t->of_class, HESSE_ALL, PROBES, v, hv);
    if (!s) *trace = dot(n * PROBES, v, hv) / PROBES;
    return s;
}

/* Collective. Measure every class that has examples. */
static hesse_status classes(hesse_training *t)
{
    hesse_team *team = t->team;
    const hesse_batch *all = &t->dataset->all;
    const size_t n = t->network->params.size;
    const hesse_objective_options options = {.memory = t->options.memory,
                                             .sharing = hesse_team_size(team)};
    double *norms = hesse_rows_add(&t->class_gradient),
           *traces = hesse_rows_add(&t->class_trace),
           *work = hesse_alloc(n * (2 * PROBES + 1));
    int *indices = hesse_calloc((size_t)t->options.measures.classes, sizeof *indices);
    hesse_status s = norms && traces && work && indices ? HESSE_OK : exhausted(t);
    s = hesse_agree(team, s);
    if (!s && !t->of_class)
        s = hesse_objective_new(team, t->network, NULL, &options, &t->of_class);
    for (int c = 0; !s && c < all->classes; c++) {
        const int count = examples_of(t, c, indices);
        if (count) s = measure_class(t, count, indices, work, &norms[c], &traces[c]);
    }
    free(indices);
    free(work);
    return s;
}

/* Collective. The squared change of all outputs in the step over that of the
   parameters. Source: Chen et al., Skyformer, arXiv:2111.00035, the instability score.
 */
static hesse_status instability(hesse_training *t, double *value)
{
    hesse_objective *x = measured(t);
    const size_t n = t->network->params.size, count = hesse_objective_output_count(x);
    double *before = hesse_alloc(count), *after = hesse_alloc(count), moved = 0,
           changed = 0;
    hesse_status s = hesse_agree(t->team, before && after ? HESSE_OK : exhausted(t));
    if (!s) s = hesse_objective_outputs(x, before);
    if (!s) s = hesse_objective_set_parameters(x, t->parameters);
    if (!s) s = hesse_objective_outputs(x, after);
    if (s == HESSE_E_NUMERIC)
        s = HESSE_OK; /* the next step says where it diverged */
    else if (!s) {
        for (size_t i = 0; i < count; i++)
            changed += (after[i] - before[i]) * (after[i] - before[i]);
        for (size_t i = 0; i < n; i++)
            moved +=
                (t->parameters[i] - t->before[i]) * (t->parameters[i] - t->before[i]);
        if (moved > 0) *value = changed / moved;
    }
    if (!s) s = hesse_objective_set_parameters(x, t->before);
    free(before);
    free(after);
    return s;
}

hesse_status hesse_path_after(hesse_training *t, double *row)
{
    const hesse_path_measures *m = &t->options.measures;
    hesse_status s = HESSE_OK;
    const bool labelled = t->dataset->all.target && t->dataset->all.labels == 1;
    if (m->smoothness) s = smoothness(t, ALL, &row[HESSE_PATH_SMOOTHNESS]);
    for (int g = 0; !s && m->smoothness && g < t->groups; g++)
        s = smoothness(t, g, &last_row(&t->group_smoothness)[g]);
    if (!s && m->gradient_smoothness)
        s = gradient_smoothness(t, &row[HESSE_PATH_GRADIENT_SMOOTHNESS]);
    if (!s && m->instability) s = instability(t, &row[HESSE_PATH_INSTABILITY]);
    if (!s && m->critical_rate) s = critical_rate(t, &row[HESSE_PATH_CRITICAL_RATE]);
    if (!s && m->classes && labelled) s = classes(t);
    if (!s && m->noise && t->options.batch) s = noise(t, row);
    return s;
}
