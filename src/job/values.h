/** The values of keys: read from a tree, checked, completed by defaults, put into a
 * job. */
#ifndef HESSE_JOB_VALUES_H
#define HESSE_JOB_VALUES_H

#include "job/job.h"
#include "job/job_tree.h"

/** The value of every key: a node that the user wrote, or a default. */
typedef struct hesse_values {
    const hesse_yaml *node[HESSE_MOST_KEYS]; /* NULL: absent           */
    hesse_yaml *defaults;                    /* the defaults among them, which are
                                                owned */
    const hesse_told *told; /* values that the config implies; NULL: none */
} hesse_values;

/** Local. Compare the tree with the table: every key must be known and in its section,
 * and every value must have its type and be within its limits. The nodes are borrowed
 * from the tree.
 *
 *  root  [in]  a mapping.
 *  Errors: HESSE_E_JOB. */
hesse_status hesse_values_read(const hesse_yaml *root, hesse_values *values,
                               hesse_why *why);

/** Local. Fill in what the config implies, then the defaults of the procedure, of the
 * family and the kind of data, and of the table. Errors: HESSE_E_NOMEM. */
hesse_status hesse_values_complete(hesse_values *values, hesse_why *why);
void hesse_values_free(hesse_values *values);

/** Local. The node of a key that the user wrote; NULL when it is absent or a default.
 */
const hesse_yaml *hesse_values_given(const hesse_values *values, const char *path);

/** Local. True if a key names a source of data; and the name of the kind of data,
 * "quadratic" for that family, or "" if there are no data. */
bool hesse_key_is_source(const hesse_key *key);
const char *hesse_values_kind(const hesse_values *values);

/** Local. Allocate zeroed memory that belongs to a job, or return NULL when memory is
 * exhausted; and free all memory of a job. */
void *hesse_job_room(hesse_job *job, size_t bytes);
void hesse_job_release(hesse_job *job);

/** Local. Return a path as fopen(3) takes it: relative paths begin at the folder of the
 *  job file. It is the job's memory; NULL when that is exhausted. */
const char *hesse_job_beside(hesse_job *job, const char *file, const char *path);

/** Local. Put all values into the job, and their text into job->values.
 *
 *  path  [in]  of the job file, to whose folder paths are relative.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_values_store(const hesse_values *values, const char *path,
                                hesse_job *job, hesse_why *why);

/** Local. Check the rules on several keys: required keys are given, and no two keys
 * contradict each other. No file is opened.
 *
 *  path  [in]  of the job file, for messages that have no line.
 *  job   [in]  with all sizes, also those that are derived from others.
 *  Errors: HESSE_E_JOB. */
hesse_status hesse_job_check_rules(const hesse_values *values, const char *path,
                                   const hesse_job *job, hesse_why *why);

/** Local. False for a key of the section `train` that the optimiser or the schedule
 * does not have, or that is about measures in a job without them. It has no default
 * then. Rows of the table before that of the key are complete. */
bool hesse_job_training_has(const hesse_values *values, const char *path);

/** Local. Check the keys of the section `train`, and fill in everything that follows
 * from them. Errors: HESSE_E_JOB, which names the key; HESSE_E_NOMEM. */
hesse_status hesse_job_settle_training(const hesse_values *values, hesse_job *job,
                                       hesse_why *why);

#endif /* HESSE_JOB_VALUES_H */
