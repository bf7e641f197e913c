/* Every rule is one function of one parameter tensor. Sums over all parameters, for
   clipping, are made once, before the rules. The formulas and the order of operations
   are those of torch.optim, so that both follow the same path up to rounding. */
#include "train/optimiser.h"

#include "base/memory.h"
#include "base/simd.h"
#include "network/partition.h"

#include <assert.h>
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static hesse_status check_settings(const hesse_optimiser_settings *o, hesse_why *why)
{
    static const char any[] = "a finite number, not below 0";
    const struct {
        const char *name;
        double value;
        double end; /* is excluded */
        const char *expected;
    } numbers[] = {{"momentum", o->momentum, INFINITY, any},
                   {"first beta", o->betas[0], 1, "at least 0 and below 1"},
                   {"second beta", o->betas[1], nextafter(1, 2), "from 0 to 1"},
                   {"alpha", o->alpha, nextafter(1, 2), "from 0 to 1"},
                   {"epsilon", o->epsilon, INFINITY, any},
                   {"weight decay", o->weight_decay, INFINITY, any},
                   {"norm for clipping", o->clip_norm, INFINITY, any},
                   {"limit for clipping", o->clip_coordinate, INFINITY, any}};
    if ((int)o->kind < HESSE_OPTIMISER_GD || o->kind > HESSE_OPTIMISER_MUON)
        return hesse_fail(why, HESSE_E_JOB, "optimiser %d, expected 0 to %d",
                          (int)o->kind, HESSE_OPTIMISER_MUON);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!(numbers[i].value >= 0 && numbers[i].value < numbers[i].end))
            return hesse_fail(why, HESSE_E_JOB, "the %s is %g, expected %s",
                              numbers[i].name, numbers[i].value, numbers[i].expected);
    if (o->kind == HESSE_OPTIMISER_ADAM_MINI && o->betas[1] == 1)
        return hesse_fail(why, HESSE_E_JOB,
                          "Adam-mini needs a second beta below 1, found 1");
    if (o->nesterov && o->momentum == 0)
        return hesse_fail(why, HESSE_E_JOB, "Nesterov's rule needs a momentum above 0");
    return HESSE_OK;
}

static bool is_bias(const hesse_param *p)
{
    const size_t length = strlen(p->tensor);
    return length >= 4 && strcmp(p->tensor + length - 4, "bias") == 0;
}

/* Muon takes the matrices between the layers' activations. */
static bool is_hidden_matrix(const hesse_param *p)
{
    switch (p->role) {
    case HESSE_ROLE_QUERY:
    case HESSE_ROLE_KEY:
    case HESSE_ROLE_VALUE:
    case HESSE_ROLE_OUTPUT:
    case HESSE_ROLE_UP:
    case HESSE_ROLE_GATE:
    case HESSE_ROLE_DOWN:
        return !p->vector && !p->rank;
    default:
        return false;
    }
}

static hesse_rule rule_of(hesse_optimiser_kind kind, const hesse_param *p)
{
    switch (kind) {
    case HESSE_OPTIMISER_GD:
    case HESSE_OPTIMISER_SGD:
        return HESSE_RULE_SGD;
    case HESSE_OPTIMISER_SIGN:
        return HESSE_RULE_SIGN;
    case HESSE_OPTIMISER_RMSPROP:
        return HESSE_RULE_RMSPROP;
    case HESSE_OPTIMISER_MUON:
        return is_hidden_matrix(p) ? HESSE_RULE_MUON : HESSE_RULE_ADAM;
    default:
        return HESSE_RULE_ADAM;
    }
}

static bool selected(const char *name, const char *const *only, int n_only)
{
    bool any = n_only == 0;
    for (int i = 0; i < n_only; i++) any |= fnmatch(only[i], name, 0) == 0;
    return any;
}

static hesse_status choose(hesse_optimiser *o, const char *const *only, int n_only,
                           hesse_why *why)
{
    const hesse_params *params = &o->network->params;
    for (int i = 0; i < params->count; i++) {
        const hesse_param *p = &params->list[i];
        const bool norm = p->role == HESSE_ROLE_NORM;
        if (selected(p->name, only, n_only)) o->rules[i] = rule_of(o->settings.kind, p);
        /* The authors' Adam-mini leaves norms and biases without decay. */
        o->decays[i] =
            o->settings.kind != HESSE_OPTIMISER_ADAM_MINI || !(norm || is_bias(p));
    }
    for (int j = 0; j < n_only; j++) {
        bool any = false;
        for (int i = 0; i < params->count; i++)
            any |= fnmatch(only[j], params->list[i].name, 0) == 0;
        if (!any)
            return hesse_fail(why, HESSE_E_JOB,
                              "'%s' selects no parameter to train, expected a name or "
                              "glob such as %s",
                              only[j], params->list[0].name);
    }
    /* Muon's matrices are the checkpoint's: all slices of one are trained, or none. */
    for (int i = 0; i < params->count; i++)
        for (int j = 0; j < params->count; j++)
            if (o->rules[i] == HESSE_RULE_MUON && !o->rules[j] &&
                strcmp(params->list[i].tensor, params->list[j].tensor) == 0)
                return hesse_fail(why, HESSE_E_JOB,
                                  "Muon takes the tensor %s as one matrix, so all of "
                                  "its slices are trained or none",
                                  params->list[i].tensor);
    return HESSE_OK;
}

