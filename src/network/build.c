/* Every function appends to the graph; values and parameters get their places there. */
#include "network/build.h"

#include "network/families/families.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

enum { MEAN, VARIANCE };

int hesse_build_param(hesse_builder *b, hesse_param p, const char *name)
{
    hesse_name_param(b, &p, name);
    return hesse_graph_parameter(b->graph, &p);
}

void hesse_name_param(const hesse_builder *b, hesse_param *p, const char *name)
{
    snprintf(p->tensor, sizeof p->tensor, "%s%s", b->module, name);
    snprintf(p->name, sizeof p->name, "%.140s%s", p->tensor,
             p->slice.name ? p->slice.name : "");
    p->layer = b->layer;
}

hesse_affine hesse_affine_uniform(int in, int out, bool bias, hesse_role role)
{
    const hesse_init init = {.spread = 1 / sqrt(in), .uniform = true};
    return (hesse_affine){
        .out = out, .bias = bias, .role = role, .init = init, .bias_init = init};
}

static hesse_param vector_of(int size, hesse_role role, hesse_init init)
{
    return (hesse_param){
        .rows = 1, .cols = size, .vector = true, .role = role, .init = init};
}

/* Append an operator; its result has the sizes of `out`. */
static hesse_stream add(hesse_builder *b, const hesse_op *op, hesse_dims d,
                        const int *in, hesse_ids ids, hesse_stream out)
{
    hesse_graph *g = b->graph;
    out.value = hesse_graph_add(g, op, d, in, ids);
    assert(g->exhausted || op->loss ||
           (g->values[out.value].rows == out.tokens &&
            g->values[out.value].cols == out.width));
    return out;
}

hesse_stream hesse_build_numbers(hesse_builder *b)
{
    const hesse_arch *a = b->arch;
    hesse_stream x = {.tokens = a->positions,
                      .width = a->data.inputs,
                      .rows = a->data.rows,
                      .cols = a->data.cols};
    x.value = hesse_graph_numbers(b->graph, HESSE_VALUE_INPUT, x.tokens, x.width);
    return x;
}

hesse_stream hesse_build_embedding(hesse_builder *b, hesse_lookup l, int *table)
{
    const hesse_param p = {.rows = l.rows,
                           .cols = l.width,
                           .out_rows = true,
                           .role = l.role,
                           .init = {.spread = l.spread > 0 ? l.spread : 0.02}};
    *table = hesse_build_param(b, p, l.name);
    const hesse_stream out = {.tokens = b->graph->tokens, .width = l.width};
    const hesse_dims d = {.c = l.rows, .o = l.width, .token = l.first};
    return add(b, &hesse_op_embedding, d, table, l.ids, out);
}

static char *join(char *text, size_t room, const char *name, const char *end)
{
    snprintf(text, room, "%s.%s", name, end);
    return text;
}

static hesse_param weight_of(int in, hesse_affine map)
{
    return (hesse_param){.rows = map.in_first ? in : map.out,
                         .cols = map.in_first ? map.out : in,
                         .out_rows = !map.in_first,
                         .role = map.role,
                         .init = map.init,
                         .slice = map.slice};
}

hesse_stream hesse_build_map(hesse_builder *b, hesse_stream x, hesse_affine map,
                             const char *name)
{
    const hesse_param w = weight_of(x.width, map);
    const hesse_dims d = {.c = x.width, .o = map.out, .out_rows = !map.in_first};
    const int in[] = {x.value, hesse_build_param(b, w, name)};
    x.width = map.out;
    return add(b, &hesse_op_linear_unbiased, d, in, HESSE_IDS_NONE, x);
}

hesse_stream hesse_build_linear(hesse_builder *b, hesse_stream x, hesse_affine map,
                                const char *name)
{
    char full[HESSE_NAME];
    join(full, sizeof full, name, "weight");
    if (!map.bias) return hesse_build_map(b, x, map, full);
    const hesse_param w = weight_of(x.width, map);
    hesse_param bias = vector_of(map.out, map.role, map.bias_init);
    bias.slice = map.slice;
    const hesse_dims d = {.c = x.width, .o = map.out, .out_rows = !map.in_first};
    int in[3] = {x.value, hesse_build_param(b, w, full)};
    in[2] = hesse_build_param(b, bias, join(full, sizeof full, name, "bias"));
    x.width = map.out;
    return add(b, &hesse_op_linear, d, in, HESSE_IDS_NONE, x);
}

