/** Texts and their classes. */
#ifndef HESSE_DATA_TEXTS_H
#define HESSE_DATA_TEXTS_H

#include "hesse/status.h"
#include "network/batch.h"

#include <stdbool.h>
#include <stdint.h>

/** Where texts come from and how many are wanted. */
typedef struct hesse_texts_request {
    const char *const
        *paths;      /* one file of lines "LABEL<TAB>TEXT"; or, of two or more, the
                                 texts of class 0, 1, ...: a file's lines, or a folder's
                                 files, by name                                        */
    int count;       /* of paths                                              */
    bool characters; /* as hesse_text_read has it                             */
    int sequences;   /* wanted; 0: at most 16, as many as there are           */
    int context;     /* tokens of a sequence; 0: as the longest text taken    */
    int positions;   /* the most the model takes                              */
    bool shuffle;    /* chosen at random by seed, without repetition, in their
                                 order; false: of every class as many, the first ones  */
    uint64_t seed;
} hesse_texts_request;

/** Local. Ids from 1, and 0 for padding, which no token attends to; texts that are longer
 *  than the context are cut. Empty texts are left out. The vocabulary is that of all texts
 *  and 1 more; classes are the paths, or the largest label + 1.
 *  Errors: HESSE_E_INPUT naming the file and what is wrong with it: missing, no label where
 *  one is expected, no UTF-8, fewer texts than asked for; HESSE_E_JOB for a context above
 *  positions; HESSE_E_NOMEM. */
hesse_status hesse_texts_read(const hesse_texts_request *request, hesse_batch *batch,
                              hesse_why *why);

#endif /* HESSE_DATA_TEXTS_H */
