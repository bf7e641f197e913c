/* Lists that grow while a model is unrolled, then one allocation for all that a run
   writes. A gradient is the adjoint sweep with k = 1, its cotangents the adjoints. */
#include "model/tape.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

hesse_tape *hesse_tape_new(int sequences, int context)
{
    hesse_tape *t = hesse_calloc(1, sizeof *t);
    const size_t tokens = (size_t)sequences * (size_t)context;
    if (!t) return NULL;
    t->sequences = sequences, t->context = context;
    t->position = hesse_calloc(tokens, sizeof *t->position);
    if (!t->position) {
        free(t);
        return NULL;
    }
    for (size_t i = 0; i < tokens; i++) t->position[i] = (int)(i % (size_t)context);
    return t;
}

void hesse_tape_free(hesse_tape *t)
{
    if (!t) return;
    free(t->state);
    free(t->position);
    free(t->nodes);
    free(t->values);
    free(t);
}

/* Room for one more element at the end of a list; false when memory is exhausted. */
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

/* After memory ran out values still get indices, and freeze says no. */
static int append(hesse_tape *t, hesse_value v)
{
    void *list = t->values;
    if (!t->broken && grow(&list, sizeof v, t->n_values, &t->room_values)) {
        t->values = list;
        t->values[t->n_values] = v;
    } else {
        t->broken = true;
    }
    return t->n_values++;
}

static size_t tokens_of(const hesse_tape *t)
{
    return (size_t)t->sequences * (size_t)t->context;
}

int hesse_tape_param(hesse_tape *t, int rows, int cols)
{
    size_t offset = 0;
    for (int i = 0; !t->broken && i < t->n_values; i++)
        if (t->values[i].param >= 0) offset += t->values[i].count;
    return append(t, (hesse_value){.param = t->n_params++,
                                   .rect = {0, rows, 0, cols},
                                   .offset = offset,
                                   .count = (size_t)rows * (size_t)cols});
}

int hesse_tape_input(hesse_tape *t, int width, const double *x)
{
    return append(t, (hesse_value){.param = -1,
                                   .width = width,
                                   .count = tokens_of(t) * (size_t)width,
                                   .x = x});
}

int hesse_tape_add(hesse_tape *t, const hesse_op *op, hesse_dims d, const int *in,
                   const int *id)
{
    const int inputs = op->activations + op->parameters;
    d.n = (int)tokens_of(t), d.t = t->context;
    hesse_node n = {.op = op, .d = d, .id = id, .out = t->n_values};
    memcpy(n.in, in, sizeof *in * (size_t)inputs);
    void *list = t->nodes;
    if (!t->broken && grow(&list, sizeof n, t->n_nodes, &t->room_nodes)) {
        t->nodes = list;
        t->nodes[t->n_nodes] = n;
    } else {
        t->broken = true;
    }
    t->n_nodes++;
    const int width = op->loss ? 0 : op->width(&d, inputs);
    return append(t,
                  (hesse_value){.param = -1,
                                .width = width,
                                .count = op->loss ? 1 : tokens_of(t) * (size_t)width});
}

static size_t keep_count(const hesse_node *n)
{
    return n->op->keep ? (size_t)n->d.n * (size_t)n->op->keep(&n->d) : 0;
}

/* Deal the state out, or count it when there is none yet. */
static size_t deal(const hesse_tape *t, double *state)
{
    size_t at = 0;
    for (hesse_value *v = t->values; v < t->values + t->n_values; v++) {
        const bool input = v->x && v->param < 0 && !v->own;
        if (input) continue;
        if (state) v->b = state + at;
        at += v->count;
        if (v->param >= 0) continue;
        if (state) v->x = v->own = state + at;
        at += v->count;
    }
    for (hesse_node *n = t->nodes; n < t->nodes + t->n_nodes; n++) {
        if (state) n->keep = state + at;
        at += keep_count(n);
    }
    return at;
}

size_t hesse_tape_bytes(const hesse_tape *t)
{
    return t->broken ? 0 : deal(t, NULL) * sizeof(double);
}

bool hesse_tape_freeze(hesse_tape *t)
{
    if (t->broken) return false;
    t->state = hesse_alloc(deal(t, NULL));
    if (!t->state) return false;
    deal(t, t->state);
    return true;
}

hesse_frame hesse_tape_frame(const hesse_tape *t, const hesse_node *node, int first,
                             int count)
{
    const size_t token = (size_t)first;
    const hesse_value *out = &t->values[node->out];
    hesse_frame f = {.d = node->d, .k = 1};
    f.d.n = count;
    for (int i = 0; i < node->op->activations + node->op->parameters; i++) {
        const hesse_value *v = &t->values[node->in[i]];
        f.x[i] = v->x + (v->param < 0 ? token * (size_t)v->width : 0);
        f.want[i] = v->rect;
    }
    f.y = out->own + token * (size_t)out->width;
    f.yb = out->b + token * (size_t)out->width;
    if (node->id) f.id = node->id + token;
    if (node->op->keep) f.keep = node->keep + token * (size_t)node->op->keep(&node->d);
    return f;
}

const hesse_node *hesse_tape_reader(const hesse_tape *t, int param)
{
    const hesse_node *reader = NULL;
    int uses = 0;
    for (const hesse_node *n = t->nodes; n < t->nodes + t->n_nodes; n++)
        for (int i = 0; i < n->op->parameters; i++)
            if (t->values[n->in[n->op->activations + i]].param == param)
                reader = n, uses++;
    return uses == 1 ? reader : NULL;
}

double hesse_tape_run(hesse_tape *t, const double *theta, double *gradient)
{
    assert(t->state);
    hesse_value *loss = &t->values[t->n_values - 1];
    for (hesse_value *v = t->values; v <= loss; v++) {
        if (v->param >= 0) v->x = theta + v->offset;
        if (v->b) memset(v->b, 0, sizeof(double) * v->count);
    }
    for (hesse_node *n = t->nodes; n < t->nodes + t->n_nodes; n++) {
        const hesse_frame f = hesse_tape_frame(t, n, 0, n->d.n);
        n->op->forward(&f);
    }
    *loss->b = 1;
    for (hesse_node *n = t->nodes + t->n_nodes; n-- > t->nodes;) {
        hesse_frame f = hesse_tape_frame(t, n, 0, n->d.n);
        for (int i = 0; i < n->op->activations + n->op->parameters; i++)
            f.cx[i] = t->values[n->in[i]].b;
        f.cy = f.yb;
        n->op->adjoint(&f);
    }
    for (hesse_value *v = t->values; gradient && v <= loss; v++)
        if (v->param >= 0)
            memcpy(gradient + v->offset, v->b, sizeof(double) * v->count);
    return *loss->x;
}
