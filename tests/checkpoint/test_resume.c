/* An analysis that is stopped again and again after a few panels ends with the numbers
   of one that is not stopped. No panel is computed twice unless its part file was
   damaged. This holds on 1, 2, 4 and 6 ranks, and when the number of ranks changes. */
#include "check_problem.h"
#include "checkpoint/checkpoint.h"
#include "curvature/analysis.h"
#include "hesse/hesse.h"
#include "parallel/team.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char IDENTITY[] =
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static const char MANIFEST[] = "{\"job\": {}}";

/* Counts of calls to a checkpoint, and the moment when it stops the run. */
typedef struct tally {
    int left;           /* questions until it stops; below 0: never */
    int panels, done;   /* panels saved; blocks and wholes          */
    const char *folder; /* whose largest size is measured; or NULL  */
    double bytes;
} tally;

static tally now;

hesse_status __real_hesse_checkpoint_save(hesse_checkpoint *c, const hesse_record *what,
                                          size_t count, const double *numbers,
                                          hesse_why *why);
hesse_status __wrap_hesse_checkpoint_save(hesse_checkpoint *c, const hesse_record *what,
                                          size_t count, const double *numbers,
                                          hesse_why *why);
hesse_status __real_hesse_checkpoint_continue(hesse_checkpoint *c, hesse_why *why);
hesse_status __wrap_hesse_checkpoint_continue(hesse_checkpoint *c, hesse_why *why);

/* Bytes of the files of a folder. */
static double size_of(const char *folder)
{
    double sum = 0;
    DIR *entries = opendir(folder);
    const struct dirent *e;
    while (entries && (e = readdir(entries))) {
        char path[512];
        struct stat file;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (stat(path, &file) == 0 && S_ISREG(file.st_mode))
            sum += (double)file.st_size;
    }
    if (entries) closedir(entries);
    return sum;
}

hesse_status __wrap_hesse_checkpoint_save(hesse_checkpoint *c, const hesse_record *what,
                                          size_t count, const double *numbers,
                                          hesse_why *why)
{
    if (c) ++*(what->kind == HESSE_RECORD_PANEL ? &now.panels : &now.done);
    const hesse_status s = __real_hesse_checkpoint_save(c, what, count, numbers, why);
    if (c && now.folder) now.bytes = fmax(now.bytes, size_of(now.folder));
    return s;
}

hesse_status __wrap_hesse_checkpoint_continue(hesse_checkpoint *c, hesse_why *why)
{
    if (!c || now.left < 0 || now.left-- > 0)
        return __real_hesse_checkpoint_continue(c, why);
    now.left = 0;
    const hesse_status s = hesse_checkpoint_make_safe(c, why);
    return s ? s : hesse_fail(why, HESSE_E_STOPPED, "stopped");
}

/* Collective. A folder that all ranks know. */
static void new_folder(char folder[64])
{
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    strcpy(folder, "/tmp/hesse-resume-XXXXXX");
    const int good = rank || mkdtemp(folder);
    MPI_Bcast(folder, 64, MPI_CHAR, 0, MPI_COMM_WORLD);
    assert_all(good);
}

/* Collective over the team. It may not have all ranks, so nothing is asserted. One life
   of an analysis; its panels and results are added to the sum. */
static hesse_status live(hesse_team *team, hesse_analysis *x, const char *folder,
                         int left, tally *sum)
{
    hesse_checkpoint *c = NULL;
    now = (tally){.left = left, .folder = sum->folder};
    hesse_status s = hesse_checkpoint_lock(team, folder, "again", NULL, &c);
    if (!s) s = hesse_checkpoint_open(c, MANIFEST, IDENTITY, 0, false);
    const hesse_run_options options = {.checkpoint = c};
    if (!s) s = hesse_analysis_run_with(x, &options);
    if (s && s != HESSE_E_STOPPED) print_error("%s\n", hesse_team_why(team)->text);
    hesse_checkpoint_close(c, s, false);
    sum->panels += now.panels, sum->done += now.done;
    sum->bytes = fmax(sum->bytes, now.bytes);
    return s;
}

/* Collective. The sum over all ranks. */
static tally sum_of(hesse_team *team, tally mine)
{
    MPI_Allreduce(MPI_IN_PLACE, &mine.panels, 1, MPI_INT, MPI_SUM, team->comm);
    MPI_Allreduce(MPI_IN_PLACE, &mine.done, 1, MPI_INT, MPI_SUM, team->comm);
    return mine;
}