static bool any_rule(const hesse_optimiser *o, hesse_rule rule)
{
    bool any = false;
    for (int i = 0; i < o->network->params.count; i++) any |= o->rules[i] == rule;
    return any;
}

static void add_vector(hesse_optimiser *o, const char *name)
{
    o->names[o->vectors++] = name;
}

/* The vectors in the order in which the rules take them. */
static void name_vectors(hesse_optimiser *o)
{
    const hesse_optimiser_settings *s = &o->settings;
    const bool descent = any_rule(o, HESSE_RULE_SGD) || any_rule(o, HESSE_RULE_SIGN);
    if (any_rule(o, HESSE_RULE_RMSPROP)) add_vector(o, "square_avg");
    if (any_rule(o, HESSE_RULE_ADAM)) {
        add_vector(o, "exp_avg");
        add_vector(o, "exp_avg_sq");
    }
    if (any_rule(o, HESSE_RULE_MUON) ||
        (s->momentum > 0 && (descent || any_rule(o, HESSE_RULE_RMSPROP))))
        add_vector(o, "momentum_buffer");
}

hesse_status hesse_optimiser_new(const hesse_network *network,
                                 const hesse_optimiser_settings *settings,
                                 const char *const *only, int n_only,
                                 hesse_optimiser **optimiser, hesse_why *why)
{
    if (!network || !settings || !optimiser)
        return hesse_fail(why, HESSE_E_JOB,
                          "an optimiser needs a network, settings and a place");
    *optimiser = NULL;
    hesse_status s = check_settings(settings, why);
    if (s) return s;
    const size_t count = (size_t)network->params.count, n = network->params.size;
    hesse_optimiser *o = hesse_calloc(1, sizeof *o);
    if (!o) return hesse_fail(why, HESSE_E_NOMEM, "out of memory for an optimiser");
    o->network = network, o->settings = *settings;
    o->rules = hesse_calloc(count, sizeof *o->rules);
    o->decays = hesse_calloc(count, sizeof *o->decays);
    bool there = o->rules && o->decays;
    if (there) s = choose(o, only, n_only, why);
    if (there && !s) name_vectors(o);
    for (int i = 0; there && !s && i < o->vectors; i++)
        there = (o->vector[i] = hesse_calloc(n, sizeof(double)));
    if (there && !s && any_rule(o, HESSE_RULE_MUON))
        there = (o->work = hesse_alloc(hesse_muon_work(network)));
    if (!there)
        s = hesse_fail(why, HESSE_E_NOMEM,
                       "out of memory for the state of an optimiser of %zu parameters",
                       n);
    if (s)
        hesse_optimiser_free(o);
    else
        *optimiser = o;
    return s;
}

void hesse_optimiser_free(hesse_optimiser *o)
{
    if (!o) return;
    for (int i = 0; i < HESSE_MOST_VECTORS; i++) free(o->vector[i]);
    free(o->rules);
    free(o->decays);
    free(o->work);
    free(o);
}

bool hesse_optimiser_trains(const hesse_optimiser *o, int i)
{
    return i >= 0 && i < o->network->params.count && o->rules[i];
}

int64_t hesse_optimiser_steps(const hesse_optimiser *o)
{
    return o->steps;
}

void hesse_optimiser_set_steps(hesse_optimiser *o, int64_t steps)
{
    o->steps = steps;
}

int hesse_optimiser_vectors(const hesse_optimiser *o)
{
    return o->vectors;
}

const char *hesse_optimiser_vector_name(const hesse_optimiser *o, int i)
{
    return i >= 0 && i < o->vectors ? o->names[i] : NULL;
}

double *hesse_optimiser_vector(hesse_optimiser *o, int i)
{
    return i >= 0 && i < o->vectors ? o->vector[i] : NULL;
}

