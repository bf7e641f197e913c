/* A walk goes down the nodes from the first that reads a wanted parameter. It marks
   what moves and what is wanted, as a sweep would, until only one value is left that
   anything later reads. The rest of the work is known from an earlier walk, or is
   stored for later ones. */
#include "network/workload.h"

#include "base/memory.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* The tokens that directions of outputs have reached: `live` tokens of a sequence as
   long as sequences have `of` tokens; of is 0 once they have reached all tokens. */
typedef struct stream {
    int first, count, of, live;
} stream;

/* The work after a value. It depends on how many wanted parameters are still to be read
   and, if there are some, on which they are: they belong to one list of wants. */
typedef struct tail {
    int turn, ahead; /* number of the list of wants, 0 if none is read; times that its
                        wants are still read */
    stream at;
    hesse_work work;
    bool known;
} tail;

enum { COLUMNS, OUTPUTS, WAYS };

/* An entry for every value. */
typedef struct mark {
    int walk; /* the walk that set the next two */
    bool moves, wanted;
    int last; /* last node that reads it; -1: none */
    tail tails[WAYS][2];
} mark;

/* An entry for every parameter: the nodes that read it, in `readers`, and its place
   among the wants. */
typedef struct place {
    int first, count, turn, want;
} place;

/* Sums over wants[i] and the wants after it. */
typedef struct suffix {
    int begin, readers; /* first node that reads one of them; how often they are read */
    size_t rows;
} suffix;

struct hesse_workload {
    const hesse_tape *t;
    int shares;
    bool dense;
    mark *marks;
    place *places;
    int *readers;
    const hesse_want *wants;
    int count, turn;  /* wants in the list; lists so far */
    suffix *suffixes; /* [params + 1] */
    int walks;
    int *cuts;          /* values after which a walk depends on one value alone, */
    hesse_work *before; /* and the work until then */
    stream *passed;
    int *ahead;
    int last_run; /* first node of the run at the end, which the same tokens pass */
    size_t visits;
};

static int last_run_of(const hesse_tape *t)
{
    int i = t->n_nodes;
    const int tokens = t->nodes[i - 1].d.t;
    while (i > 0 && !t->nodes[i - 1].op->sequences && t->nodes[i - 1].d.t == tokens)
        i--;
    return i;
}

/* List the readers of every parameter, and the last reader of every value. */
static bool index_readers(hesse_workload *w)
{
    const hesse_tape *t = w->t;
    int all = 0;
    for (int v = 0; v < t->n_values; v++) w->marks[v].last = -1;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < t->n_nodes; i++)
            for (int j = 0; j < hesse_inputs(&t->nodes[i]); j++) {
                const int v = t->nodes[i].in[j], p = t->values[v].param;
                w->marks[v].last = i;
                if (p < 0) continue;
                if (pass) w->readers[w->places[p].first + w->places[p].count] = i;
                w->places[p].count++;
                all++;
            }
        if (pass) break;
        w->readers = hesse_calloc((size_t)all, sizeof *w->readers);
        if (!w->readers) return false;
        int first = 0;
        for (int p = 0; p < t->n_params; p++) {
            w->places[p].first = first;
            first += w->places[p].count;
            w->places[p].count = 0;
        }
    }
    return true;
}

hesse_workload *hesse_workload_new(const hesse_tape *tape, int shares, bool dense)
{
    hesse_workload *w = hesse_calloc(1, sizeof *w);
    const size_t values = (size_t)tape->n_values, params = (size_t)tape->n_params;
    if (!w) return NULL;
    *w = (hesse_workload){.t = tape, .shares = shares, .dense = dense};
    w->last_run = last_run_of(tape);
    w->marks = hesse_calloc(values, sizeof *w->marks);
    w->places = hesse_calloc(params, sizeof *w->places);
    w->suffixes = hesse_calloc(params + 1, sizeof *w->suffixes);
    w->cuts = hesse_calloc(values, sizeof *w->cuts);
    w->before = hesse_calloc(values, sizeof *w->before);
    w->passed = hesse_calloc(values, sizeof *w->passed);
    w->ahead = hesse_calloc(values, sizeof *w->ahead);
    if (w->marks && w->places && w->suffixes && w->cuts && w->before && w->passed &&
        w->ahead && index_readers(w))
        return w;
    hesse_workload_free(w);
    return NULL;
}

void hesse_workload_free(hesse_workload *w)
{
    if (!w) return;
    free(w->marks);
    free(w->places);
    free(w->readers);
    free(w->suffixes);
    free(w->cuts);
    free(w->before);
    free(w->passed);
    free(w->ahead);
    free(w);
}