static int same_spectrum(const hesse_spectrum *a, const hesse_spectrum *b)
{
    if (!a || !b) return a == b;
    const double scale = fmax(-a->eigenvalues[0], a->eigenvalues[a->n - 1]);
    int same = a->n == b->n && a->engine == b->engine;
    for (int i = 0; same && i < a->n; i++)
        same = fabs(a->eigenvalues[i] - b->eigenvalues[i]) <= 1e-12 * (1e-9 + scale);
    return same;
}

static void expect_same(const hesse_analysis *x, const hesse_analysis *y)
{
    int same = 1;
    for (int p = 0; p < hesse_analysis_shares(x); p++) {
        for (int b = HESSE_FULL_MATRIX; b < hesse_analysis_blocks(x); b++)
            same &= same_spectrum(hesse_analysis_spectrum(x, p, b),
                                  hesse_analysis_spectrum(y, p, b));
        const double *a = hesse_analysis_coupling(x, p),
                     *c = hesse_analysis_coupling(y, p);
        const int count = hesse_analysis_blocks(x) * hesse_analysis_blocks(x);
        for (int i = 0; a && c && i < count; i++)
            same &= fabs(a[i] - c[i]) <= 1e-13 * (1 + fabs(a[i]));
        same &= !a == !c;
    }
    assert_all(same);
}

static hesse_analysis *ask(hesse_problem problem,
                           const hesse_analysis_options *question)
{
    hesse_analysis *x = NULL;
    assert_all(hesse_analysis_new(problem.objective, question, &x) == HESSE_OK);
    return x;
}

static const hesse_kinds kinds[] = {HESSE_ALL, HESSE_GAUSS_NEWTON};
static const hesse_analysis_options questions[] = {
    {.scope = HESSE_BOTH, .partition = HESSE_CUT_TENSOR, .panel = 16},
    {.scope = HESSE_FULL, .partition = HESSE_CUT_HEAD, .parts = kinds, .n_parts = 2},
    {.scope = HESSE_BLOCKS, .partition = HESSE_CUT_LAYER, .eigenvectors = 2},
    {.scope = HESSE_BLOCKS, .partition = HESSE_CUT_NEURON, .threads = 2, .panel = 4},
};
enum { QUESTIONS = sizeof questions / sizeof *questions };

/* The plan predicts the largest total size of the part files, for every share. */
static void part_files_are_as_large_as_planned(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    hesse_problem problem = open_reference(team, "gpt2");
    for (int q = 0; q < QUESTIONS; q++)
        for (int shares = 1; shares <= 2; shares++) {
            char folder[64];
            hesse_analysis_options question = questions[q];
            question.parts = kinds, question.n_parts = shares;
            hesse_analysis *x = ask(problem, &question);
            const double planned = hesse_analysis_summary(x).disk.parts;
            new_folder(folder);
            tally sum = {.folder = folder};
            const hesse_status s = live(team, x, folder, -1, &sum);
            assert_all(s == HESSE_OK);
            MPI_Allreduce(MPI_IN_PLACE, &sum.bytes, 1, MPI_DOUBLE, MPI_MAX, team->comm);
            assert_all(sum.bytes < 1.05 * planned + 16384);
            assert_all(planned < 1.3 * sum.bytes + 16384);
            hesse_analysis_free(x);
        }
    hesse_problem_free(&problem);
    hesse_team_free(team);
}

static void stopped_runs_go_on(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    hesse_problem problem = open_reference(team, "gpt2");
    for (int q = 0; q < QUESTIONS; q++) {
        hesse_analysis *x = ask(problem, &questions[q]),
                       *y = ask(problem, &questions[q]);
        char folder[64];
        tally once = {0}, all = {0};
        new_folder(folder);
        assert_all(live(team, x, folder, -1, &once) == HESSE_OK);
        assert_all(access(folder, F_OK)); /* it is removed after a success */
        int lives = 1;
        hesse_status s;
        while ((s = live(team, y, folder, 3 * lives, &all)) == HESSE_E_STOPPED) lives++;
        assert_all(s == HESSE_OK);
        assert_all(lives > 2);
        once = sum_of(team, once), all = sum_of(team, all);
        assert_all(once.panels > 0 && all.panels == once.panels);
        assert_all(once.done > 0 && all.done == once.done);
        expect_same(x, y);
        assert_all(access(folder, F_OK));
        hesse_analysis_free(x);
        hesse_analysis_free(y);
    }
    hesse_problem_free(&problem);
    hesse_team_free(team);
}

