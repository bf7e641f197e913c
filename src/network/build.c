/* While parameters are listed there is no tape: streams have sizes and no values. The lists
   of the first pass and of the second are the same because the passes are the same code. */
#include "network/build.h"

#include "base/memory.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_PARAMS = 64 };

static bool grow(hesse_builder *b, hesse_params *list)
{
    const bool full = list->count >= FIRST_PARAMS && !(list->count & (list->count - 1));
    if (list->list && !full) return true;
    hesse_param *more = hesse_calloc(
        (size_t)(list->count ? 2 * list->count : FIRST_PARAMS), sizeof *more);
    if (more && list->list)
        memcpy(more, list->list, (size_t)list->count * sizeof *more);
    b->exhausted |= !more;
    if (!more) return false;
    free(list->list);
    list->list = more;
    return true;
}

static void name_param(const hesse_builder *b, hesse_param *p, const char *name)
{
    snprintf(p->tensor, sizeof p->tensor, "%s%s", b->module, name);
    snprintf(p->name, sizeof p->name, "%s", p->tensor);
}

static void append(hesse_builder *b, hesse_params *list, hesse_param p,
                   const char *name)
{
    if (b->exhausted || !grow(b, list)) return;
    name_param(b, &p, name);
    p.layer = b->layer, p.parts = 1, p.offset = list->size;
    list->size += hesse_param_size(&p);
    list->list[list->count++] = p;
}

int hesse_build_param(hesse_builder *b, hesse_param p, const char *name)
{
    if (b->tape) return hesse_tape_param(b->tape, p.rows, p.cols);
    append(b, b->params, p, name);
    return -1;
}

static hesse_param vector_of(int size, hesse_role role, hesse_init init)
{
    return (hesse_param){
        .rows = 1, .cols = size, .vector = true, .role = role, .init = init};
}

/* Append an operator; what comes out has these sizes. */
static hesse_stream add(hesse_builder *b, const hesse_op *op, hesse_dims d,
                        const int *in, const int *id, hesse_stream out)
{
    out.value = b->tape ? hesse_tape_add(b->tape, op, d, in, id) : -1;
    assert(!b->tape || b->tape->broken || op->loss ||
           (b->tape->values[out.value].tokens == out.tokens &&
            b->tape->values[out.value].width == out.width));
    return out;
}

hesse_stream hesse_build_numbers(hesse_builder *b)
{
    const hesse_arch *a = b->arch;
    hesse_stream x = {.tokens = a->positions,
                      .width = a->data.inputs,
                      .rows = a->data.rows,
                      .cols = a->data.cols};
    if (b->tape) x.value = hesse_tape_input(b->tape, x.tokens, x.width, b->batch->x);
    return x;
}

hesse_stream hesse_build_embedding(hesse_builder *b, const char *name, int rows,
                                   hesse_role role, const int *id, int *table)
{
    const int width = b->arch->width;
    const hesse_param p = {.rows = rows,
                           .cols = width,
                           .out_rows = true,
                           .role = role,
                           .init = {.spread = 0.02}};
    *table = hesse_build_param(b, p, name);
    const hesse_stream out = {.tokens = b->tape ? b->tape->context : b->arch->positions,
                              .width = width};
    return add(b, &hesse_op_embedding, (hesse_dims){.c = rows, .o = width}, table, id,
               out);
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
                         .init = map.init};
}

hesse_stream hesse_build_map(hesse_builder *b, hesse_stream x, hesse_affine map,
                             const char *name)
{
    const hesse_param w = weight_of(x.width, map);
    const hesse_dims d = {.c = x.width, .o = map.out, .out_rows = !map.in_first};
    const int in[] = {x.value, hesse_build_param(b, w, name)};
    x.width = map.out;
    return add(b, &hesse_op_linear_unbiased, d, in, NULL, x);
}

hesse_stream hesse_build_linear(hesse_builder *b, hesse_stream x, hesse_affine map,
                                const char *name)
{
    char full[HESSE_NAME];
    join(full, sizeof full, name, "weight");
    if (!map.bias) return hesse_build_map(b, x, map, full);
    const hesse_param w = weight_of(x.width, map);
    const hesse_dims d = {.c = x.width, .o = map.out, .out_rows = !map.in_first};
    const int weight = hesse_build_param(b, w, full);
    const int bias = hesse_build_param(b, vector_of(map.out, map.role, map.bias_init),
                                       join(full, sizeof full, name, "bias"));
    x.width = map.out;
    return add(b, &hesse_op_linear, d, (int[]){x.value, weight, bias}, NULL, x);
}

