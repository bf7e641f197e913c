/** A model unrolled on a batch of sequences, its loss and gradient.
 *
 *  A tape is a list of values (parameters, inputs, results) and a list of nodes. Each
 *  node is an operator that makes a new value from some others. Values are named by
 *  their index. The last value is the loss. Every activation has its own number of
 *  tokens per sequence, because some operators, such as pooling, change it. Values,
 *  adjoints and the arrays that the operators keep exist for the whole batch; sweeps
 *  (network/sweep.h) read them and never change them. */
#ifndef HESSE_NETWORK_TAPE_H
#define HESSE_NETWORK_TAPE_H

#include "ops/op.h"

typedef struct hesse_value {
    int param;       /* its index among the parameters; -1: it is no parameter */
    hesse_rect rect; /* of a parameter: all of it                                    */
    int tokens;      /* of an activation: tokens of a sequence */
    int width;       /* and numbers of a token; 0: a constant, or the loss, which is one
                        number */
    size_t offset;   /* of a parameter in theta                                      */
    size_t count;    /* number of its numbers; if the tape computes it, those of the
                        sequences held at once */
    int last;        /* the last node that reads an activation, which is the first to
                        write its adjoint; -1: none                                  */
    const double *given; /* of an input or a constant: the borrowed numbers */
    real *copy;          /* of given, or of a parameter; NULL: reals are doubles */
    const real *x; /* what operators read                                          */
    real *own;     /* x, if the tape computes it */
    real *b;       /* adjoint; NULL for an input                                   */
} hesse_value;

/** The number of activations, constants and losses of one shape. */
typedef struct hesse_shape {
    int tokens, width;
    size_t values;
} hesse_shape;

/** The last node that reads a parameter, and how often the parameter is read. */
typedef struct hesse_param_reader {
    int node, uses;
} hesse_param_reader;

typedef struct hesse_node {
    const hesse_op *op;
    hesse_dims d; /* of the whole batch; d.n and d.t count tokens of the inputs */
    int in[HESSE_MAX_IN], out;
    const int *id, *from;
    real *keep;
} hesse_node;

typedef struct hesse_tape {
    int sequences, context; /* examples; tokens of a sequence at the input */
    int window;             /* sequences whose values are held at once   */
    int first;              /* the first of them                         */
    int ready, n_ready;     /* sequences ready ... ready + n_ready - 1 have values and
                               adjoints at the present parameters        */
    int n_passed;           /* the last pass went over sequences from `ready` on */
    int n_values, n_nodes, n_params;
    int n_shapes;
    int room_values, room_nodes, room_params, room_readers, room_shapes;
    hesse_value *values;
    hesse_node *nodes;
    int *value_of;               /* [params]                          */
    hesse_param_reader *readers; /* [params] */
    hesse_shape *shapes;         /* of all values but the parameters  */
    size_t in_params;            /* numbers of all parameters         */
    size_t in_vectors;           /* and of those that are vectors     */
    int *position;               /* of every token in its sequence                */
    int *zero;                   /* for every token                               */
    double *table;               /* numbers of constants; NULL: none */
    real *weights;               /* of the tokens that the loss reads; NULL: all 1  */
    double
        loss_weight; /* of every term of the loss, by its graph; 0: by the reduction */
    real *state;     /* values, adjoints and keeps: one allocation    */
    bool coupled; /* sequences meet: terms of parts of the batch do not add up to those
                     of the whole */
    bool broken;  /* memory ran out while it grew                  */
} hesse_tape;

/** Local. Make an empty tape. Returns NULL when memory is exhausted. */
hesse_tape *hesse_tape_new(int sequences, int context);
void hesse_tape_free(hesse_tape *t);

/** Local. Append a value. Parameters take their places in theta in the order in which
 *  they are appended. An input (sequences x tokens x width numbers) and a constant
 *  (rows x cols) are borrowed until the tape is freed. Returns the value's index. */
int hesse_tape_param(hesse_tape *t, int rows, int cols);
int hesse_tape_input(hesse_tape *t, int tokens, int width, const double *x);
int hesse_tape_constant(hesse_tape *t, int rows, int cols, const double *x);

/** Local. Append a node. n and t of d are filled in from the activations, which must
 *  have the same number of tokens. For a node without activations t is d.t, or the
 *  tape's context if d.t is 0.
 *
 *  in  [in]  the operator's inputs: activations, parameters, constants.
 *  id, from  [in]  an integer for every token of the inputs (ops/op.h), or NULL;
 *                  borrowed.
 *  Returns the index of its result. */
int hesse_tape_add(hesse_tape *t, const hesse_op *op, hesse_dims d, const int *in,
                   const int *id, const int *from);

