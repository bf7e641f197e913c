/** A folder that has a folder of PNG files for each class. */
#ifndef HESSE_DATA_CLASS_FOLDERS_H
#define HESSE_DATA_CLASS_FOLDERS_H

#include "base/digest.h"
#include "hesse/status.h"

#include <stddef.h>

typedef struct hesse_class_folders {
    int rows, cols, channels;
    size_t count, classes;
    unsigned char *pixels; /* count x rows x cols x channels                         */
    unsigned char *labels; /* count; the caller frees both                           */
} hesse_class_folders;

/** Local. Read all images. Folders are classes 0, 1, ... in ascending order of their
 *  names, and files stand in ascending order too. Names with a dot in front are left
 *  out.
 *
 *  digest  [in,out]  the names of the classes and all files are added.
 *  Errors: HESSE_E_INPUT if there are no such folders or more than 256, or if a file is
 *  no PNG image of the size of the first one; HESSE_E_NOMEM. After an error there is
 *  nothing to free. */
hesse_status hesse_class_folders_read(const char *folder, hesse_digester *digest,
                                      hesse_class_folders *images, hesse_why *why);

#endif /* HESSE_DATA_CLASS_FOLDERS_H */
