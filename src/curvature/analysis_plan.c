/* What is formed and what is not; who forms what. Blocks are left out of what is formed until
   the rest fits: each that is left out makes room for the others, never less. */
#include "curvature/analysis.h"

#include "base/memory.h"
#include "base/units.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

double hesse_model_bytes(const hesse_model *m)
{
    return (double)hesse_tape_bytes(m->tape) +
           2.0 * (double)m->params.size * (double)sizeof(double);
}

static bool forms(const hesse_analysis *x, hesse_scope scope)
{
    return x->options.scope & scope;
}

/* Numbers that every rank keeps of the results of one share. */
static double result_numbers(const hesse_analysis *x)
{
    const double vectors = 2.0 * x->options.vectors, blocks = x->partition.count;
    const double rules =
        2.0 * x->matrix_free.settings.steps * x->matrix_free.settings.probes;
    double numbers = forms(x, HESSE_FULL) ? blocks * blocks : 0;
    for (int b = 0; b <= x->partition.count; b++) {
        const bool full = b == x->partition.count;
        if (!(x->scope & (full ? HESSE_FULL : HESSE_BLOCKS))) continue;
        const bool formed = full ? !x->matrix_free.whole : !x->matrix_free.blocks[b];
        const double n =
            full ? (double)x->partition.size : (double)x->partition.blocks[b].size;
        numbers += formed
                       ? n + fmin(vectors, n) * (n + 1)
                       : rules + hesse_estimates_numbers(&x->matrix_free.estimates, n);
    }
    return numbers;
}

/* Of the lists of blocks, and what is measured of them. */
static double list_bytes(const hesse_analysis *x)
{
    const double shares = x->options.request.shares, blocks = x->partition.count;
    const double each = sizeof(hesse_block) + sizeof(hesse_task) +
                        shares * (sizeof(hesse_measures) + sizeof(hesse_quadrature));
    return blocks * each + (double)x->partition.n_pieces * (double)sizeof(hesse_piece);
}

/* Bytes of the program, the model, data and results. */
static double held_bytes(const hesse_analysis *x)
{
    const double shares = x->options.request.shares;
    return x->program + hesse_model_bytes(x->model) + list_bytes(x) +
           ((double)x->partition.size + (shares + 1) * result_numbers(x)) *
               (double)sizeof(double);
}

/* What the sizes alone tell: work of every block and, last, of the whole; bytes of a rank
   beside its matrices, added to what there is. */
static hesse_status survey(const hesse_analysis *x, hesse_work *work, double *bytes,
                           hesse_why *why)
{
    hesse_panel_options outline = x->options.request;
    outline.outline = true;
    hesse_panels *panels = NULL;
    const hesse_status s = hesse_panels_new(x->model->tape, &x->model->params,
                                            &x->partition, &outline, &panels, why);
    if (s) return s;
    for (int b = 0; b < x->partition.count; b++) {
        if (x->matrix_free.blocks[b]) continue;
        hesse_panels_begin(panels, (hesse_part){b, 1});
        work[b] = hesse_panels_work(panels);
    }
    if (x->options.scope & HESSE_FULL) {
        hesse_panels_begin(panels, (hesse_part){0, x->partition.count});
        work[x->partition.count] = hesse_panels_work(panels);
    }
    /* Of every share, out of a rank go both mirror images of a panel, and as much comes in. */
    const int shares = x->options.request.shares;
    const double exchange =
        x->ranks > 1 ? 4.0 * shares * (double)hesse_panels_numbers(panels) : 0;
    *bytes += x->options.threads * (double)hesse_panels_bytes(panels) +
              exchange * (double)sizeof(double);
    hesse_panels_free(panels);
    return HESSE_OK;
}

