/** What a transformer is, in numbers: enough to list its parameters and to unroll it.
 *  A plain value: it can be copied, compared and broadcast as bytes (start it from {0}). */
#ifndef HESSE_ARCH_H
#define HESSE_ARCH_H

#include <stdbool.h>

typedef enum hesse_family { HESSE_GPT2, HESSE_LLAMA } hesse_family;

typedef enum hesse_activation {
    HESSE_ACT_GELU,      /* x times the normal distribution function */
    HESSE_ACT_GELU_TANH, /* its tanh approximation ("gelu_new")      */
    HESSE_ACT_RELU,
    HESSE_ACT_SILU
} hesse_activation;

/** How a checkpoint stores the family's tensors; the defaults are Hugging Face's. */
typedef struct hesse_layout {
    char prefix[48];   /* before every name, e.g. "transformer." or "model.";
                          "" when the file has none */
    bool out_first;    /* gpt2: weights stored [out, in] (nanoGPT), not [in, out] */
    bool tied_as_head; /* a tied embedding is stored under the head's name alone  */
} hesse_layout;

typedef struct hesse_attention {
    int heads, kv_heads; /* query heads; key and value heads, a divisor of heads */
    int size;            /* channels of one head                                 */
    double temperature;  /* scores are divided by it; 0: the square root of size */
    bool full;           /* every token sees every other; false: causal          */
    bool by_layer;       /* scores of layer l (from 0) divided by l + 1 as well  */
    double rope_theta;   /* base of the rotary angles (llama)                    */
} hesse_attention;

typedef struct hesse_arch {
    hesse_family family;
    int layers, width, inner, vocabulary;
    int positions; /* longest sequence: rows of gpt2's position embedding */
    hesse_attention attention;
    hesse_activation activation;
    double norm_eps;
    bool tied;           /* the head is the token embedding                       */
    bool attention_bias; /* biases of query, key, value and output                */
    bool mlp_bias;       /* biases of the MLP; gpt2: of LayerNorm, too            */
    hesse_layout layout;
} hesse_arch;

#endif /* HESSE_ARCH_H */
