/* Encoders: every token sees all others.
   Sources: Dosovitskiy et al., arXiv:2010.11929, ViT; Devlin et al., arXiv:1810.04805, BERT;
   Tolstikhin et al., arXiv:2105.01601, MLP-Mixer. Names and initial values as in Hugging
   Face's transformers; those of the mixer as in timm, its initial values as PyTorch's. */
#include "network/families/families.h"

#include <math.h>
#include <stdio.h>

static hesse_affine normal(int out, bool bias, hesse_role role)
{
    return (hesse_affine){
        .out = out, .bias = bias, .role = role, .init = {.spread = 0.02}};
}

static hesse_affine uniform(int in, int out, hesse_role role)
{
    const hesse_init init = {.spread = 1 / sqrt(in), .uniform = true};
    return (hesse_affine){
        .out = out, .bias = true, .role = role, .init = init, .bias_init = init};
}

static hesse_stream sum(hesse_builder *b, hesse_stream x, hesse_stream y)
{
    return hesse_build_join(b, &hesse_op_sum, x, y);
}

/* Patches of an image, side by side, as one token each. */
static hesse_stream patches(hesse_builder *b, hesse_affine map, const char *name)
{
    const int patch = b->arch->image.patch;
    return hesse_build_conv(b, hesse_build_numbers(b), (hesse_view){patch, patch, 0},
                            map, name);
}

/* Query, key and value of a module, and what comes of them. */
static hesse_stream attention(hesse_builder *b, hesse_stream x, const char *module)
{
    const hesse_attention *a = &b->arch->attention;
    const bool bias = b->arch->attention_bias;
    const double root = a->temperature > 0 ? a->temperature : sqrt(a->size);
    static const struct {
        const char *name;
        hesse_role role;
    } parts[] = {{"query", HESSE_ROLE_QUERY},
                 {"key", HESSE_ROLE_KEY},
                 {"value", HESSE_ROLE_VALUE}};
    hesse_stream y[3];
    char name[64];
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s.%s", module, parts[i].name);
        y[i] = hesse_build_linear(b, x, normal(a->heads * a->size, bias, parts[i].role),
                                  name);
    }
    return hesse_build_mix(b, hesse_build_weights(b, y[0], y[1], 1 / root), y[2]);
}

static hesse_stream mlp(hesse_builder *b, hesse_stream x)
{
    const hesse_arch *a = b->arch;
    const int width = x.width;
    x = hesse_build_linear(b, x, normal(a->inner, true, HESSE_ROLE_UP),
                           "intermediate.dense");
    x = hesse_build_activation(b, x);
    return hesse_build_linear(b, x, normal(width, true, HESSE_ROLE_DOWN),
                              "output.dense");
}

void hesse_build_vit(hesse_builder *b)
{
    const hesse_arch *a = b->arch;
    b->module = "vit.embeddings.";
    hesse_stream x = patches(b, normal(a->width, true, HESSE_ROLE_EMBEDDING),
                             "patch_embeddings.projection");
    x = hesse_build_class_token(b, x, "cls_token");
    x = hesse_build_positions(b, x, "position_embeddings");
    for (int l = 0; l < a->layers; l++) {
        char module[48];
        snprintf(module, sizeof module, "vit.encoder.layer.%d.", l);
        b->module = module, b->layer = l;
        hesse_stream y = hesse_build_layernorm(b, x, true, "layernorm_before");
        y = attention(b, y, "attention.attention");
        y = hesse_build_linear(b, y, normal(a->width, true, HESSE_ROLE_OUTPUT),
                               "attention.output.dense");
        x = sum(b, x, y);
        x = sum(b, x, mlp(b, hesse_build_layernorm(b, x, true, "layernorm_after")));
    }
    b->module = "", b->layer = -1;
    x = hesse_build_layernorm(b, x, true, "vit.layernorm");
    x = hesse_build_select(b, x, 0);
    x = hesse_build_linear(b, x, normal(a->data.outputs, true, HESSE_ROLE_HEAD),
                           "classifier");
    hesse_build_loss(b, x);
}

