/* Scripts that complete command lines. All words come from the tables of commands,
   options and keys; commands that are programs of their own are those that are found
   when the script is printed. */
#include "job/keys.h"
#include "program/commands.h"
#include "program/external.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Print a text inside of quotes of a shell: each of the characters `marked` gets a
   backslash, and a quote becomes `quote`. */
static void print_text(const char *text, const char *marked, const char *quote)
{
    for (; *text; text++)
        if (*text == '\'')
            fputs(quote, stdout);
        else if (strchr(marked, *text))
            printf("\\%c", *text);
        else
            putchar(*text);
}

static void print_names(const char *between)
{
    hesse_externals others = hesse_external_names();
    for (const hesse_command *c = hesse_commands; c->name; c++)
        printf("%s%s", c == hesse_commands ? "" : between, c->name);
    for (size_t i = 0; i < others.count; i++) printf("%s%s", between, others.names[i]);
    hesse_externals_free(&others);
}

/* Print a row of a script for every command: its name and its summary. */
static void print_summaries(void (*print)(const char *name, const char *summary))
{
    char summary[NAME_MAX + 64];
    hesse_externals others = hesse_external_names();
    for (const hesse_command *c = hesse_commands; c->name; c++)
        print(c->name, c->summary);
    for (size_t i = 0; i < others.count; i++) {
        hesse_external_summary(others.names[i], summary, sizeof summary);
        print(others.names[i], summary);
    }
    hesse_externals_free(&others);
}

/* The end of the names of files that a command reads, or NULL. */
static const char *ending_of(const hesse_command *c)
{
    const char *dot = c->argument ? strchr(c->argument, '.') : NULL;
    return dot ? dot + 1 : NULL;
}

/* True for an argument that is one of some words, "bash|zsh". */
static bool has_words(const hesse_command *c)
{
    return c->argument && strchr(c->argument, '|');
}

/* True for an argument that is the name of a command. */
static bool has_name(const hesse_command *c)
{
    return c->argument && *c->argument == '[';
}

static bool is_file(const hesse_option *o)
{
    return o->value && strcmp(o->value, "FILE") == 0;
}

static bool is_override(const hesse_option *o)
{
    return o->value && strcmp(o->value, "KEY=VALUE") == 0;
}

/* Print the list of overrides inside of quotes, as lines KEY= or KEY=WORD. */
static void print_overrides(void)
{
    putchar('\n');
    hesse_keys_words(stdout);
}

static void print_words(const char *text)
{
    for (; *text; text++) putchar(*text == '|' ? ' ' : *text);
}

/* Bash takes "=" as a word of its own, so that --set KEY=VALUE ends with three words. A
   completed name of a key must not be followed by a space. An empty answer makes bash
   complete names of files. */
static void print_bash(void)
{
    puts("_hesse() {\n"
         "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
         "    local words= ending= key= options=--help IFS=$' \\t\\n'\n"
         "    COMPREPLY=()\n"
         "    if [[ $word == = ]]; then\n"
         "        key=$before word=\n"
         "    elif [[ $before == = ]]; then\n"
         "        key=${COMP_WORDS[COMP_CWORD-2]}\n"
         "    fi\n"
         "    case $key in --*) before=$key key= ;; esac\n"
         "    case ${COMP_WORDS[1]} in");
    for (const hesse_command *c = hesse_commands; c->name; c++) {
        printf("    %s) options='", c->name);
        for (const hesse_option *o = hesse_option_rows; o->name; o++)
            if (c->takes & o->group) printf("%s ", o->name);
        fputs("--help'", stdout);
        if (ending_of(c)) printf(" ending=%s", ending_of(c));
        if (has_words(c) || has_name(c)) fputs(" words='", stdout);
        if (has_words(c)) print_words(c->argument);
        if (has_name(c)) print_names(" ");
        puts(has_words(c) || has_name(c) ? "' ;;" : " ;;");
    }
    puts("    esac\n"
         "    case $before in\n"
         "    --set) words=$(_hesse_overrides | sed 's/=.*/=/' | uniq) ending= ;;");
    for (const hesse_option *o = hesse_option_rows; o->name; o++)
        if (is_file(o))
            printf("    %s) words= ending= ;;\n", o->name);
        else if (o->value && !is_override(o))
            printf("    %s) words=' ' ;;\n", o->name);
    fputs("    esac\n"
          "    [[ -z $key ]] || words=$(_hesse_overrides | sed -n \"s/^$key=//p\")\n"
          "    [[ $COMP_CWORD -gt 1 ]] || words='",
          stdout);
    print_names(" ");
    puts(" --help --version'\n"
         "    case $word in -*) words=$options ;; esac\n"
         "    if [[ -n $words ]]; then\n"
         "        COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
         "        [[ ${COMPREPLY[0]} != *= ]] || compopt -o nospace 2> /dev/null\n"
         "    elif [[ -n $ending ]]; then\n"
         "        compopt -o filenames 2> /dev/null\n"
         "        IFS=$'\\n'\n"
         "        COMPREPLY=($(compgen -f -X \"!*.$ending\" -- \"$word\"; "
         "compgen -d -- \"$word\"))\n"
         "    fi\n"
         "}\n"
         "_hesse_overrides() {\n"
         "    echo '");
    print_overrides();
    puts("' | sed '/./!d'\n"
         "}\n"
         "complete -o default -F _hesse hesse");
}

