/* The dense path. If the whole matrix is needed, it is assembled first, and blocks are
   cut out of it. Then come the blocks, those of the largest groups of ranks first and
   those of single ranks last, and at the end the eigenvalues of the whole. Every rank
   learns all results. */
#include "curvature/dense.h"

#include "base/clock.h"
#include "base/memory.h"
#include "curvature/assemble.h"
#include "spectra/inertia.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ranks that compute a block together. */
typedef struct hesse_rank_group {
    hesse_team *team;
    hesse_grid *grid;
} hesse_rank_group;

/* Data that the passes share. */
typedef struct hesse_dense {
    hesse_team *team;
    const hesse_partition *partition;
    const hesse_schedule *schedule;
    const hesse_dense_options *options;
    hesse_panel_threads workers;
    hesse_rank_group *rank_groups; /* [depth] of the schedule; the first: all ranks  */
    hesse_share_results *found;    /* [shares]                                       */
    hesse_tally *tallies;          /* [shares]                                       */
    double *defect;                /* [shares]; of the part assembled last, absolute */
    double *check;                 /* [shares]; the same, relative                   */
    hesse_dmat **whole;            /* [shares]; NULL entries if scope is blocks */
    const hesse_task **waves;      /* [n_waves][ranks]                               */
    int n_waves;
    hesse_times times;
    double all, done,
        operations;          /* predicted seconds of this rank; finished operations */
    const hesse_task *doing; /* being assembled */
} hesse_dense;

static int shares_of(const hesse_dense *x)
{
    return x->options->request.shares;
}

static bool shows_matrices(const hesse_dense *x)
{
    return x->options->listener && x->options->listener->matrix;
}

/* These begin and end the measurement of a time. */
static void start_clock(double *seconds)
{
    *seconds -= hesse_seconds();
}

static void stop_clock(double *seconds)
{
    *seconds += hesse_seconds();
}

/* Results of earlier runs are loaded, and results of this run are saved for later ones.
   If a matrix is shown, only its panels are saved, so that it can be shown again. */

/* Solutions of smaller order take at most about a second. */
enum { LONG = 2000 };

/* Panels that take fewer seconds are not worth writing, whatever the stretch. */
static const double SHORT = 10;

bool hesse_dense_keeps(const hesse_task *task, double stretch, bool shown)
{
    return task->assembly > fmin(stretch, SHORT) || shown;
}

static hesse_record record_of(const hesse_dense *x, int share, int block)
{
    if (block < 0)
        return (hesse_record){
            .kind = HESSE_RECORD_WHOLE, .share = share, .blocks = x->partition->count};
    return (hesse_record){
        .kind = HESSE_RECORD_BLOCK, .share = share, .block = block, .blocks = 1};
}

static int order_of(const hesse_dense *x, int block)
{
    return (int)(block < 0 ? x->partition->size : x->partition->blocks[block].size);
}

static bool known(const hesse_dense *x, int share, int block)
{
    const hesse_record what = record_of(x, share, block);
    return !shows_matrices(x) &&
           hesse_share_results_known(&x->found[share], x->options->checkpoint, &what,
                                     order_of(x, block), x->options->vectors);
}

static hesse_status load(hesse_dense *x, int share, int block, hesse_why *why)
{
    const hesse_record what = record_of(x, share, block);
    return hesse_share_results_load(&x->found[share], x->options->checkpoint, &what,
                                    order_of(x, block), x->options->vectors, why);
}

static hesse_status save(const hesse_dense *x, int share, int block, hesse_why *why)
{
    const hesse_record what = record_of(x, share, block);
    if (!x->options->checkpoint) return HESSE_OK;
    return hesse_share_results_save(&x->found[share], x->options->checkpoint, &what,
                                    why);
}

static bool block_is_known(const hesse_dense *x, int block)
{
    bool all = true;
    for (int s = 0; all && s < shares_of(x); s++) all = known(x, s, block);
    return all;
}

static bool whole_is_known(const hesse_dense *x, int share)
{
    return known(x, share, -1);
}

static hesse_status load_block(hesse_dense *x, int block, hesse_why *why)
{
    hesse_status status = HESSE_OK;
    for (int s = 0; !status && s < shares_of(x); s++) status = load(x, s, block, why);
    return status;
}

