/* Every sweep is one loop over the nodes of the tape, for a few sequences at a time so
   that what it touches stays near the processor. Tangents go down once; up, for every
   share, go the tangents of the adjoints, by the same function that makes the gradient,
   and every operator of the share adds the curvature of its own.

   A cotangent is dead once the node that made its value has been passed on the way up,
   so its memory goes to the next that needs some. */
#include "model/sweep.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { NEAR = 32 };   /* tokens that pass the nodes between two attentions together */
enum { TOKENS = 48 }; /* at least half of this many in a stretch of sequences */

typedef struct slot {
    bool moves, wanted; /* depends on what moves, on what is wanted              */
    double *d, *c;      /* tangents and cotangents of one stretch; NULL: none    */
    int first_writer;   /* node that zeroes c before it adds, going up           */
    hesse_rect rect;    /* of a parameter: what is wanted of it                  */
    size_t row, from;   /* of a parameter: first row of results, of directions   */
} slot;

/* A piece of the arena. */
typedef struct piece {
    size_t at, size;
} piece;

struct hesse_sweep {
    const hesse_tape *t;
    int k, stretch; /* directions; sequences at a time */
    size_t rows;
    slot *slots;   /* one a value                      */
    int *value_of; /* of every parameter, its value    */
    piece *held;   /* what a value's cotangents hold of the arena, while planning */
    double *arena;
    size_t room;
};

static int stretch_of(const hesse_tape *t)
{
    const int most = TOKENS / t->context;
    return most < 1 ? 1 : most > t->sequences ? t->sequences : most;
}

