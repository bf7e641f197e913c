/** The checkpoints of a series: which files they are, and their steps. */
#ifndef HESSE_PROGRAM_SERIES_H
#define HESSE_PROGRAM_SERIES_H

#include "base/digest.h"
#include "hesse/team.h"
#include "job/job.h"

/** Collective. Find the checkpoints of a job and their steps, and put them into the job
 * on every rank; only rank 0 looks for files. The first one becomes the job's
 * checkpoint. A job without a series stays as it is.
 *
 *  file  [in]  the job file, for messages.
 *  Errors: HESSE_E_INPUT for a pattern that no file matches; HESSE_E_JOB when the steps
 *  are not known or do not ascend; HESSE_E_NOMEM. */
hesse_status hesse_series_find(hesse_team *team, const char *file, hesse_job *job);

/** Local, on rank 0. The digest of a series: SHA-256 of a line "STEP DIGEST" for every
 * step. A checkpoint that cannot be read has the digest "unreadable", which is no
 * error: its step fails later.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_series_digest(const hesse_job *job, char digest[HESSE_DIGEST_LENGTH],
                                 hesse_why *why);

/** Local. The file of second moments of step i: in a series, a `*` in the name that the
 * job gives stands for the digits of the step in the checkpoint's name. The caller
 * frees it; NULL: memory is exhausted. */
char *hesse_series_moments(const hesse_job *job, int i);

/** Local, on rank 0. The digest of the files of second moments of a series, as
 * hesse_series_digest makes it. */
hesse_status hesse_series_moments_digest(const hesse_job *job,
                                         char digest[HESSE_DIGEST_LENGTH],
                                         hesse_why *why);

#endif /* HESSE_PROGRAM_SERIES_H */
