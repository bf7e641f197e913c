/** What a job file may hold, told once: libcyaml reads values by this table, and the
 *  checks and their messages go by it, too. */
#ifndef HESSE_JOB_JOB_SCHEMA_H
#define HESSE_JOB_JOB_SCHEMA_H

#include "job/job.h"

#include <cyaml/cyaml.h>

/** The whole file: a mapping, loaded as a hesse_job. */
extern const cyaml_schema_value_t hesse_job_schema;

/** What numbers a key takes. */
typedef struct hesse_limit {
    const char *path; /* of the key, dotted */
    double low, high; /* both included      */
    const char *text; /* "from 1 to 1024"   */
} hesse_limit;

/** Local. The limit of a key; every key of a number has one. */
const hesse_limit *hesse_job_limit(const char *path);

/** The values of absent keys, in YAML. A limit does not bind keys that stay absent. */
extern const char hesse_job_defaults[];

/** Of data that are text; of a model without config, and of its family besides. */
extern const char hesse_job_defaults_paper[]; /* of the published procedure */
extern const char hesse_job_defaults_text[];
extern const char hesse_job_defaults_model[];
const char *hesse_job_defaults_always(const char *family); /* with a config, too */
const char *hesse_job_defaults_family(const char *family); /* "" of an unknown one */

#endif /* HESSE_JOB_JOB_SCHEMA_H */
