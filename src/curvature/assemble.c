/* In a round every thread of every rank computes a panel; panels that follow one
   another cost about the same. Their patches travel to the owners of the entries while
   the next round is computed, so that a rank never holds more than its share of the
   matrix, its panels and one exchange of them. Over TCP, Open MPI moves long messages
   only when a rank calls it, which is after its panel. */
#include "curvature/assemble.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/worst.h"

#include <math.h>
#include <stdlib.h>

static void put(int n, real *a, const hesse_patch *x)
{
    for (int j = 0; j < x->cols; j++) {
        real *column = a + (size_t)(x->col + j * x->apart) * (size_t)n + x->row;
        for (int i = 0; i < x->rows; i++)
            column[i] = x->values[(size_t)i * x->stride + (size_t)j];
    }
}

void hesse_mirror(int n, real *a)
{
    for (size_t j = 0; j < (size_t)n; j++)
        for (size_t i = j + 1; i < (size_t)n; i++)
            a[i * (size_t)n + j] = a[j * (size_t)n + i];
}

static double asymmetry(int n, const real *a)
{
    double worst = 0;
    for (size_t j = 0; j < (size_t)n; j++)
        for (size_t i = j + 1; i < (size_t)n; i++)
            worst =
                hesse_worst(worst, fabs(a[i * (size_t)n + j] - a[j * (size_t)n + i]));
    return worst;
}

/* Rows and columns are spread over the part. They are the same for any number of
   ranks. */
typedef struct sample {
    int count;
    size_t index[HESSE_SAMPLE];
    real entry[HESSE_SAMPLE * HESSE_SAMPLE];
} sample;

static int least(int a, int b)
{
    return a < b ? a : b;
}

static sample sample_of(hesse_panels *p, int share, int n)
{
    sample x = {.count = least(least(HESSE_SAMPLE, n), hesse_panels_width(p))};
    for (int i = 0; i < x.count; i++) {
        const double place = i + hesse_uniform(0, HESSE_RANDOM_SAMPLES, (uint64_t)i);
        x.index[i] = (size_t)(place / x.count * n);
    }
    hesse_panels_sample(p, share, x.count, x.index, x.entry);
    return x;
}

/* Return the largest difference between an entry (i, j) of a sample and its mirror
   image. */
static double sample_asymmetry(const sample *x)
{
    double worst = 0;
    for (int i = 0; i < x->count; i++)
        for (int j = 0; j < i; j++)
            worst = hesse_worst(
                worst, fabs(x->entry[i * x->count + j] - x->entry[j * x->count + i]));
    return worst;
}

/* Return the largest difference between a sample and the entries of the lower triangle
   that this rank has. `at` gives their addresses. */
static double sample_difference(const sample *x,
                                const real *(*at)(const void *, int, int),
                                const void *matrix)
{
    double worst = 0;
    for (int i = 0; i < x->count; i++)
        for (int j = 0; j <= i; j++) {
            const real *here = at(matrix, (int)x->index[i], (int)x->index[j]);
            if (here)
                worst = hesse_worst(worst, fabs(x->entry[i * x->count + j] - *here));
        }
    return worst;
}

typedef struct square {
    int n;
    const real *a;
} square;

static const real *at_local(const void *matrix, int row, int col)
{
    const square *x = matrix;
    return &x->a[(size_t)col * (size_t)x->n + (size_t)row];
}

/* Return NULL if another rank owns the entry. */
static const real *at_distributed(const void *matrix, int row, int col)
{
    const hesse_dmat *x = matrix;
    const int i = hesse_axis_below(&x->row, row), j = hesse_axis_below(&x->col, col);
    const bool mine = hesse_axis_below(&x->row, row + 1) > i &&
                      hesse_axis_below(&x->col, col + 1) > j;
    return mine ? hesse_dmat_at(x, i, j) : NULL;
}

/* Add the time since the last call to a time of the watch. */
static void count(double *seconds, double *since)
{
    const double now = hesse_seconds();
    *seconds += now - *since;
    *since = now;
}

static void tick(const hesse_watch *watch, int done, int all)
{
    if (watch->tick) watch->tick(watch->context, done, all);
}

