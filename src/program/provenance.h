/** The origin of a result: the attributes of a result file's root. */
#ifndef HESSE_PROGRAM_PROVENANCE_H
#define HESSE_PROGRAM_PROVENANCE_H

#include "base/digest.h"
#include "curvature/analysis.h"
#include "job/job.h"
#include "output/result.h"
#include "program/resume.h"

/** Wall time of the phases of a run, in seconds. For assembly (with exchange) and
 * eigenvalues it is the time of the slowest rank. */
typedef struct hesse_phases {
    double open, plan, compute, assembly, eigenvalues, distances, write;
} hesse_phases;

/** Local. Add the times of a step to those of a series. */
void hesse_phases_add(hesse_phases *all, const hesse_phases *step);

enum { HESSE_NOTES = 80, HESSE_STEP_NOTES = 12 };

typedef struct hesse_provenance {
    hesse_note list[HESSE_NOTES];
    int count;
    char repeatable[512];
    char command[4096], environment[4096], host[256], created[32], mpi[256], hdf5[32],
        blas[128], procedure[320];
    char config[HESSE_DIGEST_LENGTH], graph[HESSE_DIGEST_LENGTH];
} hesse_provenance;

/** Local. The attributes of one step of a series: its loss, checkpoint and times.
 * Returns their number. The texts point into the network. */
int hesse_provenance_of_step(const hesse_problem *problem, const hesse_phases *phases,
                             hesse_note list[HESSE_STEP_NOTES]);

/** Local. Collect everything that is known of a run: program, machine, job, model and
 * data; docs/result.md has the list. The config.json is read again for its digest if
 * `speaks` is set (rank 0). `failed` is the number of steps of a series, or of runs of
 * a sweep, that have no results. The texts of `list` point into the provenance itself,
 * the job, the analysis and the resume, which must outlive it. */
void hesse_provenance_of(const hesse_analysis *analysis, const hesse_problem *problem,
                         const hesse_job *job, const hesse_phases *phases,
                         const hesse_resume *resume, int failed, bool speaks,
                         hesse_provenance *p);

/** Local. The same for the log of a training run. The problem has a network and a
 * dataset. And add one attribute more. */
void hesse_provenance_of_training(int ranks, const hesse_problem *problem,
                                  const hesse_job *job, const char *identity,
                                  bool speaks, hesse_provenance *p);
void hesse_provenance_add(hesse_provenance *p, hesse_note note);

#endif /* HESSE_PROGRAM_PROVENANCE_H */
