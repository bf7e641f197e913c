/* Depth by depth: groups of a depth are parts of those before, so ranks that meet in one
   have the same past. */
#include "curvature/dense_inner.h"

#include "base/memory.h"

#include <stdlib.h>

static hesse_status block_together(hesse_dense *x, const hesse_task *task)
{
    const hesse_rank_group *by = &x->rank_groups[task->depth];
    const hesse_block *b = &x->partition->blocks[task->block];
    const double since = MPI_Wtime();
    hesse_why *why = hesse_team_why(by->team);
    hesse_dmat **a = hesse_calloc((size_t)hesse_shares_of(x), sizeof(void *));
    hesse_status status = HESSE_OK;
    if (!a) status = hesse_fail(why, HESSE_E_NOMEM, "out of memory");
    if (!status) status = hesse_go_on(x, why);
    status = hesse_agree(by->team, status);
    if (!status && !x->whole[0])
        status = hesse_assemble_part(x, by, task, (hesse_part){task->block, 1}, a);
    for (int s = 0; !status && x->whole[0] && s < hesse_shares_of(x); s++)
        status = hesse_dmat_part(x->whole[s], (int)b->first, (int)b->size, &a[s]);
    for (int s = 0; !status && s < hesse_shares_of(x); s++) {
        status = hesse_show_matrix(x, s, task->block, a[s], NULL);
        if (!status)
            status = hesse_solve_part(x, by, s, a[s], &x->found[s].sums[task->block],
                                      b->name, &x->found[s].spectra[task->block]);
        if (!status)
            x->found[s].spectra[task->block]->seconds =
                (MPI_Wtime() - since) / hesse_shares_of(x);
    }
    hesse_free_matrices(x, a);
    free(a);
    if (!status && hesse_team_rank(by->team) == 0)
        status = hesse_keep_block(x, task, why);
    status = hesse_agree(by->team, status);
    if (status) *hesse_team_why(x->team) = *why;
    if (!status) hesse_drop_panels(x, task->block);
    hesse_finish_task(x, task);
    return status;
}

static bool is_mine(const hesse_dense *x, const hesse_task *t)
{
    const int rank = x->team->rank;
    return t->group.first <= rank && rank < t->group.first + t->group.count;
}

/* A group that fails leaves out the rest, and its ranks meet the others at the end. */
hesse_status hesse_blocks_together(hesse_dense *x)
{
    hesse_status status = HESSE_OK;
    for (int i = 0; !status && i < x->schedule->count; i++) {
        const hesse_task *t = &x->schedule->tasks[i];
        if (t->group.count > 1 && is_mine(x, t) && !hesse_block_known(x, t->block))
            status = block_together(x, t);
    }
    return status;
}
