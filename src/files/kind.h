/** The format of a file by its first bytes, for messages about files that are not in
 * the format that their reader expects. */
#ifndef HESSE_FILES_KIND_H
#define HESSE_FILES_KIND_H

#include "hesse/status.h"

typedef enum hesse_file_kind {
    HESSE_FILE_UNKNOWN,
    HESSE_FILE_SAFETENSORS,
    HESSE_FILE_NPY,
    HESSE_FILE_JSON,
    HESSE_FILE_GZIP,
    HESSE_FILE_LFS,         /* a pointer of Git LFS                              */
    HESSE_FILE_LINK,        /* a symbolic link that was copied as its text       */
    HESSE_FILE_PAGE,        /* HTML or XML                                       */
    HESSE_FILE_PYTORCH_ZIP, /* torch.save since PyTorch 1.6                      */
    HESSE_FILE_PYTORCH,     /* torch.save before, a pickle                       */
    HESSE_FILE_NPZ,
    HESSE_FILE_ZIP,
    HESSE_FILE_PICKLE,
    HESSE_FILE_GGUF,
    HESSE_FILE_HDF5,
    HESSE_FILE_PARQUET,
    HESSE_FILE_ARROW,
    HESSE_FILE_TAR,
    HESSE_FILE_IMAGE, /* PNG or JPEG                                       */
    HESSE_FILE_KINDS
} hesse_file_kind;

/** Local. The format of a file; HESSE_FILE_UNKNOWN also for a file that is empty or
 * cannot be read. */
hesse_file_kind hesse_file_kind_of(const char *path);

/** Local. Replace the reason why a reader refused a file by one that says what the file
 *  is and what to do, if its first bytes are of a format other than the expected one.
 *  Other reasons stay. Call it with the status of the reader.
 *
 *  expected  [in]  the format that the reader reads.
 *  Returns status. */
hesse_status hesse_file_explain(const char *path, hesse_file_kind expected,
                                hesse_status status, hesse_why *why);

#endif /* HESSE_FILES_KIND_H */
