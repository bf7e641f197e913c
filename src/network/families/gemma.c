/* Gemma 1 and 2: an embedding times the square root of its width, gains 1 + weight, and
   in Gemma 2 norms before and after attention and MLP, caps of scores and logits, and a
   sliding window in every second layer.
   Sources: Gemma Team, arXiv:2403.08295 and arXiv:2408.00118. Names as in Hugging
   Face's transformers. */
#include "network/families/decoder.h"

#include <math.h>
#include <string.h>

static void read_common(hesse_config *c, hesse_arch *a, const char *activation)
{
    hesse_config_decoder(c, a, true);
    if (!hesse_config_value(c, "head_dim"))
        hesse_config_refuse(c, "head_dim", "the channels of a head");
    a->inner =
        hesse_config_integer(c, "intermediate_size", HESSE_CONFIG_MOST, HESSE_REQUIRED);
    a->activation = hesse_config_activation(c, activation, "gelu_pytorch_tanh");
    a->norm_eps = hesse_config_positive(c, "rms_norm_eps", 1e-6);
    a->attention_bias = a->decoder.output_bias =
        hesse_config_truth(c, "attention_bias", false);
    a->decoder.embedding_scale = sqrt(a->width);
    if (hesse_config_value(c, "use_bidirectional_attention"))
        hesse_config_must_be(c, "use_bidirectional_attention", false);
    hesse_config_rotary(c, a, 10000, 1, false);
}

/* Version 4 of transformers reads hidden_act "gelu" as the tanh approximation, version
   5 as the exact one. */
static void read_gemma(hesse_config *c, hesse_arch *a)
{
    const bool newer = hesse_config_value(c, "hidden_activation");
    const char *key = newer ? "hidden_activation" : "hidden_act";
    if (!newer && strcmp(hesse_config_string(c, key, ""), "gelu") == 0)
        hesse_config_refuse(c, key,
                            "\"gelu_pytorch_tanh\", or the activation in "
                            "hidden_activation: versions of transformers read gelu "
                            "differently");
    read_common(c, a, key);
}

static void read_gemma2(hesse_config *c, hesse_arch *a)
{
    hesse_arch_decoder *d = &a->decoder;
    read_common(c, a, "hidden_activation");
    d->score_divisor = sqrt(hesse_config_positive(c, "query_pre_attn_scalar", 256));
    d->score_cap = json_object_get(c->root, "attn_logit_softcapping")
                       ? hesse_config_positive(c, "attn_logit_softcapping", 0)
                       : 50;
    d->logit_cap = json_object_get(c->root, "final_logit_softcapping")
                       ? hesse_config_positive(c, "final_logit_softcapping", 0)
                       : 30;
    hesse_config_windows(c, a, false);
    if (hesse_config_value(c, "layer_types") || c->s) return;
    d->window = hesse_config_integer(c, "sliding_window", HESSE_CONFIG_MOST, 4096);
    for (int l = 0; l < a->layers; l += 2) hesse_layers_add(d->windowed, l);
}

#define SHARED_NAMES                                                                   \
    .prefixes = {"model.", "", "transformer."},                                        \
    .anchor = "layers.0.self_attn.q_proj.weight", .embedding = "embed_tokens.weight",  \
    .layers = "layers.", .before_attention = "input_layernorm",                        \
    .query = "self_attn.q_proj", .key = "self_attn.k_proj",                            \
    .value = "self_attn.v_proj", .output = "self_attn.o_proj",                         \
    .gate = "mlp.gate_proj", .up = "mlp.up_proj", .down = "mlp.down_proj",             \
    .final_norm = "norm", .head = "lm_head",                                           \
    .buffers = {"self_attn.rotary_emb.inv_freq"}

static const hesse_decoder_names names = {
    SHARED_NAMES,
    .before_mlp = "post_attention_layernorm",
};
static const hesse_decoder_names names2 = {
    SHARED_NAMES,
    .after_attention = "post_attention_layernorm",
    .before_mlp = "pre_feedforward_layernorm",
    .after_mlp = "post_feedforward_layernorm",
};

static const hesse_arch_decoder style = {.norm = HESSE_NORM_RMS_ONE_PLUS,
                                         .norm_before = true,
                                         .final_norm = true,
                                         .rotary = {.fraction = 1}};
static const hesse_arch_decoder style2 = {.norm = HESSE_NORM_RMS_ONE_PLUS,
                                          .norm_before = true,
                                          .norm_after = true,
                                          .final_norm = true,
                                          .score_cap = 50,
                                          .logit_cap = 30,
                                          .rotary = {.fraction = 1}};

static void complete(hesse_arch *a)
{
    if (a->decoder.embedding_scale == 0) a->decoder.embedding_scale = sqrt(a->width);
}

static const hesse_owned_key keys[] = {
    {"config", NULL},      {"layers", "2"},
    {"heads", "2"},        {"kv_heads", NULL},
    {"head_size", NULL},   {"width", "32"},
    {"inner", NULL},       {"context", "32"},
    {"vocabulary", NULL},  {"activation", "gelu_tanh"},
    {"norm_eps", "1e-6"},  {"rope_theta", "1e4"},
    {"tied", "true"},      {"bias", "false"},
    {"temperature", NULL}, {"attention", "causal"},
    {"kernel", "softmax"}, {NULL, NULL}};
static const char *const types[] = {"gemma", NULL}, *const types2[] = {"gemma2", NULL};

const hesse_family hesse_family_gemma = {
    .name = "gemma",
    .help = "Gemma: a decoder with rotary positions and gains 1 + weight.",
    .reads = HESSE_READS_IDS,
    .per_token = true,
    .even_heads = true,
    .keys = keys,
    .complete = complete,
    .check = hesse_decoder_check,
    .build = hesse_decoder_build,
    .config_types = types,
    .read_config = read_gemma,
    .decoder = &names,
    .style = &style,
    .probe = hesse_decoder_find_head,
};

const hesse_family hesse_family_gemma2 = {
    .name = "gemma2",
    .help = "Gemma 2: Gemma with four norms a layer, caps and sliding windows.",
    .reads = HESSE_READS_IDS,
    .per_token = true,
    .even_heads = true,
    .keys = keys,
    .complete = complete,
    .check = hesse_decoder_check,
    .build = hesse_decoder_build,
    .config_types = types2,
    .read_config = read_gemma2,
    .decoder = &names2,
    .style = &style2,
    .probe = hesse_decoder_find_head,
};
