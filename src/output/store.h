/** One HDF5 file that rank 0 writes for a team: a thin layer over HDF5 for this folder.
 *
 *  It has a temporary name until it is complete. Every dataset is remembered with a
 * checksum, and is read back at the end.
 *
 *  The first failure is kept, as by ferror of stdio: later Local calls do nothing, and
 * the next Collective call returns it on every rank. */
#ifndef HESSE_OUTPUT_STORE_H
#define HESSE_OUTPUT_STORE_H

#include "base/digest.h"
#include "hesse/team.h"
#include "output/schema.h"
#include "parallel/dmat.h"

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

/** A dataset that was written and has not been read back yet, or a link to one. */
typedef struct hesse_written {
    char *path;
    size_t prefix; /* bytes of the path that name the place of the result */
    hesse_content content;
    const char *units;
    hesse_axis_name axes[2];
    int draw;  /* as in the schema */
    bool link; /* its axes are those of the dataset itself */
    /* It is a matrix: all ranks remember it, and each rank reads a band of it back. */
    bool shared;
    uint64_t checksum; /* of this rank's entries */
    struct hesse_written *next;
} hesse_written;

typedef struct hesse_store {
    hesse_team *team;
    char *path, *temporary;
    hid_t file; /* negative: closed, or this is not rank 0 */
    const char
        *prefix; /* of all paths: the place of the result that is being written */
    hesse_status status; /* the first failure */
    hesse_written *first, *last;
} hesse_store;

/** Local. The settings for opening a file: without locks, which fail on some network
 * file systems, and with all its open objects closed when it is closed. The caller
 * closes it with H5Pclose. */
hid_t hesse_store_access(void);

/** Local. Check that a file may have this name. Errors: HESSE_E_OUTPUT when it is the
 * name of a folder or a device, or empty. */
hesse_status hesse_store_check(const char *path, hesse_why *why);

/** Collective. Make an empty file in a folder of the same file system, or, for NULL, in
 * the folder of path. It is open on rank 0. It follows no link that another user has
 * put there. Errors: those of the check; HESSE_E_OUTPUT when its folder is missing or
 * not writable; HESSE_E_NOMEM. */
hesse_status hesse_store_new(hesse_team *team, const char *path, const char *folder,
                             hesse_store **store);

/** Collective. Give all ranks the first failure of any rank, and return it. */
hesse_status hesse_store_agree(hesse_store *store);

/** Local. Reserve disk space for everything that was created. */
void hesse_store_reserve(hesse_store *store);

/** Local. Record a failure to do something to a part of the file, with HDF5's reason;
 * and record that memory is exhausted. */
void hesse_store_fail(hesse_store *store, const char *doing, const char *what);
void hesse_store_no_memory(hesse_store *store);

/** Local. Make a path from a format and its values. A path that is too long is a
 * failure and is not cut. Returns path. */
const char *hesse_store_path(hesse_store *store, char path[HESSE_PATH],
                             const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Local. Write a dataset with 0, 1 or 2 dimensions, and the groups above it. Its
 * values are numbers, whole numbers, or texts (UTF-8, of one length; 0 or 1
 * dimension). */
void hesse_store_doubles(hesse_store *store, const hesse_set *set, int rank,
                         const size_t *shape, const double *values);
void hesse_store_wholes(hesse_store *store, const hesse_set *set, int rank,
                        const size_t *shape, const int64_t *values);
void hesse_store_texts(hesse_store *store, const hesse_set *set, int rank,
                       const size_t *shape, const char *const *values);

/** Local. Make the link to another dataset that the row of a path describes, and the
 * groups above it; nothing if that dataset was not written. */
void hesse_store_link(hesse_store *store, const char *path);

/** Local. Add an attribute to the object at a path, "/" for the place of the result. */
void hesse_store_note_text(hesse_store *store, const char *path, const char *name,
                           const char *text);
void hesse_store_note_texts(hesse_store *store, const char *path, const char *name,
                            size_t count, const char *const *texts);
void hesse_store_note_number(hesse_store *store, const char *path, const char *name,
                             double number);
void hesse_store_note_whole(hesse_store *store, const char *path, const char *name,
                            int64_t number);

/** Collective. Write a symmetric matrix. Its rows go through rank 0. Memory: on rank 0
 * twice 32 MiB, or two rows if they are longer. */
void hesse_store_matrix(hesse_store *store, const hesse_set *set,
                        const hesse_held *matrix);

/** Local. Remember a dataset for the end; NULL when memory is exhausted. */
hesse_written *hesse_store_remember(hesse_store *store, const hesse_set *set);

/** Local, on every rank. Forget all datasets below a prefix of one or two groups, and
 * remove its last group from the file. */
void hesse_store_remove(hesse_store *store, const char *prefix);

/** Local. Create a dataset in its groups, with its units and description; negative
 * after a failure. */
hid_t hesse_store_create(hesse_store *store, const hesse_set *set, hid_t type,
                         hid_t space);

/** Local to rank 0. Write the attributes of NeXus, by which viewers find what can be
 * drawn, to the root and to all groups. */
void hesse_store_describe(hesse_store *store);

/** Collective, with the file closed. Read everything back and compare. */
void hesse_store_read_back(hesse_store *store);

/** Collective. Attach scales, read the file back, flush it to the disk and rename it.
 * Frees the store; after an error the temporary file is gone. */
hesse_status hesse_store_finish(hesse_store *store);

/** Collective. Remove the temporary file and free. */
void hesse_store_drop(hesse_store *store);

#endif /* HESSE_OUTPUT_STORE_H */
