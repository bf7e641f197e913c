/** A model's parameters from a safetensors checkpoint. */
#ifndef HESSE_NETWORK_WEIGHTS_H
#define HESSE_NETWORK_WEIGHTS_H

#include "base/digest.h"
#include "files/safetensors.h"
#include "hesse/arch.h"
#include "network/params.h"

#include <stdbool.h>

/** Local. Find out how a checkpoint stores its family and note it in arch->layout:
 *
 *  - the prefix of its names: "transformer.", "model." or "", with any text of a
 * wrapper before it. hesse_weights_widen finds the wrapper of families that are no
 * decoders;
 *  - whether gpt2's matrices are stored [out, in] (nanoGPT) or [in, out];
 *  - whether a tied embedding is stored under the head's name.
 *
 *  A gpt2 checkpoint without any bias comes from a model without biases (nanoGPT with
 *  bias = False): then the biases in arch are cleared.
 *
 *  path  [in]  of the file, for messages.
 *  Errors: HESSE_E_INPUT when no known layout fits, naming a tensor that was expected
 *  and the nearest one found; or when an untied model has no head. */
hesse_status hesse_weights_probe(const hesse_safetensors *file, const char *path,
                                 hesse_arch *arch, hesse_why *why);

/** Local. Find the wrapper's prefix of families that are no decoders, and set sizes of
 *  the classifier that the data leave open. The arch was probed and fits the data.
 * arch->data.outputs becomes the number of classes in the checkpoint if that is larger
 * and the user gave none (`told` is false). arch->image.pool of vgg becomes the size
 * that the checkpoint's classifier reads. Errors: HESSE_E_JOB as hesse_params_new,
 * HESSE_E_NOMEM; HESSE_E_INPUT when the file has several such networks. */
hesse_status hesse_weights_widen(const hesse_safetensors *file, const char *path,
                                 hesse_arch *arch, bool told, hesse_why *why);

/** A list of tensors and the place of their numbers: list->size of them. */
typedef struct hesse_tensors {
    const hesse_params *list;
    double *values;
    /* Only for writing: what is added to every name (".exp_avg"), NULL: nothing; [list]
       tensors that are left out, NULL: none. */
    const char *suffix;
    const bool *without;
} hesse_tensors;

/** Local. Copy a parameter out of the tensor in which a checkpoint stores it, with all
 *  slices, or (back) into it.
 *
 *  tensor  [in, out]  the whole tensor, row-major.
 *  values  [in, out]  of the parameter. */
void hesse_slice_copy(const hesse_param *param, double *tensor, double *values,
                      bool back);

/** Local. Read every parameter, and the buffers that a model keeps beside them.
 *
 *  parts   [in]   of the arch that was probed, the parameters first; all shapes must
 *                 agree with the file.
 *  note    [out]  "" or one line about the tensors that were ignored (mask buffers, a
 *                 stored copy of a tied head, unknown tensors outside the layers), with
 *                 names.
 *  digest  [out]  SHA-256 as hesse_safetensors_digest makes it.
 *  Errors: HESSE_E_INPUT when a tensor is missing, has another shape or is not finite;
 *  when the stored head of a tied model differs from its embedding; when a tensor
 *  without a parameter would change what the model computes (a bias, a further layer,
 *  anything unknown in a layer). HESSE_E_NOMEM. */
hesse_status hesse_weights_read(const hesse_safetensors *file, const char *path,
                                const hesse_arch *arch, const hesse_tensors *parts,
                                int n_parts, hesse_why *note,
                                char digest[HESSE_DIGEST_LENGTH], hesse_why *why);

/** Local. Check names and shapes as hesse_weights_read does, without reading
 *  numbers. */
hesse_status hesse_weights_check(const hesse_safetensors *file, const char *path,
                                 const hesse_arch *arch, const hesse_tensors *lists,
                                 int n_lists, hesse_why *note, hesse_why *why);

/** Local. Note in a graph the tensors of a checkpoint that hold no parameter, and the
 *  copy of a tied head. The file was checked. Errors: HESSE_E_NOMEM. */
hesse_status hesse_weights_note(const hesse_safetensors *file, const hesse_arch *arch,
                                const hesse_tensors *lists, int n_lists,
                                struct hesse_graph *graph, hesse_why *why);

/** Local. Read a number for every parameter from a file beside a checkpoint, such as
 * the state of an optimiser: the tensor of a parameter has the name and the shape that
 * it has in the checkpoint, with an ending. If no tensor has that ending, names without
 *  it are taken. Other tensors of the file are not read.
 *
 *  ending  [in]   such as ".exp_avg_sq".
 *  values  [out]  params->size numbers.
 *  digest  [out]  as hesse_weights_read.
 *  Errors: HESSE_E_INPUT when a tensor is missing, has another shape or is not finite;
 *  HESSE_E_NOMEM. */
hesse_status hesse_weights_read_state(const hesse_safetensors *file, const char *path,
                                      const hesse_arch *arch,
                                      const hesse_params *params, const char *ending,
                                      double *values, char digest[HESSE_DIGEST_LENGTH],
                                      hesse_why *why);

/** Local. Write tensors as a checkpoint in safetensors by arch->layout, under the names
 *  that hesse_weights_read finds. Slices of fused tensors are put together.
 *
 *  steps  [in]  NULL, or a number that is written as the tensor `step` [1].
 *  bytes  [in]  bytes of a number: 8 (F64) or 4 (F32).
 *  Errors: HESSE_E_OUTPUT, HESSE_E_NOMEM. */
hesse_status hesse_weights_write(const char *path, const hesse_arch *arch,
                                 const hesse_tensors *lists, int n_lists,
                                 const double *steps, int bytes, hesse_why *why);

#endif /* HESSE_NETWORK_WEIGHTS_H */
