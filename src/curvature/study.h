/** The inside of a study, for the program: what is planned, and what was found. */
#ifndef HESSE_CURVATURE_STUDY_H
#define HESSE_CURVATURE_STUDY_H

#include "curvature/analyse.h"
#include "curvature/model.h"
#include "hesse/study.h"

struct hesse_study {
    hesse_model *model; /* borrowed */
    hesse_partition partition;
    hesse_schedule schedule;
    hesse_inquiry inquiry;
    hesse_kinds *kinds;   /* [shares]                                       */
    int ranks;            /* planned for                                    */
    double memory;        /* bytes a rank may use                           */
    double base, peak;    /* predicted bytes of a rank: beside its matrices, in all */
    double full_assembly; /* floating-point operations; 0: scope blocks     */
    hesse_engine full_engine;
    double *gradient;          /* in the order of the blocks                     */
    hesse_findings *found;     /* [shares], after a run                     */
    hesse_measures **measures; /* [shares][blocks + 1], the last: the full  */
};

#endif /* HESSE_CURVATURE_STUDY_H */
