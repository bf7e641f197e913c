/* What every family reads, what it must be told, and who builds it. */
#include "network/families/families.h"

#include "network/families/transformer.h"

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
    VALUES = 512
};

typedef struct family {
    const char *name;
    input reads;
    hesse_family_builder *build; /* NULL: a table */
    int sizes;
} family;

static const family families[] = {
    [HESSE_GPT2] = {"gpt2", IDS, NULL, 0},
    [HESSE_LLAMA] = {"llama", IDS, NULL, 0},
    [HESSE_BERT] = {"bert", IDS, hesse_build_bert,
                    LAYERS | WIDTH | INNER | HEADS | VOCABULARY | TYPES},
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

bool hesse_family_is_table(hesse_family which)
{
    return !families[which].build;
}

bool hesse_family_reads_ids(hesse_family which)
{
    return families[which].reads == IDS;
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
    return hesse_family_is_table(a->family) || (a->family == HESSE_BERT && a->masked);
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
               {HEADS, "head_size", t->size},
               {PATCH, "patch", a->image.patch},
               {TOKEN_INNER, "token_inner", a->image.token_inner},
               {WIDTHS, "number of widths", a->lists.n_widths},
               {VOCABULARY, "vocabulary", a->vocabulary},
               {VOCABULARY, "context", a->positions},
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
    if ((a->family == HESSE_BERT || a->family == HESSE_VIT) &&
        t->heads * t->size != a->width)
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
    if (!s) s = check_theory(a, why);
    return s;
}

hesse_status hesse_family_list(const hesse_arch *arch, hesse_params *params,
                               hesse_params *buffers, hesse_why *why)
{
    *params = *buffers = (hesse_params){0};
    const hesse_status s = check(arch, why);
    if (s) return s;
    hesse_builder b = {
        .arch = arch, .params = params, .buffers = buffers, .module = "", .layer = -1};
    families[arch->family].build(&b, 1);
    if (!b.exhausted) return HESSE_OK;
    hesse_params_free(params);
    hesse_params_free(buffers);
    return hesse_fail(why, HESSE_E_NOMEM, "out of memory for the list of parameters");
}

static hesse_status check_length(const hesse_arch *a, const hesse_batch *batch,
                                 hesse_why *why)
{
    if (a->family != HESSE_BERT || batch->context <= a->positions) return HESSE_OK;
    return hesse_fail(why, HESSE_E_JOB,
                      "sequences of %d tokens, but the model has %d positions",
                      batch->context, a->positions);
}

hesse_status hesse_family_build_tape(const hesse_arch *arch, const hesse_params *params,
                                     const hesse_batch *batch, const double *constants,
                                     double times, hesse_tape **tape, hesse_why *why)
{
    if (batch->target && hesse_batch_targets(batch) == 0)
        return hesse_fail(why, HESSE_E_INPUT,
                          "every target is ignored: there is no loss");
    hesse_status s = check_length(arch, batch, why);
    if (s) return s;
    hesse_tape *t = hesse_tape_new(batch->sequences, batch->context);
    hesse_builder b = {.arch = arch,
                       .tape = t,
                       .batch = batch,
                       .constants = constants,
                       .module = "",
                       .layer = -1};
    if (t && hesse_family_is_table(arch->family))
        s = hesse_transformer_build_tape(arch, params, batch, times, t, why);
    else if (t)
        families[arch->family].build(&b, times);
    if (!s && (!t || t->broken))
        s = hesse_fail(why, HESSE_E_NOMEM, "out of memory for the list of operators");
    if (s)
        hesse_tape_free(t);
    else
        *tape = t;
    return s;
}
