/** A result file as tables in a terminal. */
#ifndef HESSE_OUTPUT_SHOW_H
#define HESSE_OUTPUT_SHOW_H

#include "hesse/status.h"

#include <stdio.h>

/** Local, serial. Print the run's data in a file, and, for every share of the Hessian,
 * a line for each block, one for the full matrix, and the mean distances.
 *
 *  Errors: HESSE_E_INPUT when the file is missing, not HDF5 or not of this schema;
 *  HESSE_E_NOMEM. The caller must check that writing to `out` succeeded. */
hesse_status hesse_result_show(const char *path, FILE *out, hesse_why *why);

#endif /* HESSE_OUTPUT_SHOW_H */
