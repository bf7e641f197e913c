/* Every rank writes its own files, and any rank can read any file, so a run may
   continue with another number of ranks. At the beginning every rank reads some of the
   files; then all ranks know every record. Panels and results go to different files,
   because panels are dropped when their part is done. */
#include "checkpoint/parts.h"

#include "base/clock.h"
#include "base/memory.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/part_file.h"
#include "parallel/team.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A file of this run that does not have its final name yet. */
typedef struct stream {
    hesse_part_writer *writer; /* NULL: nothing waits                       */
    double since, patience;    /* time of its start, and seconds it may wait */
    hesse_record of;           /* the part of its panels                    */
    char name[HESSE_PARTS_NAME];
} stream;

/* A file with its final name, and the part whose panels it has; blocks 0: it has
   results. */
typedef struct file {
    char name[HESSE_PARTS_NAME];
    int block, blocks, step;
} file;

typedef struct files {
    file *list;
    int count, room;
} files;

struct hesse_parts {
    hesse_team *team;
    char *folder, *identity;
    char *path;                /* room for one path, so that removal cannot fail */
    int run, sequence;         /* of the next file's name                 */
    hesse_part_entry *entries; /* records of earlier runs, in order       */
    size_t count;
    files old, own;         /* old: the same on all ranks              */
    stream panels, results; /* panels: also points, of which there are many, too */
};

static const double SOON = 1; /* seconds that results wait */

static hesse_status exhausted(hesse_why *why)
{
    return hesse_fail(why, HESSE_E_NOMEM, "out of memory for a list of parts");
}

static void path_of(const hesse_parts *p, const char *name, char *path, size_t room)
{
    snprintf(path, room, "%s/%s", p->folder, name);
}

static size_t room_of(const hesse_parts *p)
{
    return strlen(p->folder) + HESSE_PARTS_NAME + 2;
}

static bool ends_with(const char *name, const char *end)
{
    const size_t length = strlen(name), n = strlen(end);
    return length >= n && strcmp(name + length - n, end) == 0;
}

/* The number of the run that wrote a part file; 0: this is no part file. */
static int run_of(const char *name)
{
    int run, rank, sequence, end = 0;
    if (strlen(name) >= HESSE_PARTS_NAME) return 0;
    if (sscanf(name, "%d-%d-%d.part%n", &run, &rank, &sequence, &end) < 3) return 0;
    return end && !name[end] && run > 0 ? run : 0;
}

static bool add_file(files *all, const char *name)
{
    if (all->count == all->room) {
        const int room = all->room ? 2 * all->room : 16;
        file *list = hesse_calloc((size_t)room, sizeof *list);
        if (!list) return false;
        if (all->count) memcpy(list, all->list, (size_t)all->count * sizeof *list);
        free(all->list);
        all->list = list, all->room = room;
    }
    file *f = &all->list[all->count++];
    *f = (file){.block = 0};
    strcpy(f->name, name);
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const file *)a)->name, ((const file *)b)->name);
}

/* Local to rank 0. List the names of part files, and remove files that were not
   finished. */
static hesse_status list_files(hesse_parts *p, hesse_why *why)
{
    DIR *folder = opendir(p->folder);
    if (!folder)
        return hesse_fail(why, HESSE_E_OUTPUT, "%s: cannot be read: %s", p->folder,
                          strerror(errno));
    hesse_status s = HESSE_OK;
    const struct dirent *e;
    while (!s && (e = readdir(folder))) {
        const int run = run_of(e->d_name);
        if (ends_with(e->d_name, ".tmp")) unlinkat(dirfd(folder), e->d_name, 0);
        if (!run) continue;
        if (run >= p->run) p->run = run + 1;
        if (!add_file(&p->old, e->d_name)) s = exhausted(why);
    }
    closedir(folder);
    if (!s && p->old.count)
        qsort(p->old.list, (size_t)p->old.count, sizeof *p->old.list, by_name);
    return s;
}

/* Collective. Send the list of rank 0 to all ranks. */
static hesse_status share_files(hesse_parts *p)
{
    hesse_team *team = p->team;
    int numbers[2] = {p->run, p->old.count};
    hesse_team_broadcast(team, 0, numbers, sizeof numbers);
    p->run = numbers[0];
    if (team->rank) {
        p->old.count = p->old.room = numbers[1];
        p->old.list = hesse_calloc((size_t)numbers[1], sizeof *p->old.list);
    }
    const bool there = !numbers[1] || p->old.list;
    const hesse_status s = hesse_agree(team, there ? HESSE_OK : exhausted(&team->why));
    if (!s)
        hesse_team_broadcast(team, 0, p->old.list,
                             (size_t)numbers[1] * sizeof *p->old.list);
    return s;
}

static bool append(hesse_part_entry **to, size_t *count, const hesse_part_entry *more,
                   size_t n)
{
    hesse_part_entry *list = hesse_calloc(*count + n, sizeof *list);
    if (!list) return false;
    if (*count) memcpy(list, *to, *count * sizeof *list);
    if (n) memcpy(list + *count, more, n * sizeof *list);
    free(*to);
    *to = list, *count += n;
    return true;
}

