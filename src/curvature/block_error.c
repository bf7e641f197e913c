/* Let BD be a share S without the entries between different blocks of a partition. Then
   BD v is made of the products S_bb v_b. One product has columns of several blocks and
   several vectors; each column is zero outside of its block, and only the parameters of
   these blocks move. Columns cannot be saved by adding up blocks, because S couples
   them: the sum would also have what is to be left out. */
#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/units.h"
#include "curvature/measures.h"
#include "parallel/team.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct work {
    hesse_analysis *analysis;
    const hesse_plan *plan;
    const hesse_params *params;
    const hesse_block_error_options *options;
    hesse_block_error *x;
    hesse_partition *partitions; /* [Q], each of all parameters */
    hesse_piece *all;            /* all parameters, in the order of theta */
    int vectors;                 /* W */
    int width;
    double *v, *sv, *bd;  /* [W][n] in the order of theta */
    double *wide, *swide; /* [n][width] of a product      */
    double operations;    /* done */
} work;

/* Columns of one product: neighbouring vectors of neighbouring blocks. */
typedef struct group {
    hesse_bundle *bundles; /* [width] */
    int *vector;           /* [width] the first vector of each bundle */
    int count, columns;
} group;

/* The next column, in the order of blocks and then of vectors. */
typedef struct place {
    int block, vector;
} place;

/* Return true if the analysis is of all parameters. */
static bool is_complete(const hesse_plan *plan)
{
    return plan->partition.size == plan->objective->network->params.size;
}

/* Return how many eigenvectors of the full matrix may be there. */
static int most_top(const hesse_plan *plan)
{
    const bool kept = (plan->scope & HESSE_FULL) && is_complete(plan);
    const int all = plan->partition.size < (size_t)plan->options.vectors
                        ? (int)plan->partition.size
                        : plan->options.vectors;
    return kept ? all : 0;
}

/* Fill a group from a place on. Return false if nothing is left. */
static bool next_group(const hesse_partition *p, int vectors, int width, place *at,
                       group *g)
{
    g->count = g->columns = 0;
    while (at->block < p->count && g->columns < width) {
        const hesse_block *b = &p->blocks[at->block];
        const int left = vectors - at->vector, room = width - g->columns;
        const int k = left < room ? left : room;
        g->vector[g->count] = at->vector;
        g->bundles[g->count++] = (hesse_bundle){p->pieces + b->piece, b->pieces, k};
        g->columns += k;
        at->vector += k;
        if (at->vector == vectors) *at = (place){at->block + 1, 0};
    }
    return g->columns > 0;
}

static bool make_group(int width, group *g)
{
    g->bundles = hesse_calloc((size_t)width, sizeof *g->bundles);
    g->vector = hesse_calloc((size_t)width, sizeof *g->vector);
    return g->bundles && g->vector;
}

static void free_group(group *g)
{
    free(g->bundles);
    free(g->vector);
}

/* Local. Add the work of all products with a partition; without one, of S v. */
static hesse_status add_work(const work *w, const hesse_partition *p, hesse_work *sum)
{
    hesse_why *why = &w->plan->objective->team->why;
    group g = {0};
    place at = {0, 0};
    hesse_status s = make_group(w->width, &g)
                         ? HESSE_OK
                         : hesse_fail(why, HESSE_E_NOMEM, "out of memory");
    const hesse_bundle whole = {w->all, w->params->count, w->width};
    hesse_work one;
    if (!p && !s) {
        s = hesse_product_work(w->plan->objective, &whole, 1, &one, why);
        if (!s) *sum = hesse_work_add(*sum, ceil(w->vectors / (double)w->width), one);
    }
    while (p && !s && next_group(p, w->vectors, w->width, &at, &g)) {
        s = hesse_product_work(w->plan->objective, g.bundles, g.count, &one, why);
        if (!s) *sum = hesse_work_add(*sum, 1, one);
    }
    free_group(&g);
    return s;
}