static hesse_status load_whole(hesse_dense *x, int share, hesse_why *why)
{
    return load(x, share, -1, why);
}

static bool keeps_panels(const hesse_dense *x, const hesse_task *task)
{
    const hesse_checkpoint *c = x->options->checkpoint;
    return c && hesse_dense_keeps(task, hesse_checkpoint_stretch(c), shows_matrices(x));
}

static hesse_status save_block(const hesse_dense *x, const hesse_task *task,
                               hesse_why *why)
{
    hesse_status status = HESSE_OK;
    for (int s = 0; !status && s < shares_of(x); s++)
        status = save(x, s, task->block, why);
    if (!status && keeps_panels(x, task))
        status = hesse_checkpoint_make_safe(x->options->checkpoint, why);
    return status;
}

static hesse_status save_whole(const hesse_dense *x, int share, hesse_why *why)
{
    return save(x, share, -1, why);
}

static void drop_panels(const hesse_dense *x, int block)
{
    if (!shows_matrices(x))
        hesse_checkpoint_drop_panels(x->options->checkpoint, block, 1);
}

/* The solution of a large matrix cannot be interrupted. */
static hesse_status begin_solution(const hesse_dense *x, int n, hesse_why *why)
{
    if (n <= LONG) return HESSE_OK;
    return hesse_checkpoint_begin_uninterruptible(x->options->checkpoint, why);
}

static void end_solution(const hesse_dense *x)
{
    hesse_checkpoint_end_uninterruptible(x->options->checkpoint);
}

/* Every pass does the same with a part of the Hessian: it assembles the part, shows it,
   decomposes and checks it, and reports the progress. */

static void tell(const hesse_dense *x, const char *phase, double seconds, double more)
{
    const hesse_listener *l = x->options->listener;
    if (l && l->progress && x->all > 0)
        l->progress(l->context, phase, (x->done + seconds) / x->all,
                    x->operations + more);
}

static void tell_solution(const hesse_dense *x, size_t n)
{
    char phase[64];
    snprintf(phase, sizeof phase, "eigenvalues of %zu x %zu", n, n);
    tell(x, phase, 0, 0);
}

/* Every rank of a group counts the predicted seconds and operations of the whole
   group. */
static void tick(void *context, int done, int all)
{
    const hesse_dense *x = context;
    const double part = (double)done / all;
    tell(x, "assembly", part * x->doing->assembly, part * x->doing->work.products);
}

static void finish_task(hesse_dense *x, const hesse_task *t)
{
    x->done += t->assembly + t->eigen;
    x->operations += t->work.products + t->solution;
    tell(x, "eigenvalues", 0, 0);
}

static hesse_status show_matrix(hesse_dense *x, int share, int block,
                                const hesse_held *matrix)
{
    const hesse_listener *l = x->options->listener;
    start_clock(&x->times.matrices);
    const hesse_status s = l->matrix(l->context, share, block, matrix);
    stop_clock(&x->times.matrices);
    return s;
}

/* The part of the loss that adds to the scale of a defect; rounding is larger in single
   precision. */
static const double OF_LOSS = HESSE_REALS_DIFFER ? 1e-2 : 1e-4;

/* A block may be zero except for rounding, like the block of a key's bias, which
   softmax does not see. The remaining rounding need not be symmetric, so the loss,
   which has the units of the Hessian, adds to the scale, multiplied by the largest
   factor of a scaled share. docs/math.md, section 5. */
static void judge_defect(const hesse_dense *x, int share, const hesse_sums *sums)
{
    const double factor = hesse_panels_largest_factor(x->workers.panels[0], share);
    const double scale =
        sqrt(sums->squares) + OF_LOSS * fabs(x->options->loss) * factor;
    x->check[share] = scale > 0 ? x->defect[share] / scale : 0;
}

/* A message of a solver has no names, so the name is added. */
static hesse_status name_in_error(const char *name, hesse_status status, hesse_why *why)
{
    const hesse_why said = *why;
    return status ? hesse_fail(why, status, "%s: %s", name, said.text) : HESSE_OK;
}

static hesse_watch watch_of(hesse_dense *x, const hesse_task *task)
{
    x->doing = task;
    return (hesse_watch){.context = x, .tick = tick};
}

static void count_watch(hesse_dense *x, const hesse_watch *watch)
{
    x->times.assembly += watch->panels;
    x->times.exchange += watch->exchange;
}

