/* Where the whole is wanted, it is assembled first, and blocks are cut out of it. Then come
   the blocks of groups, depth by depth; groups of a depth are parts of those before, so
   ranks that meet in one have the same past. Last come the blocks of single ranks: each
   runs through its own, unless matrices must travel; then they go wave by wave, in a wave
   every rank does its next one. At the end all are told what was found. */
#include "curvature/analyse.h"

#include "base/memory.h"
#include "curvature/assemble.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Ranks that do a block together. */
typedef struct circle {
    hesse_team *team;
    hesse_grid *grid;
} circle;

/* All that the passes share. */
typedef struct analysis {
    hesse_team *team;
    const hesse_partition *partition;
    const hesse_schedule *schedule;
    const hesse_inquiry *inquiry;
    hesse_lanes lanes;
    circle *circles;          /* [depth] of the schedule; the first: all ranks  */
    hesse_findings *found;    /* [shares]                                       */
    hesse_tally *tallies;     /* [shares]                                       */
    double *defect;           /* [shares]; of the part assembled last, absolute */
    double *proof;            /* [shares]; the same, relative                   */
    hesse_dmat **whole;       /* [shares]; NULL entries where scope is blocks   */
    const hesse_task **waves; /* [n_waves][ranks]                               */
    int n_waves;
    hesse_times times;
    double all, done, operations; /* predicted seconds of this rank; operations done */
    const hesse_task *doing;      /* in assembly                                     */
} analysis;

static int shares_of(const analysis *x)
{
    return x->inquiry->request.shares;
}

static void tell(const analysis *x, const char *phase, double seconds, double more)
{
    const hesse_listener *l = x->inquiry->listener;
    if (l && l->progress && x->all > 0)
        l->progress(l->context, phase, (x->done + seconds) / x->all,
                    x->operations + more);
}

/* All ranks of a group count its operations: together they are done as fast. */
static void tick(void *context, int done, int all)
{
    const analysis *x = context;
    const double part = (double)done / all;
    tell(x, "assembly", part * x->doing->assembly, part * x->doing->work.products);
}

static void finish_task(analysis *x, const hesse_task *t)
{
    x->done += t->assembly + t->eigen;
    x->operations += t->work.products + t->solution;
    tell(x, "eigenvalues", 0, 0);
}

/* Begin to count the time that a pass takes, and end it. */
static void start(double *seconds)
{
    *seconds -= MPI_Wtime();
}

static void stop(double *seconds)
{
    *seconds += MPI_Wtime();
}

static bool shows_matrices(const analysis *x)
{
    return x->inquiry->listener && x->inquiry->listener->matrix;
}

static hesse_status show_matrix(analysis *x, int share, int block, const hesse_dmat *a,
                                const double *local)
{
    const hesse_listener *l = x->inquiry->listener;
    if (!shows_matrices(x)) return HESSE_OK;
    start(&x->times.matrices);
    const hesse_status s = l->matrix(l->context, share, block, a, local);
    stop(&x->times.matrices);
    return s;
}

/* A block may be zero but for rounding, as that of a key's bias is: softmax does not see
   it. What is left of it need not be symmetric, so the loss, which has the units of the
   Hessian, adds to the scale. docs/math.md, section 5. */
static void judge_defect(const analysis *x, int share, const hesse_sums *sums)
{
    const double scale = sqrt(sums->squares) + 1e-4 * fabs(x->inquiry->loss);
    x->proof[share] = scale > 0 ? x->defect[share] / scale : 0;
}

/* What a solver says knows no names. */
static hesse_status of_block(const char *name, hesse_status status, hesse_why *why)
{
    const hesse_why said = *why;
    return status ? hesse_fail(why, status, "%s: %s", name, said.text) : HESSE_OK;
}

static void free_all(const analysis *x, hesse_dmat **a)
{
    for (int s = 0; a && s < shares_of(x); s++) hesse_dmat_free(a[s]);
}

static hesse_watch watch_of(analysis *x, const hesse_task *task)
{
    x->doing = task;
    return (hesse_watch){.context = x, .tick = tick};
}

static void count_watch(analysis *x, const hesse_watch *watch)
{
    x->times.assembly += watch->panels;
    x->times.exchange += watch->exchange;
}

