/* The plan as tables for people. */
#include "base/units.h"
#include "program/planned.h"

#include <stdio.h>
#include <string.h>

/* The most rows of a table; nobody would read more. */
enum { MOST_ROWS = 1000 };

/* Print the other estimates that are made for estimated matrices, besides their
   quadratures. */
static void print_estimates(const hesse_plan_summary *p)
{
    char work[HESSE_UNITS];
    if (!(p->extra > 0)) return;
    hesse_units_flop(p->extra, work);
    if (p->extreme.pairs)
        printf("eigenpairs   %d at each end to %g, %d vectors at once, at most %d "
               "products\n",
               p->extreme.pairs, p->extreme.tolerance, p->extreme.block,
               p->extreme.products);
    if (p->hutchinson.probes)
        printf("diagonal     %d probes, a sketch of %d\n", p->hutchinson.probes,
               p->hutchinson.sketch);
    printf("             about %s of that\n", work);
}

static void print_data(const hesse_problem *p)
{
    const int examples = hesse_dataset_examples(p->dataset);
    const int window = hesse_objective_window(p->objective);
    printf("parameters   %zu in %d tensors and slices of tensors\n",
           hesse_network_size(p->network), hesse_network_tensors(p->network));
    printf("data         %d sequences of %d tokens\n", examples,
           hesse_dataset_tokens(p->dataset));
    if (*hesse_dataset_form(p->dataset))
        printf("images       %s\n", hesse_dataset_form(p->dataset));
    if (window < examples && window == hesse_objective_largest_share(p->objective))
        printf("             activations of %d sequences on a rank, its share\n",
               window);
    else if (window < examples)
        printf("             activations of %d sequences at once, the others again in "
               "every sweep\n",
               window);
}

/* The steps of a series, of which each needs the time and the disk of one. */
static void print_series(const hesse_job *job, const hesse_plan_summary *p)
{
    char a[HESSE_UNITS];
    const int count = job->series.count;
    if (!count) return;
    printf("checkpoints  %d, steps %lld to %lld: %s for each\n", count,
           (long long)job->series.step[0], (long long)job->series.step[count - 1],
           hesse_units_time(p->seconds, a));
}

static void print_head(const hesse_plan_summary *p)
{
    char a[HESSE_UNITS], b[HESSE_UNITS], c[HESSE_UNITS];
    printf("blocks       %d, together of order %zu\n", p->blocks, p->order);
    printf("ranks        %d\n", p->ranks);
    printf("memory       %s per rank at the peak, of %s; %s of it the program and its "
           "libraries\n",
           hesse_units_bytes(p->peak, a), hesse_units_bytes(p->memory, b),
           hesse_units_bytes(p->program, c));
    printf("disk         about %s for the result, up to %s for part files\n",
           hesse_units_bytes(p->disk.result, a), hesse_units_bytes(p->disk.parts, b));
    if (p->whole) {
        printf("full matrix  order %zu: assembly %s, eigenvalues %s by %s\n", p->order,
               hesse_units_flop(p->whole_products, a),
               hesse_units_flop(p->whole_solution, b),
               hesse_engine_name(p->whole_engine));
        printf("             assembly %s, eigenvalues %s\n",
               hesse_units_time(p->whole_assembly, a),
               hesse_units_time(p->whole_eigen, b));
    }
    if (p->whole_estimated)
        printf("full matrix  order %zu: by lanczos, without the matrix (%s)\n",
               p->order, hesse_estimated_text(p->whole_estimated));
    if (p->products > 0)
        printf("lanczos      %d probes of %d steps, %d at once: %s, %s, %s per rank\n",
               p->lanczos.probes, p->lanczos.steps, p->together,
               hesse_units_flop(p->products, a),
               hesse_units_time(p->estimate_seconds, b),
               hesse_units_bytes(p->estimate_bytes, c));
    print_estimates(p);
    if (p->n_estimated && p->method == HESSE_METHOD_AUTO)
        printf("estimated    %d of %d blocks: see the reasons below\n", p->n_estimated,
               p->blocks);
    printf("time         %s, by the rates of this machine; the idlest rank %s\n",
           hesse_units_time(p->seconds, c), hesse_units_time(p->idlest, a));
}

