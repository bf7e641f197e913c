/* A file is written from front to back, with a running digest. It is also read from
   front to back, so that a scan needs memory only for the list. Counts in the file are
   compared with the length of the file before they are used. The doubles have a
   checksum instead of a digest: it is ten times as fast as SHA-256, which would take as
   much time as the computation of the doubles in small models. */
#include "checkpoint/part_file.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIGITS = HESSE_DIGEST_LENGTH - 1, PIECE = 1 << 13 };

static const char MAGIC[16] = "hesse part 1\n";
static const char DIFFERS[] = "is not what was written: a checksum differs";

typedef struct head {
    char magic[sizeof MAGIC], identity[DIGITS], zeros[48];
} head;

typedef struct record_head {
    int32_t what[8];
    uint64_t count, checksum;
} record_head;

struct hesse_part_writer {
    FILE *file;
    hesse_digester *digest;
    char *path, *temporary;
};

static hesse_status cannot(const hesse_part_writer *w, const char *doing,
                           hesse_why *why)
{
    return hesse_fail(why, HESSE_E_OUTPUT, "%s: cannot be %s: %s", w->path, doing,
                      strerror(errno));
}

static hesse_status put(hesse_part_writer *w, const void *bytes, size_t count,
                        hesse_why *why)
{
    if (fwrite(bytes, 1, count, w->file) < count) return cannot(w, "written", why);
    hesse_digest_add(w->digest, bytes, count);
    return HESSE_OK;
}

static void free_writer(hesse_part_writer *w)
{
    hesse_digest_drop(w->digest);
    free(w->path);
    free(w->temporary);
    free(w);
}

void hesse_part_drop(hesse_part_writer *w)
{
    if (!w) return;
    if (w->file) {
        fclose(w->file);
        unlink(w->temporary);
    }
    free_writer(w);
}

static hesse_status create(hesse_part_writer *w, const char *identity, hesse_why *why)
{
    const int fd = open(w->temporary, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
    if (fd < 0) return cannot(w, "created", why);
    w->file = fdopen(fd, "wb");
    if (!w->file) {
        close(fd);
        unlink(w->temporary);
        return cannot(w, "created", why);
    }
    head h = {{0}, {0}, {0}};
    memcpy(h.magic, MAGIC, sizeof MAGIC);
    memcpy(h.identity, identity, DIGITS);
    return put(w, &h, sizeof h, why);
}

hesse_status hesse_part_new(const char *path, const char *identity,
                            hesse_part_writer **writer, hesse_why *why)
{
    hesse_part_writer *w = hesse_calloc(1, sizeof *w);
    if (w) {
        w->digest = hesse_digest_begin();
        w->path = hesse_copy(path);
        w->temporary = hesse_calloc(strlen(path) + 5, 1);
    }
    hesse_status s = HESSE_OK;
    if (!w || !w->digest || !w->path || !w->temporary)
        s = hesse_fail(why, HESSE_E_NOMEM, "%s: no memory", path);
    if (!s) {
        strcat(strcpy(w->temporary, path), ".tmp");
        s = create(w, identity, why);
    }
    if (s)
        hesse_part_drop(w);
    else
        *writer = w;
    return s;
}

hesse_status hesse_part_write(hesse_part_writer *w, const hesse_record *what,
                              size_t count, const double *numbers, hesse_why *why)
{
    const record_head h = {{what->kind, what->share, what->block, what->blocks,
                            what->piece, what->first, what->count, what->step},
                           count,
                           hesse_checksum(0, numbers, count)};
    const hesse_status s = put(w, &h, sizeof h, why);
    if (!s && fwrite(numbers, sizeof *numbers, count, w->file) < count)
        return cannot(w, "written", why);
    return s;
}

void hesse_sync_folder(const char *folder)
{
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    fsync(fd);
    close(fd);
}

static void sync_folder_of(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash) *slash = '\0';
    hesse_sync_folder(slash ? path : ".");
}

hesse_status hesse_part_finish(hesse_part_writer *w, hesse_why *why)
{
    char digest[HESSE_DIGEST_LENGTH];
    hesse_digest_end(w->digest, digest);
    w->digest = NULL;
    bool good = fwrite(digest, 1, DIGITS, w->file) == DIGITS && !fflush(w->file) &&
                !fsync(fileno(w->file));
    hesse_status s = good ? HESSE_OK : cannot(w, "written", why);
    if (fclose(w->file) && !s) s = cannot(w, "written", why);
    w->file = NULL;
    if (!s && rename(w->temporary, w->path)) s = cannot(w, "put in place", why);
    if (s)
        unlink(w->temporary);
    else
        sync_folder_of(w->path);
    free_writer(w);
    return s;
}

/* A file that is read from front to back. */
typedef struct reader {
    const char *path;
    FILE *file;
    uint64_t at, end; /* of the bytes that the digest covers */
    hesse_digester *digest;
    hesse_why *why;
} reader;

static hesse_status damaged(const reader *r, const char *how)
{
    return hesse_fail(r->why, HESSE_E_INPUT, "%s: %s", r->path, how);
}

