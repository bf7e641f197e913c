/* The folders are visited in their order, and the first program of a name is the
   command. */
#include "program/external.h"

#include "base/memory.h"
#include "program/launch.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char prefix[] = "hesse-";
enum { PREFIX = sizeof prefix - 1, ROOM = PATH_MAX + NAME_MAX };

/* The programs that are a part of hesse. */
static const struct {
    const char *name, *summary;
} parts[] = {
    {"convert", "Convert a checkpoint to safetensors (written in Python)"},
    {"export",
     "Write a PyTorch module as a graph that hesse reads (written in Python)"},
    {"image", "Draw a stored matrix (written in Python)"},
    {"report", "Write a page with the figures of results (written in Python)"},
    {"tokenize", "Turn text into token ids (written in Python)"},
};
enum { PARTS = sizeof parts / sizeof *parts };

/* A visit of a folder returns true to end the visits. */
typedef bool visit_folder(void *context, const char *folder);

static bool visit_own(visit_folder *visit, void *context)
{
    static const char *const beside[] = {"", "/../tools/python/bin"};
    char folder[ROOM];
    const ssize_t length = readlink("/proc/self/exe", folder, PATH_MAX);
    if (length <= 0) return false;
    folder[length] = '\0';
    char *const end = strrchr(folder, '/');
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        snprintf(end, (size_t)(folder + ROOM - end), "%s", beside[i]);
        if (visit(context, folder)) return true;
    }
    return false;
}

static bool visit_path(visit_folder *visit, void *context)
{
    char folder[ROOM];
    for (const char *at = getenv("PATH"); at; at = strchr(at, ':')) {
        if (*at == ':') at++;
        const size_t length = strcspn(at, ":");
        if (length >= PATH_MAX) continue;
        snprintf(folder, sizeof folder, "%.*s", length ? (int)length : 1,
                 length ? at : ".");
        if (visit(context, folder)) return true;
    }
    return false;
}

static bool visit_all(visit_folder *visit, void *context)
{
    return visit_own(visit, context) || visit_path(visit, context);
}

static bool can_be_name(const char *name)
{
    return *name && *name != '-' && !strchr(name, '/') &&
           strlen(name) + PREFIX <= NAME_MAX;
}

static bool is_program(const char *path)
{
    struct stat file;
    return !stat(path, &file) && S_ISREG(file.st_mode) && !access(path, X_OK);
}

struct wanted {
    const char *name;
    char *path;
    size_t room;
};

static bool has_wanted(void *context, const char *folder)
{
    const struct wanted *w = context;
    const int length = snprintf(w->path, w->room, "%s/%s%s", folder, prefix, w->name);
    return (size_t)length < w->room && is_program(w->path);
}

/* Find the program of a command. */
static bool find(const char *name, char *path, size_t room)
{
    return can_be_name(name) &&
           visit_all(has_wanted, &(struct wanted){name, path, room});
}

static int has_prefix(const struct dirent *entry)
{
    return strncmp(entry->d_name, prefix, PREFIX) == 0;
}

/* Insert a name at its place. */
static void add(hesse_externals *n, const char *name)
{
    size_t at = 0;
    while (at < n->count && strcmp(n->names[at], name) < 0) at++;
    if (at < n->count && strcmp(n->names[at], name) == 0) return;
    char **more = realloc(n->names, (n->count + 1) * sizeof *more);
    char *copy = more ? hesse_copy(name) : NULL;
    if (more) n->names = more;
    if (!copy) return;
    memmove(more + at + 1, more + at, (n->count++ - at) * sizeof *more);
    more[at] = copy;
}

static bool add_all(void *context, const char *folder)
{
    struct dirent **entries;
    char path[ROOM + NAME_MAX];
    const int count = scandir(folder, &entries, has_prefix, NULL);
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name + PREFIX;
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if (can_be_name(name) && !hesse_command_named(name) && is_program(path))
            add(context, name);
        free(entries[i]);
    }
    if (count >= 0) free(entries);
    return false;
}

hesse_externals hesse_external_names(void)
{
    hesse_externals names = {NULL, 0};
    visit_all(add_all, &names);
    return names;
}

void hesse_externals_free(hesse_externals *n)
{
    for (size_t i = 0; i < n->count; i++) free(n->names[i]);
    free(n->names);
    *n = (hesse_externals){NULL, 0};
}

static const char *summary_of_part(const char *name)
{
    for (size_t i = 0; i < PARTS; i++)
        if (strcmp(name, parts[i].name) == 0) return parts[i].summary;
    return NULL;
}

void hesse_external_summary(const char *name, char *text, size_t room)
{
    const char *known = summary_of_part(name);
    if (known)
        snprintf(text, room, "%s", known);
    else
        snprintf(text, room, "Run the program %s%s", prefix, name);
}

bool hesse_external_is_part(const char *name)
{
    return summary_of_part(name) != NULL;
}

bool hesse_external_run(int argc, char **argv, const hesse_options *options,
                        hesse_why *why)
{
    char path[ROOM + NAME_MAX], option[] = "--help",
                                *asks_help[] = {path, option, NULL};
    const char *name = options->unknown;
    if (!find(name, path, sizeof path)) return false;
    const int ranks = hesse_launch_ranks();
    if (ranks > 1) {
        hesse_fail(why, HESSE_E_JOB,
                   "%s: found %d ranks, expected one, because %s%s does not use MPI",
                   name, ranks, prefix, name);
        return true;
    }
    int at = 1;
    while (at < argc && argv[at] != name) at++;
    argv[at] = path;
    execv(path, at > 1 ? asks_help : argv + at);
    hesse_fail(why, HESSE_E_JOB, "%s: cannot be started: %s", path, strerror(errno));
    return true;
}