/* Read file i and add its records to the list. A damaged file has none, and is
   removed. */
static hesse_status scan(hesse_parts *p, int i, hesse_part_entry **mine, size_t *count)
{
    hesse_part_entry *found;
    size_t n;
    hesse_why why;
    char *path = hesse_calloc(room_of(p), 1);
    if (!path) return exhausted(&p->team->why);
    path_of(p, p->old.list[i].name, path, room_of(p));
    hesse_status s = hesse_part_scan(path, p->identity, &found, &n, &why);
    for (size_t j = 0; !s && j < n; j++) found[j].file = i;
    if (!s && !append(mine, count, found, n)) s = exhausted(&p->team->why);
    if (s == HESSE_E_INPUT) {
        fprintf(stderr, "note: %s; its work is done again\n", why.text);
        unlink(path);
        s = HESSE_OK;
    } else {
        free(found);
    }
    free(path);
    return s;
}

/* Collective. Send the records of every rank to all ranks. */
static hesse_status gather(hesse_parts *p, const hesse_part_entry *mine, size_t count)
{
    hesse_team *team = p->team;
    hesse_status s = HESSE_OK;
    const size_t ranks = (size_t)team->size;
    uint64_t own = count, *counts = hesse_calloc(ranks, sizeof *counts);
    if (!counts) s = exhausted(&team->why);
    if ((s = hesse_agree(team, s))) {
        free(counts);
        return s;
    }
    MPI_Allgather(&own, 1, MPI_UINT64_T, counts, 1, MPI_UINT64_T, team->comm);
    for (size_t r = 0; r < ranks; r++) p->count += counts[r];
    p->entries = hesse_calloc(p->count, sizeof *p->entries);
    s = hesse_agree(team, p->entries ? HESSE_OK : exhausted(&team->why));
    size_t at = 0;
    for (int r = 0; !s && r < team->size; r++) {
        const size_t bytes = counts[r] * sizeof *mine;
        if (r == team->rank && bytes) memcpy(p->entries + at, mine, bytes);
        hesse_team_broadcast(team, r, p->entries + at, bytes);
        at += counts[r];
    }
    free(counts);
    return s;
}

static int by_record(const void *a, const void *b)
{
    const hesse_part_entry *x = a, *y = b;
    return memcmp(&x->what, &y->what, sizeof x->what);
}

/* Sort the entries, and find the parts whose panels the files have. */
static void put_in_order(hesse_parts *p)
{
    for (size_t i = 0; i < p->count; i++) {
        const hesse_part_entry *e = &p->entries[i];
        if (e->what.kind != HESSE_RECORD_PANEL) continue;
        p->old.list[e->file].block = e->what.block;
        p->old.list[e->file].blocks = e->what.blocks;
        p->old.list[e->file].step = e->what.step;
    }
    if (p->count) qsort(p->entries, p->count, sizeof *p->entries, by_record);
}

static hesse_status find_records(hesse_parts *p)
{
    hesse_team *team = p->team;
    hesse_part_entry *mine = NULL;
    size_t count = 0;
    hesse_status s = HESSE_OK;
    if (team->rank == 0) s = list_files(p, &team->why);
    s = hesse_agree(team, s);
    if (!s) s = share_files(p);
    for (int i = team->rank; !s && i < p->old.count; i += team->size)
        s = scan(p, i, &mine, &count);
    s = hesse_agree(team, s);
    if (!s) s = gather(p, mine, count);
    if (!s) put_in_order(p);
    free(mine);
    return s;
}

hesse_status hesse_parts_open(hesse_team *team, const char *folder,
                              const char *identity, double stretch, hesse_parts **parts)
{
    hesse_parts *p = hesse_calloc(1, sizeof *p);
    if (p) {
        *p = (hesse_parts){.team = team,
                           .run = 1,
                           .panels.patience = stretch,
                           .panels.since = hesse_seconds(),
                           .results.patience = SOON,
                           .results.since = hesse_seconds()};
        p->folder = hesse_copy(folder);
        p->identity = hesse_copy(identity);
        if (p->folder) p->path = hesse_calloc(room_of(p), 1);
    }
    const bool there = p && p->folder && p->identity && p->path;
    hesse_status s = hesse_agree(team, there ? HESSE_OK : exhausted(&team->why));
    if (!s) s = find_records(p);
    if (s)
        hesse_parts_free(p);
    else
        *parts = p;
    return s;
}

void hesse_parts_free(hesse_parts *p)
{
    if (!p) return;
    hesse_part_drop(p->panels.writer);
    hesse_part_drop(p->results.writer);
    free(p->old.list);
    free(p->own.list);
    free(p->entries);
    free(p->identity);
    free(p->path);
    free(p->folder);
    free(p);
}

int hesse_parts_runs(const hesse_parts *p)
{
    return p->run - 1;
}

bool hesse_parts_worth(const hesse_parts *p)
{
    return p->count || p->own.count;
}

static const hesse_part_entry *find(const hesse_parts *p, const hesse_record *what)
{
    const hesse_part_entry key = {.what = *what};
    if (!p->count) return NULL;
    return bsearch(&key, p->entries, p->count, sizeof key, by_record);
}

