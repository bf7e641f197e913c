/** Examples from .npy arrays: numbers or ids, and numbers or labels that are wanted. */
#ifndef HESSE_DATA_ARRAYS_H
#define HESSE_DATA_ARRAYS_H

#include "hesse/status.h"
#include "network/batch.h"

/** Files, as fopen(3) takes them, and how many examples are wanted of them. */
typedef struct hesse_arrays_request {
    const char *inputs; /* numbers, N x features (one token) or N x tokens x features;
                            images N x rows x cols x channels; integers N x tokens: ids */
    const char
        *targets; /* numbers, N x outputs or N x tokens x outputs; or            */
    const char
        *labels; /* integers, N or N x tokens; below 0: ignored                 */
    int count;   /* 0: all                                                        */
} hesse_arrays_request;

/** Local. The first examples of the arrays. Classes are the largest label + 1, and the
 *  vocabulary the largest id + 1.
 *  Errors: HESSE_E_INPUT naming the file and what is wrong with it: missing, no .npy, a type
 *  or a shape that is not expected, too few examples, a number that is not finite;
 *  HESSE_E_JOB without targets or labels, or with both; HESSE_E_NOMEM. */
hesse_status hesse_arrays_read(const hesse_arrays_request *request, hesse_batch *batch,
                               hesse_why *why);

#endif /* HESSE_DATA_ARRAYS_H */
