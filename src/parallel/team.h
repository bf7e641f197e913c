/** The inside of a team, for the collective files only. */
#ifndef HESSE_PARALLEL_TEAM_H
#define HESSE_PARALLEL_TEAM_H

#include "hesse/team.h"

#include <stddef.h>

#ifdef HESSE_SINGLE
#define HESSE_MPI_REAL MPI_FLOAT
#else
#define HESSE_MPI_REAL MPI_DOUBLE
#endif

struct hesse_team {
    MPI_Comm comm;
    int rank, size;
    hesse_why why;
    double *room;     /* for segments of a sum */
    double *own_room; /* the same; NULL: it is that of a larger team */
    int *counts;      /* [4 size] of segments, as MPI needs them */
};

/** Collective. Split a team: ranks that give the same number form a team, in their old
 * order. Free each with hesse_team_free, before the team that was split: they share
 * memory. Errors: HESSE_E_NOMEM. */
hesse_status hesse_team_split(hesse_team *team, int number, hesse_team **part);

/** Collective. Send bytes of one rank to all, in slices that fit MPI's counts. */
void hesse_team_broadcast(hesse_team *team, int root, void *bytes, size_t count);

/** Collective. Sum over the ranks, in place, in slices. All ranks have the same bits.
 */
void hesse_team_sum(hesse_team *team, double *values, size_t count);

#endif /* HESSE_PARALLEL_TEAM_H */
