/* Words and sizes stand in tables that printing and reading share. A graph that is read
   is built by the same functions as a family's graph, after each of their conditions
   was checked. */
#include "network/graph_json.h"

#include "base/memory.h"
#include "base/nearest.h"
#include "files/file.h"
#include "files/json.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A graph has the first version that knows all that is in it. */
enum {
    VERSION = 2,
    WITH_RUNS = 2,
    MOST = 1 << 24,
    MOST_LAYERS = HESSE_MOST_LAYERS - 1,
    WORDS = 16
};

static const char FORMAT[] = "hesse-graph";

static const char *const kinds[WORDS] = {
    [HESSE_VALUE_PARAMETER] = "parameter", [HESSE_VALUE_CONSTANT] = "constant",
    [HESSE_VALUE_TABLE] = "table",         [HESSE_VALUE_INPUT] = "input",
    [HESSE_VALUE_TARGET] = "target",       [HESSE_VALUE_RESULT] = "result"};

static const char *const ids[WORDS] = {
    [HESSE_IDS_NONE] = "none",           [HESSE_IDS_TOKENS] = "tokens",
    [HESSE_IDS_POSITIONS] = "positions", [HESSE_IDS_TYPES] = "types",
    [HESSE_IDS_VISIBLE] = "visible",     [HESSE_IDS_LABELS] = "labels"};

static const char *const roles[WORDS] = {[HESSE_ROLE_EMBEDDING] = "embedding",
                                         [HESSE_ROLE_POSITION] = "position",
                                         [HESSE_ROLE_NORM] = "norm",
                                         [HESSE_ROLE_QUERY] = "query",
                                         [HESSE_ROLE_KEY] = "key",
                                         [HESSE_ROLE_VALUE] = "value",
                                         [HESSE_ROLE_OUTPUT] = "output",
                                         [HESSE_ROLE_UP] = "up",
                                         [HESSE_ROLE_GATE] = "gate",
                                         [HESSE_ROLE_DOWN] = "down",
                                         [HESSE_ROLE_HEAD] = "head",
                                         [HESSE_ROLE_CONV] = "convolution",
                                         [HESSE_ROLE_OTHER] = "other"};

/* The sizes of a node, except the number of tokens, which follows from its inputs. */
static const struct size {
    const char *name;
    size_t at;
    enum { INTEGER, TRUTH, NUMBER } type;
} sizes[] = {
    {"channels", offsetof(hesse_dims, c), INTEGER},
    {"outputs", offsetof(hesse_dims, o), INTEGER},
    {"heads", offsetof(hesse_dims, h), INTEGER},
    {"kv_heads", offsetof(hesse_dims, g), INTEGER},
    {"full", offsetof(hesse_dims, full), TRUTH},
    {"out_rows", offsetof(hesse_dims, out_rows), TRUTH},
    {"constant", offsetof(hesse_dims, a), NUMBER},
    {"token", offsetof(hesse_dims, token), INTEGER},
    {"window", offsetof(hesse_dims, window), INTEGER},
    {"channel", offsetof(hesse_dims, channel), INTEGER},
    {"rows", offsetof(hesse_dims, image.rows), INTEGER},
    {"cols", offsetof(hesse_dims, image.cols), INTEGER},
    {"kernel_rows", offsetof(hesse_dims, image.kernel_rows), INTEGER},
    {"kernel_cols", offsetof(hesse_dims, image.kernel_cols), INTEGER},
    {"stride", offsetof(hesse_dims, image.stride), INTEGER},
    {"pad", offsetof(hesse_dims, image.pad), INTEGER},
};
enum { SIZES = sizeof sizes / sizeof *sizes };

static json_t *print_sizes(const hesse_dims *d)
{
    json_t *object = json_object();
    for (int i = 0; i < SIZES; i++) {
        const char *at = (const char *)d + sizes[i].at;
        if (sizes[i].type == INTEGER && *(const int *)at)
            json_object_set_new(object, sizes[i].name, json_integer(*(const int *)at));
        if (sizes[i].type == TRUTH && *(const bool *)at)
            json_object_set_new(object, sizes[i].name, json_true());
        if (sizes[i].type == NUMBER && *(const double *)at != 0)
            json_object_set_new(object, sizes[i].name, json_real(*(const double *)at));
    }
    return object;
}

static json_t *print_init(const hesse_init *init)
{
    return json_pack("{s:f, s:f, s:b}", "mean", init->mean, "spread", init->spread,
                     "uniform", (int)init->uniform);
}

/* Print a parameter, or a row of a constant. */
static json_t *print_param(const hesse_param *p)
{
    json_t *object =
        json_pack("{s:s, s:s, s:i, s:i, s:s, s:i, s:o}", "name", p->name, "tensor",
                  p->tensor, "rows", p->rows, "cols", p->cols, "role", roles[p->role],
                  "layer", p->layer, "init", print_init(&p->init));
    if (p->vector) json_object_set_new(object, "vector", json_true());
    if (p->out_rows) json_object_set_new(object, "out_rows", json_true());
    if (p->slice.total)
        json_object_set_new(
            object, "slice",
            json_pack("[i, i, i]", p->slice.first, p->slice.total, p->slice.groups));
    if (p->rank) {
        json_t *shape = json_array();
        for (int i = 0; i < p->rank; i++)
            json_array_append_new(shape, json_integer(p->shape[i]));
        json_object_set_new(object, "shape", shape);
    }
    return object;
}

static json_t *print_table(const hesse_graph_value *v, const double *stored)
{
    json_t *list = json_array();
    hesse_table_run x = {0};
    while (hesse_table_next(v, stored, &x))
        json_array_append_new(
            list, v->runs ? json_pack("[I, f, f]", (json_int_t)x.count, x.first, x.step)
                          : json_real(x.first));
    json_t *object = json_pack("{s:i, s:i, s:o}", "rows", v->rows, "cols", v->cols,
                               v->runs ? "runs" : "numbers", list);
    if (v->runs && (v->down > 1 || v->across > 1))
        json_object_set_new(object, "tiles", json_pack("[i, i]", v->down, v->across));
    return object;
}

