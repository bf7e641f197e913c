/** A script for Slurm. */
#ifndef HESSE_PROGRAM_SBATCH_H
#define HESSE_PROGRAM_SBATCH_H

#include "curvature/analysis.h"
#include "program/options.h"

/** Local. Print a batch script that runs a job by its plan. It is jobs/hesse.sbatch
 * with the plan's ranks, 1.1 times its memory per rank plus 200 MiB, and 1.5 times its
 * time plus ten minutes. */
void hesse_sbatch_print(const hesse_plan_summary *plan, const hesse_options *options);

#endif /* HESSE_PROGRAM_SBATCH_H */
