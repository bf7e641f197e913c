/* Where the whole is wanted, it is assembled first, and blocks are cut out of it. Then come
   the blocks of groups of ranks, then those of single ranks, and last the eigenvalues of
   the whole. At the end all are told what was found. */
#include "curvature/dense_inner.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

static hesse_status assemble_whole(hesse_dense *x)
{
    const hesse_part all = {0, x->partition->count};
    hesse_status status =
        hesse_assemble_part(x, &x->rank_groups[0], &x->schedule->whole, all, x->whole);
    for (int s = 0; !status && s < hesse_shares_of(x); s++) {
        x->found[s].all = x->tallies[s].all;
        status = hesse_show_matrix(x, s, -1, x->whole[s], NULL);
    }
    for (int s = 0; !status && s < hesse_shares_of(x); s++)
        for (int i = 0; i < x->partition->count * x->partition->count; i++)
            x->found[s].coupling[i] = sqrt(x->found[s].coupling[i]);
    x->done += x->schedule->whole.assembly;
    x->operations += x->schedule->whole.work.products;
    return status;
}

/* A share of the whole, once the blocks are done; its matrix is destroyed. */
static hesse_status solve_share(hesse_dense *x, int s)
{
    hesse_why *why = hesse_team_why(x->team);
    const double since = MPI_Wtime();
    if (hesse_whole_known(x, s))
        return hesse_agree(x->team, hesse_recall_whole(x, s, why));
    hesse_status status = hesse_agree(x->team, hesse_go_on(x, why));
    if (!status)
        status = hesse_solve_part(x, &x->rank_groups[0], s, x->whole[s],
                                  &x->found[s].all, "full", &x->found[s].full);
    if (!status) x->found[s].full->seconds += MPI_Wtime() - since;
    if (!status && x->team->rank == 0) status = hesse_keep_whole(x, s, why);
    return hesse_agree(x->team, status);
}

static hesse_status solve_whole(hesse_dense *x)
{
    hesse_status status = HESSE_OK;
    for (int s = 0; !status && s < hesse_shares_of(x); s++) {
        status = solve_share(x, s);
        hesse_dmat_free(x->whole[s]);
        x->whole[s] = NULL;
        x->done += x->schedule->whole.eigen / hesse_shares_of(x);
        x->operations += x->schedule->whole.solution / hesse_shares_of(x);
    }
    return status;
}

/* Blocks that earlier runs have done, each by the first rank of its group. */
static hesse_status recall_blocks(hesse_dense *x)
{
    hesse_status status = HESSE_OK;
    for (int i = 0; !status && i < x->schedule->count; i++) {
        const hesse_task *t = &x->schedule->tasks[i];
        if (t->group.first != x->team->rank || !hesse_block_known(x, t->block))
            continue;
        status = hesse_recall_block(x, t->block, hesse_team_why(x->team));
        hesse_finish_task(x, t);
    }
    return hesse_agree(x->team, status);
}

/* Whether the matrix of the whole is needed: for its own spectrum, or to cut blocks out. */
static bool needs_whole(const hesse_dense *x)
{
    if (!(x->options->scope & HESSE_FULL)) return false;
    bool needed = false;
    for (int s = 0; !needed && s < hesse_shares_of(x); s++)
        needed = !hesse_whole_known(x, s);
    for (int i = 0; !needed && i < x->schedule->count; i++)
        needed = !hesse_block_known(x, x->schedule->tasks[i].block);
    return needed;
}

static bool has_groups(const hesse_dense *x, int depth)
{
    bool any = depth == 0 && x->options->scope & HESSE_FULL;
    for (int i = 0; !any && i < x->schedule->count; i++) {
        const hesse_task *t = &x->schedule->tasks[i];
        any = t->depth == depth && t->group.count > 1;
    }
    return any;
}

/* A team and a grid for every depth that has work for groups. */
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

/* Memory for all that lasts. */
static hesse_status prepare(hesse_dense *x, hesse_tape *tape,
                            const hesse_params *params)
{
    const size_t shares = (size_t)hesse_shares_of(x);
    const bool whole = x->options->scope & HESSE_FULL;
    hesse_why *why = hesse_team_why(x->team);
    x->found = hesse_calloc(shares, sizeof *x->found);
    x->tallies = hesse_calloc(shares, sizeof *x->tallies);
    x->defect = hesse_alloc(shares);
    x->proof = hesse_alloc(shares);
    x->whole = hesse_calloc(shares, sizeof(void *));
    bool there = x->found && x->tallies && x->defect && x->proof && x->whole;
    for (size_t s = 0; there && s < shares; s++) {
        there = hesse_share_results_new(&x->found[s], x->partition->count, whole);
        x->tallies[s] =
            (hesse_tally){.blocks = x->found[s].sums, .coupling = x->found[s].coupling};
    }
    hesse_status status =
        there
            ? hesse_panel_threads_new(tape, params, x->partition, &x->options->request,
                                      x->options->threads, &x->lanes, why)
            : hesse_fail(why, HESSE_E_NOMEM,
                         "out of memory for the results of %d blocks",
                         x->partition->count);
    x->lanes.checkpoint = x->options->checkpoint;
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
    for (int s = 0; !status && whole && s < hesse_shares_of(&x); s++)
        x.tallies[s] = (hesse_tally){.blocks = x.found[s].sums};
    if (!status && blocks) status = recall_blocks(&x);
    if (!status && blocks) status = hesse_blocks_alone(&x, hesse_blocks_together(&x));
    for (int s = 0; !status && blocks && s < hesse_shares_of(&x); s++)
        status = hesse_share_results_share(team, schedule, partition, options->vectors,
                                           &x.found[s]);
    if (!status && whole) status = solve_whole(&x);

    if (x.whole) hesse_free_matrices(&x, x.whole);
    free(x.waves);
    free(x.whole);
    free(x.proof);
    free(x.defect);
    free(x.tallies);
    hesse_panel_threads_free(&x.lanes);
    free_circles(&x);
    *times = x.times;
    if (status)
        hesse_share_results_free(x.found, hesse_shares_of(&x));
    else
        *results = x.found;
    return status;
}