/* Collective in a group. Make a matrix for every share. */
static hesse_status new_matrices(const hesse_dense *x, const hesse_rank_group *by,
                                 const hesse_task *task, hesse_dmat **a)
{
    const int n = order_of(x, task->block);
    hesse_status status = HESSE_OK;
    for (int s = 0; !status && s < shares_of(x); s++)
        status =
            (task->lower ? hesse_dmat_new_lower : hesse_dmat_new)(by->grid, n, &a[s]);
    return status;
}

/* Assemble the matrices of a part, of every share, on a group of ranks. */
static hesse_status assemble_part(hesse_dense *x, const hesse_rank_group *by,
                                  const hesse_task *task, hesse_part part,
                                  hesse_dmat *const *a)
{
    hesse_watch watch = watch_of(x, task);
    const int count =
        hesse_panel_threads_begin(&x->workers, part, keeps_panels(x, task));
    for (int s = 0; s < shares_of(x); s++) x->tallies[s].all = (hesse_sums){0};
    const hesse_status status = hesse_assemble(
        by->team, &x->workers, count, part.blocks, a, x->tallies, x->defect, &watch);
    count_watch(x, &watch);
    for (int s = 0; s < shares_of(x); s++) judge_defect(x, s, &x->tallies[s].all);
    return status;
}

/* The counts of a block; -1 for the whole. */
static double *counts_of(const hesse_dense *x, int share, int block)
{
    const int at = block < 0 ? x->partition->count : block;
    double *all = x->found[share].below;
    return all ? all + (size_t)at * (size_t)x->options->n_index : NULL;
}

/* Return true if a rank has room for a copy of a matrix. */
static bool counts_below(const hesse_dense *x, int n, int ranks)
{
    return x->options->n_index && hesse_index_bytes(n, ranks) <= x->options->room;
}

double hesse_index_bytes(int n, int ranks)
{
    const double whole = (double)n * n * (double)sizeof(real);
    const double messages = ranks > 1 ? whole + whole / ranks : 0;
    return whole + messages + hesse_inertia_bytes(n);
}

/* Count the eigenvalues of a matrix below all values on this rank. */
static hesse_status count_local(const hesse_dense *x, int n, const real *a,
                                double *counts, hesse_why *why)
{
    const size_t size = (size_t)n * (size_t)n;
    if (!counts_below(x, n, 1)) return HESSE_OK;
    real *copy = hesse_alloc_real(size);
    hesse_status s = HESSE_OK;
    if (!copy)
        s = hesse_fail(why, HESSE_E_NOMEM,
                       "%zu bytes for a copy of a matrix of order %d are not there",
                       size * sizeof *copy, n);
    for (int i = 0; !s && i < x->options->n_index; i++) {
        int below;
        memcpy(copy, a, size * sizeof *copy);
        s = hesse_inertia(n, copy, x->options->index[i], &below, why);
        if (!s) counts[i] = below;
    }
    free(copy);
    return s;
}

/* Collective. Count those of a distributed matrix on the first rank of the team, which
   gets a copy of the matrix for every value. All ranks of the team learn the counts. */
static hesse_status count_together(const hesse_dense *x, hesse_team *team,
                                   const hesse_dmat *a, double *counts)
{
    const size_t size = (size_t)a->n * (size_t)a->n;
    const bool mine = hesse_team_rank(team) == 0;
    if (!counts_below(x, a->n, team->size)) return HESSE_OK;
    real *copy = mine ? hesse_alloc_real(size) : NULL;
    hesse_status s = HESSE_OK;
    if (mine && !copy)
        s = hesse_fail(&team->why, HESSE_E_NOMEM,
                       "%zu bytes for a copy of a matrix of order %d are not there",
                       size * sizeof *copy, a->n);
    s = hesse_agree(team, s);
    for (int i = 0; !s && i < x->options->n_index; i++) {
        const hesse_gather all = {.n = a->n, .values = copy};
        int below = -1;
        s = hesse_dmat_gather(a, &all, 1);
        if (!s && mine)
            s = hesse_inertia(a->n, copy, x->options->index[i], &below, &team->why);
        s = hesse_agree(team, s);
        hesse_team_broadcast(team, 0, &below, sizeof below);
        counts[i] = below;
    }
    free(copy);
    return s;
}

