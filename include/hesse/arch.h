/** A model in numbers: enough to list its parameters and to build its graph.
 *  A plain value: it can be copied, compared and broadcast as bytes (start it from
 * {0}). */
#ifndef HESSE_ARCH_H
#define HESSE_ARCH_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum hesse_activation {
    HESSE_ACT_GELU,      /* x times the normal distribution function */
    HESSE_ACT_GELU_TANH, /* its tanh approximation ("gelu_new")      */
    HESSE_ACT_RELU,
    HESSE_ACT_SILU,
    HESSE_ACT_TANH,
    HESSE_ACT_NONE
} hesse_activation;

/** The function that makes weights of attention from the scores s = q . k /
 *  temperature. */
typedef enum hesse_kernel {
    HESSE_KERNEL_SOFTMAX,
    HESSE_KERNEL_LINEAR,  /* s itself                         */
    HESSE_KERNEL_GAUSSIAN /* exp(-|q - k|^2 / 2 temperature)  */
} hesse_kernel;

/** Batch normalisation: by the batch's own statistics, which couples its examples, or
 * by those that a checkpoint holds. */
typedef enum hesse_batch_norm {
    HESSE_BATCH_NORM_NONE,
    HESSE_BATCH_NORM_TRAINING,
    HESSE_BATCH_NORM_EVALUATION
} hesse_batch_norm;

typedef enum hesse_loss {
    HESSE_LOSS_CROSS_ENTROPY,
    HESSE_LOSS_SQUARED_ERROR, /* a label is compared as a one-hot vector   */
    HESSE_LOSS_REGRESSION,    /* the squared error; labels are numbers      */
    HESSE_LOSS_BINARY         /* binary cross-entropy of several labels    */
} hesse_loss;

/** The predictions of an encoder. */
typedef enum hesse_prediction {
    HESSE_TASK_CLASSIFY, /* of one class for each sequence       */
    HESSE_TASK_MASKED,   /* of the tokens that were masked       */
    HESSE_TASK_TOKENS    /* of a class for each token            */
} hesse_prediction;

enum {
    HESSE_FAMILY = 32,
    HESSE_MOST_WIDTHS = 64,
    HESSE_MOST_DENSE = 8,
    HESSE_MOST_LAYERS = 4096,
    HESSE_MOST_PAIRS = 256, /* of rotary channels in a head */
    HESSE_MOST_NAMES = 2    /* the largest hesse_layout.names */
};

/** How a checkpoint stores the family's tensors; the defaults are Hugging Face's. */
typedef struct hesse_layout {
    /* Before every name, the head's too, what a wrapper of the network adds, such as
       "_orig_mod." of a compiled one; "" without one. Names of blocks do not have it.
     */
    char wrapper[96];
    char prefix[48];   /* of a decoder, after the wrapper and before every name but the
                         head's: "transformer.", "model." or ""                  */
    bool out_first;    /* gpt2: weights stored [out, in] (nanoGPT), not [in, out] */
    bool tied_as_head; /* a tied embedding is stored under the head's name alone  */
    int names;         /* vit, resnet: the row of the family's table of names; 0: the
                          usual names; encoders of tokens: 1: names have no prefix  */
} hesse_layout;

typedef struct hesse_attention {
    int heads, kv_heads; /* query heads; key and value heads, a divisor of heads */
    int size;            /* channels of one head                                 */
    int value_size;      /* of its values (single attention)                     */
    bool identity; /* the values are unit vectors, so that heads give their weights
                      (single attention) */
    bool output;   /* a matrix after the heads (single attention)          */
    hesse_kernel kernel;
    double temperature; /* scores are divided by it; 0: the square root of size */
    bool full;          /* every token sees every other; false: causal          */
    bool by_layer;      /* scores of layer l (from 0) divided by l + 1 as well  */
    double rope_theta;  /* base of the rotary angles (llama)                    */
} hesse_attention;

/** The places of norms in gpt2 and bert: before attention, MLP and head, after each
 * sum, or nowhere. */
typedef enum hesse_norm_place {
    HESSE_NORM_PLACE_BY_FAMILY,
    HESSE_NORM_PLACE_BEFORE,
    HESSE_NORM_PLACE_AFTER,
    HESSE_NORM_PLACE_NONE
} hesse_norm_place;

/** The norms of a decoder. */
typedef enum hesse_norm {
    HESSE_NORM_BY_FAMILY, /* nothing of hesse_arch_decoder is set: the family sets it */
    HESSE_NORM_LAYER,     /* LayerNorm with gain and bias */
    HESSE_NORM_LAYER_UNBIASED,
    HESSE_NORM_LAYER_PLAIN,  /* without parameters                    */
    HESSE_NORM_RMS,          /* root mean square, with a gain          */
    HESSE_NORM_RMS_ONE_PLUS, /* the same, and the gain is 1 + weight   */
} hesse_norm;

/** Norms of queries and keys before their scores. */
typedef enum hesse_query_key_norm {
    HESSE_QUERY_KEY_NORM_NONE,
    HESSE_QUERY_KEY_NORM_HEAD, /* over the channels of each head       */
    HESSE_QUERY_KEY_NORM_ALL,  /* over the channels of all heads       */
} hesse_query_key_norm;

/** Rotary position embedding: the channels j and j + pairs of a head are turned by
 *  position * frequency[j]. */
