/* The list of families, and what is the same for all. */
#include "network/families/families.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { MOST = 1 << 24 };

extern const hesse_family hesse_family_gpt2, hesse_family_llama, hesse_family_bert,
    hesse_family_vit, hesse_family_mlp, hesse_family_mixer, hesse_family_vgg,
    hesse_family_resnet, hesse_family_linear_transformer, hesse_family_attention,
    hesse_family_quadratic, hesse_family_gpt_neox, hesse_family_opt,
    hesse_family_gpt_neo, hesse_family_roberta, hesse_family_distilbert,
    hesse_family_gemma, hesse_family_gemma2, hesse_family_phi, hesse_family_phi3,
    hesse_family_graph_file;

const hesse_family *const hesse_families[] = {
    &hesse_family_gpt2,       &hesse_family_llama,
    &hesse_family_gpt_neox,   &hesse_family_opt,
    &hesse_family_gpt_neo,    &hesse_family_gemma,
    &hesse_family_gemma2,     &hesse_family_phi,
    &hesse_family_phi3,       &hesse_family_bert,
    &hesse_family_roberta,    &hesse_family_distilbert,
    &hesse_family_vit,        &hesse_family_mlp,
    &hesse_family_mixer,      &hesse_family_vgg,
    &hesse_family_resnet,     &hesse_family_linear_transformer,
    &hesse_family_attention,  &hesse_family_quadratic,
    &hesse_family_graph_file, NULL};

const hesse_family *hesse_family_named(const char *name)
{
    const hesse_family *const *f = hesse_families;
    while (*f && strcmp((*f)->name, name) != 0) f++;
    return *f;
}

const hesse_family *hesse_family_of_type(const char *type)
{
    for (const hesse_family *const *f = hesse_families; *f; f++)
        for (const char *const *t = (*f)->config_types; t && *t; t++)
            if (strcmp(*t, type) == 0) return *f;
    return NULL;
}

const hesse_family *hesse_family_of(const hesse_arch *arch)
{
    return hesse_family_named(arch->family);
}

void hesse_family_complete(hesse_arch *arch)
{
    const hesse_family *f = hesse_family_of(arch);
    if (!f) return;
    if (f->style && arch->decoder.norm == HESSE_NORM_BY_FAMILY) {
        arch->decoder = *f->style;
        arch->decoder.output_bias = arch->attention_bias;
    }
    if (f->complete) f->complete(arch);
}

void hesse_family_settle(hesse_arch *arch)
{
    if (!(arch->norm_eps > 0)) arch->norm_eps = hesse_family_of(arch)->norm_eps;
}

bool hesse_family_brings(const char *kind)
{
    for (const hesse_family *const *f = hesse_families; *f; f++)
        if ((*f)->data && strcmp((*f)->data, kind) == 0) return true;
    return false;
}

static bool among(int value, int last)
{
    return value >= 0 && value <= last;
}

bool hesse_arch_is_sound(const hesse_arch *a)
{
    return memchr(a->family, '\0', sizeof a->family) && hesse_family_of(a) &&
           among((int)a->activation, HESSE_ACT_NONE) &&
           among((int)a->attention.kernel, HESSE_KERNEL_GAUSSIAN) &&
           among((int)a->decoder.norm, HESSE_NORM_RMS_ONE_PLUS) &&
           among((int)a->decoder.query_key_norm, HESSE_QUERY_KEY_NORM_ALL) &&
           among(a->decoder.rotary.pairs, HESSE_MOST_PAIRS) &&
           among((int)a->data.loss, HESSE_LOSS_BINARY) &&
           among((int)a->task, HESSE_TASK_TOKENS) &&
           among((int)a->image.batch_norm, HESSE_BATCH_NORM_EVALUATION) &&
           among((int)a->image.distillation, HESSE_DISTILLATION_HEADS) &&
           among(a->layout.names, HESSE_MOST_NAMES) &&
           among(a->lists.n_widths, HESSE_MOST_WIDTHS) &&
           among(a->lists.n_multipliers, HESSE_MOST_WIDTHS + 1) &&
           among(a->lists.n_dense, HESSE_MOST_DENSE);
}

/* True if tokens of the vocabulary are predicted, and no classes. */
static bool predicts_tokens(const hesse_arch *a)
{
    return hesse_family_of(a)->decoder || a->task == HESSE_TASK_MASKED;
}

static bool per_token(const hesse_arch *a)
{
    return hesse_family_of(a)->per_token || a->task != HESSE_TASK_CLASSIFY;
}