/* Compute and check the eigenvalues of a distributed matrix. The matrix is
   destroyed. */
static hesse_status solve_part(hesse_dense *x, const hesse_rank_group *by,
                               const hesse_task *task, int share, hesse_dmat *a,
                               const hesse_sums *sums, const char *name,
                               hesse_spectrum **spectrum)
{
    hesse_why *why = hesse_team_why(by->team);
    start_clock(&x->times.eigenvalues);
    tell_solution(x, (size_t)a->n);
    hesse_status status = hesse_spectrum_new(a->n, x->options->vectors, spectrum, why);
    if (!status) status = begin_solution(x, a->n, why);
    status = hesse_agree(by->team, status);
    if (!status)
        status = count_together(x, by->team, a, counts_of(x, share, task->block));
    if (!status)
        status = name_in_error(name, hesse_eigen(a, task->engine, *spectrum), why);
    if (!status) {
        (*spectrum)->check_symmetry = x->check[share];
        status =
            hesse_agree(by->team, hesse_spectrum_check(*spectrum, sums, name, why));
    }
    end_solution(x);
    stop_clock(&x->times.eigenvalues);
    return status;
}

/* Blocks are computed in waves: in a wave, every group of one depth computes its next
   block. Groups of a depth are parts of the groups before. If all ranks take part in
   every block, because its matrix is cut out of the whole or shown, they wait for each
   other in every wave. If not, a rank just goes on to its next block; ranks that meet
   in a group have done the same work before. */

/* The matrices of a block, of every share, on the ranks of its group: distributed over
   them, or squares on a single one. */
typedef struct formed {
    hesse_dmat **a;
    real **square;
} formed;

/* Return true if the matrix of a task is distributed over its group. */
static bool is_distributed(const hesse_task *t)
{
    return t->group.count > 1 || t->lower;
}

/* Return the team whose message tells why a task failed. */
static hesse_team *team_of(const hesse_dense *x, const hesse_task *t)
{
    return is_distributed(t) ? x->rank_groups[t->depth].team : x->team;
}

/* Collective in the group of a task that is distributed. Make its matrices. */
static hesse_status new_formed(const hesse_dense *x, const hesse_task *t, formed *m)
{
    const size_t n = x->partition->blocks[t->block].size;
    hesse_why *why = hesse_team_why(team_of(x, t));
    hesse_status status = HESSE_OK;
    m->a = hesse_calloc((size_t)shares_of(x), sizeof *m->a);
    m->square = hesse_calloc((size_t)shares_of(x), sizeof *m->square);
    if (!m->a || !m->square) status = hesse_fail(why, HESSE_E_NOMEM, "out of memory");
    if (is_distributed(t)) {
        status = hesse_agree(team_of(x, t), status);
        return status ? status : new_matrices(x, &x->rank_groups[t->depth], t, m->a);
    }
    for (int s = 0; !status && s < shares_of(x); s++)
        if (!(m->square[s] = hesse_alloc_real(n * n)))
            status = hesse_fail(why, HESSE_E_NOMEM,
                                "%zu bytes for a block of order %zu are not there",
                                n * n * sizeof(real), n);
    return status;
}

static hesse_dmat *matrix_of(const formed *m, int share)
{
    return m->a ? m->a[share] : NULL;
}

static real *square_of(const formed *m, int share)
{
    return m->square ? m->square[share] : NULL;
}

static void free_formed(const hesse_dense *x, formed *m)
{
    for (int s = 0; m->a && s < shares_of(x); s++) hesse_dmat_free(m->a[s]);
    for (int s = 0; m->square && s < shares_of(x); s++) free(m->square[s]);
    free(m->a);
    free(m->square);
}

static hesse_status assemble_alone(hesse_dense *x, const hesse_task *task,
                                   real *const *a)
{
    const int n = (int)x->partition->blocks[task->block].size;
    const int count = hesse_panel_threads_begin(
        &x->workers, (hesse_part){task->block, 1}, keeps_panels(x, task));
    hesse_watch watch = watch_of(x, task);
    const hesse_status status =
        hesse_assemble_local(&x->workers, count, n, a, x->tallies, x->defect, &watch,
                             hesse_team_why(x->team));
    count_watch(x, &watch);
    for (int s = 0; s < shares_of(x); s++)
        judge_defect(x, s, &x->found[s].sums[task->block]);
    return status;
}

