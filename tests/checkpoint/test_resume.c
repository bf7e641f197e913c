/* A analysis that is stopped again and again, after every few panels, ends with the same
   numbers as one that is not; no panel is computed twice, but for those whose file was
   damaged. On 1, 2, 4 and 6 ranks, and on another number of ranks than before. */
#include "check_mpi.h"
#include "checkpoint/parts.h"
#include "curvature/analysis.h"
#include "hesse/hesse.h"
#include "parallel/team.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char IDENTITY[] =
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/* A keeper that stops the run when it was asked often enough. */
typedef struct clock {
    hesse_parts *parts;
    int left;         /* questions until it stops; below 0: never */
    int panels, done; /* that were kept; blocks and wholes        */
} clock;

static bool has(void *context, const hesse_record *what, size_t count)
{
    return hesse_parts_has(((clock *)context)->parts, what, count);
}

static hesse_status recall(void *context, const hesse_record *what, size_t count,
                           double *numbers, hesse_why *why)
{
    return hesse_parts_recall(((clock *)context)->parts, what, count, numbers, why);
}

static hesse_status keep(void *context, const hesse_record *what, size_t count,
                         const double *numbers, hesse_why *why)
{
    clock *c = context;
    ++*(what->kind == HESSE_RECORD_PANEL ? &c->panels : &c->done);
    return hesse_parts_keep(c->parts, what, count, numbers, why);
}

static hesse_status secure(void *context, hesse_why *why)
{
    return hesse_parts_secure(((clock *)context)->parts, why);
}

static void seal(void *context, bool sealed)
{
    (void)context, (void)sealed;
}

static void drop(void *context, int block, int blocks)
{
    hesse_parts_drop(((clock *)context)->parts, block, blocks);
}

static hesse_status go_on(void *context, hesse_why *why)
{
    clock *c = context;
    if (c->left < 0 || c->left-- > 0) return HESSE_OK;
    c->left = 0;
    const hesse_status s = hesse_parts_secure(c->parts, why);
    return s ? s : hesse_fail(why, HESSE_E_STOPPED, "stopped");
}

static hesse_keeper keeper_of(clock *c)
{
    return (hesse_keeper){.context = c,
                          .has = has,
                          .recall = recall,
                          .keep = keep,
                          .secure = secure,
                          .seal = seal,
                          .drop = drop,
                          .go_on = go_on};
}

