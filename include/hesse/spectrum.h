/** A spectrum with its checks, and the measures of a block. Needs no MPI. */
#ifndef HESSE_SPECTRUM_H
#define HESSE_SPECTRUM_H

#include "hesse/status.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum hesse_engine {
    HESSE_ENGINE_AUTO,
    HESSE_ENGINE_LAPACK,
    HESSE_ENGINE_SCALAPACK,
    HESSE_ENGINE_ELPA,
    HESSE_ENGINE_BAND,
    HESSE_ENGINE_SMALL,
    HESSE_ENGINES
} hesse_engine;

/** Local. "auto", "lapack", "scalapack", "elpa", "band", "small". */
const char *hesse_engine_name(hesse_engine engine);

/** Local. Return true if an engine can solve a matrix of single precision: AUTO, BAND
 * or SMALL. */
bool hesse_engine_serves_single(hesse_engine engine);

/** Sums over the entries of a block. They are taken during its assembly, before any
 * solver changes it. */
typedef struct hesse_sums {
    double trace;        /* of H_ii    */
    double squares;      /* of H_ij^2  */
    double abs;          /* of |H_ij|  */
    double abs_diagonal; /* of |H_ii|  */
} hesse_sums;

/** The precision of a matrix and of the engine that solves it. */
typedef enum hesse_precision {
    HESSE_PRECISION_DOUBLE,
    HESSE_PRECISION_SINGLE /* for previews */
} hesse_precision;

typedef struct hesse_spectrum {
    int n;
    hesse_precision precision;
    double *eigenvalues;  /* [n], ascending                                          */
    int vectors;          /* eigenvectors kept: min(2 k, n) for k at each end        */
    double *eigenvectors; /* vectors x n, those of the lowest and then of the highest
                             values, ascending; NULL if none are kept */
    double *residuals;    /* [vectors], 2-norm of H q - lambda q; NULL if none       */
    hesse_engine engine;
    double check_trace;     /* |sum of eigenvalues - trace| / Frobenius norm         */
    double check_frobenius; /* |sum of squares - Frobenius^2| / Frobenius^2          */
    double check_symmetry;  /* largest difference of entries that were computed twice /
                               (Frobenius norm + |loss| / 10^4, in single precision
                               10^2), of the matrix that was
                               assembled */
    double seconds;         /* wall time of assembly and solution                    */
} hesse_spectrum;

/** Local. Allocate room for n eigenvalues and k >= 0 eigenvectors at each end.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_spectrum_new(int n, int k, hesse_spectrum **spectrum,
                                hesse_why *why);
void hesse_spectrum_free(hesse_spectrum *spectrum);

/** Local. n eps max |eigenvalue|: smaller eigenvalues are rounding. eps is 2^-52, or
 * 2^-23 in single precision.
 *
 *  eigenvalues  [in]  n numbers, ascending. */
double hesse_noise_floor(int n, const double *eigenvalues, hesse_precision precision);

/** Local. The largest value that check_trace and check_frobenius may have for order n:
 * in double precision max(64 eps n, 1e-13 sqrt(n)), eps = 2^-52, and in single
 * precision 64 eps sqrt(n), eps = 2^-23.
 *
 *  A backward-stable solver gives the eigenvalues of H + E with ||E||_2 <= p(n) eps
 * ||H||_2, and p(n) is of the order of sqrt(n) in practice (n at worst, times a small
 * constant). The sum of eigenvalues then changes by tr E <= n ||E||_2 in the worst
 * case. In practice it changes by about ||E||_F, which is a few sqrt(n) eps ||H||_F.
 * ||H||_F^2 changes by 2 <H, E>, which has the same relative size. Rounding in the sums
 * themselves is of that order, too. The bound 64 eps n is far above all these errors
 * (measured errors are below 1/20 of it). It is below 1e-9 for every n up to 70,000, so
 * the check finds an eigenvalue that is wrong by 1e-9 of the Frobenius norm. The second
 * term is for n < 50. In single precision measured errors are below 1.5 eps sqrt(n). */
double hesse_check_bound(int n, hesse_precision precision);

/** Local. True if the checks of a block of order n are within their bounds; NaN is
 * not. */
bool hesse_checks_hold(int n, hesse_precision precision, double check_trace,
                       double check_frobenius, double check_symmetry);

/** Local. Set check_trace and check_frobenius from the sums, and compare all checks and
 * residuals with their bounds. check_symmetry must be set before. The checks of a zero
 * matrix are 0.
 *
 *  what    [in]  the block's name, for the message.
 *  Bounds: check_trace and check_frobenius hesse_check_bound; check_symmetry 1e-11, in
 *  single precision 1e-4;
 *  residuals 1e-11 sqrt(n) of the largest |eigenvalue|. If the squares underflow (all
 *  entries are below about 1e-140), the sum of |H_ij| replaces the Frobenius norm and
 *  check_frobenius is 0. See docs/math.md.
 *  Errors: HESSE_E_NUMERIC, which names the block, and the check with its value and its
 *  bound, or an eigenvalue or a sum that is not finite, or eigenvalues out of order. */
hesse_status hesse_spectrum_check(hesse_spectrum *spectrum, const hesse_sums *sums,
                                  const char *what, hesse_why *why);

/** Measures of one block; all are in the units of the Hessian unless another unit is
 * given. */
typedef struct hesse_measures {
    double trace, frobenius;
    double min, max;         /* extreme eigenvalues                               */
    double condition;        /* largest / smallest |eigenvalue| above the floor, 1 */
    double robust_condition; /* largest eigenvalue / lower median of |eigenvalue|; the
                                median counts as 0 if it is not above the floor; 1 */
    double negative_mass;    /* sum |negative| / sum |all|, above the floor, 1     */
    double effective_rank;   /* exp of the entropy of |eigenvalue| / sum, 1        */
    double trace_per_parameter; /* trace / n                                          */
    double gradient_norm;       /* of the block's gradient; units of the gradient     */
    double dominance;           /* tau = sum |H_ii| / sum |H_ij|, 1                   */
    double noise_floor;         /* n eps max |eigenvalue|; values below it are
                                   rounding */
} hesse_measures;

/** Local. Compute the measures of a block from its spectrum, sums and gradient. A zero
 * matrix has negative mass and effective rank 0, and NaN for condition, robust
 * condition and dominance (0 / 0).
 *
 *  gradient  [in]  the block's n entries.
 *  Source: dominance: Zhang et al., Adam-mini (arXiv:2406.16793); trace per parameter:
 *  Wang et al., The Sharpness Disparity Principle (arXiv:2502.19002); robust condition:
 *  Jiang, Malik & Li (arXiv:2211.02254); effective rank:
 *  Roy & Vetterli, The effective rank (EUSIPCO 2007). */
void hesse_measure(const hesse_spectrum *spectrum, const hesse_sums *sums,
                   const double *gradient, hesse_measures *measures);

#ifdef __cplusplus
}
#endif

#endif /* HESSE_SPECTRUM_H */
