/* The progress lines that a log file and a terminal get, at given times. */
#include "check.h"
#include "program/progress.h"

#include <string.h>

static char text[4096];

/* What stands in the file. */
static const char *written(FILE *f)
{
    rewind(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fseek(f, 0, SEEK_END);
    return text;
}

static int count(const char *all, const char *part)
{
    int n = 0;
    for (; (all = strstr(all, part)); all += strlen(part)) n++;
    return n;
}

static FILE *begin(hesse_progress *p)
{
    FILE *f = tmpfile();
    assert_non_null(f);
    hesse_progress_start(p, f);
    assert_false(p->terminal);
    return f;
}

static void a_short_job_leaves_no_log(void **state)
{
    (void)state;
    hesse_progress p;
    FILE *f = begin(&p);
    for (int i = 1; i <= 19; i++)
        hesse_progress_update_at(&p, p.started + 0.1 * i, "assembly", i / 19.0, i);
    hesse_progress_finish(&p);
    assert_string_equal(written(f), "");
    fclose(f);
}

static void a_log_has_a_line_now_and_then(void **state)
{
    (void)state;
    hesse_progress p;
    FILE *f = begin(&p);
    for (int i = 1; i <= 280; i++)
        hesse_progress_update_at(&p, p.started + 0.125 * i, "assembly", i / 560.0,
                                 1.25e9 * i);
    hesse_progress_finish(&p);
    /* At 2 s, 12 s, 22 s and 32 s; 1e10 operations a second, 70 s in all. */
    assert_int_equal(count(written(f), "\n"), 4);
    assert_int_equal(count(text, "\r") + count(text, "\033"), 0);
    assert_non_null(strstr(text, "assembly: 2 %, 10.0 GFLOP/s, 1 min 8 s left\n"));
    assert_non_null(strstr(text, "assembly: 45 %, 10.0 GFLOP/s, 38 s left\n"));
    fclose(f);
}

static void a_terminal_has_one_line(void **state)
{
    (void)state;
    hesse_progress p;
    FILE *f = begin(&p);
    p.terminal = true;
    p.next = p.started;
    for (int i = 1; i <= 1000; i++)
        hesse_progress_update_at(&p, p.started + 0.001 * i, "eigenvalues", 1e-3 * i,
                                 1e6 * i);
    assert_in_range(count(written(f), "\r"), 4, 6);
    assert_int_equal(count(text, "\n"), 0);
    hesse_progress_finish(&p);
    const char *all = written(f);
    assert_string_equal(all + strlen(all) - 4, "\r\033[K");
    fclose(f);
}

static void nothing_is_said_of_nothing(void **state)
{
    (void)state;
    hesse_progress none = {0}, p;
    hesse_progress_update(&none, "assembly", 0.5, 1);
    hesse_progress_finish(&none);
    FILE *f = begin(&p);
    hesse_progress_update_at(&p, p.started + 50, "assembly", 0, 10);
    hesse_progress_update_at(&p, p.started + 51, "assembly", 0, 0);
    assert_string_equal(written(f), "");
    hesse_progress_update_at(&p, p.started + 100000, "assembly", 2, 20);
    assert_non_null(strstr(written(f), "100 %, 0.0 GFLOP/s, 0 s left\n"));
    fclose(f);
}

static void long_times_are_readable(void **state)
{
    (void)state;
    hesse_progress p;
    FILE *f = begin(&p);
    hesse_progress_update_at(&p, p.started + 100, "assembly", 1.0 / 101, 1);
    hesse_progress_update_at(&p, p.started + 200, "assembly", 1.0 / 1001, 1);
    hesse_progress_update_at(&p, p.started + 300, "assembly", 1e-39, 1);
    assert_non_null(strstr(written(f), " 2 h 46 min left"));
    assert_non_null(strstr(text, " 2 d 7 h left"));
    fclose(f);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_job_leaves_no_log),
        cmocka_unit_test(a_log_has_a_line_now_and_then),
        cmocka_unit_test(a_terminal_has_one_line),
        cmocka_unit_test(nothing_is_said_of_nothing),
        cmocka_unit_test(long_times_are_readable),
    };
    return run_cases(argc, argv, tests, NULL, NULL);
}
