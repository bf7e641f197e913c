/** Results of a share between ranks, and between a run and its part files. */
#ifndef HESSE_CURVATURE_RESULTS_H
#define HESSE_CURVATURE_RESULTS_H

#include "checkpoint/checkpoint.h"
#include "curvature/schedule.h"
#include "parallel/team.h"
#include "spectra/share_results.h"

/** Collective. Tell every rank the spectra and sums of blocks, if they were computed by
 * groups of the schedule that are smaller than the team.
 *
 *  vectors  [in]  eigenvectors at each end.
 *  Memory: for the call, a second copy of all these numbers.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_share_results_share(hesse_team *team, const hesse_schedule *schedule,
                                       const hesse_partition *partition, int vectors,
                                       hesse_share_results *f);

/** Local. Three functions for the record of a block, or of the whole, in these results
 * of one share: return true if the checkpoint has it; load it; save it.
 *
 *  n        [in]  order of the block or the whole.
 *  vectors  [in]  eigenvectors at each end.
 *  Errors: HESSE_E_NOMEM and those of the checkpoint. */
bool hesse_share_results_known(const hesse_share_results *f,
                               const hesse_checkpoint *checkpoint,
                               const hesse_record *what, int n, int vectors);
hesse_status hesse_share_results_load(hesse_share_results *f,
                                      const hesse_checkpoint *checkpoint,
                                      const hesse_record *what, int n, int vectors,
                                      hesse_why *why);
hesse_status hesse_share_results_save(const hesse_share_results *f,
                                      hesse_checkpoint *checkpoint,
                                      const hesse_record *what, hesse_why *why);

#endif /* HESSE_CURVATURE_RESULTS_H */
