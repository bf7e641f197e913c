/** The path of a job's result. */
#ifndef HESSE_PROGRAM_TARGET_H
#define HESSE_PROGRAM_TARGET_H

#include "hesse/team.h"
#include "job/job.h"
#include "program/options.h"

/** Local. Name the result file of a command that is not `run`, if the job has no
 * 'output.file': the name of the job file with an ending, such as ".theory.h5", because
 * JOB.h5 is that of `run`. Errors: HESSE_E_NOMEM. */
hesse_status hesse_target_name(hesse_job *job, const char *ending, hesse_why *why);

/** Collective. Find the path of the result file, the same on every rank. It is the path
 * of --output, else the one of the job; if it is a link, it is the path that the link
 * points to.
 *
 *  path  [out]  the caller frees it, for any status. Errors: HESSE_E_JOB if this is a
 *  file that the job reads, under any of its names; HESSE_E_OUTPUT if links form a
 *  circle; HESSE_E_NOMEM. */
hesse_status hesse_target(hesse_team *team, const hesse_options *options,
                          const hesse_job *job, char **path);

#endif /* HESSE_PROGRAM_TARGET_H */
