/** The folder RESULT.parts has the finished work of an unfinished run, in part
 * files. */
#ifndef HESSE_CHECKPOINT_PARTS_H
#define HESSE_CHECKPOINT_PARTS_H

#include "checkpoint/record.h"
#include "hesse/team.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct hesse_parts hesse_parts;

/** Collective. Open the work in a folder, which must exist. Files that are damaged, or
 * belong to another job, are removed with a note on standard error. Files that a killed
 * run did not finish are removed, too.
 *
 *  identity  [in]  HESSE_DIGEST_LENGTH - 1 digits of the job.
 *  stretch   [in]  seconds of work on panels that go to one file.
 *  Errors: HESSE_E_OUTPUT when the folder cannot be read, HESSE_E_NOMEM. */
hesse_status hesse_parts_open(hesse_team *team, const char *folder,
                              const char *identity, double stretch,
                              hesse_parts **parts);

/** Local. Records that are not on the disk yet are lost. NULL is legal. */
void hesse_parts_free(hesse_parts *parts);

/** Local. An upper bound on the number of earlier runs whose part files are there. */
int hesse_parts_runs(const hesse_parts *parts);

/** Local. See the functions of the same names in checkpoint/checkpoint.h. */
bool hesse_parts_has(const hesse_parts *parts, const hesse_record *what, size_t count);
hesse_status hesse_parts_load(const hesse_parts *parts, const hesse_record *what,
                              double *numbers, hesse_why *why);
hesse_status hesse_parts_save(hesse_parts *parts, const hesse_record *what,
                              size_t count, const double *numbers, hesse_why *why);
hesse_status hesse_parts_make_safe(hesse_parts *parts, hesse_why *why);
void hesse_parts_drop_panels(hesse_parts *parts, int block, int blocks, int step);

/** Local. Bring records to the disk that have waited long enough. Errors:
 * HESSE_E_OUTPUT. */
hesse_status hesse_parts_tend(hesse_parts *parts, hesse_why *why);

/** Local. True if this run, or an earlier one, has left any work there. */
bool hesse_parts_worth(const hesse_parts *parts);

enum { HESSE_PARTS_NAME = 64 };

/** Local. True if a folder has work of a run; true if it has nothing but a lock. */
bool hesse_parts_any(const char *folder);
bool hesse_parts_are_gone(const char *folder);

/** Local. Remove all files that a run puts into a folder, except its lock. Other files
 * stay. */
void hesse_parts_empty(const char *folder);

#endif /* HESSE_CHECKPOINT_PARTS_H */
