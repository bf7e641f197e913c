/** Closed forms for linear transformers of L layers that learn linear regression in
 *  context, at the population loss f(W) = E (output - target)^2. P and Q are d x d, and
 *  the covariates x are isotropic. docs/math.md, section 16. */
#ifndef HESSE_THEORY_LINEAR_TRANSFORMER_H
#define HESSE_THEORY_LINEAR_TRANSFORMER_H

#include "hesse/data.h"

/** A task and the depth of the network. */
typedef struct hesse_linear_task {
    hesse_covariates covariates;
    double shape, scale; /* k and theta of the gamma distribution of |x|^2, above 0 */
    int d;               /* numbers of x, 1 or more                               */
    int n;               /* pairs (x, y) before the question, 1 or more           */
    int layers;          /* L, 1 or more                                          */
} hesse_linear_task;

/** Moments of the covariates. */
typedef struct hesse_linear_moments {
    double m2;    /* E |x|^2                                                   */
    double m4;    /* E |x|^4                                                   */
    double c2;    /* E S^2 = c2 I, for S = (1/n) sum over the pairs of x x'    */
    double kappa; /* m4 / (d (d + 2)), which is 1 for N(0, I)                  */
} hesse_linear_moments;

/** The best network of one layer, Q = -gamma I, whose output is a step of gradient
 *  descent. */
typedef struct hesse_linear_layer {
    double
        eigenvalue; /* of the Hessian's Q block, which is a multiple of I at every Q */
    double gamma;
    double loss; /* the smallest one */
} hesse_linear_layer;

/** An eigenvalue, and the dimension of its eigenspace. */
typedef struct hesse_linear_level {
    double eigenvalue;
    double multiplicity; /* an integer */
} hesse_linear_level;

enum { HESSE_LINEAR_LEVELS = 7 };

/** Local. Return the moments of the covariates of a task. */
hesse_linear_moments hesse_linear_moments_of(const hesse_linear_task *task);

/** Local. Return the loss at W = 0, which is m2, and the norm of the gradient there.
 * The derivative in each Q is 2 (m2 / d)^2 I, and those in P are 0. */
double hesse_linear_loss_at_zero(const hesse_linear_task *task);
double hesse_linear_gradient_at_zero(const hesse_linear_task *task);

/** Local. Return the optimum of the network of one layer; task->layers is not read. */
hesse_linear_layer hesse_linear_one_layer(const hesse_linear_task *task);

/** Local. Compute the eigenvalues of the Hessian in all 2 L d^2 parameters at W = 0.
 *
 *  levels  [out]  in descending order of eigenvalues, without empty eigenspaces. Two
 *                 levels may have equal eigenvalues.
 *  Returns their number, at most HESSE_LINEAR_LEVELS. */
int hesse_linear_spectrum_at_zero(const hesse_linear_task *task,
                                  hesse_linear_level levels[HESSE_LINEAR_LEVELS]);

#endif /* HESSE_THEORY_LINEAR_TRANSFORMER_H */
