/** The result file: HDF5, schema 1. docs/result.md lists every dataset.
 *
 *  A file is made under a temporary name in the folder of the final one, filled by all
 *  ranks together, and renamed when it is complete: a result file that exists is whole.
 */
#ifndef HESSE_OUTPUT_RESULT_H
#define HESSE_OUTPUT_RESULT_H

#include "hesse/team.h"
#include "network/params.h"
#include "parallel/dmat.h"
#include "parallel/rank_report.h"
#include "spectra/share_results.h"

#include <stdint.h>

typedef enum hesse_note_kind {
    HESSE_NOTE_TEXT,
    HESSE_NOTE_WHOLE,
    HESSE_NOTE_NUMBER
} hesse_note_kind;

/** An attribute of the root. An empty text is left out; one too long for an attribute
 *  becomes the dataset /name, and the attribute says so. */
typedef struct hesse_note {
    const char *name;
    hesse_note_kind kind;
    const char *text;
    int64_t whole;
    double number;
} hesse_note;

/** All that was found of one part: the Hessian itself or a share of it. */
typedef struct hesse_part_result {
    const char *name; /* "hessian", "gauss_newton", "softmax", ... */

    /* [blocks], and one more of measures and quadratures, of the whole. A matrix that was
       computed has either a spectrum or a quadrature, the others have NULL. */
    hesse_spectrum *const *spectra;
    hesse_quadrature *const *quadratures;
    const hesse_measures *measures;
    /* Of what has a quadrature, where they were wanted; else NULL. */
    hesse_extremes *const *extremes;
    hesse_hutchinson *const *hutchinson;
    const char *orthogonality; /* of the quadratures, in words */
    uint64_t seed;             /* of all that is random        */

    const hesse_spectrum *full; /* NULL where the whole was not formed */
    const double *coupling;     /* blocks x blocks, or NULL            */

    /* They compare the blocks in `computed`, which ascend. */
    int n_distances, n_computed;
    const hesse_distance_result *distances;
    const int *computed;
} hesse_part_result;

typedef struct hesse_store hesse_result;

/** Collective. Begin a file: fails early where the folder is missing or not writable, or
 *  where the path is a folder or a device.
 *  Errors: HESSE_E_OUTPUT, HESSE_E_NOMEM. */
hesse_status hesse_result_new(hesse_team *team, const char *path, const char *folder,
                              hesse_result **result);

/** Collective. Write a distributed matrix, or one that a single rank holds, both triangles,
 *  as /name: "hessian/full" or "hessian/blocks/NAME", with "parts/PART/" before it for
 *  another part than the Hessian.
 *
 *  a      [in]  symmetric, n x n; for _square on the owner, NULL elsewhere.
 *  Memory: slices of 128 MiB a rank.
 *  Errors: HESSE_E_OUTPUT, HESSE_E_NOMEM. */
hesse_status hesse_result_matrix(hesse_result *result, const char *name,
                                 const hesse_dmat *a);
hesse_status hesse_result_square(hesse_result *result, const char *name, int n,
                                 const double *a);

/** Collective. Write /parameters, /gradient and the places of the blocks.
 *
 *  Of this call and the next three, rank 0's arguments are written; other ranks' are not
 *  looked at.
 *  gradient  [in]  in the order of the blocks, as many as they have together. */
hesse_status hesse_result_model(hesse_result *result, const hesse_params *params,
                                const hesse_block_table *blocks,
                                const double *gradient);

/** Collective. Write /ranks, a report for every rank of the team. */
hesse_status hesse_result_ranks(hesse_result *result, const hesse_rank_report *reports);

/** Collective. Write /spectra, /metrics and what /blocks holds of a part.
 *
 *  density  [in]  settings of the densities that are written with every spectrum. */
hesse_status hesse_result_part(hesse_result *result, const hesse_block_table *blocks,
                               const hesse_part_result *part,
                               const hesse_density *density);

/** Collective. The same from the results of a share. */
hesse_status hesse_result_share(hesse_result *result, const hesse_block_table *blocks,
                                const hesse_share_results *share,
                                const hesse_density *density);

/** Collective. Write the attributes of the root, attach dimension scales, read the whole
 *  back, flush it to the disk, rename. The result is freed whatever the status.
 *
 *  notes  [in]  not schema_version and description, which are written here. */
hesse_status hesse_result_finish(hesse_result *result, const hesse_note *notes,
                                 int count);

/** Collective. Give up: remove the temporary file and free. NULL is legal. */
void hesse_result_drop(hesse_result *result);

#endif /* HESSE_OUTPUT_RESULT_H */
