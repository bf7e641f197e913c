/** The folder RESULT.parts: finished work of a run that is not done, in part files. */
#ifndef HESSE_CHECKPOINT_PARTS_H
#define HESSE_CHECKPOINT_PARTS_H

#include "checkpoint/record.h"
#include "hesse/team.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct hesse_parts hesse_parts;

/** Collective. The work in a folder, which is there. Files that are damaged, or of
 * another job, are removed with a note on standard error, and so is what a killed run
 * left half written.
 *
 *  identity  [in]  HESSE_DIGEST_LENGTH - 1 digits of the job.
 *  stretch   [in]  seconds of panels that go to a file.
 *  Errors: HESSE_E_OUTPUT when the folder cannot be read, HESSE_E_NOMEM. */
hesse_status hesse_parts_open(hesse_team *team, const char *folder,
                              const char *identity, double stretch,
                              hesse_parts **parts);

/** Local. What was not made safe is lost. NULL is legal. */
void hesse_parts_free(hesse_parts *parts);

/** Local. The number of earlier runs, at most, whose part files are there. */
int hesse_parts_runs(const hesse_parts *parts);

/** Local. See the functions of the same names in checkpoint/checkpoint.h. */
bool hesse_parts_has(const hesse_parts *parts, const hesse_record *what, size_t count);
hesse_status hesse_parts_load(const hesse_parts *parts, const hesse_record *what,
                              double *numbers, hesse_why *why);
hesse_status hesse_parts_save(hesse_parts *parts, const hesse_record *what,
                              size_t count, const double *numbers, hesse_why *why);
hesse_status hesse_parts_make_safe(hesse_parts *parts, hesse_why *why);
void hesse_parts_drop_panels(hesse_parts *parts, int block, int blocks);

/** Local. Make safe what has waited long enough. Errors: HESSE_E_OUTPUT. */
hesse_status hesse_parts_tend(hesse_parts *parts, hesse_why *why);

/** Local. Whether this run, or one before it, has left anything there. */
bool hesse_parts_worth(const hesse_parts *parts);

enum { HESSE_PARTS_NAME = 64 };

/** Local. Whether a folder holds work of a run; and whether it holds nothing but a
 * lock. */
bool hesse_parts_any(const char *folder);
bool hesse_parts_are_gone(const char *folder);

/** Local. Remove all that a run puts into a folder, but for its lock. A file that
 * somebody else put there stays. */
void hesse_parts_empty(const char *folder);

#endif /* HESSE_CHECKPOINT_PARTS_H */