hesse_data_needs hesse_family_needs(const hesse_arch *a)
{
    const hesse_family *f = hesse_family_of(a);
    if (f->needs) return f->needs(a);
    return (hesse_data_needs){.reads = f->reads,
                              .positions = a->positions,
                              .vocabulary = a->vocabulary,
                              .masked = a->task == HESSE_TASK_MASKED,
                              .words = predicts_tokens(a),
                              .full = a->attention.full,
                              .flat = f->flat,
                              .squared = a->data.loss == HESSE_LOSS_SQUARED_ERROR,
                              .numbers = a->data.loss == HESSE_LOSS_REGRESSION ||
                                         a->data.loss == HESSE_LOSS_BINARY,
                              .pad = a->pad,
                              .positions_skip_padding = f->positions_skip_padding,
                              .classes = a->data.outputs};
}

hesse_reads hesse_family_reads(const hesse_arch *a)
{
    return hesse_family_needs(a).reads;
}

static hesse_status misfit(const hesse_arch *a, const char *reads, const char *found,
                           hesse_why *why)
{
    return hesse_fail(why, HESSE_E_JOB, "model: %s reads %s, and the data are %s",
                      a->family, reads, found);
}

static hesse_status check_types(const hesse_arch *a, const hesse_batch *batch,
                                hesse_why *why)
{
    for (int i = 0; batch->type && i < batch->sequences * batch->context; i++)
        if (batch->type[i] >= a->types)
            return hesse_fail(why, HESSE_E_JOB,
                              "model: a token has type %d, and there are %d types",
                              batch->type[i], a->types);
    return HESSE_OK;
}

static hesse_status fit_input(hesse_arch *a, const hesse_batch *batch, hesse_why *why)
{
    static const char *const read[] = {"ids of tokens", "numbers", "images"};
    const hesse_reads r = hesse_family_of(a)->reads;
    const char *found = batch->rows ? "images" : batch->x ? "numbers" : "ids of tokens";
    if (r == HESSE_READS_IDS ? !batch->input
                             : !batch->x || (r == HESSE_READS_IMAGES && !batch->rows))
        return misfit(a, read[r], found, why);
    if (r == HESSE_READS_IDS) {
        if (!a->vocabulary) a->vocabulary = batch->vocabulary;
        if (batch->vocabulary > a->vocabulary)
            return hesse_fail(why, HESSE_E_JOB,
                              "model: a vocabulary of %d, and the data have %d",
                              a->vocabulary, batch->vocabulary);
        if (batch->end && a->attention.kernel == HESSE_KERNEL_LINEAR)
            return hesse_fail(why, HESSE_E_JOB,
                              "model: sequences of unequal length are padded, and "
                              "padding is hidden from softmax and gaussian attention "
                              "only");
        return check_types(a, batch, why);
    }
    a->data.inputs = batch->width, a->data.rows = batch->rows,
    a->data.cols = batch->cols;
    a->positions = batch->context;
    return HESSE_OK;
}

/* Classes may be more than the data show. */
static hesse_status fit_classes(hesse_arch *a, const hesse_batch *batch, int classes,
                                hesse_why *why)
{
    if (!batch->target)
        return hesse_fail(why, HESSE_E_JOB,
                          "model: the loss is cross-entropy, and the data have no "
                          "labels; a squared error compares with numbers");
    if (!a->data.outputs) a->data.outputs = classes;
    if (a->data.outputs >= classes) return HESSE_OK;
    return hesse_fail(why, HESSE_E_JOB, "model: %d classes, and the data have %d",
                      a->data.outputs, classes);
}

static hesse_status fit_count(const hesse_arch *a, const hesse_batch *batch, int count,
                              const char *what, hesse_why *why)
{
    const int expected = per_token(a) ? batch->context : 1;
    if (count == expected) return HESSE_OK;
    return hesse_fail(
        why, HESSE_E_JOB,
        "model: %s wants %d %s of an example, one of %s, and the data have "
        "%d",
        a->family, expected, what, per_token(a) ? "every token" : "all its tokens",
        count);
}

static hesse_status fit_numbers(hesse_arch *a, const hesse_batch *batch, hesse_why *why)
{
    if (!batch->wanted)
        return hesse_fail(why, HESSE_E_JOB,
                          "model: the loss compares with numbers, and the data have no "
                          "numbers to compare with");
    if (a->data.outputs && a->data.outputs != batch->wanted_width)
        return hesse_fail(why, HESSE_E_JOB,
                          "model: %d classes, and the data want %d numbers",
                          a->data.outputs, batch->wanted_width);
    a->data.outputs = batch->wanted_width;
    const int weights = a->attention.heads * batch->context;
    if (a->attention.identity && !a->attention.output && weights != batch->wanted_width)
        return hesse_fail(why, HESSE_E_JOB,
                          "model: %d heads give weights for %d tokens each, which are "
                          "%d numbers, and the data want %d; an output matrix brings "
                          "them to any number",
                          a->attention.heads, batch->context, weights,
                          batch->wanted_width);
    return fit_count(a, batch, batch->wanted_tokens, "rows of targets", why);
}

