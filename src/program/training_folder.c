/* Rank 0 looks at the folder and changes it; the others learn by agreement. */
#include "program/training_folder.h"

#include "base/memory.h"
#include "checkpoint/checkpoint.h"
#include "files/file.h"
#include "output/reader.h"
#include "parallel/team.h"
#include "program/manifest.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* True for the names of files that a run writes. */
static bool is_ours(const char *name)
{
    const bool tensors = hesse_file_ends_with(name, ".safetensors");
    return (tensors && (strncmp(name, "stage-", 6) == 0 ||
                        strncmp(name, "optimiser-", 10) == 0)) ||
           strcmp(name, "log.h5") == 0 || strcmp(name, "log.csv") == 0;
}

/* Local to rank 0. Make a folder unless it exists. */
static hesse_status make(const char *folder, hesse_why *why)
{
    struct stat info;
    if (!mkdir(folder, 0777)) return HESSE_OK;
    if (errno == EEXIST && !stat(folder, &info) && S_ISDIR(info.st_mode))
        return HESSE_OK;
    return hesse_fail(why, HESSE_E_OUTPUT, "%s: %s", folder,
                      errno == EEXIST ? "is a file, expected a folder"
                                      : strerror(errno));
}

/* Local to rank 0. Make the folder of everything, and those below it down to the one of
   a run. */
static hesse_status make_within(const char *whole, const char *folder, hesse_why *why)
{
    hesse_status s = HESSE_OK;
    char *path = hesse_copy(folder);
    if (!path) return hesse_fail(why, HESSE_E_NOMEM, "out of memory");
    for (size_t i = strlen(whole); !s && i <= strlen(folder); i++)
        if (folder[i] == '/' || !folder[i]) {
            path[i] = '\0';
            s = make(path, why);
            path[i] = folder[i];
        }
    free(path);
    return s;
}

/* Local to rank 0. Check that `make` can succeed, and make nothing. */
static hesse_status can_make(const char *folder, hesse_why *why)
{
    struct stat info;
    const bool there = !stat(folder, &info);
    if (there && S_ISDIR(info.st_mode)) return HESSE_OK;
    if (there || errno != ENOENT)
        return hesse_fail(why, HESSE_E_OUTPUT, "%s: %s", folder,
                          there ? "is a file, expected a folder" : strerror(errno));
    char *parent = hesse_copy(folder);
    if (!parent) return hesse_fail(why, HESSE_E_NOMEM, "out of memory");
    char *slash = strrchr(parent, '/');
    if (slash) slash[slash == parent] = '\0';
    const bool writable = !access(slash ? parent : ".", W_OK | X_OK);
    free(parent);
    return writable
               ? HESSE_OK
               : hesse_fail(why, HESSE_E_OUTPUT, "%s: %s", folder, strerror(errno));
}

/* Local to rank 0. Refuse a folder that holds an input: a stage of this run could
   replace it. */
static hesse_status spare_inputs(const hesse_job *job, const char *folder,
                                 hesse_why *why)
{
    struct stat own, other;
    if (stat(folder, &own)) return HESSE_OK;
    for (int i = 0; hesse_key_at(i); i++) {
        const hesse_key *key = hesse_key_at(i);
        const char *const *paths;
        if (key->type != HESSE_KEY_PATH || key->written) continue;
        const int n = hesse_job_paths_of(job, i, &paths);
        for (int p = 0; p < n; p++) {
            const char *slash = strrchr(paths[p], '/');
            const char *name = slash ? slash + 1 : paths[p];
            char *parent = hesse_copy(slash ? paths[p] : ".");
            if (!parent) return hesse_fail(why, HESSE_E_NOMEM, "out of memory");
            if (slash) parent[slash == paths[p] ? 1 : slash - paths[p]] = '\0';
            const bool whole = !stat(paths[p], &other) && own.st_ino == other.st_ino &&
                               own.st_dev == other.st_dev;
            const bool inside = is_ours(name) && !stat(parent, &other) &&
                                own.st_ino == other.st_ino &&
                                own.st_dev == other.st_dev;
            free(parent);
            if (whole || inside)
                return hesse_fail(
                    why, HESSE_E_JOB,
                    "%s: the folder holds the %s of the job, %s; expected "
                    "another folder for the training run",
                    folder, strrchr(key->path, '.') + 1, paths[p]);
        }
    }
    return HESSE_OK;
}

hesse_status hesse_training_folder_check(hesse_team *team, const hesse_job *job,
                                         const char *folder)
{
    hesse_status s = HESSE_OK;
    if (team->rank == 0) {
        if (strlen(folder) > HESSE_FOLDER - 100)
            s = hesse_fail(
                &team->why, HESSE_E_OUTPUT,
                "the name of the folder has %zu bytes, expected fewer than %d",
                strlen(folder), HESSE_FOLDER - 100);
        if (!s) s = spare_inputs(job, folder, &team->why);
        if (!s) s = can_make(folder, &team->why);
    }
    return hesse_agree(team, s);
}

/* Local to rank 0. Find a file of an earlier run; or remove all of them. */
static bool look(const char *folder, bool remove, char name[256])
{
    DIR *all = opendir(folder);
    const struct dirent *e;
    bool any = false;
    while (all && (e = readdir(all))) {
        if (!is_ours(e->d_name)) continue;
        if (remove) unlinkat(dirfd(all), e->d_name, 0);
        if (!any || strcmp(e->d_name, name) < 0) snprintf(name, 256, "%s", e->d_name);
        any = true;
    }
    if (all) closedir(all);
    return any;
}

