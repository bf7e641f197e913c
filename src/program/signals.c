/* A signal handler can use only global variables, and may call only functions that are
   safe in a handler. */
#include "program/signals.h"

#include <string.h>
#include <unistd.h>

static hesse_signals state;

static const int SIGNALS[] = {SIGUSR1, SIGTERM, SIGINT};
enum { COUNT = sizeof SIGNALS / sizeof *SIGNALS };

static void end(void)
{
    const char *line = state.line;
    if (line && write(STDERR_FILENO, line, strlen(line)) < 0) _exit(HESSE_E_STOPPED);
    _exit(HESSE_E_STOPPED);
}

/* An interrupt from the keyboard may come with the launcher's SIGTERM: then the two
 * count as one. */
static void note(int signal)
{
    if (state.caught && !(state.caught == SIGINT && signal == SIGTERM)) {
        struct sigaction usual = {.sa_handler = SIG_DFL};
        sigaction(signal, &usual, NULL);
        raise(signal);
    }
    state.caught = signal;
    if (state.at_once) end();
}

void hesse_signals_catch(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART}, now;
    if (argc < 2 || (strcmp(argv[1], "run") != 0 && strcmp(argv[1], "train") != 0 &&
                     strcmp(argv[1], "landscape") != 0))
        return;
    sigaction(SIGNALS[0], NULL, &now);
    if (now.sa_handler == note) return;
    for (int i = 0; i < COUNT; i++) sigaction(SIGNALS[i], &action, NULL);
}

/* A launcher may never end if one of its processes ends in the middle of MPI_Init. */
void hesse_signals_end_at_once(void)
{
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (!rank)
        state.line = "hesse: stopped by a signal, before any work was finished\n";
    state.at_once = 1;
    if (state.caught) end();
}

void hesse_signals_ignore(void)
{
    struct sigaction now, ignore = {.sa_handler = SIG_IGN};
    for (int i = 0; i < COUNT; i++)
        if (!sigaction(SIGNALS[i], NULL, &now) && now.sa_handler == note)
            sigaction(SIGNALS[i], &ignore, NULL);
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
