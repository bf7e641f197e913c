/* What every family reads, what it must be told, and who builds it. */
#include "network/families/families.h"

#include "network/families/needs.h"

#include <limits.h>
#include <stdio.h>

typedef enum input { IDS, NUMBERS, IMAGES } input;

/* Sizes that a family has, each at least 1. */
enum {
    LAYERS = 1,
    WIDTH = 2,
    INNER = 4,
    HEADS = 8,
    PATCH = 16,
    TOKEN_INNER = 32,
    WIDTHS = 64,
    VOCABULARY = 128,
    TYPES = 256,
    VALUES = 512,
    SHARED = 1024
};

enum { WORDS = LAYERS | WIDTH | INNER | HEADS | VOCABULARY };

typedef struct family {
    const char *name;
    input reads;
    hesse_family_builder *build;
    int sizes;
} family;

static const family families[] = {
    [HESSE_GPT2] = {"gpt2", IDS, hesse_build_gpt2, WORDS | SHARED},
    [HESSE_LLAMA] = {"llama", IDS, hesse_build_llama, WORDS | SHARED},
    [HESSE_BERT] = {"bert", IDS, hesse_build_bert, WORDS | TYPES},
    [HESSE_VIT] = {"vit", IMAGES, hesse_build_vit,
                   LAYERS | WIDTH | INNER | HEADS | PATCH},
    [HESSE_MLP] = {"mlp", NUMBERS, hesse_build_mlp, 0},
    [HESSE_MIXER] = {"mixer", IMAGES, hesse_build_mixer,
                     LAYERS | WIDTH | INNER | PATCH | TOKEN_INNER},
    [HESSE_VGG] = {"vgg", IMAGES, hesse_build_vgg, WIDTHS},
    [HESSE_RESNET] = {"resnet", IMAGES, hesse_build_resnet, WIDTH | WIDTHS},
    [HESSE_LINEAR_TRANSFORMER] = {"linear_transformer", NUMBERS,
                                  hesse_build_linear_transformer, LAYERS},
    [HESSE_SINGLE_ATTENTION] = {"attention", NUMBERS, hesse_build_attention,
                                HEADS | VALUES},
    [HESSE_QUADRATIC] = {"quadratic", NUMBERS, hesse_build_quadratic, WIDTHS},
};

const char *hesse_family_name(hesse_family which)
{
    return families[which].name;
}

bool hesse_family_is_decoder(hesse_family which)
{
    return which == HESSE_GPT2 || which == HESSE_LLAMA;
}

bool hesse_family_reads_ids(hesse_family which)
{
    return families[which].reads == IDS;
}

static bool among(int value, int last)
{
    return value >= 0 && value <= last;
}

bool hesse_arch_is_sound(const hesse_arch *a)
{
    return among((int)a->family, HESSE_QUADRATIC) &&
           among((int)a->activation, HESSE_ACT_NONE) &&
           among((int)a->attention.kernel, HESSE_KERNEL_GAUSSIAN) &&
           among((int)a->data.loss, HESSE_LOSS_SQUARED_ERROR) &&
           among((int)a->image.batch_norm, HESSE_BATCH_NORM_EVALUATION) &&
           among(a->lists.n_widths, HESSE_MOST_WIDTHS) &&
           among(a->lists.n_multipliers, HESSE_MOST_WIDTHS + 1) &&
           among(a->lists.n_dense, HESSE_MOST_DENSE);
}

hesse_data_needs hesse_family_needs(const hesse_arch *a)
{
    static const hesse_reads reads[] = {[IDS] = HESSE_READS_IDS,
                                        [NUMBERS] = HESSE_READS_NUMBERS,
                                        [IMAGES] = HESSE_READS_IMAGES};
    return (hesse_data_needs){.reads = reads[families[a->family].reads],
                              .positions = a->positions,
                              .vocabulary = a->vocabulary,
                              .masked = a->family == HESSE_BERT && a->masked,
                              .full = a->attention.full,
                              .flat = a->family == HESSE_MLP,
                              .squared = a->data.loss == HESSE_LOSS_SQUARED_ERROR,
                              .classes = a->data.outputs};
}

static hesse_status misfit(const hesse_arch *a, const char *reads, const char *found,
                           hesse_why *why)
{
    return hesse_fail(why, HESSE_E_JOB, "model: %s reads %s, and the data are %s",
                      families[a->family].name, reads, found);
}