/* ELPA reads both triangles, and so do a listener and the residuals of eigenvectors. */
static bool reads_lower(const analysis *x)
{
    return x->inquiry->engine != HESSE_ENGINE_ELPA && !x->inquiry->vectors &&
           !shows_matrices(x);
}

/* Matrices of a part, of every share, assembled by a circle. */
static hesse_status assemble(analysis *x, const circle *by, const hesse_task *task,
                             hesse_part part, hesse_dmat **a)
{
    const hesse_block *first = &x->partition->blocks[part.block];
    const hesse_block *last = first + part.blocks - 1;
    const size_t n = last->first + last->size - first->first;
    hesse_watch watch = watch_of(x, task);
    hesse_status status = HESSE_OK;
    for (int s = 0; !status && s < shares_of(x); s++) {
        status = hesse_dmat_new(by->grid, (int)n, &a[s]);
        if (!status) a[s]->lower = reads_lower(x);
    }
    if (status) return status;
    const int count = hesse_lanes_begin(&x->lanes, part);
    for (int s = 0; s < shares_of(x); s++) x->tallies[s].all = (hesse_sums){0};
    status = hesse_assemble(by->team, &x->lanes, count, part.blocks, a, x->tallies,
                            x->defect, &watch);
    count_watch(x, &watch);
    for (int s = 0; s < shares_of(x); s++) judge_defect(x, s, &x->tallies[s].all);
    return status;
}

/* Eigenvalues of a distributed matrix, proven; the matrix is destroyed. */
static hesse_status solve(analysis *x, const circle *by, int share, hesse_dmat *a,
                          const hesse_sums *sums, const char *name,
                          hesse_spectrum **spectrum)
{
    hesse_why *why = hesse_team_why(by->team);
    start(&x->times.eigenvalues);
    hesse_status status = hesse_agree(
        by->team, hesse_spectrum_new(a->n, x->inquiry->vectors, spectrum, why));
    if (!status)
        status = of_block(name, hesse_eigen(a, x->inquiry->engine, *spectrum), why);
    if (!status) {
        (*spectrum)->proof_symmetry = x->proof[share];
        status =
            hesse_agree(by->team, hesse_spectrum_prove(*spectrum, sums, name, why));
    }
    stop(&x->times.eigenvalues);
    return status;
}

static hesse_status assemble_whole(analysis *x)
{
    const hesse_part all = {0, x->partition->count};
    hesse_status status =
        assemble(x, &x->circles[0], &x->schedule->whole, all, x->whole);
    for (int s = 0; !status && s < shares_of(x); s++) {
        x->found[s].all = x->tallies[s].all;
        status = show_matrix(x, s, -1, x->whole[s], NULL);
    }
    for (int s = 0; !status && s < shares_of(x); s++)
        for (int i = 0; i < x->partition->count * x->partition->count; i++)
            x->found[s].coupling[i] = sqrt(x->found[s].coupling[i]);
    x->done += x->schedule->whole.assembly;
    x->operations += x->schedule->whole.work.products;
    return status;
}

static hesse_status solve_whole(analysis *x)
{
    const double seconds = x->schedule->whole.eigen / shares_of(x);
    const double operations = x->schedule->whole.solution / shares_of(x);
    hesse_status status = HESSE_OK;
    for (int s = 0; !status && s < shares_of(x); s++) {
        const double since = MPI_Wtime();
        tell(x, "eigenvalues", 0, 0);
        status = solve(x, &x->circles[0], s, x->whole[s], &x->found[s].all, "full",
                       &x->found[s].full);
        if (!status) x->found[s].full->seconds += MPI_Wtime() - since;
        hesse_dmat_free(x->whole[s]);
        x->whole[s] = NULL;
        x->done += seconds;
        x->operations += operations;
    }
    return status;
}

