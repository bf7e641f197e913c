/** The command line. */
#ifndef HESSE_PROGRAM_OPTIONS_H
#define HESSE_PROGRAM_OPTIONS_H

#include "hesse/status.h"

#include <stdbool.h>
#include <stddef.h>

enum { HESSE_MOST_SETS = 256 };

/** Texts are those of argv, borrowed. */
typedef struct hesse_options {
    const char *command;               /* NULL: none                              */
    const char *file;                  /* the job or the result file, or NULL      */
    const char *sets[HESSE_MOST_SETS]; /* "KEY=VALUE" of --set                    */
    int n_sets;
    const char *output;  /* --output, or NULL                                       */
    int ranks;           /* --ranks, or 0                                           */
    size_t memory;       /* --memory-per-rank in bytes, or 0                        */
    bool sbatch;         /* --sbatch                                                */
    bool json, markdown; /* --json, --markdown                                     */
    bool verify;         /* --verify                                                */
    bool resume, force;  /* go on with earlier work; replace what is there          */
    bool help, version;
} hesse_options;

/** Local. Understand a command line.
 *  Errors: HESSE_E_JOB, naming the word and the nearest known one. */
hesse_status hesse_options_read(int argc, char *const *argv, hesse_options *options,
                                hesse_why *why);

/** Local. The help of a command; of the program for NULL. */
const char *hesse_options_help(const char *command);

#endif /* HESSE_PROGRAM_OPTIONS_H */