typedef struct hesse_rotary {
    double fraction; /* of a head's channels that are turned; 0: none           */
    int pairs;       /* entries of frequency; 0: theta^(-j / pairs) is used      */
    double frequency[HESSE_MOST_PAIRS];
    double scale; /* factor of the turned channels; 0: 1                       */
    int longest;  /* frequencies hold for sequences of this length; 0: for all  */
} hesse_rotary;

/** Variations of decoders. Bit l % 8 of byte l / 8 of a list of layers is layer l. */
typedef struct hesse_arch_decoder {
    hesse_norm norm;
    bool norm_before, norm_after; /* of attention and MLP: of what they read, of what
                                     they add to the residual stream              */
    bool norm_sum;                /* of the residual stream after each sum        */
    bool parallel;                /* attention and MLP read the same stream       */
    bool one_norm;                /* and, if parallel, the same norm of it        */
    bool final_norm;              /* before the head                              */
    bool output_bias, head_bias;
    hesse_query_key_norm query_key_norm;
    double embedding_scale, residual_scale, logit_scale; /* factors; 0: 1           */
    double score_divisor;        /* of scores; 0: the square root of a head's size */
    double score_cap, logit_cap; /* y = cap tanh(x / cap); 0: none                */
    int embedding_width;         /* 0: the width of the residual stream          */
    int first_position;          /* unused rows at the start of the positions     */
    int window;                  /* tokens that a token of a windowed layer sees,
                                    itself included; 0: all                      */
    unsigned char windowed[HESSE_MOST_LAYERS / 8];
    unsigned char unrotated[HESSE_MOST_LAYERS / 8]; /* layers without rotation       */
    hesse_rotary rotary;
} hesse_arch_decoder;

/** Sizes that come from the data, and the loss that compares with them. */
typedef struct hesse_arch_data {
    int inputs;     /* numbers of a token, channels of a pixel                        */
    int rows, cols; /* of an image                                                    */
    int outputs;    /* classes, or numbers predicted for a token                      */
    hesse_loss loss;
} hesse_arch_data;

/** The distillation token of DeiT: none; one whose result is not used; one with a
 * classifier of its own, and the logits are the mean of both classifiers. */
typedef enum hesse_distillation {
    HESSE_DISTILLATION_NONE,
    HESSE_DISTILLATION_TOKEN,
    HESSE_DISTILLATION_HEADS
} hesse_distillation;

/** Sizes of networks that read images. */
typedef struct hesse_arch_image {
    int patch;       /* vit, mixer: pixels in a row of a patch                        */
    int token_inner; /* mixer: width of the hidden layer over tokens                  */
    int pool;        /* vgg: rows and columns that averaging leaves for the
                        classifier; 0: as the image is                                */
    hesse_batch_norm batch_norm;
    bool small_stem; /* resnet: 3 x 3 without pooling, for small images               */
    bool bottleneck; /* resnet: blocks of three convolutions                          */
    int grid;        /* vit: the position table has grid x grid patches and is
                        interpolated to those of the image; 0: it has the image's    */
    hesse_distillation distillation; /* vit                                          */
} hesse_arch_image;

/** Sizes that are lists. */
typedef struct hesse_arch_lists {
    int n_widths;
    int widths[HESSE_MOST_WIDTHS]; /* mlp: neurons of the hidden layers; vgg: channels
                                      of convolutions, 0: pooling; resnet: blocks of the
                                      stages; quadratic: sizes of the blocks          */
    int n_multipliers; /* mlp: 0, or one for each layer                               */
    double multipliers[HESSE_MOST_WIDTHS + 1]; /* of every layer's output             */
    bool compensated; /* mlp: initial values are divided by their multipliers         */
    int n_dense, dense[HESSE_MOST_DENSE]; /* vgg: hidden layers of the classifier     */
} hesse_arch_lists;

struct hesse_graph;

/** Everything that a family's builder needs. The fields beside the structs are those of
 *  most families; docs/job.md says which family reads which. */
typedef struct hesse_arch {
    char family[HESSE_FAMILY]; /* its name: "gpt2", "llama", "bert", ...           */
    int layers, width, inner, vocabulary;
    int positions; /* longest sequence: rows of the position embedding of gpt2 and bert
                    */
    hesse_activation activation;
    double norm_eps; /* 0: that of the checkpoint's names (vit)                    */
    bool tied;       /* the head is the token embedding                           */
    bool
        attention_bias; /* biases of query, key and value; of encoders also of output */
    bool mlp_bias;
    int pad;   /* id of padding, + 1; 0: none is known                       */
    int types; /* bert: rows of the table of token types                    */
    hesse_prediction task; /* of encoders */
    bool seeded_head; /* of encoders: a head that the checkpoint lacks is drawn     */
    double deviation; /* of initial values; 0: the family's default                */
    double embedding_deviation; /* of those of embeddings; 0: as `deviation`       */
    hesse_norm_place norm_place;
    bool no_residual;  /* gpt2: attention and MLP replace the residual stream and are
                          not added to it                                          */
    bool mean_pooling; /* bert, vit: a class is told by the mean of the tokens, and not
                          by the first one                                         */
    bool head_bias;    /* gpt2: the head has a bias                       */
    bool
        joint; /* linear_transformer: its matrices act on x and y of a token together */
    hesse_attention attention;
    hesse_arch_decoder decoder;
    hesse_layout layout;
    hesse_arch_data data;
    hesse_arch_image image;
    hesse_arch_lists lists;
    /* graph: the network as data. It belongs to the network that was opened with it,
       and each rank has its own; else NULL. */
    const struct hesse_graph *graph;
} hesse_arch;

#ifdef __cplusplus
}
#endif

#endif /* HESSE_ARCH_H */
