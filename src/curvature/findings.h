/** What is found of the matrices of one share: spectra and sums, first on those who found
 *  them, then on every rank. */
#ifndef HESSE_CURVATURE_FINDINGS_H
#define HESSE_CURVATURE_FINDINGS_H

#include "curvature/keep.h"
#include "curvature/schedule.h"
#include "hesse/extremes.h"
#include "hesse/hutchinson.h"
#include "hesse/quadrature.h"
#include "parallel/team.h"

typedef struct hesse_findings {
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
} hesse_findings;

/** Local. Room for the findings of so many blocks, without spectra.
 *  coupled  [in]  with room for the coupling.
 *  Returns false when memory is exhausted. */
bool hesse_findings_new(hesse_findings *f, int blocks, bool coupled);

/** Local. Free an array of as many findings as there are shares; NULL is legal. */
void hesse_findings_free(hesse_findings *findings, int shares);

/** Collective. Tell every rank the spectra and sums of the blocks that groups of the
 *  schedule, smaller than the team, have found.
 *
 *  vectors  [in]  eigenvectors at each end.
 *  Memory: the numbers of all of them once more, for the call.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_findings_share(hesse_team *team, const hesse_schedule *schedule,
                                  const hesse_partition *partition, int vectors,
                                  hesse_findings *f);

/** Local. Whether the keeper has the record of a block, or of the whole, for these findings of
 *  one share; take them from it; and keep them.
 *
 *  n        [in]  order of the block or the whole.
 *  vectors  [in]  eigenvectors at each end.
 *  Errors: HESSE_E_NOMEM and those of the keeper. */
bool hesse_findings_known(const hesse_findings *f, const hesse_keeper *keeper,
                          const hesse_record *what, int n, int vectors);
hesse_status hesse_findings_recall(hesse_findings *f, const hesse_keeper *keeper,
                                   const hesse_record *what, int n, int vectors,
                                   hesse_why *why);
hesse_status hesse_findings_keep(const hesse_findings *f, const hesse_keeper *keeper,
                                 const hesse_record *what, hesse_why *why);

#endif /* HESSE_CURVATURE_FINDINGS_H */
