/** Families of networks: what each reads and how its graph is built. */
#ifndef HESSE_NETWORK_FAMILIES_FAMILIES_H
#define HESSE_NETWORK_FAMILIES_FAMILIES_H

#include "network/build.h"

/** Local. Its name in job files; whether it predicts the next token; whether it reads ids. */
const char *hesse_family_name(hesse_family family);
bool hesse_family_is_decoder(hesse_family family);
bool hesse_family_reads_ids(hesse_family family);

/** Local. Whether all enumerations of an architecture are in range, so that tables can be
 *  looked up. */
bool hesse_arch_is_sound(const hesse_arch *arch);

/** Local. What the data say of a model: the sizes of its input and output, where the arch
 *  leaves them 0.
 *  Errors: HESSE_E_JOB, with what the family reads and what the data are. */
hesse_status hesse_family_fit(hesse_arch *arch, const hesse_batch *batch,
                              hesse_why *why);

/** Local. The graph of a network for examples of so many tokens.
 *  Errors: HESSE_E_JOB when the sizes do not fit one another or the examples are longer
 *  than the network's positions, HESSE_E_NOMEM. */
hesse_status hesse_family_graph(const hesse_arch *arch, int tokens, hesse_graph **graph,
                                hesse_why *why);

/** Local. The same on a batch (network/graph.h, hesse_graph_tape). */
hesse_status hesse_family_build_tape(const hesse_arch *arch, const hesse_batch *batch,
                                     const double *constants,
                                     const hesse_weighting *weighting,
                                     hesse_tape **tape, hesse_why *why);

/** Local. Appends the network of b->arch to b->graph, from its input to its loss. */
typedef void hesse_family_builder(hesse_builder *b);

/* Decoders that predict the next token. */
hesse_family_builder hesse_build_gpt2, hesse_build_llama;
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
