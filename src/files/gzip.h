/** Files that may be compressed by gzip (RFC 1952), in memory as a whole. */
#ifndef HESSE_FILES_GZIP_H
#define HESSE_FILES_GZIP_H

#include "hesse/status.h"

#include <stddef.h>

enum { HESSE_GZIP_MOST = 1 << 30 };

/** Local. The content of a file, decompressed if it is gzip; the caller frees it.
 *  Errors: HESSE_E_INPUT when the file is missing, damaged or has more than
 *  HESSE_GZIP_MOST bytes; HESSE_E_NOMEM. */
hesse_status hesse_gzip_load(const char *path, unsigned char **bytes, size_t *size,
                             hesse_why *why);

#endif /* HESSE_FILES_GZIP_H */
