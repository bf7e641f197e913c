/* Lists of keys, one a family, read by functions that know type, range and default.
   The reader keeps its first error and answers with defaults from then on, so the lists
   read as lists. A key whose other values would change what the model computes, and
   that this program does not compute, is read only to be refused. */
#include "network/families/config.h"

#include "files/file.h"
#include "files/json.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_LAYERS = 4096, MOST = 1 << 24, REQUIRED = 0 };

typedef struct reader {
    const char *path;
    const char *scope; /* before keys in messages, e.g. "rope_parameters." */
    const json_t *root;
    hesse_status s;
    hesse_why *why;
} reader;

/* The value of a key; NULL where it is absent or null, which mean the same. */
static const json_t *value(const reader *r, const char *key)
{
    const json_t *v = json_object_get(r->root, key);
    return json_is_null(v) ? NULL : v;
}

static void refuse(reader *r, const char *key, const char *expected)
{
    char shown[HESSE_JSON_SHOWN];
    if (r->s) return;
    hesse_json_show(value(r, key), shown);
    r->s = hesse_fail(r->why, HESSE_E_INPUT, "%s: %s%s is %s, expected %s", r->path,
                      r->scope, key, shown, expected);
}

/* An integer from 1 to most. */
static int integer(reader *r, const char *key, int most, int absent)
{
    const json_t *v = value(r, key);
    if (!v && absent != REQUIRED) return absent;
    const json_int_t i = json_integer_value(v);
    if (1 <= i && i <= most) return (int)i;
    char expected[64];
    snprintf(expected, sizeof expected, "an integer from 1 to %d", most);
    refuse(r, key, expected);
    return 1;
}

static double positive(reader *r, const char *key, double absent)
{
    const json_t *v = value(r, key);
    const double x = json_number_value(v);
    if (!v) return absent;
    if (!(x > 0)) refuse(r, key, "a number above 0");
    return x;
}

static bool truth(reader *r, const char *key, bool absent)
{
    const json_t *v = value(r, key);
    if (v && !json_is_boolean(v)) refuse(r, key, "true or false");
    return v ? json_is_true(v) : absent;
}

static const char *string(reader *r, const char *key, const char *absent)
{
    const json_t *v = value(r, key);
    if (v && !json_is_string(v)) refuse(r, key, "a string");
    return json_is_string(v) ? json_string_value(v) : absent;
}

/* A key that may only say what is so here anyway. */
static void must_be(reader *r, const char *key, bool only)
{
    if (truth(r, key, only) != only)
        refuse(r, key,
               only ? "true: nothing else is computed here"
                    : "false: nothing else is computed here");
}

static hesse_activation activation(reader *r, const char *key, const char *absent)
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
    const char *name = string(r, key, absent);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(name, known[i].name) == 0) return known[i].kind;
    refuse(r, key, "gelu, gelu_new, gelu_pytorch_tanh, relu, silu or swish");
    return HESSE_ACT_GELU;
}

/* nanoGPT's configurations have block_size and, for biases, "bias"; its activation is
   the exact GELU, where Hugging Face's gpt2 has the tanh approximation by default. */
static void read_gpt2(reader *r, hesse_arch *a)
{
    const bool nano = value(r, "block_size");
    const char *positions = value(r, "n_positions") ? "n_positions"
                            : value(r, "n_ctx")     ? "n_ctx"
                            : nano                  ? "block_size"
                                                    : "n_positions";
    a->layers = integer(r, "n_layer", MOST_LAYERS, REQUIRED);
    a->width = integer(r, "n_embd", MOST / 4, REQUIRED);
    a->inner = integer(r, "n_inner", MOST, 4 * a->width);
    a->vocabulary = integer(r, "vocab_size", MOST, REQUIRED);
    a->positions = integer(r, positions, MOST, REQUIRED);
    a->attention.heads = integer(r, "n_head", MOST, REQUIRED);
    a->attention.kv_heads = a->attention.heads;
    a->attention.by_layer = truth(r, "scale_attn_by_inverse_layer_idx", false);
    a->activation = activation(r, "activation_function", nano ? "gelu" : "gelu_new");
    a->norm_eps = positive(r, "layer_norm_epsilon", 1e-5);
    a->tied = truth(r, "tie_word_embeddings", true);
    a->attention_bias = a->mlp_bias = truth(r, "bias", true);
    must_be(r, "scale_attn_weights", true);
    must_be(r, "add_cross_attention", false);
    if (a->width % a->attention.heads) refuse(r, "n_embd", "a multiple of n_head");
    a->attention.size = a->width / a->attention.heads;
}

