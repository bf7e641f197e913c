#include "network/families/config.h"

#include "base/memory.h"
#include "files/file.h"
#include "files/json.h"
#include "files/kind.h"
#include "network/families/family.h"

#include <stdlib.h>
#include <string.h>

const json_t *hesse_config_value(const hesse_config *c, const char *key)
{
    const json_t *v = json_object_get(c->root, key);
    return json_is_null(v) ? NULL : v;
}

void hesse_config_refuse(hesse_config *c, const char *key, const char *expected)
{
    char shown[HESSE_JSON_SHOWN];
    if (c->s) return;
    hesse_json_show(hesse_config_value(c, key), shown);
    c->s = hesse_fail(c->why, HESSE_E_INPUT, "%s: %s%s is %s, expected %s", c->path,
                      c->scope, key, shown, expected);
}

int hesse_config_integer(hesse_config *c, const char *key, int most, int absent)
{
    const json_t *v = hesse_config_value(c, key);
    if (!v && absent != HESSE_REQUIRED) return absent;
    const json_int_t i = json_integer_value(v);
    if (1 <= i && i <= most) return (int)i;
    char expected[64];
    snprintf(expected, sizeof expected, "an integer from 1 to %d", most);
    hesse_config_refuse(c, key, expected);
    return 1;
}

int hesse_config_whole(hesse_config *c, const char *key, int most, int absent)
{
    const json_t *v = hesse_config_value(c, key);
    if (!v) return absent;
    return json_is_integer(v) && json_integer_value(v) == 0
               ? 0
               : hesse_config_integer(c, key, most, HESSE_REQUIRED);
}

double hesse_config_positive(hesse_config *c, const char *key, double absent)
{
    const json_t *v = hesse_config_value(c, key);
    const double x = json_number_value(v);
    if (!v) return absent;
    if (!(x > 0)) hesse_config_refuse(c, key, "a number above 0");
    return x;
}

bool hesse_config_truth(hesse_config *c, const char *key, bool absent)
{
    const json_t *v = hesse_config_value(c, key);
    if (v && !json_is_boolean(v)) hesse_config_refuse(c, key, "true or false");
    return v ? json_is_true(v) : absent;
}

const char *hesse_config_string(hesse_config *c, const char *key, const char *absent)
{
    const json_t *v = hesse_config_value(c, key);
    if (v && !json_is_string(v)) hesse_config_refuse(c, key, "a string");
    return json_is_string(v) ? json_string_value(v) : absent;
}

void hesse_config_must_be(hesse_config *c, const char *key, bool only)
{
    if (hesse_config_truth(c, key, only) != only)
        hesse_config_refuse(c, key,
                            only ? "true: nothing else is computed here"
                                 : "false: nothing else is computed here");
}

hesse_activation hesse_config_activation(hesse_config *c, const char *key,
                                         const char *absent)
{
    static const struct {
        const char *name;
        hesse_activation kind;
    } known[] = {
        {"gelu", HESSE_ACT_GELU},          {"gelu_python", HESSE_ACT_GELU},
        {"gelu_new", HESSE_ACT_GELU_TANH}, {"gelu_pytorch_tanh", HESSE_ACT_GELU_TANH},
        {"relu", HESSE_ACT_RELU},          {"silu", HESSE_ACT_SILU},
        {"swish", HESSE_ACT_SILU},
    };
    const char *name = hesse_config_string(c, key, absent);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(name, known[i].name) == 0) return known[i].kind;
    hesse_config_refuse(c, key,
                        "gelu, gelu_new, gelu_pytorch_tanh, relu, silu or swish");
    return HESSE_ACT_GELU;
}

/* Return the number of labels of a classifier; 0: the file does not say it. */
static int labels(hesse_config *c)
{
    const json_t *names = hesse_config_value(c, "id2label");
    if (names && !json_is_object(names))
        hesse_config_refuse(c, "id2label", "an object");
    if (json_is_object(names) && json_object_size(names) <= HESSE_CONFIG_MOST)
        return (int)json_object_size(names);
    return hesse_config_value(c, "num_labels")
               ? hesse_config_integer(c, "num_labels", HESSE_CONFIG_MOST,
                                      HESSE_REQUIRED)
               : 0;
}

