/* DistilBERT: BERT without token types and with other names. Source: Sanh et al.,
   arXiv:1910.01108. Names as in Hugging Face's transformers. */
#include "network/families/text_encoder.h"

static const hesse_encoder_names names = {
    .prefix = "distilbert.",
    .words = "embeddings.word_embeddings.weight",
    .positions = "embeddings.position_embeddings.weight",
    .norm = "embeddings.LayerNorm",
    .layers = "transformer.layer.",
    .query = "attention.q_lin",
    .key = "attention.k_lin",
    .value = "attention.v_lin",
    .output = "attention.out_lin",
    .after_attention = "sa_layer_norm",
    .up = "ffn.lin1",
    .down = "ffn.lin2",
    .after_mlp = "output_layer_norm",
    .masked_dense = "vocab_transform",
    .masked_norm = "vocab_layer_norm",
    .masked_bias = "vocab_projector.bias",
    .masked_copy = "vocab_projector.",
    .masked = HESSE_ACT_NONE,
    .dense = "pre_classifier",
    .between = HESSE_ACT_RELU,
    .classifier = "classifier",
};

static void read_config(hesse_config *c, hesse_arch *a)
{
    static const hesse_encoder_keys own = {"n_layers",   "dim",     6,
                                           "hidden_dim", "n_heads", "activation"};
    hesse_config_encoder_named(c, a, &own);
    a->norm_eps = 1e-12;
    a->vocabulary = hesse_config_integer(c, "vocab_size", HESSE_CONFIG_MOST, 30522);
    a->positions =
        hesse_config_integer(c, "max_position_embeddings", HESSE_CONFIG_MOST, 512);
    a->pad = 1 + hesse_config_whole(c, "pad_token_id", HESSE_CONFIG_MOST, 0);
    hesse_config_text_encoder(c);
}

static const hesse_owned_key keys[] = {HESSE_TEXT_ENCODER_KEYS, {NULL, NULL}};
static const char *const config_types[] = {"distilbert", NULL};

const hesse_family hesse_family_distilbert = {
    .name = "distilbert",
    .help = "DistilBERT: an encoder like BERT without token types.",
    .reads = HESSE_READS_IDS,
    .learned_positions = true,
    .whole_heads = true,
    .keys = keys,
    .check = hesse_text_encoder_check,
    .build = hesse_text_encoder_build,
    .config_types = config_types,
    .read_config = read_config,
    .encoder = &names,
    .probe = hesse_text_encoder_probe,
    .extra = hesse_text_encoder_extra,
};
