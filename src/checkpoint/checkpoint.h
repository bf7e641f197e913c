/** Checkpoints of unfinished work. Finished records go to a folder while a run goes on,
 * a signal ends the run with all of them saved, and a later run loads them.
 *
 *  A checkpoint of NULL is legal in every function: then nothing is saved or loaded,
 * and the run continues. */
#ifndef HESSE_CHECKPOINT_CHECKPOINT_H
#define HESSE_CHECKPOINT_CHECKPOINT_H

#include "checkpoint/record.h"
#include "hesse/team.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

/** Messages between a program's signal handler and a checkpoint. The handler sets
 * `caught`; if `at_once` is not 0, it writes `line`, unless that is NULL, and ends the
 * program with status HESSE_E_STOPPED. */
typedef struct hesse_signals {
    volatile sig_atomic_t caught, at_once;
    const char *volatile line;
} hesse_signals;

typedef struct hesse_checkpoint hesse_checkpoint;

/** Collective. Make the folder of a checkpoint, or enter an existing one, and lock it
 * against other runs, if the file system has locks. If another run has the lock, this
 * waits for a short time. So a run with the lock must look again at everything that
 * another run may have changed. Nothing in the folder is touched before
 * hesse_checkpoint_open.
 *
 *  resume      [in]   tells users in messages how to continue unfinished work.
 *  signals     [in]   NULL: none; else `at_once` ends here. It must outlive the
 * checkpoint. checkpoint  [out]  NULL after an error. Errors: HESSE_E_OUTPUT when the
 * folder cannot be made, is a file or a link, belongs to another user, or another run
 * works there for more than ten seconds; HESSE_E_NOMEM. */
hesse_status hesse_checkpoint_lock(hesse_team *team, const char *folder,
                                   const char *resume, hesse_signals *signals,
                                   hesse_checkpoint **checkpoint);

/** Local, on rank 0. True if a folder has work of a run. */
bool hesse_checkpoint_is_there(const char *folder);

/** Collective. Open the work of earlier runs. The functions below are legal from here
 * on.
 *
 *  manifest  [in]  everything that the work depends on, as JSON
 *           (checkpoint/manifest.h).
 *  identity  [in]  its SHA-256. Both are read on rank 0 only.
 *  stretch   [in]  seconds: the most work on panels that may be lost.
 *  anew      [in]  remove the work of earlier runs. Read on rank 0 only.
 *  Errors: those of hesse_manifest_match; HESSE_E_OUTPUT, HESSE_E_NOMEM. */
hesse_status hesse_checkpoint_open(hesse_checkpoint *checkpoint, const char *manifest,
                                   const char *identity, double stretch, bool anew);

/** Collective. End a run that has this status. After a success, or if there is no work,
 * the folder is removed (if it was opened, or `complete`); otherwise the reason says
 * that the work is there. Frees the checkpoint and returns the status.
 *
 *  complete  [in]  read on rank 0 only: the work in the folder is not needed any
 *           more. */
hesse_status hesse_checkpoint_close(hesse_checkpoint *checkpoint, hesse_status status,
                                    bool complete);

/** Local. Seconds of work on panels that may be lost; infinite for NULL. And an upper
 * bound on the number of earlier runs whose work is there. */
double hesse_checkpoint_stretch(const hesse_checkpoint *checkpoint);
int hesse_checkpoint_runs(const hesse_checkpoint *checkpoint);

/** Local. From now on records belong to this step of a series, counted from 0, which
 * is the step at the beginning. */
void hesse_checkpoint_set_step(hesse_checkpoint *checkpoint, int step);

/** Local. True if earlier runs have left a record of `count` numbers; the same on all
 * ranks that ask. */
bool hesse_checkpoint_has(const hesse_checkpoint *checkpoint, const hesse_record *what,
                          size_t count);

/** Local. Read the numbers of such a record. Errors: HESSE_E_OUTPUT, HESSE_E_NOMEM. */
hesse_status hesse_checkpoint_load(const hesse_checkpoint *checkpoint,
                                   const hesse_record *what, double *numbers,
                                   hesse_why *why);

/** Local. Save a record. A panel, or a point of a landscape, is on the disk after
 * `stretch` seconds, any other record after one second.
 *  Errors: HESSE_E_OUTPUT, HESSE_E_NOMEM. */
hesse_status hesse_checkpoint_save(hesse_checkpoint *checkpoint,
                                   const hesse_record *what, size_t count,
                                   const double *numbers, hesse_why *why);

/** Local. Bring all saved records to the disk. Errors: HESSE_E_OUTPUT,
 * HESSE_E_NOMEM. */
hesse_status hesse_checkpoint_make_safe(hesse_checkpoint *checkpoint, hesse_why *why);

/** Local. Called around long work that cannot look for signals. All records are brought
 * to the disk before it, and a signal during it ends the program at once. Errors:
 * HESSE_E_OUTPUT, HESSE_E_NOMEM. */
hesse_status hesse_checkpoint_begin_uninterruptible(hesse_checkpoint *checkpoint,
                                                    hesse_why *why);
void hesse_checkpoint_end_uninterruptible(hesse_checkpoint *checkpoint);

/** Local. Drop the panels of the part that has `blocks` blocks and begins with `block`:
 * they are not needed any more. */
void hesse_checkpoint_drop_panels(hesse_checkpoint *checkpoint, int block, int blocks);

/** Local. Called between panels: succeeds if the run may continue. Waits for no other
 * rank. Errors: HESSE_E_STOPPED after a signal to any rank, when all records are on the
 * disk; HESSE_E_OUTPUT, HESSE_E_NOMEM. */
hesse_status hesse_checkpoint_continue(hesse_checkpoint *checkpoint, hesse_why *why);

/** For work that is not made of records, such as a training run: its owner keeps a file
 * of his own in the folder, under this name, and replaces it as a whole. */
#define HESSE_CHECKPOINT_STATE "state.safetensors"

/** Local. True after a signal to any rank. Waits for no other rank. */
bool hesse_checkpoint_stop_asked(hesse_checkpoint *checkpoint);

/** Local, on rank 0. The folder has such a file that a later run needs, so that the end
 * of this run leaves it; or it is not needed any more. */
void hesse_checkpoint_keep(hesse_checkpoint *checkpoint, bool keep);

#endif /* HESSE_CHECKPOINT_CHECKPOINT_H */
