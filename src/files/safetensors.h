/** Reader of safetensors files: 8 bytes of header length, a JSON header, the data.
 *  Source: https://github.com/huggingface/safetensors, README, "Format". */
#ifndef HESSE_FILES_SAFETENSORS_H
#define HESSE_FILES_SAFETENSORS_H

#include "base/digest.h"
#include "hesse/status.h"

#include <stddef.h>

enum { HESSE_TENSOR_RANK = 8 };

typedef struct hesse_tensor {
    const char *name; /* borrowed from the reader; holds no control character */
    const char *type; /* "F32" and so on                                      */
    int rank;         /* 0: a scalar, of one element                          */
    size_t shape[HESSE_TENSOR_RANK];
    size_t count;         /* product of shape                         */
    size_t shard, offset; /* number of its file, and its place in the file's data */
} hesse_tensor;

typedef struct hesse_safetensors hesse_safetensors;

/** Local. Open a .safetensors file, or a model.safetensors.index.json with the shards
 * that it names (which lie in its folder), or a folder that holds one of these under
 * the usual name. Check the headers completely: the type, shape and bytes of every
 * tensor. There must be no overlap, no hole, nothing after the end and no name twice.
 *
 *  Errors: HESSE_E_INPUT, HESSE_E_NOMEM. */
hesse_status hesse_safetensors_open(const char *path, hesse_safetensors **file,
                                    hesse_why *why);
void hesse_safetensors_close(hesse_safetensors *file);

/** Local. The number of tensors; and tensor i in order of name, of any type. They are
 * in one array. */
size_t hesse_safetensors_count(const hesse_safetensors *file);
const hesse_tensor *hesse_safetensors_tensor(const hesse_safetensors *file, size_t i);

/** Local. The tensor with a name, or NULL. */
const hesse_tensor *hesse_safetensors_find(const hesse_safetensors *file,
                                           const char *name);

/** Local. Read all elements of a tensor, row-major, converted to double.
 *
 *  values  [out]  tensor->count numbers.
 *  Errors: HESSE_E_INPUT when the type is not F64, F32, F16 or BF16, when reading fails
 *  or a value is not finite (naming the first such element). */
hesse_status hesse_safetensors_read(const hesse_safetensors *file,
                                    const hesse_tensor *tensor, double *values,
                                    hesse_why *why);

/** Local. The same, but values that are not finite are no error. */
hesse_status hesse_safetensors_read_any(const hesse_safetensors *file,
                                        const hesse_tensor *tensor, double *values,
                                        hesse_why *why);

/** Local. The SHA-256 of the file, as sha256sum prints it. For several shards it is the
 * SHA-256 of their digests, one in each line, in order of their names.
 *  Errors: HESSE_E_INPUT when a file cannot be read; HESSE_E_NOMEM. */
hesse_status hesse_safetensors_digest(const hesse_safetensors *file,
                                      char digest[HESSE_DIGEST_LENGTH], hesse_why *why);

enum { HESSE_SHAPE_SHOWN = 192 };

/** Local. A shape or an index for a message: "[3, 4]". */
void hesse_shape_show(int rank, const size_t *shape, char shown[HESSE_SHAPE_SHOWN]);

#endif /* HESSE_FILES_SAFETENSORS_H */
