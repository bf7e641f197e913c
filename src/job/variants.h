/** The variants of a job: its full size, and the points of a sweep. Both are sections
 * of the job file that hold overrides of other sections. */
#ifndef HESSE_JOB_VARIANTS_H
#define HESSE_JOB_VARIANTS_H

#include "job/job.h"
#include "job/job_tree.h"

/** Local. Take the sections `full` and `sweep` out of the tree of a job, and merge into
 * it what the choice asks for: first `full`, then one point of the sweep.
 *
 *  root  [in]  a mapping.
 *  path  [in]  of the job file, for messages.
 *  sweep [out] the sweep and the point that was taken.
 *  Errors: HESSE_E_JOB, HESSE_E_NOMEM. */
hesse_status hesse_variants_apply(hesse_yaml *root, const char *path,
                                  const hesse_job_choice *choice,
                                  hesse_job_sweep *sweep, hesse_why *why);

#endif /* HESSE_JOB_VARIANTS_H */
