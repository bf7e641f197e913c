/** hesse: a dataset: examples from files, or drawn from a seed. It knows no network. */
#ifndef HESSE_DATASET_H
#define HESSE_DATASET_H

#include "hesse/data.h"
#include "hesse/team.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hesse_dataset hesse_dataset;

/** Collective. Read or draw the examples on rank 0 and tell the others. A batch is a
 * range of these examples (hesse_objective_set_batch) and is the same on any number of
 * ranks.
 *
 *  needs    [in]  those of the network that will read the dataset.
 *  Memory: all examples, on every rank.
 *  Errors: HESSE_E_JOB; HESSE_E_INPUT, which names the file and its fault;
 *  HESSE_E_NOMEM. */
hesse_status hesse_dataset_open(hesse_team *team, const hesse_data_options *options,
                                const hesse_data_needs *needs, hesse_dataset **dataset);

/** Local. Take the last `count` examples out of a dataset, and make a dataset of their
 * own of them, for example to evaluate with examples that are not trained on.
 *
 *  count  [in]   from 1 to the number of examples - 1.
 *  rest   [out]  a copy; the caller frees it.
 *  Errors: HESSE_E_JOB for another count, HESSE_E_NOMEM. */
hesse_status hesse_dataset_split(hesse_dataset *dataset, int count,
                                 hesse_dataset **rest, hesse_why *why);

/** Local. NULL is legal. */
void hesse_dataset_free(hesse_dataset *dataset);

/** Local. The number of examples, the tokens of an example, the SHA-256 of their
 * source. */
int hesse_dataset_examples(const hesse_dataset *dataset);
int hesse_dataset_tokens(const hesse_dataset *dataset);
const char *hesse_dataset_digest(const hesse_dataset *dataset);

/** Local. The way in which token ids were read; borrowed. */
const hesse_data_reading *hesse_dataset_reading(const hesse_dataset *dataset);
/** Local. How images were read, in words: format, type, size, layout and scaling; ""
 * for other data. */
const char *hesse_dataset_form(const hesse_dataset *dataset);

#ifdef __cplusplus
}
#endif

#endif /* HESSE_DATASET_H */
