/** A landscape as an HDF5 file of the same schema as results. */
#ifndef HESSE_OUTPUT_LANDSCAPE_H
#define HESSE_OUTPUT_LANDSCAPE_H

#include "hesse/landscape.h"
#include "output/reader.h"
#include "output/result.h"

/** Collective. Write a landscape. The file is complete or absent. Only the arguments of
 * rank 0 are used.
 *
 *  names  [in]  of the directions.
 *  notes  [in]  attributes of the root, without schema_version and description.
 *  Errors: HESSE_E_OUTPUT, HESSE_E_NOMEM. */
hesse_status hesse_landscape_write(hesse_team *team, const char *path,
                                   const hesse_landscape *landscape,
                                   const char *const *names, const hesse_note *notes,
                                   int count);

/** Local. Print a landscape: some points, or the extremes of a surface, and its
 * figures. `r` is open. */
void hesse_landscape_show(hesse_reader *r, FILE *out);

#endif /* HESSE_OUTPUT_LANDSCAPE_H */
