/* A handler can reach nothing but what is global, and may call only what is safe in it. */
#include "program/signals.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static hesse_signals state;

static const int SIGNALS[] = {SIGUSR1, SIGTERM, SIGINT};
enum { COUNT = sizeof SIGNALS / sizeof *SIGNALS };

/* An interrupt from the keyboard may come with the launcher's SIGTERM: those two are one. */
static void note(int signal)
{
    if (state.caught && !(state.caught == SIGINT && signal == SIGTERM)) {
        struct sigaction usual = {.sa_handler = SIG_DFL};
        sigaction(signal, &usual, NULL);
        raise(signal);
    }
    state.caught = signal;
    if (!state.at_once) return;
    const char *line = state.line;
    if (line && write(STDERR_FILENO, line, strlen(line)) < 0) _exit(HESSE_E_STOPPED);
    _exit(HESSE_E_STOPPED);
}

/* MPI is not there yet; launchers tell a process its rank in its environment. */
static bool is_rank_0(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK",
                                        "SLURM_PROCID"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *rank = getenv(names[i]);
        if (rank) return strcmp(rank, "0") == 0;
    }
    return true;
}

void hesse_signals_catch(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART}, now;
    if (argc < 2 || strcmp(argv[1], "run") != 0) return;
    sigaction(SIGNALS[0], NULL, &now);
    if (now.sa_handler == note) return;
    if (is_rank_0())
        state.line = "hesse: stopped by a signal, before any work was finished\n";
    state.at_once = 1;
    for (int i = 0; i < COUNT; i++) sigaction(SIGNALS[i], &action, NULL);
}

void hesse_signals_wait(bool wait)
{
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < COUNT; i++) sigaddset(&set, SIGNALS[i]);
    sigprocmask(wait ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

hesse_signals *hesse_signals_of_program(void)
{
    return &state;
}