hesse_stream hesse_build_tied(hesse_builder *b, hesse_stream x, int table, int rows,
                              const char *bias)
{
    const hesse_dims d = {.c = x.width, .o = rows, .out_rows = true};
    const hesse_op *op = bias ? &hesse_op_linear : &hesse_op_linear_unbiased;
    int in[3] = {x.value, table};
    if (bias)
        in[2] = hesse_build_param(b, vector_of(rows, HESSE_ROLE_HEAD, (hesse_init){0}),
                                  bias);
    x.width = rows;
    return add(b, op, d, in, HESSE_IDS_NONE, x);
}

/* image_of returns the image that a window reads, viewed the stream that the window
   makes, with one pixel for each place of the window. */
static hesse_image image_of(hesse_stream x, hesse_view view)
{
    return (hesse_image){.rows = x.rows,
                         .cols = x.cols,
                         .kernel_rows = view.kernel,
                         .kernel_cols = view.kernel,
                         .stride = view.stride,
                         .pad = view.pad};
}

static hesse_stream viewed(hesse_stream x, const hesse_image *image, int width)
{
    x.rows = (x.rows + 2 * image->pad - image->kernel_rows) / image->stride + 1;
    x.cols = (x.cols + 2 * image->pad - image->kernel_cols) / image->stride + 1;
    x.tokens = x.rows * x.cols, x.width = width;
    return x;
}

static hesse_stream convolve(hesse_builder *b, hesse_stream x, hesse_image image,
                             hesse_affine map, hesse_param w, const char *name)
{
    char full[HESSE_NAME];
    const hesse_dims d = {.c = x.width, .o = map.out, .image = image};
    w.rows = map.out, w.cols = x.width * image.kernel_rows * image.kernel_cols;
    w.out_rows = true, w.role = map.role, w.init = map.init;
    int in[3] = {x.value};
    in[1] = hesse_build_param(b, w, join(full, sizeof full, name, "weight"));
    x = viewed(x, &image, map.out);
    if (!map.bias) return add(b, &hesse_op_conv_unbiased, d, in, HESSE_IDS_NONE, x);
    in[2] = hesse_build_param(b, vector_of(map.out, map.role, map.bias_init),
                              join(full, sizeof full, name, "bias"));
    return add(b, &hesse_op_conv, d, in, HESSE_IDS_NONE, x);
}

hesse_stream hesse_build_conv(hesse_builder *b, hesse_stream x, hesse_view view,
                              hesse_affine map, const char *name)
{
    const hesse_param w = {.rank = 4,
                           .shape = {map.out, x.width, view.kernel, view.kernel}};
    return convolve(b, x, image_of(x, view), map, w, name);
}

hesse_stream hesse_build_patches(hesse_builder *b, hesse_affine map, const char *name)
{
    const int patch = b->arch->image.patch;
    return hesse_build_conv(b, hesse_build_numbers(b), (hesse_view){patch, patch, 0},
                            map, name);
}

hesse_stream hesse_build_flat(hesse_builder *b, hesse_stream x, hesse_affine map,
                              const char *name)
{
    const hesse_image all = {.rows = x.rows,
                             .cols = x.cols,
                             .kernel_rows = x.rows,
                             .kernel_cols = x.cols,
                             .stride = 1};
    return convolve(b, x, all, map, (hesse_param){0}, name);
}

hesse_stream hesse_build_max_pool(hesse_builder *b, hesse_stream x, hesse_view view)
{
    const hesse_dims d = {.c = x.width, .image = image_of(x, view)};
    return add(b, &hesse_op_max_pool, d, &x.value, HESSE_IDS_NONE,
               viewed(x, &d.image, x.width));
}

hesse_stream hesse_build_fields(hesse_builder *b, hesse_stream x, int side)
{
    const hesse_dims d = {
        .c = x.width,
        .image = {
            .rows = x.rows, .cols = x.cols, .kernel_rows = side, .kernel_cols = side}};
    const hesse_stream out = {
        .tokens = side * side, .width = x.width, .rows = side, .cols = side};
    return add(b, &hesse_op_adaptive_pool, d, &x.value, HESSE_IDS_NONE, out);
}

