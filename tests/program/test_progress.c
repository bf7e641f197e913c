/* The progress lines that a log file and a terminal get, at given times. */
#include "check.h"
#include "program/progress.h"

#include <string.h>
#include <unistd.h>

static char text[1 << 16];

/* Returns the text in the file. */
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

static FILE *begin(hesse_progress *p, double planned)
{
    FILE *f = tmpfile();
    assert_non_null(f);
    hesse_progress_start(p, f, planned);
    assert_false(p->terminal);
    return f;
}

static void a_short_job_leaves_no_log(void **state)
{
    (void)state;
    hesse_progress p;
    FILE *f = begin(&p, 0);
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
    FILE *f = begin(&p, 0);
    for (int i = 1; i <= 280; i++)
        hesse_progress_update_at(&p, p.started + 0.125 * i, "assembly", i / 560.0,
                                 1.25e9 * i);
    hesse_progress_finish(&p);
    /* There are lines at 2 s, 12 s, 22 s and 32 s; the rate is 1e10 operations a
       second, the total 70 s. */
    assert_int_equal(count(written(f), "\n"), 4);
    assert_int_equal(count(text, "\r") + count(text, "\033"), 0);
    assert_non_null(strstr(text, "assembly: 2 %, 2 s, 10.0 GFLOP/s, 1 min 8 s left\n"));
    assert_non_null(strstr(text, "assembly: 45 %, 32 s, 10.0 GFLOP/s, 38 s left\n"));
    fclose(f);
}

static void a_terminal_has_one_line(void **state)
{
    (void)state;
    hesse_progress p;
    FILE *f = begin(&p, 0);
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
    FILE *f = begin(&p, 0);
    hesse_progress_redraw_at(&p, p.started + 50);
    assert_string_equal(written(f), "");
    hesse_progress_update_at(&p, p.started + 50, "assembly", 0, 0);
    assert_string_equal(written(f), "assembly: 0 %, 50 s\n");
    hesse_progress_update_at(&p, p.started + 100000, "assembly", 2, 20);
    assert_non_null(strstr(written(f), "100 %, 1 d 3 h, 0.0 GFLOP/s, 0 s left\n"));
    fclose(f);
}

/* The time before "left" in a text, in seconds; -1: none. */
static double left_in(const char *all)
{
    const char *at = strstr(all, " left");
    double seconds = 0, value;
    char unit[4];
    if (!at) return -1;
    while (at > all && at[-1] != ',') at--;
    for (int used; sscanf(at, " %lf %3[a-z]%n", &value, unit, &used) == 2; at += used) {
        if (!strcmp(unit, "lef")) break;
        seconds += value * (*unit == 's'   ? 1
                            : *unit == 'm' ? 60
                            : *unit == 'h' ? 3600
                                           : 86400);
    }
    return seconds;
}

/* The time left in the line that an update makes. */
static double left_after(hesse_progress *p, FILE *f, double now, double part)
{
    rewind(f);
    assert_int_equal(ftruncate(fileno(f), 0), 0);
    p->next = 0;
    hesse_progress_update_at(p, p->started + now, "assembly", part, 1);
    return left_in(written(f));
}

/* The plan says 1000 s. The time left stays near it for any first measurement. After
   many measurements, these decide. */
static void the_time_left_begins_with_the_plan(void **state)
{
    (void)state;
    hesse_progress p;
    static const double parts[] = {1e-7, 1e-5, 1e-3, 1e-2};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        FILE *f = begin(&p, 1000);
        assert_true(left_after(&p, f, 1, parts[i]) < 0);
        const double left = left_after(&p, f, 10, parts[i]);
        assert_true(left > 900 && left < 1200);
        fclose(f);
    }
    FILE *f = begin(&p, 1000);
    for (int i = 1; i <= 99; i++) { /* three times as slow as planned */
        const double left = left_after(&p, f, 30 * i, 0.01 * i);
        assert_true(left < 3000 - 30 * i + 60);
        assert_true(i < 50 || left > 0.8 * (3000 - 30 * i) - 1);
    }
    fclose(f);
}

/* Half of the work was done by an earlier run and is read again within a second. */
static void work_of_earlier_runs_is_no_speed(void **state)
{
    (void)state;
    hesse_progress p;
    FILE *f = begin(&p, 1000);
    for (int i = 1; i <= 50; i++)
        hesse_progress_update_at(&p, p.started + 0.02 * i, "assembly", 0.01 * i, i);
    const double left = left_after(&p, f, 101, 0.6);
    assert_true(left > 350 && left < 450);
    fclose(f);
}

/* A decomposition of some minutes reports no progress. Its line is still updated with
   the time so far, and the time left decreases to zero. */
static void long_work_shows_that_it_goes_on(void **state)
{
    (void)state;
    hesse_progress p;
    FILE *f = begin(&p, 200);
    p.terminal = true;
    hesse_progress_update_at(&p, p.started + 100, "eigenvalues of 8128 x 8128", 0.5,
                             1e11);
    for (int i = 1; i <= 300; i++) hesse_progress_redraw_at(&p, p.started + 100 + i);
    assert_int_equal(count(written(f), "\r"), 301);
    assert_non_null(strstr(text,
                           "eigenvalues of 8128 x 8128: 50 %, 1 min 50 s, 1.0 GFLOP/s,"
                           " 1 min 30 s left"));
    const char *last = strstr(text, "6 min 40 s");
    assert_non_null(last);
    assert_null(strstr(last, "left"));
    p.shown = false;
    fclose(f);
    f = begin(&p, 200);
    hesse_progress_update_at(&p, p.started + 1, "eigenvalues of 8128 x 8128", 0.5, 1);
    for (int i = 1; i <= 1199; i++) hesse_progress_redraw_at(&p, p.started + 1 + i);
    /* There are lines at 2, 12, ... 122 s, and then every minute. */
    assert_int_equal(count(written(f), "\n"), 13 + 17);
    fclose(f);
}

/* The thread draws without any update. */
static void a_thread_redraws(void **state)
{
    (void)state;
    hesse_progress p;
    FILE *f = begin(&p, 100);
    p.terminal = true;
    hesse_progress_keep_alive(&p);
    assert_true(p.alive);
    hesse_progress_update(&p, "assembly", 0.1, 1);
    sleep(3);
    hesse_progress_finish(&p);
    assert_false(p.alive);
    assert_in_range(count(written(f), "assembly"), 1, 4);
    const char *all = text;
    assert_string_equal(all + strlen(all) - 4, "\r\033[K");
    fclose(f);
}

static void long_times_are_readable(void **state)
{
    (void)state;
    hesse_progress p;
    FILE *f = begin(&p, 10000);
    hesse_progress_update_at(&p, p.started + 10, "assembly", 0.001, 1);
    hesse_progress_update_at(&p, p.started + 20, "assembly", 0.002, 1);
    assert_non_null(strstr(written(f), " 2 h 46 min left"));
    fclose(f);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_job_leaves_no_log),
        cmocka_unit_test(a_log_has_a_line_now_and_then),
        cmocka_unit_test(a_terminal_has_one_line),
        cmocka_unit_test(nothing_is_said_of_nothing),
        cmocka_unit_test(the_time_left_begins_with_the_plan),
        cmocka_unit_test(work_of_earlier_runs_is_no_speed),
        cmocka_unit_test(long_work_shows_that_it_goes_on),
        cmocka_unit_test(a_thread_redraws),
        cmocka_unit_test(long_times_are_readable),
    };
    return run_cases(argc, argv, tests, NULL, NULL);
}
