/** hesse: spectra of matrices that are too large to form, by stochastic Lanczos quadrature. */
#ifndef HESSE_LANCZOS_H
#define HESSE_LANCZOS_H

#include "hesse/model.h"
#include "hesse/parts.h"

#include <stdint.h>

/** What is asked. Start it from {0}; NULL and 0 stand for the defaults given. */
typedef struct hesse_lanczos_question {
    hesse_kinds part; /* default: the Hessian itself */

    /* The principal part of all blocks that these names or globs select, as one matrix;
       0: all parameters. */
    hesse_cut partition; /* default: by tensor */
    const char *const *only;
    int n_only;

    int steps;      /* of a probe, at most the order; default 100      */
    int probes;     /* default 10                                      */
    int width;      /* probes advanced at once; default: up to 8       */
    bool forgetful; /* no reorthogonalisation; default: twice, in full */
    uint64_t seed;  /* of the probes                                   */
} hesse_lanczos_question;

/** Of every probe a Gauss quadrature of its spectral measure: for a function f,
 *  sum over i of weights[i] f(nodes[i]) stands for q' f(S) q, q the probe, |q| = 1, and
 *  n times that estimates tr f(S). Exact for polynomials up to degree 2 steps - 1. */
typedef struct hesse_quadrature {
    size_t n;           /* the order of the matrix                                   */
    int probes, steps;  /* as they were done                                         */
    double *nodes;      /* [probes][steps] ascending, units of the Hessian           */
    double *weights;    /* [probes][steps], each probe's sum to 1                    */
    int *taken;         /* [probes] steps until the probe's Krylov space was all used;
                           nodes from there on repeat the last, with weight 0        */
    double *extreme[2]; /* [probes] bounds on the distance of the first and the last
                           node from an eigenvalue: beta_m |last component|           */
    double seconds;     /* wall time                                                 */
} hesse_quadrature;

/** Collective. The same on all ranks, and for any number of ranks to rounding: probes are
 *  normal numbers by (seed, probe, coordinate), scaled to length 1.
 *
 *  Memory: the basis, 8 n steps width bytes over all ranks together, unless forgetful;
 *  16 n width bytes and those of a product on each.
 *  Errors: HESSE_E_JOB (a name that selects nothing, numbers out of range), HESSE_E_NOMEM,
 *  HESSE_E_NUMERIC when a product is not finite.
 *  Source: Golub & Meurant, Matrices, Moments and Quadrature (2010), ch. 4 and 6; Ubaru,
 *  Chen & Saad, SIAM J. Matrix Anal. Appl. 38 (2017), 1075-1099. */
hesse_status hesse_lanczos(hesse_model *model, const hesse_lanczos_question *question,
                           hesse_quadrature **quadrature);
void hesse_quadrature_free(hesse_quadrature *q);

/** Local. The estimate of tr S^power and its standard error over the probes (NaN for one). */
void hesse_quadrature_moment(const hesse_quadrature *q, int power, double *estimate,
                             double *standard_error);

#endif /* HESSE_LANCZOS_H */
