/** Whether a tree is a job: its shape, by the schema, and what keys say together. */
#ifndef HESSE_JOB_JOB_CHECK_H
#define HESSE_JOB_JOB_CHECK_H

#include "job/job.h"
#include "job/job_tree.h"

/** Local. Every key is known and in its place, every value of its type and range.
 *  libcyaml would also say no to most of what is wrong, but without the line and the
 *  nearest word, and it takes "3x" for 3 and "maybe" for true.
 *
 *  root  [in]  a mapping.
 *  Errors: HESSE_E_JOB. */
hesse_status hesse_job_check_shape(const hesse_yaml *root, hesse_why *why);

/** Local. What is required is there, and no two keys contradict each other. It does not
 *  look at any file, nor at keys that a config makes superfluous.
 *
 *  path  [in]  of the job file, for what has no line.
 *  job   [in]  as loaded, with sizes derived from others filled in.
 *  Errors: HESSE_E_JOB. */
hesse_status hesse_job_check_sense(const hesse_yaml *root, const char *path,
                                   const hesse_job *job, hesse_why *why);

#endif /* HESSE_JOB_JOB_CHECK_H */
