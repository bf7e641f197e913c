/* The life of the file: made under a temporary name by rank 0, handed from rank 0 to all
   and back, renamed when whole. Small things are written by one rank because HDF5 makes
   every rank take part in every change of metadata: five thousand blocks would cost
   minutes that way, and seconds this way. */
#define _GNU_SOURCE /* memfd_create */
#include "output/store.h"

#include "base/memory.h"
#include "output/stamp.h"
#include "parallel/team.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { REASON = 256, SUFFIX = 64 };

/* The innermost entry is the reason, the outer ones are its consequences. Of a system error
   it is the system's message that counts, among a line of other things. */
static herr_t take_reason(unsigned depth, const H5E_error2_t *error, void *data)
{
    if (depth > 0 || !error->desc) return 0;
    char *text = data;
    const char *message = strstr(error->desc, "error message = '");
    const char *from = message ? message + strlen("error message = '") : error->desc;
    snprintf(text, REASON, ": %.*s", (int)strcspn(from, message ? "'\n" : "\n"), from);
    return 0;
}

void hesse_store_fail(hesse_store *store, const char *doing, const char *what)
{
    if (store->status) return;
    char reason[REASON] = "";
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_reason, reason);
    store->status = hesse_fail(&store->team->why, HESSE_E_OUTPUT, "%s: cannot %s %s%s",
                               store->path, doing, what, reason);
}

void hesse_store_no_memory(hesse_store *store)
{
    if (!store->status)
        store->status =
            hesse_fail(&store->team->why, HESSE_E_NOMEM, "%s: no memory", store->path);
}

const char *hesse_store_path(hesse_store *store, char path[HESSE_PATH],
                             const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(path, HESSE_PATH, format, args);
    va_end(args);
    if (length >= HESSE_PATH && !store->status)
        store->status =
            hesse_fail(&store->team->why, HESSE_E_OUTPUT,
                       "%s: the path %.60s... in it has %d bytes, expected at"
                       " most %d",
                       store->path, path, length, HESSE_PATH - 1);
    return path;
}

hesse_status hesse_store_agree(hesse_store *store)
{
    return store->status = hesse_agree(store->team, store->status);
}

hesse_status hesse_store_check(const char *path, hesse_why *why)
{
    struct stat info;
    if (!*path) return hesse_fail(why, HESSE_E_OUTPUT, ": expected a file's name");
    if (stat(path, &info)) return HESSE_OK; /* nothing there yet, or found out below */
    if (S_ISDIR(info.st_mode))
        return hesse_fail(why, HESSE_E_OUTPUT,
                          "%s: is a folder, expected a file's name", path);
    if (!S_ISREG(info.st_mode))
        return hesse_fail(why, HESSE_E_OUTPUT,
                          "%s: is not a regular file, and would be replaced", path);
    return HESSE_OK;
}

static void free_written(hesse_written *list)
{
    while (list) {
        hesse_written *next = list->next;
        free(list->path);
        free(list);
        list = next;
    }
}

static void free_store(hesse_store *store)
{
    if (!store) return;
    free_written(store->first);
    free(store->temporary);
    free(store->path);
    free(store);
}

/* A disk without room for the beginnings of a file is full before the computation. */
static bool has_room(int fd)
{
    static const char zeros[1 << 16];
    bool good = true;
    for (int i = 0; i < 16 && good; i++) {
        const off_t at = i * (off_t)sizeof zeros;
        errno = ENOSPC; /* of a write that is cut short */
        good = pwrite(fd, zeros, sizeof zeros, at) == sizeof zeros;
    }
    return good && !ftruncate(fd, 0);
}

/* O_EXCL refuses whatever is there, links too. */
static void create_temporary(hesse_store *store, const char *folder)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int fd = -1;
    for (unsigned try = 0; fd < 0 && try < 100 && (!try || errno == EEXIST); try++) {
        sprintf(store->temporary, "%s%s%ld-%08lx.tmp", folder ? folder : store->path,
                folder ? "/" : ".", (long)getpid(), (unsigned long)now.tv_nsec + try);
        fd = open(store->temporary, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
    }
    if (fd < 0 || !has_room(fd))
        store->status = hesse_fail(&store->team->why, HESSE_E_OUTPUT,
                                   "%s: a file cannot be written in its folder: %s",
                                   store->path, strerror(errno));
    if (fd < 0)
        store->temporary[0] = '\0'; /* nothing to remove */
    else
        close(fd);
}

