/** hesse: a spectrum known by quadrature rules of its measure. Needs no MPI. */
#ifndef HESSE_QUADRATURE_H
#define HESSE_QUADRATURE_H

#include "hesse/spectrum.h"
#include "hesse/status.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** For every probe q, |q| = 1, a Gauss quadrature of its spectral measure. For a
 * function f, the sum over i of weights[i] f(nodes[i]) approximates q' f(S) q, and n
 * times the sum estimates tr f(S). The quadrature is exact for polynomials up to degree
 * 2 steps - 1. */
typedef struct hesse_quadrature {
    size_t n;           /* the order of the matrix                                   */
    int probes, steps;  /* that were done                                            */
    double *nodes;      /* [probes][steps] ascending, units of the Hessian           */
    double *weights;    /* [probes][steps], each probe's sum to 1                    */
    int *taken;         /* [probes] steps until the probe's Krylov space was exhausted;
                           later nodes repeat the last one, with weight 0 */
    double *extreme[2]; /* [probes] bounds on the distance of the first and the last
                           node from an eigenvalue: beta_m |last component of the
                           eigenvector| */
    /* [probes] Gauss-Radau bounds, from below and from above, of the weight of the
       probe's measure on eigenvalues below 0; n times their means over probes bound the
       number of these eigenvalues, on average. */
    double *negative[2];
    double seconds; /* wall time */
} hesse_quadrature;

/** Local. Allocate room for a quadrature, all zero.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_quadrature_new(size_t n, int probes, int steps,
                                  hesse_quadrature **quadrature, hesse_why *why);
void hesse_quadrature_free(hesse_quadrature *q);

/** Local. The estimate of tr S^power and its standard error over the probes (NaN for
 * one). */
void hesse_quadrature_moment(const hesse_quadrature *q, int power, double *estimate,
                             double *standard_error);

/** Local. The nodes of all probes as one list, ascending, and the mass of each: its
 * weight over the number of probes, which estimates the fraction of all eigenvalues
 * near it.
 *
 *  nodes, masses  [out]  probes x steps numbers each. */
void hesse_quadrature_merge(const hesse_quadrature *q, double *nodes, double *masses);

/** Local. The mean over probes of the 10th largest node (the least, if there are
 * fewer). */
double hesse_quadrature_tenth(const hesse_quadrature *q);

/** Local. Estimate the measures of a block. min and max are the extreme nodes.
 * Condition and dominance are NaN, because they need single eigenvalues and entries.
 *
 *  gradient  [in]  the block's n entries. */
void hesse_measure_quadrature(const hesse_quadrature *q, const double *gradient,
                              hesse_measures *measures);

#ifdef __cplusplus
}
#endif

#endif /* HESSE_QUADRATURE_H */
