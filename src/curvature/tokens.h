/** The columns of the weight of a linear operator by sweeps of tokens. With y = x W,
 * they are products of x with the results of unit tangents of y. docs/math.md, section
 * 4. */
#ifndef HESSE_CURVATURE_TOKENS_H
#define HESSE_CURVATURE_TOKENS_H

#include "network/partition.h"
#include "network/sweep.h"
#include "network/workload.h"

/** The first group of fields is borrowed and set by the caller. The others belong to
 * this module. */
typedef struct hesse_tokens {
    const hesse_tape *tape;
    hesse_sweep *sweep; /* the caller plans it for the piece of every call below */
    int panel, shares;
    const hesse_kinds *kinds; /* [shares] */

    size_t raw_size,
        near_size; /* how many numbers the largest panel has; 0: none was reserved */
    real **raw;    /* [shares] results of sweeps, of all tokens of a sequence */
    real **window; /* [shares] place in it where a sweep writes */
    real *near;    /* a few rows of it, in the order of tokens                */
    int *unit;     /* [panel] directions of a sweep                           */
} hesse_tokens;

/** Local. The piece is one of a weight that one linear operator reads. Return true if
 * the operator's outputs are the rows of the piece; return the number of its outputs,
 * or of its inputs. */
bool hesse_tokens_by_rows(const hesse_tokens *t, const hesse_piece *x);
int hesse_tokens_outputs(const hesse_tokens *t, const hesse_piece *x);
int hesse_tokens_inputs(const hesse_tokens *t, const hesse_piece *x);

/** Local. Return the number of output channels in a panel of a piece with this number
 * of wanted rows, or 0 if the panel would be too large. */
int hesse_tokens_channels(const hesse_tokens *t, const hesse_piece *x, size_t rows);

/** Local. Return the work of all columns of a piece. Its products are infinite if they
 * cannot be computed by tokens.
 *
 *  want, rect  [in]  the parameter of the piece, as an index in the list of wants of
 *                    the workload, and the wanted rectangle of the parameter. */
hesse_work hesse_tokens_work(const hesse_tokens *t, const hesse_piece *x,
                             hesse_workload *w, int want, hesse_rect rect);

/** Local. Note that panels of a piece will be computed; then allocate memory for all
 * noted panels; or return its bytes. */
void hesse_tokens_reserve(hesse_tokens *t, const hesse_piece *x, int channels,
                          size_t rows);
bool hesse_tokens_allocate(hesse_tokens *t);
size_t hesse_tokens_bytes(const hesse_tokens *t);
void hesse_tokens_free(hesse_tokens *t);

/** Local. Compute the columns of some neighbouring output channels of a piece.
 *
 *  values  [out]  for every share rows x (channels x inputs). */
void hesse_tokens_compute(hesse_tokens *t, const hesse_piece *x, int first,
                          int channels, real *const *values);

#endif /* HESSE_CURVATURE_TOKENS_H */
