/* Graphs of all families: a printed graph reads back to the same graph; a graph on a
   batch gives the same bits as the family's own tape; damaged graphs are refused and
   never crash. */
#include "check.h"
#include "hesse/arch.h"
#include "network/families/config.h"
#include "network/families/families.h"
#include "network/graph_json.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const hesse_arch archs[] = {
    {.family = "gpt2",
     .layers = 2,
     .width = 4,
     .inner = 6,
     .vocabulary = 5,
     .positions = 4,
     .norm_eps = 1e-5,
     .tied = true,
     .attention_bias = true,
     .mlp_bias = true,
     .attention = {.heads = 2, .kv_heads = 2, .size = 2}},
    {.family = "llama",
     .layers = 1,
     .width = 4,
     .inner = 6,
     .vocabulary = 5,
     .positions = 4,
     .activation = HESSE_ACT_SILU,
     .norm_eps = 1e-5,
     .attention = {.heads = 2, .kv_heads = 1, .size = 2, .rope_theta = 1e4}},
    {.family = "bert",
     .layers = 1,
     .width = 4,
     .inner = 6,
     .vocabulary = 5,
     .positions = 4,
     .types = 2,
     .task = HESSE_TASK_MASKED,
     .norm_eps = 1e-5,
     .attention_bias = true,
     .attention = {.heads = 2,
                   .kv_heads = 2,
                   .size = 2,
                   .full = true,
                   .kernel = HESSE_KERNEL_GAUSSIAN}},
    {.family = "vit",
     .layers = 1,
     .width = 4,
     .inner = 6,
     .positions = 16,
     .norm_eps = 1e-5,
     .attention_bias = true,
     .image = {.patch = 2},
     .data = {.inputs = 1, .rows = 4, .cols = 4, .outputs = 3},
     .attention = {.heads = 2, .kv_heads = 2, .size = 2, .full = true}},
    {.family = "mlp",
     .positions = 1,
     .mlp_bias = true,
     .activation = HESSE_ACT_RELU,
     .data = {.inputs = 3, .outputs = 2},
     .lists = {.n_widths = 2,
               .widths = {4, 3},
               .n_multipliers = 3,
               .multipliers = {0.5, 1, 0}}},
    {.family = "mixer",
     .layers = 1,
     .width = 4,
     .inner = 6,
     .positions = 16,
     .norm_eps = 1e-5,
     .image = {.patch = 2, .token_inner = 3},
     .data = {.inputs = 1, .rows = 4, .cols = 4, .outputs = 3}},
    {.family = "vgg",
     .positions = 16,
     .norm_eps = 1e-5,
     .image = {.batch_norm = HESSE_BATCH_NORM_EVALUATION, .pool = 1},
     .data = {.inputs = 2, .rows = 4, .cols = 4, .outputs = 3},
     .lists = {.n_widths = 2, .widths = {3, 0}, .n_dense = 1, .dense = {4}}},
    {.family = "resnet",
     .width = 2,
     .positions = 16,
     .norm_eps = 1e-5,
     .image = {.batch_norm = HESSE_BATCH_NORM_TRAINING},
     .data = {.inputs = 1, .rows = 4, .cols = 4, .outputs = 3},
     .lists = {.n_widths = 2, .widths = {1, 1}}},
    {.family = "linear_transformer",
     .layers = 2,
     .positions = 4,
     .data = {.inputs = 3, .outputs = 1, .loss = HESSE_LOSS_SQUARED_ERROR},
     .attention = {.heads = 1,
                   .kv_heads = 1,
                   .size = 1,
                   .full = true,
                   .kernel = HESSE_KERNEL_LINEAR}},
    {.family = "attention",
     .positions = 4,
     .data = {.inputs = 3, .outputs = 2, .loss = HESSE_LOSS_SQUARED_ERROR},
     .attention = {.heads = 2, .kv_heads = 2, .size = 2, .value_size = 1}},
    {.family = "quadratic",
     .positions = 1,
     .data = {.inputs = 3, .outputs = 1, .loss = HESSE_LOSS_SQUARED_ERROR},
     .lists = {.n_widths = 2, .widths = {1, 2}}},
    {.family = "llama",
     .layers = 1,
     .width = 4,
     .inner = 2,
     .vocabulary = 5,
     .positions = 4,
     .norm_eps = 1e-5,
     .attention_bias = true,
     .attention = {.heads = 1, .kv_heads = 1, .size = 4, .rope_theta = 1e4},
     .decoder = {.norm = HESSE_NORM_LAYER,
                 .norm_before = true,
                 .final_norm = true,
                 .query_key_norm = HESSE_QUERY_KEY_NORM_HEAD,
                 .window = 2,
                 .windowed = {1},
                 .rotary = {.fraction = 0.5}}},
    {.family = "linear_transformer",
     .layers = 1,
     .inner = 4,
     .joint = true,
     .positions = 4,
     .data = {.inputs = 3, .outputs = 1, .loss = HESSE_LOSS_SQUARED_ERROR},
     .attention = {.heads = 1,
                   .kv_heads = 1,
                   .size = 1,
                   .full = true,
                   .kernel = HESSE_KERNEL_SOFTMAX}},
};
enum { ARCHS = sizeof archs / sizeof *archs, EXAMPLES = 2 };