/* Local to rank 0. Copy the file of this name that a path of the job stands for. It
   stays as it is if the folder has it already, since it may be the input itself. */
static hesse_status copy_input(const char *path, const char *name, const char *folder,
                               hesse_why *why)
{
    char *inside = hesse_file_inside(path, name), *to = hesse_file_join(folder, name);
    char own[HESSE_DIGEST_LENGTH], there[HESSE_DIGEST_LENGTH], *bytes = NULL;
    size_t size = 0;
    hesse_why ignored;
    hesse_status s = inside && to ? hesse_file_load(inside, &bytes, &size, why)
                                  : hesse_fail(why, HESSE_E_NOMEM, "out of memory");
    if (!s) hesse_digest(bytes, size, own);
    const bool same = !s && hesse_file_exists(to) &&
                      !hesse_digest_file(to, there, &ignored) &&
                      strcmp(own, there) == 0;
    FILE *f = s || same ? NULL : fopen(to, "wb");
    if (!s && !same && (!f || fwrite(bytes, 1, size, f) != size || fflush(f)))
        s = hesse_fail(why, HESSE_E_OUTPUT, "%s: cannot be written: %s", to,
                       strerror(errno));
    if (f) fclose(f);
    free(bytes);
    free(to);
    free(inside);
    return s;
}

/* Local to rank 0. */
static hesse_status begin(const hesse_options *options, const hesse_job *job,
                          const char *whole, const char *folder, bool *complete,
                          hesse_why *why)
{
    char name[256] = "", path[HESSE_FOLDER + 64], state[HESSE_FOLDER + 64];
    hesse_status s = make_within(whole, folder, why);
    if (s) return s;
    snprintf(path, sizeof path, "%s/log.h5", folder);
    snprintf(state, sizeof state, "%s/unfinished/" HESSE_CHECKPOINT_STATE, folder);
    *complete = options->resume && hesse_file_exists(path);
    if (*complete) return HESSE_OK;
    if (options->force) unlink(state);
    const bool any = look(folder, options->force, name);
    if (!options->force && !options->resume && (any || hesse_file_exists(state)))
        return hesse_fail(
            why, HESSE_E_OUTPUT,
            "%s/%s: is there already; --force begins anew and replaces it, "
            "--resume goes on with an unfinished run",
            folder, any ? name : "unfinished");
    if (job->paths.config)
        s = copy_input(job->paths.config, "config.json", folder, why);
    if (!s && job->paths.graph)
        s = copy_input(job->paths.graph, "graph.json", folder, why);
    return s;
}

hesse_status hesse_training_folder_begin(hesse_team *team, const hesse_options *options,
                                         const hesse_job *job, const char *whole,
                                         const char *folder, bool *complete)
{
    hesse_status s = HESSE_OK;
    *complete = false;
    if (team->rank == 0) s = begin(options, job, whole, folder, complete, &team->why);
    s = hesse_agree(team, s);
    if (!s) hesse_team_broadcast(team, 0, complete, sizeof *complete);
    return s;
}

hesse_status hesse_training_folder_match(hesse_team *team, const hesse_job *job,
                                         hesse_network *network, hesse_dataset *dataset,
                                         const char *folder)
{
    hesse_status s = HESSE_OK;
    if (team->rank == 0) {
        const hesse_problem problem = {network, dataset, NULL};
        hesse_identity own = {0};
        hesse_reader r;
        char path[HESSE_FOLDER + 64], found[HESSE_DIGEST_LENGTH] = "";
        snprintf(path, sizeof path, "%s/log.h5", folder);
        s = hesse_identity_of(job, &problem, HESSE_IDENTITY_TRAIN, &own, &team->why);
        if (!s) s = hesse_reader_open(path, &r, &team->why);
        if (!s) {
            hesse_reader_attribute(r.file, "job_identity", found, sizeof found);
            H5Fclose(r.file);
            if (strcmp(found, own.job) != 0)
                s = hesse_fail(&team->why, HESSE_E_OUTPUT,
                               "%s: is the log of another job, of other inputs or of "
                               "another version of the program; --force begins anew",
                               path);
        }
        hesse_identity_free(&own);
    }
    return hesse_agree(team, s);
}

/* The last number of a dataset; NaN if there is none. */
static double last(hesse_reader *r, const char *group, const char *path, size_t *count)
{
    size_t size;
    *count = 0;
    if (r->status || (group && !hesse_reader_has(r, group)) ||
        !hesse_reader_has(r, path))
        return NAN;
    double *values = hesse_reader_set(r, path, H5T_NATIVE_DOUBLE, count, &size);
    const double x = values && *count ? values[*count - 1] : NAN;
    free(values);
    return x;
}

hesse_status hesse_training_folder_outcome(const char *folder, double *steps,
                                           double *loss, double *held_out,
                                           double *accuracy, hesse_why *why)
{
    char path[HESSE_FOLDER + 64];
    hesse_reader r;
    size_t rows, ignored;
    snprintf(path, sizeof path, "%s/log.h5", folder);
    const hesse_status s = hesse_reader_open(path, &r, why);
    if (s) return s;
    *loss = last(&r, NULL, "loss", &rows);
    *steps = (double)rows;
    *held_out = last(&r, "evaluate", "evaluate/loss", &ignored);
    *accuracy = last(&r, "evaluate", "evaluate/accuracy", &ignored);
    H5Fclose(r.file);
    return r.status;
}
