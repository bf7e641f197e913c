/* A layer is a dozen lines that append operators. Parameters are taken in the order of
   their list, which is that of first use; a bias follows its matrix, where there is one.
   Sources: Radford et al. (2019), GPT-2; Touvron et al., arXiv:2302.13971, Llama;
   Ainslie et al., arXiv:2305.13245, shared key and value heads. */
#include "network/families/transformer.h"

#include "network/build.h"

#include <assert.h>
#include <math.h>

typedef struct builder {
    const hesse_arch *a;
    const hesse_param *next, *end; /* parameters not yet taken   */
    const int *seen;               /* of the batch               */
    hesse_tape *t;
} builder;

static int take(builder *b)
{
    assert(b->next < b->end);
    const hesse_param *p = b->next++;
    return hesse_tape_param(b->t, p->rows, p->cols);
}

/* Whether the next parameter is the bias of the last. */
static bool biased(const builder *b)
{
    return b->next < b->end && b->next->vector && b->next->role == b->next[-1].role;
}

static int embedding(builder *b, const int *id, int *table)
{
    const hesse_dims d = {.c = b->next->rows, .o = b->next->cols};
    *table = take(b);
    return hesse_tape_add(b->t, &hesse_op_embedding, d, table, id);
}

static int linear(builder *b, int x)
{
    const hesse_param *w = b->next;
    const hesse_dims d = {.c = w->out_rows ? w->cols : w->rows,
                          .o = w->out_rows ? w->rows : w->cols,
                          .out_rows = w->out_rows};
    const int weight = take(b);
    if (!biased(b))
        return hesse_tape_add(b->t, &hesse_op_linear_unbiased, d, (int[]){x, weight},
                              NULL);
    const int bias = take(b);
    return hesse_tape_add(b->t, &hesse_op_linear, d, (int[]){x, weight, bias}, NULL);
}

static int norm(builder *b, int x)
{
    const hesse_dims d = {.c = b->a->width, .a = b->a->norm_eps};
    const int gain = take(b);
    if (b->a->family == HESSE_LLAMA)
        return hesse_tape_add(b->t, &hesse_op_rmsnorm, d, (int[]){x, gain}, NULL);
    if (!biased(b))
        return hesse_tape_add(b->t, &hesse_op_layernorm_unbiased, d, (int[]){x, gain},
                              NULL);
    const int bias = take(b);
    return hesse_tape_add(b->t, &hesse_op_layernorm, d, (int[]){x, gain, bias}, NULL);
}

static int pair(builder *b, const hesse_op *op, hesse_dims d, int x, int y)
{
    return hesse_tape_add(b->t, op, d, (int[]){x, y}, NULL);
}

static int attention(builder *b, int x, int layer)
{
    const hesse_attention *a = &b->a->attention;
    const double root = a->temperature > 0 ? a->temperature : sqrt(a->size);
    const hesse_dims d = {.c = a->heads * a->size,
                          .h = a->heads,
                          .g = a->kv_heads,
                          .full = a->full,
                          .a = 1 / (root * (a->by_layer ? layer + 1 : 1))};
    int q = linear(b, x), k = linear(b, x);
    const int v = linear(b, x);
    if (b->a->family == HESSE_LLAMA) {
        hesse_dims turned = {.c = d.c, .h = a->heads, .a = a->rope_theta};
        q = hesse_tape_add(b->t, &hesse_op_rotary, turned, &q, NULL);
        turned.c = a->kv_heads * a->size, turned.h = a->kv_heads;
        k = hesse_tape_add(b->t, &hesse_op_rotary, turned, &k, NULL);
    }
    const bool gaussian = a->kernel == HESSE_KERNEL_GAUSSIAN;
    int p = hesse_tape_add(b->t, gaussian ? &hesse_op_gaussian : &hesse_op_scores, d,
                           (int[]){q, k}, gaussian ? b->seen : NULL);
    if (a->kernel == HESSE_KERNEL_SOFTMAX)
        p = hesse_tape_add(b->t, &hesse_op_softmax, d, &p, b->seen);
    return linear(b, pair(b, &hesse_op_mix, d, p, v));
}

static int activation(builder *b, int x)
{
    const hesse_op *op = hesse_activation_op(b->a->activation);
    return hesse_tape_add(b->t, op, (hesse_dims){.c = b->a->inner}, &x, NULL);
}

static int mlp(builder *b, int x)
{
    const hesse_dims d = {.c = b->a->inner};
    int y = activation(b, linear(b, x));
    if (b->a->family == HESSE_LLAMA) y = pair(b, &hesse_op_product, d, y, linear(b, x));
    return linear(b, y);
}

static void unroll(builder *b, const hesse_batch *batch, double times)
{
    const hesse_dims stream = {.c = b->a->width};
    int table, positions;
    int x = embedding(b, batch->input, &table);
    if (b->a->family == HESSE_GPT2)
        x = pair(b, &hesse_op_sum, stream, x, embedding(b, b->t->position, &positions));
    for (int l = 0; l < b->a->layers; l++) {
        x = pair(b, &hesse_op_sum, stream, x, attention(b, norm(b, x), l));
        x = pair(b, &hesse_op_sum, stream, x, mlp(b, norm(b, x)));
    }
    x = norm(b, x);
    const hesse_dims head = {.c = b->a->width, .o = b->a->vocabulary, .out_rows = true};
    x = b->a->tied ? pair(b, &hesse_op_linear_unbiased, head, x, table) : linear(b, x);
    const hesse_dims loss = {.c = b->a->vocabulary,
                             .a = times > 0 ? times / hesse_batch_targets(batch) : 1};
    hesse_tape_add(b->t, &hesse_op_cross_entropy, loss, &x, batch->target);
    assert(b->next == b->end);
}

hesse_status hesse_transformer_build_tape(const hesse_arch *arch,
                                          const hesse_params *params,
                                          const hesse_batch *batch, double times,
                                          hesse_tape *tape, hesse_why *why)
{
    if (arch->family == HESSE_GPT2 && batch->context > arch->positions)
        return hesse_fail(why, HESSE_E_JOB,
                          "sequences of %d tokens, but the model has %d positions",
                          batch->context, arch->positions);
    builder b = {.a = arch,
                 .next = params->list,
                 .end = params->list + params->count,
                 .seen = batch->seen,
                 .t = tape};
    unroll(&b, batch, times);
    return HESSE_OK;
}
