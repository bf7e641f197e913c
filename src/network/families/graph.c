/* A network that is given as data. Everything that other families know by their name
   and sizes is derived from its values and nodes here: what it reads, the sizes of its
   data, its loss, its heads. */
#include "network/families/family.h"

#include <string.h>

static bool reads_ids(const hesse_graph *g)
{
    bool any = false;
    for (int i = 0; i < g->n_nodes; i++) any |= g->nodes[i].ids == HESSE_IDS_TOKENS;
    return any;
}

/* Return the first value of a kind; NULL if there is none. */
static const hesse_graph_value *value_of(const hesse_graph *g, hesse_value_kind kind)
{
    for (int i = 0; i < g->n_values; i++)
        if (g->values[i].kind == kind) return &g->values[i];
    return NULL;
}

static const hesse_graph_node *loss_of(const hesse_graph *g)
{
    return &g->nodes[g->n_nodes - 1];
}

/* Return the number of ids that all tables for a kind of ids have; 0: there is none. */
static int rows_for(const hesse_graph *g, hesse_ids ids)
{
    int least = 0;
    for (int i = 0; i < g->n_nodes; i++) {
        const hesse_graph_node *n = &g->nodes[i];
        const int rows = n->d.c - n->d.token;
        if (n->ids == ids && n->op == &hesse_op_embedding && (!least || rows < least))
            least = rows;
    }
    return least;
}

static bool attends(const hesse_graph_node *n)
{
    return n->op == &hesse_op_softmax || n->op->kind == HESSE_GAUSSIAN;
}

/* Return true if tokens after a token are read. */
static bool is_full(const hesse_graph *g)
{
    bool any = false;
    for (int i = 0; i < g->n_nodes; i++)
        any |= (attends(&g->nodes[i]) || g->nodes[i].op->kind == HESSE_SCORES) &&
               g->nodes[i].d.full;
    return any;
}

/* Return true if tokens attend to each other, and nowhere to padding. */
static bool hides_padding(const hesse_graph *g)
{
    bool all = true, any = false;
    for (int i = 0; i < g->n_nodes; i++) {
        const bool visible =
            g->nodes[i].ids == HESSE_IDS_VISIBLE && g->nodes[i].d.t == g->tokens;
        any |= visible;
        all &=
            visible || (!attends(&g->nodes[i]) && g->nodes[i].ids != HESSE_IDS_VISIBLE);
    }
    return any && all;
}

static void complete(hesse_arch *a)
{
    const hesse_graph *g = a->graph;
    if (!g) return;
    const hesse_graph_node *loss = loss_of(g);
    const hesse_graph_value *x = value_of(g, HESSE_VALUE_INPUT);
    a->vocabulary = rows_for(g, HESSE_IDS_TOKENS);
    a->types = rows_for(g, HESSE_IDS_TYPES);
    a->positions = g->tokens;
    a->pad = g->reading.pad;
    a->task = g->reading.masked ? HESSE_TASK_MASKED : HESSE_TASK_CLASSIFY;
    a->data = (hesse_arch_data){.inputs = x ? x->cols : 0, .outputs = loss->d.c};
    a->data.loss = loss->op == &hesse_op_cross_entropy ? HESSE_LOSS_CROSS_ENTROPY
                   : loss->op == &hesse_op_binary_cross_entropy ? HESSE_LOSS_BINARY
                   : g->reading.numbers                         ? HESSE_LOSS_REGRESSION
                                        : HESSE_LOSS_SQUARED_ERROR;
    a->attention.full = is_full(g);
    a->image.batch_norm = HESSE_BATCH_NORM_NONE;
    for (int i = 0; i < g->n_nodes; i++)
        if (g->nodes[i].op->batch) a->image.batch_norm = HESSE_BATCH_NORM_TRAINING;
    a->layers = 0;
    for (int i = 0; i < g->params.count; i++)
        if (g->params.list[i].layer >= a->layers)
            a->layers = g->params.list[i].layer + 1;
}

