/* Every token attends to all others. */
#include "network/families/encoder.h"

#include <math.h>
#include <stdio.h>

hesse_affine hesse_encoder_map(const hesse_builder *b, int out, bool bias,
                               hesse_role role)
{
    return (hesse_affine){.out = out,
                          .bias = bias,
                          .role = role,
                          .init = {.spread = hesse_build_deviation(b)}};
}

static const hesse_role roles[] = {HESSE_ROLE_QUERY, HESSE_ROLE_KEY, HESSE_ROLE_VALUE};
static const char *const ends[] = {".query", ".key", ".value"};

static hesse_stream mix(hesse_builder *b, const hesse_stream y[3])
{
    const hesse_attention *a = &b->arch->attention;
    const double root = a->temperature > 0 ? a->temperature : sqrt(a->size);
    return hesse_build_mix(b, hesse_build_weights(b, y[0], y[1], 1 / root), y[2]);
}

hesse_stream hesse_encoder_heads(hesse_builder *b, hesse_stream x,
                                 const char *const names[3])
{
    const hesse_arch *a = b->arch;
    const int out = a->attention.heads * a->attention.size;
    hesse_stream y[3];
    for (int i = 0; i < 3; i++)
        y[i] = hesse_build_linear(
            b, x, hesse_encoder_map(b, out, a->attention_bias, roles[i]), names[i]);
    return mix(b, y);
}

hesse_stream hesse_encoder_attention(hesse_builder *b, hesse_stream x,
                                     const char *module)
{
    char names[3][64];
    for (int i = 0; i < 3; i++)
        snprintf(names[i], sizeof names[i], "%.50s%s", module, ends[i]);
    return hesse_encoder_heads(b, x,
                               (const char *const[]){names[0], names[1], names[2]});
}

hesse_stream hesse_encoder_fused_attention(hesse_builder *b, hesse_stream x,
                                           const char *name)
{
    const hesse_arch *a = b->arch;
    const int out = a->attention.heads * a->attention.size;
    hesse_stream y[3];
    for (int i = 0; i < 3; i++) {
        hesse_affine map = hesse_encoder_map(b, out, a->attention_bias, roles[i]);
        map.slice = (hesse_slice){ends[i], i * out, 3 * out, 1};
        y[i] = hesse_build_linear(b, x, map, name);
    }
    return mix(b, y);
}

hesse_stream hesse_encoder_two_maps(hesse_builder *b, hesse_stream x, const char *up,
                                    const char *down)
{
    const hesse_arch *a = b->arch;
    const int width = x.width;
    x = hesse_build_linear(b, x, hesse_encoder_map(b, a->inner, true, HESSE_ROLE_UP),
                           up);
    x = hesse_build_activation(b, x);
    return hesse_build_linear(b, x, hesse_encoder_map(b, width, true, HESSE_ROLE_DOWN),
                              down);
}