hesse_stream hesse_build_tied(hesse_builder *b, hesse_stream x, int table, int rows,
                              const char *bias)
{
    const hesse_dims d = {.c = x.width, .o = rows, .out_rows = true};
    const hesse_param p = vector_of(rows, HESSE_ROLE_HEAD, (hesse_init){0});
    const int in[] = {x.value, table, hesse_build_param(b, p, bias)};
    x.width = rows;
    return add(b, &hesse_op_linear, d, in, NULL, x);
}

/* The image that a window finds, and the one that it leaves: a pixel for each place. */
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
    if (!map.bias) return add(b, &hesse_op_conv_unbiased, d, in, NULL, x);
    in[2] = hesse_build_param(b, vector_of(map.out, map.role, map.bias_init),
                              join(full, sizeof full, name, "bias"));
    return add(b, &hesse_op_conv, d, in, NULL, x);
}

hesse_stream hesse_build_conv(hesse_builder *b, hesse_stream x, hesse_view view,
                              hesse_affine map, const char *name)
{
    const hesse_param w = {.rank = 4,
                           .shape = {map.out, x.width, view.kernel, view.kernel}};
    return convolve(b, x, image_of(x, view), map, w, name);
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
    return add(b, &hesse_op_max_pool, d, &x.value, NULL, viewed(x, &d.image, x.width));
}

hesse_stream hesse_build_fields(hesse_builder *b, hesse_stream x, int side)
{
    const hesse_dims d = {
        .c = x.width,
        .image = {
            .rows = x.rows, .cols = x.cols, .kernel_rows = side, .kernel_cols = side}};
    const hesse_stream out = {
        .tokens = side * side, .width = x.width, .rows = side, .cols = side};
    return add(b, &hesse_op_adaptive_pool, d, &x.value, NULL, out);
}

hesse_stream hesse_build_mean_pool(hesse_builder *b, hesse_stream x)
{
    const hesse_stream out = {.tokens = 1, .width = x.width, .rows = 1, .cols = 1};
    return add(b, &hesse_op_mean_pool, (hesse_dims){.c = x.width}, &x.value, NULL, out);
}

static void gain_and_bias(hesse_builder *b, int width, const char *name, int *in)
{
    char full[HESSE_NAME];
    in[0] =
        hesse_build_param(b, vector_of(width, HESSE_ROLE_NORM, (hesse_init){.mean = 1}),
                          join(full, sizeof full, name, "weight"));
    in[1] = hesse_build_param(b, vector_of(width, HESSE_ROLE_NORM, (hesse_init){0}),
                              join(full, sizeof full, name, "bias"));
}

hesse_stream hesse_build_layernorm(hesse_builder *b, hesse_stream x, const char *name)
{
    int in[3] = {x.value};
    gain_and_bias(b, x.width, name, in + 1);
    const hesse_dims d = {.c = x.width, .a = b->arch->norm_eps};
    return add(b, &hesse_op_layernorm, d, in, NULL, x);
}

/* Means and variances that a checkpoint keeps; 0 and 1 where there is none. */
static int statistics(hesse_builder *b, int width, const char *name)
{
    static const char *const ends[] = {"running_mean", "running_var"};
    char full[HESSE_NAME];
    for (int i = 0; !b->tape && i < 2; i++)
        append(b, b->buffers,
               vector_of(width, HESSE_ROLE_NORM, (hesse_init){.mean = i}),
               join(full, sizeof full, name, ends[i]));
    if (!b->tape) return -1;
    const double *x = b->constants;
    if (x) b->constants += 2 * width;
    return hesse_tape_constant(b->tape, 2, width, x);
}

hesse_stream hesse_build_batchnorm(hesse_builder *b, hesse_stream x, const char *name)
{
    int in[4] = {x.value};
    const hesse_dims d = {.c = x.width, .a = b->arch->norm_eps};
    if (b->arch->image.batch_norm == HESSE_BATCH_NORM_NONE) return x;
    gain_and_bias(b, x.width, name, in + 1);
    if (b->arch->image.batch_norm == HESSE_BATCH_NORM_TRAINING)
        return add(b, &hesse_op_batchnorm, d, in, NULL, x);
    in[3] = statistics(b, x.width, name);
    return add(b, &hesse_op_batchnorm_given, d, in, NULL, x);
}

hesse_stream hesse_build_apply(hesse_builder *b, const hesse_op *op, hesse_dims d,
                               hesse_stream x)
{
    d.c = x.width;
    return add(b, op, d, &x.value, NULL, x);
}