static hesse_status fits(const hesse_analysis *x, double base, double full,
                         hesse_why *why)
{
    const double model = x->program + hesse_model_bytes(x->model);
    if (model > x->memory)
        return hesse_fail(why, HESSE_E_NOMEM,
                          "program, model and data need %s on every rank, however "
                          "many there are, and a rank may use %s; fewer "
                          "data.sequences or a shorter data.context need less",
                          HESSE_BYTES(model), HESSE_BYTES(x->memory));
    if (base > x->memory)
        return hesse_fail(
            why, HESSE_E_NOMEM,
            "program, model, data, panels and results need %s on every rank, "
            "%s of them program, model and data, and a rank may use %s; "
            "fewer data.sequences, a smaller hessian.panel or fewer "
            "blocks (hessian.only) need less",
            HESSE_BYTES(base), HESSE_BYTES(model), HESSE_BYTES(x->memory));
    if (base + full <= x->memory) return HESSE_OK;
    if (x->partition.size > INT_MAX)
        return hesse_fail(
            why, HESSE_E_NOMEM,
            "the full Hessian is of order %zu, beyond the 2^31 - 1 of the "
            "libraries for matrices; use hessian.scope: blocks",
            x->partition.size);
    if (isinf(full))
        return hesse_fail(
            why, HESSE_E_NOMEM,
            "the full Hessian is of order %zu: its share on each of %d ranks "
            "has more entries than the 2^31 - 1 of the libraries for "
            "matrices; use more ranks, or hessian.scope: blocks",
            x->partition.size, x->ranks);
    return hesse_fail(why, HESSE_E_NOMEM,
                      "the full Hessian of order %zu needs %s on each of %d ranks, "
                      "which may use %s (model and panels take %s of it); use "
                      "more ranks, or hessian.scope: blocks",
                      x->partition.size, HESSE_BYTES(base + full), x->ranks,
                      HESSE_BYTES(x->memory), HESSE_BYTES(base));
}

static hesse_schedule_options terms_of(const hesse_analysis *x,
                                       const hesse_rates *rates)
{
    return (hesse_schedule_options){.ranks = x->ranks,
                                    .shares = x->options.request.shares,
                                    .panel = x->options.request.panel,
                                    .threads = x->options.threads,
                                    .engine = x->options.engine,
                                    .vectors = x->options.vectors,
                                    .rates = rates};
}

/* The matrices of blocks that are cut out, or shown, are the business of all ranks. */
static hesse_schedule_options terms_of_blocks(const hesse_analysis *x,
                                              const hesse_rates *rates)
{
    hesse_schedule_options terms = terms_of(x, rates);
    terms.left_out = x->matrix_free.blocks;
    terms.cut = x->options.scope & HESSE_FULL;
    terms.worldwide = terms.cut || x->worldwide;
    return terms;
}

/* Blocks that are left out decide what the passes over what is formed have to do. */
static void settle(hesse_analysis *x)
{
    bool any = false;
    for (int b = 0; b < x->partition.count; b++) any |= !x->matrix_free.blocks[b];
    const hesse_scope whole = x->matrix_free.whole ? 0 : HESSE_FULL;
    x->options.scope = x->scope & (whole | (any ? HESSE_BLOCKS : 0));
    x->options.request.whole = forms(x, HESSE_FULL);
    x->options.request.left_out = forms(x, HESSE_FULL) ? NULL : x->matrix_free.blocks;
}

static void leave_out_all(hesse_analysis *x)
{
    x->matrix_free.whole = x->scope & HESSE_FULL;
    for (int b = 0; b < x->partition.count; b++)
        x->matrix_free.blocks[b] = x->scope & HESSE_BLOCKS;
    settle(x);
}

/* Of the blocks that are formed. */
static double largest_need(const hesse_analysis *x, const hesse_schedule_options *terms)
{
    double largest = 0;
    for (int b = 0; forms(x, HESSE_BLOCKS) && b < x->partition.count; b++)
        if (!x->matrix_free.blocks[b])
            largest =
                fmax(largest, hesse_schedule_need(x->partition.blocks[b].size, terms));
    return largest;
}

/* What does not fit beside so many bytes: the whole, blocks of which are cut out of it, beside
   it; or of blocks those more than half as large as the largest, for without it there may be
   room for the others. Returns whether more is left out now: then, what is left may fit or not. */
