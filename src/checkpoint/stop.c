/* A signal may come to one rank alone. That rank sends an empty message to every other,
   and every rank looks for such messages whenever it asks. So no rank waits for
   another. All messages that were sent are received at the end. */
#include "checkpoint/stop.h"

#include "base/memory.h"
#include "parallel/team.h"

#include <stdlib.h>

struct hesse_stop {
    MPI_Comm comm;
    int rank, size;
    bool asked, told; /* told: this rank has told the others */
    bool *heard;      /* [size] ranks whose message has come */
    MPI_Request *requests;
    hesse_signals *signals;
};

hesse_status hesse_stop_new(hesse_team *team, hesse_signals *signals, hesse_stop **stop)
{
    hesse_stop *x = hesse_calloc(1, sizeof *x);
    if (x) {
        *x = (hesse_stop){.rank = team->rank, .size = team->size, .signals = signals};
        x->heard = hesse_calloc((size_t)team->size, sizeof *x->heard);
        x->requests = hesse_calloc((size_t)team->size, sizeof(MPI_Request));
    }
    hesse_status s = HESSE_OK;
    if (!x || !x->heard || !x->requests)
        s = hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory");
    if ((s = hesse_agree(team, s))) {
        if (x) {
            free(x->heard);
            free(x->requests);
        }
        free(x);
        return s;
    }
    MPI_Comm_dup(team->comm, &x->comm);
    for (int r = 0; r < x->size; r++) x->requests[r] = MPI_REQUEST_NULL;
    hesse_stop_at_once(x, NULL);
    *stop = x;
    return HESSE_OK;
}

static void tell(hesse_stop *x)
{
    for (int r = 0; r < x->size; r++)
        if (r != x->rank) MPI_Isend(NULL, 0, MPI_BYTE, r, 0, x->comm, &x->requests[r]);
    x->told = true;
}

static void hear(hesse_stop *x, int rank)
{
    MPI_Recv(NULL, 0, MPI_BYTE, rank, 0, x->comm, MPI_STATUS_IGNORE);
    x->heard[rank] = true;
}

bool hesse_stop_asked(hesse_stop *x)
{
    if (x->asked) return true;
    if (x->signals && x->signals->caught) {
        tell(x);
        x->asked = true;
        return true;
    }
    int there = 0;
    MPI_Status status;
    if (x->size > 1) MPI_Iprobe(MPI_ANY_SOURCE, 0, x->comm, &there, &status);
    if (there) hear(x, status.MPI_SOURCE);
    return x->asked = there;
}

void hesse_stop_at_once(hesse_stop *x, const char *line)
{
    if (!x->signals) return;
    x->signals->line = x->rank ? NULL : line;
    x->signals->at_once = line != NULL;
}

/* Receive the messages that no rank has looked for. */
static void hear_the_rest(hesse_stop *x)
{
    for (int r = 0; r < x->size; r++) {
        int told = x->told;
        MPI_Bcast(&told, 1, MPI_INT, r, x->comm);
        if (told && r != x->rank && !x->heard[r]) hear(x, r);
    }
    MPI_Waitall(x->size, x->requests, MPI_STATUSES_IGNORE);
}

void hesse_stop_free(hesse_stop *x)
{
    if (!x) return;
    hear_the_rest(x);
    MPI_Comm_free(&x->comm);
    free(x->requests);
    free(x->heard);
    free(x);
}