static hesse_status fit_input(hesse_arch *a, const hesse_batch *batch, hesse_why *why)
{
    static const char *const read[] = {"ids of tokens", "numbers", "images"};
    const input r = families[a->family].reads;
    const char *found = batch->rows ? "images" : batch->x ? "numbers" : "ids of tokens";
    if (r == IDS ? !batch->input : !batch->x || (r == IMAGES && !batch->rows))
        return misfit(a, read[r], found, why);
    if (r == IDS) {
        if (!a->vocabulary) a->vocabulary = batch->vocabulary;
        if (batch->vocabulary > a->vocabulary)
            return hesse_fail(why, HESSE_E_JOB,
                              "model: a vocabulary of %d, and the data have %d",
                              a->vocabulary, batch->vocabulary);
        if (batch->seen && a->attention.kernel == HESSE_KERNEL_LINEAR)
            return hesse_fail(why, HESSE_E_JOB,
                              "model: sequences of unequal length are padded, and "
                              "padding is hidden from softmax and gaussian attention "
                              "only");
        return HESSE_OK;
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
                          "labels; there is 'model.loss: squared_error'");
    if (!a->data.outputs) a->data.outputs = classes;
    if (a->data.outputs >= classes) return HESSE_OK;
    return hesse_fail(why, HESSE_E_JOB, "model: %d classes, and the data have %d",
                      a->data.outputs, classes);
}

static bool finds_words(const hesse_arch *a)
{
    return hesse_family_is_decoder(a->family) || (a->family == HESSE_BERT && a->masked);
}

/* Whether the model says something of every token, not of every example. */
static bool speaks_of_tokens(const hesse_arch *a)
{
    return finds_words(a) || a->family == HESSE_MLP ||
           a->family == HESSE_SINGLE_ATTENTION;
}

static hesse_status fit_count(const hesse_arch *a, const hesse_batch *batch, int count,
                              const char *what, hesse_why *why)
{
    const int expected = speaks_of_tokens(a) ? batch->context : 1;
    if (count == expected) return HESSE_OK;
    return hesse_fail(
        why, HESSE_E_JOB,
        "model: %s wants %d %s of an example, one of %s, and the data have "
        "%d",
        families[a->family].name, expected, what,
        speaks_of_tokens(a) ? "every token" : "all its tokens", count);
}

static hesse_status fit_numbers(hesse_arch *a, const hesse_batch *batch, hesse_why *why)
{
    if (!batch->wanted)
        return hesse_fail(why, HESSE_E_JOB,
                          "model: the loss is the squared error, and the data have no "
                          "numbers to compare with");
    if (a->data.outputs && a->data.outputs != batch->wanted_width)
        return hesse_fail(why, HESSE_E_JOB,
                          "model: %d classes, and the data want %d numbers",
                          a->data.outputs, batch->wanted_width);
    a->data.outputs = batch->wanted_width;
    return fit_count(a, batch, batch->wanted_tokens, "rows of targets", why);
}

hesse_status hesse_family_fit(hesse_arch *a, const hesse_batch *batch, hesse_why *why)
{
    hesse_status s = fit_input(a, batch, why);
    if (s) return s;
    if (a->data.loss == HESSE_LOSS_SQUARED_ERROR) return fit_numbers(a, batch, why);
    if (batch->target) s = fit_count(a, batch, batch->labels, "labels", why);
    return s || finds_words(a) ? s : fit_classes(a, batch, batch->classes, why);
}

