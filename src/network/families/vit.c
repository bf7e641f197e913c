/* ViT: patches of an image, a class token, norms before attention and MLP.
   Source: Dosovitskiy et al., arXiv:2010.11929. Names and initial values as in Hugging
   Face's transformers. */
#include "network/families/encoder.h"
#include "network/families/family.h"

#include <stdio.h>
#include <string.h>

static void build(hesse_builder *b)
{
    const hesse_arch *a = b->arch;
    b->module = "vit.embeddings.";
    hesse_stream x =
        hesse_build_patches(b, hesse_encoder_map(a->width, true, HESSE_ROLE_EMBEDDING),
                            "patch_embeddings.projection");
    x = hesse_build_class_token(b, x, "cls_token");
    x = hesse_build_positions(b, x, "position_embeddings");
    for (int l = 0; l < a->layers; l++) {
        char module[48];
        snprintf(module, sizeof module, "vit.encoder.layer.%d.", l);
        b->module = module, b->layer = l;
        hesse_stream y = hesse_build_layernorm(b, x, "layernorm_before");
        y = hesse_encoder_attention(b, y, "attention.attention");
        y = hesse_build_linear(b, y,
                               hesse_encoder_map(a->width, true, HESSE_ROLE_OUTPUT),
                               "attention.output.dense");
        x = hesse_build_sum(b, x, y);
        x = hesse_build_sum(
            b, x, hesse_encoder_mlp(b, hesse_build_layernorm(b, x, "layernorm_after")));
    }
    b->module = "", b->layer = -1;
    x = hesse_build_layernorm(b, x, "vit.layernorm");
    x = hesse_build_select(b, x, 0);
    x = hesse_build_linear(
        b, x, hesse_encoder_map(a->data.outputs, true, HESSE_ROLE_HEAD), "classifier");
    hesse_build_loss(b, x);
}

/* Sizes of images are those of the data. */
static void read_config(hesse_config *c, hesse_arch *a)
{
    hesse_config_encoder(c, a);
    a->image.patch = hesse_config_integer(c, "patch_size", HESSE_CONFIG_LAYERS, 16);
    a->attention_bias = hesse_config_truth(c, "qkv_bias", true);
}

static hesse_status check(const hesse_arch *a, hesse_why *why)
{
    hesse_status s = hesse_check_transformer(a, why);
    if (!s) s = hesse_check_heads(a, why);
    return s ? s : hesse_check_patches(a, why);
}

static hesse_extra extra(const hesse_arch *arch, const char *name)
{
    (void)arch;
    return strncmp(name, "vit.pooler.", 11) == 0 ? HESSE_EXTRA_UNKNOWN
                                                 : HESSE_EXTRA_PARAMETER;
}

static const hesse_owned_key keys[] = {
    {"config", NULL},      {"layers", "2"},        {"heads", "2"},
    {"head_size", NULL},   {"width", "32"},        {"inner", NULL},
    {"classes", NULL},     {"activation", "gelu"}, {"norm_eps", "1e-12"},
    {"bias", "true"},      {"temperature", NULL},  {"attention", "full"},
    {"kernel", "softmax"}, {"patch", "4"},         {"loss", "cross_entropy"},
    {NULL, NULL}};
static const char *const types[] = {"vit", NULL};

const hesse_family hesse_family_vit = {
    .name = "vit",
    .help = "Vision transformer: an encoder of the patches of an image.",
    .reads = HESSE_READS_IMAGES,
    .whole_heads = true,
    .keys = keys,
    .check = check,
    .build = build,
    .config_types = types,
    .read_config = read_config,
    .extra = extra,
};
