/** `hesse run` of all points of a sweep. */
#ifndef HESSE_PROGRAM_SWEEP_RUN_H
#define HESSE_PROGRAM_SWEEP_RUN_H

#include "job/job.h"
#include "program/options.h"

/** Collective. Compute all repeats of all points, one after the other on all ranks, and
 * write one result file. A run whose numbers are not finite is named, and the others go
 * on.
 *
 *  jobs  [in]  [count] a job for each point.
 *  Errors: those of `hesse run`; HESSE_E_JOB when a job asks for what belongs to one
 *  point, such as matrices; HESSE_E_NUMERIC when some runs had numbers that are not
 *  finite: the file is complete unless all had. */
hesse_status hesse_run_points(hesse_team *team, const hesse_options *options,
                              hesse_job *const *jobs, int count);

#endif /* HESSE_PROGRAM_SWEEP_RUN_H */
