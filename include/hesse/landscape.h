/** hesse: the loss and the curvature of a network on a grid along one or two directions
 * from its parameters. docs/math.md, section 18. */
#ifndef HESSE_LANDSCAPE_H
#define HESSE_LANDSCAPE_H

#include "hesse/objective.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The origin of a direction. */
typedef enum hesse_landscape_origin {
    HESSE_DIRECTION_RANDOM,      /* normal numbers from the seed         */
    HESSE_DIRECTION_GRADIENT,    /* of the loss at the network's parameters */
    HESSE_DIRECTION_EIGENVECTOR, /* of the Hessian there, of length 1       */
    HESSE_DIRECTION_VALUES       /* given numbers                           */
} hesse_landscape_origin;

typedef struct hesse_landscape_direction {
    const char *name; /* for messages and results */
    hesse_landscape_origin origin;
    int eigenvector; /* k: of the k-th largest eigenvalue; -k: of the k-th smallest */
    const double *values; /* n numbers in the order of the parameters, on rank 0 */
} hesse_landscape_direction;

/** The way in which directions are scaled. A slice is the weights of one output neuron
 * or filter, or, for `layer`, a whole tensor. */
typedef enum hesse_landscape_normalise {
    HESSE_NORMALISE_NONE,
    HESSE_NORMALISE_FILTER, /* every slice gets the norm of the parameters' slice */
    HESSE_NORMALISE_LAYER,  /* every tensor gets the norm of the parameters' tensor */
    HESSE_NORMALISE_UNIT    /* the direction gets length 1 */
} hesse_landscape_normalise;

/** The entries of a direction in tensors of one dimension, such as biases and gains,
 * with the scaling by filters or layers. */
typedef enum hesse_landscape_vectors {
    HESSE_VECTORS_ZERO,
    HESSE_VECTORS_KEEP, /* each tensor is one slice */
    HESSE_VECTORS_COPY  /* the parameters themselves */
} hesse_landscape_vectors;

enum { HESSE_LANDSCAPE_AXES = 2 };

/** Points low + (high - low) i / (points - 1). */
typedef struct hesse_landscape_axis {
    double low, high;
    int points;
} hesse_landscape_axis;

/** Settings of a landscape. Start it from {0}. */
typedef struct hesse_landscape_options {
    int axes; /* 1 or 2 */
    hesse_landscape_direction direction[HESSE_LANDSCAPE_AXES];
    hesse_landscape_axis axis[HESSE_LANDSCAPE_AXES];
    hesse_landscape_normalise normalise;
    hesse_landscape_vectors vectors;
    bool orthogonal; /* the second direction, after its scaling, is made orthogonal to
                        the first */
    bool gradient, curvature; /* at every point */
    uint64_t seed;            /* of random directions */
    hesse_objective_options objective;
} hesse_landscape_options;

/** The numbers of a landscape, with X and Y points; Y is 1 for one direction. The loss
 * of point (i, j) is that of the parameters w + x[i] d1 + y[j] d2, and it stands at
 * i * Y + j. The struct has many members because each is a dataset of the result file.
 */
typedef struct hesse_landscape {
    int axes;
    int points[HESSE_LANDSCAPE_AXES]; /* X, Y */
    int centre[HESSE_LANDSCAPE_AXES]; /* the point 0 of each axis */
    double *coordinates[HESSE_LANDSCAPE_AXES];
    size_t n;           /* parameters */
    double *directions; /* [axes][n] */
    double norm[HESSE_LANDSCAPE_AXES];
    double cosine;         /* between both directions; NaN for one */
    double *loss;          /* [X][Y]; NaN where it is not finite */
    double *gradient_norm; /* [X][Y]; NULL: was not asked for */
    double *curvature[3];  /* [X][Y] d1' H d1, d2' H d2, d1' H d2; NULL: not asked for;
                              the last two only for two directions */
    double exact[4];       /* [axes][axes] di' H dj at the centre, by products */
    double of_grid[4]; /* [axes][axes] the same from differences of fourth order; NaN if
                          fewer than two points lie on each side, or their loss is not
                          finite */
    /* Shares of the points that are not at the border. minima: their loss is below that
       of all neighbours; nonconvex: their discrete Hessian has a negative eigenvalue;
       indefinite: it has eigenvalues of both signs, NaN for one direction. */
    double minima, nonconvex, indefinite;
    double rise, range; /* largest loss less that of the centre, or less the least */
    int64_t unfinished; /* points without a finite loss */
} hesse_landscape;

/** Collective. Compute a landscape. Each point is computed by one rank over all
 * examples, and so are directions, so that all numbers have the same bits on any number
 * of ranks.
 *
 *  network, dataset  [in]   opened by the team.
 *  landscape         [out]  equal on all ranks; the caller frees it. NULL after an
 *                    error.
 *  Memory: activations of the batch on every rank, as hesse_objective_new with one
 *  rank, and 8 n (9 + axes) bytes.
 *  Errors: HESSE_E_JOB for options out of range, and if 0 is not a point of an axis;
 *  HESSE_E_INPUT for a direction that is zero, not finite, or along the first one;
 *  HESSE_E_NUMERIC if the loss at the centre is not finite or eigenvectors do not
 *  converge; HESSE_E_NOMEM.
 *  Source: Li et al., Visualizing the Loss Landscape of Neural Nets, NeurIPS 2018,
 *  sections 3 and 4. */
hesse_status hesse_landscape_compute(hesse_team *team, const hesse_network *network,
                                     const hesse_dataset *dataset,
                                     const hesse_landscape_options *options,
                                     hesse_landscape **landscape);
void hesse_landscape_free(hesse_landscape *landscape);

#ifdef __cplusplus
}
#endif

#endif /* HESSE_LANDSCAPE_H */
