/** A principal part of a share of a model's Hessian as an operator on vectors. */
#ifndef HESSE_CURVATURE_APPLIED_H
#define HESSE_CURVATURE_APPLIED_H

#include "curvature/product.h"
#include "curvature/quadratures.h"
#include "spectra/operator.h"

typedef struct hesse_applied {
    hesse_model *model;           /* borrowed                                      */
    const hesse_aim *aim;         /* borrowed                                      */
    const hesse_probing *probing; /* who is told, who says whether to go on        */
    hesse_bundle bundle;          /* of as many vectors as are multiplied at once  */
    hesse_product *product;
    double *v, *av;        /* room for so many of more or fewer                    */
    double done, all;      /* vectors multiplied, of how many, here and before     */
    const char *phase;     /* what they are for                                    */
    double operations, of; /* done; of one product                                 */
} hesse_applied;

/** Collective. For up to `most` vectors, which go `width` at a time.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_applied_new(hesse_model *model, const hesse_aim *aim, int width,
                               int most, const hesse_probing *probing,
                               hesse_applied *applied);
void hesse_applied_free(hesse_applied *applied);

/** Local. Bytes that it takes on each of so many ranks; infinite when memory is exhausted. */
double hesse_applied_bytes(const hesse_model *model, int ranks, const hesse_aim *aim,
                           int width, int most);

/** Local. The operator, which borrows it. Its errors are those of the keeper. */
hesse_operator hesse_applied_operator(hesse_applied *applied);

#endif /* HESSE_CURVATURE_APPLIED_H */