static bool leave_out_large(hesse_analysis *x, double base)
{
    const hesse_schedule_options terms = terms_of_blocks(x, &hesse_rates_nominal);
    const double largest = largest_need(x, &terms);
    bool more = false;
    if (forms(x, HESSE_FULL)) {
        const hesse_schedule_options all = terms_of(x, &hesse_rates_nominal);
        const hesse_task whole =
            hesse_schedule_whole(x->partition.size, (hesse_work){0}, &all);
        more = x->matrix_free.whole = base + whole.bytes + largest > x->memory;
    } else if (base + largest > x->memory) {
        for (int b = 0; b < x->partition.count; b++) {
            const double need =
                hesse_schedule_need(x->partition.blocks[b].size, &terms);
            /* Infinite, where the libraries for matrices end, is not half of infinite. */
            if (x->matrix_free.blocks[b] || (need < largest && 2 * need <= largest))
                continue;
            x->matrix_free.blocks[b] = more = true;
        }
    }
    settle(x);
    return more;
}

static int cheapest_first(const void *a, const void *b)
{
    const hesse_task *x = a, *y = b;
    const double one = x->group.count * (x->assembly + x->eigen);
    const double other = y->group.count * (y->assembly + y->eigen);
    if (one != other) return one < other ? -1 : 1;
    return x->block - y->block;
}

/* What takes longer than is stated: the whole; or of the blocks the dearest. */
static bool leave_out_slow(hesse_analysis *x)
{
    const hesse_task *whole = &x->schedule.whole;
    double sum = 0;
    bool more = false;
    if (!(x->seconds > 0)) return false;
    if (forms(x, HESSE_FULL)) {
        more = x->matrix_free.whole = whole->assembly + whole->eigen > x->seconds;
    } else {
        qsort(x->schedule.tasks, (size_t)x->schedule.count, sizeof *x->schedule.tasks,
              cheapest_first);
        for (int i = 0; i < x->schedule.count; i++) {
            const hesse_task *t = &x->schedule.tasks[i];
            sum += t->group.count * (t->assembly + t->eigen);
            if (sum <= x->seconds * x->ranks) continue;
            x->matrix_free.blocks[t->block] = more = true;
        }
    }
    settle(x);
    return more;
}

/* The schedule of what is formed, and its bytes. */
static hesse_status plan_formed(hesse_analysis *x, hesse_why *why)
{
    const hesse_rates *rates = &hesse_rates_nominal;
    const bool automatic = x->method == HESSE_METHOD_AUTO;
    hesse_schedule_options terms;
    hesse_task whole = {0};
    double base = 0, most = 0;
    hesse_work *work = hesse_calloc((size_t)x->partition.count + 1, sizeof *work);
    hesse_status s = HESSE_OK;
    if (!work) return hesse_fail(why, HESSE_E_NOMEM, "out of memory");
    /* Soon, for a survey of many blocks takes long. */
    while (automatic && leave_out_large(x, held_bytes(x))) continue;
    s = fits(x, held_bytes(x), 0, why);
    do {
        const hesse_schedule_options all = terms_of(x, rates);
        base = held_bytes(x), whole = (hesse_task){0};
        x->options.request.way = HESSE_WAY_AUTO;
        if (!s && x->options.scope) s = survey(x, work, &base, why);
        if (forms(x, HESSE_FULL))
            whole =
                hesse_schedule_whole(x->partition.size, work[x->partition.count], &all);
        if (!s && base + whole.bytes > x->memory) { /* panels by tokens are larger */
            x->options.request.way = HESSE_WAY_COLUMNS;
            base = held_bytes(x);
            if (x->options.scope) s = survey(x, work, &base, why);
        }
    } while (!s && automatic && leave_out_large(x, base));
    if (!s) s = fits(x, base, whole.bytes, why);
    terms = terms_of_blocks(x, rates);
    terms.memory = fmax(1, x->memory - base - whole.bytes);
    hesse_schedule_free(&x->schedule);
    if (!s)
        s = hesse_schedule_new(&x->partition, &whole,
                               forms(x, HESSE_BLOCKS) ? work : NULL, &terms,
                               &x->schedule, why);
    free(work);
    for (int i = 0; !s && i < x->schedule.count; i++)
        most = fmax(most, x->schedule.tasks[i].bytes);
    x->base = base;
    x->peak = base + whole.bytes + most;
    return s;
}

