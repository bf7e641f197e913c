/* Lists grow while a model is unrolled; then one allocation serves everything that a
   run writes. A gradient is the adjoint sweep with k = 1; its cotangents are the
   adjoints. */
#include "network/tape.h"

#include "base/memory.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

hesse_tape *hesse_tape_new(int sequences, int context)
{
    hesse_tape *t = hesse_calloc(1, sizeof *t);
    const size_t tokens = (size_t)sequences * (size_t)context;
    if (!t) return NULL;
    t->sequences = t->window = sequences, t->context = context;
    t->position = hesse_calloc(tokens, sizeof *t->position);
    t->zero = hesse_calloc(tokens, sizeof *t->zero);
    if (!t->position || !t->zero) {
        hesse_tape_free(t);
        return NULL;
    }
    for (size_t i = 0; i < tokens; i++) t->position[i] = (int)(i % (size_t)context);
    return t;
}

void hesse_tape_free(hesse_tape *t)
{
    if (!t) return;
    free(t->state);
    free(t->table);
    free(t->weights);
    free(t->position);
    free(t->zero);
    free(t->nodes);
    free(t->values);
    free(t->value_of);
    free(t->readers);
    free(t->shapes);
    free(t);
}

/* Make room for one more element at the end of a list; false when memory is
   exhausted. */
static bool grow(void **list, size_t size, int count, int *room)
{
    if (count < *room) return true;
    const int more = *room ? 2 * *room : 64;
    void *longer = hesse_calloc((size_t)more, size);
    if (!longer) return false;
    if (*list) memcpy(longer, *list, (size_t)count * size);
    free(*list);
    *list = longer, *room = more;
    return true;
}

/* After memory ran out the lists do not grow any more, and hesse_tape_freeze fails. */
static bool add_to(hesse_tape *t, void *list, size_t size, int count, int *room,
                   const void *what)
{
    void *grown;
    memcpy(&grown, list, sizeof grown);
    t->broken = t->broken || !grow(&grown, size, count, room);
    if (t->broken) return false;
    memcpy(list, &grown, sizeof grown);
    memcpy((char *)grown + (size_t)count * size, what, size);
    return true;
}

static void count_shape(hesse_tape *t, const hesse_value *v)
{
    int i = 0;
    while (i < t->n_shapes &&
           (t->shapes[i].tokens != v->tokens || t->shapes[i].width != v->width))
        i++;
    if (i == t->n_shapes) {
        const hesse_shape fresh = {v->tokens, v->width, 0};
        if (!add_to(t, &t->shapes, sizeof fresh, i, &t->room_shapes, &fresh)) return;
        t->n_shapes++;
    }
    t->shapes[i].values++;
}

/* Append a value; it gets an index even after memory ran out. */
static int append(hesse_tape *t, hesse_value v)
{
    v.last = -1;
    add_to(t, &t->values, sizeof v, t->n_values, &t->room_values, &v);
    if (v.param < 0) count_shape(t, &v);
    return t->n_values++;
}

/* Return the number of entries in an activation, over the whole batch. */
static size_t numbers(const hesse_tape *t, int tokens, int width)
{
    return (size_t)t->sequences * (size_t)tokens * (size_t)width;
}

int hesse_tape_param(hesse_tape *t, int rows, int cols)
{
    const hesse_param_reader none = {-1, 0};
    const size_t offset = t->in_params, count = (size_t)rows * (size_t)cols;
    const int p = t->n_params;
    add_to(t, &t->value_of, sizeof t->n_values, p, &t->room_params, &t->n_values);
    add_to(t, &t->readers, sizeof none, p, &t->room_readers, &none);
    t->n_params++;
    t->in_params += count;
    if (rows == 1) t->in_vectors += count;
    return append(t, (hesse_value){.param = p,
                                   .rect = {0, rows, 0, cols},
                                   .offset = offset,
                                   .count = count});
}

int hesse_tape_input(hesse_tape *t, int tokens, int width, const double *x)
{
    return append(t, (hesse_value){.param = -1,
                                   .tokens = tokens,
                                   .width = width,
                                   .count = numbers(t, tokens, width),
                                   .given = x});
}