static hesse_status check_sizes(const hesse_arch *a, hesse_why *why)
{
    const hesse_attention *t = &a->attention;
    const int sizes = families[a->family].sizes;
    const struct {
        int bit;
        const char *name;
        int value;
    } all[] = {{LAYERS, "layers", a->layers},
               {WIDTH, "width", a->width},
               {INNER, "inner", a->inner},
               {HEADS, "heads", t->heads},
               {HEADS, "head size", t->size},
               {SHARED, "kv_heads", t->kv_heads},
               {PATCH, "patch", a->image.patch},
               {TOKEN_INNER, "token_inner", a->image.token_inner},
               {WIDTHS, "number of widths", a->lists.n_widths},
               {VOCABULARY, "vocabulary", a->vocabulary},
               {VOCABULARY, "positions", a->positions},
               {TYPES, "types", a->types},
               {VALUES, "value_size", t->value_size}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if ((sizes & all[i].bit) && (all[i].value < 1 || all[i].value > 1 << 24))
            return hesse_fail(why, HESSE_E_JOB,
                              "model: %s is %d, expected a positive number below 2^24",
                              all[i].name, all[i].value);
    if ((sizes & LAYERS) && a->layers > 4096)
        return hesse_fail(why, HESSE_E_JOB,
                          "model: layers is %d, expected at most 4096", a->layers);
    if ((sizes & HEADS) && (long)t->heads * t->size > 1 << 24)
        return hesse_fail(why, HESSE_E_JOB,
                          "model: %d heads of %d channels, expected less than 2^24 "
                          "channels",
                          t->heads, t->size);
    return HESSE_OK;
}

static hesse_status check_heads(const hesse_arch *a, hesse_why *why)
{
    const hesse_attention *t = &a->attention;
    if (hesse_family_is_decoder(a->family) && t->heads % t->kv_heads)
        return hesse_fail(why, HESSE_E_JOB,
                          "model: %d heads cannot share %d key and value heads",
                          t->heads, t->kv_heads);
    if (a->family == HESSE_LLAMA && t->size % 2)
        return hesse_fail(why, HESSE_E_JOB,
                          "model: rotary embedding needs an even head size, found %d",
                          t->size);
    if ((a->family == HESSE_BERT || a->family == HESSE_VIT ||
         (a->family == HESSE_GPT2)) &&
        (t->heads * t->size != a->width ||
         (a->family == HESSE_GPT2 && t->kv_heads != t->heads)))
        return hesse_fail(why, HESSE_E_JOB,
                          "model: width %d is not a multiple of %d heads", a->width,
                          t->heads);
    if (a->family == HESSE_SINGLE_ATTENTION && !t->output &&
        t->heads * t->value_size != a->data.outputs)
        return hesse_fail(why, HESSE_E_JOB,
                          "model: %d heads with values of %d numbers give %d, and the "
                          "data want %d; there is 'model.output: true'",
                          t->heads, t->value_size, t->heads * t->value_size,
                          a->data.outputs);
    return HESSE_OK;
}

/* Windows must fit into what is left of an image. */
static hesse_status check_image(const hesse_arch *a, hesse_why *why)
{
    int rows = a->data.rows, cols = a->data.cols;
    if (a->image.patch > 0 && (rows % a->image.patch || cols % a->image.patch))
        return hesse_fail(why, HESSE_E_JOB,
                          "model: images of %d x %d pixels are not whole patches of %d",
                          rows, cols, a->image.patch);
    for (int i = 0; a->family == HESSE_VGG && i < a->lists.n_widths; i++) {
        if (a->lists.widths[i]) continue;
        rows /= 2, cols /= 2;
        if (rows < 1 || cols < 1)
            return hesse_fail(why, HESSE_E_JOB,
                              "model: images of %d x %d pixels are gone after fewer "
                              "poolings than there are",
                              a->data.rows, a->data.cols);
    }
    return HESSE_OK;
}

static hesse_status check_multipliers(const hesse_arch *a, hesse_why *why)
{
    const hesse_arch_lists *l = &a->lists;
    if (a->family != HESSE_MLP || !l->n_multipliers ||
        l->n_multipliers == l->n_widths + 1)
        return HESSE_OK;
    return hesse_fail(why, HESSE_E_JOB,
                      "model: %d multipliers, expected one for each of %d layers",
                      l->n_multipliers, l->n_widths + 1);
}

static hesse_status check_theory(const hesse_arch *a, hesse_why *why)
{
    if (a->family == HESSE_LINEAR_TRANSFORMER &&
        (a->data.inputs < 2 || a->positions < 2))
        return hesse_fail(why, HESSE_E_JOB,
                          "model: linear_transformer reads tokens (x, y) of a context "
                          "and a question, and the data have %d tokens of %d numbers",
                          a->positions, a->data.inputs);
    if (a->family == HESSE_LINEAR_TRANSFORMER && a->data.outputs != 1)
        return hesse_fail(why, HESSE_E_JOB,
                          "model: linear_transformer predicts one number, and the data "
                          "want %d",
                          a->data.outputs);
    return HESSE_OK;
}

static hesse_status check(const hesse_arch *a, hesse_why *why)
{
    hesse_status s = check_sizes(a, why);
    if (!s) s = check_heads(a, why);
    if (!s && families[a->family].reads == IMAGES) s = check_image(a, why);
    if (!s) s = check_multipliers(a, why);
    if (!s) s = check_theory(a, why);
    return s;
}

hesse_layout hesse_layout_of(hesse_family which)
{
    static const char *const prefixes[] = {
        [HESSE_GPT2] = "transformer.", [HESSE_LLAMA] = "model."};
    hesse_layout layout = {.out_first = false};
    if (hesse_family_is_decoder(which))
        snprintf(layout.prefix, sizeof layout.prefix, "%s", prefixes[which]);
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

static hesse_status check_length(const hesse_arch *a, int tokens, hesse_why *why)
{
    const bool learned = a->family == HESSE_BERT || a->family == HESSE_GPT2;
    if (!learned || tokens <= a->positions) return HESSE_OK;
    return hesse_fail(why, HESSE_E_JOB,
                      "sequences of %d tokens, but the model has %d positions", tokens,
                      a->positions);
}

hesse_status hesse_family_graph(const hesse_arch *arch, int tokens, hesse_graph **graph,
                                hesse_why *why)
{
    *graph = NULL;
    hesse_status s = check(arch, why);
    if (!s) s = check_length(arch, tokens, why);
    if (s) return s;
    hesse_graph *g = hesse_graph_new(tokens);
    hesse_builder b = {.arch = arch, .graph = g, .module = "", .layer = -1};
    if (g) families[arch->family].build(&b);
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
    const bool ids = families[arch->family].reads == IDS;
    const hesse_status s = hesse_family_graph(arch, ids ? 1 : arch->positions, &g, why);
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
    hesse_status s = hesse_family_graph(arch, batch->context, &g, why);
    if (!s) s = hesse_graph_tape(g, batch, constants, weighting, tape, why);
    hesse_graph_free(g);
    return s;
}
