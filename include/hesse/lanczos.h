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

/** What keeps the vectors of Lanczos' recurrence orthogonal. */
typedef enum hesse_orthogonality {
    /* Every vector is made orthogonal to all before it, twice. */
    HESSE_ORTHOGONALITY_FULL,
    /* Only where an estimate of what is lost passes the square root of rounding: Simon,
       Math. Comp. 42 (1984), 115-142. Eigenvalues are those of full orthogonality to
       rounding; the basis is kept all the same. */
    HESSE_ORTHOGONALITY_SELECTIVE,
    /* Nothing: no basis is kept, and copies of converged eigenvalues appear. */
    HESSE_ORTHOGONALITY_NONE,
    /* Nothing, and where a vector's length is 1e-8 or less it is divided by that, as
       the published procedure does: docs/math.md, section 11. */
    HESSE_ORTHOGONALITY_PAPER
} hesse_orthogonality;

/** Local. In words. */
const char *hesse_orthogonality_text(hesse_orthogonality o);

/** How. Start it from {0}; 0 stands for the defaults given. */
typedef struct hesse_lanczos_settings {
    int steps;  /* of a probe, at most the order; default 100 */
    int probes; /* default 10                                 */
    int width;  /* vectors advanced at once; default: up to 24, one in wide models */
    hesse_orthogonality orthogonality;
    uint64_t seed; /* of the probes                           */
} hesse_lanczos_settings;

/** What is asked. Start it from {0}; NULL and 0 stand for the defaults given. */
typedef struct hesse_lanczos_options {
    hesse_kinds part; /* default: the Hessian itself */

    /* The principal part of all blocks that these names or globs select, as one matrix;
       0: all parameters. */
    hesse_cut partition; /* default: by tensor */
    const char *const *only;
    int n_only;

    hesse_lanczos_settings settings;
} hesse_lanczos_options;

/** Collective. The same on all ranks, and for any number of ranks to rounding: probes
 * are normal numbers by (seed, probe, coordinate), scaled to length 1.
 *
 *  Memory: the basis, 8 n steps width bytes over all ranks together, unless none is
 * kept; 16 n width bytes and those of a product on each. Errors: HESSE_E_JOB (a name
 * that selects nothing, numbers out of range), HESSE_E_NOMEM, HESSE_E_NUMERIC when a
 * product is not finite. Source: Golub & Meurant, Matrices, Moments and Quadrature
 * (2010), ch. 4 and 6; Ubaru, Chen & Saad, SIAM J. Matrix Anal. Appl. 38 (2017),
 * 1075-1099. */
hesse_status hesse_lanczos(hesse_objective *objective,
                           const hesse_lanczos_options *options,
                           hesse_quadrature **quadrature);

#ifdef __cplusplus
}
#endif

#endif /* HESSE_LANCZOS_H */
