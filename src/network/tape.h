/** A model unrolled on a batch of sequences, its loss and gradient.
 *
 *  A tape is a list of values (parameters, inputs, results) and a list of nodes, each
 * an operator from some values to a new one. Values are named by their index. The last
 *  value is the loss. An activation has its own number of tokens a sequence: pooling,
 * for one, leaves fewer. Values, adjoints and what the operators keep are there for the
 *  whole batch; sweeps (network/sweep.h) read them and never change them.
 */
#ifndef HESSE_NETWORK_TAPE_H
#define HESSE_NETWORK_TAPE_H

#include "ops/op.h"

typedef struct hesse_value {
    int param;       /* its place among the parameters; -1: it is none               */
    hesse_rect rect; /* of a parameter: all of it                                    */
    int tokens;      /* of an activation: tokens of a sequence                       */
    int width;       /* and numbers a token; 0: a constant, or one number, the loss  */
    size_t offset;   /* of a parameter in theta                                      */
    size_t count; /* numbers; of an activation that the tape computes, of its window */
    const double *x; /* what operators read                                          */
    double *own;     /* x, when the tape computes it                                 */
    double *b;       /* adjoint; NULL for an input                                   */
} hesse_value;

/** Activations, constants and the loss of one shape, counted. */
typedef struct hesse_shape {
    int tokens, width;
    size_t values;
} hesse_shape;

/** Which node reads a parameter, and how often it is read. */
typedef struct hesse_param_reader {
    int node, uses;
} hesse_param_reader;

typedef struct hesse_node {
    const hesse_op *op;
    hesse_dims d; /* of the whole batch; d.n and d.t tokens of the inputs */
    int in[HESSE_MAX_IN], out;
    const int *id;
    double *keep;
} hesse_node;

typedef struct hesse_tape {
    int sequences, context; /* batch; tokens of a sequence that begins   */
    int window;             /* sequences whose values are held at once   */
    int first;              /* the first of them                         */
    int ready, n_ready;     /* sequences ready ... ready + n_ready - 1 have values and
                               adjoints at the present parameters        */
    int n_values, n_nodes, n_params;
    int n_shapes;
    int room_values, room_nodes, room_params, room_readers, room_shapes;
    hesse_value *values;
    hesse_node *nodes;
    int *value_of;               /* [params]                          */
    hesse_param_reader *readers; /* [params] the last node that reads it */
    hesse_shape *shapes;         /* of all values but the parameters  */
    size_t in_params;            /* numbers of all parameters         */
    size_t in_vectors;           /* and of those that are vectors     */
    int *position;               /* of every token in its sequence                */
    int *zero;                   /* for every token                               */
    double *weights;             /* of the tokens that the loss reads; NULL: all 1  */
    double *state;               /* values, adjoints and keeps: one allocation    */
    bool coupled; /* sequences meet: parts of the batch add up to nothing */
    bool broken;  /* memory ran out while it grew                  */
} hesse_tape;

/** Local. An empty tape. NULL when memory is exhausted. */
hesse_tape *hesse_tape_new(int sequences, int context);
void hesse_tape_free(hesse_tape *t);

/** Local. Append a value; parameters take their places in theta in the order they come.
 *  An input (sequences x tokens x width numbers) and a constant (rows x cols) are
 * borrowed until the tape is freed. Returns the value's index. */
int hesse_tape_param(hesse_tape *t, int rows, int cols);
int hesse_tape_input(hesse_tape *t, int tokens, int width, const double *x);
int hesse_tape_constant(hesse_tape *t, int rows, int cols, const double *x);

/** Local. Append a node. n and t of d are filled in, from the activations, which have
 *  equally many tokens; without any, t is the tape's context where d leaves it 0.
 *
 *  in  [in]  the operator's inputs: activations, parameters, constants.
 *  id  [in]  an integer for every token of the inputs, or NULL; borrowed.
 *  Returns the index of its result. */
int hesse_tape_add(hesse_tape *t, const hesse_op *op, hesse_dims d, const int *in,
                   const int *id);

/** Local. Weights for the tokens that the loss reads, so many of a sequence; the caller
 * sets them. NULL when memory is exhausted. */
double *hesse_tape_weights(hesse_tape *t, int tokens);

/** Local. Hold the values of at most so many sequences at once, before there is memory
 * for any: those of the others are computed again when a sweep comes to them. A coupled
 * tape holds all. */
void hesse_tape_hold(hesse_tape *t, int sequences);

/** Local. Whether all values are there at once, so that several may read them. */
bool hesse_tape_is_whole(const hesse_tape *t);

/** Local. Bytes that freeze takes. */
size_t hesse_tape_bytes(const hesse_tape *t);

/** Local. Memory for all of it, at once. False when it is exhausted, or was before. */
bool hesse_tape_freeze(hesse_tape *t);

/** Local. Inputs of a node, activations and parameters. */
static inline int hesse_inputs(const hesse_node *n)
{
    return n->op->activations + n->op->parameters;
}

/** Local. Whether a node where tokens meet brings a tangent of one to all of its
 * sequence, and not only to those that follow. */
static inline bool hesse_reaches_all(const hesse_node *n)
{
    return n->d.full || n->op->tokens || n->op->batch;
}

/** Local. The node that reads a parameter; NULL when none does, or several. */
const hesse_node *hesse_tape_reader(const hesse_tape *t, int param);

/** Local. Use these parameters from now on; theta is borrowed until the next call. */
void hesse_tape_set_parameters(hesse_tape *t, const double *theta);

/** Local. The terms that the sequences first ... first + count - 1 have in the loss
 * and, unless it is NULL, in the gradient: over all sequences they add up. A coupled
 * tape takes all sequences, or none. Values and adjoints of these sequences are ready
 * afterwards, or as many of them as the tape holds. */
double hesse_tape_gradient(hesse_tape *t, int first, int count, double *gradient);

/** Local. The same terms of the loss alone; nothing is ready afterwards. */
double hesse_tape_loss(hesse_tape *t, int first, int count);

/** Local. Set the parameters, and loss and gradient of all sequences. */
double hesse_tape_run(hesse_tape *t, const double *theta, double *gradient);

/** Local. Make values and adjoints of these sequences ready, at most a window of them;
 *  nothing to do where they are. */
void hesse_tape_seek(hesse_tape *t, int first, int count);

/** Where a number came from that is not finite. */
typedef struct hesse_fault {
    int node;         /* -1: nowhere                              */
    const char *what; /* "value", "adjoint", "tangent", "cotangent" */
    int sequence;     /* -1: not known                            */
} hesse_fault;

/** Local. The first node of the last run that gave a value or an adjoint that is not
 * finite. Where it is a parameter's gradient, that gradient is spoilt. */
hesse_fault hesse_tape_fault(const hesse_tape *t);

/** Local. "operator 14 (softmax), sequence 3": a fault that is somewhere, for a
 * message. Returns text. */
const char *hesse_fault_text(const hesse_tape *t, const hesse_fault *fault, char *text,
                             size_t room);

/** Local. The first number that is not finite; count when all are. */
size_t hesse_first_fault(const double *x, size_t count);

/** Local. Where in the output of a node the tokens begin that its frame makes of the
 *  input's tokens from `first` on. */
size_t hesse_tape_first(const hesse_tape *t, const hesse_node *node, int first);

/** Local. The frame of a node for the tokens first ... first + count - 1 of its inputs,
 * which are in the window, with its primal operands; tangents and cotangents are NULL.
 */
hesse_frame hesse_tape_frame(const hesse_tape *t, const hesse_node *node, int first,
                             int count);

#endif /* HESSE_NETWORK_TAPE_H */