int hesse_tape_constant(hesse_tape *t, int rows, int cols, const double *x)
{
    return append(t, (hesse_value){.param = -1,
                                   .rect = {0, rows, 0, cols},
                                   .count = (size_t)rows * (size_t)cols,
                                   .given = x});
}

/* Return the number of tokens of a sequence that a node reads. */
static int tokens_read(const hesse_tape *t, const hesse_op *op, const hesse_dims *d,
                       const int *in)
{
    if (t->broken || !op->activations) return d->t ? d->t : t->context;
    const int tokens = t->values[in[0]].tokens;
    for (int i = 1; i < op->activations; i++) assert(t->values[in[i]].tokens == tokens);
    return tokens;
}

int hesse_tape_add(hesse_tape *t, const hesse_op *op, hesse_dims d, const int *in,
                   const int *id, const int *from)
{
    const int inputs = op->activations + op->parameters;
    d.t = tokens_read(t, op, &d, in), d.n = t->sequences * d.t;
    hesse_node n = {.op = op, .d = d, .id = id, .from = from, .out = t->n_values};
    memcpy(n.in, in, sizeof *in * (size_t)(inputs + op->constants));
    t->coupled |= op->batch;
    for (int i = 0; !t->broken && i < op->activations; i++)
        t->values[in[i]].last = t->n_nodes;
    add_to(t, &t->nodes, sizeof n, t->n_nodes, &t->room_nodes, &n);
    for (int i = op->activations; !t->broken && i < inputs; i++) {
        const hesse_value *v = &t->values[in[i]];
        if (v->param >= 0)
            t->readers[v->param] =
                (hesse_param_reader){t->n_nodes, t->readers[v->param].uses + 1};
    }
    t->n_nodes++;
    if (op->loss) return append(t, (hesse_value){.param = -1, .count = 1});
    const int tokens = hesse_op_tokens(op, &d), width = op->width(&d, inputs);
    return append(t, (hesse_value){.param = -1,
                                   .tokens = tokens,
                                   .width = width,
                                   .count = numbers(t, tokens, width)});
}

double *hesse_tape_table(hesse_tape *t, size_t count)
{
    t->table = hesse_alloc(count);
    return t->table;
}

real *hesse_tape_weights(hesse_tape *t, int tokens)
{
    free(t->weights);
    t->weights = hesse_alloc_real((size_t)t->sequences * (size_t)tokens);
    return t->weights;
}

void hesse_tape_drop_weights(hesse_tape *t)
{
    free(t->weights);
    t->weights = NULL;
}

static size_t keep_count(const hesse_tape *t, const hesse_node *n)
{
    if (!n->op->keep) return 0;
    return (size_t)t->window * (size_t)hesse_op_tokens(n->op, &n->d) *
           (size_t)n->op->keep(&n->d);
}

void hesse_tape_hold(hesse_tape *t, int sequences)
{
    assert(!t->state && sequences >= 1);
    if (t->coupled || t->broken || sequences >= t->sequences) return;
    t->window = sequences;
    for (hesse_value *v = t->values; v < t->values + t->n_values; v++)
        if (v->width && !v->given)
            v->count = (size_t)sequences * (size_t)v->tokens * (size_t)v->width;
}

bool hesse_tape_is_whole(const hesse_tape *t)
{
    return t->window == t->sequences;
}

/* Return the size of a value's copy: borrowed numbers are copied if reals are not
   doubles. */
static size_t copy_count(const hesse_value *v)
{
    return HESSE_REALS_DIFFER && (v->given || v->param >= 0) ? v->count : 0;
}

/* Distribute the state among values and nodes; without a state only count its size. */
static size_t deal(const hesse_tape *t, real *state)
{
    size_t at = 0;
    for (hesse_value *v = t->values; v < t->values + t->n_values; v++) {
        if (state && copy_count(v)) v->copy = state + at;
        at += copy_count(v);
        if (v->given) continue;
        if (state) v->b = state + at;
        at += v->count;
        if (v->param >= 0) continue;
        if (state) v->x = v->own = state + at;
        at += v->count;
    }
    for (hesse_node *n = t->nodes; n < t->nodes + t->n_nodes; n++) {
        if (state) n->keep = state + at;
        at += keep_count(t, n);
    }
    return at;
}

