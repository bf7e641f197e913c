/** The numbers of a series of checkpoints: those of all steps side by side. */
#ifndef HESSE_OUTPUT_SERIES_H
#define HESSE_OUTPUT_SERIES_H

#include "output/result.h"

/** The bytes of the prefix of a step, "steps/000100/". */
enum { HESSE_STEP_PREFIX = 40 };

/** Local. Write the prefix of a step: at least six digits, so that names are in the
 * order of steps. */
void hesse_step_prefix(int64_t step, char prefix[HESSE_STEP_PREFIX]);

typedef struct hesse_series_numbers hesse_series_numbers;

/** Local. Allocate the numbers of a number of steps, all NaN. NULL when memory is
 * exhausted.
 *
 *  step, path  [in]  [steps] borrowed. */
hesse_series_numbers *hesse_series_numbers_new(int steps, const int64_t *step,
                                               const char *const *path, int blocks,
                                               int shares);
void hesse_series_numbers_free(hesse_series_numbers *numbers);

/** Local. Take over the numbers of step i = 0, 1, ...; digest is that of its
 * checkpoint.
 *
 *  gradient  [in]  n numbers.
 *  shares  [in]  the results of all shares; distances are on rank 0 only. */
void hesse_series_numbers_take(hesse_series_numbers *numbers, int i, const char *digest,
                               double loss, size_t n, const double *gradient,
                               const hesse_share_results *const *shares);

/** Local. Note why step i has no results, and the digest of its checkpoint or "".
 * Returns false when memory is exhausted. */
bool hesse_series_numbers_fail(hesse_series_numbers *numbers, int i, const char *digest,
                               const char *failure);

/** Collective. Write "series"; what is written is that of rank 0.
 *
 *  scaled  [in]  true if eigenvalues were divided by one of them for distances. */
hesse_status hesse_result_series(hesse_result *result,
                                 const hesse_series_numbers *numbers, bool scaled);

/** Local. Number `column` of a block of a share, or of the full matrix, whose block is
 * share->blocks; NaN if it was not computed. */
double hesse_share_number(const hesse_share_results *share, int block, int column);

#endif /* HESSE_OUTPUT_SERIES_H */
