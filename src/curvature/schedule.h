/** The assignment of blocks to ranks: a static schedule from the costs of the blocks.
 *
 *  Ranks are halved, and halved again, down to single ones: at depth d there are 2^d
 *  groups of neighbours, each a part of one at depth d - 1. A block belongs to one
 *  group. From all ranks down, depth by depth, every group does its blocks. So no two
 *  groups ever wait for each other, and there is one communicator for each depth, not
 *  one for each block. */
#ifndef HESSE_CURVATURE_SCHEDULE_H
#define HESSE_CURVATURE_SCHEDULE_H

#include "curvature/cost.h"
#include "network/partition.h"

/** Neighbouring ranks. */
typedef struct hesse_group {
    int first, count;
} hesse_group;

/** Local. Return the group of a rank at a depth. At large depths, it is the rank alone.
 */
hesse_group hesse_group_of(int ranks, int depth, int rank);

/** The cost of a block, or of the whole, and the ranks that compute it. */
typedef struct hesse_task {
    int block, depth; /* depth: of its group; single ranks have the largest */
    hesse_group group;
    hesse_engine engine;
    bool lower;      /* only the lower triangle is stored, as a distributed matrix */
    hesse_work work; /* of its panels                                      */
    double solution; /* operations of its eigenvalues: 4/3 n^3 for each share */
    double assembly, eigen; /* seconds of both                                    */
    double exchange;        /* seconds of the assembly, between ranks             */
    double bytes;           /* on each rank of its group: matrices of all shares,
                               workspace, eigenvectors                            */
} hesse_task;

/** A group, and the time at which it is free. */
typedef struct hesse_turn {
    double free;
    hesse_group group;
} hesse_turn;

typedef struct hesse_schedule {
    hesse_task whole; /* of all ranks; without any costs if it is not needed */
    int count;
    hesse_task *tasks; /* by depth; in a depth the longest first */
    int depth;         /* depth of single ranks */
    double *busy;      /* [ranks] seconds of every rank          */
    hesse_turn *turns; /* [ranks] working memory */
} hesse_schedule;

/** Everything besides the blocks that decides about a schedule. */
typedef struct hesse_schedule_options {
    int ranks;
    int shares;                /* matrices of every block                          */
    int panel, threads;        /* columns, and panels that a rank computes at once */
    hesse_engine engine;       /* as asked for */
    int vectors;               /* eigenvectors at each end                         */
    hesse_precision precision; /* of the matrices */
    bool both;                 /* both triangles of a matrix are needed             */
    bool cut;                  /* blocks are cut out of the whole, matrix by matrix */
    double memory;             /* bytes that a rank may use for a block; 0: no limit */
    const bool *left_out;      /* [blocks] true: not to be done; NULL: all are done */
    const hesse_rates *rates;
} hesse_schedule_options;

/** Local. Return the whole matrix of order n as a task of all ranks. */
hesse_task hesse_schedule_whole(size_t n, hesse_work work,
                                const hesse_schedule_options *options);

/** Local. Make a schedule. Small blocks go to single ranks. Large ones go to the
 * smallest groups that they fit into and in which they take no longer than the whole
 * takes on all ranks. Among groups of one size, the longest block goes first, to the
 * group that is free first. Several such bounds of the time are tried, and the schedule
 * that ends first is taken. It depends on nothing but the arguments.
 *
 *  whole  [in]  a task without costs if the whole matrix is not needed.
 *  work   [in]  for every block; NULL: no blocks are needed.
 *  Errors: HESSE_E_NOMEM if a block does not fit all ranks together, with its name, its
 *  bytes and a number of ranks that is enough. */
hesse_status hesse_schedule_new(const hesse_partition *partition,
                                const hesse_task *whole, const hesse_work *work,
                                const hesse_schedule_options *options,
                                hesse_schedule *schedule, hesse_why *why);
void hesse_schedule_free(hesse_schedule *schedule);

/** Local. Return the bytes that a block of order n takes on each rank of a group. The
 * group is the one that it fits best: one rank, or all ranks. */
double hesse_schedule_need(size_t n, const hesse_schedule_options *options);

/** Local. Predict the costs of the same schedule by other rates. */
void hesse_schedule_price(hesse_schedule *schedule, const hesse_partition *partition,
                          const hesse_schedule_options *options);

/** Local. Return the seconds until the last rank is done. */
double hesse_schedule_seconds(const hesse_schedule *schedule, int ranks);

#endif /* HESSE_CURVATURE_SCHEDULE_H */
