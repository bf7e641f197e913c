/* Every rank has all examples and the tape of all. It computes its share of the
   examples, and one reduction adds the shares up. Values and adjoints of other examples
   are computed when a sweep needs them. */
#include "objective/objective.h"

#include "base/memory.h"
#include "base/units.h"
#include "network/families/families.h"
#include "objective/product.h"
#include "parallel/available.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The share of the memory that activations may take: vectors and matrices need the
   rest. */
static const double SHARE = 0.5;

hesse_example_range hesse_objective_share(const hesse_objective *x, int rank)
{
    const long all = x->tape->sequences, ranks = x->team->size;
    if (x->tape->coupled) return (hesse_example_range){0, (int)all};
    return (hesse_example_range){(int)(all * rank / ranks),
                                 (int)(all * (rank + 1) / ranks)};
}

int hesse_objective_largest_share(const hesse_objective *x)
{
    const int ranks = x->options.sharing > 1 ? x->options.sharing : 1;
    return (x->tape->sequences + ranks - 1) / ranks;
}

/* Local. Hold the values of a rank's share of the sequences, or of the largest number
   for which the memory has room. The adjoints of parameters take the same memory for
   any number of sequences. */
static void hold(const hesse_objective *x, double room)
{
    hesse_tape *tape = x->tape;
    const size_t parameters = x->network->params.size;
    const double every = (double)hesse_tape_bytes(tape);
    const double fixed = (double)parameters * (double)sizeof(double);
    const double each = (every - fixed) / tape->sequences;
    hesse_tape_hold(tape, hesse_objective_largest_share(x));
    if ((double)hesse_tape_bytes(tape) <= SHARE * room) return;
    const double some = floor((SHARE * room - fixed) / each);
    hesse_tape_hold(tape, some < 1 ? 1 : (int)fmin(some, tape->sequences));
}

static hesse_status weighting_of(const hesse_objective *x, hesse_weighting *w,
                                 hesse_why *why)
{
    const hesse_objective_options *o = &x->options;
    *w = (hesse_weighting){.scale = o->reduction == HESSE_MEAN};
    if (o->reduction != HESSE_SUM_OF_BATCHES) return HESSE_OK;
    w->batch = o->batch ? o->batch : 1;
    if (x->network->arch.image.batch_norm == HESSE_BATCH_NORM_TRAINING)
        return hesse_fail(
            why, HESSE_E_JOB,
            "micro-batches have statistics of their own, and batch "
            "normalisation in training mode uses those of the whole batch; "
            "batch normalisation in evaluation mode works, as in the "
            "published procedure");
    if (x->batch.sequences % w->batch == 0) return HESSE_OK;
    return hesse_fail(why, HESSE_E_JOB,
                      "micro-batches of %d examples do not divide a batch of %d",
                      w->batch, x->batch.sequences);
}

hesse_weighting hesse_objective_weighting(const hesse_objective *x)
{
    hesse_weighting w;
    hesse_why unused; /* a tape has been made with them */
    weighting_of(x, &w, &unused);
    return w;
}

static bool same_sizes(const hesse_arch *a, const hesse_arch *b)
{
    return a->vocabulary == b->vocabulary && a->positions == b->positions &&
           a->data.inputs == b->data.inputs && a->data.rows == b->data.rows &&
           a->data.cols == b->data.cols && a->data.outputs == b->data.outputs;
}

static void drop_tape(hesse_objective *x)
{
    hesse_workload_free(x->workload);
    hesse_tape_free(x->tape);
    x->workload = NULL, x->tape = NULL;
}