static hesse_graph *graph_of(const hesse_arch *arch)
{
    hesse_graph *g = NULL;
    hesse_why why;
    if (hesse_family_graph(arch, arch->positions, &g, &why)) fail_msg("%s", why.text);
    return g;
}

/* Return the JSON of a graph; the caller frees it. */
static char *printed(const hesse_graph *g)
{
    hesse_why why;
    FILE *f = tmpfile();
    assert_non_null(f);
    assert_int_equal(hesse_graph_print(g, f, &why), HESSE_OK);
    const size_t length = (size_t)ftell(f);
    char *text = calloc(length + 1, 1);
    rewind(f);
    assert_true(text && fread(text, 1, length, f) == length);
    fclose(f);
    return text;
}

/* Parameters of attention have the heads of the architecture. */
static void expect_heads(const hesse_arch *arch, const hesse_graph *g)
{
    for (int i = 0; i < g->params.count; i++) {
        const hesse_param *p = &g->params.list[i];
        const bool keys = p->role == HESSE_ROLE_KEY || p->role == HESSE_ROLE_VALUE;
        const bool queries =
            p->role == HESSE_ROLE_QUERY || p->role == HESSE_ROLE_OUTPUT;
        const int heads = keys      ? arch->attention.kv_heads
                          : queries ? arch->attention.heads
                                    : 0;
        if (p->heads != heads)
            fail_msg("%s: %s has %d heads, expected %d", arch->family, p->name,
                     p->heads, heads);
    }
}

static void graphs_read_back(void **state)
{
    (void)state;
    for (int i = 0; i < ARCHS; i++) {
        hesse_graph *g = graph_of(&archs[i]), *again = NULL;
        hesse_why why;
        char *text = printed(g);
        if (hesse_graph_parse("graph", text, strlen(text), &again, &why))
            fail_msg("%s: %s", archs[i].family, why.text);
        char *twice = printed(again);
        assert_string_equal(text, twice);
        assert_int_equal(g->params.size, again->params.size);
        expect_heads(&archs[i], again);
        assert_int_equal(g->buffers.size, again->buffers.size);
        free(text);
        free(twice);
        hesse_graph_free(g);
        hesse_graph_free(again);
    }
}

static hesse_graph *graph_of_config(const char *folder, const char *family,
                                    hesse_arch *a)
{
    char path[512];
    hesse_graph *g = NULL;
    hesse_why why;
    snprintf(a->family, sizeof a->family, "%s", family);
    snprintf(path, sizeof path, "%s/families/%s/config.json", HESSE_TEST_FOLDER,
             folder);
    if (hesse_config_read(path, a, &why) || hesse_family_graph(a, 5, &g, &why))
        fail_msg("%s", why.text);
    return g;
}

