/** What decoders have in common: they predict the next token. */
#ifndef HESSE_NETWORK_FAMILIES_DECODER_H
#define HESSE_NETWORK_FAMILIES_DECODER_H

#include "network/families/family.h"

/** Local. A linear map with normal initial values: deviation 0.02, divided by
 *  sqrt(2 layers) where it writes to the residual stream (output, down). */
hesse_affine hesse_decoder_map(const hesse_builder *b, int out, bool bias,
                               hesse_role role);

/** Local. The token embedding, "lm_head.weight" where a tied one is stored as the head.
 */
hesse_stream hesse_decoder_embedding(hesse_builder *b, const char *name, int *table);

/** Local. Scale of the scores of a layer. */
double hesse_decoder_scale(const hesse_builder *b);

/** Local. Sizes that all decoders check. Errors: HESSE_E_JOB. */
hesse_status hesse_decoder_check(const hesse_arch *arch, hesse_why *why);

/** Local. Where the head is: tied_as_head of the layout. Errors: HESSE_E_INPUT. */
hesse_status hesse_decoder_find_head(const hesse_safetensors *file, const char *path,
                                     hesse_arch *arch, hesse_why *why);

#endif /* HESSE_NETWORK_FAMILIES_DECODER_H */
