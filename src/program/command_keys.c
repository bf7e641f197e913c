/* The keys of a job file, as text, as a JSON schema or as the tables of docs/job.md. */
#include "program/commands.h"

#include <stdio.h>
#include <stdlib.h>

static void print_tables(void)
{
    static const char *const sections[] = {"model",    "data",    "hessian",
                                           "spectrum", "metrics", "output"};
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        printf("<!-- generated: %s -->\n", sections[i]);
        hesse_keys_markdown(stdout, sections[i]);
        puts("<!-- end -->");
    }
}

hesse_status hesse_command_keys(hesse_team *team, const hesse_options *options)
{
    hesse_status s = HESSE_OK;
    if (hesse_team_rank(team) == 0 && options->json) {
        char *schema = hesse_keys_schema();
        if (schema) puts(schema);
        if (!schema)
            s = hesse_fail(hesse_team_why(team), HESSE_E_NOMEM,
                           "out of memory for the keys");
        free(schema);
    } else if (hesse_team_rank(team) == 0 && options->markdown) {
        print_tables();
    } else if (hesse_team_rank(team) == 0) {
        hesse_keys_print(stdout);
    }
    return hesse_agree(team, s);
}