static hesse_status too_large(const hesse_analysis *x, const hesse_submatrix *aim,
                              double bytes, const char *for_what, const char *instead,
                              hesse_why *why)
{
    const bool full = aim->block < 0;
    return hesse_fail(
        why, HESSE_E_NOMEM,
        "%s%s%s of order %zu is too large %s: that needs %s on each of %d ranks, "
        "which may use %s; %s, or more ranks, need less",
        full ? "the full Hessian" : "block '",
        full ? "" : x->partition.blocks[aim->block].name, full ? "" : "'", aim->q->n,
        for_what, HESSE_BYTES(bytes), x->ranks, HESSE_BYTES(x->memory), instead);
}

/* Where a rank holds the values of fewer sequences than it takes, every sweep computes those of
   all again: down and up once, half of what a product with a vector of all parameters does. */
static hesse_status add_values(hesse_analysis *x, double sweeps, hesse_why *why)
{
    const hesse_tape *t = x->model->tape;
    if (ceil((double)t->sequences / x->ranks) <= t->window) return HESSE_OK;
    hesse_piece *all = hesse_pieces_of_all(&x->model->params);
    if (!all) return hesse_fail(why, HESSE_E_NOMEM, "out of memory");
    const hesse_bundle bundle = {all, x->model->params.count, 1};
    hesse_work product;
    const hesse_status s = hesse_product_work(x->model, &bundle, 1, &product, why);
    if (!s) x->matrix_free.again = hesse_work_add((hesse_work){0}, sweeps / 2, product);
    free(all);
    return s;
}

/* The work of every matrix that is not formed. */
static hesse_status add_works(hesse_analysis *x, const hesse_submatrix *aims, int count,
                              hesse_why *why)
{
    hesse_matrix_free *u = &x->matrix_free;
    hesse_status s = HESSE_OK;
    u->each = hesse_calloc((size_t)x->partition.count, sizeof *u->each);
    if (!u->each) return hesse_fail(why, HESSE_E_NOMEM, "out of memory");
    for (int i = 0; !s && i < count; i++) {
        hesse_work rules, extra = {0};
        s = hesse_matrix_free_options_work(x->model, &u->settings, 1, &aims[i], &rules,
                                           why);
        if (!s)
            s = hesse_estimates_work(x->model, &u->estimates, 1, &aims[i], &extra, why);
        if (s) break;
        u->extra = hesse_work_add(u->extra, 1, extra);
        u->work = hesse_work_add(hesse_work_add(u->work, 1, rules), 1, extra);
        if (aims[i].block >= 0)
            u->each[aims[i].block] += rules.products + extra.products;
    }
    return s;
}

/* Of what is not formed the bytes and the work. */
static hesse_status plan_unformed(hesse_analysis *x, hesse_why *why)
{
    const hesse_lanczos_settings *settings = &x->matrix_free.settings;
    const double held = held_bytes(x);
    hesse_submatrix *aims = NULL;
    int count = 0, bad = -1;
    x->matrix_free.limit = fmax(1, x->memory - held);
    hesse_status s = hesse_analysis_aims(x, &aims, &count, why);
    hesse_batches batches = {.too_large = -1};
    if (!s && count)
        batches = hesse_matrix_free_options_batches(x->model, settings, x->ranks, count,
                                                    aims, x->matrix_free.limit);
    x->matrix_free.bytes = batches.bytes, x->matrix_free.together = batches.columns;
    if (!s && isinf(batches.bytes))
        s = hesse_fail(why, HESSE_E_NOMEM, "out of memory for probes");
    if (!s && batches.too_large >= 0)
        s = too_large(x, &aims[batches.too_large], held + batches.bytes,
                      "even for one vector of Lanczos",
                      "fewer spectrum.lanczos.steps or "
                      "spectrum.lanczos.reorthogonalise: none",
                      why);
    if (!s && count) {
        const double more =
            hesse_estimates_bytes(x->model, &x->matrix_free.estimates, x->ranks, count,
                                  aims, x->matrix_free.limit, &bad);
        if (bad >= 0)
            s = too_large(x, &aims[bad], held + more,
                          "for eigenpairs or a diagonal without the matrix",
                          "fewer spectrum.extreme.pairs or a smaller "
                          "spectrum.hutchinson.sketch",
                          why);
        x->matrix_free.bytes = fmax(x->matrix_free.bytes, more);
    }
    if (!s) s = add_works(x, aims, count, why);
    if (!s)
        s = add_values(x,
                       batches.sweeps +
                           hesse_estimates_sweeps(x->model, &x->matrix_free.estimates,
                                                  x->ranks, count, aims),
                       why);
    x->peak = fmax(x->peak, held + x->matrix_free.bytes);
    hesse_submatrices_free(aims, count);
    return s;
}

