/* ViT and DeiT: patches of an image, a class token, norms before attention and MLP.
   DeiT has a distillation token as well.
   Source: Dosovitskiy et al., arXiv:2010.11929; Touvron et al., arXiv:2012.12877. Names
   and initial values as in Hugging Face's transformers; names also as in timm. */
#include "network/families/encoder.h"
#include "network/families/family.h"
#include "network/families/grid.h"

#include <stdio.h>
#include <string.h>

enum { USUAL, BARE, TIMM };

/* Names of tensors, behind the family's prefix except for the heads. */
typedef struct vit_names {
    const char *patches, *class_token, *distillation_token, *positions, *layers;
    const char *before_attention, *attention, *output, *before_mlp, *up, *down, *norm;
    const char *head, *first_head, *second_head; /* first and second: of two heads */
} vit_names;

static const vit_names hugging_face = {"embeddings.patch_embeddings.projection",
                                       "embeddings.cls_token",
                                       "embeddings.distillation_token",
                                       "embeddings.position_embeddings",
                                       "encoder.layer.",
                                       "layernorm_before",
                                       "attention.attention",
                                       "attention.output.dense",
                                       "layernorm_after",
                                       "intermediate.dense",
                                       "output.dense",
                                       "layernorm",
                                       "classifier",
                                       "cls_classifier",
                                       "distillation_classifier"};

static const vit_names timm = {"patch_embed.proj",
                               "cls_token",
                               "dist_token",
                               "pos_embed",
                               "blocks.",
                               "norm1",
                               "attn.qkv",
                               "attn.proj",
                               "norm2",
                               "mlp.fc1",
                               "mlp.fc2",
                               "norm",
                               "head",
                               "head",
                               "head_dist"};

static const vit_names *names_of(const hesse_arch *a)
{
    return a->layout.names == TIMM ? &timm : &hugging_face;
}

static const char *prefix_of(const hesse_arch *a)
{
    return a->layout.names != USUAL ? "" : a->image.distillation ? "deit." : "vit.";
}

static hesse_stream tokens(hesse_builder *b, const vit_names *n)
{
    const hesse_arch *a = b->arch;
    hesse_stream x = hesse_build_patches(
        b, hesse_encoder_map(a->width, true, HESSE_ROLE_EMBEDDING), n->patches);
    const int rows = x.rows, cols = x.cols, first = x.tokens;
    if (a->image.distillation) x = hesse_build_class_token(b, x, n->distillation_token);
    if (!a->mean_pooling) x = hesse_build_class_token(b, x, n->class_token);
    if (!a->image.grid || (a->image.grid == rows && a->image.grid == cols))
        return hesse_build_positions(b, x, n->positions);
    const hesse_grid grid = {a->image.grid, x.tokens - first, rows, cols};
    return hesse_build_mapped_positions(b, x, hesse_grid_map(b->graph, &grid),
                                        hesse_grid_stored(&grid), n->positions);
}

static hesse_stream layer(hesse_builder *b, const vit_names *n, hesse_stream x)
{
    const hesse_affine output = hesse_encoder_map(x.width, true, HESSE_ROLE_OUTPUT);
    hesse_stream y = hesse_build_layernorm(b, x, n->before_attention);
    y = n == &timm ? hesse_encoder_fused_attention(b, y, n->attention)
                   : hesse_encoder_attention(b, y, n->attention);
    x = hesse_build_sum(b, x, hesse_build_linear(b, y, output, n->output));
    y = hesse_build_layernorm(b, x, n->before_mlp);
    return hesse_build_sum(b, x, hesse_encoder_two_maps(b, y, n->up, n->down));
}

static hesse_stream logits(hesse_builder *b, hesse_stream x, int token,
                           const char *name)
{
    const hesse_arch *a = b->arch;
    x = a->mean_pooling ? hesse_build_mean_pool(b, x, HESSE_IDS_NONE)
                        : hesse_build_select(b, x, token);
    return hesse_build_linear(
        b, x, hesse_encoder_map(a->data.outputs, true, HESSE_ROLE_HEAD), name);
}

static void build(hesse_builder *b)
{
    const hesse_arch *a = b->arch;
    const vit_names *n = names_of(a);
    b->module = prefix_of(a);
    hesse_stream x = tokens(b, n);
    for (int l = 0; l < a->layers; l++) {
        char module[48];
        snprintf(module, sizeof module, "%s%s%d.", prefix_of(a), n->layers, l);
        b->module = module, b->layer = l;
        x = layer(b, n, x);
    }
    b->module = prefix_of(a), b->layer = -1;
    x = hesse_build_layernorm(b, x, n->norm);
    b->module = "";
    if (a->image.distillation == HESSE_DISTILLATION_HEADS) {
        const hesse_stream first = logits(b, x, 0, n->first_head);
        x = hesse_build_sum(b, first, logits(b, x, 1, n->second_head));
        hesse_build_loss(b, hesse_build_scale(b, x, 0.5));
    } else
        hesse_build_loss(b, logits(b, x, 0, n->head));
}