static hesse_status block_together(analysis *x, const hesse_task *task)
{
    const circle *by = &x->circles[task->depth];
    const hesse_block *b = &x->partition->blocks[task->block];
    const double since = MPI_Wtime();
    hesse_dmat **a = hesse_calloc((size_t)shares_of(x), sizeof(void *));
    hesse_status status = HESSE_OK;
    if (!a)
        status = hesse_fail(hesse_team_why(by->team), HESSE_E_NOMEM, "out of memory");
    status = hesse_agree(by->team, status);
    if (!status && !x->whole[0])
        status = assemble(x, by, task, (hesse_part){task->block, 1}, a);
    for (int s = 0; !status && x->whole[0] && s < shares_of(x); s++)
        status = hesse_dmat_part(x->whole[s], (int)b->first, (int)b->size, &a[s]);
    for (int s = 0; !status && s < shares_of(x); s++) {
        status = show_matrix(x, s, task->block, a[s], NULL);
        if (!status)
            status = solve(x, by, s, a[s], &x->found[s].sums[task->block], b->name,
                           &x->found[s].spectra[task->block]);
        if (!status)
            x->found[s].spectra[task->block]->seconds =
                (MPI_Wtime() - since) / shares_of(x);
    }
    finish_task(x, task);
    free_all(x, a);
    free(a);
    if (status) *hesse_team_why(x->team) = *hesse_team_why(by->team);
    return status;
}

static bool is_mine(const analysis *x, const hesse_task *t)
{
    const int rank = x->team->rank;
    return t->group.first <= rank && rank < t->group.first + t->group.count;
}

/* A group that fails leaves out the rest, and its ranks meet the others at the end. */
static hesse_status blocks_together(analysis *x)
{
    hesse_status status = HESSE_OK;
    for (int i = 0; !status && i < x->schedule->count; i++) {
        const hesse_task *t = &x->schedule->tasks[i];
        if (t->group.count > 1 && is_mine(x, t)) status = block_together(x, t);
    }
    return status;
}

/* Room for a block of every share on its owner. */
static hesse_status room(const analysis *x, size_t n, double **a)
{
    for (int s = 0; s < shares_of(x); s++)
        if (!(a[s] = hesse_alloc(n * n)))
            return hesse_fail(hesse_team_why(x->team), HESSE_E_NOMEM,
                              "%zu bytes for a block of order %zu are not there",
                              n * n * sizeof(double), n);
    return HESSE_OK;
}

static void assemble_alone(analysis *x, const hesse_task *task, double *const *a)
{
    const int n = (int)x->partition->blocks[task->block].size;
    const int count = hesse_lanes_begin(&x->lanes, (hesse_part){task->block, 1});
    hesse_watch watch = watch_of(x, task);
    hesse_assemble_local(&x->lanes, count, n, a, x->tallies, x->defect, &watch);
    count_watch(x, &watch);
    for (int s = 0; s < shares_of(x); s++)
        judge_defect(x, s, &x->found[s].sums[task->block]);
}

static hesse_status solve_alone(analysis *x, const hesse_task *task, double *const *a,
                                double since)
{
    const hesse_block *b = &x->partition->blocks[task->block];
    hesse_why *why = hesse_team_why(x->team);
    hesse_status status = HESSE_OK;
    start(&x->times.eigenvalues);
    for (int s = 0; !status && s < shares_of(x); s++) {
        hesse_spectrum **spectrum = &x->found[s].spectra[task->block];
        const hesse_sums *sums = &x->found[s].sums[task->block];
        status = hesse_spectrum_new((int)b->size, x->inquiry->vectors, spectrum, why);
        if (!status)
            status = of_block(b->name,
                              hesse_eigen_local((int)b->size, a[s], x->inquiry->engine,
                                                *spectrum, why),
                              why);
        if (status) break;
        (*spectrum)->proof_symmetry = x->proof[s];
        (*spectrum)->seconds = (MPI_Wtime() - since) / shares_of(x);
        status = hesse_spectrum_prove(*spectrum, sums, b->name, why);
    }
    stop(&x->times.eigenvalues);
    finish_task(x, task);
    return status;
}

