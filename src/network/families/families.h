/** Families of models that a builder describes (network/build.h). GPT-2 and Llama, whose
 *  checkpoints come in several layouts, are in network/families/transformer.h. */
#ifndef HESSE_NETWORK_FAMILIES_FAMILIES_H
#define HESSE_NETWORK_FAMILIES_FAMILIES_H

#include "network/build.h"

/** Local. Its name in job files; whether it is in network/families/transformer.h; whether it reads ids. */
const char *hesse_family_name(hesse_family family);
bool hesse_family_is_table(hesse_family family);
bool hesse_family_reads_ids(hesse_family family);

/** Local. What the data say of a model: the sizes of its input and output, where the arch
 *  leaves them 0.
 *  Errors: HESSE_E_JOB, with what the family reads and what the data are. */
hesse_status hesse_family_fit(hesse_arch *arch, const hesse_batch *batch,
                              hesse_why *why);

/** Local. Parameters and buffers of a family that a builder describes.
 *  Errors: HESSE_E_JOB when the sizes do not fit one another, HESSE_E_NOMEM. */
hesse_status hesse_family_list(const hesse_arch *arch, hesse_params *params,
                               hesse_params *buffers, hesse_why *why);

/** Local. A model on a batch: a tape without memory for its values, enough to plan with;
 *  hesse_tape_freeze gets it. Batch and constants are borrowed until the tape is freed.
 *
 *  constants  [in]  the buffers' numbers; NULL: none, or only to plan.
 *  times      [in]  the loss is so many times the mean over what is wanted; 0: the sum.
 *  Errors: HESSE_E_JOB when the batch is longer than the model's positions,
 *  HESSE_E_INPUT when every target is ignored, HESSE_E_NOMEM. */
hesse_status hesse_family_build_tape(const hesse_arch *arch, const hesse_params *params,
                                     const hesse_batch *batch, const double *constants,
                                     double times, hesse_tape **tape, hesse_why *why);

/** Local. The model from its input to its loss, which is `times` the mean over what is
 *  wanted, or, with 0, the sum. */
typedef void hesse_family_builder(hesse_builder *b, double times);

/* Layers of neurons: MLPs, and convolutional nets named as torchvision names them. */
hesse_family_builder hesse_build_mlp, hesse_build_vgg, hesse_build_resnet;
/* Patches of an image: named as Hugging Face and timm name them. */
hesse_family_builder hesse_build_vit, hesse_build_mixer;
/* An encoder of text, named as Hugging Face names it. */
hesse_family_builder hesse_build_bert;
/* What theory looks at: one layer of attention, linear transformers, quadratics. */
hesse_family_builder hesse_build_attention, hesse_build_linear_transformer,
    hesse_build_quadratic;

#endif /* HESSE_NETWORK_FAMILIES_FAMILIES_H */
