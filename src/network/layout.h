/** How the tensors of a family are called in the checkpoints found in the wild. */
#ifndef HESSE_NETWORK_LAYOUT_H
#define HESSE_NETWORK_LAYOUT_H

#include "files/safetensors.h"
#include "hesse/arch.h"
#include "network/params.h"

/** What a tensor is that no parameter is stored in. */
typedef enum hesse_extra {
    HESSE_EXTRA_HEAD,     /* the head of a tied model, beside its embedding         */
    HESSE_EXTRA_BUFFER,   /* masks and angles, which the model computes for itself  */
    HESSE_EXTRA_UNKNOWN,  /* outside the layers                                     */
    HESSE_EXTRA_PARAMETER /* the model would compute something else with it         */
} hesse_extra;

/** Local. The tensor of a parameter, or NULL. The head's lies outside the prefix of the
 *  model, but inside that of a wrapper ("_orig_mod."). */
const hesse_tensor *hesse_layout_find(const hesse_safetensors *file,
                                      const hesse_arch *arch, const hesse_param *param);

/** Local. The name of a parameter's tensor in such a file, with that of a wrapper. */
void hesse_layout_name(const hesse_arch *arch, const hesse_param *param,
                       char name[2 * HESSE_NAME]);

/** Local. */
hesse_extra hesse_layout_extra(const hesse_arch *arch, const char *name);

/** Local. The name in the file most like one that was expected; "nothing" if it has no
 *  tensors. */
const char *hesse_layout_nearest(const hesse_safetensors *file, const char *expected);

#endif /* HESSE_NETWORK_LAYOUT_H */
