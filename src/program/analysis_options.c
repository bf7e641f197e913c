/* The options of a job's analysis, and the rates of this machine, which predict how
   long an analysis takes. */
#include "curvature/threads.h"
#include "parallel/network.h"
#include "program/commands.h"

#include <stdlib.h>

hesse_status hesse_rate_machine(hesse_team *team, hesse_rates *rates)
{
    hesse_status s =
        hesse_agree(team, hesse_rates_measure(rates, hesse_team_why(team)));
    if (!s && hesse_team_size(team) > 1)
        s = hesse_network_measure(team, &rates->bandwidth, &rates->latency);
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
