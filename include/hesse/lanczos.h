/** hesse: spectra of matrices that are too large to form, by stochastic Lanczos
 * quadrature. */
#ifndef HESSE_LANCZOS_H
#define HESSE_LANCZOS_H

#include "hesse/objective.h"
#include "hesse/parts.h"
#include "hesse/quadrature.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The ways to keep the vectors of Lanczos' recurrence orthogonal. */
typedef enum hesse_orthogonality {
    /* Every vector is orthogonalised against all vectors before it, twice. */
    HESSE_ORTHOGONALITY_FULL,
    /* Vectors are orthogonalised only when the estimated loss of orthogonality exceeds
       the square root of the rounding unit: Simon, Math. Comp. 42 (1984), 115-142. The
       eigenvalues are equal to those of full orthogonality up to rounding. The basis is
       kept here, too. */
    HESSE_ORTHOGONALITY_SELECTIVE,
    /* Vectors are not orthogonalised. No basis is kept, and copies of converged
       eigenvalues appear. */
    HESSE_ORTHOGONALITY_NONE,
    /* Vectors are not orthogonalised, and a vector of length 1e-8 or less is divided by
       1e-8, as the published procedure does: docs/math.md, section 11. */
    HESSE_ORTHOGONALITY_PAPER
} hesse_orthogonality;

/** Local. The name of it in words. */
const char *hesse_orthogonality_text(hesse_orthogonality o);

/** Settings of the recurrence. Start it from {0}; 0 selects the defaults that are given
 * here. */
typedef struct hesse_lanczos_settings {
    int steps;  /* of a probe, at most the order; default 100 */
    int probes; /* default 10                                 */
    int width;  /* vectors advanced at once; default: up to 24, one in wide models */
    hesse_orthogonality orthogonality;
    uint64_t seed; /* of the probes                           */
} hesse_lanczos_settings;

/** The matrix whose spectrum is asked for. Start it from {0}; NULL and 0 select the
 * defaults that are given here. */
typedef struct hesse_lanczos_options {
    hesse_kinds part; /* default: the Hessian itself */

    /* Names or globs. The matrix is the principal part of all blocks that they select,
       as one matrix; 0: all parameters. */
    hesse_cut partition; /* default: by tensor */
    const char *const *only;
    int n_only;

    hesse_lanczos_settings settings;
} hesse_lanczos_options;

/** Collective. Estimate a spectrum. The result is the same on all ranks, and for any
 * number of ranks up to rounding: probes are normal numbers by (seed, probe,
 * coordinate), scaled to length 1.
 *
 *  Memory: the basis takes 8 n steps width bytes over all ranks together, unless none
 * is kept; 16 n width bytes and the memory of a product on each rank. Errors:
 * HESSE_E_JOB (a name that selects nothing, numbers out of range), HESSE_E_NOMEM,
 * HESSE_E_NUMERIC when a product is not finite. Source: Golub & Meurant, Matrices,
 * Moments and Quadrature (2010), ch. 4 and 6; Ubaru, Chen & Saad, SIAM J. Matrix Anal.
 * Appl. 38 (2017), 1075-1099. */
hesse_status hesse_lanczos(hesse_objective *objective,
                           const hesse_lanczos_options *options,
                           hesse_quadrature **quadrature);

#ifdef __cplusplus
}
#endif

#endif /* HESSE_LANCZOS_H */
