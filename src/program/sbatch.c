/* The script is jobs/hesse.sbatch, which is built into the program. The plan's settings
   replace those of the script, and its arguments are set. */
#include "program/sbatch.h"

#include "sbatch_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double MARGIN = 1.5, LEAST = 600;            /* of seconds */
static const double MEMORY = 1.1, RESERVE = 200 * 0x1p20; /* of bytes */

/* Print a word with quotes, so that the shell does not change it. */
static void print_quoted(const char *word)
{
    putchar('\'');
    for (; *word; word++)
        if (*word == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*word);
    putchar('\'');
}

static void print_time(double seconds)
{
    const long minutes = (long)ceil(fmin(MARGIN * seconds + LEAST, 1e9) / 60);
    printf("#SBATCH --time=%ld-%02ld:%02ld:00\n", minutes / 1440, minutes / 60 % 24,
           minutes % 60);
}

/* The script after its last setting. */
static const char *body(void)
{
    const char *at = hesse_sbatch_text, *setting;
    while ((setting = strstr(at, "\n#SBATCH "))) at = setting + 1;
    return strchr(at, '\n') + 1;
}

/* Print the settings of the script that the plan does not replace. */
static void print_others(void)
{
    static const char *const planned[] = {"--ntasks", "--cpus-per-task",
                                          "--mem-per-cpu", "--time"};
    const char *end = body();
    for (const char *line = hesse_sbatch_text; line < end;) {
        const int length = (int)strcspn(line, "\n");
        bool own = line != hesse_sbatch_text;
        for (size_t i = 0; i < sizeof planned / sizeof *planned; i++) {
            const char *found = strstr(line, planned[i]);
            own &= !found || found > line + length;
        }
        if (own) printf("%.*s\n", length, line);
        line += length + 1;
    }
}

void hesse_sbatch_print(const hesse_plan_summary *x, const hesse_options *options)
{
    const int threads = x->threads;
    const double bytes = (x->peak * MEMORY + RESERVE) / threads;
    puts("#!/bin/bash");
    printf("#SBATCH --ntasks=%d\n", x->ranks);
    printf("#SBATCH --cpus-per-task=%d\n", threads);
    printf("#SBATCH --mem-per-cpu=%.0fM\n", ceil(bytes / 0x1p20));
    print_time(x->seconds);
    print_others();
    puts("\n# As `hesse plan --sbatch` planned it, by the speed of the machine it ran "
         "on.");
    fputs("set -- ", stdout);
    print_quoted(options->file);
    if (options->full) fputs(" --full", stdout);
    if (options->point) fputs(" --point ", stdout), print_quoted(options->point);
    for (int i = 0; i < options->n_sets; i++) {
        fputs(" --set ", stdout);
        print_quoted(options->sets[i]);
    }
    puts("");
    fputs(body(), stdout);
}
