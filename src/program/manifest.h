/** The identity of the job that a result or unfinished work belongs to. It has two
 * digests: one of everything that changes numbers (keys of the job, digests of the
 * inputs, the program), and one of the keys that only choose the contents of the result
 * file. */
#ifndef HESSE_PROGRAM_MANIFEST_H
#define HESSE_PROGRAM_MANIFEST_H

#include "base/digest.h"
#include "hesse/objective.h"
#include "job/job.h"

/** The command that an identity is about. */
typedef enum hesse_purpose_of_identity {
    HESSE_IDENTITY_RUN,
    HESSE_IDENTITY_TRAIN,
    HESSE_IDENTITY_THEORY,
    HESSE_IDENTITY_LANDSCAPE
} hesse_purpose_of_identity;

typedef struct hesse_identity {
    hesse_purpose_of_identity of;
    char *numbers, *wish; /* manifests, see checkpoint/manifest.h */
    char job[HESSE_DIGEST_LENGTH], output[HESSE_DIGEST_LENGTH]; /* their SHA-256 */
    char directions[HESSE_DIGEST_LENGTH]; /* of the files of directions; "": none */
    char checkpoint[HESSE_DIGEST_LENGTH]; /* of the checkpoint or series; "": none */
} hesse_identity;

/** Local, on rank 0, where the model's digests are known. Compute the identity of a job
 * for a command. Only `run` chooses what it writes: `output` is "" for the others that
 * resume.
 *
 *  problem   [in]   its network and its dataset.
 *  identity  [out]  the caller frees it, for any status.
 *  Errors: HESSE_E_INPUT when the config cannot be read any more, HESSE_E_NOMEM. */
hesse_status hesse_identity_of(const hesse_job *job, const hesse_problem *problem,
                               hesse_purpose_of_identity of, hesse_identity *identity,
                               hesse_why *why);
void hesse_identity_free(hesse_identity *identity);

/** Local. Put the digest of the points of a sweep into the first of their jobs: of the
 * keys that change numbers, and of those of models and data, which may name files.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_identity_points(hesse_job *const *jobs, int count, hesse_why *why);

/** Local. Check that a result file is of this job, and has everything that the job asks
 * for. Errors: HESSE_E_OUTPUT, which names the difference with both values;
 * HESSE_E_NOMEM. */
hesse_status hesse_identity_match(const hesse_identity *identity, const char *path,
                                  hesse_why *why);

#endif /* HESSE_PROGRAM_MANIFEST_H */
