/* MLP-Mixer: MLPs over the tokens of a channel and over the channels of a token.
   Source: Tolstikhin et al., arXiv:2105.01601. Names as in timm, initial values as
   PyTorch's. */
#include "network/families/family.h"

#include <stdio.h>

/* Two layers of neurons over the channels of a token, or, transposed, over the tokens
   of a channel. */
static hesse_stream mixing(hesse_builder *b, hesse_stream x, int inner,
                           const char *module)
{
    const int width = x.width;
    char name[64];
    snprintf(name, sizeof name, "%s.fc1", module);
    x = hesse_build_linear(
        b, x, hesse_affine_uniform(width, inner, true, HESSE_ROLE_UP), name);
    x = hesse_build_activation(b, x);
    snprintf(name, sizeof name, "%s.fc2", module);
    return hesse_build_linear(
        b, x, hesse_affine_uniform(inner, width, true, HESSE_ROLE_DOWN), name);
}

static void build(hesse_builder *b)
{
    const hesse_arch *a = b->arch;
    hesse_stream x = hesse_build_patches(
        b,
        hesse_affine_uniform(a->data.inputs * a->image.patch * a->image.patch, a->width,
                             true, HESSE_ROLE_EMBEDDING),
        "stem.proj");
    for (int l = 0; l < a->layers; l++) {
        char module[48];
        snprintf(module, sizeof module, "blocks.%d.", l);
        b->module = module, b->layer = l;
        hesse_stream y = hesse_build_transpose(b, hesse_build_layernorm(b, x, "norm1"));
        y = hesse_build_transpose(b, mixing(b, y, a->image.token_inner, "mlp_tokens"));
        x = hesse_build_sum(b, x, y);
        y = mixing(b, hesse_build_layernorm(b, x, "norm2"), a->inner, "mlp_channels");
        x = hesse_build_sum(b, x, y);
    }
    b->module = "", b->layer = -1;
    x = hesse_build_mean_pool(b, hesse_build_layernorm(b, x, "norm"), HESSE_IDS_NONE);
    x = hesse_build_linear(
        b, x, hesse_affine_uniform(a->width, a->data.outputs, true, HESSE_ROLE_HEAD),
        "head");
    hesse_build_loss(b, x);
}

static hesse_status check(const hesse_arch *a, hesse_why *why)
{
    const hesse_size_limit own[] = {{"layers", a->layers, HESSE_CONFIG_LAYERS},
                                    {"width", a->width, 0},
                                    {"inner", a->inner, 0},
                                    {"patch", a->image.patch, 0},
                                    {"token_inner", a->image.token_inner, 0}};
    const hesse_status s = hesse_check_sizes(sizeof own / sizeof *own, own, why);
    return s ? s : hesse_check_patches(a, why);
}

static const hesse_owned_key keys[] = {
    {"layers", "2"},   {"width", "32"},        {"inner", NULL},
    {"classes", NULL}, {"activation", "gelu"}, {"norm_eps", "1e-6"},
    {"patch", "4"},    {"token_inner", NULL},  {"loss", "cross_entropy"},
    {NULL, NULL}};

const hesse_family hesse_family_mixer = {
    .name = "mixer",
    .help = "MLP-Mixer: MLPs over tokens and over channels of the patches of an image.",
    .reads = HESSE_READS_IMAGES,
    .keys = keys,
    .check = check,
    .build = build,
};