/* Local. Cut the parameters by every partition, and check the number of products. */
static hesse_status cut(work *w, double *products, hesse_why *why)
{
    const hesse_block_error_options *o = w->options;
    const int shares = hesse_measure_shares(o->parts, o->n_parts);
    hesse_status s = HESSE_OK;
    w->partitions = hesse_calloc((size_t)o->n_partitions, sizeof *w->partitions);
    w->all = hesse_pieces_of_all(w->params);
    if (!w->partitions || !w->all)
        return hesse_fail(why, HESSE_E_NOMEM, "out of memory for partitions");
    *products = (double)shares * w->vectors;
    for (int q = 0; !s && q < o->n_partitions; q++) {
        char what[160];
        s = hesse_partition_new(w->params, o->partitions[q], NULL, 0, &w->partitions[q],
                                why);
        if (s) break;
        *products += (double)shares * w->vectors * w->partitions[q].count;
        snprintf(what, sizeof what, "the error of the %d blocks by %.80s",
                 w->partitions[q].count, o->names ? o->names[q] : "a partition");
        s = hesse_measure_allow(what, *products, o->products, why);
    }
    return s;
}

/* Local. Choose the number of vectors at once. */
static hesse_status find_width(work *w, hesse_why *why)
{
    const hesse_plan *plan = w->plan;
    const size_t n = w->params->size;
    const double held = 8.0 * (double)n * (3.0 * w->vectors + 1);
    w->width =
        hesse_measure_width(plan, w->all, w->params->count, n, held, HESSE_PANEL);
    if (w->width) return HESSE_OK;
    const hesse_bundle one = {w->all, w->params->count, 1};
    const double need = plan->base + held + 16.0 * (double)n +
                        hesse_product_bytes(plan->objective, plan->ranks, &one, 1);
    return hesse_fail(
        why, HESSE_E_NOMEM,
        "the error of blocks with %d vectors needs %s per rank, more than "
        "the %s that are allowed",
        w->vectors, HESSE_BYTES(need), HESSE_BYTES(plan->memory));
}

static void free_work(work *w)
{
    for (int q = 0; w->partitions && q < w->options->n_partitions; q++)
        hesse_partition_free(&w->partitions[q]);
    free(w->partitions);
    free(w->all);
    free(w->v);
    free(w->sv);
    free(w->bd);
    free(w->wide);
    free(w->swide);
}

static work begin(hesse_analysis *analysis, const hesse_block_error_options *o, int top)
{
    const hesse_plan *plan = hesse_analysis_plan(analysis);
    return (work){.analysis = analysis,
                  .plan = plan,
                  .params = &plan->objective->network->params,
                  .options = o,
                  .vectors = o->probes + 1 + top};
}

hesse_status hesse_block_error_cost(const hesse_analysis *analysis,
                                    const hesse_block_error_options *o,
                                    const hesse_rates *rates, hesse_measure_cost *cost,
                                    hesse_why *why)
{
    work w =
        begin((hesse_analysis *)analysis, o, most_top(hesse_analysis_plan(analysis)));
    hesse_work all = {0};
    *cost = (hesse_measure_cost){0};
    hesse_status s = cut(&w, &cost->products, why);
    if (!s) s = find_width(&w, why);
    if (!s) s = add_work(&w, NULL, &all);
    for (int q = 0; !s && q < o->n_partitions; q++)
        s = add_work(&w, &w.partitions[q], &all);
    all = hesse_work_add((hesse_work){0}, hesse_measure_shares(o->parts, o->n_parts),
                         all);
    cost->width = w.width;
    cost->work = all.products;
    if (!s) cost->seconds = hesse_measure_seconds(w.plan, rates, all, w.width);
    free_work(&w);
    return s;
}

static hesse_status check(const hesse_analysis *a, const hesse_block_error_options *o,
                          hesse_block_error **x, hesse_why *why)
{
    if (!o || !x || !o->partitions || o->n_partitions < 1 || o->probes < 0)
        return hesse_fail(why, HESSE_E_JOB,
                          "the error of blocks needs at least one partition, and a "
                          "place");
    for (int q = 0; q < o->n_partitions; q++)
        if ((int)o->partitions[q] < 0 || o->partitions[q] > HESSE_CUT_FUSED)
            return hesse_fail(why, HESSE_E_JOB, "partition %d does not exist",
                              (int)o->partitions[q]);
    for (int i = 0; i < (o->parts ? o->n_parts : 0); i++)
        if (!o->parts[i] || (o->parts[i] & ~HESSE_ALL))
            return hesse_fail(why, HESSE_E_JOB,
                              "share %#x, expected kinds of operators",
                              (unsigned)o->parts[i]);
    if (!hesse_analysis_results(a, 0))
        return hesse_fail(why, HESSE_E_JOB,
                          "the error of blocks needs an analysis that was run");
    return HESSE_OK;
}

