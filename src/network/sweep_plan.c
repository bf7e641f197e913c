/* What a sweep touches and where that lies, before anything runs: which values depend
   on what moves and on what is wanted, their memory, and the operations.

   A cotangent is dead once the node that made its value has been passed on the way up,
   so its memory goes to the next that needs some. */
#include "network/sweep_inner.h"

#include "base/memory.h"

#include <stdlib.h>

const hesse_pace hesse_pace_of_panels = {.stretch = 48, .near = 32};

enum {
    CACHE = 1 << 17,
    TOKENS = 512
}; /* numbers; tokens that are worth their memory */

static int stretch_of(const hesse_tape *t, hesse_pace pace)
{
    if (t->coupled) return t->sequences;
    const int most = pace.stretch / t->context;
    return most < 1 ? 1 : most > t->window ? t->window : most;
}

hesse_pace hesse_pace_of_products(const hesse_tape *t, int k, size_t coordinates)
{
    const size_t most = coordinates * (size_t)k;
    size_t token = 0; /* numbers of its tangents and cotangents */
    if (most <= CACHE) return hesse_pace_of_panels;
    for (int i = 0; i < t->n_values; i++)
        if (t->values[i].param < 0) token += 2 * hesse_stride(t->values[i].width, k);
    const size_t tokens = (most + 8 * CACHE) / (token + 1);
    const int some = tokens < TOKENS ? (int)tokens : TOKENS;
    return (hesse_pace){.stretch = some < 48 ? 48 : some, .near = TOKENS};
}

hesse_sweep *hesse_sweep_new(hesse_tape *t, int k, hesse_pace pace)
{
    hesse_sweep *s = hesse_calloc(1, sizeof *s);
    if (!s) return NULL;
    *s = (hesse_sweep){
        .t = t, .k = k, .stretch = stretch_of(t, pace), .near = pace.near};
    s->slots = hesse_calloc((size_t)t->n_values, sizeof *s->slots);
    s->held = hesse_calloc((size_t)t->n_values, sizeof *s->held);
    s->value_of = hesse_calloc((size_t)t->n_params, sizeof *s->value_of);
    if (!s->slots || !s->held || !s->value_of) {
        hesse_sweep_free(s);
        return NULL;
    }
    for (int i = 0; i < t->n_values; i++)
        if (t->values[i].param >= 0) s->value_of[t->values[i].param] = i;
    return s;
}

void hesse_sweep_free(hesse_sweep *s)
{
    if (!s) return;
    free(s->arena);
    free(s->value_of);
    free(s->held);
    free(s->slots);
    free(s);
}

/* Numbers in k tangents of a value: of a stretch, or of a whole parameter. */
static size_t size_of(const hesse_value *v, int k, int stretch)
{
    if (v->param >= 0) return v->count * (size_t)k;
    if (!v->width) return (size_t)k;
    return (size_t)stretch * (size_t)v->tokens * hesse_stride(v->width, k);
}

/* Which values depend on what moves and on what is wanted, and where parameters lie. */
void hesse_sweep_mark(hesse_sweep *s, const bool *moves, const hesse_rect *want)
{
    size_t from = 0;
    s->rows = 0;
    for (int i = 0; i < s->t->n_values; i++) {
        const hesse_value *v = &s->t->values[i];
        hesse_slot *x = &s->slots[i];
        *x = (hesse_slot){.first_writer = -1};
        if (v->param < 0) continue;
        x->moves = moves[v->param];
        x->rect = want[v->param];
        x->wanted = x->rect.rows > 0;
        x->row = s->rows, x->from = from;
        if (x->wanted) s->rows += (size_t)x->rect.rows * (size_t)x->rect.cols;
        if (x->moves) from += v->count;
    }
    for (int i = 0; i < s->t->n_nodes; i++) {
        const hesse_node *n = &s->t->nodes[i];
        for (int j = 0; j < hesse_inputs(n); j++) {
            s->slots[n->out].moves |= s->slots[n->in[j]].moves;
            s->slots[n->out].wanted |= s->slots[n->in[j]].wanted;
        }
    }
}

enum { PIECES = 64 };

/* Freed pieces, to be used again. */
typedef struct pool {
    hesse_hold free[PIECES];
    int count;
    size_t end; /* of the arena so far */
} pool;

/* Only pieces of the very size are used again: then a plan that touches less never
   needs more, whatever the order. */
static hesse_hold take(pool *p, size_t size)
{
    for (int i = 0; i < p->count; i++)
        if (p->free[i].size == size) {
            const hesse_hold found = p->free[i];
            p->free[i] = p->free[--p->count];
            return found;
        }
    const hesse_hold fresh = {p->end, size};
    p->end += size;
    return fresh;
}

static void give(pool *p, hesse_hold x)
{
    if (x.size && p->count < PIECES) p->free[p->count++] = x;
}

/* Places of all tangents, then of the cotangents by the order of the way up. Without an
   arena it only counts. Returns the size of the arena. */
