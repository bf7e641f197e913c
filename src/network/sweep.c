/* Every sweep is one loop over the nodes of the tape, for a few sequences at a time, so
   that the numbers it needs stay near the processor. Tangents go down once. Then, for
   every share, the tangents of the adjoints go up, by the same function that makes the
   gradient, and every operator of the share adds its own curvature.

   Between two attentions tokens do not meet. A unit direction of an output at one token
   has tangents of that token alone up to the next attention; in causal attention the
   tokens before it get none. After the last attention only the tokens that have
   tangents have cotangents. The other tokens are not computed; they are only cleared if
   an attention or another run reads them. Any other operator that lets tokens meet, or
   changes the number of tokens, brings tangents to all tokens.

   Tokens are counted in the batch of the value that they belong to. A stretch consists
   of whole sequences, however many tokens these have. */
#include "network/sweep_inner.h"

#include <assert.h>
#include <string.h>

/* Tokens, or sequences, first ... end - 1 of the batch. */
typedef struct span {
    int first, end;
} span;

/* Tokens on their way through the nodes. */
typedef struct pass {
    hesse_sweep *s;
    const hesse_directions *v;
    span sequences; /* of the stretch */
    int t;     /* `live` holds for values with t tokens per sequence; 0: all tokens are
                  live */
    span live; /* in values with t tokens, the tokens that tangents have come to */
    span now;
} pass;

/* Return all tokens of the stretch in a value with t tokens per sequence. */
static span all_of(const pass *p, int t)
{
    return (span){p->sequences.first * t, p->sequences.end * t};
}

/* Return the tokens that may have tangents. */
static span live_of(const pass *p, int t)
{
    return p->t == t ? p->live : all_of(p, t);
}

/* Return the place of a token in a stretch's tangents or cotangents. */
static real *at_token(const pass *p, const hesse_value *v, real *stretch, size_t token)
{
    if (!stretch || v->param >= 0 || !v->width) return stretch;
    return stretch + (token - (size_t)p->sequences.first * (size_t)v->tokens) *
                         hesse_stride(v->width, p->v->k);
}

/* Return the frame of a node for its operator. Arrays that the plan did not mark are
   NULL. */
static hesse_frame frame_of(const pass *p, const hesse_node *n, real *hv)
{
    const hesse_tape *t = p->s->t;
    hesse_frame f = hesse_tape_frame(t, n, p->now.first, p->now.end - p->now.first);
    f.k = p->v->k;
    for (int i = 0; i < hesse_inputs(n); i++) {
        const hesse_value *in = &t->values[n->in[i]];
        const hesse_slot *x = &p->s->slots[n->in[i]];
        f.dx[i] = at_token(p, in, x->d, (size_t)p->now.first);
        f.cx[i] = at_token(p, in, x->c, (size_t)p->now.first);
        if (in->param < 0) continue;
        if (x->moves && !x->d) f.unit[i] = p->v->unit;
        if (x->moves && !x->d && p->v->v) f.dx[i] = p->v->v + x->from * (size_t)f.k;
        f.cx[i] = hv && x->wanted ? hv + x->row * (size_t)f.k : NULL;
        f.want[i] = x->rect;
    }
    const hesse_value *out = &t->values[n->out];
    const size_t first = hesse_tape_first(t, n, p->now.first);
    f.dy = at_token(p, out, p->s->slots[n->out].d, first);
    f.cy = at_token(p, out, p->s->slots[n->out].c, first);
    return f;
}

/* The directions of a vector are always made dense: they are only a few numbers. */
static void fill_vectors(const hesse_sweep *s, const hesse_directions *v)
{
    for (int i = 0; i < s->t->n_values; i++) {
        const hesse_value *x = &s->t->values[i];
        const size_t k = (size_t)v->k, size = x->count * k;
        real *d = s->slots[i].d;
        if (x->param < 0 || !d) continue;
        if (v->v) {
            memcpy(d, v->v + s->slots[i].from * k, size * sizeof *d);
            continue;
        }
        memset(d, 0, size * sizeof *d);
        for (size_t j = 0; v->unit && j < k; j++) d[(size_t)v->unit[j] * k + j] = 1;
    }
}

/* Put unit directions of the output in place of a tangent. */
static void inject(const pass *p, const hesse_node *n)
{
    const hesse_value *out = &p->s->t->values[n->out];
    const int k = p->v->k;
    const size_t stride = hesse_stride(out->width, k);
    for (int token = p->now.first; token < p->now.end; token++) {
        real *dy = at_token(p, out, p->s->slots[n->out].d, (size_t)token);
        memset(dy, 0, stride * sizeof *dy);
        for (int j = 0; j < k; j++)
            if (p->v->output[j] / out->width == token % out->tokens)
                dy[(size_t)(p->v->output[j] % out->width) * (size_t)k + (size_t)j] = 1;
    }
}

