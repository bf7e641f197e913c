/** Tangents down and cotangents up a tape: products of the Hessian, or of the share of
 *  some kinds of operators in it, with k directions at once.
 *
 *  With J_a the Jacobian of the inputs of operator a in the parameters, yb_a the
 * adjoint of its output and d2F_a its second derivative, the share of a set of kinds is
 *
 *      S = sum over the operators a of these kinds of  J_a' (yb_a . d2F_a) J_a,
 *
 *  symmetric, and additive over disjoint sets. HESSE_ALL gives the Hessian,
 *  HESSE_GAUSS_NEWTON its positive semi-definite outer-product part, HESSE_FUNCTIONAL
 * the rest.  Source: Pearlmutter, Neural Computation 6 (1994), 147-160; docs/math.md,
 *  section 2. */
#ifndef HESSE_NETWORK_SWEEP_H
#define HESSE_NETWORK_SWEEP_H

#include "network/tape.h"

typedef struct hesse_sweep hesse_sweep;

/** How many tokens go together. */
typedef struct hesse_pace {
    int stretch; /* through all nodes, as whole sequences: about so many; they need
                    memory */
    int near;    /* through the nodes between two attentions, near the processor    */
} hesse_pace;

/** Local. The pace for panels, whose results are small: few tokens, which stay in the
 * cache. */
extern const hesse_pace hesse_pace_of_panels;

/** Local. The pace for k dense directions. Where weights and results are larger than a
 * cache, each token that passes alone would carry all of them past the processor: as
 * many go together as take no more memory than the directions do. */
hesse_pace hesse_pace_of_products(const hesse_tape *t, int k, size_t coordinates);

/** Local. Sweeps over a tape with up to k directions at once. The tape is borrowed.
 * NULL when memory is exhausted. */
hesse_sweep *hesse_sweep_new(hesse_tape *t, int k, hesse_pace pace);
void hesse_sweep_free(hesse_sweep *s);

/** Local. Choose the parameters that move and the parts of parameters that are wanted,
 *  and get memory for it. Only values that depend on what moves get tangents, only
 * those that depend on what is wanted get cotangents; the rest costs nothing.
 *
 *  moves  [in]  for every parameter, whether directions have entries in it.
 *  want   [in]  for every parameter, its wanted rows and columns; rows = 0: none.
 *  Memory: some sequences' worth of tangents and cotangents, k of each; kept until a
 *  plan needs more.
 *  Returns false when memory is exhausted; there is no plan then. */
bool hesse_sweep_plan(hesse_sweep *s, const bool *moves, const hesse_rect *want);

/** Local. Bytes that a plan takes at most: everything moves and everything is wanted.
 */
size_t hesse_sweep_bytes(const hesse_tape *t, int k, hesse_pace pace);

/** Local. Rows of the result: wanted parameters come one after another, each row-major;
 *  row_of gives the first row of a parameter, direction_of that in dense directions. */
size_t hesse_sweep_rows(const hesse_sweep *s);
size_t hesse_sweep_row_of(const hesse_sweep *s, int param);
size_t hesse_sweep_direction_of(const hesse_sweep *s, int param);

/** k directions, in one of three ways, the others NULL: dense; unit vectors within the
 *  only parameter that moves; or, in place of a direction of that parameter, unit
 * vectors of what its only operator puts out. The last are no directions of parameters;
 * what makes columns of them is in docs/math.md, section 4. */
typedef struct hesse_directions {
    int k;           /* 1 ... k of the sweep                                          */
    const double *v; /* rows x k, the parameters that move one after another, each
                          row-major */
    const int *unit; /* k elements of the parameter                                   */
    const int *output; /* k elements, token * width + channel, the same of every
                          sequence */
} hesse_directions;

/** Local. For every share p = 0 ... shares - 1: hv[p] = the wanted rows of S_p v, as
 * far as sequences first ... first + count - 1 make them: over all of them it adds up.
 *
 *  kinds  [in]   of every share.
 *  hv     [out]  for every share rows x k, overwritten.
 *  Needs a run of the tape and a plan before. Of a coupled tape the sequences are all,
 * or none, and there are no directions of outputs. */
void hesse_sweep_run(hesse_sweep *s, const hesse_directions *v, int first, int count,
                     int shares, const hesse_kinds *kinds, double *const *hv);

/** Local. Where a sweep over these sequences, of which the results are not finite, goes
 * wrong first. The arguments are those of the run, of one share; hv is spoilt. */
hesse_fault hesse_sweep_fault(hesse_sweep *s, const hesse_directions *v,
                              hesse_kinds kinds, double *hv);

#endif /* HESSE_NETWORK_SWEEP_H */
