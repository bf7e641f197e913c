/** The numbers of a theory as an HDF5 file of the same schema as results. */
#ifndef HESSE_OUTPUT_THEORY_H
#define HESSE_OUTPUT_THEORY_H

#include "hesse/theory.h"
#include "output/reader.h"
#include "output/result.h"

/** Collective. Write the datasets of a theory. The file is complete or absent. Only the
 * arguments of rank 0 are used.
 *
 *  notes  [in]  attributes of the root, without schema_version and description.
 *  Errors: HESSE_E_OUTPUT, HESSE_E_NOMEM. */
hesse_status hesse_theory_write(hesse_team *team, const char *path,
                                const hesse_theory *theory, const hesse_note *notes,
                                int count);

/** Local. Print the medians of the numbers that every draw has, of eigenvalues, and
 * measured numbers beside claimed ones. `r` is open. */
void hesse_theory_show(hesse_reader *r, FILE *out);

#endif /* HESSE_OUTPUT_THEORY_H */
