/** The log of a training run: an HDF5 file of the same schema as results, and a table
 * of comma-separated values. */
#ifndef HESSE_OUTPUT_TRAIN_LOG_H
#define HESSE_OUTPUT_TRAIN_LOG_H

#include "hesse/train.h"
#include "network/params.h"
#include "output/reader.h"
#include "output/result.h"

/** Collective. Write a log. The file is complete or absent. Only the arguments of rank
 * 0 are used.
 *
 *  params  [in]  the tensors of the log's columns.
 *  notes   [in]  attributes of the root, without schema_version and description.
 *  Errors: HESSE_E_OUTPUT, HESSE_E_NOMEM. */
hesse_status hesse_train_log_write(hesse_team *team, const char *path,
                                   const hesse_params *params,
                                   const hesse_train_log *log, const hesse_note *notes,
                                   int count);

/** Local. Write a table with a row for every step: step, loss, learning rate, norms of
 * the whole gradient and update, and those of every tensor. The first row has the
 * names. Errors: HESSE_E_OUTPUT, HESSE_E_NOMEM. */
hesse_status hesse_train_csv_write(const char *path, const hesse_params *params,
                                   const hesse_train_log *log, hesse_why *why);

/** Local. Print the head of a log and a table of some of its rows. `r` is open. */
void hesse_train_log_show(hesse_reader *r, FILE *out);

#endif /* HESSE_OUTPUT_TRAIN_LOG_H */
