/** The manifest of a run's finished parts: what they depend on. JSON, with a format number,
 *  the program's version and commit, digests of config, checkpoint and data, and every key
 *  of the job that has a say in the numbers. */
#ifndef HESSE_PROGRAM_MANIFEST_H
#define HESSE_PROGRAM_MANIFEST_H

#include "base/digest.h"
#include "job/job.h"
#include "objective/model.h"

/** Local, where the model's digests are known (rank 0).
 *
 *  text      [out]  the caller frees it.
 *  identity  [out]  SHA-256 of it.
 *  Errors: HESSE_E_INPUT when the config cannot be read any more, HESSE_E_NOMEM. */
hesse_status hesse_manifest_of(const hesse_job *job, const hesse_model *model,
                               char **text, char identity[HESSE_DIGEST_LENGTH],
                               hesse_why *why);

/** Local. Whether a stored manifest says the same.
 *  Errors: HESSE_E_JOB naming what changed; HESSE_E_INPUT where that is an input, or the
 *  file is damaged or missing; HESSE_E_NOMEM. */
hesse_status hesse_manifest_match(const char *path, const char *text, hesse_why *why);

/** Local. Store a manifest, whole or not at all. Errors: HESSE_E_OUTPUT. */
hesse_status hesse_manifest_store(const char *path, const char *text, hesse_why *why);

#endif /* HESSE_PROGRAM_MANIFEST_H */
