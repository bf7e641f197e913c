/** Quadratics whose Hessian is diagonal by blocks, with given eigenvalues.
 *  Source: Zhang et al., arXiv:2402.16788, section 3. */
#ifndef HESSE_DATA_QUADRATIC_H
#define HESSE_DATA_QUADRATIC_H

#include "hesse/status.h"
#include "network/batch.h"

#include <stdint.h>

/** Local. Rows of A, diagonal by blocks A_l = sqrt(L_l) Q_l': A' A has blocks Q_l L_l Q_l'
 *  with the eigenvalues L_l and random orthogonal Q_l (of the QR decomposition of normal
 *  numbers, uniform by Haar's measure). n rows of n numbers; zeros are wanted.
 *
 *  sizes        [in]  of the blocks; together n.
 *  eigenvalues  [in]  n, none below 0.
 *  Errors: HESSE_E_JOB of a negative one, HESSE_E_NOMEM. */
hesse_status hesse_quadratic_make(int blocks, const int *sizes,
                                  const double *eigenvalues, uint64_t seed,
                                  hesse_batch *batch, hesse_why *why);

#endif /* HESSE_DATA_QUADRATIC_H */
