/* Tests of command lines that are accepted, and of those that are refused with the
   nearest known word; also of sizes of memory. */
#include "check.h"

#include "job/size.h"
#include "program/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static hesse_options o;
static hesse_why why;

/* Splits a line into words at blanks, as a shell does. */
static hesse_status read_line(const char *line)
{
    static char words[8192];
    char *argv[600] = {"hesse"};
    int argc = 1;
    snprintf(words, sizeof words, "%s", line);
    for (char *w = strtok(words, " "); w; w = strtok(NULL, " ")) argv[argc++] = w;
    why.text[0] = '\0';
    return hesse_options_read(argc, argv, &o, &why);
}

static void refuses(const char *line, const char *fragment)
{
    assert_int_equal(read_line(line), HESSE_E_JOB);
    if (!strstr(why.text, fragment))
        fail_msg("expected \"%s\" in \"%s\"", fragment, why.text);
}

static void commands_take_their_file(void **state)
{
    (void)state;
    static const char *const lines[] = {"run a.yaml", "train a.yaml", "check a.yaml",
                                        "plan a.yaml", "show a.yaml"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_int_equal(read_line(lines[i]), HESSE_OK);
        assert_memory_equal(o.command->name, lines[i], strlen(o.command->name));
        assert_string_equal(o.file, "a.yaml");
    }
    assert_int_equal(read_line("info"), HESSE_OK);
    assert_int_equal(read_line("schema --markdown"), HESSE_OK);
    assert_null(o.file);
    refuses("run", "no file, expected JOB.yaml");
    refuses("show", "no file, expected RESULT.h5");
    refuses("info a", "unexpected 'a'");
    refuses("run a b", "unexpected 'b'");
    refuses("", "no command");
    refuses("rum a", "unknown command 'rum'; the nearest is 'run'");
    refuses("-x", "unknown command '-x'");
}

static void options_take_their_values(void **state)
{
    (void)state;
    assert_int_equal(read_line("run --set a.b=1 j --set=c.d=x=y --output=o --set e="),
                     0);
    assert_int_equal(o.n_sets, 3);
    assert_string_equal(o.sets[0], "a.b=1");
    assert_string_equal(o.sets[1], "c.d=x=y");
    assert_string_equal(o.sets[2], "e=");
    assert_string_equal(o.file, "j");
    assert_string_equal(o.output, "o");
    assert_int_equal(read_line("plan j --ranks 12 --memory-per-rank 1.5GiB"), 0);
    assert_true(o.ranks == 12 && o.memory == (size_t)3 << 29);
    assert_int_equal(read_line("plan j"), 0);
    assert_true(o.ranks == 0 && o.memory == 0 && !o.output && !o.n_sets);
    refuses("run j --set", "--set");
    refuses("run j --set a", "found 'a', expected KEY=VALUE");
    refuses("run j --sets a=b", "unknown option '--sets'; the nearest is '--set'");
    refuses("run j --ranks 4", "unknown option '--ranks'");
    refuses("show j --set a=b", "unknown option '--set'");
    static const char *const ranks[] = {"0", "-1", "x", "4x", "99999999999999999999"};
    for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++) {
        char line[80], fragment[80];
        snprintf(line, sizeof line, "plan j --ranks %s", ranks[i]);
        snprintf(fragment, sizeof fragment, "--ranks: found '%s'", ranks[i]);
        refuses(line, fragment);
    }
    refuses("plan j --memory-per-rank much", "--memory-per-rank: found 'much'");
    refuses("plan j --memory-per-rank 4", "expected a size with a unit, such as 4GiB");
}

static void overrides_have_room(void **state)
{
    (void)state;
    char line[8192] = "run j";
    for (int i = 0; i < HESSE_MOST_SETS; i++) strcat(line, " --set a=b");
    assert_int_equal(read_line(line), HESSE_OK);
    assert_int_equal(o.n_sets, HESSE_MOST_SETS);
    refuses(strcat(line, " --set a=b"), "--set: given more than");
}

