/* Embeddings and their norm; layers of attention and MLP, with a norm after each sum or
   before attention and MLP; and a head for the task. */
#include "network/families/text_encoder.h"

#include "files/file.h"
#include "network/families/encoder.h"
#include "network/layout.h"

#include <stdio.h>
#include <string.h>

static hesse_stream embeddings(hesse_builder *b, const hesse_encoder_names *n,
                               int *words)
{
    const hesse_arch *a = b->arch;
    const int first = a->decoder.first_position;
    int table;
    const hesse_lookup lookups[] = {
        {n->words, a->vocabulary, a->width, 0, HESSE_ROLE_EMBEDDING, HESSE_IDS_TOKENS,
         0},
        {n->positions, a->positions + first, a->width, first, HESSE_ROLE_POSITION,
         HESSE_IDS_POSITIONS, 0},
        {n->types, a->types, a->width, 0, HESSE_ROLE_POSITION, HESSE_IDS_TYPES, 0}};
    hesse_stream x = hesse_build_embedding(b, lookups[0], words);
    for (int i = 1; i < (n->types ? 3 : 2); i++)
        x = hesse_build_sum(b, x, hesse_build_embedding(b, lookups[i], &table));
    return hesse_build_layernorm(b, x, n->norm);
}

static hesse_stream attention(hesse_builder *b, const hesse_encoder_names *n,
                              hesse_stream x)
{
    x = hesse_encoder_heads(b, x, (const char *const[]){n->query, n->key, n->value});
    return hesse_build_linear(
        b, x, hesse_encoder_map(b->arch->width, true, HESSE_ROLE_OUTPUT), n->output);
}

static hesse_stream layer(hesse_builder *b, const hesse_encoder_names *n,
                          hesse_stream x)
{
    x = hesse_build_layernorm(b, hesse_build_sum(b, x, attention(b, n, x)),
                              n->after_attention);
    const hesse_stream y = hesse_encoder_two_maps(b, x, n->up, n->down);
    return hesse_build_layernorm(b, hesse_build_sum(b, x, y), n->after_mlp);
}

static hesse_stream
layer_with_norms_before(hesse_builder *b, const hesse_encoder_names *n, hesse_stream x)
{
    hesse_stream y = hesse_build_layernorm(b, x, n->before_attention);
    x = hesse_build_sum(b, x, attention(b, n, y));
    y = hesse_build_layernorm(b, x, n->before_mlp);
    return hesse_build_sum(b, x, hesse_encoder_two_maps(b, y, n->up, n->down));
}

static hesse_stream activated(hesse_builder *b, hesse_stream x, hesse_activation kind)
{
    if (kind == HESSE_ACT_NONE) return hesse_build_activation(b, x);
    return hesse_build_apply(b, hesse_activation_op(kind), (hesse_dims){0}, x);
}

/* Masked tokens are predicted with the embedding that read the tokens. */
static hesse_stream masked_head(hesse_builder *b, const hesse_encoder_names *n,
                                hesse_stream x, int words)
{
    const hesse_arch *a = b->arch;
    b->module = "";
    x = hesse_build_linear(b, x, hesse_encoder_map(a->width, true, HESSE_ROLE_HEAD),
                           n->masked_dense);
    x = activated(b, x, n->masked);
    x = hesse_build_layernorm(b, x, n->masked_norm);
    return hesse_build_tied(b, x, words, a->vocabulary, n->masked_bias);
}

static hesse_stream class_head(hesse_builder *b, const hesse_encoder_names *n,
                               hesse_stream x, const char *prefix)
{
    const hesse_arch *a = b->arch;
    const bool sequences = a->task == HESSE_TASK_CLASSIFY;
    const hesse_affine dense = hesse_encoder_map(a->width, true, HESSE_ROLE_HEAD);
    if (sequences) {
        x = a->mean_pooling ? hesse_build_mean_pool(b, x, HESSE_IDS_VISIBLE)
                            : hesse_build_select(b, x, 0);
        b->module = n->pooler ? prefix : "";
        x = hesse_build_linear(b, x, dense, n->pooler ? n->pooler : n->dense);
        x = activated(b, x, n->between);
    }
    b->module = "";
    return hesse_build_linear(b, x,
                              hesse_encoder_map(a->data.outputs, true, HESSE_ROLE_HEAD),
                              sequences ? n->classifier : "classifier");
}

void hesse_text_encoder_build(hesse_builder *b)
{
    const hesse_arch *a = b->arch;
    const hesse_encoder_names *n = hesse_family_of(a)->encoder;
    const bool before = a->norm_place == HESSE_NORM_PLACE_BEFORE;
    char prefix[HESSE_NAME], module[HESSE_NAME];
    int words;
    snprintf(prefix, sizeof prefix, "%s", a->layout.names ? "" : n->prefix);
    b->module = prefix;
    hesse_stream x = embeddings(b, n, &words);
    for (int l = 0; l < a->layers; l++) {
        snprintf(module, sizeof module, "%.60s%.60s%d.", prefix, n->layers, l);
        b->module = module, b->layer = l;
        x = before ? layer_with_norms_before(b, n, x) : layer(b, n, x);
    }
    b->module = prefix, b->layer = -1;
    if (before) x = hesse_build_layernorm(b, x, n->last);
    hesse_build_loss(b, a->task == HESSE_TASK_MASKED ? masked_head(b, n, x, words)
                                                     : class_head(b, n, x, prefix));
}

hesse_status hesse_text_encoder_check(const hesse_arch *a, hesse_why *why)
{
    const hesse_size_limit own[] = {{"vocabulary", a->vocabulary, 0},
                                    {"positions", a->positions, 0}};
    hesse_status s = hesse_check_transformer(a, why);
    if (!s) s = hesse_check_sizes(sizeof own / sizeof *own, own, why);
    return s ? s : hesse_check_heads(a, why);
}

hesse_status hesse_text_encoder_probe(const hesse_safetensors *file, const char *path,
                                      hesse_arch *arch, hesse_why *why)
{
    const hesse_encoder_names *n = hesse_family_of(arch)->encoder;
    (void)path, (void)why;
    char whole[HESSE_NAME];
    snprintf(whole, sizeof whole, "%.40s%.100s", n->prefix, n->words);
    arch->layout.names =
        !hesse_layout_has(file, whole) && hesse_layout_has(file, n->words);
    return HESSE_OK;
}

static bool begins(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

hesse_extra hesse_text_encoder_extra(const hesse_arch *a, const char *name)
{
    const hesse_encoder_names *n = hesse_family_of(a)->encoder;
    const bool masked = a->task == HESSE_TASK_MASKED;
    const char *prefix = a->layout.names ? "" : n->prefix;
    const bool copy = begins(name, n->masked_copy);
    if (masked && copy)
        return hesse_file_ends_with(name, ".weight") ? HESSE_EXTRA_HEAD
                                                     : HESSE_EXTRA_UNKNOWN;
    if (!begins(name, prefix)) return HESSE_EXTRA_UNKNOWN;
    const bool pools = n->pooler && a->task == HESSE_TASK_CLASSIFY;
    return !pools && begins(name + strlen(prefix), "pooler.") ? HESSE_EXTRA_UNKNOWN
                                                              : HESSE_EXTRA_PARAMETER;
}