hesse_status hesse_family_fit(hesse_arch *a, const hesse_batch *batch, hesse_why *why)
{
    if (hesse_family_of(a)->fit) return hesse_family_of(a)->fit(a, batch, why);
    hesse_status s = fit_input(a, batch, why);
    if (s) return s;
    if (a->data.loss != HESSE_LOSS_CROSS_ENTROPY) return fit_numbers(a, batch, why);
    if (batch->target) s = fit_count(a, batch, batch->labels, "labels", why);
    return s || predicts_tokens(a) ? s : fit_classes(a, batch, batch->classes, why);
}

hesse_status hesse_family_is_told(const hesse_arch *a, hesse_why *why)
{
    const hesse_family *f = hesse_family_of(a);
    const hesse_reads r = f->reads;
    const hesse_arch_data *d = &a->data;
    if (f->fit) return HESSE_OK; /* the graph has all sizes */
    const bool ids = r == HESSE_READS_IDS, images = r == HESSE_READS_IMAGES;
    const hesse_size_limit sizes[] = {
        {"vocabulary", ids ? a->vocabulary : 1, 0},
        {"number of inputs", ids ? 1 : d->inputs, 0},
        {"number of tokens", ids ? 1 : a->positions, 0},
        {"number of rows", images ? d->rows : 1, 0},
        {"number of columns", images ? d->cols : 1, 0},
        {"number of outputs", predicts_tokens(a) ? 1 : d->outputs, 0}};
    return hesse_check_sizes(sizeof sizes / sizeof *sizes, sizes, why);
}

hesse_status hesse_check_sizes(int count, const hesse_size_limit *sizes, hesse_why *why)
{
    for (const hesse_size_limit *x = sizes; x < sizes + count; x++) {
        if (x->value < 1 || x->value > MOST)
            return hesse_fail(why, HESSE_E_JOB,
                              "model: %s is %d, expected a positive number below 2^24",
                              x->name, x->value);
        if (x->most && x->value > x->most)
            return hesse_fail(why, HESSE_E_JOB, "model: %s is %d, expected at most %d",
                              x->name, x->value, x->most);
    }
    return HESSE_OK;
}

hesse_status hesse_check_transformer(const hesse_arch *a, hesse_why *why)
{
    const hesse_attention *t = &a->attention;
    const hesse_size_limit sizes[] = {{"layers", a->layers, HESSE_CONFIG_LAYERS},
                                      {"width", a->width, 0},
                                      {"inner", a->inner, 0},
                                      {"heads", t->heads, 0},
                                      {"head size", t->size, 0}};
    const hesse_status s = hesse_check_sizes(sizeof sizes / sizeof *sizes, sizes, why);
    if (s || (long)t->heads * t->size <= MOST) return s;
    return hesse_fail(
        why, HESSE_E_JOB,
        "model: %d heads of %d channels, expected less than 2^24 channels", t->heads,
        t->size);
}

hesse_status hesse_check_heads(const hesse_arch *a, hesse_why *why)
{
    const hesse_attention *t = &a->attention;
    if (t->heads * t->size == a->width) return HESSE_OK;
    return hesse_fail(why, HESSE_E_JOB, "model: width %d is not a multiple of %d heads",
                      a->width, t->heads);
}

hesse_status hesse_check_patches(const hesse_arch *a, hesse_why *why)
{
    const int patch = a->image.patch;
    const hesse_size_limit size = {"patch", patch, 0};
    const hesse_status s = hesse_check_sizes(1, &size, why);
    if (s || (a->data.rows % patch == 0 && a->data.cols % patch == 0)) return s;
    return hesse_fail(why, HESSE_E_JOB,
                      "model: images of %d x %d pixels are not whole patches of %d",
                      a->data.rows, a->data.cols, patch);
}

hesse_layout hesse_layout_of(const hesse_arch *arch)
{
    const hesse_decoder_names *names = hesse_family_of(arch)->decoder;
    hesse_layout layout = {.out_first = false};
    if (names) snprintf(layout.prefix, sizeof layout.prefix, "%s", names->prefixes[0]);
    return layout;
}

static hesse_status check_parameters(const hesse_params *params, hesse_why *why)
{
    for (const hesse_param *p = params->list; p < params->list + params->count; p++)
        if (hesse_param_size(p) > INT_MAX)
            return hesse_fail(why, HESSE_E_NOMEM,
                              "model: '%s' has %zu elements, expected at most 2^31 - 1",
                              p->name, hesse_param_size(p));
    return HESSE_OK;
}

