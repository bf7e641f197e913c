/** Examples and their targets. */
#ifndef HESSE_NETWORK_BATCH_H
#define HESSE_NETWORK_BATCH_H

#include "base/digest.h"
#include "hesse/data.h"
#include "hesse/status.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    HESSE_IGNORED = -100, /* a label that does not count */
    HESSE_BATCH_FORM = 256
};

/** Every example is a sequence of `context` tokens; each token is an id or `width`
 *  numbers. The pixels of an image are its tokens, row by row, and their channels are
 *  the numbers. Targets are labels or numbers. An array that a batch does not have is
 *  NULL, a size that it does not have is 0. The struct is long because all kinds of
 *  data share it. */
typedef struct hesse_batch {
    int sequences, context; /* examples; tokens of one                             */
    int *input;             /* sequences x context ids                             */
    int vocabulary;         /* ids are 0 ... vocabulary - 1                        */
    int *end, *from;        /* sequences x context: a token attends to the tokens
                               from ... end - 1 of its sequence; NULL: as the model
                               has it, and from 0 on                               */
    int *position, *type;   /* sequences x context: positions, and segments, where
                               they are not 0, 1, ... and 0; else NULL             */
    double *x;              /* sequences x context x width                         */
    int width;
    int rows, cols;    /* of images: context = rows x cols                         */
    int *target;       /* sequences x labels; below 0: ignored                     */
    int labels;        /* of one example: one for every token, or 1                */
    int classes;       /* labels are 0 ... classes - 1                             */
    double *wanted;    /* sequences x wanted_tokens x wanted_width                 */
    int wanted_tokens; /* of one example                                           */
    int wanted_width;
    bool near_outputs; /* `wanted` is to be added to the outputs of the network at its
                          initial values */
    hesse_data_reading reading;
    char digest[HESSE_DIGEST_LENGTH]; /* of the files, or of the kind and its seed */
    char form[HESSE_BATCH_FORM]; /* how images were read, in words; "": no images */
} hesse_batch;

/** One of the arrays of a batch: its place, and its number of bytes for one example. */
typedef struct hesse_batch_array {
    void **at;
    size_t each;
} hesse_batch_array;

enum { HESSE_BATCH_ARRAYS = 8 };

/** Local. List all arrays of a batch; *at is NULL for an array that the batch does not
 *  have. */
void hesse_batch_arrays(hesse_batch *batch,
                        hesse_batch_array arrays[HESSE_BATCH_ARRAYS]);

/** Local. Return examples first ... first + count - 1 of a batch. Micro-batch i of size
 *  b is hesse_batch_slice(all, i * b, b). The slice is borrowed: its arrays lie in the
 *  arrays of `all`, and the caller does not free it. */
hesse_batch hesse_batch_slice(const hesse_batch *all, int first, int count);

/** Local. Copy chosen examples, in the order of their indices, which may repeat.
 *
 *  indices  [in]   count of them, each from 0 to all->sequences - 1.
 *  part     [out]  the caller frees it; empty after an error.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_batch_pick(const hesse_batch *all, int count, const int *indices,
                              hesse_batch *part, hesse_why *why);

/** Local. Copy chosen examples into the arrays of a batch that hesse_batch_pick has
 * made of the same batch; the number of indices is the number of its examples. */
void hesse_batch_refill(const hesse_batch *all, const int *indices, hesse_batch *part);

/** Local. Return the number of labels that are not ignored. */
double hesse_batch_targets(const hesse_batch *batch);

/** Local. Let tokens attend only to the tokens of their sequence that are not padding.
 *
 *  lengths  [in]  length of every sequence without its padding; if no sequence has
 *                 padding, nothing changes.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_batch_set_visible(hesse_batch *batch, const int *lengths,
                                     hesse_why *why);

/** Local. Change the form of images. After hesse_batch_flatten an image is one token,
 *  channel after channel. After hesse_batch_shades an image of one channel with numbers
 *  from 0 to 1 has ids of 256 shades. Other data stay as they are.
 *  Errors: HESSE_E_JOB, HESSE_E_NOMEM. */
hesse_status hesse_batch_flatten(hesse_batch *batch, hesse_why *why);
hesse_status hesse_batch_shades(hesse_batch *batch, hesse_why *why);

/** Local. Turn labels into one-hot vectors: 1 for the class, 0 for the others.
 *
 *  ignoring  [in]  labels below 0 are legal: their vectors are 0, and the labels stay,
 *                  so that a loss can ignore them.
 *  Errors: HESSE_E_JOB when labels are to be ignored, HESSE_E_NOMEM. */
hesse_status hesse_batch_one_hot(hesse_batch *batch, bool ignoring, hesse_why *why);

/** Local. Free the arrays and leave an empty batch. */
void hesse_batch_free(hesse_batch *batch);

#endif /* HESSE_NETWORK_BATCH_H */
