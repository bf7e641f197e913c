/* The rate is the mean since the start, not the rate of the last moment: operations of
   different phases run at different speeds, and a time left that jumps is useless. The
   plan's prediction counts as if a fifth of the work had already been measured at the
   predicted speed. So the first measurements, which are of little work, cannot change
   the time left much. */
#include "program/progress.h"

#include "base/clock.h"
#include "base/units.h"

#include <math.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const double terminal_pause = 0.2, log_pause = 10, log_first = 2;
static const double long_time = 120, long_pause = 60; /* of lines in a log */
static const double quiet_start = 2; /* the time left is not printed before that */
static const double trust = 0.2, least_part = 0.02;

/* Progress that is faster than planned by this factor is work of earlier runs that was
 * loaded. */
static const double impossible = 20;

void hesse_progress_start(hesse_progress *p, FILE *to, double planned)
{
    const double now = hesse_seconds();
    *p = (hesse_progress){
        .to = to, .terminal = to && isatty(fileno(to)), .started = now, .heard = now};
    p->planned = planned;
    p->next = now + (p->terminal ? terminal_pause : log_first);
}

/* Seconds left; below 0: not known. */
static double time_left(const hesse_progress *p, double now)
{
    const double taken = p->heard - p->started, prior = trust * p->planned;
    if (now - p->started < quiet_start) return -1;
    if (!(p->planned > 0))
        return p->part < least_part ? -1 : taken * (1 - p->part) / p->part;
    const double slowness =
        (taken + prior) / ((p->part - p->recalled) * p->planned + prior);
    return p->planned * (1 - p->part) * slowness - (now - p->heard);
}

void hesse_progress_redraw_at(hesse_progress *p, double now)
{
    char text[HESSE_UNITS];
    if (!p->to || !*p->phase || now < p->next) return;
    const double elapsed = now - p->started, left = round(time_left(p, now));
    fprintf(p->to, "%s%s: %.0f %%, %s", p->terminal ? "\r" : "", p->phase,
            floor(100 * p->part), hesse_units_time(round(elapsed), text));
    if (p->operations > 0 && p->heard > p->started)
        fprintf(p->to, ", %.1f GFLOP/s", p->operations / (p->heard - p->started) / 1e9);
    if (left >= 0) fprintf(p->to, ", %s left", hesse_units_time(left, text));
    fputs(p->terminal ? "\033[K" : "\n", p->to);
    fflush(p->to);
    p->shown = p->terminal;
    p->next = now + (p->terminal            ? terminal_pause
                     : elapsed >= long_time ? long_pause
                                            : log_pause);
}

void hesse_progress_update_at(hesse_progress *p, double now, const char *phase,
                              double part, double operations)
{
    if (!p->to) return;
    const double more = fmax(p->part, fmin(part, 1)) - p->part;
    if (more * p->planned > impossible * (now - p->heard)) p->recalled += more;
    p->part += more;
    p->operations = fmax(p->operations, operations);
    p->heard = now;
    snprintf(p->phase, sizeof p->phase, "%s", phase);
    hesse_progress_redraw_at(p, now);
}

void hesse_progress_update(hesse_progress *p, const char *phase, double part,
                           double operations)
{
    if (p->alive) pthread_mutex_lock(&p->lock);
    hesse_progress_update_at(p, hesse_seconds(), phase, part, operations);
    if (p->alive) pthread_mutex_unlock(&p->lock);
}

void hesse_progress_clear(hesse_progress *p)
{
    if (p->alive) pthread_mutex_lock(&p->lock);
    if (p->shown) fputs("\r\033[K", p->to);
    if (p->shown) fflush(p->to);
    p->shown = false;
    if (p->alive) pthread_mutex_unlock(&p->lock);
}

static void *redraw(void *data)
{
    hesse_progress *p = data;
    pthread_mutex_lock(&p->lock);
    while (!p->ending) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec++;
        pthread_cond_timedwait(&p->end, &p->lock, &until);
        if (!p->ending) hesse_progress_redraw_at(p, hesse_seconds());
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

void hesse_progress_keep_alive(hesse_progress *p)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->end, NULL);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    p->alive = pthread_create(&p->thread, NULL, redraw, p) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void hesse_progress_finish(hesse_progress *p)
{
    if (p->alive) {
        pthread_mutex_lock(&p->lock);
        p->ending = true;
        pthread_cond_signal(&p->end);
        pthread_mutex_unlock(&p->lock);
        pthread_join(p->thread, NULL);
        pthread_mutex_destroy(&p->lock);
        pthread_cond_destroy(&p->end);
        p->alive = false;
    }
    if (p->shown) fputs("\r\033[K", p->to);
    if (p->shown) fflush(p->to);
    p->shown = false;
}