static size_t place(hesse_sweep *s, double *arena)
{
    const hesse_tape *t = s->t;
    hesse_hold *held = s->held;
    pool p = {.end = 0};
    for (int i = 0; i < t->n_values; i++) {
        const hesse_value *v = &t->values[i];
        hesse_slot *x = &s->slots[i];
        held[i] = (hesse_hold){0};
        x->first_writer = -1;
        const bool tangent =
            x->moves && (v->param < 0 ? v->width > 0 : v->rect.rows == 1);
        if (!tangent) continue;
        if (arena) x->d = arena + p.end;
        p.end += size_of(v, s->k, s->stretch);
    }
    for (int i = t->n_nodes; i-- > 0;) {
        const hesse_node *n = &t->nodes[i];
        for (int j = 0; j < n->op->activations; j++) {
            hesse_slot *x = &s->slots[n->in[j]];
            if (!x->wanted || held[n->in[j]].size) continue;
            held[n->in[j]] = take(&p, size_of(&t->values[n->in[j]], s->k, s->stretch));
            if (arena) x->c = arena + held[n->in[j]].at;
            x->first_writer = i;
        }
        give(&p, held[n->out]);
    }
    return p.end;
}

bool hesse_sweep_plan(hesse_sweep *s, const bool *moves, const hesse_rect *want)
{
    hesse_sweep_mark(s, moves, want);
    const size_t need = place(s, NULL);
    if (need > s->room) {
        free(s->arena);
        s->arena = hesse_alloc(need);
        s->room = s->arena ? need : 0;
    }
    if (s->arena || !need) place(s, s->arena);
    return s->arena || !need;
}

size_t hesse_sweep_bytes(const hesse_tape *t, int k, hesse_pace pace)
{
    size_t total = 0;
    for (int i = 0; i < t->n_values; i++) {
        const hesse_value *v = &t->values[i];
        if (v->param < 0) total += 2 * size_of(v, k, stretch_of(t, pace));
        if (v->param >= 0 && v->rect.rows == 1) total += size_of(v, k, 0);
    }
    return total * sizeof(double) +
           (size_t)t->n_values * (sizeof(hesse_slot) + sizeof(hesse_hold)) +
           (size_t)t->n_params * sizeof(int) + sizeof(hesse_sweep);
}

size_t hesse_sweep_rows(const hesse_sweep *s)
{
    return s->rows;
}

/* Numbers in the tangents that go down and the cotangents that go up, of so many tokens
   of the inputs. */
static double elements_of(const hesse_sweep *s, const hesse_node *n, int tokens,
                          int shares)
{
    const hesse_value *out = &s->t->values[n->out];
    double numbers = 0;
    if (s->slots[n->out].moves)
        numbers = (double)hesse_tape_first(s->t, n, tokens) * out->width;
    for (int i = 0; i < n->op->activations; i++)
        if (s->slots[n->in[i]].wanted)
            numbers += (double)shares * tokens * s->t->values[n->in[i]].width;
    return numbers;
}

/* Of a node for one direction and so many tokens of its inputs, all that goes down once
   and up for every share. */
static hesse_work node_work(const hesse_sweep *s, const hesse_node *n, int tokens,
                            int shares, bool dense)
{
    hesse_use use = {.shares = shares, .dense = dense};
    hesse_dims d = n->d;
    d.n = tokens;
    for (int i = 0; i < hesse_inputs(n); i++) {
        const hesse_slot *x = &s->slots[n->in[i]];
        use.moves[i] = x->moves, use.wanted[i] = x->wanted, use.want[i] = x->rect;
    }
    if (n->op->work) return (hesse_work){.products = n->op->work(&d, &use)};
    return (hesse_work){.elements = elements_of(s, n, tokens, shares)};
}

hesse_work hesse_sweep_work(const hesse_sweep *s, int shares, bool dense)
{
    hesse_work work = {0};
    for (const hesse_node *n = s->t->nodes; n < s->t->nodes + s->t->n_nodes; n++)
        work = hesse_work_add(work, 1, node_work(s, n, n->d.n, shares, dense));
    return work;
}

/* Tokens of a sequence where directions of an output begin. */
static int tokens_of_output(const hesse_sweep *s)
{
    const hesse_node *n = s->t->nodes;
    while (!hesse_reads_what_moves(s, n)) n++;
    return n->d.t;
}

/* The first node of those at the end that the same tokens pass. */
static int last_run(const hesse_tape *t)
{
    int i = t->n_nodes;
    const int tokens = t->nodes[i - 1].d.t;
    while (i > 0 && !t->nodes[i - 1].op->sequences && t->nodes[i - 1].d.t == tokens)
        i--;
    return i;
}

hesse_work hesse_sweep_output_work(const hesse_sweep *s, int shares, int first,
                                   int count)
{
    const hesse_tape *t = s->t;
    hesse_work work = {0};
    const int last = last_run(t);
    int live = count, of = tokens_of_output(s); /* so many of a sequence; 0: all live */
    for (int i = 0; i < t->n_nodes; i++) {
        const hesse_node *n = &t->nodes[i];
        const int tokens = n->d.t;
        const int few = tokens == of ? live : tokens;
        const int down = n->op->sequences ? tokens : few;
        const int up = i < last ? tokens : few;
        work = hesse_work_add(work, 1, node_work(s, n, down, 0, false));
        work = hesse_work_add(work, 1, node_work(s, n, up, shares, false));
        work = hesse_work_add(work, -1, node_work(s, n, up, 0, false));
        if (!n->op->sequences || !s->slots[n->out].moves) continue;
        live = tokens - first;
        if (hesse_reaches_all(n)) of = 0;
    }
    return work;
}

bool hesse_sweep_wants(const hesse_sweep *s, int value)
{
    return s->slots[value].wanted;
}

size_t hesse_sweep_row_of(const hesse_sweep *s, int param)
{
    return s->slots[s->value_of[param]].row;
}

size_t hesse_sweep_direction_of(const hesse_sweep *s, int param)
{
    return s->slots[s->value_of[param]].from;
}