/* The graphs of decoders have tables, windows and slices, and read back. */
static void decoders_read_back(void **state)
{
    (void)state;
    static const struct {
        const char *folder, *family;
        bool table;
        int window, groups; /* groups of the first slice; 0: no slices */
    } cases[] = {
        {"llama_rope3", "llama", true, 0, 0}, {"mistral_window", "llama", true, 2, 0},
        {"qwen2", "llama", true, 0, 0},       {"qwen3", "llama", true, 0, 0},
        {"olmo", "llama", true, 0, 0},        {"olmo2", "llama", true, 0, 0},
        {"smollm3", "llama", true, 0, 0},     {"granite", "llama", true, 0, 0},
        {"gpt_neox", "gpt_neox", true, 0, 2}, {"gpt_neo", "gpt_neo", false, 2, 0},
        {"opt", "opt", false, 0, 0},          {"opt_after", "opt", false, 0, 0},
        {"phi", "phi", true, 0, 0},           {"phi3", "phi3", true, 2, 1},
        {"gemma", "gemma", true, 0, 0},       {"gemma2", "gemma2", true, 2, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hesse_arch a = {.layout = {.prefix = "model."}};
        hesse_graph *g = graph_of_config(cases[i].folder, cases[i].family, &a);
        hesse_graph *again = NULL;
        hesse_why why;
        char *text = printed(g);
        if (hesse_graph_parse("graph", text, strlen(text), &again, &why))
            fail_msg("%s: %s", cases[i].folder, why.text);
        char *twice = printed(again);
        assert_string_equal(text, twice);
        assert_true((again->n_table > 0) == cases[i].table);
        int window = 0, groups = 0;
        for (int j = 0; j < again->n_nodes; j++)
            if (again->nodes[j].d.window) window = again->nodes[j].d.window;
        for (int j = 0; j < again->params.count && !groups; j++)
            groups = again->params.list[j].slice.groups;
        expect_heads(&a, again);
        assert_int_equal(window, cases[i].window);
        assert_int_equal(groups, cases[i].groups);
        free(text);
        free(twice);
        hesse_graph_free(g);
        hesse_graph_free(again);
    }
}

/* Graphs with general operators, the seeds of tools/fuzz, read back, and damaged ones
   are refused and never crash. */
static void general_operators_read_back(void **state)
{
    (void)state;
    static const char *const names[] = {"gather",  "spread", "mask",      "runs",
                                        "several", "power",  "sum_fields"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        static char text[1 << 16];
        char path[512];
        snprintf(path, sizeof path, "%s/fuzz/corpus/graph/%s", HESSE_TEST_FOLDER,
                 names[i]);
        FILE *f = fopen(path, "rb");
        assert_non_null(f);
        text[fread(text, 1, sizeof text - 1, f)] = '\0';
        fclose(f);
        hesse_graph *g = NULL, *again = NULL;
        hesse_why why;
        if (hesse_graph_parse(names[i], text, strlen(text), &g, &why))
            fail_msg("%s", why.text);
        char *once = printed(g);
        assert_int_equal(hesse_graph_parse("g", once, strlen(once), &again, &why), 0);
        char *twice = printed(again);
        assert_string_equal(once, twice);
        assert_true(again->n_table == g->n_table);
        free(once);
        free(twice);
        hesse_graph_free(g);
        hesse_graph_free(again);
    }
}

/* Queries that pass a gather before their scores. Its places may move whole tokens, not
   channels. The scores of a second map of the matrix must have as many heads. */
static void heads_end_where_channels_move(void **state)
{
    (void)state;
    static const char whole[] = "4,5,6,7, 0,1,2,3, -1,-1,-1,-1, 8,9,10,11",
                      turned[] = "0,4,8,12, 1,5,9,13, 2,6,10,14, 3,7,11,15";
    static const struct {
        const char *places;
        int others, heads; /* of the second scores; found for the queries */
    } cases[] = {{whole, 2, 2}, {turned, 2, 0}, {whole, 1, 0}};
#define RESULT "{\"kind\": \"result\", \"tokens\": 4, \"width\": 4}, "
#define MATRIX(name)                                                                   \
    "{\"kind\": \"parameter\", \"name\": \"" name "\", \"tensor\": \"" name            \
    "\", \"rows\": 4, \"cols\": 4, \"role\": \"" name                                  \
    "\", \"layer\": 0, \"init\": {\"mean\": 0.2, \"spread\": 0}}, "
#define LINEAR(matrix, to)                                                             \
    "{\"operator\": \"linear_unbiased\", \"inputs\": [0, " matrix "], \"output\": " to \
    ", \"sizes\": {\"channels\": 4, \"outputs\": 4}}, "
#define SCORES(queries, to)                                                            \
    "{\"operator\": \"scores\", \"inputs\": [" queries ", 3], \"output\": " to         \
    ", \"sizes\": {\"channels\": 4, \"heads\": %d, \"kv_heads\": %d, "                 \
    "\"constant\": 1}, \"unread\": %s}, "
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int others = cases[i].others;
        char text[4096];
        hesse_graph *g = NULL;
        hesse_why why;
        snprintf(
            text, sizeof text,
            "{\"format\": \"hesse-graph\", \"version\": 1, \"tokens\": 4, \"values\": ["
            "{\"kind\": \"input\", \"tokens\": 4, \"width\": 4}, " MATRIX("query")
                MATRIX("key") RESULT RESULT
            "{\"kind\": \"table\", \"rows\": 4, \"cols\": 4, \"numbers\": "
            "[%s]}, " RESULT
            "{\"kind\": \"result\", \"tokens\": 4, \"width\": 8}, " RESULT
            "{\"kind\": \"result\", \"tokens\": 4, \"width\": %d}, "
            "{\"kind\": \"target\", \"tokens\": 4, \"width\": 8}, "
            "{\"kind\": \"result\", \"tokens\": 0, \"width\": 0}], \"nodes\": [" LINEAR(
                "2", "3")
                LINEAR(
                    "1",
                    "4") "{\"operator\": \"gather\", \"inputs\": [4, 5], \"output\": "
                         "6, "
                         "\"sizes\": {\"channels\": 4, \"outputs\": 4}}, " SCORES("6",
                                                                                  "7")
                             LINEAR("1", "8") SCORES(
                                 "8",
                                 "9") "{\"operator\": \"squared_error\", \"inputs\": "
                                      "[7, 10], "
                                      "\"output\": 11, \"sizes\": {\"channels\": 8}}]}",
            cases[i].places, 4 * others, 2, 2, "false", others, others, "true");
        if (hesse_graph_parse("graph", text, strlen(text), &g, &why))
            fail_msg("%s", why.text);
        assert_int_equal(g->params.list[0].heads, cases[i].heads);
        hesse_graph_free(g);
    }
}