void hesse_planned_print_training(const hesse_planned *p)
{
    const hesse_planned_training *t = &p->training;
    char a[HESSE_UNITS], b[HESSE_UNITS], c[HESSE_UNITS];
    if (!t->runs) return;
    printf(
        "training     %d run%s of %lld steps of %d examples: %s a step, about %s with "
        "%d rank%s for a run\n",
        t->runs, t->runs > 1 ? "s" : "", (long long)p->job->train.options.steps,
        t->batch, hesse_units_flop(t->step, a), hesse_units_time(t->seconds, b),
        t->ranks, t->ranks > 1 ? "s" : "");
    printf("             %d stage%s of %s, with the state of the optimiser\n",
           t->stages, t->stages == 1 ? "" : "s", hesse_units_bytes(t->stage_bytes, c));
}

static void print_cost(const char *name, const hesse_measure_cost *c)
{
    char work[HESSE_UNITS], seconds[HESSE_UNITS];
    if (!(c->products > 0)) return;
    printf("%-12s up to %.0f products, %d at once: %s, %s\n", name, c->products,
           c->width, hesse_units_flop(c->work, work),
           hesse_units_time(c->seconds, seconds));
}

/* Name some ranks: "rank 3", "4 to 7", "all 8". */
static void name_ranks(int first, int count, int all, char text[HESSE_UNITS])
{
    if (count == 1)
        snprintf(text, HESSE_UNITS, "rank %d", first);
    else if (count == all)
        snprintf(text, HESSE_UNITS, "all %d", all);
    else
        snprintf(text, HESSE_UNITS, "%d to %d", first, first + count - 1);
}

static void print_block(const hesse_planned_block *b, int all, int width)
{
    char memory[HESSE_UNITS] = "", products[HESSE_UNITS], solution[HESSE_UNITS] = "",
         seconds[HESSE_UNITS], ranks[HESSE_UNITS];
    name_ranks(b->first, b->ranks, all, ranks);
    if (!b->estimated) hesse_units_bytes(b->bytes, memory);
    if (!b->estimated) hesse_units_flop(b->solution, solution);
    printf("%-*s %8zu %10s %10s %12s %12s %12s %12s", width, b->name, b->size,
           b->estimated ? "lanczos" : hesse_engine_name(b->engine), ranks, memory,
           hesse_units_flop(b->products, products), solution,
           hesse_units_time(b->seconds, seconds));
    printf(b->estimated ? "  estimated: %s\n" : "\n",
           hesse_estimated_text(b->estimated));
}

static void print_blocks(const hesse_analysis *x, const hesse_plan_summary *p)
{
    const int count = hesse_analysis_planned(x);
    char a[HESSE_UNITS], b[HESSE_UNITS];
    double products = 0, solution = 0;
    int width = 5;
    if (!count) return;
    for (int i = 0; i < count; i++) {
        const int length = (int)strlen(hesse_analysis_block_name(x, i));
        width = length > width ? length : width;
    }
    printf("\n%-*s %8s %10s %10s %12s %12s %12s %12s\n", width, "block", "size",
           "engine", "ranks", "memory", "products", "eigenvalues", "time");
    for (int i = 0; i < count; i++) {
        const hesse_planned_block block = hesse_analysis_planned_block(x, i);
        products += block.products, solution += block.solution;
        if (i < MOST_ROWS) print_block(&block, p->ranks, width);
    }
    if (count > MOST_ROWS) printf("... and %d more\n", count - MOST_ROWS);
    printf("%-*s %8zu %10s %10s %12s %12s %12s\n", width, "total", p->order, "", "", "",
           hesse_units_flop(products, a), hesse_units_flop(solution, b));
}

void hesse_planned_print(const hesse_planned *p)
{
    print_data(p->problem);
    print_series(p->job, &p->one);
    print_head(&p->all);
    hesse_planned_print_training(p);
    print_cost("directions", &p->measures.directions);
    print_cost("block error", &p->measures.block_error);
    print_blocks(p->analysis, &p->one);
}
