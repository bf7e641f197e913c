/** What is found of the matrices of one share: spectra and sums, first on those who found
 *  them, then on every rank. */
#ifndef HESSE_CURVATURE_RESULTS_H
#define HESSE_CURVATURE_RESULTS_H

#include "checkpoint/checkpoint.h"
#include "curvature/schedule.h"
#include "hesse/extremes.h"
#include "hesse/hutchinson.h"
#include "hesse/quadrature.h"
#include "parallel/team.h"

typedef struct hesse_share_results {
    int blocks;
    hesse_spectrum **spectra; /* [blocks]; NULL entries where a block was not formed */
    hesse_sums *sums;         /* [blocks]                                   */
    hesse_spectrum *full;     /* NULL where the whole was not formed        */
    hesse_sums all;           /* sums of the whole                          */
    double *coupling;         /* blocks x blocks Frobenius norms, or NULL   */
    /* Of blocks that were not formed but asked for, and, last, of the whole; else NULL. */
    hesse_quadrature **quadratures; /* [blocks + 1] */
    /* Of these, where more was wanted; else NULL. */
    hesse_extremes **extremes;     /* [blocks + 1] */
    hesse_hutchinson **hutchinson; /* [blocks + 1] */
} hesse_share_results;

/** Local. Room for the results of so many blocks, without spectra.
 *  coupled  [in]  with room for the coupling.
 *  Returns false when memory is exhausted. */
bool hesse_share_results_new(hesse_share_results *f, int blocks, bool coupled);

/** Local. Free an array of as many results as there are shares; NULL is legal. */
void hesse_share_results_free(hesse_share_results *results, int shares);

/** Collective. Tell every rank the spectra and sums of the blocks that groups of the
 *  schedule, smaller than the team, have found.
 *
 *  vectors  [in]  eigenvectors at each end.
 *  Memory: the numbers of all of them once more, for the call.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_share_results_share(hesse_team *team, const hesse_schedule *schedule,
                                       const hesse_partition *partition, int vectors,
                                       hesse_share_results *f);

/** Local. Whether the checkpoint has the record of a block, or of the whole, for these results of
 *  one share; load them; and save them.
 *
 *  n        [in]  order of the block or the whole.
 *  vectors  [in]  eigenvectors at each end.
 *  Errors: HESSE_E_NOMEM and those of the checkpoint. */
bool hesse_share_results_known(const hesse_share_results *f,
                               const hesse_checkpoint *checkpoint,
                               const hesse_record *what, int n, int vectors);
hesse_status hesse_share_results_recall(hesse_share_results *f,
                                        const hesse_checkpoint *checkpoint,
                                        const hesse_record *what, int n, int vectors,
                                        hesse_why *why);
hesse_status hesse_share_results_keep(const hesse_share_results *f,
                                      hesse_checkpoint *checkpoint,
                                      const hesse_record *what, hesse_why *why);

#endif /* HESSE_CURVATURE_RESULTS_H */