enum { TALL = 12, WIDE = 24 };

/* A number of a table of one of several kinds. */
static double entry(int kind, int row, int col, uint64_t *seed)
{
    const int key = col % TALL; /* of one of two heads */
    switch (kind) {
    case 0: /* a causal mask */
        return key > row ? -1e308 : 0;
    case 1: /* a band */
        return abs(key - row) > 2 ? -1e308 : 0;
    case 2: /* blocks */
        return key / 4 != row / 4 ? -1e308 : 0;
    case 3: /* padding */
        return key > 8 ? -1e308 : 0;
    case 4: /* places of a gather that appends zeros */
        return key < 9 ? row * 9 + key : -1;
    case 5: /* places of relative positions */
        return (row - key + TALL) * 2 + col / TALL;
    case 6: /* a transposition */
        return col * TALL + row;
    case 7: /* zeros of both signs, and evenly spaced numbers that are not whole */
        return col % 5 == 0 ? -0.0 : col % 3 ? 0 : 0.1 * col;
    case 8: /* large numbers, whose differences are not exact */
        return 0x1p53 + 2 * col;
    default:
        return uniform(seed);
    }
}
enum { ENTRIES = 10 };

/* Tables are the same numbers after they were stored, printed and read. Masks take a
   few numbers for each row. */
static void tables_keep_their_numbers(void **state)
{
    (void)state;
    static const int most[ENTRIES] = {
        6 * TALL, 9 * TALL,        9 * TALL,    6,           6 * TALL,
        6 * TALL, 3 * TALL * WIDE, WIDE * TALL, WIDE * TALL, WIDE * TALL};
    uint64_t seed = 9;
    for (int kind = 0; kind < ENTRIES; kind++)
        for (int tall = 1; tall <= TALL; tall += 11) {
            hesse_graph *g = hesse_graph_new(1);
            double x[TALL * WIDE], found[TALL * WIDE];
            for (int i = 0; i < tall * WIDE; i++)
                x[i] = entry(kind, i / WIDE, i % WIDE, &seed);
            const double before = 7;
            hesse_graph_table(g, 1, 1, &before);
            const int value = hesse_graph_table(g, tall, WIDE, x);
            const hesse_graph_value *v = &g->values[value];
            assert_true(!g->exhausted);
            hesse_table_numbers(v, hesse_graph_stored(g, value), found);
            assert_memory_equal(x, found, sizeof *x * (size_t)(tall * WIDE));
            assert_true(hesse_table_stored(v) <= (size_t)most[kind]);
            assert_true(g->n_table == 1 + hesse_table_stored(v));
            hesse_graph_free(g);
        }
}

