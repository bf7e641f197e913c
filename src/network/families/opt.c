/* OPT: learned positions whose table begins with two unused rows, norms before or after
   attention and MLP, an embedding that may be narrower than the residual stream.
   Source: Zhang et al., arXiv:2205.01068. Names as in Hugging Face's transformers. */
#include "network/families/decoder.h"

enum { UNUSED_POSITIONS = 2 };

static void read_config(hesse_config *c, hesse_arch *a)
{
    hesse_arch_decoder *d = &a->decoder;
    hesse_config_decoder(c, a, true);
    a->attention.kv_heads = a->attention.heads;
    a->inner = hesse_config_integer(c, "ffn_dim", HESSE_CONFIG_MOST, HESSE_REQUIRED);
    a->activation = hesse_config_activation(c, "activation_function", "relu");
    a->norm_eps = 1e-5;
    a->attention_bias = a->mlp_bias = hesse_config_truth(c, "enable_bias", true);
    d->output_bias = a->attention_bias;
    d->embedding_width =
        hesse_config_integer(c, "word_embed_proj_dim", HESSE_CONFIG_MOST, a->width);
    d->norm_before = hesse_config_truth(c, "do_layer_norm_before", true);
    d->norm_sum = !d->norm_before;
    d->final_norm =
        d->norm_before && !hesse_config_truth(c, "_remove_final_layer_norm", false);
    if (!hesse_config_truth(c, "layer_norm_elementwise_affine", true))
        d->norm = HESSE_NORM_LAYER_PLAIN;
    if (!a->tied && d->embedding_width != a->width)
        hesse_config_refuse(c, "tie_word_embeddings",
                            "true where word_embed_proj_dim differs from hidden_size");
}

static const hesse_decoder_names names = {
    .prefixes = {"model.decoder.", "decoder.", ""},
    .anchor = "layers.0.self_attn.q_proj.weight",
    .embedding = "embed_tokens.weight",
    .positions = "embed_positions.weight",
    .layers = "layers.",
    .before_attention = "self_attn_layer_norm",
    .before_mlp = "final_layer_norm",
    .query = "self_attn.q_proj",
    .key = "self_attn.k_proj",
    .value = "self_attn.v_proj",
    .output = "self_attn.out_proj",
    .up = "fc1",
    .down = "fc2",
    .final_norm = "final_layer_norm",
    .head = "lm_head",
    .project_in = "project_in",
    .project_out = "project_out",
};

static const hesse_arch_decoder style = {.norm = HESSE_NORM_LAYER,
                                         .norm_before = true,
                                         .final_norm = true,
                                         .first_position = UNUSED_POSITIONS};

static const hesse_owned_key keys[] = {
    {"config", NULL},      {"layers", "2"},         {"heads", "2"},
    {"head_size", NULL},   {"width", "32"},         {"inner", NULL},
    {"context", "32"},     {"vocabulary", NULL},    {"activation", "relu"},
    {"norm_eps", "1e-5"},  {"tied", "true"},        {"bias", "true"},
    {"temperature", NULL}, {"attention", "causal"}, {"kernel", "softmax"},
    {NULL, NULL}};
static const char *const types[] = {"opt", NULL};

const hesse_family hesse_family_opt = {
    .name = "opt",
    .help = "OPT: a decoder with learned positions and ReLU.",
    .reads = HESSE_READS_IDS,
    .per_token = true,
    .learned_positions = true,
    .positions_skip_padding = true,
    .keys = keys,
    .check = hesse_decoder_check,
    .build = hesse_decoder_build,
    .config_types = types,
    .read_config = read_config,
    .decoder = &names,
    .style = &style,
    .probe = hesse_decoder_find_head,
};
