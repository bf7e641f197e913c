/* Every rank has all parameters and the whole state of the optimiser, and takes the
   same step with the same gradient. So the ranks need to agree only about the gradient,
   which the objective sums over their examples. */
#include "train/training.h"

#include "base/memory.h"
#include "base/simd.h"
#include "data/kinds.h"
#include "network/partition.h"
#include "network/weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static hesse_status check_schedule(const hesse_train_options *o, hesse_why *why)
{
    const hesse_rate_schedule *r = &o->schedule;
    if ((int)r->kind < HESSE_SCHEDULE_CONSTANT || r->kind > HESSE_SCHEDULE_STEP)
        return hesse_fail(why, HESSE_E_JOB, "schedule %d, expected 0 to %d",
                          (int)r->kind, HESSE_SCHEDULE_STEP);
    if (r->warmup < 0 || r->warmup > o->steps)
        return hesse_fail(why, HESSE_E_JOB,
                          "a warm-up of %d steps in a run of %lld, expected at most "
                          "these",
                          r->warmup, (long long)o->steps);
    if (r->kind == HESSE_SCHEDULE_STEP && r->every < 1)
        return hesse_fail(why, HESSE_E_JOB,
                          "a schedule by steps needs the number of steps between two "
                          "reductions");
    const bool by_factor = r->kind == HESSE_SCHEDULE_STEP;
    const double number = by_factor ? r->factor : r->final;
    if (r->kind != HESSE_SCHEDULE_CONSTANT && !(number >= 0 && number < INFINITY))
        return hesse_fail(why, HESSE_E_JOB,
                          "the %s of the learning rate is %g, expected a finite "
                          "number, not below 0",
                          by_factor ? "factor" : "final fraction", number);
    return HESSE_OK;
}

static hesse_status check_options(const hesse_train_options *o, int examples,
                                  hesse_why *why)
{
    if (!(o->learning_rate > 0 && o->learning_rate < INFINITY))
        return hesse_fail(why, HESSE_E_JOB,
                          "the learning rate is %g, expected a number "
                          "above 0",
                          o->learning_rate);
    if (o->steps < 1)
        return hesse_fail(why, HESSE_E_JOB, "a run of %lld steps, expected at least 1",
                          (long long)o->steps);
    const hesse_optimiser_settings *m = &o->optimiser;
    if (o->backtracking &&
        (m->kind != HESSE_OPTIMISER_GD || o->batch || m->momentum != 0 ||
         m->weight_decay != 0 || m->clip_norm != 0 || m->clip_coordinate != 0 ||
         o->schedule.kind != HESSE_SCHEDULE_CONSTANT || o->schedule.warmup))
        return hesse_fail(why, HESSE_E_JOB,
                          "backtracking is for gradient descent on all examples, "
                          "without momentum, weight decay, clipping and schedule");
    if (!(o->stop_loss >= 0 && o->stop_loss < INFINITY))
        return hesse_fail(why, HESSE_E_JOB,
                          "the loss at which a run ends is %g, expected a finite "
                          "number, not below 0",
                          o->stop_loss);
    if (o->batch < 0 || (o->order != HESSE_ORDER_FRESH && o->batch > examples))
        return hesse_fail(
            why, HESSE_E_JOB,
            "a batch of %d examples, of a dataset of %d; expected at most "
            "the dataset",
            o->batch, examples);
    if ((int)o->order < HESSE_ORDER_SHUFFLED || o->order > HESSE_ORDER_FRESH)
        return hesse_fail(why, HESSE_E_JOB, "order %d of examples, expected 0 to %d",
                          (int)o->order, HESSE_ORDER_FRESH);
    if (o->measures.classes < 0 || o->evaluate_every < 0 || o->measures.every < 0 ||
        o->measures.noise < 0 || o->measures.sharpness < 0 ||
        o->measures.gradient_smoothness < 0)
        return hesse_fail(why, HESSE_E_JOB,
                          "a negative number of steps, batches or points");
    if (o->order == HESSE_ORDER_FRESH && (!o->data || !o->needs || o->batch < 1))
        return hesse_fail(why, HESSE_E_JOB,
                          "fresh examples need a batch size and a kind of data that is "
                          "drawn from a seed");
    return check_schedule(o, why);
}

/* True if every step takes all examples. */
static bool takes_all(const hesse_training *t)
{
    return t->options.batch == 0;
}

