/* A sweep moves whole parameters. Outside of its pieces, a parameter has zeros. Vectors
   of several bundles are columns of one sweep, and each of them is zero outside of its
   own bundle.

   Ranks share the sequences. If there are more ranks than sequences, or if sequences
   interact, the ranks form groups of neighbours that share the vectors, too. */
#include "objective/product.h"

#include "base/memory.h"
#include "ops/gemm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The share of a rank. */
typedef struct share {
    int first, end;    /* sequences               */
    int column, after; /* vectors, counted over all bundles */
} share;

struct hesse_product {
    hesse_objective *objective;  /* borrowed                                */
    const hesse_bundle *bundles; /* [count], borrowed                       */
    int count, ranks, vectors;   /* of bundles; of ranks; of vectors in all bundles */
    int k;                       /* columns of the sweep                    */
    size_t size;                 /* numbers of the vectors                  */
    bool *moves;                 /* [parameters] true if the parameter moves */
    hesse_rect *want;            /* [parameters] the hull of its pieces */
    hesse_sweep *sweep;
    double *v, *hv; /* of the sweep; NULL: it works on the vectors of the caller */
};

/* Return the number of units, besides vectors, that ranks can share. */
static int units_of(const hesse_objective *objective)
{
    return objective->tape->coupled ? 1 : objective->tape->sequences;
}

/* Return the largest number of groups in which every rank has work, at most one for
   every vector. */
static int groups_of(const hesse_objective *objective, int ranks, int vectors)
{
    const int groups = ranks / units_of(objective);
    return groups < 1 || vectors < 1 ? 1 : groups > vectors ? vectors : groups;
}

/* Return the beginning of a part if `all` things are cut into `of` parts. */
static int part_of(int all, int part, int of)
{
    return (int)((long)all * part / of);
}

static share share_of(const hesse_product *p, int rank)
{
    const int groups = groups_of(p->objective, p->ranks, p->vectors);
    int group = 0;
    while (part_of(p->ranks, group + 1, groups) <= rank) group++;
    const int first = part_of(p->ranks, group, groups);
    const int ranks = part_of(p->ranks, group + 1, groups) - first;
    const int units = units_of(p->objective),
              each = p->objective->tape->sequences / units;
    return (share){part_of(units, rank - first, ranks) * each,
                   part_of(units, rank - first + 1, ranks) * each,
                   part_of(p->vectors, group, groups),
                   part_of(p->vectors, group + 1, groups)};
}

static int most_of(int all, int parts)
{
    return (all + parts - 1) / parts;
}

double hesse_product_sharing(const hesse_objective *objective, int ranks, int vectors)
{
    if (vectors < 1) return 1;
    const int groups = groups_of(objective, ranks, vectors),
              units = units_of(objective);
    const int most = most_of(vectors, groups) * most_of(units, ranks / groups);
    return (double)vectors * units / most;
}

/* Parameters in which pieces lie, in ascending order, with the hulls of the pieces. */
typedef struct extent {
    hesse_want *wants;
    int count, vectors;    /* of parameters; of vectors in all bundles */
    size_t moving, wanted; /* how many numbers the parameters have, and their hulls */
} extent;

/* Local. Find the extent of bundles. Return false if memory is exhausted. */
static bool measure(const hesse_objective *objective, const hesse_bundle *bundles,
                    int count, extent *e)
{
    const hesse_param *list = objective->network->params.list;
    size_t pieces = 0;
    *e = (extent){0};
    for (int b = 0; b < count; b++) pieces += (size_t)bundles[b].n_pieces;
    e->wants = hesse_calloc(pieces, sizeof *e->wants);
    if (!e->wants) return false;
    for (int b = 0; b < count; b++) {
        e->vectors += bundles[b].k;
        for (int i = 0; i < bundles[b].n_pieces; i++) {
            const hesse_piece *x = &bundles[b].pieces[i];
            e->wants[e->count++] = (hesse_want){x->param, x->rect};
        }
    }
    e->count = hesse_wants_merge(e->wants, e->count);
    for (int i = 0; i < e->count; i++) {
        e->moving += hesse_param_size(&list[e->wants[i].param]);
        e->wanted += hesse_area(e->wants[i].rect);
    }
    return true;
}

/* Return the number of columns of a sweep for some vectors. It is one, or fills whole
   vectors of the processor; then the last columns are zero. */
static int columns_for(int vectors)
{
    const int lanes = hesse_gemm_lanes();
    return vectors < 2 ? vectors : (vectors + lanes - 1) / lanes * lanes;
}

