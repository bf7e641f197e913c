/** A family of networks: everything that is known of it is one row, in its own file. */
#ifndef HESSE_NETWORK_FAMILIES_FAMILY_H
#define HESSE_NETWORK_FAMILIES_FAMILY_H

#include "base/owned_key.h"
#include "files/safetensors.h"
#include "hesse/data.h"
#include "network/build.h"
#include "network/families/config.h"

/** What a tensor of a checkpoint is that no parameter is stored in. */
typedef enum hesse_extra {
    HESSE_EXTRA_HEAD,     /* the head of a tied network, beside its embedding      */
    HESSE_EXTRA_BUFFER,   /* a mask or angles, which the network computes itself   */
    HESSE_EXTRA_UNKNOWN,  /* outside the layers                                    */
    HESSE_EXTRA_PARAMETER /* the network would compute something else with it      */
} hesse_extra;

enum { HESSE_PREFIXES = 3, HESSE_LISTED = 4 };

/** How checkpoints of a decoder name their tensors. */
typedef struct hesse_decoder_names {
    const char *prefixes[HESSE_PREFIXES]; /* before all names but the head's; the usual
                                             one first                             */
    const char *anchor;                   /* a tensor of every checkpoint          */
    const char *embedding;
    const char *layers;                /* before the number of a layer             */
    const char *buffers[HESSE_LISTED]; /* in a layer, and nothing learned          */
    const char *biases[HESSE_LISTED];  /* outside the layers, and learned          */
} hesse_decoder_names;

typedef struct hesse_family {
    const char *name; /* in job files                                             */
    const char *help; /* one sentence                                             */
    hesse_reads reads;
    bool flat;      /* images are read as one token                               */
    bool per_token; /* something is predicted for every token, not for the example */
    bool learned_positions; /* sequences are at most arch->positions long         */
    bool whole_heads; /* heads make up the width                                  */
    bool even_heads;  /* a head has an even number of channels                    */
    bool pools;       /* a width of 0 is a pooling                                */
    const char *data; /* the kind of data that the family brings; NULL: none      */
    const hesse_owned_key *keys; /* of the section `model`, with defaults         */

    /** Set what follows from the family alone; NULL: nothing does. */
    void (*complete)(hesse_arch *arch);

    /** Whether the sizes fit one another. Errors: HESSE_E_JOB. */
    hesse_status (*check)(const hesse_arch *arch, hesse_why *why);

    /** Append the network to b->graph, from the examples to the loss. */
    void (*build)(hesse_builder *b);

    /* The family's config.json: values of "model_type", up to a NULL, and its reader;
       NULL: the family has none. */
    const char *const *config_types;
    void (*read_config)(hesse_config *config, hesse_arch *arch);

    /* Names in checkpoints: of a decoder, or NULL and what a tensor is that no
       parameter is stored in (NULL: none is known), by its name without a wrapper's
       prefix. */
    const hesse_decoder_names *decoder;
    hesse_extra (*extra)(const hesse_arch *arch, const char *name);

    /** Adapt the layout and sizes of an architecture to a checkpoint whose prefix was
     * found; NULL: there is nothing to adapt. Errors: HESSE_E_INPUT. */
    hesse_status (*probe)(const hesse_safetensors *file, const char *path,
                          hesse_arch *arch, hesse_why *why);

    /** The same after the sizes of the data are known; NULL: nothing to adapt. */
    void (*widen)(const hesse_safetensors *file, hesse_arch *arch);
} hesse_family;

/** Local. All families, a NULL at the end. */
extern const hesse_family *const hesse_families[];

/** Local. The family of a name; NULL: there is none. */
const hesse_family *hesse_family_named(const char *name);

/** Local. The family of an architecture, which has one. */
const hesse_family *hesse_family_of(const hesse_arch *arch);

/** Local. Whether a family brings its data, of this kind. */
bool hesse_family_brings(const char *kind);

/** A size and its limit. */
typedef struct hesse_size_limit {
    const char *name;
    int value, most; /* at least 1; most 0: 2^24 */
} hesse_size_limit;

/** Local. Whether sizes are in range. Errors: HESSE_E_JOB naming the first that is not.
 */
hesse_status hesse_check_sizes(int count, const hesse_size_limit *sizes,
                               hesse_why *why);

/** Local. The sizes of transformers: layers, width, inner, heads, head size; and that
 * heads of that size have less than 2^24 channels. Whether heads make up the width.
 * Whether images are whole patches. Errors: HESSE_E_JOB. */
hesse_status hesse_check_transformer(const hesse_arch *arch, hesse_why *why);
hesse_status hesse_check_heads(const hesse_arch *arch, hesse_why *why);
hesse_status hesse_check_patches(const hesse_arch *arch, hesse_why *why);

/** Local. The tensor NAME behind the layout's prefix; NULL: there is none. */
const hesse_tensor *hesse_layout_tensor(const hesse_safetensors *file,
                                        const hesse_arch *arch, const char *name);

#endif /* HESSE_NETWORK_FAMILIES_FAMILY_H */
