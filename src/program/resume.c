/* Rank 0 alone decides about the folder; the others learn it by agreement. A lock keeps two
   runs from one folder, where the file system knows locks. */
#include "program/resume.h"

#include "base/memory.h"
#include "files/file.h"
#include "output/reader.h"
#include "output/store.h"
#include "parallel/team.h"
#include "program/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Joined texts; NULL: out of memory. */
static char *join(const char *a, const char *b)
{
    char *joined = hesse_calloc(strlen(a) + strlen(b) + 1, 1);
    return joined ? strcat(strcpy(joined, a), b) : NULL;
}

static hesse_status exhausted(hesse_why *why)
{
    return hesse_fail(why, HESSE_E_NOMEM, "out of memory for the parts of a run");
}

/* Local to rank 0. */
static hesse_status look(const hesse_resume *r, const hesse_options *options,
                         const char *path, hesse_why *why)
{
    const hesse_status s = hesse_store_check(path, why);
    if (s || options->resume || options->force) return s;
    if (hesse_parts_any(r->folder))
        return hesse_fail(why, HESSE_E_OUTPUT,
                          "%s: holds the work of a run that did not finish; --resume "
                          "goes on with it, --force begins anew",
                          r->folder);
    if (hesse_file_exists(path))
        return hesse_fail(why, HESSE_E_OUTPUT,
                          "%s: is there already; --force replaces it, --resume leaves "
                          "it when it is complete",
                          path);
    return HESSE_OK;
}

hesse_status hesse_resume_check(hesse_team *team, const hesse_options *options,
                                const char *path, hesse_resume *resume)
{
    *resume = (hesse_resume){.team = team, .lock = -1};
    resume->folder = join(path, ".parts");
    hesse_status s = resume->folder ? HESSE_OK : exhausted(&team->why);
    if (!s && team->rank == 0) s = look(resume, options, path, &team->why);
    s = hesse_agree(team, s);
    return s ? s : hesse_stop_new(team, &resume->stop);
}

/* A folder of ours, not a link, and of nobody who could change what is in it. */
static hesse_status check_folder(const char *folder, hesse_why *why)
{
    struct stat info;
    if (lstat(folder, &info))
        return hesse_fail(why, HESSE_E_OUTPUT, "%s: %s", folder, strerror(errno));
    if (!S_ISDIR(info.st_mode))
        return hesse_fail(why, HESSE_E_OUTPUT, "%s: is no folder", folder);
    if (info.st_uid != geteuid())
        return hesse_fail(why, HESSE_E_OUTPUT, "%s: belongs to another user", folder);
    return HESSE_OK;
}

/* The ranks of a run whose mpirun was killed notice that within a second or two. */
enum { PATIENCE = 100, PAUSE = 100000000 }; /* so often, so many ns */