static hesse_status solve_alone(hesse_dense *x, const hesse_task *task, real *const *a,
                                double since)
{
    const hesse_block *b = &x->partition->blocks[task->block];
    hesse_why *why = hesse_team_why(x->team);
    hesse_status status = begin_solution(x, (int)b->size, why);
    start_clock(&x->times.eigenvalues);
    tell_solution(x, b->size);
    for (int s = 0; !status && s < shares_of(x); s++) {
        hesse_spectrum **spectrum = &x->found[s].spectra[task->block];
        const hesse_sums *sums = &x->found[s].sums[task->block];
        status = hesse_spectrum_new((int)b->size, x->options->vectors, spectrum, why);
        if (!status)
            status =
                count_local(x, (int)b->size, a[s], counts_of(x, s, task->block), why);
        if (!status)
            status =
                name_in_error(b->name,
                              hesse_eigen_local((int)b->size, a[s], x->options->engine,
                                                *spectrum, why),
                              why);
        if (status) break;
        (*spectrum)->check_symmetry = x->check[s];
        (*spectrum)->seconds = (hesse_seconds() - since) / shares_of(x);
        status = hesse_spectrum_check(*spectrum, sums, b->name, why);
    }
    end_solution(x);
    stop_clock(&x->times.eigenvalues);
    if (!status) status = save_block(x, task, why);
    if (!status) drop_panels(x, task->block);
    finish_task(x, task);
    return status;
}

static hesse_status solve_together(hesse_dense *x, const hesse_task *t,
                                   hesse_dmat *const *a, double since)
{
    const hesse_rank_group *by = &x->rank_groups[t->depth];
    hesse_why *why = hesse_team_why(by->team);
    hesse_status status = HESSE_OK;
    for (int s = 0; !status && s < shares_of(x); s++) {
        hesse_spectrum **spectrum = &x->found[s].spectra[t->block];
        status = solve_part(x, by, t, s, a[s], &x->found[s].sums[t->block],
                            x->partition->blocks[t->block].name, spectrum);
        if (!status) (*spectrum)->seconds = (hesse_seconds() - since) / shares_of(x);
    }
    if (!status && hesse_team_rank(by->team) == 0) status = save_block(x, t, why);
    status = hesse_agree(by->team, status);
    if (!status) drop_panels(x, t->block);
    finish_task(x, t);
    return status;
}

/* Assign tasks to waves in the order of the schedule. Without waves they are only
   counted. */
static void line_up(hesse_dense *x, int *count)
{
    const hesse_schedule *s = x->schedule;
    const int ranks = x->team->size;
    x->n_waves = 0;
    for (int i = 0; i < s->count; i++) {
        const hesse_task *t = &s->tasks[i];
        for (int r = 0; (i == 0 || t->depth != t[-1].depth) && r < ranks; r++)
            count[r] = x->n_waves;
        if (block_is_known(x, t->block)) continue;
        const int wave = count[t->group.first];
        for (int r = t->group.first; r < t->group.first + t->group.count; r++) {
            if (x->waves) x->waves[wave * ranks + r] = t;
            count[r] = wave + 1;
        }
        if (wave == x->n_waves) x->n_waves = wave + 1;
    }
}

static hesse_status make_waves(hesse_dense *x)
{
    const size_t ranks = (size_t)x->team->size;
    int *count = hesse_calloc(ranks, sizeof *count);
    if (count) line_up(x, count);
    if (count) x->waves = hesse_calloc((size_t)x->n_waves * ranks, sizeof *x->waves);
    if (x->waves) line_up(x, count);
    free(count);
    return x->waves ? HESSE_OK
                    : hesse_fail(hesse_team_why(x->team), HESSE_E_NOMEM,
                                 "out of memory for a schedule of %d blocks",
                                 x->schedule->count);
}

/* Return the task of a rank in a wave, or NULL if none is left. */
static const hesse_task *task_of(const hesse_dense *x, int rank, int wave)
{
    return x->waves[wave * x->team->size + rank];
}

/* Return the task of a group in a wave, if this rank is its first; else NULL. */
static const hesse_task *task_of_first(const hesse_dense *x, int rank, int wave)
{
    const hesse_task *t = task_of(x, rank, wave);
    return t && t->group.first == rank ? t : NULL;
}