static json_t *print_value(const hesse_graph *g, const hesse_graph_value *v, int *param,
                           int *buffer, size_t *table)
{
    json_t *object = NULL;
    if (v->kind == HESSE_VALUE_PARAMETER) {
        object = print_param(&g->params.list[(*param)++]);
    } else if (v->kind == HESSE_VALUE_CONSTANT) {
        json_t *rows = json_array();
        for (int i = 0; i < v->rows; i++)
            json_array_append_new(rows, print_param(&g->buffers.list[(*buffer)++]));
        object = json_pack("{s:o}", "vectors", rows);
    } else if (v->kind == HESSE_VALUE_TABLE) {
        object = print_table(v, g->table + *table);
        *table += hesse_table_stored(v);
    } else {
        object = json_pack("{s:i, s:i}", "tokens", v->rows, "width", v->cols);
    }
    json_object_set_new(object, "kind", json_string(kinds[v->kind]));
    return object;
}

/* Return the first version that knows an operator. */
static int version_of_op(const hesse_op *op)
{
    return op == &hesse_op_atan || op == &hesse_op_floor || op == &hesse_op_round ? 2
                                                                                  : 1;
}

/* True for operators some of whose sizes are those of their parameter or table. */
static bool takes_shapes(const hesse_op *op)
{
    return op == &hesse_op_gather || op == &hesse_op_spread ||
           op == &hesse_op_add_table || op == &hesse_op_times_table;
}

static bool reads(const hesse_graph_node *n, int value)
{
    const hesse_op *op = n->op;
    bool any = false;
    for (int i = 0; i < op->activations + op->parameters + op->constants; i++)
        any |= n->in[i] == value;
    return any;
}

/* Return true if no later node reads the result of a node that is no loss. Families can
   have such nodes where a layer has parameters that do not change the loss. */
static bool is_unread(const hesse_graph *g, const hesse_graph_node *n)
{
    bool any = n->op->loss;
    for (const hesse_graph_node *m = n + 1; !any && m < g->nodes + g->n_nodes; m++)
        any = reads(m, n->out);
    return !any;
}

static json_t *print_node(const hesse_graph *g, const hesse_graph_node *n)
{
    const hesse_op *op = n->op;
    hesse_dims d = n->d;
    if (takes_shapes(op)) d.image.rows = d.image.cols = 0;
    json_t *inputs = json_array();
    for (int i = 0; i < op->activations + op->parameters + op->constants; i++)
        json_array_append_new(inputs, json_integer(n->in[i]));
    json_t *object = json_pack("{s:s, s:o, s:i, s:o}", "operator", op->name, "inputs",
                               inputs, "output", n->out, "sizes", print_sizes(&d));
    if (n->ids) json_object_set_new(object, "ids", json_string(ids[n->ids]));
    if (is_unread(g, n)) json_object_set_new(object, "unread", json_true());
    return object;
}

static const char *const label_words[WORDS] = {"classes", "numbers"};

/* Print what the nodes do not tell, where it differs from the defaults. */
static void print_reading(const hesse_graph *g, json_t *root)
{
    const hesse_graph_reading *r = &g->reading;
    json_t *object = json_object();
    if (r->pad) json_object_set_new(object, "padding", json_integer(r->pad - 1));
    if (r->positions_skip_padding)
        json_object_set_new(object, "positions_skip_padding", json_true());
    if (r->masked) json_object_set_new(object, "masked", json_true());
    if (r->numbers) json_object_set_new(object, "labels", json_string(label_words[1]));
    if (json_object_size(object))
        json_object_set_new(root, "reading", object);
    else
        json_decref(object);
}

static void print_extras(const hesse_graph *g, json_t *root)
{
    const hesse_graph_extras *e = &g->extras;
    json_t *list = json_array();
    for (int i = 0; i < e->count; i++)
        json_array_append_new(list, json_string(e->names[i]));
    if (e->count)
        json_object_set_new(root, "ignored", list);
    else
        json_decref(list);
    if (*e->copy)
        json_object_set_new(
            root, "copy",
            json_pack("{s:s, s:s}", "tensor", e->copy, "of", e->original));
}

static int version_of(const hesse_graph *g)
{
    bool runs = false;
    int version = 1;
    for (int i = 0; i < g->n_nodes; i++)
        if (version_of_op(g->nodes[i].op) > version)
            version = version_of_op(g->nodes[i].op);
    for (int i = 0; i < g->n_values; i++) runs |= g->values[i].runs > 0;
    return runs ? WITH_RUNS : version;
}

