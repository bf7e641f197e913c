/* Rank 0 alone decides about the folder; the others learn it by agreement. The run that
   had the lock before may have removed it together with the folder, so a lock is valid
   only while that same file is still in the folder. */
#include "checkpoint/checkpoint.h"

#include "base/digest.h"
#include "base/memory.h"
#include "checkpoint/manifest.h"
#include "checkpoint/parts.h"
#include "checkpoint/stop.h"
#include "files/file.h"
#include "parallel/team.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct hesse_checkpoint {
    hesse_team *team;
    char *folder, *lock_path, *resume;
    char *line; /* rank 0 prints it when a signal ends the program at once */
    int lock;   /* on rank 0: the file that this run has locked; else -1     */
    bool made;  /* this run has made the folder                              */
    bool kept;  /* the folder has the file of an owner                       */
    double stretch;
    int step;                     /* of a series */
    const hesse_signals *signals; /* NULL: none */
    hesse_stop *stop;
    hesse_parts *parts;
};

static const char TOO_EARLY[] = "stopped by a signal, before any work was finished";

static hesse_status exhausted(hesse_why *why)
{
    return hesse_fail(why, HESSE_E_NOMEM, "out of memory for a checkpoint");
}

/* The folder must belong to this user and must not be a link, so that nobody else can
   change its files. */
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

/* The number of times that a run waits for another one, and the nanoseconds of each
   wait: the ranks of an mpirun that was killed need a second or two to end. */
enum { PATIENCE = 100, PAUSE = 100000000 };

