/** How a run survives: finished work goes to RESULT.parts while it runs, signals end it with
 *  all saved, and --resume takes it up. */
#ifndef HESSE_PROGRAM_RESUME_H
#define HESSE_PROGRAM_RESUME_H

#include "base/digest.h"
#include "checkpoint/parts.h"
#include "checkpoint/stop.h"
#include "job/job.h"
#include "objective/model.h"
#include "program/options.h"

typedef struct hesse_resume {
    hesse_team *team;
    char *folder; /* RESULT.parts                                           */
    int lock;     /* on rank 0: a file of it that this run alone has; or -1 */
    bool made;    /* by this run                                            */
    char identity[HESSE_DIGEST_LENGTH];
    bool complete; /* the result is there, of this very job                 */
    char *line;    /* what a run says that is stopped                       */
    hesse_stop *stop;
    hesse_parts *parts;
    hesse_keeper keeper;
} hesse_resume;

/** Collective. Find out whether something is in the way of a result, and note signals from
 *  now on.
 *  Errors: HESSE_E_OUTPUT when the result or its parts are there, and neither --resume nor
 *  --force is given; HESSE_E_NOMEM. */
hesse_status hesse_resume_check(hesse_team *team, const hesse_options *options,
                                const char *path, hesse_resume *resume);

/** Collective. Open the folder of parts, a new one or that of an earlier run; then the keeper
 *  is ready. Or find the result complete.
 *  Errors: HESSE_E_JOB or HESSE_E_INPUT when an earlier run had another job or other
 *  inputs, naming what changed; HESSE_E_OUTPUT, HESSE_E_NOMEM. */
hesse_status hesse_resume_begin(hesse_resume *resume, const hesse_options *options,
                                const hesse_job *job, const hesse_model *model,
                                const char *path);

/** Collective. The end, after a run with such a status: where it succeeded, or left nothing
 *  worth keeping, the folder goes; else the reason says that it is there. Returns status. */
hesse_status hesse_resume_end(hesse_resume *resume, hesse_status status);

#endif /* HESSE_PROGRAM_RESUME_H */
