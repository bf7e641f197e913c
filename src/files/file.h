/** Input files are opened, measured and read here, with one clear message for each
 * error. */
#ifndef HESSE_FILES_FILE_H
#define HESSE_FILES_FILE_H

#include "hesse/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/** Local. Open a file for reading.
 *
 *  file  [out]  the caller gives it to fclose.
 *  size  [out]  in bytes, at least 1.
 *  Errors: HESSE_E_INPUT when the file is missing, empty, a folder or no regular
 *  file. */
hesse_status hesse_file_open(const char *path, FILE **file, size_t *size,
                             hesse_why *why);

/** Local. Read count bytes from an offset on.
 *  Errors: HESSE_E_INPUT when the file is too short or cannot be read. */
hesse_status hesse_file_read(FILE *file, const char *path, size_t offset, size_t count,
                             void *bytes, hesse_why *why);

/** Local. A whole file in memory; the caller frees it.
 *  Errors: as hesse_file_open, and HESSE_E_NOMEM. */
hesse_status hesse_file_load(const char *path, char **bytes, size_t *size,
                             hesse_why *why);

/** Local. */
bool hesse_file_exists(const char *path);
bool hesse_file_is_folder(const char *path);
bool hesse_file_ends_with(const char *path, const char *end);

/** Local. "folder/name", or NULL when memory is exhausted; the caller frees it. */
char *hesse_file_join(const char *folder, const char *name);

/** Local. The file that a path stands for: `name` in a folder, else the path itself;
 *  NULL when memory is exhausted; the caller frees it. */
char *hesse_file_inside(const char *path, const char *name);

#endif /* HESSE_FILES_FILE_H */
