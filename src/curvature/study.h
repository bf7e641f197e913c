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
    hesse_kinds *kinds;    /* [shares]                                       */
    int ranks;             /* planned for                                    */
    bool worldwide;        /* no groups but all ranks and single ones        */
    double memory;         /* bytes a rank may use                           */
    double base, peak;     /* predicted bytes of a rank: beside its matrices, in all */
    double *gradient;      /* in the order of the blocks                     */
    hesse_findings *found; /* [shares], after a run                          */
    hesse_times times;     /* of this rank, after a run                      */
    hesse_measures **measures; /* [shares][blocks + 1], the last: the full       */
};

/** Local. Predict the times of the schedule, which stays as it is, from the rates of this
 *  machine. */
void hesse_study_rate(hesse_study *study, const hesse_rates *rates);

#endif /* HESSE_CURVATURE_STUDY_H */
