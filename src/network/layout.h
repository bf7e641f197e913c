/** Names that the tensors of a family have in published checkpoints. */
#ifndef HESSE_NETWORK_LAYOUT_H
#define HESSE_NETWORK_LAYOUT_H

#include "hesse/arch.h"
#include "network/families/family.h"

/** Local. Find the tensor of a parameter; NULL if there is none. The head's tensor lies
 *  outside the prefix of the model, but inside the prefix of a wrapper
 *  ("_orig_mod."). */
const hesse_tensor *hesse_layout_find(const hesse_safetensors *file,
                                      const hesse_arch *arch, const hesse_param *param);

/** Local. Write the name that a parameter's tensor has in such a file, including the
 *  wrapper's prefix. */
void hesse_layout_name(const hesse_arch *arch, const hesse_param *param,
                       char name[2 * HESSE_NAME]);

/** Local. Find the wrapper's prefix of a network that is no decoder, and note it in
 *  arch->layout. The arch fits the data.
 *  Errors: HESSE_E_INPUT if the file has two such networks; those of
 *  hesse_params_new. */
hesse_status hesse_layout_find_wrapper(const hesse_safetensors *file, const char *path,
                                       hesse_arch *arch, hesse_why *why);

/** Local. Return the kind of a tensor of the file in which no parameter is stored. */
hesse_extra hesse_layout_extra(const hesse_arch *arch, const char *name);

/** Local. Find the head of a decoder in the file; NULL if there is none. */
const hesse_tensor *hesse_layout_head(const hesse_safetensors *file,
                                      const hesse_arch *arch);

/** Local. Return the name in the file that is most like the expected one; "nothing" if
 *  the file has no tensors. */
const char *hesse_layout_nearest(const hesse_safetensors *file, const char *expected);

#endif /* HESSE_NETWORK_LAYOUT_H */
