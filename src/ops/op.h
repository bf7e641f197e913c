/** Operators and their first and second derivatives.
 *
 *  An operator is y = F(x_0, x_1, ...). Let J be its Jacobian at x, and yb the adjoint
 *  of y, which is the derivative of the loss in y:
 *
 *    forward      y    = F(x)
 *    tangent      dy   = J dx               k at once
 *    adjoint      cx  += J' cy              k at once
 *    curvature    cx  += (dJ . dx)' yb      k at once
 *
 *  d is a tangent: it says how a value moves when the parameters move. c is a
 *  cotangent: it carries derivatives back from the loss. A gradient needs one
 *  cotangent, cy = yb. Columns of a Hessian need k cotangents, each the tangent of yb.
 *  Then J' yb moves by the product rule, by J' cy from adjoint and by (dJ . dx)' yb
 *  from curvature.
 *
 *  The four functions are pure: they read and write the arrays of their frame, allocate
 *  nothing, cannot fail, and know nothing of the graph they belong to.
 *
 *  One rule covers all special cases: a NULL operand is zero, a NULL result is not
 *  computed. The tape uses it to skip everything that a block of parameters does not
 *  touch.
 *
 *  Source: Griewank & Walther, Evaluating Derivatives, 2nd ed. (2008), chapter 5. */
#ifndef HESSE_OPS_OP_H
#define HESSE_OPS_OP_H

#include "base/real.h"
#include "hesse/parts.h"

#include <stdbool.h>
#include <stddef.h>

enum { HESSE_MAX_IN = 4 };

/** The pixels of an image, which are tokens, row by row, and a window that moves over
 *  the image. The image has a margin of `pad` pixels all around. */
typedef struct hesse_image {
    int rows, cols;
    int kernel_rows, kernel_cols, stride, pad;
} hesse_image;

/** Sizes. Each has the same name everywhere in the code and in docs/math.md. */
typedef struct hesse_dims {
    int n;         /* tokens of the inputs, in whole sequences */
    int t;         /* tokens of a sequence of the inputs                            */
    int c, o;      /* channels in, out; an embedding has c rows                     */
    int h, g;      /* query heads; key and value heads, a divisor of h              */
    bool full;     /* attention to every token of the sequence; false: causal       */
    bool out_rows; /* a weight is o x c; false: c x o                               */
    double a;      /* the operator's constant: scale of scores, epsilon of a norm,
                      factor of rotary embeddings, weight of a token in a loss,
                      exponent of power, slope of leaky_relu, alpha of elu          */
    int token;     /* the token of a sequence that is selected, or first hidden; the
                      row of an embedding that id 0 reads                           */
    int window;    /* causal attention sees this number of tokens, itself the last;
                      0: all tokens before                                          */
    int channel;   /* the first channel that is taken                               */
    int to;        /* tokens of a sequence of the output of gather and spread       */
    hesse_image image; /* t = rows x cols; of spread the rows and cols of W, of tables
                          those of M                                                */
} hesse_dims;

/** Rows and columns of a parameter: a part of it, or all. A vector has one row. */
typedef struct hesse_rect {
    int row, rows, col, cols;
} hesse_rect;

/** The part of the tape that one operator sees: its own operands and nothing else.
 *
 *  Inputs are ordered: first activations (tokens x width), then parameters (rows x
 *  cols), then constants (rows x cols), which have neither tangents nor cotangents.
 *  There are k tangents and k cotangents, and their index is innermost: element (token,
 *  channel, i) of an activation lies at token * hesse_stride(width, k) + channel * k +
 *  i, element (row, col, i) of a parameter at (row * cols + col) * k + i. The loss is
 *  one number; its tangents are k numbers. */
typedef struct hesse_frame {
    hesse_dims d;
    int k;
    const int *id;   /* n integers: token ids or targets; for attention the end of the
                        range of tokens that each token attends to, for mean_pool that of
                        the tokens that count; else NULL                              */
    const int *from; /* n integers: the first token of that range; NULL: 0            */

    const real *weight; /* in a loss: a factor of each token; NULL: all are 1 */

    /* One copy of each, never NULL if the operator has them: the inputs; the output,
       which forward overwrites; keep(d) numbers for every token of the output (of the
       input, for a loss), which forward leaves to the other functions; the adjoint of
       the output, for curvature. */
    const real *x[HESSE_MAX_IN];
    real *y;
    real *keep;
    const real *yb;

    /* Tangents of the inputs; each may be NULL. A parameter with more than one row may
       have unit directions instead of dx: tangent i is the unit direction of element
       unit[.][i]. */
    const real *dx[HESSE_MAX_IN];
    const int *unit[HESSE_MAX_IN];

    /* Tangents of the output: tangent overwrites them, and curvature reads what tangent
       left. */
    real *dy;

    /* Cotangents of the inputs; each may be NULL. Adjoint and curvature add to them;
       for a parameter they compute only the part `want`. If one is fresh, it holds
       nothing yet, and adjoint sets it, or curvature if adjoint is not called. One of
       them may be cy itself, if the operator `passes` it on. */
    real *cx[HESSE_MAX_IN];
    hesse_rect want[HESSE_MAX_IN];
    bool fresh[HESSE_MAX_IN];

    /* Cotangents of the output, for adjoint. */
    const real *cy;
} hesse_frame;

