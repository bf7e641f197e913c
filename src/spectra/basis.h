/** Vectors whose rows are shared by the ranks, and orthonormal bases of them. */
#ifndef HESSE_SPECTRA_BASIS_H
#define HESSE_SPECTRA_BASIS_H

#include "hesse/team.h"

#include <stdbool.h>
#include <stddef.h>

/** Local. Return the first of the n rows that a rank has. The next rank's rows follow.
 */
size_t hesse_rows_first(size_t n, int ranks, int rank);

/** Collective. Send the rows of all ranks to all. Element (i, j) of k vectors is at i *
 * k + j. */
void hesse_rows_tell(hesse_team *team, size_t n, int k, double *v);

typedef struct hesse_basis {
    hesse_team *team;      /* borrowed                      */
    size_t n, first, rows; /* of the vectors; of this rank  */
    int room, count;       /* of vectors                    */
    double *columns;       /* [room][rows], one after the other */
    double *sums;          /* [room]                        */
} hesse_basis;

/** Local. Return the time to make `vectors` vectors orthogonal, twice, to `others`
 * other vectors on average. It is in numbers that loops of operators pass: one of them
 * takes as long as four pairs of a product here (measured). */
static inline double hesse_basis_elements(double n, double vectors, double others)
{
    return n * vectors * others;
}

/** Local. Make an empty basis. Returns false when memory is exhausted. Free it also
 * then. */
bool hesse_basis_new(hesse_team *team, size_t n, int room, hesse_basis *b);
void hesse_basis_free(hesse_basis *b);

/** Collective. c = B' w for k vectors, given by this rank's rows; c is [count][k]. */
void hesse_basis_dots(const hesse_basis *b, int k, const double *w, double *c);

/** Collective. c = A' B for two bases with the same rows; c is [B's count][A's count].
 */
void hesse_basis_gram(const hesse_basis *a, const hesse_basis *b, double *c);

/** Local. w -= B c. */
void hesse_basis_subtract(const hesse_basis *b, int k, double *w, const double *c);

/** Collective. Append one more vector: the part of column j of k vectors w that is
 * orthogonal to the basis, divided by its length. Append nothing if that length is not
 * above the floor. Returns true if a vector was appended. Source: Giraud & Langou
 * (2002), on why it is enough to orthogonalise twice. */
bool hesse_basis_append(hesse_basis *b, int k, int j, const double *w, double floor);

/** Local. Copy this rank's rows of k vectors of the basis into v. hesse_rows_tell can
 * send them to all ranks then. */
void hesse_basis_put(const hesse_basis *b, int first, int k, double *v);

/** Local. Copy this rank's rows out of k vectors of all rows. */
void hesse_basis_take(const hesse_basis *b, int k, const double *v, double *w);

#endif /* HESSE_SPECTRA_BASIS_H */
