/* The rate is that of the whole way since the start, not of the last moment: operations of
   unlike phases run at unlike speeds, and a time left that jumps tells nobody anything. */
#include "program/progress.h"

#include "base/units.h"

#include <math.h>
#include <time.h>
#include <unistd.h>

static const double terminal_pause = 0.2, log_pause = 10, log_first = 2;

static double clock_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void hesse_progress_start(hesse_progress *p, FILE *to)
{
    const double now = clock_now();
    *p = (hesse_progress){.to = to, .terminal = isatty(fileno(to)), .started = now};
    p->next = now + (p->terminal ? terminal_pause : log_first);
}

void hesse_progress_update_at(hesse_progress *p, double now, const char *phase,
                              double part, double operations)
{
    const double elapsed = now - p->started;
    if (!p->to || now < p->next || !(part > 0 && elapsed > 0)) return;
    char left[HESSE_UNITS];
    part = fmin(part, 1);
    hesse_units_time(round(elapsed * (1 - part) / part), left);
    fprintf(p->to, "%s%s: %.0f %%, %.1f GFLOP/s, %s left%s", p->terminal ? "\r" : "",
            phase, floor(100 * part), operations / elapsed / 1e9, left,
            p->terminal ? "\033[K" : "\n");
    fflush(p->to);
    p->shown = p->terminal;
    p->next = now + (p->terminal ? terminal_pause : log_pause);
}

void hesse_progress_update(hesse_progress *p, const char *phase, double part,
                           double operations)
{
    hesse_progress_update_at(p, clock_now(), phase, part, operations);
}

void hesse_progress_finish(hesse_progress *p)
{
    if (p->shown) fputs("\r\033[K", p->to);
    if (p->shown) fflush(p->to);
    p->shown = false;
}
