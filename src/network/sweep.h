/** Tangents down and cotangents up a tape. They give products of k directions at once
 *  with the Hessian, or with the share that some kinds of operators have in it.
 *
 *  Let J_a be the Jacobian of the inputs of operator a in the parameters, yb_a the
 *  adjoint of its output and d2F_a its second derivative. The share of a set of kinds
 *  is
 *
 *      S = sum over the operators a of these kinds of  J_a' (yb_a . d2F_a) J_a.
 *
 *  It is symmetric, and additive over disjoint sets. HESSE_ALL gives the Hessian,
 *  HESSE_GAUSS_NEWTON its positive semi-definite outer-product part, HESSE_FUNCTIONAL
 *  the rest.  Source: Pearlmutter, Neural Computation 6 (1994), 147-160; docs/math.md,
 *  section 2. */
#ifndef HESSE_NETWORK_SWEEP_H
#define HESSE_NETWORK_SWEEP_H

#include "network/tape.h"

typedef struct hesse_sweep hesse_sweep;

/** The number of tokens that go through nodes together. */
typedef struct hesse_pace {
    int stretch; /* tokens that go through all nodes together, in whole sequences (about
                    this number); they need memory */
    int near; /* tokens that go together through the nodes between two attentions, near
                 the processor */
} hesse_pace;

/** Local. The pace for panels. Their results are small, so few tokens go together and
 *  stay in the cache. */
extern const hesse_pace hesse_pace_of_panels;

/** Local. Return the pace for k dense directions. If weights and results are larger
 *  than a cache, a token that passes alone would move all of them through the
 *  processor. So the tokens that go together take about as much memory as the
 *  directions do. */
hesse_pace hesse_pace_of_products(const hesse_tape *t, int k, size_t coordinates);

/** Local. Make a sweep over a tape with up to k directions at once. The tape is
 *  borrowed. Returns NULL when memory is exhausted. */
hesse_sweep *hesse_sweep_new(hesse_tape *t, int k, hesse_pace pace);
void hesse_sweep_free(hesse_sweep *s);

/** Local. Choose the parameters that move and the parts of parameters that are wanted,
 *  and get memory for the sweep. Only values that depend on a moving parameter get
 *  tangents, only values that depend on a wanted one get cotangents; the others cost
 *  nothing.
 *
 *  moves  [in]  for every parameter, true if directions have entries in it.
 *  want   [in]  for every parameter, its wanted rows and columns; rows = 0: none.
 *  Memory: tangents and cotangents of some sequences, k of each; kept until a plan
 *  needs more.
 *  Returns false when memory is exhausted; there is no plan then. */
bool hesse_sweep_plan(hesse_sweep *s, const bool *moves, const hesse_rect *want);

/** Local. Return the bytes that a plan takes at most, when everything moves and
 *  everything is wanted. */
size_t hesse_sweep_bytes(const hesse_tape *t, int k, hesse_pace pace);

/** Local. Return rows of the result, in which wanted parameters come one after another,
 *  each row-major: hesse_sweep_rows the number of all rows, row_of the first row of a
 *  parameter. direction_of returns its first row in dense directions. */
size_t hesse_sweep_rows(const hesse_sweep *s);
size_t hesse_sweep_row_of(const hesse_sweep *s, int param);
size_t hesse_sweep_direction_of(const hesse_sweep *s, int param);

/** k directions, given in one of three ways; the other two pointers are NULL. They are
 *  dense; or unit vectors within the only parameter that moves; or, in place of
 *  directions of that parameter, unit vectors of the output of its only operator. The
 *  last are no directions of parameters; docs/math.md, section 4, says how columns are
 *  made of them. */
typedef struct hesse_directions {
    int k;           /* 1 ... k of the sweep                                          */
    const real *v;   /* rows x k, the parameters that move one after another, each
                            row-major */
    const int *unit; /* k elements of the parameter                                   */
    const int *output; /* k elements, token * width + channel, the same in every
                          sequence */
} hesse_directions;

/** Local. For every share p = 0 ... shares - 1: hv[p] = the wanted rows of S_p v, as
 *  far as sequences first ... first + count - 1 contribute to them. The contributions
 *  of all sequences add up to the rows.
 *
 *  kinds  [in]   of every share.
 *  hv     [out]  for every share rows x k, overwritten.
 *  Needs a run of the tape and a plan before. On a coupled tape the sequences must be
 *  all or none, and there are no directions of outputs. */
void hesse_sweep_run(hesse_sweep *s, const hesse_directions *v, int first, int count,
                     int shares, const hesse_kinds *kinds, real *const *hv);

/** Local. Find the first node whose numbers are not finite in a sweep over all
 *  sequences that gave results that are not finite. The arguments are those of the run,
 *  with one share; hv is overwritten with useless numbers. */
hesse_fault hesse_sweep_fault(hesse_sweep *s, const hesse_directions *v,
                              hesse_kinds kinds, real *hv);

#endif /* HESSE_NETWORK_SWEEP_H */
