/* A listener of an analysis sees every formed matrix before it is decomposed. The owner
   of a block measures it. All ranks are told of it, so they compute the factors of the
   block together, once for all of its shares. */
#include "base/clock.h"
#include "base/memory.h"
#include "curvature/kronecker.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What one block has of one share, as numbers that can be sent. */
enum { NUMBERS = 2 * HESSE_KRONECKER_PRODUCTS + 3 };

/* LAPACK counts its workspace by an int. */
enum { MOST = 30000 };

struct hesse_kronecker_measure {
    hesse_analysis *analysis;
    const hesse_plan *plan;
    double *found; /* [shares][blocks][NUMBERS] on the owner of the block, else 0 */
    bool *seen;    /* [shares][blocks] equal on all ranks                         */
    int block;     /* whose factors are there; -1: none                           */
    hesse_kronecker_block of;
    hesse_kronecker_factors factors;
    bool rooted; /* the factors have roots, on this rank */
    int left_out;
    double seconds;
};

static size_t entry_of(const hesse_kronecker_measure *m, int share, int block)
{
    return (size_t)share * (size_t)m->plan->partition.count + (size_t)block;
}

hesse_status hesse_kronecker_begin(hesse_analysis *analysis,
                                   hesse_kronecker_measure **measure)
{
    if (!analysis) return HESSE_E_JOB;
    const hesse_plan *plan = hesse_analysis_plan(analysis);
    hesse_team *team = plan->objective->team;
    const size_t entries =
        (size_t)hesse_analysis_shares(analysis) * (size_t)plan->partition.count;
    hesse_kronecker_measure *m = hesse_calloc(1, sizeof *m);
    hesse_status s = HESSE_OK;
    if (!plan->shown)
        s = hesse_fail(
            &team->why, HESSE_E_JOB,
            "measures of Kronecker products need an analysis with the option "
            "`kronecker`");
    if (m) {
        *m = (hesse_kronecker_measure){.analysis = analysis, .plan = plan, .block = -1};
        m->found = hesse_alloc(entries * NUMBERS);
        m->seen = hesse_calloc(entries, sizeof *m->seen);
    }
    if (!s && (!m || !m->found || !m->seen))
        s = hesse_fail(&team->why, HESSE_E_NOMEM,
                       "out of memory for the Kronecker measures of %d blocks",
                       plan->partition.count);
    s = hesse_agree(team, s);
    if (s)
        hesse_kronecker_measure_free(m);
    else
        *measure = m;
    return s;
}

void hesse_kronecker_measure_free(hesse_kronecker_measure *m)
{
    if (!m) return;
    hesse_kronecker_factors_free(&m->factors);
    free(m->found);
    free(m->seen);
    free(m);
}

/* Return true if there is memory beside the predicted peak; equal on all ranks. */
static bool fits(const hesse_kronecker_measure *m, const hesse_rect *r, bool gathered)
{
    const double p = r->rows, q = r->cols, n = p * q, less = fmin(p, q);
    const double steps = fmin(HESSE_KRONECKER_STEPS, less * less) + 2;
    if (p > MOST || q > MOST) return false;
    const double numbers =
        9 * (p * p + q * q) + steps * less * less + n + (gathered ? 2 * n * n : 0);
    return numbers * (double)sizeof(double) <= m->plan->memory - m->plan->peak;
}

/* Collective. Make the factors of a block, unless they are there. */
static hesse_status make_factors(hesse_kronecker_measure *m, int block)
{
    if (m->block == block) return HESSE_OK;
    hesse_kronecker_factors_free(&m->factors);
    m->block = -1, m->rooted = false;
    const hesse_status s =
        hesse_kronecker_factors_new(m->plan->objective, &m->of, &m->factors);
    if (!s) m->block = block;
    return s;
}