/* Make examples for any network, from a stream of numbers. */
static hesse_batch batch_of(const hesse_arch *a, const hesse_graph *g)
{
    hesse_batch b = {.sequences = EXAMPLES, .context = a->positions};
    const size_t tokens = (size_t)EXAMPLES * (size_t)a->positions;
    const hesse_graph_node *loss = &g->nodes[g->n_nodes - 1];
    uint64_t seed = 5;
    if (a->vocabulary) {
        b.input = hesse_calloc(tokens, sizeof *b.input);
        for (size_t i = 0; i < tokens; i++) b.input[i] = (int)(i * 7 % 5);
    } else {
        b.width = a->data.inputs;
        b.x = hesse_alloc(tokens * (size_t)b.width);
        for (size_t i = 0; i < tokens * (size_t)b.width; i++) b.x[i] = uniform(&seed);
    }
    const size_t terms = (size_t)EXAMPLES * (size_t)loss->d.t;
    if (a->data.loss == HESSE_LOSS_CROSS_ENTROPY) {
        b.labels = loss->d.t;
        b.target = hesse_calloc(terms, sizeof *b.target);
        for (size_t i = 0; i < terms; i++) b.target[i] = (int)(i % 2);
    } else {
        b.wanted_tokens = loss->d.t, b.wanted_width = loss->d.c;
        b.wanted = hesse_alloc(terms * (size_t)loss->d.c);
        for (size_t i = 0; i < terms * (size_t)loss->d.c; i++)
            b.wanted[i] = uniform(&seed);
    }
    return b;
}

/* Compute loss and gradient of a graph at some parameters; the caller frees the
   gradient. */
static double run(const hesse_graph *g, const hesse_batch *b, double **gradient)
{
    const hesse_weighting mean = {.scale = 1};
    hesse_tape *t = NULL;
    hesse_why why;
    uint64_t seed = 9;
    double *theta = hesse_alloc(g->params.size),
           *constants = hesse_alloc(g->buffers.size);
    for (size_t i = 0; i < g->params.size; i++) theta[i] = uniform(&seed);
    for (size_t i = 0; i < g->buffers.size; i++) constants[i] = 1;
    *gradient = hesse_alloc(g->params.size);
    assert_int_equal(hesse_graph_tape(g, b, constants, &mean, &t, &why), HESSE_OK);
    assert_true(hesse_tape_freeze(t));
    const double loss = hesse_tape_run(t, theta, *gradient);
    hesse_tape_free(t);
    free(theta);
    free(constants);
    return loss;
}

static void graphs_that_were_read_compute_the_same(void **state)
{
    (void)state;
    for (int i = 0; i < ARCHS; i++) {
        hesse_graph *g = graph_of(&archs[i]), *again = NULL;
        hesse_why why;
        char *text = printed(g);
        double *a, *b;
        assert_int_equal(hesse_graph_parse("g", text, strlen(text), &again, &why),
                         HESSE_OK);
        hesse_batch batch = batch_of(&archs[i], g);
        const double loss = run(g, &batch, &a), other = run(again, &batch, &b);
        assert_true(loss == loss && loss == other);
        assert_memory_equal(a, b, g->params.size * sizeof *a);
        hesse_batch_free(&batch);
        free(a);
        free(b);
        free(text);
        hesse_graph_free(g);
        hesse_graph_free(again);
    }
}

/* Every number of the text is replaced by each of some others. The graph must be
   refused with a message, or a tape can be made of it. */
static void damaged_graphs_never_crash(void **state)
{
    (void)state;
    static const char *const others[] = {"-1", "0", "3", "99999999", "1e300", "null"};
    int refused = 0;
    for (int i = 0; i < ARCHS; i++) {
        hesse_graph *g = graph_of(&archs[i]);
        char *text = printed(g);
        const size_t length = strlen(text);
        char *damaged = malloc(length + 16);
        for (const char *c = strpbrk(text, "0123456789"); c;) {
            const size_t digits = strspn(c, "0123456789.e-+");
            for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
                hesse_graph *again = NULL;
                hesse_why why = {""};
                sprintf(damaged, "%.*s%s%s", (int)(c - text), text, others[k],
                        c + digits);
                const hesse_status s = hesse_graph_parse("damaged", damaged,
                                                         strlen(damaged), &again, &why);
                refused += s == HESSE_E_INPUT;
                assert_true(s == HESSE_OK ? again != NULL : strlen(why.text) > 8);
                hesse_graph_free(again);
            }
            c = strpbrk(c + digits, "0123456789");
        }
        free(damaged);
        free(text);
        hesse_graph_free(g);
    }
    assert_true(refused > 1000);
}

