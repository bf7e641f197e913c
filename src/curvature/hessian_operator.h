/** A principal part of a share of a model's Hessian as an operator on vectors. */
#ifndef HESSE_CURVATURE_HESSIAN_OPERATOR_H
#define HESSE_CURVATURE_HESSIAN_OPERATOR_H

#include "curvature/quadratures.h"
#include "objective/product.h"
#include "spectra/operator.h"

typedef struct hesse_hessian_operator {
    hesse_objective *objective;    /* borrowed                                      */
    const hesse_submatrix *matrix; /* borrowed                                      */
    const hesse_matrix_free_options *how; /* who is told, who says whether to go on */
    hesse_bundle bundle; /* of as many vectors as are multiplied at once  */
    hesse_product *product;
    double *v, *av;        /* room for so many of more or fewer                    */
    double done, all;      /* vectors multiplied, of how many, here and before     */
    const char *phase;     /* what they are for                                    */
    double operations, of; /* done; of one product                                 */
} hesse_hessian_operator;

/** Collective. For up to `most` vectors, which go `width` at a time.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_hessian_operator_new(hesse_objective *objective,
                                        const hesse_submatrix *matrix, int width,
                                        int most, const hesse_matrix_free_options *how,
                                        hesse_hessian_operator *applied);
void hesse_hessian_operator_free(hesse_hessian_operator *applied);

/** Local. Bytes that it takes on each of so many ranks; infinite when memory is
 * exhausted. */
double hesse_hessian_operator_bytes(const hesse_objective *objective, int ranks,
                                    const hesse_submatrix *matrix, int width, int most);

/** Local. The operator, which borrows it. Its errors are those of the checkpoint. */
hesse_operator hesse_hessian_operator_operator(hesse_hessian_operator *applied);

#endif /* HESSE_CURVATURE_HESSIAN_OPERATOR_H */
