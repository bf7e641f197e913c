/** Small networks on three sequences that are not transformers. Among their operators
 * are some that change the number of tokens, let sequences interact, or transpose
 * tokens and channels. */
#ifndef HESSE_TEST_NETS_H
#define HESSE_TEST_NETS_H

#include "transformers.h"

enum { NET_SEQUENCES = 3, NET_PARAMS = 32, NET_NUMBERS = 512 };

/** The parts of a net besides its tape while it is built, and those that its tape
 *  borrows. */
typedef struct net {
    hesse_tape *t;
    hesse_param list[NET_PARAMS];
    int count;
    size_t size;
} net;

/* Numbers that inputs and constants borrow. */
static inline const double *net_numbers(void)
{
    static double x[NET_NUMBERS];
    uint64_t seed = 17;
    for (int i = 0; i < NET_NUMBERS; i++) x[i] = uniform(&seed);
    return x;
}

static inline int net_param(net *n, int rows, int cols, bool out_rows)
{
    const int p = n->count++;
    assert_true(p < NET_PARAMS);
    n->list[p] = (hesse_param){.rows = rows,
                               .cols = cols,
                               .vector = rows == 1,
                               .out_rows = out_rows,
                               .role = rows == 1 ? HESSE_ROLE_NORM : HESSE_ROLE_UP,
                               .offset = n->size};
    n->size += (size_t)rows * (size_t)cols;
    return hesse_tape_param(n->t, rows, cols);
}

/* An operator of some activations, with new parameters of its own. */
static inline int net_add(net *n, const hesse_op *op, hesse_dims d, const int *x,
                          const int *id)
{
    int in[HESSE_MAX_IN];
    d.t = op->activations ? n->t->values[x[0]].tokens : d.t;
    for (int i = 0; i < op->activations; i++) in[i] = x[i];
    for (int i = op->activations; i < op->activations + op->parameters; i++) {
        const hesse_rect r = op->shape(&d, i);
        in[i] = net_param(n, r.rows, r.cols, d.out_rows || op->kind == HESSE_CONV);
    }
    for (int i = 0; i < op->constants; i++)
        in[op->activations + op->parameters + i] = x[op->activations + i];
    return hesse_tape_add(n->t, op, d, in, id, NULL);
}

static inline int net_one(net *n, const hesse_op *op, hesse_dims d, int x)
{
    return net_add(n, op, d, &x, NULL);
}

static inline int net_two(net *n, const hesse_op *op, hesse_dims d, int x, int y)
{
    return net_add(n, op, d, (int[]){x, y}, NULL);
}

static inline int net_linear(net *n, int c, int o, int x)
{
    return net_one(n, &hesse_op_linear, (hesse_dims){.c = c, .o = o}, x);
}

static const int net_classes[] = {2, 0, 1, 1, 2, 0, -1, 1, 0, 2, 2, 1};
static const int net_tokens[] = {1, 4, 0, 2, 3, 3, 1, 0, 4, 4, 2, 1};

static inline void net_classify(net *n, int c, int x)
{
    x = net_linear(n, c, 3, x);
    net_add(n, &hesse_op_cross_entropy, (hesse_dims){.c = 3, .a = 0.4}, &x,
            net_classes);
}

/* Images of 4 x 5 pixels with 2 channels. */
static inline void net_convolutions(net *n)
{
    n->t = hesse_tape_new(NET_SEQUENCES, 20);
    const hesse_dims first = {.c = 2, .o = 3, .image = {4, 5, 3, 3, 1, 1}};
    const hesse_dims pool = {.c = 3, .image = {4, 5, 2, 2, 2, 1}};
    const hesse_dims second = {.c = 3, .o = 4, .image = {3, 3, 2, 2, 1, 0}};
    const hesse_dims third = {.c = 4, .image = {2, 2, 2, 1, 1, 0}};
    int x = hesse_tape_input(n->t, 20, 2, net_numbers());
    x = net_one(n, &hesse_op_conv, first, x);
    x = net_one(n, &hesse_op_relu, (hesse_dims){.c = 3}, x);
    x = net_one(n, &hesse_op_max_pool, pool, x);
    x = net_one(n, &hesse_op_conv_unbiased, second, x);
    x = net_one(n, &hesse_op_tanh, (hesse_dims){.c = 4}, x);
    x = net_one(n, &hesse_op_average_pool, third, x);
    x = net_one(n, &hesse_op_adaptive_pool,
                (hesse_dims){.c = 4, .image = {1, 2, 3, 1, 0, 0}}, x);
    x = net_one(n, &hesse_op_mean_pool, (hesse_dims){.c = 4}, x);
    net_classify(n, 4, x);
}