hesse_sweep *hesse_sweep_new(const hesse_tape *t, int k)
{
    hesse_sweep *s = hesse_calloc(1, sizeof *s);
    if (!s) return NULL;
    *s = (hesse_sweep){.t = t, .k = k, .stretch = stretch_of(t)};
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

static int inputs(const hesse_node *n)
{
    return n->op->activations + n->op->parameters;
}

/* Numbers in k tangents of a value: of a stretch, or of a whole parameter. */
static size_t size_of(const hesse_tape *t, const hesse_value *v, int k, int stretch)
{
    if (v->param >= 0) return v->count * (size_t)k;
    if (!v->width) return (size_t)k;
    return (size_t)stretch * (size_t)t->context * hesse_stride(v->width, k);
}

/* Which values depend on what moves and on what is wanted, and where parameters lie. */
void hesse_sweep_mark(hesse_sweep *s, const bool *moves, const hesse_rect *want)
{
    size_t from = 0;
    s->rows = 0;
    for (int i = 0; i < s->t->n_values; i++) {
        const hesse_value *v = &s->t->values[i];
        slot *x = &s->slots[i];
        *x = (slot){.first_writer = -1};
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
        for (int j = 0; j < inputs(n); j++) {
            s->slots[n->out].moves |= s->slots[n->in[j]].moves;
            s->slots[n->out].wanted |= s->slots[n->in[j]].wanted;
        }
    }
}

enum { PIECES = 64 };

/* Freed pieces, to be used again. */
typedef struct pool {
    piece free[PIECES];
    int count;
    size_t end; /* of the arena so far */
} pool;

/* Only pieces of the very size are used again: then a plan that touches less never needs
   more, whatever the order. */
static piece take(pool *p, size_t size)
{
    for (int i = 0; i < p->count; i++)
        if (p->free[i].size == size) {
            const piece found = p->free[i];
            p->free[i] = p->free[--p->count];
            return found;
        }
    const piece fresh = {p->end, size};
    p->end += size;
    return fresh;
}

static void give(pool *p, piece x)
{
    if (x.size && p->count < PIECES) p->free[p->count++] = x;
}

/* Places of all tangents, then of the cotangents by the order of the way up. Without an
   arena it only counts. Returns the size of the arena. */
static size_t place(hesse_sweep *s, double *arena)
{
    const hesse_tape *t = s->t;
    piece *held = s->held;
    pool p = {.end = 0};
    for (int i = 0; i < t->n_values; i++) {
        const hesse_value *v = &t->values[i];
        slot *x = &s->slots[i];
        held[i] = (piece){0};
        x->first_writer = -1;
        const bool tangent =
            x->moves && (v->param < 0 ? v->width > 0 : v->rect.rows == 1);
        if (!tangent) continue;
        if (arena) x->d = arena + p.end;
        p.end += size_of(t, v, s->k, s->stretch);
    }
    for (int i = t->n_nodes; i-- > 0;) {
        const hesse_node *n = &t->nodes[i];
        for (int j = 0; j < n->op->activations; j++) {
            slot *x = &s->slots[n->in[j]];
            if (!x->wanted || held[n->in[j]].size) continue;
            held[n->in[j]] =
                take(&p, size_of(t, &t->values[n->in[j]], s->k, s->stretch));
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

size_t hesse_sweep_bytes(const hesse_tape *t, int k)
{
    size_t total = 0;
    for (int i = 0; i < t->n_values; i++) {
        const hesse_value *v = &t->values[i];
        if (v->param < 0) total += 2 * size_of(t, v, k, stretch_of(t));
        if (v->param >= 0 && v->rect.rows == 1) total += size_of(t, v, k, 0);
    }
    return total * sizeof(double);
}

size_t hesse_sweep_rows(const hesse_sweep *s)
{
    return s->rows;
}

/* Numbers of tangents and cotangents that the loops of a node pass. */
static double elements_of(const hesse_sweep *s, const hesse_node *n, int shares)
{
    const double tokens = n->d.n;
    const int width = s->t->values[n->out].width;
    double numbers = s->slots[n->out].moves ? width : 0;
    for (int i = 0; i < n->op->activations; i++)
        if (s->slots[n->in[i]].wanted)
            numbers += (double)shares * s->t->values[n->in[i]].width;
    return numbers * tokens;
}

hesse_work hesse_sweep_work(const hesse_sweep *s, int shares)
{
    hesse_work work = {0};
    for (const hesse_node *n = s->t->nodes; n < s->t->nodes + s->t->n_nodes; n++) {
        hesse_use use = {.shares = shares};
        for (int i = 0; i < inputs(n); i++) {
            const slot *x = &s->slots[n->in[i]];
            use.moves[i] = x->moves, use.wanted[i] = x->wanted, use.want[i] = x->rect;
        }
        if (n->op->work)
            work.products += n->op->work(&n->d, &use);
        else
            work.elements += elements_of(s, n, shares);
    }
    return work;
}

size_t hesse_sweep_row_of(const hesse_sweep *s, int param)
{
    return s->slots[s->value_of[param]].row;
}

size_t hesse_sweep_direction_of(const hesse_sweep *s, int param)
{
    return s->slots[s->value_of[param]].from;
}

/* Tokens on their way through the nodes: of a stretch, which begins at token `origin`. */
typedef struct pass {
    hesse_sweep *s;
    const hesse_directions *v;
    int origin, first, count;
} pass;

/* Where the first token of a pass lies in a stretch's tangents or cotangents. */
static double *at_token(const pass *p, const hesse_value *v, double *stretch)
{
    if (!stretch || v->param >= 0 || !v->width) return stretch;
    return stretch + (size_t)(p->first - p->origin) * hesse_stride(v->width, p->v->k);
}

/* What the operator of a node sees; what the plan did not mark is NULL. */
static hesse_frame frame_of(const pass *p, const hesse_node *n, double *hv)
{
    const hesse_tape *t = p->s->t;
    hesse_frame f = hesse_tape_frame(t, n, p->first, p->count);
    f.k = p->v->k;
    for (int i = 0; i < inputs(n); i++) {
        const hesse_value *in = &t->values[n->in[i]];
        const slot *x = &p->s->slots[n->in[i]];
        f.dx[i] = at_token(p, in, x->d);
        f.cx[i] = at_token(p, in, x->c);
        if (in->param < 0) continue;
        if (x->moves && !x->d && p->v->unit) f.unit[i] = p->v->unit;
        if (x->moves && !x->d && !p->v->unit) f.dx[i] = p->v->v + x->from * (size_t)f.k;
        f.cx[i] = hv && x->wanted ? hv + x->row * (size_t)f.k : NULL;
        f.want[i] = x->rect;
    }
    f.dy = at_token(p, &t->values[n->out], p->s->slots[n->out].d);
    f.cy = at_token(p, &t->values[n->out], p->s->slots[n->out].c);
    return f;
}

/* A vector's directions are always dense: a few numbers. */
static void fill_vectors(const hesse_sweep *s, const hesse_directions *v)
{
    for (int i = 0; i < s->t->n_values; i++) {
        const hesse_value *x = &s->t->values[i];
        const size_t k = (size_t)v->k, size = x->count * k;
        double *d = s->slots[i].d;
        if (x->param < 0 || !d) continue;
        if (!v->unit) {
            memcpy(d, v->v + s->slots[i].from * k, size * sizeof *d);
            continue;
        }
        memset(d, 0, size * sizeof *d);
        for (size_t j = 0; j < k; j++) d[(size_t)v->unit[j] * k + j] = 1;
    }
}

static void down(const pass *p, int node)
{
    const hesse_node *n = &p->s->t->nodes[node];
    if (!p->s->slots[n->out].d) return;
    const hesse_frame f = frame_of(p, n, NULL);
    n->op->tangent(&f);
}

/* The first to write a cotangent is told, or finds zeros to add to. */
static void begin(const pass *p, int node, hesse_frame *f)
{
    const hesse_node *n = &p->s->t->nodes[node];
    const bool square = n->op->activations > 1 && n->in[0] == n->in[1];
    for (int i = 0; i < n->op->activations; i++) {
        const slot *x = &p->s->slots[n->in[i]];
        const size_t stride = hesse_stride(p->s->t->values[n->in[i]].width, f->k);
        if (!x->c || x->first_writer != node) continue;
        f->fresh[i] = n->op->sets && f->cy && !square;
        if (!f->fresh[i])
            memset(f->cx[i], 0, sizeof(double) * (size_t)p->count * stride);
    }
}

static void up(const pass *p, int node, hesse_kinds kinds, double *hv)
{
    const hesse_node *n = &p->s->t->nodes[node];
    if (!p->s->slots[n->out].wanted) return;
    hesse_frame f = frame_of(p, n, hv);
    begin(p, node, &f);
    if (f.cy) n->op->adjoint(&f);
    if (p->s->slots[n->out].moves && n->op->kind & kinds) n->op->curvature(&f);
}

/* Nodes first ... end - 1 that the same tokens pass one after the other: one node where
   tokens meet, else as many as there are between such nodes. */
typedef struct run {
    int first, end;
    bool near;
} run;

static run run_from(const hesse_tape *t, int first, int step)
{
    int i = first;
    while (i >= 0 && i < t->n_nodes && !t->nodes[i].op->sequences) i += step;
    const bool near = i != first;
    if (!near) i += step;
    return step > 0 ? (run){first, i, near} : (run){i + 1, first + 1, near};
}

/* The tokens of a stretch that pass a run together, from this one on. */
static pass tokens_from(const pass *p, run r, int first)
{
    pass few = *p;
    const int left = p->origin + p->count - first;
    few.first = first;
    few.count = r.near && left > NEAR ? NEAR : left;
    return few;
}

static void all_down(const pass *p)
{
    const hesse_tape *t = p->s->t;
    for (run r = {0}; r.end < t->n_nodes;) {
        r = run_from(t, r.end, 1);
        for (pass few = tokens_from(p, r, p->origin); few.count;
             few = tokens_from(p, r, few.first + few.count))
            for (int i = r.first; i < r.end; i++) down(&few, i);
    }
}

static void all_up(const pass *p, hesse_kinds kinds, double *hv)
{
    const hesse_tape *t = p->s->t;
    for (run r = {.first = t->n_nodes}; r.first > 0;) {
        r = run_from(t, r.first - 1, -1);
        for (pass few = tokens_from(p, r, p->origin); few.count;
             few = tokens_from(p, r, few.first + few.count))
            for (int i = r.end; i-- > r.first;) up(&few, i, kinds, hv);
    }
}

void hesse_sweep_run(hesse_sweep *s, const hesse_directions *v, int first, int count,
                     int shares, const hesse_kinds *kinds, double *const *hv)
{
    const int context = s->t->context, end = (first + count) * context;
    assert(1 <= v->k && v->k <= s->k);
    for (int i = 0; i < shares; i++)
        memset(hv[i], 0, sizeof(double) * s->rows * (size_t)v->k);
    fill_vectors(s, v);
    for (int token = first * context; token < end; token += s->stretch * context) {
        const int left = end - token, most = s->stretch * context;
        const pass p = {s, v, token, token, left < most ? left : most};
        all_down(&p);
        for (int i = 0; i < shares; i++) all_up(&p, kinds[i], hv[i]);
    }
}