/** Local. Get memory for numbers that constants borrow; returns NULL when memory is
 *  exhausted. To be called once. */
double *hesse_tape_table(hesse_tape *t, size_t count);

/** Local. Get memory for the weights of the tokens that the loss reads, `tokens` of
 *  them for a sequence; the caller sets them. Returns NULL when memory is exhausted. */
real *hesse_tape_weights(hesse_tape *t, int tokens);

/** Local. Let all tokens that the loss reads have the weight 1 again. */
void hesse_tape_drop_weights(hesse_tape *t);

/** Local. Hold the values of at most this number of sequences at once; to be called
 *  before hesse_tape_freeze. The values of the other sequences are computed again when
 *  a sweep comes to them. A coupled tape holds all sequences. */
void hesse_tape_hold(hesse_tape *t, int sequences);

/** Local. Return true if the values of all sequences are held at once, so that several
 *  sweeps may read them. */
bool hesse_tape_is_whole(const hesse_tape *t);

/** Local. Return the bytes that hesse_tape_freeze takes, here and in single
 *  precision. */
size_t hesse_tape_bytes(const hesse_tape *t);
double hesse_tape_bytes_single(const hesse_tape *t);

/** Local. Get memory for all values of the tape at once. Returns false when memory is
 *  exhausted, or was exhausted before. */
bool hesse_tape_freeze(hesse_tape *t);

/** Local. The numbers of inputs have changed in the arrays that the tape borrows: no
 *  values are ready. */
void hesse_tape_renew_inputs(hesse_tape *t);

/** Local. Return the number of a node's inputs that are activations or parameters. */
static inline int hesse_inputs(const hesse_node *n)
{
    return n->op->activations + n->op->parameters;
}

/** Local. For a node where tokens meet: return true if the tangent of one token reaches
 *  all tokens of its sequence, and not only the tokens that follow it. */
static inline bool hesse_reaches_all(const hesse_node *n)
{
    return n->d.full || n->op->tokens || n->op->batch;
}

/** Local. Return the node that reads a parameter; NULL when no node or several
 *  read it. */
const hesse_node *hesse_tape_reader(const hesse_tape *t, int param);

/** Local. Use these parameters from now on; theta is borrowed until the next call. */
void hesse_tape_set_parameters(hesse_tape *t, const double *theta);

/** Local. Compute the terms that the sequences first ... first + count - 1 have in the
 *  loss and, unless it is NULL, in the gradient. The terms of all sequences add up to
 *  the whole. A coupled tape takes all sequences, or none. Afterwards the values and
 *  adjoints of these sequences are ready, or those of the last ones that the tape can
 *  hold. */
double hesse_tape_gradient(hesse_tape *t, int first, int count, double *gradient);

/** Local. Compute the same terms of the loss alone; nothing is ready afterwards. */
double hesse_tape_loss(hesse_tape *t, int first, int count);

/** Local. Set the parameters, and compute loss and gradient of all sequences. */
double hesse_tape_run(hesse_tape *t, const double *theta, double *gradient);

/** Local. Make values and adjoints of these sequences ready, at most a window of them.
 *  Does nothing if they are ready. */
void hesse_tape_seek(hesse_tape *t, int first, int count);

/** The origin of a number that is not finite. */
typedef struct hesse_fault {
    int node;         /* -1: there is none */
    const char *what; /* "value", "adjoint", "tangent", "cotangent" */
    int sequence;     /* -1: not known                            */
} hesse_fault;

/** Local. Find the first node of the last run that gave a value or an adjoint that is
 *  not finite. The search overwrites a parameter's gradient if that is what is not
 *  finite. */
hesse_fault hesse_tape_fault(const hesse_tape *t);

/** Local. Write a fault for a message: "operator 14 (softmax), sequence 3". There must
 *  be one. Returns text. */
const char *hesse_fault_text(const hesse_tape *t, const hesse_fault *fault, char *text,
                             size_t room);

/** Local. Return the index of the first number that is not finite; count when all are
 *  finite. */
size_t hesse_first_fault(const real *x, size_t count);

/** Local. A node's frame takes the input's tokens from `first` on. Return the index of
 *  the token in the node's output at which the results of this frame begin. */
size_t hesse_tape_first(const hesse_tape *t, const hesse_node *node, int first);

/** Local. Return the frame of a node for the tokens first ... first + count - 1 of its
 *  inputs, which are in the window. It has the values and adjoints; tangents and
 *  cotangents are NULL. */
hesse_frame hesse_tape_frame(const hesse_tape *t, const hesse_node *node, int first,
                             int count);

#endif /* HESSE_NETWORK_TAPE_H */
