/** PNG images of 8 bits, grey or RGB, without alpha.
 *  Source: PNG specification, ISO/IEC 15948. */
#ifndef HESSE_FILES_PNG_H
#define HESSE_FILES_PNG_H

#include "hesse/status.h"

#include <stddef.h>

typedef struct hesse_png {
    int rows, cols, channels; /* 1 or 3 */
    unsigned char
        *pixels; /* rows x cols x channels, as stored; the caller frees them */
} hesse_png;

/** Local. Decode a file in memory. Pixels are the stored numbers: gamma and colour
 *  profiles are not applied.
 *
 *  path  [in]  of the file, for messages.
 *  Errors: HESSE_E_INPUT for another format, another depth or damage, or if the program
 *  was built without libpng; HESSE_E_NOMEM. */
hesse_status hesse_png_decode(const char *path, const void *bytes, size_t size,
                              hesse_png *png, hesse_why *why);

#endif /* HESSE_FILES_PNG_H */