static void print_zsh_summary(const char *name, const char *summary)
{
    printf("            '%s:", name);
    print_text(summary, "", "'\\''");
    puts("'");
}

static void print_zsh_options(const hesse_command *c)
{
    printf("        %s) _arguments", c->name);
    for (const hesse_option *o = hesse_option_rows; o->name; o++) {
        if (!(c->takes & o->group)) continue;
        printf(" \\\n            '%s%s%s[", is_override(o) ? "*" : "", o->name,
               o->value ? "=" : "");
        print_text(o->help, "[]:\\", "'\\''");
        putchar(']');
        if (o->value)
            printf(":%s:%s", o->value,
                   is_override(o) ? "_hesse_override"
                   : is_file(o)   ? "_files"
                                  : " ");
        putchar('\'');
    }
    fputs(" \\\n            '--help[Print the help of this command]'", stdout);
    if (ending_of(c))
        printf(" \\\n            '1:%s:_files -g \"*.%s\"'", c->argument, ending_of(c));
    if (has_words(c)) {
        fputs(" \\\n            '1:word:(", stdout);
        print_words(c->argument);
        fputs(")'", stdout);
    }
    if (has_name(c)) fputs(" \\\n            '1:command:_hesse_commands'", stdout);
    puts(" ;;");
}

static void print_zsh(void)
{
    puts("#compdef hesse\n"
         "(( $+functions[compdef] )) || { autoload -Uz compinit; compinit }\n"
         "_hesse_commands() {\n"
         "    local -a commands\n"
         "    commands=(");
    print_summaries(print_zsh_summary);
    puts("    )\n"
         "    _describe command commands\n"
         "}\n"
         "_hesse_override() {\n"
         "    local -a overrides found\n"
         "    local key\n"
         "    overrides=(${(f)\"$(_hesse_overrides)\"})\n"
         "    if compset -P '*='; then\n"
         "        key=${${IPREFIX%=}##*=}\n"
         "        found=(${${(M)overrides:#$key=?*}#$key=})\n"
         "        compadd -- $found\n"
         "    else\n"
         "        found=(${(u)overrides%%=*})\n"
         "        compadd -S = -- $found\n"
         "    fi\n"
         "}\n"
         "_hesse_overrides() {\n"
         "    echo '");
    print_overrides();
    puts("'\n"
         "}\n"
         "_hesse() {\n"
         "    if (( CURRENT == 2 )); then\n"
         "        _arguments '--help[Print the help]' '--version[Print the versions]' "
         "'1:command:_hesse_commands'\n"
         "        return\n"
         "    fi\n"
         "    shift words\n"
         "    (( CURRENT-- ))\n"
         "    case ${words[1]} in");
    for (const hesse_command *c = hesse_commands; c->name; c++) print_zsh_options(c);
    puts("        *) _files ;;\n"
         "    esac\n"
         "}\n"
         "if [[ ${funcstack[1]} == _hesse ]]; then _hesse \"$@\"; else compdef _hesse "
         "hesse; fi");
}

static void print_fish_summary(const char *name, const char *summary)
{
    printf("complete -c hesse -f -n __fish_use_subcommand -a %s -d '", name);
    print_text(summary, "\\", "\\'");
    puts("'");
}

static void print_fish_options(const hesse_command *c)
{
    for (const hesse_option *o = hesse_option_rows; o->name; o++) {
        if (!(c->takes & o->group)) continue;
        printf("complete -c hesse -n '__fish_seen_subcommand_from %s' -l %s", c->name,
               o->name + 2);
        if (is_file(o))
            fputs(" -r -F", stdout);
        else if (is_override(o))
            fputs(" -x -a '(__hesse_overrides)'", stdout);
        else if (o->value)
            fputs(" -x", stdout);
        fputs(" -d '", stdout);
        print_text(o->help, "\\", "\\'");
        puts("'");
    }
    printf("complete -c hesse -f -n '__fish_seen_subcommand_from %s'", c->name);
    if (ending_of(c)) printf(" -k -a '(__fish_complete_suffix .%s)'", ending_of(c));
    if (has_words(c)) {
        fputs(" -a '", stdout);
        print_words(c->argument);
        putchar('\'');
    }
    if (has_name(c)) {
        fputs(" -a '", stdout);
        print_names(" ");
        putchar('\'');
    }
    putchar('\n');
}

static void print_fish(void)
{
    fputs("function __hesse_overrides\n    echo '", stdout);
    print_overrides();
    puts("' | string match -r '.+'\nend");
    print_summaries(print_fish_summary);
    for (const hesse_command *c = hesse_commands; c->name; c++) print_fish_options(c);
    puts("complete -c hesse -l help -d 'Print the help'\n"
         "complete -c hesse -n __fish_use_subcommand -l version -d 'Print the "
         "versions'");
}

hesse_status hesse_command_completion(const hesse_options *options, hesse_why *why)
{
    static const struct {
        const char *name;
        void (*print)(void);
    } shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
        if (strcmp(options->file, shells[i].name) == 0) {
            shells[i].print();
            return HESSE_OK;
        }
    return hesse_fail(why, HESSE_E_JOB,
                      "completion: found '%s', expected bash, zsh or fish",
                      options->file);
}
