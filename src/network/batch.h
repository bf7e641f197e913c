/** Examples of a batch, and what is wanted of them. */
#ifndef HESSE_NETWORK_BATCH_H
#define HESSE_NETWORK_BATCH_H

#include "base/digest.h"
#include "hesse/status.h"

/** Every example is a sequence of `context` tokens, each an id or `width` numbers; the
 *  pixels of an image are its tokens, row by row, and their channels are the numbers.
 *  Wanted are labels or numbers. What a batch has not is NULL, or 0. */
typedef struct hesse_batch {
    int sequences,
        context;    /* examples; tokens of one                                 */
    int *input;     /* sequences x context ids                                 */
    int vocabulary; /* ids are 0 ... vocabulary - 1                            */
    int *seen;      /* sequences x context: how many tokens of its sequence, the first
                       ones, a token attends to; NULL: as the model has it      */
    double *x;      /* sequences x context x width                             */
    int width;
    int rows, cols;    /* of images: context = rows x cols                        */
    int *target;       /* sequences x labels; below 0: ignored                    */
    int labels;        /* of one example: one for every token, or 1               */
    int classes;       /* labels are 0 ... classes - 1                            */
    double *wanted;    /* sequences x wanted_tokens x wanted_width                */
    int wanted_tokens; /* of one example                                          */
    int wanted_width;
    char
        digest[HESSE_DIGEST_LENGTH]; /* of the files, or of what made them            */
} hesse_batch;

/** Local. Labels that are not ignored. */
double hesse_batch_targets(const hesse_batch *batch);

/** Local. Tokens attend to those of their sequence that are not padding.
 *
 *  lengths  [in]  of every sequence without its padding; where all are whole, nothing
 *                 changes.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_batch_set_visible(hesse_batch *batch, const int *lengths,
                                     hesse_why *why);

/** Local. Images as other models read them: as one token, channel after channel, or, those
 *  of one channel with numbers from 0 to 1, as ids of 256 shades. Other data stay.
 *  Errors: HESSE_E_JOB, HESSE_E_NOMEM. */
hesse_status hesse_batch_flatten(hesse_batch *batch, hesse_why *why);
hesse_status hesse_batch_shades(hesse_batch *batch, hesse_why *why);

/** Local. Numbers wanted where there are labels: 1 for the class, 0 for the others.
 *  Errors: HESSE_E_JOB when labels are to be ignored, HESSE_E_NOMEM. */
hesse_status hesse_batch_one_hot(hesse_batch *batch, hesse_why *why);

/** Local. Frees the arrays and leaves an empty batch. */
void hesse_batch_free(hesse_batch *batch);

#endif /* HESSE_NETWORK_BATCH_H */
