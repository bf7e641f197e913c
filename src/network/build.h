/** What a family's builder calls to make the graph of a network, layer by layer.
 *
 *  A family is a function of a builder that takes a stream, the values between two
 * layers, from the examples to the loss. Parameters are listed in the order of first
 * use.
 */
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
    const char *slice; /* ".query": it is slice `part` of `parts` of a fused tensor;
                          NULL: it is all of the tensor                             */
    int part, parts;
} hesse_affine;

/** Local. A linear map with PyTorch's initial values: uniform within 1 / sqrt(in). */
hesse_affine hesse_affine_uniform(int in, int out, bool bias, hesse_role role);

/** Local. A parameter of rows x cols, named after the module: a weight, or, with one
 * row, a vector. Returns its value in the graph. */
int hesse_build_param(hesse_builder *b, hesse_param p, const char *name);

/** Local. Name a parameter: the module, the name and its slice. */
void hesse_name_param(const hesse_builder *b, hesse_param *p, const char *name);

/** Local. The examples: their numbers, or a table's rows for ids. */
hesse_stream hesse_build_numbers(hesse_builder *b);
hesse_stream hesse_build_embedding(hesse_builder *b, const char *name, int rows,
                                   hesse_role role, hesse_ids ids, int *table);

/** Local. y = x W + b, named NAME.weight and NAME.bias; without bias and under the name
 * as it is; with the rows of a table as outputs and, unless it is NULL, a bias of this
 * name. */
hesse_stream hesse_build_linear(hesse_builder *b, hesse_stream x, hesse_affine map,
                                const char *name);
hesse_stream hesse_build_map(hesse_builder *b, hesse_stream x, hesse_affine map,
                             const char *name);
hesse_stream hesse_build_tied(hesse_builder *b, hesse_stream x, int table, int rows,
                              const char *bias);

/** Local. The head of a decoder, "lm_head.weight": the token embedding where it is
 * tied. */
hesse_stream hesse_build_head(hesse_builder *b, hesse_stream x, int table);

/** Local. A convolution; one whose windows are the patches of the examples' images,
 * side by side; a linear map of a whole image, channel after channel; pooling by the
 *  largest number under a window; means of side x side fields; the mean of all tokens.
 */
hesse_stream hesse_build_conv(hesse_builder *b, hesse_stream x, hesse_view view,
                              hesse_affine map, const char *name);
hesse_stream hesse_build_patches(hesse_builder *b, hesse_affine map, const char *name);
hesse_stream hesse_build_flat(hesse_builder *b, hesse_stream x, hesse_affine map,
                              const char *name);
hesse_stream hesse_build_max_pool(hesse_builder *b, hesse_stream x, hesse_view view);
hesse_stream hesse_build_fields(hesse_builder *b, hesse_stream x, int side);
hesse_stream hesse_build_mean_pool(hesse_builder *b, hesse_stream x);

/** Local. Norms: of a token with a gain and, if asked for, a bias; of a token with a
 * gain; of a channel over the batch with gain and bias. */
hesse_stream hesse_build_layernorm(hesse_builder *b, hesse_stream x, bool bias,
                                   const char *name);
hesse_stream hesse_build_rmsnorm(hesse_builder *b, hesse_stream x, const char *name);
hesse_stream hesse_build_batchnorm(hesse_builder *b, hesse_stream x, const char *name);

/** Local. An operator of one or two activations without parameters, that changes
 * neither tokens nor width; `d` has what it needs beside their sizes. */
hesse_stream hesse_build_apply(hesse_builder *b, const hesse_op *op, hesse_dims d,
                               hesse_stream x);
hesse_stream hesse_build_join(hesse_builder *b, const hesse_op *op, hesse_stream x,
                              hesse_stream y);
hesse_stream hesse_build_sum(hesse_builder *b, hesse_stream x, hesse_stream y);
hesse_stream hesse_build_activation(hesse_builder *b, hesse_stream x);

/** Local. How much tokens attend to one another, by the arch's kernel, with the scale
 * of hesse_op_scores; and what they take by that. */
hesse_stream hesse_build_weights(hesse_builder *b, hesse_stream q, hesse_stream k,
                                 double scale);
hesse_stream hesse_build_mix(hesse_builder *b, hesse_stream weights, hesse_stream v);

/** Local. A token of every example, a class token before all, tokens and channels
 *  exchanged, a learned vector for every place, zeros from a token on, some channels.
 */
hesse_stream hesse_build_select(hesse_builder *b, hesse_stream x, int token);
hesse_stream hesse_build_class_token(hesse_builder *b, hesse_stream x,
                                     const char *name);
hesse_stream hesse_build_transpose(hesse_builder *b, hesse_stream x);
hesse_stream hesse_build_positions(hesse_builder *b, hesse_stream x, const char *name);
hesse_stream hesse_build_mask(hesse_builder *b, hesse_stream x, int token);
hesse_stream hesse_build_channels(hesse_builder *b, hesse_stream x, int first,
                                  int count);

/** Local. The loss that the arch asks for. */
void hesse_build_loss(hesse_builder *b, hesse_stream x);

/** Local. The operator of an activation that there is. */
const hesse_op *hesse_activation_op(hesse_activation activation);

#endif /* HESSE_NETWORK_BUILD_H */
