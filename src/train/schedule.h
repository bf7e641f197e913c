/** Learning rates and the order of examples along a run. */
#ifndef HESSE_TRAIN_SCHEDULE_H
#define HESSE_TRAIN_SCHEDULE_H

#include "hesse/train.h"

#include <stdbool.h>

/** The examples of all steps, one after the other: pass after pass over a dataset. */
typedef struct hesse_stream_of_examples {
    int examples;
    uint64_t seed;
    int64_t pass;  /* whose order is in `shuffled`; -1: none */
    int *shuffled; /* [examples]; NULL: the order of the dataset in every pass */
} hesse_stream_of_examples;

/** Local. Returns false when memory is exhausted. End it after use. */
bool hesse_stream_begin(hesse_stream_of_examples *s, int examples, bool shuffled,
                        uint64_t seed);
void hesse_stream_end(hesse_stream_of_examples *s);

/** Local. The examples of a step; indices: [batch], of at most `examples` numbers. */
void hesse_stream_take(hesse_stream_of_examples *s, int64_t step, int batch,
                       int *indices);

#endif /* HESSE_TRAIN_SCHEDULE_H */
