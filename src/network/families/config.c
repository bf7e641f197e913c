#include "network/families/config.h"

#include "base/memory.h"
#include "files/file.h"
#include "files/json.h"
#include "files/kind.h"
#include "network/families/family.h"

#include <stdlib.h>
#include <string.h>

/* The value of a key; NULL where it is absent or null, which mean the same. */
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

/* An integer from 1 to most. */
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
    return json_is_integer(v) && json_integer_value(v) == 0
               ? 0
               : hesse_config_integer(c, key, most, absent);
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

/* A key that may only say what is so here anyway. */
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

/* Labels that a classifier has; 0: the file does not say. */
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

void hesse_config_encoder(hesse_config *c, hesse_arch *a)
{
    a->layers = hesse_config_integer(c, "num_hidden_layers", HESSE_CONFIG_LAYERS, 12);
    a->width = hesse_config_integer(c, "hidden_size", HESSE_CONFIG_MOST, 768);
    a->inner = hesse_config_integer(c, "intermediate_size", HESSE_CONFIG_MOST, 3072);
    a->attention.heads =
        hesse_config_integer(c, "num_attention_heads", HESSE_CONFIG_MOST, 12);
    a->attention.kv_heads = a->attention.heads;
    if (a->width % a->attention.heads)
        hesse_config_refuse(c, "hidden_size", "a multiple of num_attention_heads");
    a->attention.size = a->width / a->attention.heads;
    a->activation = hesse_config_activation(c, "hidden_act", "gelu");
    a->norm_eps = hesse_config_positive(c, "layer_norm_eps", 1e-12);
    a->attention_bias = a->mlp_bias = true;
    a->data.outputs = labels(c);
}

static void check_type(hesse_config *c, const hesse_family *f)
{
    const char *type = hesse_config_string(c, "model_type", f->config_types[0]);
    char expected[160] = "";
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

static hesse_status read_file(const char *path, hesse_arch *arch, hesse_why *why)
{
    const hesse_family *f = hesse_family_of(arch);
    json_t *root = NULL;
    hesse_status s = hesse_json_load(path, &root, why);
    s = hesse_file_explain(path, HESSE_FILE_JSON, s, why);
    if (s) return s;
    hesse_config c = {.path = path, .scope = "", .root = root, .why = why};
    hesse_arch read = {.layout = arch->layout};
    strcpy(read.family, arch->family);
    if (f->style) read.decoder = *f->style;
    check_type(&c, f);
    if (hesse_config_value(&c, "quantization_config"))
        hesse_config_refuse(&c, "quantization_config",
                            "no such key: quantised weights are not computed here");
    f->read_config(&c, &read);
    json_decref(root);
    if (!c.s) *arch = read;
    return c.s;
}

/* The file that a path stands for, which the caller frees; NULL: out of memory. */
static char *file_of(const char *path)
{
    return hesse_file_is_folder(path) ? hesse_file_join(path, "config.json")
                                      : hesse_copy(path);
}

hesse_status hesse_config_read(const char *path, hesse_arch *arch, hesse_why *why)
{
    if (!hesse_family_of(arch)->read_config)
        return hesse_fail(why, HESSE_E_JOB,
                          "%s: the family %s has no config.json; its sizes are stated",
                          path, arch->family);
    char *file = file_of(path);
    const hesse_status s =
        file ? read_file(file, arch, why)
             : hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory", path);
    free(file);
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
