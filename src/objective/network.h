/** The inside of a network and of a dataset, for the library's own files. */
#ifndef HESSE_OBJECTIVE_NETWORK_H
#define HESSE_OBJECTIVE_NETWORK_H

#include "base/digest.h"
#include "hesse/dataset.h"
#include "hesse/network.h"
#include "network/batch.h"
#include "network/params.h"

struct hesse_network {
    hesse_arch arch;
    hesse_params params, buffers;
    double *theta, *constants;   /* numbers of params and buffers; NULL in an outline */
    struct hesse_graph *graph;   /* of the family graph; arch.graph points to it */
    struct hesse_graph *ignored; /* on rank 0, of an outline: an empty graph with the
                                    tensors of the checkpoint that are ignored; NULL:
                                    none */
    hesse_why note;
    char checkpoint[HESSE_DIGEST_LENGTH]; /* digest; "" without a checkpoint */
};

struct hesse_dataset {
    hesse_batch all;
};

/** Local. Return the parameters of a network as the result file lists them. */
const hesse_params *hesse_network_params(const hesse_network *network);

#endif /* HESSE_OBJECTIVE_NETWORK_H */