/* Local. Return the largest number of eigenvectors that a share has. */
static int find_top(const hesse_analysis *a, const hesse_block_error_options *o)
{
    int most = 0, count;
    if (!is_complete(hesse_analysis_plan(a))) return 0;
    for (int i = 0; i < hesse_measure_shares(o->parts, o->n_parts); i++) {
        hesse_measure_top(a, hesse_measure_share(o->parts, o->n_parts, i),
                          HESSE_FULL_MATRIX, &count);
        if (count > most) most = count;
    }
    return most;
}

static bool make_share(hesse_block_error_share *s, size_t partitions, size_t vectors)
{
    s->error = hesse_alloc(partitions * vectors);
    s->cosine = hesse_alloc(partitions * vectors);
    s->outside = hesse_alloc(partitions);
    return s->error && s->cosine && s->outside;
}

/* Local. Allocate everything, and draw the random vectors. */
static hesse_status make(work *w, hesse_why *why)
{
    const hesse_block_error_options *o = w->options;
    hesse_block_error *x = w->x;
    const size_t n = w->params->size, vectors = (size_t)w->vectors;
    const int shares = hesse_measure_shares(o->parts, o->n_parts);
    double products;
    hesse_status s = cut(w, &products, why);
    if (!s) s = find_width(w, why);
    if (s) return s;
    x->names = hesse_calloc((size_t)o->n_partitions, sizeof *x->names);
    x->blocks = hesse_calloc((size_t)o->n_partitions, sizeof *x->blocks);
    x->share = hesse_calloc((size_t)shares, sizeof *x->share);
    w->v = hesse_alloc(n * vectors);
    w->sv = hesse_alloc(n * vectors);
    w->bd = hesse_alloc(n * vectors);
    w->wide = hesse_alloc(n * (size_t)w->width);
    w->swide = hesse_alloc(n * (size_t)w->width);
    bool there = x->names && x->blocks && x->share && w->v && w->sv && w->bd &&
                 w->wide && w->swide;
    x->partitions = o->n_partitions, x->vectors = w->vectors, x->probes = o->probes;
    x->top = w->vectors - 1 - o->probes;
    if (x->share) x->shares = shares;
    for (int i = 0; there && i < shares; i++) {
        x->share[i].kinds = hesse_measure_share(o->parts, o->n_parts, i);
        there = make_share(&x->share[i], (size_t)o->n_partitions, vectors);
    }
    for (int q = 0; there && q < o->n_partitions; q++) {
        x->blocks[q] = w->partitions[q].count;
        there = (x->names[q] = hesse_copy(o->names ? o->names[q] : ""));
    }
    if (!there)
        return hesse_fail(why, HESSE_E_NOMEM, "out of memory for %d vectors",
                          w->vectors);
    for (size_t i = 0; i < n * (size_t)o->probes; i++)
        w->v[i] = hesse_normal(o->seed, HESSE_RANDOM_BLOCK_ERROR, i);
    return HESSE_OK;
}

static double *row_of(const work *w, double *rows, int i)
{
    return rows + (size_t)i * w->params->size;
}

/* Local. Put the eigenvectors of a share after the gradient, the highest first, in the
   order of theta. Return their number. */
static int put_top(work *w, hesse_kinds kinds)
{
    const hesse_partition *p = &w->plan->partition;
    int count = 0;
    const double *top =
        w->x->top ? hesse_measure_top(w->analysis, kinds, HESSE_FULL_MATRIX, &count)
                  : NULL;
    for (int t = 0; t < count; t++) {
        const double *from = top + (size_t)(count - 1 - t) * p->size;
        double *to = row_of(w, w->v, w->x->probes + 1 + t);
        for (const hesse_piece *x = p->pieces; x < p->pieces + p->n_pieces; x++) {
            const hesse_param *of = &w->params->list[x->param];
            for (int r = 0; r < x->rect.rows; r++)
                memcpy(to + of->offset + (size_t)(x->rect.row + r) * (size_t)of->cols +
                           x->rect.col,
                       from + x->first + (size_t)r * (size_t)x->rect.cols,
                       (size_t)x->rect.cols * sizeof *to);
        }
    }
    return count;
}

/* Copy vectors first ... first + k - 1 between rows in the order of theta and the
   columns of a bundle. */