/* Collective over the team. */
static hesse_status open_model(hesse_team *team, hesse_model **model)
{
    const char *folder = HESSE_TEST_FOLDER "/reference/gpt2";
    char config[512], checkpoint[512], tokens[512];
    snprintf(config, sizeof config, "%s/config.json", folder);
    snprintf(checkpoint, sizeof checkpoint, "%s/model.safetensors", folder);
    snprintf(tokens, sizeof tokens, "%s/tokens.npy", folder);
    const hesse_arch arch = {.family = HESSE_GPT2};
    const hesse_source source = {
        .arch = &arch, .config = config, .checkpoint = checkpoint, .tokens = tokens};
    return hesse_model_open(team, &source, model);
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

static void remove_folder(const char *folder)
{
    int rank;
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (!rank) hesse_parts_remove(folder);
    assert_all(rank || access(folder, F_OK));
}

/* One life of an analysis; its panels and results are added to. */
static hesse_status live(hesse_team *team, hesse_analysis *x, const char *folder,
                         int left, clock *sum)
{
    clock c = {.left = left};
    assert_all(hesse_parts_open(team, folder, IDENTITY, 0, &c.parts) == HESSE_OK);
    const hesse_keeper keeper = keeper_of(&c);
    const hesse_run_options options = {.keeper = &keeper};
    const hesse_status s = hesse_analysis_run_with(x, &options);
    if (s && s != HESSE_E_STOPPED) print_error("%s\n", hesse_team_why(team)->text);
    hesse_parts_free(c.parts);
    MPI_Barrier(team->comm);
    sum->panels += c.panels, sum->done += c.done;
    return s;
}

/* Collective. Of all ranks. */
static clock sum_of(hesse_team *team, clock mine)
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

static hesse_analysis *ask(hesse_model *model, const hesse_analysis_options *question)
{
    hesse_analysis *x = NULL;
    assert_all(hesse_analysis_new(model, question, &x) == HESSE_OK);
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

static void stopped_runs_go_on(void **state)
{
    (void)state;
    hesse_team *team = NULL;
    assert_all(hesse_team_new(MPI_COMM_WORLD, &team) == HESSE_OK);
    hesse_model *model = NULL;
    assert_all(open_model(team, &model) == HESSE_OK);
    for (int q = 0; q < QUESTIONS; q++) {
        hesse_analysis *x = ask(model, &questions[q]), *y = ask(model, &questions[q]);
        char folder[64];
        clock once = {0}, all = {0};
        new_folder(folder);
        assert_all(live(team, x, folder, -1, &once) == HESSE_OK);
        remove_folder(folder);
        new_folder(folder);
        int lives = 1;
        hesse_status s;
        while ((s = live(team, y, folder, 3 * lives, &all)) == HESSE_E_STOPPED) lives++;
        assert_all(s == HESSE_OK);
        assert_all(lives > 2);
        once = sum_of(team, once), all = sum_of(team, all);
        assert_all(once.panels > 0 && all.panels == once.panels);
        assert_all(once.done > 0 && all.done == once.done);
        expect_same(x, y);
        remove_folder(folder);
        hesse_analysis_free(x);
        hesse_analysis_free(y);
    }
    hesse_model_free(model);
    hesse_team_free(team);
}

/* Collective over the team, which need not be all: so nothing is asserted. A life that ends
   soon. */
static hesse_status begin(hesse_team *team, const hesse_analysis_options *question,
                          const char *folder)
{
    clock c = {.left = 12};
    hesse_model *model = NULL;
    hesse_analysis *x = NULL;
    const hesse_keeper keeper = keeper_of(&c);
    hesse_status s = open_model(team, &model);
    if (!s) s = hesse_analysis_new(model, question, &x);
    if (!s) s = hesse_parts_open(team, folder, IDENTITY, 0, &c.parts);
    if (!s) s = hesse_analysis_run_with(x, &(hesse_run_options){.keeper = &keeper});
    hesse_parts_free(c.parts);
    hesse_analysis_free(x);
    hesse_model_free(model);
    return s;
}

/* The first half of the ranks begins, all go on. */
static void other_ranks_go_on(void **state)
{
    (void)state;
    hesse_team *all = NULL, *few = NULL;
    hesse_model *model = NULL;
    char folder[64];
    new_folder(folder);
    assert_all(hesse_team_new(MPI_COMM_WORLD, &all) == HESSE_OK);
    assert_all(open_model(all, &model) == HESSE_OK);
    const int half = all->rank < (all->size + 1) / 2;
    assert_all(hesse_team_split(all, half, &few) == HESSE_OK);
    for (int q = 0; q < QUESTIONS; q++) {
        const hesse_status s =
            half ? begin(few, &questions[q], folder) : HESSE_E_STOPPED;
        assert_all(s == HESSE_E_STOPPED);
        hesse_analysis *x = ask(model, &questions[q]), *y = ask(model, &questions[q]);
        clock c = {0};
        assert_all(hesse_analysis_run(x) == HESSE_OK);
        assert_all(live(all, y, folder, -1, &c) == HESSE_OK);
        expect_same(x, y);
        hesse_analysis_free(x);
        hesse_analysis_free(y);
        if (all->rank == 0) hesse_parts_empty(folder);
    }
    remove_folder(folder);
    hesse_model_free(model);
    hesse_team_free(few);
    hesse_team_free(all);
}

/* Local. A byte in the middle of the largest part file is another one. */
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
    hesse_team *team = NULL;
    char folder[64];
    assert_all(hesse_team_new(MPI_COMM_WORLD, &team) == HESSE_OK);
    hesse_model *model = NULL;
    assert_all(open_model(team, &model) == HESSE_OK);
    hesse_analysis *x = ask(model, &questions[0]), *y = ask(model, &questions[0]);
    new_folder(folder);
    clock c = {0}, once = {0};
    assert_all(live(team, x, folder, -1, &once) == HESSE_OK);
    once = sum_of(team, once);
    hesse_parts_empty(folder);
    MPI_Barrier(team->comm);
    assert_all(live(team, y, folder, 12, &c) == HESSE_E_STOPPED);
    assert_all(team->rank || damage(folder));
    assert_all(live(team, y, folder, -1, &c) == HESSE_OK);
    c = sum_of(team, c);
    assert_all(c.panels > once.panels);
    expect_same(x, y);
    remove_folder(folder);
    hesse_analysis_free(x);
    hesse_analysis_free(y);
    hesse_model_free(model);
    hesse_team_free(team);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(stopped_runs_go_on),
                                          cmocka_unit_test(other_ranks_go_on),
                                          cmocka_unit_test(damaged_work_is_done_again)};

MPI_TEST_MAIN(tests)