static void put_here(int n, real *const *a, const hesse_panels *panels, int i)
{
    for (int s = 0; s < hesse_panels_shares(panels); s++) {
        const hesse_patch *patches;
        const int m = hesse_panels_patches(panels, i, s, &patches);
        for (int j = 0; j < m; j++) put(n, a[s], &patches[j]);
    }
}

/* Add a panel to the tallies of all shares. */
static hesse_status add(hesse_panels *panels, hesse_tally *tallies, hesse_why *why)
{
    hesse_status status = HESSE_OK;
    for (int s = 0; !status && s < hesse_panels_shares(panels); s++)
        status = hesse_panels_tally(panels, s, &tallies[s], why);
    return status;
}

hesse_status hesse_assemble_local(hesse_panel_threads *workers, int n_panels, int n,
                                  real *const *a, hesse_tally *tallies, double *defect,
                                  hesse_watch *watch, hesse_why *why)
{
    hesse_panels *one = workers->panels[0];
    hesse_status status = HESSE_OK;
    double since = hesse_seconds();
    for (int first = 0; !status && first < n_panels; first += workers->count) {
        const int m = least(workers->count, n_panels - first);
        status = hesse_panel_threads_compute(workers, first, m, why);
        for (int i = 0; !status && i < m; i++) {
            put_here(n, a, workers->panels[i], first + i);
            status = add(workers->panels[i], tallies, why);
        }
        tick(watch, first + m, n_panels);
    }
    for (int s = 0; !status && s < hesse_panels_shares(one); s++) {
        if (hesse_panels_one_piece(one)) {
            defect[s] = asymmetry(n, a[s]);
            continue;
        }
        const sample x = sample_of(one, s, n);
        const square matrix = {n, a[s]};
        defect[s] =
            hesse_worst(sample_asymmetry(&x), sample_difference(&x, at_local, &matrix));
    }
    count(&watch->panels, &since);
    return status;
}

/* Add up the sums of all ranks. */
static void add_up(hesse_team *team, const hesse_panels *panels, int blocks,
                   hesse_tally *tally)
{
    const hesse_part part = hesse_panels_part(panels);
    const size_t numbers = sizeof(hesse_sums) / sizeof(double);
    hesse_team_sum(team, &tally->all.trace, numbers);
    hesse_team_sum(team, &tally->blocks[part.block].trace, numbers * (size_t)blocks);
    if (tally->coupling)
        hesse_team_sum(team, tally->coupling, (size_t)blocks * (size_t)blocks);
}

/* Compare the sample of rank 0 with the entries that every rank owns. */
static double defect_of(hesse_team *team, hesse_panels *panels, int share,
                        const hesse_dmat *a)
{
    sample x = {0};
    if (team->rank == 0) x = sample_of(panels, share, a->n);
    hesse_team_broadcast(team, 0, &x, sizeof x);
    double mine = sample_difference(&x, at_distributed, a), worst;
    if (isnan(mine)) mine = INFINITY; /* MPI_MAX may lose a NaN */
    MPI_Allreduce(&mine, &worst, 1, MPI_DOUBLE, MPI_MAX, team->comm);
    return hesse_worst(worst, sample_asymmetry(&x));
}

/* The panels that one worker of every rank computes in the round that begins with panel
   `first`. */
typedef struct load {
    const hesse_panels *panels;
    int share, first, worker, workers, n_panels;
} load;

/* Return the panel of a rank, or -1 if no panel is left for it. */
static int panel_of(const load *x, int rank)
{
    const int i = x->first + rank * x->workers + x->worker;
    return i < x->n_panels ? i : -1;
}

static int brings(void *context, int rank, const hesse_patch **patches)
{
    const load *x = context;
    const int i = panel_of(x, rank);
    return i < 0 ? 0 : hesse_panels_patches(x->panels, i, x->share, patches);
}

static load load_of(const hesse_panel_threads *workers, int first, int worker,
                    int n_panels)
{
    return (load){.panels = workers->panels[worker],
                  .first = first,
                  .worker = worker,
                  .workers = workers->count,
                  .n_panels = n_panels};
}