size_t hesse_workload_bytes(const hesse_tape *t)
{
    const hesse_workload *w = NULL;
    size_t readers = 0;
    for (int p = 0; p < t->n_params; p++) readers += (size_t)t->readers[p].uses;
    return sizeof *w + readers * sizeof *w->readers +
           (size_t)t->n_params * (sizeof *w->places + sizeof *w->suffixes) +
           (size_t)t->n_values *
               (sizeof *w->marks + sizeof *w->cuts + sizeof *w->before +
                sizeof *w->passed + sizeof *w->ahead);
}

void hesse_workload_want(hesse_workload *w, const hesse_want *wants, int count)
{
    w->wants = wants, w->count = count, w->turn++;
    w->suffixes[count] = (suffix){.begin = INT_MAX};
    for (int i = count; i-- > 0;) {
        place *p = &w->places[wants[i].param];
        const suffix after = w->suffixes[i + 1];
        const int begin = p->count ? w->readers[p->first] : INT_MAX;
        p->turn = w->turn, p->want = i;
        w->suffixes[i] = (suffix){.begin = begin < after.begin ? begin : after.begin,
                                  .readers = p->count + after.readers,
                                  .rows = hesse_area(wants[i].rect) + after.rows};
    }
}

/* A walk in which parameter `own` moves; own = -1: all wanted parameters move. */
typedef struct walk {
    hesse_workload *w;
    int own, way;
    hesse_rect rect;   /* wanted rectangle of own */
    int ahead, moving; /* times that wanted, and moving, parameters are still read */
    int live;          /* marked values that are still read */
    stream at;
    hesse_work work;
} walk;

/* Look up for every input of a node whether it moves and is wanted. Returns true if any
   input moves or is wanted. */
static bool look(walk *x, int i, hesse_use *use)
{
    hesse_workload *w = x->w;
    const hesse_node *n = &w->t->nodes[i];
    bool any = false;
    for (int j = 0; j < hesse_inputs(n); j++) {
        const mark *m = &w->marks[n->in[j]];
        const int p = w->t->values[n->in[j]].param;
        if (p >= 0) {
            const int want = w->places[p].turn == w->turn ? w->places[p].want : -1;
            const bool own = want >= 0 && (x->own < 0 || want == x->own);
            use->wanted[j] = want >= 0 && want >= x->own;
            use->moves[j] = own;
            use->want[j] = !use->wanted[j]  ? (hesse_rect){0}
                           : want == x->own ? x->rect
                                            : w->wants[want].rect;
            x->ahead -= use->wanted[j], x->moving -= own;
        } else if (m->walk == w->walks) {
            use->moves[j] = m->moves, use->wanted[j] = m->wanted;
        }
        any |= use->moves[j] || use->wanted[j];
    }
    return any;
}

/* Return how many numbers tangents (down) and cotangents (up) have, for a number of
   tokens of the inputs. */
static double elements_of(const hesse_workload *w, const hesse_node *n, int tokens,
                          const hesse_use *use, bool moves)
{
    double numbers = 0;
    if (moves)
        numbers =
            (double)hesse_tape_first(w->t, n, tokens) * w->t->values[n->out].width;
    for (int i = 0; i < n->op->activations; i++)
        if (use->wanted[i])
            numbers += (double)use->shares * tokens * w->t->values[n->in[i]].width;
    return numbers;
}

/* Return the work of a node for one direction and a number of tokens of its inputs:
   once down, and once up for every share. */
static hesse_work node_work(const hesse_workload *w, const hesse_node *n, int tokens,
                            int shares, hesse_use use, bool moves)
{
    hesse_dims d = n->d;
    d.n = tokens;
    use.shares = shares;
    if (n->op->work) return (hesse_work){.products = n->op->work(&d, &use)};
    return (hesse_work){.elements = elements_of(w, n, tokens, &use, moves)};
}

/* Return the work of a node for a direction of an output. The tokens that go down and
   the tokens that go up may differ. */
static hesse_work output_work(walk *x, int i, const hesse_use *use, bool moves)
{
    const hesse_workload *w = x->w;
    const hesse_node *n = &w->t->nodes[i];
    const int tokens = n->d.t, few = tokens == x->at.of ? x->at.live : tokens;
    const int down = n->op->sequences ? tokens : few;
    const int up = i < w->last_run ? tokens : few;
    const hesse_work both = node_work(w, n, up, w->shares, *use, moves);
    const hesse_work only_down = node_work(w, n, up, 0, *use, moves);
    if (n->op->sequences && moves) {
        x->at.live = tokens - x->at.first;
        if (hesse_reaches_all(n)) x->at.of = 0;
    }
    return hesse_work_add(
        hesse_work_add(node_work(w, n, down, 0, *use, moves), 1, both), -1, only_down);
}

/* Visit a node. Returns true if its result is the only value that is still read, so
   that the rest depends on it alone. */
