/** The measures of a job besides spectra: from the keys of `measures` to results in the
 * file. */
#ifndef HESSE_PROGRAM_MEASURES_H
#define HESSE_PROGRAM_MEASURES_H

#include "base/digest.h"
#include "curvature/analysis.h"
#include "curvature/kronecker.h"
#include "curvature/measures.h"
#include "curvature/rates.h"
#include "job/job.h"
#include "output/result.h"

/** What was computed. NULL: the job does not ask for it. Start it from {0}. */
typedef struct hesse_measured {
    hesse_direction_results *directions;
    hesse_block_error *block_error;
    hesse_kronecker_measure *formed; /* while the analysis runs */
    hesse_kronecker_results *kronecker;
} hesse_measured;

/** Collective. Check that the measures are affordable, and that the files of directions
 * have the tensors of the network, before the analysis is run. Errors: HESSE_E_JOB,
 * HESSE_E_NOMEM, HESSE_E_INPUT. */
hesse_status hesse_measures_check(hesse_team *team, const hesse_job *job,
                                  const hesse_network *network,
                                  const hesse_analysis *analysis);

/** The cost of the measures by products. No products: the job does not ask for it. */
typedef struct hesse_planned_measures {
    hesse_measure_cost directions, block_error;
} hesse_planned_measures;

/** Collective. Predict the cost of the measures. Errors: those of the check. */
hesse_status hesse_measures_plan(hesse_team *team, const hesse_job *job,
                                 const hesse_analysis *analysis,
                                 hesse_planned_measures *planned);

/** Collective. Begin the measures of matrices that an analysis forms, before it is run;
 * and measure a matrix, with the arguments of a listener. Errors: those of
 * hesse_kronecker_run. */
hesse_status hesse_measures_begin(const hesse_job *job, hesse_analysis *analysis,
                                  hesse_measured *measured);
hesse_status hesse_measures_take(hesse_measured *measured, int share, int block,
                                 const hesse_held *matrix);

/** Collective. Read the directions and compute the measures of an analysis that was
 * run.
 *
 *  measured  [out]  to be freed for any status.
 *  Errors: HESSE_E_INPUT naming the file of a direction; those of
 *  hesse_directions_run and hesse_block_error_run. */
hesse_status hesse_measures_run(hesse_team *team, const hesse_job *job,
                                const hesse_network *network, hesse_analysis *analysis,
                                const hesse_run_options *run, hesse_measured *measured);
void hesse_measures_free(hesse_measured *measured);

/** Collective. Write the measures. */
hesse_status hesse_measures_write(const hesse_job *job, const hesse_measured *measured,
                                  hesse_result *result, const char *prefix);

/** Collective. Read a direction that is a file or a difference of two.
 *
 *  values  [out]  n numbers, equal on all ranks.
 *  Errors: those of hesse_network_read. */
hesse_status hesse_directions_read(hesse_team *team, const hesse_network *network,
                                   const hesse_job_direction *direction,
                                   double *values);

/** Local. The SHA-256 of the digests of the files of directions, one in each line; ""
 * if there are no files. `key` is for messages. Errors: HESSE_E_INPUT, HESSE_E_NOMEM.
 */
hesse_status hesse_directions_digest(int count, const hesse_job_direction *list,
                                     const char *key, char digest[HESSE_DIGEST_LENGTH],
                                     hesse_why *why);

#endif /* HESSE_PROGRAM_MEASURES_H */
