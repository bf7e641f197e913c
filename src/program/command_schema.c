/* The schema of result files, for other programs and for the documentation. */
#include "output/schema.h"
#include "program/commands.h"

hesse_status hesse_command_schema(hesse_team *team, const hesse_options *options)
{
    hesse_status s = HESSE_OK;
    if (team->rank == 0) s = hesse_schema_print(stdout, options->markdown, &team->why);
    return hesse_agree(team, s);
}
