/** Laws of second derivatives, checked on a model and its data. */
#ifndef HESSE_PROGRAM_LAWS_H
#define HESSE_PROGRAM_LAWS_H

#include "job/job.h"
#include "program/report.h"

#include "hesse/objective.h"

/** Collective. Report the size of the job and check five laws along random directions:
 * products against differences of the gradient, symmetry, the sign of the Gauss-Newton
 * part, the sum of the shares of all operators, and panels against products.
 *
 *  Errors: HESSE_E_NOMEM; those of the objective. A law that does not hold is no error
 *  here; hesse_report_end tells. */
hesse_status hesse_laws_check(hesse_report *report, const hesse_job *job,
                              const hesse_problem *problem);

#endif /* HESSE_PROGRAM_LAWS_H */
