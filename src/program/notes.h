/** Notes on standard error: what a user may want to know although nothing failed. */
#ifndef HESSE_PROGRAM_NOTES_H
#define HESSE_PROGRAM_NOTES_H

#include "program/options.h"

#include <stdio.h>

/** Local. Where notes, warnings and progress go: standard error; NULL with --quiet. */
FILE *hesse_notes(const hesse_options *options);

/** Local. Print "note: ", a text and the end of the line, if `to` is not NULL. */
void hesse_note_print(FILE *to, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Local. The note about a file that is there already. */
void hesse_note_complete(FILE *to, const char *path);

#endif /* HESSE_PROGRAM_NOTES_H */
