/** Examples and their targets. */
#ifndef HESSE_NETWORK_BATCH_H
#define HESSE_NETWORK_BATCH_H

#include "base/digest.h"
#include "hesse/status.h"

#include <stddef.h>

enum { HESSE_IGNORED = -100 }; /* a label that does not count */

/** Every example is a sequence of `context` tokens, each an id or `width` numbers;
 *  the pixels of an image are its tokens, row by row, and their channels are the
 *  numbers. Targets are labels or numbers. What a batch does not have is NULL, or 0.
 *  The struct is long because all kinds of data share it. */
typedef struct hesse_batch {
    int sequences, context; /* examples; tokens of one                             */
    int *input;             /* sequences x context ids                             */
    int vocabulary;         /* ids are 0 ... vocabulary - 1                        */
    int *seen;              /* sequences x context: a token attends to that many first
                               tokens of its sequence; NULL: as the model has it   */
    double *x;              /* sequences x context x width                         */
    int width;
    int rows, cols;    /* of images: context = rows x cols                         */
    int *target;       /* sequences x labels; below 0: ignored                     */
    int labels;        /* of one example: one for every token, or 1                */
    int classes;       /* labels are 0 ... classes - 1                             */
    double *wanted;    /* sequences x wanted_tokens x wanted_width                 */
    int wanted_tokens; /* of one example                                           */
    int wanted_width;
    char digest[HESSE_DIGEST_LENGTH]; /* of the files, or of the kind and its seed */
} hesse_batch;

/** One of the arrays of a batch: where it is, and its bytes for one example. */
typedef struct hesse_batch_array {
    void **at;
    size_t each;
} hesse_batch_array;

enum { HESSE_BATCH_ARRAYS = 5 };

/** Local. All arrays of a batch; *at is NULL where the batch does not have one. */
void hesse_batch_arrays(hesse_batch *batch,
                        hesse_batch_array arrays[HESSE_BATCH_ARRAYS]);

/** Local. Examples first ... first + count - 1 of a batch: micro-batch i of size b is
 *  hesse_batch_slice(all, i * b, b). The slice is borrowed: its arrays lie in those of
 *  `all`, and the caller does not free it. */
hesse_batch hesse_batch_slice(const hesse_batch *all, int first, int count);

/** Local. A copy of chosen examples, in the order of their indices, which may repeat.
 *
 *  indices  [in]   count of them, each from 0 to all->sequences - 1.
 *  part     [out]  the caller frees it; empty after an error.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_batch_pick(const hesse_batch *all, int count, const int *indices,
                              hesse_batch *part, hesse_why *why);

/** Local. The number of labels that are not ignored. */
double hesse_batch_targets(const hesse_batch *batch);

/** Local. Tokens attend to those of their sequence that are not padding.
 *
 *  lengths  [in]  of every sequence without its padding; where all are whole, nothing
 *                 changes.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_batch_set_visible(hesse_batch *batch, const int *lengths,
                                     hesse_why *why);

/** Local. Images in other forms: as one token, channel after channel; or, those of one
 *  channel with numbers from 0 to 1, as ids of 256 shades. Other data stay as they are.
 *  Errors: HESSE_E_JOB, HESSE_E_NOMEM. */
hesse_status hesse_batch_flatten(hesse_batch *batch, hesse_why *why);
hesse_status hesse_batch_shades(hesse_batch *batch, hesse_why *why);

/** Local. Labels become one-hot vectors: 1 for the class, 0 for the others.
 *  Errors: HESSE_E_JOB when labels are to be ignored, HESSE_E_NOMEM. */
hesse_status hesse_batch_one_hot(hesse_batch *batch, hesse_why *why);

/** Local. Frees the arrays and leaves an empty batch. */
void hesse_batch_free(hesse_batch *batch);

#endif /* HESSE_NETWORK_BATCH_H */