size_t hesse_tape_bytes(const hesse_tape *t)
{
    return t->broken ? 0 : deal(t, NULL) * sizeof(real);
}

double hesse_tape_bytes_single(const hesse_tape *t)
{
    size_t copied = 0;
    for (const hesse_value *v = t->values; v < t->values + t->n_values; v++)
        if (!copy_count(v) && (v->given || v->param >= 0)) copied += v->count;
    return t->broken ? 0 : (double)(deal(t, NULL) + copied) * (double)sizeof(float);
}

bool hesse_tape_freeze(hesse_tape *t)
{
    if (t->broken) return false;
    t->state = hesse_alloc_real(deal(t, NULL));
    if (!t->state) return false;
    deal(t, t->state);
    hesse_tape_renew_inputs(t);
    return true;
}

void hesse_tape_renew_inputs(hesse_tape *t)
{
    t->n_ready = 0;
    for (hesse_value *v = t->values; t->state && v < t->values + t->n_values; v++)
        if (v->given) v->x = hesse_reals_of(v->count, v->given, v->copy);
}

/* A node that changes the number of tokens is called for whole sequences only. */
size_t hesse_tape_first(const hesse_tape *t, const hesse_node *node, int first)
{
    const hesse_value *out = &t->values[node->out];
    if (!out->width || out->tokens == node->d.t) return (size_t)first;
    assert(first % node->d.t == 0);
    return (size_t)(first / node->d.t) * (size_t)out->tokens;
}

hesse_frame hesse_tape_frame(const hesse_tape *t, const hesse_node *node, int first,
                             int count)
{
    const hesse_op *op = node->op;
    const int held = first - t->first * node->d.t; /* index in the window */
    const size_t to = hesse_tape_first(t, node, held);
    const hesse_value *out = &t->values[node->out];
    assert(held >= 0 && held + count <= t->window * node->d.t);
    hesse_frame f = {.d = node->d, .k = 1};
    f.d.n = count;
    for (int i = 0; i < op->activations + op->parameters + op->constants; i++) {
        const hesse_value *v = &t->values[node->in[i]];
        const size_t from = (size_t)(v->own ? held : first);
        f.x[i] = v->x + (v->param < 0 ? from * (size_t)v->width : 0);
        f.want[i] = v->rect;
    }
    f.y = out->own + to * (size_t)out->width;
    f.yb = out->b + to * (size_t)out->width;
    if (node->id) f.id = node->id + first;
    if (node->from) f.from = node->from + first;
    if (op->loss && t->weights) f.weight = t->weights + first;
    if (op->keep) f.keep = node->keep + to * (size_t)op->keep(&node->d);
    return f;
}

const hesse_node *hesse_tape_reader(const hesse_tape *t, int param)
{
    const hesse_param_reader *r = &t->readers[param];
    return r->uses == 1 ? &t->nodes[r->node] : NULL;
}

/* The results that a pass over some sequences computes; each includes those
   before it. */
typedef enum depth { LOSS, ADJOINTS, GRADIENT } depth;

/* Set the adjoints of some sequences to 0. */
static void clear(const hesse_tape *t, const hesse_value *v, int first, int count)
{
    const size_t each = v->count / (size_t)t->window;
    const size_t from = (size_t)(first - t->first) * each;
    memset(v->b + (v->width ? from : 0), 0,
           sizeof *v->b * (v->width ? (size_t)count * each : 1));
}

/* The first node that writes an adjoint is told to overwrite it, or finds zeros to add
   to. */
static void begin(const hesse_tape *t, const hesse_node *n, int first, int count,
                  hesse_frame *f)
{
    const bool square = n->op->activations > 1 && n->in[0] == n->in[1];
    for (int i = 0; i < n->op->activations; i++) {
        const hesse_value *v = &t->values[n->in[i]];
        if (!v->b || v->param >= 0 || v->last != n - t->nodes) continue;
        f->fresh[i] = n->op->sets && !square;
        if (!f->fresh[i]) clear(t, v, first, count);
    }
}

