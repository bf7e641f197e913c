/* This prints the graph of a job's network, for other programs. No parameters are
   read. */
#include "program/commands.h"

#include <stdio.h>

hesse_status hesse_command_graph(hesse_team *team, const hesse_options *options)
{
    hesse_job *job = NULL;
    hesse_problem problem = {0};
    hesse_status s = hesse_open_job(team, options, &job);
    if (!s) s = hesse_open_problem(team, job, true, &problem);
    if (!s && hesse_team_rank(team) == 0)
        s = hesse_network_print(problem.network,
                                hesse_objective_tokens(problem.objective), stdout,
                                hesse_team_why(team));
    s = hesse_agree(team, s);
    hesse_problem_free(&problem);
    hesse_job_free(job);
    return s;
}