hid_t hesse_store_access(void)
{
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_file_locking(access, false, true);
    H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
    return access;
}

static void create_file(hesse_store *store, const char *folder)
{
    store->status = hesse_store_check(store->path, &store->team->why);
    if (!store->status) create_temporary(store, folder);
    if (store->status) return;
    const hid_t access = hesse_store_access();
    const hid_t creation = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_userblock(creation, HESSE_STAMP);
    store->file = H5Fcreate(store->temporary, H5F_ACC_TRUNC, creation, access);
    if (store->file < 0) hesse_store_fail(store, "create", "the file");
    H5Pclose(creation);
    H5Pclose(access);
}

static hesse_store *room_for(hesse_team *team, const char *path, size_t room)
{
    hesse_store *store = hesse_calloc(1, sizeof *store);
    if (!store) return NULL;
    const size_t length = strlen(path) + 1;
    store->team = team, store->file = -1;
    store->path = hesse_calloc(length, 1);
    store->temporary = hesse_calloc(room, 1);
    if (!store->path || !store->temporary) {
        free_store(store);
        return NULL;
    }
    memcpy(store->path, path, length);
    return store;
}

hesse_status hesse_store_new(hesse_team *team, const char *path, const char *folder,
                             hesse_store **store)
{
    const size_t room = strlen(folder ? folder : path) + SUFFIX;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    hesse_store *made = room_for(team, path, room);
    hesse_status s = HESSE_OK;
    if (!made) s = hesse_fail(&team->why, HESSE_E_NOMEM, "%s: no memory", path);
    if ((s = hesse_agree(team, s))) {
        free_store(made);
        return s;
    }
    if (team->rank == 0) create_file(made, folder);
    hesse_team_broadcast(team, 0, made->temporary, room);
    if ((s = hesse_store_agree(made))) {
        hesse_store_drop(made);
        return s;
    }
    *store = made;
    return HESSE_OK;
}

/* There is no way back: a file that HDF5 could not close ends the program with a crash when
   MPI ends, and one that only some ranks have open can be closed by nobody. */
static void abort_all(hesse_store *store)
{
    fprintf(stderr, "hesse: %s\n", store->team->why.text);
    unlink(store->temporary);
    MPI_Abort(store->team->comm, HESSE_E_OUTPUT);
}

/* Where all ranks know that, one speaks, and the others wait for their end. */
static void abort_together(hesse_store *store)
{
    if (store->team->rank == 0) abort_all(store);
    MPI_Barrier(store->team->comm);
}

/* HDF5 cannot recover from a write that fails for want of room, so room for all that it has
   placed in the file is reserved before it writes. Not every file system can do that. */
void hesse_store_reserve(hesse_store *store)
{
    hsize_t size = 0;
    if (store->status || store->file < 0 || store->team->rank != 0) return;
    const int fd = open(store->temporary, O_WRONLY | O_CLOEXEC);
    H5Fget_filesize(store->file, &size);
    const int error = fd < 0 ? errno : posix_fallocate(fd, 0, (off_t)size);
    if (fd < 0 || error == ENOSPC || error == EDQUOT || error == EFBIG)
        store->status = hesse_fail(&store->team->why, HESSE_E_OUTPUT,
                                   "%s: no room for %llu bytes: %s", store->path,
                                   (unsigned long long)size, strerror(error));
    if (fd >= 0) close(fd);
}

/* Nor can it leave a file without writing the rest of it. After a failure the rest of rank
   0's own file goes to memory and vanishes. */
static void divert(hesse_store *store)
{
    int *fd = NULL;
    const int sink = memfd_create("hesse", 0);
    if (H5Fget_vfd_handle(store->file, H5P_DEFAULT, (void **)&fd) >= 0) dup2(sink, *fd);
    close(sink);
}