static void down(const pass *p, int node)
{
    const hesse_node *n = &p->s->t->nodes[node];
    if (!p->s->slots[n->out].d) return;
    if (p->v->output && hesse_reads_what_moves(p->s, n)) {
        inject(p, n);
        return;
    }
    const hesse_frame f = frame_of(p, n, NULL);
    n->op->tangent(&f);
}

/* The first node that writes a cotangent is told to overwrite it, or finds zeros to add
   to. `bends` tells whether its curvature is called. */
static void begin(const pass *p, int node, bool bends, hesse_frame *f)
{
    const hesse_node *n = &p->s->t->nodes[node];
    const bool square = n->op->activations > 1 && n->in[0] == n->in[1];
    for (int i = 0; i < n->op->activations; i++) {
        const hesse_slot *x = &p->s->slots[n->in[i]];
        const size_t stride = hesse_stride(p->s->t->values[n->in[i]].width, f->k);
        if (!x->c || x->first_writer != node) continue;
        f->fresh[i] = !square && (f->cy ? n->op->sets : bends && n->op->bends);
        if (!f->fresh[i]) memset(f->cx[i], 0, sizeof(real) * (size_t)f->d.n * stride);
    }
}

static void up(const pass *p, int node, hesse_kinds kinds, real *hv)
{
    const hesse_node *n = &p->s->t->nodes[node];
    if (!p->s->slots[n->out].wanted) return;
    hesse_frame f = frame_of(p, n, hv);
    const bool bends = p->s->slots[n->out].moves && n->op->kind & kinds;
    begin(p, node, bends, &f);
    if (f.cy) {
        n->op->adjoint(&f);
        memset(f.fresh, 0, sizeof f.fresh);
    }
    if (bends) n->op->curvature(&f);
}

/* Nodes first ... end - 1 that the same tokens pass one after the other. It is one node
   if tokens meet there; else it is all nodes up to the next node where tokens meet or
   where the number of tokens per sequence changes. */
typedef struct run {
    int first, end;
    bool near;
} run;

static run run_from(const hesse_tape *t, int first, int step)
{
    int i = first;
    while (i >= 0 && i < t->n_nodes && !t->nodes[i].op->sequences &&
           t->nodes[i].d.t == t->nodes[first].d.t)
        i += step;
    const bool near = i != first;
    if (!near) i += step;
    return step > 0 ? (run){first, i, near} : (run){i + 1, first + 1, near};
}

/* Return the tokens of `all`, from `first` on, that go through a run together. */
static pass tokens_from(const pass *p, run r, span all, int first)
{
    pass few = *p;
    const bool more = r.near && all.end - first > p->s->near;
    few.now = (span){first, more ? first + p->s->near : all.end};
    return few;
}

/* Set the tokens to zero that the tangents of a run left out. */
static void clear_dead(const pass *p, int value, real *a)
{
    const hesse_value *v = &p->s->t->values[value];
    const size_t token = hesse_stride(v->width, p->v->k) * sizeof *a;
    if (!a || !v->width) return;
    const span all = all_of(p, v->tokens), live = live_of(p, v->tokens);
    memset(a, 0, (size_t)(live.first - all.first) * token);
    memset(at_token(p, v, a, (size_t)live.end), 0,
           (size_t)(all.end - live.end) * token);
}

/* If tokens meet in a node, every token that attends to a token with a tangent gets
   one. */
static void spread(pass *p, const hesse_node *n)
{
    if (!p->s->slots[n->out].moves) return;
    p->live.end = all_of(p, p->t).end;
    if (hesse_reaches_all(n)) p->t = 0;
}

static void all_down(pass *p)
{
    const hesse_tape *t = p->s->t;
    for (run r = {0}; r.end < t->n_nodes;) {
        r = run_from(t, r.end, 1);
        const int tokens = t->nodes[r.first].d.t;
        const span all = r.near ? live_of(p, tokens) : all_of(p, tokens);
        for (pass few = tokens_from(p, r, all, all.first); few.now.first < all.end;
             few = tokens_from(p, r, all, few.now.end))
            for (int i = r.first; i < r.end; i++) down(&few, i);
        if (!r.near) spread(p, &t->nodes[r.first]);
        for (int i = r.first; r.near && r.end < t->n_nodes && i < r.end; i++)
            clear_dead(p, t->nodes[i].out, p->s->slots[t->nodes[i].out].d);
    }
}

/* After the last run tokens do not meet any more: a token without tangents has
   cotangents of zero. Cotangents that go on to earlier nodes go on for all tokens. */
static void clear_cotangents(const pass *p, run last)
{
    const hesse_tape *t = p->s->t;
    for (int i = last.first; i < last.end; i++)
        for (int j = 0; j < t->nodes[i].op->activations; j++) {
            const int value = t->nodes[i].in[j];
            const hesse_slot *x = &p->s->slots[value];
            if (value < t->nodes[last.first].out && x->first_writer == i)
                clear_dead(p, value, x->c);
        }
}