/* Only decoders share key and value heads, and judge that themselves. */
static hesse_status check_own_heads(const hesse_arch *a, hesse_why *why)
{
    const hesse_attention *t = &a->attention;
    if (hesse_family_of(a)->decoder || t->kv_heads == t->heads) return HESSE_OK;
    return hesse_fail(why, HESSE_E_JOB,
                      "model: %s has as many key and value heads as heads, and %d and "
                      "%d are given",
                      a->family, t->kv_heads, t->heads);
}

static hesse_status check_length(const hesse_arch *a, int tokens, hesse_why *why)
{
    const int longest = a->decoder.rotary.longest;
    if (longest && tokens > longest)
        return hesse_fail(why, HESSE_E_JOB,
                          "sequences of %d tokens, but the scaling of the rotary "
                          "embedding changes beyond %d, and that is not computed here",
                          tokens, longest);
    if (!hesse_family_of(a)->learned_positions || tokens <= a->positions)
        return HESSE_OK;
    return hesse_fail(
        why, HESSE_E_JOB,
        "found sequences of %d tokens, expected at most %d, the model's positions",
        tokens, a->positions);
}

/* The network is given as data, for examples of one length. */
static hesse_status check_given(const hesse_arch *a, int tokens, hesse_why *why)
{
    if (!a->graph)
        return hesse_fail(why, HESSE_E_JOB, "model: the family graph needs a graph");
    if (tokens == a->graph->tokens) return HESSE_OK;
    return hesse_fail(why, HESSE_E_JOB,
                      "model: the graph is of examples of %d tokens, and the data have "
                      "%d",
                      a->graph->tokens, tokens);
}

static hesse_status copy_graph(const hesse_arch *a, int tokens, hesse_graph **graph,
                               hesse_why *why)
{
    const hesse_status s = check_given(a, tokens, why);
    if (s) return s;
    *graph = hesse_graph_copy(a->graph);
    return *graph ? HESSE_OK
                  : hesse_fail(why, HESSE_E_NOMEM, "out of memory for a graph");
}

hesse_status hesse_family_graph(const hesse_arch *arch, int tokens, hesse_graph **graph,
                                hesse_why *why)
{
    *graph = NULL;
    const hesse_family *f = hesse_family_of(arch);
    if (f->fit) return copy_graph(arch, tokens, graph, why);
    hesse_arch a = *arch;
    hesse_family_complete(&a);
    hesse_status s = f->check(&a, why);
    if (!s) s = check_own_heads(&a, why);
    if (!s) s = check_length(&a, tokens, why);
    if (s) return s;
    hesse_graph *g = hesse_graph_new(tokens);
    hesse_builder b = {
        .arch = &a, .graph = g, .module = "", .layer = -1, .frequencies = -1};
    if (g) f->build(&b);
    if (g && !g->exhausted) hesse_graph_find_heads(g);
    if (!g || g->exhausted)
        s = hesse_fail(why, HESSE_E_NOMEM, "out of memory for the list of parameters");
    if (!s) s = check_parameters(&g->params, why);
    if (s)
        hesse_graph_free(g);
    else
        *graph = g;
    return s;
}

/* Parameters do not depend on the number of tokens where these are ids. */
static hesse_status list(const hesse_arch *arch, bool buffers, hesse_params *params,
                         hesse_why *why)
{
    hesse_graph *g;
    const bool ids = hesse_family_of(arch)->reads == HESSE_READS_IDS;
    const int tokens = arch->graph ? arch->graph->tokens : ids ? 1 : arch->positions;
    const hesse_status s = hesse_family_graph(arch, tokens, &g, why);
    *params = (hesse_params){0};
    if (s) return s;
    hesse_params *from = buffers ? &g->buffers : &g->params;
    *params = *from;
    *from = (hesse_params){0};
    hesse_graph_free(g);
    return HESSE_OK;
}

hesse_status hesse_params_new(const hesse_arch *arch, hesse_params *params,
                              hesse_why *why)
{
    return list(arch, false, params, why);
}

hesse_status hesse_buffers_new(const hesse_arch *arch, hesse_params *buffers,
                               hesse_why *why)
{
    return list(arch, true, buffers, why);
}

hesse_status hesse_family_build_tape(const hesse_arch *arch, const hesse_batch *batch,
                                     const double *constants,
                                     const hesse_weighting *weighting,
                                     hesse_tape **tape, hesse_why *why)
{
    hesse_graph *g;
    *tape = NULL;
    if (arch->graph)
        return hesse_graph_tape(arch->graph, batch, constants, weighting, tape, why);
    hesse_status s = hesse_family_graph(arch, batch->context, &g, why);
    if (!s) s = hesse_graph_tape(g, batch, constants, weighting, tape, why);
    hesse_graph_free(g);
    return s;
}
