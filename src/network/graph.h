/** A network as plain data: values, and nodes that compute them.
 *
 *  A family's builder (network/build.h) makes a graph; it can be printed and read back
 *  as JSON (network/graph_json.h). A graph knows no examples: hesse_graph_tape puts it
 *  and a batch together. Values are named by their index, in the order in which they
 *  are made. The last value is the loss. */
#ifndef HESSE_NETWORK_GRAPH_H
#define HESSE_NETWORK_GRAPH_H

#include "network/batch.h"
#include "network/params.h"
#include "network/tape.h"

typedef enum hesse_value_kind {
    HESSE_VALUE_PARAMETER, /* rows x cols numbers that are learned */
    HESSE_VALUE_CONSTANT, /* rows x cols numbers of the checkpoint that are not       */
    HESSE_VALUE_TABLE,    /* rows x cols numbers that the graph holds                 */
    HESSE_VALUE_INPUT,    /* tokens x width numbers of an example                     */
    HESSE_VALUE_TARGET, /* tokens x width numbers that a squared error compares with */
    HESSE_VALUE_RESULT  /* tokens x width numbers for an example, made by a node    */
} hesse_value_kind;

typedef struct hesse_graph_value {
    hesse_value_kind kind;
    int rows, cols; /* of a parameter, constant or table; else tokens and width; the
                       loss has 0 */
    int runs;       /* of a table that is stored as runs; 0: as its numbers           */
    int down, across; /* how often the pattern of the runs is repeated                */
} hesse_graph_value;

/** The integers, one for every token, that a node reads. */
typedef enum hesse_ids {
    HESSE_IDS_NONE,
    HESSE_IDS_TOKENS,    /* ids of the example's tokens                               */
    HESSE_IDS_POSITIONS, /* 0, 1, ... in the example                                  */
    HESSE_IDS_TYPES,     /* the type of each token, its segment; 0 by default         */
    HESSE_IDS_VISIBLE,   /* the range of tokens that a token attends to; none where the
                            batch has no padding                                      */
    HESSE_IDS_LABELS     /* the label of each token                                   */
} hesse_ids;

typedef struct hesse_graph_node {
    const hesse_op *op;
    hesse_dims d; /* without n, the number of tokens of a batch */
    int in[HESSE_MAX_IN], out;
    hesse_ids ids;
} hesse_graph_node;

/** How examples are read, where the nodes do not tell it. */
typedef struct hesse_graph_reading {
    int pad;                     /* id of padding, + 1; 0: none is known             */
    bool positions_skip_padding; /* positions count the tokens that are not padding  */
    bool masked;  /* the targets of text are masked tokens; false: the next
                     tokens                                           */
    bool numbers; /* a squared error: labels are numbers; false: classes             */
} hesse_graph_reading;

/** Tensors of a checkpoint in which no parameter is stored, and which are ignored. */
typedef struct hesse_graph_extras {
    int count, room;
    char (*names)[2 * HESSE_NAME];
    char copy[2 * HESSE_NAME]; /* a tensor that must equal `original`; "": none */
    char original[HESSE_NAME]; /* the tensor of a parameter                     */
} hesse_graph_extras;

typedef struct hesse_graph {
    int tokens; /* of an example as it comes in */
    int n_values, n_nodes, room_values, room_nodes;
    hesse_graph_value *values;
    hesse_graph_node *nodes;
    hesse_params params;  /* in the order of the parameter values            */
    hesse_params buffers; /* numbers of the constants, in order; two vectors
                             (mean, variance) make the rows of one constant  */
    double *table;        /* the tables as they are stored, in order         */
    size_t n_table, room_table;
    double loss_weight; /* of every term of the loss; 0: by the reduction    */
    hesse_graph_reading reading;
    hesse_graph_extras extras;
    bool exhausted; /* memory ran out while it grew                    */
} hesse_graph;

/** Local. Make an empty graph. Returns NULL when memory is exhausted. */
hesse_graph *hesse_graph_new(int tokens);
void hesse_graph_free(hesse_graph *g);

/** Local. Copy a graph; NULL when memory is exhausted. */
hesse_graph *hesse_graph_copy(const hesse_graph *g);

