/** Checkpoints of unfinished work. Finished records go to a folder while a run goes on,
 * a signal ends the run with all of them saved, and a later run loads them.
 *
 *  A checkpoint of NULL is legal in every function: nothing is kept, nothing is known,
 * and the run goes on.
 */
#ifndef HESSE_CHECKPOINT_CHECKPOINT_H
#define HESSE_CHECKPOINT_CHECKPOINT_H

#include "checkpoint/record.h"
#include "hesse/team.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

/** What a program's signal handler and a checkpoint tell each other. The handler sets
 *  `caught`; where `at_once` is not 0 it writes `line`, unless that is NULL, and ends
 * the program with status HESSE_E_STOPPED. */
typedef struct hesse_signals {
    volatile sig_atomic_t caught, at_once;
    const char *volatile line;
} hesse_signals;

typedef struct hesse_checkpoint hesse_checkpoint;

/** Collective. Make the folder of a checkpoint, or enter the one that is there, and
 * lock it against other runs, where the file system knows locks. A run that ends soon
 * is waited for; so whoever has the lock looks again at all that another run may have
 * changed. Nothing in the folder is touched before hesse_checkpoint_open.
 *
 *  resume      [in]   how a user goes on with unfinished work, for messages.
 *  signals     [in]   NULL: none; else `at_once` ends here. It must outlive the
 * checkpoint. checkpoint  [out]  NULL after an error. Errors: HESSE_E_OUTPUT when the
 * folder cannot be made, is a file or a link, belongs to another user, or another run
 * is at work there for more than ten seconds; HESSE_E_NOMEM. */
hesse_status hesse_checkpoint_lock(hesse_team *team, const char *folder,
                                   const char *resume, hesse_signals *signals,
                                   hesse_checkpoint **checkpoint);

/** Local, on rank 0. Whether a folder holds work of a run. */
bool hesse_checkpoint_is_there(const char *folder);

/** Collective. Open the work of earlier runs. The functions below are legal from here
 * on.
 *
 *  manifest  [in]  what the work depends on, as JSON (checkpoint/manifest.h).
 *  identity  [in]  its SHA-256. Both are read on rank 0 only.
 *  stretch   [in]  seconds: the most work on panels that may be lost.
 *  anew      [in]  remove the work of earlier runs. Read on rank 0 only.
 *  Errors: those of hesse_manifest_match; HESSE_E_OUTPUT, HESSE_E_NOMEM. */
hesse_status hesse_checkpoint_open(hesse_checkpoint *checkpoint, const char *manifest,
                                   const char *identity, double stretch, bool anew);

/** Collective. The end of a run with such a status. After a success, or where there is
 * no work, the folder vanishes (if it was opened, or `complete`); else the reason says
 * that the work is there. Frees the checkpoint and returns the status.
 *
 *  complete  [in]  read on rank 0 only: what the folder holds is of no more use. */
hesse_status hesse_checkpoint_close(hesse_checkpoint *checkpoint, hesse_status status,
                                    bool complete);

/** Local. Seconds of work on panels that may be lost; infinite for NULL. The number of
 * earlier runs, at most, whose work is there. */
double hesse_checkpoint_stretch(const hesse_checkpoint *checkpoint);
int hesse_checkpoint_runs(const hesse_checkpoint *checkpoint);

/** Local. Whether earlier runs have left a record of `count` numbers; the same on all
 * ranks that ask. */
bool hesse_checkpoint_has(const hesse_checkpoint *checkpoint, const hesse_record *what,
                          size_t count);

/** Local. Read the numbers of such a record. Errors: HESSE_E_OUTPUT, HESSE_E_NOMEM. */
hesse_status hesse_checkpoint_load(const hesse_checkpoint *checkpoint,
                                   const hesse_record *what, double *numbers,
                                   hesse_why *why);

/** Local. Save a record. It is safe after a stretch; all but panels after a second.
 *  Errors: HESSE_E_OUTPUT, HESSE_E_NOMEM. */
hesse_status hesse_checkpoint_save(hesse_checkpoint *checkpoint,
                                   const hesse_record *what, size_t count,
                                   const double *numbers, hesse_why *why);

/** Local. Make safe all that was saved. Errors: HESSE_E_OUTPUT, HESSE_E_NOMEM. */
hesse_status hesse_checkpoint_make_safe(hesse_checkpoint *checkpoint, hesse_why *why);

/** Local. Around work that takes long and cannot ask: all is made safe before, and a
 * signal ends the program at once. Errors: HESSE_E_OUTPUT, HESSE_E_NOMEM. */
hesse_status hesse_checkpoint_begin_uninterruptible(hesse_checkpoint *checkpoint,
                                                    hesse_why *why);
void hesse_checkpoint_end_uninterruptible(hesse_checkpoint *checkpoint);

/** Local. The panels of the part of `blocks` blocks from `block` on are of no more use.
 */
void hesse_checkpoint_drop_panels(hesse_checkpoint *checkpoint, int block, int blocks);

/** Local. Asked between panels: whether the run may go on. Waits for no other rank.
 *  Errors: HESSE_E_STOPPED after a signal to any rank, and all is safe then;
 *  HESSE_E_OUTPUT, HESSE_E_NOMEM. */
hesse_status hesse_checkpoint_continue(hesse_checkpoint *checkpoint, hesse_why *why);

#endif /* HESSE_CHECKPOINT_CHECKPOINT_H */