void hesse_config_encoder_named(hesse_config *c, hesse_arch *a,
                                const hesse_encoder_keys *k)
{
    char multiple[64];
    a->layers =
        hesse_config_integer(c, k->layers, HESSE_CONFIG_LAYERS, k->usual_layers);
    a->width = hesse_config_integer(c, k->width, HESSE_CONFIG_MOST, 768);
    a->inner = hesse_config_integer(c, k->inner, HESSE_CONFIG_MOST, 3072);
    a->attention.heads = hesse_config_integer(c, k->heads, HESSE_CONFIG_MOST, 12);
    a->attention.kv_heads = a->attention.heads;
    snprintf(multiple, sizeof multiple, "a multiple of %s", k->heads);
    if (a->width % a->attention.heads) hesse_config_refuse(c, k->width, multiple);
    a->attention.size = a->width / a->attention.heads;
    a->activation = hesse_config_activation(c, k->activation, "gelu");
    a->attention_bias = a->mlp_bias = true;
    a->data.outputs = labels(c);
}

void hesse_config_text_encoder(hesse_config *c)
{
    if (strcmp(hesse_config_string(c, "position_embedding_type", "absolute"),
               "absolute") != 0)
        hesse_config_refuse(c, "position_embedding_type",
                            "\"absolute\": others are not computed here");
    hesse_config_must_be(c, "is_decoder", false);
    hesse_config_must_be(c, "add_cross_attention", false);
    hesse_config_must_be(c, "tie_word_embeddings", true);
}

void hesse_config_encoder(hesse_config *c, hesse_arch *a)
{
    static const hesse_encoder_keys usual = {
        "num_hidden_layers", "hidden_size",         12,
        "intermediate_size", "num_attention_heads", "hidden_act"};
    hesse_config_encoder_named(c, a, &usual);
    a->norm_eps = hesse_config_positive(c, "layer_norm_eps", 1e-12);
}

static void check_type(hesse_config *c, const hesse_family *f)
{
    const char *type = hesse_config_string(c, "model_type", f->config_types[0]);
    char expected[400] = "";
    for (const char *const *known = f->config_types; *known; known++) {
        const size_t at = strlen(expected);
        if (strcmp(type, *known) == 0) return;
        snprintf(expected + at, sizeof expected - at, "%s\"%s\"", at ? " or " : "",
                 *known);
    }
    const size_t at = strlen(expected);
    snprintf(expected + at, sizeof expected - at, ", the family being %s", f->name);
    hesse_config_refuse(c, "model_type", expected);
}

/* The families that have a config.json, "gpt2, llama, ...", by their types. */
static void list_types(char *text, size_t room)
{
    size_t at = 0;
    for (const hesse_family *const *f = hesse_families; *f; f++)
        for (const char *const *t = (*f)->config_types; t && *t; t++)
            if (at < room)
                at +=
                    (size_t)snprintf(text + at, room - at, "%s%s", at ? ", " : "", *t);
}

static void tell_family(hesse_config *c, hesse_told *told)
{
    char types[400];
    const char *type = hesse_config_string(c, "model_type", "");
    const hesse_family *f = hesse_family_of_type(type);
    if (f) {
        snprintf(told->family, sizeof told->family, "%s", f->name);
        return;
    }
    list_types(types, sizeof types);
    hesse_config_refuse(c, "model_type", types);
}

/* transformers chooses the loss of a classifier by problem_type or, without one, takes
   a single label for a regression. */
