/* One rank reads and prints. */
#include "output/audit.h"
#include "output/show.h"
#include "program/commands.h"

hesse_status hesse_command_show(hesse_team *team, const hesse_options *options)
{
    hesse_status s = HESSE_OK;
    if (team->rank == 0 && options->verify)
        s = hesse_result_audit(options->file, stdout, &team->why);
    else if (team->rank == 0)
        s = hesse_result_show(options->file, stdout, &team->why);
    return hesse_agree(team, s);
}