/* Local. Find the groups of the parameters, for measures of each. */
static hesse_status find_groups(hesse_training *t, hesse_why *why)
{
    const hesse_params *params = &t->network->params;
    const size_t count = (size_t)params->count;
    hesse_partition groups = {0};
    hesse_status s =
        hesse_partition_new(params, HESSE_CUT_GROUP, NULL, 0, &groups, why);
    if (s) return s;
    t->groups = groups.count;
    t->group = hesse_calloc(count, sizeof *t->group);
    t->group_names = hesse_calloc((size_t)groups.count, sizeof *t->group_names);
    t->group_list = hesse_calloc((size_t)groups.count, sizeof *t->group_list);
    if (!t->group || !t->group_names || !t->group_list)
        s = hesse_fail(why, HESSE_E_NOMEM, "out of memory for groups of parameters");
    for (int i = 0; !s && i < groups.n_pieces; i++)
        t->group[groups.pieces[i].param] = groups.pieces[i].block;
    for (int g = 0; !s && g < groups.count; g++) {
        memcpy(t->group_names[g], groups.blocks[g].name, sizeof *t->group_names);
        t->group_list[g] = t->group_names[g];
    }
    hesse_partition_free(&groups);
    return s;
}

/* Local. Allocate everything of a run. */
static hesse_status prepare(hesse_training *t, hesse_why *why)
{
    const hesse_train_options *o = &t->options;
    const size_t n = t->network->params.size,
                 tensors = (size_t)t->network->params.count;
    hesse_status s = hesse_optimiser_new(t->network, &o->optimiser, o->only, o->n_only,
                                         &t->optimiser, why);
    if (s) return s;
    t->parameters = hesse_alloc(n), t->gradient = hesse_alloc(n);
    t->before = hesse_alloc(n);
    t->indices = hesse_calloc((size_t)o->batch + 1, sizeof *t->indices);
    t->loss.columns = t->rate.columns = 1;
    t->gradient_norm.columns = t->update_norm.columns = tensors;
    t->evaluations.columns = 3;
    t->measures.columns = HESSE_PATH_COLUMNS;
    t->noise.columns = (size_t)o->measures.noise;
    t->class_gradient.columns = t->class_trace.columns =
        (size_t)t->dataset->all.classes;
    if (o->measures.by_group) s = find_groups(t, why);
    if (s) return s;
    t->group_gradient.columns = t->group_smoothness.columns =
        t->group_sharpness.columns = (size_t)t->groups;
    const bool stream = takes_all(t) || o->order == HESSE_ORDER_FRESH ||
                        hesse_stream_begin(&t->stream, t->dataset->all.sequences,
                                           o->order == HESSE_ORDER_SHUFFLED, o->seed);
    if (!t->parameters || !t->gradient || !t->before || !t->indices || !stream)
        return hesse_fail(why, HESSE_E_NOMEM, "out of memory to train %zu parameters",
                          n);
    memcpy(t->parameters, t->network->theta, n * sizeof *t->parameters);
    return HESSE_OK;
}

hesse_status hesse_training_new(hesse_team *team, const hesse_network *network,
                                const hesse_dataset *dataset,
                                const hesse_dataset *held_out,
                                const hesse_train_options *options,
                                hesse_training **training)
{
    if (!team) return HESSE_E_JOB;
    hesse_training *t = hesse_calloc(1, sizeof *t);
    hesse_status s = HESSE_OK;
    if (training) *training = NULL;
    if (!network || !network->theta || !dataset || !options || !training)
        s = hesse_fail(&team->why, HESSE_E_JOB,
                       "training needs a network with parameters, a dataset, options "
                       "and a place");
    else if (!t)
        s = hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory for a training run");
    if (!s) s = check_options(options, dataset->all.sequences, &team->why);
    if (!s && options->measures.examples == HESSE_PATH_ON_HELD_OUT && !held_out)
        s = hesse_fail(&team->why, HESSE_E_JOB,
                       "measures on held-out examples, and there are none");
    if (!s) {
        *t = (hesse_training){.team = team,
                              .network = network,
                              .dataset = dataset,
                              .held_out = held_out,
                              .options = *options};
        s = prepare(t, &team->why);
    }
    s = hesse_agree(team, s);
    const hesse_objective_options objective = {.memory = s ? 0 : options->memory,
                                               .trusting = true,
                                               .sharing = hesse_team_size(team)};
    if (!s)
        s = hesse_objective_new(team, network, takes_all(t) ? dataset : NULL,
                                &objective, &t->objective);
    if (!s && held_out)
        s = hesse_objective_new(team, network, held_out, &objective, &t->evaluation);
    if (s)
        hesse_training_free(t);
    else
        *training = t;
    return s;
}