/* The same with statistics of the batch, and with some that are given. */
static inline void net_normalised(net *n, bool given)
{
    static double statistics[] = {0.1, -0.2, 0.05, 0.8, 1.1, 0.6};
    n->t = hesse_tape_new(NET_SEQUENCES, 6);
    const hesse_dims conv = {.c = 2, .o = 3, .image = {2, 3, 2, 2, 1, 1}};
    const hesse_dims again = {.c = 3, .o = 3, .image = {3, 4, 2, 3, 1, 0}};
    const hesse_dims norm = {.c = 3, .a = 1e-2}, channels = {.c = 3};
    const int constant = hesse_tape_constant(n->t, 2, 3, statistics);
    int x = hesse_tape_input(n->t, 6, 2, net_numbers());
    x = net_one(n, &hesse_op_conv, conv, x);
    x = given ? net_two(n, &hesse_op_batchnorm_given, norm, x, constant)
              : net_one(n, &hesse_op_batchnorm, norm, x);
    x = net_one(n, &hesse_op_gelu, channels, x);
    int y = net_one(n, &hesse_op_conv_unbiased, again, x);
    if (!given) y = net_one(n, &hesse_op_batchnorm, norm, y);
    y = net_one(n, &hesse_op_silu, channels, y);
    net_classify(n, 3, net_one(n, &hesse_op_mean_pool, channels, y));
}

/* Attention over patches and a class token. */
static inline void net_patches(net *n)
{
    enum { C = 4, T = 3 };
    static double factors[] = {0.5, 0, 0.3, 0.9, -0.2, 0.4, 0, 1.1};
    n->t = hesse_tape_new(NET_SEQUENCES, T);
    const hesse_dims d = {.c = C, .h = 2, .g = 2, .full = true, .a = 0.7};
    const int map = hesse_tape_constant(n->t, T + 1, 2, factors);
    const hesse_dims norm = {.c = C, .a = 1e-5}, channels = {.c = C};
    int x = hesse_tape_input(n->t, T, 3, net_numbers());
    x = net_linear(n, 3, C, x);
    x = net_one(n, &hesse_op_class_token, channels, x);
    x = net_one(n, &hesse_op_positions, channels, x);
    x = net_two(n, &hesse_op_mapped_positions, (hesse_dims){.c = C, .o = 2}, x, map);
    const int y = net_one(n, &hesse_op_layernorm, norm, x);
    const int q = net_linear(n, C, C, y), k = net_linear(n, C, C, y);
    const int v = net_linear(n, C, C, y);
    int p = net_two(n, &hesse_op_scores, d, q, k);
    p = net_one(n, &hesse_op_softmax, d, p);
    p = net_linear(n, C, C, net_two(n, &hesse_op_mix, d, p, v));
    x = net_two(n, &hesse_op_sum, channels, x, p);
    x = net_one(n, &hesse_op_gelu, channels, net_linear(n, C, C, x));
    x = net_one(n, &hesse_op_select, (hesse_dims){.c = C, .token = 0}, x);
    net_classify(n, C, x);
}

/* Linear maps over tokens and over channels in turn; one target a sequence, some
 * ignored. */
static inline void net_mixer(net *n)
{
    enum { T = 4, C = 3, H = 5 };
    n->t = hesse_tape_new(NET_SEQUENCES, T);
    const hesse_dims tokens = {.c = T}, channels = {.c = C}, inner = {.c = H};
    const int in = hesse_tape_input(n->t, T, C, net_numbers());
    const int target = hesse_tape_input(n->t, 1, 2, net_numbers() + 100);
    const int x = net_linear(n, C, C, in);
    int y = net_one(n, &hesse_op_transpose, channels, x);
    y = net_one(n, &hesse_op_tanh, inner, net_linear(n, T, H, y));
    y = net_one(n, &hesse_op_transpose, tokens, net_linear(n, H, T, y));
    y = net_two(n, &hesse_op_sum, channels, x, y);
    y = net_one(n, &hesse_op_gelu, inner, net_linear(n, C, H, y));
    y = net_one(n, &hesse_op_mean_pool, inner, y);
    y = net_linear(n, H, 2, y);
    static const int seen[] = {0, -1, 0};
    net_add(n, &hesse_op_squared_error, (hesse_dims){.c = 2, .a = 0.3},
            (int[]){y, target}, seen);
}

