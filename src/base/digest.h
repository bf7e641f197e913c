/** SHA-256 of what goes in, as text, for the provenance of results. */
#ifndef HESSE_BASE_DIGEST_H
#define HESSE_BASE_DIGEST_H

#include "hesse/status.h"

#include <stddef.h>

enum { HESSE_DIGEST_LENGTH = 65 }; /* 64 hexadecimal digits and the end */

/** Local. Digest of bytes. */
void hesse_digest(const void *bytes, size_t count, char digest[HESSE_DIGEST_LENGTH]);

/** Local. Digest of a file's content, read in pieces.
 *  Errors: HESSE_E_INPUT when it cannot be read. */
hesse_status hesse_digest_file(const char *path, char digest[HESSE_DIGEST_LENGTH],
                               hesse_why *why);

#endif /* HESSE_BASE_DIGEST_H */
