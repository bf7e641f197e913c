/** Functions that a family's builder calls to make the graph of a network, layer by
 *  layer.
 *
 *  A family is a function of a builder. It takes a stream (the values between two
 *  layers) from the examples to the loss. Parameters are listed in the order of first
 *  use. */
#ifndef HESSE_NETWORK_BUILD_H
#define HESSE_NETWORK_BUILD_H

#include "hesse/arch.h"
#include "network/graph.h"

/** The result of a layer: tokens of an example and numbers of a token. */
typedef struct hesse_stream {
    int value; /* of the graph */
    int tokens, width;
    int rows, cols; /* tokens that are pixels: rows x cols of them */
} hesse_stream;

typedef struct hesse_builder {
    const hesse_arch *arch;
    hesse_graph *graph;
    const char *module; /* stands before the names of parameters   */
    int layer;          /* that parameters belong to; -1: none     */
    int frequencies;    /* value of the rotary frequencies; -1: not made yet */
} hesse_builder;

/** A window that moves over an image. */
typedef struct hesse_view {
    int kernel, stride, pad;
} hesse_view;

/** A linear map: the number of its outputs, a bias or none, its weight stored [out, in]
 *  or [in, out], its role, and its initial values. */
typedef struct hesse_affine {
    int out;
    bool bias, in_first;
    hesse_role role;
    hesse_init init, bias_init;
    hesse_slice slice; /* outputs of a fused tensor */
} hesse_affine;

/** A table of rows x width, of which ids read the rows first, first + 1, ... */
typedef struct hesse_lookup {
    const char *name;
    int rows, width, first;
    hesse_role role;
    hesse_ids ids;
    double spread; /* of initial values; 0: 0.02 */
} hesse_lookup;

/** Local. Return a linear map with PyTorch's initial values: uniform within 1 /
 *  sqrt(in). */
hesse_affine hesse_affine_uniform(int in, int out, bool bias, hesse_role role);

/** Local. Add a parameter of rows x cols, named after the module: a weight, or, with
 *  one row, a vector. Returns its value in the graph. */
int hesse_build_param(hesse_builder *b, hesse_param p, const char *name);

/** Local. Name a parameter by the module, the name and its slice. */
void hesse_name_param(const hesse_builder *b, hesse_param *p, const char *name);

/** Local. Begin with the examples: with their numbers, or with the rows of a table that
 *  belong to their ids. */
hesse_stream hesse_build_numbers(hesse_builder *b);
hesse_stream hesse_build_embedding(hesse_builder *b, hesse_lookup lookup, int *table);

/** Local. Apply a linear map, y = x W + b. hesse_build_linear names its parameters
 *  NAME.weight and NAME.bias. hesse_build_map has no bias, and its weight is called
 *  NAME. hesse_build_tied takes the rows of a table as outputs and, unless it is NULL,
 *  a bias of this name. */
hesse_stream hesse_build_linear(hesse_builder *b, hesse_stream x, hesse_affine map,
                                const char *name);
hesse_stream hesse_build_map(hesse_builder *b, hesse_stream x, hesse_affine map,
                             const char *name);
hesse_stream hesse_build_tied(hesse_builder *b, hesse_stream x, int table, int rows,
                              const char *bias);

/** Local. Operators of images, in the order of the functions: a convolution; a
 *  convolution whose windows are the patches of the examples' images, side by side; a
 *  linear map of a whole image, channel after channel; pooling by the largest number
 *  under a window; means of side x side fields; the mean of all tokens, or, with
 *  HESSE_IDS_VISIBLE, of those that are not padding. */
hesse_stream hesse_build_conv(hesse_builder *b, hesse_stream x, hesse_view view,
                              hesse_affine map, const char *name);
hesse_stream hesse_build_patches(hesse_builder *b, hesse_affine map, const char *name);
hesse_stream hesse_build_flat(hesse_builder *b, hesse_stream x, hesse_affine map,
                              const char *name);
