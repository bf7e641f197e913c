/** Gradient descent on one matrix of a layer of attention. docs/math.md, section 19. */
#ifndef HESSE_THEORY_ATTENTION_DESCENT_H
#define HESSE_THEORY_ATTENTION_DESCENT_H

#include "theory/theory.h"

/** Collective. Fill the theory of a layer of which options.only selects one matrix:
 * conditions, rates and the measured losses for value.weight and output.weight, and the
 * rank of the Jacobian for query.weight.
 *  Errors: HESSE_E_JOB for another selection and for a learning rate above the bound;
 *  those of hesse_theory_new. */
hesse_status hesse_attention_descent(hesse_theory *theory);

#endif /* HESSE_THEORY_ATTENTION_DESCENT_H */
