/* The section `train`: rules on its keys, the defaults that depend on the optimiser,
   and the values that are words or numbers (`batch`, `stages`). */
#include "data/kinds.h"
#include "job/values.h"
#include "network/families/families.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct reading {
    const hesse_values *values;
    hesse_job *job;
    hesse_why *why;
} reading;

static bool given(const reading *r, const char *key)
{
    return hesse_values_given(r->values, key) != NULL;
}

static hesse_status wrong(const reading *r, const char *key, const char *what)
{
    const hesse_yaml *node = hesse_values_given(r->values, key);
    return hesse_fail(r->why, HESSE_E_JOB, "%s: '%s' %s", hesse_yaml_where(node).text,
                      key, what);
}

#define BIT(kind) (1u << HESSE_OPTIMISER_##kind)
enum {
    DESCENT = BIT(GD) | BIT(SGD) | BIT(SIGN),
    ADAM = BIT(ADAM) | BIT(ADAMW) | BIT(ADAM_MINI)
};

/* The optimisers that have a key. */
static const struct {
    const char *key;
    unsigned kinds;
} OWNERS[] = {{"train.momentum", DESCENT | BIT(RMSPROP) | BIT(MUON)},
              {"train.nesterov", DESCENT | BIT(MUON)},
              {"train.betas", ADAM | BIT(MUON)},
              {"train.alpha", BIT(RMSPROP)},
              {"train.epsilon", ADAM | BIT(MUON) | BIT(RMSPROP)}};

static const char *const MEASURES[] = {
    "train.measures.smoothness",    "train.measures.sharpness",
    "train.measures.noise",         "train.measures.robust_condition",
    "train.measures.critical_rate", "train.measures.classes",
    "train.measures.examples",      "train.measures.gradient_smoothness",
    "train.measures.instability",   "train.measures.by_group"};

/* The value of a key with words. */
static int word_of(const hesse_values *values, const char *path)
{
    const int i = hesse_key_find(path);
    const hesse_key *key = hesse_key_at(i);
    return hesse_key_word(key, hesse_key_word_named(key, values->node[i]->text)).value;
}

bool hesse_job_training_has(const hesse_values *values, const char *path)
{
    for (size_t i = 0; i < sizeof OWNERS / sizeof *OWNERS; i++)
        if (strcmp(path, OWNERS[i].key) == 0)
            return OWNERS[i].kinds & 1u << word_of(values, "train.optimiser");
    for (size_t i = 0; i < sizeof MEASURES / sizeof *MEASURES; i++)
        if (strcmp(path, MEASURES[i]) == 0)
            return values->node[hesse_key_find("train.measures.every")];
    const bool factor = strcmp(path, "train.schedule.factor") == 0,
               final = strcmp(path, "train.schedule.final") == 0;
    if (!factor && !final) return true;
    const int kind = word_of(values, "train.schedule.kind");
    return factor ? kind == HESSE_SCHEDULE_STEP
                  : kind == HESSE_SCHEDULE_LINEAR || kind == HESSE_SCHEDULE_COSINE;
}

static hesse_status check_owners(const reading *r)
{
    const hesse_optimiser_kind kind = r->job->train.options.optimiser.kind;
    char text[200] = "is for ";
    for (size_t i = 0; i < sizeof OWNERS / sizeof *OWNERS; i++) {
        if (!given(r, OWNERS[i].key) || OWNERS[i].kinds & 1u << kind) continue;
        const char *word;
        for (int k = 0; *(word = hesse_job_word("train.optimiser", k)); k++)
            if (OWNERS[i].kinds & 1u << k)
                snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s",
                         text[7] ? ", " : "", word);
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 ", and the optimiser is %s", hesse_job_word("train.optimiser", kind));
        return wrong(r, OWNERS[i].key, text);
    }
    return HESSE_OK;
}