void hesse_training_free(hesse_training *t)
{
    if (!t) return;
    const char *ignored;
    for (int i = 0; i < HESSE_TRAINING_TABLES; i++)
        free(hesse_training_table(t, i, &ignored)->at);
    free(t->group);
    free(t->group_names);
    free(t->group_list);
    hesse_objective_free(t->objective);
    hesse_objective_free(t->evaluation);
    hesse_objective_free(t->whole);
    hesse_objective_free(t->of_class);
    hesse_optimiser_free(t->optimiser);
    hesse_dataset_free(t->fresh);
    hesse_stream_end(&t->stream);
    hesse_stream_end(&t->mixed);
    free(t->indices);
    free(t->parameters);
    free(t->gradient);
    free(t->before);
    free(t);
}

double *hesse_rows_add(hesse_rows *r)
{
    if (r->count == r->room) {
        const size_t room = r->room ? 2 * r->room : 64;
        double *longer = hesse_alloc(room * r->columns);
        if (!longer) return NULL;
        if (r->count) memcpy(longer, r->at, r->count * r->columns * sizeof *longer);
        free(r->at);
        r->at = longer, r->room = room;
    }
    double *row = r->at + r->count++ * r->columns;
    for (size_t i = 0; i < r->columns; i++) row[i] = NAN;
    return row;
}

hesse_status hesse_training_draw(hesse_training *t, uint64_t number)
{
    hesse_data_options data = *t->options.data;
    /* Every step has a seed of its own, far from the small seeds that people give. */
    data.seed = t->options.seed + (number + 1) * 0x9e3779b97f4a7c15u;
    data.sequences = t->options.batch, data.batch = 0;
    hesse_dataset_free(t->fresh);
    t->fresh = NULL;
    return hesse_dataset_open(t->team, &data, t->options.needs, &t->fresh);
}

/* Collective. Take the examples of this step as the batch. */
static hesse_status take_batch(hesse_training *t)
{
    const int batch = t->options.batch;
    const hesse_dataset *from = t->dataset;
    hesse_status s = HESSE_OK;
    if (takes_all(t)) return HESSE_OK;
    if (t->options.order == HESSE_ORDER_FRESH) {
        s = hesse_training_draw(t, (uint64_t)t->steps);
        from = t->fresh;
        for (int i = 0; i < batch; i++) t->indices[i] = i;
    } else {
        hesse_stream_take(&t->stream, t->steps, batch, t->indices);
    }
    return s ? s : hesse_objective_set_examples(t->objective, from, batch, t->indices);
}

hesse_status hesse_training_evaluate(hesse_training *t)
{
    if (!t) return HESSE_E_JOB;
    const hesse_rows *e = &t->evaluations;
    const bool done = e->count && e->at[3 * (e->count - 1)] == (double)t->steps;
    double loss, accuracy;
    if (!t->evaluation || done) return HESSE_OK;
    hesse_status s = hesse_objective_set_parameters(t->evaluation, t->parameters);
    if (!s) s = hesse_objective_accuracy(t->evaluation, &loss, &accuracy);
    double *row = s ? NULL : hesse_rows_add(&t->evaluations);
    if (row)
        row[0] = (double)t->steps, row[1] = loss, row[2] = accuracy;
    else if (!s)
        s = hesse_fail(&t->team->why, HESSE_E_NOMEM, "out of memory for the log");
    s = hesse_agree(t->team, s);
    if (s && row) t->evaluations.count--; /* the same rows on all ranks */
    return s;
}

enum { LANES = 16 }; /* partial sums, so that the loop runs on vectors */

HESSE_SIMD static double squares(size_t count, const double *x, const double *y)
{
    double parts[LANES] = {0}, sum = 0;
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (size_t l = 0; l < LANES; l++) {
            const double d = y ? x[i + l] - y[i + l] : x[i + l];
            parts[l] += d * d;
        }
    for (; i < count; i++) {
        const double d = y ? x[i] - y[i] : x[i];
        sum += d * d;
    }
    for (size_t l = 0; l < LANES; l++) sum += parts[l];
    return sum;
}

/* The norms of all tensors of x, or of x - y. */
static void norms(const hesse_params *params, const double *x, const double *y,
                  double *norm)
{
    for (int i = 0; i < params->count; i++) {
        const hesse_param *p = &params->list[i];
        norm[i] =
            sqrt(squares(hesse_param_size(p), x + p->offset, y ? y + p->offset : NULL));
    }
}

