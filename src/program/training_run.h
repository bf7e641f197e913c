/** One training run of a job, by a group of ranks. */
#ifndef HESSE_PROGRAM_TRAINING_RUN_H
#define HESSE_PROGRAM_TRAINING_RUN_H

#include "checkpoint/checkpoint.h"
#include "hesse/train.h"
#include "job/job.h"
#include "program/manifest.h"
#include "program/options.h"
#include "program/progress.h"
#include "program/training_folder.h"

/** A job that is trained (one point of a sweep) with its examples, as a group of ranks
 * has opened it. Its runs differ in the learning rate and the seed. */
typedef struct hesse_training_point {
    const hesse_options *options;
    const hesse_job *job;
    hesse_data_options data;
    hesse_data_needs needs;
    hesse_dataset *dataset, *held_out;
    const char *folder; /* of all runs of all points */
    int runs;           /* of all points             */
    bool tells;         /* this rank shows progress  */
} hesse_training_point;

/** One run. */
typedef struct hesse_training_run {
    const hesse_training_point *point;
    hesse_team *team; /* of the group */
    int number;       /* among the runs of all points, from 0 */
    double rate;
    const int *seed; /* NULL: those of the job */
    char folder[HESSE_FOLDER];
    hesse_network *network;
    hesse_dataset *drawn; /* examples of its own, whose targets are near the outputs of
                             its network; NULL: those of the point */
    hesse_training *training;
    hesse_identity identity;
    hesse_checkpoint *checkpoint;
    hesse_progress progress;
    double started, saved;
    int64_t first; /* the step at which this start began */
    bool complete; /* an earlier run has done everything */
} hesse_training_run;

/** Collective. Prepare and do one run, whose point, team, rate, seed and folder are
 * set.
 *  Errors: HESSE_E_NUMERIC when it diverged, and its log is written; HESSE_E_STOPPED
 *  after a signal; others as in docs/training.md. */
hesse_status hesse_training_run_do(hesse_training_run *run);

/** Collective. Free what a run holds. */
void hesse_training_run_end(hesse_training_run *run);

#endif /* HESSE_PROGRAM_TRAINING_RUN_H */
