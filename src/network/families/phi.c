/* Phi 1 and 2: attention and MLP side by side behind one norm, rotary positions for a
   part of each head, biases everywhere; and Phi 3: Llama with fused projections.
   Sources: Gunasekar et al., arXiv:2306.11644; Abdin et al., arXiv:2404.14219. Names as
   in Hugging Face's transformers. */
#include "network/families/decoder.h"

#include <string.h>

static void read_phi(hesse_config *c, hesse_arch *a)
{
    hesse_config_decoder(c, a, false);
    a->inner =
        hesse_config_integer(c, "intermediate_size", HESSE_CONFIG_MOST, 4 * a->width);
    a->activation = hesse_config_activation(c, "hidden_act", "gelu_new");
    a->norm_eps = hesse_config_positive(c, "layer_norm_eps", 1e-5);
    a->attention_bias = a->mlp_bias = true;
    a->decoder.output_bias = a->decoder.head_bias = true;
    if (hesse_config_truth(c, "qk_layernorm", false))
        a->decoder.query_key_norm = HESSE_QUERY_KEY_NORM_HEAD;
    hesse_config_rotary(c, a, 10000, 0.5, true);
}

/* The class takes the kind "yarn" of old files for longrope. */
static void refuse_yarn(hesse_config *c, const char *key)
{
    const json_t *object = hesse_config_value(c, key);
    const char *type = json_string_value(json_object_get(object, "rope_type"));
    if (!type) type = json_string_value(json_object_get(object, "type"));
    if (type && strcmp(type, "yarn") == 0)
        hesse_config_refuse(c, key, "the kind \"longrope\", which Phi 3 has");
}

static void read_phi3(hesse_config *c, hesse_arch *a)
{
    hesse_config_decoder(c, a, false);
    a->inner =
        hesse_config_integer(c, "intermediate_size", HESSE_CONFIG_MOST, HESSE_REQUIRED);
    a->activation = hesse_config_activation(c, "hidden_act", "silu");
    a->norm_eps = hesse_config_positive(c, "rms_norm_eps", 1e-5);
    hesse_config_rotary(c, a, 10000, 1, true);
    refuse_yarn(c, "rope_scaling");
    refuse_yarn(c, "rope_parameters");
    hesse_config_common_window(c, a);
}

static const hesse_decoder_names names = {
    .prefixes = {"model.", "", "transformer."},
    .anchor = "layers.0.self_attn.q_proj.weight",
    .embedding = "embed_tokens.weight",
    .layers = "layers.",
    .before_attention = "input_layernorm",
    .query = "self_attn.q_proj",
    .key = "self_attn.k_proj",
    .value = "self_attn.v_proj",
    .query_norm = "self_attn.q_layernorm",
    .key_norm = "self_attn.k_layernorm",
    .output = "self_attn.dense",
    .up = "mlp.fc1",
    .down = "mlp.fc2",
    .final_norm = "final_layernorm",
    .head = "lm_head",
    .buffers = {"self_attn.rotary_emb.inv_freq"},
};

static const hesse_decoder_names names3 = {
    .prefixes = {"model.", "", "transformer."},
    .anchor = "layers.0.self_attn.qkv_proj.weight",
    .embedding = "embed_tokens.weight",
    .layers = "layers.",
    .before_attention = "input_layernorm",
    .before_mlp = "post_attention_layernorm",
    .fused = "self_attn.qkv_proj",
    .output = "self_attn.o_proj",
    .gate_up = "mlp.gate_up_proj",
    .down = "mlp.down_proj",
    .final_norm = "norm",
    .head = "lm_head",
    .buffers = {"self_attn.rotary_emb.inv_freq"},
};

static const hesse_arch_decoder style = {.norm = HESSE_NORM_LAYER,
                                         .norm_before = true,
                                         .parallel = true,
                                         .one_norm = true,
                                         .final_norm = true,
                                         .head_bias = true,
                                         .rotary = {.fraction = 0.5}};
static const hesse_arch_decoder style3 = {.norm = HESSE_NORM_RMS,
                                          .norm_before = true,
                                          .final_norm = true,
                                          .rotary = {.fraction = 1}};

static const hesse_owned_key keys[] = {
    {"config", NULL},      {"layers", "2"},
    {"heads", "2"},        {"kv_heads", NULL},
    {"head_size", NULL},   {"width", "32"},
    {"inner", NULL},       {"context", "32"},
    {"vocabulary", NULL},  {"activation", "gelu_tanh"},
    {"norm_eps", "1e-5"},  {"rope_theta", "1e4"},
    {"tied", "false"},     {"bias", "true"},
    {"temperature", NULL}, {"attention", "causal"},
    {"kernel", "softmax"}, {NULL, NULL}};
static const hesse_owned_key keys3[] = {
    {"config", NULL},        {"layers", "2"},       {"heads", "2"},
    {"kv_heads", NULL},      {"head_size", NULL},   {"width", "32"},
    {"inner", NULL},         {"context", "32"},     {"vocabulary", NULL},
    {"activation", "silu"},  {"norm_eps", "1e-5"},  {"rope_theta", "1e4"},
    {"tied", "false"},       {"bias", "false"},     {"temperature", NULL},
    {"attention", "causal"}, {"kernel", "softmax"}, {NULL, NULL}};
static const char *const types[] = {"phi", NULL}, *const types3[] = {"phi3", NULL};

const hesse_family hesse_family_phi = {
    .name = "phi",
    .help = "Phi 1 and 2: a decoder with partly rotary positions, attention and MLP in "
            "parallel behind one norm.",
    .reads = HESSE_READS_IDS,
    .per_token = true,
    .keys = keys,
    .check = hesse_decoder_check,
    .build = hesse_decoder_build,
    .config_types = types,
    .read_config = read_phi,
    .decoder = &names,
    .style = &style,
    .probe = hesse_decoder_find_head,
};

const hesse_family hesse_family_phi3 = {
    .name = "phi3",
    .help = "Phi 3: a decoder like Llama with fused projections.",
    .reads = HESSE_READS_IDS,
    .per_token = true,
    .keys = keys3,
    .check = hesse_decoder_check,
    .build = hesse_decoder_build,
    .config_types = types3,
    .read_config = read_phi3,
    .decoder = &names3,
    .style = &style3,
    .probe = hesse_decoder_find_head,
};