/* Collective. Explain that a run diverged. */
static hesse_status diverged(hesse_training *t, double loss)
{
    hesse_why cause = t->team->why;
    const double rate =
        t->options.learning_rate *
        hesse_rate_factor(&t->options.schedule, t->steps, t->options.steps);
    return hesse_fail(&t->team->why, HESSE_E_NUMERIC,
                      "training diverged at step %lld with learning rate %g: the loss "
                      "was %g at the step before (%.400s)",
                      (long long)t->steps, rate, loss, cause.text);
}

/* Local. Record what is known before the step. */
static bool record(hesse_training *t, double loss, double rate)
{
    double *l = hesse_rows_add(&t->loss), *r = hesse_rows_add(&t->rate),
           *g = hesse_rows_add(&t->gradient_norm), *u = hesse_rows_add(&t->update_norm);
    if (!l || !r || !g || !u) return false;
    *l = loss, *r = rate;
    norms(&t->network->params, t->gradient, NULL, g);
    return true;
}

/* Local. Note how many rows each table of measures has. Forget the records of a step
   that failed, so that all ranks have those of the steps that were taken, and as many
   measures as before. */
static void note(hesse_training *t, size_t counts[HESSE_TRAINING_TABLES])
{
    const char *ignored;
    for (int i = 0; i < HESSE_TRAINING_TABLES; i++)
        counts[i] = hesse_training_table(t, i, &ignored)->count;
}

static void forget(hesse_training *t, const size_t counts[HESSE_TRAINING_TABLES])
{
    const char *ignored;
    for (int i = 0; i < HESSE_TRAINING_BY_STEP; i++)
        hesse_training_table(t, i, &ignored)->count = (size_t)t->steps;
    for (int i = HESSE_TRAINING_MEASURES; i < HESSE_TRAINING_TABLES; i++)
        hesse_training_table(t, i, &ignored)->count = counts[i];
}

static double last_loss(const hesse_training *t)
{
    return t->loss.count ? t->loss.at[t->loss.count - 1] : NAN;
}

/* The squared norm of the gradient of the trained parameters. */
static double slope(const hesse_training *t)
{
    const hesse_params *params = &t->network->params;
    double sum = 0;
    for (int i = 0; i < params->count; i++)
        if (hesse_optimiser_trains(t->optimiser, i))
            sum += squares(hesse_param_size(&params->list[i]),
                           t->gradient + params->list[i].offset, NULL);
    return sum;
}

static const double least_rate = 1e-300; /* of backtracking: the loss cannot fall */

/* Collective. Step back to the parameters before the step, and take it with half of the
   rate, until the loss falls enough. *rate becomes the rate of the step. A trial whose
   loss is not finite is too long. If rounding hides every fall of the loss, the
   parameters stay. */
static hesse_status backtrack(hesse_training *t, double loss, double *rate)
{
    const size_t n = t->network->params.size;
    const double fall = slope(t) / 2;
    for (;;) {
        double after = INFINITY;
        hesse_status s = hesse_objective_set_parameters(t->objective, t->parameters);
        if (!s) s = hesse_objective_loss(t->objective, &after);
        if (s && s != HESSE_E_NUMERIC) return s;
        if (!s && after <= loss - *rate * fall) return HESSE_OK;
        const double half = *rate / 2;
        for (size_t i = 0; i < n; i++)
            t->parameters[i] = t->before[i] + (t->parameters[i] - t->before[i]) / 2;
        *rate = half;
        if (half < least_rate ||
            memcmp(t->parameters, t->before, n * sizeof(double)) == 0)
            return HESSE_OK;
    }
}

bool hesse_training_ended(const hesse_training *t)
{
    return t->steps >= t->options.steps || last_loss(t) <= t->options.stop_loss;
}

