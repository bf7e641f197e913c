/* What a run would do, from the sizes alone: no parameter is read, nothing computed. */
#include "program/commands.h"

#include <stdio.h>
#include <string.h>

/* A number of bytes or operations with a prefix, in a field of its own. */
static const char *with_prefix(double value, double base, const char *unit,
                               char text[32])
{
    static const char *const prefix[] = {"", "k", "M", "G", "T", "P", "E"};
    int i = 0;
    while (value >= base && i < 6) value /= base, i++;
    snprintf(text, 32, "%.3g %s%s%s", value, prefix[i], base == 1024 && i ? "i" : "",
             unit);
    return text;
}

static const char *bytes(double value, char text[32])
{
    return with_prefix(value, 1024, "B", text);
}

static const char *operations(double value, char text[32])
{
    return with_prefix(value, 1000, "flop", text);
}

static void print_head(const hesse_study *x)
{
    const hesse_model *m = x->model;
    char a[32], b[32];
    printf("parameters   %zu in %d tensors and parts of tensors\n", m->params.size,
           m->params.count);
    printf("data         %d sequences of %d tokens\n", m->tokens.sequences,
           m->tokens.context);
    printf("blocks       %d, together of order %zu\n", x->partition.count,
           x->partition.size);
    printf("ranks        %d\n", x->ranks);
    printf("memory       %s per rank at the peak, of %s\n", bytes(x->peak, a),
           bytes(x->memory, b));
    if (x->inquiry.scope & HESSE_FULL) {
        const double n = (double)x->partition.size;
        printf("full matrix  order %.0f: assembly %s, eigenvalues %s by %s\n", n,
               operations(x->full_assembly, a),
               operations(4.0 / 3 * n * n * n * x->inquiry.request.shares, b),
               hesse_engine_name(x->full_engine));
    }
}

static void print_blocks(const hesse_study *x)
{
    char a[32], b[32], c[32], ranks[16];
    double assembly = 0, solution = 0;
    if (!x->schedule.count) return;
    int width = 5;
    for (int i = 0; i < x->partition.count; i++) {
        const int length = (int)strlen(x->partition.blocks[i].name);
        width = length > width ? length : width;
    }
    printf("\n%-*s %8s %10s %10s %12s %12s %12s\n", width, "block", "size", "engine",
           "ranks", "memory", "assembly", "eigenvalues");
    for (int i = 0; i < x->schedule.count; i++) {
        const hesse_task *t = &x->schedule.tasks[i];
        const hesse_block *block = &x->partition.blocks[t->block];
        const bool all = t->owner == HESSE_ALL_RANKS;
        snprintf(ranks, sizeof ranks, all ? "all %d" : "rank %d",
                 all ? x->ranks : t->owner);
        printf("%-*s %8zu %10s %10s %12s %12s %12s\n", width, block->name, block->size,
               hesse_engine_name(t->engine), ranks, bytes(t->bytes, a),
               operations(t->assembly, b), operations(t->solution, c));
        assembly += t->assembly, solution += t->solution;
    }
    printf("%-*s %8zu %10s %10s %12s %12s %12s\n", width, "total", x->partition.size,
           "", "", "", operations(assembly, a), operations(solution, b));
}

hesse_status hesse_command_plan(hesse_team *team, const hesse_options *options)
{
    hesse_job *job = NULL;
    hesse_model *model = NULL;
    hesse_study *study = NULL;
    hesse_status s = hesse_open_job(team, options, &job);
    if (!s) s = hesse_open_model(team, job, true, &model);
    if (!s) {
        hesse_question question = hesse_question_of(job);
        if (options->ranks) question.ranks = options->ranks;
        if (options->memory) question.memory = options->memory;
        s = hesse_study_new(model, &question, &study);
    }
    if (!s && team->rank == 0) {
        print_head(study);
        print_blocks(study);
    }
    hesse_study_free(study);
    hesse_model_free(model);
    hesse_job_free(job);
    return s;
}
