/** A manifest: everything that the work in a folder depends on. It is a JSON object;
 * "job" has the keys of the job that change numbers with their values as texts,
 * "inputs" the digests of the input files, and other names identify the program that
 * wrote it. */
#ifndef HESSE_CHECKPOINT_MANIFEST_H
#define HESSE_CHECKPOINT_MANIFEST_H

#include "hesse/status.h"

/** Local. Succeed if a stored manifest is equal to `text`.
 *  Errors: HESSE_E_JOB, which names the key that changed, with both values;
 * HESSE_E_INPUT if an input changed, or the file is damaged or missing;
 * HESSE_E_NOMEM. */
hesse_status hesse_manifest_match(const char *path, const char *text, hesse_why *why);

/** Local. The same for two texts; messages begin with `path`, the place of the first
 * text. */
hesse_status hesse_manifest_compare(const char *path, const char *stored,
                                    const char *text, hesse_why *why);

/** Local. Store a manifest, either completely or not at all. Errors: HESSE_E_OUTPUT,
 * HESSE_E_NOMEM. */
hesse_status hesse_manifest_store(const char *path, const char *text, hesse_why *why);

#endif /* HESSE_CHECKPOINT_MANIFEST_H */