/* Return true if labels are ids of the vocabulary. */
static bool predicts_ids(const hesse_graph *g)
{
    const hesse_graph_node *loss = loss_of(g);
    return loss->ids == HESSE_IDS_LABELS && reads_ids(g) &&
           loss->d.c >= rows_for(g, HESSE_IDS_TOKENS);
}

static hesse_data_needs needs(const hesse_arch *a)
{
    const hesse_graph *g = a->graph;
    if (!g) return (hesse_data_needs){.reads = HESSE_READS_NUMBERS};
    const hesse_graph_node *loss = loss_of(g);
    const hesse_graph_value *x = value_of(g, HESSE_VALUE_INPUT);
    const bool ids = reads_ids(g), classes = loss->ids == HESSE_IDS_LABELS;
    const bool numbers = value_of(g, HESSE_VALUE_TARGET);
    const bool squared =
        loss->op == &hesse_op_squared_error && !g->reading.numbers && numbers;
    return (hesse_data_needs){.reads = ids ? HESSE_READS_IDS : HESSE_READS_NUMBERS,
                              .positions = ids ? g->tokens : 0,
                              .vocabulary = rows_for(g, HESSE_IDS_TOKENS),
                              .classes = classes || squared ? loss->d.c : 0,
                              .words = predicts_ids(g),
                              .masked = g->reading.masked,
                              .full = is_full(g),
                              .flat = x && x->rows == 1,
                              .squared = squared,
                              .numbers = numbers && !squared,
                              .pad = g->reading.pad,
                              .positions_skip_padding =
                                  g->reading.positions_skip_padding};
}

/* Check that all ids are rows of the tables that read them. */
static hesse_status check_rows(const hesse_graph *g, hesse_ids ids, const int *list,
                               size_t count, const char *what, hesse_why *why)
{
    for (const hesse_graph_node *n = g->nodes; list && n < g->nodes + g->n_nodes; n++) {
        if (n->ids != ids || n->op != &hesse_op_embedding) continue;
        for (size_t i = 0; i < count; i++)
            if (list[i] < -n->d.token || list[i] >= n->d.c - n->d.token)
                return hesse_fail(why, HESSE_E_JOB,
                                  "model: the graph has %s %d to %d, and the data have "
                                  "%d",
                                  what, -n->d.token, n->d.c - n->d.token - 1, list[i]);
    }
    return HESSE_OK;
}

static hesse_status fit_tokens(const hesse_graph *g, const hesse_batch *b,
                               hesse_why *why)
{
    const size_t tokens = (size_t)b->sequences * (size_t)b->context;
    if (!b->input)
        return hesse_fail(why, HESSE_E_JOB,
                          "model: the graph reads ids of tokens, and the data are %s",
                          b->rows ? "images" : "numbers");
    if (b->end && !hides_padding(g))
        return hesse_fail(why, HESSE_E_JOB,
                          "model: the data have padding, and the graph does not hide "
                          "it: not every softmax has the ids \"visible\"");
    hesse_status s =
        check_rows(g, HESSE_IDS_TOKENS, b->input, tokens, "ids of tokens from", why);
    if (!s)
        s = check_rows(g, HESSE_IDS_POSITIONS, b->position, tokens, "positions from",
                       why);
    if (!s)
        s = check_rows(g, HESSE_IDS_TYPES, b->type, tokens, "types of tokens from",
                       why);
    return s;
}

/* Find the rows and columns of the pixels that a window reads from the examples. */
static const hesse_image *image_of(const hesse_graph *g)
{
    for (int i = 0; i < g->n_nodes; i++) {
        const hesse_graph_node *n = &g->nodes[i];
        if (n->op->activations && n->d.image.rows &&
            g->values[n->in[0]].kind == HESSE_VALUE_INPUT)
            return &n->d.image;
    }
    return NULL;
}

