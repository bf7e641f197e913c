/** The way in which this process was started: alone or as a rank by a launcher. */
#ifndef HESSE_PROGRAM_LAUNCH_H
#define HESSE_PROGRAM_LAUNCH_H

#include "program/options.h"

/** Local. The rank that a launcher (mpirun, srun) gave to this process, from its
 * environment, before MPI starts; -1 without a launcher. */
int hesse_launch_rank(void);

/** Local. The number of ranks that the launcher started, from its environment; 1
 * without a launcher. With an unknown launcher it is only known to be above this rank.
 */
int hesse_launch_ranks(void);

/** Local. This must be called before MPI_Init. A process without a launcher does not
 * need Open MPI's helper processes, which would outlive it and write their own files.
 * Other MPI libraries ignore the setting. */
void hesse_launch_alone(void);

/** Local. If the caller closed file 0, 1 or 2, open it in such a way that its use
 * fails. Otherwise the next file that is opened, for example the result, would be
 * standard output. */
void hesse_launch_files(void);

/** Collective on comm. Check that all ranks were started with the same program version,
 * arguments, working directory (its path, because devices differ between nodes) and job
 * file. This needs one call of MPI, which comes before any other call that could hang
 * if they differ. Ranks that cannot read the job file do not compare it: rank 0 reads
 * it for all.
 *
 *  options  [in]  the part of the command line that was understood.
 *  Errors: HESSE_E_JOB, the same on all ranks. */
hesse_status hesse_launch_compare(MPI_Comm comm, int argc, char *const *argv,
                                  const hesse_options *options, hesse_why *why);

#endif /* HESSE_PROGRAM_LAUNCH_H */
