/* What a run would do, from the sizes alone: no parameter is read, nothing computed. */
#include "base/units.h"
#include "objective/product.h"
#include "program/commands.h"
#include "program/disk.h"
#include "program/sbatch.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Rows of a table that somebody may read. */
enum { MOST_ROWS = 1000 };

/* What is found of matrices that are not formed besides their quadratures. */
static void print_estimates(const hesse_analysis *x)
{
    const hesse_estimates *e = &x->matrix_free.estimates;
    char work[HESSE_UNITS];
    if (!(x->matrix_free.extra.products > 0)) return;
    hesse_units_flop(x->matrix_free.extra.products, work);
    if (e->extreme.pairs)
        printf("eigenpairs   %d at each end to %g, %d vectors at once, at most %d "
               "products\n",
               e->extreme.pairs, e->extreme.tolerance, e->extreme.block,
               e->extreme.products);
    if (e->hutchinson.probes)
        printf("diagonal     %d probes, a sketch of %d\n", e->hutchinson.probes,
               e->hutchinson.sketch);
    printf("             about %s of that\n", work);
}

static void print_head(const hesse_analysis *x, const hesse_job *job)
{
    const hesse_disk disk = hesse_disk_of(x, job);
    const hesse_model *m = x->model;
    const hesse_task *whole = &x->schedule.whole;
    char a[HESSE_UNITS], b[HESSE_UNITS], c[HESSE_UNITS];
    printf("parameters   %zu in %d tensors and parts of tensors\n", m->params.size,
           m->params.count);
    printf("data         %d sequences of %d tokens\n", m->batch.sequences,
           m->batch.context);
    if (!hesse_tape_is_whole(m->tape))
        printf("             activations of %d sequences at once, the others again in "
               "every sweep\n",
               m->tape->window);
    printf("blocks       %d, together of order %zu\n", x->partition.count,
           x->partition.size);
    printf("ranks        %d\n", x->ranks);
    printf("memory       %s per rank at the peak, of %s; %s of it the program and its "
           "libraries\n",
           hesse_units_bytes(x->peak, a), hesse_units_bytes(x->memory, b),
           hesse_units_bytes(x->program, c));
    printf("disk         about %s for the result, up to %s for part files\n",
           hesse_units_bytes(disk.result, a), hesse_units_bytes(disk.parts, b));
    if (x->options.scope & HESSE_FULL) {
        printf("full matrix  order %zu: assembly %s, eigenvalues %s by %s\n",
               x->partition.size, hesse_units_flop(whole->work.products, a),
               hesse_units_flop(whole->solution, b), hesse_engine_name(whole->engine));
        printf("             assembly %s, eigenvalues %s\n",
               hesse_units_time(whole->assembly, a), hesse_units_time(whole->eigen, b));
    }
    if (x->matrix_free.whole)
        printf("full matrix  order %zu: by lanczos, without the matrix\n",
               x->partition.size);
    if (x->matrix_free.work.products > 0)
        printf("lanczos      %d probes of %d steps, %d at once: %s, %s, %s per rank\n",
               x->matrix_free.settings.probes, x->matrix_free.settings.steps,
               x->matrix_free.together,
               hesse_units_flop(x->matrix_free.work.products, a),
               hesse_units_time(x->matrix_free.seconds, b),
               hesse_units_bytes(x->matrix_free.bytes, c));
    print_estimates(x);
    double least = x->schedule.busy[0];
    for (int r = 1; r < x->ranks; r++) least = fmin(least, x->schedule.busy[r]);
    printf("time         %s, by the rates of this machine; the idlest rank %s\n",
           hesse_units_time(hesse_analysis_seconds(x), c),
           hesse_units_time(least + x->matrix_free.seconds, a));
}

