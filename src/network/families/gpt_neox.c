/* GPT-NeoX and Pythia: rotary positions for a part of each head, attention and MLP side
   by side, query, key and value fused head by head.
   Sources: Black et al., arXiv:2204.06745; Biderman et al., arXiv:2304.01373. Names as
   in Hugging Face's transformers. */
#include "network/families/decoder.h"

static void read_config(hesse_config *c, hesse_arch *a)
{
    hesse_config_decoder(c, a, false);
    a->attention.kv_heads = a->attention.heads;
    a->inner =
        hesse_config_integer(c, "intermediate_size", HESSE_CONFIG_MOST, HESSE_REQUIRED);
    a->activation = hesse_config_activation(c, "hidden_act", "gelu");
    a->norm_eps = hesse_config_positive(c, "layer_norm_eps", 1e-5);
    a->attention_bias = hesse_config_truth(c, "attention_bias", true);
    a->mlp_bias = true;
    a->decoder.output_bias = a->attention_bias;
    a->decoder.parallel = hesse_config_truth(c, "use_parallel_residual", true);
    hesse_config_rotary(c, a, 10000, 0.25, true);
}

static const hesse_decoder_names names = {
    .prefixes = {"gpt_neox.", "", "model."},
    .anchor = "layers.0.attention.query_key_value.weight",
    .embedding = "embed_in.weight",
    .layers = "layers.",
    .before_attention = "input_layernorm",
    .before_mlp = "post_attention_layernorm",
    .fused = "attention.query_key_value",
    .by_head = true,
    .output = "attention.dense",
    .up = "mlp.dense_h_to_4h",
    .down = "mlp.dense_4h_to_h",
    .final_norm = "final_layer_norm",
    .head = "embed_out",
    .buffers = {"attention.bias", "attention.masked_bias",
                "attention.rotary_emb.inv_freq"},
};

static const hesse_arch_decoder style = {.norm = HESSE_NORM_LAYER,
                                         .norm_before = true,
                                         .parallel = true,
                                         .final_norm = true,
                                         .rotary = {.fraction = 0.25}};

static const hesse_owned_key keys[] = {
    {"config", NULL},      {"layers", "2"},       {"heads", "2"},
    {"head_size", NULL},   {"width", "32"},       {"inner", NULL},
    {"context", "32"},     {"vocabulary", NULL},  {"activation", "gelu"},
    {"norm_eps", "1e-5"},  {"rope_theta", "1e4"}, {"tied", "false"},
    {"bias", "true"},      {"temperature", NULL}, {"attention", "causal"},
    {"kernel", "softmax"}, {NULL, NULL}};
static const char *const types[] = {"gpt_neox", NULL};

const hesse_family hesse_family_gpt_neox = {
    .name = "gpt_neox",
    .help =
        "GPT-NeoX and Pythia: a decoder with partly rotary positions, attention and "
        "MLP in parallel.",
    .reads = HESSE_READS_IDS,
    .per_token = true,
    .keys = keys,
    .check = hesse_decoder_check,
    .build = hesse_decoder_build,
    .config_types = types,
    .read_config = read_config,
    .decoder = &names,
    .style = &style,
    .probe = hesse_decoder_find_head,
};