/* Cut the blocks of this wave out of the whole matrix of a share. */
static hesse_status cut_out(hesse_dense *x, int wave, int share, const formed *m)
{
    const hesse_task *mine = task_of(x, x->team->rank, wave);
    hesse_gather *list = hesse_calloc((size_t)x->team->size, sizeof *list);
    hesse_status status = HESSE_OK;
    int count = 0;
    if (!list)
        status = hesse_fail(hesse_team_why(x->team), HESSE_E_NOMEM, "out of memory");
    status = hesse_agree(x->team, status);
    for (int r = 0; !status && r < x->team->size; r++) {
        const hesse_task *t = task_of_first(x, r, wave);
        if (!t) continue;
        const hesse_block *b = &x->partition->blocks[t->block];
        list[count++] = (hesse_gather){.first = (int)b->first,
                                       .n = (int)b->size,
                                       .owner = r,
                                       .values = t == mine ? square_of(m, share) : NULL,
                                       .ranks = is_distributed(t) ? t->group.count : 0,
                                       .lower = t->lower,
                                       .to = t == mine ? matrix_of(m, share) : NULL};
    }
    if (!status) status = hesse_dmat_gather(x->whole[share], list, count);
    free(list);
    return status;
}

/* Show the matrices of a wave, group by group. They have both triangles. */
static hesse_status show_wave(hesse_dense *x, int wave, const formed *m)
{
    const hesse_task *mine = task_of(x, x->team->rank, wave);
    hesse_status status = HESSE_OK;
    for (int r = 0; r < x->team->size; r++) {
        const hesse_task *t = task_of_first(x, r, wave);
        if (!t) continue;
        assert(!t->lower);
        for (int s = 0; !status && s < shares_of(x); s++) {
            hesse_held held = {
                .n = order_of(x, t->block), .first = r, .ranks = t->group.count};
            if (t == mine && square_of(m, s)) hesse_mirror(held.n, square_of(m, s));
            if (t == mine) held.a = matrix_of(m, s), held.square = square_of(m, s);
            status = show_matrix(x, s, t->block, &held);
        }
    }
    return status;
}

/* Make the matrices of this rank's block in a wave, unless they are cut out of the
   whole. */
static hesse_status form_own(hesse_dense *x, const hesse_task *t, formed *m)
{
    hesse_status status = hesse_checkpoint_continue(x->options->checkpoint,
                                                    hesse_team_why(team_of(x, t)));
    if (is_distributed(t)) status = hesse_agree(team_of(x, t), status);
    if (!status) status = new_formed(x, t, m);
    if (status || x->whole[0]) return status;
    if (!is_distributed(t)) return assemble_alone(x, t, m->square);
    return assemble_part(x, &x->rank_groups[t->depth], t, (hesse_part){t->block, 1},
                         m->a);
}

static hesse_status solve_own(hesse_dense *x, const hesse_task *t, const formed *m,
                              double since)
{
    return is_distributed(t) ? solve_together(x, t, m->a, since)
                             : solve_alone(x, t, m->square, since);
}

/* Give all ranks the message of a group that failed. */
static void pass_on(const hesse_dense *x, const hesse_task *t, hesse_status status)
{
    if (status && team_of(x, t) != x->team)
        *hesse_team_why(x->team) = *hesse_team_why(team_of(x, t));
}

/* Compute at most one block of this rank. */
static hesse_status wave(hesse_dense *x, int number, bool collective)
{
    const hesse_task *t = task_of(x, x->team->rank, number);
    const double since = hesse_seconds();
    formed m = {NULL, NULL};
    hesse_status status = HESSE_OK;
    if (t) pass_on(x, t, status = form_own(x, t, &m));
    if (collective) status = hesse_agree(x->team, status);
    for (int s = 0; !status && x->whole[0] && s < shares_of(x); s++)
        status = cut_out(x, number, s, &m);
    if (!status && shows_matrices(x)) status = show_wave(x, number, &m);
    if (!status && t) pass_on(x, t, status = solve_own(x, t, &m, since));
    if (collective) status = hesse_agree(x->team, status);
    free_formed(x, &m);
    return status;
}