/* What all ranks have open cannot be diverted, but it is mostly numbers: without them, a
   full disk has room for the rest. */
static void make_room(hesse_store *store)
{
    if (store->team->rank == 0 && truncate(store->temporary, 0))
        hesse_store_fail(store, "empty", "the file");
    MPI_Barrier(store->team->comm);
}

static void close_file(hesse_store *store)
{
    if (store->file < 0) return;
    hesse_store_reserve(store);
    if (store->parallel && hesse_store_agree(store))
        make_room(store);
    else if (store->status)
        divert(store);
    if (H5Fclose(store->file) < 0) {
        hesse_store_fail(store, "close", "the file");
        /* One message is enough, rank 0's if it has one; SIGTERM interrupts a sleep. */
        for (unsigned left = store->team->rank ? 10 : 0; left;) left = sleep(left);
        abort_all(store);
    }
    store->file = -1;
}

static bool any(const hesse_store *store, bool mine)
{
    int all = mine;
    MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_MAX, store->team->comm);
    return all;
}

void hesse_store_together(hesse_store *store)
{
    const bool some_well = any(store, !store->status);
    if (hesse_store_agree(store) && some_well) abort_together(store);
}

static hesse_status hand_over(hesse_store *store, bool parallel)
{
    close_file(store);
    store->parallel = parallel;
    if (hesse_store_agree(store)) return store->status;
    if (parallel || store->team->rank == 0) {
        const hid_t access = hesse_store_access();
        if (parallel) H5Pset_fapl_mpio(access, store->team->comm, MPI_INFO_NULL);
        store->file = H5Fopen(store->temporary, H5F_ACC_RDWR, access);
        if (store->file < 0) hesse_store_fail(store, "open", "the file");
        H5Pclose(access);
    }
    if (hesse_store_agree(store) && parallel && any(store, store->file >= 0))
        abort_together(store);
    return store->status;
}

hesse_status hesse_store_serial(hesse_store *store)
{
    if (store->status || !store->parallel) return hesse_store_agree(store);
    return hand_over(store, false);
}

hesse_status hesse_store_parallel(hesse_store *store)
{
    if (store->status || store->parallel) return hesse_store_agree(store);
    return hand_over(store, true);
}

static bool sync_path(const char *path, int flags)
{
    const int fd = open(path, flags | O_CLOEXEC);
    const bool good = fd >= 0 && !fsync(fd);
    if (fd >= 0) close(fd);
    return good;
}

/* The name counts only once the folder is on the disk, too. Some file systems cannot sync
   a folder, and the rename stands all the same. */
static void put_in_place(hesse_store *store)
{
    store->status = hesse_stamp_put(store->temporary, &store->team->why);
    if (store->status) return;
    if (!sync_path(store->temporary, O_WRONLY) ||
        rename(store->temporary, store->path)) {
        store->status =
            hesse_fail(&store->team->why, HESSE_E_OUTPUT,
                       "%s: cannot be put in place: %s", store->path, strerror(errno));
        return;
    }
    char *folder = store->path; /* its last use */
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = '\0';
    else
        strcpy(folder, ".");
    sync_path(folder, O_RDONLY | O_DIRECTORY);
}

hesse_status hesse_store_finish(hesse_store *store)
{
    hesse_store_serial(store);
    if (!store->status && store->team->rank == 0) hesse_store_scales(store);
    close_file(store);
    if (!hesse_store_agree(store)) hesse_store_verify(store);
    if (!hesse_store_agree(store) && store->team->rank == 0) put_in_place(store);
    const hesse_status s = hesse_store_agree(store);
    if (s)
        hesse_store_drop(store);
    else
        free_store(store);
    return s;
}

/* A rank may still hold the file open to all: its closing is collective. */
void hesse_store_drop(hesse_store *store)
{
    close_file(store);
    if (store->team->rank == 0 && store->temporary[0]) unlink(store->temporary);
    MPI_Barrier(store->team->comm); /* no rank goes on and finds the file */
    free_store(store);
}
