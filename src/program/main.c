/* Understand the command line, do the command, and tell why it failed: one line from one
   rank, and the same exit status on all. */
#include "program/blas_core.h"
#include "program/commands.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

typedef struct entry {
    const char *name;
    hesse_status (*run)(hesse_team *team, const hesse_options *options);
    bool computes;
} entry;

static const entry entries[] = {
    {"run", hesse_command_run, true},    {"check", hesse_command_check, true},
    {"plan", hesse_command_plan, false}, {"show", hesse_command_show, false},
    {"keys", hesse_command_keys, false}, {"info", hesse_command_info, true}};

/* What a user who waits should know. */
static void tell_slow_core(void)
{
    const char *better = hesse_blas_better();
    if (better)
        fprintf(stderr,
                "note: OpenBLAS runs with the core %s, many times slower than this "
                "processor allows; OPENBLAS_CORETYPE=%s would fit it\n",
                hesse_blas_core(), better);
}

/* Without a team nobody can say why, and there is one reason for that. */
static void tell_no_team(void)
{
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (rank == 0) fputs("hesse: out of memory for the program's start\n", stderr);
}

static hesse_status dispatch(hesse_team *team, int argc, char **argv)
{
    hesse_options options;
    const bool speaks = hesse_team_rank(team) == 0;
    hesse_status s = hesse_options_read(argc, argv, &options, hesse_team_why(team));
    if (s) return s;
    if (options.help) {
        if (speaks) fputs(hesse_options_help(options.command), stdout);
        return HESSE_OK;
    }
    if (options.version) {
        if (speaks) puts("hesse " HESSE_VERSION);
        return HESSE_OK;
    }
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        if (strcmp(entries[i].name, options.command)) continue;
        if (entries[i].computes && speaks) tell_slow_core();
        s = entries[i].run(team, &options);
    }
    return s;
}

/* What is freed goes back to the system: glibc would keep arrays below 32 MiB in a heap with
   holes once one of them has been freed, and take more than was planned. */
static void give_back(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
}

int main(int argc, char **argv)
{
    hesse_team *team = NULL;
    give_back();
    hesse_blas_mend(argv);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is a write that fails */
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &(int){0});
    hesse_status s = hesse_team_new(MPI_COMM_WORLD, &team);
    if (s) {
        tell_no_team();
    } else {
        s = dispatch(team, argc, argv);
        if (!s && fflush(stdout))
            s = hesse_fail(hesse_team_why(team), HESSE_E_OUTPUT,
                           "standard output: cannot be written");
        s = hesse_agree(team, s);
        if (s && hesse_team_rank(team) == 0)
            fprintf(stderr, "hesse: %s\n", hesse_team_why(team)->text);
    }
    hesse_team_free(team);
    MPI_Finalize();
    return (int)s;
}
