/* This reads the command line, runs the command, and reports a failure: one line from
   one rank, and the same exit status on all ranks. */
#include "program/blas_core.h"
#include "program/commands.h"
#include "program/external.h"
#include "program/launch.h"
#include "program/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

/* Return freed memory to the system. Otherwise, after the first array has been freed,
   glibc would keep arrays below 32 MiB in a heap with holes, and take more memory than
   was planned. */
static void give_back(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
}

/* Local. End all output. This is the only place that checks if writing it succeeded. */
static hesse_status end_output(hesse_why *why)
{
    static const char what[] = "standard output: cannot be written";
    const bool failed = ferror(stdout);
    errno = 0;
    if (!fclose(stdout) && !failed) return HESSE_OK;
    return errno ? hesse_fail(why, HESSE_E_OUTPUT, "%s: %s", what, strerror(errno))
                 : hesse_fail(why, HESSE_E_OUTPUT, "%s", what);
}

static void tell(const char *text)
{
    fprintf(stderr, "hesse: %s\n", text);
}

/* Run a command that needs no MPI. Under a launcher only one process prints, and only
   this one fails: a launcher ends the other processes when one has failed, and could
   otherwise end the one that prints. */
static hesse_status print(const hesse_options *options)
{
    hesse_why why;
    if (hesse_launch_rank() > 0) return HESSE_OK;
    hesse_status s = options->command->print(options, &why);
    if (!s) s = end_output(&why);
    if (s) tell(why.text);
    return s;
}

/* End without MPI, like `print`. */
static hesse_status refuse(const hesse_why *why)
{
    if (hesse_launch_rank() > 0) return HESSE_OK;
    tell(why->text);
    return HESSE_E_JOB;
}

/* Collective. `s` is the status of this rank after reading the command line. */
static hesse_status compute(int argc, char **argv, hesse_options *options,
                            hesse_status s, hesse_why why)
{
    hesse_team *team = NULL;
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    const hesse_status differ =
        hesse_launch_compare(MPI_COMM_WORLD, argc, argv, options, &why);
    if (differ) s = differ;
    if (!s && (s = hesse_team_new(MPI_COMM_WORLD, &team)))
        hesse_fail(&why, s, "out of memory for the program's start");
    if (!s) {
        s = options->command->run(team, options);
        if (!s && rank == 0) s = end_output(hesse_team_why(team));
        s = hesse_agree(team, s);
        why = *hesse_team_why(team);
        hesse_team_free(team);
    }
    hesse_signals_ignore();
    if (s && rank == 0) tell(why.text);
    return s;
}

#if defined(__ELF__) && defined(__GLIBC__)
/* Signals must be caught before the libraries start, which takes OpenBLAS some
   milliseconds, so that no signal has the system's default action. */
static void begin(int argc, char **argv, char **environment)
{
    (void)environment;
    hesse_signals_catch(argc, argv);
}
__attribute__((section(".preinit_array"),
               used)) static void (*const first)(int, char **, char **) = begin;
#endif

int main(int argc, char **argv)
{
    hesse_options options;
    hesse_why why;
    give_back();
    hesse_signals_catch(argc, argv);
    hesse_launch_files();
    hesse_status s = hesse_options_read(argc, argv, &options, &why);
    if (options.unknown && hesse_external_run(argc, argv, &options, &why))
        return (int)refuse(&why);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is a write that fails, */
    signal(SIGPIPE, SIG_IGN); /* and so is a pipe that nobody reads              */
    if (!s && options.command->print) return (int)print(&options);
    hesse_signals_wait(true);
    hesse_blas_mend(argv);
    hesse_signals_wait(false);
    hesse_launch_alone();
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &(int){0});
    hesse_signals_end_at_once();
    s = compute(argc, argv, &options, s, why);
    MPI_Finalize();
    return (int)s;
}
