/* This makes a job from a command line, and a model and the options of an analysis from
   a job. */
#include "program/commands.h"
#include "program/name_keys.h"

#include "base/memory.h"
#include "curvature/threads.h"
#include "parallel/available.h"
#include "program/series.h"

#include <stdlib.h>
#include <string.h>

hesse_status hesse_open_job(hesse_team *team, const hesse_options *options,
                            hesse_job **job)
{
    char *text = NULL;
    size_t length = 0;
    hesse_told told = {0};
    hesse_status s = HESSE_OK;
    if (hesse_team_rank(team) == 0)
        s = hesse_job_text(options->file, &text, &length, hesse_team_why(team));
    s = hesse_agree(team, s);
    if (!s) {
        hesse_team_broadcast(team, 0, &length, sizeof length);
        if (hesse_team_rank(team)) text = hesse_calloc(length + 1, 1);
        if (!text)
            s = hesse_fail(hesse_team_why(team), HESSE_E_NOMEM,
                           "out of memory for a job");
        s = hesse_agree(team, s);
    }
    if (!s) {
        hesse_team_broadcast(team, 0, text, length);
        if (hesse_team_rank(team) == 0)
            s = hesse_job_tell(text, length, options->file, options->sets,
                               options->n_sets, &told, hesse_team_why(team));
        s = hesse_agree(team, s);
    }
    if (!s) {
        hesse_team_broadcast(team, 0, &told, sizeof told);
        s = hesse_job_parse(text, length, options->file, options->sets, options->n_sets,
                            &told, job, hesse_team_why(team));
        s = hesse_agree(team, s);
    }
    if (!s) s = hesse_series_find(team, options->file, *job);
    if (!s) {
        if (options->memory) (*job)->analysis.memory = options->memory;
        (*job)->analysis.program = hesse_team_program(team);
    }
    free(text);
    return s;
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
                                  .checkpoint = job->paths.checkpoint,
                                  .seed = job->seed,
                                  .outline = outline};
}

hesse_status hesse_open_problem(hesse_team *team, const hesse_job *job, bool outline,
                                hesse_problem *problem)
{
    const hesse_network_source source = hesse_job_source(job, outline);
    const hesse_objective_options options = {
        .reduction = job->reduction, .batch = job->data.batch, .memory = room_of(job)};
    const hesse_status s =
        hesse_problem_open(team, &source, &job->data, &options, problem);
    if (s == HESSE_E_INPUT || s == HESSE_E_JOB)
        hesse_name_keys(job, hesse_team_why(team));
    return s;
}

hesse_status hesse_rate_machine(hesse_team *team, hesse_rates *rates)
{
    const hesse_status s =
        hesse_agree(team, hesse_rates_measure(rates, hesse_team_why(team)));
    double *const all = &rates->dgemm;
    const size_t count = sizeof *rates / sizeof(double);
    if (s) return s;
    hesse_team_sum(team, all, count);
    for (size_t i = 0; i < count; i++) all[i] /= hesse_team_size(team);
    return HESSE_OK;
}

hesse_status hesse_rate_analysis(hesse_team *team, hesse_analysis *analysis)
{
    hesse_rates rates = {0};
    const hesse_status s = hesse_rate_machine(team, &rates);
    if (!s) hesse_analysis_rate(analysis, &rates);
    return s;
}

int hesse_threads(void)
{
    const char *asked = getenv("OMP_NUM_THREADS");
    const long threads = asked ? strtol(asked, NULL, 10) : 1;
    return threads < 1                    ? 1
           : threads > HESSE_MOST_THREADS ? HESSE_MOST_THREADS
                                          : (int)threads;
}

hesse_analysis_options hesse_job_options(const hesse_job *job)
{
    hesse_analysis_options options = job->analysis;
    options.threads = hesse_threads();
    options.distances = job->metrics.distance;
    options.n_distances = job->metrics.n_distance;
    options.density = job->spectrum.density;
    options.stretch = job->output.stretch;
    return options;
}