static bool pass(walk *x, int i)
{
    hesse_workload *w = x->w;
    const hesse_node *n = &w->t->nodes[i];
    hesse_use use = {.shares = w->shares, .dense = w->dense};
    w->visits++;
    if (!look(x, i, &use)) return false;
    mark *out = &w->marks[n->out];
    out->walk = w->walks, out->moves = out->wanted = false;
    for (int j = 0; j < hesse_inputs(n); j++) {
        mark *in = &w->marks[n->in[j]];
        out->moves |= use.moves[j], out->wanted |= use.wanted[j];
        if (w->t->values[n->in[j]].param >= 0 || in->walk != w->walks || in->last != i)
            continue;
        bool again = false;
        for (int k = 0; k < j; k++) again |= n->in[k] == n->in[j];
        if (!again) x->live--;
    }
    if (out->last > i) x->live++;
    x->work = hesse_work_add(x->work, 1,
                             x->way == OUTPUTS
                                 ? output_work(x, i, &use, out->moves)
                                 : node_work(w, n, n->d.n, w->shares, use, out->moves));
    return x->live == 1 && out->last > i && out->moves && out->wanted && !x->moving;
}

static bool same_stream(stream a, stream b)
{
    return a.first == b.first && a.count == b.count && a.of == b.of && a.live == b.live;
}

static tail *tail_of(const walk *x, int value, int ahead)
{
    return &x->w->marks[value].tails[x->way][ahead > 0];
}

/* True if the rest is known. Take two walks with the same list of wants: the wants
   still ahead of one are among the wants still ahead of the other, so they are equal if
   their numbers are. */
static bool is_known(const walk *x, const tail *t)
{
    const bool same = !x->ahead || (t->turn == x->w->turn && t->ahead == x->ahead);
    return t->known && same && same_stream(t->at, x->at);
}

static hesse_work run(walk x)
{
    hesse_workload *w = x.w;
    int cuts = 0;
    hesse_work rest = {0};
    const int begin = w->suffixes[x.own < 0 ? 0 : x.own].begin;
    w->walks++;
    for (int i = begin; i < w->t->n_nodes; i++) {
        const bool alone = pass(&x, i);
        const int out = w->t->nodes[i].out;
        if (!alone) continue;
        const tail *t = tail_of(&x, out, x.ahead);
        if (is_known(&x, t)) {
            rest = t->work;
            break;
        }
        w->cuts[cuts] = out, w->before[cuts] = x.work;
        w->passed[cuts] = x.at, w->ahead[cuts] = x.ahead;
        cuts++;
    }
    const hesse_work all = hesse_work_add(x.work, 1, rest);
    for (int i = 0; i < cuts; i++)
        *tail_of(&x, w->cuts[i], w->ahead[i]) =
            (tail){.turn = w->turn,
                   .ahead = w->ahead[i],
                   .at = w->passed[i],
                   .work = hesse_work_add(all, -1, w->before[i]),
                   .known = true};
    return all;
}

hesse_work hesse_workload_all(hesse_workload *w)
{
    const int ahead = w->suffixes[0].readers;
    return run((walk){.w = w, .own = -1, .ahead = ahead, .moving = ahead});
}

static walk walk_of(hesse_workload *w, int i, hesse_rect rect)
{
    return (walk){.w = w,
                  .own = i,
                  .rect = rect,
                  .ahead = w->suffixes[i].readers,
                  .moving = w->places[w->wants[i].param].count};
}

hesse_work hesse_workload_column(hesse_workload *w, int i, hesse_rect rect)
{
    return run(walk_of(w, i, rect));
}

hesse_work hesse_workload_output(hesse_workload *w, int i, hesse_rect rect, int first,
                                 int count)
{
    const place *p = &w->places[w->wants[i].param];
    walk x = walk_of(w, i, rect);
    x.way = OUTPUTS;
    x.at = (stream){.first = first,
                    .count = count,
                    .of = w->t->nodes[w->readers[p->first]].d.t,
                    .live = count};
    return run(x);
}

bool hesse_workload_wants_before(const hesse_workload *w, int i)
{
    const place *p = &w->places[w->wants[i].param];
    return w->suffixes[i].begin < w->readers[p->first];
}

size_t hesse_workload_rows(const hesse_workload *w, int i, hesse_rect rect)
{
    return hesse_area(rect) + w->suffixes[i + 1].rows;
}

size_t hesse_workload_visits(const hesse_workload *w)
{
    return w->visits;
}

static int by_param(const void *a, const void *b)
{
    return ((const hesse_want *)a)->param - ((const hesse_want *)b)->param;
}

int hesse_wants_merge(hesse_want *wants, int count)
{
    int kept = 0;
    qsort(wants, (size_t)count, sizeof *wants, by_param);
    for (int i = 0; i < count; i++)
        if (kept && wants[kept - 1].param == wants[i].param)
            wants[kept - 1].rect = hesse_hull(wants[kept - 1].rect, wants[i].rect);
        else
            wants[kept++] = wants[i];
    return kept;
}