static void all_channels_turn(reader *r)
{
    if (positive(r, "partial_rotary_factor", 1) != 1)
        refuse(r, "partial_rotary_factor", "1: a part is not computed here");
}

/* Newer files keep all about the rotary embedding in one object. */
static void read_rope(reader *r, hesse_arch *a)
{
    static const char *const objects[] = {"rope_scaling", "rope_parameters"};
    a->attention.rope_theta = positive(r, "rope_theta", 10000);
    all_channels_turn(r);
    for (int i = 0; !r->s && i < 2; i++) {
        if (!value(r, objects[i])) continue;
        if (!json_is_object(value(r, objects[i]))) refuse(r, objects[i], "an object");
        reader in = *r;
        in.root = value(r, objects[i]);
        in.scope = i ? "rope_parameters." : "rope_scaling.";
        const char *key = value(&in, "rope_type") ? "rope_type" : "type";
        if (strcmp(string(&in, key, i ? "default" : ""), "default") != 0)
            refuse(&in, key,
                   "\"default\": scaled rotary embeddings are not computed here");
        all_channels_turn(&in);
        a->attention.rope_theta = positive(&in, "rope_theta", a->attention.rope_theta);
        r->s = in.s;
    }
}

static void read_llama(reader *r, hesse_arch *a)
{
    hesse_attention *t = &a->attention;
    a->layers = integer(r, "num_hidden_layers", MOST_LAYERS, REQUIRED);
    a->width = integer(r, "hidden_size", MOST, REQUIRED);
    a->inner = integer(r, "intermediate_size", MOST, REQUIRED);
    a->vocabulary = integer(r, "vocab_size", MOST, REQUIRED);
    a->positions = integer(r, "max_position_embeddings", MOST, REQUIRED);
    t->heads = integer(r, "num_attention_heads", MOST, REQUIRED);
    t->kv_heads = integer(r, "num_key_value_heads", MOST, t->heads);
    t->size =
        integer(r, "head_dim", MOST, t->heads <= a->width ? a->width / t->heads : 1);
    if (!value(r, "head_dim") && a->width % t->heads)
        refuse(r, "hidden_size", "a multiple of num_attention_heads");
    const char *size = value(r, "head_dim") ? "head_dim" : "hidden_size";
    if (t->size % 2) refuse(r, size, "an even number of channels for each head");
    if (t->size > MOST / t->heads)
        refuse(r, size, "fewer than 2^24 channels in all heads");
    if (t->heads % t->kv_heads)
        refuse(r, "num_key_value_heads", "a divisor of num_attention_heads");
    a->activation = activation(r, "hidden_act", "silu");
    a->norm_eps = positive(r, "rms_norm_eps", 1e-6);
    a->tied = truth(r, "tie_word_embeddings", false);
    a->attention_bias = truth(r, "attention_bias", false);
    a->mlp_bias = truth(r, "mlp_bias", false);
    read_rope(r, a);
}

/* Labels that a classifier has; 0: the file does not say. */
static int labels(reader *r)
{
    const json_t *names = value(r, "id2label");
    if (names && !json_is_object(names)) refuse(r, "id2label", "an object");
    if (json_is_object(names) && json_object_size(names) <= MOST)
        return (int)json_object_size(names);
    return value(r, "num_labels") ? integer(r, "num_labels", MOST, REQUIRED) : 0;
}