hesse_status hesse_graph_print(const hesse_graph *g, FILE *file, hesse_why *why)
{
    json_t *values = json_array(), *nodes = json_array();
    int param = 0, buffer = 0;
    size_t table = 0;
    for (int i = 0; i < g->n_values; i++)
        json_array_append_new(values,
                              print_value(g, &g->values[i], &param, &buffer, &table));
    for (int i = 0; i < g->n_nodes; i++)
        json_array_append_new(nodes, print_node(g, &g->nodes[i]));
    json_t *root =
        json_pack("{s:s, s:i, s:i, s:f, s:o, s:o}", "format", FORMAT, "version",
                  version_of(g), "tokens", g->tokens, "loss_weight", g->loss_weight,
                  "values", values, "nodes", nodes);
    if (root) print_reading(g, root);
    if (root) print_extras(g, root);
    char *text =
        root ? json_dumps(root, JSON_INDENT(1) | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(root);
    if (!text) return hesse_fail(why, HESSE_E_NOMEM, "out of memory for a graph");
    const bool good = fputs(text, file) != EOF && fputc('\n', file) != EOF;
    free(text);
    return good ? HESSE_OK
                : hesse_fail(why, HESSE_E_OUTPUT, "the graph cannot be written");
}

/* The state of reading; the first error is kept. */
typedef struct reader {
    const char *what;
    char place[100]; /* "node 12 (linear)" */
    int version;
    hesse_graph *g;
    hesse_status s;
    hesse_why *why;
} reader;

static void refuse(reader *r, const char *key, const json_t *found,
                   const char *expected)
{
    char shown[HESSE_JSON_SHOWN];
    hesse_json_show(found, shown);
    if (!r->s)
        r->s = hesse_fail(r->why, HESSE_E_INPUT, "%s: %s: \"%s\" is %s, expected %s",
                          r->what, r->place, key, shown, expected);
}

/* Refuse a key that is not in a list, which ends with a NULL. */
static void only(reader *r, const json_t *from, const char *const *known)
{
    const char *key;
    json_t *x;
    json_object_foreach((json_t *)from, key, x)
    {
        hesse_nearest near = {.word = key};
        int i = 0;
        while (known[i] && strcmp(known[i], key) != 0) i++;
        if (known[i] || r->s) continue;
        for (int j = 0; known[j]; j++) hesse_nearest_try(&near, known[j]);
        r->s = hesse_fail(r->why, HESSE_E_INPUT,
                          "%s: %s: there is no key \"%.40s\", the nearest is \"%s\"",
                          r->what, r->place, key, near.name);
    }
}

static int integer(reader *r, const json_t *from, const char *key, int low, int high)
{
    const json_t *x = json_object_get(from, key);
    char expected[64];
    if (json_is_integer(x) && json_integer_value(x) >= low &&
        json_integer_value(x) <= high)
        return (int)json_integer_value(x);
    snprintf(expected, sizeof expected, "a whole number from %d to %d", low, high);
    refuse(r, key, x, expected);
    return low;
}

static double number(reader *r, const json_t *from, const char *key)
{
    const json_t *x = json_object_get(from, key);
    if (json_is_number(x) && isfinite(json_number_value(x)))
        return json_number_value(x);
    refuse(r, key, x, "a number");
    return 0;
}

static bool truth(reader *r, const json_t *from, const char *key)
{
    const json_t *x = json_object_get(from, key);
    if (x && !json_is_boolean(x)) refuse(r, key, x, "true or false");
    return json_is_true(x);
}

static int word(reader *r, const json_t *from, const char *key,
                const char *const words[WORDS], int absent)
{
    const json_t *x = json_object_get(from, key);
    if (!x && absent >= 0) return absent;
    for (int i = 0; json_is_string(x) && i < WORDS && words[i]; i++)
        if (strcmp(words[i], json_string_value(x)) == 0) return i;
    char expected[200] = "one of";
    for (int i = 0; i < WORDS && words[i]; i++) {
        strncat(expected, " ", sizeof expected - strlen(expected) - 1);
        strncat(expected, words[i], sizeof expected - strlen(expected) - 1);
    }
    refuse(r, key, x, expected);
    return 0;
}

static void name(reader *r, const json_t *from, const char *key, char to[HESSE_NAME])
{
    const json_t *x = json_object_get(from, key);
    const char *text = json_is_string(x) ? json_string_value(x) : "";
    bool good =
        *text && strlen(text) < HESSE_NAME && json_string_length(x) == strlen(text);
    for (const char *c = text; *c; c++) good &= (unsigned char)*c > ' ' && *c != 127;
    if (!good) refuse(r, key, x, "a name of 1 to 159 bytes without spaces");
    snprintf(to, HESSE_NAME, "%s", good ? text : "");
}

static void read_shape(reader *r, const json_t *from, hesse_param *p)
{
    const json_t *shape = json_object_get(from, "shape");
    double product = 1;
    if (!shape) return;
    const size_t rank = json_array_size(shape);
    for (size_t i = 0; i < rank && i < 4; i++) {
        const json_int_t n = json_integer_value(json_array_get(shape, i));
        p->shape[i] = n >= 1 && n <= MOST ? (int)n : 0;
        product *= p->shape[i];
    }
    p->rank = (int)rank;
    if (!rank || rank > 4 || product != (double)p->rows * p->cols)
        refuse(r, "shape", shape, "at most 4 sizes whose product is rows x cols");
}

static void read_slice(reader *r, const json_t *from, hesse_param *p)
{
    const json_t *slice = json_object_get(from, "slice");
    const json_int_t first = json_integer_value(json_array_get(slice, 0));
    const json_int_t total = json_integer_value(json_array_get(slice, 1));
    const json_int_t groups = json_integer_value(json_array_get(slice, 2));
    const int own = p->out_rows ? p->rows : p->cols;
    if (!slice) return;
    if (json_array_size(slice) != 3 || groups < 1 || groups > own || own % groups ||
        total < own || total > MOST || total % groups || first < 0 ||
        first + own / groups > total / groups)
        refuse(r, "slice", slice,
               "[first, total, groups]: outputs that every group of the tensor has");
    else
        p->slice = (hesse_slice){NULL, (int)first, (int)total, (int)groups};
}

static hesse_param read_param(reader *r, const json_t *from)
{
    static const char *const keys[] = {"kind",  "name",  "tensor", "rows",   "cols",
                                       "role",  "layer", "init",   "vector", "out_rows",
                                       "slice", "shape", NULL};
    static const char *const init_keys[] = {"mean", "spread", "uniform", NULL};
    const json_t *init = json_object_get(from, "init");
    hesse_param p = {.rows = integer(r, from, "rows", 1, MOST),
                     .cols = integer(r, from, "cols", 1, MOST),
                     .role = (hesse_role)word(r, from, "role", roles, HESSE_ROLE_OTHER),
                     .layer = integer(r, from, "layer", -1, MOST_LAYERS),
                     .vector = truth(r, from, "vector"),
                     .out_rows = truth(r, from, "out_rows")};
    name(r, from, "name", p.name);
    name(r, from, "tensor", p.tensor);
    read_shape(r, from, &p);
    read_slice(r, from, &p);
    only(r, from, keys);
    if (!json_is_object(init)) refuse(r, "init", init, "an object");
    only(r, init, init_keys);
    p.init.mean = number(r, init, "mean");
    p.init.spread = number(r, init, "spread");
    p.init.uniform = truth(r, init, "uniform");
    if (!r->s && p.init.spread < 0)
        refuse(r, "spread", json_object_get(init, "spread"), "a number from 0");
    if ((double)p.rows * p.cols > INT_MAX)
        refuse(r, "rows", json_object_get(from, "rows"), "fewer than 2^31 numbers");
    if (p.vector && p.rows != 1)
        refuse(r, "rows", json_object_get(from, "rows"), "1 of a vector");
    return p;
}

static void read_constant(reader *r, const json_t *from)
{
    const json_t *rows = json_object_get(from, "vectors");
    hesse_param row[2];
    if (json_array_size(rows) != 2) refuse(r, "vectors", rows, "a list of two vectors");
    for (size_t i = 0; !r->s && i < 2; i++)
        row[i] = read_param(r, json_array_get(rows, i));
    if (!r->s && (row[0].cols != row[1].cols || row[0].rows != 1 || row[1].rows != 1))
        refuse(r, "vectors", rows, "two vectors of one length");
    if (!r->s) hesse_graph_constant(r->g, 2, row);
}

/* Take the sizes of a node that are those of its parameter or table. Their kinds are
   checked later. */
static void take_shapes(const reader *r, hesse_graph_node *n)
{
    const hesse_op *op = n->op;
    const int count = op->activations + op->parameters + op->constants;
    hesse_graph_value v[2] = {{0}};
    for (int i = 0; i < 2 && i < count; i++)
        if (n->in[i] < r->g->n_values) v[i] = r->g->values[n->in[i]];
    if (op == &hesse_op_gather || op == &hesse_op_spread) n->d.to = v[1].rows;
    if (op == &hesse_op_gather) n->d.o = v[1].cols;
    if (op == &hesse_op_spread)
        n->d.c = v[1].cols, n->d.image.rows = v[0].rows, n->d.image.cols = v[0].cols;
    if (op == &hesse_op_add_table || op == &hesse_op_times_table)
        n->d.image.rows = v[1].rows, n->d.image.cols = v[1].cols;
}

/* Check that the entries of an index are places of what it takes numbers from, and that
   other tables fit. */
static void check_tables(reader *r, const hesse_graph_node *n, const json_t *inputs)
{
    const hesse_graph *g = r->g;
    char expected[160];
    if (!takes_shapes(n->op)) return;
    const hesse_graph_value *from = &g->values[n->in[0]], *v = &g->values[n->in[1]];
    if (v->kind != HESSE_VALUE_TABLE) {
        refuse(r, "inputs", inputs, "as input 1 a table");
        return;
    }
    if (n->op == &hesse_op_add_table || n->op == &hesse_op_times_table) {
        if ((v->rows == 1 || v->rows == n->d.t) && (v->cols == 1 || v->cols == n->d.c))
            return;
        snprintf(
            expected, sizeof expected,
            "a table of %d or 1 rows and %d or 1 columns, and value %d has %d x %d",
            n->d.t, n->d.c, n->in[1], v->rows, v->cols);
        refuse(r, "inputs", inputs, expected);
        return;
    }
    const double most = (double)from->rows * from->cols;
    const double *stored = hesse_graph_stored(g, n->in[1]);
    hesse_table_run x = {0};
    while (hesse_table_next(v, stored, &x))
        for (size_t k = 0; k < 2; k++) { /* the first of the run, and its last */
            const size_t at = x.at + k * (x.count - 1);
            const double place = x.first + (double)(k * (x.count - 1)) * x.step;
            if (place >= -1 && place < most && place == floor(place)) continue;
            snprintf(
                expected, sizeof expected,
                "places from -1 to %.0f, and number %zu (from 0) of table %d is %g",
                most - 1, at / x.cols * (size_t)v->cols + at % x.cols, n->in[1], place);
            refuse(r, "inputs", inputs, expected);
            return;
        }
}

/* Check that an input of a node has the kind and the size that its operator takes
   there. */
static void check_input(reader *r, const hesse_graph_node *n, int i,
                        const json_t *inputs)
{
    const hesse_op *op = n->op;
    const hesse_graph *g = r->g;
    const bool activation = i < op->activations;
    const bool parameter = !activation && i < op->activations + op->parameters;
    char expected[128];
    if (n->in[i] >= g->n_values) {
        snprintf(expected, sizeof expected,
                 "values before its own output, below %d, so that there are no cycles",
                 g->n_values);
        refuse(r, "inputs", inputs, expected);
        return;
    }
    const hesse_graph_value *v = &g->values[n->in[i]];
    const bool right =
        activation  ? v->kind >= HESSE_VALUE_INPUT && v->cols
        : parameter ? v->kind == HESSE_VALUE_PARAMETER
                    : v->kind == HESSE_VALUE_CONSTANT || v->kind == HESSE_VALUE_TABLE;
    if (!right) {
        snprintf(expected, sizeof expected, "as input %d %s", i,
                 activation  ? "numbers of tokens"
                 : parameter ? "a parameter"
                             : "a constant");
        refuse(r, "inputs", inputs, expected);
        return;
    }
    if (activation) {
        const int width = op->width(&n->d, i), tokens = g->values[n->in[0]].rows;
        if (v->cols == width && v->rows == tokens) return;
        snprintf(expected, sizeof expected,
                 "as input %d %d tokens x %d, and value %d has %d x %d", i, tokens,
                 width, n->in[i], v->rows, v->cols);
    } else {
        const hesse_rect shape = op->shape(&n->d, i);
        if (v->rows == shape.rows && v->cols == shape.cols) return;
        snprintf(expected, sizeof expected,
                 "as input %d a shape of %d x %d, and value %d has %d x %d", i,
                 shape.rows, shape.cols, n->in[i], v->rows, v->cols);
    }
    refuse(r, "inputs", inputs, expected);
}

/* Read a pattern of runs, and how often it is repeated. */
static void read_runs(reader *r, const json_t *from, int rows, int cols)
{
    const json_t *runs = json_object_get(from, "runs");
    const json_t *tiles = json_object_get(from, "tiles");
    const json_int_t down = tiles ? json_integer_value(json_array_get(tiles, 0)) : 1;
    const json_int_t across = tiles ? json_integer_value(json_array_get(tiles, 1)) : 1;
    const size_t count = json_array_size(runs);
    double *stored = NULL, length = 0;
    if (tiles && (json_array_size(tiles) != 2 || down < 1 || across < 1 ||
                  down > rows || across > cols || rows % down || cols % across))
        refuse(r, "tiles", tiles, "two numbers that divide rows and cols");
    if (!json_is_array(runs) || !count || count > INT_MAX)
        refuse(r, "runs", runs, "a list of [count, first, step]");
    if (!r->s) stored = hesse_alloc(3 * count);
    if (!r->s && !stored)
        r->s =
            hesse_fail(r->why, HESSE_E_NOMEM, "%s: out of memory for a graph", r->what);
    for (size_t i = 0; !r->s && i < count; i++) {
        const json_t *run = json_array_get(runs, i);
        double *to = stored + 3 * i;
        bool good = json_array_size(run) == 3;
        for (size_t k = 0; good && k < 3; k++) {
            to[k] = json_number_value(json_array_get(run, k));
            good = json_is_number(json_array_get(run, k));
        }
        if (!good || !hesse_table_run_is_sound(to[0], to[1], to[2]))
            refuse(r, "runs", run, "[count, first, step], whole unless the step is 0");
        length += to[0];
    }
    if (!r->s && length * (double)down * (double)across != (double)rows * cols)
        refuse(r, "runs", runs, "rows x cols numbers with their tiles");
    const hesse_graph_value v = {.kind = HESSE_VALUE_TABLE,
                                 .rows = rows,
                                 .cols = cols,
                                 .runs = (int)count,
                                 .down = (int)down,
                                 .across = (int)across};
    if (!r->s) hesse_graph_runs(r->g, v, stored);
    free(stored);
}

static void read_table(reader *r, const json_t *from)
{
    const json_t *numbers = json_object_get(from, "numbers");
    const int rows = integer(r, from, "rows", 1, MOST);
    const int cols = integer(r, from, "cols", 1, MOST);
    const size_t count = json_array_size(numbers);
    double *values = NULL;
    if (!r->s && (double)rows * cols > INT_MAX)
        refuse(r, "rows", json_object_get(from, "rows"), "fewer than 2^31 numbers");
    if (!r->s && json_object_get(from, "runs") && numbers)
        refuse(r, "runs", json_object_get(from, "runs"), "either numbers or runs");
    if (!r->s && json_object_get(from, "tiles") && !json_object_get(from, "runs"))
        refuse(r, "tiles", json_object_get(from, "tiles"), "tiles only of runs");
    if (!r->s && json_object_get(from, "runs")) {
        read_runs(r, from, rows, cols);
        return;
    }
    if (!r->s && (double)rows * cols != (double)count)
        refuse(r, "numbers", numbers, "a list of rows x cols numbers");
    if (!r->s) values = hesse_alloc(count);
    if (!r->s && !values)
        r->s =
            hesse_fail(r->why, HESSE_E_NOMEM, "%s: out of memory for a graph", r->what);
    for (size_t i = 0; !r->s && i < count; i++) {
        const json_t *x = json_array_get(numbers, i);
        values[i] = json_number_value(x);
        if (!json_is_number(x) || !isfinite(values[i]))
            refuse(r, "numbers", x, "numbers");
    }
    if (!r->s) hesse_graph_table(r->g, rows, cols, values);
    free(values);
}

static const hesse_op *read_operator(reader *r, const json_t *from)
{
    const json_t *x = json_object_get(from, "operator");
    for (const hesse_op *const *op = hesse_ops; json_is_string(x) && *op; op++) {
        if (strcmp((*op)->name, json_string_value(x)) != 0) continue;
        if (version_of_op(*op) <= r->version) return *op;
        refuse(r, "operator", x, "an operator of this version; \"version\": 2 has it");
        return NULL;
    }
    hesse_nearest near = {.word = json_string_value(x)};
    for (const hesse_op *const *op = hesse_ops; near.word && *op; op++)
        hesse_nearest_try(&near, (*op)->name);
    char expected[120];
    snprintf(expected, sizeof expected, "the name of an operator%s%s%s",
             near.word ? ", the nearest is \"" : "", near.word ? near.name : "",
             near.word ? "\"" : "");
    refuse(r, "operator", x, expected);
    return NULL;
}

static void read_sizes(reader *r, const json_t *from, hesse_dims *d)
{
    const json_t *object = json_object_get(from, "sizes"), *x;
    const char *key;
    if (!json_is_object(object)) refuse(r, "sizes", object, "an object");
    json_object_foreach((json_t *)object, key, x)
    {
        int i = 0;
        while (i < SIZES && strcmp(sizes[i].name, key) != 0) i++;
        if (i == SIZES) {
            hesse_nearest near = {.word = key};
            for (int j = 0; j < SIZES; j++) hesse_nearest_try(&near, sizes[j].name);
            if (!r->s)
                r->s = hesse_fail(r->why, HESSE_E_INPUT,
                                  "%s: %s: there is no size \"%.40s\", the nearest is "
                                  "\"%s\"",
                                  r->what, r->place, key, near.name);
            return;
        }
        char *at = (char *)d + sizes[i].at;
        if (sizes[i].type == INTEGER) *(int *)at = integer(r, object, key, 0, MOST);
        if (sizes[i].type == TRUTH) *(bool *)at = truth(r, object, key);
        if (sizes[i].type == NUMBER) *(double *)at = number(r, object, key);
    }
}

/* Return true if the result of a node, whose other sizes are right, is too long. */
static bool too_many(const hesse_graph_node *n)
{
    const hesse_op *op = n->op;
    if (op->loss) return false;
    const double width = op->width(&n->d, op->activations + op->parameters);
    return width < 1 || width > MOST || width * hesse_op_tokens(op, &n->d) > INT_MAX;
}

/* Check the sizes that an operator divides by or indexes with. */
static void check_sizes(reader *r, const hesse_graph_node *n, const json_t *found)
{
    const hesse_dims *d = &n->d;
    const hesse_image *m = &d->image;
    const bool window = n->op->kind == HESSE_CONV ||
                        (n->op->kind == HESSE_POOL && n->op != &hesse_op_mean_pool);
    const bool heads = n->op->kind == HESSE_SCORES || n->op == &hesse_op_softmax ||
                       n->op->kind == HESSE_MIX || n->op->kind == HESSE_GAUSSIAN;
    const bool grouped =
        n->op == &hesse_op_layernorm_heads || n->op == &hesse_op_rmsnorm_heads ||
        n->op == &hesse_op_rmsnorm_one_plus_heads || n->op == &hesse_op_sum_fields ||
        n->op == &hesse_op_max_fields || n->op == &hesse_op_rank_fields ||
        n->op == &hesse_op_softmax_fields;
    const char *wrong =
        d->c < 1                                ? "channels of at least 1"
        : heads && (d->h < 1 || d->g < 1)       ? "heads and kv_heads of at least 1"
        : heads && (d->h % d->g || d->c % d->h) ? "kv_heads that divide heads, and "
                                                  "heads that divide channels"
        : grouped && (d->h < 1 || d->c % d->h)  ? "heads that divide channels"
        : n->op->kind == HESSE_ROTARY &&
                (d->h < 1 || d->c % d->h || d->o < 2 || d->o % 2 || d->o > d->c / d->h)
            ? "an even number of outputs, at most the channels of a head"
        : d->window && d->full ? "a window for causal attention alone"
        : d->token >= d->c && n->op == &hesse_op_embedding ? "a token below channels"
        : d->token >= d->t && n->op->kind == HESSE_MOVE && d->token
            ? "a token of the sequence"
        : d->channel + (double)d->o > d->c && n->op == &hesse_op_channels
            ? "channels that are there"
        : window && (m->rows < 1 || m->cols < 1 || m->kernel_rows < 1 ||
                     m->kernel_cols < 1 || (double)m->rows * m->cols != d->t)
            ? "rows x cols tokens, and a window of at least one pixel"
        : window && n->op != &hesse_op_adaptive_pool &&
                (m->stride < 1 || m->pad >= m->kernel_rows ||
                 m->pad >= m->kernel_cols || m->kernel_rows > m->rows + 2 * m->pad ||
                 m->kernel_cols > m->cols + 2 * m->pad)
            ? "a stride of at least 1 and a window that fits the image"
        : window && (double)d->c * m->kernel_rows * m->kernel_cols > INT_MAX
            ? "a window of fewer than 2^31 numbers"
        : heads && (double)d->h * d->t > MOST ? "heads x tokens of at most 2^24"
        : n->op == &hesse_op_append && (double)d->c + d->o > MOST
            ? "at most 2^24 channels"
        : too_many(n) ? "fewer than 2^31 numbers of an example"
                      : NULL;
    if (wrong) refuse(r, "sizes", found, wrong);
}

static void read_node(reader *r, const json_t *from)
{
    const json_t *inputs = json_object_get(from, "inputs");
    hesse_graph_node n = {.op = read_operator(r, from)};
    hesse_graph *g = r->g;
    if (r->s) return;
    static const char *const keys[] = {"operator", "inputs", "output", "sizes",
                                       "ids",      "unread", NULL};
    const hesse_op *op = n.op;
    const int count = op->activations + op->parameters + op->constants;
    snprintf(r->place, sizeof r->place, "node %d (%s)", g->n_nodes, op->name);
    only(r, from, keys);
    n.ids = (hesse_ids)word(r, from, "ids", ids, HESSE_IDS_NONE);
    read_sizes(r, from, &n.d);
    if (integer(r, from, "output", 0, INT_MAX) != g->n_values)
        refuse(r, "output", json_object_get(from, "output"), "the next value's index");
    char list[40];
    snprintf(list, sizeof list, "a list of %d value%s", count, count == 1 ? "" : "s");
    if (!json_is_array(inputs) || json_array_size(inputs) != (size_t)count)
        refuse(r, "inputs", inputs, list);
    for (int i = 0; !r->s && i < count; i++) {
        const json_t *x = json_array_get(inputs, (size_t)i);
        n.in[i] = json_is_integer(x) && json_integer_value(x) >= 0 &&
                          json_integer_value(x) < INT_MAX
                      ? (int)json_integer_value(x)
                      : INT_MAX;
    }
    if (!r->s && op->activations && n.in[0] < g->n_values)
        n.d.t = g->values[n.in[0]].rows;
    if (!op->activations) n.d.t = g->tokens;
    if (!r->s && takes_shapes(op)) take_shapes(r, &n);
    if (!r->s) check_sizes(r, &n, json_object_get(from, "sizes"));
    for (int i = 0; !r->s && i < count; i++) check_input(r, &n, i, inputs);
    if (!r->s) check_tables(r, &n, inputs);
    if (!r->s && (n.ids == HESSE_IDS_LABELS) != (op == &hesse_op_cross_entropy))
        refuse(r, "ids", json_object_get(from, "ids"),
               "\"labels\" for cross_entropy, and for no other operator");
    if (!r->s && (op == &hesse_op_embedding) !=
                     (n.ids == HESSE_IDS_TOKENS || n.ids == HESSE_IDS_POSITIONS ||
                      n.ids == HESSE_IDS_TYPES))
        refuse(r, "ids", json_object_get(from, "ids"),
               "\"tokens\", \"positions\" or \"types\" for embedding, and for no other "
               "operator");
    if (!r->s && n.ids == HESSE_IDS_VISIBLE && op != &hesse_op_softmax &&
        op->kind != HESSE_GAUSSIAN && op != &hesse_op_mean_pool)
        refuse(r, "ids", json_object_get(from, "ids"),
               "\"visible\" for softmax, gaussian and mean_pool only");
    if (!r->s && n.ids == HESSE_IDS_POSITIONS && n.d.c - n.d.token < g->tokens)
        refuse(r, "sizes", json_object_get(from, "sizes"),
               "a row for every position of an example");
    if (!r->s) hesse_graph_add(g, op, n.d, n.in, n.ids);
}

static void read_value(reader *r, const json_t *from, const json_t *nodes)
{
    static const char *const keys[][6] = {
        [HESSE_VALUE_PARAMETER] = {NULL},
        [HESSE_VALUE_CONSTANT] = {"kind", "vectors"},
        [HESSE_VALUE_TABLE] = {"kind", "rows", "cols", "numbers"},
        [HESSE_VALUE_INPUT] = {"kind", "tokens", "width"},
        [HESSE_VALUE_TARGET] = {"kind", "tokens", "width"},
        [HESSE_VALUE_RESULT] = {"kind", "tokens", "width"}};
    hesse_graph *g = r->g;
    snprintf(r->place, sizeof r->place, "value %d", g->n_values);
    const int kind = word(r, from, "kind", kinds, -1);
    static const char *const with_runs[] = {"kind", "rows",  "cols", "numbers",
                                            "runs", "tiles", NULL};
    const bool runs = kind == HESSE_VALUE_TABLE && r->version >= WITH_RUNS;
    if (kind != HESSE_VALUE_PARAMETER) only(r, from, runs ? with_runs : keys[kind]);
    if (r->s) return;
    if (kind == HESSE_VALUE_RESULT) {
        const json_t *node = json_array_get(nodes, (size_t)g->n_nodes);
        const int value = g->n_values;
        snprintf(r->place, sizeof r->place, "node %d", g->n_nodes);
        if (!node) refuse(r, "nodes", node, "a node for every result");
        if (!r->s) read_node(r, node);
        if (r->s || g->exhausted) return;
        const hesse_graph_value *v = &g->values[value];
        char expected[100];
        snprintf(expected, sizeof expected,
                 "%d tokens x %d, the sizes that the operator gives", v->rows, v->cols);
        if (integer(r, from, "tokens", 0, INT_MAX) != v->rows ||
            integer(r, from, "width", 0, INT_MAX) != v->cols)
            refuse(r, "output", from, expected);
    } else if (kind == HESSE_VALUE_CONSTANT) {
        read_constant(r, from);
    } else if (kind == HESSE_VALUE_TABLE) {
        read_table(r, from);
    } else if (kind == HESSE_VALUE_PARAMETER) {
        const hesse_param p = read_param(r, from);
        if (!r->s) hesse_graph_parameter(g, &p);
    } else {
        const int tokens = integer(r, from, "tokens", 1, MOST);
        const int width = integer(r, from, "width", 1, MOST);
        if (!r->s && (double)tokens * width > INT_MAX)
            refuse(r, "width", from, "fewer than 2^31 numbers of an example");
        if (!r->s) hesse_graph_numbers(g, (hesse_value_kind)kind, tokens, width);
    }
}

/* Name a node, or a value that no node makes. */
static void name_value(reader *r, int v)
{
    const hesse_graph *g = r->g;
    snprintf(r->place, sizeof r->place, "value %d", v);
    for (int i = 0; i < g->n_nodes; i++)
        if (g->nodes[i].out == v)
            snprintf(r->place, sizeof r->place, "node %d (%s)", i,
                     g->nodes[i].op->name);
}

/* Every value must be read, and the last one must be the loss. */
static void check_graph(reader *r, const json_t *root)
{
    const hesse_graph *g = r->g;
    const json_t *nodes = json_object_get(root, "nodes");
    const hesse_graph_node *last = g->nodes + g->n_nodes - 1;
    snprintf(r->place, sizeof r->place, "graph");
    if ((size_t)g->n_nodes != json_array_size(nodes))
        refuse(r, "nodes", nodes, "a result among the values for every node");
    if (!g->n_nodes || !last->op->loss || last->out != g->n_values - 1)
        refuse(r, "nodes", nodes, "a loss as the last node");
    for (int i = 0; !r->s && i < g->n_nodes - 1; i++) {
        if (!g->nodes[i].op->loss) continue;
        name_value(r, g->nodes[i].out);
        refuse(r, "operator",
               json_object_get(json_array_get(nodes, (size_t)i), "operator"),
               "one loss, and that at the end");
    }
    int count = 0; /* of results */
    int *uses = hesse_calloc((size_t)g->n_values, sizeof *uses);
    if (!r->s && !uses)
        r->s =
            hesse_fail(r->why, HESSE_E_NOMEM, "%s: out of memory for a graph", r->what);
    for (int i = 0; !r->s && i < g->n_nodes; i++) {
        const hesse_op *op = g->nodes[i].op;
        for (int j = 0; j < op->activations + op->parameters + op->constants; j++)
            uses[g->nodes[i].in[j]]++;
    }
    for (int v = 0; !r->s && v < g->n_values - 1; v++) {
        const bool result = g->values[v].kind == HESSE_VALUE_RESULT;
        const json_t *node = json_array_get(nodes, (size_t)count);
        count += result;
        const bool used = uses[v] > 0;
        if (used != (result && truth(r, node, "unread")) || r->s) continue;
        name_value(r, v);
        r->s =
            used ? hesse_fail(r->why, HESSE_E_INPUT,
                              "%s: %s: \"unread\" is true, and a node reads it",
                              r->what, r->place)
                 : hesse_fail(r->why, HESSE_E_INPUT,
                              "%s: %s: no node reads this value, expected one%s",
                              r->what, r->place, result ? ", or \"unread\": true" : "");
    }
    free(uses);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const hesse_param *const *)a)->name,
                  (*(const hesse_param *const *)b)->name);
}