/* Causal attention without softmax, then a Gaussian kernel. */
static inline void net_kernels(net *n)
{
    enum { C = 4, T = 4 };
    n->t = hesse_tape_new(NET_SEQUENCES, T);
    const hesse_dims table = {.c = 5, .o = C}, halved = {.c = 2 * T, .a = 0.5};
    const hesse_dims d = {.c = C, .h = 2, .g = 1, .a = 0.7}, stream = {.c = C};
    int x = net_add(n, &hesse_op_embedding, table, NULL, net_tokens);
    int p = net_two(n, &hesse_op_scores, d, net_linear(n, C, C, x),
                    net_linear(n, C, C / 2, x));
    p = net_one(n, &hesse_op_scale, halved, p);
    p = net_two(n, &hesse_op_mix, d, p, net_linear(n, C, C / 2, x));
    x = net_two(n, &hesse_op_sum, stream, x, p);
    p = net_two(n, &hesse_op_gaussian, d, net_linear(n, C, C, x),
                net_linear(n, C, C / 2, x));
    p = net_two(n, &hesse_op_mix, d, p, net_linear(n, C, C / 2, x));
    net_classify(n, C, net_two(n, &hesse_op_sum, stream, x, p));
}

/* Linear maps that use a weight in another layout than its own, and one that several
   maps use in both layouts. */
static inline void net_layouts(net *n)
{
    enum { T = 4, C = 3, H = 5 };
    n->t = hesse_tape_new(NET_SEQUENCES, T);
    const hesse_op *linear = &hesse_op_linear_unbiased;
    const hesse_dims up = {.c = C, .o = H, .out_rows = true}, down = {.c = H, .o = C};
    const hesse_dims inner = {.c = H}, channels = {.c = C};
    int x = hesse_tape_input(n->t, T, C, net_numbers());
    const int first = net_param(n, H, C, false), second = net_param(n, H, C, true);
    const int both = net_param(n, H, C, true);
    x = hesse_tape_add(n->t, linear, up, (int[]){x, first}, NULL, NULL);
    x = net_one(n, &hesse_op_tanh, inner, x);
    x = hesse_tape_add(n->t, linear, down, (int[]){x, second}, NULL, NULL);
    x = net_one(n, &hesse_op_gelu, channels, x);
    x = hesse_tape_add(n->t, linear, up, (int[]){x, both}, NULL, NULL);
    x = net_one(n, &hesse_op_silu, inner, x);
    x = hesse_tape_add(n->t, linear, down, (int[]){x, both}, NULL, NULL);
    net_classify(n, C, x);
}

enum { NETS = 7 };

/** Net number `which`, its tape run once; transformer_free frees it. */
static inline void net_new(transformer *m, int which)
{
    net n = {0};
    uint64_t seed = 5;
    if (which == 0) net_convolutions(&n);
    if (which == 1) net_normalised(&n, false);
    if (which == 2) net_normalised(&n, true);
    if (which == 3) net_patches(&n);
    if (which == 4) net_mixer(&n);
    if (which == 5) net_kernels(&n);
    if (which == 6) net_layouts(&n);
    *m = (transformer){.tape = n.t, .params = {n.count, n.size, NULL}};
    m->params.list = hesse_calloc((size_t)n.count, sizeof *m->params.list);
    m->theta = hesse_alloc(n.size), m->gradient = hesse_alloc(n.size);
    assert_true(m->params.list && m->theta && m->gradient && hesse_tape_freeze(n.t));
    for (int i = 0; i < n.count; i++) m->params.list[i] = n.list[i];
    for (size_t i = 0; i < n.size; i++) m->theta[i] = 0.8 * uniform(&seed);
    m->loss = hesse_tape_run(m->tape, m->theta, m->gradient);
}

/* The transformers, and then the nets. */
enum { ARCHS = 2, MODELS = ARCHS + NETS };

static inline void model_new(transformer *m, int which)
{
    static const hesse_arch *const archs[ARCHS] = {&tiny_gpt2, &tiny_llama};
    if (which < ARCHS)
        transformer_new(m, archs[which]);
    else
        net_new(m, which - ARCHS);
}

#endif /* HESSE_TEST_NETS_H */
