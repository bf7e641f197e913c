/** Encoders of tokens: BERT and its relatives. One builder makes them all, by the names
 *  of the family's tensors. */
#ifndef HESSE_NETWORK_FAMILIES_TEXT_ENCODER_H
#define HESSE_NETWORK_FAMILIES_TEXT_ENCODER_H

#include "network/families/family.h"

/** Names of the tensors of an encoder, without ".weight" and ".bias" where a module has
 *  these. Those of the encoder itself stand behind its prefix, those of heads do not.
 *  It has many fields because an encoder has many modules. */
typedef struct hesse_encoder_names {
    const char *prefix; /* "bert."; absent in the checkpoint of a bare encoder       */
    const char *words, *positions, *types, *norm; /* embeddings; no types: NULL      */
    const char *layers; /* before the number of a layer                              */
    const char *query, *key, *value, *output, *after_attention;
    const char *up, *down, *after_mlp;
    const char *before_attention, *before_mlp, *last; /* norms, with `norm: before`  */
    const char *masked_dense, *masked_norm; /* head of the masked task               */
    const char *masked_bias;                /* a vector                              */
    const char *masked_copy;  /* copy of the embedding, with .weight and .bias       */
    hesse_activation masked;  /* HESSE_ACT_NONE: the network's                       */
    const char *pooler;       /* a dense layer behind the prefix, tanh; or           */
    const char *dense;        /* a dense layer of the head; NULL: there is none      */
    hesse_activation between; /* after pooler or dense                               */
    const char *classifier;   /* of sequences; of tokens it is "classifier"          */
} hesse_encoder_names;

/** Local. Append the encoder to b->graph, from the tokens to the loss. */
void hesse_text_encoder_build(hesse_builder *b);

/** Local. Check the sizes that encoders of tokens have. Errors: HESSE_E_JOB. */
hesse_status hesse_text_encoder_check(const hesse_arch *arch, hesse_why *why);

/** Local. Find out if a checkpoint is that of a bare encoder, whose names have no
 *  prefix. Errors: none. */
hesse_status hesse_text_encoder_probe(const hesse_safetensors *file, const char *path,
                                      hesse_arch *arch, hesse_why *why);

/** Local. Return the kind of a tensor in which no parameter is stored: heads of other
 *  tasks are unknown, and other tensors of the encoder are parameters. */
hesse_extra hesse_text_encoder_extra(const hesse_arch *arch, const char *name);

/** The modules that BERT and RoBERTa name alike. */
#define HESSE_BERT_MODULES                                                             \
    .words = "embeddings.word_embeddings.weight",                                      \
    .positions = "embeddings.position_embeddings.weight",                              \
    .types = "embeddings.token_type_embeddings.weight",                                \
    .norm = "embeddings.LayerNorm", .layers = "encoder.layer.",                        \
    .query = "attention.self.query", .key = "attention.self.key",                      \
    .value = "attention.self.value", .output = "attention.output.dense",               \
    .after_attention = "attention.output.LayerNorm", .up = "intermediate.dense",       \
    .down = "output.dense", .after_mlp = "output.LayerNorm"

/** The keys of a job that all text encoders have; a NULL comes after them. */
#define HESSE_TEXT_ENCODER_KEYS                                                        \
    {"config", NULL}, {"layers", "2"}, {"heads", "2"}, {"head_size", NULL},            \
        {"width", "32"}, {"inner", NULL}, {"context", "32"}, {"vocabulary", NULL},     \
        {"classes", NULL}, {"activation", "gelu"}, {"norm_eps", "1e-12"},              \
        {"bias", "true"}, {"temperature", NULL}, {"attention", "full"},                \
        {"kernel", "softmax"}, {"task", "masked"}, {"head", "stored"},                 \
    {                                                                                  \
        "loss", "cross_entropy"                                                        \
    }

#endif /* HESSE_NETWORK_FAMILIES_TEXT_ENCODER_H */
