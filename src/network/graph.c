/* Lists grow while a builder works. After memory ran out, values still get indices, so
   a builder need not check; the graph says `exhausted` in the end. */
#include "network/graph.h"

#include "base/memory.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 64 };

hesse_graph *hesse_graph_new(int tokens)
{
    hesse_graph *g = hesse_calloc(1, sizeof *g);
    if (g) g->tokens = tokens;
    return g;
}

void hesse_graph_free(hesse_graph *g)
{
    if (!g) return;
    hesse_params_free(&g->params);
    hesse_params_free(&g->buffers);
    free(g->table);
    free(g->values);
    free(g->nodes);
    free(g->extras.names);
    free(g);
}

static void *copy_of(const void *list, size_t count, size_t size, bool *there)
{
    void *copy = count ? hesse_calloc(count, size) : NULL;
    if (copy) memcpy(copy, list, count * size);
    *there &= copy || !count;
    return copy;
}

hesse_graph *hesse_graph_copy(const hesse_graph *g)
{
    hesse_graph *to = hesse_calloc(1, sizeof *to);
    bool there = true;
    if (!to) return NULL;
    *to = *g;
    to->values = copy_of(g->values, (size_t)g->n_values, sizeof *g->values, &there);
    to->nodes = copy_of(g->nodes, (size_t)g->n_nodes, sizeof *g->nodes, &there);
    to->params.list =
        copy_of(g->params.list, (size_t)g->params.count, sizeof(hesse_param), &there);
    to->buffers.list =
        copy_of(g->buffers.list, (size_t)g->buffers.count, sizeof(hesse_param), &there);
    to->table = copy_of(g->table, g->n_table, sizeof *g->table, &there);
    to->extras.names = copy_of(g->extras.names, (size_t)g->extras.count,
                               sizeof *g->extras.names, &there);
    to->room_values = to->n_values, to->room_nodes = to->n_nodes;
    to->room_table = to->n_table;
    to->extras.room = to->extras.count;
    if (there) return to;
    hesse_graph_free(to);
    return NULL;
}

/* Make room for one more element at the end of a list of `count`; false when memory is
   exhausted. */
static bool grow(void **list, size_t size, int count, int *room)
{
    if (*list && count < *room) return true;
    const int more = *room ? 2 * *room : FIRST_ROOM;
    void *longer = hesse_calloc((size_t)more, size);
    if (!longer) return false;
    if (*list) memcpy(longer, *list, (size_t)count * size);
    free(*list);
    *list = longer, *room = more;
    return true;
}

void hesse_graph_ignore(hesse_graph *g, const char *name)
{
    hesse_graph_extras *e = &g->extras;
    void *list = e->names;
    g->exhausted |= !grow(&list, sizeof *e->names, e->count, &e->room);
    e->names = list;
    if (!g->exhausted) snprintf(e->names[e->count++], sizeof *e->names, "%s", name);
}

static int append(hesse_graph *g, hesse_graph_value v)
{
    void *list = g->values;
    g->exhausted |= !grow(&list, sizeof v, g->n_values, &g->room_values);
    g->values = list;
    if (g->exhausted) return 0;
    g->values[g->n_values] = v;
    return g->n_values++;
}

/* Lists of parameters do not store their capacity: it is the power of two at or above
   their count. */
static hesse_param *list_param(hesse_graph *g, hesse_params *params,
                               const hesse_param *p)
{
    const bool full =
        params->count >= FIRST_ROOM && !(params->count & (params->count - 1));
    int room = !params->list ? 0 : full ? params->count : params->count + 1;
    void *list = params->list;
    g->exhausted |= !grow(&list, sizeof *p, params->count, &room);
    params->list = list;
    if (g->exhausted) return NULL;
    hesse_param *to = &params->list[params->count++];
    *to = *p;
    to->offset = params->size;
    params->size += hesse_param_size(to);
    return to;
}

int hesse_graph_parameter(hesse_graph *g, const hesse_param *p)
{
    list_param(g, &g->params, p);
    return append(g, (hesse_graph_value){.kind = HESSE_VALUE_PARAMETER,
                                         .rows = p->rows,
                                         .cols = p->cols});
}

int hesse_graph_constant(hesse_graph *g, int rows, const hesse_param *row)
{
    for (int i = 0; i < rows; i++) list_param(g, &g->buffers, &row[i]);
    return append(g, (hesse_graph_value){.kind = HESSE_VALUE_CONSTANT,
                                         .rows = rows,
                                         .cols = row->cols});
}

/* Make room for more stored numbers; NULL when memory is exhausted. */
static double *more_table(hesse_graph *g, size_t count)
{
    if (!g->exhausted && g->n_table + count > g->room_table) {
        const size_t room = 2 * g->n_table + count;
        double *longer = hesse_alloc(room);
        g->exhausted |= !longer;
        if (longer && g->table) memcpy(longer, g->table, g->n_table * sizeof *longer);
        if (longer) free(g->table), g->table = longer, g->room_table = room;
    }
    return g->exhausted ? NULL : g->table + g->n_table;
}

