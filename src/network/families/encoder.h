/** Layers of encoders, in which every token attends to all others. */
#ifndef HESSE_NETWORK_FAMILIES_ENCODER_H
#define HESSE_NETWORK_FAMILIES_ENCODER_H

#include "network/build.h"

/** Local. Return a linear map with normal initial values (hesse_build_deviation). */
hesse_affine hesse_encoder_map(const hesse_builder *b, int out, bool bias,
                               hesse_role role);

/** Local. Append attention up to the mix of the values; the caller appends the output
 *  map. In hesse_encoder_heads query, key and value have these names; in
 *  hesse_encoder_attention the names MODULE.query, MODULE.key and MODULE.value; in
 *  hesse_encoder_fused_attention they are one tensor, in this order. */
hesse_stream hesse_encoder_heads(hesse_builder *b, hesse_stream x,
                                 const char *const names[3]);
hesse_stream hesse_encoder_attention(hesse_builder *b, hesse_stream x,
                                     const char *module);
hesse_stream hesse_encoder_fused_attention(hesse_builder *b, hesse_stream x,
                                           const char *name);

/** Local. Append an MLP: the linear map `up`, the activation and the linear map `down`.
 */
hesse_stream hesse_encoder_two_maps(hesse_builder *b, hesse_stream x, const char *up,
                                    const char *down);

#endif /* HESSE_NETWORK_FAMILIES_ENCODER_H */