/* Returns the text that a command without MPI prints. */
static const char *printed(const char *line)
{
    static char text[65536];
    hesse_why ignored;
    assert_int_equal(read_line(line), HESSE_OK);
    assert_non_null(o.command->print);
    fflush(stdout);
    const int out = dup(STDOUT_FILENO);
    FILE *f = tmpfile();
    assert_non_null(f);
    dup2(fileno(f), STDOUT_FILENO);
    const hesse_status s = o.command->print(&o, &ignored);
    fflush(stdout);
    dup2(out, STDOUT_FILENO);
    close(out);
    assert_int_equal(s, HESSE_OK);
    rewind(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    return text;
}

static void help_is_there_for_everything(void **state)
{
    (void)state;
    const char *all = printed("--help");
    for (const hesse_command *c = hesse_commands; c->name; c++) {
        char line[40], usage[40];
        assert_true(!c->run != !c->print);
        assert_non_null(strstr(all, c->name));
        snprintf(line, sizeof line, "help %s", c->name);
        snprintf(usage, sizeof usage, "usage: hesse %s", c->name);
        assert_memory_equal(printed(line), usage, strlen(usage));
        assert_non_null(strstr(printed(line), "Exit status"));
        snprintf(line, sizeof line, "%s --help", c->name);
        assert_memory_equal(printed(line), usage, strlen(usage));
        all = printed("help");
    }
    static const char version[] = "hesse " HESSE_VERSION "\ncommit ";
    assert_memory_equal(printed("--version"), version, sizeof version - 1);
    assert_memory_equal(printed("version"), version, sizeof version - 1);
    assert_int_equal(read_line("help rum"), HESSE_OK);
    assert_string_equal(o.unknown, "rum");
    hesse_why because;
    assert_int_equal(o.command->print(&o, &because), HESSE_E_JOB);
    assert_non_null(strstr(because.text, "nearest is 'run'"));
}

/* No line is too long for a terminal, or ends with a space. */
static void help_fits_a_terminal(void **state)
{
    (void)state;
    for (const hesse_command *c = hesse_commands; c->name; c++) {
        char line[40];
        snprintf(line, sizeof line, "help %s", c->name);
        for (const char *at = printed(line); *at; at++) {
            const size_t length = strcspn(at, "\n");
            assert_in_range(length, 0, 79);
            if (length) assert_int_not_equal(at[length - 1], ' ');
            at += length;
        }
    }
}

/* A command takes the options that its help names, and no others. Completion offers the
   same options. */
static void help_tells_the_truth(void **state)
{
    (void)state;
    for (const hesse_command *c = hesse_commands; c->name; c++)
        for (const hesse_option *x = hesse_option_rows; x->name; x++) {
            char line[100], row[40], completed[200];
            snprintf(line, sizeof line, "help %s", c->name);
            snprintf(row, sizeof row, "\n  %s", x->name);
            const bool told = strstr(printed(line), row) != NULL;
            assert_true(told == ((c->takes & x->group) != 0));
            const char *value = !x->value                        ? ""
                                : !strcmp(x->value, "KEY=VALUE") ? "a=b"
                                : !strcmp(x->value, "SIZE")      ? "1GiB"
                                                                 : "3";
            snprintf(line, sizeof line, "%s%s %s %s", c->name,
                     c->argument && *c->argument != '[' ? " j" : "", x->name, value);
            assert_int_equal(read_line(line) == HESSE_OK, told);
            snprintf(row, sizeof row, "    %s) options='", c->name);
            const char *at = strstr(printed("completion bash"), row);
            assert_non_null(at);
            snprintf(completed, sizeof completed, "%.*s ",
                     (int)strcspn(at + strlen(row), "'"), at + strlen(row));
            snprintf(row, sizeof row, "%s ", x->name);
            assert_int_equal(strstr(completed, row) != NULL, told);
        }
}

/* Returns the beginning of the manual page, with "\\-" replaced by "-". */
static const char *manual(void)
{
    static char text[32768];
    FILE *f = fopen(HESSE_TEST_FOLDER "/../docs/hesse.1", "r");
    assert_non_null(f);
    size_t n = 0;
    for (int c; (c = getc(f)) != EOF && n < sizeof text - 1;)
        if (c != '\\') text[n++] = (char)c;
    fclose(f);
    text[n] = '\0';
    return text;
}

/* The synopsis of a command has the options that it takes, and no others. */
static void check_synopsis(const hesse_command *c, const char *synopsis)
{
    const char *next = strstr(synopsis + 1, "\n.SY"), *end = strstr(synopsis, "\n.YS");
    const int length = (int)((next && next < end ? next : end) - synopsis);
    for (const hesse_option *x = hesse_option_rows; x->name; x++) {
        char text[2000];
        bool there = false;
        snprintf(text, sizeof text, "%.*s", length, synopsis);
        for (char *at = strtok(text, " \n|"); at; at = strtok(NULL, " \n|"))
            there |= strcmp(at, x->name) == 0;
        if (there != ((c->takes & x->group) != 0))
            fail_msg("docs/hesse.1: the synopsis of %s %s %s", c->name,
                     there ? "has" : "lacks", x->name);
    }
}

/* The manual page has every command and option, and its section OPTIONS has no
   others. */
static void manual_is_complete(void **state)
{
    (void)state;
    const char *page = manual();
    const char *options = strstr(page, "\n.SH OPTIONS"), *end;
    assert_non_null(options);
    assert_non_null(end = strstr(options, "\n.SH EXIT"));
    for (const hesse_command *c = hesse_commands; c->name; c++) {
        char line[40];
        snprintf(line, sizeof line, ".SY \"hesse %s\"", c->name);
        const char *synopsis = strstr(page, line);
        if (!synopsis) fail_msg("docs/hesse.1 has no %s", line);
        check_synopsis(c, synopsis);
        snprintf(line, sizeof line, "\n.TP\n.B%s %s%s", c->argument ? "I" : "", c->name,
                 c->argument ? " \"" : "\n");
        if (!strstr(page, line)) fail_msg("docs/hesse.1 does not explain %s", c->name);
    }
    for (const hesse_option *x = hesse_option_rows; x->name; x++) {
        char line[60];
        snprintf(line, sizeof line, "\n.TP\n.B%s %s%s", x->value ? "I" : "", x->name,
                 x->value ? " \"" : "\n");
        const char *at = strstr(options, line);
        if (!at || at > end) fail_msg("docs/hesse.1 does not explain %s", x->name);
    }
    for (const char *at = options; (at = strstr(at, "\n.TP\n.B")) && at < end; at++) {
        const char *name = strstr(at, "--");
        bool known = !strncmp(name, "--help", 6) || !strncmp(name, "--version", 9);
        for (const hesse_option *x = hesse_option_rows; x->name; x++)
            known |= strncmp(name, x->name, strlen(x->name)) == 0;
        if (!known) fail_msg("docs/hesse.1 explains %.20s", name);
    }
}

static void a_job_from_standard_input_has_no_name(void **state)
{
    (void)state;
    refuses("run -", "standard input, expected --output FILE");
    assert_int_equal(read_line("run - --output o"), HESSE_OK);
    assert_string_equal(o.file, "-");
    assert_int_equal(read_line("plan -"), HESSE_OK);
    refuses("plan - --sbatch", "--sbatch");
}

static void sizes_have_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t bytes;
    } sizes[] = {{"1B", 1},           {"12B", 12},           {"2kB", 2000},
                 {"3MB", 3000000},    {"1.5GB", 1500000000}, {"2 KiB", 2048},
                 {"0.5MiB", 1 << 19}, {"4GiB", 1ull << 32},  {"1TB", 1000000000000},
                 {"8TiB", 1ull << 43}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t bytes = 0;
        assert_true(hesse_size_parse(sizes[i].text, &bytes));
        assert_int_equal(bytes, sizes[i].bytes);
    }
    static const char *const bad[] = {
        "",      "0",      "4",     "4096", "0B",         "-1B",  "-1",   "GiB",
        "4 gib", "4G",     "1e9",   "inf",  "nan",        "0x10", "1..5", ".",
        " 4",    "4  GiB", "4GiB ", "0.1B", "9999999TiB", "+4"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        size_t bytes = 0;
        if (hesse_size_parse(bad[i], &bytes)) fail_msg("'%s' is accepted", bad[i]);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_take_their_file),
        cmocka_unit_test(options_take_their_values),
        cmocka_unit_test(overrides_have_room),
        cmocka_unit_test(help_is_there_for_everything),
        cmocka_unit_test(help_fits_a_terminal),
        cmocka_unit_test(help_tells_the_truth),
        cmocka_unit_test(manual_is_complete),
        cmocka_unit_test(a_job_from_standard_input_has_no_name),
        cmocka_unit_test(sizes_have_units),
    };
    return run_cases(argc, argv, tests, NULL, NULL);
}
