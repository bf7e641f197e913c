/** A result file that is not trusted; only HDF5 is. A dataset that is larger than the
 * file is not read. Paths are those of the present schema, and are translated for an
 * older file. The first failure is kept, as in the writer. */
#ifndef HESSE_OUTPUT_READER_H
#define HESSE_OUTPUT_READER_H

#include "hesse/spectrum.h"
#include "hesse/status.h"
#include "output/schema.h"

#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct hesse_reader {
    const char *path;
    hid_t file;
    /* Of all paths below: the place of a result in the file, "steps/000100/"; "" is the
       root. */
    const char *place;
    int version;  /* of its schema; 0: the file has none, and is no result */
    size_t bytes; /* of the file */
    hesse_why *why;
    hesse_status status; /* the first failure */
} hesse_reader;

/** Local. Open a file. The caller closes it with H5Fclose(reader->file).
 *  Errors: HESSE_E_INPUT when there is no file or it is not HDF5. */
hesse_status hesse_reader_open(const char *path, hesse_reader *r, hesse_why *why);

/** Local. Fail if the file is no result of a schema that can be read. */
void hesse_reader_expect_result(hesse_reader *r);

/** Local. Record a failure: something is not as expected. */
void hesse_reader_fail(hesse_reader *r, const char *what, const char *expected);

/** Local. The path in the file of an object of the result. Returns room, or NULL if the
 * file's schema has no such object. */
const char *hesse_reader_path(const hesse_reader *r, const char *path,
                              char room[HESSE_PATH]);

/** Local. True if there is an object at a path; the groups of the path must exist. */
bool hesse_reader_has(const hesse_reader *r, const char *path);

/** Local. Read a whole dataset of at most two dimensions, as `type`, or as texts of one
 * length if `type` is negative. The caller frees it.
 *
 *  count  [out]  values, and a zero byte follows them.
 *  size   [out]  bytes of a value.
 *  Returns NULL after a failure. */
void *hesse_reader_set(hesse_reader *r, const char *path, hid_t type, size_t *count,
                       size_t *size);

/** Local. The same for a known number of values. */
void *hesse_reader_column(hesse_reader *r, const char *path, hid_t type, size_t count);

/** Local. Copy entry i of texts of one size, cut to `room` bytes with its end. Returns
 * text. */
const char *hesse_reader_text(const char *texts, size_t size, size_t i, char *text,
                              size_t room);

/** Local. Read one attribute as text; "" for a kind that this schema does not have, for
 * several lines, and for a text that is too long. */
void hesse_reader_attribute(hid_t object, const char *name, char *text, size_t room);

/** Local. Return the precision of the formed matrices of a result. */
hesse_precision hesse_reader_precision(const hesse_reader *reader);

/** Local. Read a text that the root has as an attribute, or, if it is long, as a
 * dataset of the same name. Returns NULL if there is none, or when memory is exhausted;
 * the caller frees it. */
char *hesse_reader_note(hesse_reader *r, const char *name);

#endif /* HESSE_OUTPUT_READER_H */
