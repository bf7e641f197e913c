/* A number becomes digits and a prefix, a time its two largest units. */
#include "base/units.h"

#include <math.h>
#include <stdio.h>

static const char *with_prefix(double value, double base, int digits, const char *unit,
                               char text[HESSE_UNITS])
{
    static const char *const decimal[] = {"", "k", "M", "G", "T", "P", "E"};
    static const char *const binary[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
    int i = 0;
    while (value >= base && i < 6) value /= base, i++;
    const char *prefix = base == 1024 ? binary[i] : decimal[i];
    if (value < 999.5)
        snprintf(text, HESSE_UNITS, "%.*g %s%s", digits, value, prefix, unit);
    else
        snprintf(text, HESSE_UNITS, "%.0f %s%s", value, prefix, unit);
    return text;
}

const char *hesse_units_bytes(double value, char text[HESSE_UNITS])
{
    return with_prefix(value, 1024, 4, "B", text);
}

const char *hesse_units_flop(double value, char text[HESSE_UNITS])
{
    return with_prefix(value, 1000, 3, "flop", text);
}

const char *hesse_units_time(double seconds, char text[HESSE_UNITS])
{
    const long s = (long)fmin(round(seconds), 1e9);
    const long minutes = s / 60, hours = s / 3600, days = s / 86400;
    if (days)
        snprintf(text, HESSE_UNITS, "%ld d %ld h", days, hours % 24);
    else if (hours)
        snprintf(text, HESSE_UNITS, "%ld h %ld min", hours, minutes % 60);
    else if (minutes)
        snprintf(text, HESSE_UNITS, "%ld min %ld s", minutes, s % 60);
    else if (s >= 10 || seconds == 0)
        snprintf(text, HESSE_UNITS, "%ld s", s);
    else
        snprintf(text, HESSE_UNITS, "%.2g s", seconds);
    return text;
}
