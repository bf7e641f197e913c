/** hesse: a transformer on token data, its loss, gradient and Hessian-vector products. */
#ifndef HESSE_MODEL_H
#define HESSE_MODEL_H

#include "hesse/arch.h"
#include "hesse/data.h"
#include "hesse/parts.h"
#include "hesse/team.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What the loss is. */
typedef enum hesse_reduction {
    HESSE_MEAN,          /* over all targets                                      */
    HESSE_SUM_OF_TOKENS, /* over all targets                                      */
    HESSE_SUM_OF_BATCHES /* of the means over micro-batches, as published scripts have it:
                            their number times the mean                           */
} hesse_reduction;

/** Where a model and its data come from. Start it from {0}; paths are as fopen(3) takes
 *  them, and only rank 0 opens them. */
typedef struct hesse_source {
    const hesse_arch *arch; /* sizes; vocabulary 0: that of the data. With a config only
                               the family, the loss and task, and how tokens attend  */
    const char *config;     /* config.json; NULL: the sizes in arch           */
    const char *checkpoint; /* .safetensors, an index of shards, or a folder that
                                      holds one; NULL: initial values from seed      */
    uint64_t seed;
    /* Data of one kind: .npy or .bin of ids; UTF-8 text; texts with classes; .npy of
       numbers, images or ids, beside .npy of labels or of targets; images with labels
       (IDX, .npy), or CIFAR, raw or gzip; a recipe; eigenvalues of the blocks of a
       quadratic, one block after the other. */
    const char *tokens, *text, *inputs, *images, *labels, *targets;
    const char *const *texts; /* one file of lines LABEL<TAB>TEXT, or for each class a
                                 file of lines or a folder of files                  */
    int n_texts;
    const char *generator; /* a kind of data that is drawn from a seed, and  */
    hesse_recipe recipe;   /* its settings                                     */
    const double *eigenvalues;
    int image_size, image_classes; /* 0: as they are, all; else resized, labels below */
    bool standard;          /* every channel less its mean, over its deviation    */
    double mask_rate;       /* masked: tokens that are hidden; 0: 0.15            */
    const int *mask_id;     /* masked: what they read as; NULL: an id of its own  */
    bool characters;        /* vocabulary of a text: characters; false: bytes     */
    int sequences, context; /* 0: as many as there are, at most 16; as long as they
                                  are, or as the model takes                         */
    bool shuffle;           /* sequences chosen at random, by data_seed           */
    uint64_t data_seed;
    hesse_reduction reduction;
    int batch; /* sequences of a micro-batch, a divisor of their number */
    /* Bytes a rank may use; 0: what is free. Activations of all sequences are kept where
       they need at most half of it; else those of some, and every sweep computes the others
       again. */
    size_t memory;
    bool outline; /* no parameters, no loss: enough to plan with        */
} hesse_source;

typedef struct hesse_model hesse_model;

/** Collective. Open model and data on every rank and run it once.
 *
 *  Errors: HESSE_E_JOB and HESSE_E_INPUT naming the file and what is wrong with it;
 *  HESSE_E_NOMEM; HESSE_E_NUMERIC when the loss or the gradient is not finite. */
hesse_status hesse_model_open(hesse_team *team, const hesse_source *source,
                              hesse_model **model);

/** Collective. */
void hesse_model_free(hesse_model *model);

/** Local. The loss; the number n of parameters; the gradient, n numbers in the order of
 *  theta (that of first use); a line on what was ignored of the checkpoint, or "". */
double hesse_model_loss(const hesse_model *model);
size_t hesse_model_size(const hesse_model *model);
const double *hesse_model_gradient(const hesse_model *model);
const char *hesse_model_note(const hesse_model *model);

/** Local. The parameters in the order of theta: how many, and of each its name, its first
 *  element in theta and its size. */
int hesse_model_parameters(const hesse_model *model);
const char *hesse_model_parameter_name(const hesse_model *model, int i);
size_t hesse_model_parameter_first(const hesse_model *model, int i);
size_t hesse_model_parameter_size(const hesse_model *model, int i);

/** Collective. hv = S v for k vectors at once; every rank takes its share of the
 *  sequences, and one reduction adds them up.
 *
 *  part  [in]   HESSE_ALL for the Hessian itself, or a share of it.
 *  v     [in]   n x k, equal on all ranks: element (i, j) is v[i * k + j].
 *  hv    [out]  n x k, equal on all ranks.
 *  Memory: 32 n k bytes and the tangents of some sequences.
 *  Errors: HESSE_E_JOB (no part, no direction), HESSE_E_NOMEM.
 *  Source: Pearlmutter, Neural Computation 6 (1994), 147-160. */
hesse_status hesse_model_product(hesse_model *model, hesse_kinds part, int k,
                                 const double *v, double *hv);

#ifdef __cplusplus
}
#endif

#endif /* HESSE_MODEL_H */
