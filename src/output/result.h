/** The result file: HDF5. Its schema is the table in output/schema.c; docs/result.md shows it.
 *
 *  A file is made under a temporary name in the folder of the final one, filled,
 *  and renamed when it is complete: a result file that exists is whole.
 *
 *  A file holds one result at its root, or several, each below a prefix: a path of groups that
 *  ends with a slash, such as "steps/000100/"; "" is the root. A result below a prefix has the
 *  same datasets and groups as one at the root. The prefix is borrowed for the call.
 */
#ifndef HESSE_OUTPUT_RESULT_H
#define HESSE_OUTPUT_RESULT_H

#include "hesse/distance.h"
#include "hesse/extremes.h"
#include "hesse/hutchinson.h"
#include "hesse/quadrature.h"
#include "hesse/spectrum.h"
#include "hesse/team.h"
#include "network/params.h"
#include "parallel/dmat.h"

#include <stdint.h>

/** Where the blocks lie in the order of the full matrix and of the gradient. */
typedef struct hesse_block_table {
    int count;
    const char *const *names;
    const size_t *offset, *size; /* [count] */
} hesse_block_table;

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

typedef struct hesse_distance_result {
    hesse_distance kind;
    double mean; /* js0 */
    hesse_density settings;
    hesse_distance_grid grid;
    const double *matrix; /* of the blocks compared, in order */
} hesse_distance_result;

/** All that was found of one share: the Hessian itself or a share of it. */
typedef struct hesse_share_output {
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
    double noise; /* what rounding makes of products with vectors of length 1 */

    const hesse_spectrum *full; /* NULL where the whole was not formed */
    const double *coupling;     /* blocks x blocks, or NULL            */

    /* They compare the blocks in `computed`, which ascend. */
    int n_distances, n_computed;
    const hesse_distance_result *distances;
    const int *computed;
} hesse_share_output;

typedef struct hesse_store hesse_result;

/** Collective. Begin a file: fails early where the folder is missing or not writable, or
 *  where the path is a folder or a device.
 *  Errors: HESSE_E_OUTPUT, HESSE_E_NOMEM. */
hesse_status hesse_result_new(hesse_team *team, const char *path, const char *folder,
                              hesse_result **result);

/** Collective. Write a distributed matrix, or one that a single rank holds, both triangles,
 *  as `name`: "hessian/full" or "hessian/blocks/BLOCK", with "parts/SHARE/" before it for
 *  a share other than the Hessian itself.
 *
 *  a      [in]  symmetric, n x n; for _square on the owner, NULL elsewhere.
 *  Memory: on rank 0 twice 32 MiB, or two rows where they are longer.
 *  Errors: HESSE_E_OUTPUT, HESSE_E_NOMEM. */
hesse_status hesse_result_matrix(hesse_result *result, const char *prefix,
                                 const char *name, const hesse_dmat *a);
hesse_status hesse_result_square(hesse_result *result, const char *prefix,
                                 const char *name, int n, const double *a);

/** Collective. Write /parameters, /gradient and the places of the blocks.
 *
 *  Of this call and the next four, rank 0's arguments are written; other ranks' are not
 *  looked at.
 *  gradient  [in]  in the order of the blocks, as many as they have together. */
hesse_status hesse_result_model(hesse_result *result, const char *prefix,
                                const hesse_params *params,
                                const hesse_block_table *blocks,
                                const double *gradient);

/** Wall time of a rank in seconds, and its memory in bytes. */
typedef struct hesse_rank_report {
    double predicted, busy, assembly, exchange, eigenvalues, lanczos, matrices, idle,
        memory;
} hesse_rank_report;

/** Collective. Write /ranks, a report for every rank of the team. */
hesse_status hesse_result_ranks(hesse_result *result, const hesse_rank_report *reports);

/** Collective. Write spectra, metrics and what "blocks" holds of a share.
 *
 *  density  [in]  settings of the densities that are written with every spectrum. */
hesse_status hesse_result_share(hesse_result *result, const char *prefix,
                                const hesse_block_table *blocks,
                                const hesse_share_output *share,
                                const hesse_density *density);

/** Collective. Write attributes of a place, whose group exists. */
hesse_status hesse_result_notes(hesse_result *result, const char *prefix,
                                const hesse_note *notes, int count);

/** Collective. Write the attributes of the root, attach dimension scales, read the whole
 *  back, flush it to the disk, rename. The result is freed whatever the status.
 *
 *  notes  [in]  not schema_version and description, which are written here. */
hesse_status hesse_result_finish(hesse_result *result, const hesse_note *notes,
                                 int count);

/** Collective. Give up: remove the temporary file and free. NULL is legal. */
void hesse_result_drop(hesse_result *result);

#endif /* HESSE_OUTPUT_RESULT_H */
