/* The command line: what is understood, and what is refused with the nearest word.
   Sizes of memory, too. */
#include "check.h"

#include "job/size.h"
#include "program/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static hesse_options o;
static hesse_why why;

/* Words separated by blanks, as a shell would make of them. */
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
    static const char *const lines[] = {"run a.yaml", "check a.yaml", "plan a.yaml",
                                        "show a.yaml"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_int_equal(read_line(lines[i]), HESSE_OK);
        assert_memory_equal(o.command, lines[i], strlen(o.command));
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

static void help_is_there_for_everything(void **state)
{
    (void)state;
    assert_int_equal(read_line("--help"), HESSE_OK);
    assert_true(o.help && !o.command);
    assert_int_equal(read_line("run --help"), HESSE_OK);
    assert_true(o.help && o.command);
    assert_int_equal(read_line("--version"), HESSE_OK);
    assert_true(o.version);
    static const char *const names[] = {"run",  "check",  "plan",
                                        "show", "schema", "info"};
    const char *all = hesse_options_help(NULL);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char usage[40];
        snprintf(usage, sizeof usage, "usage: hesse %s", names[i]);
        assert_non_null(strstr(all, names[i]));
        assert_memory_equal(hesse_options_help(names[i]), usage, strlen(usage));
        assert_non_null(strstr(hesse_options_help(names[i]), "Exit status"));
    }
}

/* Every option in a command's help is one that the command takes. */
static void help_tells_the_truth(void **state)
{
    (void)state;
    static const char *const names[] = {"run", "check", "plan"};
    static const char *const options[][2] = {{"--set", "a=b"},
                                             {"--output", "o"},
                                             {"--ranks", "3"},
                                             {"--memory-per-rank", "1GiB"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (size_t j = 0; j < sizeof options / sizeof *options; j++) {
            char line[100];
            snprintf(line, sizeof line, "%s j %s %s", names[i], options[j][0],
                     options[j][1]);
            const bool told =
                strstr(hesse_options_help(names[i]), options[j][0]) != NULL;
            assert_int_equal(read_line(line) == HESSE_OK, told);
        }
}

static void sizes_have_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t bytes;
    } sizes[] = {{"1", 1},
                 {"4096", 4096},
                 {"12B", 12},
                 {"2kB", 2000},
                 {"3MB", 3000000},
                 {"1.5GB", 1500000000},
                 {"2 KiB", 2048},
                 {"0.5MiB", 1 << 19},
                 {"4GiB", 1ull << 32},
                 {"1TB", 1000000000000},
                 {"8TiB", 1ull << 43}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t bytes = 0;
        assert_true(hesse_size_parse(sizes[i].text, &bytes));
        assert_int_equal(bytes, sizes[i].bytes);
    }
    static const char *const bad[] = {
        "",     "0",    "-1", "GiB", "4 gib",  "4G",    "1e9", "inf",        "nan",
        "0x10", "1..5", ".",  " 4",  "4  GiB", "4GiB ", "0.1", "9999999TiB", "+4"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        size_t bytes = 0;
        if (hesse_size_parse(bad[i], &bytes)) fail_msg("'%s' is accepted", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_take_their_file),
        cmocka_unit_test(options_take_their_values),
        cmocka_unit_test(overrides_have_room),
        cmocka_unit_test(help_is_there_for_everything),
        cmocka_unit_test(help_tells_the_truth),
        cmocka_unit_test(sizes_have_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