/** Local. Add the name of a tensor that is ignored. */
void hesse_graph_ignore(hesse_graph *g, const char *name);

/** Local. Append a value. hesse_graph_parameter appends a parameter as described; it
 *  sets the offset. hesse_graph_constant appends a
 *  constant whose rows are described, hesse_graph_table a constant that the graph holds
 *  (values: rows x cols numbers, stored as runs if this is shorter), hesse_graph_runs a
 *  table of given runs, 3 numbers each, hesse_graph_numbers numbers of an example. Each
 *  returns the value's index. */
int hesse_graph_parameter(hesse_graph *g, const hesse_param *p);
int hesse_graph_constant(hesse_graph *g, int rows, const hesse_param *row);
int hesse_graph_table(hesse_graph *g, int rows, int cols, const double *values);
int hesse_graph_runs(hesse_graph *g, hesse_graph_value table, const double *runs);
int hesse_graph_numbers(hesse_graph *g, hesse_value_kind kind, int tokens, int width);

/** Numbers of a table that stand side by side in its pattern: first, first + step, ...;
 *  step is 0, or all are integers. A table of plain numbers has runs of one. */
typedef struct hesse_table_run {
    int i; /* runs that were taken; start from {0}                   */
    size_t at, count,
        cols; /* place of the first in the pattern, which has cols columns */
    double first, step;
} hesse_table_run;

/** Local. The stored numbers of a table, their number, and the next of its runs (false
 *  after the last); all rows x cols numbers. */
const double *hesse_graph_stored(const hesse_graph *g, int value);
size_t hesse_table_stored(const hesse_graph_value *table);
bool hesse_table_next(const hesse_graph_value *table, const double *stored,
                      hesse_table_run *run);
void hesse_table_numbers(const hesse_graph_value *table, const double *stored,
                         double *numbers);

/** Local. True if three numbers are a run. */
bool hesse_table_run_is_sound(double count, double first, double step);

/** Local. Write numbers as runs of at most `room` numbers. Returns how many runs; 0:
 *  there is too little room. Sets runs, down and across of the table. */
int hesse_table_compress(const double *numbers, hesse_graph_value *table, size_t room,
                         double *stored);

/** Local. Append a node. The number of tokens of a sequence, d.t, is filled in from its
 *  activations, which must agree in it; a node without activations reads g->tokens.
 *
 *  in  [in]  the operator's inputs: activations, parameters, constants.
 *  Returns the index of its result. */
int hesse_graph_add(hesse_graph *g, const hesse_op *op, hesse_dims d, const int *in,
                    hesse_ids ids);

/** Local. Set `heads` of the parameters of attention, by the nodes that they lead to.
 */
void hesse_graph_find_heads(hesse_graph *g);

/** Local. Return the kinds of the operators in a graph. */
hesse_kinds hesse_graph_kinds(const hesse_graph *g);

/** The weights of the terms of the loss. */
typedef struct hesse_weighting {
    double scale; /* times the mean over all targets; 0: their sum                    */
    int batch;    /* examples of a micro-batch: the loss is the sum over micro-batches
                     of the means over their targets; 0: no micro-batches             */
} hesse_weighting;

/** Local. Put a graph and a batch together: a tape without memory for its values, which
 *  is enough for planning; hesse_tape_freeze gets the memory. Batch and constants are
 *  borrowed until the tape is freed.
 *
 *  constants  [in]  the buffers' numbers; NULL: there are none, or the tape only plans.
 *  Errors: HESSE_E_INPUT when every target is ignored, HESSE_E_NOMEM. */
hesse_status hesse_graph_tape(const hesse_graph *g, const hesse_batch *batch,
                              const double *constants, const hesse_weighting *weighting,
                              hesse_tape **tape, hesse_why *why);

/** Local. The examples that a tape borrows are others now, in the same arrays: compute
 *  the weights of the terms of the loss again; no values are ready.
 *
 *  batch  [in]  of the same sizes as the one that the tape was made with.
 *  Errors: as hesse_graph_tape. */
hesse_status hesse_graph_renew(hesse_tape *tape, const hesse_batch *batch,
                               const hesse_weighting *weighting, hesse_why *why);

#endif /* HESSE_NETWORK_GRAPH_H */
