/** The commands. Those with a team are collective, and print to standard output on rank
 * 0 alone; the others need no MPI. Only main checks that writing to standard output has
 * succeeded. */
#ifndef HESSE_PROGRAM_COMMANDS_H
#define HESSE_PROGRAM_COMMANDS_H

#include "curvature/analysis.h"
#include "job/job.h"
#include "program/options.h"

hesse_status hesse_command_run(hesse_team *team, const hesse_options *options);
hesse_status hesse_command_train(hesse_team *team, const hesse_options *options);
hesse_status hesse_command_landscape(hesse_team *team, const hesse_options *options);
hesse_status hesse_command_theory(hesse_team *team, const hesse_options *options);
hesse_status hesse_command_check(hesse_team *team, const hesse_options *options);
hesse_status hesse_command_plan(hesse_team *team, const hesse_options *options);
hesse_status hesse_command_graph(hesse_team *team, const hesse_options *options);
hesse_status hesse_command_show(hesse_team *team, const hesse_options *options);
hesse_status hesse_command_selftest(hesse_team *team, const hesse_options *options);
hesse_status hesse_command_info(hesse_team *team, const hesse_options *options);
hesse_status hesse_command_help(const hesse_options *options, hesse_why *why);
hesse_status hesse_command_completion(const hesse_options *options, hesse_why *why);
hesse_status hesse_command_keys(const hesse_options *options, hesse_why *why);
hesse_status hesse_command_schema(const hesse_options *options, hesse_why *why);
hesse_status hesse_command_version(const hesse_options *options, hesse_why *why);

/** Collective. Open the job of a command line on every rank; rank 0 reads the file, and
 * finds the checkpoints of a series. A job with a sweep is refused, unless the command
 * line chooses one of its points. */
hesse_status hesse_open_job(hesse_team *team, const hesse_options *options,
                            hesse_job **job);

/** Collective. The same for a command that takes all points of a sweep: a job for each,
 * or one without a sweep. The list is freed by hesse_jobs_free, also after an error. */
hesse_status hesse_open_jobs(hesse_team *team, const hesse_options *options,
                             hesse_job ***jobs, int *count);
void hesse_jobs_free(hesse_job **jobs, int count);

/** Collective. Read the text of a job file on rank 0 and give it to all ranks. The
 * caller frees it. */
hesse_status hesse_read_text(hesse_team *team, const char *file, char **text,
                             size_t *length);

/** Collective. Make the job of a text, which is the same on all ranks. Of a sweep it is
 * the point that `choice` names.
 *
 *  file  [in]  for messages, and because paths are relative to its folder. */
hesse_status hesse_make_job(hesse_team *team, const char *file, const char *text,
                            size_t length, const hesse_job_choice *choice,
                            hesse_job **job);

/** Local. The source of a job's network; it borrows from the job. */
hesse_network_source hesse_job_source(const hesse_job *job, bool outline);

/** Local. The settings of a job's objective. */
hesse_objective_options hesse_job_objective(const hesse_job *job);

/** Collective. Open the network, dataset and objective of a job. An outline has no
 * parameters and cannot be run. */
hesse_status hesse_open_problem(hesse_team *team, const hesse_job *job, bool outline,
                                hesse_problem *problem);

/** Collective. Measure the rates of all ranks at once; the results are their means. */
hesse_status hesse_rate_machine(hesse_team *team, hesse_rates *rates);

/** Collective. Predict the times of an analysis from rates that all ranks measure at
 * once. */
hesse_status hesse_rate_analysis(hesse_team *team, hesse_analysis *analysis);

/** Local. The threads of a rank: the value of OMP_NUM_THREADS, else 1. */
int hesse_threads(void);

/** Local. The options of a job's analysis; they borrow from the job. */
hesse_analysis_options hesse_job_options(const hesse_job *job);

#endif /* HESSE_PROGRAM_COMMANDS_H */