/* Local. Make the tape and the workload. */
static hesse_status build(hesse_objective *x, size_t available, hesse_why *why)
{
    const hesse_network *n = x->network;
    const size_t stated = x->options.memory;
    hesse_weighting weighting;
    hesse_arch arch = n->arch;
    hesse_tape *tape = NULL;
    hesse_status s = hesse_family_fit(&arch, &x->batch, why);
    if (!s && !same_sizes(&arch, &n->arch))
        s = hesse_fail(why, HESSE_E_JOB,
                       "the examples have other sizes than those that the network was "
                       "opened for");
    if (!s) s = weighting_of(x, &weighting, why);
    if (!s)
        s = hesse_family_build_tape(&n->arch, &x->batch, n->constants, &weighting,
                                    &tape, why);
    x->tape = tape;
    if (s) return s;
    x->workload = hesse_workload_new(x->tape, 1, true);
    if (!x->workload)
        return hesse_fail(why, HESSE_E_NOMEM, "out of memory for an objective");
    hold(x, (double)(stated && stated < available ? stated : available));
    if (!x->theta) return HESSE_OK;
    const size_t need = hesse_tape_bytes(x->tape);
    if (need > available || !hesse_tape_freeze(x->tape))
        return hesse_fail(why, HESSE_E_NOMEM,
                          "the activations of %d sequence%s of %d tokens need %s on "
                          "every rank, of %s free; take fewer or shorter ones",
                          x->tape->window, x->tape->window > 1 ? "s" : "",
                          x->batch.context, HESSE_BYTES((double)need),
                          HESSE_BYTES((double)available));
    hesse_tape_set_parameters(x->tape, x->theta);
    return HESSE_OK;
}

hesse_status hesse_objective_set_batch(hesse_objective *x, const hesse_dataset *dataset,
                                       int first, int count)
{
    if (!x) return HESSE_E_JOB;
    hesse_team *team = x->team;
    const int all = dataset ? dataset->all.sequences : 0;
    hesse_status s = HESSE_OK;
    drop_tape(x);
    hesse_batch_free(&x->chosen); /* a tape of chosen examples is no more */
    if (first < 0 || count < 1 || first > all - count)
        s = hesse_fail(&team->why, HESSE_E_JOB,
                       "a batch of %d examples from %d on, of a dataset of %d", count,
                       first, all);
    const size_t available = hesse_team_available(team);
    if (!s) {
        x->batch = hesse_batch_slice(&dataset->all, first, count);
        s = build(x, available, &team->why);
    }
    s = hesse_agree(team, s);
    if (s) {
        drop_tape(x);
        x->batch = (hesse_batch){0};
    }
    return s;
}

/* Local. True if the batch is a copy that other examples of the dataset fit into. */
static bool fits_chosen(const hesse_objective *x, const hesse_batch *all, int count)
{
    hesse_batch now = x->chosen, next = *all;
    hesse_batch_array a[HESSE_BATCH_ARRAYS], b[HESSE_BATCH_ARRAYS];
    if (!x->tape || now.sequences != count || x->batch.sequences != count) return false;
    hesse_batch_arrays(&now, a);
    hesse_batch_arrays(&next, b);
    for (int i = 0; i < HESSE_BATCH_ARRAYS; i++)
        if (!*a[i].at != !*b[i].at || a[i].each != b[i].each) return false;
    return all->vocabulary == now.vocabulary && all->classes == now.classes;
}

/* Local. Take chosen examples as the batch. */
static hesse_status choose(hesse_objective *x, const hesse_batch *all, int count,
                           const int *indices, size_t available, hesse_why *why)
{
    hesse_weighting weighting;
    hesse_status s = HESSE_OK;
    if (fits_chosen(x, all, count)) {
        hesse_batch_refill(all, indices, &x->chosen);
        s = weighting_of(x, &weighting, why);
        return s ? s : hesse_graph_renew(x->tape, &x->batch, &weighting, why);
    }
    drop_tape(x);
    hesse_batch_free(&x->chosen);
    s = hesse_batch_pick(all, count, indices, &x->chosen, why);
    x->batch = x->chosen;
    return s ? s : build(x, available, why);
}

hesse_status hesse_objective_set_examples(hesse_objective *x,
                                          const hesse_dataset *dataset, int count,
                                          const int *indices)
{
    if (!x) return HESSE_E_JOB;
    hesse_team *team = x->team;
    const int all = dataset ? dataset->all.sequences : 0;
    hesse_status s = HESSE_OK;
    if (count < 1 || !indices)
        s = hesse_fail(&team->why, HESSE_E_JOB, "a batch of %d chosen examples", count);
    for (int i = 0; !s && i < count; i++)
        if (indices[i] < 0 || indices[i] >= all)
            s = hesse_fail(&team->why, HESSE_E_JOB,
                           "example %d of a dataset of %d was chosen for a batch",
                           indices[i], all);
    const bool same = !s && fits_chosen(x, &dataset->all, count);
    const size_t available = same ? 0 : hesse_team_available(team);
    if (!s) s = choose(x, &dataset->all, count, indices, available, &team->why);
    s = hesse_agree(team, s);
    if (s) {
        drop_tape(x);
        x->batch = (hesse_batch){0};
    }
    return s;
}

