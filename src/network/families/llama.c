/* Llama: rotary positions, root mean square norms, gated MLP, key and value heads that
   query heads share.
   Sources: Touvron et al., arXiv:2302.13971; Ainslie et al., arXiv:2305.13245. Names as in
   Hugging Face's transformers. */
#include "network/families/families.h"

#include <math.h>
#include <stdio.h>

static hesse_affine matrix(const hesse_builder *b, int out, bool bias, hesse_role role)
{
    const bool residual = role == HESSE_ROLE_OUTPUT || role == HESSE_ROLE_DOWN;
    const double spread = residual ? 0.02 / sqrt(2.0 * b->arch->layers) : 0.02;
    return (hesse_affine){
        .out = out, .bias = bias, .role = role, .init = {.spread = spread}};
}

static hesse_stream turned(hesse_builder *b, hesse_stream x, int heads)
{
    const hesse_dims d = {.h = heads, .a = b->arch->attention.rope_theta};
    return hesse_build_apply(b, &hesse_op_rotary, d, x);
}

static hesse_stream attention(hesse_builder *b, hesse_stream x)
{
    const hesse_arch *a = b->arch;
    const hesse_attention *t = &a->attention;
    const bool bias = a->attention_bias;
    const double root = t->temperature > 0 ? t->temperature : sqrt(t->size);
    const int all = t->heads * t->size, shared = t->kv_heads * t->size;
    hesse_stream q = hesse_build_linear(b, x, matrix(b, all, bias, HESSE_ROLE_QUERY),
                                        "self_attn.q_proj");
    hesse_stream k = hesse_build_linear(b, x, matrix(b, shared, bias, HESSE_ROLE_KEY),
                                        "self_attn.k_proj");
    const hesse_stream v = hesse_build_linear(
        b, x, matrix(b, shared, bias, HESSE_ROLE_VALUE), "self_attn.v_proj");
    q = turned(b, q, t->heads);
    k = turned(b, k, t->kv_heads);
    const double scale = 1 / (root * (t->by_layer ? b->layer + 1 : 1));
    x = hesse_build_mix(b, hesse_build_weights(b, q, k, scale), v);
    return hesse_build_linear(b, x, matrix(b, a->width, bias, HESSE_ROLE_OUTPUT),
                              "self_attn.o_proj");
}

static hesse_stream mlp(hesse_builder *b, hesse_stream x)
{
    const hesse_arch *a = b->arch;
    const bool bias = a->mlp_bias;
    hesse_stream y = hesse_build_linear(
        b, x, matrix(b, a->inner, bias, HESSE_ROLE_GATE), "mlp.gate_proj");
    y = hesse_build_activation(b, y);
    y = hesse_build_join(b, &hesse_op_product, y,
                         hesse_build_linear(b, x,
                                            matrix(b, a->inner, bias, HESSE_ROLE_UP),
                                            "mlp.up_proj"));
    return hesse_build_linear(b, y, matrix(b, a->width, bias, HESSE_ROLE_DOWN),
                              "mlp.down_proj");
}

void hesse_build_llama(hesse_builder *b)
{
    const hesse_arch *a = b->arch;
    char outside[HESSE_NAME], module[HESSE_NAME];
    int table;
    snprintf(outside, sizeof outside, "%s", a->layout.prefix);
    const bool as_head = a->tied && a->layout.tied_as_head;
    b->module = as_head ? "" : outside;
    hesse_stream x = hesse_build_embedding(
        b, as_head ? "lm_head.weight" : "embed_tokens.weight", a->vocabulary,
        HESSE_ROLE_EMBEDDING, HESSE_IDS_TOKENS, &table);
    for (int l = 0; l < a->layers; l++) {
        snprintf(module, sizeof module, "%.100slayers.%d.", outside, l);
        b->module = module, b->layer = l;
        hesse_stream y = hesse_build_rmsnorm(b, x, "input_layernorm");
        x = hesse_build_join(b, &hesse_op_sum, x, attention(b, y));
        y = hesse_build_rmsnorm(b, x, "post_attention_layernorm");
        x = hesse_build_join(b, &hesse_op_sum, x, mlp(b, y));
    }
    b->module = outside, b->layer = -1;
    x = hesse_build_rmsnorm(b, x, "norm");
    hesse_build_loss(b, hesse_build_head(b, x, table));
}