/** Return the numbers between the tangents of one token and those of the next. The
 *  padding prevents tokens from falling on the same lines of the cache
 *  (docs/performance.md). */
static inline size_t hesse_stride(int width, int k)
{
    return (size_t)width * (size_t)k + (k < HESSE_REALS_64 ? 0 : HESSE_REALS_64);
}

/** Token i attends to the tokens hesse_visible_from(f, i) ... hesse_visible_end(f, i) -
 * 1 of its sequence. */
static inline int hesse_visible_end(const hesse_frame *f, int i)
{
    return f->id ? f->id[i] : f->d.full ? f->d.t : i % f->d.t + 1;
}

static inline int hesse_visible_from(const hesse_frame *f, int i)
{
    const int first = f->from ? f->from[i] : 0;
    const int near = f->d.window ? i % f->d.t + 1 - f->d.window : 0;
    return first > near ? first : near;
}

/** The way a panel uses an operator's inputs; it makes `shares` matrices. */
typedef struct hesse_use {
    bool moves[HESSE_MAX_IN], wanted[HESSE_MAX_IN];
    bool dense;                    /* directions of parameters are vectors, not units */
    hesse_rect want[HESSE_MAX_IN]; /* of parameters */
    int shares;
} hesse_use;

typedef struct hesse_op {
    const char *name;
    hesse_kinds kind; /* one bit                                               */
    int activations;  /* inputs that are activations                            */
    int parameters;   /* and, after them, parameters                            */
    int constants;    /* and, after these, constants                            */
    bool loss;        /* the output is one number, a sum over tokens            */
    bool sequences;   /* tokens meet: a frame must hold whole sequences */
    bool batch;       /* sequences meet: a frame must hold all sequences */
    bool sets;        /* adjoint obeys `fresh` */
    bool bends;       /* curvature obeys `fresh`, if the adjoint is not called */
    bool passes; /* adjoint adds cy to the cx of every activation; all have its shape */

    int (*tokens)(const hesse_dims *d); /* of a sequence of the output; NULL: d->t. If
                                           it is set, `sequences` is set, too */
    int (*width)(const hesse_dims *d, int i); /* of activation i; i == activations +
                                                 parameters: of the output */
    hesse_rect (*shape)(const hesse_dims *d, int i); /* of input i, a parameter or a
                                                        constant */
    int (*keep)(const hesse_dims *d);                /* numbers per token; NULL: none */
    double (*work)(const hesse_dims *d, const hesse_use *use);
    /* Return the operations of its products for one tangent; NULL: it has no
       products. */

    void (*forward)(const hesse_frame *f);
    void (*tangent)(const hesse_frame *f);
    void (*adjoint)(const hesse_frame *f);
    void (*curvature)(const hesse_frame *f);
} hesse_op;

/** Return the tokens of a sequence of the output; for a loss, of the inputs. */
static inline int hesse_op_tokens(const hesse_op *op, const hesse_dims *d)
{
    return op->tokens ? op->tokens(d) : d->t;
}

/* A head has e channels. A token has t scores per head; they are zero for tokens that
   it does not attend to. */

/* y = x W + b, or x W' + b: x n x c, y n x o. */
extern const hesse_op hesse_op_linear, hesse_op_linear_unbiased;
/* y = W[id + token]: W c x o, y n x o. */
extern const hesse_op hesse_op_embedding;
/* y = g (x - mean) / deviation + b: n x c; without b; with g = 1 and without b. */
extern const hesse_op hesse_op_layernorm, hesse_op_layernorm_unbiased,
    hesse_op_layernorm_plain;
/* y = g x / root mean square: n x c; with 1 + g in place of g. */
extern const hesse_op hesse_op_rmsnorm, hesse_op_rmsnorm_one_plus;
/* The same for each of the h heads of a token alone; the heads share g and b. */
extern const hesse_op hesse_op_layernorm_heads, hesse_op_rmsnorm_heads,
    hesse_op_rmsnorm_one_plus_heads;
/* The first o channels of every head are turned in pairs, by position times frequency,
   and multiplied by a: x n x h e = c, frequencies 1 x o / 2, a constant. */
extern const hesse_op hesse_op_rotary;
/* y = a q . k: q n x h e = c, k n x g e, y n x h t. */
extern const hesse_op hesse_op_scores;
/* Softmax over the tokens attended to: n x h t. */
extern const hesse_op hesse_op_softmax;
/* y = sum p v: p n x h t, v n x g e, y n x h e = c. */
extern const hesse_op hesse_op_mix;
/* Functions of each element: n x c. */
extern const hesse_op hesse_op_gelu, hesse_op_gelu_tanh, hesse_op_relu, hesse_op_silu,
    hesse_op_tanh;
