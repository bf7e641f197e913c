/** Who computes which block: a static schedule from the costs of the blocks.
 *
 *  Ranks are halved, and halved again, down to single ones: at depth d there are 2^d
 * groups of neighbours, each a part of one at depth d - 1. A block belongs to one
 * group. Depth by depth from all ranks down every group does its blocks, so no two
 * groups ever wait for each other, and there is one communicator a depth, not one a
 * block. */
#ifndef HESSE_CURVATURE_SCHEDULE_H
#define HESSE_CURVATURE_SCHEDULE_H

#include "curvature/cost.h"
#include "network/partition.h"

/** Neighbouring ranks. */
typedef struct hesse_group {
    int first, count;
} hesse_group;

/** Local. The group of a rank at a depth; from some depth on the rank alone. */
hesse_group hesse_group_of(int ranks, int depth, int rank);

/** What a block costs, or the whole, and who is to do it. */
typedef struct hesse_task {
    int block, depth; /* depth: of its group; single ranks are the last           */
    hesse_group group;
    hesse_engine engine;
    hesse_work work;        /* of its panels                                      */
    double solution;        /* operations of its eigenvalues: 4/3 n^3 a share     */
    double assembly, eigen; /* seconds of both                                    */
    double bytes;           /* on each rank of its group: matrices of all shares,
                               workspace, eigenvectors                            */
} hesse_task;

/** A group, and when it is free. */
typedef struct hesse_turn {
    double free;
    hesse_group group;
} hesse_turn;

typedef struct hesse_schedule {
    hesse_task whole; /* of all ranks; without any costs where it is not wanted */
    int count;
    hesse_task *tasks; /* by depth; in a depth the longest first */
    int depth;         /* that of single ranks                   */
    double *busy;      /* [ranks] seconds of every rank          */
    hesse_turn *turns; /* [ranks] to make it with                */
} hesse_schedule;

/** What decides besides the blocks themselves. */
typedef struct hesse_schedule_options {
    int ranks;
    int shares;           /* matrices of every block                          */
    int panel, threads;   /* columns, and panels that a rank computes at once */
    hesse_engine engine;  /* asked for                                        */
    int vectors;          /* eigenvectors at each end                         */
    bool cut;             /* blocks are cut out of the whole, matrix by matrix */
    bool worldwide;       /* no groups but all ranks and single ones          */
    double memory;        /* bytes a rank may use for a block; 0: no limit    */
    const bool *left_out; /* [blocks] not to be done; NULL: none             */
    const hesse_rates *rates;
} hesse_schedule_options;

/** Local. The whole matrix of order n as a task of all ranks. */
hesse_task hesse_schedule_whole(size_t n, hesse_work work,
                                const hesse_schedule_options *options);

/** Local. Small blocks go to single ranks, large ones to groups: to the smallest that
 * they fit into and in which they take no longer than the whole takes on all ranks.
 * Then, the longest first, to the group that is free first. Several such bounds are
 * tried, the schedule that ends first counts. It depends on nothing but the arguments.
 *
 *  whole  [in]  a task without costs where the whole matrix is not wanted.
 *  work   [in]  for every block; NULL: no blocks are wanted.
 *  Errors: HESSE_E_NOMEM when a block does not fit all ranks together, with its name,
 * its bytes and the number of ranks that would do. */
hesse_status hesse_schedule_new(const hesse_partition *partition,
                                const hesse_task *whole, const hesse_work *work,
                                const hesse_schedule_options *options,
                                hesse_schedule *schedule, hesse_why *why);
void hesse_schedule_free(hesse_schedule *schedule);

/** Local. Bytes that a block of order n takes on each rank of the group that it fits
 * best: one rank, or all. */
double hesse_schedule_need(size_t n, const hesse_schedule_options *options);

/** Local. Costs of the same schedule by other rates. */
void hesse_schedule_price(hesse_schedule *schedule, const hesse_partition *partition,
                          const hesse_schedule_options *options);

/** Local. Seconds until the last rank is done. */
double hesse_schedule_seconds(const hesse_schedule *schedule, int ranks);

#endif /* HESSE_CURVATURE_SCHEDULE_H */
