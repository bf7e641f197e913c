/** How far a computation is, for people who wait: one updating line on a terminal, a
 * line now and then in a log. */
#ifndef HESSE_PROGRAM_PROGRESS_H
#define HESSE_PROGRAM_PROGRESS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

/** A plain value; {0} says nothing. Times are in seconds of one clock. */
typedef struct hesse_progress {
    FILE *to;
    bool terminal, shown; /* shown: a line stands on the terminal */
    double started, next; /* next: when something may be written  */
    double planned;       /* seconds that the plan predicts       */

    /* What was heard last. */
    char phase[64];
    double part, operations, heard;
    double recalled; /* of part: work of earlier runs, which took no time now */

    /* The thread that redraws, while computations last that report nothing. */
    bool alive, ending;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t end;
} hesse_progress;

/** Local. Start the clock.
 *  to       [in]  borrowed; whether it is a terminal decides the form.
 *  planned  [in]  the seconds that it will take by the plan; 0: not known. */
void hesse_progress_start(hesse_progress *p, FILE *to, double planned);

/** Local. Start a thread that only redraws, once a second, until hesse_progress_finish.
 * It takes no signals. Without it, where it cannot be started, lines come with updates.
 */
void hesse_progress_keep_alive(hesse_progress *p);

/** Local. Say how far it is: phase, per cent, time so far, rate and time left. Cheap:
 * may be called thousands of times a second. A terminal is written to at most 5 times a
 *  second; a log at 2 s, every 10 s for two minutes, and every minute from there on.
 *
 *  The time left is the plan's, corrected by the speed so far; nothing is said of it in
 *  the first seconds, or when it has passed without news.
 *
 *  phase       [in]  copied.
 *  part        [in]  of the time it will take, as predicted, 0 ... 1; where it falls,
 * the largest so far counts. operations  [in]  floating-point operations since the
 * start; the same. */
void hesse_progress_update(hesse_progress *p, const char *phase, double part,
                           double operations);

/** Local. The same for a given time, and a redraw at a given time; both are for the
 * tests, without a thread. */
void hesse_progress_update_at(hesse_progress *p, double now, const char *phase,
                              double part, double operations);
void hesse_progress_redraw_at(hesse_progress *p, double now);

/** Local. End the thread and leave a clean line behind. */
void hesse_progress_finish(hesse_progress *p);

#endif /* HESSE_PROGRAM_PROGRESS_H */
