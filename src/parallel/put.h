/** Pieces of a symmetric matrix, on their way from the ranks that made them to the
 * owners of their entries, while the ranks make others. */
#ifndef HESSE_PARALLEL_PUT_H
#define HESSE_PARALLEL_PUT_H

#include "parallel/dmat.h"

/** A dense piece of a symmetric matrix that one rank holds: rows that are neighbours,
 * and columns that are `apart` from one to the next (1: neighbours, too). Entry (row +
 * i, col + j * apart) is values[i * stride + j]. */
typedef struct hesse_patch {
    int row, rows, col, cols, apart;
    bool lower; /* only entries with row >= column count */
    size_t stride;
    const double *values;
} hesse_patch;

/** Local. The patches that a rank brings, and their number. Every rank can tell those
 * of every other, but for the values; they are valid until the next call. */
typedef int hesse_brings(void *context, int rank, const hesse_patch **patches);

typedef struct hesse_put hesse_put;

/** Collective. Errors: HESSE_E_NOMEM. */
hesse_status hesse_put_new(hesse_dmat *a, hesse_put **put);
void hesse_put_free(hesse_put *put);

/** Local. Reckon with such patches. */
void hesse_put_reserve(hesse_put *put, hesse_brings *brings, void *context);

/** Collective. Room for what was reckoned with.
 *  Memory: twice the largest of those patches on both sides; once for a matrix that is
 *  `lower`.
 *  Errors: HESSE_E_NOMEM, also above 2^31 - 1 numbers out of or into a rank. */
hesse_status hesse_put_open(hesse_put *put);

/** Collective, but waits for nobody. Send patches off; each entry to its place and to
 * its mirrored one. Their values are no longer needed then. One post at a time.
 *
 *  A patch that holds entries and their mirror images must be `lower`. So the matrix is
 *  symmetric to the bit. Of a matrix that is `lower`, only that triangle is filled. */
void hesse_put_post(hesse_put *put, hesse_brings *brings, void *context);

/** Collective. Wait for what was posted, if anything was, and put it in its places; the
 *  arguments are those of the post. */
void hesse_put_settle(hesse_put *put, hesse_brings *brings, void *context);

#endif /* HESSE_PARALLEL_PUT_H */