static void carry(const work *w, const hesse_bundle *b, int first, double *rows,
                  double *columns, bool out)
{
    const size_t n = w->params->size, k = (size_t)b->k;
    for (const hesse_piece *x = b->pieces; x < b->pieces + b->n_pieces; x++) {
        const hesse_param *of = &w->params->list[x->param];
        for (int r = 0; r < x->rect.rows; r++) {
            double *from = rows + (size_t)first * n + of->offset +
                           (size_t)(x->rect.row + r) * (size_t)of->cols + x->rect.col;
            for (int c = 0; c < x->rect.cols; c++, from++, columns += k)
                for (size_t j = 0; j < k; j++)
                    if (out)
                        from[j * n] = columns[j];
                    else
                        columns[j] = from[j * n];
        }
    }
}

/* Collective. Multiply the columns of a group. */
static hesse_status multiply(work *w, const group *g, hesse_kinds kinds, double *to,
                             const hesse_run_options *run)
{
    hesse_objective *o = w->plan->objective;
    hesse_product *product = NULL;
    hesse_work one = {0};
    hesse_status s = hesse_product_new(o, g->bundles, g->count, &product);
    if (s) return s;
    for (int pass = 0; pass < 2; pass++) {
        double *at = pass ? w->swide : w->wide;
        if (pass) hesse_product_run(product, kinds, w->wide, w->swide);
        for (int i = 0; i < g->count; i++) {
            const hesse_bundle *b = &g->bundles[i];
            carry(w, b, g->vector[i], pass ? to : w->v, at, pass);
            for (int x = 0; x < b->n_pieces; x++)
                at += hesse_area(b->pieces[x].rect) * (size_t)b->k;
        }
    }
    hesse_product_free(product);
    s = hesse_product_work(o, g->bundles, g->count, &one, &o->team->why);
    w->operations += one.products;
    w->x->products += g->columns;
    if (!s)
        s = hesse_measure_report(run, "error of blocks", w->operations, &o->team->why);
    return hesse_agree(o->team, s);
}

/* Collective. Multiply the first `vectors` vectors by BD, or by S if there is no
   partition. */
static hesse_status multiply_all(work *w, const hesse_partition *p, int vectors,
                                 hesse_kinds kinds, double *to,
                                 const hesse_run_options *run)
{
    hesse_team *team = w->plan->objective->team;
    hesse_block whole = {.pieces = w->params->count};
    const hesse_partition one = {.count = 1, .blocks = &whole, .pieces = w->all};
    group g = {0};
    place at = {0, 0};
    hesse_status s = make_group(w->width, &g)
                         ? HESSE_OK
                         : hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory");
    s = hesse_agree(team, s);
    while (!s && next_group(p ? p : &one, vectors, w->width, &at, &g))
        s = multiply(w, &g, kinds, to, run);
    free_group(&g);
    return s;
}

static double dot(size_t n, const double *a, const double *b)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/* Local. Compare BD v with S v. */
static hesse_status compare(work *w, hesse_block_error_share *to, int q, int vectors,
                            hesse_why *why)
{
    const size_t n = w->params->size;
    for (int j = 0; j < w->vectors; j++) {
        const double *sv = row_of(w, w->sv, j), *bd = row_of(w, w->bd, j);
        double squares = 0;
        const int at = q * w->vectors + j;
        to->error[at] = to->cosine[at] = NAN;
        if (j >= vectors) continue;
        for (size_t i = 0; i < n; i++) squares += (sv[i] - bd[i]) * (sv[i] - bd[i]);
        const double of = sqrt(dot(n, sv, sv)), blocks = sqrt(dot(n, bd, bd));
        if (!isfinite(of + blocks))
            return hesse_fail(why, HESSE_E_NUMERIC,
                              "the product of a share with vector %d is not finite", j);
        if (of > 0) to->error[at] = sqrt(squares) / of;
        if (of > 0 && blocks > 0) to->cosine[at] = dot(n, sv, bd) / of / blocks;
    }
    return HESSE_OK;
}

/* Local. Find the block of another partition in which each block of the analysis lies.
   Return false if one lies in several. */
static bool find_owners(const work *w, const hesse_partition *other, int *theta,
                        int *owner)
{
    const hesse_partition *own = &w->plan->partition;
    for (int pass = 0; pass < 2; pass++) {
        const hesse_partition *p = pass ? own : other;
        for (const hesse_piece *x = p->pieces; x < p->pieces + p->n_pieces; x++) {
            const hesse_param *of = &w->params->list[x->param];
            for (size_t i = 0; i < hesse_area(x->rect); i++) {
                const size_t cols = (size_t)x->rect.cols;
                int *at = theta + of->offset +
                          ((size_t)x->rect.row + i / cols) * (size_t)of->cols +
                          (size_t)x->rect.col + i % cols;
                if (!pass)
                    *at = x->block;
                else if (owner[x->block] < 0)
                    owner[x->block] = *at;
                else if (owner[x->block] != *at)
                    return false;
            }
        }
    }
    return true;
}

