/** hesse: a network: operators and parameters. It knows no data. */
#ifndef HESSE_NETWORK_H
#define HESSE_NETWORK_H

#include "hesse/arch.h"
#include "hesse/dataset.h"
#include "hesse/team.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The source of a network. Start it from {0}. Paths have the form that fopen(3) takes,
 * and only rank 0 opens them. */
typedef struct hesse_network_source {
    const hesse_arch *arch; /* sizes; vocabulary 0: the data define it. With a config,
                               only the family, the loss, the task and the way tokens
                               attend are used */
    const char *config;     /* config.json or its folder; NULL: the sizes in arch    */
    const char *checkpoint; /* .safetensors, an index of shards, or a folder that holds
                               one; NULL: initial values from seed                   */
    const char *graph;      /* the family graph: its JSON file (docs/graph.md), or a
                               folder with graph.json                                */
    const char *const *groups; /* n_groups texts "NAME=GLOB": the group of every
                                  parameter, "other" of the rest; 0: by its role     */
    int n_groups;
    uint64_t seed;
    bool outline; /* no parameters are read or made; this is enough for a plan       */
} hesse_network_source;

typedef struct hesse_network hesse_network;

/** Collective. Find the properties that a network needs its data to have. This reads
 * only the config.
 *
 *  needs  [out]  the same on all ranks.
 *  Errors: HESSE_E_JOB; HESSE_E_INPUT, which names the file and its fault. */
hesse_status hesse_network_needs(hesse_team *team, const hesse_network_source *source,
                                 hesse_data_needs *needs);

/** Collective. Open a network on every rank.
 *
 *  dataset  [in]  gives the sizes that the source does not give (inputs, classes, ...);
 * it is not kept. NULL: the source gives all of them. Memory: 8 bytes for each
 * parameter and rank. Errors: HESSE_E_JOB when sizes, task and data do not fit one
 * another; HESSE_E_INPUT, which names the file and its fault; HESSE_E_NOMEM. */
hesse_status hesse_network_open(hesse_team *team, const hesse_network_source *source,
                                const hesse_dataset *dataset, hesse_network **network);

/** Collective. Replace the parameters of an open network, and its buffers, by those of
 * another checkpoint. Names and shapes must be those of the first one.
 *
 *  source  [in]  as the network was opened, with the other checkpoint; no outline.
 *  Errors: HESSE_E_JOB without a checkpoint or for an outline; HESSE_E_INPUT, which
 * names the file and its first tensor that is wrong; HESSE_E_NOMEM. After an error the
 * values are not defined until a later call succeeds. */
hesse_status hesse_network_reload(hesse_team *team, hesse_network *network,
                                  const hesse_network_source *source);

/** Local. NULL is legal. */
void hesse_network_free(hesse_network *network);

/** Local. The number n of parameters, and their values: n numbers in the order of first
 * use (NULL for an outline). A line about tensors of the checkpoint that were ignored,
 * or "". */
size_t hesse_network_size(const hesse_network *network);
const double *hesse_network_values(const hesse_network *network);
const char *hesse_network_note(const hesse_network *network);

/** Local. The architecture with all sizes; SHA-256 of the checkpoint, "" without one.
 */
const hesse_arch *hesse_network_arch(const hesse_network *network);
const char *hesse_network_digest(const hesse_network *network);

/** Local. The number of parameter tensors; and, for each tensor in order, its name, its
 * first element among the n parameters and its size. An index out of range gives NULL
 * and 0. */
int hesse_network_tensors(const hesse_network *network);
const char *hesse_network_tensor_name(const hesse_network *network, int i);
size_t hesse_network_tensor_first(const hesse_network *network, int i);
size_t hesse_network_tensor_size(const hesse_network *network, int i);

/** Local. Print the graph of operators as JSON (docs/graph.md).
 *
 *  tokens  [in]  of an example.
 *  Errors: HESSE_E_JOB for tokens out of range, HESSE_E_NOMEM. */
hesse_status hesse_network_print(const hesse_network *network, int tokens, FILE *file,
                                 hesse_why *why);

/** Collective. Read the state of an optimiser: one number for every parameter, from a
 * safetensors file whose tensors have the names and shapes of the checkpoint, with an
 * ending such as ".exp_avg_sq", or without it if no tensor has it. Only rank 0 opens
 * the file. The caller frees the numbers.
 *
 *  values  [out]  n numbers in the order of the parameters, equal on all ranks; NULL
 *                 after an error.
 *  digest  [out]  65 bytes: SHA-256 of the file.
 *  Errors: HESSE_E_INPUT, which names the file, the tensor and its fault;
 *  HESSE_E_NOMEM. */
hesse_status hesse_network_read_state(hesse_team *team, const hesse_network *network,
                                      const char *path, const char *ending,
                                      double **values, char *digest);

/** Number formats of a checkpoint. */
typedef enum hesse_float { HESSE_F64, HESSE_F32 } hesse_float;

/** Collective. Write a checkpoint in safetensors, with the names and shapes of the
 * tensors that it was read with (those of Hugging Face if it was not read), slices
 * of fused tensors together again, buffers included. The file has a temporary name
 * until it is complete, so it is either complete or absent.
 *
 *  values  [in]  n numbers, on rank 0; others may give NULL.
 *  Errors: HESSE_E_OUTPUT, HESSE_E_NOMEM, HESSE_E_JOB for an unknown format. */
hesse_status hesse_network_write(hesse_team *team, const hesse_network *network,
                                 const double *values, hesse_float format,
                                 const char *path);

/** Collective. Read the parameters of a network from another file, such as another
 * checkpoint of it, an update or the second moments of an optimiser. The file has the
 * names and shapes of a checkpoint of the network; slices of fused tensors are cut as
 * those of a checkpoint are. The network does not change.
 *
 *  path    [in]   a .safetensors file, an index of shards, or a folder that holds one.
 *  values  [out]  n numbers, equal on all ranks, in the order of the parameters; NULL
 *                 if all ranks only want names and shapes checked.
 *  Errors: HESSE_E_INPUT, which names the file and its fault; HESSE_E_NOMEM. */
hesse_status hesse_network_read(hesse_team *team, const hesse_network *network,
                                const char *path, double *values);

#ifdef __cplusplus
}
#endif

#endif /* HESSE_NETWORK_H */
