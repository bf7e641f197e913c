/* Llama: rotary positions, root mean square norms, gated MLP, key and value heads that
   query heads share.
   Sources: Touvron et al., arXiv:2302.13971; Ainslie et al., arXiv:2305.13245. Names as
   in Hugging Face's transformers. */
#include "network/families/decoder.h"

#include <stdio.h>
#include <string.h>

static hesse_stream turned(hesse_builder *b, hesse_stream x, int heads)
{
    const hesse_dims d = {.h = heads, .a = b->arch->attention.rope_theta};
    return hesse_build_apply(b, &hesse_op_rotary, d, x);
}

static hesse_stream attention(hesse_builder *b, hesse_stream x)
{
    const hesse_arch *a = b->arch;
    const hesse_attention *t = &a->attention;
    const bool bias = a->attention_bias;
    const int all = t->heads * t->size, shared = t->kv_heads * t->size;
    hesse_stream q = hesse_build_linear(
        b, x, hesse_decoder_map(b, all, bias, HESSE_ROLE_QUERY), "self_attn.q_proj");
    hesse_stream k = hesse_build_linear(
        b, x, hesse_decoder_map(b, shared, bias, HESSE_ROLE_KEY), "self_attn.k_proj");
    const hesse_stream v = hesse_build_linear(
        b, x, hesse_decoder_map(b, shared, bias, HESSE_ROLE_VALUE), "self_attn.v_proj");
    q = turned(b, q, t->heads);
    k = turned(b, k, t->kv_heads);
    x = hesse_build_mix(b, hesse_build_weights(b, q, k, hesse_decoder_scale(b)), v);
    return hesse_build_linear(b, x,
                              hesse_decoder_map(b, a->width, bias, HESSE_ROLE_OUTPUT),
                              "self_attn.o_proj");
}

static hesse_stream mlp(hesse_builder *b, hesse_stream x)
{
    const hesse_arch *a = b->arch;
    const bool bias = a->mlp_bias;
    hesse_stream y = hesse_build_linear(
        b, x, hesse_decoder_map(b, a->inner, bias, HESSE_ROLE_GATE), "mlp.gate_proj");
    y = hesse_build_activation(b, y);
    y = hesse_build_join(
        b, &hesse_op_product, y,
        hesse_build_linear(b, x, hesse_decoder_map(b, a->inner, bias, HESSE_ROLE_UP),
                           "mlp.up_proj"));
    return hesse_build_linear(
        b, y, hesse_decoder_map(b, a->width, bias, HESSE_ROLE_DOWN), "mlp.down_proj");
}

static void build(hesse_builder *b)
{
    const hesse_arch *a = b->arch;
    char outside[HESSE_NAME], module[HESSE_NAME];
    int table;
    snprintf(outside, sizeof outside, "%s", a->layout.prefix);
    b->module = outside;
    hesse_stream x = hesse_decoder_embedding(b, "embed_tokens.weight", &table);
    for (int l = 0; l < a->layers; l++) {
        snprintf(module, sizeof module, "%.100slayers.%d.", outside, l);
        b->module = module, b->layer = l;
        hesse_stream y = hesse_build_rmsnorm(b, x, "input_layernorm");
        x = hesse_build_sum(b, x, attention(b, y));
        y = hesse_build_rmsnorm(b, x, "post_attention_layernorm");
        x = hesse_build_sum(b, x, mlp(b, y));
    }
    b->module = outside, b->layer = -1;
    x = hesse_build_rmsnorm(b, x, "norm");
    hesse_build_loss(b, hesse_build_head(b, x, table));
}

static void all_channels_turn(hesse_config *c)
{
    if (hesse_config_positive(c, "partial_rotary_factor", 1) != 1)
        hesse_config_refuse(c, "partial_rotary_factor",
                            "1: a part is not computed here");
}

/* Newer files keep all about the rotary embedding in one object. */
static void read_rope(hesse_config *c, hesse_arch *a)
{
    static const char *const objects[] = {"rope_scaling", "rope_parameters"};
    a->attention.rope_theta = hesse_config_positive(c, "rope_theta", 10000);
    all_channels_turn(c);
    for (int i = 0; !c->s && i < 2; i++) {
        if (!hesse_config_value(c, objects[i])) continue;
        if (!json_is_object(hesse_config_value(c, objects[i])))
            hesse_config_refuse(c, objects[i], "an object");
        hesse_config in = *c;
        in.root = hesse_config_value(c, objects[i]);
        in.scope = i ? "rope_parameters." : "rope_scaling.";
        const char *key = hesse_config_value(&in, "rope_type") ? "rope_type" : "type";
        if (strcmp(hesse_config_string(&in, key, i ? "default" : ""), "default") != 0)
            hesse_config_refuse(
                &in, key,
                "\"default\": scaled rotary embeddings are not computed here");
        all_channels_turn(&in);
        a->attention.rope_theta =
            hesse_config_positive(&in, "rope_theta", a->attention.rope_theta);
        c->s = in.s;
    }
}

