/* A run looks twice for existing results and work: early, because reading the inputs
   may take long, and again when it has the lock, because another run may have ended
   meanwhile. */
#include "program/resume.h"

#include "base/memory.h"
#include "files/file.h"
#include "output/store.h"
#include "parallel/team.h"
#include "program/signals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static hesse_status exhausted(hesse_why *why)
{
    return hesse_fail(why, HESSE_E_NOMEM, "out of memory for the parts of a run");
}

/* Add a text to the reason for a failure. */
static hesse_status add(hesse_why *why, hesse_status s, const char *more)
{
    const size_t length = strlen(why->text);
    snprintf(why->text + length, sizeof why->text - length, "%s", more);
    return s;
}

/* Local to rank 0. */
static hesse_status look(const hesse_resume *r, const hesse_options *options,
                         hesse_why *why)
{
    const hesse_status s = hesse_store_check(r->path, why);
    if (s || options->resume || options->force) return s;
    if (hesse_checkpoint_is_there(r->folder))
        return hesse_fail(why, HESSE_E_OUTPUT,
                          "%s: holds the work of a run that did not finish; --resume "
                          "goes on with it, --force begins anew",
                          r->folder);
    if (hesse_file_exists(r->path))
        return hesse_fail(why, HESSE_E_OUTPUT,
                          "%s: is there already; --force replaces it, --resume leaves "
                          "it when it is complete",
                          r->path);
    return HESSE_OK;
}

hesse_status hesse_resume_check(hesse_team *team, const hesse_options *options,
                                const char *path, hesse_resume *r)
{
    const size_t room = strlen(path) + sizeof ".parts";
    *r = (hesse_resume){.path = path, .folder = hesse_calloc(room, 1)};
    hesse_status s = r->folder ? HESSE_OK : exhausted(hesse_team_why(team));
    if (!s) snprintf(r->folder, room, "%s.parts", path);
    if (!s && hesse_team_rank(team) == 0) s = look(r, options, hesse_team_why(team));
    return hesse_agree(team, s);
}

/* Local to rank 0, after an attempt to lock the folder, which a complete result does
   not need. If there is unfinished work, a result of another job is no error: the run
   that left the work was going to replace that result. */
static hesse_status look_again(hesse_resume *r, const hesse_options *options,
                               hesse_status locked, hesse_why *why)
{
    hesse_why differs;
    hesse_status s = HESSE_OK;
    if (options->resume && hesse_file_exists(r->path)) {
        s = hesse_identity_match(&r->identity, r->path, &differs);
        r->complete = !s;
        if (r->complete || locked) return r->complete ? HESSE_OK : locked;
        if (s && !hesse_checkpoint_is_there(r->folder)) {
            *why = differs;
            return add(why, s, "; --force replaces it");
        }
    }
    return locked ? locked : look(r, options, why);
}

hesse_status hesse_resume_begin(hesse_team *team, const hesse_options *options,
                                const hesse_job *job, const hesse_problem *problem,
                                hesse_purpose_of_identity of, hesse_resume *r)
{
    hesse_status s = HESSE_OK;
    if (hesse_team_rank(team) == 0)
        s = hesse_identity_of(job, problem, of, &r->identity, hesse_team_why(team));
    if ((s = hesse_agree(team, s))) return s;
    s = hesse_checkpoint_lock(team, r->folder, "--resume", hesse_signals_of_program(),
                              &r->checkpoint);
    s = hesse_team_rank(team) == 0 ? look_again(r, options, s, hesse_team_why(team))
                                   : HESSE_OK;
    if ((s = hesse_agree(team, s))) return s;
    hesse_team_broadcast(team, 0, &r->complete, sizeof r->complete);
    if (r->complete) return HESSE_OK;
    s = hesse_checkpoint_open(r->checkpoint, r->identity.numbers, r->identity.job,
                              job->output.stretch, options->force);
    if (s == HESSE_E_JOB || s == HESSE_E_INPUT)
        add(hesse_team_why(team), s,
            "; --resume expects the same, --force begins anew");
    return s;
}

hesse_status hesse_resume_end(hesse_resume *r, hesse_status status)
{
    hesse_checkpoint_close(r->checkpoint, status, r->complete);
    hesse_identity_free(&r->identity);
    free(r->folder);
    return status;
}
