/* This prints help and the version. All texts are made from the tables of commands and
   options. */
#include "program/commands.h"
#include "program/external.h"
#include "program/facts.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { WIDTH = 78, COLUMN = 20 };

/* Print the words of a paragraph in lines. The first line begins at a column, after
   other text, and the others begin after an indent. A line break and the spaces after
   it are kept. */
static void print_wrapped(const char *text, int at, int indent)
{
    while (*text) {
        const int spaces = (int)strspn(text, " ");
        const int word = (int)strcspn(text + spaces, " \n");
        if (at + spaces + word > WIDTH)
            at = printf("\n%*s%.*s", indent, "", word, text + spaces) - 1;
        else
            at += printf("%.*s", spaces + word, text);
        text += spaces + word;
        if (*text == '\n') putchar('\n'), at = 0, text++;
    }
    putchar('\n');
}

/* Print a name and its value, then a sentence in its column. */
static void print_row(const char *name, const char *value, const char *sentence)
{
    int at = printf("  %s%s%s", name, value ? " " : "", value ? value : "");
    if (at > COLUMN - 2) at = printf("\n") - 1;
    printf("%*s", COLUMN - at, "");
    print_wrapped(sentence, COLUMN, COLUMN);
}

/* Print the commands that are programs of their own. */
static void print_externals(void)
{
    char summary[NAME_MAX + 64];
    hesse_externals others = hesse_external_names();
    for (size_t i = 0; i < others.count; i++) {
        hesse_external_summary(others.names[i], summary, sizeof summary);
        print_row(others.names[i], NULL, summary);
    }
    hesse_externals_free(&others);
    puts("");
}

static void print_program(void)
{
    puts("usage: hesse COMMAND [ARGUMENT] [options]\n");
    print_wrapped("Exact curvature of networks: the Hessian of the loss, its blocks, "
                  "their spectra and how different they are, over any number of MPI "
                  "ranks.",
                  0, 0);
    puts("");
    for (const hesse_command *c = hesse_commands; c->name; c++)
        print_row(c->name, c->argument, c->summary);
    print_externals();
    print_row("--help", NULL,
              "Print this text; after a command, the help of that command");
    print_row("--version", NULL, "Print the version");
    puts("");
    print_wrapped(
        "Another command NAME is a program hesse-NAME, beside hesse or on the "
        "PATH.",
        0, 0);
}

static void print_command(const hesse_command *c)
{
    bool any = false;
    for (const hesse_option *o = hesse_option_rows; o->name; o++)
        any |= (c->takes & o->group) != 0;
    printf("usage: hesse %s%s%s%s\n\n%s.\n\n", c->name, c->argument ? " " : "",
           c->argument ? c->argument : "", any ? " [options]" : "", c->summary);
    if (c->details) print_wrapped(c->details, 0, 0), puts("");
    for (const hesse_option *o = hesse_option_rows; o->name; o++)
        if (c->takes & o->group) print_row(o->name, o->value, o->help);
    print_row("--help", NULL, "Print this text");
}

hesse_status hesse_command_help(const hesse_options *options, hesse_why *why)
{
    const hesse_command *c = options->file ? hesse_command_named(options->file) : NULL;
    if (options->file && !c) return hesse_unknown_command(options->file, why);
    if (c)
        print_command(c);
    else
        print_program();
    puts("");
    print_wrapped("Exit status: 0 done; 2 the command line or the job file is wrong; 3 "
                  "an input file is missing, damaged or of the wrong shape; 4 it would "
                  "not fit in memory; 5 numerical failure; 6 output could not be "
                  "written, or would replace something; 75 stopped by a signal, go on "
                  "with --resume.",
                  0, 0);
    return HESSE_OK;
}

hesse_status hesse_command_version(const hesse_options *options, hesse_why *why)
{
    hesse_json json = hesse_json_begin(HESSE_VERSION, "version");
    if (!options->json) puts("hesse " HESSE_VERSION);
    hesse_facts_of_program(options->json ? &json : NULL);
    return hesse_json_end(&json, options->json ? stdout : NULL, why);
}