static int by_tensor(const void *a, const void *b)
{
    return strcmp((*(const hesse_param *const *)a)->tensor,
                  (*(const hesse_param *const *)b)->tensor);
}

/* Parameters have different names, and only slices share a tensor. */
static void check_names(reader *r)
{
    const hesse_params *p = &r->g->params;
    const hesse_param **sorted = hesse_calloc((size_t)p->count + 1, sizeof(void *));
    if (!sorted) {
        r->s =
            hesse_fail(r->why, HESSE_E_NOMEM, "%s: out of memory for a graph", r->what);
        return;
    }
    for (int i = 0; i < p->count; i++) sorted[i] = &p->list[i];
    for (int tensors = 0; tensors < 2; tensors++) {
        qsort(sorted, (size_t)p->count, sizeof *sorted, tensors ? by_tensor : by_name);
        for (int i = 1; !r->s && i < p->count; i++) {
            const hesse_param *a = sorted[i - 1], *b = sorted[i];
            const bool slices = a->slice.total && b->slice.total;
            if (tensors ? slices || by_tensor(&a, &b) : by_name(&a, &b)) continue;
            r->s = hesse_fail(r->why, HESSE_E_INPUT,
                              "%s: parameters: two are called '%s', expected one that "
                              "several nodes read",
                              r->what, tensors ? a->tensor : a->name);
        }
    }
    free(sorted);
}