hesse_stream hesse_build_mean_pool(hesse_builder *b, hesse_stream x, hesse_ids ids)
{
    const hesse_stream out = {.tokens = 1, .width = x.width, .rows = 1, .cols = 1};
    return add(b, &hesse_op_mean_pool, (hesse_dims){.c = x.width}, &x.value, ids, out);
}

static int gain_of(hesse_builder *b, int width, double mean, const char *name)
{
    char full[HESSE_NAME];
    return hesse_build_param(
        b, vector_of(width, HESSE_ROLE_NORM, (hesse_init){.mean = mean}),
        join(full, sizeof full, name, "weight"));
}

static int bias_of(hesse_builder *b, int width, const char *name)
{
    char full[HESSE_NAME];
    return hesse_build_param(b, vector_of(width, HESSE_ROLE_NORM, (hesse_init){0}),
                             join(full, sizeof full, name, "bias"));
}

hesse_stream hesse_build_norm(hesse_builder *b, hesse_stream x, hesse_norm norm,
                              int heads, const char *name)
{
    static const hesse_op *const ops[][2] = {
        [HESSE_NORM_LAYER] = {&hesse_op_layernorm, &hesse_op_layernorm_heads},
        [HESSE_NORM_LAYER_UNBIASED] = {&hesse_op_layernorm_unbiased, NULL},
        [HESSE_NORM_LAYER_PLAIN] = {&hesse_op_layernorm_plain, NULL},
        [HESSE_NORM_RMS] = {&hesse_op_rmsnorm, &hesse_op_rmsnorm_heads},
        [HESSE_NORM_RMS_ONE_PLUS] = {&hesse_op_rmsnorm_one_plus,
                                     &hesse_op_rmsnorm_one_plus_heads}};
    const hesse_op *op = ops[norm][heads > 0];
    const int width = heads ? x.width / heads : x.width;
    const double mean = norm == HESSE_NORM_RMS_ONE_PLUS ? 0 : 1;
    const hesse_dims d = {.c = x.width, .h = heads, .a = b->arch->norm_eps};
    int in[3] = {x.value};
    if (op->parameters > 0) in[1] = gain_of(b, width, mean, name);
    if (op->parameters > 1) in[2] = bias_of(b, width, name);
    return add(b, op, d, in, HESSE_IDS_NONE, x);
}

hesse_stream hesse_build_layernorm(hesse_builder *b, hesse_stream x, const char *name)
{
    return hesse_build_norm(b, x, HESSE_NORM_LAYER, 0, name);
}

/* Add means and variances that a checkpoint keeps; without a checkpoint they are 0 and
   1. */
static int statistics(hesse_builder *b, int width, const char *name)
{
    static const char *const ends[] = {
        [MEAN] = "running_mean", [VARIANCE] = "running_var"};
    hesse_param rows[2];
    char full[HESSE_NAME];
    for (int i = MEAN; i <= VARIANCE; i++) {
        rows[i] = vector_of(width, HESSE_ROLE_NORM, (hesse_init){.mean = i});
        hesse_name_param(b, &rows[i], join(full, sizeof full, name, ends[i]));
    }
    return hesse_graph_constant(b->graph, 2, rows);
}

hesse_stream hesse_build_batchnorm(hesse_builder *b, hesse_stream x, const char *name)
{
    const hesse_dims d = {.c = x.width, .a = b->arch->norm_eps};
    if (b->arch->image.batch_norm == HESSE_BATCH_NORM_NONE) return x;
    int in[4] = {x.value, gain_of(b, x.width, 1, name)};
    in[2] = bias_of(b, x.width, name);
    if (b->arch->image.batch_norm == HESSE_BATCH_NORM_TRAINING)
        return add(b, &hesse_op_batchnorm, d, in, HESSE_IDS_NONE, x);
    in[3] = statistics(b, x.width, name);
    return add(b, &hesse_op_batchnorm_given, d, in, HESSE_IDS_NONE, x);
}

hesse_stream hesse_build_apply(hesse_builder *b, const hesse_op *op, hesse_dims d,
                               hesse_stream x)
{
    d.c = x.width;
    return add(b, op, d, &x.value, HESSE_IDS_NONE, x);
}