/* Return the number of columns of the sweep of a rank. */
static int columns_of(const hesse_objective *objective, int ranks, int vectors)
{
    return columns_for(most_of(vectors, groups_of(objective, ranks, vectors)));
}

/* Return true if the vectors of the caller are laid out as those of the sweep: a rank
   has all vectors of one bundle of whole parameters in the order of the tape. */
static bool are_of_sweep(const hesse_objective *objective, int ranks,
                         const hesse_bundle *bundles, int count)
{
    const hesse_bundle *all = &bundles[0];
    if (count != 1 || groups_of(objective, ranks, all->k) > 1 ||
        columns_for(all->k) != all->k)
        return false;
    for (int i = 0; i < all->n_pieces; i++) {
        const hesse_piece *x = &all->pieces[i];
        const int *value = objective->tape->value_of;
        if (hesse_area(x->rect) !=
            hesse_param_size(&objective->network->params.list[x->param]))
            return false;
        if (i && value[x->param] <= value[all->pieces[i - 1].param]) return false;
    }
    return true;
}

/* Local. Allocate a product. Return false if memory is exhausted. */
static bool prepare(hesse_product *p)
{
    hesse_tape *tape = p->objective->tape;
    const size_t params = (size_t)p->objective->network->params.count;
    extent e;
    bool there = measure(p->objective, p->bundles, p->count, &e);
    p->moves = hesse_calloc(params, sizeof *p->moves);
    p->want = hesse_calloc(params, sizeof *p->want);
    there = there && p->moves && p->want;
    for (int i = 0; there && i < e.count; i++) {
        p->moves[e.wants[i].param] = true;
        p->want[e.wants[i].param] = e.wants[i].rect;
    }
    for (int b = 0; b < p->count; b++)
        for (int i = 0; i < p->bundles[b].n_pieces; i++)
            p->size +=
                hesse_area(p->bundles[b].pieces[i].rect) * (size_t)p->bundles[b].k;
    p->vectors = e.vectors;
    p->k = columns_of(p->objective, p->ranks, p->vectors);
    if (there)
        p->sweep =
            hesse_sweep_new(tape, p->k, hesse_pace_of_products(tape, p->k, e.moving));
    there = there && p->sweep && hesse_sweep_plan(p->sweep, p->moves, p->want);
    const bool own = !are_of_sweep(p->objective, p->ranks, p->bundles, p->count);
    if (there && own) {
        p->v = hesse_calloc(e.moving * (size_t)p->k, sizeof *p->v);
        p->hv = hesse_alloc(e.wanted * (size_t)p->k);
    }
    free(e.wants);
    return there && (!own || (p->v && p->hv));
}

/* Local. Free everything that a product owns. */
static void free_inside(hesse_product *p)
{
    hesse_sweep_free(p->sweep);
    free(p->moves);
    free(p->want);
    free(p->v);
    free(p->hv);
}

hesse_status hesse_product_new(hesse_objective *objective, const hesse_bundle *bundles,
                               int count, hesse_product **product)
{
    hesse_product *p = hesse_calloc(1, sizeof *p);
    hesse_status s = HESSE_OK;
    if (p)
        *p = (hesse_product){.objective = objective,
                             .bundles = bundles,
                             .count = count,
                             .ranks = objective->team->size};
    if (!p || !prepare(p))
        s = hesse_fail(&objective->team->why, HESSE_E_NOMEM,
                       "out of memory for products with %d vectors",
                       p ? p->vectors : 0);
    s = hesse_agree(objective->team, s);
    if (s)
        hesse_product_free(p);
    else
        *product = p;
    return s;
}

void hesse_product_free(hesse_product *p)
{
    if (!p) return;
    free_inside(p);
    free(p);
}

double hesse_product_bytes(const hesse_objective *objective, int ranks,
                           const hesse_bundle *bundles, int count)
{
    const hesse_tape *tape = objective->tape;
    extent e;
    if (!measure(objective, bundles, count, &e)) return INFINITY;
    const int k = columns_of(objective, ranks, e.vectors);
    const double lists =
        (double)objective->network->params.count * (sizeof(bool) + sizeof(hesse_rect));
    const hesse_pace pace = hesse_pace_of_products(tape, k, e.moving);
    const bool own = !are_of_sweep(objective, ranks, bundles, count);
    free(e.wants);
    return lists + (double)hesse_sweep_bytes(tape, k, pace) +
           (own ? (double)(e.moving + e.wanted) * k * (double)sizeof(double) : 0);
}