static void read_reading(reader *r, const json_t *root)
{
    static const char *const keys[] = {"padding", "positions_skip_padding", "masked",
                                       "labels", NULL};
    const json_t *from = json_object_get(root, "reading");
    hesse_graph_reading *to = &r->g->reading;
    if (!from) return;
    snprintf(r->place, sizeof r->place, "reading");
    if (!json_is_object(from)) refuse(r, "reading", from, "an object");
    only(r, from, keys);
    if (json_object_get(from, "padding"))
        to->pad = integer(r, from, "padding", 0, MOST - 1) + 1;
    to->positions_skip_padding = truth(r, from, "positions_skip_padding");
    to->masked = truth(r, from, "masked");
    to->numbers = word(r, from, "labels", label_words, 0);
}

static void read_extras(reader *r, const json_t *root)
{
    static const char *const keys[] = {"tensor", "of", NULL};
    const json_t *list = json_object_get(root, "ignored"), *x;
    const json_t *copy = json_object_get(root, "copy");
    size_t i;
    snprintf(r->place, sizeof r->place, "graph");
    if (list && !json_is_array(list)) refuse(r, "ignored", list, "a list of names");
    json_array_foreach(list, i, x)
    {
        const char *text = json_is_string(x) ? json_string_value(x) : "";
        if (!*text || strlen(text) >= sizeof *r->g->extras.names)
            refuse(r, "ignored", x, "names of 1 to 319 bytes");
        if (!r->s) hesse_graph_ignore(r->g, text);
    }
    if (!copy || r->s) return;
    if (!json_is_object(copy)) refuse(r, "copy", copy, "an object");
    only(r, copy, keys);
    char tensor[HESSE_NAME];
    name(r, copy, "tensor", tensor);
    name(r, copy, "of", r->g->extras.original);
    snprintf(r->g->extras.copy, sizeof r->g->extras.copy, "%s", tensor);
    bool known = false;
    for (int p = 0; p < r->g->params.count; p++)
        known |= !r->g->params.list[p].slice.total &&
                 strcmp(r->g->params.list[p].tensor, r->g->extras.original) == 0;
    if (!known)
        refuse(r, "of", json_object_get(copy, "of"), "the tensor of a parameter");
}