static void messages_name_the_place(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *says;
    } cases[] = {
        {"\"scores\"", "\"score\"", "node 3: \"operator\" is \"score\""},
        {"\"hesse-graph\"", "\"onnx\"", "\"format\" is \"onnx\""},
        {"\"version\": 1", "\"version\": 3", "\"version\" is 3"},
        {"\"channels\": 4", "\"channels\": 5", "node"},
        {"\"layer\": -1", "\"layer\": -7", "value"},
        {"\"labels\"", "\"zeros\"", "\"ids\""},
    };
    hesse_graph *g = graph_of(&archs[9]);
    hesse_graph *words = graph_of(&archs[0]);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = printed(strstr(cases[i].from, "scores") ? g : words);
        hesse_graph *again = NULL;
        hesse_why why = {""};
        char *at = strstr(text, cases[i].from);
        assert_non_null(at);
        char *changed = malloc(strlen(text) + 64);
        sprintf(changed, "%.*s%s%s", (int)(at - text), text, cases[i].to,
                at + strlen(cases[i].from));
        assert_int_equal(
            hesse_graph_parse("g.json", changed, strlen(changed), &again, &why),
            HESSE_E_INPUT);
        if (!strstr(why.text, cases[i].says) || !strstr(why.text, "g.json"))
            fail_msg("'%s' does not say '%s'", why.text, cases[i].says);
        free(changed);
        free(text);
    }
    hesse_graph_free(g);
    hesse_graph_free(words);
}

/* The loss must be the sum over micro-batches of their means, even if they have unequal
   numbers of targets; and its derivatives must agree with it. */
static void unequal_micro_batches_have_their_own_means(void **state)
{
    (void)state;
    const hesse_arch *a = &archs[0];
    hesse_graph *g = graph_of(a);
    hesse_batch both = batch_of(a, g), one;
    const hesse_weighting mean = {.scale = 1}, sum_of_means = {.batch = 1};
    const int tokens = a->positions;
    double loss[3], *gradient[3];
    uint64_t seed = 9;
    hesse_why why;
    both.target[0] = both.target[1] = -100;
    double *theta = hesse_alloc(g->params.size);
    for (size_t i = 0; i < g->params.size; i++) theta[i] = uniform(&seed);
    for (int i = 0; i < 3; i++) {
        hesse_tape *t = NULL;
        one = both;
        if (i < 2) {
            one.sequences = 1, one.input += i * tokens, one.target += i * tokens;
        }
        gradient[i] = hesse_alloc(g->params.size);
        assert_int_equal(
            hesse_graph_tape(g, &one, NULL, i < 2 ? &mean : &sum_of_means, &t, &why),
            HESSE_OK);
        assert_true(hesse_tape_freeze(t));
        loss[i] = hesse_tape_run(t, theta, gradient[i]);
        hesse_tape_free(t);
    }
    assert_true(fabs(loss[2] - loss[0] - loss[1]) < 1e-14 * loss[2]);
    for (size_t i = 0; i < g->params.size; i++)
        assert_true(fabs(gradient[2][i] - gradient[0][i] - gradient[1][i]) < 1e-13);
    for (int i = 0; i < tokens; i++) both.target[i] = -100;
    hesse_tape *t = NULL;
    assert_int_equal(hesse_graph_tape(g, &both, NULL, &sum_of_means, &t, &why),
                     HESSE_E_INPUT);
    assert_non_null(strstr(why.text, "micro-batch 0"));
    for (int i = 0; i < 3; i++) free(gradient[i]);
    free(theta);
    hesse_batch_free(&both);
    hesse_graph_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(graphs_read_back),
        cmocka_unit_test(decoders_read_back),
        cmocka_unit_test(general_operators_read_back),
        cmocka_unit_test(heads_end_where_channels_move),
        cmocka_unit_test(tables_keep_their_numbers),
        cmocka_unit_test(graphs_that_were_read_compute_the_same),
        cmocka_unit_test(damaged_graphs_never_crash),
        cmocka_unit_test(messages_name_the_place),
        cmocka_unit_test(unequal_micro_batches_have_their_own_means),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