/* Who does what in which wave: a rank's tasks, in the order of the schedule. */
static hesse_status make_waves(analysis *x)
{
    const hesse_schedule *s = x->schedule;
    const int ranks = x->team->size;
    int *count = hesse_calloc((size_t)ranks, sizeof *count);
    hesse_status status = HESSE_OK;
    for (int i = 0; count && i < s->count; i++) {
        if (s->tasks[i].group.count > 1) continue;
        const int n = ++count[s->tasks[i].group.first];
        x->n_waves = n > x->n_waves ? n : x->n_waves;
    }
    x->waves = hesse_calloc((size_t)x->n_waves * (size_t)ranks, sizeof *x->waves);
    if (count) memset(count, 0, (size_t)ranks * sizeof *count);
    if (!count || !x->waves)
        status = hesse_fail(hesse_team_why(x->team), HESSE_E_NOMEM,
                            "out of memory for a schedule of %d blocks", s->count);
    for (int i = 0; !status && i < s->count; i++) {
        const int owner = s->tasks[i].group.first;
        if (s->tasks[i].group.count == 1)
            x->waves[count[owner]++ * ranks + owner] = &s->tasks[i];
    }
    free(count);
    return status;
}

/* The task of a rank in a wave; NULL: none left. */
static const hesse_task *task_of(const analysis *x, int rank, int wave)
{
    return x->waves[wave * x->team->size + rank];
}

/* Blocks of this wave, cut out of the whole. */
static hesse_status cut_out(analysis *x, int wave, int share, double *mine)
{
    hesse_gather *list = hesse_calloc((size_t)x->team->size, sizeof *list);
    hesse_status status = HESSE_OK;
    int count = 0;
    if (!list)
        status = hesse_fail(hesse_team_why(x->team), HESSE_E_NOMEM, "out of memory");
    status = hesse_agree(x->team, status);
    for (int r = 0; !status && r < x->team->size; r++) {
        const hesse_task *t = task_of(x, r, wave);
        if (!t) continue;
        const hesse_block *b = &x->partition->blocks[t->block];
        list[count++] = (hesse_gather){(int)b->first, (int)b->size, r,
                                       r == x->team->rank ? mine : NULL};
    }
    if (!status) status = hesse_dmat_gather(x->whole[share], list, count);
    free(list);
    return status;
}

/* The matrices of a wave, one rank's after another's. */
static hesse_status show_wave(analysis *x, int wave, double *const *mine)
{
    hesse_status status = HESSE_OK;
    for (int r = 0; r < x->team->size; r++) {
        const hesse_task *t = task_of(x, r, wave);
        if (!t) continue;
        const bool own = r == x->team->rank;
        for (int s = 0; !status && s < shares_of(x); s++) {
            if (own) hesse_mirror((int)x->partition->blocks[t->block].size, mine[s]);
            status = show_matrix(x, s, t->block, NULL, own ? mine[s] : NULL);
        }
    }
    return status;
}

/* One block of this rank, or none; collective where matrices travel. */
static hesse_status wave(analysis *x, int number, bool collective)
{
    const hesse_task *t = task_of(x, x->team->rank, number);
    const double since = MPI_Wtime();
    double **a = hesse_calloc((size_t)shares_of(x), sizeof *a);
    hesse_status status = HESSE_OK;
    if (!a)
        status = hesse_fail(hesse_team_why(x->team), HESSE_E_NOMEM, "out of memory");
    if (!status && t) status = room(x, x->partition->blocks[t->block].size, a);
    if (!status && t && !x->whole[0]) assemble_alone(x, t, a);
    if (collective) {
        status = hesse_agree(x->team, status);
        for (int s = 0; !status && x->whole[0] && s < shares_of(x); s++)
            status = cut_out(x, number, s, a[s]);
        if (!status && shows_matrices(x)) status = show_wave(x, number, a);
    }
    if (!status && t) status = solve_alone(x, t, a, since);
    if (collective) status = hesse_agree(x->team, status);
    for (int s = 0; a && s < shares_of(x); s++) free(a[s]);
    free(a);
    return status;
}

/* Ranks come here from groups of theirs, of which some may have failed. */
static hesse_status blocks_alone(analysis *x, hesse_status status)
{
    const bool collective = x->whole[0] || shows_matrices(x);
    if (!status) status = make_waves(x);
    if (collective) status = hesse_agree(x->team, status);
    for (int w = 0; !status && w < x->n_waves; w++) status = wave(x, w, collective);
    start(&x->times.idle);
    status = hesse_agree(x->team, status);
    stop(&x->times.idle);
    return status;
}

static bool has_groups(const analysis *x, int depth)
{
    bool any = depth == 0 && x->inquiry->scope & HESSE_FULL;
    for (int i = 0; !any && i < x->schedule->count; i++) {
        const hesse_task *t = &x->schedule->tasks[i];
        any = t->depth == depth && t->group.count > 1;
    }
    return any;
}

