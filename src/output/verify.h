/** Checks of a result file that is finished. */
#ifndef HESSE_OUTPUT_VERIFY_H
#define HESSE_OUTPUT_VERIFY_H

#include "hesse/status.h"

#include <stdio.h>

/** Local, serial. Check the stamp of a file, and every spectrum of the result at its
 * root, or of every step of a series: by its stored eigenvalues, trace, Frobenius norm
 * and check of symmetry. Results that were found without a matrix are checked by the
 * laws in docs/reliability.md. Print the outcome, unless `out` is NULL.
 *
 *  Errors: HESSE_E_INPUT when the file has changed since it was written, or is no
 *  result; HESSE_E_NUMERIC, which names the spectrum or the dataset that is wrong;
 *  HESSE_E_NOMEM; HESSE_E_OUTPUT when out cannot be written. */
hesse_status hesse_result_verify(const char *path, FILE *out, hesse_why *why);

#endif /* HESSE_OUTPUT_VERIFY_H */