hesse_status hesse_training_step(hesse_training *t)
{
    if (!t) return HESSE_E_JOB;
    const hesse_train_options *o = &t->options;
    const size_t n = t->network->params.size;
    size_t counts[HESSE_TRAINING_TABLES];
    hesse_team *team = t->team;
    double loss = 0, *row = NULL;
    hesse_status s = HESSE_OK;
    note(t, counts);
    if (t->steps >= o->steps)
        s = hesse_fail(&team->why, HESSE_E_JOB, "all %lld steps were taken",
                       (long long)o->steps);
    s = hesse_agree(team, s);
    const bool evaluates =
        t->steps == 0 || (o->evaluate_every && t->steps % o->evaluate_every == 0);
    if (!s && evaluates) s = hesse_training_evaluate(t);
    if (!s) s = take_batch(t);
    if (!s) s = hesse_objective_set_parameters(t->objective, t->parameters);
    if (!s) s = hesse_objective_gradient(t->objective, &loss, t->gradient);
    if (s == HESSE_E_NUMERIC) s = diverged(t, last_loss(t));
    if (s) return s;
    const bool again = o->backtracking && t->rate.count;
    double rate =
        again ? 2 * t->rate.at[t->rate.count - 1]
              : o->learning_rate * hesse_rate_factor(&o->schedule, t->steps, o->steps);
    bool there = record(t, loss, rate);
    if (o->measures.every && t->steps % o->measures.every == 0)
        there = there && (row = hesse_rows_add(&t->measures));
    if (!there) s = hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory for the log");
    s = hesse_agree(team, s);
    if (!s && row) s = hesse_path_before(t, t->gradient, row);
    if (s) {
        forget(t, counts);
        return s;
    }
    memcpy(t->before, t->parameters, n * sizeof *t->before);
    hesse_optimiser_step(t->optimiser, rate, t->gradient, t->parameters);
    if (o->backtracking) s = backtrack(t, loss, &rate);
    if (!s && o->backtracking && row) /* measures are about the values before it */
        s = hesse_objective_set_parameters(t->objective, t->before);
    if (s) {
        forget(t, counts);
        memcpy(t->parameters, t->before, n * sizeof *t->before);
        return s;
    }
    t->rate.at[t->rate.count - 1] = rate;
    norms(&t->network->params, t->parameters, t->before,
          t->update_norm.at + (t->update_norm.count - 1) * t->update_norm.columns);
    t->steps++;
    if (row) s = hesse_path_after(t, row);
    if (s) forget(t, counts);
    return s;
}

int64_t hesse_training_steps(const hesse_training *t)
{
    return t->steps;
}

const double *hesse_training_parameters(const hesse_training *t)
{
    return t->parameters;
}

hesse_optimiser *hesse_training_optimiser(hesse_training *t)
{
    return t->optimiser;
}

hesse_train_log hesse_training_log(const hesse_training *t)
{
    return (hesse_train_log){.tensors = t->network->params.count,
                             .rows = (int64_t)t->loss.count,
                             .loss = t->loss.at,
                             .learning_rate = t->rate.at,
                             .gradient_norm = t->gradient_norm.at,
                             .update_norm = t->update_norm.at,
                             .evaluations = (int64_t)t->evaluations.count,
                             .evaluate = t->evaluations.at,
                             .measured = (int64_t)t->measures.count,
                             .columns = HESSE_PATH_COLUMNS,
                             .measures = t->measures.at,
                             .batches = t->options.measures.noise,
                             .noise = t->noise.count ? t->noise.at : NULL,
                             .classes = t->dataset->all.classes,
                             .class_gradient = t->class_gradient.at,
                             .class_trace = t->class_trace.at,
                             .groups = t->groups,
                             .group_names = t->group_list,
                             .group_gradient = t->group_gradient.at,
                             .group_smoothness = t->group_smoothness.at,
                             .group_sharpness = t->group_sharpness.at};
}

hesse_status hesse_optimiser_write(hesse_team *team, const hesse_network *network,
                                   hesse_optimiser *o, const char *path)
{
    if (!team) return HESSE_E_JOB;
    hesse_status s = HESSE_OK;
    const size_t count = network ? (size_t)network->params.count : 0;
    char suffix[HESSE_MOST_VECTORS][40];
    hesse_tensors lists[HESSE_MOST_VECTORS] = {{0}};
    bool *without = hesse_calloc(HESSE_MOST_VECTORS * count + 1, sizeof *without);
    if (!network || !o || !path)
        s = hesse_fail(&team->why, HESSE_E_JOB,
                       "an optimiser's state needs a network, an optimiser and a path");
    else if (!without)
        s = hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory for a state");
    for (int v = 0; !s && v < o->vectors; v++) {
        snprintf(suffix[v], sizeof suffix[v], ".%s", o->names[v]);
        lists[v] = (hesse_tensors){&network->params, o->vector[v], suffix[v],
                                   without + (size_t)v * count};
        for (size_t i = 0; i < count; i++)
            without[(size_t)v * count + i] = !hesse_optimiser_uses(o, v, (int)i);
    }
    const double steps = o ? (double)o->steps : 0;
    if (!s && team->rank == 0)
        s = hesse_weights_write(path, &network->arch, lists, o->vectors, &steps, 8,
                                &team->why);
    free(without);
    return hesse_agree(team, s);
}