hesse_status hesse_graph_parse(const char *what, const char *text, size_t length,
                               hesse_graph **graph, hesse_why *why)
{
    static const char *const keys[] = {"format", "version", "tokens",  "loss_weight",
                                       "values", "nodes",   "reading", "ignored",
                                       "copy",   NULL};
    json_t *root = NULL, *value;
    size_t i;
    reader r = {.what = what, .place = "graph", .why = why};
    *graph = NULL;
    r.s = hesse_json_parse(what, text, length, &root, why);
    if (r.s) return r.s;
    const json_t *format = json_object_get(root, "format");
    if (!json_is_string(format) || strcmp(json_string_value(format), FORMAT) != 0)
        refuse(&r, "format", format, "\"hesse-graph\"");
    r.version = integer(&r, root, "version", 1, VERSION);
    r.g = hesse_graph_new(integer(&r, root, "tokens", 1, MOST));
    const json_t *values = json_object_get(root, "values");
    const json_t *nodes = json_object_get(root, "nodes");
    if (!json_is_array(values)) refuse(&r, "values", values, "a list");
    if (!json_is_array(nodes)) refuse(&r, "nodes", nodes, "a list");
    if (r.g && json_object_get(root, "loss_weight"))
        r.g->loss_weight = number(&r, root, "loss_weight");
    if (!r.s && r.g && r.g->loss_weight < 0)
        refuse(&r, "loss_weight", json_object_get(root, "loss_weight"),
               "a number from 0");
    only(&r, root, keys);
    json_array_foreach(values, i, value)
    {
        if (r.g && !r.s && !r.g->exhausted) read_value(&r, value, nodes);
    }
    if (!r.s && (!r.g || r.g->exhausted))
        r.s = hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory for a graph", what);
    if (!r.s) check_graph(&r, root);
    if (!r.s) check_names(&r);
    if (!r.s) read_reading(&r, root);
    if (!r.s) read_extras(&r, root);
    if (!r.s) hesse_graph_find_heads(r.g);
    if (!r.s && r.g->exhausted)
        r.s = hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory for a graph", what);
    json_decref(root);
    if (r.s)
        hesse_graph_free(r.g);
    else
        *graph = r.g;
    return r.s;
}

hesse_status hesse_graph_load(const char *path, char **text, size_t *length,
                              hesse_why *why)
{
    char *file = hesse_file_inside(path, "graph.json");
    const hesse_status s =
        file ? hesse_file_load(file, text, length, why)
             : hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory", path);
    free(file);
    return s;
}

hesse_status hesse_graph_digest(const char *path, char digest[HESSE_DIGEST_LENGTH],
                                hesse_why *why)
{
    char *file = hesse_file_inside(path, "graph.json");
    const hesse_status s =
        file ? hesse_digest_file(file, digest, why)
             : hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory", path);
    free(file);
    return s;
}
