/** hesse: the matrices that can be asked for: shares of the Hessian, and blocks of the
 * parameters or all of them. */
#ifndef HESSE_PARTS_H
#define HESSE_PARTS_H

#ifdef __cplusplus
extern "C" {
#endif

/** Kinds of operators, one bit each, and sets of them. The Hessian is a sum over the
 * operators, with one term for the curvature of each. The sum of the terms of a set of
 * kinds is the share of that set. docs/math.md, section 2. */
typedef enum hesse_kinds {
    HESSE_LINEAR = 1 << 0,
    HESSE_EMBEDDING = 1 << 1,
    HESSE_LAYERNORM = 1 << 2,
    HESSE_RMSNORM = 1 << 3,
    HESSE_ROTARY = 1 << 4,
    HESSE_SCORES = 1 << 5,
    HESSE_SOFTMAX = 1 << 6,
    HESSE_MIX = 1 << 7,
    HESSE_GELU = 1 << 8,
    HESSE_RELU = 1 << 9,
    HESSE_SILU = 1 << 10,
    HESSE_PRODUCT = 1 << 11,
    HESSE_SUM = 1 << 12,
    HESSE_CROSS_ENTROPY = 1 << 13,
    HESSE_SQUARED_ERROR = 1 << 14,
    HESSE_CONV = 1 << 15,
    HESSE_POOL = 1 << 16,
    HESSE_BATCHNORM = 1 << 17,
    HESSE_GAUSSIAN = 1 << 18,
    HESSE_TANH = 1 << 19,
    HESSE_SCALE = 1 << 20,
    HESSE_MOVE = 1 << 21, /* selection, class token, transposition, positions */
    HESSE_BINARY_CROSS_ENTROPY = 1 << 22,
    HESSE_ELEMENTWISE = 1 << 23, /* functions of one number that graphs have */
    HESSE_MEAN_LOSS = 1 << 24,   /* a loss that a graph computes itself      */

    HESSE_ALL = (1 << 25) - 1,
    HESSE_GAUSS_NEWTON = HESSE_CROSS_ENTROPY | HESSE_SQUARED_ERROR |
                         HESSE_BINARY_CROSS_ENTROPY |
                         HESSE_MEAN_LOSS,              /* the losses alone */
    HESSE_FUNCTIONAL = HESSE_ALL & ~HESSE_GAUSS_NEWTON /* all except these */
} hesse_kinds;

/** Local. The kinds of a share by its name: "hessian", "gauss_newton", "functional", or
 * an operator kind ("linear", "softmax", ...), 0 if there is no such name; and the name
 * of a set of kinds, "" if it has none. */
hesse_kinds hesse_kinds_named(const char *name);
hesse_kinds
hesse_kinds_at(int i); /* share i = 0, 1, ... of all that have names; 0 at the end */
const char *hesse_kinds_name(hesse_kinds kinds);

/** The ways to cut the parameters into blocks. */
typedef enum hesse_cut {
    /* A block for every parameter. */
    HESSE_CUT_TENSOR,
    /* Query, key and value are cut by the head that they make, attention's output
       matrix by the head that it reads. The rest is cut by tensor. */
    HESSE_CUT_HEAD,
    /* Matrices are cut by output neuron, embeddings by row. Vectors stay whole. */
    HESSE_CUT_NEURON,
    /* Every layer is a block; outside of layers every module is one. */
    HESSE_CUT_LAYER,
    /* Emb, QK, VO, FFN, Norm, Conv, Other; or the groups of the user. */
    HESSE_CUT_GROUP,
    /* One block. */
    HESSE_CUT_WHOLE,
    /* The matrices of query, key and value of a layer are one block, their vectors are
       another. The rest is cut by tensor. */
    HESSE_CUT_FUSED
} hesse_cut;

typedef enum hesse_scope {
    HESSE_BLOCKS = 1, /* the principal diagonal blocks */
    HESSE_FULL = 2,   /* the whole matrix              */
    HESSE_BOTH = 3
} hesse_scope;

/** The reason why the spectrum of a matrix is estimated by a quadrature, if it is
 * estimated. */
typedef enum hesse_estimated {
    HESSE_NOT_ESTIMATED,
    HESSE_ESTIMATED_AS_ASKED, /* no matrices are formed                             */
    HESSE_ESTIMATED_MEMORY,   /* the matrix needs more memory than is available     */
    HESSE_ESTIMATED_TIME,     /* it would take longer than is allowed               */
    HESSE_ESTIMATED_LIBRARY   /* it is larger than the libraries for matrices allow */
} hesse_estimated;

/** Local. The reason in words: "", "as asked", "memory", "time", "library limit". */
const char *hesse_estimated_text(hesse_estimated why);

#ifdef __cplusplus
}
#endif

#endif /* HESSE_PARTS_H */