static hesse_status take_lock(hesse_checkpoint *c, hesse_why *why)
{
    c->lock = open(c->lock_path, O_CREAT | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (c->lock < 0)
        return hesse_fail(why, HESSE_E_OUTPUT, "%s: cannot be written: %s",
                          c->lock_path, strerror(errno));
    for (int i = 0; i < PATIENCE && !(c->signals && c->signals->caught); i++) {
        if (!flock(c->lock, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK) return HESSE_OK;
        nanosleep(&(struct timespec){.tv_nsec = PAUSE}, NULL);
    }
    close(c->lock);
    c->lock = -1;
    if (c->signals && c->signals->caught)
        return hesse_fail(why, HESSE_E_STOPPED, "%s", TOO_EARLY);
    return hesse_fail(why, HESSE_E_OUTPUT, "%s: another run is at work there",
                      c->folder);
}

static bool has_the_lock(const hesse_checkpoint *c)
{
    struct stat held, named;
    return !fstat(c->lock, &held) && !stat(c->lock_path, &named) &&
           held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

/* Local to rank 0. */
static hesse_status enter_folder(hesse_checkpoint *c, hesse_why *why)
{
    hesse_status s = HESSE_OK;
    for (int i = 0; i < PATIENCE; i++) {
        if (c->lock >= 0) close(c->lock);
        c->lock = -1;
        c->made = !mkdir(c->folder, 0777);
        if (!c->made && errno != EEXIST)
            return hesse_fail(why, HESSE_E_OUTPUT,
                              "%s: a folder for the work cannot be made there: %s",
                              c->folder, strerror(errno));
        s = check_folder(c->folder, why);
        if (!s) s = take_lock(c, why);
        if (s ? hesse_file_exists(c->folder) : has_the_lock(c)) return s;
    }
    return hesse_fail(why, HESSE_E_OUTPUT, "%s: other runs come and go there",
                      c->folder);
}

/* Join the parts of a text; NULL: out of memory. */
static char *join(const char *a, const char *b, const char *c, const char *d)
{
    const size_t room = strlen(a) + strlen(b) + strlen(c) + strlen(d) + 1;
    char *joined = hesse_calloc(room, 1);
    if (joined) snprintf(joined, room, "%s%s%s%s", a, b, c, d);
    return joined;
}

static hesse_status make(hesse_checkpoint *c, const char *folder, const char *resume)
{
    static const char line[] =
        "hesse: stopped by a signal in the decomposition of a large matrix, which "
        "begins anew; finished work is in ";
    if (!c) return HESSE_E_NOMEM;
    c->lock = -1;
    c->folder = hesse_copy(folder);
    c->resume = hesse_copy(resume);
    c->lock_path = hesse_file_join(folder, "lock");
    char *end = join(", and ", resume, " goes on with it\n", "");
    if (end) c->line = join(line, folder, end, "");
    free(end);
    return c->folder && c->resume && c->lock_path && c->line ? HESSE_OK : HESSE_E_NOMEM;
}

/* This is called when the folder has nothing but a lock. */
static void leave_folder(const hesse_checkpoint *c)
{
    if (c->lock >= 0 && hesse_parts_are_gone(c->folder)) {
        unlink(c->lock_path);
        rmdir(c->folder);
    }
    if (c->lock >= 0) close(c->lock);
    if (c->made && c->lock < 0) rmdir(c->folder);
}

static void release(hesse_checkpoint *c)
{
    if (!c) return;
    free(c->line);
    free(c->lock_path);
    free(c->resume);
    free(c->folder);
    free(c);
}

hesse_status hesse_checkpoint_lock(hesse_team *team, const char *folder,
                                   const char *resume, hesse_signals *signals,
                                   hesse_checkpoint **checkpoint)
{
    hesse_checkpoint *c = hesse_calloc(1, sizeof *c);
    *checkpoint = NULL;
    hesse_status s = make(c, folder, resume);
    if (s) exhausted(&team->why);
    s = hesse_agree(team, s);
    if (!s) s = hesse_stop_new(team, signals, &c->stop);
    if (!s) {
        c->team = team, c->signals = signals;
        if (team->rank == 0) s = enter_folder(c, &team->why);
        s = hesse_agree(team, s);
        if (s) hesse_stop_free(c->stop);
        if (s) leave_folder(c);
    }
    if (s)
        release(c);
    else
        *checkpoint = c;
    return s;
}

bool hesse_checkpoint_is_there(const char *folder)
{
    return hesse_parts_any(folder);
}

/* Local to rank 0. */
static hesse_status check_manifest(const hesse_checkpoint *c, const char *text,
                                   bool anew, hesse_why *why)
{
    char *path = hesse_file_join(c->folder, "manifest.json");
    if (!path) return exhausted(why);
    if (anew || !hesse_parts_any(c->folder)) hesse_parts_empty(c->folder);
    const hesse_status s = hesse_file_exists(path)
                               ? hesse_manifest_match(path, text, why)
                               : hesse_manifest_store(path, text, why);
    free(path);
    return s;
}

hesse_status hesse_checkpoint_open(hesse_checkpoint *c, const char *manifest,
                                   const char *identity, double stretch, bool anew)
{
    hesse_team *team = c->team;
    char digits[HESSE_DIGEST_LENGTH] = "";
    hesse_status s = HESSE_OK;
    c->stretch = stretch;
    if (team->rank == 0) {
        snprintf(digits, sizeof digits, "%s", identity);
        s = check_manifest(c, manifest, anew, &team->why);
    }
    if ((s = hesse_agree(team, s))) return s;
    hesse_team_broadcast(team, 0, digits, sizeof digits);
    return hesse_parts_open(team, c->folder, digits, stretch, &c->parts);
}

/* Add to the reason for the end what happened to the work. */
static void tell_of_work(const hesse_checkpoint *c, hesse_status status, bool worth)
{
    hesse_why *why = &c->team->why;
    const size_t length = strlen(why->text);
    if (status == HESSE_E_STOPPED && !worth) hesse_fail(why, status, "%s", TOO_EARLY);
    if (status != HESSE_E_STOPPED && worth)
        snprintf(why->text + length, sizeof why->text - length,
                 "; finished work is in %s, and %s goes on with it", c->folder,
                 c->resume);
}

hesse_status hesse_checkpoint_close(hesse_checkpoint *c, hesse_status status,
                                    bool complete)
{
    hesse_why ignored;
    int worth = 0;
    if (!c) return status;
    if (c->parts && status) hesse_parts_make_safe(c->parts, &ignored);
    if (c->parts && status) worth = hesse_parts_worth(c->parts);
    if (status && c->kept) worth = 1;
    MPI_Allreduce(MPI_IN_PLACE, &worth, 1, MPI_INT, MPI_MAX, c->team->comm);
    if (status) tell_of_work(c, status, worth);
    hesse_stop_free(c->stop);
    /* After an error the folder may have work of earlier runs that was not read. */
    if (c->lock >= 0 && !worth && (c->parts || c->made || complete))
        hesse_parts_empty(c->folder);
    leave_folder(c);
    hesse_parts_free(c->parts);
    release(c);
    return status;
}

double hesse_checkpoint_stretch(const hesse_checkpoint *c)
{
    return c ? c->stretch : INFINITY;
}

int hesse_checkpoint_runs(const hesse_checkpoint *c)
{
    return c ? hesse_parts_runs(c->parts) : 0;
}

void hesse_checkpoint_set_step(hesse_checkpoint *c, int step)
{
    if (c) c->step = step;
}

/* The record's name with the step. */
static hesse_record of_step(const hesse_checkpoint *c, const hesse_record *what)
{
    hesse_record named = *what;
    named.step = c->step;
    return named;
}

bool hesse_checkpoint_has(const hesse_checkpoint *c, const hesse_record *what,
                          size_t count)
{
    if (!c) return false;
    const hesse_record named = of_step(c, what);
    return hesse_parts_has(c->parts, &named, count);
}

hesse_status hesse_checkpoint_load(const hesse_checkpoint *c, const hesse_record *what,
                                   double *numbers, hesse_why *why)
{
    const hesse_record named = of_step(c, what);
    return hesse_parts_load(c->parts, &named, numbers, why);
}

hesse_status hesse_checkpoint_save(hesse_checkpoint *c, const hesse_record *what,
                                   size_t count, const double *numbers, hesse_why *why)
{
    if (!c) return HESSE_OK;
    const hesse_record named = of_step(c, what);
    return hesse_parts_save(c->parts, &named, count, numbers, why);
}

hesse_status hesse_checkpoint_make_safe(hesse_checkpoint *c, hesse_why *why)
{
    return c ? hesse_parts_make_safe(c->parts, why) : HESSE_OK;
}

hesse_status hesse_checkpoint_begin_uninterruptible(hesse_checkpoint *c, hesse_why *why)
{
    const hesse_status s = hesse_checkpoint_make_safe(c, why);
    if (c && !s) hesse_stop_at_once(c->stop, c->line);
    return s;
}

void hesse_checkpoint_end_uninterruptible(hesse_checkpoint *c)
{
    if (c) hesse_stop_at_once(c->stop, NULL);
}

void hesse_checkpoint_drop_panels(hesse_checkpoint *c, int block, int blocks)
{
    if (c) hesse_parts_drop_panels(c->parts, block, blocks, c->step);
}

hesse_status hesse_checkpoint_continue(hesse_checkpoint *c, hesse_why *why)
{
    if (!c) return HESSE_OK;
    hesse_status s = hesse_parts_tend(c->parts, why);
    if (s || !hesse_stop_asked(c->stop)) return s;
    s = hesse_parts_make_safe(c->parts, why);
    if (s) return s;
    return hesse_fail(why, HESSE_E_STOPPED,
                      "stopped by a signal; finished work is in %s, and %s goes on "
                      "with it",
                      c->folder, c->resume);
}

bool hesse_checkpoint_stop_asked(hesse_checkpoint *c)
{
    return c && hesse_stop_asked(c->stop);
}

void hesse_checkpoint_keep(hesse_checkpoint *c, bool keep)
{
    if (c) c->kept = keep;
}