/* Only the list of architectures tells whether DeiT has a second head. */
static hesse_distillation distillation(hesse_config *c)
{
    const json_t *list = hesse_config_value(c, "architectures");
    const char *model = json_string_value(json_array_get(list, 0));
    if (strcmp(hesse_config_string(c, "model_type", "vit"), "deit") != 0)
        return HESSE_DISTILLATION_NONE;
    return model && strstr(model, "WithTeacher") ? HESSE_DISTILLATION_HEADS
                                                 : HESSE_DISTILLATION_TOKEN;
}

/* Sizes of images are those of the data. */
static void read_config(hesse_config *c, hesse_arch *a)
{
    if (hesse_config_value(c, "architecture"))
        hesse_config_refuse(c, "architecture",
                            "no such key: the config.json of timm has no sizes, which "
                            "are stated instead");
    hesse_config_encoder(c, a);
    a->image.patch = hesse_config_integer(c, "patch_size", HESSE_CONFIG_LAYERS, 16);
    a->attention_bias = hesse_config_truth(c, "qkv_bias", true);
    a->image.distillation = distillation(c);
}

static hesse_status check(const hesse_arch *a, hesse_why *why)
{
    hesse_status s = hesse_check_transformer(a, why);
    if (!s) s = hesse_check_heads(a, why);
    if (!s && a->mean_pooling && a->image.distillation)
        return hesse_fail(why, HESSE_E_JOB,
                          "model: a distillation token and the mean of all tokens, "
                          "expected one of them");
    if (!s && a->image.grid)
        s = hesse_check_sizes(1,
                              &(hesse_size_limit){"grid of the position table",
                                                  a->image.grid, HESSE_CONFIG_LAYERS},
                              why);
    return s ? s : hesse_check_patches(a, why);
}

static bool has_inside(const hesse_safetensors *file, const hesse_arch *arch,
                       const char *name)
{
    char full[HESSE_NAME];
    snprintf(full, sizeof full, "%s%s", prefix_of(arch), name);
    return hesse_layout_has(file, full);
}

/* A model of the library without a head has no prefix. timm's models have other names.
   A checkpoint tells more of distillation than a job that does not mention it. */
static hesse_status probe(const hesse_safetensors *file, const char *path,
                          hesse_arch *arch, hesse_why *why)
{
    (void)path, (void)why;
    const bool timm_names = hesse_layout_has(file, "patch_embed.proj.weight");
    const bool usual = hesse_layout_has(file, "vit.embeddings.position_embeddings") ||
                       hesse_layout_has(file, "deit.embeddings.position_embeddings");
    const bool bare = !usual && hesse_layout_has(file, hugging_face.positions);
    arch->layout.names = timm_names ? TIMM : bare ? BARE : USUAL;
    if (timm_names && !(arch->norm_eps > 0)) arch->norm_eps = 1e-6; /* as in timm */
    const vit_names *n = names_of(arch);
    if (arch->image.distillation == HESSE_DISTILLATION_NONE) {
        arch->image.distillation = HESSE_DISTILLATION_TOKEN; /* for the prefix */
        char second[HESSE_NAME];
        snprintf(second, sizeof second, "%s.weight", n->second_head);
        arch->image.distillation =
            !has_inside(file, arch, n->distillation_token) ? HESSE_DISTILLATION_NONE
            : hesse_layout_has(file, second)               ? HESSE_DISTILLATION_HEADS
                                                           : HESSE_DISTILLATION_TOKEN;
    }
    if (arch->layout.names == TIMM && !hesse_layout_has(file, "blocks.0.attn.qkv.bias"))
        arch->attention_bias = false;
    return HESSE_OK;
}

static hesse_extra extra(const hesse_arch *arch, const char *name)
{
    const char *prefix = prefix_of(arch);
    const bool pooler = strncmp(name, prefix, strlen(prefix)) == 0 &&
                        strncmp(name + strlen(prefix), "pooler.", 7) == 0;
    return pooler ? HESSE_EXTRA_UNKNOWN : HESSE_EXTRA_PARAMETER;
}

static const hesse_owned_key keys[] = {{"config", NULL},      {"layers", "2"},
                                       {"heads", "2"},        {"head_size", NULL},
                                       {"width", "32"},       {"inner", NULL},
                                       {"classes", NULL},     {"activation", "gelu"},
                                       {"norm_eps", NULL},    {"bias", "true"},
                                       {"temperature", NULL}, {"attention", "full"},
                                       {"kernel", "softmax"}, {"patch", "4"},
                                       {"grid", NULL},        {"distillation", "none"},
                                       {"pooling", "first"},  {"loss", "cross_entropy"},
                                       {NULL, NULL}};
static const char *const types[] = {"vit", "deit", NULL};

const hesse_family hesse_family_vit = {
    .name = "vit",
    .help = "Vision transformer (ViT, DeiT): an encoder of the patches of an image.",
    .reads = HESSE_READS_IMAGES,
    .whole_heads = true,
    .norm_eps = 1e-12,
    .keys = keys,
    .check = check,
    .build = build,
    .config_types = types,
    .read_config = read_config,
    .extra = extra,
    .probe = probe,
};
