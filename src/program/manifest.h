/** The identity of the job that a result or unfinished work belongs to. It has two
 * digests: one of everything that changes numbers (keys of the job, digests of the
 * inputs, the program), and one of the keys that only choose the contents of the result
 * file. */
#ifndef HESSE_PROGRAM_MANIFEST_H
#define HESSE_PROGRAM_MANIFEST_H

#include "base/digest.h"
#include "hesse/objective.h"
#include "job/job.h"

typedef struct hesse_identity {
    char *numbers, *wish; /* manifests, see checkpoint/manifest.h */
    char job[HESSE_DIGEST_LENGTH], output[HESSE_DIGEST_LENGTH]; /* their SHA-256 */
    char directions[HESSE_DIGEST_LENGTH]; /* of the files of directions; "": none */
    char checkpoint[HESSE_DIGEST_LENGTH]; /* of the checkpoint or series; "": none */
} hesse_identity;

/** Local, on rank 0, where the model's digests are known. Compute the identity of a
 * job.
 *
 *  identity  [out]  the caller frees it, for any status.
 *  Errors: HESSE_E_INPUT when the config cannot be read any more, HESSE_E_NOMEM. */
hesse_status hesse_identity_of(const hesse_job *job, const hesse_problem *problem,
                               hesse_identity *identity, hesse_why *why);

/** Local, on rank 0. The same for the training runs of a job, and for its theory. */
hesse_status hesse_identity_of_training(const hesse_job *job,
                                        const hesse_problem *problem,
                                        hesse_identity *identity, hesse_why *why);
hesse_status hesse_identity_of_theory(const hesse_job *job,
                                      const hesse_problem *problem,
                                      hesse_identity *identity, hesse_why *why);
void hesse_identity_free(hesse_identity *identity);

/** Local. Check that a result file is of this job, and has everything that the job asks
 * for. Errors: HESSE_E_OUTPUT, which names the difference with both values;
 * HESSE_E_NOMEM. */
hesse_status hesse_identity_match(const hesse_identity *identity, const char *path,
                                  hesse_why *why);

#endif /* HESSE_PROGRAM_MANIFEST_H */
