/** The plan of a job, as `hesse plan` prints it: tables, or JSON with the same
 * numbers. */
#ifndef HESSE_PROGRAM_PLANNED_H
#define HESSE_PROGRAM_PLANNED_H

#include "curvature/analysis.h"
#include "files/json_write.h"
#include "job/job.h"
#include "program/measures.h"

/** The training runs of a job. */
typedef struct hesse_planned_training {
    int runs;    /* 0: the job does not train */
    int batch;   /* examples of a step        */
    int ranks;   /* of a run                  */
    int stages;  /* that are written          */
    double step; /* operations of a step      */
    double seconds, stage_bytes;
} hesse_planned_training;

typedef struct hesse_planned {
    const hesse_job *job;
    const hesse_problem *problem;
    const hesse_analysis *analysis; /* NULL: only the training is planned         */
    hesse_plan_summary one, all;    /* of one step of a series, and of all        */
    hesse_planned_training training;
    hesse_planned_measures measures;
} hesse_planned;

/** Local. The training runs of a job, in numbers; 0 if it does not train. */
int hesse_planned_runs(const hesse_job *job);

/** Local. Print the whole plan; or only the training. */
void hesse_planned_print(const hesse_planned *p);
void hesse_planned_print_training(const hesse_planned *p);

/** Local. Add the plan to a list, with everything that the tables have. */
void hesse_planned_json(hesse_json *json, json_t *list, const hesse_planned *p);

#endif /* HESSE_PROGRAM_PLANNED_H */
