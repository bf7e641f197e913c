/** The command line: the table of commands, the table of options, and what a command
 * line says. Help, shell completion and messages are made from the tables; the manual
 * page is compared with them by a test. */
#ifndef HESSE_PROGRAM_OPTIONS_H
#define HESSE_PROGRAM_OPTIONS_H

#include "hesse/team.h"

#include <stdbool.h>
#include <stddef.h>

enum { HESSE_MOST_SETS = 256 };

typedef struct hesse_options hesse_options;

/** A row for every command. */
typedef struct hesse_command {
    const char *name;
    const char
        *argument;  /* "JOB.yaml"; in brackets when it may be left out; NULL: none */
    unsigned takes; /* groups of options, besides --help                           */
    const char *summary; /* one sentence, without a full stop */
    const char *details; /* what its own help adds, or NULL */
    /* One of both: collective, after MPI has started; or without MPI. */
    hesse_status (*run)(hesse_team *team, const hesse_options *options);
    hesse_status (*print)(const hesse_options *options, hesse_why *why);
} hesse_command;

/** A row for every option. */
typedef struct hesse_option {
    const char *name;
    const char *value; /* "FILE"; NULL: none follows       */
    unsigned group;    /* of the commands that take it     */
    const char *help;  /* a sentence, without a full stop  */
    size_t flag; /* without a value: the place in hesse_options that becomes true */
} hesse_option;

/** Both end with a row without a name. */
extern const hesse_command hesse_commands[];
extern const hesse_option hesse_option_rows[];

/** Texts are those of argv, borrowed. */
struct hesse_options {
    const hesse_command *command;      /* NULL: none                              */
    const char *unknown;               /* where a command is expected; else NULL */
    const char *file;                  /* the argument, or NULL                    */
    const char *sets[HESSE_MOST_SETS]; /* "KEY=VALUE" of --set                    */
    int n_sets;
    const char *output; /* --output, or NULL                                       */
    int ranks;          /* --ranks, or 0                                           */
    size_t memory;      /* --memory-per-rank in bytes, or 0                        */
    bool sbatch;        /* --sbatch                                                */
    bool verify;        /* --verify                                                */
    bool json;          /* --json                                                  */
    bool markdown;      /* --markdown                                              */
    bool resume, force; /* go on with earlier work; replace what is there          */
};

/** Local. The command of a name, or NULL. */
const hesse_command *hesse_command_named(const char *name);

/** Local. Understand a command line. `--help` and `--version` become the commands help
 *  and version.
 *  Errors: HESSE_E_JOB, naming the word and the nearest known one. */
hesse_status hesse_options_read(int argc, char *const *argv, hesse_options *options,
                                hesse_why *why);

/** Local. The error for a word that is no command: HESSE_E_JOB, naming the nearest one.
 */
hesse_status hesse_unknown_command(const char *name, hesse_why *why);

#endif /* HESSE_PROGRAM_OPTIONS_H */
