/* A path that names a file is that file; any other one is a pattern. Rank 0 makes the
   list and sends it, because the other ranks may not see the files. */
#include "program/series.h"

#include "base/memory.h"
#include "files/file.h"
#include "files/safetensors.h"
#include "job/values.h"
#include "parallel/team.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 100000 }; /* checkpoints */
static const int64_t LARGEST = 999999999999999;

/* A checkpoint; step -1: its name has none. */
typedef struct entry {
    char *path;
    int64_t step;
} entry;

typedef struct list {
    entry *entries;
    int count, room;
} list;

static hesse_status exhausted(hesse_why *why)
{
    return hesse_fail(why, HESSE_E_NOMEM, "out of memory for a series of checkpoints");
}

static void free_list(list *l)
{
    for (int i = 0; i < l->count; i++) free(l->entries[i].path);
    free(l->entries);
    *l = (list){0};
}

/* The last number in a text; -1: there is none, or it is too large. */
static int64_t last_number(const char *text, size_t length)
{
    static const char digits[] = "0123456789";
    while (length && !strchr(digits, text[length - 1])) length--;
    size_t first = length;
    while (first && strchr(digits, text[first - 1])) first--;
    while (first + 1 < length && text[first] == '0') first++;
    if (first == length || length - first > 15) return -1;
    const int64_t number = strtoll(text + first, NULL, 10);
    return number <= LARGEST ? number : -1;
}

/* The last number in the name of a file or folder. If the file's name has no number, it
   is the last one in the name of its folder, as in checkpoint-500/model.safetensors. */
static int64_t step_of(const char *path)
{
    size_t end = strlen(path);
    for (int part = 0; part < 2; part++) {
        while (end && path[end - 1] == '/') end--;
        size_t begin = end;
        while (begin && path[begin - 1] != '/') begin--;
        const int64_t step = last_number(path + begin, end - begin);
        if (step >= 0) return step;
        end = begin;
    }
    return -1;
}

static hesse_status add(list *l, const char *path, hesse_why *why)
{
    if (l->count == MOST)
        return hesse_fail(why, HESSE_E_JOB, "%s: a series has at most %d checkpoints",
                          path, (int)MOST);
    if (l->count == l->room) {
        const int room = l->room ? 2 * l->room : 16;
        entry *more = hesse_calloc((size_t)room, sizeof *more);
        if (!more) return exhausted(why);
        if (l->count) memcpy(more, l->entries, (size_t)l->count * sizeof *more);
        free(l->entries);
        l->entries = more, l->room = room;
    }
    char *copy = hesse_copy(path);
    if (!copy) return exhausted(why);
    l->entries[l->count++] = (entry){copy, step_of(path)};
    return HESSE_OK;
}

static int by_step(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->step != y->step) return x->step < y->step ? -1 : 1;
    return strcmp(x->path, y->path);
}

/* Add the files that a pattern matches, in the order of their steps. */
static hesse_status expand(list *l, const char *pattern, hesse_why *why)
{
    if (hesse_file_exists(pattern)) return add(l, pattern, why);
    glob_t found = {0};
    const int error = glob(pattern, GLOB_NOSORT, NULL, &found);
    const int first = l->count;
    hesse_status s = HESSE_OK;
    if (error == GLOB_NOSPACE)
        s = exhausted(why);
    else if (error || !found.gl_pathc)
        s = hesse_fail(why, HESSE_E_INPUT,
                       "%s: no checkpoint has this name or matches this pattern",
                       pattern);
    for (size_t i = 0; !s && i < found.gl_pathc; i++)
        s = add(l, found.gl_pathv[i], why);
    globfree(&found);
    if (!s)
        qsort(l->entries + first, (size_t)(l->count - first), sizeof *l->entries,
              by_step);
    return s;
}

/* Take the steps of the key, if it has a list, and check that the steps ascend. */
static hesse_status number(list *l, const char *file, const hesse_job_series *series,
                           hesse_why *why)
{
    if (series->n_given && series->n_given != l->count)
        return hesse_fail(why, HESSE_E_JOB,
                          "%s: 'series.step' has %d numbers, expected one for each of "
                          "%d checkpoints",
                          file, series->n_given, l->count);
    for (int i = 0; i < l->count; i++) {
        entry *e = &l->entries[i];
        if (series->n_given) e->step = (int64_t)series->given[i];
        if (e->step < 0)
            return hesse_fail(why, HESSE_E_JOB,
                              "%s: expected a number of at most 15 digits in the name, "
                              "which is the step; 'series.step' can list the steps",
                              e->path);
        if (!i || e[-1].step < e->step) continue;
        if (e[-1].step == e->step)
            return hesse_fail(why, HESSE_E_JOB,
                              "two checkpoints with the same step, %lld: %s and %s",
                              (long long)e->step, e[-1].path, e->path);
        return hesse_fail(why, HESSE_E_JOB,
                          "%s: step %lld comes after step %lld, expected ascending "
                          "steps",
                          e->path, (long long)e->step, (long long)e[-1].step);
    }
    return HESSE_OK;
}

