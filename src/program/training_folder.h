/** The folder of a training run: its stages, its log, and the work of a run that has
 * not finished. Files of earlier runs are never replaced, unless the user asks for it.
 */
#ifndef HESSE_PROGRAM_TRAINING_FOLDER_H
#define HESSE_PROGRAM_TRAINING_FOLDER_H

#include "hesse/objective.h"
#include "job/job.h"
#include "program/options.h"

enum { HESSE_FOLDER = 4096 };

/** Collective. Check the folder of a job before anything is computed. Nothing is made.
 *  Errors: HESSE_E_JOB when it holds a file that the job reads; HESSE_E_OUTPUT when it
 *  cannot be made or is no folder. */
hesse_status hesse_training_folder_check(hesse_team *team, const hesse_job *job,
                                         const char *folder);

/** Collective. Begin one run in a folder. It is made if it does not exist, and so is
 * that of the whole job, in which it may be. With --force files of earlier runs are
 * removed. A config.json that the job names is copied.
 *
 *  complete  [out]  with --resume: the folder has the log of a run that has ended.
 *  Errors: HESSE_E_OUTPUT when the folder has files of an earlier run, without --resume
 *  and --force. */
hesse_status hesse_training_folder_begin(hesse_team *team, const hesse_options *options,
                                         const hesse_job *job, const char *whole,
                                         const char *folder, bool *complete);

/** Collective. Check that the log in a folder is of this job.
 *  Errors: HESSE_E_OUTPUT. */
hesse_status hesse_training_folder_match(hesse_team *team, const hesse_job *job,
                                         hesse_network *network, hesse_dataset *dataset,
                                         const char *folder);

/** Local. The end of a run whose log is in a folder: steps, last loss, last loss and
 * accuracy on held-out examples (NaN: none).
 *  Errors: HESSE_E_INPUT. */
hesse_status hesse_training_folder_outcome(const char *folder, double *steps,
                                           double *loss, double *held_out,
                                           double *accuracy, hesse_why *why);

#endif /* HESSE_PROGRAM_TRAINING_FOLDER_H */