/* A team and a grid for every depth that has work for groups. */
static hesse_status draw_circles(analysis *x)
{
    hesse_status status = HESSE_OK;
    x->circles = hesse_calloc((size_t)x->schedule->depth + 1, sizeof *x->circles);
    if (!x->circles)
        status = hesse_fail(hesse_team_why(x->team), HESSE_E_NOMEM, "out of memory");
    status = hesse_agree(x->team, status);
    for (int d = 0; !status && d <= x->schedule->depth; d++) {
        circle *c = &x->circles[d];
        const hesse_group g = hesse_group_of(x->team->size, d, x->team->rank);
        if (!has_groups(x, d)) continue;
        if (d == 0) c->team = x->team;
        if (d > 0) status = hesse_team_split(x->team, g.first, &c->team);
        if (!status) status = hesse_grid_new(c->team, &c->grid);
        status = hesse_agree(x->team, status);
    }
    return status;
}

static void free_circles(analysis *x)
{
    for (int d = 0; x->circles && d <= x->schedule->depth; d++) {
        hesse_grid_free(x->circles[d].grid);
        if (d > 0) hesse_team_free(x->circles[d].team);
    }
    free(x->circles);
}

/* Memory for all that lasts. */
static hesse_status prepare(analysis *x, const hesse_tape *tape,
                            const hesse_params *params)
{
    const size_t shares = (size_t)shares_of(x);
    const bool whole = x->inquiry->scope & HESSE_FULL;
    hesse_why *why = hesse_team_why(x->team);
    x->found = hesse_calloc(shares, sizeof *x->found);
    x->tallies = hesse_calloc(shares, sizeof *x->tallies);
    x->defect = hesse_alloc(shares);
    x->proof = hesse_alloc(shares);
    x->whole = hesse_calloc(shares, sizeof(void *));
    bool there = x->found && x->tallies && x->defect && x->proof && x->whole;
    for (size_t s = 0; there && s < shares; s++) {
        there = hesse_findings_new(&x->found[s], x->partition->count, whole);
        x->tallies[s] =
            (hesse_tally){.blocks = x->found[s].sums, .coupling = x->found[s].coupling};
    }
    hesse_status status =
        there ? hesse_lanes_new(tape, params, x->partition, &x->inquiry->request,
                                x->inquiry->threads, &x->lanes, why)
              : hesse_fail(why, HESSE_E_NOMEM,
                           "out of memory for the results of %d blocks",
                           x->partition->count);
    status = hesse_agree(x->team, status);
    return status ? status : draw_circles(x);
}

hesse_status hesse_analyse(hesse_team *team, const hesse_tape *tape,
                           const hesse_params *params, const hesse_partition *partition,
                           const hesse_schedule *schedule, const hesse_inquiry *inquiry,
                           hesse_findings **findings, hesse_times *times)
{
    analysis x = {.team = team,
                  .partition = partition,
                  .schedule = schedule,
                  .inquiry = inquiry,
                  .all = schedule->busy[team->rank]};
    hesse_status status = prepare(&x, tape, params);
    const bool whole = inquiry->scope & HESSE_FULL,
               blocks = inquiry->scope & HESSE_BLOCKS;
    if (!status && whole) status = assemble_whole(&x);
    for (int s = 0; !status && whole && s < shares_of(&x); s++)
        x.tallies[s] = (hesse_tally){.blocks = x.found[s].sums};
    if (!status && blocks) status = blocks_alone(&x, blocks_together(&x));
    for (int s = 0; !status && blocks && s < shares_of(&x); s++)
        status = hesse_findings_share(team, schedule, partition, inquiry->vectors,
                                      &x.found[s]);
    if (!status && whole) status = solve_whole(&x);

    if (x.whole) free_all(&x, x.whole);
    free(x.waves);
    free(x.whole);
    free(x.proof);
    free(x.defect);
    free(x.tallies);
    hesse_lanes_free(&x.lanes);
    free_circles(&x);
    *times = x.times;
    if (status)
        hesse_findings_free(x.found, shares_of(&x));
    else
        *findings = x.found;
    return status;
}