/* Collective. Send the list of rank 0, and put it into the job. */
static hesse_status share(hesse_team *team, const list *l, hesse_job *job)
{
    uint64_t sizes[2] = {(uint64_t)l->count, 0}; /* checkpoints; bytes of paths */
    for (int i = 0; i < l->count; i++) sizes[1] += strlen(l->entries[i].path) + 1;
    hesse_team_broadcast(team, 0, sizes, sizeof sizes);
    const size_t count = sizes[0], bytes = sizes[1];
    int64_t *steps = hesse_job_room(job, count * sizeof *steps);
    const char **paths = hesse_job_room(job, count * sizeof *paths);
    char *text = hesse_job_room(job, bytes);
    const bool there = steps && paths && text;
    const hesse_status s =
        hesse_agree(team, there ? HESSE_OK : exhausted(hesse_team_why(team)));
    if (s) return s;
    char *at = text;
    for (int i = 0; i < l->count; i++) {
        steps[i] = l->entries[i].step;
        at = stpcpy(at, l->entries[i].path) + 1;
    }
    hesse_team_broadcast(team, 0, steps, count * sizeof *steps);
    hesse_team_broadcast(team, 0, text, bytes);
    for (size_t i = 0; i < count; i++, text += strlen(text) + 1) paths[i] = text;
    job->series.count = (int)count;
    job->series.step = steps, job->series.path = paths;
    job->paths.checkpoint = paths[0];
    return HESSE_OK;
}

hesse_status hesse_series_find(hesse_team *team, const char *file, hesse_job *job)
{
    list l = {0};
    hesse_status s = HESSE_OK;
    if (!job->paths.n_checkpoints) return HESSE_OK;
    for (int i = 0; hesse_team_rank(team) == 0 && !s && i < job->paths.n_checkpoints;
         i++)
        s = expand(&l, job->paths.checkpoints[i], hesse_team_why(team));
    if (!s && hesse_team_rank(team) == 0)
        s = number(&l, file, &job->series, hesse_team_why(team));
    s = hesse_agree(team, s);
    if (!s) s = share(team, &l, job);
    free_list(&l);
    return s;
}

static hesse_status digest_of(const char *path, char digest[HESSE_DIGEST_LENGTH],
                              hesse_why *why)
{
    hesse_safetensors *file = NULL;
    hesse_status s = hesse_safetensors_open(path, &file, why);
    if (!s) s = hesse_safetensors_digest(file, digest, why);
    hesse_safetensors_close(file);
    if (s && s != HESSE_E_NOMEM) strcpy(digest, "unreadable");
    return s == HESSE_E_NOMEM ? s : HESSE_OK;
}

/* The digest of one file of every step. */
static hesse_status digest_of_all(const hesse_job *job, bool moments,
                                  char digest[HESSE_DIGEST_LENGTH], hesse_why *why)
{
    hesse_digester *all = hesse_digest_begin();
    hesse_status s = all ? HESSE_OK : exhausted(why);
    for (int i = 0; !s && i < job->series.count; i++) {
        char one[HESSE_DIGEST_LENGTH], line[HESSE_DIGEST_LENGTH + 32];
        char *path =
            moments ? hesse_series_moments(job, i) : hesse_copy(job->series.path[i]);
        s = path ? digest_of(path, one, why) : exhausted(why);
        free(path);
        if (s) break;
        const int length = snprintf(line, sizeof line, "%lld %s\n",
                                    (long long)job->series.step[i], one);
        hesse_digest_add(all, line, (size_t)length);
    }
    if (all) hesse_digest_end(all, digest);
    return s;
}

hesse_status hesse_series_digest(const hesse_job *job, char digest[HESSE_DIGEST_LENGTH],
                                 hesse_why *why)
{
    return digest_of_all(job, false, digest, why);
}

hesse_status hesse_series_moments_digest(const hesse_job *job,
                                         char digest[HESSE_DIGEST_LENGTH],
                                         hesse_why *why)
{
    return digest_of_all(job, true, digest, why);
}

/* The digits of the last number in a name, or in the name of its folder. */
static void step_digits(const char *path, size_t *first, size_t *length)
{
    static const char digits[] = "0123456789";
    size_t end = strlen(path);
    while (end && !strchr(digits, path[end - 1])) end--;
    size_t begin = end;
    while (begin && strchr(digits, path[begin - 1])) begin--;
    *first = begin, *length = end - begin;
}

char *hesse_series_moments(const hesse_job *job, int i)
{
    const char *pattern = job->paths.moments, *star = strchr(pattern, '*');
    size_t first = 0, length = 0;
    if (!star || !job->series.count) return hesse_copy(pattern);
    step_digits(job->series.path[i], &first, &length);
    const size_t room = strlen(pattern) + length;
    char *path = hesse_calloc(room, 1);
    if (path)
        snprintf(path, room, "%.*s%.*s%s", (int)(star - pattern), pattern, (int)length,
                 job->series.path[i] + first, star + 1);
    return path;
}
