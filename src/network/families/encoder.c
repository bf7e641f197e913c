/* Every token attends to all others. */
#include "network/families/encoder.h"

#include <math.h>
#include <stdio.h>

hesse_affine hesse_encoder_map(int out, bool bias, hesse_role role)
{
    return (hesse_affine){
        .out = out, .bias = bias, .role = role, .init = {.spread = 0.02}};
}

/* Query, key and value of a module, and what comes of them. */
hesse_stream hesse_encoder_attention(hesse_builder *b, hesse_stream x,
                                     const char *module)
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
        y[i] = hesse_build_linear(
            b, x, hesse_encoder_map(a->heads * a->size, bias, parts[i].role), name);
    }
    return hesse_build_mix(b, hesse_build_weights(b, y[0], y[1], 1 / root), y[2]);
}

hesse_stream hesse_encoder_mlp(hesse_builder *b, hesse_stream x)
{
    const hesse_arch *a = b->arch;
    const int width = x.width;
    x = hesse_build_linear(b, x, hesse_encoder_map(a->inner, true, HESSE_ROLE_UP),
                           "intermediate.dense");
    x = hesse_build_activation(b, x);
    return hesse_build_linear(b, x, hesse_encoder_map(width, true, HESSE_ROLE_DOWN),
                              "output.dense");
}
