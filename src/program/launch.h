/** How this process came to be: alone or as a rank that a launcher started; and other
 *  programs that stand in for commands. */
#ifndef HESSE_PROGRAM_LAUNCH_H
#define HESSE_PROGRAM_LAUNCH_H

#include "program/options.h"

/** Local. The rank that a launcher (mpirun, srun) gave to this process, as its
 * environment says before MPI starts; -1 without a launcher. */
int hesse_launch_rank(void);

/** Local. To be called before MPI_Init. A process without a launcher needs none of Open
 *  MPI's helper processes, which would outlive it and write files of their own. Other
 * MPI libraries ignore the setting. */
void hesse_launch_alone(void);

/** Local. Files 0, 1 and 2 that the caller closed are opened so that using them fails:
 *  without that the next file that is opened, say the result, would be standard output.
 */
void hesse_launch_files(void);

/** Local. Become the program hesse-NAME beside this one, else on the PATH, with the
 * words that follow the name; "help NAME" becomes "hesse-NAME --help". Returns where
 * there is none.
 *
 *  argv  [in]  of main; argv[1] is a name that is no command, or "help". */
void hesse_launch_other(char **argv);

/** Collective on comm. Whether all ranks were started with the same program version,
 *  arguments, working directory (its path: devices differ between nodes) and job file,
 * by one call of MPI, which comes before any other that could hang where they differ.
 * Ranks that cannot read the job file are not asked about it: rank 0 reads it for all.
 *
 *  options  [in]  as far as the command line was understood.
 *  Errors: HESSE_E_JOB, the same on all ranks. */
hesse_status hesse_launch_compare(MPI_Comm comm, int argc, char *const *argv,
                                  const hesse_options *options, hesse_why *why);

#endif /* HESSE_PROGRAM_LAUNCH_H */
