/** The kinds of data. Every kind is one row and one file. */
#ifndef HESSE_DATA_KINDS_H
#define HESSE_DATA_KINDS_H

#include "base/owned_key.h"
#include "hesse/data.h"
#include "hesse/status.h"
#include "network/batch.h"

/** Local. Reads or draws the examples; the batch holds nothing before. After an
 *  error it may hold arrays, which the caller frees.
 *  Errors: HESSE_E_INPUT, which names the file and its fault; HESSE_E_JOB for options
 *  out of range; HESSE_E_NOMEM. */
typedef hesse_status hesse_data_reader(const hesse_data_options *options,
                                       const hesse_data_needs *needs,
                                       hesse_batch *batch, hesse_why *why);

typedef struct hesse_data_kind {
    const char *name, *help;     /* help is one sentence                             */
    unsigned examples;           /* allowed forms of an example: bits 1 <<
                                    hesse_reads */
    bool drawn;                  /* examples are drawn from a seed; false: read      */
    bool near_outputs;           /* targets are added to the outputs of the network at
                                    its initial values                               */
    bool words;                  /* each token's target is the next token, or, in masked
                                    models, the token itself                         */
    int least_paths, most_paths; /* numbers of files, both included                  */
    const hesse_owned_key *keys; /* a list                                           */
    hesse_data_reader *read;
} hesse_data_kind;

/** All kinds; NULL after the last one. */
extern const hesse_data_kind *const hesse_data_kinds[];

/** Local. The kind with a name; NULL when there is none. */
const hesse_data_kind *hesse_data_kind_named(const char *name);

/** Local. True if a kind has a key; and the default of the key for this kind, as a
 * number. */
bool hesse_data_has(const hesse_data_kind *kind, const char *key);
double hesse_data_default(const hesse_data_kind *kind, const char *key);

#endif /* HESSE_DATA_KINDS_H */
