/* A parameter of attention has the heads of the node that it leads to: walk from the
   linear map that reads it along the values that keep its channels in their places, on
   to the scores or the mix, or, for an output matrix, back to the mix. */
#include "network/graph.h"

#include "base/memory.h"

#include <stdlib.h>

enum { X, W };

/* The walk of one parameter; a value was reached if its mark is the walk's. */
typedef struct walk {
    const hesse_graph *g;
    int *marks, mark; /* [values] */
} walk;

static bool is_reached(const walk *w, int value)
{
    return w->marks[value] == w->mark;
}

/* Return true if each channel of a node's result depends only on the same channel of
   its inputs, up to rotations and norms inside of heads. */
static bool keeps_channels(const hesse_graph *g, const hesse_graph_node *n)
{
    const hesse_op *op = n->op;
    if (op->loss || !op->activations || g->values[n->out].cols != n->d.c) return false;
    if (op == &hesse_op_gather) {
        const hesse_graph_value *table = &g->values[n->in[1]];
        const double *stored = hesse_graph_stored(g, n->in[1]);
        hesse_table_run x = {0};
        while (hesse_table_next(table, stored, &x))
            for (size_t k = 0; k < x.count; k++) {
                const int place = (int)(x.first + (double)k * x.step);
                if (place >= 0 && (x.cols != (size_t)n->d.c ||
                                   place % n->d.c != (int)((x.at + k) % x.cols)))
                    return false;
            }
        return true;
    }
    return !(op->kind & (HESSE_LINEAR | HESSE_CONV | HESSE_SCORES | HESSE_SOFTMAX |
                         HESSE_MIX | HESSE_GAUSSIAN)) &&
           op != &hesse_op_transpose && op != &hesse_op_rank_fields &&
           (op != &hesse_op_channels || n->d.channel == 0);
}

/* Walk from the output of a node on. Return the heads of the keys, values or queries
   there; 0: there are none. */
static int heads_after(walk *w, const hesse_graph_node *from)
{
    const hesse_graph *g = w->g;
    w->marks[from->out] = w->mark;
    for (const hesse_graph_node *n = from + 1; n < g->nodes + g->n_nodes; n++) {
        const hesse_kinds kind = n->op->kind;
        bool any = false;
        for (int i = 0; i < n->op->activations; i++) any |= is_reached(w, n->in[i]);
        if (!any) continue;
        if (kind == HESSE_SCORES || kind == HESSE_GAUSSIAN)
            return is_reached(w, n->in[0]) ? n->d.h : n->d.g;
        if (kind == HESSE_MIX) return is_reached(w, n->in[1]) ? n->d.g : 0;
        if (keeps_channels(g, n)) w->marks[n->out] = w->mark;
    }
    return 0;
}

/* Walk from the input of a node back. Return the heads of the attention there. */
static int heads_before(walk *w, const hesse_graph_node *to)
{
    const hesse_graph *g = w->g;
    w->marks[to->in[X]] = w->mark;
    for (const hesse_graph_node *n = to; n-- > g->nodes;) {
        if (!is_reached(w, n->out)) continue;
        if (n->op->kind & (HESSE_SCORES | HESSE_SOFTMAX | HESSE_MIX | HESSE_GAUSSIAN))
            return n->d.h;
        for (int i = 0; keeps_channels(g, n) && i < n->op->activations; i++)
            w->marks[n->in[i]] = w->mark;
    }
    return 0;
}

void hesse_graph_find_heads(hesse_graph *g)
{
    walk w = {g, hesse_calloc((size_t)g->n_values + 1, sizeof(int)), 0};
    int value = -1;
    g->exhausted |= !w.marks;
    for (int i = 0; w.marks && i < g->params.count; i++) {
        hesse_param *p = &g->params.list[i];
        const bool output = p->role == HESSE_ROLE_OUTPUT;
        int maps = 0;
        do value++;
        while (g->values[value].kind != HESSE_VALUE_PARAMETER);
        if (!output && p->role != HESSE_ROLE_QUERY && p->role != HESSE_ROLE_KEY &&
            p->role != HESSE_ROLE_VALUE)
            continue;
        /* If several maps read it, all must have the same heads. */
        for (const hesse_graph_node *n = g->nodes; n < g->nodes + g->n_nodes; n++) {
            const bool read =
                n->in[W] == value || (n->op->parameters == 2 && n->in[W + 1] == value);
            if (n->op->kind != HESSE_LINEAR || !read) continue;
            w.mark++;
            const int found = output ? heads_before(&w, n) : heads_after(&w, n);
            p->heads = !maps++ || p->heads == found ? found : 0;
        }
    }
    free(w.marks);
}
