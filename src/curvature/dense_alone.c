/* Each rank runs through its own blocks, unless matrices must travel; then they go wave by
   wave, in a wave every rank does its next one. */
#include "curvature/dense_inner.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* Room for a block of every share on its owner. */
static hesse_status room(const hesse_dense *x, size_t n, double **a)
{
    for (int s = 0; s < hesse_shares_of(x); s++)
        if (!(a[s] = hesse_alloc(n * n)))
            return hesse_fail(hesse_team_why(x->team), HESSE_E_NOMEM,
                              "%zu bytes for a block of order %zu are not there",
                              n * n * sizeof(double), n);
    return HESSE_OK;
}

static hesse_status assemble_alone(hesse_dense *x, const hesse_task *task,
                                   double *const *a)
{
    const int n = (int)x->partition->blocks[task->block].size;
    const int count = hesse_panel_threads_begin(&x->lanes, (hesse_part){task->block, 1},
                                                hesse_keeps_panels(x, task));
    hesse_watch watch = hesse_watch_of(x, task);
    const hesse_status status = hesse_assemble_local(
        &x->lanes, count, n, a, x->tallies, x->defect, &watch, hesse_team_why(x->team));
    hesse_count_watch(x, &watch);
    for (int s = 0; s < hesse_shares_of(x); s++)
        hesse_judge_defect(x, s, &x->found[s].sums[task->block]);
    return status;
}

static hesse_status solve_alone(hesse_dense *x, const hesse_task *task,
                                double *const *a, double since)
{
    const hesse_block *b = &x->partition->blocks[task->block];
    hesse_why *why = hesse_team_why(x->team);
    hesse_status status = hesse_seal(x, (int)b->size, why);
    hesse_start(&x->times.eigenvalues);
    hesse_tell_solution(x, b->size);
    for (int s = 0; !status && s < hesse_shares_of(x); s++) {
        hesse_spectrum **spectrum = &x->found[s].spectra[task->block];
        const hesse_sums *sums = &x->found[s].sums[task->block];
        status = hesse_spectrum_new((int)b->size, x->options->vectors, spectrum, why);
        if (!status)
            status =
                hesse_of_block(b->name,
                               hesse_eigen_local((int)b->size, a[s], x->options->engine,
                                                 *spectrum, why),
                               why);
        if (status) break;
        (*spectrum)->check_symmetry = x->proof[s];
        (*spectrum)->seconds = (MPI_Wtime() - since) / hesse_shares_of(x);
        status = hesse_spectrum_check(*spectrum, sums, b->name, why);
    }
    hesse_unseal(x);
    hesse_stop(&x->times.eigenvalues);
    if (!status) status = hesse_keep_block(x, task, why);
    if (!status) hesse_drop_panels(x, task->block);
    hesse_finish_task(x, task);
    return status;
}

/* What single ranks have to do. */
static bool is_left(const hesse_dense *x, const hesse_task *t)
{
    return t->group.count == 1 && !hesse_block_known(x, t->block);
}

/* Who does what in which wave: a rank's tasks, in the order of the schedule. */
static hesse_status make_waves(hesse_dense *x)
{
    const hesse_schedule *s = x->schedule;
    const int ranks = x->team->size;
    int *count = hesse_calloc((size_t)ranks, sizeof *count);
    hesse_status status = HESSE_OK;
    for (int i = 0; count && i < s->count; i++) {
        if (!is_left(x, &s->tasks[i])) continue;
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
        if (is_left(x, &s->tasks[i]))
            x->waves[count[owner]++ * ranks + owner] = &s->tasks[i];
    }
    free(count);
    return status;
}

/* The task of a rank in a wave; NULL: none left. */
static const hesse_task *task_of(const hesse_dense *x, int rank, int wave)
{
    return x->waves[wave * x->team->size + rank];
}

/* Blocks of this wave, cut out of the whole. */
static hesse_status cut_out(hesse_dense *x, int wave, int share, double *mine)
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
static hesse_status show_wave(hesse_dense *x, int wave, double *const *mine)
{
    hesse_status status = HESSE_OK;
    for (int r = 0; r < x->team->size; r++) {
        const hesse_task *t = task_of(x, r, wave);
        if (!t) continue;
        const bool own = r == x->team->rank;
        for (int s = 0; !status && s < hesse_shares_of(x); s++) {
            if (own) hesse_mirror((int)x->partition->blocks[t->block].size, mine[s]);
            status = hesse_show_matrix(x, s, t->block, NULL, own ? mine[s] : NULL);
        }
    }
    return status;
}

/* One block of this rank, or none; collective where matrices travel. */
static hesse_status wave(hesse_dense *x, int number, bool collective)
{
    const hesse_task *t = task_of(x, x->team->rank, number);
    const double since = MPI_Wtime();
    double **a = hesse_calloc((size_t)hesse_shares_of(x), sizeof *a);
    hesse_status status = HESSE_OK;
    if (!a)
        status = hesse_fail(hesse_team_why(x->team), HESSE_E_NOMEM, "out of memory");
    if (!status && t) status = room(x, x->partition->blocks[t->block].size, a);
    if (!status) status = hesse_go_on(x, hesse_team_why(x->team));
    if (!status && t && !x->whole[0]) status = assemble_alone(x, t, a);
    if (collective) {
        status = hesse_agree(x->team, status);
        for (int s = 0; !status && x->whole[0] && s < hesse_shares_of(x); s++)
            status = cut_out(x, number, s, a[s]);
        if (!status && hesse_shows_matrices(x)) status = show_wave(x, number, a);
    }
    if (!status && t) status = solve_alone(x, t, a, since);
    if (collective) status = hesse_agree(x->team, status);
    for (int s = 0; a && s < hesse_shares_of(x); s++) free(a[s]);
    free(a);
    return status;
}

/* Ranks come here from groups of theirs, of which some may have failed. */
hesse_status hesse_blocks_alone(hesse_dense *x, hesse_status status)
{
    const bool collective = x->whole[0] || hesse_shows_matrices(x);
    if (!status) status = make_waves(x);
    if (collective) status = hesse_agree(x->team, status);
    for (int w = 0; !status && w < x->n_waves; w++) status = wave(x, w, collective);
    hesse_start(&x->times.idle);
    status = hesse_agree(x->team, status);
    hesse_stop(&x->times.idle);
    return status;
}
