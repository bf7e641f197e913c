/** How the tensors of a family are called in the checkpoints found in the wild. */
#ifndef HESSE_NETWORK_LAYOUT_H
#define HESSE_NETWORK_LAYOUT_H

#include "hesse/arch.h"
#include "network/families/family.h"

/** Local. The tensor of a parameter, or NULL. The head's lies outside the prefix of the
 *  model, but inside that of a wrapper ("_orig_mod."). */
const hesse_tensor *hesse_layout_find(const hesse_safetensors *file,
                                      const hesse_arch *arch, const hesse_param *param);

/** Local. The name of a parameter's tensor in such a file, with that of a wrapper. */
void hesse_layout_name(const hesse_arch *arch, const hesse_param *param,
                       char name[2 * HESSE_NAME]);

/** Local. What a tensor of the file is that no parameter is stored in. */
hesse_extra hesse_layout_extra(const hesse_arch *arch, const char *name);

/** Local. The head of a decoder in the file, or NULL. */
const hesse_tensor *hesse_layout_head(const hesse_safetensors *file,
                                      const hesse_arch *arch);

/** Local. The name in the file most like one that was expected; "nothing" if it has no
 *  tensors. */
const char *hesse_layout_nearest(const hesse_safetensors *file, const char *expected);

#endif /* HESSE_NETWORK_LAYOUT_H */