/* Collective over the team. A life that ends soon. */
static hesse_status begin(hesse_team *team, const hesse_analysis_options *question,
                          const char *folder)
{
    tally c = {0};
    hesse_problem problem;
    hesse_analysis *x = NULL;
    hesse_status s = read_reference(team, "gpt2", &problem);
    if (!s) s = hesse_analysis_new(problem.objective, question, &x);
    if (!s) s = live(team, x, folder, 12, &c);
    hesse_analysis_free(x);
    hesse_problem_free(&problem);
    return s;
}

/* The first half of the ranks begins, and all ranks continue. */
static void other_ranks_go_on(void **state)
{
    (void)state;
    hesse_team *all = team_of_all(), *few = NULL;
    hesse_problem problem = open_reference(all, "gpt2");
    char folder[64];
    new_folder(folder);
    const int half = all->rank < (all->size + 1) / 2;
    assert_all(hesse_team_split(all, half, &few) == HESSE_OK);
    for (int q = 0; q < QUESTIONS; q++) {
        const hesse_status s =
            half ? begin(few, &questions[q], folder) : HESSE_E_STOPPED;
        assert_all(s == HESSE_E_STOPPED);
        hesse_analysis *x = ask(problem, &questions[q]),
                       *y = ask(problem, &questions[q]);
        tally c = {0};
        assert_all(hesse_analysis_run(x) == HESSE_OK);
        assert_all(live(all, y, folder, -1, &c) == HESSE_OK);
        expect_same(x, y);
        hesse_analysis_free(x);
        hesse_analysis_free(y);
    }
    hesse_problem_free(&problem);
    hesse_team_free(few);
    hesse_team_free(all);
}

/* Local. Change a byte in the middle of the largest part file. */
static int damage(const char *folder)
{
    char worst[512] = "", path[512];
    long most = 0;
    DIR *all = opendir(folder);
    for (const struct dirent *e; all && (e = readdir(all));) {
        snprintf(path, sizeof path, "%s/%.200s", folder, e->d_name);
        FILE *f = strstr(e->d_name, ".part") ? fopen(path, "rb") : NULL;
        if (!f) continue;
        fseek(f, 0, SEEK_END);
        if (ftell(f) > most) most = ftell(f), strcpy(worst, path);
        fclose(f);
    }
    if (all) closedir(all);
    FILE *f = fopen(worst, "r+b");
    if (!f) return 0;
    fseek(f, most / 2, SEEK_SET);
    const int byte = fgetc(f);
    fseek(f, most / 2, SEEK_SET);
    fputc(byte ^ 1, f);
    return fclose(f) == 0;
}

static void damaged_work_is_done_again(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    hesse_problem problem = open_reference(team, "gpt2");
    char folder[64];
    hesse_analysis *x = ask(problem, &questions[0]), *y = ask(problem, &questions[0]);
    new_folder(folder);
    tally c = {0}, once = {0};
    assert_all(live(team, x, folder, -1, &once) == HESSE_OK);
    once = sum_of(team, once);
    assert_all(live(team, y, folder, 12, &c) == HESSE_E_STOPPED);
    assert_all(team->rank || damage(folder));
    assert_all(live(team, y, folder, -1, &c) == HESSE_OK);
    c = sum_of(team, c);
    assert_all(c.panels > once.panels);
    expect_same(x, y);
    hesse_analysis_free(x);
    hesse_analysis_free(y);
    hesse_problem_free(&problem);
    hesse_team_free(team);
}