bool hesse_optimiser_uses(const hesse_optimiser *o, int v, int i)
{
    const char *name = o->names[v];
    const hesse_rule rule = o->rules[i];
    if (strcmp(name, "square_avg") == 0) return rule == HESSE_RULE_RMSPROP;
    if (strcmp(name, "momentum_buffer") == 0) return rule && rule != HESSE_RULE_ADAM;
    return rule == HESSE_RULE_ADAM;
}

static double *vector_named(const hesse_optimiser *o, const char *name)
{
    for (int i = 0; i < o->vectors; i++)
        if (strcmp(o->names[i], name) == 0) return o->vector[i];
    return NULL;
}

/* Clip the gradient of the trained parameters, as torch's clip_grad_value_ and
   clip_grad_norm_ do. */
static void clip(const hesse_optimiser *o, double *gradient)
{
    const hesse_params *params = &o->network->params;
    const double limit = o->settings.clip_coordinate, most = o->settings.clip_norm;
    double squares = 0;
    for (int i = 0; i < params->count; i++) {
        const hesse_param *p = &params->list[i];
        double *g = gradient + p->offset;
        for (size_t j = 0; o->rules[i] && j < hesse_param_size(p); j++) {
            if (limit > 0) g[j] = fmin(fmax(g[j], -limit), limit);
            squares += g[j] * g[j];
        }
    }
    const double factor = most / (sqrt(squares) + 1e-6);
    if (most == 0 || factor >= 1) return;
    for (int i = 0; i < params->count; i++) {
        const hesse_param *p = &params->list[i];
        for (size_t j = 0; o->rules[i] && j < hesse_param_size(p); j++)
            gradient[p->offset + j] *= factor;
    }
}

/* The place of one parameter tensor in all vectors. */
typedef struct place {
    const hesse_param *param;
    size_t count;
    double rate, decay; /* learning rate, weight decay */
    const double *g;
    double *w, *first, *second, *buffer; /* NULL: the rule has no such vector */
} place;

static void descend(const hesse_optimiser_settings *o, const place *p, bool first,
                    bool sign)
{
    for (size_t j = 0; j < p->count; j++) {
        const double g = p->g[j] + p->decay * p->w[j];
        double step = g;
        if (p->buffer) {
            p->buffer[j] = first ? g : o->momentum * p->buffer[j] + g;
            step = o->nesterov ? g + o->momentum * p->buffer[j] : p->buffer[j];
        }
        if (sign) step = (step > 0) - (step < 0);
        p->w[j] -= p->rate * step;
    }
}

static void step_rmsprop(const hesse_optimiser_settings *o, const place *p)
{
    assert(p->first);
    for (size_t j = 0; j < p->count; j++) {
        const double g = p->g[j] + p->decay * p->w[j];
        p->first[j] = o->alpha * p->first[j] + (1 - o->alpha) * g * g;
        double step = g / (sqrt(p->first[j]) + o->epsilon);
        if (p->buffer) step = p->buffer[j] = o->momentum * p->buffer[j] + step;
        p->w[j] -= p->rate * step;
    }
}

/* A part of a matrix with a second moment of its own: `rows` runs of `count` numbers,
   each `stride` after the one before. */
typedef struct cell {
    size_t first, count, rows, stride;
} cell;

/* The cells of a parameter by its role: heads of query and key, tokens of embedding and
   head, output neurons of other matrices, the whole of a norm's gain; a bias has one
   for each number. Cell c = 0, 1, ...; false after the last one. */
static bool cell_of(const hesse_param *p, size_t c, cell *x)
{
    const size_t rows = (size_t)p->rows, cols = (size_t)p->cols;
    const bool heads = p->role == HESSE_ROLE_QUERY || p->role == HESSE_ROLE_KEY;
    const bool table =
        p->role == HESSE_ROLE_EMBEDDING || p->role == HESSE_ROLE_POSITION;
    if (is_bias(p)) {
        *x = (cell){c, 1, 1, 1};
        return c < rows * cols;
    }
    if (p->vector || p->role == HESSE_ROLE_NORM) {
        *x = (cell){0, rows * cols, 1, 1};
        return c < 1;
    }
    const bool by_rows = table || p->out_rows;
    const size_t outputs = by_rows ? rows : cols;
    size_t each = 1;
    if (heads && p->heads > 0 && outputs % (size_t)p->heads == 0)
        each = outputs / (size_t)p->heads;
    *x = by_rows ? (cell){c * each * cols, each * cols, 1, 1}
                 : (cell){c * each, each, rows, cols};
    return c < outputs / each;
}