int hesse_graph_table(hesse_graph *g, int rows, int cols, const double *values)
{
    const size_t count = (size_t)rows * (size_t)cols;
    hesse_graph_value v = {.kind = HESSE_VALUE_TABLE, .rows = rows, .cols = cols};
    double *to = more_table(g, count);
    if (!to) return 0;
    if (!hesse_table_compress(values, &v, count - 1, to))
        memcpy(to, values, count * sizeof *values);
    g->n_table += hesse_table_stored(&v);
    return append(g, v);
}

int hesse_graph_runs(hesse_graph *g, hesse_graph_value v, const double *runs)
{
    double *to = more_table(g, hesse_table_stored(&v));
    if (!to) return 0;
    memcpy(to, runs, hesse_table_stored(&v) * sizeof *runs);
    g->n_table += hesse_table_stored(&v);
    return append(g, v);
}

int hesse_graph_numbers(hesse_graph *g, hesse_value_kind kind, int tokens, int width)
{
    return append(g, (hesse_graph_value){.kind = kind, .rows = tokens, .cols = width});
}

int hesse_graph_add(hesse_graph *g, const hesse_op *op, hesse_dims d, const int *in,
                    hesse_ids ids)
{
    const int inputs = op->activations + op->parameters + op->constants;
    if (g->exhausted) return 0;
    d.n = 0;
    d.t = op->activations ? g->values[in[0]].rows : g->tokens;
    for (int i = 1; i < op->activations; i++) assert(g->values[in[i]].rows == d.t);
    hesse_graph_node n = {.op = op, .d = d, .out = g->n_values, .ids = ids};
    memcpy(n.in, in, sizeof *in * (size_t)inputs);
    void *list = g->nodes;
    g->exhausted |= !grow(&list, sizeof n, g->n_nodes, &g->room_nodes);
    g->nodes = list;
    if (g->exhausted) return 0;
    g->nodes[g->n_nodes++] = n;
    hesse_graph_value out = {.kind = HESSE_VALUE_RESULT};
    if (!op->loss) {
        out.rows = hesse_op_tokens(op, &d);
        out.cols = op->width(&d, op->activations + op->parameters);
    }
    return append(g, out);
}

hesse_kinds hesse_graph_kinds(const hesse_graph *g)
{
    unsigned kinds = 0;
    for (int i = 0; i < g->n_nodes; i++) kinds |= g->nodes[i].op->kind;
    return (hesse_kinds)kinds;
}

static const int *ids_of(const hesse_tape *t, const hesse_batch *batch, hesse_ids ids)
{
    switch (ids) {
    case HESSE_IDS_TOKENS:
        return batch->input;
    case HESSE_IDS_POSITIONS:
        return batch->position ? batch->position : t->position;
    case HESSE_IDS_TYPES:
        return batch->type ? batch->type : t->zero;
    case HESSE_IDS_VISIBLE:
        return batch->end;
    case HESSE_IDS_LABELS:
        return batch->target;
    default:
        return NULL;
    }
}

/* The terms of a loss: those of its targets, or one for every example where the network
   computes its loss itself, from `each` tokens of the example. */
typedef struct summands {
    const hesse_batch *batch;
    int each; /* 0: terms of the targets */
} summands;

/* Return the number of terms that the examples first ... first + count - 1 have in the
   loss. */
static double terms_of(const summands *x, int first, int count)
{
    const hesse_batch *batch = x->batch;
    double terms = 0;
    if (x->each) return count;
    if (!batch->target)
        return (double)count * batch->wanted_tokens * batch->wanted_width;
    for (int i = first * batch->labels; i < (first + count) * batch->labels; i++)
        terms += batch->target[i] >= 0;
    return batch->wanted ? terms * batch->wanted_width : terms;
}

/* Return true if all micro-batches have equally many terms; if not, the loss needs a
   weight for each token. */
static bool equal_terms(const summands *x, int size)
{
    for (int i = size; i < x->batch->sequences; i += size)
        if (terms_of(x, i, size) != terms_of(x, 0, size)) return false;
    return true;
}

static bool weigh_batches(hesse_tape *t, const summands *x, int size)
{
    const hesse_batch *batch = x->batch;
    const int tokens = x->each         ? x->each
                       : batch->target ? batch->labels
                                       : batch->wanted_tokens;
    real *weights = hesse_tape_weights(t, tokens);
    for (int i = 0; weights && i < batch->sequences; i++)
        for (int j = 0; j < tokens; j++)
            weights[i * tokens + j] = (real)(1 / terms_of(x, i / size * size, size));
    return weights;
}

static hesse_status check_terms(const summands *x, const hesse_weighting *w,
                                hesse_why *why)
{
    const hesse_batch *batch = x->batch;
    const int size = w->batch ? w->batch : batch->sequences;
    for (int i = 0; i < batch->sequences; i += size)
        if (terms_of(x, i, size) == 0)
            return w->batch ? hesse_fail(why, HESSE_E_INPUT,
                                         "every target of micro-batch %d (from 0) is "
                                         "ignored: it has no mean",
                                         i / size)
                            : hesse_fail(why, HESSE_E_INPUT,
                                         "every target is ignored: there is no loss");
    return HESSE_OK;
}

