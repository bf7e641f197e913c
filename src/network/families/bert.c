/* BERT: three embeddings, norms after attention and MLP; predicts masked tokens or a
   class. Source: Devlin et al., arXiv:1810.04805. Names and initial values as in
   Hugging Face's transformers. */
#include "network/families/encoder.h"
#include "network/families/family.h"

#include <stdio.h>
#include <string.h>

static hesse_stream layers(hesse_builder *b, int *words)
{
    const hesse_arch *a = b->arch;
    int table;
    b->module = "bert.embeddings.";
    const hesse_lookup lookups[] = {{"word_embeddings.weight", a->vocabulary, a->width,
                                     0, HESSE_ROLE_EMBEDDING, HESSE_IDS_TOKENS},
                                    {"position_embeddings.weight", a->positions,
                                     a->width, 0, HESSE_ROLE_POSITION,
                                     HESSE_IDS_POSITIONS},
                                    {"token_type_embeddings.weight", a->types, a->width,
                                     0, HESSE_ROLE_POSITION, HESSE_IDS_TYPES}};
    hesse_stream x = hesse_build_embedding(b, lookups[0], words);
    for (int i = 1; i < 3; i++)
        x = hesse_build_sum(b, x, hesse_build_embedding(b, lookups[i], &table));
    x = hesse_build_layernorm(b, x, "LayerNorm");
    for (int l = 0; l < a->layers; l++) {
        char module[48];
        snprintf(module, sizeof module, "bert.encoder.layer.%d.", l);
        b->module = module, b->layer = l;
        hesse_stream y = hesse_encoder_attention(b, x, "attention.self");
        y = hesse_build_linear(b, y,
                               hesse_encoder_map(a->width, true, HESSE_ROLE_OUTPUT),
                               "attention.output.dense");
        x = hesse_build_layernorm(b, hesse_build_sum(b, x, y),
                                  "attention.output.LayerNorm");
        x = hesse_build_layernorm(b, hesse_build_sum(b, x, hesse_encoder_mlp(b, x)),
                                  "output.LayerNorm");
    }
    b->module = "", b->layer = -1;
    return x;
}

/* Masked tokens are predicted with the embedding that read the tokens. */
static hesse_stream masked_head(hesse_builder *b, hesse_stream x, int words)
{
    const hesse_arch *a = b->arch;
    x = hesse_build_linear(b, x, hesse_encoder_map(a->width, true, HESSE_ROLE_HEAD),
                           "cls.predictions.transform.dense");
    x = hesse_build_activation(b, x);
    x = hesse_build_layernorm(b, x, "cls.predictions.transform.LayerNorm");
    return hesse_build_tied(b, x, words, a->vocabulary, "cls.predictions.bias");
}

static hesse_stream class_head(hesse_builder *b, hesse_stream x)
{
    const hesse_arch *a = b->arch;
    x = hesse_build_select(b, x, 0);
    x = hesse_build_linear(b, x, hesse_encoder_map(a->width, true, HESSE_ROLE_HEAD),
                           "bert.pooler.dense");
    x = hesse_build_apply(b, &hesse_op_tanh, (hesse_dims){0}, x);
    return hesse_build_linear(
        b, x, hesse_encoder_map(a->data.outputs, true, HESSE_ROLE_HEAD), "classifier");
}

static void build(hesse_builder *b)
{
    int words;
    const hesse_stream x = layers(b, &words);
    hesse_build_loss(b, b->arch->masked ? masked_head(b, x, words) : class_head(b, x));
}

static void read_config(hesse_config *c, hesse_arch *a)
{
    hesse_config_encoder(c, a);
    a->vocabulary = hesse_config_integer(c, "vocab_size", HESSE_CONFIG_MOST, 30522);
    a->positions =
        hesse_config_integer(c, "max_position_embeddings", HESSE_CONFIG_MOST, 512);
    a->types = hesse_config_integer(c, "type_vocab_size", HESSE_CONFIG_MOST, 2);
    if (strcmp(hesse_config_string(c, "position_embedding_type", "absolute"),
               "absolute") != 0)
        hesse_config_refuse(c, "position_embedding_type",
                            "\"absolute\": others are not computed here");
    hesse_config_must_be(c, "is_decoder", false);
    hesse_config_must_be(c, "add_cross_attention", false);
    hesse_config_must_be(c, "tie_word_embeddings", true);
}

static hesse_status check(const hesse_arch *a, hesse_why *why)
{
    const hesse_size_limit own[] = {{"vocabulary", a->vocabulary, 0},
                                    {"positions", a->positions, 0},
                                    {"types", a->types, 0}};
    hesse_status s = hesse_check_transformer(a, why);
    if (!s) s = hesse_check_sizes(sizeof own / sizeof *own, own, why);
    return s ? s : hesse_check_heads(a, why);
}

static bool begins(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* The heads of other tasks are ignored. */
static hesse_extra extra(const hesse_arch *a, const char *name)
{
    const bool other = a->masked ? begins(name, "bert.pooler.") ||
                                       begins(name, "cls.seq_relationship.") ||
                                       begins(name, "classifier.") ||
                                       strcmp(name, "cls.predictions.decoder.bias") == 0
                                 : begins(name, "cls.");
    if (a->masked && strcmp(name, "cls.predictions.decoder.weight") == 0)
        return HESSE_EXTRA_HEAD;
    return other ? HESSE_EXTRA_UNKNOWN : HESSE_EXTRA_PARAMETER;
}

static const hesse_owned_key keys[] = {{"config", NULL},      {"layers", "2"},
                                       {"heads", "2"},        {"head_size", NULL},
                                       {"width", "32"},       {"inner", NULL},
                                       {"context", "32"},     {"vocabulary", NULL},
                                       {"classes", NULL},     {"activation", "gelu"},
                                       {"norm_eps", "1e-12"}, {"bias", "true"},
                                       {"temperature", NULL}, {"attention", "full"},
                                       {"kernel", "softmax"}, {"task", "masked"},
                                       {"types", "2"},        {"loss", "cross_entropy"},
                                       {NULL, NULL}};
static const char *const config_types[] = {"bert", NULL};

const hesse_family hesse_family_bert = {
    .name = "bert",
    .help = "BERT: an encoder of tokens that predicts masked tokens or a class.",
    .reads = HESSE_READS_IDS,
    .learned_positions = true,
    .whole_heads = true,
    .keys = keys,
    .check = check,
    .build = build,
    .config_types = config_types,
    .read_config = read_config,
    .extra = extra,
};