static void tell_task(hesse_config *c, hesse_told *told)
{
    static const struct {
        const char *end, *task;
    } tasks[] = {{"ForMaskedLM", "masked"},
                 {"ForPreTraining", "masked"},
                 {"ForSequenceClassification", "classify"},
                 {"ForTokenClassification", "tokens"}};
    static const struct {
        const char *problem, *loss;
    } losses[] = {{"regression", "regression"},
                  {"single_label_classification", "cross_entropy"},
                  {"multi_label_classification", "binary"}};
    const json_t *classes = hesse_config_value(c, "architectures");
    const char *name = json_string_value(json_array_get(classes, 0));
    const char *problem = hesse_config_string(c, "problem_type", "");
    for (size_t i = 0; name && i < sizeof tasks / sizeof *tasks; i++)
        if (hesse_file_ends_with(name, tasks[i].end))
            snprintf(told->task, sizeof told->task, "%s", tasks[i].task);
    const bool sequences = strcmp(told->task, "classify") == 0;
    if (!*problem && sequences && labels(c) == 1) problem = "regression";
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++)
        if (strcmp(problem, losses[i].problem) == 0)
            snprintf(told->loss, sizeof told->loss, "%s", losses[i].loss);
    if (*problem && !*told->loss)
        hesse_config_refuse(c, "problem_type",
                            "regression, single_label_classification or "
                            "multi_label_classification");
}

static char *file_of(const char *path)
{
    return hesse_file_inside(path, "config.json");
}

static hesse_status load(const char *path, json_t **root, char **opened, hesse_why *why)
{
    *root = NULL;
    *opened = file_of(path);
    if (!*opened) return hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory", path);
    const hesse_status s = hesse_json_load(*opened, root, why);
    return hesse_file_explain(*opened, HESSE_FILE_JSON, s, why);
}

hesse_status hesse_config_tell(const char *path, bool family, hesse_told *told,
                               hesse_why *why)
{
    json_t *root;
    char *opened;
    *told = (hesse_told){0};
    hesse_status s = load(path, &root, &opened, why);
    if (!s) {
        hesse_config c = {.path = opened, .scope = "", .root = root, .why = why};
        if (family) tell_family(&c, told);
        tell_task(&c, told);
        s = c.s;
    }
    json_decref(root);
    free(opened);
    return s;
}

/* Decoders have no use for the id of padding, and some files have -1 there, which names
   no token. */
static void read_decoder_padding(const hesse_config *c, hesse_arch *a)
{
    const json_t *v = hesse_config_value(c, "pad_token_id");
    const json_int_t id = json_integer_value(v);
    if (json_is_integer(v) && 0 <= id && id < HESSE_CONFIG_MOST) a->pad = 1 + (int)id;
}

hesse_status hesse_config_read(const char *path, hesse_arch *arch, hesse_why *why)
{
    const hesse_family *f = hesse_family_of(arch);
    json_t *root;
    char *opened;
    if (!f->read_config)
        return hesse_fail(why, HESSE_E_JOB,
                          "%s: the family %s has no config.json; its sizes are stated",
                          path, arch->family);
    hesse_status s = load(path, &root, &opened, why);
    if (!s) {
        hesse_config c = {.path = opened, .scope = "", .root = root, .why = why};
        hesse_arch read = {.layout = arch->layout};
        strcpy(read.family, arch->family);
        if (f->style) read.decoder = *f->style;
        check_type(&c, f);
        if (hesse_config_value(&c, "quantization_config"))
            hesse_config_refuse(&c, "quantization_config",
                                "no such key: quantised weights are not computed here");
        f->read_config(&c, &read);
        if (f->decoder) read_decoder_padding(&c, &read);
        if (!c.s) *arch = read;
        s = c.s;
    }
    json_decref(root);
    free(opened);
    return s;
}

hesse_status hesse_config_digest(const char *path, char digest[HESSE_DIGEST_LENGTH],
                                 hesse_why *why)
{
    char *file = file_of(path);
    const hesse_status s =
        file ? hesse_digest_file(file, digest, why)
             : hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory", path);
    free(file);
    return s;
}
