/* The laws of second derivatives on the job's own model and data. */
#include "program/commands.h"
#include "program/laws.h"

hesse_status hesse_command_check(hesse_team *team, const hesse_options *options)
{
    hesse_job *job = NULL;
    hesse_problem problem = {NULL, NULL, NULL};
    hesse_report report = hesse_report_begin(team, options);
    hesse_status s = hesse_open_job(team, options, &job);
    if (!s) s = hesse_open_problem(team, job, false, &problem);
    if (!s) s = hesse_laws_check(&report, job, &problem);
    s = hesse_report_end(&report, s);
    hesse_problem_free(&problem);
    hesse_job_free(job);
    return s;
}
