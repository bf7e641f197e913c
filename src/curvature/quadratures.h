/** Quadratures of many matrices of a model: blocks of the Hessian and of its shares. */
#ifndef HESSE_CURVATURE_QUADRATURES_H
#define HESSE_CURVATURE_QUADRATURES_H

#include "curvature/dense.h"
#include "hesse/extremes.h"
#include "hesse/hutchinson.h"
#include "hesse/lanczos.h"
#include "objective/product.h"

/** A matrix for which a quadrature is computed: a principal part of a share. */
typedef struct hesse_submatrix {
    const hesse_piece *pieces; /* [n_pieces] */
    int n_pieces;
    hesse_kinds part;
    int share, block; /* its name in records; block -1: the whole */
    /* A scaled matrix is D^(-1/2) A D^(-1/2), for A the principal part. */
    bool scaled;
    const double *scale; /* [n] D^(-1/2); NULL in a plan                          */
    double largest;      /* the largest entry of 1 / D; 0 or 1: it is not scaled  */
    hesse_quadrature *q; /* made for the settings; filled           */
    /* Other results for it. They are NULL before a run, and if not requested. */
    hesse_extremes *extremes;
    hesse_hutchinson *hutchinson;
} hesse_submatrix;

/** The listener, and the checkpoint in which finished work is saved. Both may be NULL.
 */
typedef struct hesse_matrix_free_options {
    double memory; /* bytes that a rank may use beside the model; 0: no limit */
    const hesse_listener *listener;
    hesse_checkpoint *checkpoint;
} hesse_matrix_free_options;

/** Local. Multiply row i of a list of k vectors by scale[i]. */
void hesse_submatrix_scale(const hesse_submatrix *matrix, int k, const double *from,
                           double *to);

/** Local. Replace zeros in the settings by defaults; or make the quadrature of a matrix
 * of order n, which is not filled yet. Errors: HESSE_E_JOB (numbers out of range),
 * HESSE_E_NOMEM. */
hesse_status hesse_lanczos_defaults(hesse_lanczos_settings *settings, hesse_why *why);
hesse_status hesse_submatrix_quadrature(size_t n,
                                        const hesse_lanczos_settings *settings,
                                        hesse_quadrature **quadrature, hesse_why *why);

/** The batches of vectors that advance together within a limit of memory. */
typedef struct hesse_batches {
    double
        bytes; /* the most that a rank needs at once; infinite: memory is exhausted */
    double sweeps; /* of all batches together */
    int columns;   /* largest number of vectors at once */
    int too_large; /* first matrix for which not even one vector fits; -1: none */
} hesse_batches;

/** Local. Return the batches on `ranks` ranks within `memory` bytes (0: no limit). */
hesse_batches hesse_quadratures_batches(const hesse_objective *objective,
                                        const hesse_lanczos_settings *settings,
                                        int ranks, int count,
                                        const hesse_submatrix *matrices, double memory);

/** Local. Return the work of all steps of all probes, of all ranks together.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_quadratures_work(const hesse_objective *objective,
                                    const hesse_lanczos_settings *settings, int count,
                                    const hesse_submatrix *matrices, hesse_work *work,
                                    hesse_why *why);

/** Collective. Fill the quadratures of the matrices. In the list, the matrices of one
 * share are neighbours. Probes of neighbouring matrices of a share advance together, so
 * that they share passes over the model. Errors: HESSE_E_NOMEM, HESSE_E_NUMERIC naming
 * the block, and those of the checkpoint. */
hesse_status hesse_quadratures(hesse_objective *objective,
                               const hesse_lanczos_settings *settings, int count,
                               const hesse_submatrix *matrices,
                               const hesse_matrix_free_options *how);

#endif /* HESSE_CURVATURE_QUADRATURES_H */