/* y = a x: n x c. */
extern const hesse_op hesse_op_scale;
/* y = x_0 x_1 by elements, y = x_0 + x_1: n x c. */
extern const hesse_op hesse_op_product, hesse_op_sum;
/* a sum -log softmax(x)[id]: n x c; an id below 0 is ignored. */
extern const hesse_op hesse_op_cross_entropy;
/* a sum (x_0 - x_1)^2: n x c; if there are ids, a token with an id below 0 is
   ignored. */
extern const hesse_op hesse_op_squared_error;
/* a sum log(1 + exp(x_0)) - x_1 x_0, where x_1 holds 0 and 1: n x c. */
extern const hesse_op hesse_op_binary_cross_entropy;

/* Operators on images with t = rows x cols pixels; y has a token for each place of the
   window. */

/* Cross-correlation with kernels W, o x (c x kernel_rows x kernel_cols), and + b: x is
   n x c, y is places x o. */
extern const hesse_op hesse_op_conv, hesse_op_conv_unbiased;
/* The largest number under the window, for every channel; or the mean, in which the
   margin counts as zeros: x is n x c, y is places x c. */
extern const hesse_op hesse_op_max_pool, hesse_op_average_pool;
/* Means of kernel_rows x kernel_cols fields that divide the image: x is n x c, y is
   fields x c. */
extern const hesse_op hesse_op_adaptive_pool;

/* The mean of a sequence's tokens: x n x c, y one token x c. */
extern const hesse_op hesse_op_mean_pool;
/* y = token number `token` of a sequence: x n x c, y one token x c. */
extern const hesse_op hesse_op_select;
/* y = x before token number `token`, 0 from it on: x n x c. */
extern const hesse_op hesse_op_mask;
/* y = channels channel ... channel + o - 1: x n x c, y n x o. */
extern const hesse_op hesse_op_channels;
/* y = the channels of x_0, and then those of x_1: n x c, n x o, y n x (c + o). */
extern const hesse_op hesse_op_append;
/* y = w before the tokens of every sequence: x n x c, w 1 x c, y of t + 1 tokens x c.
 */
extern const hesse_op hesse_op_class_token;
/* y = x' for every sequence: x t tokens x c, y c tokens x t. */
extern const hesse_op hesse_op_transpose;
/* y = x + W, with a row of W for every position in a sequence: n x c, W t x c. */
extern const hesse_op hesse_op_positions;
/* y = x + M W, with a row of M W for every position in a sequence: n x c, W o x c, M a
   constant t x o. */
extern const hesse_op hesse_op_mapped_positions;
/* y = g (x - mean) / deviation + b, for every channel, over all tokens of the batch. */
extern const hesse_op hesse_op_batchnorm;
/* The same with given statistics: a constant after b, 2 x c, has a row of means and a
   row of variances. */
extern const hesse_op hesse_op_batchnorm_given;
/* y = exp(-a |q - k|^2 / 2): q n x h e = c, k n x g e, y n x h t. */
extern const hesse_op hesse_op_gaussian;

/* General operators, which graphs have. */

/* y = x[index] within each example, and y = W[index]: x n x c, W rows x cols, index a
   constant of `to` tokens x o (spread: x c). Its entries are places in x (token c +
   channel) or W (row cols + col); -1 gives 0. */
extern const hesse_op hesse_op_gather, hesse_op_spread;
/* The sums and the largest numbers of h fields of channels: x n x c, y n x h. */
extern const hesse_op hesse_op_sum_fields, hesse_op_max_fields;
/* The rank of each number in its field, from 0 for the largest one; of equal numbers
   the first one is larger: n x c. All derivatives are 0. */
extern const hesse_op hesse_op_rank_fields;
/* Softmax over each of h fields of channels: n x c; numbers up to HESSE_REAL_HIDDEN
   give 0. */
extern const hesse_op hesse_op_softmax_fields;
/* y = x + M, y = x M by elements: n x c; M a constant, t or 1 x c or 1. */
extern const hesse_op hesse_op_add_table, hesse_op_times_table;
/* y = x_0 / x_1, the larger and the smaller of x_0 and x_1, by elements: n x c. */
extern const hesse_op hesse_op_quotient, hesse_op_maximum, hesse_op_minimum;
/* Functions of each element: n x c. power is x^a, leaky_relu has the slope a below 0,
   elu is a (exp(x) - 1) there. positive is 1 above 0, else 0; round takes the even one
   of two integers that are equally near. */
extern const hesse_op hesse_op_exp, hesse_op_log, hesse_op_sqrt, hesse_op_rsqrt,
    hesse_op_reciprocal, hesse_op_sigmoid, hesse_op_softplus, hesse_op_erf,
    hesse_op_sin, hesse_op_cos, hesse_op_abs, hesse_op_square, hesse_op_power,
    hesse_op_leaky_relu, hesse_op_elu, hesse_op_hardswish, hesse_op_positive,
    hesse_op_atan, hesse_op_floor, hesse_op_round;
/* a sum x: n x c. */
extern const hesse_op hesse_op_mean_loss;

/** List of every operator, NULL at the end. The conformance tests run over this
 *  list. */
extern const hesse_op *const hesse_ops[];

#endif /* HESSE_OPS_OP_H */
