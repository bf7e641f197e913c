/* Ranks that act together. hesse_agree keeps a collective function from hanging: one
   rank's error becomes every rank's before anybody communicates. MPI counts are int, so
   long transfers go in slices. */
#include "parallel/team.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>

/* Slices are well below MPI's count, and large enough that their number costs
   nothing. */
static const size_t BYTES = (size_t)1 << 30, DOUBLES = (size_t)1 << 20;

hesse_status hesse_team_new(MPI_Comm comm, hesse_team **team)
{
    if (comm == MPI_COMM_NULL || !team)
        return HESSE_E_JOB; /* no rank can ask another */
    hesse_team *t = hesse_calloc(1, sizeof *t);
    int mine = t ? HESSE_OK : HESSE_E_NOMEM, all; /* hesse_agree needs a team */
    MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_MAX, comm);
    if (all) {
        free(t);
        return (hesse_status)all;
    }
    assert(t);
    MPI_Comm_rank(comm, &t->rank);
    /* A duplicate would keep a topology, with which Open MPI corrupts files (issue
     * 12718). */
    MPI_Comm_split(comm, 0, t->rank, &t->comm);
    MPI_Comm_set_errhandler(t->comm, MPI_ERRORS_ARE_FATAL);
    MPI_Comm_size(t->comm, &t->size);
    *team = t;
    return HESSE_OK;
}

hesse_status hesse_team_split(hesse_team *team, int number, hesse_team **part)
{
    MPI_Comm comm;
    MPI_Comm_split(team->comm, number, team->rank, &comm);
    const hesse_status s = hesse_team_new(comm, part);
    MPI_Comm_free(&comm);
    if (s) hesse_fail(&team->why, s, "out of memory for a group of ranks");
    return hesse_agree(team, s);
}

void hesse_team_free(hesse_team *team)
{
    if (!team) return;
    MPI_Comm_free(&team->comm);
    free(team);
}

int hesse_team_rank(const hesse_team *team)
{
    return team->rank;
}

int hesse_team_size(const hesse_team *team)
{
    return team->size;
}

hesse_why *hesse_team_why(hesse_team *team)
{
    return &team->why;
}

hesse_status hesse_agree(hesse_team *team, hesse_status s)
{
    struct {
        int status, rank;
    } mine = {(int)s, team->rank}, worst;
    MPI_Allreduce(&mine, &worst, 1, MPI_2INT, MPI_MAXLOC, team->comm);
    if (worst.status)
        MPI_Bcast(team->why.text, sizeof team->why.text, MPI_CHAR, worst.rank,
                  team->comm);
    return (hesse_status)worst.status;
}

void hesse_team_broadcast(hesse_team *team, int root, void *bytes, size_t count)
{
    for (size_t i = 0; i < count; i += BYTES) {
        const size_t slice = count - i < BYTES ? count - i : BYTES;
        MPI_Bcast((char *)bytes + i, (int)slice, MPI_BYTE, root, team->comm);
    }
}

/* MPI only advises that all ranks get the same bits from MPI_Allreduce. Slices that fit
   the cache are sent back while they are still there. */
void hesse_team_sum(hesse_team *team, double *values, size_t count)
{
    for (size_t i = 0; i < count; i += DOUBLES) {
        const size_t slice = count - i < DOUBLES ? count - i : DOUBLES;
        MPI_Reduce(team->rank ? values + i : MPI_IN_PLACE, values + i, (int)slice,
                   MPI_DOUBLE, MPI_SUM, 0, team->comm);
        hesse_team_broadcast(team, 0, values + i, slice * sizeof *values);
    }
}
