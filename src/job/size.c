/* A size is a number and then a unit from a table: a number without a unit would be
   ambiguous. Only decimal digits are passed to strtod, which would also take "inf",
   "nan" and hexadecimal numbers. */
#include "job/size.h"

#include <stdlib.h>
#include <string.h>

bool hesse_size_parse(const char *text, size_t *bytes)
{
    static const struct {
        const char *name;
        double bytes;
    } units[] = {{"B", 1},        {"kB", 1e3},     {"MB", 1e6},
                 {"GB", 1e9},     {"TB", 1e12},    {"KiB", 0x1p10},
                 {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40}};
    const size_t digits = strspn(text, "0123456789.");
    if (digits == 0 || digits > 30) return false;
    char number[32] = "", *end;
    memcpy(number, text, digits);
    const double value = strtod(number, &end);
    if (*end) return false;
    const char *unit = text + digits + (text[digits] == ' ');
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(unit, units[i].name) != 0) continue;
        const double product = value * units[i].bytes;
        if (!(product >= 1 && product < 0x1p63)) return false;
        *bytes = (size_t)product;
        return true;
    }
    return false;
}
