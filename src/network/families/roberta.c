/* RoBERTa, XLM-RoBERTa and CamemBERT: BERT whose positions begin after the id of
   padding and count only tokens that are not padding. Source: Liu et al.,
   arXiv:1907.11692. Names as in Hugging Face's transformers. */
#include "network/families/text_encoder.h"

static const hesse_encoder_names names = {
    .prefix = "roberta.",
    HESSE_BERT_MODULES,
    .masked_dense = "lm_head.dense",
    .masked_norm = "lm_head.layer_norm",
    .masked_bias = "lm_head.bias",
    .masked_copy = "lm_head.decoder.",
    .masked = HESSE_ACT_GELU,
    .dense = "classifier.dense",
    .between = HESSE_ACT_TANH,
    .classifier = "classifier.out_proj",
};

static void read_config(hesse_config *c, hesse_arch *a)
{
    hesse_config_encoder(c, a);
    const int rows =
        hesse_config_integer(c, "max_position_embeddings", HESSE_CONFIG_MOST, 512);
    a->vocabulary = hesse_config_integer(c, "vocab_size", HESSE_CONFIG_MOST, 50265);
    a->types = hesse_config_integer(c, "type_vocab_size", HESSE_CONFIG_MOST, 2);
    a->pad = 1 + hesse_config_whole(c, "pad_token_id", HESSE_CONFIG_MOST - 1, 1);
    a->decoder.first_position = a->pad;
    a->positions = rows - a->pad;
    if (a->positions < 1)
        hesse_config_refuse(c, "max_position_embeddings",
                            "more than pad_token_id + 1 rows of positions");
    hesse_config_text_encoder(c);
}

static void complete(hesse_arch *a)
{
    if (!a->pad) a->pad = 2;
    a->decoder.first_position = a->pad;
}

static hesse_status check(const hesse_arch *a, hesse_why *why)
{
    const hesse_size_limit types = {"types", a->types, 0};
    const hesse_status s = hesse_check_sizes(1, &types, why);
    return s ? s : hesse_text_encoder_check(a, why);
}

static const hesse_owned_key keys[] = {
    HESSE_TEXT_ENCODER_KEYS, {"types", "1"}, {NULL, NULL}};
static const char *const config_types[] = {"roberta", "xlm-roberta", "camembert", NULL};

const hesse_family hesse_family_roberta = {
    .name = "roberta",
    .help = "RoBERTa, XLM-RoBERTa and CamemBERT: encoders like BERT with other "
            "positions and heads.",
    .reads = HESSE_READS_IDS,
    .learned_positions = true,
    .positions_skip_padding = true,
    .whole_heads = true,
    .keys = keys,
    .complete = complete,
    .check = check,
    .build = hesse_text_encoder_build,
    .config_types = config_types,
    .read_config = read_config,
    .encoder = &names,
    .probe = hesse_text_encoder_probe,
    .extra = hesse_text_encoder_extra,
};