static hesse_status check_options(const hesse_objective_options *o, hesse_why *why)
{
    if ((int)o->reduction < HESSE_MEAN || o->reduction > HESSE_SUM_OF_BATCHES)
        return hesse_fail(why, HESSE_E_JOB, "reduction %d of a loss",
                          (int)o->reduction);
    if (o->batch < 0)
        return hesse_fail(why, HESSE_E_JOB, "micro-batches of %d examples", o->batch);
    if (o->sharing < 0)
        return hesse_fail(why, HESSE_E_JOB, "examples shared by %d ranks", o->sharing);
    return HESSE_OK;
}

hesse_status hesse_objective_new(hesse_team *team, const hesse_network *network,
                                 const hesse_dataset *dataset,
                                 const hesse_objective_options *options,
                                 hesse_objective **objective)
{
    if (!team) return HESSE_E_JOB;
    hesse_objective *x = hesse_calloc(1, sizeof *x);
    hesse_status s = HESSE_OK;
    if (objective) *objective = NULL;
    if (!network || !options || !objective)
        s = hesse_fail(&team->why, HESSE_E_JOB,
                       "an objective needs a network, options and a place");
    if (!s) s = check_options(options, &team->why);
    if (!s && !x)
        s = hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory for an objective");
    s = hesse_agree(team, s);
    if (!s)
        *x = (hesse_objective){.team = team,
                               .network = network,
                               .options = *options,
                               .theta = network->theta};
    if (!s && dataset)
        s = hesse_objective_set_batch(x, dataset, 0, dataset->all.sequences);
    if (s)
        hesse_objective_free(x);
    else
        *objective = x;
    return s;
}

void hesse_objective_free(hesse_objective *x)
{
    if (!x) return;
    drop_tape(x);
    hesse_batch_free(&x->chosen);
    free(x->own);
    free(x);
}

hesse_status hesse_objective_set_parameters(hesse_objective *x, const double *values)
{
    if (!x) return HESSE_E_JOB;
    hesse_team *team = x->team;
    const size_t n = x->network->params.size;
    hesse_status s = HESSE_OK;
    if (!values || !x->theta)
        s = hesse_fail(&team->why, HESSE_E_JOB, "%s",
                       values ? "an outline has no parameters"
                              : "the values of the parameters are missing");
    else if (!x->own && !(x->own = hesse_alloc(n)))
        s = hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory for %zu parameters",
                       n);
    s = hesse_agree(team, s);
    if (s) return s;
    memmove(x->own, values, n * sizeof *values);
    x->theta = x->own;
    if (x->tape) hesse_tape_set_parameters(x->tape, x->theta);
    return HESSE_OK;
}

void hesse_objective_refresh(hesse_objective *x)
{
    x->theta = x->network->theta;
    if (x->tape && x->theta) hesse_tape_set_parameters(x->tape, x->theta);
}

const double *hesse_objective_parameters(const hesse_objective *x)
{
    return x->theta;
}

/* Local. Check that the objective can be evaluated, and that vectors and places are
   given. */
static hesse_status check_ready(const hesse_objective *x, bool given, hesse_why *why)
{
    if (!given)
        return hesse_fail(why, HESSE_E_JOB,
                          "a vector, or the place of a result, is missing");
    if (x->tape && x->theta) return HESSE_OK;
    return hesse_fail(why, HESSE_E_JOB, "an objective without %s cannot be evaluated",
                      x->tape ? "parameters" : "a batch");
}

