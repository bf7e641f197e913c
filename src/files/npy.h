/** NumPy's .npy: a magic string, a header that is a Python dictionary, the data.
 *  Source: NumPy manual, numpy.lib.format, "Format Version 1.0" to "3.0". */
#ifndef HESSE_FILES_NPY_H
#define HESSE_FILES_NPY_H

#include "hesse/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { HESSE_NPY_RANK = 8 };

typedef struct hesse_npy {
    char kind; /* 'i', 'u', 'f', 'b' (bool), ... as in the type's name */
    int width; /* bytes of an element                                  */
    bool big;  /* the most significant byte is first                   */
    bool fortran;
    int rank;
    size_t shape[HESSE_NPY_RANK];
    size_t count; /* product of shape          */
    size_t data;  /* first byte in the file    */
} hesse_npy;

/** Local. Read and check the header; the data must fill the rest of the file.
 *
 *  size  [in]  of the file, in bytes.
 *  Errors: HESSE_E_INPUT; HESSE_E_NOMEM. */
hesse_status hesse_npy_header(FILE *file, const char *path, size_t size, hesse_npy *npy,
                              hesse_why *why);

/** Local. Decode one element from its bytes. Kinds 'i', 'u' and 'b' of at most 8 bytes
 * are integers; an unsigned one above INT64_MAX becomes negative. Kind 'f' of 4 or 8
 * bytes is a number, too. */
int64_t hesse_npy_integer(const hesse_npy *npy, const unsigned char *bytes);
double hesse_npy_number(const hesse_npy *npy, const unsigned char *bytes);

#endif /* HESSE_FILES_NPY_H */
