/** Products over pairs of tokens of a sequence, for the two bilinear maps of attention.
 *
 *  A grid of pairs S (token i attends to token j, head h) is an activation of h t
 *  channels; rows Z are an activation of heads times e channels. In each product one
 *  factor is primal; the other factor and the result are k tangents. A product is added
 *  to its result, or the result is set to it. Pairs that causal attention does not see
 * are neither read nor written. */
#ifndef HESSE_OPS_PAIRS_H
#define HESSE_OPS_PAIRS_H

#include "ops/gemm.h"
#include "ops/op.h"

/** The rows on one side of the pairs. */
typedef struct hesse_rows {
    const real *at;
    int heads, e; /* several query heads may share one of these */
} hesse_rows;

/** s[i, j] += a sum_e z[i] b[j]: tangents z on the side that attends. */
void hesse_pairs_from_queries(hesse_into into, const hesse_frame *f, real a,
                              const real *z, hesse_rows b, real *s);

/** s[i, j] += a sum_e b[i] z[j]: tangents z, of `heads` heads, on the attended side. */
void hesse_pairs_from_keys(hesse_into into, const hesse_frame *f, real a, hesse_rows b,
                           const real *z, int heads, real *s);

/** z[i] += a sum_j s[i, j] b[j]: tangents s. */
void hesse_pairs_to_queries(hesse_into into, const hesse_frame *f, real a,
                            const real *s, hesse_rows b, real *z);

/** z[j] += a sum_i s[i, j] b[i]: tangents s; z has `heads` heads. It is always added,
 *  since several query heads may share a head of z. */
void hesse_pairs_to_keys(const hesse_frame *f, real a, const real *s, hesse_rows b,
                         real *z, int heads);

/** z[i] += a sum_j p[i, j] y[j]: p primal, tangents y of `heads` heads of e channels.
 */
void hesse_pairs_mix(hesse_into into, const hesse_frame *f, real a, const real *p,
                     const real *y, int heads, int e, real *z);

/** z[j] += a sum_i p[i, j] y[i]: p primal; z has `heads` heads of e channels. It is
 *  always added. */
void hesse_pairs_mix_back(const hesse_frame *f, real a, const real *p, const real *y,
                          real *z, int heads, int e);

/** Set the pairs that causal attention does not see to 0. */
void hesse_pairs_clear_unseen(const hesse_frame *f, real *s);

/** Local. Return the operations of an operator that is a product over pairs of tokens.
 *  Each input that moves makes one product down and one up, each input that is wanted
 *  one up. */
double hesse_pairs_work(const hesse_dims *d, const hesse_use *use);

#endif /* HESSE_OPS_PAIRS_H */
