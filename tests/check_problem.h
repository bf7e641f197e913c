/** Problems of whole analyses: a network, a dataset and the objective of both. */
#ifndef HESSE_CHECK_PROBLEM_H
#define HESSE_CHECK_PROBLEM_H

#include "check_mpi.h"
#include "curvature/analysis.h"
#include "curvature/plan.h"
#include "hesse/objective.h"
#include "objective/objective.h"

#include <stdlib.h>
#include <string.h>

/** Collective over all ranks. */
static inline hesse_team *team_of_all(void)
{
    hesse_team *team = NULL;
    assert_all(hesse_team_new(MPI_COMM_WORLD, &team) == HESSE_OK);
    return team;
}

/** Collective over all ranks. Print why something failed, and fail. */
static inline void assert_done(hesse_team *team, hesse_status s)
{
    if (s) print_error("%s\n", hesse_team_why(team)->text);
    assert_all(s == HESSE_OK);
}

/** Collective over all ranks. */
static inline hesse_problem open_problem(hesse_team *team,
                                         const hesse_network_source *source,
                                         const hesse_data_options *data)
{
    hesse_problem problem;
    assert_done(team, hesse_problem_open(team, source, data,
                                         &(hesse_objective_options){0}, &problem));
    return problem;
}

/** Collective over the team. The checkpoint, config and tokens of a folder. */
static inline hesse_status read_folder(hesse_team *team, const char *family,
                                       const char *folder, int sequences, int context,
                                       hesse_problem *problem)
{
    char config[1024], checkpoint[1024], tokens[1024];
    const char *const paths[] = {tokens};
    hesse_arch arch = {0};
    strcpy(arch.family, family);
    snprintf(config, sizeof config, "%s/config.json", folder);
    snprintf(checkpoint, sizeof checkpoint, "%s/model.safetensors", folder);
    snprintf(tokens, sizeof tokens, "%s/tokens.npy", folder);
    const hesse_network_source source = {
        .arch = &arch, .config = config, .checkpoint = checkpoint};
    const hesse_data_options data = {.kind = "tokens",
                                     .paths = paths,
                                     .n_paths = 1,
                                     .sequences = sequences,
                                     .context = context};
    return hesse_problem_open(team, &source, &data, &(hesse_objective_options){0},
                              problem);
}

/** Collective over the team. A folder of tests/reference. */
static inline hesse_status read_reference(hesse_team *team, const char *name,
                                          hesse_problem *problem)
{
    char folder[512];
    snprintf(folder, sizeof folder, "%s/reference/%s", HESSE_TEST_FOLDER, name);
    return read_folder(team, strncmp(name, "llama", 5) ? "gpt2" : "llama", folder, 0, 0,
                       problem);
}

/** Collective over all ranks; the team may be smaller. */
static inline hesse_problem open_reference(hesse_team *team, const char *name)
{
    hesse_problem problem;
    assert_done(team, read_reference(team, name, &problem));
    return problem;
}

/** Collective over all ranks. The gradient, which the caller frees. */
static inline double *gradient_of(const hesse_problem *problem, double *loss)
{
    double *gradient = malloc(hesse_network_size(problem->network) * sizeof *gradient);
    assert_all(gradient != NULL);
    assert_done(problem->objective->team,
                hesse_objective_gradient(problem->objective, loss, gradient));
    return gradient;
}

/** Local. Return the index of element e of a parameter in the tensor that contains the
 *  parameter. */
static inline size_t in_tensor(const hesse_param *p, size_t e)
{
    const hesse_slice *s = &p->slice;
    const size_t cols = (size_t)p->cols, row = e / cols, col = e % cols;
    if (!s->total) return e;
    const size_t group = (size_t)(s->total / s->groups), first = (size_t)s->first;
    const size_t own = (p->out_rows ? (size_t)p->rows : cols) / (size_t)s->groups;
    if (p->out_rows) return (row / own * group + first + row % own) * cols + col;
    return row * (size_t)s->total + col / own * group + first + col % own;
}

/** Local. Return the number of elements of the tensor that contains a parameter. */
static inline size_t tensor_size(const hesse_param *p)
{
    const size_t own = (size_t)(p->out_rows ? p->rows : p->cols);
    return p->slice.total ? hesse_param_size(p) / own * (size_t)p->slice.total
                          : hesse_param_size(p);
}

/** Local, on all ranks. Give the blocks of an analysis to groups of every size, by an
 * engine. Small blocks of a plan would all belong to single ranks. */
static inline void regroup(hesse_analysis *x, hesse_engine engine, bool lower)
{
    const hesse_plan *plan = hesse_analysis_plan(x);
    const hesse_schedule *s = &plan->schedule;
    for (int i = 0; i < s->count; i++) {
        hesse_task *k = &s->tasks[i];
        k->depth = i * (s->depth + 1) / s->count;
        k->group = hesse_group_of(plan->ranks, k->depth, 5 * i % plan->ranks);
        k->lower = lower;
        k->engine = engine;
    }
}

#endif /* HESSE_CHECK_PROBLEM_H */