/* "rank 3", "4 to 7", "all 8". */
static void name_group(hesse_group g, int ranks, char text[HESSE_UNITS])
{
    if (g.count == 1)
        snprintf(text, HESSE_UNITS, "rank %d", g.first);
    else if (g.count == ranks)
        snprintf(text, HESSE_UNITS, "all %d", ranks);
    else
        snprintf(text, HESSE_UNITS, "%d to %d", g.first, g.first + g.count - 1);
}

/* Time goes as work does. Returns the work of all. */
static double print_unformed(const hesse_analysis *x, int width, int *rows)
{
    const hesse_matrix_free *u = &x->matrix_free;
    char work[HESSE_UNITS], time[HESSE_UNITS];
    double all = 0;
    for (int i = 0; i < x->partition.count; i++) {
        const hesse_block *block = &x->partition.blocks[i];
        if (!u->blocks[i]) continue;
        all += u->each[i];
        if ((*rows)++ >= MOST_ROWS) continue;
        printf("%-*s %8zu %10s %10s %12s %12s %12s %12s\n", width, block->name,
               block->size, "lanczos", x->ranks == 1 ? "rank 0" : "all", "",
               hesse_units_flop(u->each[i], work), "",
               hesse_units_time(u->seconds * u->each[i] / fmax(1, u->work.products),
                                time));
    }
    return all;
}

static void print_blocks(const hesse_analysis *x)
{
    char a[HESSE_UNITS], b[HESSE_UNITS], c[HESSE_UNITS], d[HESSE_UNITS],
        ranks[HESSE_UNITS];
    double assembly = 0, solution = 0;
    if (!(x->scope & HESSE_BLOCKS)) return;
    int width = 5, rows = 0;
    for (int i = 0; i < x->partition.count; i++) {
        const int length = (int)strlen(x->partition.blocks[i].name);
        width = length > width ? length : width;
    }
    printf("\n%-*s %8s %10s %10s %12s %12s %12s %12s\n", width, "block", "size",
           "engine", "ranks", "memory", "products", "eigenvalues", "time");
    for (int i = 0; i < x->schedule.count; i++) {
        const hesse_task *t = &x->schedule.tasks[i];
        assembly += t->work.products, solution += t->solution;
        if (rows++ >= MOST_ROWS) continue;
        const hesse_block *block = &x->partition.blocks[t->block];
        name_group(t->group, x->ranks, ranks);
        printf("%-*s %8zu %10s %10s %12s %12s %12s %12s\n", width, block->name,
               block->size, hesse_engine_name(t->engine), ranks,
               hesse_units_bytes(t->bytes, a), hesse_units_flop(t->work.products, b),
               hesse_units_flop(t->solution, c),
               hesse_units_time(t->assembly + t->eigen, d));
    }
    assembly += print_unformed(x, width, &rows);
    if (rows > MOST_ROWS) printf("... and %d more\n", rows - MOST_ROWS);
    printf("%-*s %8zu %10s %10s %12s %12s %12s\n", width, "total", x->partition.size,
           "", "", "", hesse_units_flop(assembly, b), hesse_units_flop(solution, c));
}

hesse_status hesse_command_plan(hesse_team *team, const hesse_options *options)
{
    hesse_job *job = NULL;
    hesse_model *model = NULL;
    hesse_analysis *analysis = NULL;
    hesse_status s = hesse_open_job(team, options, &job);
    if (!s) s = hesse_open_model(team, job, true, &model);
    if (!s) {
        hesse_analysis_options question = hesse_job_options(job);
        if (options->ranks) question.ranks = options->ranks;
        s = hesse_analysis_new(model, &question, &analysis);
    }
    if (!s) s = hesse_rate_analysis(team, analysis);
    if (!s && team->rank == 0 && options->sbatch) {
        hesse_sbatch_print(analysis, options);
    } else if (!s && team->rank == 0) {
        print_head(analysis, job);
        print_blocks(analysis);
    }
    hesse_analysis_free(analysis);
    hesse_model_free(model);
    hesse_job_free(job);
    return s;
}