/* Return the weight of every term of the loss. `own` is that of the graph; 0: none. */
static double loss_weight(double own, const summands *x, const hesse_weighting *w,
                          bool by_token)
{
    const hesse_batch *batch = x->batch;
    const double terms = terms_of(x, 0, batch->sequences);
    if (own > 0) return own;
    if (by_token) return 1;
    if (w->batch) {
        const int micro_batches = batch->sequences / w->batch;
        return micro_batches / terms;
    }
    return w->scale > 0 ? w->scale / terms : 1;
}

static const double *copy_table(hesse_tape *t, const hesse_graph *g)
{
    size_t count = 0;
    const double *stored = g->table;
    for (int i = 0; i < g->n_values; i++)
        if (g->values[i].kind == HESSE_VALUE_TABLE)
            count += (size_t)g->values[i].rows * (size_t)g->values[i].cols;
    double *table = hesse_tape_table(t, count), *to = table;
    for (const hesse_graph_value *v = g->values; to && v < g->values + g->n_values;
         v++) {
        if (v->kind != HESSE_VALUE_TABLE) continue;
        hesse_table_numbers(v, stored, to);
        stored += hesse_table_stored(v), to += (size_t)v->rows * (size_t)v->cols;
    }
    return table;
}

static void add_value(hesse_tape *t, const hesse_graph_value *v,
                      const hesse_batch *batch, const double **constants,
                      const double **table)
{
    switch (v->kind) {
    case HESSE_VALUE_PARAMETER:
        hesse_tape_param(t, v->rows, v->cols);
        break;
    case HESSE_VALUE_CONSTANT:
        hesse_tape_constant(t, v->rows, v->cols, *constants);
        if (*constants) *constants += (size_t)v->rows * (size_t)v->cols;
        break;
    case HESSE_VALUE_TABLE:
        hesse_tape_constant(t, v->rows, v->cols, *table);
        *table += (size_t)v->rows * (size_t)v->cols;
        break;
    case HESSE_VALUE_INPUT:
        hesse_tape_input(t, v->rows, v->cols, batch->x);
        break;
    case HESSE_VALUE_TARGET:
        hesse_tape_input(t, v->rows, v->cols, batch->wanted);
        break;
    case HESSE_VALUE_RESULT:
        break;
    }
}

hesse_status hesse_graph_tape(const hesse_graph *g, const hesse_batch *batch,
                              const double *constants, const hesse_weighting *weighting,
                              hesse_tape **tape, hesse_why *why)
{
    *tape = NULL;
    const hesse_graph_node *last = g->nodes + g->n_nodes - 1;
    const summands x = {batch, last->op == &hesse_op_mean_loss ? last->d.t : 0};
    const hesse_status s = check_terms(&x, weighting, why);
    if (s) return s;
    hesse_tape *t = hesse_tape_new(batch->sequences, batch->context);
    if (t) t->loss_weight = g->loss_weight;
    const bool by_token = weighting->batch && !equal_terms(&x, weighting->batch);
    bool there = t && (!by_token || weigh_batches(t, &x, weighting->batch));
    const double *table = there && g->n_table ? copy_table(t, g) : NULL;
    there = there && (table || !g->n_table);
    const hesse_graph_node *n = g->nodes;
    for (int i = 0; there && i < g->n_values; i++) {
        const bool result = g->values[i].kind == HESSE_VALUE_RESULT;
        assert(!result || (n < g->nodes + g->n_nodes && n->out == i));
        if (!result) {
            add_value(t, &g->values[i], batch, &constants, &table);
            continue;
        }
        hesse_dims d = n->d;
        if (n->op->loss) d.a = loss_weight(g->loss_weight, &x, weighting, by_token);
        const int *from = n->ids == HESSE_IDS_VISIBLE ? batch->from : NULL;
        hesse_tape_add(t, n->op, d, n->in, ids_of(t, batch, n->ids), from);
        n++;
    }
    if (there && !t->broken) {
        *tape = t;
        return HESSE_OK;
    }
    hesse_tape_free(t);
    return hesse_fail(why, HESSE_E_NOMEM, "out of memory for the list of operators");
}

hesse_status hesse_graph_renew(hesse_tape *t, const hesse_batch *batch,
                               const hesse_weighting *weighting, hesse_why *why)
{
    const hesse_node *last = t->nodes + t->n_nodes - 1;
    const summands x = {batch, last->op == &hesse_op_mean_loss ? last->d.t : 0};
    const hesse_status s = check_terms(&x, weighting, why);
    if (s) return s;
    const bool by_token = weighting->batch && !equal_terms(&x, weighting->batch);
    if (by_token && !weigh_batches(t, &x, weighting->batch))
        return hesse_fail(why, HESSE_E_NOMEM, "out of memory for the weights of terms");
    if (!by_token) hesse_tape_drop_weights(t);
    for (hesse_node *n = t->nodes; n < t->nodes + t->n_nodes; n++)
        if (n->op->loss) n->d.a = loss_weight(t->loss_weight, &x, weighting, by_token);
    hesse_tape_renew_inputs(t);
    return HESSE_OK;
}
