/** The stamp of a result file: its last HESSE_STAMP bytes, after the end of the HDF5
 * file, are text with the SHA-256 of all that comes before. `head -c -128 FILE |
 * sha256sum` prints the same digest. Files of schema 1 have it in the first 512 bytes,
 * which HDF5 calls the user block, for all that follows. */
#ifndef HESSE_OUTPUT_STAMP_H
#define HESSE_OUTPUT_STAMP_H

#include "hesse/status.h"

enum { HESSE_STAMP = 128 };

/** Local. Stamp a file that is complete; a stamp that it has is
 * replaced. Errors: HESSE_E_OUTPUT, HESSE_E_NOMEM. */
hesse_status hesse_stamp_put(const char *path, hesse_why *why);

/** Local. Check that a file has not changed since it was stamped. Errors: HESSE_E_INPUT
 * when it has changed, has no stamp, or cannot be read. */
hesse_status hesse_stamp_check(const char *path, hesse_why *why);

#endif /* HESSE_OUTPUT_STAMP_H */
