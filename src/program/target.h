/** Where the result of a job goes. */
#ifndef HESSE_PROGRAM_TARGET_H
#define HESSE_PROGRAM_TARGET_H

#include "hesse/team.h"
#include "job/job.h"
#include "program/options.h"

/** Collective. The path of the file that the result becomes, the same on every rank:
 *  that of --output, else of the job; where a link stands there, what it points to.
 *
 *  path  [out]  the caller frees it, whatever the status.
 *  Errors: HESSE_E_JOB where a file that the job reads is there, under any name of it;
 *  HESSE_E_OUTPUT where links go in rank_groups; HESSE_E_NOMEM. */
hesse_status hesse_target(hesse_team *team, const hesse_options *options,
                          const hesse_job *job, char **path);

#endif /* HESSE_PROGRAM_TARGET_H */
