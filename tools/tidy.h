/* This tells clang-tidy facts that it cannot see in one file: a failure has a status, and a rank
   that failed keeps its status through the agreement. It is included before every file except
   those that define the two functions. */
#include "hesse/status.h"

#if __has_include(<mpi.h>) /* rooms that are built without MPI do not have it */
#include "hesse/team.h"

static inline hesse_status hesse_tidy_agree(hesse_team *team, hesse_status s)
{
    const hesse_status others = hesse_agree(team, s);
    return s ? s : others;
}

#define hesse_agree(team, s) hesse_tidy_agree(team, s)
#endif

#define hesse_fail(why, status, ...) (hesse_fail(why, status, __VA_ARGS__), (status))