hesse_stream hesse_build_join(hesse_builder *b, const hesse_op *op, hesse_stream x,
                              hesse_stream y)
{
    assert(x.tokens == y.tokens && x.width == y.width);
    return add(b, op, (hesse_dims){.c = x.width}, (int[]){x.value, y.value},
               HESSE_IDS_NONE, x);
}

hesse_stream hesse_build_sum(hesse_builder *b, hesse_stream x, hesse_stream y)
{
    return hesse_build_join(b, &hesse_op_sum, x, y);
}

hesse_stream hesse_build_activation(hesse_builder *b, hesse_stream x)
{
    return b->arch->activation == HESSE_ACT_NONE
               ? x
               : hesse_build_apply(b, hesse_activation_op(b->arch->activation),
                                   (hesse_dims){0}, x);
}

hesse_stream hesse_build_rotary(hesse_builder *b, hesse_stream x, int heads,
                                int frequencies, double scale)
{
    const int pairs = b->graph->exhausted ? 0 : b->graph->values[frequencies].cols;
    const hesse_dims d = {.c = x.width, .h = heads, .o = 2 * pairs, .a = scale};
    return add(b, &hesse_op_rotary, d, (int[]){x.value, frequencies}, HESSE_IDS_NONE,
               x);
}

hesse_stream hesse_build_scale(hesse_builder *b, hesse_stream x, double factor)
{
    if (factor == 0 || factor == 1) return x;
    return hesse_build_apply(b, &hesse_op_scale, (hesse_dims){.a = factor}, x);
}

hesse_stream hesse_build_cap(hesse_builder *b, hesse_stream x, double cap)
{
    if (cap == 0) return x;
    x = hesse_build_scale(b, x, 1 / cap);
    x = hesse_build_apply(b, &hesse_op_tanh, (hesse_dims){0}, x);
    return hesse_build_scale(b, x, cap);
}

/* A window that holds all tokens changes nothing. */
static int window_of(const hesse_builder *b, int tokens)
{
    const hesse_arch_decoder *d = &b->arch->decoder;
    const bool windowed =
        b->layer >= 0 && d->windowed[b->layer / 8] >> b->layer % 8 & 1;
    return windowed && d->window < tokens ? d->window : 0;
}

hesse_stream hesse_build_weights(hesse_builder *b, hesse_stream q, hesse_stream k,
                                 double scale)
{
    const hesse_attention *a = &b->arch->attention;
    const hesse_dims d = {.c = q.width,
                          .h = a->heads,
                          .g = a->kv_heads,
                          .full = a->full,
                          .a = scale,
                          .window = window_of(b, q.tokens)};
    const bool gaussian = a->kernel == HESSE_KERNEL_GAUSSIAN;
    const int in[] = {q.value, k.value};
    q.width = a->heads * q.tokens;
    if (gaussian) return add(b, &hesse_op_gaussian, d, in, HESSE_IDS_VISIBLE, q);
    q = add(b, &hesse_op_scores, d, in, HESSE_IDS_NONE, q);
    if (a->kernel != HESSE_KERNEL_SOFTMAX) return q;
    q = hesse_build_cap(b, q, b->arch->decoder.score_cap);
    return add(b, &hesse_op_softmax, d, &q.value, HESSE_IDS_VISIBLE, q);
}

hesse_stream hesse_build_mix(hesse_builder *b, hesse_stream weights, hesse_stream v)
{
    const hesse_attention *a = &b->arch->attention;
    const int in[] = {weights.value, v.value};
    weights.width = v.width / a->kv_heads * a->heads;
    const hesse_dims d = {
        .c = weights.width, .h = a->heads, .g = a->kv_heads, .full = a->full};
    return add(b, &hesse_op_mix, d, in, HESSE_IDS_NONE, weights);
}

hesse_stream hesse_build_select(hesse_builder *b, hesse_stream x, int token)
{
    const hesse_stream out = {.tokens = 1, .width = x.width};
    return add(b, &hesse_op_select, (hesse_dims){.c = x.width, .token = token},
               &x.value, HESSE_IDS_NONE, out);
}

