/** hesse: the examples of a dataset, and the form in which a network reads them. Needs
 * no MPI. */
#ifndef HESSE_DATA_H
#define HESSE_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Distribution of the inputs x of a regression task. */
typedef enum hesse_covariates {
    HESSE_COVARIATES_NORMAL, /* N(0, I) */
    HESSE_COVARIATES_SPHERE, /* uniform on the unit sphere */
    HESSE_COVARIATES_GAMMA   /* the same, times the root of a number of the gamma
                                distribution of a shape and of variance 10: heavy tails */
} hesse_covariates;

/** Settings of the kinds of data that are drawn from a seed. Start it from {0}: 0
 * selects the default in brackets. */
typedef struct hesse_recipe {
    int features; /* numbers of x (gaussian, clusters: 500; regression: 5)        */
    int classes;  /* of labels (gaussian, clusters: 500)                          */
    double noise; /* standard deviation around a centre (clusters: 0.05), or
                     around the outputs of the network (outputs: 0.05)            */
    int examples; /* pairs (x, y) before the question (regression: 20)            */
    double shape; /* of the gamma distribution (0.1)                              */
    int outputs;  /* numbers of a target (outputs: 4)                             */
    int contour;  /* segments of a contour (pathfinder: 14)                       */
    bool alone;   /* no contours beside those that discs may lie on (pathfinder)   */
    hesse_covariates covariates;
    int teacher; /* neurons of a fixed MLP, whose values of x are labelled in place of x
                    (regression: none)                                            */
    uint64_t teacher_seed; /* of that MLP; 0 is a seed like others                 */
    double scale; /* standard deviation of the numbers of x (gaussian: 1)          */
} hesse_recipe;

/** Order of the dimensions of images in an array. */
typedef enum hesse_image_layout {
    HESSE_LAYOUT_BY_SHAPE, /* channels last; a shape that may have them first is refused
                            */
    HESSE_LAYOUT_CHANNELS_LAST, /* N x rows x columns x channels */
    HESSE_LAYOUT_CHANNELS_FIRST /* N x channels x rows x columns */
} hesse_image_layout;

enum { HESSE_MOST_CHANNELS = 64 }; /* in the lists of means and deviations */

/** Settings of a dataset: the kind of its examples, their source and their choice.
 * Start it from {0}. Paths have the form that fopen(3) takes, and only rank 0 opens
 * them. A kind ignores settings that it does not own. */
typedef struct hesse_data_options {
    /* "tokens", "text", "texts", "inputs", "images", or a kind that is drawn from a
       seed: "gaussian", "clusters", "regression", "addition", "pathfinder",
       "outputs", "quadratic". */
    const char *kind;
    const char *const *paths; /* [n_paths] files of the kind; "texts" takes several */
    int n_paths;
    const char *labels, *targets; /* "inputs": one of them; "images": labels      */
    const char *mask;  /* "inputs", rows of "tokens": 1 for a token and 0 for padding;
                          NULL: all 1                                             */
    const char *types; /* "inputs": the segment of each token; NULL: all 0          */
    const int
        *padding; /* "inputs", rows of "tokens": id of padding, if there is no mask */
    bool shift;   /* "inputs": label i + 1 is the target of token i            */
    hesse_recipe recipe;
    int size;      /* "images": rows and columns after resizing; 0: as they are    */
    int classes;   /* "images": only labels below it are taken; 0: all             */
    bool standard; /* "images": each channel is standardised                    */
    hesse_image_layout layout; /* "inputs" and "images": of an array of rank 4        */
    int n_mean, n_deviation;   /* "images": 0, 1 or the number of channels            */
    double mean[HESSE_MOST_CHANNELS], deviation[HESSE_MOST_CHANNELS]; /* "images": a
                         pixel x of 0 to 1 becomes (x - mean) / deviation           */
    int width;          /* "tokens": bits of an id in a .bin; 0: the file tells them  */
    bool characters;    /* texts: the vocabulary is the characters; false: bytes     */
    int words;          /* "texts": the vocabulary is this number of words, and one id
                           for all others; 0: bytes or characters                   */
    const char *table;  /* "text": JSON with the ids of the characters; NULL: they are
                           numbered in ascending order                              */
    double mask_rate;   /* masked models: share of masked tokens; 0: 0.15         */
    const int *mask_id; /* masked models: id of a masked token; NULL: a new id    */
    int sequences; /* examples; 0: all that are available, at most 16             */
    bool all;      /* 0 sequences are all that are available                     */
    int context;   /* tokens of an example; 0: those of the rows, or all that the model
                      can take */
    int batch;     /* examples of a micro-batch, which "addition" balances            */
    bool shuffle;  /* examples are chosen at random by seed, except "inputs"; false: the
                      first ones */
    uint64_t seed;
    const int *sizes;          /* "quadratic": [n_sizes] orders of its blocks     */
    const double *eigenvalues; /* "quadratic": block after block                  */
    int n_sizes;
} hesse_data_options;

/** The form in which a network reads its inputs. */
typedef enum hesse_reads {
    HESSE_READS_IDS,     /* ids of tokens                                          */
    HESSE_READS_NUMBERS, /* some numbers for each token                           */
    HESSE_READS_IMAGES   /* numbers for each pixel                                */
} hesse_reads;

/** Properties that a network needs its examples to have (hesse_network_needs). */
typedef struct hesse_data_needs {
    hesse_reads reads;
    int positions;  /* longest sequence; 0: any                                  */
    int vocabulary; /* ids are below it; 0: not known yet                        */
    int classes;    /* that it predicts; 0: not known yet, taken from the data   */
    bool words;     /* it predicts ids of the vocabulary; false: classes or numbers */
    bool trained;   /* ids have the meanings that a config or checkpoint gave them */
    bool masked;    /* masked tokens are to be predicted; false: the next token  */
    bool full;      /* every token attends to all others, so padding is hidden   */
    bool flat;      /* images are read as one token                              */
    bool squared;   /* targets are numbers: labels become one-hot vectors        */
    bool numbers;   /* targets are numbers: labels are read as numbers           */
    int pad;        /* id of padding, + 1; 0: none is known                      */
    bool positions_skip_padding; /* positions count tokens that are not padding  */
} hesse_data_needs;

/** The way in which token ids and their targets were read from files; for other data
 * only `labels` may be set. */
typedef struct hesse_data_reading {
    char type[24];   /* "uint16", "int32", "bytes", "characters"                   */
    char layout[80]; /* "stream" or "rows", and what stands before them or beside  */
    int vocabulary;  /* ids are below it                                           */
    char source[80]; /* of the vocabulary                                          */
    char mask[32];   /* "none", or how padding is known                            */
    char labels[96]; /* the targets: "the next token", "labels, shifted", ...      */
} hesse_data_reading;

#ifdef __cplusplus
}
#endif

#endif /* HESSE_DATA_H */