static void all_up(const pass *p, hesse_kinds kinds, real *hv)
{
    const hesse_tape *t = p->s->t;
    for (run r = {.first = t->n_nodes}; r.first > 0;) {
        r = run_from(t, r.first - 1, -1);
        const bool last = r.near && r.end == t->n_nodes;
        const int tokens = t->nodes[r.first].d.t;
        const span all = last ? live_of(p, tokens) : all_of(p, tokens);
        if (last) clear_cotangents(p, r);
        for (pass few = tokens_from(p, r, all, all.first); few.now.first < all.end;
             few = tokens_from(p, r, all, few.now.end))
            for (int i = r.end; i-- > r.first;) up(&few, i, kinds, hv);
    }
}

/* Begin with the tokens of unit directions of an output, in a stretch of one
   sequence. */
static void begin_at_output(pass *p)
{
    const hesse_directions *v = p->v;
    if (!v->output || p->sequences.end - p->sequences.first > 1) return;
    const hesse_value *out = NULL;
    for (const hesse_node *n = p->s->t->nodes; !out; n++)
        if (hesse_reads_what_moves(p->s, n)) out = &p->s->t->values[n->out];
    const span all = all_of(p, out->tokens);
    p->t = out->tokens, p->live = (span){all.end, all.first};
    for (int j = 0; j < v->k; j++) {
        const int token = all.first + v->output[j] / out->width;
        if (token < p->live.first) p->live.first = token;
        if (token >= p->live.end) p->live.end = token + 1;
    }
}

void hesse_sweep_run(hesse_sweep *s, const hesse_directions *v, int first, int count,
                     int shares, const hesse_kinds *kinds, real *const *hv)
{
    const int end = first + count;
    assert(1 <= v->k && v->k <= s->k);
    assert(!s->t->coupled || !count || (count == s->stretch && !v->output));
    for (int i = 0; i < shares; i++)
        memset(hv[i], 0, sizeof(real) * s->rows * (size_t)v->k);
    fill_vectors(s, v);
    for (int at = first; at < end; at += s->stretch) {
        const int next = end - at < s->stretch ? end : at + s->stretch;
        hesse_tape_seek(s->t, at, next - at);
        pass p = {.s = s, .v = v, .sequences = {at, next}};
        begin_at_output(&p);
        all_down(&p);
        for (int i = 0; i < shares; i++) all_up(&p, kinds[i], hv[i]);
    }
}

/* True if a node left tangents or cotangents that are not finite. */
static bool faulty(const pass *p, int value, const real *x)
{
    const hesse_value *v = &p->s->t->values[value];
    const size_t k = (size_t)p->v->k;
    const size_t tokens =
        (size_t)(p->sequences.end - p->sequences.first) * (size_t)v->tokens;
    const size_t stride = v->width ? hesse_stride(v->width, p->v->k) : k;
    const size_t own = v->width ? (size_t)v->width * k : k;
    bool good = true;
    if (!x || v->param >= 0) return false;
    for (size_t i = 0; good && i < (v->width ? tokens : 1); i++)
        good = hesse_first_fault(x + i * stride, own) == own;
    return !good;
}

static bool faulty_inputs(const pass *p, const hesse_node *n, const real *hv)
{
    bool any = false;
    for (int j = 0; !any && j < hesse_inputs(n); j++)
        any = faulty(p, n->in[j], p->s->slots[n->in[j]].c);
    const size_t count = p->s->rows * (size_t)p->v->k;
    return any || hesse_first_fault(hv, count) < count;
}

hesse_fault hesse_sweep_fault(hesse_sweep *s, const hesse_directions *v,
                              hesse_kinds kinds, real *hv)
{
    const hesse_tape *t = s->t;
    const int together = t->coupled ? t->sequences : 1;
    fill_vectors(s, v);
    for (int at = 0; at < t->sequences; at += together) {
        const int i = t->coupled ? -1 : at;
        pass p = {.s = s, .v = v, .sequences = {at, at + together}};
        memset(hv, 0, sizeof *hv * s->rows * (size_t)v->k);
        hesse_tape_seek(s->t, at, together);
        for (int n = 0; n < t->n_nodes; n++) {
            p.now = all_of(&p, t->nodes[n].d.t);
            down(&p, n);
            if (faulty(&p, t->nodes[n].out, s->slots[t->nodes[n].out].d))
                return (hesse_fault){n, "tangent", i};
        }
        for (int n = t->n_nodes; n-- > 0;) {
            p.now = all_of(&p, t->nodes[n].d.t);
            up(&p, n, kinds, hv);
            if (s->slots[t->nodes[n].out].wanted && faulty_inputs(&p, &t->nodes[n], hv))
                return (hesse_fault){n, "cotangent", i};
        }
    }
    return (hesse_fault){-1, "", -1};
}
