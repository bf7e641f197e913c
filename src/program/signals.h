/** SIGUSR1, SIGTERM and SIGINT ask a run to save and end. Between the start of MPI and
 * the first work, and during work that cannot look for signals, they end the program at
 * once, with the status of a stopped run. A second signal ends it at once anywhere. */
#ifndef HESSE_PROGRAM_SIGNALS_H
#define HESSE_PROGRAM_SIGNALS_H

#include "checkpoint/checkpoint.h"

/** Local. Catch the signals from now on, if the command is `run`, `train` or
 * `landscape`; other commands keep the system's actions. A second call changes nothing.
 */
void hesse_signals_catch(int argc, char **argv);

/** Local. MPI has started, and there is nothing to save yet: from now on signals end
 * the program at once. A signal that has already come does so, too. */
void hesse_signals_end_at_once(void);

/** Local. The work is done or has failed: signals change nothing any more. A launcher
 * sends them when one rank ends before the others. */
void hesse_signals_ignore(void);

/** Local. Block signals, or let them come again. A program that starts itself again
 * blocks them meanwhile. */
void hesse_signals_wait(bool wait);

/** Local. The messages between the handler and a checkpoint. */
hesse_signals *hesse_signals_of_program(void);

#endif /* HESSE_PROGRAM_SIGNALS_H */