hesse_stream hesse_build_join(hesse_builder *b, const hesse_op *op, hesse_stream x,
                              hesse_stream y)
{
    assert(x.tokens == y.tokens && x.width == y.width);
    return add(b, op, (hesse_dims){.c = x.width}, (int[]){x.value, y.value}, NULL, x);
}

hesse_stream hesse_build_activation(hesse_builder *b, hesse_stream x)
{
    return b->arch->activation == HESSE_ACT_NONE
               ? x
               : hesse_build_apply(b, hesse_activation_op(b->arch->activation),
                                   (hesse_dims){0}, x);
}

hesse_stream hesse_build_weights(hesse_builder *b, hesse_stream q, hesse_stream k,
                                 double scale)
{
    const hesse_attention *a = &b->arch->attention;
    const hesse_dims d = {
        .c = q.width, .h = a->heads, .g = a->kv_heads, .full = a->full, .a = scale};
    const bool gaussian = a->kernel == HESSE_KERNEL_GAUSSIAN;
    const int in[] = {q.value, k.value};
    const int *seen = b->tape ? b->batch->seen : NULL;
    q.width = a->heads * q.tokens;
    if (gaussian) return add(b, &hesse_op_gaussian, d, in, seen, q);
    q = add(b, &hesse_op_scores, d, in, NULL, q);
    if (a->kernel != HESSE_KERNEL_SOFTMAX) return q;
    return add(b, &hesse_op_softmax, d, &q.value, seen, q);
}

hesse_stream hesse_build_mix(hesse_builder *b, hesse_stream weights, hesse_stream v)
{
    const hesse_attention *a = &b->arch->attention;
    const int in[] = {weights.value, v.value};
    weights.width = v.width / a->kv_heads * a->heads;
    const hesse_dims d = {
        .c = weights.width, .h = a->heads, .g = a->kv_heads, .full = a->full};
    return add(b, &hesse_op_mix, d, in, NULL, weights);
}

hesse_stream hesse_build_select(hesse_builder *b, hesse_stream x, int token)
{
    const hesse_stream out = {.tokens = 1, .width = x.width};
    return add(b, &hesse_op_select, (hesse_dims){.c = x.width, .token = token},
               &x.value, NULL, out);
}

hesse_stream hesse_build_class_token(hesse_builder *b, hesse_stream x, const char *name)
{
    hesse_param p =
        vector_of(x.width, HESSE_ROLE_POSITION, (hesse_init){.spread = 0.02});
    p.rank = 3, p.shape[0] = p.shape[1] = 1, p.shape[2] = x.width;
    const int in[] = {x.value, hesse_build_param(b, p, name)};
    const hesse_stream out = {.tokens = x.tokens + 1, .width = x.width};
    return add(b, &hesse_op_class_token, (hesse_dims){.c = x.width}, in, NULL, out);
}

hesse_stream hesse_build_transpose(hesse_builder *b, hesse_stream x)
{
    const hesse_stream out = {.tokens = x.width, .width = x.tokens};
    return add(b, &hesse_op_transpose, (hesse_dims){.c = x.width}, &x.value, NULL, out);
}

hesse_stream hesse_build_positions(hesse_builder *b, hesse_stream x, const char *name)
{
    const hesse_param p = {.rows = x.tokens,
                           .cols = x.width,
                           .out_rows = true,
                           .role = HESSE_ROLE_POSITION,
                           .init = {.spread = 0.02},
                           .rank = 3,
                           .shape = {1, x.tokens, x.width}};
    const int in[] = {x.value, hesse_build_param(b, p, name)};
    return add(b, &hesse_op_positions, (hesse_dims){.c = x.width}, in, NULL, x);
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
    return add(b, &hesse_op_channels, d, &in, NULL, x);
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

void hesse_build_loss(hesse_builder *b, hesse_stream x, double times)
{
    hesse_dims d = {.c = x.width, .a = 1};
    if (!b->tape) return;
    const hesse_batch *batch = b->batch;
    if (b->arch->data.loss == HESSE_LOSS_CROSS_ENTROPY) {
        assert(batch->labels == x.tokens);
        if (times > 0) d.a = times / hesse_batch_targets(batch);
        hesse_tape_add(b->tape, &hesse_op_cross_entropy, d, &x.value, batch->target);
        return;
    }
    assert(batch->wanted_tokens == x.tokens && batch->wanted_width == x.width);
    const double numbers = (double)batch->sequences * x.tokens * x.width;
    if (times > 0) d.a = times / numbers;
    const int wanted = hesse_tape_input(b->tape, x.tokens, x.width, batch->wanted);
    hesse_tape_add(b->tape, &hesse_op_squared_error, d, (int[]){x.value, wanted}, NULL);
}