/* The patches of every share that are being sent. */
typedef struct traffic {
    int shares;
    hesse_put **puts; /* [shares]          */
    load load;        /* the panels that were posted */
} traffic;

static void close_traffic(traffic *t)
{
    for (int s = 0; t->puts && s < t->shares; s++) hesse_put_free(t->puts[s]);
    free(t->puts);
}

/* Collective. Make room for all rounds. */
static hesse_status open_traffic(hesse_team *team, const hesse_panel_threads *workers,
                                 int n_panels, hesse_dmat *const *a, traffic *t)
{
    const int round = team->size * workers->count;
    hesse_status status = HESSE_OK;
    t->shares = hesse_panels_shares(workers->panels[0]);
    t->puts = hesse_calloc((size_t)t->shares, sizeof(void *));
    if (!t->puts)
        status = hesse_fail(hesse_team_why(team), HESSE_E_NOMEM, "out of memory");
    status = hesse_agree(team, status);
    for (int s = 0; !status && s < t->shares; s++) {
        status = hesse_put_new(a[s], &t->puts[s]);
        if (status) break;
        for (int first = 0; first < n_panels; first += round)
            for (int i = 0; i < workers->count; i++) {
                load x = load_of(workers, first, i, n_panels);
                hesse_put_reserve(t->puts[s], brings, &x);
            }
        status = hesse_put_open(t->puts[s]);
    }
    if (status) close_traffic(t);
    return status;
}

static void settle(traffic *t)
{
    for (int s = 0; s < t->shares; s++) {
        t->load.share = s;
        hesse_put_settle(t->puts[s], brings, &t->load);
    }
}

static void post(traffic *t, load x)
{
    t->load = x;
    for (int s = 0; s < t->shares; s++) {
        t->load.share = s;
        hesse_put_post(t->puts[s], brings, &t->load);
    }
}

/* A vote tells all ranks if any rank wants to end. They learn it one round late, so
   that nobody waits. */
typedef struct vote {
    int mine, worst;
    MPI_Request request;
} vote;

static int count_votes(vote *v)
{
    MPI_Wait(&v->request, MPI_STATUS_IGNORE);
    return v->worst;
}

static void cast_vote(hesse_team *team, vote *v, hesse_status mine)
{
    v->mine = mine;
    MPI_Iallreduce(&v->mine, &v->worst, 1, MPI_INT, MPI_MAX, team->comm, &v->request);
}

hesse_status hesse_assemble(hesse_team *team, hesse_panel_threads *workers,
                            int n_panels, int blocks, hesse_dmat *const *a,
                            hesse_tally *tallies, double *defect, hesse_watch *watch)
{
    const int round = team->size * workers->count;
    double since = hesse_seconds();
    traffic t;
    vote v = {.request = MPI_REQUEST_NULL};
    hesse_why later; /* reasons after the first one */
    hesse_status status = open_traffic(team, workers, n_panels, a, &t), mine = HESSE_OK;
    if (status) return status;
    for (int first = 0; first < n_panels; first += round) {
        if (count_votes(&v)) break;
        count(&watch->exchange, &since);
        const int own = first + team->rank * workers->count;
        const int m = least(workers->count, n_panels - own);
        const hesse_status now = hesse_panel_threads_compute(
            workers, own, m, mine ? &later : hesse_team_why(team));
        if (!mine) mine = now;
        cast_vote(team, &v, mine);
        count(&watch->panels, &since);
        for (int i = 0; i < workers->count; i++) {
            if (i < m && !mine)
                mine = add(workers->panels[i], tallies, hesse_team_why(team));
            settle(&t);
            post(&t, load_of(workers, first, i, n_panels));
        }
        count(&watch->exchange, &since);
        tick(watch, least(first + round, n_panels), n_panels);
    }
    settle(&t);
    count_votes(&v);
    status = hesse_agree(team, mine);
    hesse_panels *one = workers->panels[0];
    for (int s = 0; !status && s < t.shares; s++) {
        add_up(team, one, blocks, &tallies[s]);
        defect[s] = defect_of(team, one, s, a[s]);
    }
    close_traffic(&t);
    count(&watch->exchange, &since);
    return status;
}