/* A group that fails leaves out the rest, and its ranks meet the others at the end. */
static hesse_status compute_blocks(hesse_dense *x)
{
    const bool collective = x->whole[0] || shows_matrices(x);
    hesse_status status = hesse_agree(x->team, make_waves(x));
    for (int w = 0; !status && w < x->n_waves; w++) status = wave(x, w, collective);
    start_clock(&x->times.idle);
    status = hesse_agree(x->team, status);
    stop_clock(&x->times.idle);
    return status;
}

static hesse_status assemble_whole(hesse_dense *x)
{
    const hesse_part all = {0, x->partition->count};
    const hesse_task *t = &x->schedule->whole;
    hesse_status status = new_matrices(x, &x->rank_groups[0], t, x->whole);
    if (!status) status = assemble_part(x, &x->rank_groups[0], t, all, x->whole);
    for (int s = 0; !status && s < shares_of(x); s++)
        x->found[s].all = x->tallies[s].all;
    for (int s = 0; !status && shows_matrices(x) && s < shares_of(x); s++) {
        const hesse_held held = hesse_dmat_held(x->whole[s], 0);
        status = show_matrix(x, s, -1, &held);
    }
    for (int s = 0; !status && s < shares_of(x); s++)
        for (int i = 0; i < x->partition->count * x->partition->count; i++)
            x->found[s].coupling[i] = sqrt(x->found[s].coupling[i]);
    x->done += x->schedule->whole.assembly;
    x->operations += x->schedule->whole.work.products;
    return status;
}

/* Compute a share of the whole, after the blocks. Its matrix is destroyed. */
static hesse_status solve_share(hesse_dense *x, int s)
{
    hesse_why *why = hesse_team_why(x->team);
    const double since = hesse_seconds();
    if (whole_is_known(x, s)) return hesse_agree(x->team, load_whole(x, s, why));
    hesse_status status =
        hesse_agree(x->team, hesse_checkpoint_continue(x->options->checkpoint, why));
    if (!status)
        status = solve_part(x, &x->rank_groups[0], &x->schedule->whole, s, x->whole[s],
                            &x->found[s].all, "full", &x->found[s].full);
    if (!status) x->found[s].full->seconds += hesse_seconds() - since;
    if (!status && x->team->rank == 0) status = save_whole(x, s, why);
    return hesse_agree(x->team, status);
}

static hesse_status solve_whole(hesse_dense *x)
{
    hesse_status status = HESSE_OK;
    for (int s = 0; !status && s < shares_of(x); s++) {
        status = solve_share(x, s);
        hesse_dmat_free(x->whole[s]);
        x->whole[s] = NULL;
        x->done += x->schedule->whole.eigen / shares_of(x);
        x->operations += x->schedule->whole.solution / shares_of(x);
    }
    return status;
}

/* Load the blocks that earlier runs have done. The first rank of its group loads a
   block. */
static hesse_status load_blocks(hesse_dense *x)
{
    hesse_status status = HESSE_OK;
    for (int i = 0; !status && i < x->schedule->count; i++) {
        const hesse_task *t = &x->schedule->tasks[i];
        if (t->group.first != x->team->rank || !block_is_known(x, t->block)) continue;
        status = load_block(x, t->block, hesse_team_why(x->team));
        finish_task(x, t);
    }
    return hesse_agree(x->team, status);
}

/* Return true if the matrix of the whole is needed: for its own spectrum, or to cut
   blocks out. */
static bool needs_whole(const hesse_dense *x)
{
    if (!(x->options->scope & HESSE_FULL)) return false;
    bool needed = false;
    for (int s = 0; !needed && s < shares_of(x); s++) needed = !whole_is_known(x, s);
    for (int i = 0; !needed && i < x->schedule->count; i++)
        needed = !block_is_known(x, x->schedule->tasks[i].block);
    return needed;
}

static bool has_groups(const hesse_dense *x, int depth)
{
    bool any = depth == 0 && x->options->scope & HESSE_FULL;
    for (int i = 0; !any && i < x->schedule->count; i++) {
        const hesse_task *t = &x->schedule->tasks[i];
        any = t->depth == depth && is_distributed(t);
    }
    return any;
}

