/** Closed forms for one layer of self-attention with the squared error: moments of
 *  attention, and the Hessian as an outer product plus a functional part.
 *  docs/math.md, section 17. */
#ifndef HESSE_THEORY_ATTENTION_BLOCKS_H
#define HESSE_THEORY_ATTENTION_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>

/** The matrices of a layer, in the order of its parameters. */
typedef enum hesse_attention_matrix {
    HESSE_ATTENTION_QUERY,
    HESSE_ATTENTION_KEY,
    HESSE_ATTENTION_VALUE,
    HESSE_ATTENTION_OUTPUT,
    HESSE_ATTENTION_MATRICES
} hesse_attention_matrix;

/** A layer of attention. Its parameters are query and key, inputs x (heads size),
 * value, inputs x (heads value_size), and output, (heads value_size) x outputs, each by
 * rows, one after the other. A joined layer has the matrix query key' of every head in
 * place of query and key: inputs x (heads inputs), and its size is the one of the
 * inputs. */
typedef struct hesse_attention_layer {
    int inputs;  /* D, numbers of a token                                             */
    int outputs; /* numbers of a target; without output matrix heads value_size       */
    int heads, size, value_size;
    bool output; /* there is an output matrix             */
    bool causal; /* token i sees tokens 0 ... i; false: all */
    bool linear; /* the weights are the scores; false: their softmax */
    bool joined;
    double temperature; /* scores are divided by it */
    const double *theta;
} hesse_attention_layer;

/** The place of a matrix among the parameters: element (r, c) of head h is at first +
 * r * row + c + h * head. A matrix that the layer does not have has 0 rows. */
typedef struct hesse_attention_place {
    size_t first, rows, columns, row, head; /* rows and columns of one head */
} hesse_attention_place;

/** Local. Return the number of parameters, or the place of a matrix. */
size_t hesse_attention_size(const hesse_attention_layer *layer);
hesse_attention_place hesse_attention_place_of(const hesse_attention_layer *layer,
                                               hesse_attention_matrix matrix);

/** Local. Compute the outputs of the layer for a sequence.
 *
 *  x  [in]   tokens x inputs.
 *  f  [out]  tokens x outputs.
 *  False: out of memory. */
bool hesse_attention_forward(const hesse_attention_layer *layer, int tokens,
                             const double *x, double *f);

/** Local. Compute the moments of the attention of a head, for every token of a
 * sequence: the mean mu = sum a_j x_j, the covariance C = sum a_j y_j y_j' and the
 * third central moment T = sum a_j y_j y_j y_j, y_j = x_j - mu. If the kernel is
 * linear, they are the derivatives that take their place: C = sum x_j x_j' and T = 0.
 *
 *  x         [in]   tokens x inputs.
 *  mu, c, t  [out]  tokens x inputs, tokens x inputs^2 and tokens x inputs^3; NULL: not
 *                   needed.
 *  False: out of memory. */
bool hesse_attention_moments(const hesse_attention_layer *layer, int tokens,
                             const double *x, int h, double *mu, double *c, double *t);

/** Local. Compute the two parts of the Hessian of the loss scale * sum |f - target|^2
 * over all tokens of all sequences.
 *
 *  x           [in]   sequences x tokens x inputs.
 *  residual    [in]   sequences x tokens x outputs: f - target.
 *  outer       [out]  n x n: the outer product of first derivatives (Gauss-Newton).
 *  functional  [out]  n x n: the rest of the Hessian.
 *  query_key   [out]  n x n: the term of `functional` that query and key have because
 *                     they are two matrices, and that a joined layer does not have;
 *                     NULL: not needed.
 *  Memory: tokens x outputs x n. False: out of memory. */
bool hesse_attention_blocks(const hesse_attention_layer *layer, int sequences,
                            int tokens, const double *x, const double *residual,
                            double scale, double *outer, double *functional,
                            double *query_key);

/** Local. Compute the tangents of the symmetries of a layer that is not joined: query
 * times A and key times A^-T, and value times A and A^-1 times output, leave the
 * network as it is. If the kernel is linear, so do a factor of query and its inverse of
 * value. Direction i is row i of z. The count is heads size^2, heads value_size^2 more
 * with an output matrix, and heads more for a linear kernel.
 *
 *  z  [out]  count x n; NULL: only the count is needed. */
size_t hesse_attention_symmetries(const hesse_attention_layer *layer, double *z);

#endif /* HESSE_THEORY_ATTENTION_BLOCKS_H */