static hesse_status take_lock(hesse_resume *r, const char *path, hesse_why *why)
{
    r->lock = open(path, O_CREAT | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (r->lock < 0)
        return hesse_fail(why, HESSE_E_OUTPUT, "%s: cannot be written: %s", path,
                          strerror(errno));
    for (int i = 0; i < PATIENCE; i++) {
        if (!flock(r->lock, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK) return HESSE_OK;
        nanosleep(&(struct timespec){.tv_nsec = PAUSE}, NULL);
    }
    close(r->lock);
    r->lock = -1;
    return hesse_fail(why, HESSE_E_OUTPUT, "%s: another run is at work there",
                      r->folder);
}

/* Whether the lock is still that of the folder: who had it may have removed both. */
static bool is_ours(const hesse_resume *r, const char *path)
{
    struct stat held, named;
    return !fstat(r->lock, &held) && !stat(path, &named) &&
           held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

static hesse_status enter_folder(hesse_resume *r, hesse_why *why)
{
    char *path = hesse_file_join(r->folder, "lock");
    if (!path) return exhausted(why);
    hesse_status s = HESSE_OK;
    for (int i = 0; i < PATIENCE; i++) {
        if (r->lock >= 0) close(r->lock);
        r->lock = -1;
        r->made = !mkdir(r->folder, 0777);
        if (!r->made && errno != EEXIST) {
            s = hesse_fail(why, HESSE_E_OUTPUT,
                           "%s: a folder for the work cannot be made there: %s",
                           r->folder, strerror(errno));
            break;
        }
        s = check_folder(r->folder, why);
        if (!s) s = take_lock(r, path, why);
        if (s ? hesse_file_exists(r->folder) : is_ours(r, path)) break;
    }
    free(path);
    return s;
}

/* Whether a result was made by this very job. */
static bool is_complete(const char *path, const char *identity)
{
    hesse_reader reader;
    hesse_why why;
    char found[HESSE_DIGEST_LENGTH] = "";
    if (hesse_reader_open(path, &reader, &why)) return false;
    hesse_reader_attribute(reader.file, "job_identity", found, sizeof found);
    H5Fclose(reader.file);
    return strcmp(found, identity) == 0;
}

/* Local to rank 0: the folder with its manifest; or the result is complete, and then a folder
   that is there holds the leftovers of a run that was killed as it ended. */
static hesse_status prepare(hesse_resume *r, const hesse_options *options,
                            const char *text, const char *path, hesse_why *why)
{
    char *manifest = hesse_file_join(r->folder, "manifest.json");
    if (!manifest) return exhausted(why);
    hesse_status s = enter_folder(r, why);
    const bool there = hesse_parts_any(r->folder);
    if (options->resume && !there && hesse_file_exists(path)) {
        r->complete = is_complete(path, r->identity);
        if (r->complete)
            s = HESSE_OK;
        else if (!s)
            s = hesse_fail(why, HESSE_E_OUTPUT,
                           "%s: is there, and not the result of this job with these "
                           "inputs and this program; --force replaces it",
                           path);
    } else if (!s) {
        if (options->force || !there) hesse_parts_empty(r->folder);
        if (hesse_file_exists(manifest))
            s = hesse_manifest_match(manifest, text, why);
        else
            s = hesse_manifest_store(manifest, text, why);
    }
    free(manifest);
    return s;
}

static bool has(void *context, const hesse_record *what, size_t count)
{
    const hesse_resume *r = context;
    return hesse_parts_has(r->parts, what, count);
}

static hesse_status recall(void *context, const hesse_record *what, size_t count,
                           double *numbers, hesse_why *why)
{
    const hesse_resume *r = context;
    return hesse_parts_recall(r->parts, what, count, numbers, why);
}

static hesse_status keep(void *context, const hesse_record *what, size_t count,
                         const double *numbers, hesse_why *why)
{
    const hesse_resume *r = context;
    return hesse_parts_keep(r->parts, what, count, numbers, why);
}

static hesse_status secure(void *context, hesse_why *why)
{
    const hesse_resume *r = context;
    return hesse_parts_secure(r->parts, why);
}

static void seal(void *context, bool sealed)
{
    const hesse_resume *r = context;
    hesse_stop_seal(r->stop, sealed ? r->line : NULL);
}

static void drop(void *context, int block, int blocks)
{
    const hesse_resume *r = context;
    hesse_parts_drop(r->parts, block, blocks);
}

static hesse_status go_on(void *context, hesse_why *why)
{
    const hesse_resume *r = context;
    hesse_status s = hesse_parts_tend(r->parts, why);
    if (s || !hesse_stop_asked(r->stop)) return s;
    s = hesse_parts_secure(r->parts, why);
    if (s) return s;
    return hesse_fail(why, HESSE_E_STOPPED,
                      "stopped by a signal; finished work is in %s, and --resume goes "
                      "on with it",
                      r->folder);
}

/* What a run says that a signal ends where it would save nothing more. */
static char *line_of(const hesse_resume *r)
{
    char *half =
        join("hesse: stopped by a signal in the decomposition of a large matrix, "
             "which begins anew; finished work is in ",
             r->folder);
    char *line = half ? join(half, ", and --resume goes on with it\n") : NULL;
    free(half);
    return line;
}

hesse_status hesse_resume_begin(hesse_resume *r, const hesse_options *options,
                                const hesse_job *job, const hesse_model *model,
                                const char *path)
{
    hesse_team *team = r->team;
    char *text = NULL;
    hesse_status s = HESSE_OK;
    r->line = line_of(r);
    if (!r->line) s = exhausted(&team->why);
    if (!s && team->rank == 0)
        s = hesse_manifest_of(job, model, &text, r->identity, &team->why);
    if (!s && team->rank == 0) s = prepare(r, options, text, path, &team->why);
    free(text);
    if ((s = hesse_agree(team, s))) return s;
    hesse_team_broadcast(team, 0, r->identity, sizeof r->identity);
    hesse_team_broadcast(team, 0, &r->complete, sizeof r->complete);
    if (r->complete) return HESSE_OK;
    s = hesse_parts_open(team, r->folder, r->identity, job->output.stretch, &r->parts);
    r->keeper = (hesse_keeper){.context = r,
                               .stretch = job->output.stretch,
                               .has = has,
                               .recall = recall,
                               .keep = keep,
                               .secure = secure,
                               .seal = seal,
                               .drop = drop,
                               .go_on = go_on};
    return s;
}

/* What becomes of the work of a run that did not succeed. */
static void tell_of_work(const hesse_resume *r, hesse_status status, bool worth)
{
    hesse_why *why = &r->team->why;
    const size_t length = strlen(why->text);
    if (status == HESSE_E_STOPPED && !worth)
        hesse_fail(why, status, "stopped by a signal, before any work was finished");
    if (status != HESSE_E_STOPPED && worth)
        snprintf(why->text + length, sizeof why->text - length,
                 "; finished work is in %s, and --resume goes on with it", r->folder);
}

hesse_status hesse_resume_end(hesse_resume *r, hesse_status status)
{
    int worth = 0;
    hesse_why ignored;
    /* Not what an error kept us from touching. */
    const bool ours = r->made || r->parts || r->complete;
    if (r->parts) {
        if (status) hesse_parts_secure(r->parts, &ignored);
        worth = status && hesse_parts_worth(r->parts);
        hesse_parts_free(r->parts);
    }
    hesse_stop_free(r->stop);
    MPI_Allreduce(MPI_IN_PLACE, &worth, 1, MPI_INT, MPI_MAX, r->team->comm);
    if (status) tell_of_work(r, status, worth);
    if (r->lock >= 0 && !worth && ours) hesse_parts_remove(r->folder);
    if (r->lock >= 0) close(r->lock);
    free(r->line);
    free(r->folder);
    return status;
}
