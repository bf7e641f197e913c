/* GPT-2: learned positions, norms before attention and MLP, one fused tensor for query, key
   and value.
   Source: Radford et al., Language Models are Unsupervised Multitask Learners (2019).
   Names as in Hugging Face's transformers; nanoGPT stores matrices [out, in]. */
#include "network/families/families.h"

#include <math.h>
#include <stdio.h>

static hesse_affine matrix(const hesse_builder *b, int out, bool bias, hesse_role role)
{
    const bool residual = role == HESSE_ROLE_OUTPUT || role == HESSE_ROLE_DOWN;
    const double spread = residual ? 0.02 / sqrt(2.0 * b->arch->layers) : 0.02;
    return (hesse_affine){.out = out,
                          .bias = bias,
                          .in_first = !b->arch->layout.out_first,
                          .role = role,
                          .init = {.spread = spread}};
}

static hesse_stream attention(hesse_builder *b, hesse_stream x)
{
    static const struct {
        const char *slice;
        hesse_role role;
    } slices[] = {{".query", HESSE_ROLE_QUERY},
                  {".key", HESSE_ROLE_KEY},
                  {".value", HESSE_ROLE_VALUE}};
    const hesse_arch *a = b->arch;
    const hesse_attention *t = &a->attention;
    const double root = t->temperature > 0 ? t->temperature : sqrt(t->size);
    hesse_stream y[3];
    for (int i = 0; i < 3; i++) {
        hesse_affine map =
            matrix(b, t->heads * t->size, a->attention_bias, slices[i].role);
        map.slice = slices[i].slice, map.part = i, map.parts = 3;
        y[i] = hesse_build_linear(b, x, map, "attn.c_attn");
    }
    const double scale = 1 / (root * (t->by_layer ? b->layer + 1 : 1));
    x = hesse_build_mix(b, hesse_build_weights(b, y[0], y[1], scale), y[2]);
    return hesse_build_linear(
        b, x, matrix(b, a->width, a->attention_bias, HESSE_ROLE_OUTPUT), "attn.c_proj");
}

static hesse_stream mlp(hesse_builder *b, hesse_stream x)
{
    const hesse_arch *a = b->arch;
    x = hesse_build_linear(b, x, matrix(b, a->inner, a->mlp_bias, HESSE_ROLE_UP),
                           "mlp.c_fc");
    x = hesse_build_activation(b, x);
    return hesse_build_linear(b, x, matrix(b, a->width, a->mlp_bias, HESSE_ROLE_DOWN),
                              "mlp.c_proj");
}

void hesse_build_gpt2(hesse_builder *b)
{
    const hesse_arch *a = b->arch;
    char outside[HESSE_NAME], module[HESSE_NAME];
    int table, positions;
    snprintf(outside, sizeof outside, "%s", a->layout.prefix);
    const bool as_head = a->tied && a->layout.tied_as_head;
    b->module = as_head ? "" : outside;
    hesse_stream x = hesse_build_embedding(b, as_head ? "lm_head.weight" : "wte.weight",
                                           a->vocabulary, HESSE_ROLE_EMBEDDING,
                                           HESSE_IDS_TOKENS, &table);
    b->module = outside;
    x = hesse_build_join(b, &hesse_op_sum, x,
                         hesse_build_embedding(b, "wpe.weight", a->positions,
                                               HESSE_ROLE_POSITION, HESSE_IDS_POSITIONS,
                                               &positions));
    for (int l = 0; l < a->layers; l++) {
        snprintf(module, sizeof module, "%.100sh.%d.", outside, l);
        b->module = module, b->layer = l;
        hesse_stream y = hesse_build_layernorm(b, x, a->mlp_bias, "ln_1");
        x = hesse_build_join(b, &hesse_op_sum, x, attention(b, y));
        y = hesse_build_layernorm(b, x, a->mlp_bias, "ln_2");
        x = hesse_build_join(b, &hesse_op_sum, x, mlp(b, y));
    }
    b->module = outside, b->layer = -1;
    x = hesse_build_layernorm(b, x, a->mlp_bias, "ln_f");
    hesse_build_loss(b, hesse_build_head(b, x, table));
}
