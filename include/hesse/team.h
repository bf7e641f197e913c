/** hesse: the ranks that work together. */
#ifndef HESSE_TEAM_H
#define HESSE_TEAM_H

#include "hesse/status.h"

#include <mpi.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hesse_team hesse_team;

/** Collective on comm. Make a team with a private copy of comm.
 *
 *  MPI errors on a team abort the job (MPI_ERRORS_ARE_FATAL), so no caller checks an
 * MPI return value; everything else that can fail is a status.
 *
 *  Errors: HESSE_E_JOB for MPI_COMM_NULL, HESSE_E_NOMEM. */
hesse_status hesse_team_new(MPI_Comm comm, hesse_team **team);

/** Collective. */
void hesse_team_free(hesse_team *team);

/** Local. */
int hesse_team_rank(const hesse_team *team);
int hesse_team_size(const hesse_team *team);

/** Local. The place where this rank writes the reason of a failure:
 * hesse_fail(hesse_team_why(team), ...). After an agreed failure it holds the same text
 * on every rank. */
hesse_why *hesse_team_why(hesse_team *team);

/** Collective. Give all ranks the worst status of any rank, and its reason.
 *
 *  s  [in]  the status of this rank: HESSE_OK or an error.
 *  Returns the agreed status. Without an error the cost is one MPI_Allreduce of two
 *  ints. */
hesse_status hesse_agree(hesse_team *team, hesse_status s);

#ifdef __cplusplus
}
#endif

#endif /* HESSE_TEAM_H */
