/** Who computes which block: a static schedule from the costs of the blocks. */
#ifndef HESSE_CURVATURE_SCHEDULE_H
#define HESSE_CURVATURE_SCHEDULE_H

#include "hesse/spectrum.h"
#include "model/partition.h"

enum { HESSE_ALL_RANKS = -1 };

/** An operation of a solver takes as long as so many of the panels, roughly. */
enum { HESSE_SOLVER_WEIGHT = 2 };

/** What a block costs, and who is to do it. */
typedef struct hesse_task {
    int block;
    int owner; /* a rank, or HESSE_ALL_RANKS together */
    hesse_engine engine;
    double assembly; /* floating-point operations of its panels            */
    double solution; /* and of its eigenvalues: 4/3 n^3 a share            */
    double bytes;    /* on its owner, or on each of the ranks: matrices of all shares,
                        workspace, eigenvectors                            */
} hesse_task;

typedef struct hesse_schedule {
    int count;
    hesse_task *tasks; /* blocks of all ranks first; then the others, longest first */
    int together;      /* how many of the former                                    */
} hesse_schedule;

/** What decides besides the blocks themselves. */
typedef struct hesse_terms {
    int ranks;
    int shares;          /* matrices of every block                      */
    hesse_engine engine; /* asked for                                    */
    int vectors;         /* eigenvectors at each end                     */
    bool cut;            /* blocks are cut out of the whole, matrix by matrix */
    double memory;       /* bytes a rank may use for a block; 0: no limit */
} hesse_terms;

/** Local. A block goes to all ranks together when it would not fit one, or when it costs
 *  more than a rank's fair share of the whole; the others go, longest first, to the rank
 *  that has least to do. It depends on nothing but the arguments.
 *
 *  assembly  [in]  floating-point operations for every block.
 *  Errors: HESSE_E_NOMEM when a block does not fit all ranks together, with its name, its
 *  bytes and the number of ranks that would do. */
hesse_status hesse_schedule_new(const hesse_partition *partition,
                                const double *assembly, const hesse_terms *terms,
                                hesse_schedule *schedule, hesse_why *why);
void hesse_schedule_free(hesse_schedule *schedule);

/** Local. Who finds the eigenvalues of a matrix of order n that so many ranks share. */
hesse_engine hesse_schedule_engine(size_t n, int ranks, const hesse_terms *terms);

/** Local. Bytes that each of `ranks` ranks needs for matrices of order n and what their
 *  eigenvalues take; infinite where the libraries' integers end. */
double hesse_schedule_bytes(size_t n, int ranks, const hesse_terms *terms);

#endif /* HESSE_CURVATURE_SCHEDULE_H */
