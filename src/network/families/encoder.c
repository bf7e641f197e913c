/* Every token attends to all others. */
#include "network/families/encoder.h"

#include <math.h>
#include <stdio.h>

hesse_affine hesse_encoder_map(int out, bool bias, hesse_role role)
{
    return (hesse_affine){
        .out = out, .bias = bias, .role = role, .init = {.spread = 0.02}};
}

/* Query, key and value have names of their own behind the module's, or they are slices
   of one tensor with its name. */
static hesse_stream attention(hesse_builder *b, hesse_stream x, const char *module,
                              bool fused)
{
    const hesse_attention *a = &b->arch->attention;
    const int out = a->heads * a->size;
    const double root = a->temperature > 0 ? a->temperature : sqrt(a->size);
    static const struct {
        const char *name;
        hesse_role role;
    } parts[] = {{".query", HESSE_ROLE_QUERY},
                 {".key", HESSE_ROLE_KEY},
                 {".value", HESSE_ROLE_VALUE}};
    hesse_stream y[3];
    char name[64];
    for (int i = 0; i < 3; i++) {
        hesse_affine map =
            hesse_encoder_map(out, b->arch->attention_bias, parts[i].role);
        if (fused) map.slice = (hesse_slice){parts[i].name, i * out, 3 * out, 1};
        snprintf(name, sizeof name, "%s%s", module, fused ? "" : parts[i].name);
        y[i] = hesse_build_linear(b, x, map, name);
    }
    return hesse_build_mix(b, hesse_build_weights(b, y[0], y[1], 1 / root), y[2]);
}

hesse_stream hesse_encoder_attention(hesse_builder *b, hesse_stream x,
                                     const char *module)
{
    return attention(b, x, module, false);
}

hesse_stream hesse_encoder_fused_attention(hesse_builder *b, hesse_stream x,
                                           const char *name)
{
    return attention(b, x, name, true);
}

hesse_stream hesse_encoder_two_maps(hesse_builder *b, hesse_stream x, const char *up,
                                    const char *down)
{
    const hesse_arch *a = b->arch;
    const int width = x.width;
    x = hesse_build_linear(b, x, hesse_encoder_map(a->inner, true, HESSE_ROLE_UP), up);
    x = hesse_build_activation(b, x);
    return hesse_build_linear(b, x, hesse_encoder_map(width, true, HESSE_ROLE_DOWN),
                              down);
}

hesse_stream hesse_encoder_mlp(hesse_builder *b, hesse_stream x)
{
    return hesse_encoder_two_maps(b, x, "intermediate.dense", "output.dense");
}