/* A signal to one rank stops all, and the saved work is loaded again. */
static void a_signal_stops_all_ranks(void **state)
{
    (void)state;
    hesse_team *team = NULL;
    hesse_checkpoint *c = NULL;
    hesse_signals signals = {.at_once = 1};
    const hesse_record what = {.kind = HESSE_RECORD_BLOCK, .block = 3};
    const double saved[2] = {1, 2};
    double loaded[2] = {0};
    char folder[64];
    new_folder(folder);
    assert_all(hesse_team_new(MPI_COMM_WORLD, &team) == HESSE_OK);
    hesse_why *why = hesse_team_why(team);
    now.left = -1;
    assert_all(hesse_checkpoint_lock(team, folder, "again", &signals, &c) == HESSE_OK);
    assert_all(hesse_checkpoint_open(c, MANIFEST, IDENTITY, 100, false) == HESSE_OK);
    assert_all(!signals.at_once && !hesse_checkpoint_has(c, &what, 2));
    assert_all(hesse_checkpoint_continue(c, why) == HESSE_OK);
    const int last = team->rank == team->size - 1;
    if (last)
        assert_int_equal(hesse_checkpoint_save(c, &what, 2, saved, why), HESSE_OK);
    assert_all(hesse_checkpoint_begin_uninterruptible(c, why) == HESSE_OK);
    assert_all(signals.at_once && !signals.line == (team->rank != 0));
    hesse_checkpoint_end_uninterruptible(c);
    assert_all(!signals.at_once);
    if (last) signals.caught = SIGUSR1;
    hesse_status s = HESSE_OK;
    while (!s) s = hesse_checkpoint_continue(c, why);
    assert_all(s == HESSE_E_STOPPED);
    assert_all(hesse_checkpoint_close(c, hesse_agree(team, s), false) == s);
    assert_all(strstr(why->text, folder) && strstr(why->text, "again"));

    assert_all(hesse_checkpoint_lock(team, folder, "again", NULL, &c) == HESSE_OK);
    assert_all(hesse_checkpoint_open(c, "{\"job\": {\"a\": \"1\"}}", IDENTITY, 0,
                                     false) == HESSE_E_JOB);
    assert_all(strstr(why->text, "a was") != NULL);
    hesse_checkpoint_close(c, HESSE_E_JOB, false);
    assert_all(hesse_checkpoint_is_there(folder)); /* files of others stay */

    assert_all(hesse_checkpoint_lock(team, folder, "again", NULL, &c) == HESSE_OK);
    assert_all(hesse_checkpoint_open(c, MANIFEST, IDENTITY, 0, false) == HESSE_OK);
    assert_all(hesse_checkpoint_runs(c) == 1 && hesse_checkpoint_has(c, &what, 2));
    assert_all(hesse_checkpoint_load(c, &what, loaded, why) == HESSE_OK);
    assert_all(memcmp(loaded, saved, sizeof saved) == 0);
    assert_all(hesse_checkpoint_close(c, HESSE_OK, false) == HESSE_OK);
    assert_all(access(folder, F_OK));
    hesse_team_free(team);
}

/* A run that waits for a lock gets it when the folder is removed with its lock. A run
   that has not opened the folder leaves nothing. */
static void a_lock_outlives_no_folder(void **state)
{
    (void)state;
    hesse_team *team = NULL;
    hesse_checkpoint *c = NULL;
    char folder[64], lock[80];
    new_folder(folder);
    snprintf(lock, sizeof lock, "%s/lock", folder);
    assert_all(hesse_team_new(MPI_COMM_WORLD, &team) == HESSE_OK);
    pid_t other = 0;
    if (team->rank == 0) {
        const int fd = open(lock, O_CREAT | O_RDWR, 0666);
        assert_int_equal(flock(fd, LOCK_EX), 0);
        other = fork();
        if (!other) { /* it has the lock, and ends like a successful run */
            nanosleep(&(struct timespec){.tv_nsec = 500000000}, NULL);
            unlink(lock);
            rmdir(folder);
            _exit(0);
        }
        close(fd);
    }
    assert_all(hesse_checkpoint_lock(team, folder, "again", NULL, &c) == HESSE_OK);
    assert_all(!access(lock, F_OK));
    assert_all(hesse_checkpoint_close(c, HESSE_E_OUTPUT, false) == HESSE_E_OUTPUT);
    assert_all(access(folder, F_OK));
    if (other) waitpid(other, NULL, 0);
    hesse_team_free(team);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(part_files_are_as_large_as_planned),
    cmocka_unit_test(stopped_runs_go_on),
    cmocka_unit_test(other_ranks_go_on),
    cmocka_unit_test(damaged_work_is_done_again),
    cmocka_unit_test(a_signal_stops_all_ranks),
    cmocka_unit_test(a_lock_outlives_no_folder)};

MPI_TEST_MAIN(tests)
