/** The command line: the table of commands, the table of options, and the contents of a
 * command line. Help, shell completion and messages are made from the tables. A test
 * compares the manual page with them. */
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
    const char *details; /* text that its own help adds, or NULL */
    /* Every command has one of the two: `run` is collective, after MPI has started;
       `print` needs no MPI. */
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

/** Both tables end with a row without a name. */
extern const hesse_command hesse_commands[];
extern const hesse_option hesse_option_rows[];

/** The contents of a command line. Texts are borrowed from argv. */
struct hesse_options {
    const hesse_command *command;      /* NULL: none                              */
    const char *unknown;               /* a word in place of a command, or NULL */
    const char *file;                  /* the argument, or NULL                    */
    const char *sets[HESSE_MOST_SETS]; /* "KEY=VALUE" of --set                    */
    int n_sets;
    const char *point;  /* --point, or NULL                                        */
    const char *output; /* --output, or NULL                                       */
    int ranks;          /* --ranks, or 0                                           */
    size_t memory;      /* --memory-per-rank in bytes, or 0                        */
    bool full;          /* --full                                                  */
    bool sbatch;        /* --sbatch                                                */
    bool verify;        /* --verify                                                */
    bool json;          /* --json                                                  */
    bool quiet;         /* --quiet                                                 */
    bool markdown;      /* --markdown                                              */
    bool resume, force; /* continue earlier work; replace existing files           */
};

/** Local. The command with a name, or NULL. */
const hesse_command *hesse_command_named(const char *name);

/** Local. Read a command line. `--help` and `--version` become the commands help and
 * version. Errors: HESSE_E_JOB, which names the word and the nearest known one. */
hesse_status hesse_options_read(int argc, char *const *argv, hesse_options *options,
                                hesse_why *why);

/** Local. The error for a word that is no command: HESSE_E_JOB, with the nearest
 * command. */
hesse_status hesse_unknown_command(const char *name, hesse_why *why);

#endif /* HESSE_PROGRAM_OPTIONS_H */