/* Local. Check the results of this rank. A fault is searched among its own examples. */
static hesse_status check_own(const hesse_objective *x, double loss, bool gradient,
                              hesse_why *why)
{
    char where[128];
    hesse_fault fault = {.node = -1};
    if (!isfinite(loss) || gradient) fault = hesse_tape_fault(x->tape);
    if (fault.node >= 0)
        return hesse_fail(why, HESSE_E_NUMERIC,
                          "the model is not finite: %s, gives the first %s that is "
                          "not; the loss is %g",
                          hesse_fault_text(x->tape, &fault, where, sizeof where),
                          fault.what, loss);
    if (isfinite(loss)) return HESSE_OK;
    return hesse_fail(why, HESSE_E_NUMERIC, "the loss is %g", loss);
}

/* Local. True if this rank's part of the gradient is finite. */
static bool has_finite_gradient(const hesse_objective *x)
{
    const hesse_tape *t = x->tape;
    bool finite = true;
    for (const hesse_value *v = t->values; finite && v < t->values + t->n_values; v++)
        if (v->param >= 0) finite = hesse_first_fault(v->b, v->count) == v->count;
    return finite;
}

/* Local. Check that all elements of the gradient are finite. */
static hesse_status check_gradient(const hesse_objective *x, const double *gradient,
                                   hesse_why *why)
{
    const hesse_params *params = &x->network->params;
    for (const hesse_param *p = params->list; p < params->list + params->count; p++) {
        const size_t size = hesse_param_size(p);
        const size_t i = hesse_first_fault(gradient + p->offset, size);
        if (i < size)
            return hesse_fail(why, HESSE_E_NUMERIC,
                              "element %zu of the gradient of '%s' is not finite", i,
                              p->name);
    }
    return HESSE_OK;
}

/* Collective. Sum over the ranks, unless every rank has the whole sum. */
static void add_up(const hesse_objective *x, double *values, size_t count)
{
    if (!x->tape->coupled) hesse_team_sum(x->team, values, count);
}

hesse_status hesse_objective_loss(hesse_objective *x, double *loss)
{
    if (!x) return HESSE_E_JOB;
    hesse_team *team = x->team;
    hesse_status s = hesse_agree(team, check_ready(x, loss, &team->why));
    if (s) return s;
    const hesse_example_range own = hesse_objective_share(x, team->rank);
    *loss = hesse_tape_loss(x->tape, own.first, own.end - own.first);
    s = hesse_agree(team, check_own(x, *loss, false, &team->why));
    if (!s) add_up(x, loss, 1);
    if (!s) x->loss = *loss;
    return s;
}

/* Local. Count the targets of some examples whose values are held, and those whose
   class has the largest output. */
static void count_hits(const hesse_tape *t, int first, int count, double hits[2])
{
    const hesse_node *n = &t->nodes[t->n_nodes - 1];
    const hesse_frame f = hesse_tape_frame(t, n, first * n->d.t, count * n->d.t);
    for (size_t i = 0; i < (size_t)f.d.n; i++) {
        const double *out = f.x[0] + i * (size_t)f.d.c;
        int best = 0;
        if (f.id[i] < 0) continue;
        for (int j = 1; j < f.d.c; j++)
            if (out[j] > out[best]) best = j;
        hits[0]++, hits[1] += best == f.id[i];
    }
}

hesse_status hesse_objective_accuracy(hesse_objective *x, double *loss,
                                      double *accuracy)
{
    if (!x) return HESSE_E_JOB;
    hesse_team *team = x->team;
    double sums[3] = {0};
    hesse_status s = hesse_agree(team, check_ready(x, loss && accuracy, &team->why));
    if (s) return s;
    hesse_tape *t = x->tape;
    const bool classes = t->nodes[t->n_nodes - 1].op == &hesse_op_cross_entropy;
    const hesse_example_range own = hesse_objective_share(x, team->rank);
    for (int at = own.first; at < own.end; at += t->window) {
        const int some = own.end - at < t->window ? own.end - at : t->window;
        sums[0] += hesse_tape_loss(t, at, some);
        if (classes) count_hits(t, at, some, sums + 1);
    }
    s = hesse_agree(team, check_own(x, sums[0], false, &team->why));
    if (s) return s;
    add_up(x, sums, 3);
    *loss = x->loss = sums[0];
    *accuracy = classes ? sums[2] / sums[1] : NAN;
    return HESSE_OK;
}

