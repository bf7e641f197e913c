/** What BERT and ViT have in common, named as Hugging Face names it. */
#ifndef HESSE_NETWORK_FAMILIES_ENCODER_H
#define HESSE_NETWORK_FAMILIES_ENCODER_H

#include "network/build.h"

/** Local. A linear map with normal initial values of deviation 0.02. */
hesse_affine hesse_encoder_map(int out, bool bias, hesse_role role);

/** Local. Attention of a module: query, key, value and their mix, before the output
 * map. */
hesse_stream hesse_encoder_attention(hesse_builder *b, hesse_stream x,
                                     const char *module);

/** Local. The same, where query, key and value are one tensor, in this order. */
hesse_stream hesse_encoder_fused_attention(hesse_builder *b, hesse_stream x,
                                           const char *name);

/** Local. The two linear maps after it, by their names. */
hesse_stream hesse_encoder_two_maps(hesse_builder *b, hesse_stream x, const char *up,
                                    const char *down);

/** Local. The two linear maps named "intermediate.dense" and "output.dense". */
hesse_stream hesse_encoder_mlp(hesse_builder *b, hesse_stream x);

#endif /* HESSE_NETWORK_FAMILIES_ENCODER_H */
