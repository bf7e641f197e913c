/** A result file, proven once more from what is stored. */
#ifndef HESSE_OUTPUT_AUDIT_H
#define HESSE_OUTPUT_AUDIT_H

#include "hesse/status.h"

#include <stdio.h>

/** Local, serial. Check the stamp of a file, and prove every spectrum in it from its stored
 *  eigenvalues, trace, Frobenius norm and proof of symmetry, and what was found without a
 *  matrix by the laws in docs/reliability.md; say so.
 *
 *  Errors: HESSE_E_INPUT when the file is not what was written, or no result;
 *  HESSE_E_NUMERIC naming the spectrum or the dataset that is wrong; HESSE_E_NOMEM;
 *  HESSE_E_OUTPUT when out cannot be written. */
hesse_status hesse_result_audit(const char *path, FILE *out, hesse_why *why);

#endif /* HESSE_OUTPUT_AUDIT_H */
