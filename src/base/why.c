/* Reasons of failure are one printable line. */
#include "hesse/status.h"

#include <stdarg.h>
#include <stdio.h>

hesse_status hesse_fail(hesse_why *why, hesse_status s, const char *format, ...)
{
    va_list args;
    if (!why) return s;
    va_start(args, format);
    vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
    /* The reason stays one line, even if a path or a file has control characters. */
    for (char *c = why->text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f) *c = '?';
    return s;
}
