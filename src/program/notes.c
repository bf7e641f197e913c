/* Errors are printed by main alone, and are never quiet. */
#include "program/notes.h"

#include <stdarg.h>

FILE *hesse_notes(const hesse_options *options)
{
    return options->quiet ? NULL : stderr;
}

void hesse_note_print(FILE *to, const char *format, ...)
{
    va_list args;
    if (!to) return;
    fputs("note: ", to);
    va_start(args, format);
    vfprintf(to, format, args);
    va_end(args);
    fputc('\n', to);
}

void hesse_note_complete(FILE *to, const char *path)
{
    hesse_note_print(to, "%s is complete; nothing was computed", path);
}