hesse_stream hesse_build_class_token(hesse_builder *b, hesse_stream x, const char *name)
{
    hesse_param p =
        vector_of(x.width, HESSE_ROLE_POSITION, (hesse_init){.spread = 0.02});
    p.rank = 3, p.shape[0] = p.shape[1] = 1, p.shape[2] = x.width;
    const int in[] = {x.value, hesse_build_param(b, p, name)};
    const hesse_stream out = {.tokens = x.tokens + 1, .width = x.width};
    return add(b, &hesse_op_class_token, (hesse_dims){.c = x.width}, in, HESSE_IDS_NONE,
               out);
}

hesse_stream hesse_build_transpose(hesse_builder *b, hesse_stream x)
{
    const hesse_stream out = {.tokens = x.width, .width = x.tokens};
    return add(b, &hesse_op_transpose, (hesse_dims){.c = x.width}, &x.value,
               HESSE_IDS_NONE, out);
}

static hesse_param positions_of(int rows, int width)
{
    return (hesse_param){.rows = rows,
                         .cols = width,
                         .out_rows = true,
                         .role = HESSE_ROLE_POSITION,
                         .init = {.spread = 0.02},
                         .rank = 3,
                         .shape = {1, rows, width}};
}

hesse_stream hesse_build_positions(hesse_builder *b, hesse_stream x, const char *name)
{
    const hesse_param p = positions_of(x.tokens, x.width);
    const int in[] = {x.value, hesse_build_param(b, p, name)};
    return add(b, &hesse_op_positions, (hesse_dims){.c = x.width}, in, HESSE_IDS_NONE,
               x);
}

hesse_stream hesse_build_mapped_positions(hesse_builder *b, hesse_stream x, int map,
                                          int rows, const char *name)
{
    const hesse_param p = positions_of(rows, x.width);
    const int in[] = {x.value, hesse_build_param(b, p, name), map};
    return add(b, &hesse_op_mapped_positions, (hesse_dims){.c = x.width, .o = rows}, in,
               HESSE_IDS_NONE, x);
}

hesse_stream hesse_build_mask(hesse_builder *b, hesse_stream x, int token)
{
    return hesse_build_apply(b, &hesse_op_mask, (hesse_dims){.token = token}, x);
}

hesse_stream hesse_build_channels(hesse_builder *b, hesse_stream x, int first,
                                  int count)
{
    const hesse_dims d = {.c = x.width, .o = count, .channel = first};
    const int in = x.value;
    x.width = count;
    return add(b, &hesse_op_channels, d, &in, HESSE_IDS_NONE, x);
}

hesse_stream hesse_build_append(hesse_builder *b, hesse_stream x, hesse_stream y)
{
    assert(x.tokens == y.tokens);
    const hesse_dims d = {.c = x.width, .o = y.width};
    const int in[] = {x.value, y.value};
    x.width += y.width;
    return add(b, &hesse_op_append, d, in, HESSE_IDS_NONE, x);
}

const hesse_op *hesse_activation_op(hesse_activation activation)
{
    static const hesse_op *const ops[] = {
        [HESSE_ACT_GELU] = &hesse_op_gelu, [HESSE_ACT_GELU_TANH] = &hesse_op_gelu_tanh,
        [HESSE_ACT_RELU] = &hesse_op_relu, [HESSE_ACT_SILU] = &hesse_op_silu,
        [HESSE_ACT_TANH] = &hesse_op_tanh,
    };
    return ops[activation];
}

void hesse_build_loss(hesse_builder *b, hesse_stream x)
{
    const hesse_dims d = {.c = x.width};
    if (b->arch->data.loss == HESSE_LOSS_CROSS_ENTROPY) {
        add(b, &hesse_op_cross_entropy, d, &x.value, HESSE_IDS_LABELS, x);
        return;
    }
    const int target =
        hesse_graph_numbers(b->graph, HESSE_VALUE_TARGET, x.tokens, x.width);
    const hesse_op *op = b->arch->data.loss == HESSE_LOSS_BINARY
                             ? &hesse_op_binary_cross_entropy
                             : &hesse_op_squared_error;
    /* Models of tokens ignore tokens without a label. */
    const bool words =
        hesse_family_of(b->arch)->decoder || b->arch->task == HESSE_TASK_MASKED;
    add(b, op, d, (int[]){x.value, target}, words ? HESSE_IDS_LABELS : HESSE_IDS_NONE,
        x);
}