/* Local. The share of the squared Frobenius norm outside of the blocks, from the norms
   of the pieces of the full matrix. */
static hesse_status find_outside(const work *w, hesse_block_error_share *to, int q,
                                 hesse_why *why)
{
    const size_t blocks = (size_t)w->plan->partition.count;
    const double *c = NULL;
    to->outside[q] = NAN;
    for (int i = 0; !c && i < hesse_analysis_shares(w->analysis); i++)
        if (hesse_analysis_kinds(w->analysis, i) == to->kinds)
            c = hesse_analysis_coupling(w->analysis, i);
    if (!c || !is_complete(w->plan)) return HESSE_OK;
    int *theta = hesse_calloc(w->params->size, sizeof *theta);
    int *owner = hesse_calloc(blocks, sizeof *owner);
    const bool there = theta && owner;
    for (size_t b = 0; there && b < blocks; b++) owner[b] = -1;
    if (there && find_owners(w, &w->partitions[q], theta, owner)) {
        double all = 0, outside = 0;
        for (size_t i = 0; i < blocks * blocks; i++) {
            all += c[i] * c[i];
            if (owner[i / blocks] != owner[i % blocks]) outside += c[i] * c[i];
        }
        if (all > 0) to->outside[q] = outside / all;
    }
    free(theta);
    free(owner);
    return there ? HESSE_OK : hesse_fail(why, HESSE_E_NOMEM, "out of memory");
}

/* Collective. */
static hesse_status run_share(work *w, hesse_block_error_share *to,
                              const hesse_run_options *run)
{
    hesse_team *team = w->plan->objective->team;
    const int vectors = w->x->probes + 1 + put_top(w, to->kinds);
    hesse_status s = multiply_all(w, NULL, vectors, to->kinds, w->sv, run);
    for (int q = 0; !s && q < w->x->partitions; q++) {
        s = multiply_all(w, &w->partitions[q], vectors, to->kinds, w->bd, run);
        if (s) break;
        s = compare(w, to, q, vectors, &team->why);
        if (!s) s = find_outside(w, to, q, &team->why);
        s = hesse_agree(team, s);
    }
    return s;
}

hesse_status hesse_block_error_run_with(hesse_analysis *analysis,
                                        const hesse_block_error_options *options,
                                        const hesse_run_options *run,
                                        hesse_block_error **error)
{
    if (!analysis) return HESSE_E_JOB;
    hesse_objective *objective = hesse_analysis_plan(analysis)->objective;
    hesse_team *team = objective->team;
    const double start = hesse_seconds();
    hesse_block_error *x = hesse_calloc(1, sizeof *x);
    hesse_status s = check(analysis, options, error, &team->why);
    if (!s && !x) s = hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory");
    if ((s = hesse_agree(team, s))) {
        free(x);
        return s;
    }
    work w = begin(analysis, options, find_top(analysis, options));
    w.x = x;
    s = hesse_agree(team, make(&w, &team->why));
    if (!s) s = hesse_objective_gradient(objective, NULL, row_of(&w, w.v, x->probes));
    for (int i = 0; !s && i < x->shares; i++) s = run_share(&w, &x->share[i], run);
    free_work(&w);
    if (s) {
        hesse_block_error_free(x);
    } else {
        x->seconds = hesse_seconds() - start;
        *error = x;
    }
    return s;
}

hesse_status hesse_block_error_run(hesse_analysis *analysis,
                                   const hesse_block_error_options *options,
                                   hesse_block_error **error)
{
    return hesse_block_error_run_with(analysis, options, &(hesse_run_options){0},
                                      error);
}

void hesse_block_error_free(hesse_block_error *x)
{
    if (!x) return;
    for (int i = 0; i < x->shares; i++) {
        free(x->share[i].error);
        free(x->share[i].cosine);
        free(x->share[i].outside);
    }
    for (int q = 0; x->names && q < x->partitions; q++) free(x->names[q]);
    free(x->names);
    free(x->blocks);
    free(x->share);
    free(x);
}