static hesse_stream bert_layers(hesse_builder *b, int *words)
{
    const hesse_arch *a = b->arch;
    int table;
    b->module = "bert.embeddings.";
    hesse_stream x =
        hesse_build_embedding(b, "word_embeddings.weight", a->vocabulary,
                              HESSE_ROLE_EMBEDDING, HESSE_IDS_TOKENS, words);
    x = sum(b, x,
            hesse_build_embedding(b, "position_embeddings.weight", a->positions,
                                  HESSE_ROLE_POSITION, HESSE_IDS_POSITIONS, &table));
    x = sum(b, x,
            hesse_build_embedding(b, "token_type_embeddings.weight", a->types,
                                  HESSE_ROLE_POSITION, HESSE_IDS_ZEROS, &table));
    x = hesse_build_layernorm(b, x, true, "LayerNorm");
    for (int l = 0; l < a->layers; l++) {
        char module[48];
        snprintf(module, sizeof module, "bert.encoder.layer.%d.", l);
        b->module = module, b->layer = l;
        hesse_stream y = attention(b, x, "attention.self");
        y = hesse_build_linear(b, y, normal(a->width, true, HESSE_ROLE_OUTPUT),
                               "attention.output.dense");
        x = hesse_build_layernorm(b, sum(b, x, y), true, "attention.output.LayerNorm");
        x = hesse_build_layernorm(b, sum(b, x, mlp(b, x)), true, "output.LayerNorm");
    }
    b->module = "", b->layer = -1;
    return x;
}

/* The words hidden are found again with the embedding that read them. */
static hesse_stream masked_head(hesse_builder *b, hesse_stream x, int words)
{
    const hesse_arch *a = b->arch;
    x = hesse_build_linear(b, x, normal(a->width, true, HESSE_ROLE_HEAD),
                           "cls.predictions.transform.dense");
    x = hesse_build_activation(b, x);
    x = hesse_build_layernorm(b, x, true, "cls.predictions.transform.LayerNorm");
    return hesse_build_tied(b, x, words, a->vocabulary, "cls.predictions.bias");
}

static hesse_stream class_head(hesse_builder *b, hesse_stream x)
{
    const hesse_arch *a = b->arch;
    x = hesse_build_select(b, x, 0);
    x = hesse_build_linear(b, x, normal(a->width, true, HESSE_ROLE_HEAD),
                           "bert.pooler.dense");
    x = hesse_build_apply(b, &hesse_op_tanh, (hesse_dims){0}, x);
    return hesse_build_linear(b, x, normal(a->data.outputs, true, HESSE_ROLE_HEAD),
                              "classifier");
}

void hesse_build_bert(hesse_builder *b)
{
    int words;
    const hesse_stream x = bert_layers(b, &words);
    hesse_build_loss(b, b->arch->masked ? masked_head(b, x, words) : class_head(b, x));
}

/* Two layers of neurons over the channels of a token, or, transposed, over the tokens of a
   channel. */
static hesse_stream mixing(hesse_builder *b, hesse_stream x, int inner,
                           const char *module)
{
    const int width = x.width;
    char name[64];
    snprintf(name, sizeof name, "%s.fc1", module);
    x = hesse_build_linear(b, x, uniform(width, inner, HESSE_ROLE_UP), name);
    x = hesse_build_activation(b, x);
    snprintf(name, sizeof name, "%s.fc2", module);
    return hesse_build_linear(b, x, uniform(inner, width, HESSE_ROLE_DOWN), name);
}

void hesse_build_mixer(hesse_builder *b)
{
    const hesse_arch *a = b->arch;
    hesse_stream x = patches(b,
                             uniform(a->data.inputs * a->image.patch * a->image.patch,
                                     a->width, HESSE_ROLE_EMBEDDING),
                             "stem.proj");
    for (int l = 0; l < a->layers; l++) {
        char module[48];
        snprintf(module, sizeof module, "blocks.%d.", l);
        b->module = module, b->layer = l;
        hesse_stream y =
            hesse_build_transpose(b, hesse_build_layernorm(b, x, true, "norm1"));
        y = hesse_build_transpose(b, mixing(b, y, a->image.token_inner, "mlp_tokens"));
        x = sum(b, x, y);
        y = mixing(b, hesse_build_layernorm(b, x, true, "norm2"), a->inner,
                   "mlp_channels");
        x = sum(b, x, y);
    }
    b->module = "", b->layer = -1;
    x = hesse_build_mean_pool(b, hesse_build_layernorm(b, x, true, "norm"));
    x = hesse_build_linear(b, x, uniform(a->width, a->data.outputs, HESSE_ROLE_HEAD),
                           "head");
    hesse_build_loss(b, x);
}
