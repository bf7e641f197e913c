/** Writer of safetensors files.
 *  Source: https://github.com/huggingface/safetensors, README, "Format". */
#ifndef HESSE_FILES_SAFETENSORS_WRITE_H
#define HESSE_FILES_SAFETENSORS_WRITE_H

#include "hesse/status.h"

#include <stddef.h>

enum { HESSE_WRITE_RANK = 4 };

/** A tensor to write; its numbers are requested when it is written. */
typedef struct hesse_tensor_out {
    const char *name;
    int rank;
    size_t shape[HESSE_WRITE_RANK];
} hesse_tensor_out;

/** Local. Write a file under a temporary name beside it and rename it when it is
 * complete.
 *
 *  tensors  [in]  count of them, with different names.
 *  bytes    [in]  of a number: 8 (F64) or 4 (F32).
 *  values   [in]  returns the numbers of tensor i, row-major. It is called once for
 * each tensor, in order, and returns NULL when memory is exhausted. Errors:
 * HESSE_E_OUTPUT, which names the file; HESSE_E_NOMEM. */
hesse_status hesse_safetensors_write(const char *path, size_t count,
                                     const hesse_tensor_out *tensors, int bytes,
                                     const double *(*values)(void *context, size_t i),
                                     void *context, hesse_why *why);

#endif /* HESSE_FILES_SAFETENSORS_WRITE_H */
