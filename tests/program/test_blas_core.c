/* Tests the choice of the OpenBLAS core, and a process that starts itself again with
   it. The test starts itself as a child, which does this and prints the result. The
   child's OpenBLAS is this file, because functions that the program exports come before
   those of a library. */
#include "check.h"
#include "program/blas_core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int threads = 4;

char *openblas_get_corename(void);
int openblas_get_num_threads(void);
void openblas_set_num_threads(int n);

/* Behaves like OpenBLAS 0.3.21 on a processor that it does not know; with DEAF the core
   cannot be chosen. */
char *openblas_get_corename(void)
{
    static char fallback[] = "Prescott";
    char *asked = getenv("OPENBLAS_CORETYPE");
    return asked && !getenv("DEAF") ? asked : fallback;
}

int openblas_get_num_threads(void)
{
    return threads;
}

void openblas_set_num_threads(int n)
{
    threads = n;
}

static int child(char **argv)
{
    hesse_blas_mend(argv);
    const char *mended = hesse_blas_mended();
    const char *better = hesse_blas_better();
    printf("core %s, was %s, %s, %d threads, called with %s\n", hesse_blas_core(),
           mended ? mended : "the same", better ? better : "good", hesse_blas_threads(),
           argv[2]);
    return 0;
}

/* Gives the line that the child prints in a given environment, which is names and
   values in turn. */
static void run_child(const char *const *environment, char *line, int room)
{
    int ends[2], status;
    assert_int_equal(pipe(ends), 0);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char *const argv[] = {"renamed", "child", "a b", NULL};
        static const char *const cleared[] = {"OPENBLAS_CORETYPE", "HESSE_BLAS_MENDED",
                                              "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS",
                                              "DEAF"};
        for (size_t i = 0; i < sizeof cleared / sizeof *cleared; i++)
            unsetenv(cleared[i]);
        for (; *environment; environment += 2)
            setenv(environment[0], environment[1], 1);
        alarm(20); /* survives exec: a loop ends */
        dup2(ends[1], STDOUT_FILENO);
        execv("/proc/self/exe", argv);
        _exit(1);
    }
    close(ends[1]);
    FILE *f = fdopen(ends[0], "r");
    assert_non_null(f);
    if (!fgets(line, room, f)) *line = '\0';
    fclose(f);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void assert_contains(const char *line, const char *text)
{
    if (!strstr(line, text)) fail_msg("expected \"%s\" in \"%s\"", text, line);
}

static const char *wanted_here(void)
{
#if defined(__x86_64__) && defined(__GNUC__)
    const bool avx512 =
        __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
    if (avx512) return "SkylakeX";
    if (__builtin_cpu_supports("avx2")) return "Haswell";
#endif
    return NULL;
}

static void old_cores_are_replaced(void **state)
{
    (void)state;
    static const char *const old[] = {"Prescott", "Core2",     "Nehalem",
                                      "generic",  "Unknown",   "Sandybridge",
                                      "PRESCOTT", "Piledriver"};
    for (size_t i = 0; i < sizeof old / sizeof *old; i++) {
        assert_string_equal(hesse_blas_core_wanted(old[i], true, true), "SkylakeX");
        assert_string_equal(hesse_blas_core_wanted(old[i], true, false), "Haswell");
        assert_null(hesse_blas_core_wanted(old[i], false, false));
    }
}

static void good_and_unknown_cores_are_kept(void **state)
{
    (void)state;
    static const char *const good[] = {
        "Haswell",        "Zen",   "SkylakeX",          "SKYLAKEX", "Cooperlake",
        "SapphireRapids", "armv8", "a core of tomorrow"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_null(hesse_blas_core_wanted(good[i], true, true));
    assert_null(hesse_blas_core_wanted(NULL, true, true));
}

static void a_fallback_is_mended_once(void **state)
{
    (void)state;
    char line[256], expected[128];
    if (!wanted_here()) skip();
    run_child((const char *const[]){NULL}, line, sizeof line);
    snprintf(expected, sizeof expected, "core %s, was Prescott, good, 1 threads",
             wanted_here());
    assert_contains(line, expected);
    assert_contains(line, "called with a b");
}

static void a_mend_in_vain_does_not_loop(void **state)
{
    (void)state;
    char line[256], expected[128];
    if (!wanted_here()) skip();
    run_child((const char *const[]){"DEAF", "1", NULL}, line, sizeof line);
    snprintf(expected, sizeof expected, "core Prescott, was Prescott, %s,",
             wanted_here());
    assert_contains(line, expected);
    run_child((const char *const[]){"HESSE_BLAS_MENDED", "Atom", NULL}, line,
              sizeof line);
    assert_contains(line, "core Prescott, was Atom");
}

static void the_choice_of_a_user_is_left_alone(void **state)
{
    (void)state;
    char line[256], expected[128];
    run_child((const char *const[]){"OPENBLAS_CORETYPE", "Prescott", NULL}, line,
              sizeof line);
    snprintf(expected, sizeof expected, "core Prescott, was the same, %s,",
             wanted_here() ? wanted_here() : "good");
    assert_contains(line, expected);
    run_child((const char *const[]){"OPENBLAS_NUM_THREADS", "4", NULL}, line,
              sizeof line);
    assert_contains(line, "4 threads");
    run_child((const char *const[]){"OMP_NUM_THREADS", "4", NULL}, line, sizeof line);
    assert_contains(line, "4 threads");
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "child") == 0) return child(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(old_cores_are_replaced),
        cmocka_unit_test(good_and_unknown_cores_are_kept),
        cmocka_unit_test(a_fallback_is_mended_once),
        cmocka_unit_test(a_mend_in_vain_does_not_loop),
        cmocka_unit_test(the_choice_of_a_user_is_left_alone),
    };
    return run_cases(argc, argv, tests, NULL, NULL);
}
