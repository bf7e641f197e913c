/** Models described once and gone through twice: first to list their parameters, then to
 *  unroll them on a batch.
 *
 *  A family is a function of a builder that takes the batch's input from layer to layer.
 *  Every function here that makes a parameter lists it the first time, and takes it, in the
 *  same order, the second.
 */
#ifndef HESSE_NETWORK_BUILD_H
#define HESSE_NETWORK_BUILD_H

#include "hesse/status.h"
#include "network/batch.h"
#include "network/params.h"
#include "network/tape.h"

/** Local. What a layer gives: tokens of an example and numbers of a token. */
typedef struct hesse_stream {
    int value; /* of the tape */
    int tokens, width;
    int rows, cols; /* tokens that are pixels: rows x cols of them */
} hesse_stream;

typedef struct hesse_builder {
    const hesse_arch *arch;
    hesse_params *params;     /* to list */
    hesse_params *buffers;    /* to list: what a checkpoint holds and nothing learns */
    hesse_tape *tape;         /* NULL: parameters are listed */
    const hesse_batch *batch; /* with a tape */
    const double *constants;  /* with a tape: the buffers' numbers, not yet taken */
    const char *module;       /* before the names of parameters */
    int layer;                /* that they belong to; -1: none   */
    bool exhausted;
} hesse_builder;

/** A window that moves over an image. */
typedef struct hesse_view {
    int kernel, stride, pad;
} hesse_view;

/** A linear map: its outputs, with a bias or without, its weight stored [out, in] or
 *  [in, out], what it is for, and where its numbers begin. */
typedef struct hesse_affine {
    int out;
    bool bias, in_first;
    hesse_role role;
    hesse_init init, bias_init;
} hesse_affine;

/** Local. A parameter of rows x cols, named after the module: a weight, or, with one row, a
 *  vector.
 *  Returns its value in the tape. */
int hesse_build_param(hesse_builder *b, hesse_param p, const char *name);

/** Local. The input: numbers of the batch, or a table's rows for its ids. */
hesse_stream hesse_build_numbers(hesse_builder *b);
hesse_stream hesse_build_embedding(hesse_builder *b, const char *name, int rows,
                                   hesse_role role, const int *id, int *table);

/** Local. y = x W + b, named NAME.weight and NAME.bias; without bias and under the name as it
 *  is; with the rows of a table as outputs and a bias. */
hesse_stream hesse_build_linear(hesse_builder *b, hesse_stream x, hesse_affine map,
                                const char *name);
hesse_stream hesse_build_map(hesse_builder *b, hesse_stream x, hesse_affine map,
                             const char *name);
hesse_stream hesse_build_tied(hesse_builder *b, hesse_stream x, int table, int rows,
                              const char *bias);
/** Local. A convolution; a linear map of a whole image, channel after channel; pooling by the
 *  largest number under a window; means of side x side fields; the mean of all tokens. */
hesse_stream hesse_build_conv(hesse_builder *b, hesse_stream x, hesse_view view,
                              hesse_affine map, const char *name);
hesse_stream hesse_build_flat(hesse_builder *b, hesse_stream x, hesse_affine map,
                              const char *name);
hesse_stream hesse_build_max_pool(hesse_builder *b, hesse_stream x, hesse_view view);
hesse_stream hesse_build_fields(hesse_builder *b, hesse_stream x, int side);
hesse_stream hesse_build_mean_pool(hesse_builder *b, hesse_stream x);

/** Local. Norms with gain and bias: of a token, and of a channel over the batch. */
hesse_stream hesse_build_layernorm(hesse_builder *b, hesse_stream x, const char *name);
hesse_stream hesse_build_batchnorm(hesse_builder *b, hesse_stream x, const char *name);

/** Local. An operator of one or two activations without parameters, that changes neither
 *  tokens nor width; `d` has what it needs beside their sizes. */
hesse_stream hesse_build_apply(hesse_builder *b, const hesse_op *op, hesse_dims d,
                               hesse_stream x);
hesse_stream hesse_build_join(hesse_builder *b, const hesse_op *op, hesse_stream x,
                              hesse_stream y);
hesse_stream hesse_build_activation(hesse_builder *b, hesse_stream x);

/** Local. How much tokens attend to one another, by the arch's kernel, with the scale of
 *  hesse_op_scores; and what they take by that. */
hesse_stream hesse_build_weights(hesse_builder *b, hesse_stream q, hesse_stream k,
                                 double scale);
hesse_stream hesse_build_mix(hesse_builder *b, hesse_stream weights, hesse_stream v);

/** Local. A token of every example, a class token before all, tokens and channels
 *  exchanged, a learned vector for every place, zeros from a token on, some channels. */
hesse_stream hesse_build_select(hesse_builder *b, hesse_stream x, int token);
hesse_stream hesse_build_class_token(hesse_builder *b, hesse_stream x,
                                     const char *name);
hesse_stream hesse_build_transpose(hesse_builder *b, hesse_stream x);
hesse_stream hesse_build_positions(hesse_builder *b, hesse_stream x, const char *name);
hesse_stream hesse_build_mask(hesse_builder *b, hesse_stream x, int token);
hesse_stream hesse_build_channels(hesse_builder *b, hesse_stream x, int first,
                                  int count);

/** Local. The loss that the arch asks for, of what the batch wants: so many times the mean;
 *  0: the sum. */
void hesse_build_loss(hesse_builder *b, hesse_stream x, double times);

/** Local. The operator of an activation that there is. */
const hesse_op *hesse_activation_op(hesse_activation activation);

#endif /* HESSE_NETWORK_BUILD_H */
