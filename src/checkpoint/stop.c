/* A signal may come to one rank alone. That rank sends an empty message to every other, and
   all look for one whenever they ask: no rank waits for another, wherever it is. What was
   sent is received at the end. */
#include "checkpoint/stop.h"

#include "base/memory.h"
#include "parallel/team.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct hesse_stop {
    MPI_Comm comm;
    int rank, size;
    bool asked, told; /* told: the others, by this rank */
    bool *heard;      /* [size] from whom               */
    MPI_Request *requests;
    struct sigaction before[3];
};

static const int SIGNALS[3] = {SIGUSR1, SIGTERM, SIGINT};

/* What a handler can reach. */
static volatile sig_atomic_t caught, sealed;
static const char *volatile last_words;

/* Only what is safe in a handler. An interrupt from the keyboard may come with the
   launcher's SIGTERM: those two are one. */
static void note(int signal)
{
    if (caught && !(caught == SIGINT && signal == SIGTERM)) {
        struct sigaction usual = {.sa_handler = SIG_DFL};
        sigaction(signal, &usual, NULL);
        raise(signal);
    }
    caught = signal;
    if (!sealed) return;
    const char *line = last_words;
    if (line && write(STDERR_FILENO, line, strlen(line)) < 0) _exit(HESSE_E_STOPPED);
    _exit(HESSE_E_STOPPED);
}

static void listen_to(hesse_stop *x)
{
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
    caught = sealed = 0;
    for (int i = 0; i < 3; i++) sigaction(SIGNALS[i], &action, &x->before[i]);
}

hesse_status hesse_stop_new(hesse_team *team, hesse_stop **stop)
{
    hesse_stop *x = hesse_calloc(1, sizeof *x);
    if (x) {
        *x = (hesse_stop){.rank = team->rank, .size = team->size};
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
    listen_to(x);
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
    if (caught) {
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

void hesse_stop_seal(hesse_stop *x, const char *line)
{
    last_words = x->rank ? NULL : line;
    sealed = line != NULL;
}

/* Messages that nobody has looked for. */
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
    for (int i = 0; i < 3; i++) sigaction(SIGNALS[i], &x->before[i], NULL);
    hear_the_rest(x);
    MPI_Comm_free(&x->comm);
    free(x->requests);
    free(x->heard);
    free(x);
}