static hesse_status take(reader *r, void *bytes, size_t count)
{
    if (count > r->end - r->at) return damaged(r, "ends within a record");
    if (fread(bytes, 1, count, r->file) < count) return damaged(r, "cannot be read");
    r->at += count;
    return HESSE_OK;
}

static hesse_status take_digested(reader *r, void *bytes, size_t count)
{
    const hesse_status s = take(r, bytes, count);
    if (!s) hesse_digest_add(r->digest, bytes, count);
    return s;
}

/* Compare the doubles of a record with its checksum. */
static hesse_status pass_over(reader *r, const record_head *h)
{
    double piece[PIECE];
    uint64_t sum = 0;
    hesse_status s = HESSE_OK;
    for (uint64_t at = 0; !s && at < h->count; at += PIECE) {
        const size_t count = h->count - at < PIECE ? h->count - at : PIECE;
        s = take(r, piece, count * sizeof *piece);
        if (!s) sum += hesse_checksum(at, piece, count);
    }
    return s || sum == h->checksum ? s : damaged(r, DIFFERS);
}

static hesse_status check_head(reader *r, const char *identity)
{
    head h;
    const hesse_status s = take_digested(r, &h, sizeof h);
    if (s) return s;
    if (memcmp(h.magic, MAGIC, sizeof MAGIC) != 0)
        return damaged(r, "is no part file of this version");
    if (memcmp(h.identity, identity, DIGITS) != 0)
        return damaged(r, "belongs to another job");
    return HESSE_OK;
}

/* Add an entry to the list; its room doubles when it is full. */
static hesse_part_entry *grow(hesse_part_entry **list, size_t count)
{
    if (count & (count - 1)) return *list + count;
    hesse_part_entry *more = hesse_calloc(count ? 2 * count : 1, sizeof *more);
    if (!more) return NULL;
    if (count) memcpy(more, *list, count * sizeof *more);
    free(*list);
    *list = more;
    return *list + count;
}

static hesse_status take_record(reader *r, hesse_part_entry **list, size_t *count)
{
    record_head h;
    hesse_status s = take_digested(r, &h, sizeof h);
    if (s) return s;
    if (h.count > (r->end - r->at) / sizeof(double))
        return damaged(r, "ends within a record");
    hesse_part_entry *e = grow(list, *count);
    if (!e) return hesse_fail(r->why, HESSE_E_NOMEM, "%s: no memory", r->path);
    const int32_t *w = h.what;
    *e = (hesse_part_entry){.what = {w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]},
                            .offset = r->at,
                            .count = h.count};
    ++*count;
    return pass_over(r, &h);
}

static hesse_status check_digest(reader *r)
{
    char found[HESSE_DIGEST_LENGTH], stored[DIGITS];
    hesse_digest_end(r->digest, found);
    r->digest = NULL;
    if (fread(stored, 1, DIGITS, r->file) < DIGITS) return damaged(r, "cannot be read");
    if (memcmp(stored, found, DIGITS) != 0) return damaged(r, DIFFERS);
    return HESSE_OK;
}

/* The file must not be a link or a device, and must have at least the shortest possible
   length. */
static hesse_status open_file(reader *r)
{
    struct stat info;
    const int fd = open(r->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return damaged(r, strerror(errno));
    if (fstat(fd, &info) || !S_ISREG(info.st_mode) ||
        info.st_size < (off_t)(sizeof(head) + DIGITS)) {
        close(fd);
        return damaged(r, "is no part file");
    }
    r->end = (uint64_t)info.st_size - DIGITS;
    r->file = fdopen(fd, "rb");
    if (!r->file) close(fd);
    r->digest = hesse_digest_begin();
    if (!r->file || !r->digest)
        return hesse_fail(r->why, HESSE_E_NOMEM, "%s: no memory", r->path);
    return HESSE_OK;
}

hesse_status hesse_part_scan(const char *path, const char *identity,
                             hesse_part_entry **entries, size_t *count, hesse_why *why)
{
    reader r = {.path = path, .why = why};
    *entries = NULL, *count = 0;
    hesse_status s = open_file(&r);
    if (!s) s = check_head(&r, identity);
    while (!s && r.at < r.end) s = take_record(&r, entries, count);
    if (!s) s = check_digest(&r);
    hesse_digest_drop(r.digest);
    if (r.file) fclose(r.file);
    if (s) {
        free(*entries);
        *entries = NULL, *count = 0;
    }
    return s;
}

hesse_status hesse_part_read(const char *path, const hesse_part_entry *entry,
                             double *numbers, hesse_why *why)
{
    const size_t bytes = entry->count * sizeof *numbers;
    const int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    size_t done = 0;
    while (fd >= 0 && done < bytes) {
        const ssize_t got = pread(fd, (char *)numbers + done, bytes - done,
                                  (off_t)(entry->offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        done += (size_t)got;
    }
    hesse_status s = HESSE_OK;
    if (done < bytes)
        s = hesse_fail(why, HESSE_E_OUTPUT, "%s: cannot be read again: %s", path,
                       strerror(errno));
    if (fd >= 0) close(fd);
    return s;
}
