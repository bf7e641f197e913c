/** Vectors whose rows are shared by the ranks, and orthonormal bases of them. */
#ifndef HESSE_SPECTRA_BASIS_H
#define HESSE_SPECTRA_BASIS_H

#include "hesse/team.h"

#include <stdbool.h>
#include <stddef.h>

/** Local. The first of n rows that a rank has, of so many; those of rank + 1 come next.
 */
size_t hesse_rows_first(size_t n, int ranks, int rank);

/** Collective. The rows of all ranks to all: element (i, j) of k vectors at i * k + j.
 */
void hesse_rows_tell(hesse_team *team, size_t n, int k, double *v);

typedef struct hesse_basis {
    hesse_team *team;      /* borrowed                      */
    size_t n, first, rows; /* of the vectors; of this rank  */
    int room, count;       /* of vectors                    */
    double *columns;       /* [room][rows], one after other */
    double *sums;          /* [room]                        */
} hesse_basis;

/** Local. Of n rows, what it takes to make vectors orthogonal to so many others on
 * average, twice: in numbers that loops of operators pass, of which one takes as long
 * as four pairs of a product here (measured). */
static inline double hesse_basis_elements(double n, double vectors, double others)
{
    return n * vectors * others;
}

/** Local. An empty one. Returns false when memory is exhausted; then it can be freed,
 * too. */
bool hesse_basis_new(hesse_team *team, size_t n, int room, hesse_basis *b);
void hesse_basis_free(hesse_basis *b);

/** Collective. c = B' w of k vectors, given by this rank's rows; c [count][k]. */
void hesse_basis_dots(const hesse_basis *b, int k, const double *w, double *c);

/** Collective. c = A' B of two with the same rows; c [B's count][A's count]. */
void hesse_basis_gram(const hesse_basis *a, const hesse_basis *b, double *c);

/** Local. w -= B c. */
void hesse_basis_subtract(const hesse_basis *b, int k, double *w, const double *c);

/** Collective. One more vector: what of column j of k vectors w is orthogonal to all,
 * over its length; none where that length is not above the floor. Returns whether there
 * is one. Source: Giraud & Langou (2002), on why twice is enough. */
bool hesse_basis_append(hesse_basis *b, int k, int j, const double *w, double floor);

/** Local. Some vectors of the basis into k vectors that all ranks will know. */
void hesse_basis_put(const hesse_basis *b, int first, int k, double *v);

/** Local. The rows of this rank out of k vectors of all rows. */
void hesse_basis_take(const hesse_basis *b, int k, const double *v, double *w);

#endif /* HESSE_SPECTRA_BASIS_H */