hesse_status hesse_product_work(const hesse_objective *objective,
                                const hesse_bundle *bundles, int count,
                                hesse_work *work, hesse_why *why)
{
    extent e;
    if (!measure(objective, bundles, count, &e))
        return hesse_fail(why, HESSE_E_NOMEM, "out of memory for a product");
    hesse_workload_want(objective->workload, e.wants, e.count);
    *work = hesse_work_add((hesse_work){0}, columns_of(objective, 1, e.vectors),
                           hesse_workload_all(objective->workload));
    free(e.wants);
    return HESSE_OK;
}

/* This size was measured: docs/performance.md. */
enum { WIDE = 1 << 17 };

int hesse_product_width(const hesse_objective *objective, int ranks, int most)
{
    const hesse_params *params = &objective->network->params;
    for (int i = 0; i < params->count; i++) {
        const hesse_param *p = &params->list[i];
        const bool multiplied =
            p->role != HESSE_ROLE_EMBEDDING && p->role != HESSE_ROLE_POSITION;
        if (multiplied && hesse_param_size(p) >= WIDE)
            return groups_of(objective, ranks, most);
    }
    return most;
}

/* Return the address of row r of a piece among the sweep's directions, or, below, among
   its results. */
static double *direction(const hesse_product *p, const hesse_piece *x, int r)
{
    const size_t cols = (size_t)p->objective->network->params.list[x->param].cols;
    const size_t row = hesse_sweep_direction_of(p->sweep, x->param) +
                       (size_t)(x->rect.row + r) * cols + (size_t)x->rect.col;
    return p->v + row * (size_t)p->k;
}

static double *result(const hesse_product *p, const hesse_piece *x, int r)
{
    const hesse_rect want = p->want[x->param];
    const size_t row = hesse_sweep_row_of(p->sweep, x->param) +
                       (size_t)(x->rect.row - want.row + r) * (size_t)want.cols +
                       (size_t)(x->rect.col - want.col);
    return p->hv + row * (size_t)p->k;
}

/* Copy `some` vectors between the sweep, which has `of` columns, and a list of k
   vectors. */
static void carry(size_t count, size_t some, size_t of, double *sweep, size_t k,
                  double *own, bool out)
{
    if (some == of && some == k) some *= count, count = 1;
    for (size_t i = 0; i < count; i++)
        memcpy(out ? own + i * k : sweep + i * of, out ? sweep + i * of : own + i * k,
               some * sizeof *own);
}

/* Copy the vectors of a rank into the sweep, or its results out of it. */
static void carry_all(const hesse_product *p, const share *mine, double *own, bool out)
{
    int column = 0; /* of all bundles */
    for (int b = 0; b < p->count; column += p->bundles[b++].k) {
        const hesse_bundle *bundle = &p->bundles[b];
        const int end = column + bundle->k;
        const int from = column > mine->column ? column : mine->column;
        const int some = (end < mine->after ? end : mine->after) - from;
        for (int i = 0; i < bundle->n_pieces; i++) {
            const hesse_piece *x = &bundle->pieces[i];
            const size_t row = (size_t)x->rect.cols * (size_t)bundle->k;
            for (int r = 0; r < x->rect.rows; r++, own += row) {
                double *sweep = out ? result(p, x, r) : direction(p, x, r);
                if (some > 0)
                    carry((size_t)x->rect.cols, (size_t)some, (size_t)p->k,
                          sweep + (from - mine->column), (size_t)bundle->k,
                          own + (from - column), out);
            }
        }
    }
}

void hesse_product_run(hesse_product *p, hesse_kinds part, const double *v, double *hv)
{
    hesse_team *team = p->objective->team;
    const share mine = share_of(p, team->rank);
    const double *from = p->v ? p->v : v;
    double *to = p->hv ? p->hv : hv;
    if (p->v) carry_all(p, &mine, (double *)v, false);
    hesse_objective_prepare(p->objective, mine.first, mine.end - mine.first);
    hesse_sweep_run(p->sweep, &(hesse_directions){.k = p->k, .v = from}, mine.first,
                    mine.end - mine.first, 1, &part, &to);
    if (mine.after - mine.column < p->vectors) memset(hv, 0, p->size * sizeof *hv);
    if (p->hv) carry_all(p, &mine, hv, true);
    hesse_team_sum(team, hv, p->size);
}
