/* The result replaces the file with its name, so this must not be a file that the job
   reads. Names are not enough to check this: "./a", a link and "a" may be the same
   file. So files are compared, not names. A link was made by the user: it stays, and
   the file that it points to is replaced. */
#include "program/target.h"

#include "base/memory.h"
#include "files/file.h"
#include "files/shards.h"
#include "job/values.h"
#include "parallel/team.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_LINKS = 40 };

static hesse_status exhausted(hesse_why *why)
{
    return hesse_fail(why, HESSE_E_NOMEM, "out of memory for the result's name");
}

/* The path that a link in the folder of a path points to. */
static char *beside(const char *path, const char *link)
{
    const char *slash = strrchr(path, '/');
    const size_t folder = *link == '/' || !slash ? 0 : (size_t)(slash - path) + 1;
    char *joined = hesse_calloc(folder + strlen(link) + 1, 1);
    if (!joined) return NULL;
    memcpy(joined, path, folder);
    strcpy(joined + folder, link);
    return joined;
}

/* Follow a chain of links to its end, where no file need exist yet. Links to folders
   and devices are refused elsewhere. */
static hesse_status follow(char **path, hesse_why *why)
{
    struct stat there;
    if (stat(*path, &there) == 0 && !S_ISREG(there.st_mode)) return HESSE_OK;
    for (int i = 0; i < MOST_LINKS; i++) {
        char link[PATH_MAX];
        const ssize_t length = readlink(*path, link, sizeof link - 1);
        if (length < 0) return HESSE_OK;
        link[length] = '\0';
        char *next = beside(*path, link);
        if (!next) return exhausted(why);
        free(*path);
        *path = next;
    }
    return hesse_fail(why, HESSE_E_OUTPUT, "%s: a chain of more than %d links", *path,
                      MOST_LINKS);
}

/* The file that would be replaced, and its name in messages. */
typedef struct target {
    const char *written, *key;
    struct stat file;
    hesse_why *why;
} target;

static hesse_status spare(const target *t, const char *what, const char *path)
{
    struct stat input;
    if (!path || stat(path, &input) || input.st_dev != t->file.st_dev ||
        input.st_ino != t->file.st_ino)
        return HESSE_OK;
    return hesse_fail(t->why, HESSE_E_JOB,
                      "%s: the result would replace the %s %s, expected another %s",
                      t->written, what, path, t->key);
}

/* Refuse to replace a file of a folder. */
static hesse_status spare_folder(const target *t, const char *what, const char *folder)
{
    hesse_status s = HESSE_OK;
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    while (entries && !s && (entry = readdir(entries))) {
        char *inside = hesse_file_join(folder, entry->d_name);
        s = inside ? spare(t, what, inside) : exhausted(t->why);
        free(inside);
    }
    if (entries) closedir(entries);
    return s;
}

/* Refuse to replace the file at a path, or the files that are read from a folder
   there. */
static hesse_status spare_path(const target *t, const hesse_key *key, const char *path)
{
    const char *what = strrchr(key->path, '.') + 1;
    if (!key->inside || !hesse_file_is_folder(path)) return spare(t, what, path);
    if (strcmp(key->inside, "*") == 0) return spare_folder(t, what, path);
    char *inside = hesse_file_join(path, key->inside);
    if (!inside) return exhausted(t->why);
    const hesse_status s = spare(t, what, inside);
    free(inside);
    return s;
}

/* Refuse to replace a file with tensors. The reader reports files that cannot be
   read. */
static hesse_status spare_shards(const target *t, const char *path)
{
    hesse_shards shards;
    hesse_why ignored;
    hesse_status s = HESSE_OK;
    if (!path) return HESSE_OK;
    hesse_shards_open(path, &shards, &ignored);
    for (size_t i = 0; !s && i < shards.count; i++)
        s = spare(t, "checkpoint", shards.list[i].path);
    hesse_shards_free(&shards);
    return s;
}

static hesse_status spare_directions(const target *t, int count,
                                     const hesse_job_direction *list)
{
    hesse_status s = HESSE_OK;
    for (int i = 0; !s && i < count; i++) {
        s = spare_shards(t, list[i].file);
        if (!s) s = spare_shards(t, list[i].from);
    }
    return s;
}

/* Refuse to replace any file that the job reads, by the table of keys. */
static hesse_status spare_inputs(const target *t, const char *file,
                                 const hesse_job *job)
{
    hesse_status s = spare(t, "job", file);
    for (int i = 0; !s && hesse_key_at(i); i++) {
        const hesse_key *key = hesse_key_at(i);
        if (key->type != HESSE_KEY_PATH || key->written) continue;
        const char *const *paths;
        const int n = hesse_job_paths_of(job, i, &paths);
        for (int p = 0; !s && p < n; p++) s = spare_path(t, key, paths[p]);
    }
    if (!s) s = spare_directions(t, job->measures.n_directions, job->measures.vectors);
    if (!s)
        s = spare_directions(t, job->landscape.options.axes, job->landscape.vectors);
    if (!s) s = spare_shards(t, job->paths.checkpoint);
    for (int i = 0; !s && i < job->series.count; i++) {
        const int key = hesse_key_find("model.checkpoints");
        s = spare_path(t, hesse_key_at(key), job->series.path[i]);
        if (!s) s = spare_shards(t, job->series.path[i]);
    }
    return s;
}

/* Local to rank 0. */
static hesse_status find(const hesse_options *options, const hesse_job *job,
                         char **path, hesse_why *why)
{
    target t = {options->output, "--output", .why = why};
    if (!t.written) t.written = job->paths.output, t.key = "'output.file'";
    *path = hesse_copy(t.written);
    if (!*path) return exhausted(why);
    hesse_status s = follow(path, why);
    if (s || stat(*path, &t.file)) return s;
    return spare_inputs(&t, options->file, job);
}

hesse_status hesse_target_name(hesse_job *job, const char *ending, hesse_why *why)
{
    if (job->values[hesse_key_find("output.file")]) return HESSE_OK;
    const size_t length = strlen(job->paths.output) - strlen(".h5"),
                 room = length + strlen(ending) + 1;
    char *name = hesse_job_room(job, room);
    if (!name) return hesse_fail(why, HESSE_E_NOMEM, "out of memory for the job");
    snprintf(name, room, "%.*s%s", (int)length, job->paths.output, ending);
    job->paths.output = name;
    return HESSE_OK;
}

hesse_status hesse_target(hesse_team *team, const hesse_options *options,
                          const hesse_job *job, char **path)
{
    hesse_status s = HESSE_OK;
    size_t length = 0;
    *path = NULL;
    if (hesse_team_rank(team) == 0) s = find(options, job, path, hesse_team_why(team));
    if ((s = hesse_agree(team, s))) return s;
    if (hesse_team_rank(team) == 0) length = strlen(*path) + 1;
    hesse_team_broadcast(team, 0, &length, sizeof length);
    if (hesse_team_rank(team)) *path = hesse_calloc(length, 1);
    s = hesse_agree(team, *path ? HESSE_OK : exhausted(hesse_team_why(team)));
    if (!s) hesse_team_broadcast(team, 0, *path, length);
    return s;
}
