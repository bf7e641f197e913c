/** Pieces of a symmetric matrix are sent by the ranks that made them to the owners of
 * their entries, while the ranks make other pieces. */
#ifndef HESSE_PARALLEL_PUT_H
#define HESSE_PARALLEL_PUT_H

#include "parallel/dmat.h"

/** A dense piece of a symmetric matrix that one rank holds. Its rows are neighbours,
 * and its columns are `apart` from one to the next (1: neighbours, too). Entry (row +
 * i, col + j * apart) is values[i * stride + j]. */
typedef struct hesse_patch {
    int row, rows, col, cols, apart;
    bool lower; /* only entries with row >= column count */
    size_t stride;
    const real *values;
} hesse_patch;

/** Local. List the patches that a rank brings, and return their number. Every rank can
 * list the patches of every other rank, except for their values. The list is valid
 * until the next call. */
typedef int hesse_brings(void *context, int rank, const hesse_patch **patches);

typedef struct hesse_put hesse_put;

/** Collective. Make a put for a matrix. Errors: HESSE_E_NOMEM. */
hesse_status hesse_put_new(hesse_dmat *a, hesse_put **put);
void hesse_put_free(hesse_put *put);

/** Local. Note that such patches will be sent. */
void hesse_put_reserve(hesse_put *put, hesse_brings *brings, void *context);

/** Collective. Allocate memory for the patches that were noted.
 *  Memory: twice the largest of those patches on both sides; once for a matrix that is
 *  `lower`.
 *  Errors: HESSE_E_NOMEM, also above 2^31 - 1 numbers out of or into a rank. */
hesse_status hesse_put_open(hesse_put *put);

/** Collective, but waits for nobody. Send patches: each entry goes to its place and to
 * its mirrored one. Their values are no longer needed then. Only one post may be under
 * way.
 *
 *  A patch that holds entries and their mirror images must be `lower`. So the matrix is
 *  symmetric to the bit. If the matrix is `lower`, only that triangle is filled. */
void hesse_put_post(hesse_put *put, hesse_brings *brings, void *context);

/** Collective. Wait for the posted patches, if there are any, and put them in their
 * places. The arguments are those of the post. */
void hesse_put_settle(hesse_put *put, hesse_brings *brings, void *context);

#endif /* HESSE_PARALLEL_PUT_H */
