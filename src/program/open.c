/* This makes a job from a command line or a text, and a model from a job. */
#include "program/commands.h"
#include "program/name_keys.h"

#include "base/memory.h"
#include "parallel/available.h"
#include "program/series.h"

#include <stdlib.h>
#include <string.h>

hesse_status hesse_read_text(hesse_team *team, const char *file, char **text,
                             size_t *length)
{
    hesse_status s = HESSE_OK;
    *text = NULL, *length = 0;
    if (hesse_team_rank(team) == 0)
        s = hesse_job_text(file, text, length, hesse_team_why(team));
    s = hesse_agree(team, s);
    if (s) return s;
    hesse_team_broadcast(team, 0, length, sizeof *length);
    if (hesse_team_rank(team)) *text = hesse_calloc(*length + 1, 1);
    if (!*text)
        s = hesse_fail(hesse_team_why(team), HESSE_E_NOMEM, "out of memory for a job");
    s = hesse_agree(team, s);
    if (!s) hesse_team_broadcast(team, 0, *text, *length);
    return s;
}

hesse_status hesse_make_job(hesse_team *team, const char *file, const char *text,
                            size_t length, const hesse_job_choice *choice,
                            hesse_job **job)
{
    hesse_told told = {0};
    hesse_status s = HESSE_OK;
    if (hesse_team_rank(team) == 0)
        s = hesse_job_tell(text, length, file, choice, &told, hesse_team_why(team));
    s = hesse_agree(team, s);
    if (s) return s;
    hesse_team_broadcast(team, 0, &told, sizeof told);
    s = hesse_job_parse(text, length, file, choice, &told, job, hesse_team_why(team));
    s = hesse_agree(team, s);
    if (!s) s = hesse_series_find(team, file, *job);
    if (!s) (*job)->analysis.program = hesse_team_program(team);
    return s;
}

/* Collective. Make the job of a command line from its text. */
static hesse_status make_job(hesse_team *team, const hesse_options *options,
                             const hesse_job_choice *choice, const char *text,
                             size_t length, hesse_job **job)
{
    const hesse_status s =
        hesse_make_job(team, options->file, text, length, choice, job);
    if (!s && options->memory) (*job)->analysis.memory = options->memory;
    return s;
}

static hesse_job_choice choice_of(const hesse_options *options)
{
    return (hesse_job_choice){.sets = options->sets,
                              .n_sets = options->n_sets,
                              .full = options->full,
                              .name = options->point};
}

hesse_status hesse_open_job(hesse_team *team, const hesse_options *options,
                            hesse_job **job)
{
    char *text = NULL;
    size_t length = 0;
    const hesse_job_choice choice = choice_of(options);
    hesse_status s = hesse_read_text(team, options->file, &text, &length);
    if (!s) s = make_job(team, options, &choice, text, length, job);
    if (!s && (*job)->sweep.points > 1 && !options->point)
        s = hesse_fail(
            hesse_team_why(team), HESSE_E_JOB,
            "%s: 'sweep' has %d points, which `hesse run` and `hesse "
            "train` compute; `hesse %s` takes one of them, such as --point %s",
            options->file, (*job)->sweep.points, options->command->name,
            (*job)->sweep.name);
    free(text);
    return s;
}

hesse_status hesse_open_jobs(hesse_team *team, const hesse_options *options,
                             hesse_job ***jobs, int *count)
{
    char *text = NULL;
    size_t length = 0;
    hesse_job *first = NULL;
    hesse_job_choice choice = choice_of(options);
    *jobs = NULL, *count = 0;
    hesse_status s = hesse_read_text(team, options->file, &text, &length);
    if (!s) s = make_job(team, options, &choice, text, length, &first);
    if (!s) {
        const int points = options->point ? 1 : first->sweep.points;
        *jobs = hesse_calloc((size_t)points, sizeof **jobs);
        if (!*jobs)
            s = hesse_fail(hesse_team_why(team), HESSE_E_NOMEM,
                           "out of memory for %d jobs", points);
        s = hesse_agree(team, s);
        if (*jobs) (*jobs)[(*count)++] = first, first = NULL;
        for (choice.point = 1; !s && choice.point < points; choice.point++)
            s = make_job(team, options, &choice, text, length, &(*jobs)[(*count)++]);
    }
    hesse_job_free(first);
    free(text);
    return s;
}

void hesse_jobs_free(hesse_job **jobs, int count)
{
    for (int i = 0; i < count; i++) hesse_job_free(jobs[i]);
    free(jobs);
}

/* The memory that is left for an analysis; 0: no limit was given. */
static size_t room_of(const hesse_job *job)
{
    const size_t all = job->analysis.memory, program = job->analysis.program;
    return !all ? 0 : all > program ? all - program : 1;
}

hesse_network_source hesse_job_source(const hesse_job *job, bool outline)
{
    return (hesse_network_source){.arch = &job->arch,
                                  .config = job->paths.config,
                                  .graph = job->paths.graph,
                                  .checkpoint = job->paths.checkpoint,
                                  .groups = job->groups,
                                  .n_groups = job->n_groups,
                                  .seed = job->seed,
                                  .outline = outline};
}

hesse_objective_options hesse_job_objective(const hesse_job *job)
{
    return (hesse_objective_options){
        .reduction = job->reduction, .batch = job->data.batch, .memory = room_of(job)};
}

hesse_status hesse_open_problem(hesse_team *team, const hesse_job *job, bool outline,
                                hesse_problem *problem)
{
    const hesse_network_source source = hesse_job_source(job, outline);
    const int ranks = job->analysis.ranks;
    hesse_objective_options options = hesse_job_objective(job);
    if (job->analysis.method == HESSE_METHOD_LANCZOS)
        options.sharing = ranks ? ranks : hesse_team_size(team);
    const hesse_status s =
        hesse_problem_open(team, &source, &job->data, &options, problem);
    if (s == HESSE_E_INPUT || s == HESSE_E_JOB)
        hesse_name_keys(job, hesse_team_why(team));
    return s;
}
