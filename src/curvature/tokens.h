/** Columns of the weight of a linear operator by sweeps of tokens: with y = x W they
 * are products of x with what unit tangents of y make. docs/math.md, section 4. */
#ifndef HESSE_CURVATURE_TOKENS_H
#define HESSE_CURVATURE_TOKENS_H

#include "network/partition.h"
#include "network/sweep.h"
#include "network/workload.h"

/** The first group is borrowed and set by the caller; the rest belongs to this module.
 */
typedef struct hesse_tokens {
    const hesse_tape *tape;
    const hesse_params *params;
    hesse_sweep *sweep; /* the caller plans it for the piece of every call below */
    int panel, shares;
    const hesse_kinds *kinds; /* [shares] */

    size_t raw_size, near_size; /* numbers of the largest panel; 0: none was reserved */
    double **raw;    /* [shares] results of sweeps, of all tokens of a sequence */
    double **window; /* [shares] where in it a sweep writes                     */
    double *near;    /* a few rows of it, in the order of tokens                */
    int *unit;       /* [panel] directions of a sweep                           */
} hesse_tokens;

/** Local. Output channels of a piece of a weight, and its inputs. */
int hesse_tokens_outputs(const hesse_tokens *t, const hesse_piece *x);
int hesse_tokens_inputs(const hesse_tokens *t, const hesse_piece *x);

/** Local. Output channels of a panel of a piece with this number of wanted rows; 0: the
 *  panel would be too large. */
int hesse_tokens_channels(const hesse_tokens *t, const hesse_piece *x, size_t rows);

/** Local. The work of all columns of a piece; infinite products where they cannot be
 *  computed by tokens.
 *
 *  want, rect  [in]  its parameter among what a workload was told that is wanted, and
 *  what of it is. */
hesse_work hesse_tokens_work(const hesse_tokens *t, const hesse_piece *x,
                             hesse_workload *w, int want, hesse_rect rect);

/** Local. Note that panels of a piece will be computed, then get memory for all of
 * them; and the bytes that it takes. */
void hesse_tokens_reserve(hesse_tokens *t, const hesse_piece *x, int channels,
                          size_t rows);
bool hesse_tokens_allocate(hesse_tokens *t);
size_t hesse_tokens_bytes(const hesse_tokens *t);
void hesse_tokens_free(hesse_tokens *t);

/** Local. Compute the columns of some neighbouring output channels of a piece.
 *
 *  values  [out]  for every share rows x (channels x inputs). */
void hesse_tokens_compute(hesse_tokens *t, const hesse_piece *x, int first,
                          int channels, double *const *values);

#endif /* HESSE_CURVATURE_TOKENS_H */
