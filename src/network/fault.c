/* All numbers of a run are checked at once. The numbers of a sweep are not checked as
   long as its results are finite. If a result is not finite, the sweep is repeated node
   by node and sequence by sequence, until a node gives a number that is not finite from
   inputs that are. */
#include "network/sweep_inner.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const hesse_fault NOWHERE = {-1, "", -1};

size_t hesse_first_fault(const real *x, size_t count)
{
    size_t i = 0;
    while (i < count && isfinite(x[i])) i++;
    return i;
}

const char *hesse_fault_text(const hesse_tape *t, const hesse_fault *fault, char *text,
                             size_t room)
{
    char where[32] = "";
    if (fault->sequence >= 0)
        snprintf(where, sizeof where, ", sequence %d", fault->sequence);
    snprintf(text, room, "operator %d (%s)%s", fault->node,
             t->nodes[fault->node].op->name, where);
    return text;
}

/* Return the sequence of the last pass in which an activation has the first number that
   is not finite; -1: there is none. */
static int sequence_of(const hesse_tape *t, const hesse_value *v, const real *x)
{
    const size_t each = (size_t)v->width * (size_t)v->tokens;
    const size_t count = each * (size_t)t->n_passed;
    if (!count) return -1;
    const size_t i = hesse_first_fault(x + each * (size_t)(t->ready - t->first), count);
    return i == count ? -1 : t->ready + (int)(i / each);
}

/* Return the end of the sequences of the last pass: the index after the last of
   them. */
static int end_of(const hesse_tape *t)
{
    return t->ready + t->n_passed;
}

/* The loss is a sum over sequences: find the first sequence whose term is not
   finite. */
static hesse_fault fault_of_loss(const hesse_tape *t, int node)
{
    const hesse_node *n = &t->nodes[node];
    for (int s = t->ready; s < end_of(t); s++) {
        real part = 0;
        hesse_frame f = hesse_tape_frame(t, n, s * n->d.t, n->d.t);
        f.y = &part;
        n->op->forward(&f);
        if (!isfinite(part)) return (hesse_fault){node, "value", s};
    }
    return (hesse_fault){node, "value", -1};
}

/* Find the first sequence whose term in the gradient of a parameter is not finite. */
static hesse_fault fault_of_gradient(const hesse_tape *t, int node, int input)
{
    const hesse_node *n = &t->nodes[node];
    const hesse_value *v = &t->values[n->in[input]];
    const int together = n->op->batch ? t->sequences : 1;
    for (int s = t->ready; s < end_of(t); s += together) {
        hesse_frame f = hesse_tape_frame(t, n, s * n->d.t, together * n->d.t);
        memset(v->b, 0, v->count * sizeof *v->b);
        f.cx[input] = v->b;
        f.cy = f.yb;
        n->op->adjoint(&f);
        if (hesse_first_fault(v->b, v->count) < v->count)
            return (hesse_fault){node, "adjoint", n->op->batch ? -1 : s};
    }
    return NOWHERE; /* another node also adds to this gradient and has the fault */
}

hesse_fault hesse_tape_fault(const hesse_tape *t)
{
    for (int i = 0; i < t->n_nodes; i++) {
        const hesse_value *out = &t->values[t->nodes[i].out];
        if (!out->width && !isfinite(*out->own)) return fault_of_loss(t, i);
        const int s = sequence_of(t, out, out->own);
        if (s >= 0) return (hesse_fault){i, "value", s};
    }
    for (int i = t->n_nodes; i-- > 0;)
        for (int j = 0; j < hesse_inputs(&t->nodes[i]); j++) {
            const hesse_value *in = &t->values[t->nodes[i].in[j]];
            const int s = in->b && in->param < 0 ? sequence_of(t, in, in->b) : -1;
            if (s >= 0) return (hesse_fault){i, "adjoint", s};
            if (!in->b || in->param < 0 ||
                hesse_first_fault(in->b, in->count) == in->count)
                continue;
            const hesse_fault fault = fault_of_gradient(t, i, j);
            if (fault.node >= 0) return fault;
        }
    return NOWHERE;
}
