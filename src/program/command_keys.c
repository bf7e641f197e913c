/* This prints the keys of a job file, as text, as a JSON schema or as the tables of
   docs/job.md. */
#include "program/commands.h"

#include <stdio.h>
#include <stdlib.h>

static void print_tables(void)
{
    static const char *const sections[] = {
        "model",    "data",  "hessian", "spectrum",  "series", "metrics",
        "measures", "train", "theory",  "landscape", "output"};
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        printf("<!-- generated: %s -->\n", sections[i]);
        hesse_keys_markdown(stdout, sections[i]);
        puts("<!-- end -->");
    }
}

hesse_status hesse_command_keys(const hesse_options *options, hesse_why *why)
{
    if (options->json) {
        char *schema = hesse_keys_schema();
        if (!schema)
            return hesse_fail(why, HESSE_E_NOMEM, "out of memory for the keys");
        puts(schema);
        free(schema);
    } else if (options->markdown) {
        print_tables();
    } else {
        hesse_keys_print(stdout);
    }
    return HESSE_OK;
}
