/** A principal part of a share of a model's Hessian as an operator on vectors. */
#ifndef HESSE_CURVATURE_HESSIAN_OPERATOR_H
#define HESSE_CURVATURE_HESSIAN_OPERATOR_H

#include "curvature/quadratures.h"
#include "objective/product.h"
#include "spectra/operator.h"

typedef struct hesse_hessian_operator {
    hesse_objective *objective;    /* borrowed                                      */
    const hesse_submatrix *matrix; /* borrowed                                      */
    const hesse_matrix_free_options *how; /* the listener and the checkpoint */
    hesse_bundle bundle; /* of the vectors that are multiplied at once */
    hesse_product *product;
    double *v, *av;        /* vectors of the product, if another number is given */
    double done, all;      /* vectors multiplied; of how many; both with earlier ones */
    const char *phase;     /* purpose of the products */
    double operations, of; /* finished; of one product */
} hesse_hessian_operator;

/** Collective. Make an operator for at most `most` vectors, of which `width` are
 * multiplied at a time.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_hessian_operator_new(hesse_objective *objective,
                                        const hesse_submatrix *matrix, int width,
                                        int most, const hesse_matrix_free_options *how,
                                        hesse_hessian_operator *applied);
void hesse_hessian_operator_free(hesse_hessian_operator *applied);

/** Local. Return the bytes that it needs on each of `ranks` ranks, or infinity if
 * memory is exhausted. */
double hesse_hessian_operator_bytes(const hesse_objective *objective, int ranks,
                                    const hesse_submatrix *matrix, int width, int most);

/** Local. Return it in the form of an operator, which borrows it. Its errors are those
 * of the checkpoint. */
hesse_operator hesse_hessian_operator_operator(hesse_hessian_operator *applied);

#endif /* HESSE_CURVATURE_HESSIAN_OPERATOR_H */
