/* The rate is that of the whole way since the start, not of the last moment: operations of
   unlike phases run at unlike speeds, and a time left that jumps tells nobody anything. */
#include "program/progress.h"

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

/* Seconds in the two largest units that are not zero: "8 s", "3 min 20 s", "2 d 4 h". */
static void write_time(double seconds, char text[32])
{
    const long s = (long)fmin(round(seconds), 1e9);
    const long minutes = s / 60, hours = s / 3600, days = s / 86400;
    if (days)
        snprintf(text, 32, "%ld d %ld h", days, hours % 24);
    else if (hours)
        snprintf(text, 32, "%ld h %ld min", hours, minutes % 60);
    else if (minutes)
        snprintf(text, 32, "%ld min %ld s", minutes, s % 60);
    else
        snprintf(text, 32, "%ld s", s);
}

void hesse_progress_update_at(hesse_progress *p, double now, const char *phase,
                              double done, double total)
{
    const double elapsed = now - p->started;
    if (!p->to || now < p->next || !(total > 0 && done > 0 && elapsed > 0)) return;
    char left[32];
    const double part = fmin(done / total, 1);
    write_time(elapsed * (1 - part) / part, left);
    fprintf(p->to, "%s%s: %.0f %%, %.1f GFLOP/s, %s left%s", p->terminal ? "\r" : "",
            phase, floor(100 * part), done / elapsed / 1e9, left,
            p->terminal ? "\033[K" : "\n");
    fflush(p->to);
    p->shown = p->terminal;
    p->next = now + (p->terminal ? terminal_pause : log_pause);
}

void hesse_progress_update(hesse_progress *p, const char *phase, double done,
                           double total)
{
    hesse_progress_update_at(p, clock_now(), phase, done, total);
}

void hesse_progress_finish(hesse_progress *p)
{
    if (p->shown) fputs("\r\033[K", p->to);
    if (p->shown) fflush(p->to);
    p->shown = false;
}
