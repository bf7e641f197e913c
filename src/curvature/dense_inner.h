/** What the passes of the analysis share; no other file includes it. */
#ifndef HESSE_CURVATURE_DENSE_INNER_H
#define HESSE_CURVATURE_DENSE_INNER_H

#include "curvature/assemble.h"
#include "curvature/dense.h"

/** Ranks that do a block together. */
typedef struct hesse_rank_group {
    hesse_team *team;
    hesse_grid *grid;
} hesse_rank_group;

/** All that the passes share. */
typedef struct hesse_dense {
    hesse_team *team;
    const hesse_partition *partition;
    const hesse_schedule *schedule;
    const hesse_dense_options *options;
    hesse_panel_threads lanes;
    hesse_rank_group *rank_groups; /* [depth] of the schedule; the first: all ranks  */
    hesse_share_results *found;    /* [shares]                                       */
    hesse_tally *tallies;          /* [shares]                                       */
    double *defect;                /* [shares]; of the part assembled last, absolute */
    double *proof;                 /* [shares]; the same, relative                   */
    hesse_dmat **whole;            /* [shares]; NULL entries where scope is blocks   */
    const hesse_task **waves;      /* [n_waves][ranks]                               */
    int n_waves;
    hesse_times times;
    double all, done, operations; /* predicted seconds of this rank; operations done */
    const hesse_task *doing;      /* in assembly                                     */
} hesse_dense;

static inline int hesse_shares_of(const hesse_dense *x)
{
    return x->options->request.shares;
}

static inline bool hesse_shows_matrices(const hesse_dense *x)
{
    return x->options->listener && x->options->listener->matrix;
}

/** Begin to count the time that something takes, and end it. */
static inline void hesse_start(double *seconds)
{
    *seconds -= MPI_Wtime();
}

static inline void hesse_stop(double *seconds)
{
    *seconds += MPI_Wtime();
}

/** Local. Whether earlier runs have found all of a block, or a share of the whole. */
bool hesse_block_known(const hesse_dense *x, int block);
bool hesse_whole_known(const hesse_dense *x, int share);

/** Local. Load from the checkpoint what earlier runs have found of a block, or of the whole; and
 *  save there what this run has found. Errors: HESSE_E_NOMEM and those of the checkpoint. */
hesse_status hesse_recall_block(hesse_dense *x, int block, hesse_why *why);
hesse_status hesse_recall_whole(hesse_dense *x, int share, hesse_why *why);
hesse_status hesse_keep_block(const hesse_dense *x, const hesse_task *task,
                              hesse_why *why);
hesse_status hesse_keep_whole(const hesse_dense *x, int share, hesse_why *why);

/** Local. Whether the panels of a task are worth keeping, and that they no longer are. */
bool hesse_keeps_panels(const hesse_dense *x, const hesse_task *task);
void hesse_drop_panels(const hesse_dense *x, int block);

/** Local. Ask the checkpoint whether to go on. Errors: those of the checkpoint. */
hesse_status hesse_go_on(const hesse_dense *x, hesse_why *why);

/** Local. Before and after the solution of a matrix of order n, which nothing can interrupt:
 *  where it takes long, all is made safe before. Errors: those of the checkpoint. */
hesse_status hesse_seal(const hesse_dense *x, int n, hesse_why *why);
void hesse_unseal(const hesse_dense *x);

/** Local. Say how far the analysis is: beyond what is done, so many predicted seconds and
 *  operations more. */
void hesse_tell(const hesse_dense *x, const char *phase, double seconds, double more);

/** Local. Tell that a matrix of order n is decomposed from now on. */
void hesse_tell_solution(const hesse_dense *x, size_t n);

/** Local. A task is done. */
void hesse_finish_task(hesse_dense *x, const hesse_task *t);

/** Local. A watch over the assembly of a task, and what it counted. */
hesse_watch hesse_watch_of(hesse_dense *x, const hesse_task *task);
void hesse_count_watch(hesse_dense *x, const hesse_watch *watch);

/** Local. From the defect of the part assembled last its proof. */
void hesse_judge_defect(const hesse_dense *x, int share, const hesse_sums *sums);

/** Local. A status of a solver, whose message gets the block's name. */
hesse_status hesse_of_block(const char *name, hesse_status status, hesse_why *why);

/** Collective. Give a finished matrix to the listener, if it wants any; see there. */
hesse_status hesse_show_matrix(hesse_dense *x, int share, int block,
                               const hesse_dmat *a, const double *local);

/** Collective over the rank_group. Matrices of a part, of every share.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_assemble_part(hesse_dense *x, const hesse_rank_group *by,
                                 const hesse_task *task, hesse_part part,
                                 hesse_dmat **a);

/** Collective over the rank_group. Eigenvalues of a distributed matrix, proven; the matrix is
 *  destroyed. Errors: HESSE_E_NOMEM, HESSE_E_NUMERIC. */
hesse_status hesse_solve_part(hesse_dense *x, const hesse_rank_group *by, int share,
                              hesse_dmat *a, const hesse_sums *sums, const char *name,
                              hesse_spectrum **spectrum);

/** Local. */
void hesse_free_matrices(const hesse_dense *x, hesse_dmat **a);

/** Collective over the groups of the depths. The blocks of groups. A group that fails
 *  leaves out the rest, and its ranks return with its status: they meet the others in
 *  hesse_blocks_alone. */
hesse_status hesse_blocks_together(hesse_dense *x);

/** Collective. The blocks of single ranks. The status is that of hesse_blocks_together,
 *  which need not be the same on all ranks; the returned one is. */
hesse_status hesse_blocks_alone(hesse_dense *x, hesse_status status);

#endif /* HESSE_CURVATURE_DENSE_INNER_H */
