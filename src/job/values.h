/** The values of keys: read from a tree, checked, completed by defaults, put into a
 * job. */
#ifndef HESSE_JOB_VALUES_H
#define HESSE_JOB_VALUES_H

#include "job/job.h"
#include "job/job_tree.h"

/** What every key is: a node that the user wrote, or a default. */
typedef struct hesse_values {
    const hesse_yaml *node[HESSE_MOST_KEYS]; /* NULL: absent           */
    hesse_yaml *defaults;                    /* the owned ones of them */
} hesse_values;

/** Local. Walk tree and table together: every key is known and in its place, every
 * value of its type and within its limits. The nodes are borrowed from the tree.
 *
 *  root  [in]  a mapping.
 *  Errors: HESSE_E_JOB. */
hesse_status hesse_values_read(const hesse_yaml *root, hesse_values *values,
                               hesse_why *why);

/** Local. Fill in defaults: those of the procedure, of the family and the kind of data,
 * of the table. Errors: HESSE_E_NOMEM. */
hesse_status hesse_values_complete(hesse_values *values, hesse_why *why);
void hesse_values_free(hesse_values *values);

/** Local. The node of a key that the user wrote; NULL when it is absent or a default.
 */
const hesse_yaml *hesse_values_given(const hesse_values *values, const char *path);

/** Local. Whether a key says where data come from; and the name of their kind,
 * "quadratic" for that family, or "" where there are none. */
bool hesse_key_is_source(const hesse_key *key);
const char *hesse_values_kind(const hesse_values *values);

/** Local. Memory that belongs to a job, zero, or NULL when it is exhausted; and its
 * end. */
void *hesse_job_room(hesse_job *job, size_t bytes);
void hesse_job_release(hesse_job *job);

/** Local. Put all values into the job, and their text into job->values.
 *
 *  path  [in]  of the job file, to whose folder paths are relative.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_values_store(const hesse_values *values, const char *path,
                                hesse_job *job, hesse_why *why);

/** Local. Rules that span keys: what is required is there, and no two keys contradict
 * each other. No file is looked at.
 *
 *  path  [in]  of the job file, for what has no line.
 *  job   [in]  with sizes derived from others filled in.
 *  Errors: HESSE_E_JOB. */
hesse_status hesse_job_check_rules(const hesse_values *values, const char *path,
                                   const hesse_job *job, hesse_why *why);

#endif /* HESSE_JOB_VALUES_H */