bool hesse_parts_has(const hesse_parts *p, const hesse_record *what, size_t count)
{
    const hesse_part_entry *e = find(p, what);
    return e && e->count == count;
}

hesse_status hesse_parts_load(const hesse_parts *p, const hesse_record *what,
                              double *numbers, hesse_why *why)
{
    const hesse_part_entry *e = find(p, what);
    char *path = hesse_calloc(room_of(p), 1);
    assert(e);
    if (!path) return exhausted(why);
    path_of(p, p->old.list[e->file].name, path, room_of(p));
    const hesse_status s = hesse_part_read(path, e, numbers, why);
    free(path);
    return s;
}

static hesse_status finish(hesse_parts *p, stream *x, hesse_why *why)
{
    hesse_status s = HESSE_OK;
    if (x->writer) s = hesse_part_finish(x->writer, why);
    if (x->writer && !s) {
        if (!add_file(&p->own, x->name)) return exhausted(why);
        file *f = &p->own.list[p->own.count - 1];
        f->block = x->of.block, f->blocks = x->of.blocks, f->step = x->of.step;
    }
    x->writer = NULL;
    x->since = hesse_seconds();
    return s;
}

static hesse_status begin(hesse_parts *p, stream *x, hesse_why *why)
{
    char *path = hesse_calloc(room_of(p), 1);
    if (!path) return exhausted(why);
    snprintf(x->name, sizeof x->name, "%06d-%05d-%06d.part", p->run, p->team->rank,
             p->sequence++);
    path_of(p, x->name, path, room_of(p));
    const hesse_status s = hesse_part_new(path, p->identity, &x->writer, why);
    free(path);
    return s;
}

static hesse_status tend(hesse_parts *p, stream *x, hesse_why *why)
{
    if (!x->writer || hesse_seconds() - x->since <= x->patience) return HESSE_OK;
    return finish(p, x, why);
}

hesse_status hesse_parts_save(hesse_parts *p, const hesse_record *what, size_t count,
                              const double *numbers, hesse_why *why)
{
    const bool panel = what->kind == HESSE_RECORD_PANEL;
    const hesse_record of = {.block = panel ? what->block : 0,
                             .blocks = panel ? what->blocks : 0,
                             .step = panel ? what->step : 0};
    const bool many = panel || what->kind == HESSE_RECORD_POINT;
    stream *x = many ? &p->panels : &p->results;
    hesse_status s = HESSE_OK;
    if (x->writer && memcmp(&x->of, &of, sizeof of) != 0) s = finish(p, x, why);
    if (!s && !x->writer) s = begin(p, x, why);
    x->of = of;
    if (!s) s = hesse_part_write(x->writer, what, count, numbers, why);
    return s ? s : tend(p, x, why);
}

/* Remove the files of these panels. Other ranks try the same. */
static void drop_of(const hesse_parts *p, files *all, int block, int blocks, int step)
{
    for (int i = 0; i < all->count; i++) {
        file *f = &all->list[i];
        if (f->block != block || f->blocks != blocks || f->step != step) continue;
        path_of(p, f->name, p->path, room_of(p));
        unlink(p->path);
    }
}

void hesse_parts_drop_panels(hesse_parts *p, int block, int blocks, int step)
{
    if (p->panels.writer && p->panels.of.block == block &&
        p->panels.of.blocks == blocks && p->panels.of.step == step) {
        hesse_part_drop(p->panels.writer);
        p->panels.writer = NULL;
    }
    drop_of(p, &p->old, block, blocks, step);
    drop_of(p, &p->own, block, blocks, step);
}

hesse_status hesse_parts_tend(hesse_parts *p, hesse_why *why)
{
    const hesse_status s = tend(p, &p->panels, why);
    return s ? s : tend(p, &p->results, why);
}

hesse_status hesse_parts_make_safe(hesse_parts *p, hesse_why *why)
{
    const hesse_status s = finish(p, &p->panels, why);
    return s ? s : finish(p, &p->results, why);
}

static bool is_ours(const char *name)
{
    return run_of(name) || ends_with(name, ".tmp") ||
           strcmp(name, "manifest.json") == 0 ||
           strcmp(name, HESSE_CHECKPOINT_STATE) == 0;
}

bool hesse_parts_any(const char *folder)
{
    DIR *all = opendir(folder);
    const struct dirent *e;
    bool any = false;
    while (all && !any && (e = readdir(all))) any = run_of(e->d_name);
    if (all) closedir(all);
    return any;
}

bool hesse_parts_are_gone(const char *folder)
{
    DIR *all = opendir(folder);
    const struct dirent *e;
    bool gone = all != NULL;
    while (gone && (e = readdir(all)))
        gone = !strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
               !strcmp(e->d_name, "lock");
    if (all) closedir(all);
    return gone;
}

void hesse_parts_empty(const char *folder)
{
    DIR *all = opendir(folder);
    const struct dirent *e;
    if (!all) return;
    while ((e = readdir(all)))
        if (is_ours(e->d_name)) unlinkat(dirfd(all), e->d_name, 0);
    closedir(all);
}
