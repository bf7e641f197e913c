/* This has everything that is done before MPI has started, and the comparison of ranks
   immediately after that. */
#include "program/launch.h"

#include "job/job.h"

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The first of the variables that is set, as a number, or -1. */
static int first_set(const char *const *names)
{
    for (; *names; names++)
        if (getenv(*names)) return atoi(getenv(*names));
    return -1;
}

int hesse_launch_rank(void)
{
    static const char *const names[] = {
        "OMPI_COMM_WORLD_RANK", "PMIX_RANK",      "PMI_RANK",     "MV2_COMM_WORLD_RANK",
        "PALS_RANKID",          "FLUX_TASK_RANK", "SLURM_PROCID", NULL};
    return first_set(names);
}

/* SLURM_NTASKS is also set in a batch script, which is no step of its own. */
int hesse_launch_ranks(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE",
                                        "MV2_COMM_WORLD_SIZE",  "SLURM_STEP_NUM_TASKS",
                                        "FLUX_JOB_SIZE",        NULL};
    const int rank = hesse_launch_rank(), ranks = rank < 0 ? 1 : first_set(names);
    return ranks > rank ? ranks : rank + 1;
}

void hesse_launch_alone(void)
{
    if (hesse_launch_rank() < 0) setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
}

void hesse_launch_files(void)
{
    for (int file = 0; file <= 2; file++)
        if (fcntl(file, F_GETFD) < 0)
            (void)open("/dev/null", file ? O_RDONLY : O_WRONLY);
}

/* The digest FNV-1a, to which bytes can be added. */
static uint64_t digest(uint64_t before, const void *bytes, size_t count)
{
    const unsigned char *b = bytes;
    for (size_t i = 0; i < count; i++) before = (before ^ b[i]) * 0x100000001b3u;
    return before;
}

/* The properties of ranks that are compared. Their order and number must never change,
   because ranks may have different versions of the program. */
enum { VERSION, ARGUMENTS, DIRECTORY, JOB, COMPARED };

/* Compute the digests; 0: not known here. Pipes are left to rank 0, because they can be
   read only once. */
static void describe(int argc, char *const *argv, const hesse_options *o,
                     uint64_t mine[COMPARED])
{
    static const uint64_t start = 0xcbf29ce484222325u;
    static const char version[] = HESSE_VERSION " " HESSE_GIT_COMMIT;
    char folder[PATH_MAX], *text = NULL;
    size_t length = 0;
    struct stat file;
    hesse_why ignored;
    mine[VERSION] = digest(start, version, sizeof version);
    mine[ARGUMENTS] = start;
    for (int i = 1; i < argc; i++)
        mine[ARGUMENTS] = digest(mine[ARGUMENTS], argv[i], strlen(argv[i]) + 1);
    mine[DIRECTORY] =
        getcwd(folder, sizeof folder) ? digest(start, folder, strlen(folder)) : 0;
    mine[JOB] = 0;
    const hesse_command *c = o->command;
    if (!c || !c->argument || strcmp(c->argument, "JOB.yaml") != 0 || !o->file ||
        stat(o->file, &file) || !S_ISREG(file.st_mode))
        return;
    if (!hesse_job_text(o->file, &text, &length, &ignored))
        mine[JOB] = digest(start, text, length);
    free(text);
}

hesse_status hesse_launch_compare(MPI_Comm comm, int argc, char *const *argv,
                                  const hesse_options *options, hesse_why *why)
{
    static const char *const what[] = {
        "different versions of the program", "different arguments",
        "different working directories", "different job files of one name"};
    uint64_t mine[COMPARED], ends[2 * COMPARED];
    describe(argc, argv, options, mine);
    for (int i = 0; i < COMPARED; i++)
        ends[2 * i] = mine[i], ends[2 * i + 1] = mine[i] ? ~mine[i] : 0;
    MPI_Allreduce(MPI_IN_PLACE, ends, 2 * COMPARED, MPI_UINT64_T, MPI_MAX, comm);
    for (int i = 0; i < COMPARED; i++)
        if (ends[2 * i] && ends[2 * i] != ~ends[2 * i + 1])
            return hesse_fail(why, HESSE_E_JOB,
                              "ranks were started with %s, expected the same on all",
                              what[i]);
    return HESSE_OK;
}
