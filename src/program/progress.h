/** The progress of a computation, for people who wait: one line on a terminal that is
 * updated, or some lines in a log. */
#ifndef HESSE_PROGRAM_PROGRESS_H
#define HESSE_PROGRAM_PROGRESS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

/** A plain value; {0} prints nothing. Times are in seconds of one clock. */
typedef struct hesse_progress {
    FILE *to;
    bool terminal, shown; /* shown: the terminal has a line */
    double started, next; /* next: time of the next output        */
    double planned;       /* seconds that the plan predicts       */

    /* The values of the last update. */
    char phase[64];
    double part, operations, heard;
    double recalled; /* fraction of the work that earlier runs did, which took no time
                        now */

    /* The thread that redraws the line during computations that report no progress. */
    bool alive, ending;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t end;
} hesse_progress;

/** Local. Start the clock.
 *  to       [in]  borrowed; whether it is a terminal decides the form. NULL: nothing
 *                 is printed.
 *  planned  [in]  the seconds that the plan predicts; 0: not known. */
void hesse_progress_start(hesse_progress *p, FILE *to, double planned);

/** Local. Start a thread that only redraws, once a second, until hesse_progress_finish.
 * It takes no signals. If it cannot be started, lines are written only with updates. */
void hesse_progress_keep_alive(hesse_progress *p);

/** Local. Report the progress: phase, per cent, time so far, rate and time left. This
 * is cheap and may be called thousands of times a second. A terminal is written to at
 * most 5 times a second; a log at 2 s, every 10 s for two minutes, and every minute
 * after that.
 *
 *  The time left is the plan's, corrected by the speed so far. It is not printed in the
 * first seconds, or after it has passed without an update.
 *
 *  phase       [in]  copied.
 *  part        [in]  done fraction of the predicted time, 0 ... 1; if it decreases, the
 *                    largest value so far counts.
 *  operations  [in]  floating-point operations since the start, with the same rule. */
void hesse_progress_update(hesse_progress *p, const char *phase, double part,
                           double operations);

/** Local. The same for a given time, and a redraw at a given time; both are for the
 * tests, without a thread. */
void hesse_progress_update_at(hesse_progress *p, double now, const char *phase,
                              double part, double operations);
void hesse_progress_redraw_at(hesse_progress *p, double now);

/** Local. Remove the line from a terminal, for a message of another kind. */
void hesse_progress_clear(hesse_progress *p);

/** Local. End the thread and leave a clean line behind. */
void hesse_progress_finish(hesse_progress *p);

#endif /* HESSE_PROGRAM_PROGRESS_H */
