/* Source of the initial values: Radford et al., Language Models are Unsupervised
   Multitask Learners (2019), section 2.3. */
#include "network/families/decoder.h"

#include "network/layout.h"

#include <math.h>

hesse_affine hesse_decoder_map(const hesse_builder *b, int out, bool bias,
                               hesse_role role)
{
    const bool residual = role == HESSE_ROLE_OUTPUT || role == HESSE_ROLE_DOWN;
    const double spread = residual ? 0.02 / sqrt(2.0 * b->arch->layers) : 0.02;
    return (hesse_affine){
        .out = out, .bias = bias, .role = role, .init = {.spread = spread}};
}

hesse_stream hesse_decoder_embedding(hesse_builder *b, const char *name, int *table)
{
    const hesse_arch *a = b->arch;
    const bool as_head = a->tied && a->layout.tied_as_head;
    const char *module = b->module;
    if (as_head) b->module = "";
    const hesse_stream x =
        hesse_build_embedding(b, as_head ? "lm_head.weight" : name, a->vocabulary,
                              HESSE_ROLE_EMBEDDING, HESSE_IDS_TOKENS, table);
    b->module = module;
    return x;
}

double hesse_decoder_scale(const hesse_builder *b)
{
    const hesse_attention *t = &b->arch->attention;
    const double root = t->temperature > 0 ? t->temperature : sqrt(t->size);
    return 1 / (root * (t->by_layer ? b->layer + 1 : 1));
}

hesse_status hesse_decoder_check(const hesse_arch *a, hesse_why *why)
{
    const hesse_attention *t = &a->attention;
    const hesse_size_limit own[] = {{"vocabulary", a->vocabulary, 0},
                                    {"positions", a->positions, 0},
                                    {"kv_heads", t->kv_heads, 0}};
    hesse_status s = hesse_check_transformer(a, why);
    if (!s) s = hesse_check_sizes(sizeof own / sizeof *own, own, why);
    if (s || t->heads % t->kv_heads == 0) return s;
    return hesse_fail(why, HESSE_E_JOB,
                      "model: %d heads cannot share %d key and value heads", t->heads,
                      t->kv_heads);
}

hesse_status hesse_decoder_find_head(const hesse_safetensors *file, const char *path,
                                     hesse_arch *arch, hesse_why *why)
{
    const char *embedding = hesse_family_of(arch)->decoder->embedding;
    const char *wrapper = arch->layout.wrapper, *prefix = arch->layout.prefix;
    const bool stored = hesse_layout_head(file, arch);
    arch->layout.tied_as_head = false;
    if (!hesse_layout_tensor(file, arch, embedding)) {
        arch->layout.tied_as_head = arch->tied && stored;
        if (arch->tied && stored) return HESSE_OK;
        return hesse_fail(why, HESSE_E_INPUT, "%s: expected a tensor '%s%s%s'%s", path,
                          wrapper, prefix, embedding,
                          stored ? "; only the head is stored: is tie_word_embeddings: "
                                   "true meant?"
                                 : ", found neither it nor a head");
    }
    if (arch->tied || stored) return HESSE_OK;
    return hesse_fail(
        why, HESSE_E_INPUT,
        "%s: expected a tensor '%slm_head.weight', the embedding not being tied to the "
        "head: is tie_word_embeddings: true meant?",
        path, wrapper);
}
