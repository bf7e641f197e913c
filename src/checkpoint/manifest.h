/** A manifest: what the work in a folder depends on. It is a JSON object; "job" has the
 * keys of the job that change numbers with their values as texts, "inputs" the digests
 * of the input files, and other names say which program wrote it. */
#ifndef HESSE_CHECKPOINT_MANIFEST_H
#define HESSE_CHECKPOINT_MANIFEST_H

#include "hesse/status.h"

/** Local. Whether a stored manifest says the same as `text`.
 *  Errors: HESSE_E_JOB naming what changed, with both values; HESSE_E_INPUT where that
 * is an input, or the file is damaged or missing; HESSE_E_NOMEM. */
hesse_status hesse_manifest_match(const char *path, const char *text, hesse_why *why);

/** Local. The same for two texts; messages begin with `path`, where the first was
 * found. */
hesse_status hesse_manifest_compare(const char *path, const char *stored,
                                    const char *text, hesse_why *why);

/** Local. Store a manifest, whole or not at all. Errors: HESSE_E_OUTPUT, HESSE_E_NOMEM.
 */
hesse_status hesse_manifest_store(const char *path, const char *text, hesse_why *why);

#endif /* HESSE_CHECKPOINT_MANIFEST_H */
