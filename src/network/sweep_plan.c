/* The plan of a sweep, made before anything runs: which values depend on a moving
   parameter and on a wanted one, and where their memory lies.

   A cotangent is not needed any more once the node that made its value has been passed
   on the way up, so its memory goes to the next value that needs some. */
#include "network/sweep_inner.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>

const hesse_pace hesse_pace_of_panels = {.stretch = 48, .near = 32};

/* CACHE and ROOM count numbers: a MiB and 64 MiB. The tangents of tokens that go
   together take ROOM, and as much as the vectors; more than TOKENS tokens are not worth
   their memory. */
enum {
    CACHE = (1 << 20) / sizeof(real),
    ROOM = (1 << 26) / sizeof(real),
    TOKENS = 512
};

static int stretch_of(const hesse_tape *t, hesse_pace pace)
{
    if (t->coupled) return t->sequences;
    const int most = pace.stretch / t->context;
    return most < 1 ? 1 : most > t->window ? t->window : most;
}

hesse_pace hesse_pace_of_products(const hesse_tape *t, int k, size_t coordinates)
{
    const size_t most = coordinates * (size_t)k;
    size_t token = 0; /* numbers of a token's tangents and cotangents */
    if (most <= CACHE) return hesse_pace_of_panels;
    for (const hesse_shape *x = t->shapes; x < t->shapes + t->n_shapes; x++)
        token += 2 * x->values * hesse_stride(x->width, k);
    const size_t tokens = (most + ROOM) / (token + 1);
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
    if (!s->slots || !s->held) {
        hesse_sweep_free(s);
        return NULL;
    }
    return s;
}

void hesse_sweep_free(hesse_sweep *s)
{
    if (!s) return;
    free(s->arena);
    free(s->held);
    free(s->slots);
    free(s);
}

/* Return the number of entries in k tangents of a value, for a stretch or for a whole
   parameter. */
static size_t size_of(const hesse_value *v, int k, int stretch)
{
    if (v->param >= 0) return v->count * (size_t)k;
    if (!v->width) return (size_t)k;
    return (size_t)stretch * (size_t)v->tokens * hesse_stride(v->width, k);
}

/* Mark the values that depend on a moving parameter and on a wanted one, and set the
   places of parameters. */
static void mark(hesse_sweep *s, const bool *moves, const hesse_rect *want)
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

/* Freed pieces that can be used again. */
typedef struct pool {
    hesse_hold free[PIECES];
    int count;
    size_t end; /* of the arena so far */
} pool;

/* Only a piece of exactly the same size is used again. So a plan with fewer values
   never needs more memory, whatever the order. */
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

/* If a node only passes its cotangent on, the first input that no other node has
   written to takes over its memory: nobody reads the cotangent of the output any more.
 */
static bool take_over(hesse_sweep *s, const hesse_node *n, int input)
{
    hesse_hold *out = &s->held[n->out];
    if (!n->op->passes || n->in[0] == n->in[1] || !out->size) return false;
    assert(out->size == size_of(&s->t->values[n->in[input]], s->k, s->stretch));
    s->held[n->in[input]] = *out;
    *out = (hesse_hold){0};
    return true;
}

/* Set the places of all tangents, then of the cotangents in the order of the way up.
   Without an arena it only counts. Returns the size of the arena. */
static size_t place(hesse_sweep *s, real *arena)
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
            if (!take_over(s, n, j))
                held[n->in[j]] =
                    take(&p, size_of(&t->values[n->in[j]], s->k, s->stretch));
            if (arena) x->c = arena + held[n->in[j]].at;
            x->first_writer = i;
        }
        give(&p, held[n->out]);
    }
    return p.end;
}

bool hesse_sweep_plan(hesse_sweep *s, const bool *moves, const hesse_rect *want)
{
    mark(s, moves, want);
    const size_t need = place(s, NULL);
    if (need > s->room) {
        free(s->arena);
        s->arena = hesse_alloc_real(need);
        s->room = s->arena ? need : 0;
    }
    if (s->arena || !need) place(s, s->arena);
    return s->arena || !need;
}

size_t hesse_sweep_bytes(const hesse_tape *t, int k, hesse_pace pace)
{
    const size_t stretch = (size_t)stretch_of(t, pace);
    size_t total = t->in_vectors * (size_t)k;
    for (const hesse_shape *x = t->shapes; x < t->shapes + t->n_shapes; x++)
        total += 2 * x->values *
                 (x->width ? stretch * (size_t)x->tokens * hesse_stride(x->width, k)
                           : (size_t)k);
    return total * sizeof(real) +
           (size_t)t->n_values * (sizeof(hesse_slot) + sizeof(hesse_hold)) +
           sizeof(hesse_sweep);
}

size_t hesse_sweep_rows(const hesse_sweep *s)
{
    return s->rows;
}

size_t hesse_sweep_row_of(const hesse_sweep *s, int param)
{
    return s->slots[s->t->value_of[param]].row;
}

size_t hesse_sweep_direction_of(const hesse_sweep *s, int param)
{
    return s->slots[s->t->value_of[param]].from;
}