/* PyTorch's defaults. */
static void complete(const reading *r)
{
    hesse_job *job = r->job;
    hesse_job_train *t = &job->train;
    hesse_optimiser_settings *o = &t->options.optimiser;
    const bool muon = o->kind == HESSE_OPTIMISER_MUON;
    static const double usual = 1e-3, usual_rmsprop = 1e-2;
    if (!given(r, "train.momentum")) o->momentum = muon ? 0.95 : 0;
    if (!given(r, "train.nesterov")) o->nesterov = muon;
    if (!given(r, "train.weight_decay"))
        o->weight_decay = muon ? 0.1 : o->kind == HESSE_OPTIMISER_ADAMW ? 0.01 : 0;
    if (!t->n_rates)
        t->rates = o->kind == HESSE_OPTIMISER_RMSPROP ? &usual_rmsprop : &usual,
        t->n_rates = 1;
    t->options.steps = t->steps;
    t->options.evaluate_every = t->evaluate_every;
    t->options.measures.every = t->measure_every;
}

/* On a quadratic with eigenvalues from m to L, gradient descent is fastest with 2 / (m
   + L). */
static hesse_status best_rate(const reading *r)
{
    hesse_job *job = r->job;
    const double *values = job->data.eigenvalues;
    if (given(r, "train.learning_rate") ||
        job->train.options.optimiser.kind != HESSE_OPTIMISER_GD ||
        strcmp(job->arch.family, "quadratic") != 0 || !values)
        return HESSE_OK;
    double least = INFINITY, most = 0;
    for (int i = 0; i < job->n_eigenvalues; i++)
        least = fmin(least, values[i]), most = fmax(most, values[i]);
    double *rate = hesse_job_room(job, sizeof *rate);
    if (!rate)
        return hesse_fail(r->why, HESSE_E_NOMEM, "out of memory for the job file");
    *rate = 2 / (least + most);
    job->train.rates = rate;
    return HESSE_OK;
}

static hesse_status read_batch(const reading *r)
{
    hesse_job_train *t = &r->job->train;
    const bool all = t->batch && strcmp(t->batch, "all") == 0;
    const bool gd = t->options.optimiser.kind == HESSE_OPTIMISER_GD;
    char *end = NULL;
    t->options.batch = gd || all ? 0 : 16;
    if (!t->batch || all) return HESSE_OK;
    const long value = strtol(t->batch, &end, 10);
    if (*end || value < 1 || value > INT32_MAX)
        return wrong(r, "train.batch",
                     "is neither a number of examples from 1 nor all");
    if (gd)
        return wrong(r, "train.batch",
                     "is a number, and gd takes all examples in every step; sgd takes "
                     "batches");
    t->options.batch = (int)value;
    return HESSE_OK;
}

