/* BERT. Source: Devlin et al., arXiv:1810.04805. Names and initial values as in Hugging
   Face's transformers; with norms before attention and MLP, the norms are placed and
   named as in its RobertaPreLayerNorm. */
#include "network/families/text_encoder.h"

#include <string.h>

static const hesse_encoder_names names = {
    .prefix = "bert.",
    HESSE_BERT_MODULES,
    .before_attention = "attention.LayerNorm",
    .before_mlp = "intermediate.LayerNorm",
    .last = "LayerNorm",
    .masked_dense = "cls.predictions.transform.dense",
    .masked_norm = "cls.predictions.transform.LayerNorm",
    .masked_bias = "cls.predictions.bias",
    .masked_copy = "cls.predictions.decoder.",
    .masked = HESSE_ACT_NONE,
    .pooler = "pooler.dense",
    .between = HESSE_ACT_TANH,
    .classifier = "classifier",
};

static void read_config(hesse_config *c, hesse_arch *a)
{
    hesse_config_encoder(c, a);
    a->vocabulary = hesse_config_integer(c, "vocab_size", HESSE_CONFIG_MOST, 30522);
    a->positions =
        hesse_config_integer(c, "max_position_embeddings", HESSE_CONFIG_MOST, 512);
    a->types = hesse_config_integer(c, "type_vocab_size", HESSE_CONFIG_MOST, 2);
    a->pad = 1 + hesse_config_whole(c, "pad_token_id", HESSE_CONFIG_MOST, 0);
    hesse_config_text_encoder(c);
}

static hesse_status check(const hesse_arch *a, hesse_why *why)
{
    const hesse_size_limit types = {"types", a->types, 0};
    const hesse_status s = hesse_check_sizes(1, &types, why);
    if (!s && a->norm_place == HESSE_NORM_PLACE_NONE)
        return hesse_fail(why, HESSE_E_JOB,
                          "model: bert without norms, expected them before attention "
                          "and MLP or after each sum");
    if (!s && a->mean_pooling && a->task != HESSE_TASK_CLASSIFY)
        return hesse_fail(
            why, HESSE_E_JOB,
            "model: the mean of the tokens tells the class of a sequence, "
            "and the task is another one");
    return s ? s : hesse_text_encoder_check(a, why);
}

static const hesse_owned_key keys[] = {HESSE_TEXT_ENCODER_KEYS,
                                       {"types", "2"},
                                       {"norm", "after"},
                                       {"pooling", "first"},
                                       {NULL, NULL}};
static const char *const config_types[] = {"bert", NULL};

const hesse_family hesse_family_bert = {
    .name = "bert",
    .help = "BERT: an encoder of tokens that predicts masked tokens or classes.",
    .reads = HESSE_READS_IDS,
    .learned_positions = true,
    .whole_heads = true,
    .keys = keys,
    .check = check,
    .build = hesse_text_encoder_build,
    .config_types = config_types,
    .read_config = read_config,
    .encoder = &names,
    .probe = hesse_text_encoder_probe,
    .extra = hesse_text_encoder_extra,
};