/* Local. Measure a matrix; a message has no name of a block. */
static hesse_status measure(hesse_kronecker_measure *m, const double *s, double *to,
                            hesse_why *why)
{
    const int p = m->of.rect.rows, q = m->of.rect.cols;
    hesse_kronecker_fit fit;
    hesse_kronecker_energy energy;
    hesse_status status = HESSE_OK;
    if (!m->rooted) status = hesse_kronecker_factors_root(&m->of, &m->factors, why);
    m->rooted = !status;
    for (int i = 0; !status && i < HESSE_KRONECKER_PRODUCTS; i++) {
        fit = (hesse_kronecker_fit){NAN, NAN};
        if (i == HESSE_KRONECKER_NEAREST)
            status = hesse_kronecker_nearest(p, q, s, NULL, NULL, &fit, why);
        else if (m->factors.a[i])
            status = hesse_kronecker_compare(p, q, s, m->factors.a[i], m->factors.b[i],
                                             &fit, why);
        to[2 * i] = fit.error, to[2 * i + 1] = fit.cosine;
    }
    if (status) return status;
    hesse_kronecker_energies(p, q, s, &energy);
    to += 2 * HESSE_KRONECKER_PRODUCTS;
    to[0] = energy.diagonal;
    to[1] = m->of.out_rows ? energy.rows : energy.columns;
    to[2] = m->of.out_rows ? energy.columns : energy.rows;
    return HESSE_OK;
}

/* Collective. Take a block, which is the part of a matrix from index `first` on. One of
   the ranks that hold the matrix measures it. If they are several, it is gathered
   there. */
static hesse_status take_block(hesse_kronecker_measure *m, int share, int block,
                               const hesse_held *matrix, int first)
{
    hesse_team *team = m->plan->objective->team;
    const hesse_block *b = &m->plan->partition.blocks[block];
    const size_t entry = entry_of(m, share, block);
    double *gathered = NULL;
    hesse_kronecker_block of;
    const double *gradient = hesse_analysis_gradient(m->analysis);
    if (!hesse_kronecker_block_of(m->plan, gradient, block, &of)) return HESSE_OK;
    const bool gathers = matrix->ranks > 1 || matrix->n != (int)b->size;
    if (!fits(m, &of.rect, gathers)) {
        m->left_out++;
        return HESSE_OK;
    }
    const int owner = block % matrix->ranks; /* among the ranks that hold it */
    const bool mine = team->rank == matrix->first + owner;
    m->of = of;
    hesse_status s = make_factors(m, block);
    if (!s && gathers) {
        if (mine && !(gathered = hesse_alloc(b->size * b->size)))
            s = hesse_fail(&team->why, HESSE_E_NOMEM,
                           "out of memory to gather a block of order %zu", b->size);
        s = hesse_agree(team, s);
        const hesse_gather one = {
            .first = first, .n = (int)b->size, .owner = owner, .values = gathered};
        if (!s && matrix->a) s = hesse_dmat_gather(matrix->a, &one, 1);
        if (s && matrix->a) team->why = matrix->a->grid->team->why;
        s = hesse_agree(team, s);
    }
    if (!s && mine) {
        hesse_why said = {.text = ""};
        s = measure(m, gathers ? gathered : matrix->square, m->found + entry * NUMBERS,
                    &said);
        if (s) s = hesse_fail(&team->why, s, "%s: %s", b->name, said.text);
    }
    free(gathered);
    s = hesse_agree(team, s);
    m->seen[entry] = !s;
    return s;
}

hesse_status hesse_kronecker_take(hesse_kronecker_measure *m, int share, int block,
                                  const hesse_held *matrix)
{
    const double start = hesse_seconds();
    const hesse_partition *p = &m->plan->partition;
    hesse_status s = HESSE_OK;
    if (block >= 0)
        s = take_block(m, share, block, matrix, 0);
    else if (!(m->plan->scope & HESSE_BLOCKS)) /* its blocks are not formed again */
        for (int b = 0; !s && b < p->count; b++)
            s = take_block(m, share, b, matrix, (int)p->blocks[b].first);
    m->seconds += hesse_seconds() - start;
    return s;
}

