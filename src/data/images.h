/** Images and their labels: IDX (MNIST), .npy, CIFAR-10 and CIFAR-100 in binary; raw or
 *  gzip. */
#ifndef HESSE_DATA_IMAGES_H
#define HESSE_DATA_IMAGES_H

#include "hesse/status.h"
#include "network/batch.h"

#include <stdbool.h>
#include <stdint.h>

/** Files, as fopen(3) takes them, and what is wanted of them. */
typedef struct hesse_images_request {
    const char *
        images; /* IDX of bytes, N x rows x cols; .npy of bytes, the same or x channels;
                           or CIFAR's records, 32 x 32 x 3,
                           each after its label (CIFAR-100: after the coarse and the fine
                           one, and the file's name holds "100")                       */
    const char
        *labels;   /* IDX of bytes, N; .npy of integers, N; NULL for CIFAR        */
    int count;     /* 0: at most 16, as many as there are                         */
    int size;      /* rows and columns, by means over areas; 0: as they are       */
    int classes;   /* only labels below it are taken; 0: all                      */
    bool standard; /* every channel less its mean, over its deviation             */
    bool shuffle;  /* chosen at random by seed, without repetition, in the file's
                           order; false: the first ones                                */
    uint64_t seed;
} hesse_images_request;

/** Local. Images as numbers from 0 to 1 (before they are standardised), labels as integers;
 *  classes as requested, or the largest label of the file + 1.
 *  Errors: HESSE_E_INPUT naming the file and what is wrong with it; HESSE_E_JOB for a size
 *  above that of the images; HESSE_E_NOMEM. */
hesse_status hesse_images_read(const hesse_images_request *request, hesse_batch *batch,
                               hesse_why *why);

#endif /* HESSE_DATA_IMAGES_H */