/* The numbers that the loss reads of one example. */
static size_t outputs_of_example(const hesse_tape *t)
{
    const hesse_dims *d = &t->nodes[t->n_nodes - 1].d;
    return (size_t)d->t * (size_t)d->c;
}

size_t hesse_objective_output_count(const hesse_objective *x)
{
    return x->tape ? (size_t)x->tape->sequences * outputs_of_example(x->tape) : 0;
}

hesse_status hesse_objective_outputs(hesse_objective *x, double *outputs)
{
    if (!x) return HESSE_E_JOB;
    hesse_team *team = x->team;
    hesse_status s = hesse_agree(team, check_ready(x, outputs, &team->why));
    if (s) return s;
    hesse_tape *t = x->tape;
    const hesse_node *n = &t->nodes[t->n_nodes - 1];
    const size_t each = outputs_of_example(t);
    const hesse_example_range own = hesse_objective_share(x, team->rank);
    double sum = 0;
    memset(outputs, 0, hesse_objective_output_count(x) * sizeof *outputs);
    for (int at = own.first; at < own.end; at += t->window) {
        const int some = own.end - at < t->window ? own.end - at : t->window;
        sum += hesse_tape_loss(t, at, some);
        const hesse_frame f = hesse_tape_frame(t, n, at * n->d.t, some * n->d.t);
        memcpy(outputs + (size_t)at * each, f.x[0],
               (size_t)some * each * sizeof *outputs);
    }
    s = hesse_agree(team, check_own(x, sum, false, &team->why));
    if (!s) add_up(x, outputs, hesse_objective_output_count(x));
    return s;
}

hesse_status hesse_objective_gradient(hesse_objective *x, double *loss,
                                      double *gradient)
{
    if (!x) return HESSE_E_JOB;
    hesse_team *team = x->team;
    hesse_status s = hesse_agree(team, check_ready(x, true, &team->why));
    if (s) return s;
    const hesse_example_range own = hesse_objective_share(x, team->rank);
    const double part =
        hesse_tape_gradient(x->tape, own.first, own.end - own.first, gradient);
    const bool search =
        !x->options.trusting || !isfinite(part) || !has_finite_gradient(x);
    s = hesse_agree(team, search ? check_own(x, part, true, &team->why) : HESSE_OK);
    if (s) return s;
    x->loss = part;
    add_up(x, &x->loss, 1);
    if (loss) *loss = x->loss;
    if (!gradient) return HESSE_OK;
    add_up(x, gradient, x->network->params.size);
    return hesse_agree(team, check_gradient(x, gradient, &team->why));
}

hesse_status hesse_objective_example_gradients(hesse_objective *x, int first, int count,
                                               double *gradients)
{
    if (!x) return HESSE_E_JOB;
    hesse_team *team = x->team;
    const size_t n = x->network->params.size;
    hesse_status s = check_ready(x, gradients, &team->why);
    if (!s && (first < 0 || count < 1 || first > x->tape->sequences - count))
        s = hesse_fail(&team->why, HESSE_E_JOB,
                       "gradients of %d examples from %d on, of a batch of %d", count,
                       first, x->tape->sequences);
    if (!s && x->tape->coupled)
        s = hesse_fail(
            &team->why, HESSE_E_JOB,
            "batch normalisation in training mode couples the examples: they "
            "have no gradients of their own");
    s = hesse_agree(team, s);
    if (s) return s;
    memset(gradients, 0, (size_t)count * n * sizeof *gradients);
    for (int i = team->rank; !s && i < count; i += team->size) {
        double *own = gradients + (size_t)i * n;
        const double loss = hesse_tape_gradient(x->tape, first + i, 1, own);
        s = check_own(x, loss, true, &team->why);
        if (!s) s = check_gradient(x, own, &team->why);
    }
    s = hesse_agree(team, s);
    if (!s) hesse_team_sum(team, gradients, (size_t)count * n);
    return s;
}

void hesse_objective_prepare(const hesse_objective *x, int first, int count)
{
    if (count && hesse_tape_is_whole(x->tape)) hesse_tape_seek(x->tape, first, count);
}