static hesse_status fit_numbers(const hesse_graph *g, const hesse_graph_value *x,
                                const hesse_batch *b, hesse_why *why)
{
    const hesse_image *image = image_of(g);
    if (!b->x)
        return hesse_fail(why, HESSE_E_JOB,
                          "model: the graph reads numbers, and the data are ids of "
                          "tokens");
    if (b->context != x->rows || b->width != x->cols)
        return hesse_fail(why, HESSE_E_JOB,
                          "model: an example of the graph has %d tokens of %d numbers, "
                          "and the data have %d of %d",
                          x->rows, x->cols, b->context, b->width);
    if (b->rows && image && (b->rows != image->rows || b->cols != image->cols))
        return hesse_fail(why, HESSE_E_JOB,
                          "model: an image of the graph has %d x %d pixels, and the "
                          "data have %d x %d",
                          image->rows, image->cols, b->rows, b->cols);
    return HESSE_OK;
}

static hesse_status fit_targets(const hesse_graph *g, const hesse_batch *b,
                                hesse_why *why)
{
    const hesse_graph_node *loss = loss_of(g);
    const hesse_graph_value *wanted = value_of(g, HESSE_VALUE_TARGET);
    if (loss->ids == HESSE_IDS_LABELS) {
        if (!b->target)
            return hesse_fail(why, HESSE_E_JOB,
                              "model: the loss is cross-entropy, and the data have no "
                              "labels");
        if (b->labels != loss->d.t)
            return hesse_fail(why, HESSE_E_JOB,
                              "model: the graph compares with %d labels of an example, "
                              "and the data have %d",
                              loss->d.t, b->labels);
        for (int i = 0; i < b->sequences * b->labels; i++)
            if (b->target[i] >= loss->d.c)
                return hesse_fail(why, HESSE_E_JOB,
                                  "model: the graph has %d classes, and the data have "
                                  "number %d (from 0)",
                                  loss->d.c, b->target[i]);
    }
    if (!wanted) return HESSE_OK;
    if (!b->wanted)
        return hesse_fail(why, HESSE_E_JOB,
                          "model: the loss compares with numbers, and the data have no "
                          "numbers to compare with");
    if (b->wanted_tokens == wanted->rows && b->wanted_width == wanted->cols)
        return HESSE_OK;
    return hesse_fail(why, HESSE_E_JOB,
                      "model: the graph compares with %d x %d numbers of an example, "
                      "and the data have %d x %d",
                      wanted->rows, wanted->cols, b->wanted_tokens, b->wanted_width);
}

static hesse_status fit(const hesse_arch *a, const hesse_batch *b, hesse_why *why)
{
    const hesse_graph *g = a->graph;
    hesse_status s = HESSE_OK;
    if (!g)
        return hesse_fail(why, HESSE_E_JOB, "model: the family graph needs a graph");
    const hesse_graph_value *x = value_of(g, HESSE_VALUE_INPUT);
    if (b->context != g->tokens)
        return hesse_fail(why, HESSE_E_JOB,
                          "model: an example of the graph has %d tokens, and the data "
                          "have %d",
                          g->tokens, b->context);
    if (reads_ids(g)) s = fit_tokens(g, b, why);
    if (!s && x) s = fit_numbers(g, x, b, why);
    return s ? s : fit_targets(g, b, why);
}

static hesse_status check(const hesse_arch *a, hesse_why *why)
{
    return a->graph
               ? HESSE_OK
               : hesse_fail(why, HESSE_E_JOB, "model: the family graph needs a graph");
}

static hesse_extra extra(const hesse_arch *a, const char *name)
{
    const hesse_graph_extras *e = &a->graph->extras;
    if (*e->copy && strcmp(name, e->copy) == 0) return HESSE_EXTRA_HEAD;
    for (int i = 0; i < e->count; i++)
        if (strcmp(name, e->names[i]) == 0) return HESSE_EXTRA_UNKNOWN;
    return HESSE_EXTRA_PARAMETER;
}

static const hesse_owned_key keys[] = {{"graph", NULL}, {NULL, NULL}};

const hesse_family hesse_family_graph_file = {
    .name = "graph",
    .help = "Any network, as a graph of operators in a JSON file (docs/graph.md).",
    .reads = HESSE_READS_NUMBERS,
    .keys = keys,
    .complete = complete,
    .check = check,
    .needs = needs,
    .fit = fit,
    .extra = extra,
};
