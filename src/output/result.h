/** The result file: HDF5. Its schema is the table in output/schema.c; docs/result.md
 * shows it.
 *
 *  A file is made under a temporary name in the folder of the final one, filled, and
 * renamed when it is complete: a result file that exists is complete.
 *
 *  A file has one result at its root, or several results, each below a prefix: a path
 * of groups that ends with a slash, such as "steps/000100/"; "" is the root. A result
 * below a prefix has the same datasets and groups as one at the root. The prefix is
 * borrowed for the call. */
#ifndef HESSE_OUTPUT_RESULT_H
#define HESSE_OUTPUT_RESULT_H

#include "hesse/directions.h"
#include "hesse/kronecker.h"
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

typedef struct hesse_store hesse_result;

/** Collective. Begin a file. This fails early if the folder is missing or not writable,
 * or if the path is a folder or a device. Errors: HESSE_E_OUTPUT, HESSE_E_NOMEM. */
hesse_status hesse_result_new(hesse_team *team, const char *path, const char *folder,
                              hesse_result **result);

/** Collective. Write a symmetric matrix as `name`: "hessian/full" or
 * "hessian/blocks/BLOCK", with "parts/SHARE/" before it for a share that is not the
 * Hessian itself.
 *
 *  Memory: on rank 0 twice 32 MiB, or two rows if they are longer.
 *  Errors: HESSE_E_OUTPUT, HESSE_E_NOMEM. */
hesse_status hesse_result_matrix(hesse_result *result, const char *prefix,
                                 const char *name, const hesse_held *matrix);

/** Collective. Write /parameters, /gradient and the places of the blocks.
 *
 *  This call and the next five write the arguments of rank 0. Those of other ranks are
 * not used.
 *  gradient  [in]  in the order of the blocks, one number for every parameter in
 *           them. */
hesse_status hesse_result_model(hesse_result *result, const char *prefix,
                                const hesse_params *params,
                                const hesse_block_table *blocks,
                                const double *gradient);

/** Collective. Write the places of the blocks, without parameters and gradient. */
hesse_status hesse_result_blocks(hesse_result *result, const char *prefix,
                                 const hesse_block_table *blocks);

/** Collective. Write "ranks": one report for every rank of the team. */
hesse_status hesse_result_ranks(hesse_result *result, const char *prefix,
                                const hesse_rank_report *reports);

/** Collective. Write spectra, metrics and the entries of "blocks" of a share.
 *
 *  density  [in]  settings of the densities that are written with every spectrum. */
hesse_status hesse_result_share(hesse_result *result, const char *prefix,
                                const hesse_block_table *blocks,
                                const hesse_share_results *share,
                                const hesse_density *density);

/** Collective. Write the curvature along directions, or the error of blocks.
 *
 *  seed  [in]  of the random vectors. */
hesse_status hesse_result_directions(hesse_result *result, const char *prefix,
                                     const hesse_direction_results *directions);
hesse_status hesse_result_block_error(hesse_result *result, const char *prefix,
                                      const hesse_block_error *error, uint64_t seed);

/** Collective. Write how close blocks are to Kronecker products. */
hesse_status hesse_result_kronecker(hesse_result *result, const char *prefix,
                                    const hesse_kronecker_results *kronecker);

/** Collective. Write attributes of a place. Its group must exist. */
hesse_status hesse_result_notes(hesse_result *result, const char *prefix,
                                const hesse_note *notes, int count);

/** Collective. Write the attributes of the root, attach dimension scales, read the
 * whole file back, flush it to the disk and rename it. The result is freed for any
 * status.
 *
 *  notes  [in]  without schema_version and description, which are written here. */
hesse_status hesse_result_finish(hesse_result *result, const hesse_note *notes,
                                 int count);

/** Collective. Remove the result below a prefix, which may not exist. */
hesse_status hesse_result_remove(hesse_result *result, const char *prefix);

/** Collective. Give up: remove the temporary file and free. NULL is legal. */
void hesse_result_drop(hesse_result *result);

#endif /* HESSE_OUTPUT_RESULT_H */
