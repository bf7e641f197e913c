/** How far a computation is, for people who wait: one updating line on a terminal, a line
 *  now and then in a log. */
#ifndef HESSE_PROGRAM_PROGRESS_H
#define HESSE_PROGRAM_PROGRESS_H

#include <stdbool.h>
#include <stdio.h>

/** A plain value; {0} says nothing. Times are in seconds of one clock. */
typedef struct hesse_progress {
    FILE *to;
    bool terminal, shown; /* shown: a line stands on the terminal */
    double started, next; /* next: when something may be written  */
} hesse_progress;

/** Local. Start the clock.
 *  to  [in]  borrowed; whether it is a terminal decides the form. */
void hesse_progress_start(hesse_progress *p, FILE *to);

/** Local. Say how far it is: per cent, rate and time left. Cheap: may be called thousands
 *  of times a second. A terminal is written to at most 5 times a second; a log at 2 s
 *  and every 10 s from there on, so that a short job leaves none.
 *
 *  part        [in]  of the time it will take, as predicted, 0 ... 1; at 0 nothing is
 *                    said.
 *  operations  [in]  floating-point operations since the start. */
void hesse_progress_update(hesse_progress *p, const char *phase, double part,
                           double operations);

/** Local. The same for a given time. */
void hesse_progress_update_at(hesse_progress *p, double now, const char *phase,
                              double part, double operations);

/** Local. Leave a clean line behind. */
void hesse_progress_finish(hesse_progress *p);

#endif /* HESSE_PROGRAM_PROGRESS_H */