static void read_llama_keys(hesse_config *c, hesse_arch *a)
{
    hesse_attention *t = &a->attention;
    a->layers = hesse_config_integer(c, "num_hidden_layers", HESSE_CONFIG_LAYERS,
                                     HESSE_REQUIRED);
    a->width =
        hesse_config_integer(c, "hidden_size", HESSE_CONFIG_MOST, HESSE_REQUIRED);
    a->inner =
        hesse_config_integer(c, "intermediate_size", HESSE_CONFIG_MOST, HESSE_REQUIRED);
    a->vocabulary =
        hesse_config_integer(c, "vocab_size", HESSE_CONFIG_MOST, HESSE_REQUIRED);
    a->positions = hesse_config_integer(c, "max_position_embeddings", HESSE_CONFIG_MOST,
                                        HESSE_REQUIRED);
    t->heads = hesse_config_integer(c, "num_attention_heads", HESSE_CONFIG_MOST,
                                    HESSE_REQUIRED);
    t->kv_heads =
        hesse_config_integer(c, "num_key_value_heads", HESSE_CONFIG_MOST, t->heads);
    t->size = hesse_config_integer(c, "head_dim", HESSE_CONFIG_MOST,
                                   t->heads <= a->width ? a->width / t->heads : 1);
    if (!hesse_config_value(c, "head_dim") && a->width % t->heads)
        hesse_config_refuse(c, "hidden_size", "a multiple of num_attention_heads");
    const char *size = hesse_config_value(c, "head_dim") ? "head_dim" : "hidden_size";
    if (t->size % 2)
        hesse_config_refuse(c, size, "an even number of channels for each head");
    if (t->size > HESSE_CONFIG_MOST / t->heads)
        hesse_config_refuse(c, size, "fewer than 2^24 channels in all heads");
    if (t->heads % t->kv_heads)
        hesse_config_refuse(c, "num_key_value_heads",
                            "a divisor of num_attention_heads");
    a->activation = hesse_config_activation(c, "hidden_act", "silu");
    a->norm_eps = hesse_config_positive(c, "rms_norm_eps", 1e-6);
    a->tied = hesse_config_truth(c, "tie_word_embeddings", false);
    a->attention_bias = hesse_config_truth(c, "attention_bias", false);
    a->mlp_bias = hesse_config_truth(c, "mlp_bias", false);
    read_rope(c, a);
}

/* A Mistral without a sliding window is a Llama under another name, but what its file
   leaves out has other defaults. */
static void read_config(hesse_config *c, hesse_arch *a)
{
    const bool mistral =
        strcmp(hesse_config_string(c, "model_type", "llama"), "mistral") == 0;
    const bool silent = mistral && !json_object_get(c->root, "sliding_window");
    if (silent || hesse_config_value(c, "sliding_window"))
        hesse_config_refuse(c, "sliding_window",
                            "null: attention here sees all tokens before");
    if (mistral && !hesse_config_value(c, "num_key_value_heads"))
        hesse_config_refuse(c, "num_key_value_heads", "a number of heads");
    read_llama_keys(c, a);
}

static hesse_status check(const hesse_arch *a, hesse_why *why)
{
    const hesse_status s = hesse_decoder_check(a, why);
    if (s || a->attention.size % 2 == 0) return s;
    return hesse_fail(why, HESSE_E_JOB,
                      "model: rotary embedding needs an even head size, found %d",
                      a->attention.size);
}

static const hesse_decoder_names names = {
    .prefixes = {"model.", "", "transformer."},
    .anchor = "layers.0.input_layernorm.weight",
    .embedding = "embed_tokens.weight",
    .layers = "layers.",
    .buffers = {"self_attn.rotary_emb.inv_freq"},
    .biases = {"norm.bias"},
};

static const hesse_owned_key keys[] = {
    {"config", NULL},        {"layers", "2"},       {"heads", "2"},
    {"kv_heads", NULL},      {"head_size", NULL},   {"width", "32"},
    {"inner", NULL},         {"context", "32"},     {"vocabulary", NULL},
    {"activation", "silu"},  {"norm_eps", "1e-5"},  {"rope_theta", "1e4"},
    {"tied", "false"},       {"bias", "false"},     {"temperature", NULL},
    {"attention", "causal"}, {"kernel", "softmax"}, {NULL, NULL}};
static const char *const types[] = {"llama", "mistral", NULL};

const hesse_family hesse_family_llama = {
    .name = "llama",
    .help = "Llama, and Mistral without a sliding window: a decoder with rotary "
            "positions.",
    .reads = HESSE_READS_IDS,
    .per_token = true,
    .even_heads = true,
    .keys = keys,
    .check = check,
    .build = build,
    .config_types = types,
    .read_config = read_config,
    .decoder = &names,
    .probe = hesse_decoder_find_head,
};