/* Make a team and a grid for every depth that has work for groups. */
static hesse_status draw_circles(hesse_dense *x)
{
    hesse_status status = HESSE_OK;
    x->rank_groups =
        hesse_calloc((size_t)x->schedule->depth + 1, sizeof *x->rank_groups);
    if (!x->rank_groups)
        status = hesse_fail(hesse_team_why(x->team), HESSE_E_NOMEM, "out of memory");
    status = hesse_agree(x->team, status);
    for (int d = 0; !status && d <= x->schedule->depth; d++) {
        hesse_rank_group *c = &x->rank_groups[d];
        const hesse_group g = hesse_group_of(x->team->size, d, x->team->rank);
        if (!has_groups(x, d)) continue;
        if (d == 0) c->team = x->team;
        if (d > 0) status = hesse_team_split(x->team, g.first, &c->team);
        if (!status) status = hesse_grid_new(c->team, &c->grid);
        status = hesse_agree(x->team, status);
    }
    return status;
}

static void free_circles(hesse_dense *x)
{
    for (int d = 0; x->rank_groups && d <= x->schedule->depth; d++) {
        hesse_grid_free(x->rank_groups[d].grid);
        if (d > 0) hesse_team_free(x->rank_groups[d].team);
    }
    free(x->rank_groups);
}

/* Allocate everything that lasts for the whole run. */
static hesse_status prepare(hesse_dense *x, hesse_tape *tape,
                            const hesse_params *params)
{
    const size_t shares = (size_t)shares_of(x);
    const bool whole = x->options->scope & HESSE_FULL;
    hesse_why *why = hesse_team_why(x->team);
    x->found = hesse_calloc(shares, sizeof *x->found);
    x->tallies = hesse_calloc(shares, sizeof *x->tallies);
    x->defect = hesse_alloc(shares);
    x->check = hesse_alloc(shares);
    x->whole = hesse_calloc(shares, sizeof(void *));
    bool there = x->found && x->tallies && x->defect && x->check && x->whole;
    for (size_t s = 0; there && s < shares; s++) {
        there = hesse_share_results_new(&x->found[s], x->partition->count, whole) &&
                hesse_share_results_index(&x->found[s], x->options->n_index,
                                          x->options->index);
        x->tallies[s] =
            (hesse_tally){.blocks = x->found[s].sums, .coupling = x->found[s].coupling};
    }
    hesse_status status =
        there
            ? hesse_panel_threads_new(tape, params, x->partition, &x->options->request,
                                      x->options->threads, &x->workers, why)
            : hesse_fail(why, HESSE_E_NOMEM,
                         "out of memory for the results of %d blocks",
                         x->partition->count);
    x->workers.checkpoint = x->options->checkpoint;
    status = hesse_agree(x->team, status);
    return status ? status : draw_circles(x);
}

hesse_status hesse_dense_run(hesse_team *team, hesse_tape *tape,
                             const hesse_params *params,
                             const hesse_partition *partition,
                             const hesse_schedule *schedule,
                             const hesse_dense_options *options,
                             hesse_share_results **results, hesse_times *times)
{
    hesse_dense x = {.team = team,
                     .partition = partition,
                     .schedule = schedule,
                     .options = options,
                     .all = schedule->busy[team->rank]};
    hesse_status status = prepare(&x, tape, params);
    const bool whole = options->scope & HESSE_FULL,
               blocks = options->scope & HESSE_BLOCKS;
    if (!status && needs_whole(&x)) status = assemble_whole(&x);
    for (int s = 0; !status && whole && s < shares_of(&x); s++)
        x.tallies[s] = (hesse_tally){.blocks = x.found[s].sums};
    if (!status && blocks) status = load_blocks(&x);
    if (!status && blocks) status = compute_blocks(&x);
    for (int s = 0; !status && blocks && s < shares_of(&x); s++)
        status = hesse_share_results_share(team, schedule, partition, options->vectors,
                                           &x.found[s]);
    if (!status && whole) status = solve_whole(&x);

    for (int s = 0; x.whole && s < shares_of(&x); s++) hesse_dmat_free(x.whole[s]);
    free(x.waves);
    free(x.whole);
    free(x.check);
    free(x.defect);
    free(x.tallies);
    hesse_panel_threads_free(&x.workers);
    free_circles(&x);
    *times = x.times;
    if (status)
        hesse_share_results_free(x.found, shares_of(&x));
    else
        *results = x.found;
    return status;
}