hesse_status hesse_analysis_plan(hesse_analysis *x, hesse_why *why)
{
    x->matrix_free.blocks =
        hesse_calloc((size_t)x->partition.count, sizeof *x->matrix_free.blocks);
    if (!x->matrix_free.blocks) return hesse_fail(why, HESSE_E_NOMEM, "out of memory");
    settle(x);
    if (x->method == HESSE_METHOD_LANCZOS) leave_out_all(x);
    hesse_status s = plan_formed(x, why);
    while (!s && x->method == HESSE_METHOD_AUTO && leave_out_slow(x))
        s = plan_formed(x, why);
    if (!s) s = plan_unformed(x, why);
    if (!s) hesse_analysis_rate(x, &hesse_rates_nominal);
    return s;
}

void hesse_analysis_rate(hesse_analysis *x, const hesse_rates *rates)
{
    const hesse_schedule_options terms = terms_of_blocks(x, rates);
    hesse_schedule_price(&x->schedule, &x->partition, &terms);
    const hesse_estimates *e = &x->matrix_free.estimates;
    const hesse_work extra = x->matrix_free.extra;
    const hesse_work rules = hesse_work_add(x->matrix_free.work, -1, extra);
    x->matrix_free.seconds =
        hesse_cost_products(rates, rules) /
            hesse_product_sharing(x->model, x->ranks, x->matrix_free.together) +
        hesse_cost_products(rates, extra) /
            hesse_product_sharing(x->model, x->ranks,
                                  hesse_estimates_together(x->model, e, x->ranks)) +
        hesse_cost_products(rates, x->matrix_free.again) /
            hesse_product_sharing(x->model, x->ranks, 1);
}

double hesse_analysis_seconds(const hesse_analysis *x)
{
    return hesse_schedule_seconds(&x->schedule, x->ranks) + x->matrix_free.seconds;
}

/* Of a share, block by block and then the whole. */
hesse_status hesse_analysis_aims(const hesse_analysis *x, hesse_submatrix **aims,
                                 int *count, hesse_why *why)
{
    const hesse_partition *p = &x->partition;
    const int shares = x->options.request.shares;
    hesse_submatrix *list =
        hesse_calloc((size_t)shares * ((size_t)p->count + 1), sizeof *list);
    hesse_status s = HESSE_OK;
    int n = 0;
    if (!list) return hesse_fail(why, HESSE_E_NOMEM, "out of memory");
    for (int i = 0; i < shares; i++)
        for (int b = 0; !s && b <= p->count; b++) {
            const bool whole = b == p->count;
            if (whole ? !x->matrix_free.whole : !x->matrix_free.blocks[b]) continue;
            hesse_submatrix *t = &list[n++];
            *t = (hesse_submatrix){.part = x->kinds[i], .share = i};
            t->block = whole ? -1 : b;
            t->pieces = p->pieces + (whole ? 0 : p->blocks[b].piece);
            t->n_pieces = whole ? p->n_pieces : p->blocks[b].pieces;
            s = hesse_submatrix_quadrature(whole ? p->size : p->blocks[b].size,
                                           &x->matrix_free.settings, &t->q, why);
        }
    if (s) {
        hesse_submatrices_free(list, n);
        return s;
    }
    *aims = list, *count = n;
    return HESSE_OK;
}

void hesse_submatrices_free(hesse_submatrix *aims, int count)
{
    for (int i = 0; aims && i < count; i++) {
        hesse_quadrature_free(aims[i].q);
        hesse_extremes_free(aims[i].extremes);
        hesse_hutchinson_free(aims[i].hutchinson);
    }
    free(aims);
}
