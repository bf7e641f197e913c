/** Commands that are programs of their own, as in git: the command NAME is the program
 * hesse-NAME. It is looked for beside this program, then in the folder of the Python
 * commands if this program is in the build folder of a source tree, then on the PATH.
 */
#ifndef HESSE_PROGRAM_EXTERNAL_H
#define HESSE_PROGRAM_EXTERNAL_H

#include "program/options.h"

/** Local. The names of commands, each once. */
typedef struct hesse_externals {
    char **names; /* sorted */
    size_t count;
} hesse_externals;

/** Local. The commands that are found on this machine, without those of the table of
 * commands. Without memory there are fewer. Free with hesse_externals_free. */
hesse_externals hesse_external_names(void);

/** Local. */
void hesse_externals_free(hesse_externals *externals);

/** Local. One sentence without a full stop about a command that is a program: its
 * purpose if it is a part of hesse, else the name of the program.
 *
 *  text  [out]  of size `room`. */
void hesse_external_summary(const char *name, char *text, size_t room);

/** Local. True if a program of this name is a part of hesse, found here or not. */
bool hesse_external_is_part(const char *name);

/** Local. Become the program of the word `options->unknown`, with the words that follow
 * it; "help NAME" and "--help NAME" become "hesse-NAME --help". This must be called
 * before MPI_Init. Returns false if there is no such program, and true if it was found
 * but was not started, because there are several ranks or for the system's reason.
 *
 *  argc, argv  [in]   of main.
 *  why         [out]  the reason, if this returns true. */
bool hesse_external_run(int argc, char **argv, const hesse_options *options,
                        hesse_why *why);

#endif /* HESSE_PROGRAM_EXTERNAL_H */