/* What BERT and ViT have in common. */
static void read_encoder(reader *r, hesse_arch *a)
{
    a->layers = integer(r, "num_hidden_layers", MOST_LAYERS, 12);
    a->width = integer(r, "hidden_size", MOST, 768);
    a->inner = integer(r, "intermediate_size", MOST, 3072);
    a->attention.heads = integer(r, "num_attention_heads", MOST, 12);
    a->attention.kv_heads = a->attention.heads;
    if (a->width % a->attention.heads)
        refuse(r, "hidden_size", "a multiple of num_attention_heads");
    a->attention.size = a->width / a->attention.heads;
    a->activation = activation(r, "hidden_act", "gelu");
    a->norm_eps = positive(r, "layer_norm_eps", 1e-12);
    a->attention_bias = a->mlp_bias = true;
    a->outputs = labels(r);
}

static void read_bert(reader *r, hesse_arch *a)
{
    read_encoder(r, a);
    a->vocabulary = integer(r, "vocab_size", MOST, 30522);
    a->positions = integer(r, "max_position_embeddings", MOST, 512);
    a->types = integer(r, "type_vocab_size", MOST, 2);
    if (strcmp(string(r, "position_embedding_type", "absolute"), "absolute") != 0)
        refuse(r, "position_embedding_type",
               "\"absolute\": others are not computed here");
    must_be(r, "is_decoder", false);
    must_be(r, "add_cross_attention", false);
    must_be(r, "tie_word_embeddings", true);
}

/* Sizes of images are those of the data. */
static void read_vit(reader *r, hesse_arch *a)
{
    read_encoder(r, a);
    a->patch = integer(r, "patch_size", MOST_LAYERS, 16);
    a->attention_bias = truth(r, "qkv_bias", true);
}

/* Mistral without a sliding window is a llama under another name; but what a mistral
   leaves out has other defaults. */
static void check_type(reader *r, hesse_family family)
{
    static const char *const types[] = {[HESSE_GPT2] = "gpt2",
                                        [HESSE_LLAMA] = "llama",
                                        [HESSE_BERT] = "bert",
                                        [HESSE_VIT] = "vit"};
    const bool llama = family == HESSE_LLAMA;
    const char *type = string(r, "model_type", types[family]);
    const bool mistral = llama && strcmp(type, "mistral") == 0;
    char expected[80];
    snprintf(expected, sizeof expected, "\"%s\"%s, the family being %s", types[family],
             llama ? " or \"mistral\"" : "", types[family]);
    if (!mistral && strcmp(type, types[family]) != 0) refuse(r, "model_type", expected);
    const bool silent = mistral && !json_object_get(r->root, "sliding_window");
    if (silent || value(r, "sliding_window"))
        refuse(r, "sliding_window", "null: attention here sees all tokens before");
    if (mistral && !value(r, "num_key_value_heads"))
        refuse(r, "num_key_value_heads", "a number of heads");
}

static hesse_status read_file(const char *path, hesse_arch *arch, hesse_why *why)
{
    static void (*const readers[])(reader *,
                                   hesse_arch *) = {[HESSE_GPT2] = read_gpt2,
                                                    [HESSE_LLAMA] = read_llama,
                                                    [HESSE_BERT] = read_bert,
                                                    [HESSE_VIT] = read_vit};
    const size_t family = (size_t)arch->family;
    if (family >= sizeof readers / sizeof *readers || !readers[family])
        return hesse_fail(why, HESSE_E_JOB,
                          "%s: the family has no config.json, expected its sizes",
                          path);
    json_t *root = NULL;
    hesse_status s = hesse_json_load(path, &root, why);
    if (s) return s;
    reader r = {.path = path, .scope = "", .root = root, .why = why};
    hesse_arch read = {.family = arch->family, .layout = arch->layout};
    check_type(&r, read.family);
    readers[read.family](&r, &read);
    json_decref(root);
    if (!r.s) *arch = read;
    return r.s;
}

hesse_status hesse_config_read(const char *path, hesse_arch *arch, hesse_why *why)
{
    if (!hesse_file_is_folder(path)) return read_file(path, arch, why);
    char *inside = hesse_file_join(path, "config.json");
    if (!inside) return hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory", path);
    hesse_status s = read_file(inside, arch, why);
    free(inside);
    return s;
}