/* Local. Allocate the results. */
static hesse_status make(const hesse_kronecker_measure *m,
                         hesse_kronecker_results **results, hesse_why *why)
{
    const int shares = hesse_analysis_shares(m->analysis);
    const size_t blocks = (size_t)m->plan->partition.count;
    hesse_kronecker_results *x = hesse_calloc(1, sizeof *x);
    bool there = x && (x->share = hesse_calloc((size_t)shares, sizeof *x->share));
    if (there) x->blocks = (int)blocks, x->shares = shares;
    for (int i = 0; there && i < shares; i++) {
        hesse_kronecker_share *s = &x->share[i];
        s->kinds = hesse_analysis_kinds(m->analysis, i);
        for (int k = 0; there && k < HESSE_KRONECKER_PRODUCTS; k++)
            there = (s->error[k] = hesse_alloc(blocks)) &&
                    (s->cosine[k] = hesse_alloc(blocks));
        there = there && (s->diagonal = hesse_alloc(blocks)) &&
                (s->same_output = hesse_alloc(blocks)) &&
                (s->same_input = hesse_alloc(blocks));
    }
    *results = x;
    return there ? HESSE_OK
                 : hesse_fail(why, HESSE_E_NOMEM,
                              "out of memory for the Kronecker measures of %zu blocks",
                              blocks);
}

hesse_status hesse_kronecker_end(hesse_kronecker_measure *m,
                                 hesse_kronecker_results **results)
{
    hesse_team *team = m->plan->objective->team;
    hesse_kronecker_results *x = NULL;
    hesse_status s = hesse_agree(team, make(m, &x, &team->why));
    if (s) {
        hesse_kronecker_free(x);
        return s;
    }
    hesse_team_sum(team, m->found, (size_t)x->shares * (size_t)x->blocks * NUMBERS);
    for (int i = 0; i < x->shares; i++)
        for (int b = 0; b < x->blocks; b++) {
            hesse_kronecker_share *to = &x->share[i];
            double *from = m->found + entry_of(m, i, b) * NUMBERS;
            for (int k = 0; !m->seen[entry_of(m, i, b)] && k < NUMBERS; k++)
                from[k] = NAN;
            for (int k = 0; k < HESSE_KRONECKER_PRODUCTS; k++) {
                to->error[k][b] = *from++;
                to->cosine[k][b] = *from++;
            }
            to->diagonal[b] = from[0];
            to->same_output[b] = from[1], to->same_input[b] = from[2];
        }
    x->left_out = m->left_out, x->seconds = m->seconds;
    *results = x;
    return HESSE_OK;
}

static hesse_status take(void *context, int share, int block, const hesse_held *matrix)
{
    hesse_kronecker_measure *m = context;
    return hesse_kronecker_take(m, share, block, matrix);
}

hesse_status hesse_kronecker_run(hesse_analysis *analysis,
                                 hesse_kronecker_results **results)
{
    if (!analysis) return HESSE_E_JOB;
    hesse_team *team = hesse_analysis_plan(analysis)->objective->team;
    hesse_kronecker_measure *m = NULL;
    hesse_status s = HESSE_OK;
    if (!results)
        s = hesse_fail(&team->why, HESSE_E_JOB,
                       "measures of Kronecker products need a place");
    s = hesse_agree(team, s);
    if (!s) s = hesse_kronecker_begin(analysis, &m);
    const hesse_listener listener = {.context = m, .matrix = take};
    const hesse_run_options run = {.listener = &listener};
    if (!s) s = hesse_analysis_run_with(analysis, &run);
    if (!s) s = hesse_kronecker_end(m, results);
    hesse_kronecker_measure_free(m);
    return s;
}

void hesse_kronecker_free(hesse_kronecker_results *x)
{
    if (!x) return;
    for (int i = 0; i < x->shares; i++) {
        hesse_kronecker_share *s = &x->share[i];
        for (int k = 0; k < HESSE_KRONECKER_PRODUCTS; k++) {
            free(s->error[k]);
            free(s->cosine[k]);
        }
        free(s->diagonal);
        free(s->same_output);
        free(s->same_input);
    }
    free(x->share);
    free(x);
}
