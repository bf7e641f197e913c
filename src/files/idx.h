/** IDX files of bytes: two zeros, the type, the number of dimensions, each of them
 *  as four bytes (most significant first), the data.
 *  Source: LeCun, Cortes & Burges, "The MNIST database", section "File formats". */
#ifndef HESSE_FILES_IDX_H
#define HESSE_FILES_IDX_H

#include "hesse/status.h"

#include <stddef.h>

enum { HESSE_IDX_RANK = 4 };

typedef struct hesse_idx {
    int rank;
    size_t shape[HESSE_IDX_RANK]; /* each from 1 to 2^24  */
    size_t count;                 /* product of shape     */
    size_t data;                  /* first byte of data   */
} hesse_idx;

/** Local. Read and check the header of a file in memory; the data must fill the rest
 *  of it.
 *
 *  rank  [in]  number of dimensions that is expected, at most HESSE_IDX_RANK.
 *  Errors: HESSE_E_INPUT. */
hesse_status hesse_idx_header(const char *path, const unsigned char *bytes, size_t size,
                              int rank, hesse_idx *idx, hesse_why *why);

#endif /* HESSE_FILES_IDX_H */
