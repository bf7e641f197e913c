/** SHA-256 as text, for the provenance of results; and a fast checksum for data that
 * are written and read again. */
#ifndef HESSE_BASE_DIGEST_H
#define HESSE_BASE_DIGEST_H

#include "hesse/status.h"

#include <stddef.h>
#include <stdint.h>

enum { HESSE_DIGEST_LENGTH = 65 }; /* 64 hexadecimal digits and the end */

/** Local. Digest of bytes. */
void hesse_digest(const void *bytes, size_t count, char digest[HESSE_DIGEST_LENGTH]);

/** Local. Digest of bytes that come piece by piece. _end gives the digest and frees the
 * digester; _drop only frees it. _begin returns NULL when memory is exhausted. */
typedef struct hesse_digester hesse_digester;
hesse_digester *hesse_digest_begin(void);
void hesse_digest_add(hesse_digester *d, const void *bytes, size_t count);
void hesse_digest_end(hesse_digester *d, char digest[HESSE_DIGEST_LENGTH]);
void hesse_digest_drop(hesse_digester *d);

/** Local. The sum over 8-byte words of a mixture of each word and its index in the
 * dataset, so any rank may sum parts of a dataset in any order. */
uint64_t hesse_checksum(size_t index, const void *words, size_t count);

/** Local. Digest of a file's content, which is read in pieces.
 *  Errors: HESSE_E_INPUT when it cannot be read. */
hesse_status hesse_digest_file(const char *path, char digest[HESSE_DIGEST_LENGTH],
                               hesse_why *why);

#endif /* HESSE_BASE_DIGEST_H */