static int ascending(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static hesse_status read_stage(const reading *r, const char *text, int64_t *step)
{
    const int64_t steps = r->job->train.options.steps;
    char *end = NULL, what[160];
    *step = 0;
    if (strcmp(text, "init") == 0) return HESSE_OK;
    const double value = strtod(text, &end);
    const bool percent = end != text && strcmp(end, "%") == 0;
    if (end != text && value >= 0 && percent && value <= 100) {
        *step = llround(value / 100 * (double)steps);
        return HESSE_OK;
    }
    if (end != text && !*end && value >= 0 && value <= (double)steps &&
        value == floor(value)) {
        *step = (int64_t)value;
        return HESSE_OK;
    }
    snprintf(what, sizeof what,
             "holds '%.40s', expected init, a number of steps up to %lld, or a "
             "percentage up to 100%%",
             text, (long long)steps);
    return wrong(r, "train.stages", what);
}

static hesse_status read_stages(const reading *r)
{
    hesse_job_train *t = &r->job->train;
    hesse_status s = HESSE_OK;
    int64_t *steps = hesse_job_room(r->job, ((size_t)t->n_stages + 1) * sizeof *steps);
    if (!steps)
        return hesse_fail(r->why, HESSE_E_NOMEM, "out of memory for the job file");
    for (int i = 0; !s && i < t->n_stages; i++)
        s = read_stage(r, t->stages[i], &steps[i]);
    if (s) return s;
    qsort(steps, (size_t)t->n_stages, sizeof *steps, ascending);
    int count = 0;
    for (int i = 0; i < t->n_stages; i++)
        if (!count || steps[count - 1] != steps[i]) steps[count++] = steps[i];
    t->stage_steps = steps, t->n_stage_steps = count;
    return HESSE_OK;
}

static hesse_status check_schedule(const reading *r)
{
    const hesse_rate_schedule *s = &r->job->train.options.schedule;
    const bool by_steps = s->kind == HESSE_SCHEDULE_STEP,
               falls =
                   s->kind == HESSE_SCHEDULE_LINEAR || s->kind == HESSE_SCHEDULE_COSINE;
    if (by_steps && !given(r, "train.schedule.every"))
        return wrong(r, "train.schedule.kind",
                     "is step, which needs 'train.schedule.every'");
    if (!by_steps && given(r, "train.schedule.every"))
        return wrong(r, "train.schedule.every", "is for the schedule `step`");
    if (!by_steps && given(r, "train.schedule.factor"))
        return wrong(r, "train.schedule.factor", "is for the schedule `step`");
    if (!falls && given(r, "train.schedule.final"))
        return wrong(r, "train.schedule.final",
                     "is for the schedules `linear` and `cosine`");
    if (s->warmup > r->job->train.steps)
        return wrong(r, "train.schedule.warmup",
                     "is longer than the run (`train.steps`)");
    return HESSE_OK;
}

static hesse_status check_others(const reading *r)
{
    const hesse_job_train *t = &r->job->train;
    const hesse_data_kind *kind = hesse_data_kind_named(r->job->data.kind);
    const hesse_optimiser_settings *o = &t->options.optimiser;
    if (given(r, "train.nesterov") && o->nesterov && o->momentum == 0)
        return wrong(r, "train.nesterov", "needs a 'train.momentum' above 0");
    for (int i = 0; given(r, "train.betas") && i < 2; i++)
        if (o->betas[0] == 1 ||
            (o->betas[1] == 1 && o->kind == HESSE_OPTIMISER_ADAM_MINI))
            return wrong(r, "train.betas", "holds 1, expected a number below 1");
    if (t->evaluate_every && !t->evaluate_sequences && !t->evaluate_file)
        return wrong(r, "train.evaluate.every",
                     "needs held-out examples: 'train.evaluate.sequences' or "
                     "'train.evaluate.file'");
    for (size_t i = 0; !t->measure_every && i < sizeof MEASURES / sizeof *MEASURES; i++)
        if (given(r, MEASURES[i]))
            return wrong(r, MEASURES[i], "needs 'train.measures.every'");
    if (t->options.measures.examples == HESSE_PATH_ON_HELD_OUT &&
        !t->evaluate_sequences && !t->evaluate_file)
        return wrong(r, "train.measures.examples",
                     "is held_out, which needs held-out examples: "
                     "'train.evaluate.sequences' or 'train.evaluate.file'");
    if (t->options.order == HESSE_ORDER_FRESH && kind &&
        (!kind->drawn || hesse_family_brings(kind->name)))
        return wrong(r, "train.order",
                     "is fresh, which is for examples that are drawn from a seed "
                     "('data.generate')");
    if (kind && kind->near_outputs && t->options.order == HESSE_ORDER_FRESH)
        return wrong(r, "train.order",
                     "is fresh, and the targets of this kind of data are those of one "
                     "set of examples");
    if (kind && kind->near_outputs && t->evaluate_sequences)
        return wrong(r, "train.evaluate.sequences",
                     "is given, and this kind of data has no held-out examples: its "
                     "targets are of the initial network");
    if (given(r, "train.backtracking") && t->options.backtracking &&
        (t->options.optimiser.kind != HESSE_OPTIMISER_GD ||
         t->options.optimiser.momentum != 0 || t->options.optimiser.weight_decay != 0 ||
         t->options.optimiser.clip_norm > 0 ||
         t->options.optimiser.clip_coordinate > 0 ||
         t->options.schedule.kind != HESSE_SCHEDULE_CONSTANT ||
         t->options.schedule.warmup))
        return wrong(
            r, "train.backtracking",
            "is true, which is for `gd` alone: without momentum, weight decay, "
            "clipping and schedule");
    return HESSE_OK;
}

hesse_status hesse_job_settle_training(const hesse_values *values, hesse_job *job,
                                       hesse_why *why)
{
    const reading r = {values, job, why};
    for (int i = 0; hesse_key_at(i); i++)
        if (strncmp(hesse_key_at(i)->path, "train.", 6) == 0)
            job->train.given |= given(&r, hesse_key_at(i)->path);
    complete(&r);
    hesse_status s = check_owners(&r);
    if (!s) s = best_rate(&r);
    if (!s) s = read_batch(&r);
    if (!s) s = read_stages(&r);
    if (!s) s = check_schedule(&r);
    if (!s) s = check_others(&r);
    return s;
}
