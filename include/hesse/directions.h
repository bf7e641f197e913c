/** hesse: the curvature along given directions, and the error that is made by leaving
 * out the blocks off the diagonal. Both are computed by products, without matrices. */
#ifndef HESSE_DIRECTIONS_H
#define HESSE_DIRECTIONS_H

#include "hesse/analysis.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A direction d. */
typedef struct hesse_direction {
    const char *name;
    const double *values; /* n numbers in the order of the network's parameters, equal
                             on all ranks; NULL: the gradient of the analysis */
} hesse_direction;

/** Settings of directions. Start it from {0}. */
typedef struct hesse_directions_options {
    const hesse_direction *list;
    int count;
    const hesse_kinds *parts; /* shares S; 0: the Hessian and its Gauss-Newton part */
    int n_parts;
    double products; /* the most vectors that may be multiplied; 0: no limit */
    bool keep;       /* the products S d themselves                          */
} hesse_directions_options;

/** What was found for one share S. D directions, B blocks; d_b is d with the entries of
 * block b alone. */
typedef struct hesse_direction_share {
    hesse_kinds kinds;
    double *quadratic; /* [D] d' S d                                                  */
    double *rayleigh;  /* [D] d' S d / |d|^2; NaN for d = 0                           */
    double *between;   /* [D][B][B] d_b' S d_c: entry ((i B) + b) B + c               */
    /* |V' d|^2 / |d|^2, with the eigenvectors V of the k highest eigenvalues, where the
       analysis has kept k of them at each end. NaN where it has not, and for d = 0. */
    double *in_top;       /* [D] V of the full matrix             */
    double *block_in_top; /* [D][B] V of block b, and d_b for d   */
    double *product; /* [D][n] S d in the order of the blocks; NULL: not kept     */
} hesse_direction_share;

/** Directions d = 1 ... D, restricted to the B blocks of an analysis. Their numbers are
 * in units of the parameters; S has the unit loss / parameter^2. */
typedef struct hesse_direction_results {
    int count, blocks, shares; /* D, B and the number of shares */
    size_t size;               /* n                             */
    char **names;              /* [D]                           */
    double *norm;              /* [D] |d|                       */
    double *block_norm;        /* [D][B] |d_b|                  */
    double *cosine;            /* [D] d' g / (|d| |g|) with the gradient g; NaN for 0 */
    hesse_direction_share *share; /* [shares]                   */
    double products;              /* vectors that were multiplied */
    double seconds;               /* wall time                    */
} hesse_direction_results;

/** Collective. Compute d' S d for every direction and every share, also block by block
 * and between blocks: S d and S d_b for every block in which d is not 0. All numbers
 * are exact up to rounding. The analysis must have been run.
 *
 *  directions  [out]  equal on all ranks; the caller frees it.
 *  Memory: 24 bytes for every parameter and vector that is multiplied at once; 8 D B^2
 *  bytes for every share.
 *  Errors: HESSE_E_JOB (an analysis that was not run; more products than are allowed),
 *  HESSE_E_NOMEM, HESSE_E_NUMERIC naming the direction.
 *  Source: Pearlmutter, Neural Computation 6 (1994), 147-160, for products. */
hesse_status hesse_directions_run(hesse_analysis *analysis,
                                  const hesse_directions_options *options,
                                  hesse_direction_results **directions);
void hesse_directions_free(hesse_direction_results *directions);

/** Settings of the error of blocks. Start it from {0}. */
typedef struct hesse_block_error_options {
    const hesse_cut *partitions;
    const char *const *names; /* [n_partitions] of the partitions, for results and
                                 messages */
    int n_partitions;
    const hesse_kinds *parts; /* shares S; 0: the Hessian and its Gauss-Newton part */
    int n_parts;
    int probes; /* random vectors */
    uint64_t seed;
    double products; /* the most vectors that may be multiplied; 0: no limit */
} hesse_block_error_options;

/** What was found for one share S. BD is S without the entries between different blocks
 * of a partition. Q partitions, W vectors. */
typedef struct hesse_block_error_share {
    hesse_kinds kinds;
    double *error;   /* [Q][W] |(S - BD) v| / |S v|; NaN for S v = 0              */
    double *cosine;  /* [Q][W] (S v)' BD v / (|S v| |BD v|); NaN where one is 0   */
    double *outside; /* [Q] |S - BD|^2 / |S|^2 in the Frobenius norm, where the analysis
                        formed the full matrix by this partition or a finer one; NaN
                        elsewhere */
} hesse_block_error_share;

/** The vectors v are the random ones, the gradient, and the eigenvectors of the highest
 * eigenvalues of the full share, the highest first, where the analysis has kept them.
 */
typedef struct hesse_block_error {
    int partitions, vectors, probes, top, shares; /* Q; W = probes + 1 + top */
    char **names;                                 /* [Q] of the partitions        */
    int *blocks;                                  /* [Q] of each partition        */
    hesse_block_error_share *share;               /* [shares]                     */
    double products;                              /* vectors that were multiplied */
    double seconds;                               /* wall time                    */
} hesse_block_error;

/** Collective. Compute S v and BD v for partitions of all parameters, of which BD v
 * takes one product for every block and vector. The analysis must have been run.
 *
 *  error  [out]  equal on all ranks; the caller frees it.
 *  Memory: 24 n W bytes, and 24 bytes for every parameter and vector that is multiplied
 * at once.
 *  Errors: HESSE_E_JOB (an analysis that was not run; more products than are allowed,
 *  naming the partition), HESSE_E_NOMEM, HESSE_E_NUMERIC. */
hesse_status hesse_block_error_run(hesse_analysis *analysis,
                                   const hesse_block_error_options *options,
                                   hesse_block_error **error);
void hesse_block_error_free(hesse_block_error *error);

#ifdef __cplusplus
}
#endif

#endif /* HESSE_DIRECTIONS_H */
