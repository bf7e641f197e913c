/** The parameters of a model: names, shapes, roles and places in the flat vector theta.
 *
 *  Query, key and value are always separate parameters, even if a checkpoint fuses
 *  them. A tied embedding is one parameter. Parameters stand in theta in the order in
 *  which the model first uses them. */
#ifndef HESSE_NETWORK_PARAMS_H
#define HESSE_NETWORK_PARAMS_H

#include "hesse/arch.h"
#include "hesse/status.h"

#include <stddef.h>
#include <stdint.h>

typedef enum hesse_role {
    HESSE_ROLE_EMBEDDING, /* of tokens; also the head if it is tied */
    HESSE_ROLE_POSITION,
    HESSE_ROLE_NORM,
    HESSE_ROLE_QUERY,
    HESSE_ROLE_KEY,
    HESSE_ROLE_VALUE,
    HESSE_ROLE_OUTPUT, /* of attention            */
    HESSE_ROLE_UP,     /* first matrix of the MLP */
    HESSE_ROLE_GATE,
    HESSE_ROLE_DOWN,
    HESSE_ROLE_HEAD,
    HESSE_ROLE_CONV,
    HESSE_ROLE_OTHER /* of a graph: not known */
} hesse_role;

/** Initial values: a mean, and the standard deviation of a normal distribution or half
 *  the width of a uniform interval. */
typedef struct hesse_init {
    double mean, spread;
    bool uniform;
} hesse_init;

enum { HESSE_GROUP = 72 }; /* bytes of the name of a group, including the final 0 */
enum { HESSE_NAME = 160 }; /* bytes of a name, including the final 0 */

/** The outputs of a fused tensor that belong to one parameter. The tensor's `total`
 *  outputs form `groups` equal groups; the slice takes the same outputs of every group,
 *  from number `first` of the group on. */
typedef struct hesse_slice {
    const char
        *name; /* end of the parameter's name, constant text, ".query"; NULL: "" */
    int first, total, groups; /* total 0: the parameter is the whole tensor */
} hesse_slice;

/** A parameter is a rows x cols matrix, row-major as the checkpoint stores it; a vector
 *  has one row. */
typedef struct hesse_param {
    char name[HESSE_NAME]; /* the block's name: the tensor's name, with ".query" and so
                              on if it is a slice of it */
    char tensor[HESSE_NAME]; /* the checkpoint's tensor in which it is stored */
    hesse_slice slice;       /* the outputs of that tensor which it is */
    hesse_role role;
    int layer; /* -1: outside the layers */
    int rows, cols;
    bool vector;        /* stored with one dimension                           */
    int rank, shape[4]; /* shape as stored, if it is neither matrix nor vector; else
                           rank is 0 */
    hesse_init init;
    bool out_rows; /* its neurons, and the outputs of its tensor that it is a slice of,
                      are its rows; false: its columns. A node may use it otherwise. */
    int heads; /* of the query, key or value that it makes, or of those that it reads
                  (output), in equal shares of its rows or columns; 0: none are known */
    size_t offset;           /* of its first element in theta                       */
    char group[HESSE_GROUP]; /* that the user gave it; "": the one of its role */
} hesse_param;

typedef struct hesse_params {
    int count;
    size_t size; /* length of theta */
    hesse_param *list;
} hesse_params;

static inline size_t hesse_param_size(const hesse_param *p)
{
    return (size_t)p->rows * (size_t)p->cols;
}

/** Local. List the parameters of an architecture, named as its layout says.
 *  Errors: HESSE_E_NOMEM; HESSE_E_JOB when the sizes do not fit one another. */
hesse_status hesse_params_new(const hesse_arch *arch, hesse_params *params,
                              hesse_why *why);
void hesse_params_free(hesse_params *params);

/** Local. List the buffers: tensors of a checkpoint that are not learned, namely the
 *  statistics of a batch normalisation that uses given ones.
 *  Errors: as hesse_params_new. */
hesse_status hesse_buffers_new(const hesse_arch *arch, hesse_params *buffers,
                               hesse_why *why);

/** Local. Draw the initial values of every parameter. In GPT-2 and Llama they are
 *  normal with deviation 0.02; for the matrices that write to the residual stream
 *  (output, down) the deviation is divided by sqrt(2 layers); biases are 0, gains 1. A
 *  seed gives the same values on every machine and rank.
 *
 *  theta  [out]  params->size numbers.
 *  Source: Radford et al., Language Models are Unsupervised Multitask Learners (2019),
 *  section 2.3. */
void hesse_params_init(const hesse_params *params, uint64_t seed, double *theta);

#endif /* HESSE_NETWORK_PARAMS_H */