/* Go once over sequences that are held at once. Returns their part of the loss. */
static double pass(hesse_tape *t, int first, int count, depth upto)
{
    hesse_value *loss = &t->values[t->n_values - 1];
    if (!hesse_tape_is_whole(t)) t->first = first;
    t->ready = first, t->n_passed = count, t->n_ready = upto == LOSS ? 0 : count;
    for (const hesse_value *v = t->values; v < t->values + t->n_values; v++)
        if (v->b && v->param < 0 && v->last < 0) clear(t, v, first, count);
    for (hesse_node *n = t->nodes; n < t->nodes + t->n_nodes; n++) {
        const hesse_frame f = hesse_tape_frame(t, n, first * n->d.t, count * n->d.t);
        n->op->forward(&f);
    }
    *loss->b = 1;
    for (hesse_node *n = t->nodes + t->n_nodes; upto > LOSS && n-- > t->nodes;) {
        hesse_frame f = hesse_tape_frame(t, n, first * n->d.t, count * n->d.t);
        for (int i = 0; i < n->op->activations + n->op->parameters; i++) {
            const hesse_value *in = &t->values[n->in[i]];
            const size_t held = (size_t)(first - t->first) * (size_t)n->d.t;
            if (in->param < 0 && in->b)
                f.cx[i] = in->b + held * (size_t)in->width;
            else if (upto == GRADIENT)
                f.cx[i] = in->b;
        }
        f.cy = f.yb;
        begin(t, n, first, count, &f);
        n->op->adjoint(&f);
    }
    return (double)*loss->x;
}

/* True if loss and gradient are finite so far. If not, the run stops, and
   hesse_tape_fault finds the fault in the window. */
static bool good(const hesse_tape *t, double loss)
{
    bool finite = isfinite(loss);
    for (const hesse_value *v = t->values; finite && v < t->values + t->n_values; v++)
        if (v->param >= 0) finite = hesse_first_fault(v->b, v->count) == v->count;
    return finite;
}

void hesse_tape_set_parameters(hesse_tape *t, const double *theta)
{
    assert(t->state);
    t->n_ready = 0;
    for (hesse_value *v = t->values; v < t->values + t->n_values; v++)
        if (v->param >= 0) v->x = hesse_reals_of(v->count, theta + v->offset, v->copy);
}

/* Go over the sequences window after window. */
static double run(hesse_tape *t, int first, int count, depth upto)
{
    double loss = 0;
    t->n_passed = 0;
    assert(!t->coupled || !count || count == t->sequences);
    for (int at = first; at < first + count; at += t->window) {
        const int left = first + count - at;
        loss += pass(t, at, left < t->window ? left : t->window, upto);
        /* The fault is searched in the window that has it. */
        if (left > t->window && !good(t, loss)) break;
    }
    return loss;
}

double hesse_tape_loss(hesse_tape *t, int first, int count)
{
    return run(t, first, count, LOSS);
}

double hesse_tape_gradient(hesse_tape *t, int first, int count, double *gradient)
{
    for (hesse_value *v = t->values; v < t->values + t->n_values; v++)
        if (v->param >= 0) memset(v->b, 0, sizeof *v->b * v->count);
    const double loss = run(t, first, count, GRADIENT);
    for (hesse_value *v = t->values; gradient && v < t->values + t->n_values; v++)
        for (size_t i = 0; v->param >= 0 && i < v->count; i++)
            gradient[v->offset + i] = (double)v->b[i];
    return loss;
}

double hesse_tape_run(hesse_tape *t, const double *theta, double *gradient)
{
    hesse_tape_set_parameters(t, theta);
    return hesse_tape_gradient(t, 0, t->sequences, gradient);
}

void hesse_tape_seek(hesse_tape *t, int first, int count)
{
    assert(count <= t->window);
    if (first >= t->ready && first + count <= t->ready + t->n_ready) return;
    /* Fill a window, since the sequences that follow will be asked for. */
    const int left = t->sequences - first;
    if (!hesse_tape_is_whole(t)) count = left < t->window ? left : t->window;
    pass(t, first, count, ADJOINTS);
}
