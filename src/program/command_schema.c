/* The schema of result files, for other programs and for the documentation. */
#include "output/schema.h"
#include "program/commands.h"

hesse_status hesse_command_schema(const hesse_options *options, hesse_why *why)
{
    return hesse_schema_print(stdout, options->markdown, why);
}
