/** A part file: records of finished work. A file with its final name is complete; a
 * digest and checksums show later damage.
 *
 *  The bytes are: 16 for a name with the version, 64 for the identity of the job, 48
 * zeros; then the records, each with 8 int32 (the name of the record), an uint64
 * count, the checksum of the doubles, and count doubles; at the end 64 hexadecimal
 * digits, the SHA-256 of everything except the doubles. */
#ifndef HESSE_CHECKPOINT_PART_FILE_H
#define HESSE_CHECKPOINT_PART_FILE_H

#include "base/digest.h"
#include "checkpoint/record.h"
#include "hesse/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The place of a record. */
typedef struct hesse_part_entry {
    hesse_record what;
    int file;               /* number of the file; the caller's */
    uint64_t offset, count; /* offset of its doubles in bytes, and their number */
} hesse_part_entry;

typedef struct hesse_part_writer hesse_part_writer;

/** Local. Begin a file under the name path.tmp, which must not exist.
 *
 *  identity  [in]  HESSE_DIGEST_LENGTH - 1 digits of the job that the work belongs to.
 *  Errors: HESSE_E_OUTPUT, HESSE_E_NOMEM. */
hesse_status hesse_part_new(const char *path, const char *identity,
                            hesse_part_writer **writer, hesse_why *why);

/** Local. Add a record. Errors: HESSE_E_OUTPUT. */
hesse_status hesse_part_write(hesse_part_writer *writer, const hesse_record *what,
                              size_t count, const double *numbers, hesse_why *why);

/** Local. Bring the file to the disk and give it its name. The writer is freed for any
 * status. Errors: HESSE_E_OUTPUT. */
hesse_status hesse_part_finish(hesse_part_writer *writer, hesse_why *why);

/** Local. Give up and remove the file. NULL is legal. */
void hesse_part_drop(hesse_part_writer *writer);

/** Local. Read a whole file and list its records.
 *
 *  entries  [out]  count of them, with file 0; the caller frees them.
 *  Memory: the list.
 *  Errors: HESSE_E_INPUT when the file is damaged or belongs to another job;
 *  HESSE_E_NOMEM. */
hesse_status hesse_part_scan(const char *path, const char *identity,
                             hesse_part_entry **entries, size_t *count, hesse_why *why);

/** Local. Read the numbers of a record. Errors: HESSE_E_OUTPUT. */
hesse_status hesse_part_read(const char *path, const hesse_part_entry *entry,
                             double *numbers, hesse_why *why);

/** Local. Bring a folder's names to the disk. Some file systems cannot do that. */
void hesse_sync_folder(const char *folder);

#endif /* HESSE_CHECKPOINT_PART_FILE_H */
