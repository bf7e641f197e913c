/* Ranks that act together. hesse_agree keeps a collective function from hanging: one
   rank's error becomes every rank's before anybody communicates. MPI counts are int, so
   long transfers go in slices. */
#include "parallel/team.h"

#include "base/memory.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The bytes of a slice of a broadcast, and the numbers of a slice of a sum, for which a
   team has room. Segments of fewer bytes than SEGMENT do not pay for their messages. */
enum { BYTES = 1 << 30, ROOM = 1 << 18, SEGMENT = 1 << 13 };

static void release(hesse_team *team)
{
    if (!team) return;
    free(team->counts);
    free(team->own_room);
    free(team);
}

/* Collective. Make a team with the room of another one, or with its own (NULL). */
static hesse_status make(MPI_Comm comm, double *room, hesse_team **team)
{
    int size;
    MPI_Comm_size(comm, &size);
    hesse_team *t = hesse_calloc(1, sizeof *t);
    if (t) {
        t->counts = hesse_calloc(4 * (size_t)size, sizeof *t->counts);
        if (!room && size > 1) t->own_room = hesse_alloc((size_t)ROOM + (size_t)size);
        t->room = room ? room : t->own_room;
    }
    const bool all_there = t && t->counts && (t->room || size == 1);
    int mine = all_there ? HESSE_OK : HESSE_E_NOMEM, all; /* hesse_agree needs a team */
    MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_MAX, comm);
    if (all) {
        release(t);
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

hesse_status hesse_team_new(MPI_Comm comm, hesse_team **team)
{
    if (comm == MPI_COMM_NULL || !team)
        return HESSE_E_JOB; /* no rank can ask another */
    return make(comm, NULL, team);
}

hesse_status hesse_team_split(hesse_team *team, int number, hesse_team **part)
{
    MPI_Comm comm;
    MPI_Comm_split(team->comm, number, team->rank, &comm);
    const hesse_status s = make(comm, team->room, part);
    MPI_Comm_free(&comm);
    if (s) hesse_fail(&team->why, s, "out of memory for a group of ranks");
    return hesse_agree(team, s);
}

void hesse_team_free(hesse_team *team)
{
    if (!team) return;
    MPI_Comm_free(&team->comm);
    release(team);
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

/* Cut `count` things into segments. Return the first of this rank's segment. */
static int cut(const hesse_team *team, int count, int *counts, int *starts)
{
    const int each = count / team->size, more = count % team->size;
    for (int r = 0; r < team->size; r++) {
        counts[r] = each + (r < more);
        starts[r] = r * each + (r < more ? r : more);
    }
    return starts[team->rank];
}

static void broadcast_slice(hesse_team *team, int root, char *bytes, int count)
{
    int *counts = team->counts, *starts = counts + team->size;
    if (team->size <= 2 || count / team->size < SEGMENT) {
        MPI_Bcast(bytes, count, MPI_BYTE, root, team->comm);
        return;
    }
    const int own = cut(team, count, counts, starts);
    MPI_Scatterv(bytes, counts, starts, MPI_BYTE,
                 team->rank == root ? MPI_IN_PLACE : bytes + own, counts[team->rank],
                 MPI_BYTE, root, team->comm);
    MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_BYTE, bytes, counts, starts, MPI_BYTE,
                   team->comm);
}

void hesse_team_broadcast(hesse_team *team, int root, void *bytes, size_t count)
{
    for (size_t i = 0; i < count; i += BYTES) {
        const size_t slice = count - i < BYTES ? count - i : BYTES;
        broadcast_slice(team, root, (char *)bytes + i, (int)slice);
    }
}

/* Add up this rank's segment of the arrays of all ranks, in the order of ranks. */
static void sum_segment(hesse_team *team, double *values, int count)
{
    int *counts = team->counts, *starts = counts + team->size;
    int *in = starts + team->size, *in_starts = in + team->size;
    double *own = values + cut(team, count, counts, starts);
    const int length = counts[team->rank];
    for (int r = 0; r < team->size; r++) in[r] = length, in_starts[r] = r * length;
    MPI_Alltoallv(values, counts, starts, MPI_DOUBLE, team->room, in, in_starts,
                  MPI_DOUBLE, team->comm);
    memcpy(own, team->room, (size_t)length * sizeof *own);
    for (int r = 1; r < team->size; r++) {
        const double *other = team->room + in_starts[r];
        for (int i = 0; i < length; i++) own[i] += other[i];
    }
}

static bool is_long(const hesse_team *team, int count)
{
    return count / team->size >= SEGMENT / (int)sizeof(double);
}

/* MPI only advises that all ranks get the same bits from MPI_Allreduce. */
void hesse_team_sum(hesse_team *team, double *values, size_t count)
{
    if (team->size == 1) return;
    for (size_t i = 0; i < count; i += ROOM) {
        const int slice = (int)(count - i < ROOM ? count - i : ROOM);
        double *at = values + i;
        if (!is_long(team, slice)) {
            MPI_Reduce(team->rank ? at : MPI_IN_PLACE, at, slice, MPI_DOUBLE, MPI_SUM,
                       0, team->comm);
            hesse_team_broadcast(team, 0, at, (size_t)slice * sizeof *at);
            continue;
        }
        sum_segment(team, at, slice);
        MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DOUBLE, at, team->counts,
                       team->counts + team->size, MPI_DOUBLE, team->comm);
    }
}
