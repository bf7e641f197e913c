/** The way in which an interrupted run is continued: finished work goes to RESULT.parts
 * during the run, a signal ends the run after everything is saved, and --resume
 * continues it. */
#ifndef HESSE_PROGRAM_RESUME_H
#define HESSE_PROGRAM_RESUME_H

#include "checkpoint/checkpoint.h"
#include "hesse/objective.h"
#include "job/job.h"
#include "program/manifest.h"
#include "program/options.h"

typedef struct hesse_resume {
    const char *path;        /* of the result               */
    char *folder;            /* RESULT.parts                */
    hesse_identity identity; /* on rank 0                   */
    bool complete;           /* the result is there already */
    hesse_checkpoint *checkpoint;
} hesse_resume;

/** Collective. Check if a result can be written, or if an earlier result or work is
 * there.
 *
 *  path  [in]  of the result; it must outlive the resume.
 *  Errors: HESSE_E_OUTPUT when the result or its parts are there without --resume and
 *  --force; HESSE_E_NOMEM. */
hesse_status hesse_resume_check(hesse_team *team, const hesse_options *options,
                                const char *path, hesse_resume *resume);

/** Collective. Lock the folder of parts, look again, and open the checkpoint; or find
 * that the result is complete. `of` is the command. Errors: those of the check;
 * HESSE_E_OUTPUT with --resume when the result is of another job, or lacks data that
 * this job asks for; HESSE_E_JOB or HESSE_E_INPUT when the work is of another job or of
 * other inputs. All of them name the difference. */
hesse_status hesse_resume_begin(hesse_team *team, const hesse_options *options,
                                const hesse_job *job, const hesse_problem *problem,
                                hesse_purpose_of_identity of, hesse_resume *resume);

/** Collective. End a run that has this status. Returns the status. */
hesse_status hesse_resume_end(hesse_resume *resume, hesse_status status);

#endif /* HESSE_PROGRAM_RESUME_H */