hesse_stream hesse_build_max_pool(hesse_builder *b, hesse_stream x, hesse_view view);
hesse_stream hesse_build_fields(hesse_builder *b, hesse_stream x, int side);
hesse_stream hesse_build_mean_pool(hesse_builder *b, hesse_stream x, hesse_ids ids);

/** Local. Norms. hesse_build_norm normalises the channels of a token, or, if heads is
 *  above 0, the channels of each of its heads; its parameters are NAME.weight and
 *  NAME.bias, as the kind has them. hesse_build_layernorm is LayerNorm with both.
 *  hesse_build_batchnorm normalises a channel over the batch, with gain and bias. */
hesse_stream hesse_build_norm(hesse_builder *b, hesse_stream x, hesse_norm norm,
                              int heads, const char *name);
hesse_stream hesse_build_layernorm(hesse_builder *b, hesse_stream x, const char *name);
hesse_stream hesse_build_batchnorm(hesse_builder *b, hesse_stream x, const char *name);

/** Local. Apply an operator of one or two activations without parameters that changes
 *  neither tokens nor width. `d` has the sizes that it needs beside those of the
 *  activations. */
hesse_stream hesse_build_apply(hesse_builder *b, const hesse_op *op, hesse_dims d,
                               hesse_stream x);
hesse_stream hesse_build_join(hesse_builder *b, const hesse_op *op, hesse_stream x,
                              hesse_stream y);
hesse_stream hesse_build_sum(hesse_builder *b, hesse_stream x, hesse_stream y);
hesse_stream hesse_build_activation(hesse_builder *b, hesse_stream x);

/** Local. Turn the channels of every head (hesse_op_rotary).
 *
 *  frequencies  [in]  their value in the graph, a table of 1 x pairs. */
hesse_stream hesse_build_rotary(hesse_builder *b, hesse_stream x, int heads,
                                int frequencies, double scale);

/** Local. y = cap tanh(x / cap), and y = factor x; without a node where cap is 0, or
 *  factor 0 or 1. */
hesse_stream hesse_build_cap(hesse_builder *b, hesse_stream x, double cap);
hesse_stream hesse_build_scale(hesse_builder *b, hesse_stream x, double factor);

/** Local. hesse_build_weights computes how much tokens attend to one another, by the
 *  arch's kernel, with the scale of hesse_op_scores, in the window of the builder's
 *  layer; hesse_build_mix computes the
 *  values that they take with these weights. */
hesse_stream hesse_build_weights(hesse_builder *b, hesse_stream q, hesse_stream k,
                                 double scale);
hesse_stream hesse_build_mix(hesse_builder *b, hesse_stream weights, hesse_stream v);

/** Local. Operators that choose or move numbers, in the order of the functions: select
 *  one token of every example; put a class token before all tokens; exchange tokens and
 *  channels; add a learned vector at every position; add the rows of a constant matrix
 *  `map` (tokens x rows, a value of the graph) times a learned table of `rows` rows;
 * set tokens to zero from one token on; select some channels; put the channels of y
 * after those of x. */
hesse_stream hesse_build_select(hesse_builder *b, hesse_stream x, int token);
hesse_stream hesse_build_class_token(hesse_builder *b, hesse_stream x,
                                     const char *name);
hesse_stream hesse_build_transpose(hesse_builder *b, hesse_stream x);
hesse_stream hesse_build_positions(hesse_builder *b, hesse_stream x, const char *name);
hesse_stream hesse_build_mapped_positions(hesse_builder *b, hesse_stream x, int map,
                                          int rows, const char *name);
hesse_stream hesse_build_mask(hesse_builder *b, hesse_stream x, int token);
hesse_stream hesse_build_channels(hesse_builder *b, hesse_stream x, int first,
                                  int count);
hesse_stream hesse_build_append(hesse_builder *b, hesse_stream x, hesse_stream y);

/** Local. Append the loss that the arch asks for. */
void hesse_build_loss(hesse_builder *b, hesse_stream x);

/** Local. Return the operator of an activation other than HESSE_ACT_NONE. */
const hesse_op *hesse_activation_op(hesse_activation activation);

#endif /* HESSE_NETWORK_BUILD_H */
