/** A family of networks: everything that is known of it is one row, in its own file. */
#ifndef HESSE_NETWORK_FAMILIES_FAMILY_H
#define HESSE_NETWORK_FAMILIES_FAMILY_H

#include "base/owned_key.h"
#include "files/safetensors.h"
#include "hesse/data.h"
#include "network/build.h"
#include "network/families/config.h"

/** Kinds of tensors of a checkpoint in which no parameter is stored. */
typedef enum hesse_extra {
    HESSE_EXTRA_HEAD,     /* the head of a tied network, beside its embedding      */
    HESSE_EXTRA_BUFFER,   /* a mask or angles, which the network computes itself   */
    HESSE_EXTRA_UNKNOWN,  /* outside the layers                                    */
    HESSE_EXTRA_PARAMETER /* the network would compute something else with it      */
} hesse_extra;

enum { HESSE_PREFIXES = 3, HESSE_LISTED = 4 };

/** Names of the tensors of a decoder in its checkpoints, without ".weight" and ".bias"
 *  where a module has these. It has many fields because a decoder has many modules. */
typedef struct hesse_decoder_names {
    const char *prefixes[HESSE_PREFIXES]; /* before all names but the head's; the usual
                                             one first                             */
    const char *anchor;                   /* a tensor of every checkpoint          */
    const char *embedding, *positions;    /* no positions: NULL                    */
    const char *layers;                   /* before the number of a layer          */
    const char *before_attention, *after_attention; /* norms                       */
    const char *before_mlp, *after_mlp;
    const char *query, *key, *value; /* separate maps; or `fused` holds all three   */
    const char *fused;               /* in this order; NULL: they are separate      */
    bool by_head;                    /* `fused` has this order within each head     */
    const char *query_norm, *key_norm, *output;
    const char *up, *gate, *down; /* without a gate: NULL                          */
    const char *gate_up;          /* gate and up in one tensor; NULL: in two        */
    const char *final_norm, *head;
    const char *project_in, *project_out; /* maps of a narrower embedding           */
    bool in_first;                        /* matrices are stored [in, out]           */
    const char *buffers[HESSE_LISTED];    /* tensors of a layer that are not learned */
    const char *biases[HESSE_LISTED]; /* tensors outside the layers that are learned */
} hesse_decoder_names;

/** A family: the one row in which everything known about it stands. */
typedef struct hesse_family {
    const char *name; /* in job files                                             */
    const char *help; /* one sentence                                             */
    hesse_reads reads;
    bool flat;      /* images are read as one token                               */
    bool per_token; /* every token has a prediction; false: every example has one */
    bool learned_positions; /* sequences are at most arch->positions long         */
    bool positions_skip_padding; /* a token's position counts the tokens before it that
                                    are not padding                               */
    bool whole_heads; /* heads make up the width                                  */
    bool even_heads;  /* a head has an even number of channels                    */
    bool pools;       /* a width of 0 is a pooling                                */
    double norm_eps;  /* where neither a job, a config nor a checkpoint tells it  */
    const char *data; /* the kind of data that the family brings; NULL: none      */
    const hesse_owned_key *keys; /* of the section `model`, with defaults         */

    /** Set what follows from the family and from the other sizes; NULL: nothing does.
     */
    void (*complete)(hesse_arch *arch);

    /** Check that the sizes fit one another. Errors: HESSE_E_JOB. */
    hesse_status (*check)(const hesse_arch *arch, hesse_why *why);

    /** Append the network to b->graph, from the examples to the loss. */
    void (*build)(hesse_builder *b);

    /** Of the family whose networks are data (arch->graph): what they need their data
     *  to be, and the check that a batch is so; other families have NULL. `fit` changes
     *  nothing. Errors: HESSE_E_JOB. */
    hesse_data_needs (*needs)(const hesse_arch *arch);
    hesse_status (*fit)(const hesse_arch *arch, const hesse_batch *batch,
                        hesse_why *why);

    /* The family's config.json: the values of "model_type", up to a NULL, and its
       reader; NULL: the family has none. */
    const char *const *config_types;
    void (*read_config)(hesse_config *config, hesse_arch *arch);

    /* A decoder's names and the variations that it has unless a config.json says
       otherwise; other families have NULL. */
    const hesse_decoder_names *decoder;
    const hesse_arch_decoder *style;

    /* Names of an encoder of tokens (text_encoder.h); other families have NULL. */
    const struct hesse_encoder_names *encoder;

    /** Return the kind of a tensor of another family's checkpoint, by its name without
     *  the wrapper's prefix; NULL: all unknown tensors are HESSE_EXTRA_PARAMETER. */
    hesse_extra (*extra)(const hesse_arch *arch, const char *name);

    /** Adapt the layout and sizes of an architecture to a checkpoint whose prefix was
     *  found; NULL: there is nothing to adapt. Errors: HESSE_E_INPUT. */
    hesse_status (*probe)(const hesse_safetensors *file, const char *path,
                          hesse_arch *arch, hesse_why *why);

    /** Do the same after the sizes of the data are known; NULL: nothing to adapt. */
    void (*widen)(const hesse_safetensors *file, hesse_arch *arch);
} hesse_family;

/** Local. All families, with a NULL at the end. */
extern const hesse_family *const hesse_families[];

/** Local. Return the family of a name, or of a model_type of config.json; NULL if there
 *  is none. */
const hesse_family *hesse_family_named(const char *name);
const hesse_family *hesse_family_of_type(const char *type);

/** Local. Return the family of an architecture, which has one. */
const hesse_family *hesse_family_of(const hesse_arch *arch);

/** Local. Set what follows from the family: a decoder's variations, unless they are
 *  set, and what the family's own `complete` sets. */
void hesse_family_complete(hesse_arch *arch);

/** Local. Set what may follow from a checkpoint, once it has been looked at. */
void hesse_family_settle(hesse_arch *arch);

/** Local. Return true if a family brings its data, and they are of this kind. */
bool hesse_family_brings(const char *kind);

/** A size and its limit. */
typedef struct hesse_size_limit {
    const char *name;
    int value, most; /* at least 1; most 0: 2^24 */
} hesse_size_limit;

/** Local. Check that sizes are in range.
 *  Errors: HESSE_E_JOB naming the first that is not. */
hesse_status hesse_check_sizes(int count, const hesse_size_limit *sizes,
                               hesse_why *why);

/** Local. Check the sizes of transformers: hesse_check_transformer checks layers,
 *  width, inner, heads and head size, hesse_check_heads that the heads make up the
 *  width, hesse_check_patches that images are whole patches. Errors: HESSE_E_JOB. */
hesse_status hesse_check_transformer(const hesse_arch *arch, hesse_why *why);
hesse_status hesse_check_heads(const hesse_arch *arch, hesse_why *why);
hesse_status hesse_check_patches(const hesse_arch *arch, hesse_why *why);

/** Local. Return true if a tensor has this name, behind any wrapper's prefix. */
bool hesse_layout_has(const hesse_safetensors *file, const char *name);

/** Local. Find the tensor NAME behind the layout's prefix; NULL if there is none. */
const hesse_tensor *hesse_layout_tensor(const hesse_safetensors *file,
                                        const hesse_arch *arch, const char *name);

#endif /* HESSE_NETWORK_FAMILIES_FAMILY_H */
