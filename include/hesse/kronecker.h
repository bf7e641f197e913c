/** hesse: how close the block of a matrix of parameters is to a Kronecker product: to
 * the nearest one, and to those of the factors of K-FAC and Shampoo.
 *
 *  A block S of p x q parameters is a matrix of order n = p q. Its coordinate i q + k
 * is the parameter in row i and column k. A Kronecker product A (x) B of a p x p and a
 * q x q matrix has the entry A_ij B_kl in row i q + k and column j q + l. docs/math.md,
 * section 14. */
#ifndef HESSE_KRONECKER_H
#define HESSE_KRONECKER_H

#include "hesse/analysis.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A comparison of S with A (x) B. Both are NaN if S or A (x) B is zero. */
typedef struct hesse_kronecker_fit {
    double error;  /* |S - c A (x) B| / |S| in the Frobenius norm, with the best number
                      c: from 0 to 1 */
    double cosine; /* <S, A (x) B> / (|S| |A (x) B|): from -1 to 1 */
} hesse_kronecker_fit;

/** Shares of the squared Frobenius norm of S, from 0 to 1; NaN if S is zero. */
typedef struct hesse_kronecker_energy {
    double diagonal; /* entries on the diagonal                                    */
    double rows;     /* entries of two parameters in the same row, and in the same */
    double columns;  /* column; the diagonal belongs to both                       */
} hesse_kronecker_energy;

/** Local. Find the Kronecker product that is nearest to S in the Frobenius norm. It is
 * given by the largest singular value of the p^2 x q^2 matrix R with the entries of S,
 * where row (i, j) and column (k, l) hold the entry in row (i, k) and column (j, l) of
 * S. R is not formed.
 *
 *  s     [in]   n x n, symmetric.
 *  a, b  [out]  p x p with |A| = 1, and q x q, which has the scale of S; NULL: not
 *               needed.
 *  fit   [out]  NaN also if Lanczos' method does not converge.
 *  Memory: 8 n bytes for each of at most HESSE_KRONECKER_STEPS vectors.
 *  Work: about 4 n^2 operations for every step.
 *  Errors: HESSE_E_JOB (a size below 1), HESSE_E_NOMEM, HESSE_E_NUMERIC if S is not
 *  finite.
 *  Source: Van Loan & Pitsianis, Approximation with Kronecker products, in: Linear
 *  Algebra for Large Scale and Real-Time Applications (1993), 293-314. */
enum { HESSE_KRONECKER_STEPS = 100 };
hesse_status hesse_kronecker_nearest(int p, int q, const double *s, double *a,
                                     double *b, hesse_kronecker_fit *fit,
                                     hesse_why *why);

/** Local. Compare S with a given Kronecker product.
 *
 *  s, a, b  [in]  n x n, p x p and q x q; all are symmetric.
 *  Errors: HESSE_E_JOB (a size below 1), HESSE_E_NOMEM. */
hesse_status hesse_kronecker_compare(int p, int q, const double *s, const double *a,
                                     const double *b, hesse_kronecker_fit *fit,
                                     hesse_why *why);

/** Local. Measure where the squares of the entries of S are.
 *
 *  s  [in]  n x n. */
void hesse_kronecker_energies(int p, int q, const double *s,
                              hesse_kronecker_energy *energy);

/** The products that a block is compared with. x and g are the input and the derivative
 * of the loss in the output of the linear map at one token; the labels are those of the
 * data. W is the gradient of the loss in the p x q parameters, and W_e the contribution
 * of example e to it. */
typedef enum hesse_kronecker_product {
    HESSE_KRONECKER_NEAREST,
    HESSE_KRONECKER_KFAC,    /* sum of g g' and sum of x x', over tokens            */
    HESSE_KRONECKER_SHAMPOO, /* (W W')^1/2 and (W' W)^1/2                           */
    HESSE_KRONECKER_SHAMPOO_SQUARE,  /* W W' and W' W                              */
    HESSE_KRONECKER_EXAMPLES,        /* as SHAMPOO, with sums of W_e W_e', W_e' W_e */
    HESSE_KRONECKER_EXAMPLES_SQUARE, /* as SHAMPOO_SQUARE, with these sums         */
    HESSE_KRONECKER_PRODUCTS
} hesse_kronecker_product;

/** Local. The name of a product in the result file: "nearest", "kfac", ... */
const char *hesse_kronecker_name(hesse_kronecker_product product);

/** What was found for one share S of the Hessian. B blocks. */
typedef struct hesse_kronecker_share {
    hesse_kinds kinds;
    double *error[HESSE_KRONECKER_PRODUCTS];  /* [B] */
    double *cosine[HESSE_KRONECKER_PRODUCTS]; /* [B] */
    /* [B] Shares of the squared norm: on the diagonal, between parameters of the same
       output neuron, and between parameters of the same input. */
    double *diagonal, *same_output, *same_input;
} hesse_kronecker_share;

/** All numbers of a block are NaN if its matrix was not formed, or if it is not a
 * rectangle of one matrix of parameters (a vector, such as a bias, is none). Those of
 * K-FAC and of examples are also NaN if the parameters are not the weight of a single
 * linear map; those of examples if batch normalisation couples the examples. */
typedef struct hesse_kronecker_results {
    int blocks, shares;
    hesse_kronecker_share *share; /* [shares] those of the analysis                  */
    int left_out;   /* formed blocks that were not measured, because memory was short */
    double seconds; /* wall time of the measures                                      */
} hesse_kronecker_results;

/** Collective. Do the same as hesse_analysis_run, and measure every formed block of
 * every share before it is decomposed. The options of the analysis must have had
 * `kronecker`. A block that several ranks hold is gathered on one of them.
 *
 *  results  [out]  equal on all ranks; the caller frees it.
 *  Memory: on one rank at a time 8 n bytes for each of at most HESSE_KRONECKER_STEPS
 *  vectors, and 72 (p^2 + q^2) bytes; for a gathered block 16 n^2 bytes more. A block
 *  for which this is not there, or with p or q above 30000, is left out.
 *  Errors: HESSE_E_JOB (the option was not set), HESSE_E_NOMEM, HESSE_E_NUMERIC; those
 * of hesse_analysis_run. Sources: Martens & Grosse, arXiv:1503.05671 (K-FAC); Gupta,
 * Koren & Singer, arXiv:1802.09568 (Shampoo); Morwani et al., arXiv:2406.17748 (its
 * square). */
hesse_status hesse_kronecker_run(hesse_analysis *analysis,
                                 hesse_kronecker_results **results);
void hesse_kronecker_free(hesse_kronecker_results *results);

#ifdef __cplusplus
}
#endif

#endif /* HESSE_KRONECKER_H */
