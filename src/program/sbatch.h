/** A script for Slurm. */
#ifndef HESSE_PROGRAM_SBATCH_H
#define HESSE_PROGRAM_SBATCH_H

#include "curvature/analysis.h"
#include "program/options.h"

/** Local. Print a batch script that runs a job as it is planned: jobs/hesse.sbatch,
 * with the plan's ranks, its memory per rank with a tenth and 256 MiB for the program
 * more, and one and a half times its time and ten minutes. */
void hesse_sbatch_print(const hesse_plan_summary *plan, const hesse_options *options);

#endif /* HESSE_PROGRAM_SBATCH_H */
