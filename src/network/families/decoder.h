/** Decoders of tokens. One builder makes them all, by the names of the family's tensors
 *  and by the variations in hesse_arch_decoder. */
#ifndef HESSE_NETWORK_FAMILIES_DECODER_H
#define HESSE_NETWORK_FAMILIES_DECODER_H

#include "network/families/family.h"

/** Local. Append a decoder to b->graph, from the tokens to the loss. */
void hesse_decoder_build(hesse_builder *b);

/** Local. Check the sizes that decoders have. Errors: HESSE_E_JOB. */
hesse_status hesse_decoder_check(const hesse_arch *arch, hesse_why *why);

/** Local. Find which of token embedding and head the checkpoint of a decoder stores: a
 *  network with tied head has one of the two. Errors: HESSE_E_INPUT. */
hesse_status hesse_decoder_find_head(const hesse_safetensors *file, const char *path,
                                     hesse_arch *arch, hesse_why *why);

/** Local. Read the sizes of a decoder whose config.json has the keys of Llama:
 *  num_hidden_layers, hidden_size, ..., and tie_word_embeddings.
 *
 *  tied  [in]  the value that a config.json without tie_word_embeddings means. */
void hesse_config_decoder(hesse_config *c, hesse_arch *arch, bool tied);

/** Local. Read the rotary embedding: rope_theta, its scaling, and the fraction of the
 *  channels that it turns, in the keys of all versions of transformers.
 *
 *  theta     [in]  the base that a config.json without rope_theta means;
 *  fraction  [in]  the fraction that a config.json without partial_rotary_factor means;
 *                  1: the family's class in transformers turns all channels, and other
 *                  fractions are refused, unless `partial`. */
void hesse_config_rotary(hesse_config *c, hesse_arch *arch, double theta,
                         double fraction, bool partial);

/** Local. Read sliding windows: `sliding_window` and, for the layers that have one, the
 *  list `layer_types`.
 *
 *  by_default  [in]  true if all layers have the window where there is no list. */
void hesse_config_windows(hesse_config *c, hesse_arch *arch, bool by_default);

/** Local. The same where all layers have the window of sliding_window, or none has one;
 *  layer_types may say the same. */
void hesse_config_common_window(hesse_config *c, hesse_arch *arch);

/** Local. Remove the window of a decoder none of whose layers has it. */
void hesse_windows_settle(hesse_arch_decoder *decoder);

/** Local. Set layer l in a list of layers. */
void hesse_layers_add(unsigned char layers[HESSE_MOST_LAYERS / 8], int l);

#endif /* HESSE_NETWORK_FAMILIES_DECODER_H */