/* Move the second moments of Adam-mini: those of a cell are all equal. */
static void move_means(const hesse_optimiser *o, const place *p)
{
    const double b2 = o->settings.betas[1];
    cell x;
    for (size_t c = 0; cell_of(p->param, c, &x); c++) {
        double sum = 0;
        for (size_t r = 0; r < x.rows; r++)
            for (size_t j = x.first + r * x.stride;
                 j < x.first + r * x.stride + x.count; j++)
                sum += p->g[j] * p->g[j];
        const double mean = sum / (double)(x.rows * x.count);
        for (size_t r = 0; r < x.rows; r++)
            for (size_t j = x.first + r * x.stride;
                 j < x.first + r * x.stride + x.count; j++)
                p->second[j] = b2 * p->second[j] + (1 - b2) * mean;
    }
}

/* The numbers of Adam's rule that are the same for all entries of a parameter. */
typedef struct adam {
    double b1, b2, rate, second, epsilon; /* rate and second with their corrections */
    double keep, decay; /* w is multiplied by keep; decay w is added to the gradient */
} adam;

/* m and v are the moments. Without branches the loop runs on vectors. */
HESSE_SIMD static void adam_entries(size_t count, const adam *a, bool move_second,
                                    const double *restrict g, double *restrict m,
                                    double *restrict v, double *restrict w)
{
    for (size_t j = 0; move_second && j < count; j++) {
        const double x = g[j] + a->decay * w[j];
        v[j] = a->b2 * v[j] + (1 - a->b2) * x * x;
    }
    for (size_t j = 0; j < count; j++) {
        const double x = g[j] + a->decay * w[j];
        m[j] += (1 - a->b1) * (x - m[j]);
        w[j] = a->keep * w[j] - a->rate * m[j] / (sqrt(v[j]) / a->second + a->epsilon);
    }
}

static void step_adam(const hesse_optimiser *o, const place *p)
{
    assert(p->first && p->second);
    const hesse_optimiser_settings *s = &o->settings;
    const bool separate = s->kind != HESSE_OPTIMISER_ADAM,
               mini = s->kind == HESSE_OPTIMISER_ADAM_MINI;
    const double b1 = s->betas[0], b2 = s->betas[1], t = (double)o->steps + 1;
    const adam a = {.b1 = b1,
                    .b2 = b2,
                    .rate = p->rate / (1 - pow(b1, t)),
                    .second = b2 == 1 ? 1 : sqrt(1 - pow(b2, t)),
                    .epsilon = s->epsilon,
                    .keep = separate ? 1 - p->rate * p->decay : 1,
                    .decay = separate ? 0 : p->decay};
    if (mini) move_means(o, p);
    for (size_t j = 0; b2 == 1 && o->steps == 0 && j < p->count; j++) {
        const double g = p->g[j] + a.decay * p->w[j];
        p->second[j] = g * g;
    }
    adam_entries(p->count, &a, b2 < 1 && !mini, p->g, p->first, p->second, p->w);
}

/* True if a parameter is the first slice of its tensor. */
static bool is_first(const hesse_params *params, int i)
{
    for (int j = 0; j < i; j++)
        if (strcmp(params->list[j].tensor, params->list[i].tensor) == 0) return false;
    return true;
}

void hesse_optimiser_step(hesse_optimiser *o, double rate, double *gradient,
                          double *parameters)
{
    const hesse_optimiser_settings *s = &o->settings;
    const hesse_params *params = &o->network->params;
    double *square_avg = vector_named(o, "square_avg"),
           *exp_avg = vector_named(o, "exp_avg"),
           *exp_avg_sq = vector_named(o, "exp_avg_sq"),
           *buffer = vector_named(o, "momentum_buffer");
    if (s->clip_norm > 0 || s->clip_coordinate > 0) clip(o, gradient);
    for (int i = 0; i < params->count; i++) {
        const hesse_param *param = &params->list[i];
        const size_t at = param->offset;
        place p = {.param = param,
                   .count = hesse_param_size(param),
                   .rate = rate,
                   .decay = o->decays[i] ? s->weight_decay : 0,
                   .g = gradient + at,
                   .w = parameters + at,
                   .buffer = buffer ? buffer + at : NULL};
        switch (o->rules[i]) {
        case HESSE_RULE_NONE:
            break;
        case HESSE_RULE_SGD:
        case HESSE_RULE_SIGN:
            descend(s, &p, o->steps == 0, o->rules[i] == HESSE_RULE_SIGN);
            break;
        case HESSE_RULE_RMSPROP:
            p.first = square_avg + at;
            step_rmsprop(s, &p);
            break;
        case HESSE_RULE_ADAM:
            p.first = exp_avg + at, p.second = exp_avg_sq + at;
            step_adam(o, &p);
            break;
        case HESSE_RULE_MUON:
            if (is_first(params, i))
                hesse_muon_step(o->network, i, s, rate, gradient, buffer, parameters,
                                o->work);
            break;
        }
    }
    o->steps++;
}