hesse_status hesse_objective_product(hesse_objective *x, hesse_kinds share, int k,
                                     const double *v, double *hv)
{
    if (!x) return HESSE_E_JOB;
    hesse_team *team = x->team;
    const hesse_params *params = &x->network->params;
    hesse_product *product = NULL;
    hesse_piece *all = hesse_pieces_of_all(params);
    hesse_status s = check_ready(x, v && hv, &team->why);
    if (!s && (!share || (share & ~HESSE_ALL) || k < 1))
        s = hesse_fail(&team->why, HESSE_E_JOB,
                       "a product of %d vectors with share %#x, expected at least one "
                       "vector and kinds of operators",
                       k, (unsigned)share);
    if (!s && !all)
        s = hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory for %d vectors", k);
    s = hesse_agree(team, s);
    const hesse_bundle bundle = {all, params->count, k};
    if (!s) s = hesse_product_new(x, &bundle, 1, &product);
    if (!s) hesse_product_run(product, share, v, hv);
    hesse_product_free(product);
    free(all);
    return s;
}

int hesse_objective_examples(const hesse_objective *x)
{
    return x->batch.sequences;
}

int hesse_objective_tokens(const hesse_objective *x)
{
    return x->batch.context;
}

int hesse_objective_window(const hesse_objective *x)
{
    return x->tape ? x->tape->window : 0;
}

hesse_kinds hesse_objective_kinds(const hesse_objective *x)
{
    unsigned kinds = 0;
    for (int i = 0; x->tape && i < x->tape->n_nodes; i++)
        kinds |= x->tape->nodes[i].op->kind;
    return (hesse_kinds)kinds;
}

double hesse_objective_last_loss(const hesse_objective *x)
{
    return x->loss;
}

hesse_status hesse_dataset_add_outputs(hesse_team *team,
                                       const hesse_network_source *source,
                                       hesse_dataset *dataset)
{
    if (!team || !source || !dataset) return HESSE_E_JOB;
    if (!dataset->all.near_outputs || source->outline) return HESSE_OK;
    const hesse_objective_options options = {.reduction = HESSE_MEAN};
    hesse_network_source first = *source;
    hesse_network *network = NULL;
    hesse_objective *x = NULL;
    first.checkpoint = NULL;
    hesse_status s = hesse_network_open(team, &first, dataset, &network);
    if (!s) s = hesse_objective_new(team, network, dataset, &options, &x);
    const size_t count = x ? hesse_objective_output_count(x) : 0;
    double *outputs = s ? NULL : hesse_alloc(count);
    if (!s && !outputs)
        s = hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory for the outputs");
    s = hesse_agree(team, s);
    if (!s) s = hesse_objective_outputs(x, outputs);
    for (size_t i = 0; !s && i < count; i++) dataset->all.wanted[i] += outputs[i];
    if (!s) dataset->all.near_outputs = false;
    free(outputs);
    hesse_objective_free(x);
    hesse_network_free(network);
    return s;
}

hesse_status hesse_problem_open(hesse_team *team, const hesse_network_source *source,
                                const hesse_data_options *data,
                                const hesse_objective_options *options,
                                hesse_problem *problem)
{
    hesse_problem p = {NULL, NULL, NULL};
    hesse_data_needs needs;
    if (!team) return HESSE_E_JOB;
    hesse_status s = HESSE_OK;
    if (!problem) s = hesse_fail(&team->why, HESSE_E_JOB, "a problem needs a place");
    s = hesse_agree(team, s);
    if (!s) s = hesse_network_needs(team, source, &needs);
    if (!s) s = hesse_dataset_open(team, data, &needs, &p.dataset);
    if (!s) s = hesse_network_open(team, source, p.dataset, &p.network);
    if (!s) s = hesse_dataset_add_outputs(team, source, p.dataset);
    if (!s) s = hesse_objective_new(team, p.network, p.dataset, options, &p.objective);
    if (s) hesse_problem_free(&p);
    if (problem) *problem = p;
    return s;
}

void hesse_problem_free(hesse_problem *p)
{
    if (!p) return;
    hesse_objective_free(p->objective);
    hesse_network_free(p->network);
    hesse_dataset_free(p->dataset);
    *p = (hesse_problem){NULL, NULL, NULL};
}
